"""Is what is built as good? Gold evidence among the best five chunks, ragqa beside LangChain."""

from __future__ import annotations

from importlib.util import find_spec

from benchmarks.bench.bench import Bench, Measure
from benchmarks.bench.corpora import ragqa
from benchmarks.bench.running import Case
from benchmarks.bench.table import Row

__all__ = ["MEASURE"]

_MEASURE = "EvidenceHit@5"


def _measure(bench: Bench) -> list[Row]:
    command = ragqa("evaluate", bench.options.data / "covidqa", "--json", "--measure", _MEASURE)
    command += ["--system", "ragqa", "--system", "langchain"]
    command += ["--work", str(bench.options.work), "--out", str(bench.folder("recall")), "--again"]
    if find_spec("langchain_huggingface") is None:
        missing = "needs the extra: pip install 'ragqa[langchain-stock]'"
        return [Row(what="evidence recall, covidqa", ours=missing)]
    runs = bench.runs("recall", [Case(name="evaluate", command=command, repeats=1)])["evaluate"]
    if runs.error:
        return [Row(what="evidence recall, covidqa", ours=f"failed: {runs.error}")]
    found = {s["name"]: s["measures"][_MEASURE] for s in runs.fact("systems")}
    ours, stock = found["ragqa"]["value"], found["langchain"]["value"]
    return [
        Row(
            what=f"evidence recall: hit@5 of gold evidence, covidqa, {found['ragqa']['count']} "
            "questions",
            ours=f"{ours:.3f}",
            peers=f"stock LangChain {stock:.3f}",
            ratio=f"{ours - stock:+.3f}",
            aim="no lower",
            met=ours >= stock,
        )
    ]


MEASURE = Measure(name="recall", run=_measure)
