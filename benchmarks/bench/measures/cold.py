"""Cold `ragqa ask` on the index of 12 papers, beside what others need before they can ask."""

from __future__ import annotations

from benchmarks.bench.bench import Bench, Measure
from benchmarks.bench.corpora import ragqa
from benchmarks.bench.measures.build import corpus_of_twelve
from benchmarks.bench.running import Case
from benchmarks.bench.table import Row, ratio, span

__all__ = ["MEASURE"]

_QUESTION = "Which dataset does the paper on story writing introduce?"
_RUNS, _PEER_RUNS = 15, 3
_AIM = 0.8  # seconds


def _measure(bench: Bench) -> list[Row]:
    made = bench.folder("twelve")
    index, stock = made / "cold-index", made / "cold-stock"
    questions = bench.questions("cold-question", [_QUESTION])
    if bench.options.measure:
        papers, corpus = corpus_of_twelve(bench)
        bench.prepare("index of 12 papers", ragqa("rebuild", corpus, "--index", index, "--json"))

    def stored(number: int) -> None:
        if not (stock / "index.faiss").exists():
            command = bench.peer("langchain", "stock_build", papers, stock)
            bench.prepare("LangChain's index of 12 papers", command)

    runs = bench.runs(
        "cold",
        [
            Case(
                name="ragqa",
                command=ragqa("ask", _QUESTION, "--index", index, "--json"),
                repeats=_RUNS,
            ),
            Case(
                name="langchain",
                command=bench.peer("langchain", "stock_search", stock, questions, "0"),
                repeats=_PEER_RUNS,
                before=stored,
            ),
            Case(
                name="paperqa",
                command=bench.peer("paperqa", "paperqa_import"),
                repeats=_PEER_RUNS,
            ),
        ],
    )
    ours, langchain, paperqa = (runs[name] for name in ("ragqa", "langchain", "paperqa"))
    times = [
        f"{ratio(peer.median(), ours.median())} {name}"
        for name, peer in (("LangChain", langchain), ("PaperQA2", paperqa))
        if not (ours.error or peer.error)
    ]
    return [
        Row(
            what="`ragqa ask`, cold process, 12-paper index: checked answer",
            ours=span(ours),
            peers=f"LangChain script that loads and searches {span(langchain)}; "
            f"`import paperqa` alone {span(paperqa)}",
            ratio="; ".join(times),
            aim=f"<= {_AIM} s",
            met=None if ours.error else ours.median() <= _AIM,
            notes=(f"of {len(ours.runs)} processes; LangChain's script gives no answer.",),
        )
    ]


MEASURE = Measure(name="cold", run=_measure)
