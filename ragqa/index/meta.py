"""``meta.json``: what a generation is, written last, so its presence means that all is there.

In: counts, fingerprints and file hashes. Out: the same, checked. Invariant: a meta file that was
altered by a single byte is refused: it carries a hash of its own content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ragqa._files import read_json, write_json
from ragqa.errors import IndexMismatchError
from ragqa.index.integrity import BLOCK_BYTES, FileEntry, damaged
from ragqa.index.shortlist import Recall
from ragqa.index.store import Counts

__all__ = ["META_NAME", "SCHEMA", "SCHEMA_WITH_SHORTLIST", "Meta", "read_meta", "write_meta"]

META_NAME = "meta.json"
SCHEMA = "ragqa/index/1"
"""The format version: it changes with the files, their content, or how text is analysed."""

SCHEMA_WITH_SHORTLIST = "ragqa/index/2"
"""The same with a shortlist, which versions that know only the first cannot search."""

_CHECKSUM = "checksum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """What a generation is.

    :ivar number: Its number, from 1.
    :ivar created: When it was written, ISO 8601, UTC.
    :ivar fingerprint: What it was made from and by, as the caller names it.
    :ivar made_with: Versions of the libraries that wrote the files.
    :ivar counts: How much it holds.
    :ivar dimension: Width of a vector; 0 where there is no document.
    :ivar search: How vectors are searched: ``exact`` compares every row, ``shortlist`` those that
        a shortlist proposes.
    :ivar recall_at_10: Share of the exact 10 best rows that a search finds, measured by the build;
        1 for ``exact``.
    :ivar shortlist: All that was measured; None for ``exact``.
    :ivar files: What each file was when it was written, by its path inside the generation.
    """

    number: int
    created: str
    fingerprint: Mapping[str, str]
    made_with: Mapping[str, str]
    counts: Counts
    dimension: int
    search: Literal["exact", "shortlist"] = "exact"
    recall_at_10: float = 1.0
    shortlist: Recall | None = None
    files: Mapping[str, FileEntry]

    @property
    def size(self) -> int:
        """Return the length of all files together, in bytes."""
        return sum(entry.size for entry in self.files.values())


def write_meta(folder: Path, meta: Meta) -> None:
    """Write the meta file of a generation whose other files are complete.

    :param folder: The generation.
    :param meta: What it is.
    """
    content = {"schema": SCHEMA_WITH_SHORTLIST, **asdict(meta)}
    if meta.shortlist is None:  # as versions wrote and read it that know of none
        content["schema"] = SCHEMA
        del content["shortlist"]
    write_json(folder / META_NAME, {**content, _CHECKSUM: _checksum(content)})


def read_meta(folder: Path) -> Meta:
    """Read and check the meta file of a generation.

    :param folder: The generation.
    :return: What it is.
    :raises IndexDamagedError: The file is missing, unreadable or altered.
    :raises IndexMismatchError: Its format is unknown to this version of ragqa.
    """
    path = folder / META_NAME
    try:
        content = read_json(path)
        schema = content.pop("schema")
        checksum = content.pop(_CHECKSUM, None)
    except FileNotFoundError as error:
        raise damaged("a file of the index is missing", path) from error
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise damaged("the index's meta file is unreadable", path) from error
    if schema not in {SCHEMA, SCHEMA_WITH_SHORTLIST}:
        raise IndexMismatchError(
            f"the index has the format {schema!r}, and this version reads {SCHEMA!r} and"
            f" {SCHEMA_WITH_SHORTLIST!r}",
            item=folder,
            hint="Run `ragqa rebuild CORPUS`, or use the version that wrote it",
        )
    if checksum != _checksum({"schema": schema, **content}):
        raise damaged("the index's meta file is not what was written", path)
    return _parse(content)


def _parse(content: dict[str, Any]) -> Meta:
    """Return the record of a content whose checksum was right, hence written by `write_meta`."""
    counts = Counts(**content.pop("counts"))
    files = {
        name: FileEntry(
            size=entry["size"],
            sha256=entry["sha256"],
            blocks=tuple(entry["blocks"]),
            block_bytes=entry.get("block_bytes", BLOCK_BYTES),  # older ones had one length only
        )
        for name, entry in content.pop("files").items()
    }
    shortlist = content.pop("shortlist", None)
    recall = None if shortlist is None else Recall(**shortlist)
    return Meta(counts=counts, files=files, shortlist=recall, **content)


def _checksum(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode("ascii")).hexdigest()
