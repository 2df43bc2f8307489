"""What every format is given and has: a request, and one small protocol.

A format is a module with these four names. Detection looks at files' names and, where a name does
not tell, at the start of a file; only `read` reads one whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ragqa.errors import DatasetError
from ragqa.evaluate.datasets.gold import Draft
from ragqa.evaluate.datasets.reading import Reading

__all__ = ["Format", "Request", "chosen", "has_keys", "head", "the_file"]

_HEAD_BYTES = 1 << 20  # of a file: more than the text before the keys that tell what it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be read.

    :ivar path: The dataset's folder or file.
    :ivar split: The split asked for.
    :ivar corpus: The corpus folder asked for.
    """

    path: Path
    split: str | None = None
    corpus: Path | None = None


class Format(Protocol):
    """A way of writing a dataset.

    :ivar NAME: What it is called.
    :ivar LOOKS_FOR: What its files are, as a clause for an error.
    """

    NAME: str
    LOOKS_FOR: str

    def matches(self, path: Path) -> bool:
        """Say whether a folder or file is a dataset of this format.

        :param path: It.
        :return: True where it looks like one; it may still have mistakes.
        """

    def read(self, request: Request) -> tuple[Reading, Draft]:
        """Read a dataset.

        :param request: What to read.
        :return: What it was read with, mistakes and all, and what was read.
        :raises DatasetError: A file cannot be read at all.
        """


def chosen(
    path: Path, split: str | None, is_one: Callable[[Path], bool], *suffixes: str
) -> list[Path]:
    """Return the files that a dataset's path may mean.

    :param path: A folder or file.
    :param split: In a folder, a word that the file's name must have (``train`` of
        ``qasper-train-v0.3.json``); None takes every file.
    :param is_one: Says whether a file is of the format.
    :param *suffixes: Of the format's files, with a dot.
    :return: The file itself, or those in the folder, in order of name.
    """
    found = sorted(path.iterdir()) if path.is_dir() else [path]
    if split is not None and path.is_dir():
        found = [file for file in found if split in re.split("[-_.]", file.name)]
    return [
        file
        for file in found
        if file.suffix.lower() in suffixes and file.is_file() and is_one(file)
    ]


def the_file(request: Request, is_one: Callable[[Path], bool], *suffixes: str) -> Path:
    """Return the one file that a request means.

    :param request: The request.
    :param is_one: Says whether a file is of the format.
    :param *suffixes: Of the format's files, with a dot.
    :return: The file.
    :raises DatasetError: There is none, or several.
    """
    if request.path.is_file():
        return request.path  # asked for by name: whatever is wrong with it is reported
    found = chosen(request.path, request.split, is_one, *suffixes)
    if len(found) == 1:
        return found[0]
    there = chosen(request.path, None, is_one, *suffixes)
    names = ", ".join(file.name for file in there) or "none"
    what = f"{request.path.resolve().name}:1"
    said = f"{what}: one file must be meant; name it, or its split; there are: {names}"
    raise DatasetError(request.path, (said,))


def has_keys(path: Path, *keys: str) -> bool:
    """Say whether a file has some keys of JSON objects at its start.

    :param path: The file.
    :param *keys: The keys.
    :return: Whether all of them are there.
    """
    start = head(path)
    return all(re.search(rf'"{re.escape(key)}"\s*:', start) for key in keys)


def head(path: Path) -> str:
    """Return the start of a file, to see what it is.

    :param path: The file.
    :return: Its first megabyte; nothing where it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
