"""Papers, documents and chunks of one generation, in one SQLite file.

In: the file that `ragqa.index.storing` wrote. Out: records, as they went in.
Invariants: documents are in order of (paper_id, kind) and chunks in order of their document and
position, so a chunk's row follows from what is indexed and never from how it came there; row
``r`` here is row ``r`` of the vectors and of the lexical index. A chunk's text is a slice of its
document, stored once. A file is written once and then only read.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ragqa.errors import CitationError, IndexMismatchError, IndexStateError
from ragqa.index.integrity import FileGuard, damaged
from ragqa.index.packing import (
    SENTENCE_BYTES,
    ChunkRow,
    DocumentRow,
    count_pages,
    unpack_chunk,
    unpack_document,
)
from ragqa.index.records import Place
from ragqa.records import Chunk, Document, DocumentKind, Paper

__all__ = ["Counts", "DocumentFacts", "Store", "rows_in"]

_DOCUMENT = "sha256, notes, pages, line_starts, runs, breaks, headings"  # columns, but the text
_MAX_VARIABLES = 500  # of one statement; SQLite before 3.32 allowed 999
_CACHED_TEXTS = 64  # documents; of some 60 kB each, about 4 MB
_CACHED_DOCUMENTS = 16  # with their maps of some thousand offsets each


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much a generation holds.

    :ivar papers: Listed papers, those without any text included.
    :ivar documents: Texts of papers.
    :ivar chunks: Chunks of all documents.
    :ivar sentences: Sentences of all chunks.
    """

    papers: int
    documents: int
    chunks: int
    sentences: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFacts:
    """What is told of a document without its text.

    :ivar pages: Its pages; 0 for README and summary.
    :ivar chunks: Its chunks.
    :ivar notes: What the parser left out or found odd.
    """

    pages: int
    chunks: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A document's place and rows: what the store knows of it without reading its text."""

    number: int
    place: Place
    key: str
    first_row: int
    chunk_count: int


