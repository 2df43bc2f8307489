"""A hundred questions at once: `ask_many` beside its slowest stage run alone in batch."""

from __future__ import annotations

import sys

from benchmarks.bench.bench import ROOT, Bench, Measure
from benchmarks.bench.running import Case, Runs
from benchmarks.bench.table import Row, amount, span

__all__ = ["MEASURE"]

_AIM = 0.7  # share of the slowest stage's throughput
_WHAT = "100 questions at once (`ask_many`), covidqa"


def _measure(bench: Bench) -> list[Row]:
    script = ROOT / "benchmarks" / "ask_many.py"
    if not script.exists():
        return [Row(what=_WHAT, ours="benchmarks/ask_many.py is not there")]
    index = bench.index_of("covidqa") if bench.options.measure else bench.folder()
    questions = bench.options.data / "covidqa" / "questions.jsonl"
    command = [sys.executable, str(script), str(index), str(questions)]
    runs = bench.runs("many", [Case(name="ragqa", command=command)])["ragqa"]
    if runs.error:
        return [Row(what=_WHAT, ours=f"failed: {runs.error}")]
    share = runs.median("ratio")
    return [
        Row(
            what=_WHAT,
            ours=span(runs, "ask_many_per_s", unit="questions/s"),
            peers=f"`ask` one by one {span(runs, 'ask_per_s', unit='questions/s')}",
            ratio=f"{share:.0%} of the slowest stage",
            aim=f">= {_AIM:.0%} of the throughput of its slowest stage run alone in batch",
            met=share >= _AIM,
            notes=(f"each stage alone in batch, questions/s, last run: {_stages(runs)}.",),
        )
    ]


def _stages(runs: Runs) -> str:
    rates: dict[str, float] = runs.fact("stages_per_s")
    return ", ".join(f"{stage} {amount(rate)}" for stage, rate in rates.items())


MEASURE = Measure(name="many", run=_measure)
