"""Writes the store of a new generation: papers, documents and chunks, in one SQLite file.

In: the listed papers, then packed documents in canonical order, one at a time. Out: the file that
`ragqa.index.store.Store` reads. Invariants: the same papers and documents give the same bytes;
nothing of a document is held once it was added.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from ragqa.errors import BuildError
from ragqa.index.locking import REFUSED
from ragqa.index.packing import SENTENCE_BYTES, PackedDocument
from ragqa.index.store import Counts
from ragqa.records import Paper

__all__ = ["StoreWriter"]

_TABLES = """
CREATE TABLE papers (
    position INTEGER PRIMARY KEY,
    paper_id TEXT NOT NULL UNIQUE, title TEXT NOT NULL, role TEXT NOT NULL,
    url TEXT, github TEXT, summary TEXT
);
CREATE TABLE documents (
    number INTEGER PRIMARY KEY,
    paper_id TEXT NOT NULL REFERENCES papers (paper_id), kind TEXT NOT NULL, key TEXT NOT NULL,
    first_row INTEGER NOT NULL, chunk_count INTEGER NOT NULL,
    sha256 TEXT NOT NULL, notes TEXT NOT NULL, pages BLOB NOT NULL, line_starts BLOB NOT NULL,
    runs BLOB NOT NULL, breaks BLOB NOT NULL, headings BLOB NOT NULL, text TEXT NOT NULL,
    UNIQUE (paper_id, kind)
);
CREATE TABLE chunks (
    row INTEGER PRIMARY KEY,
    document INTEGER NOT NULL REFERENCES documents (number), first_sentence INTEGER NOT NULL,
    chunk_id TEXT NOT NULL UNIQUE, start INTEGER NOT NULL, stop INTEGER NOT NULL,
    section TEXT NOT NULL, sentences BLOB NOT NULL
);
"""
_UNSAFE_BUT_FAST = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON;"
# Safe here: the file is private until it is whole, and its generation is flushed before it counts.


class StoreWriter:
    """Writes one store; as a context manager it completes the file where nothing went wrong.

    :param path: A file that does not exist yet.
    :param papers: Every listed paper, in listing order.
    :raises BuildError: A value cannot be stored, an id is used twice, or the disk is full.
    """

    def __init__(self, path: Path, papers: Sequence[Paper]) -> None:
        self._papers, self._documents, self._chunks, self._sentences = len(papers), 0, 0, 0
        with _refusals():
            self._database = sqlite3.connect(path, isolation_level=None)
        try:
            with _refusals():
                self._begin(papers)
        except BaseException:
            self._database.close()
            raise

    def __enter__(self) -> StoreWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                with _refusals():
                    self._database.execute("COMMIT")
        finally:
            self._database.close()

    @property
    def counts(self) -> Counts:
        """Return how much was written so far."""
        return Counts(
            papers=self._papers,
            documents=self._documents,
            chunks=self._chunks,
            sentences=self._sentences,
        )

    def add(self, document: PackedDocument) -> None:
        """Write one document and its chunks.

        :param document: The next one in canonical order: by (paper_id, kind).
        :raises BuildError: A value cannot be stored, an id is used twice, or the disk is full.
        """
        number, row = self._documents, self._chunks
        values = (*document.place, document.key, row, len(document.chunks), *document.row)
        with _refusals():
            self._database.execute(
                f"INSERT INTO documents VALUES ({', '.join('?' * 14)})", (number, *values)
            )
            for chunk in document.chunks:
                self._database.execute(
                    "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (self._chunks, number, self._sentences, *chunk),
                )
                self._chunks += 1
                self._sentences += len(chunk[-1]) // SENTENCE_BYTES
        self._documents += 1

    def _begin(self, papers: Sequence[Paper]) -> None:
        self._database.executescript(_UNSAFE_BUT_FAST + _TABLES)
        self._database.execute("BEGIN")
        self._database.executemany(
            "INSERT INTO papers VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                (position, p.paper_id, p.title, p.role, p.url, p.github, p.summary)
                for position, p in enumerate(papers)
            ),
        )


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what SQLite refuses into a `BuildError`."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise BuildError(
            "the store of the index cannot be written, as an id is used twice or is not listed",
            item=error,
            hint="List each paper once, and index only listed papers",
        ) from error
    except (sqlite3.Error, UnicodeEncodeError) as error:
        raise BuildError(
            "the store of the index cannot be written", item=error, hint=REFUSED
        ) from error
