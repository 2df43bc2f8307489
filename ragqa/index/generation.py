"""Generations of an index: written whole or not at all, and swapped at once.

In: packed documents, one after the other, and the listed papers. Out: a folder ``gen-000007``
that ``CURRENT`` names, and, through `open_generation`, a `Generation` to ask.

Invariants: ``CURRENT`` names a generation that was whole, flushed to disk and opened once before
it was named, so a crash at any instant leaves the old one or the new one answering. What is
written is a function of the documents and papers, in whatever order and by whatever history they
come. A generation is never changed.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from ragqa._files import sync_dir
from ragqa.errors import (
    BuildError,
    IndexDamagedError,
    IndexMissingError,
    IndexStateError,
)
from ragqa.index.integrity import SMALL_BLOCK_BYTES, FileEntry, describe_file
from ragqa.index.layout import (
    CURRENT,
    LEXICAL,
    SENTENCES,
    SHORTLIST,
    STORE,
    VECTORS,
    current_number,
    folder_name,
    missing,
    numbers,
    point,
)
from ragqa.index.lexical import LexicalWriter
from ragqa.index.locking import build_errors, writer_lock
from ragqa.index.meta import Meta, write_meta
from ragqa.index.packing import PackedDocument
from ragqa.index.proposing import write_shortlist
from ragqa.index.reading import (
    FileCheck,
    Generation,
    find_document,
    load_document,
    open_generation,
    verify_folder,
    verify_generation,
)
from ragqa.index.records import Place
from ragqa.index.rows import sentence_writer, vector_writer
from ragqa.index.shortlist import Recall, is_exact
from ragqa.index.store import Counts
from ragqa.index.storing import StoreWriter
from ragqa.index.vectors import Vectors
from ragqa.records import Paper

__all__ = [
    "FileCheck",
    "Generation",
    "find_document",
    "load_document",
    "open_generation",
    "rollback",
    "verify_generation",
    "write_generation",
]

_LOCK = ".lock"
_ASIDE = "tmp-"  # prefix of folders that are being written or removed
_LIBRARIES = ("faiss-cpu", "numpy", "tantivy")


def write_generation(
    directory: Path,
    documents: Iterable[PackedDocument],
    papers: Sequence[Paper],
    *,
    fingerprint: Mapping[str, str],
    keep: int = 2,
) -> Path:
    """Write a new generation and put it in force.

    Memory: one document, and what tantivy gathers before it writes: 1 kB a chunk, about.

    :param directory: The index; it is made if needed.
    :param documents: All documents, in canonical order: by (paper_id, kind), each at most once.
        They may come lazily, also from a generation of the same index.
    :param papers: Every listed paper, in listing order, those without any document included.
    :param fingerprint: What the index is made from and by, kept in its meta file.
    :param keep: How many generations to keep, the new one included; at least 1.
    :return: The new generation's folder.
    :raises IndexBusyError: Another build is writing this index.
    :raises BuildError: The documents are not in order or differ in width, or the disk is full or
        refuses; what was in force stays in force.
    """
    with writer_lock(directory, _LOCK), build_errors(directory):
        before = current_number(directory)
        _remove_leftovers(directory)
        folder = _write_new(directory, papers, documents, fingerprint)
        _remove_old(directory, before, keep)
    return folder


def rollback(directory: Path) -> Path:
    """Put the generation before the one in force in force again.

    :param directory: The index.
    :return: The folder of the generation that answers now.
    :raises IndexMissingError: There is no index, or no earlier generation of it.
    :raises IndexDamagedError: The earlier generation is damaged itself; nothing was changed.
    :raises IndexBusyError: Another process is writing this index.
    :raises BuildError: The folder cannot be written.
    """
    if not numbers(directory):
        raise missing(directory)
    with writer_lock(directory, _LOCK):
        current = current_number(directory)
        earlier = [n for n in numbers(directory) if current is None or n < current]
        if not earlier:
            raise IndexMissingError(
                "there is no earlier generation of this index",
                item=directory,
                hint="Run `ragqa rebuild CORPUS`",
            )
        folder = directory / folder_name(earlier[-1])
        for check in verify_folder(folder):
            if check.problem:
                raise IndexDamagedError(
                    f"the earlier generation is damaged too ({check.problem})",
                    item=check.path,
                    hint="Run `ragqa rebuild CORPUS`",
                )
        with build_errors(directory):
            point(directory, folder.name)
    return folder


def _write_new(
    directory: Path,
    papers: Sequence[Paper],
    documents: Iterable[PackedDocument],
    fingerprint: Mapping[str, str],
) -> Path:
    """Write a generation aside, open it, give it its name and put it in force."""
    number = max(numbers(directory), default=0) + 1
    aside, target = directory / f"{_ASIDE}{uuid.uuid4().hex}", directory / folder_name(number)
    try:
        aside.mkdir()
        counts, dimension = _write_parts(aside, papers, documents)
        recall = _write_shortlist(aside, counts.chunks)
        meta = Meta(
            number=number,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            fingerprint=dict(fingerprint),
            made_with={name: version(name) for name in _LIBRARIES},
            counts=counts,
            dimension=dimension,
            search="exact" if recall is None else "shortlist",
            recall_at_10=1.0 if recall is None else recall.at_10,
            shortlist=recall,
            files=_flush_and_describe(aside, SMALL_BLOCK_BYTES if recall else 0),
        )
        write_meta(aside, meta)
        _prove_readable(aside)
        aside.rename(target)
        sync_dir(directory)
        point(directory, target.name)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        if current_number(directory) != number:  # the swap may have been the last thing done
            shutil.rmtree(target, ignore_errors=True)
        raise
    return target


def _prove_readable(folder: Path) -> None:
    """Open what was written, since FAISS for one does not notice that the disk was full."""
    try:
        Generation(folder).close()
    except IndexStateError as error:
        raise BuildError(f"what was written cannot be read back ({error})") from error


def _write_parts(
    folder: Path, papers: Sequence[Paper], documents: Iterable[PackedDocument]
) -> tuple[Counts, int]:
    """Write each document to all parts before the next one is taken."""
    (folder / LEXICAL).mkdir()
    with ExitStack() as stack:
        store = stack.enter_context(StoreWriter(folder / STORE, papers))
        vectors = stack.enter_context(vector_writer(folder / VECTORS))
        sentences = stack.enter_context(sentence_writer(folder / SENTENCES))
        lexical = stack.enter_context(LexicalWriter(folder / LEXICAL))
        for document in _in_order(documents):
            store.add(document)
            vectors.add(document.chunk_vectors)
            sentences.add(document.sentence_vectors)
            for text in _lexical_texts(document):
                lexical.add(document.place[0], text)
    return store.counts, vectors.width


def _in_order(documents: Iterable[PackedDocument]) -> Iterator[PackedDocument]:
    before: Place | None = None
    for document in documents:
        if before is not None and document.place <= before:
            raise BuildError(
                "the documents of the index do not come in order",
                item=" ".join(document.place),
                hint="This is a fault of the stage before the index; please report it",
            )
        before = document.place
        yield document


def _write_shortlist(folder: Path, chunks: int) -> Recall | None:
    """Write and measure the shortlist of a large index, from its vectors as they were written."""
    if is_exact(chunks):
        return None
    return write_shortlist(folder / SHORTLIST, Vectors(folder / VECTORS))


def _lexical_texts(document: PackedDocument) -> Iterator[str]:
    whole = document.text
    for _, start, end, section, _ in document.chunks:
        text = whole[start:end]
        yield f"{section}\n{text}" if section else text


def _flush_and_describe(folder: Path, block_bytes: int) -> dict[str, FileEntry]:
    """Flush every file and folder to disk, let others read them, and hash them."""
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            sync_dir(path)
            continue
        if path.suffix == ".lock":  # tantivy's, of no use to a folder that never changes
            continue
        path.chmod(0o644)  # tantivy writes some of its files for the owner only
        with path.open("rb+") as file:
            os.fsync(file.fileno())
        files[path.relative_to(folder).as_posix()] = describe_file(path, block_bytes)
    sync_dir(folder)
    return files


def _remove_leftovers(directory: Path) -> None:
    """Remove what dead builds left; the lock is held, so no build is at work on it."""
    for path in directory.glob(f"{_ASIDE}*"):
        shutil.rmtree(path, ignore_errors=True)
    for path in directory.glob(f".{CURRENT}.*"):
        path.unlink(missing_ok=True)


def _remove_old(directory: Path, before: int | None, keep: int) -> None:
    """Keep the last generations that were in force, by number; the newest is in force now.

    Those between the one that was in force and the new one were rolled back from, or were left
    by a crash before they were named. One that cannot be removed now is left to the next build.
    """
    *older, _newest = numbers(directory)
    named = [number for number in older if before is None or number <= before]
    kept = set(named[max(0, len(named) - max(keep, 1) + 1) :])
    for number in set(older) - kept:
        with suppress(OSError):
            folder = directory / folder_name(number)
            doomed = folder.rename(directory / f"{_ASIDE}{uuid.uuid4().hex}")
            shutil.rmtree(doomed, ignore_errors=True)
