"""Warm questions over ten thousand chunks: SciFact's abstracts and its claims."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from benchmarks.bench.bench import Bench, Measure
from benchmarks.bench.running import Case, Runs
from benchmarks.bench.table import Row, amount, ratio

__all__ = ["MEASURE"]

_ASKED, _WARM = 100, 20  # questions that count, and before them some that do not
_AIM = 20.0  # milliseconds, median


def _measure(bench: Bench) -> list[Row]:
    made = bench.folder("warm")
    texts, vectors, stock = made / "texts.json", made / "vectors.npy", made / "stock"
    index = made
    if bench.options.measure:
        index = bench.index_of("scifact", texts, vectors)
        _store(bench, texts, vectors, stock)
    questions = bench.questions("claims", _claims(bench.options.data / "scifact"))
    runs = bench.runs(
        "warm",
        [
            Case(name="ragqa", command=bench.own("ask", index, questions, str(_WARM))),
            Case(
                name="langchain",
                command=bench.peer("langchain", "stock_search", stock, questions, str(_WARM)),
            ),
        ],
    )
    return [_row(runs["ragqa"], runs["langchain"])]


def _store(bench: Bench, texts: Path, vectors: Path, stock: Path) -> None:
    """Give LangChain the same chunks and vectors; without it, its own case will say why."""
    command = bench.peer("langchain", "stock_store", texts, vectors, stock)
    try:
        bench.prepare("LangChain's store of the same chunks", command)
    except RuntimeError:
        return


def _claims(folder: Path) -> list[str]:
    lines = (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines[: _ASKED + _WARM]]


def _row(ours: Runs, langchain: Runs) -> Row:
    chunks = "10k" if langchain.error else f"{langchain.fact('chunks'):,}"
    middle, theirs = _quantile(ours, 50), _quantile(langchain, 50)
    return Row(
        what=f"warm ask, {chunks} chunks (SciFact), question's embedding included",
        ours=_told(ours),
        peers=f"LangChain's similarity search alone {_told(langchain)}",
        ratio=ratio(theirs, middle) if theirs and middle else "",
        aim=f"p50 <= {amount(_AIM)} ms",
        met=None if middle is None else middle <= _AIM,
        notes=(
            f"{_ASKED} claims a run, after {_WARM} that do not count; LangChain is given ragqa's "
            "chunks and vectors, embeds the question and finds ten chunks; it gives no answer.",
        ),
    )


def _quantile(runs: Runs, percent: int) -> float | None:
    """Return the median, over the runs, of a quantile in milliseconds."""
    if runs.error:
        return None
    each = [np.quantile(run.figures["milliseconds"], percent / 100) for run in runs.runs]
    return float(np.median(each))


def _told(runs: Runs) -> str:
    middle, late = _quantile(runs, 50), _quantile(runs, 95)
    if middle is None or late is None:
        return f"failed: {runs.error}"
    return f"p50 {amount(middle)} ms, p95 {amount(late)} ms"


MEASURE = Measure(name="warm", run=_measure)
