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
from array import array
from collections.abc import Iterator
from functools import lru_cache

__all__ = ["TextIndex", "fold", "locate"]

Span = tuple[int, int]

# Stretches that a fold may treat at once: plain letters and digits; else whatever may hold a letter
# of another script or an accent, with the plain letter before it, which it may belong to.
_STRETCH = re.compile("[A-Za-z0-9]+(?![^\x00-\x7f])|[A-Za-z0-9]?[^\x00-\x7f]+")
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
        self._starts = array("I")
        self._ends = array("I")

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
                yield starts[at], ends[last]
            at = text.find(folded, at + 1)

    def _prepared(self) -> str:
        """Return the folded text; the place of each of its characters is kept beside it."""
        if self._folded is not None:
            return self._folded
        pieces: list[str] = []
        for found in _STRETCH.finditer(self.text):
            stretch, at = found.group(), found.start()
            if stretch.isascii():
                pieces.append(stretch.lower())
                self._starts.extend(range(at, found.end()))
                self._ends.extend(range(at + 1, found.end() + 1))
                continue
            for start, end in _letters(stretch):
                piece = _fold(stretch[start:end])
                pieces.append(piece)
                self._starts.extend([at + start] * len(piece))
                self._ends.extend([at + end] * len(piece))
        self._folded = "".join(pieces)
        return self._folded

    def _is_whole(self, span: Span) -> bool:
        """Return whether a span cuts no word."""
        start, end = span
        text = self.text
        before = start > 0 and text[start].isalnum() and text[start - 1].isalnum()
        after = end < len(text) and text[end - 1].isalnum() and text[end].isalnum()
        return not before and not after


def fold(words: str) -> str:
    """Return what of some words is compared where they stand nowhere exactly.

    :param words: Any text.
    :return: Its letters and digits, in compatibility form and one case.
    """
    pieces: list[str] = []
    for found in _STRETCH.finditer(words):
        stretch = found.group()
        if stretch.isascii():
            pieces.append(stretch.lower())
        else:
            pieces.extend(_fold(stretch[start:end]) for start, end in _letters(stretch))
    return "".join(pieces)


def locate(text: str, words: str, *, near: int | None = None) -> Span | None:
    """Say where some words stand in a text; `TextIndex` does it for many words.

    :param text: The text.
    :param words: The words.
    :param near: Where they are thought to start; the nearest place is taken.
    :return: Their span; None where they do not stand in it.
    """
    return TextIndex(text).locate(words, near=near)
