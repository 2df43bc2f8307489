"""Measures: rows -> scores.

In: a dataset's gold and the rows of a run. Out: a value for each question and a total for each
measure. `parse_measures` and `default_measures` choose, `with_company` keeps it fair, `score`
judges.
"""

from __future__ import annotations

from ragqa.evaluate.measures.abstention import risk_coverage
from ragqa.evaluate.measures.family import Group, Measure
from ragqa.evaluate.measures.names import (
    all_measures,
    check_depth,
    default_measures,
    judges_removed,
    parse_measures,
    with_company,
)
from ragqa.evaluate.measures.retrieval import papers_in_order
from ragqa.evaluate.measures.scoring import curve_measure, recall_curve, score

__all__ = [
    "Group",
    "Measure",
    "all_measures",
    "check_depth",
    "curve_measure",
    "default_measures",
    "judges_removed",
    "papers_in_order",
    "parse_measures",
    "recall_curve",
    "risk_coverage",
    "score",
    "with_company",
]
