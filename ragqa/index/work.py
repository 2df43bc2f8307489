"""What a build has finished and not put in force yet, so that a killed build loses little.

In: finished documents. Out: the same, one at a time, to this build's end and to the build after
one that was killed. Invariants: one build of an index at a time; what is finished is held in
memory for some seconds' work and some megabytes at most, then it is in a part on disk and not in
memory any more, and a small build makes no part; a part is an index of its own, so it is whole or
not there, and damage to it is found like damage to any index; whatever cannot be read counts as
not there; no more than a few parts are open, however many there are.
"""

from __future__ import annotations

import shutil
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from ragqa.errors import BuildError, IndexStateError
from ragqa.index.generation import (
    Generation,
    find_document,
    load_document,
    open_generation,
    write_generation,
)
from ragqa.index.locking import build_errors, writer_lock
from ragqa.index.packing import PackedDocument
from ragqa.index.records import Place
from ragqa.index.store import DocumentFacts
from ragqa.records import Paper

__all__ = ["WorkShelf", "load_finished"]

_WORK = "work"
_LOCK = ".build.lock"  # not in the folder above, which goes when a build is done
_FLUSH_SECONDS = 20.0  # a killed build loses at most about this much embedding
_FLUSH_BYTES = 64 << 20  # of what is held in memory: some 12,000 chunks of 384 dimensions
_OPEN_PARTS = 4  # of a large build's hundreds; documents are taken in the order they were made in


class WorkShelf:
    """The finished documents of one index; as a context manager it keeps other builds out.

    :param index: The index folder; it is made if needed.
    """

    def __init__(self, index: Path) -> None:
        self._index = index
        self._directory = index / _WORK
        self._held: dict[Place, PackedDocument] = {}
        self._kept: dict[Place, Path] = {}
        self._open: OrderedDict[Path, Generation] = OrderedDict()
        self._size, self._flushed = 0, time.monotonic()
        self._stack = ExitStack()

    def __enter__(self) -> WorkShelf:
        with ExitStack() as stack:
            stack.enter_context(writer_lock(self._index, _LOCK))
            stack.callback(self._close)
            with build_errors(self._index):
                folders = sorted(self._directory.glob("part-*"))
            for folder in folders:
                self._list(folder)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def find(self, place: Place, key: str) -> DocumentFacts | None:
        """Say whether a killed build finished a document.

        :param place: Its paper_id and kind.
        :param key: Hash of everything that it is made from.
        :return: What is told of it, or None. What can be found can be loaded.
        """
        folder = self._kept.get(place)
        if folder is None:
            return None
        try:
            found = find_document(self._part(folder), place, key)
        except IndexStateError:
            found = None
        if found is None:
            del self._kept[place]
        return found

    def add(self, document: PackedDocument) -> None:
        """Take a document that was just finished.

        :param document: The document; each paper's each kind at most once.
        :raises BuildError: The disk is full or refuses.
        """
        self._held[document.place] = document
        self._size += document.size
        late = time.monotonic() - self._flushed > _FLUSH_SECONDS
        if late or self._size > _FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Put what is held in memory on disk, where the next build finds it.

        :raises BuildError: The disk is full or refuses.
        """
        if self._held:
            part = self._directory / f"part-{time.time_ns():020d}"
            papers = [Paper(paper_id=name, title="") for name in sorted({p for p, _ in self._held})]
            documents = (self._held[place] for place in sorted(self._held))
            write_generation(part, documents, papers, fingerprint={})
            self._kept.update(dict.fromkeys(self._held, part))
            self._held.clear()
        self._size, self._flushed = 0, time.monotonic()

    def load(self, place: Place) -> PackedDocument:
        """Return a document that was added or found.

        :param place: Its paper_id and kind.
        :return: The document.
        :raises BuildError: It cannot be read any more.
        """
        held = self._held.get(place)
        if held is not None:
            return held
        folder = self._kept[place]
        try:
            return load_document(self._part(folder), place)
        except IndexStateError as error:
            raise BuildError(
                f"what this build had finished cannot be read back ({error.what})",
                item=folder,
                hint="Build again: it is made anew; what was in force stays in force",
            ) from error

    def clear(self) -> None:
        """Forget everything: it is in force now, or nothing of it is wanted any more."""
        self._close()
        self._held.clear()
        self._kept.clear()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _list(self, folder: Path) -> None:
        """Note what a part of a killed build holds; later parts count before earlier ones."""
        try:
            places = self._part(folder).store.keys()
        except IndexStateError:
            self._forget(folder)
            shutil.rmtree(folder, ignore_errors=True)
            return
        self._kept.update(dict.fromkeys(places, folder))

    def _part(self, folder: Path) -> Generation:
        """Open a part, and close the one that was not used for longest."""
        part = self._open.get(folder)
        if part is None:
            part = self._open[folder] = open_generation(folder)
            if len(self._open) > _OPEN_PARTS:
                self._open.popitem(last=False)[1].close()
        self._open.move_to_end(folder)
        return part

    def _forget(self, folder: Path) -> None:
        part = self._open.pop(folder, None)
        if part is not None:
            part.close()

    def _close(self) -> None:
        while self._open:
            self._open.popitem()[1].close()


def load_finished(
    old: Generation | None, shelf: WorkShelf, in_old: Mapping[Place, bool]
) -> Iterator[PackedDocument]:
    """Load what a new generation will hold, one document after the other, in canonical order.

    :param old: The generation in force, if there is one.
    :param shelf: What is finished and not in force.
    :param in_old: For each document, whether it is taken over from the generation in force.
    :yield: The documents.
    :raises BuildError: One cannot be read any more.
    """
    for place in sorted(in_old):
        if old is not None and in_old[place]:
            yield load_document(old, place)
        else:
            yield shelf.load(place)
