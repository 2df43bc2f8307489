"""Evaluation: datasets -> systems -> rows -> measures -> comparison -> report, offline.

Same dataset, same systems, same bytes: everything but timings is a function of the input. The
public names are loaded at their first use, as those of ragqa itself.

- `load_dataset` reads questions with gold; `evaluate_systems` runs systems by name over them and
  compares them; `write_report` writes what came of it.
- `evaluate` runs one system: one by name (`open_system`) or any object with ``ask`` or ``retrieve``
  (`measure_object`). Questions beside a corpus it takes as `locate_evidence` gives them.
- `read_run` reads a run back; `compare` tells two runs apart.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ragqa.evaluate.comparing import compare
    from ragqa.evaluate.datasets import load_dataset
    from ragqa.evaluate.evidence import locate_evidence
    from ragqa.evaluate.harness import evaluate
    from ragqa.evaluate.report import write_report
    from ragqa.evaluate.runs import read_run
    from ragqa.evaluate.session import EvaluationOptions, Places, evaluate_systems
    from ragqa.evaluate.systems import measure_object, open_system, parse_system

__all__ = [
    "EvaluationOptions",
    "Places",
    "compare",
    "evaluate",
    "evaluate_systems",
    "load_dataset",
    "locate_evidence",
    "measure_object",
    "open_system",
    "parse_system",
    "read_run",
    "write_report",
]

_HOME = {
    "EvaluationOptions": "session",
    "Places": "session",
    "compare": "comparing",
    "evaluate": "harness",
    "evaluate_systems": "session",
    "load_dataset": "datasets",
    "locate_evidence": "evidence",
    "measure_object": "systems",
    "open_system": "systems",
    "parse_system": "systems",
    "read_run": "runs",
    "write_report": "report",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute is any object
    if name not in _HOME:
        raise AttributeError(f"module 'ragqa.evaluate' has no attribute {name!r}")
    return getattr(import_module(f"ragqa.evaluate.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
