"""A million chunks: built and asked by ``benchmarks/million.py``, only where that is asked for."""

from __future__ import annotations

import sys

from benchmarks.bench.bench import ROOT, Bench, Measure
from benchmarks.bench.running import Case, Runs
from benchmarks.bench.table import Row, amount

__all__ = ["MEASURE"]

_WHAT = "a million chunks: build from vectors, memory while asking, recall@10"
_AIM = "<= 15 min, <= 2.5 GB resident, >= .95; p50 <= 60 ms"
_MINUTES, _GB, _RECALL, _MS = 15.0, 2.5, 0.95, 60.0


def _measure(bench: Bench) -> list[Row]:
    if not bench.options.million:
        there = "not run (`--million`); figures in docs/LOG.md"
        return [Row(what=_WHAT, ours=there, aim=_AIM)]
    if bench.options.measure:
        for dataset in ("covidqa", "evidence-inference", "scifact"):
            bench.index_of(dataset)
    script = ROOT / "benchmarks" / "million.py"
    indexes = bench.options.work / "indexes"
    command = [sys.executable, str(script), str(indexes), str(bench.options.data)]
    return [_row(bench.runs("million", [Case(name="ragqa", command=command, repeats=1)])["ragqa"])]


def _row(runs: Runs) -> Row:
    if runs.error:
        return Row(what=_WHAT, ours=f"failed: {runs.error}", aim=_AIM)
    minutes = runs.median("written_s") / 60
    memory = runs.fact("after_answers")
    resident = (memory["anonymous_mb"] + memory["files_mb"]) / 1e3
    recall, milliseconds = runs.median("recall_at_10"), runs.median("answer_ms.p50")
    met = minutes <= _MINUTES and resident <= _GB and recall >= _RECALL and milliseconds <= _MS
    return Row(
        what=_WHAT,
        ours=f"{amount(minutes)} min, {amount(resident)} GB resident, recall@10 {recall:.3f}, "
        f"p50 {amount(milliseconds)} ms",
        aim=_AIM,
        met=met,
    )


MEASURE = Measure(name="million", run=_measure)
