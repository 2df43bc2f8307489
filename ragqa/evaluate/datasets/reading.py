"""A dataset's files -> decoded lines and parsed records, each with its place, and their hash.

In: files that others wrote. Out: `Item`s. What cannot be read, decoded or parsed is noted with its
line, and the rest is read on. Invariant: every byte that was read is in `sha256`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ragqa._files import sha256_bytes
from ragqa.evaluate.datasets.notes import Notes
from ragqa.evaluate.datasets.scalars import Number
from ragqa.evaluate.datasets.values import Doubled, Item, check_keys, kind_of
from ragqa.evaluate.records import Place

__all__ = ["MAX_FILE_BYTES", "Reading"]

MAX_FILE_BYTES = 2 * 1024**3
"""Bytes of one file: it is held in memory whole, and twice while it is parsed."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Make a JSON object of its pairs, without losing that a key was given twice."""
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    doubled, seen = Doubled(made), dict[str, int]()
    for number, (key, _) in enumerate(pairs, 1):
        if key in seen:
            doubled.key, doubled.first, doubled.second = key, seen[key], number
            return doubled
        seen[key] = number
    return doubled


class Reading(Notes):
    """Reads the files of one dataset and keeps what is wrong with them.

    :param root: The folder that file names are relative to.
    :param name: What an error calls the dataset; the folder if None.
    """

    def __init__(self, root: Path, name: Path | None = None) -> None:
        super().__init__(name or root)
        self.root = root
        self._hashes: dict[str, str] = {}

    def sha256(self, *parts: str) -> str:
        """Hash everything that was read.

        :param *parts: What else decides the dataset: format and split.
        :return: 64 hex digits, of the parts, and of each file's name and bytes in order of name.
        """
        return sha256_bytes(json.dumps([parts, sorted(self._hashes.items())]).encode())

    def data(self, name: str) -> bytes:
        """Read a file's bytes.

        :param name: Its path below the root.
        :return: The bytes; empty where it cannot be read, which is noted.
        """
        path, place = self.root / name, Place(file=name, line=1)
        self.names(name)
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                self.wrong(place, f"the file is larger than {MAX_FILE_BYTES} bytes; split it")
                return b""
            data = path.read_bytes()
        except OSError as error:
            self.wrong(place, f"the file cannot be read ({error.strerror})")
            return b""
        self._hashes[name] = sha256_bytes(data)
        return data

    def lines(self, name: str) -> Iterator[tuple[Place, str]]:
        """Yield the lines of a file that are not blank, decoded.

        :param name: Its path below the root.
        :yield: Each line's place and text, without its end; those that are not UTF-8 are noted.
        """
        data = self.data(name).removeprefix(b"\xef\xbb\xbf")
        for number, raw in enumerate(data.split(b"\n"), 1):
            place = Place(file=name, line=number)
            text = self._decoded(raw, place)
            if text and not text.isspace():
                yield place, text.removesuffix("\r")

    def text(self, name: str) -> str:
        """Read a whole file.

        :param name: Its path below the root.
        :return: Its text without a byte order mark; empty where it is not UTF-8, which is noted.
        """
        data = self.data(name)
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            self._decoded(data[error.start :], Place(file=name, line=line))
            return ""

    def _decoded(self, raw: bytes, place: Place) -> str:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            byte = raw[error.start]
            self.wrong(place, f"this is not UTF-8 (byte 0x{byte:02x}); save the file as UTF-8")
            return ""

    def jsonl(self, name: str) -> Iterator[Item]:
        """Yield the objects of a file with a JSON object on each line.

        :param name: Its path below the root.
        :yield: One item a line; lines that hold something else are noted.
        """
        for place, text in self.lines(name):
            value = self._parsed(text, place, lines=False)
            if isinstance(value, dict):
                yield Item(self, value, place)
            elif value is not _NOTHING:
                self.wrong(place, f"this is {kind_of(value)}; it must be an object: {{...}}")

    def json(self, name: str) -> object:
        """Read a file that is one JSON value.

        :param name: Its path below the root.
        :return: The value.
        :raises DatasetError: The file is no JSON, so there is nothing in it to check.
        """
        text = self.text(name)
        if not text:
            self.refuse()
        value = self._parsed(text, Place(file=name, line=1), lines=True)
        if value is _NOTHING:
            self.refuse()
        return value

    def _parsed(self, text: str, place: Place, *, lines: bool) -> object:
        """Parse a JSON value, or note where it is none and return `_NOTHING`."""
        try:
            return json.loads(text, object_pairs_hook=_object, parse_float=Number)
        except json.JSONDecodeError as error:
            said = f"not valid JSON: {error.msg} (column {error.colno})"
            self.wrong(replace(place, line=error.lineno) if lines else place, said)
        except RecursionError:
            self.wrong(place, "not valid JSON: it is nested far too deeply")
        except ValueError as error:  # an integer of thousands of digits
            self.wrong(place, f"not valid JSON: {str(error).split(';')[0]}")
        return _NOTHING

    def entries(self, name: str, value: object, id_key: str) -> Iterator[tuple[str, Item]]:
        """Yield the records of a JSON value: an object of them by id, or a list of them.

        :param name: The file it was read from.
        :param value: The value.
        :param id_key: The key of a record's id, where they are a list.
        :yield: Each record's id and itself; its number is its line. Others are noted.
        """
        if isinstance(value, dict):
            check_keys(value, self, lambda number: Place(file=name, line=number))
            keyed: Sequence[tuple[object, object]] = list(value.items())
        elif isinstance(value, list):
            keyed = [(None, record) for record in value]
        else:
            self.wrong(Place(file=name, line=1), f"this is {kind_of(value)}; it must hold records")
            return
        for number, (key, record) in enumerate(keyed, 1):
            place = Place(file=name, line=number)
            if not isinstance(record, dict):
                self.wrong(place, f"record {number} is {kind_of(record)}, not an object")
                continue
            item = Item(self, record, place)
            yield item.id(id_key) if key is None else item.checked_id(key, "the record's id"), item


_NOTHING = object()  # what a value that is no JSON is read as; null is a value
