"""What a measure is, and how one is made from its family and a cutoff.

In: a family's facts and its functions. Out: `Measure`s. Invariant: a family either judges single
questions (`values`) or whole runs (`overall`), never both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ragqa.evaluate.measures.bench import Asked, Bench, Output
from ragqa.evaluate.records import GoldQuestion, Response, Total

__all__ = ["MAX_CUTOFF", "Case", "Family", "Group", "Measure", "Value", "Values", "each"]

MAX_CUTOFF = 1000
"""Largest cutoff, in ranks: as deep as TREC runs go; no system is asked for more hits."""

Group = Literal["retrieval", "evidence", "answer", "citation", "abstention", "cost"]
"""Which part of a system's output a measure is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A measure as it is asked for, shown and explained.

    :ivar name: What the command line takes and tables show, cutoff included.
    :ivar title: What it is called in a sentence.
    :ivar group: Which part of the output it is about.
    :ivar formula: How it is computed, in one line.
    :ivar low: Its least value.
    :ivar high: Its greatest value; None for unbounded.
    :ivar default: What a failed question counts; None where a failed one has no such value and is
        left out.
    :ivar higher_is_better: Whether more is better.
    :ivar source: Where it was defined.
    :ivar description: What it says, how it can be fooled, and when a question is left out.
    :ivar cutoff: How many hits or statements it looks at; None for all.
    """

    name: str
    title: str
    group: Group
    formula: str
    low: float
    high: float | None
    default: float | None
    higher_is_better: bool
    source: str
    description: str
    cutoff: int | None = None

    @property
    def base(self) -> str:
        """Return its name without the cutoff."""
        return self.name.partition("@")[0]


Case = tuple[GoldQuestion, Response]
"""A question that can be judged, and what the system gave for it."""

Values = Callable[[Sequence[Case], Measure], Iterable[float | None]]
"""A value for each case; None where there is nothing to judge in this response."""

Value = Callable[[GoldQuestion, Response, Measure], float | None]
"""The value of one case."""


def _any_question(question: GoldQuestion) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A measure before its cutoff is chosen, with the functions that compute it.

    :ivar base: Its name without a cutoff.
    :ivar needs: What a system must give for it.
    :ivar cutoffs: Whether its name has a cutoff.
    :ivar example: A usual cutoff, where it has one.
    :ivar asked: Which row of a question is judged.
    :ivar judges: Whether a question has the gold that it takes.
    :ivar values: Computes single questions.
    :ivar overall: Computes a whole run.
    """

    base: str
    title: str
    group: Group
    formula: str
    source: str
    description: str
    needs: Output
    low: float = 0.0
    high: float | None = 1.0
    default: float | None = 0.0
    higher_is_better: bool = True
    cutoffs: Literal["none", "optional", "needed"] = "none"
    example: int | None = None
    asked: Asked = "as-is"
    judges: Callable[[GoldQuestion], bool] = _any_question
    values: Values | None = None
    overall: Callable[[Bench], Total] | None = None

    @property
    def usual(self) -> str:
        """Return its name as it is usually asked for."""
        return self.base if self.example is None else f"{self.base}@{self.example}"

    def measure(self, cutoff: int | None = None) -> Measure:
        """Return the measure with a cutoff.

        :param cutoff: The cutoff, in ranks; None for none.
        :return: The measure.
        """
        return Measure(
            name=self.base if cutoff is None else f"{self.base}@{cutoff}",
            title=self.title,
            group=self.group,
            formula=self.formula,
            low=self.low,
            high=self.high,
            default=self.default,
            higher_is_better=self.higher_is_better,
            source=self.source,
            description=self.description,
            cutoff=cutoff,
        )


def each(value: Value) -> Values:
    """Turn a function of one case into one of many.

    :param value: Computes one case.
    :return: Computes many.
    """

    def values(cases: Sequence[Case], measure: Measure) -> Iterable[float | None]:
        return [value(question, response, measure) for question, response in cases]

    return values
