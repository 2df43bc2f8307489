"""What a build has finished and not put in force yet, so that a killed build loses little.

In: finished documents. Out: the same, to the build after the one that was killed.
Invariants: one build of an index at a time; a part is an index of its own with the documents of
some seconds' work, so it is whole or not there, and damage to it is found like damage to any
index; whatever cannot be read counts as not there.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from ragqa.errors import CitationError, IndexStateError
from ragqa.index.generation import (
    Generation,
    load_indexed_document,
    open_generation,
    write_generation,
)
from ragqa.index.locking import build_errors, writer_lock
from ragqa.index.records import IndexedDocument, Place

__all__ = ["WorkShelf", "find_document"]

_WORK = "work"
_LOCK = ".build.lock"  # not in the folder above, which goes when a build is done


class WorkShelf:
    """The finished documents of one index; as a context manager it keeps other builds out.

    :param index: The index folder; it is made if needed.
    """

    def __init__(self, index: Path) -> None:
        self._index = index
        self._directory = index / _WORK
        self._parts: list[Generation] = []
        self._stack = ExitStack()

    def __enter__(self) -> WorkShelf:
        with ExitStack() as stack:
            stack.enter_context(writer_lock(self._index, _LOCK))
            with build_errors(self._index):
                folders = sorted(self._directory.glob("part-*"))
            for folder in folders:
                try:
                    self._parts.append(stack.enter_context(open_generation(folder)))
                except IndexStateError:
                    shutil.rmtree(folder, ignore_errors=True)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def find(self, place: Place, key: str) -> IndexedDocument | None:
        """Return a finished document, if there is one.

        :param place: Its paper_id and kind.
        :param key: Hash of everything that it is made from.
        :return: The document, or None.
        """
        found = (find_document(part, place, key) for part in self._parts)
        return next((item for item in found if item is not None), None)

    def put(self, documents: Sequence[IndexedDocument]) -> None:
        """Keep finished documents.

        :param documents: The documents; each paper's each kind at most once.
        :raises BuildError: The disk is full or refuses.
        """
        part = self._directory / f"part-{time.time_ns():020d}"
        papers = {item.paper.paper_id: item.paper for item in documents}
        write_generation(part, documents, tuple(papers.values()), fingerprint={})

    def clear(self) -> None:
        """Forget everything: it is in force now, or nothing of it is wanted any more."""
        shutil.rmtree(self._directory, ignore_errors=True)


def find_document(generation: Generation, place: Place, key: str) -> IndexedDocument | None:
    """Return a document of a generation if it is made from the same things, and can be read.

    :param generation: An open generation.
    :param place: Its paper_id and kind.
    :param key: Hash of everything that it is made from.
    :return: The document, or None.
    """
    try:
        if generation.store.key(*place) != key:
            return None
        return load_indexed_document(generation, *place)
    except (CitationError, IndexStateError):  # it is not there, or cannot be read
        return None
