"""Files that are whole or not there: atomic writes, hashes, JSON.

A file is written aside in the same folder, flushed to disk and renamed over its name, so a crash
at any instant leaves the old file or the new one, never half of one.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

__all__ = ["atomic_writer", "read_json", "sha256_bytes", "sha256_file", "sync_dir", "write_json"]

_BLOCK = 1 << 20  # bytes read at a time while hashing


def sha256_bytes(data: bytes) -> str:
    """Return the SHA-256 of some bytes, hex.

    :param data: The bytes.
    :return: 64 hex digits.
    """
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file, hex, reading it in blocks.

    :param path: The file.
    :return: 64 hex digits.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def sync_dir(path: Path) -> None:
    """Flush a folder's entries to disk, so that a rename in it survives a power cut.

    :param path: The folder.
    """
    if os.name != "posix":  # Windows cannot open a folder for fsync
        return
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def atomic_writer(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes its name only when it is complete.

    :param path: The final name; its folder is made if needed.
    :yield: A binary file; on an exception it is removed and the old file stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    aside = Path(name)
    try:
        with os.fdopen(fd, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        aside.chmod(0o644)  # mkstemp gives 0600; others may read what we share
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_dir(path.parent)


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401 - JSON is any value
    """Write a value as readable JSON, atomically, with sorted keys.

    :param path: The file.
    :param value: What to write.
    """
    with atomic_writer(path) as file:
        text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
        file.write(text.encode("utf-8") + b"\n")


def read_json(path: Path) -> Any:  # noqa: ANN401 - JSON is any value
    """Read a JSON file.

    :param path: The file.
    :return: Its value.
    """
    return json.loads(path.read_text(encoding="utf-8"))
