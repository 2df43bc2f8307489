"""`manifest.lock`: which bytes every listed link gave, so that a corpus can be had again.

In: the JSON file, or nothing. Out: a `Lock`; the same entries always give the same bytes.

Invariants: one entry a paper and kind; every path stays inside the corpus folder; hashes are 64
lower-case hex digits. An absent file is an empty lock; a damaged one is a `ManifestError` that
names every problem.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Literal, cast, get_args

from ragqa._files import write_json
from ragqa.errors import CorpusError, ManifestError, Problem
from ragqa.manifest.links import check_id
from ragqa.manifest.reading import MAX_MANIFEST_BYTES

__all__ = ["LOCK_SCHEMA", "FileKind", "Lock", "LockEntry", "Origin", "load_lock", "save_lock"]

LOCK_SCHEMA = "ragqa/lock/1"
"""The only format that this version reads and writes."""

FileKind = Literal["pdf", "readme"]
"""Which file of a paper an entry is about."""

Origin = Literal["network", "mirror", "dropped"]
"""Where the bytes came from: the link itself, a mirror folder, or the user's own hand."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LockEntry:
    """What one link of one paper gave.

    :ivar paper_id: The paper.
    :ivar kind: Which file of it.
    :ivar path: Where the file lies, relative to the corpus folder, with ``/``.
    :ivar url: The link as requested.
    :ivar final_url: The link after redirects.
    :ivar sha256: Hash of the bytes, hex.
    :ivar size: Bytes.
    :ivar etag: The server's ETag, if it gave one.
    :ivar last_modified: The server's Last-Modified, if it gave one.
    :ivar fetched: When, as an ISO 8601 date and time in UTC.
    :ivar origin: Where the bytes came from.
    """

    paper_id: str
    kind: FileKind
    path: str
    url: str
    final_url: str
    sha256: str
    size: int
    etag: str | None = None
    last_modified: str | None = None
    fetched: str
    origin: Origin

    @property
    def key(self) -> str:
        """Return ``paper_id/kind``, the entry's name in the file."""
        return f"{self.paper_id}/{self.kind}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """All entries of a lock file.

    :ivar entries: The entries, sorted by paper and kind.
    """

    entries: tuple[LockEntry, ...] = ()
    _by_key: dict[str, LockEntry] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make every entry easy to find: a build asks for that of each paper."""
        object.__setattr__(self, "_by_key", {entry.key: entry for entry in self.entries})

    def get(self, paper_id: str, kind: FileKind) -> LockEntry | None:
        """Return the entry of a paper's file.

        :param paper_id: The paper.
        :param kind: Which file.
        :return: The entry, or None.
        """
        return self._by_key.get(f"{paper_id}/{kind}")

    def with_entry(self, entry: LockEntry) -> Lock:
        """Return a lock that holds this entry, in place of an older one.

        :param entry: The entry.
        :return: The new lock.
        """
        kept = self.without(entry.paper_id, entry.kind).entries
        return Lock(entries=tuple(sorted((*kept, entry), key=lambda each: each.key)))

    def without(self, paper_id: str, kind: FileKind) -> Lock:
        """Return a lock without the entry of a paper's file.

        :param paper_id: The paper.
        :param kind: Which file.
        :return: The new lock; the same entries where there was none.
        """
        key = f"{paper_id}/{kind}"
        return Lock(entries=tuple(entry for entry in self.entries if entry.key != key))


_FIELDS = tuple(item.name for item in fields(LockEntry))
_STORED = tuple(name for name in _FIELDS if name not in {"paper_id", "kind"})
_OPTIONAL = frozenset({"etag", "last_modified"})


def _leaves(path: str) -> bool:
    """Return whether a relative path is none, or leaves the corpus folder, on any system."""
    parts = PurePosixPath(path).parts
    return (
        not parts
        or path.startswith("/")
        or ".." in parts
        or any(char in path for char in "\\:\0")
        or str(PurePosixPath(path)) != path
    )


def _is_time(value: str) -> bool:
    """Return whether a text is an ISO date and time with a zone."""
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _wrong_types(values: dict[str, Any]) -> list[str]:
    """Name the values that are missing, unknown, or of the wrong type."""
    said = [f"unknown value {name!r}" for name in sorted(values.keys() - set(_STORED))]
    for name in _STORED:
        value = values.get(name)
        if value is None and name in _OPTIONAL:
            continue
        wanted: type = int if name == "size" else str
        if type(value) is not wanted:
            said.append(f"{name} must be {'a number' if wanted is int else 'text'}, not {value!r}")
    return said


