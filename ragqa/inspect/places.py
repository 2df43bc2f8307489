"""Which corpus belongs to which index, and how the corpus's files stand against its lock.

In: folders. Out: folders and states; nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ragqa.api.corpus import MANIFEST
from ragqa.errors import CorpusError
from ragqa.fetch.report import RAW_GITHUB
from ragqa.fetch.shelf import Shelf
from ragqa.index.layout import CURRENT
from ragqa.index.meta import Meta
from ragqa.manifest import FileKind
from ragqa.records import Paper

__all__ = ["FileState", "FileStatus", "corpus_of", "file_states", "folder_bytes", "is_index"]

FileState = Literal["usable", "unfetched", "missing", "changed"]
"""A listed file: as locked, never fetched, gone, or on disk with other bytes than locked."""

_STATES: dict[str, FileState] = {
    "good": "usable",
    "none": "unfetched",
    "missing": "missing",
    "changed": "changed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStatus:
    """How one listed file stands.

    :ivar paper_id: The paper.
    :ivar kind: Which file of it.
    :ivar state: How it stands.
    :ivar path: Where it is, relative to the corpus folder; None where it was never fetched.
    :ivar sha256: Its hash by the lock, hex; None where it was never fetched.
    """

    paper_id: str
    kind: FileKind
    state: FileState
    path: str | None
    sha256: str | None


def is_index(directory: Path) -> bool:
    """Say whether a folder is an index.

    :param directory: The folder.
    :return: True where a generation is named in it.
    """
    return (directory / CURRENT).exists()


def corpus_of(index: Path, meta: Meta) -> Path | None:
    """Return the corpus that an index was built from, where it still is there.

    :param index: The index folder.
    :param meta: Of the generation in force.
    :return: The corpus folder, relative where it lies below the current folder, or None.
    """
    corpus = (index.resolve() / meta.fingerprint.get("corpus", ".")).resolve()
    if not (corpus / MANIFEST).is_file():
        return None
    return corpus.relative_to(Path.cwd()) if corpus.is_relative_to(Path.cwd()) else corpus


def file_states(papers: Sequence[Paper], corpus: Path) -> tuple[FileStatus, ...]:
    """Compare every listed file with the lock, by size and hash.

    :param papers: The listed papers.
    :param corpus: The corpus folder.
    :return: A row for each file, in listing order.
    :raises ManifestError: The lock is damaged.
    :raises CorpusError: A file cannot be read.
    """
    shelf = Shelf(papers, corpus, RAW_GITHUB)
    found = []
    for _, pair in shelf.wanted:
        for want in pair:
            entry = shelf.entry(want)
            try:
                state = _STATES[shelf.state(want)]
            except OSError as error:
                said = f"a file cannot be read ({error.strerror})"
                raise CorpusError(said, item=error.filename) from error
            found.append(
                FileStatus(
                    paper_id=want.paper_id,
                    kind=want.kind,
                    state=state,
                    path=entry.path if entry else None,
                    sha256=entry.sha256 if entry else None,
                )
            )
    return tuple(found)


def folder_bytes(directory: Path) -> int:
    """Return the size of all files in a folder.

    :param directory: The folder.
    :return: Bytes; files that go meanwhile are left out.
    """
    total = 0
    for path in directory.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total
