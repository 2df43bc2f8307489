"""Where some words stand in a text.

In: a text, and words that are said to stand in it. Out: spans ``[start, end)`` of that text.

Words are looked for exactly and, only where they stand nowhere exactly, as letters and digits
alone: both sides are folded to Unicode's compatibility form and to one case, and white space,
hyphens, quotes and all other signs are dropped. So line ends, hyphenation, ligatures, the way an
accent is composed, and capitals do not matter; everything else does, and nothing is guessed: a
letter too few or an accent too many is not found. What the fold cannot tell apart, as it drops all
signs: ``p < 0.05`` and ``p > 0.05``, ``1.5`` and ``15``.

Invariants: a span found through the fold starts and ends with a whole letter of the text, its
accents included, and its own fold is that of the words; the same call gives the same span.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["TextIndex", "fold", "locate"]

Span = tuple[int, int]

_Offsets: TypeAlias = npt.NDArray[np.int64]

# Whatever may hold a letter of another script or an accent, with the plain letter before it, which
# the accent may belong to. All else is ASCII.
_FOREIGN = re.compile("[A-Za-z0-9]?[^\x00-\x7f]+")
# ASCII's fold: small letters and digits; None drops a sign.
_PLAIN = {code: chr(code).lower() if chr(code).isalnum() else None for code in range(128)}
_PLAIN_CODES = np.array([code for code, to in _PLAIN.items() if to], dtype=np.uint32)
_NOWHERE = np.empty(0, dtype=np.int64)
_LAST_CODES = 1 << 16  # folds remembered: more than the letters of any text in use
_HANGUL_TAIL = range(0x1160, 0x1200)  # vowels and finals that join the consonant before them
# Marks that change how a letter is drawn, never which letter it is.
_INVISIBLE = frozenset("\u034f") | {chr(code) for code in (*range(0xFE00, 0xFE10),)}


@lru_cache(maxsize=_LAST_CODES)
def _joins(char: str) -> bool:
    """Return whether a character belongs to the letter before it."""
    first = unicodedata.normalize("NFKD", char)[0]
    return unicodedata.category(first)[0] == "M" or ord(first) in _HANGUL_TAIL


@lru_cache(maxsize=_LAST_CODES)
def _fold(letter: str) -> str:
    """Return what is compared of one letter with its accents; nothing for a sign."""
    text = letter
    for _ in range(2):  # folding case can give a letter that decomposes, and the other way round
        text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    kept: list[str] = []
    for char in text:
        kind = unicodedata.category(char)[0]
        if kind in "LN" or (kind == "M" and kept and char not in _INVISIBLE):
            kept.append(char)
    return "".join(kept)


def _letters(stretch: str) -> Iterator[Span]:
    """Yield where each letter of a stretch starts and ends, its accents included."""
    start = 0
    for at in range(1, len(stretch)):
        if not _joins(stretch[at]):
            yield start, at
            start = at
    yield start, len(stretch)


class TextIndex:
    """A text prepared once to look for many words.

    The fold is made when words are first not found exactly.

    :ivar text: The text.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._folded: str | None = None
        self._starts = self._ends = _NOWHERE

    def locate(self, words: str, *, near: int | None = None) -> Span | None:
        """Say where some words stand.

        :param words: The words.
        :param near: Where they are thought to start; the nearest place is taken, of two as near
            the earlier. None takes the first place that cuts no word, else the first.
        :return: Their span in the text; None where they do not stand in it, and for words
            without a letter or digit.
        """
        if near is None:
            first = None
            for span in self.find(words):
                if self._is_whole(span):
                    return span
                first = first or span
            return first
        best: Span | None = None
        for span in self.find(words):
            if best is not None and abs(span[0] - near) >= abs(best[0] - near):
                break  # places come in order: from here on they are further away
            best = span
        return best

    def find(self, words: str) -> Iterator[Span]:
        """Yield each place where some words stand: exactly, or where there is none, folded.

        :param words: The words.
        :yield: Spans of the text, in order; they may overlap.
        """
        folded = fold(words)
        if not folded:
            return
        start = self.text.find(words)
        if start < 0:
            yield from self._find_folded(folded)
        while start >= 0:
            yield start, start + len(words)
            start = self.text.find(words, start + 1)

    def _find_folded(self, folded: str) -> Iterator[Span]:
        text = self._prepared()
        starts, ends = self._starts, self._ends
        at = text.find(folded)
        while at >= 0:
            last = at + len(folded) - 1
            begins = at == 0 or starts[at - 1] != starts[at]
            if begins and (last + 1 == len(text) or starts[last + 1] != starts[last]):
                yield int(starts[at]), int(ends[last])
            at = text.find(folded, at + 1)

    def _prepared(self) -> str:
        """Return the folded text; the place of each of its characters is kept beside it."""
        if self._folded is not None:
            return self._folded
        places = _Places(self.text)
        done = 0
        for found in _FOREIGN.finditer(self.text):
            places.plain(done, found.start())
            for start, end in _letters(found.group()):
                places.letter(found.start() + start, found.start() + end)
            done = found.end()
        places.plain(done, len(self.text))
        self._folded, self._starts, self._ends = places.joined()
        return self._folded

    def _is_whole(self, span: Span) -> bool:
        """Return whether a span cuts no word."""
        start, end = span
        text = self.text
        before = start > 0 and text[start].isalnum() and text[start - 1].isalnum()
        after = end < len(text) and text[end - 1].isalnum() and text[end].isalnum()
        return not before and not after