def _wrong_values(entry: LockEntry) -> list[str]:
    """Name the values that are of the right type and still cannot be."""
    checks = (
        (check_id(entry.paper_id) is not None, f"bad paper id {entry.paper_id!r}"),
        (entry.kind not in get_args(FileKind), f"unknown kind {entry.kind!r}"),
        (_leaves(entry.path), f"the path {entry.path!r} is not inside the corpus folder"),
        (not _SHA256.fullmatch(entry.sha256), f"sha256 is {entry.sha256!r}"),
        (entry.size < 0, f"size is {entry.size}"),
        (not _is_time(entry.fetched), f"fetched is no time with a zone: {entry.fetched!r}"),
        (entry.origin not in get_args(Origin), f"unknown origin {entry.origin!r}"),
    )
    return [text for wrong, text in checks if wrong]


def _read_entry(key: str, values: object) -> tuple[LockEntry | None, list[str]]:
    """Read one entry; return it, or what is wrong with it."""
    if not isinstance(values, dict):
        return None, ["must hold names and values"]
    wrong = _wrong_types(values)
    if wrong:
        return None, wrong
    paper_id, _, kind = key.rpartition("/")
    known: dict[str, Any] = {name: values.get(name) for name in _STORED}
    entry = LockEntry(paper_id=paper_id, kind=cast("FileKind", kind), **known)
    return entry, _wrong_values(entry)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build a JSON object; a repeated key is an error, not a silent loss."""
    built = dict(pairs)
    if len(built) != len(pairs):
        raise ValueError("a key is given twice")
    return built


def _read_json(path: Path) -> object:
    """Read the file's JSON; None where the file is absent."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_MANIFEST_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CorpusError(f"the lock cannot be read ({error.strerror})", item=path) from error
    try:
        if len(data) > MAX_MANIFEST_BYTES:
            raise ValueError(f"it is larger than {MAX_MANIFEST_BYTES} bytes")
        return cast("object", json.loads(data, object_pairs_hook=_unique))
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        text = f"the lock is damaged ({error}); delete it and run: ragqa fetch {path.parent}"
        raise ManifestError(path, (Problem(line=line, text=text),)) from error


def _files_of(value: object, path: Path) -> dict[str, Any]:
    """Check the outermost keys and return the entries."""
    files = value.get("files") if isinstance(value, dict) else None
    schema = value.get("schema") if isinstance(value, dict) else None
    said = None
    if schema != LOCK_SCHEMA:
        said = f"the schema is {schema!r}; this version reads {LOCK_SCHEMA!r}"
    elif not isinstance(files, dict):
        said = "'files' must hold names and values"
    if said is not None or not isinstance(files, dict):
        text = f"{said}; delete the file and run: ragqa fetch {path.parent}"
        raise ManifestError(path, (Problem(line=None, text=text),))
    return files


def load_lock(path: str | Path) -> Lock:
    """Read and check a lock file.

    :param path: The file; absent means an empty lock.
    :return: The lock.
    :raises ManifestError: It is damaged; every problem is named.
    :raises CorpusError: It cannot be read.
    """
    path = Path(path)
    value = _read_json(path)
    if value is None and not path.exists():
        return Lock()
    entries: list[LockEntry] = []
    problems: list[Problem] = []
    for key, values in sorted(_files_of(value, path).items()):
        entry, wrong = _read_entry(key, values)
        problems += [Problem(line=None, text=f"{key!r}: {text}") for text in wrong]
        if entry is not None:
            entries.append(entry)
    if problems:
        raise ManifestError(path, tuple(problems))
    return Lock(entries=tuple(entries))


def save_lock(path: str | Path, lock: Lock) -> None:
    """Write a lock file, atomically; the same entries give the same bytes.

    :param path: The file.
    :param lock: The lock.
    :raises ManifestError: An entry could not be read back.
    :raises CorpusError: The file cannot be written.
    """
    path = Path(path)
    files: dict[str, Any] = {}
    problems: list[Problem] = []
    for entry in lock.entries:
        values = asdict(entry)
        files[entry.key] = {name: values[name] for name in _STORED}
        wrong = _wrong_types(files[entry.key]) or _wrong_values(entry)
        problems += [Problem(line=None, text=f"{entry.key!r}: {text}") for text in wrong]
    if problems:
        raise ManifestError(path, tuple(problems))
    try:
        write_json(path, {"schema": LOCK_SCHEMA, "files": files})
    except OSError as error:
        raise CorpusError(f"the lock cannot be written ({error.strerror})", item=path) from error
