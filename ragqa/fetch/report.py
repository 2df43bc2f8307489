"""What a fetch is asked for and what it tells: options, progress, rows, the report.

No I/O. Invariants: a report has its rows in manifest order, at least one for every paper; a row
that is not good says why (`FetchReason`) and what to do (`detail`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ragqa.errors import FetchReason, RagqaError
from ragqa.manifest import FileKind

__all__ = [
    "FetchOptions",
    "FetchProgress",
    "FetchReport",
    "FetchRow",
    "FetchStatus",
    "LocalFile",
    "Received",
]

FetchStatus = Literal[
    "fetched",
    "unchanged",
    "mirrored",
    "dropped-in",
    "failed",
    "unfetched",
    "nothing-listed",
]
"""How one file fared: `failed` was tried in vain, `unfetched` was not tried at all."""

TIMEOUT_S = 30.0  # a server that is silent for longer is taken for gone
RETRIES = 4  # with back-off 1, 2, 4, 8 s: rides out a restart of a server, not an outage
MAX_BYTES = 200 * 1024 * 1024  # the largest papers with figures are some 100 MB
RAW_GITHUB = "https://raw.githubusercontent.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchOptions:
    """How to fetch.

    :ivar mirror: A folder laid out as HOST/PATH that is looked at before the network.
    :ivar offline: Make no connection at all.
    :ivar locked: Fetch nothing; check that every file is present as the lock has it.
    :ivar refresh: Ask again for files that are present (a conditional request).
    :ivar timeout_s: Seconds of silence after which a server is given up.
    :ivar retries: Attempts after the first that bring no new byte.
    :ivar max_bytes: A larger file is refused.
    :ivar raw_github: Where raw files of GitHub repositories are served.
    """

    mirror: Path | None = None
    offline: bool = False
    locked: bool = False
    refresh: bool = False
    timeout_s: float = TIMEOUT_S
    retries: int = RETRIES
    max_bytes: int = MAX_BYTES
    raw_github: str = RAW_GITHUB

    def __post_init__(self) -> None:
        """Refuse numbers that no fetch could work with."""
        for name, least in (("timeout_s", 0.001), ("retries", 0), ("max_bytes", 1)):
            if getattr(self, name) < least:
                raise RagqaError(f"{name} must be at least {least}", item=getattr(self, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchProgress:
    """How far one file is; callbacks are called one at a time, from any thread.

    :ivar paper_id: The paper.
    :ivar kind: Which file of it; None where the paper lists none.
    :ivar received: Bytes on disk so far.
    :ivar total: Bytes of the whole file, where the server said.
    :ivar row: The finished row; None while bytes still come.
    """

    paper_id: str
    kind: FileKind | None
    received: int = 0
    total: int | None = None
    row: FetchRow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRow:
    """How one file fared.

    :ivar paper_id: The paper.
    :ivar kind: Which file of it; None where the paper lists none.
    :ivar status: How it fared.
    :ivar reason: Why it failed; `changed` also where the bytes are not those locked before.
    :ivar detail: One sentence: what happened and what to do; empty where nothing is to say.
    :ivar url: The listed link.
    :ivar path: The usable file, relative to the corpus folder, with ``/``; None where none is.
    :ivar size: Its size in bytes.
    :ivar sha256: Its hash, hex.
    :ivar retryable: Whether the same fetch may succeed later.
    """

    paper_id: str
    kind: FileKind | None
    status: FetchStatus
    reason: FetchReason | None = None
    detail: str = ""
    url: str | None = None
    path: str | None = None
    size: int | None = None
    sha256: str | None = None
    retryable: bool = False

    @property
    def ok(self) -> bool:
        """Say whether nothing went wrong; a kept old file after a failure is not ok."""
        return self.status not in {"failed", "unfetched"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchReport:
    """How a fetch went.

    :ivar rows: A row for every file wanted, in manifest order.
    :ivar extra_files: Files in the corpus folder's ``pdf/`` and ``readme/`` that are never used,
        relative to the corpus folder.
    """

    rows: tuple[FetchRow, ...]
    extra_files: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[FetchStatus, int]:
        """Return how many rows have each status; statuses without a row are left out."""
        return dict(Counter(row.status for row in self.rows))

    @property
    def failures(self) -> tuple[FetchRow, ...]:
        """Return the rows that failed or were not tried."""
        return tuple(row for row in self.rows if not row.ok)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON values, schema ``ragqa/fetch/1``.

        :return: ``schema``, ``counts``, ``rows`` and ``extra_files``.
        """
        return {
            "schema": "ragqa/fetch/1",
            "counts": self.counts,
            "rows": [asdict(row) for row in self.rows],
            "extra_files": list(self.extra_files),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFile:
    """A file of the manifest that can be used right now.

    :ivar paper_id: The paper.
    :ivar kind: Which file of it.
    :ivar path: The file.
    :ivar sha256: Its hash, hex, as locked and as found.
    """

    paper_id: str
    kind: FileKind
    path: Path
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What is known of where a file came from.

    :ivar url: The link that was requested.
    :ivar final_url: The link that was answered, after redirects.
    :ivar etag: The file's ETag, if any.
    :ivar last_modified: Its date, if any, as sent.
    :ivar unchanged: Whether the file at hand is still the same (304); no bytes were sent then.
    """

    url: str
    final_url: str
    etag: str | None = None
    last_modified: str | None = None
    unchanged: bool = False
