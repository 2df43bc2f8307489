"""Keys that mean nothing: near misses, which are mistakes, and others, which are noted.

In: records, and the keys that mean something in them. Out: the same records, a misspelt key read
as the one that was probably meant, so that nothing else is said of what follows from it. Invariant:
each key is told once, at its first place, with the number of its places.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from ragqa.evaluate.datasets.reading import Reading
from ragqa.evaluate.datasets.values import Item, shown
from ragqa.evaluate.records import Place

__all__ = ["Keys"]

# difflib's ratio, from which on a key is a near miss: "anwser" is 0.83 from "answer", and
# "question_type", which is no slip, 0.76 from "question".
_NEAR = 0.82
_COMPARED_CHARS = 60  # of a key: more than any that is known has

_Known = tuple[str, ...]


def _meant(key: str, known: _Known) -> str | None:
    """Return the known key that was probably meant."""
    word = key.strip().casefold()[:_COMPARED_CHARS]
    return next(iter(get_close_matches(word, known, n=1, cutoff=_NEAR)), None)


class Keys:
    """The unknown keys of one file.

    :param reading: Where to tell them.
    :param what: What the file calls them.
    """

    def __init__(self, reading: Reading, what: str = "key") -> None:
        self._reading = reading
        self._what = what
        self._places: dict[tuple[str, _Known], list[Place]] = {}

    def read(self, item: Item, known: _Known, *, misses_only: bool = False) -> Item:
        """Look for keys that a record should not have.

        :param item: The record.
        :param known: The keys that it may have.
        :param misses_only: Whether keys that are no near miss mean something all the same.
        :return: The record with misspelt keys as they were meant.
        """
        renamed: dict[str, str] = {}
        for key in item.others(*known):
            meant = _meant(key, known)
            if meant is not None and meant not in item.values:
                renamed.setdefault(meant, key)
            if meant is not None or not misses_only:
                self._places.setdefault((key, known), []).append(item.at(key))
        return item.renamed({key: meant for meant, key in renamed.items()}) if renamed else item

    def columns(self, columns: Sequence[str], place: Place, known: _Known) -> list[str]:
        """Look for columns that a table should not have.

        :param columns: Their names.
        :param place: Where they stand.
        :param known: The columns that it may have.
        :return: The names, misspelt ones as they were meant.
        """
        header = Item(self._reading, {column: column for column in columns}, place)
        was = {str(column): key for key, column in self.read(header, known).values.items()}
        return [was[column] for column in columns]

    def tell(self) -> None:
        """Tell the keys that were looked at since the last time."""
        for (key, known), places in self._places.items():
            said = f"unknown {self._what} {shown(key)}"
            if len(places) > 1:
                said += f", in {len(places)} places"
            meant = _meant(key, known)
            if meant is not None:
                self._reading.wrong(places[0], f"{said}; did you mean {meant!r}?")
            else:
                self._reading.note(places[0], f"{said}; known are {', '.join(known)}", "noted")
        self._places.clear()
