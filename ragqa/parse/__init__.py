"""Stage 3: a file -> a `Document` with canonical text.

In: a PDF, README or summary of one paper. Out: its `Document`. A file without a usable text
layer is a `ParseError` with a typed reason, never a document of debris. pdfium reads; where its
text is empty or garbled, pypdf gives the second opinion. See `canonical` for the invariants.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from ragqa._files import sha256_bytes
from ragqa.errors import ParseError
from ragqa.parse.canonical import canonical_document
from ragqa.parse.plain import readme_document, summary_document
from ragqa.parse.raw import PdfBackend, RawPdf
from ragqa.records import Document

__all__ = ["PARSER_VERSION", "is_garbled", "parse_pdf", "parse_readme", "parse_summary"]

PARSER_VERSION = "1"
"""Part of every fingerprint: raise it with any change to the canonical text."""

_BY_PYPDF = "text by pypdf: pdfium's was unusable"
_MAX_README_BYTES = 1_000_000  # what comes after is a data dump
_MIN_TEXT = 20  # letters a document must have to be worth indexing
_MAX_BAD = 0.1  # share of unmapped characters from which a text layer counts as garbled
_MIN_WORDS = 30  # fewer words say nothing about being garbled
_MAX_VOWELLESS = 0.5  # share of longer words without a vowel; English papers stay under .05
_BAD_CHAR = re.compile("[\ufffd\ue000-\uf8ff\x00-\x08\x0e-\x1f]")
_LATIN_WORD = re.compile(r"[A-Za-z]{4,}")
_VOWEL = re.compile(r"[aeiouyAEIOUY]")


def parse_pdf(path: Path, *, paper_id: str) -> Document:
    """Turn a PDF into a document.

    :param path: The file.
    :param paper_id: The paper.
    :return: The document.
    :raises ParseError: Empty, no PDF, damaged, encrypted, without text, or garbled.
    """
    from ragqa.parse import pdfium, pypdf_text

    sha256 = _check_head(path)
    outline, notes = pypdf_text.read_facts(path)
    pdf, problem = _read(pdfium.read_pdf, path)
    if pdf is None or problem is not None:
        pdf, notes = _second_opinion(path, pdf, problem), (*notes, _BY_PYPDF)
    pdf = replace(pdf, outline=outline, notes=pdf.notes + notes)
    document = canonical_document(pdf, paper_id=paper_id, sha256=sha256)
    if _letters(document.text) < _MIN_TEXT:
        raise _no_text(path)
    return document


def _second_opinion(path: Path, pdf: RawPdf | None, problem: ParseError | None) -> RawPdf:
    """Return pypdf's reading of a file that pdfium cannot make sense of, or raise the problem."""
    from ragqa.parse import pypdf_text

    problem = problem or _no_text(path)
    if pdf is not None and any(page.hidden for page in pdf.pages):
        raise problem  # pypdf does not tell what is hidden, so its text cannot be trusted here
    second, second_problem = _read(pypdf_text.read_pdf, path)
    if second is None or second_problem is not None:
        raise problem
    return second


def _check_head(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ParseError(
            "the file cannot be read", reason="damaged-pdf", item=path.name, hint=str(error)
        ) from error
    if not data:
        raise ParseError(
            "the file is empty", reason="empty-file", item=path.name, hint="Fetch it again"
        )
    if b"%PDF-" not in data[:1024]:
        raise ParseError(
            "the file is not a PDF", reason="not-a-pdf", item=path.name, hint="Fetch it again"
        )
    return sha256_bytes(data)


def _read(backend: PdfBackend, path: Path) -> tuple[RawPdf | None, ParseError | None]:
    """Return what a backend read and what is wrong with it."""
    try:
        pdf = backend(path)
    except ParseError as error:
        return None, error
    text = "".join(page.text for page in pdf.pages)
    if is_garbled(text):
        return pdf, ParseError(
            "the text layer is garbled: its characters are not letters",
            reason="garbled-text",
            item=path.name,
            hint="Run OCR over the file and add the result by hand",
        )
    return pdf, None if _letters(text) >= _MIN_TEXT else _no_text(path)


def _no_text(path: Path) -> ParseError:
    return ParseError(
        "the PDF has no visible text, or next to none (a scan?)",
        reason="no-text-layer",
        item=path.name,
        hint="Run OCR over the file and add the result by hand",
    )


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))


def is_garbled(text: str) -> bool:
    """Say whether a text layer is debris: unmapped glyphs, or letters that make no words.

    :param text: A document's raw text.
    :return: True where it must not be indexed.
    """
    visible = len(text) - text.count(" ")
    if visible and len(_BAD_CHAR.findall(text)) > _MAX_BAD * visible:
        return True
    words = _LATIN_WORD.findall(text)
    vowelless = sum(_VOWEL.search(word) is None for word in words)
    return len(words) >= _MIN_WORDS and vowelless > _MAX_VOWELLESS * len(words)


def parse_readme(path: Path, *, paper_id: str) -> Document:
    """Turn a repository's README into a document.

    :param path: The file: Markdown or plain text, UTF-8.
    :param paper_id: The paper whose repository it is.
    :return: The document.
    :raises ParseError: Unreadable, or without text.
    """
    try:
        data = path.read_bytes()[: _MAX_README_BYTES + 1]
    except OSError as error:
        raise ParseError(
            "the file cannot be read", reason="no-text", item=path.name, hint=str(error)
        ) from error
    raw = data[:_MAX_README_BYTES].decode("utf-8-sig", errors="replace")
    document = readme_document(raw, paper_id=paper_id, sha256=sha256_bytes(data))
    return _with_text(document, path.name)


def parse_summary(text: str, *, paper_id: str) -> Document:
    """Turn a listed summary into a document.

    :param text: The summary as the manifest has it.
    :param paper_id: The paper.
    :return: The document.
    :raises ParseError: It has no text.
    """
    sha256 = sha256_bytes(text.encode("utf-8", errors="replace"))
    document = summary_document(text, paper_id=paper_id, sha256=sha256)
    return _with_text(document, f"summary of {paper_id}")


def _with_text(document: Document, item: str) -> Document:
    if _letters(document.text) < _MIN_TEXT:
        raise ParseError("the text is empty", reason="no-text", item=item)
    return document
