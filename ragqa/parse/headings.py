"""Which lines of a PDF are section headings.

A heading is a short line that says so in at least one way no table cell or formula does: it is
in the file's own outline; it is a usual section name alone on its line; or it is set in a
heavier or larger font than the body and is numbered or stands in title case. Up to three lines of
one look, closely set, make one heading. Where a backend gives no fonts, only names and the
outline count.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
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

_MAX_CHARS = 160
_MAX_WORDS = 20
_MAX_LINES = 3  # of one heading; more lines of one look are a paragraph
_LOOSER = 1.15  # a distance between lines over the body's, in font heights, parts two headings
_LARGER = 1.05  # font height over the body's: half a point on ten
_SMALLER = 0.75  # small capitals, as in IEEE section titles, are about .8 of the body
_HEAVIER = 1.3  # font weight over the body's: 425 -> 570 in Computer Modern, 400 -> 700 in CSS
_NUMBER = re.compile(r"(?:(?:\d{1,2}|[A-Z]|[IVX]{1,4})(?:\.\d{1,2}){0,3}\.?)\s+(?=\S)")
_BAD_END = re.compile(r"[,;:\-\u2013]$|\b(?:and|of|the|in|for|to|a|with|by)$")
_LETTERS = re.compile(r"[^\W\d_]")
_SPACE = re.compile(r"\s+")


class _Body(NamedTuple):
    """The look of the running text, and its distance from line to line in font heights."""

    size: float
    weight: int
    bold: bool
    pitch: float


def heading_lines(pdf: RawPdf) -> dict[tuple[int, RawLine], bool]:
    """Find the lines that are headings.

    :param pdf: What a backend read.
    :return: Pairs of page number and line; true where the line goes on from the one before.
    """
    outline = frozenset(_plain(title) for title in pdf.outline)
    body = _body(pdf)
    found: dict[tuple[int, RawLine], bool] = {}
    for page in pdf.pages:
        for stack in _stacks(page, body):
            for part in _headings_in(page, stack, body, outline):
                found.update({(page.number, line): line is not part[0] for line in part})
    return found


def _stacks(page: RawPage, body: _Body) -> Iterator[list[RawLine]]:
    """Yield runs of closely set lines of one look, other than the body's."""
    stack: list[RawLine] = []
    for line in page.lines:
        if stack and not _goes_on(page, stack[-1], line, body):
            yield stack
            stack = []
        stack.append(line)
    if stack:
        yield stack


def _goes_on(page: RawPage, above: RawLine, line: RawLine, body: _Body) -> bool:
    if not line.size or _look(line) == body[:3] or _look(line) != _look(above):
        return False
    text = _text(page, line)
    opens = _NUMBER.match(text) is not None or _plain(text) in SECTION_NAMES
    return 0 < above.top - line.top <= _LOOSER * body.pitch * line.size and not opens


def _look(line: RawLine) -> tuple[float, int, bool]:
    return line.size, line.weight, line.bold


def _headings_in(
    page: RawPage, stack: list[RawLine], body: _Body, outline: frozenset[str]
) -> Iterator[list[RawLine]]:
    texts = [_text(page, line) for line in stack]
    if 1 < len(stack) <= _MAX_LINES and not any(text.endswith(".") for text in texts):
        whole = " ".join(texts)
        if not stack[-1].hyphen and _is_heading(whole, stack[0], body, outline):
            yield stack
            return
    for text, line in zip(texts, stack, strict=True):
        if not line.hyphen and _is_heading(text, line, body, outline):
            yield [line]


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
    looks: Counter[tuple[float, int, bool]] = Counter()
    pitches: Counter[float] = Counter()
    for page in pdf.pages:
        for above, line in zip((None, *page.lines), page.lines, strict=False):
            if line.size:
                looks[_look(line)] += line.end - line.start
                if above is not None and above.top > line.top and _look(line) == _look(above):
                    pitches[round((above.top - line.top) / line.size, 1)] += 1
    size, weight, bold = looks.most_common(1)[0][0] if looks else (0.0, 0, False)
    return _Body(size, weight, bold, pitches.most_common(1)[0][0] if pitches else 0.0)
