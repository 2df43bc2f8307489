"""Signals of a retrieval -> probability that the papers answer the question.

A logistic model. Its weights were fitted on the development questions of covidqa and
evidence-inference and the claims of SciFact (each set weighing the same), every question asked of
all papers, of all but its gold papers, of these alone and of another paper:
``benchmarks/fit_confidence.py`` does it again and prints figures cross-validated by paper.
"""

from __future__ import annotations

import math

from ragqa.retrieve.signals import Signals

__all__ = ["DEFAULT_MIN_CONFIDENCE", "confidence"]

_INTERCEPT = -6.17
_WEIGHTS = {
    "sentence": 8.58,
    "coverage": 3.67,
    "lexical": 0.51,
    "lead": 0.26,
    "concentration": 1.84,
    "is_claim": 1.80,
    "pool": -1.51,
}  # fitted on 652 questions and 809 claims, 2026-11-23: AUROC .873 (covidqa), 1.000
# (evidence-inference), .731 (SciFact); for one paper alone .971, 1.000 and .994

DEFAULT_MIN_CONFIDENCE = 0.5
"""Below it the reader abstains. At .5, cross-validated, it answers .86 (covidqa), .98
(evidence-inference) and .66 (SciFact) of what is asked where the gold papers are there, and .25,
.01 and .29 where they were taken away, among other papers of the same field, some of which answer,
too. Asked of one paper alone, it answers .91, .99 and .95 where that is the gold paper, .06, .00
and .01 where it is another."""


def confidence(signals: Signals) -> float:
    """Estimate the probability that the retrieved papers answer the question.

    :param signals: What the retrieval says.
    :return: A probability in [0, 1].
    """
    total = _INTERCEPT + sum(weight * getattr(signals, name) for name, weight in _WEIGHTS.items())
    return 1.0 / (1.0 + math.exp(-total))
