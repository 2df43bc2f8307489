"""The cards of `tests/fit_cards/`, and what `judge_fit` says of them.

Each paper goes the way of a real one: parsed, cut into chunks, judged. What is counted: how often
"fits" and "another task" were said, how often wrongly, and how often the decision stayed open.
"""

from __future__ import annotations

import functools
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pdfs
from doubles import HashedEmbedder
from papers import DATA

from ragqa.chunk import chunk_document
from ragqa.parse import parse_pdf, parse_readme, parse_summary
from ragqa.plan.fit import Fit, judge_fit
from ragqa.records import Chunk, Document

CARDS = Path(__file__).parent / "fit_cards"
HALVES = ("dev", "unseen", "fresh", "last")
OUTCOMES = ("fits", "another-task", "not-established")


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A paper of the cards."""

    id: str
    half: str
    kind: str
    text: str = ""
    file: str = ""

    @property
    def is_here(self) -> bool:
        """Say whether its text is at hand (real PDFs may be absent)."""
        return self.kind != "file" or (DATA / self.file).is_file()


@dataclass(frozen=True, kw_only=True)
class FitCard:
    """A question with the right outcome for each recommended model."""

    question: str
    models: Mapping[str, str]
    lay: bool = False
    near: bool = False


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What the rule says of one model of one card."""

    card: FitCard
    paper: Listed
    expected: str
    fit: Fit


@functools.cache
def listed() -> Mapping[str, Listed]:
    """Read the papers, by id."""
    rows = tomllib.loads((CARDS / "papers.toml").read_text(encoding="utf-8"))["paper"]
    return {row["id"]: Listed(**row) for row in rows}


@functools.cache
def cards() -> tuple[FitCard, ...]:
    """Read the cards."""
    rows = tomllib.loads((CARDS / "cards.toml").read_text(encoding="utf-8"))["card"]
    return tuple(FitCard(**row) for row in rows)


@functools.cache
def chunks_of(paper_id: str) -> tuple[Chunk, ...]:
    """Parse a paper and cut it; without text there are no chunks."""
    document = _document(listed()[paper_id])
    if document is None:
        return ()
    counter = HashedEmbedder()
    return chunk_document(document, counter.count_tokens, max_tokens=counter.max_tokens)


def _document(paper: Listed) -> Document | None:
    if paper.kind == "none":
        return None
    if paper.kind == "file":
        return parse_pdf(DATA / paper.file, paper_id=paper.id)
    with tempfile.TemporaryDirectory() as folder:
        if paper.kind == "pdf":
            path = pdfs.plain(Path(folder) / "paper.pdf", paper.text.split("\n\n"))
            return parse_pdf(path, paper_id=paper.id)
        if paper.kind == "summary":
            return parse_summary(paper.text, paper_id=paper.id)
        path = Path(folder) / "README.md"
        path.write_text(paper.text, encoding="utf-8")
        return parse_readme(path, paper_id=paper.id)


def judged(half: str, *, real: bool = True) -> Iterator[Judged]:
    """Judge each model of each card of a half; papers that are not here are left out."""
    for card in cards():
        for paper_id, expected in card.models.items():
            paper = listed()[paper_id]
            if paper.half == half and paper.is_here and (real or paper.kind != "file"):
                fit = judge_fit(card.question, chunks_of(paper_id), paper_id=paper_id)
                yield Judged(card=card, paper=paper, expected=expected, fit=fit)


def wrong(results: Iterable[Judged], outcome: str) -> list[Judged]:
    """Return where an outcome was said that is not the right one."""
    return [r for r in results if r.fit.outcome == outcome != r.expected]


def summary(results: Sequence[Judged]) -> dict[str, int]:
    """Count what was said, what of it wrongly, and what stayed open."""
    said = {name: [r for r in results if r.fit.outcome == name] for name in OUTCOMES}
    opened = [r for r in said["not-established"] if r.expected != "not-established"]
    return {
        "judgements": len(results),
        "fits": len(said["fits"]),
        "fits wrongly": len(wrong(results, "fits")),
        "another task": len(said["another-task"]),
        "another task wrongly": len(wrong(results, "another-task")),
        "not established": len(said["not-established"]),
        "of which a reader can tell": len(opened),
        "right": sum(r.fit.outcome == r.expected for r in results),
    }
