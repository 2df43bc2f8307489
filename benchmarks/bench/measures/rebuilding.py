"""Rebuild after one of 100 papers changed, beside a build of that paper alone."""

from __future__ import annotations

import shutil
from functools import cached_property
from pathlib import Path

from benchmarks.bench.bench import Bench, Measure, pdfs
from benchmarks.bench.corpora import (
    CUT_PAGES,
    cut_papers,
    make_corpus,
    ragqa,
    replace_paper,
)
from benchmarks.bench.running import Case, Runs
from benchmarks.bench.table import Row, amount, ratio, span

__all__ = ["MEASURE"]

_PAPERS = 100
_CHANGED = "paper-050"
_TIMES, _MORE = 2.0, 1.0  # at most so many times the cost of the paper alone, and seconds more
_WHAT = f"rebuild after one of {_PAPERS} papers of {CUT_PAGES} pages changed"


class _Corpora:
    """A hundred papers, one of which changes, and that one alone."""

    def __init__(self, bench: Bench) -> None:
        self._options = bench.options
        self.made = bench.folder("hundred")
        self.hundred, self.alone = self.made / "corpus", self.made / "alone"
        self.index, self.alone_index = self.made / "index", self.made / "alone-index"

    @cached_property
    def _cut(self) -> list[Path]:
        """The papers, and after them those that take the place of one, in turns."""
        real = pdfs(self._options.data, "acl2023", "uda/pdf")
        count = _PAPERS + self._options.repeats
        return cut_papers(self.made / f"windows-{count}", real, count)

    def whole(self, number: int) -> None:
        """Have all papers, and no index."""
        make_corpus(self.hundred, self._cut[:_PAPERS])
        shutil.rmtree(self.index, ignore_errors=True)

    def change(self, number: int) -> None:
        """Have another file in the place of one paper's."""
        if not self.index.exists():
            raise RuntimeError("the index of all papers is not there")
        replace_paper(self.hundred, _CHANGED, self._cut[_PAPERS + number])

    def one(self, number: int) -> None:
        """Have that paper alone, and no index."""
        named = self.made / f"{_CHANGED}.pdf"
        shutil.copyfile(self._cut[_PAPERS + number], named)
        make_corpus(self.alone, [named])
        shutil.rmtree(self.alone_index, ignore_errors=True)


def _rebuild(corpus: Path, index: Path) -> list[str]:
    return ragqa("rebuild", corpus, "--index", index, "--json")


def _measure(bench: Bench) -> list[Row]:
    corpora = _Corpora(bench)
    of_all = _rebuild(corpora.hundred, corpora.index)
    of_one = _rebuild(corpora.alone, corpora.alone_index)
    runs = bench.runs(
        "rebuilding",
        [
            Case(name="whole", command=of_all, before=corpora.whole, repeats=1),
            Case(name="changed", command=of_all, before=corpora.change),
            Case(name="alone", command=of_one, before=corpora.one),
            Case(name="nothing", command=of_all),
        ],
    )
    return [_row(runs), _nothing(runs["nothing"])]


def _row(runs: dict[str, Runs]) -> Row:
    whole, changed, alone = (runs[name] for name in ("whole", "changed", "alone"))
    if error := whole.error or changed.error or alone.error:
        return Row(what=_WHAT, ours=f"failed: {error}")
    limit = _TIMES * alone.median() + _MORE
    counts = changed.fact("counts")
    return Row(
        what=_WHAT,
        ours=span(changed),
        peers=f"that paper alone {span(alone)}; all {_PAPERS} {span(whole)}",
        ratio=f"{ratio(changed.median(), alone.median())} that paper alone; "
        f"1/{whole.median() / changed.median():.0f} of everything",
        aim=f"<= {_TIMES:.0f}x that paper alone + {_MORE:.0f} s (here {amount(limit)} s)",
        met=changed.median() <= limit,
        notes=(
            f"papers are cut from the 19 real ones, first page and a window; documents: {counts}; "
            "others build everything again: their figure is that of all papers.",
        ),
    )


def _nothing(runs: Runs) -> Row:
    return Row(what=f"rebuild of {_PAPERS} papers with nothing changed", ours=span(runs))


MEASURE = Measure(name="rebuilding", run=_measure)
