"""What pypdf is best at: the second opinion on text, the outline, attachments, encryption.

pypdf reads 8-20 pages/s where pdfium reads hundreds, so its text is asked for only when pdfium's
is empty or garbled. It gives no fonts: headings then come from names and the outline alone.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragqa.errors import ParseError
from ragqa.parse.raw import RawLine, RawPage, RawPdf

if TYPE_CHECKING:
    from pypdf import PdfReader

__all__ = ["PdfFacts", "read_facts", "read_pdf"]

_LINE = re.compile(r"[^\r\n]+")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_OUTLINE = 2_000  # entries read; a hostile outline can be endless

PdfFacts = tuple[tuple[str, ...], tuple[str, ...]]
"""Outline titles, and notes."""


def read_pdf(path: Path) -> RawPdf:
    """Read a PDF's pages with pypdf.

    :param path: The file.
    :return: Its pages, without fonts.
    :raises ParseError: Encrypted, damaged, or no PDF.
    """
    reader = _open(path)
    try:
        pages = tuple(
            _page(number, page.extract_text()) for number, page in enumerate(reader.pages, 1)
        )
    except MemoryError:
        raise
    except Exception as error:  # pypdf raises any type on hostile content streams
        raise ParseError(
            "the PDF is damaged", reason="damaged-pdf", item=path.name, hint="Fetch it again"
        ) from error
    outline, notes = _facts(reader)
    return RawPdf(backend="pypdf", pages=pages, outline=outline, notes=notes)


def read_facts(path: Path) -> PdfFacts:
    """Read what pdfium is not asked for: the outline's titles and the attachments' names.

    :param path: A PDF that pdfium could open.
    :return: Outline titles and notes; empty where pypdf cannot read the file.
    """
    try:
        return _facts(_open(path))
    except ParseError:
        return (), ()


def _open(path: Path) -> PdfReader:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # its warnings name no file
    try:
        reader = PdfReader(path)
        is_locked = reader.is_encrypted and not reader.decrypt("")
    except (
        PyPdfError,
        OSError,
        ValueError,
        KeyError,
        RecursionError,
        NotImplementedError,
    ) as error:
        raise ParseError(
            "the PDF is damaged", reason="damaged-pdf", item=path.name, hint="Fetch it again"
        ) from error
    if is_locked:
        raise ParseError(
            "the PDF is encrypted",
            reason="encrypted",
            item=path.name,
            hint="Save a copy without password",
        )
    return reader


def _page(number: int, text: str) -> RawPage:
    text = _LONE_SURROGATE.sub("", text)
    lines = tuple(RawLine(m.start(), m.end()) for m in _LINE.finditer(text))
    return RawPage(number=number, text=text, lines=lines)


def _facts(reader: PdfReader) -> PdfFacts:
    try:
        outline = tuple(
            title for title, _ in zip(_titles(reader.outline), range(_MAX_OUTLINE), strict=False)
        )
        names = tuple(reader.attachments)
    except Exception:  # noqa: BLE001 - a broken outline must not lose the text
        return (), ("outline and attachments cannot be read",)
    return outline, tuple(f"attachment not read: {name[:80]!r}" for name in names)


def _titles(entries: list[Any]) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry, list):
            yield from _titles(entry)
        elif isinstance(getattr(entry, "title", None), str):
            yield entry.title
