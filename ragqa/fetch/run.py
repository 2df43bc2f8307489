"""One fetch: where each file is looked for, in which order, and what its row says.

In: papers, a corpus folder, options. Out: a `FetchReport`, or the files usable right now.
Invariants: what needs no network is done first, in manifest order; then each host is asked by one
thread, one file after the other; whatever goes wrong with one file ends in its row.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path

from ragqa.errors import CorpusError, FetchError, UnfetchedError
from ragqa.fetch.content import check_content
from ragqa.fetch.download import Download, check_size, remove_part
from ragqa.fetch.links import Want, host_of
from ragqa.fetch.mirror import copy_file, mirrored_files
from ragqa.fetch.net import Network
from ragqa.fetch.report import (
    RAW_GITHUB,
    FetchOptions,
    FetchProgress,
    FetchReport,
    FetchRow,
    LocalFile,
    Received,
)
from ragqa.fetch.rows import disk_error, failed_row, good_row, kept_row, nothing_listed
from ragqa.fetch.shelf import Shelf, State, alone
from ragqa.manifest import LockEntry
from ragqa.records import Paper

__all__ = ["fetch_papers", "local_files"]

MAX_HOSTS_AT_ONCE = 4  # one thread a host; papers rarely come from more
PROGRESS_BYTES = 1 << 18  # between two reports about one file
PART_SUFFIX = ".part"
COPY_SUFFIX = ".copy"


def fetch_papers(
    papers: Iterable[Paper],
    directory: Path | str,
    *,
    options: FetchOptions | None = None,
    on_progress: Callable[[FetchProgress], None] | None = None,
) -> FetchReport:
    """Have every file that the papers list on disk, verified.

    :param papers: The manifest's papers.
    :param directory: The corpus folder.
    :param options: How to fetch.
    :param on_progress: Told of bytes that came and rows that are done, one call at a time.
    :return: A row for every file.
    :raises UnfetchedError: If `FetchOptions.locked` and a file is not there as locked.
    :raises CorpusError: If the folder, or the mirror's, is missing, the corpus is in use by
        another fetch, or a paper_id is bad.
    :raises ManifestError: If the lock is damaged.
    """
    options, directory = options or FetchOptions(), Path(directory)
    if options.mirror is not None and not options.mirror.is_dir():
        raise CorpusError("there is no such mirror folder", item=options.mirror)
    if options.locked:
        return _check(Shelf(papers, directory, options.raw_github))
    with alone(directory):
        shelf = Shelf(papers, directory, options.raw_github)
        return _Run(shelf, options, on_progress).fetch()


def local_files(papers: Iterable[Paper], directory: Path | str) -> tuple[LocalFile, ...]:
    """Return the files that can be used right now: listed, on disk, and as locked.

    :param papers: The manifest's papers.
    :param directory: The corpus folder.
    :return: Usable files, in manifest order; PDF before README.
    :raises CorpusError: If the folder is missing, a file cannot be read, or a paper_id is bad.
    :raises ManifestError: If the lock is damaged.
    """
    shelf = Shelf(papers, Path(directory), RAW_GITHUB)
    found = []
    for _, pair in shelf.wanted:
        for want in pair:
            entry = shelf.entry(want)
            if entry is not None and _state(shelf, want) == "good":
                path, sha256 = shelf.path(entry.path), entry.sha256
                file = LocalFile(paper_id=want.paper_id, kind=want.kind, path=path, sha256=sha256)
                found.append(file)
    return tuple(found)


def _check(shelf: Shelf) -> FetchReport:
    """Report on what is locked and on disk; anything else is an error."""
    said = {"none": "was never fetched", "missing": "is not on disk", "changed": "has changed"}
    wrong, rows = [], []
    for paper_id, pair in shelf.wanted:
        rows += [] if pair else [nothing_listed(paper_id)]
        for want in pair:
            state, entry = _state(shelf, want), shelf.entry(want)
            if state == "good" and entry is not None:
                rows.append(kept_row(want, entry))
            else:
                wrong.append(f"{want.paper_id} ({want.kind}) {said[state]}")
    if wrong:
        raise UnfetchedError(
            f"{len(wrong)} file(s) are not there as locked",
            item="; ".join(wrong),
            hint="Fetch without --locked",
        )
    return FetchReport(rows=tuple(rows), extra_files=shelf.extra_files())


def _state(shelf: Shelf, want: Want) -> State:
    try:
        return shelf.state(want)
    except OSError as error:
        raise CorpusError(
            f"a file cannot be read ({error.strerror})", item=error.filename
        ) from error


class _Run:
    """The state of one fetch."""

    def __init__(
        self,
        shelf: Shelf,
        options: FetchOptions,
        on_progress: Callable[[FetchProgress], None] | None,
    ) -> None:
        self._shelf = shelf
        self._options = options
        self._on_progress = on_progress
        self._telling = threading.Lock()
        self._network = Network(options.timeout_s)

    def fetch(self) -> FetchReport:
        """Settle every file, those that need no network first, and report."""
        rows: list[FetchRow] = []
        hosts: dict[str, list[tuple[int, Want]]] = {}
        for paper_id, pair in self._shelf.wanted:
            if not pair:
                rows.append(self._told(nothing_listed(paper_id)))
            for want in pair:
                row = self._settle(want, self._from_here)
                if row is None:  # its place is kept
                    hosts.setdefault(host_of(want.urls[0]), []).append((len(rows), want))
                    row = nothing_listed(paper_id)
                rows.append(row)
        for place, row in self._from_hosts(list(hosts.values())):
            rows[place] = row
        return FetchReport(rows=tuple(rows), extra_files=self._shelf.extra_files())

    def _settle(self, want: Want, step: Callable[[Want], FetchRow | None]) -> FetchRow | None:
        """Take one step towards a file; what goes wrong becomes its row."""
        try:
            row = step(want)
        except FetchError as error:
            row = self._failed(want, error)
        except (OSError, CorpusError) as error:
            row = self._failed(want, disk_error(error, want))
        return None if row is None else self._told(row)

    def _failed(self, want: Want, error: FetchError) -> FetchRow:
        try:
            state = self._shelf.state(want)
        except OSError:  # it cannot be read, so it cannot be used either
            state = "missing"
        return failed_row(want, error, self._shelf.entry(want), state)

    def _from_here(self, want: Want) -> FetchRow | None:
        """Look on disk and in the mirror; None where the network must be asked."""
        state, before = self._shelf.state(want), self._shelf.entry(want)
        settled = before if state == "good" else None
        if settled and (settled.origin == "dropped" or not self._options.refresh):
            return kept_row(want, settled)
        name = None if settled else self._shelf.dropped(want)
        if name is not None:
            self._look_at(self._shelf.path(name), want, item=name)
            return good_row(want, self._shelf.adopt(want, name), before, state)
        if want.error is not None:
            raise want.error
        entry, misfit = self._from_mirror(want)
        if entry is not None:
            return good_row(want, entry, before, state)
        if want.urls and not self._options.offline:
            return None
        if settled:
            return kept_row(want, settled)
        raise misfit or _not_here(want, self._options)

    def _look_at(self, path: Path, want: Want, *, item: str) -> None:
        check_size(path.stat().st_size, self._options.max_bytes, item=item)
        check_content(path, want.kind, item=item)

    def _from_mirror(self, want: Want) -> tuple[LockEntry | None, FetchError | None]:
        """Copy a file out of the mirror; give its entry, or why what is there is no good."""
        misfit = None
        if self._options.mirror is None:
            return None, None
        for url, path in mirrored_files(self._options.mirror, want.mirror_urls):
            aside = self._shelf.aside(want, COPY_SUFFIX)
            try:
                self._look_at(path, want, item=str(path))
                copy_file(path, aside)
                said = Received(url=want.urls[0], final_url=url)
                return self._shelf.land(want, aside, said, "mirror"), None
            except FetchError as error:
                misfit = misfit or error
        return None, misfit

    def _from_hosts(self, hosts: list[list[tuple[int, Want]]]) -> list[tuple[int, FetchRow]]:
        """Ask every host, one file after the other; give rows with their places."""
        if not hosts:
            return []
        rows: list[tuple[int, FetchRow]] = []
        with ThreadPoolExecutor(max_workers=min(MAX_HOSTS_AT_ONCE, len(hosts))) as pool:
            futures = [pool.submit(self._from_host, host) for host in hosts]
            try:
                for future in as_completed(futures):
                    rows += future.result()
            except BaseException:  # also Ctrl-C: what is on its way stops where it can be resumed
                self._network.stop()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return rows

    def _from_host(self, wanted: list[tuple[int, Want]]) -> list[tuple[int, FetchRow]]:
        rows = []
        with Download(self._network, self._options) as download:
            for place, want in wanted:
                row = self._settle(want, partial(self._from_network, download))
                rows += [(place, row)] if row else []
        return rows

    def _from_network(self, download: Download, want: Want) -> FetchRow:
        """Ask for a file under its links, the next only where the one before is not there."""
        state, before = self._shelf.state(want), self._shelf.entry(want)
        part = self._shelf.aside(want, PART_SUFFIX)
        for url in want.urls:
            known = _known(before, url) if state == "good" else None
            try:
                said = download.fetch(url, part, known=known, on_bytes=self._meter(want))
            except FetchError as error:
                if error.reason != "not-found" or url == want.urls[-1]:
                    raise
                continue
            if said.unchanged and before is not None:
                return kept_row(want, before)
            try:
                check_content(part, want.kind, item=url)
            except FetchError:
                remove_part(part)
                raise
            entry = self._shelf.land(want, part, said, "network")
            remove_part(part)
            return good_row(want, entry, before, state)
        raise _not_here(want, self._options)

    def _meter(self, want: Want) -> Callable[[int, int | None], None]:
        """Return what reports a file's bytes, not too often."""
        told = -PROGRESS_BYTES

        def on_bytes(received: int, total: int | None) -> None:
            nonlocal told
            if received - told >= PROGRESS_BYTES or received == total:
                told = received
                self._tell(
                    FetchProgress(
                        paper_id=want.paper_id, kind=want.kind, received=received, total=total
                    )
                )

        return on_bytes

    def _told(self, row: FetchRow) -> FetchRow:
        size = row.size or 0
        self._tell(
            FetchProgress(
                paper_id=row.paper_id, kind=row.kind, received=size, total=row.size, row=row
            )
        )
        return row

    def _tell(self, progress: FetchProgress) -> None:
        if self._on_progress is not None:
            with self._telling:
                self._on_progress(progress)


def _known(entry: LockEntry | None, url: str) -> Received | None:
    """Return what a server said about the file at hand, if it was this link that gave it."""
    if entry is None or entry.origin != "network" or entry.url != url:
        return None
    return Received(
        url=url,
        final_url=entry.final_url,
        etag=entry.etag,
        last_modified=entry.last_modified,
    )


def _not_here(want: Want, options: FetchOptions) -> FetchError:
    """Return why a file cannot be had without asking the network."""
    hint = f"Drop it in as {want.name}"
    if not want.urls:
        return FetchError(
            "the file that was dropped in is gone", reason="not-found", item=want.name, hint=hint
        )
    if options.mirror is not None:
        return FetchError(
            "the mirror does not hold it",
            reason="not-in-mirror",
            item=want.urls[0],
            hint=f"{hint}, add it to the mirror, or fetch without --offline",
        )
    return FetchError(
        "it is not on disk, and the network is not to be asked",
        reason="offline",
        item=want.urls[0],
        hint=f"{hint}, or fetch without --offline",
    )
