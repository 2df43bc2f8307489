"""Text extraction: pages a second of the 19 real papers."""

from __future__ import annotations

from benchmarks.bench.bench import Bench, Measure, pdfs
from benchmarks.bench.running import Case
from benchmarks.bench.table import Row, amount, ratio, span

__all__ = ["MEASURE"]

_AIM = 150.0  # pages a second, all cores
_WAYS = ("many", "one", "pypdf", "pdfium")


def _measure(bench: Bench) -> list[Row]:
    papers = pdfs(bench.options.data, "acl2023", "uda/pdf")
    cases = [Case(name=way, command=bench.own("extract", way, *papers)) for way in _WAYS]
    runs = bench.runs("parsing", cases)
    many, one, pypdf, pdfium = (runs[way] for way in _WAYS)
    pages = "" if many.error else f", {many.fact('pages')} pages of {len(papers)} papers"
    good = not (many.error or pypdf.error or pdfium.error)
    return [
        Row(
            what=f"text extraction{pages}: canonical text, sections, map, hidden-text check",
            ours=f"{span(many, 'rate', unit='pages/s')} on all cores, workers' start included; "
            f"{span(one, 'rate', unit='pages/s')} in one process",
            peers=f"pypdf, text alone {span(pypdf, 'rate', unit='pages/s')}; "
            f"pdfium, text alone {span(pdfium, 'rate', unit='pages/s')}",
            ratio=f"{ratio(many.median('rate'), pypdf.median('rate'))} pypdf; "
            f"{ratio(many.median('rate'), pdfium.median('rate'))} pdfium"
            if good
            else "",
            aim=f">= {amount(_AIM)} pages/s over all cores",
            met=None if many.error else many.median("rate") >= _AIM,
        )
    ]


MEASURE = Measure(name="parsing", run=_measure)
