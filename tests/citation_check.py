"""A second opinion on citations that shares no code with what it checks.

In: answers as JSON (schema ``ragqa/answer/1``) and, for each paper, what it was made from. Out: a
`Tally`, with a line for each thing that is wrong. Quotes are compared by letters and digits
alone, in the order in which they stand, after Unicode compatibility composition (NFKC), so line
ends, hyphens and ligatures do not matter and everything else does. This module imports nothing
of ragqa: pdfium's and pypdf's own text calls are the witnesses.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pypdf
import pypdfium2

__all__ = ["Evidence", "Tally", "check_answers", "squash"]

_LINK = re.compile(r"(?:https?://|www\.)[^\s<>()\[\]\"']+", re.IGNORECASE)


@dataclass(frozen=True)
class Evidence:
    """What one listed paper was made from, and the links that its manifest entry has."""

    pdf: Path | None = None
    readme: Path | None = None
    summary: str | None = None
    links: tuple[str, ...] = ()


@dataclass
class Tally:
    """What was looked at, what was wrong, and what only pypdf could not find."""

    citations: int = 0
    in_pdf: int = 0
    nearest: int = 0
    wrong: list[str] = field(default_factory=list)
    unseen_by_pypdf: list[str] = field(default_factory=list)

    @property
    def pypdf_share(self) -> float:
        """Return the share of PDF citations that pypdf's extraction holds, too."""
        return 1 - len(self.unseen_by_pypdf) / max(1, self.in_pdf)

    def __str__(self) -> str:
        """Return the counts, then each miss on a line."""
        head = (
            f"{self.citations} citations ({self.nearest} of them nearest evidence), {self.in_pdf}"
            f" in PDFs; {len(self.wrong)} wrong; pypdf finds {self.pypdf_share:.2%}"
        )
        unseen = [f"not by pypdf: {line}" for line in self.unseen_by_pypdf]
        return "\n".join([head, *self.wrong, *unseen])


def squash(text: str) -> str:
    """Return the letters and digits of a text, in order."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if c.isalnum())


def check_answers(answers: Sequence[Mapping[str, Any]], papers: Mapping[str, Evidence]) -> Tally:
    """Check every citation and every link of some answers."""
    tally = Tally()
    for answer in answers:
        for wrong in _check_links(answer, papers):
            tally.wrong.append(f"{answer['question']!r}: {wrong}")
        tally.nearest += len(answer["nearest"])
        for citation in _citations(answer):
            tally.citations += 1
            paper = papers.get(citation["paper_id"])
            wrong = "of no listed paper" if paper is None else _check(citation, paper, tally)
            if wrong:
                tally.wrong.append(f"{answer['question']!r}: {wrong}: {_name(citation)}")
    return tally


def _citations(answer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for section in answer["sections"]:
        for statement in section["statements"]:
            yield from statement["citations"]
    yield from answer["nearest"]


def _name(citation: Mapping[str, Any]) -> str:
    return f"{citation['paper_id']} {citation['locators']} {citation['quote']!r}"


def _check(citation: Mapping[str, Any], paper: Evidence, tally: Tally) -> str | None:
    """Return what is wrong with a citation."""
    quote = squash(citation["quote"])
    if not quote:
        return "quotes nothing"
    if citation["end"] - citation["start"] != len(citation["quote"]):
        return "is not as long as its span"
    if citation["url"] not in {None, *paper.links}:
        return f"links to {citation['url']}"
    if citation["document"] != "pdf":
        return _check_lines(citation, quote, paper)
    if paper.pdf is None:
        return "cites a PDF that is not there"
    tally.in_pdf += 1
    wrong = _check_pages(citation, quote, _pdfium_pages(paper.pdf))
    if wrong is None:
        pages = _pypdf_pages(paper.pdf)
        named = [squash(pages[at["page"] - 1]) for at in citation["locators"]]
        if not _stands_on(named, quote):
            tally.unseen_by_pypdf.append(_name(citation))
    return wrong


def _check_pages(citation: Mapping[str, Any], quote: str, pages: Sequence[str]) -> str | None:
    locators = citation["locators"]
    numbers = [at["page"] for at in locators]
    if numbers != sorted(set(numbers)) or not 1 <= numbers[0] <= numbers[-1] <= len(pages):
        return "has page numbers that cannot be"
    raw = [pages[number - 1] for number in numbers]
    if not _stands_on([squash(text) for text in raw], quote):
        return "does not stand on these pages"
    spans = [text[at["start"] : at["end"]] for text, at in zip(raw, locators, strict=True)]
    if not all(squash(span) for span in spans):
        return "names a page that holds nothing of it"
    if squash("\n".join(spans)) != quote:
        return f"has offsets of other text ({spans})"
    return None


def _stands_on(pages: Sequence[str], quote: str) -> bool:
    """Say whether a quote stands on these pages: a part on each, in order, nothing left over."""
    if len(pages) == 1:
        return quote in pages[0]
    return any(
        quote[:cut] in pages[0] and _stands_on(pages[1:], quote[cut:])
        for cut in range(1, len(quote))
    )


def _check_lines(citation: Mapping[str, Any], quote: str, paper: Evidence) -> str | None:
    text = paper.summary
    if citation["document"] == "readme":
        text = paper.readme.read_text(encoding="utf-8") if paper.readme else None
    if text is None:
        return f"cites a {citation['document']} that is not there"
    (at,) = citation["locators"]
    lines = text.splitlines()
    first, last = at["line_start"], at["line_end"]
    if not 1 <= first <= last <= len(lines):
        return "has line numbers that cannot be"
    if quote not in squash("\n".join(lines[first - 1 : last])):
        return "does not stand on these lines"
    for low, high in ((first + 1, last), (first, last - 1)):
        if quote in squash("\n".join(lines[low - 1 : high])):
            return "names a line that it does not touch"
    return None


def _check_links(answer: Mapping[str, Any], papers: Mapping[str, Evidence]) -> Iterator[str]:
    """Yield each link of an answer, outside of quotes, that its papers do not list."""
    listed = {link for paper in papers.values() for link in paper.links}
    for source in answer["sources"]:
        own = papers[source["paper_id"]].links if source["paper_id"] in papers else ()
        yield from (f"source links to {link}" for link in source["links"] if link not in own)
    said = [item["text"] for item in answer["notices"]]
    for section in answer["sections"]:
        said += [section["title"]]
        said += [item["text"] for item in (*section["statements"], *section["notices"])]
    for text in said:
        for found in _LINK.findall(text):
            if found.rstrip(".,;:!?") not in listed:
                yield f"says the link {found}"


@functools.cache
def _pdfium_pages(path: Path) -> tuple[str, ...]:
    with pypdfium2.PdfDocument(path) as document:
        return tuple(_text_of(page) for page in document)


def _text_of(page: pypdfium2.PdfPage) -> str:
    """Return a page's raw text, and close what was opened for it."""
    textpage = page.get_textpage()
    try:
        return str(textpage.get_text_range())
    finally:
        textpage.close()
        page.close()


@functools.cache
def _pypdf_pages(path: Path) -> tuple[str, ...]:
    return tuple(page.extract_text() for page in pypdf.PdfReader(path).pages)
