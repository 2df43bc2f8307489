"""The values of a dataset's records, read by key; what is wrong with one is noted, not raised.

In: what JSON, YAML or CSV gave. Out: texts, ids, numbers and lists, or a stand-in where a value is
wrong, so that one pass names every mistake. Invariant: a text has no lone surrogate.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from ragqa.evaluate.datasets.notes import Notes
from ragqa.evaluate.datasets.scalars import FALSE, TRUE, spoken
from ragqa.evaluate.records import Place

__all__ = [
    "MAX_ID_CHARS",
    "Doubled",
    "Item",
    "LinedDict",
    "LinedList",
    "check_keys",
    "kind_of",
    "shown",
]

MAX_ID_CHARS = 1000
"""Characters of an id: room for a DOI or link; what is longer is a text in the wrong field."""

_SHOWN_CHARS = 60  # of an offending value; a message stays readable in one line


class LinedDict(dict[str, object]):
    """A mapping that knows the line of each of its values.

    :ivar line: Where it starts.
    :ivar lines: Where each value starts, by key.
    """

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


class LinedList(list[object]):
    """A list that knows the line of each of its values.

    :ivar lines: Where each value starts.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[int] = []


class Doubled(dict[str, object]):
    """A JSON object in which a key was given more than once.

    :ivar key: The first such key.
    :ivar first: Number of its first value among the object's, from 1.
    :ivar second: Number of its second.
    """

    key: str
    first: int
    second: int


def shown(value: object) -> str:
    """Quote an offending value, shortened, with what cannot be printed escaped.

    :param value: The value.
    :return: One printable line.
    """
    text = value if isinstance(value, str) else str(value)
    cut = text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 3] + "..."
    return ascii(cut) if _is_broken(cut) else repr(cut)


def _is_broken(text: str) -> bool:
    """Return whether a text holds a lone surrogate, which nothing can store or print."""
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def kind_of(value: object) -> str:
    """Name a JSON value's kind for a person.

    :param value: The value.
    :return: What follows "this is".
    """
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return f"the number {shown(value)[1:-1]}"
    if isinstance(value, str):
        return f"the text {shown(value)}"
    return "a list" if isinstance(value, list) else "keys and values"


def check_keys(values: object, notes: Notes, place: Callable[[int], Place]) -> None:
    """Note a key that a JSON object has twice.

    :param values: The object.
    :param notes: Where to note it.
    :param place: Gives the place of the object's value of a number, from 1.
    """
    if isinstance(values, Doubled):
        first = place(values.first)
        said = f"the key {shown(values.key)} is given twice, first at {first}"
        notes.wrong(place(values.second), said)


