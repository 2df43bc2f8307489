"""What a PDF backend hands over: pages of raw text with the look of each line.

In: a file. Out: `RawPage`s. Everything downstream works on these records, so a backend is one
function from a path to pages and knows nothing of canonical text. Offsets are code points of the
page's raw text exactly as the backend's own text call returns it, so anybody can check a locator.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

__all__ = ["PdfBackend", "RawLine", "RawPage", "RawPdf"]


class RawLine(NamedTuple):
    """One line of a page's raw text.

    :ivar start: First character in the page's raw text.
    :ivar end: One past the last, without the line end.
    :ivar size: Height of the line's font, points; 0 where unknown.
    :ivar weight: Weight of the line's font, about 400 for regular; 0 where unknown. Only
        comparable within one file: producers derive it from stem widths.
    :ivar bold: Whether the font's name says that it is bold.
    :ivar top: Distance of the line from the page's bottom, points; 0 where unknown.
    :ivar hyphen: Whether the backend saw a hyphen that ends the line.
    """

    start: int
    end: int
    size: float = 0.0
    weight: int = 0
    bold: bool = False
    top: float = 0.0
    hyphen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPage:
    """One page as a backend read it.

    :ivar number: From 1.
    :ivar text: Raw text.
    :ivar lines: Its lines, in stream order.
    :ivar hidden: Sorted raw spans that a reader of the page cannot see.
    """

    number: int
    text: str
    lines: tuple[RawLine, ...]
    hidden: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPdf:
    """A whole file as a backend read it.

    :ivar backend: ``pdfium`` or ``pypdf``.
    :ivar pages: Its pages, in order.
    :ivar outline: Titles of the file's outline, in order; empty where it has none.
    :ivar notes: Oddities, one line each.
    """

    backend: str
    pages: tuple[RawPage, ...]
    outline: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class PdfBackend(Protocol):
    """Anything that reads a PDF's pages."""

    def __call__(self, path: Path) -> RawPdf:
        """Read a file.

        :param path: A PDF.
        :return: Its pages.
        :raises ParseError: The file is encrypted, damaged, or no PDF.
        """
        ...
