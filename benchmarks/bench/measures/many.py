"""A hundred questions at once: `ask_many` beside its slowest stage run alone in batch."""

from __future__ import annotations

import sys

from benchmarks.bench.bench import ROOT, Bench, Measure
from benchmarks.bench.running import Case
from benchmarks.bench.table import Row, span

__all__ = ["MEASURE"]

_AIM = 0.7  # share of the slowest stage's throughput
_WHAT = "100 questions at once (`ask_many`), covidqa"


def _measure(bench: Bench) -> list[Row]:
    script = ROOT / "benchmarks" / "ask_many.py"
    if not script.exists():
        return [Row(what=_WHAT, ours="benchmarks/ask_many.py is not there")]
    index = bench.index_of("covidqa") if bench.options.measure else bench.folder()
    command = [sys.executable, str(script), str(index), str(bench.options.data)]
    runs = bench.runs("many", [Case(name="ragqa", command=command)])["ragqa"]
    if runs.error:
        return [Row(what=_WHAT, ours=f"failed: {runs.error}")]
    share = runs.median("ratio")
    return [
        Row(
            what=_WHAT,
            ours=span(runs, "ask_many", unit="questions/s"),
            ratio=f"{share:.0%} of the slowest stage",
            aim=f">= {_AIM:.0%} of the throughput of its slowest stage run alone in batch",
            met=share >= _AIM,
        )
    ]


MEASURE = Measure(name="many", run=_measure)
