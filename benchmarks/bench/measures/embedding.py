"""Embedding: tokens a second over a real corpus, against what the machine's products allow."""

from __future__ import annotations

from benchmarks.bench.bench import Bench, Measure
from benchmarks.bench.running import Case, Runs
from benchmarks.bench.table import Row, amount, ratio, span

__all__ = ["MEASURE"]

_AIM = 0.85  # share of the fp32 peak
_WHAT = "embedding, packaged MiniLM, covidqa's 40 papers, tokenization included"


def _measure(bench: Bench) -> list[Row]:
    texts = bench.folder() / "covidqa-texts.json"
    index = bench.index_of("covidqa") if bench.options.measure else bench.folder()
    runs = bench.runs(
        "embedding",
        [
            Case(name="peak", command=bench.own("peak")),
            Case(name="ragqa", command=bench.own("embed", index, texts, "auto")),
            Case(name="float32", command=bench.own("embed", index, texts, "cpu")),
            Case(name="sentence-transformers", command=bench.peer("langchain", "encode", texts)),
        ],
    )
    peak, encode = runs["peak"], runs["sentence-transformers"]
    rows = [_row(f"{_WHAT}, as a build here embeds", peak, runs["ragqa"], encode)]
    if runs["ragqa"].error or runs["ragqa"].fact("rows") != "float32":
        rows.append(_row(f"{_WHAT}, float32", peak, runs["float32"], encode))
    return rows


def _row(what: str, peak: Runs, ours: Runs, encode: Runs) -> Row:
    if ours.error or peak.error:
        return Row(what=what, ours=f"failed: {ours.error or peak.error}")
    share = ours.median("gflops") / peak.median("gflops")
    limit = peak.median("gflops") * 1e9 / ours.median("flop_a_token")
    tokens = ours.fact("tokens")
    others, times = f"sentence-transformers {span(encode)}", ""
    if not encode.error:
        rate = tokens / encode.median("seconds")
        others = f"sentence-transformers {amount(rate)} tokens/s"
        times = f"{ratio(ours.median('rate'), rate)}; "
    return Row(
        what=what,
        ours=span(ours, "rate", unit="tokens/s"),
        peers=f"{others}; limit by the fp32 peak {amount(limit)} tokens/s",
        ratio=f"{times}{share:.0%} of the peak",
        aim=f">= {_AIM:.0%} of the fp32 matrix-product peak",
        met=share >= _AIM,
        notes=(
            f"{ours.fact('rows')}; fp32 peak {span(peak, 'gflops', unit='GFLOP/s')} "
            f"({peak.fact('where')}), the largest of numpy and onnxruntime at the model's shapes; "
            f"{ours.median('flop_a_token') / 1e6:.1f} MFLOP a token by the real lengths of "
            f"{ours.fact('chunks')} chunks, {tokens:,} tokens; embedding alone "
            f"{amount(ours.median('gflops'))} GFLOP/s.",
        ),
    )


MEASURE = Measure(name="embedding", run=_measure)
