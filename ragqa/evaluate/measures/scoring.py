"""Rows -> scores: every measure over every question.

In: measures, a dataset, a run's rows, its timing. Out: `Scores`. Invariants: ``count + left_out``
is the number of questions, or for measures of both views the number of rows; sums are exact, so
that no order of questions changes a digit; no value is NaN.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ragqa.evaluate.measures.bench import Bench, lay_out
from ragqa.evaluate.measures.evidence import has_evidence
from ragqa.evaluate.measures.family import Case, Measure
from ragqa.evaluate.measures.names import family_of, parse_measures
from ragqa.evaluate.records import Dataset, Row, Scores, Timing, Total

__all__ = ["curve_measure", "recall_curve", "score"]


def score(
    measures: Sequence[Measure],
    dataset: Dataset,
    rows: Sequence[Row],
    timing: Timing | None = None,
) -> Scores:
    """Judge a run.

    :param measures: What to compute.
    :param dataset: The questions and their gold.
    :param rows: A run's rows, in any order.
    :param timing: What the run cost, its seconds aligned with the rows; None if not known.
    :return: A value for each question, in dataset order, and the totals.
    :raises EvaluationError: The rows do not fit the dataset.
    """
    bench = lay_out(dataset, rows, timing)
    per_question: dict[str, tuple[float | None, ...]] = {}
    totals: dict[str, Total] = {}
    for measure in measures:
        family = family_of(measure)
        if family.overall is not None:
            totals[measure.name] = family.overall(bench)
        else:
            per_question[measure.name] = _column(bench, measure)
            totals[measure.name] = _mean(bench, measure, per_question[measure.name])
    return Scores(
        question_ids=tuple(question.question_id for question in bench.questions),
        per_question=per_question,
        totals=totals,
    )


def recall_curve(
    dataset: Dataset, rows: Sequence[Row], depths: Sequence[int]
) -> tuple[tuple[int, float], ...]:
    """Return how much is found by how deep a retrieval: `curve_measure` at each depth.

    :param dataset: The questions.
    :param rows: A run's rows.
    :param depths: Depths, from 1 to 1000, in hits for evidence and in papers for papers.
    :return: Depth and value, in the order given; none for a system that does not retrieve.
    :raises EvaluationError: The rows do not fit the dataset, or a depth is out of range.
    """
    base = curve_measure(dataset)
    measures = parse_measures([f"{base}@{depth}" for depth in depths])
    totals = score(measures, dataset, rows).totals
    points = [(measure.cutoff, totals[measure.name].value) for measure in measures]
    return tuple(
        (depth, value) for depth, value in points if depth is not None and value is not None
    )


def curve_measure(dataset: Dataset) -> str:
    """Say what `recall_curve` shows of a dataset.

    :param dataset: The dataset.
    :return: ``EvidenceHit`` where it has gold evidence, else ``R``.
    """
    return "EvidenceHit" if any(map(has_evidence, dataset.questions)) else "R"


def _column(bench: Bench, measure: Measure) -> tuple[float | None, ...]:
    family = family_of(measure)
    found: list[float | None] = [None] * len(bench.questions)
    if family.needs not in bench.gives or family.values is None:
        return tuple(found)
    cases: dict[int, Case] = {}
    for number, row in enumerate(bench.asked(family.asked)):
        question = bench.questions[number]
        if row is None or not family.judges(question):
            continue
        if row.response is None:
            found[number] = measure.default
        else:
            cases[number] = (question, row.response)
    for number, value in zip(cases, family.values(list(cases.values()), measure), strict=True):
        found[number] = value
    return tuple(found)


def _mean(bench: Bench, measure: Measure, column: Sequence[float | None]) -> Total:
    values = [value for value in column if value is not None]
    rows = bench.asked(family_of(measure).asked)
    return Total(
        value=math.fsum(values) / len(values) if values else None,
        count=len(values),
        failed=sum(
            row is not None and row.response is None and value is not None
            for row, value in zip(rows, column, strict=True)
        ),
        left_out=len(column) - len(values),
    )
