"""What the stock pipeline is measured with, and a user's script has not: kept vectors, and spans.

`VectorShelf`: blocks of texts <-> their vectors, in ``.npy`` files named by what decides them.
`paper_documents`, `page_documents`: papers -> LangChain documents; `Findings`: what was odd.
`ChunkFinder`: words as pypdf reads a PDF -> their span in the canonical text of the same paper.
Invariants: a block is there whole or not at all, and never pickled; a span that is given starts
and ends with words of the chunk and is not much longer than it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ragqa._files import atomic_writer
from ragqa.embed.base import FloatMatrix, clean
from ragqa.errors import EvaluationError, ParseError
from ragqa.evaluate.locating import TextIndex
from ragqa.evaluate.records import GoldPaper
from ragqa.manifest import load_lock

__all__ = ["ChunkFinder", "Findings", "VectorShelf", "page_documents", "paper_documents"]

_LOCK = "manifest.lock"
_SHOWN = 200  # characters of a foreign error's text that are kept
_PIECE = 60  # letters and digits: enough to stand in a paper only once
_TRIES = 40  # words of a chunk's start and end that may not stand there: two lines of a head
_LONGEST = (
    1.5  # times a chunk's length that its span may have: heads and hyphens are left out of it
)
_WORD = re.compile(r"\S+")
_SIGN = re.compile(r"[\W_]+")


class VectorShelf:
    """A folder of embedded blocks of texts.

    :param folder: The folder; made when something is kept.
    :param recipe: All that decides a vector besides its text, as JSON.
    """

    def __init__(self, folder: Path, recipe: object) -> None:
        self._folder = folder
        self._recipe = recipe

    def load(self, texts: Sequence[str]) -> FloatMatrix | None:
        """Return the vectors of a block.

        :param texts: The block's texts.
        :return: ``(n, dim)`` float32; None where they are not there, or are damaged.
        """
        try:
            rows = np.load(self._path(texts), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        fits = rows.ndim == 2 and len(rows) == len(texts) and rows.dtype == np.float32
        return rows if fits and np.isfinite(rows).all() else None

    def save(self, texts: Sequence[str], rows: FloatMatrix) -> None:
        """Keep the vectors of a block.

        :param texts: The block's texts.
        :param rows: ``(n, dim)`` float32.
        :raises EvaluationError: The folder cannot be written.
        """
        try:
            with atomic_writer(self._path(texts)) as file:
                np.save(file, rows, allow_pickle=False)
        except OSError as error:
            raise EvaluationError(
                f"vectors cannot be kept ({error.strerror})",
                item=self._folder,
                hint="Make room, or choose another folder",
            ) from error

    def _path(self, texts: Sequence[str]) -> Path:
        key = json.dumps([self._recipe, list(texts)], sort_keys=True).encode()
        return self._folder / f"{hashlib.sha256(key).hexdigest()}.npy"


class ChunkFinder:
    """Finds the chunks of one paper, in their order, in its canonical text.

    :param text: The canonical text.
    """

    def __init__(self, text: str) -> None:
        self._text = TextIndex(text)
        self._near = 0  # a chunk stands after the one before it: tells two places of the same words

    def place(self, words: str) -> tuple[int, int] | None:
        """Say where a chunk stands.

        Where its whole text is not found, as page heads or hidden text are no part of the canonical
        text, it is the span from the first to the last piece of it that is found.

        :param words: The chunk, as another reader of PDFs gives it.
        :return: Its span; None where it cannot be told.
        """
        span = self._text.locate(words, near=self._near) or self._between_pieces(words)
        if span is not None:
            self._near = span[1]
        return span

    def _between_pieces(self, words: str) -> tuple[int, int] | None:
        ends = [found.span() for found in _WORD.finditer(words)]
        first = self._first(words[start:] for start, _ in ends[:_TRIES])
        last = self._first((words[:end] for _, end in ends[: -_TRIES - 1 : -1]), at_end=True)
        if first is None or last is None:
            return None
        start, end = first[0], last[1]
        return (start, end) if start < end <= start + _LONGEST * len(words) else None

    def _first(self, rests: Iterable[str], *, at_end: bool = False) -> tuple[int, int] | None:
        """Return where the first rest of a chunk stands whose outermost piece is found."""
        for rest in rests:
            piece = _piece(rest[::-1])[::-1] if at_end else _piece(rest)
            span = self._text.locate(piece, near=self._near) if piece else None
            if span is not None:
                return span
        return None


def _piece(rest: str) -> str:
    """Return as many words of the start of a rest as make a piece; nothing if it is short."""
    letters = 0
    for word in _WORD.finditer(rest):
        letters += len(_SIGN.sub("", word.group()))
        if letters >= _PIECE:
            return rest[: word.end()]
    return ""


@dataclass(slots=True)
class Findings:
    """What was odd about the papers.

    :ivar left_out: Why a paper is left out, by paper_id.
    :ivar no_pdf: Papers of a corpus without a PDF.
    :ivar surrogates: Papers whose text holds lone surrogates.
    """

    left_out: dict[str, str] = field(default_factory=dict)
    no_pdf: list[str] = field(default_factory=list)
    surrogates: set[str] = field(default_factory=set)


def paper_documents(papers: Iterable[GoldPaper], findings: Findings) -> Iterator[Any]:
    """Yield one LangChain document a paper.

    :param papers: The papers.
    :param findings: Told what is odd about them.
    :yield: Documents with ``paper_id`` in their metadata.
    """
    from langchain_core.documents import Document

    for paper in papers:
        text = _encodable(paper.text, paper.paper_id, findings)
        yield Document(page_content=text, metadata={"paper_id": paper.paper_id})


def page_documents(corpus: Path, paper_ids: Iterable[str], findings: Findings) -> Iterator[Any]:
    """Yield what PyPDFLoader makes of the PDFs of a corpus: a LangChain document a page.

    :param corpus: The corpus folder.
    :param paper_ids: The papers.
    :param findings: Told which papers have no PDF, cannot be read, or are odd.
    :yield: Documents with ``paper_id`` and ``document`` in their metadata.
    """
    lock = load_lock(corpus / _LOCK)
    for paper_id in paper_ids:
        entry = lock.get(paper_id, "pdf")
        if entry is None or not (corpus / entry.path).is_file():
            findings.no_pdf.append(paper_id)
            continue
        try:
            pages = _load_pages(corpus / entry.path)
        except ParseError as error:
            findings.left_out[paper_id] = str(error.__cause__ or error)[:_SHOWN]
            continue
        for page in pages:
            page.page_content = _encodable(page.page_content, paper_id, findings)
            page.metadata = {"paper_id": paper_id, "document": "pdf"}
            yield page


def _load_pages(path: Path) -> list[Any]:
    from langchain_community.document_loaders import PyPDFLoader

    try:
        pages: list[Any] = PyPDFLoader(str(path)).load()
    except MemoryError:
        raise
    except Exception as error:  # pypdf raises any type on hostile content streams
        raise ParseError(
            "PyPDFLoader cannot read this PDF", reason="damaged-pdf", item=path.name
        ) from error
    return pages


def _encodable(text: str, paper_id: str, findings: Findings) -> str:
    """Return a text without lone surrogates, as long as it was."""
    cleaned = clean(text)
    if cleaned != text:
        findings.surrogates.add(paper_id)
    return cleaned
