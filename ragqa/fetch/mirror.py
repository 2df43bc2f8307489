"""Where a mirror holds a link, without ever leaving it.

In: a mirror's folder, laid out as HOST/PATH, and the exact links wanted. Out: existing files.
Invariants: only names made from those links are looked at; a name that would climb out (``..``,
encoded slashes, a symbolic link to elsewhere) is no name. Nothing is listed or walked.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ragqa.fetch.links import host_of

__all__ = ["copy_file", "is_there", "mirrored_files"]


def mirrored_files(mirror: Path, urls: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    """Give the files that a mirror holds for some links, in the links' order.

    :param mirror: The mirror's folder.
    :param urls: The links, best first; http and https are the same here.
    :yield: The link, and an existing file inside the mirror, resolved.
    """
    root = mirror.resolve()
    for url in urls:
        for parts in _names(url):
            path = _inside(root, parts)
            if path is not None:
                yield url, path
                break


def copy_file(source: Path, target: Path) -> None:
    """Copy a file's bytes, flushed to disk; the target's folder is made if needed.

    :param source: The file.
    :param target: The copy.
    :raises OSError: If it cannot be read or written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as read, target.open("wb") as write:
        try:
            shutil.copyfileobj(read, write)
            write.flush()
            os.fsync(write.fileno())
        except OSError:  # the disk may be full: half a copy only takes room
            target.unlink(missing_ok=True)
            raise


def is_there(path: Path) -> bool:
    """Say whether a file exists; one that cannot be asked for (name too long) does not.

    :param path: The file.
    :return: True for a file, or a link to one.
    """
    try:
        return path.is_file()
    except OSError:
        return False


def _inside(root: Path, parts: tuple[str, ...]) -> Path | None:
    try:
        path = root.joinpath(*parts).resolve()
    except (OSError, RuntimeError):  # RuntimeError: links in a circle, before Python 3.13
        return None
    return path if path.is_relative_to(root) and is_there(path) else None


def _names(url: str) -> Iterator[tuple[str, ...]]:
    """Give HOST/PATH with the path decoded, and as it stands; unsafe ones are left out."""
    split = urlsplit(url)
    tail = f"?{split.query}" if split.query else ""
    raw = split.path.lstrip("/").split("/")
    raw[-1] += tail
    for names in (tuple(unquote(part) for part in raw), tuple(raw)):
        parts = (host_of(url), *names)
        if all(_is_plain(part) for part in parts):
            yield parts


def _is_plain(name: str) -> bool:
    return name not in {"", ".", ".."} and not set(name) & set("/\\\0")