class _Places:
    """The fold of a text as it grows, and where each of its characters stands in the text."""

    def __init__(self, text: str) -> None:
        self._text = text
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
        is_plain = np.isin(codes, _PLAIN_CODES, kind="table")
        self._plain = np.flatnonzero(is_plain)
        self._pieces: list[str] = []
        self._starts: list[_Offsets] = []
        self._ends: list[_Offsets] = []

    def plain(self, start: int, end: int) -> None:
        """Add a stretch of ASCII: of each letter and digit."""
        piece = self._text[start:end].translate(_PLAIN)
        first, last = np.searchsorted(self._plain, [start, end])
        self._add(piece, self._plain[first:last], self._plain[first:last] + 1)

    def letter(self, start: int, end: int) -> None:
        """Add another letter with its accents."""
        piece = _fold(self._text[start:end])
        self._add(piece, np.full(len(piece), start), np.full(len(piece), end))

    def _add(self, piece: str, starts: _Offsets, ends: _Offsets) -> None:
        if piece:
            self._pieces.append(piece)
            self._starts.append(starts)
            self._ends.append(ends)

    def joined(self) -> tuple[str, _Offsets, _Offsets]:
        """Return the fold, and where the letter of each of its characters starts and ends."""
        if not self._pieces:
            return "", _NOWHERE, _NOWHERE
        return "".join(self._pieces), np.concatenate(self._starts), np.concatenate(self._ends)


def fold(words: str) -> str:
    """Return what of some words is compared where they stand nowhere exactly.

    :param words: Any text.
    :return: Its letters and digits, in compatibility form and one case.
    """
    pieces: list[str] = []
    done = 0
    for found in _FOREIGN.finditer(words):
        pieces.append(words[done : found.start()].translate(_PLAIN))
        stretch = found.group()
        pieces.extend(_fold(stretch[start:end]) for start, end in _letters(stretch))
        done = found.end()
    pieces.append(words[done:].translate(_PLAIN))
    return "".join(pieces)


def locate(text: str, words: str, *, near: int | None = None) -> Span | None:
    """Say where some words stand in a text; `TextIndex` does it for many words.

    :param text: The text.
    :param words: The words.
    :param near: Where they are thought to start; the nearest place is taken.
    :return: Their span; None where they do not stand in it.
    """
    return TextIndex(text).locate(words, near=near)
