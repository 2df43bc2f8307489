"""Where a written quote stands in a chunk: exact, under a normalisation with a way back.

In: what a model quotes, and a chunk's text. Out: the canonical span, or None. Both are brought to
one form, character by character: compatibility letters and ligatures are opened, every dash is a
hyphen, every quotation mark a straight one, runs of white space one blank; soft hyphens and
characters without width are left out, and a hyphen at a line's end with its line feed, too. Case,
punctuation and superscripts count. A quote with an ellipsis is not split: it is not found. A span
cuts neither a word nor a number: ``effective`` does not stand in ``ineffective``.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Normal", "find_quote", "is_evidence", "normalise", "readable"]

MIN_CHARS = 12  # of a quote that says something; a reason, not a measure: "in the study" has 12
MIN_WORDS = 3

_MAX_STRETCH = 3  # letters of a quote to one of its text: a ligature and white space stretch it

_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_SINGLE = "\u2018\u2019\u201a\u201b\u2032`\u00b4"
_DOUBLE = "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb"
_DROPPED = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
_OPENED = frozenset("\ufb00\ufb01\ufb02\ufb03\ufb04\ufb05\ufb06" + _DROPPED)
_MAP = {
    **dict.fromkeys(_DASHES, "-"),
    **dict.fromkeys(_SINGLE, "'"),
    **dict.fromkeys(_DOUBLE, '"'),
    **dict.fromkeys(_DROPPED, ""),
    "\u2026": "...",
}
_LINE_END = re.compile(r"(?<=[^\W\d_])[-\u2010\u00ad][^\S\n]*\n\s*(?=[^\W\d_A-Z])")
_KEPT = ("<super>", "<sub>", "<fraction>", "<square>", "<circle>")
_WORD = re.compile(r"[^\W_]+")
_WRAPPED = "\"'\u201c\u201d\u2018\u2019 \t\n"


@dataclass(frozen=True, slots=True)
class Normal:
    """A text in normal form.

    :ivar text: The normal form.
    :ivar offsets: For each of its characters, the offset of the one it came from; one more for
        the end.
    """

    text: str
    offsets: tuple[int, ...]


@lru_cache(maxsize=4096)
def _letter(letter: str) -> str:
    if letter in _MAP:
        return _MAP[letter]
    if letter.isascii():
        return letter
    decomposition = unicodedata.decomposition(letter)
    if decomposition.startswith(_KEPT):
        return letter
    return unicodedata.normalize("NFKD", letter)


def normalise(text: str) -> Normal:
    """Bring a text to the form in which quotes are compared.

    :param text: Any text.
    :return: Its normal form, with the way back.
    """
    cut = {at for match in _LINE_END.finditer(text) for at in range(*match.span())}
    letters: list[str] = []
    offsets: list[int] = []
    for at, letter in enumerate(text):
        if at in cut:
            continue
        if letter.isspace():
            if letters and letters[-1] != " ":
                letters.append(" ")
                offsets.append(at)
            continue
        for each in _letter(letter):
            if each != " " or (letters and letters[-1] != " "):
                letters.append(each)
                offsets.append(at)
    return Normal("".join(letters), (*offsets, len(text)))


def readable(text: str) -> str:
    """Open a canonical text's ligatures and join what was hyphenated, for reading only.

    :param text: A quote, or the sentences around it.
    :return: The same words; line feeds are kept.
    """
    joined = _LINE_END.sub("", text)
    if joined.isascii():
        return joined
    return "".join(_letter(each) if each in _OPENED else each for each in joined)


def is_evidence(quote: str) -> bool:
    """Say whether a quote is long enough to carry a statement.

    :param quote: The quoted words.
    :return: Whether it has at least 3 words and 12 characters.
    """
    return len(quote.strip()) >= MIN_CHARS and len(_WORD.findall(quote)) >= MIN_WORDS


def find_quote(quote: str, text: str) -> tuple[int, int] | None:
    """Find a quote in a text.

    :param quote: What is quoted; quotation marks around it are left out where they are not found.
    :param text: The text it claims to be from.
    :return: The first span whose words it is, whole words only; None where there is none.
    """
    if len(quote) > _MAX_STRETCH * len(text) + MIN_CHARS:
        return None
    hay = normalise(text)
    for needle in dict.fromkeys(
        normalise(each).text.strip() for each in (quote, quote.strip(_WRAPPED))
    ):
        start = hay.text.find(needle) if needle else -1
        while start >= 0:
            end = start + len(needle)
            if _is_whole(hay.text, start, end):
                return hay.offsets[start], hay.offsets[end - 1] + 1
            start = hay.text.find(needle, start + 1)
    return None


def _is_whole(text: str, start: int, end: int) -> bool:
    """Say whether a span of normal text cuts no word, number or letter."""
    before, first = text[max(0, start - 2) : start], text[start]
    last, after = text[end - 1], text[end : end + 2]
    if unicodedata.combining(after[:1] or " "):
        return False
    if first.isalnum() and before:
        if before[-1].isalnum() or (before[-1] == "-" and before[0].isalnum()):
            return False
        if first.isdigit() and before[-1] in ".,-+<>=~$" and before.strip() != before[-1:]:
            return before[0] not in "0123456789"
        if first.isdigit() and before[-1] in "-<>$":
            return False
    if last.isalnum() and after:
        if after[0].isalnum() or (after[0] == "-" and after[1:].isalnum()):
            return False
        if last.isdigit() and (after[0] == "%" or (after[0] in ".," and after[1:].isdigit())):
            return False
    return True
