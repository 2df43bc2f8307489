"""Running heads, running feet and page numbers: lines that are no part of the text.

In: a PDF's raw pages. Out: the lines to drop on each page. A line at a page's edge is dropped
where the same line, digits aside, stands at the edge of at least `_MIN_PAGES` pages, or where it
is a bare number that counts along with the pages. Nothing else is ever dropped.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from ragqa.parse.raw import RawLine, RawPage

__all__ = ["furniture"]

_EDGE_LINES = 3  # first and last lines of a page, in stream order, that may be furniture
_MIN_PAGES = 3  # a line that recurs on fewer pages may be text
_MIN_SHARE = 0.25  # of the pages; left and right pages often have different heads
_MAX_CHARS = 200  # a longer line is text
_NUMBER = re.compile(r"\W*(?:page\s*)?(\d{1,5})(?:\s*(?:of|/)\s*\d{1,5})?\W*", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")
_NOT_WORD = re.compile(r"[\W_]+")


def furniture(pages: Sequence[RawPage]) -> list[frozenset[RawLine]]:
    """Find each page's running heads, running feet and page number.

    :param pages: All pages of one file.
    :return: For each page, the lines to drop.
    """
    edges = [tuple(_edge_lines(page)) for page in pages]
    repeated = _repeated(pages, edges)
    offset = _number_offset(pages, edges)
    return [
        frozenset(
            line
            for line in lines
            if _shape(page, line) in repeated
            or (offset is not None and _page_number(page, line) == page.number + offset)
        )
        for page, lines in zip(pages, edges, strict=True)
    ]


def _edge_lines(page: RawPage) -> Iterator[RawLine]:
    lines = [line for line in page.lines if not page.text[line.start : line.end].isspace()]
    yield from lines[:_EDGE_LINES]
    yield from lines[max(_EDGE_LINES, len(lines) - _EDGE_LINES) :]


def _repeated(pages: Sequence[RawPage], edges: Sequence[Sequence[RawLine]]) -> frozenset[str]:
    counts = Counter(
        shape
        for page, lines in zip(pages, edges, strict=True)
        for shape in {_shape(page, line) for line in lines}
    )
    needed = max(_MIN_PAGES, _MIN_SHARE * len(pages))
    return frozenset(shape for shape, count in counts.items() if shape and count >= needed)


def _shape(page: RawPage, line: RawLine) -> str:
    """Return a line without digits and punctuation; empty where no word is left."""
    text = page.text[line.start : line.end]
    if len(text) > _MAX_CHARS:
        return ""
    shape = _NOT_WORD.sub(" ", _DIGITS.sub(" ", text)).strip().lower()
    return shape if len(shape) > 3 else ""


def _page_number(page: RawPage, line: RawLine) -> int | None:
    match = _NUMBER.fullmatch(page.text[line.start : line.end])
    return None if match is None else int(match.group(1))


def _number_offset(pages: Sequence[RawPage], edges: Sequence[Sequence[RawLine]]) -> int | None:
    """Return what must be added to a page's place in the file to get its printed number."""
    offsets = Counter(
        number - page.number
        for page, lines in zip(pages, edges, strict=True)
        for number in {_page_number(page, line) for line in lines}
        if number is not None
    )
    if not offsets:
        return None
    offset, count = offsets.most_common(1)[0]
    return offset if count >= min(_MIN_PAGES, max(2, len(pages))) else None
