"""`Reader`: answers from one generation of an index."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from ragqa.answer import Context, answer_plan, check_question
from ragqa.api.current import restricted
from ragqa.api.opened import Opened
from ragqa.plan.sections import plan_by_paper, plan_card, plan_question
from ragqa.records import (
    Answer,
    Chunk,
    Locator,
    Paper,
    Plan,
    ScoredChunk,
    Statement,
)

if TYPE_CHECKING:
    from ragqa.api.asked import AskedQuestion
    from ragqa.api.conversation import Conversation
    from ragqa.card import Card
    from ragqa.explain import Explanation

__all__ = ["Reader"]


class Reader(Opened):
    """Answers questions from one generation of an index; open it once, ask often.

    What it is opened with, and its settings, stand at `ragqa.api.opened.Opened`.
    """

    def ask(
        self,
        question: str,
        *,
        paper_ids: Sequence[str] = (),
        by_paper: bool = False,
        on_statement: Callable[[Statement], None] | None = None,
    ) -> Answer:
        """Answer a question from the listed papers, or abstain.

        :param question: The question.
        :param paper_ids: Papers to restrict the answer to; empty for all.
        :param by_paper: Whether each paper answers alone, in a section of its own; the papers that
            do not answer are named in a notice.
        :param on_statement: Told of each statement of a chat model as soon as it has passed the
            check, before the answer is complete.
        :return: A checked answer.
        :raises QuestionError: The question is empty or far too long.
        :raises CorpusError: A paper is not listed.
        :raises ModelError: The chat model cannot be opened; one that fails later costs the answer
            its prose, not the answer.
        :raises OptionalDependencyError: The chat model's package is not installed.
        """
        plan, context = self._planned(question, paper_ids, by_paper, on_statement)
        return answer_plan(plan, context, index=self.fingerprint)

    def ask_many(
        self,
        questions: Iterable[str],
        *,
        paper_ids: Sequence[str] = (),
        by_paper: bool = False,
        on_answer: Callable[[AskedQuestion], None] | None = None,
    ) -> tuple[AskedQuestion, ...]:
        """Answer many questions, each as `ask` does, sooner than one after the other.

        :param questions: The questions; an empty one is a row with its error, and stops nothing.
        :param paper_ids: As in `ask`, for all of them.
        :param by_paper: As in `ask`, for all of them.
        :param on_answer: Told of each question as soon as it is done, in the order asked.
        :return: A row for each question, in the order asked.
        :raises CorpusError: A paper is not listed.
        :raises IndexMismatchError: The embedder is not that of the index.
        :raises ModelError: The chat model cannot be opened.
        """
        from ragqa.api.asked import ask_many

        context = self._context()  # what is wrong with all of them is told once
        for paper_id in paper_ids:
            context.paper(paper_id)

        def ask(question: str) -> Answer:
            return self.ask(question, paper_ids=paper_ids, by_paper=by_paper)

        return ask_many(questions, ask, context.retriever, on_answer=on_answer)

    def explain(
        self,
        question: str,
        *,
        paper_ids: Sequence[str] = (),
        by_paper: bool = False,
        on_statement: Callable[[Statement], None] | None = None,
    ) -> Explanation:
        """Answer a question as `ask` does, and tell how the answer came about.

        :param question: The question.
        :param paper_ids: Papers to restrict the answer to; empty for all.
        :param by_paper: Whether each paper answers alone.
        :param on_statement: As in `ask`.
        :return: The answer with plan, searches, prompts, raw outputs and refusals.
        :raises QuestionError: The question is empty or far too long.
        :raises CorpusError: A paper is not listed.
        :raises ModelError: The chat model cannot be opened.
        :raises OptionalDependencyError: The chat model's package is not installed.
        """
        return self._explained(*self._planned(question, paper_ids, by_paper, on_statement))

    def explain_card(self, card: Card, *, papers: Sequence[Paper] | None = None) -> Explanation:
        """Answer a card as `answer_card` does, and tell how the answer came about.

        :param card: The card; its papers must be those of the index.
        :param papers: As in `answer_card`.
        :return: The answer with plan, searches, prompts, raw outputs and refusals.
        :raises CorpusError: A paper of the card is not listed.
        :raises ModelError: The chat model cannot be opened.
        :raises OptionalDependencyError: The chat model's package is not installed.
        """
        return self._explained(*self._planned_card(card, papers))

    def _explained(self, plan: Plan, context: Context) -> Explanation:
        from ragqa.explain import explain

        return explain(answer_plan(plan, context, index=self.fingerprint), plan, context)

    async def aask(
        self,
        question: str,
        *,
        paper_ids: Sequence[str] = (),
        by_paper: bool = False,
        on_statement: Callable[[Statement], None] | None = None,
    ) -> Answer:
        """Do as `ask`, without blocking the event loop; cancelling it ends the model's work.

        :param question: The question.
        :param paper_ids: Papers to restrict the answer to; empty for all.
        :param by_paper: Whether each paper answers alone.
        :param on_statement: As in `ask`; called in the event loop.
        :return: A checked answer.
        :raises QuestionError: The question is empty or far too long.
        :raises CorpusError: A paper is not listed.
        :raises ModelError: The chat model cannot be opened.
        :raises OptionalDependencyError: The chat model's package is not installed.
        """
        import asyncio  # 10 ms: not before it is needed

        loop, cancelled = asyncio.get_running_loop(), threading.Event()

        def show(statement: Statement) -> None:
            if on_statement is not None:
                loop.call_soon_threadsafe(on_statement, statement)

        def work() -> Answer:
            plan, context = self._planned(question, paper_ids, by_paper, show, cancelled)
            return answer_plan(plan, context, index=self.fingerprint)

        try:
            return await asyncio.to_thread(work)
        finally:
            cancelled.set()

    def _planned(
        self,
        question: str,
        paper_ids: Sequence[str],
        by_paper: bool,
        on_statement: Callable[[Statement], None] | None,
        cancelled: threading.Event | None = None,
    ) -> tuple[Plan, Context]:
        checked = check_question(question)  # before the models are loaded
        context = self._context(on_statement, cancelled)
        for paper_id in paper_ids:
            context.paper(paper_id)
        if by_paper and (asked := context.with_text(paper_ids)):
            papers = [context.paper(paper_id) for paper_id in asked]
            return plan_by_paper(checked, papers), context
        return plan_question(checked, paper_ids=paper_ids), context

    def conversation(self) -> Conversation:
        """Begin a conversation, in which a question may point back to what was said before.

        :return: What to ask; without a chat model, each question is asked as it stands.
        """
        from ragqa.api.conversation import Conversation

        return Conversation(self)

    def answer_card(
        self,
        card: Card,
        *,
        papers: Sequence[Paper] | None = None,
        on_statement: Callable[[Statement], None] | None = None,
    ) -> Answer:
        """Answer a question card, one section for each of its instructions.

        :param card: The card; its papers must be those of the index.
        :param papers: The card's papers under the ids of an index that holds more than them: only
            these are used and named as sources, as they stand here. None for an index of its own.
        :param on_statement: As in `ask`.
        :return: A checked answer.
        :raises CorpusError: A paper of the card is not listed.
        :raises ModelError: The chat model cannot be opened.
        :raises OptionalDependencyError: The chat model's package is not installed.
        """
        plan, context = self._planned_card(card, papers, on_statement)
        return answer_plan(plan, context, index=self.fingerprint)

    def _planned_card(
        self,
        card: Card,
        papers: Sequence[Paper] | None,
        on_statement: Callable[[Statement], None] | None = None,
    ) -> tuple[Plan, Context]:
        context = self._context(on_statement)
        listed = card.papers if papers is None else papers
        papers = [context.paper(paper.paper_id) for paper in listed]
        if listed is not card.papers:
            papers = list(listed)
            context = restricted(context, papers)
        return plan_card(check_question(card.question), card.instructions, papers), context

    def to_html(self, answer: Answer) -> str:
        """Return an answer as one self-contained HTML file to share.

        Each citation opens its quote with the words around it and, where the PDF is at hand and
        unchanged, a picture of the page with the quote marked.

        :param answer: An answer of this reader.
        :return: A whole page; encode it as UTF-8.
        """
        from ragqa.api.sharing import share

        return share(answer, store=self._generation.store, corpus=self._current.corpus)

    def retrieve(
        self, query: str, *, k: int = 10, paper_ids: Sequence[str] = ()
    ) -> tuple[ScoredChunk, ...]:
        """Rank the chunks of listed papers for a query, without answering it.

        :param query: Plain text.
        :param k: How many chunks at most; below 1 there are none.
        :param paper_ids: Papers to search; empty for all that are listed.
        :return: Chunks, best first; a paper taken off the list has none among them.
        :raises QuestionError: The query is empty or far too long.
        :raises CorpusError: A paper is not listed.
        """
        text, context = check_question(query), self._context()
        for paper_id in paper_ids:
            context.paper(paper_id)
        if k < 1:
            return ()
        allowed = context.with_text(paper_ids)
        return context.retriever.rank(text, k=k, paper_ids=allowed)

    def locate(self, chunk: Chunk) -> tuple[Locator, ...]:
        """Say where a chunk of this index stands.

        :param chunk: A chunk that `retrieve` gave.
        :return: A locator for each page touched, or its lines.
        """
        document = self._generation.store.document(chunk.paper_id, chunk.document)
        return document.locate(chunk.start, chunk.end)
