"""Signals of a retrieval -> probability that the papers answer the question.

A logistic model of four signals. Its weights were fitted on the development questions of covidqa
and evidence-inference (each set weighing the same), every question asked of all papers, of all but
its gold papers, of these alone and of another paper: ``benchmarks/fit_confidence.py`` does it again
and prints figures cross-validated by paper.
"""

from __future__ import annotations

import math

from ragqa.retrieve.hybrid import Signals

__all__ = ["DEFAULT_MIN_CONFIDENCE", "confidence"]

_INTERCEPT = -8.05
_WEIGHTS = {
    "sentence": 11.83,
    "chunk_coverage": 6.18,
    "sentence_coverage": 1.36,
    "pool": -1.19,
}  # fitted on 652 questions, 2026-11-23: AUROC .838 (covidqa), .998 (evidence-inference); for one
# paper alone .967 and 1.000

DEFAULT_MIN_CONFIDENCE = 0.5
"""Below it the reader abstains. At .5, cross-validated, it answers .85 (covidqa) and .96
(evidence-inference) of the questions whose gold papers are there, and .30 and .01 of those whose
gold papers were taken away, among other papers of the same field. Asked of one paper alone, it
answers .91 and 1.00 where that is the gold paper, .07 and .00 where it is another."""


def confidence(signals: Signals) -> float:
    """Estimate the probability that the retrieved papers answer the question.

    :param signals: What the retrieval says.
    :return: A probability in [0, 1].
    """
    total = _INTERCEPT + sum(weight * getattr(signals, name) for name, weight in _WEIGHTS.items())
    return 1.0 / (1.0 + math.exp(-total))
