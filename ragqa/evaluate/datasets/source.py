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

__all__ = [
    "Format",
    "Request",
    "chosen",
    "has_keys",
    "head",
    "need_files",
    "refuse_split",
    "the_file",
    "unreadable",
]

_HEAD_BYTES = 1 << 20  # of a file: more than the text before the keys that tell what it is

_NO_SPLIT = "leave --split (split= in Python) away"


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
        found = [file for file in found if split in _words(file)]
    return [
        file
        for file in found
        if file.suffix.lower() in suffixes and file.is_file() and is_one(file)
    ]


def the_file(
    request: Request, is_one: Callable[[Path], bool], *suffixes: str, looks_for: str
) -> Path:
    """Return the one file that a request means.

    :param request: The request.
    :param is_one: Says whether a file is of the format.
    :param *suffixes: Of the format's files, with a dot.
    :param looks_for: What the format's files are.
    :return: The file.
    :raises DatasetError: There is none, or several.
    """
    path, split = request.path, request.split
    if path.is_file():
        if path.suffix.lower() not in suffixes or not is_one(path):
            raise unreadable(path, f"this is not {looks_for}")
        if split is not None and split not in _words(path):
            said = f"one file is named, so there is no split {split!r} to choose; {_NO_SPLIT}"
            raise unreadable(path, said)
        return path  # asked for by name: whatever is wrong with it is reported
    found = chosen(path, split, is_one, *suffixes)
    if len(found) == 1:
        return found[0]
    there = chosen(path, None, is_one, *suffixes)
    if not there:
        raise unreadable(path, f"there is no such file in it: {looks_for}")
    names = ", ".join(file.name for file in there)
    said = "one file must be meant; name it, or its split with --split (split= in Python)"
    raise unreadable(path, f"{said}; there are: {names}")


def need_files(folder: Path, what: str, *patterns: str) -> None:
    """Refuse a folder that lacks files of its format.

    :param folder: The folder; a file has none.
    :param what: What it would be, with an article.
    :param *patterns: The files' names, which may have wildcards.
    :raises DatasetError: A file is missing; all of them are named.
    """
    missing = [name for name in patterns if not any(one.is_file() for one in folder.glob(name))]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise unreadable(folder, f"not {what}: {', '.join(missing)} {verb} missing")


def refuse_split(request: Request, name: str) -> None:
    """Refuse a split of a format that has none.

    :param request: The request.
    :param name: The format's name.
    :raises DatasetError: A split was asked for.
    """
    if request.split is not None:
        said = f"the format {name!r} has no splits, so {request.split!r} is none; {_NO_SPLIT}"
        raise unreadable(request.path, said)


def unreadable(path: Path, said: str) -> DatasetError:
    """Return the error for a dataset of which nothing can be read, or not as it was asked for.

    :param path: The dataset.
    :param said: Why, and what to do.
    :return: The error; it counts no mistakes, as the dataset may have none.
    """
    error = DatasetError(path, (f"{path}: {said}",))
    error.what = "the dataset cannot be read"
    return error


def _words(file: Path) -> list[str]:
    return re.split("[-_.]", file.name)


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