class Store:
    """Reads one store; safe to use from several threads, which take turns.

    Opening reads nothing but the file's header; the list of documents is read when first needed,
    a text when first asked for.

    :param path: The file.
    :param guard: Checks the file before its first use; None where that was done.
    :raises IndexDamagedError: It is not a store.
    """

    def __init__(self, path: Path, guard: FileGuard | None = None) -> None:
        self._path, self._guard, self._lock = path, guard, Lock()
        uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        try:
            self._database = sqlite3.connect(uri, uri=True, check_same_thread=False)
        except sqlite3.Error as error:
            raise damaged("the store cannot be opened", path) from error
        self._papers = lru_cache(maxsize=1)(self._read_papers)
        self._entries = lru_cache(maxsize=1)(self._read_entries)
        self._kinds = lru_cache(maxsize=1)(self._sort_kinds)
        self._places = lru_cache(maxsize=1)(self._list_places)
        self._text = lru_cache(maxsize=_CACHED_TEXTS)(self._read_text)
        self._document = lru_cache(maxsize=_CACHED_DOCUMENTS)(self._read_document)

    def close(self) -> None:
        """Close the file; nothing can be read afterwards but what was read before."""
        self._database.close()

    def counts(self) -> Counts:
        """Return how much the store holds."""
        rows = self._select(
            "SELECT (SELECT count(*) FROM papers), (SELECT count(*) FROM documents),"
            " (SELECT count(*) FROM chunks),"
            f" (SELECT coalesce(sum(length(sentences)), 0) / {SENTENCE_BYTES} FROM chunks)"
        )
        papers, documents, chunks, sentences = rows[0]
        return Counts(papers=papers, documents=documents, chunks=chunks, sentences=sentences)

    def papers(self) -> tuple[Paper, ...]:
        """Return every listed paper, in listing order, those without any text included."""
        return tuple(self._papers().values())

    def paper(self, paper_id: str) -> Paper | None:
        """Return one listed paper.

        :param paper_id: Its id.
        :return: The paper, or None where this index does not list it.
        """
        return self._papers().get(paper_id)

    def kinds(self, paper_id: str) -> tuple[DocumentKind, ...]:
        """Return which texts of a paper there are.

        :param paper_id: The paper.
        :return: Their kinds, sorted; empty where there is none.
        """
        return self._kinds().get(paper_id, ())

    def keys(self) -> dict[Place, str]:
        """Return the caller's key of every document: what a rebuild compares to reuse it."""
        return {place: entry.key for place, entry in self._entries().items()}

    def key(self, paper_id: str, kind: DocumentKind) -> str:
        """Return the caller's key of one document.

        :param paper_id: The paper.
        :param kind: Which text of it.
        :return: The key.
        :raises CitationError: This index does not hold the document.
        """
        return self._entry((paper_id, kind)).key

    def document(self, paper_id: str, kind: DocumentKind) -> Document:
        """Return one document with its maps.

        :param paper_id: The paper.
        :param kind: Which text of it.
        :return: The document as it was indexed.
        :raises CitationError: This index does not hold it.
        """
        return self._document(self._entry((paper_id, kind)))

    def facts(self, paper_id: str, kind: DocumentKind) -> DocumentFacts:
        """Return what is told of one document without reading its text.

        :param paper_id: The paper.
        :param kind: Which text of it.
        :return: How large it is, and its parser's notes.
        :raises CitationError: This index does not hold it.
        """
        entry = self._entry((paper_id, kind))
        statement = "SELECT pages, notes FROM documents WHERE number = ?"
        pages, notes = self._select(statement, (entry.number,))[0]
        return DocumentFacts(
            pages=count_pages(pages), chunks=entry.chunk_count, notes=tuple(json.loads(notes))
        )

    def packed(
        self, paper_id: str, kind: DocumentKind
    ) -> tuple[DocumentRow, tuple[ChunkRow, ...], int]:
        """Return one document as it was written, to be written again.

        :param paper_id: The paper.
        :param kind: Which text of it.
        :return: Its values, those of its chunks, and the row of its first sentence; 0 where it has
            no chunk.
        :raises CitationError: This index does not hold it.
        """
        entry = self._entry((paper_id, kind))
        statement = f"SELECT {_DOCUMENT}, text FROM documents WHERE number = ?"
        row = cast("DocumentRow", self._select(statement, (entry.number,))[0])
        chunks = self._select(
            "SELECT first_sentence, chunk_id, start, stop, section, sentences FROM chunks"
            " WHERE row >= ? AND row < ? ORDER BY row",
            (entry.first_row, entry.first_row + entry.chunk_count),
        )
        rows = tuple(cast("ChunkRow", values[1:]) for values in chunks)
        return row, rows, chunks[0][0] if chunks else 0

    def rows_of(self, paper_ids: Iterable[str]) -> NDArray[np.int64]:
        """Return the rows of all chunks of some papers.

        :param paper_ids: The papers; those not in the index add nothing.
        :return: ``(n,)`` int64, ascending.
        """
        kinds, entries = self._kinds(), self._entries()
        found = (
            entries[paper_id, kind]
            for paper_id in set(paper_ids)
            for kind in kinds.get(paper_id, ())
        )
        ranges = sorted((entry.first_row, entry.chunk_count) for entry in found)
        return rows_in([(first, first + count) for first, count in ranges])

    def is_all_of(self, paper_ids: Iterable[str]) -> bool:
        """Say whether no paper but these has text in this index.

        :param paper_ids: The papers.
        :return: True where a restriction to them leaves nothing out.
        """
        return self._kinds().keys() <= set(paper_ids)

    def document_rows(self, paper_id: str, kind: DocumentKind) -> range:
        """Return the rows of one document's chunks.

        :param paper_id: The paper.
        :param kind: Which text of it.
        :return: Consecutive rows.
        :raises CitationError: This index does not hold the document.
        """
        entry = self._entry((paper_id, kind))
        return range(entry.first_row, entry.first_row + entry.chunk_count)

    def row_of(self, chunk_id: str) -> int | None:
        """Return the row of a chunk.

        :param chunk_id: Its id.
        :return: Its row, or None where this index does not hold it.
        """
        rows = self._select("SELECT row FROM chunks WHERE chunk_id = ?", (_storable(chunk_id),))
        return rows[0][0] if rows else None

    def chunks(self, rows: Sequence[int] | NDArray[np.int64]) -> list[Chunk]:
        """Return chunks with their text.

        :param rows: Rows in any order, also repeated.
        :return: A chunk for each, in the order asked.
        :raises IndexMismatchError: A row is not in this index.
        """
        places = self._places()
        columns = "document, chunk_id, start, stop, section, sentences"
        found = {
            row: unpack_chunk(
                places[number], (chunk_id, start, end, section, packed), self._text(number)
            )
            for row, number, chunk_id, start, end, section, packed in self._by_row(columns, rows)
        }
        return [found[int(row)] for row in rows]

    def sentence_ranges(self, rows: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """Return which sentence vectors belong to some chunks.

        :param rows: Rows of chunks, in any order.
        :return: ``(n, 2)`` int64: the first row of each chunk's sentences and one past the last.
        :raises IndexMismatchError: A row is not in this index.
        """
        found = {
            row: (first, first + size // SENTENCE_BYTES)
            for row, first, size in self._by_row("first_sentence, length(sentences)", rows)
        }
        ranges = [found[int(row)] for row in rows]
        return np.array(ranges, dtype=np.int64).reshape(-1, 2)

    def _by_row(
        self, columns: str, rows: Sequence[int] | NDArray[np.int64]
    ) -> Iterator[tuple[Any, ...]]:
        wanted = sorted({int(row) for row in rows})
        for first in range(0, len(wanted), _MAX_VARIABLES):
            batch = wanted[first : first + _MAX_VARIABLES]
            marks = ", ".join("?" * len(batch))
            found = self._select(
                f"SELECT row, {columns} FROM chunks WHERE row IN ({marks})", tuple(batch)
            )
            if len(found) < len(batch):
                missing = sorted(set(batch) - {row[0] for row in found})
                raise IndexMismatchError(
                    "a chunk's row is not in this index",
                    item=missing[0],
                    hint="Ask the index that the row came from",
                )
            yield from found

    def _entry(self, place: Place) -> _Entry:
        entry = self._entries().get(place)
        if entry is None:
            raise CitationError(
                "this index holds no such text",
                item=" ".join(place),
                hint="`ragqa status` lists what it holds",
            )
        return entry

    def _read_papers(self) -> dict[str, Paper]:
        rows = self._select(
            "SELECT paper_id, title, role, url, github, summary FROM papers ORDER BY position"
        )
        return {
            paper_id: Paper(
                paper_id=paper_id, title=title, role=role, url=url, github=github, summary=summary
            )
            for paper_id, title, role, url, github, summary in rows
        }

    def _read_entries(self) -> dict[Place, _Entry]:
        rows = self._select(
            "SELECT number, paper_id, kind, key, first_row, chunk_count FROM documents"
            " ORDER BY number"
        )
        return {
            (paper_id, kind): _Entry(number, (paper_id, kind), key, first_row, count)
            for number, paper_id, kind, key, first_row, count in rows
        }

    def _sort_kinds(self) -> dict[str, tuple[DocumentKind, ...]]:
        """Return the kinds of each paper that has text: asked of every paper by every question."""
        found: dict[str, tuple[DocumentKind, ...]] = {}
        for paper_id, kind in self._entries():
            found[paper_id] = (*found.get(paper_id, ()), kind)
        return found

    def _list_places(self) -> tuple[Place, ...]:
        """Return where each document stands, by its number."""
        return tuple(self._entries())

    def _read_text(self, number: int) -> str:
        rows = self._select("SELECT text FROM documents WHERE number = ?", (number,))
        text: str = rows[0][0]
        return text

    def _read_document(self, entry: _Entry) -> Document:
        rows = self._select(f"SELECT {_DOCUMENT} FROM documents WHERE number = ?", (entry.number,))
        return unpack_document(entry.place, (*rows[0], self._text(entry.number)))

    def _select(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        if self._guard is not None:
            self._guard.check()
        try:
            with self._lock:
                return self._database.execute(statement, values).fetchall()
        except sqlite3.ProgrammingError as error:
            raise IndexStateError("the index was closed", item=self._path) from error
        except sqlite3.Error as error:
            raise damaged(f"the store cannot be read ({error})", self._path) from error


def rows_in(ranges: Sequence[tuple[int, int]] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of some ranges, one range after the other.

    :param ranges: ``(n, 2)``: the first row of each and one past its last.
    :return: ``(m,)`` int64.
    """
    table = np.array(ranges, dtype=np.int64).reshape(-1, 2)
    lengths = table[:, 1] - table[:, 0]
    shifts = table[:, 0] - (np.cumsum(lengths) - lengths)
    return np.repeat(shifts, lengths) + np.arange(lengths.sum())


def _storable(text: str) -> str:
    """Return a text that SQLite can compare; what no stored id holds becomes a ``?``."""
    return text.encode("utf-8", "replace").decode("utf-8")
