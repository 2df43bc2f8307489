"""A generation, open: checked, held and asked.

In: an index's folder. Out: a `Generation`, whose parts answer.
Invariant: what is read was hashed, at open or block by block before its first use; a generation
that is open answers until it is closed, also when its folder is removed (on POSIX; elsewhere the
system refuses to remove it).
"""

from __future__ import annotations

import weakref
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np

from ragqa.errors import CitationError, IndexBusyError, IndexStateError
from ragqa.index.integrity import FileEntry, FileGuard, damaged, describe_file
from ragqa.index.layout import (
    LEXICAL,
    SENTENCES,
    SHORTLIST,
    STORE,
    VECTORS,
    folder_name,
    read_current,
)
from ragqa.index.lexical import Lexical
from ragqa.index.meta import Meta, read_meta
from ragqa.index.packing import SENTENCE_BYTES, PackedDocument
from ragqa.index.records import Place
from ragqa.index.shortlist import open_shortlist
from ragqa.index.store import DocumentFacts, Store
from ragqa.index.vectors import SentenceVectors, Vectors

__all__ = [
    "FileCheck",
    "Generation",
    "find_document",
    "load_document",
    "open_generation",
    "verify_folder",
    "verify_generation",
]

_HASHED_AT_OPEN = 64 << 20  # bytes of all files together: 38 ms at the 1.8 GB/s measured
_OPEN_ATTEMPTS = 5  # an attempt is lost only where `keep` builds land while one reader opens


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCheck:
    """What became of one file of a generation.

    :ivar path: The file.
    :ivar problem: What is wrong with it; None where it is what was written.
    """

    path: Path
    problem: str | None


class Generation:
    """One generation, open: every file is held, so it answers until it is closed.

    :param folder: A whole generation.
    :raises IndexDamagedError: A file is missing or not what was written.
    :raises IndexMismatchError: Its format is unknown.
    :raises IndexStateError: A file cannot be read.

    :ivar meta: What it is.
    :ivar store: Papers, documents, chunks.
    :ivar vectors: Chunk vectors.
    :ivar sentences: Sentence vectors.
    :ivar lexical: BM25.
    """

    def __init__(self, folder: Path) -> None:
        with ExitStack() as stack:
            try:
                self.meta = read_meta(folder)
                guards = _guards(folder, self.meta, stack)
                self.store = Store(folder / STORE, guards[STORE])
                stack.callback(self.store.close)
                shortlist = open_shortlist(folder / SHORTLIST) if SHORTLIST in guards else None
                self.vectors = Vectors(folder / VECTORS, guards[VECTORS], shortlist)
                self.sentences = SentenceVectors(folder / SENTENCES, guards[SENTENCES])
                self.lexical = Lexical(folder / LEXICAL)
            except OSError as error:
                raise IndexStateError("the index cannot be read", item=error) from error
            self._check_counts(folder)
            self._close = weakref.finalize(self, stack.pop_all().close)

    @property
    def number(self) -> int:
        """Return the generation's number, from 1."""
        return self.meta.number

    def close(self) -> None:
        """Close every handle; closing twice is fine. What is mapped goes with the object."""
        self._close()

    def __enter__(self) -> Generation:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _check_counts(self, folder: Path) -> None:
        counts = self.meta.counts
        found = (self.vectors.count, self.lexical.count, self.sentences.count)
        if found != (counts.chunks, counts.chunks, counts.sentences):
            raise damaged("the files of the index do not belong together", folder)


def open_generation(directory: Path) -> Generation:
    """Open the generation in force.

    :param directory: The index.
    :return: The open generation; close it, or use it in a ``with`` block.
    :raises IndexMissingError: There is no index.
    :raises IndexDamagedError: A file is missing or not what was written.
    :raises IndexMismatchError: Its format is unknown.
    :raises IndexStateError: A file cannot be read.
    """
    for _ in range(_OPEN_ATTEMPTS):
        name = read_current(directory)
        try:
            return _open_named(directory, name)
        except IndexStateError:
            if read_current(directory) == name:
                raise
    raise IndexBusyError(
        "the index was replaced again and again while it was opened", item=directory
    )


