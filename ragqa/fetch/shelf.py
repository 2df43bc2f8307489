"""The corpus folder: what lies there, what the lock says about it, how a new file gets there.

In: a corpus folder and the files wanted. Out: states, and files landed under their names with
their lock entries. Invariants: a file in use has a lock entry with its hash; the lock is written
before the file takes its name, so a crash between the two leaves a file that is known not to
match, never one whose origin is unknown; a file that a person may have put there is not deleted.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from ragqa._files import sha256_file, sync_dir
from ragqa.errors import CorpusError
from ragqa.fetch.links import Want, wants
from ragqa.fetch.mirror import is_there
from ragqa.fetch.report import Received
from ragqa.manifest import Lock, LockEntry, Origin, load_lock, save_lock
from ragqa.records import Paper

__all__ = ["Shelf", "State", "alone"]

State = Literal["none", "missing", "changed", "good"]
"""A wanted file: not in the lock, in it and not on disk, on disk with other bytes, or as locked."""

LOCK_NAME = "manifest.lock"
GUARD_NAME = "pdf/.fetch.lock"  # in a folder that is not committed
CHANGED_SUFFIX = ".changed"  # added to a file that is not what was locked, when a new one lands
FOLDERS = ("pdf", "readme")


class Shelf:
    """One corpus folder during one fetch; safe to use from several threads.

    :param papers: The manifest's papers.
    :param directory: The corpus folder.
    :param raw_github: Base of raw GitHub files.
    :raises CorpusError: If there is no such folder, or a paper_id cannot be a file's name.
    :raises ManifestError: If the lock is damaged.
    """

    def __init__(self, papers: Iterable[Paper], directory: Path, raw_github: str) -> None:
        _check_folder(directory)
        self._directory = directory
        self._lock = load_lock(directory / LOCK_NAME)
        self._mutex = threading.Lock()
        pairs = [(paper.paper_id, wants(paper, raw_github)) for paper in papers]
        every = [want for _, pair in pairs for want in pair]
        self._taken = Counter(f"pdf/{want.drop_name}" for want in every if want.drop_name)
        self._taken.update(want.name for want in every)
        self.wanted = [(pid, tuple(w for w in pair if self._is_wanted(w))) for pid, pair in pairs]

    def path(self, name: str) -> Path:
        """Return the path of a file of the corpus.

        :param name: Relative to the corpus folder, with ``/``.
        :return: The path.
        """
        return self._directory / name

    def aside(self, want: Want, suffix: str) -> Path:
        """Return where a file is written before it takes its name.

        :param want: The file.
        :param suffix: Tells a download's part from a copy.
        :return: A hidden name in the same folder.
        """
        path = self.path(want.name)
        return path.with_name(f".{path.name}{suffix}")

    def entry(self, want: Want) -> LockEntry | None:
        """Return what the lock says about a file, if that is about the link now listed.

        :param want: The file.
        :return: The entry, or None.
        """
        entry = self._lock.get(want.paper_id, want.kind)
        if entry is None or entry.url.endswith(want.tails):
            return entry
        by_id = entry.origin == "dropped" and entry.path == want.name
        return entry if by_id else None

    def state(self, want: Want) -> State:
        """Compare a file with the lock, by size and hash.

        :param want: The file.
        :return: How it stands.
        :raises OSError: If it cannot be read.
        """
        entry = self.entry(want)
        if entry is None:
            return "none"
        path = self.path(entry.path)
        if not is_there(path):
            return "missing"
        same = path.stat().st_size == entry.size and sha256_file(path) == entry.sha256
        return "good" if same else "changed"

    def dropped(self, want: Want) -> str | None:
        """Return the file that was dropped in by hand for this one, if any.

        :param want: The file.
        :return: Its name relative to the corpus folder. A file under the fetched file's own name
            counts only if it was not fetched; a name that fits two papers counts for neither.
        """
        entry = self._lock.get(want.paper_id, want.kind)
        ours = entry is not None and entry.origin != "dropped" and entry.path == want.name
        if not ours and is_there(self.path(want.name)):
            return want.name
        name = f"pdf/{want.drop_name}"
        if want.drop_name and self._taken[name] == 1 and is_there(self.path(name)):
            return name
        return None

    def adopt(self, want: Want, name: str) -> LockEntry:
        """Write a file that was dropped in into the lock.

        :param want: What it is used as.
        :param name: The file.
        :return: Its entry.
        :raises CorpusError: If the lock cannot be written.
        :raises OSError: If the file cannot be read.
        """
        url = want.urls[0] if want.urls else ""
        said = Received(url=url, final_url=url)
        entry = _entry(want, self.path(name), name, said, "dropped")
        with self._mutex:
            self._save(self._lock.with_entry(entry))
        return entry

    def land(self, want: Want, aside: Path, said: Received, origin: Origin) -> LockEntry:
        """Give a complete file its name, and write the lock.

        :param want: What it is.
        :param aside: Where it was written.
        :param said: Where it came from.
        :param origin: The same in one word.
        :return: Its entry.
        :raises CorpusError: If the lock cannot be written.
        :raises OSError: If the file cannot take its name.
        """
        entry = _entry(want, aside, want.name, said, origin)
        final = self.path(want.name)
        with self._mutex:
            before = self._lock
            foreign = is_there(final) and not self._is_ours(want)
            self._save(before.with_entry(entry))
            try:
                if foreign:
                    final.replace(final.with_name(final.name + CHANGED_SUFFIX))
                aside.replace(final)
            except OSError:
                self._save(before)
                raise
            sync_dir(final.parent)
        return entry

    def extra_files(self) -> tuple[str, ...]:
        """Return the files in the corpus folder that are never used.

        :return: Names relative to the corpus folder, sorted; hidden files are left out.
        """
        used = {entry.path for _, pair in self.wanted for w in pair if (entry := self.entry(w))}
        return tuple(name for name in self._names() if name not in used)

    def _is_wanted(self, want: Want) -> bool:
        """Say whether a file is listed, or was dropped in for a paper without a link."""
        return bool(want.listed or self.entry(want) or self.dropped(want))

    def _is_ours(self, want: Want) -> bool:
        """Say whether the file under the fetched file's name is just what an earlier fetch put."""
        entry = self._lock.get(want.paper_id, want.kind)
        path = self.path(want.name)
        return (
            entry is not None
            and entry.origin != "dropped"
            and entry.path == want.name
            and sha256_file(path) == entry.sha256
        )

    def _names(self) -> Iterator[str]:
        for folder in FOLDERS:
            try:
                names = sorted(each.name for each in self.path(folder).iterdir())
            except OSError:  # no such folder, or none that can be read
                continue
            yield from (f"{folder}/{name}" for name in names if not name.startswith("."))

    def _save(self, lock: Lock) -> None:
        save_lock(self.path(LOCK_NAME), lock)
        self._lock = lock