class Item:
    """One record of a dataset file, read by key; what is wrong with a value is noted.

    :ivar values: The record as it was read.
    :ivar place: Where it stands.
    """

    def __init__(self, notes: Notes, values: Mapping[str, object], place: Place) -> None:
        self.values = values
        self.place = place
        self._notes = notes
        check_keys(values, notes, lambda _: place)

    def at(self, key: str) -> Place:
        """Return where a value stands.

        :param key: Its key.
        :return: Its own line where the file tells it, else the record's.
        """
        if isinstance(self.values, LinedDict):
            line = self.values.lines.get(key, self.place.line)
            return Place(file=self.place.file, line=line)
        return self.place

    def wrong(self, key: str, text: str) -> None:
        """Note a mistake in a value.

        :param key: Its key.
        :param text: What is wrong.
        """
        self._notes.wrong(self.at(key), text)

    def wrong_at(self, place: Place, text: str) -> None:
        """Note a mistake in a part of a value.

        :param place: Where the part stands.
        :param text: What is wrong.
        """
        self._notes.wrong(place, text)

    def has(self, key: str) -> bool:
        """Say whether there is a value.

        :param key: Its key.
        :return: False where it is absent or null.
        """
        return self.values.get(key) is not None

    def text(self, key: str, *, required: bool = True) -> str:
        """Return a text as it is written.

        :param key: Its key.
        :param required: Whether it must be there; it may be empty all the same.
        :return: The text; empty where it is absent or wrong.
        """
        if not self.has(key):
            if required:
                said = "is null" if key in self.values else "is missing"
                self.wrong(key, f"{key!r} {said}; it must be text")
            return ""
        return self._text(self.values[key], key, key)

    def _text(self, value: object, name: str, key: str) -> str:
        if not isinstance(value, str):
            self.wrong(key, f"{name!r} is {kind_of(value)}; it must be text")
            return ""
        if _is_broken(value):
            self.wrong(key, f"{shown(name)} holds a lone surrogate: {shown(value)}")
            return ""
        return str(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; a single text is a list of one.

        :param key: Its key.
        :return: The texts; none where the list is absent.
        """
        return self._texts(key, lambda value: value)

    def answers(self, key: str) -> tuple[str, ...]:
        """Return a list of answers; a single one is a list of one.

        A number is taken as it is written. True and false are Yes and No: in JSON the values, in
        YAML the unquoted words, in CSV, which knows no types, the words alone in a cell.

        :param key: Its key.
        :return: The answers; none where the list is absent.
        """
        return self._texts(key, spoken)

    def _texts(self, key: str, read: Callable[[object], object]) -> tuple[str, ...]:
        value = self.values.get(key)
        if value is None:
            return ()
        if isinstance(value, list):
            parts = enumerate(map(read, value))
            return tuple(self._text(part, f"{key}[{at}]", key) for at, part in parts)
        value = read(value)
        if isinstance(value, str):
            return (self._text(value, key, key),)
        self.wrong(key, f"{key!r} is {kind_of(value)}; it must be text or a list of texts")
        return ()

    def id(self, key: str) -> str:
        """Return an id; a whole number is read as its digits.

        :param key: Its key.
        :return: The id; empty where it is absent or wrong.
        """
        if not self.has(key):
            return self.text(key)
        return self.checked_id(self.values[key], key)

    def ids(self, key: str) -> tuple[str, ...]:
        """Return a list of ids; a single id is a list of one.

        :param key: Its key.
        :return: The ids; none where the list is absent.
        """
        if not self.has(key):
            return ()
        value = self.values[key]
        parts = value if isinstance(value, list) else [value]
        return tuple(dict.fromkeys(self.checked_id(part, key) for part in parts))

    def checked_id(self, value: object, key: str) -> str:
        """Return an id that was found.

        :param value: What was found.
        :param key: Its key.
        :return: The id; empty where it is wrong.
        """
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        text = self._text(value, key, key)
        if isinstance(value, str) and not value.strip():
            self.wrong(key, f"{key!r} is empty; it must be an id")
        if len(text) > MAX_ID_CHARS:
            self.wrong(key, f"{key!r} has {len(text)} characters; an id has {MAX_ID_CHARS} at most")
        return text

    def integer(self, key: str) -> int | None:
        """Return a whole number.

        :param key: Its key.
        :return: The number; None where it is absent or wrong.
        """
        value = self.values.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        self.wrong(key, f"{key!r} is {kind_of(value)}; it must be a whole number")
        return None

    def flag(self, key: str, *, default: bool) -> bool:
        """Return a truth value: true or false, yes or no, 1 or 0, also written as text.

        :param key: Its key.
        :param default: What an absent or empty one is.
        :return: The value.
        """
        value = self.values.get(key)
        word = value.strip().casefold() if isinstance(value, str) else value
        if word is None or word == "":
            return default
        word = str(int(word)) if isinstance(word, int) else word
        if isinstance(word, str) and word in TRUE | FALSE:
            return word in TRUE
        self.wrong(key, f"{key!r} is {kind_of(value)}; it must be true or false, or 1 or 0")
        return default

    def items(self, key: str) -> list[Item]:
        """Return a list of records.

        :param key: Its key.
        :return: The records; those that are none are noted.
        """
        found = []
        for at, (place, value) in enumerate(self.parts(key)):
            if isinstance(value, dict):
                found.append(Item(self._notes, value, place))
            else:
                said = f"{f'{key}[{at}]'!r} is {kind_of(value)}; it must be an object"
                self.wrong_at(place, said)
        return found

    def parts(self, key: str) -> list[tuple[Place, object]]:
        """Return the values of a list.

        :param key: Its key.
        :return: Each value with its place; none where the list is absent.
        """
        value = self.values.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.wrong(key, f"{key!r} is {kind_of(value)}; it must be a list")
            return []
        if isinstance(value, LinedList):
            file = self.place.file
            places = [Place(file=file, line=line) for line in value.lines]
            return list(zip(places, value, strict=True))
        return [(self.at(key), part) for part in value]

    def child(self, key: str) -> Item:
        """Return a record within the record.

        :param key: Its key.
        :return: It; one without values where it is absent or wrong.
        """
        value = self.values.get(key)
        if isinstance(value, dict):
            return Item(self._notes, value, self.at(key))
        if value is not None:
            self.wrong(key, f"{key!r} is {kind_of(value)}; it must be an object")
        return Item(self._notes, {}, self.at(key))

    def sub(self, values: Mapping[str, object], place: Place | None = None) -> Item:
        """Return other values as a record of the same file.

        :param values: The values.
        :param place: Where they stand; None where this record stands.
        :return: The record.
        """
        return Item(self._notes, values, place or self.place)

    def renamed(self, names: Mapping[str, str]) -> Item:
        """Return the record with other names for some of its keys.

        :param names: The new name, by key.
        :return: The record.
        """
        values = {names.get(key, key): value for key, value in self.values.items()}
        if not isinstance(self.values, LinedDict):
            return Item(self._notes, values, self.place)
        lined = LinedDict(self.values.line)
        lined.update(values)
        lined.lines = {names.get(key, key): line for key, line in self.values.lines.items()}
        return Item(self._notes, lined, self.place)

    def others(self, *known: str) -> tuple[str, ...]:
        """Return the keys that a format does not know.

        :param *known: Those that it knows.
        :return: The others, in order.
        """
        return tuple(key for key in self.values if key not in known)

    def labels(self, *known: str) -> dict[str, str]:
        """Return values as labels: texts as they are, anything else as JSON.

        :param *known: Keys that are no labels.
        :return: The others' values, but for those that are null.
        """
        labels = {}
        for key in self.others(*known):
            value = self.values[key]
            if value is not None:
                said = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
                labels[self._text(key, key, key)] = self._text(said, key, key)
        return labels
