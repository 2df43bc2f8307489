"""Which lines of a PDF are section headings.

A heading is a short line that says so in at least one way no table cell or formula does: it is
in the file's own outline; it is a usual section name alone on its line; or it is set in a
heavier or larger font than the body and is numbered or stands in title case. Where a backend
gives no fonts, only names and the outline count.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from ragqa.parse.raw import RawLine, RawPage, RawPdf

__all__ = ["BIBLIOGRAPHY", "SECTION_NAMES", "heading_lines"]

BIBLIOGRAPHY = frozenset({"references", "bibliography", "literature cited", "works cited"})
"""Section names under which the bibliography stands."""

SECTION_NAMES = BIBLIOGRAPHY | {
    "abstract", "acknowledgements", "acknowledgments", "appendix", "appendices", "background",
    "conclusion", "conclusions", "data", "dataset", "datasets", "discussion", "ethics statement",
    "evaluation", "experiments", "experimental setup", "future work", "introduction",
    "limitations", "materials and methods", "method", "methodology", "methods", "model",
    "related work", "related works", "results", "results and discussion", "setup", "summary",
    "supplementary material", "supplementary materials", "broader impact", "ethical considerations",
    "ethics", "funding", "keywords", "implementation details", "analysis",
    "conclusions and future work",
    "conclusion and future work", "statistical analysis", "study design", "patients and methods",
}  # fmt: skip
"""Usual names of sections, lower case, without numbers."""

_MAX_CHARS = 110
_MAX_WORDS = 14
_LARGER = 1.05  # font height over the body's: half a point on ten
_SMALLER = 0.75  # small capitals, as in IEEE section titles, are about .8 of the body
_HEAVIER = 1.3  # font weight over the body's: 425 -> 570 in Computer Modern, 400 -> 700 in CSS
_NUMBER = re.compile(r"(?:(?:\d{1,2}|[A-Z]|[IVX]{1,4})(?:\.\d{1,2}){0,3}\.?)\s+(?=\S)")
_BAD_END = re.compile(r"[,;:\-\u2013]$|\b(?:and|of|the|in|for|to|a|with|by)$")
_LETTERS = re.compile(r"[^\W\d_]")
_SPACE = re.compile(r"\s+")


class _Body(NamedTuple):
    """The look of the running text."""

    size: float
    weight: int
    bold: bool


def heading_lines(pdf: RawPdf) -> frozenset[tuple[int, RawLine]]:
    """Find the lines that are headings.

    :param pdf: What a backend read.
    :return: Pairs of page number and line.
    """
    outline = frozenset(_plain(title) for title in pdf.outline)
    body = _body(pdf)
    return frozenset(
        (page.number, line)
        for page in pdf.pages
        for line in page.lines
        if not line.hyphen and _is_heading(_text(page, line), line, body, outline)
    )


def _text(page: RawPage, line: RawLine) -> str:
    return _SPACE.sub(" ", page.text[line.start : line.end]).strip()


def _plain(title: str) -> str:
    """Return a title without its number, lower case."""
    return _NUMBER.sub("", _SPACE.sub(" ", title).strip(), count=1).strip(" .:").lower()


def _is_heading(text: str, line: RawLine, body: _Body, outline: frozenset[str]) -> bool:
    if not 3 <= len(text) <= _MAX_CHARS or len(text.split()) > _MAX_WORDS:
        return False
    plain = _plain(text)
    if plain in SECTION_NAMES and text[0].isupper() | text[0].isdigit():
        return True
    numbered = _NUMBER.match(text) is not None
    if plain in outline and len(plain) > 3 and (numbered or text[0].isupper()):
        return True
    return _looks_like_heading(text, line, body, numbered=numbered)


def _looks_like_heading(text: str, line: RawLine, body: _Body, *, numbered: bool) -> bool:
    heavier = not body.bold and (line.bold or line.weight > _HEAVIER * body.weight > 0)
    larger = line.size > _LARGER * body.size
    if not body.size or line.size < _SMALLER * body.size or _BAD_END.search(text):
        return False
    if not (heavier or larger or (numbered and text.upper() == text)):
        return False
    rest = _NUMBER.sub("", text, count=1)
    letters = len(_LETTERS.findall(rest))
    if letters < 0.6 * len(rest.replace(" ", "")) or letters < 4 or not rest[:1].isupper():
        return False
    return numbered or (heavier and line.size >= body.size and not text.endswith("."))


def _body(pdf: RawPdf) -> _Body:
    """Return the look of most characters; all zero where the backend gives no fonts."""
    looks: Counter[_Body] = Counter()
    for page in pdf.pages:
        for line in page.lines:
            if line.size:
                look = _Body(line.size, line.weight, line.bold)
                looks[look] += line.end - line.start
    return looks.most_common(1)[0][0] if looks else _Body(0.0, 0, False)
