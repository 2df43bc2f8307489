"""What offsets count that do not count the characters of a text as it is.

In: a text, and words at offsets that do not fit. Out: the unit in which they do, and the span in
characters. Invariant: a span that comes out holds the words: exactly, or in the unit's own form.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable
from itertools import accumulate

from ragqa.evaluate.locating import fold

__all__ = ["Units"]

Span = tuple[int, int]


def _utf16(letter: str) -> int:
    return len(letter.encode("utf-16-le")) // 2


_SIZES: dict[str, Callable[[str], int]] = {
    "bytes of UTF-8": lambda letter: len(letter.encode()),
    "units of UTF-16": _utf16,
    "characters after NFD normalisation": lambda letter: len(unicodedata.normalize("NFD", letter)),
    "characters after NFC normalisation": lambda letter: len(unicodedata.normalize("NFC", letter)),
    "line ends as two characters": lambda letter: 2 if letter == "\n" else len(letter),
}
"""How long a letter, its accents included, is in each unit that datasets were seen to count."""


def _letters(text: str) -> list[str]:
    """Return a text's letters, each with the accents that follow it."""
    marks = "".join(sorted(char for char in set(text) if unicodedata.combining(char)))
    return re.findall(f".[{marks}]*", text, re.DOTALL) if marks else list(text)


def _plain(text: str) -> str:
    """Return a text in one form, whatever unit its offsets count."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n"))


class Units:
    """The offsets of one text in other units; each unit is counted when it is first needed."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._letters: list[str] | None = None
        self._chars: list[int] = []
        self._sizes: dict[str, list[int]] = {}

    def fitting(self, words: str, told: Span) -> dict[str, Span]:
        """Find the units in which words stand at their offsets.

        :param words: The words.
        :param told: Where they are said to start and end.
        :return: The span in characters, by the unit's name; several may fit by chance.
        """
        plain, found = _plain(words), dict[str, Span]()
        for name in _SIZES if fold(words) else ():
            span = self._converted(name, told)
            if span is not None and _plain(self._text[slice(*span)]) == plain:
                found[name] = span
        return found

    def _converted(self, name: str, told: Span) -> Span | None:
        """Return a span in characters; None where it is none, or the same in both units."""
        start, end = (self._boundary(name, offset) for offset in told)
        if start is None or end is None or start >= end or (start, end) == told:
            return None
        return start, end

    def _boundary(self, name: str, offset: int) -> int | None:
        """Return where a letter starts that a unit counts as starting at an offset."""
        if self._letters is None:
            self._letters = _letters(self._text)
            self._chars = list(accumulate(map(len, self._letters), initial=0))
        if name not in self._sizes:
            sizes_of = {letter: _SIZES[name](letter) for letter in set(self._letters)}
            counted = map(sizes_of.__getitem__, self._letters)
            self._sizes[name] = list(accumulate(counted, initial=0))
        sizes = self._sizes[name]
        at = bisect_left(sizes, offset)
        return self._chars[at] if at < len(sizes) and sizes[at] == offset else None