def _entry(want: Want, path: Path, name: str, said: Received, origin: Origin) -> LockEntry:
    return LockEntry(
        paper_id=want.paper_id,
        kind=want.kind,
        path=name,
        url=said.url,
        final_url=said.final_url,
        sha256=sha256_file(path),
        size=path.stat().st_size,
        etag=said.etag,
        last_modified=said.last_modified,
        fetched=datetime.now(UTC).isoformat(timespec="seconds"),
        origin=origin,
    )


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Keep other fetches out of a corpus.

    :param directory: The corpus folder.
    :yield: Nothing.
    :raises CorpusError: If another one is running, or there is no such folder.
    """
    from filelock import FileLock, Timeout

    _check_folder(directory)
    guard = FileLock(directory / GUARD_NAME, timeout=0)
    try:
        guard.acquire()
    except Timeout as error:
        raise CorpusError(
            "another fetch of this corpus is running", item=directory, hint="Wait until it is done"
        ) from error
    except OSError:
        # Nothing can be written here, so nobody else can either; the rows that need it will say so.
        pass
    try:
        yield
    finally:
        guard.release()


def _check_folder(directory: Path) -> None:
    if not directory.is_dir():
        raise CorpusError(
            "there is no such corpus folder", item=directory, hint="Run ragqa init or ragqa import"
        )
