"""The measures, in the order of the table: a module each, and nothing that one needs of another."""

from __future__ import annotations

from benchmarks.bench.bench import Measure
from benchmarks.bench.measures import (
    build,
    cold,
    embedding,
    many,
    million,
    parsing,
    rebuilding,
    recall,
    warm,
)

__all__ = ["MEASURES"]

_MODULES = (build, recall, parsing, embedding, rebuilding, cold, warm, many, million)

MEASURES: dict[str, Measure] = {module.MEASURE.name: module.MEASURE for module in _MODULES}
"""Every measure by its name."""
