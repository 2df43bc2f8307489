"""Names of a text: acronyms, capitalised words, tokens with digits; and what abbreviations mean.

In: plain text. Out: names with offsets, in one form for comparing (``SARS-CoV-2`` and
``SARS CoV 2`` are one), and the abbreviations that a text defines: ``randomized controlled trial
(RCT)``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ragqa.wording.lexicon import STOP_WORDS
from ragqa.wording.quantities import Quantity
from ragqa.wording.words import fold

__all__ = ["Name", "abbreviations", "joined_forms", "names"]

_TOKEN = re.compile(r"[^\W_]+(?:[-\u2010-\u2013\u2011/._+][^\W_]+)*\+{0,2}")
_PART = re.compile(r"[^\W_]+")
_LETTERED = re.compile(r"\b[A-Za-z]{3,} [B-HJ-Z]\b(?![.\u2019'-]\w)")  # vitamin C, RNase L
_JOINT = 4  # words that one name may be written in
_BRACKETED = re.compile(
    r"\(([A-Za-z\u03b1-\u03c9][\w\u03b1-\u03c9-]{1,11})s?(?:[;,][^()]{0,40})?\)"
)
_INVERSE = re.compile(r"\b([A-Z][\w-]{1,9}) \(([a-z][a-z -]{5,80})\)")
_MONTHS = frozenset(
    "january february march april may june july august september october november december monday"
    " tuesday wednesday thursday friday saturday sunday".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """One name.

    :ivar text: As it stands in the text.
    :ivar form: The form names are compared in: folded, without hyphens, blanks and plural.
    :ivar start: First character.
    :ivar end: One past the last.
    """

    text: str
    form: str
    start: int
    end: int


def _form(text: str) -> str:
    return "".join(fold(part) for part in _PART.findall(text))


def names(text: str, numbers: Sequence[Quantity] = ()) -> list[Name]:
    """Find the names of a text.

    A capitalised word that opens a sentence is none unless more than its first letter says so.

    :param text: Plain text.
    :param numbers: Its quantities, whose digits and units are no names.
    :return: Names in order.
    """
    taken = {at for each in numbers for at in range(each.start, each.end)}
    found = []
    for match in _TOKEN.finditer(text):
        if match.start() in taken:
            continue
        opens = _opens_sentence(text, match.start())
        for start, end in _named_parts(match.group(), opens=opens):
            start, end = start + match.start(), end + match.start()
            word = text[start:end]
            found.append(Name(text=word, form=_form(word), start=start, end=end))
    found += [
        Name(text=match.group(), form=_form(match.group()), start=match.start(), end=match.end())
        for match in _LETTERED.finditer(text)
    ]
    return sorted(found, key=lambda name: name.start)


def _opens_sentence(text: str, at: int) -> bool:
    before = text[:at].rstrip(" \"'(\u201c\u2018[")
    return not before or before[-1] in ".!?:\n"


def _named_parts(token: str, *, opens: bool) -> list[tuple[int, int]]:
    """Cut plain words off a hyphenated token: ``BERT-based`` names ``BERT``."""
    parts = list(_PART.finditer(token))
    kinds = [
        _is_named(part.group(), opens=opens and not number) for number, part in enumerate(parts)
    ]
    if not any(kinds):
        return []
    first = kinds.index(True)
    last = len(kinds) - 1 - kinds[::-1].index(True)
    while first > 0 and (len(parts[first - 1].group()) <= 2 or parts[first - 1].group().isdigit()):
        first -= 1  # mTOR, p-Akt, 5-HT, 2019-nCoV
    while last + 1 < len(parts) and _ends_name(parts[last + 1].group()):
        last += 1
    inside = [n for n in range(first, last + 1) if not kinds[n] and _is_plain(parts[n].group())]
    if inside:
        return [parts[n].span() for n in range(first, last + 1) if kinds[n]]
    return [(parts[first].start(), parts[last].end())]


def _ends_name(part: str) -> bool:
    return part.isdigit() or len(part) == 1


def _is_plain(part: str) -> bool:
    return part.islower() and len(part) > 3


def _is_named(part: str, *, opens: bool) -> bool:
    letters = any(letter.isalpha() for letter in part)
    if not letters:
        return False
    if any(letter.isdigit() for letter in part):
        return True
    if any(letter.isupper() for letter in part[1:]):
        return True
    if opens or not part[0].isupper() or len(part) < 2:
        return False
    return part.lower() not in STOP_WORDS or part.lower() in _MONTHS


def joined_forms(text: str) -> frozenset[str]:
    """Return every form under which a text may hold a name.

    :param text: Plain text.
    :return: Forms of its words and of up to four words in a row, with and without plural.
    """
    parts = [fold(part) for part in _PART.findall(text)]
    forms = set()
    for length in range(1, _JOINT + 1):
        for at in range(len(parts) - length + 1):
            form = "".join(parts[at : at + length])
            forms.add(form)
            if form.endswith("s") and len(form) > 3:
                forms.add(form[:-1])
    return frozenset(forms)


def abbreviations(text: str) -> dict[str, frozenset[str]]:
    """Find the abbreviations that a text defines.

    :param text: Plain text, a whole document's at most.
    :return: From the abbreviation's form to the words of each long form.
    """
    found: dict[str, set[str]] = {}
    for match in _BRACKETED.finditer(text):
        short = match.group(1)
        long = _long_form(short, text[max(0, match.start() - 120) : match.start()])
        if long and any(letter.isupper() for letter in short):
            found.setdefault(_form(short), set()).add(long)
    for match in _INVERSE.finditer(text):
        if _long_form(match.group(1), match.group(2)):
            found.setdefault(_form(match.group(1)), set()).add(match.group(2))
    return {short: frozenset(longs) for short, longs in found.items()}


def _long_form(short: str, before: str) -> str:
    """Match an abbreviation's letters backwards, as Schwartz and Hearst do (PSB 2003)."""
    letters = [letter for letter in fold(short) if letter.isalnum()]
    low = before.casefold().rstrip()
    at = len(low)
    for number in range(len(letters) - 1, -1, -1):
        at -= 1
        while at >= 0 and (
            low[at] != letters[number] or (number == 0 and at > 0 and low[at - 1].isalnum())
        ):
            at -= 1
        if at < 0:
            return ""
    long = before[at:].strip()
    words = len(long.split())
    return long if 2 <= words <= min(len(letters) + 5, 2 * len(letters)) else ""
