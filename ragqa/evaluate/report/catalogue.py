"""What the report must know about measures by name: their group, their company, the foremost.

In: names. Out: facts of the measures' own table. Invariant: an unknown name is no error here; a
report shows what a run holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal

from ragqa.errors import EvaluationError
from ragqa.evaluate.measures import Measure, all_measures, parse_measures, with_company
from ragqa.evaluate.measures.names import family_of
from ragqa.evaluate.records import Total

__all__ = [
    "Group",
    "company",
    "describe",
    "group_of",
    "headlines",
    "judges_rows",
    "missing_company",
    "tells_of_answers",
]

Group = Literal["retrieval", "evidence", "answer", "citation", "abstention", "cost", "other"]
"""Groups of measures, and what is in none."""

_FOREMOST: tuple[Group, ...] = ("retrieval", "evidence", "answer")


@cache
def describe(name: str) -> Measure | None:
    """Return a measure by name.

    :param name: Its name, cutoff included.
    :return: The measure; None where there is none of that name.
    """
    try:
        return parse_measures([name])[0]
    except EvaluationError:
        return None


def group_of(name: str) -> Group:
    """Return which group a measure belongs to.

    :param name: Its name.
    :return: Its group; ``other`` for an unknown name.
    """
    measure = describe(name)
    return "other" if measure is None else measure.group


def judges_rows(name: str) -> bool:
    """Say whether a measure is made of rows of both views, and not of questions.

    :param name: Its name.
    :return: True for those measures of abstention that judge no single question.
    """
    measure = describe(name)
    if measure is None or measure.group != "abstention":
        return False
    return family_of(measure).overall is not None


def headlines(per_question: Mapping[str, object]) -> list[str]:
    """Return the measures by which questions are ordered.

    :param per_question: Measures that judge single questions, in the order asked for.
    :return: The first of each group that tells of finding and answering, so that no group counts
        more because more of it was asked for; all unknown ones where there is no other.
    """
    first: dict[Group, str] = {}
    for name in per_question:
        if tells_of_answers(name):
            first.setdefault(group_of(name), name)
    chosen = [first[group] for group in _FOREMOST if group in first]
    return chosen or [first[group] for group in ("other",) if group in first]


def tells_of_answers(name: str) -> bool:
    """Say whether a measure tells how well a question was answered, 1 being best.

    :param name: Its name.
    :return: False for measures of cost and of abstention.
    """
    measure = describe(name)
    return measure is None or (
        measure.higher_is_better and measure.group not in {"abstention", "cost"}
    )


@cache
def company() -> frozenset[str]:
    """Return the measures beside which those of citations may be shown.

    :return: Their names.
    """
    alone = next(measure for measure in all_measures() if measure.group == "citation")
    return frozenset(measure.name for measure in with_company((alone,))) - {alone.name}


def missing_company(totals: Mapping[str, Total]) -> list[str]:
    """Return the measures without which a run's measures of citations must not be shown.

    :param totals: A run's totals.
    :return: Names that it has no value of; none for a run without a value for citations.
    """
    known = {name for name, total in totals.items() if total.value is not None}
    if all(group_of(name) != "citation" for name in known):
        return []
    return sorted(company() - known)
