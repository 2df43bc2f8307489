"""Where the parts of an index stand in its folder, and which generation is in force.

In: an index's folder. Out: names and numbers. Invariant: ``CURRENT`` is swapped by one atomic
rename; what it names is a plain folder name, so it cannot point outside of the index.
"""

from __future__ import annotations

import re
from pathlib import Path

from ragqa._files import atomic_writer
from ragqa.errors import IndexMissingError, IndexStateError
from ragqa.index.integrity import damaged

__all__ = [
    "CURRENT",
    "LEXICAL",
    "SENTENCES",
    "SHORTLIST",
    "STORE",
    "VECTORS",
    "current_number",
    "folder_name",
    "missing",
    "numbers",
    "point",
    "read_current",
]

CURRENT = "CURRENT"
"""The file that names the generation in force."""

STORE, VECTORS, SENTENCES = "store.sqlite", "vectors.faiss", "sentences.npy"
LEXICAL = "lexical"
SHORTLIST = "shortlist.faiss"
"""What a generation is made of, besides its meta file; the last only where it is large."""

_NAME = re.compile(r"gen-([0-9]{6,})")
_MAX_CURRENT_BYTES = 100  # more than any name


def folder_name(number: int) -> str:
    """Return the folder name of a generation.

    :param number: Its number, from 1.
    :return: ``gen-000007``.
    """
    return f"gen-{number:06d}"


def numbers(directory: Path) -> list[int]:
    """Return the numbers of all generations there are.

    :param directory: The index.
    :return: Ascending; empty where there is no index.
    :raises OSError: The folder cannot be read.
    """
    if not directory.is_dir():
        return []
    matches = (_NAME.fullmatch(path.name) for path in directory.iterdir())
    return sorted(int(match[1]) for match in matches if match)


def read_current(directory: Path) -> str:
    """Return the folder name of the generation in force.

    :param directory: The index.
    :return: A plain name, such as ``gen-000007``.
    :raises IndexMissingError: There is no index.
    :raises IndexDamagedError: ``CURRENT`` does not hold a generation's name.
    :raises IndexStateError: It cannot be read.
    """
    path = directory / CURRENT
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_CURRENT_BYTES)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise missing(directory) from error
    except OSError as error:
        raise IndexStateError("the index cannot be read", item=error) from error
    name = content.removesuffix(b"\n").decode("utf-8", "replace")
    if not _NAME.fullmatch(name):
        raise damaged(f"the index names no generation but {name!r}", path)
    return name


def current_number(directory: Path) -> int | None:
    """Return the number of the generation in force.

    :param directory: The index.
    :return: Its number, whether its folder is there or not; None where none is named.
    """
    try:
        return int(read_current(directory).removeprefix("gen-"))
    except IndexStateError:
        return None


def point(directory: Path, name: str) -> None:
    """Put a generation in force.

    :param directory: The index.
    :param name: The generation's folder name.
    :raises OSError: The file cannot be written; what was in force stays so.
    """
    with atomic_writer(directory / CURRENT) as file:
        file.write(f"{name}\n".encode("ascii"))


def missing(directory: Path) -> IndexMissingError:
    """Return the error that says there is no index here.

    :param directory: Where it was looked for.
    :return: The error, to be raised.
    """
    return IndexMissingError("there is no index", item=directory, hint="Run `ragqa rebuild CORPUS`")
