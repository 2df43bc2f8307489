"""`Conversation`: questions that may point back to what was said before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ragqa.answer import check_question
from ragqa.notices import notice
from ragqa.records import Answer, Statement

if TYPE_CHECKING:
    from ragqa.api.reader import Reader

__all__ = ["Conversation"]

_NOTHING = "The papers do not answer this."


class Conversation:
    """Asks one question after the other; a follow-up is restated before anything is searched.

    :param reader: Who answers; with a chat model it also restates, without one each question is
        asked as it stands.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._turns: list[tuple[str, str]] = []

    @property
    def turns(self) -> tuple[tuple[str, str], ...]:
        """Return what was asked, as it was understood, and what was answered, oldest first."""
        return tuple(self._turns)

    def ask(
        self,
        question: str,
        *,
        paper_ids: Sequence[str] = (),
        by_paper: bool = False,
        on_statement: Callable[[Statement], None] | None = None,
    ) -> Answer:
        """Answer a question in the light of what was asked before.

        :param question: The question, or a follow-up such as "And at night?".
        :param paper_ids: Papers to restrict the answer to; empty for all.
        :param by_paper: Whether each paper answers alone.
        :param on_statement: Told of each statement as soon as it has passed the check.
        :return: A checked answer; a notice says how a follow-up was understood.
        :raises QuestionError: The question is empty or far too long.
        :raises CorpusError: A paper is not listed.
        :raises ModelError: The chat model cannot be opened.
        :raises OptionalDependencyError: The chat model's package is not installed.
        """
        checked = check_question(question)  # before a model is asked
        asked = self._restated(checked)
        answer = self._reader.ask(
            asked or checked, paper_ids=paper_ids, by_paper=by_paper, on_statement=on_statement
        )
        said = " ".join(statement.text for statement in answer.statements)
        self._turns.append((answer.question, said or _NOTHING))
        if asked is None:
            return answer
        understood = notice("restated", {"question": asked})
        return replace(answer, question=checked, notices=(understood, *answer.notices))

    def _restated(self, question: str) -> str | None:
        if not self._turns or (model := self._reader.model) is None:
            return None
        from ragqa.answer.followup import restate

        return restate(question, self._turns, model)
