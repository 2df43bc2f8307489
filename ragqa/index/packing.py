"""Documents and chunks in the compact form that SQLite keeps.

In: an `IndexedDocument`. Out: rows of plain values, and back. Invariant: unpacking gives what
was packed. A table of integers is kept column by column as zlib'd differences of little-endian
int64, so a map of some thousand offsets takes a few kilobytes.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragqa.index.records import IndexedDocument, Place, check_document
from ragqa.records import Chunk, Document, Page, Run, Sentence

__all__ = [
    "SENTENCE_BYTES",
    "ChunkRow",
    "DocumentRow",
    "PackedDocument",
    "count_pages",
    "pack_document",
    "unpack_chunk",
    "unpack_document",
]

SENTENCE_BYTES = 9  # of one sentence: start and end as int32, quotable as a byte

_ROW_BYTES = 600  # of a chunk's row of values in Python, its sentences included

DocumentRow = tuple[str, str, bytes, bytes, bytes, bytes, bytes, str]
"""sha256, notes (JSON), pages, line_starts, runs, breaks, headings, text."""

ChunkRow = tuple[str, int, int, str, bytes]
"""chunk_id, start, end, section, sentences."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PackedDocument:
    """One document as it is written.

    :ivar place: Its paper_id and kind.
    :ivar key: The caller's key.
    :ivar row: The document's own values.
    :ivar chunks: A row of values for each chunk, in order.
    :ivar chunk_vectors: ``(n_chunks, dim)`` float32.
    :ivar sentence_vectors: ``(n_sentences, dim)`` int8.
    """

    place: Place
    key: str
    row: DocumentRow
    chunks: tuple[ChunkRow, ...]
    chunk_vectors: NDArray[np.float32]
    sentence_vectors: NDArray[np.int8]

    @property
    def text(self) -> str:
        """Return the canonical text."""
        return self.row[-1]

    @property
    def size(self) -> int:
        """Return what it takes of memory, about, in bytes: its vectors and its text."""
        vectors = self.chunk_vectors.nbytes + self.sentence_vectors.nbytes
        return vectors + sum(map(len, self.row)) + _ROW_BYTES * len(self.chunks)


def pack_document(item: IndexedDocument) -> PackedDocument:
    """Check one record and reduce it to what is written.

    :param item: The record.
    :return: The same in compact form; its vectors are not copied.
    :raises BuildError: The record is not sound.
    """
    check_document(item)
    document = item.document
    return PackedDocument(
        place=item.place,
        key=item.key,
        row=(
            document.sha256,
            json.dumps(document.notes),
            _pack([(page.number, page.start, page.end) for page in document.pages], 3),
            _pack([(start,) for start in document.line_starts], 1),
            _pack(document.runs, 2),
            _pack([(offset,) for offset in document.breaks], 1),
            _pack(document.headings, 2),
            document.text,
        ),
        chunks=tuple(_chunk_row(chunk) for chunk in item.chunks),
        chunk_vectors=item.chunk_vectors,
        sentence_vectors=item.sentence_vectors,
    )


def unpack_document(place: Place, row: DocumentRow) -> Document:
    """Return the document that was packed.

    :param place: Its paper_id and kind.
    :param row: Its values.
    :return: The document.
    """
    paper_id, kind = place
    sha256, notes, pages, line_starts, runs, breaks, headings, text = row
    return Document(
        paper_id=paper_id,
        kind=kind,
        sha256=sha256,
        text=text,
        pages=tuple(Page(number=n, start=s, end=e) for n, s, e in _unpack(pages, 3)),
        line_starts=tuple(start for (start,) in _unpack(line_starts, 1)),
        runs=tuple(Run(start, raw) for start, raw in _unpack(runs, 2)),
        breaks=tuple(offset for (offset,) in _unpack(breaks, 1)),
        headings=tuple((start, end) for start, end in _unpack(headings, 2)),
        notes=tuple(json.loads(notes)),
    )


def count_pages(packed: bytes) -> int:
    """Return how many pages a document has.

    :param packed: The value of its column ``pages``.
    :return: Their number.
    """
    return len(_unpack(packed, 3))


def unpack_chunk(place: Place, row: ChunkRow, text: str) -> Chunk:
    """Return the chunk that was packed.

    :param place: Its document's paper_id and kind.
    :param row: Its values.
    :param text: The document's canonical text.
    :return: The chunk.
    """
    chunk_id, start, end, section, sentences = row
    return Chunk(
        chunk_id=chunk_id,
        paper_id=place[0],
        document=place[1],
        start=start,
        end=end,
        text=text[start:end],
        section=section,
        sentences=_unpack_sentences(sentences, start),
    )


def _chunk_row(chunk: Chunk) -> ChunkRow:
    spans = [(s.start - chunk.start, s.end - chunk.start) for s in chunk.sentences]
    quotable = bytes(sentence.quotable for sentence in chunk.sentences)
    packed = np.array(spans, dtype="<i4").reshape(-1, 2).tobytes() + quotable
    return chunk.chunk_id, chunk.start, chunk.end, chunk.section, packed


def _unpack_sentences(packed: bytes, origin: int) -> tuple[Sentence, ...]:
    count = len(packed) // SENTENCE_BYTES
    spans = np.frombuffer(packed, dtype="<i4", count=2 * count).reshape(-1, 2) + origin
    flags = packed[8 * count :]
    return tuple(
        Sentence(start=start, end=end, quotable=bool(flag))
        for (start, end), flag in zip(spans.tolist(), flags, strict=True)
    )


def _pack(rows: Sequence[Sequence[int]], columns: int) -> bytes:
    table = np.array(rows, dtype=np.int64).reshape(-1, columns)
    steps = np.diff(table, axis=0, prepend=np.zeros((1, columns), dtype=np.int64))
    return zlib.compress(np.ascontiguousarray(steps.T, dtype="<i8").tobytes())


def _unpack(packed: bytes, columns: int) -> list[list[int]]:
    steps = np.frombuffer(zlib.decompress(packed), dtype="<i8").reshape(columns, -1)
    table: list[list[int]] = np.cumsum(steps, axis=1).T.tolist()
    return table