def verify_generation(directory: Path) -> tuple[FileCheck, ...]:
    """Hash every file of the generation in force.

    :param directory: The index.
    :return: A row for each file, sorted by name.
    :raises IndexMissingError: There is no index.
    :raises IndexDamagedError: ``CURRENT`` or the meta file, which says what the others must be,
        is damaged.
    :raises IndexMismatchError: Its format is unknown.
    """
    return verify_folder(directory / read_current(directory))


def load_document(generation: Generation, place: Place) -> PackedDocument:
    """Return one document as it was written, bit for bit, to be written again.

    :param generation: An open generation.
    :param place: Its paper_id and kind.
    :return: The document.
    :raises CitationError: The generation does not hold it.
    :raises IndexDamagedError: What was read is not what was written.
    """
    store = generation.store
    row, chunks, first = store.packed(*place)
    sentences = sum(len(chunk[-1]) for chunk in chunks) // SENTENCE_BYTES
    return PackedDocument(
        place=place,
        key=store.key(*place),
        row=row,
        chunks=chunks,
        chunk_vectors=generation.vectors.rows(np.array(store.document_rows(*place), np.int64)),
        sentence_vectors=generation.sentences.quantised(np.arange(first, first + sentences)),
    )


def find_document(generation: Generation, place: Place, key: str) -> DocumentFacts | None:
    """Say whether a generation has a document made from the same things that can be read.

    :param generation: An open generation.
    :param place: Its paper_id and kind.
    :param key: Hash of everything that it is made from.
    :return: What is told of the document, or None. All that `load_document` reads was hashed.
    """
    store = generation.store
    try:
        if store.key(*place) != key:
            return None
        rows = store.document_rows(*place)
        if rows:
            (first, _), (_, last) = store.sentence_ranges([rows[0], rows[-1]]).tolist()
            generation.vectors.check(np.array(rows, np.int64))
            generation.sentences.check(np.arange(first, last))
        return store.facts(*place)
    except (CitationError, IndexStateError):  # it is not there, or cannot be read
        return None


def verify_folder(folder: Path) -> tuple[FileCheck, ...]:
    """Hash every file of one generation.

    :param folder: The generation, in force or not.
    :return: A row for each file, sorted by name.
    :raises IndexDamagedError: Its meta file is damaged.
    :raises IndexMismatchError: Its format is unknown.
    """
    files = read_meta(folder).files
    return tuple(_check_file(folder / name, files[name]) for name in sorted(files))


def _check_file(path: Path, entry: FileEntry) -> FileCheck:
    try:
        found = describe_file(path, entry.block_bytes)
    except OSError as error:
        return FileCheck(path=path, problem=error.strerror or "unreadable")
    if found.size != entry.size:
        return FileCheck(path=path, problem=f"{found.size} bytes instead of {entry.size}")
    return FileCheck(path=path, problem=None if found == entry else "altered")


def _guards(folder: Path, meta: Meta, stack: ExitStack) -> dict[str, FileGuard]:
    """Open and size-check every file; hash all of a small index, what may crash of any."""
    guards = {}
    for name, entry in meta.files.items():
        guards[name] = FileGuard(folder / name, entry)
        stack.callback(guards[name].close)
    for name, guard in guards.items():
        # A flipped byte in a lexical file can crash the process (a bus error in tantivy 0.27), and
        # one in a shortlist can send FAISS anywhere. The first question needs both.
        if meta.size <= _HASHED_AT_OPEN or name.startswith((LEXICAL, SHORTLIST)):
            guard.check()
    return guards


def _open_named(directory: Path, name: str) -> Generation:
    generation = Generation(directory / name)
    if folder_name(generation.number) != name:
        generation.close()
        raise damaged(f"the index names {name}, which is another", directory)
    return generation
