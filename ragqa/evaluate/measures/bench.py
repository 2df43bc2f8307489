"""A run laid out for judging: each question beside its rows.

In: a dataset, a run's rows, its timing. Out: a `Bench`. Invariant: every question has one as-is
row and at most one gold-removed row, and so at most one row that should not be answered.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ragqa.errors import EvaluationError
from ragqa.evaluate.records import Dataset, GoldQuestion, Response, Row, Said, Timing, View

__all__ = ["Asked", "Bench", "Output", "is_finite", "lay_out", "shown"]

Output = Literal["response", "hits", "statements", "decision", "confidence"]
"""What a system gives: anything, retrieved chunks, an answer, whether it abstains, how sure."""

Asked = Literal["as-is", "answerable", "unanswerable"]
"""Which row of a question is judged: the as-is one, that one if it should be answered, or the one
of either view that should not."""

_OUTPUTS: tuple[Output, ...] = ("response", "hits", "statements", "decision", "confidence")
_MAX_NAMED = 5  # ids in an error: enough to find them, and still one line


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A run beside the gold, in dataset order.

    :ivar questions: The questions.
    :ivar as_is: Their as-is rows.
    :ivar removed: Their gold-removed rows; None where there is none.
    :ivar seconds: What each as-is row took; None where it failed or is not known.
    :ivar peak_memory: Most memory held while questions were asked, in bytes; None if not known.
    :ivar gives: What the system gives. One that failed on every row is taken to give everything,
        so that it does not escape by failing.
    """

    questions: tuple[GoldQuestion, ...]
    as_is: tuple[Row, ...]
    removed: tuple[Row | None, ...]
    seconds: tuple[float | None, ...]
    peak_memory: int | None
    gives: frozenset[Output]

    def asked(self, which: Asked) -> tuple[Row | None, ...]:
        """Return the row of each question that is judged.

        :param which: Which one.
        :return: The rows, aligned with the questions; None where a question has no such row.
        """
        if which == "as-is":
            return self.as_is
        if which == "answerable":
            return tuple(
                row if question.answerable else None
                for question, row in zip(self.questions, self.as_is, strict=True)
            )
        return tuple(
            removed if question.answerable else row
            for question, row, removed in zip(self.questions, self.as_is, self.removed, strict=True)
        )

    def both(self) -> list[tuple[GoldQuestion, bool, Row]]:
        """Return the rows of both views.

        :return: Question, whether the row should be answered, row.
        """
        kinds: tuple[tuple[Asked, bool], ...] = (("answerable", True), ("unanswerable", False))
        return [
            (question, answerable, row)
            for which, answerable in kinds
            for question, row in zip(self.questions, self.asked(which), strict=True)
            if row is not None
        ]


def lay_out(dataset: Dataset, rows: Sequence[Row], timing: Timing | None = None) -> Bench:
    """Put a run beside the gold.

    :param dataset: The questions.
    :param rows: A run's rows, in any order.
    :param timing: What the run cost, its seconds aligned with the rows; None if not known.
    :return: The run, ready to be judged.
    :raises EvaluationError: A question has no row or several, or rows fit no question.
    """
    if timing is not None and len(timing.seconds) != len(rows):
        raise EvaluationError(
            "a run's timing does not fit its rows",
            item=f"{len(timing.seconds)} timings, {len(rows)} rows",
            hint="Run the evaluation again",
        )
    found = {(row.question_id, row.view): number for number, row in enumerate(rows)}
    _refuse(_mistakes(dataset, rows, found))
    numbers = [found[question.question_id, "as-is"] for question in dataset.questions]
    removed = [found.get((question.question_id, "gold-removed")) for question in dataset.questions]
    return Bench(
        questions=dataset.questions,
        as_is=tuple(rows[number] for number in numbers),
        removed=tuple(None if number is None else rows[number] for number in removed),
        seconds=tuple(_seconds(timing, number, rows[number]) for number in numbers),
        peak_memory=None if timing is None else timing.peak_memory,
        gives=_gives([row.response for row in rows if row.response is not None]),
    )


def shown(response: Response) -> tuple[Said, ...]:
    """Return the statements that a reader sees.

    :param response: A system's response.
    :return: Its statements; none where it abstained.
    """
    return () if response.abstained else response.statements or ()


def is_finite(number: float | None) -> bool:
    """Say whether a number can be used.

    :param number: A number that a system gave.
    :return: False for None, NaN and the infinities.
    """
    return number is not None and math.isfinite(number)


def _mistakes(
    dataset: Dataset, rows: Sequence[Row], found: Mapping[tuple[str, View], int]
) -> dict[str, list[str]]:
    known = {question.question_id: question for question in dataset.questions}
    asked_twice = [row for n, row in enumerate(rows) if found[row.question_id, row.view] != n]
    pointless = [
        row
        for row in rows
        if row.view == "gold-removed"
        and row.question_id in known
        and not known[row.question_id].answerable
    ]
    return {
        "no row": [key for key in known if (key, "as-is") not in found],
        "several rows": [row.question_id for row in asked_twice],
        "not in the dataset": [row.question_id for row in rows if row.question_id not in known],
        "no gold to remove": [row.question_id for row in pointless],
    }


def _refuse(mistakes: dict[str, list[str]]) -> None:
    told = [
        f"{what}: {', '.join(ids[:_MAX_NAMED])}"
        + (f" and {len(ids) - _MAX_NAMED} more" if len(ids) > _MAX_NAMED else "")
        for what, ids in mistakes.items()
        if ids
    ]
    if told:
        raise EvaluationError(
            "the rows of this run do not fit the dataset's questions",
            item="; ".join(told),
            hint="Finish the run, or score it with the dataset that it was made of",
        )


def _seconds(timing: Timing | None, number: int, row: Row) -> float | None:
    seconds = None if timing is None or row.response is None else timing.seconds[number]
    return seconds if is_finite(seconds) else None


def _gives(responses: Sequence[Response]) -> frozenset[Output]:
    if not responses:
        return frozenset(_OUTPUTS)
    tests: dict[Output, bool] = {
        "response": True,
        "hits": any(each.hits is not None for each in responses),
        "statements": any(each.statements is not None for each in responses),
        "decision": any(each.abstained is not None for each in responses),
        "confidence": any(is_finite(each.confidence) for each in responses),
    }
    return frozenset(output for output in _OUTPUTS if tests[output])
