"""Many questions -> a row for each; while some are answered, the next ones are embedded.

In: questions, what answers one, and the retriever that it searches with. Out: `AskedQuestion` rows,
in the order asked. Invariants: an answer is the one that the question has when it is asked alone,
to the last bit where the embedder's rows do not depend on the texts beside them (that of exported
models do not); a question that fails is a row, never a stop.

Two threads are enough: embedding runs outside of Python's lock on all cores, the rest mostly inside
of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from ragqa.answer import check_question
from ragqa.errors import EmbedderError, QuestionError, RagqaError
from ragqa.plan.sections import plan_question
from ragqa.records import Answer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ragqa.retrieve.hybrid import Retriever

    _Vectors = dict[str, NDArray[np.float32]]

__all__ = ["AskedQuestion", "ask_many"]

_BATCH = 16  # questions embedded at once: some of each length, and 70 ms until the first answer


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedQuestion:
    """How one question fared.

    :ivar question: As it was asked.
    :ivar answer: Its answer, which may be an abstention; None where it failed.
    :ivar error: Why it failed; None where it did not.
    """

    question: str
    answer: Answer | None = None
    error: RagqaError | None = None

    @property
    def status(self) -> Literal["answered", "abstained", "failed"]:
        """Return how it fared: `abstained` is a result, `failed` has no answer."""
        if self.answer is None:
            return "failed"
        return "abstained" if self.answer.abstained else "answered"

    def to_dict(self) -> dict[str, Any]:
        """Return the row as JSON-ready values.

        :return: The question, its status, and its answer or its error.
        """
        return {
            "question": self.question,
            "status": self.status,
            "detail": None if self.error is None else str(self.error),
            "answer": None if self.answer is None else self.answer.to_dict(),
        }


def ask_many(
    questions: Iterable[str],
    ask: Callable[[str], Answer],
    retriever: Retriever,
    *,
    on_answer: Callable[[AskedQuestion], None] | None = None,
) -> tuple[AskedQuestion, ...]:
    """Answer many questions.

    :param questions: The questions.
    :param ask: Answers one, by this retriever.
    :param retriever: What is told the questions' vectors ahead.
    :param on_answer: Told of each as soon as it is done.
    :return: A row for each, in the order asked.
    """
    rows = []
    for batch, vectors in _ahead(questions, retriever):
        retriever.expect(vectors)
        for question in batch:
            rows.append(_asked(question, ask))
            if on_answer is not None:
                on_answer(rows[-1])
    retriever.expect({})
    return tuple(rows)


def _ahead(
    questions: Iterable[str], retriever: Retriever
) -> Iterator[tuple[Sequence[str], _Vectors]]:
    """Yield batches with their vectors, while those of the next one are made."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        before, rest = None, iter(questions)
        while batch := tuple(islice(rest, _BATCH)):
            made = pool.submit(_embed, batch, retriever)
            if before is not None:
                yield before[0], before[1].result()
            before = batch, made
        if before is not None:
            yield before[0], before[1].result()


def _embed(questions: Sequence[str], retriever: Retriever) -> _Vectors:
    """Embed what the questions will be searched for; nothing where that fails, to fail alone."""
    queries = dict.fromkeys(query for question in questions for query in _queries(question))
    try:
        return retriever.embed(list(queries)) if queries else {}
    except EmbedderError:
        return {}


def _queries(question: str) -> Iterator[str]:
    try:
        checked = check_question(question)
    except QuestionError:
        return
    yield checked
    for section in plan_question(checked).sections:
        yield from section.queries


def _asked(question: str, ask: Callable[[str], Answer]) -> AskedQuestion:
    try:
        return AskedQuestion(question=question, answer=ask(question))
    except RagqaError as error:
        return AskedQuestion(question=question, error=error)
