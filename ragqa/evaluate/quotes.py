"""Is each quote really where a system says it is? The harness looks for itself.

In: a response, and the dataset or corpus that it was made from. Out: the same response with
`Quoted.verbatim` set. Invariants: nothing of ragqa's own parsing or index is believed: a PDF is
read by pdfium's text call, a README as the file it is; what cannot be looked up is not verbatim.

In a text dataset a quote must be the paper's text at its span, character for character. On a page
or a line, letters and digits are compared, in order, after Unicode compatibility composition
(NFKC), since line ends and hyphens differ between a page's raw text and what a reader is shown.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ragqa.evaluate.records import Dataset, Quoted, Response
from ragqa.manifest import load_lock, load_manifest
from ragqa.records import LineLocator, PageLocator

__all__ = ["QuoteSources", "check_quotes"]

_LINE_END = re.compile(r"\r\n|\r|\n")
_CACHED_FILES = 256  # PDFs and READMEs; the raw text of a paper is some 60 kB
_LOCK, _MANIFEST = "manifest.lock", "manifest.yaml"
_PDFIUM = threading.Lock()  # pdfium may be used by one thread at a time


class QuoteSources:
    """What quotes of one dataset are looked up in: its texts, or the files of its corpus.

    :param dataset: The dataset.
    :raises ManifestError: The corpus's manifest or lock has mistakes.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._texts = {paper.paper_id: paper.text for paper in dataset.papers}
        self._files: dict[tuple[str, str], Path] = {}
        self._summaries: dict[str, str] = {}
        self._pages = lru_cache(maxsize=_CACHED_FILES)(_pdf_pages)
        self._lines = lru_cache(maxsize=_CACHED_FILES)(_file_lines)
        if dataset.corpus is not None:
            self._list_corpus(dataset.corpus)

    def holds(self, quoted: Quoted) -> bool:
        """Say whether a quote stands where it claims to stand.

        :param quoted: The citation.
        :return: False also where there is no such paper, file, page, line or span.
        """
        if quoted.paper_id in self._texts:
            return _is_span(self._texts[quoted.paper_id], quoted)
        letters = _squash(quoted.quote)
        if not letters:
            return False
        if quoted.document == "pdf":
            return self._is_on_pages(quoted, letters)
        return self._is_on_lines(quoted, letters)

    def _list_corpus(self, corpus: Path) -> None:
        papers = load_manifest(corpus / _MANIFEST).papers
        listed = {paper.paper_id for paper in papers}
        self._summaries = {p.paper_id: p.summary for p in papers if p.summary}
        for entry in load_lock(corpus / _LOCK).entries:
            if entry.paper_id in listed:
                self._files[entry.paper_id, entry.kind] = corpus / entry.path

    def _is_on_pages(self, quoted: Quoted, letters: str) -> bool:
        path = self._files.get((quoted.paper_id, "pdf"))
        if path is None:
            return False
        pages = self._pages(path)
        parts = [_squash(part) for part in _page_spans(quoted, pages)]
        is_complete = len(parts) == len(quoted.locators) and all(parts)
        return is_complete and "".join(parts) == letters

    def _is_on_lines(self, quoted: Quoted, letters: str) -> bool:
        lines = self._lines_of(quoted)
        spans = [at for at in quoted.locators if isinstance(at, LineLocator)]
        if not spans or len(spans) < len(quoted.locators):
            return False
        if not all(1 <= at.line_start <= at.line_end <= len(lines) for at in spans):
            return False
        named = "\n".join(line for at in spans for line in lines[at.line_start - 1 : at.line_end])
        return letters in _squash(named)

    def _lines_of(self, quoted: Quoted) -> Sequence[str]:
        if quoted.document == "summary":
            return _LINE_END.split(self._summaries.get(quoted.paper_id, ""))
        path = self._files.get((quoted.paper_id, "readme"))
        return () if path is None or quoted.document != "readme" else self._lines(path)


def check_quotes(response: Response, sources: QuoteSources) -> Response:
    """Look every quote of a response up.

    :param response: What a system gave; what it says of its own quotes is not believed.
    :param sources: Where to look.
    :return: The response with `verbatim` True or False on every citation.
    """
    if not response.statements:
        return response
    statements = tuple(
        replace(
            said,
            citations=tuple(replace(c, verbatim=sources.holds(c)) for c in said.citations),
        )
        for said in response.statements
    )
    return replace(response, statements=statements)


def _is_span(text: str, quoted: Quoted) -> bool:
    start, end = quoted.start, quoted.end
    if start is None or end is None or not 0 <= start < end <= len(text):
        return False
    return text[start:end] == quoted.quote


def _page_spans(quoted: Quoted, pages: Sequence[str]) -> Iterator[str]:
    """Yield what stands at each of a quote's places; less where there is no such place."""
    for at in quoted.locators:
        if isinstance(at, PageLocator) and 1 <= at.page <= len(pages):
            text = pages[at.page - 1]
            if 0 <= at.start < at.end <= len(text):
                yield text[at.start : at.end]


def _squash(text: str) -> str:
    """Return the letters and digits of a text, in order."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if c.isalnum())


def _pdf_pages(path: Path) -> tuple[str, ...]:
    """Return each page's raw text as pdfium's own call gives it; none of a file it cannot read."""
    import pypdfium2

    with _PDFIUM:
        try:
            document = pypdfium2.PdfDocument(path)
        except (pypdfium2.PdfiumError, OSError):
            return ()
        try:
            return tuple(_page_text(document, index) for index in range(len(document)))
        except pypdfium2.PdfiumError:
            return ()
        finally:
            document.close()


def _page_text(document: Any, index: int) -> str:  # noqa: ANN401 - pypdfium2 has no types
    page = document[index]
    textpage = page.get_textpage()
    try:
        return str(textpage.get_text_range())
    finally:
        textpage.close()
        page.close()


def _file_lines(path: Path) -> tuple[str, ...]:
    try:
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError:
        return ()
    return tuple(_LINE_END.split(text))
