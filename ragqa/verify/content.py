"""Content words: a statement may not bring in what its quotes do not speak of.

In: a statement and its premise. Out: a failure, or None.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

from ragqa.verify.drops import Failure
from ragqa.verify.premise import Premise, Reading
from ragqa.wording.lexicon import SIBLINGS
from ragqa.wording.words import Token, is_covered, rank, stem

__all__ = [
    "MAX_UNCOVERED",
    "check_coverage",
    "check_siblings",
    "uncovered_share",
    "uncovered_words",
]

MAX_UNCOVERED = 0.34  # weighed share of content words not in the quotes; docs/LOG.md, "The gate"
_FREQUENT = 12_000  # of some 22,000 words by frequency: nouns beyond are terms (malaria, insulin)
_KNOWN = 30_000  # words that are in the list at all
_ENDINGS = ("s", "es", "d", "ed", "ing", "ly", "er", "ers", "r", "ness", "able", "ally", "ment")
_NO_TERM = re.compile(r"(?:ed|ing|ly|ful|less|able|ive|ous|ize|ise|est|ers?)$")
_PREFIXED = re.compile(
    r"(?:un|non|in|im|ir|dis|pre|post|re|over|under|sub|co|inter|multi|anti"
    r"|de)-?(?P<root>[a-z]{4,})",
    re.IGNORECASE,
)
_TERM = 3  # times the weight of a plain word; 4 drops no more on half A, 2 lets more of SciFact by
_FEW = 1  # uncovered words that never drop a statement alone


@lru_cache(maxsize=1)
def _kinds() -> dict[str, tuple[tuple[int, int], ...]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for number, row in enumerate(SIBLINGS):
        for place, cell in enumerate(row):
            for word in cell.split("/"):
                found.setdefault(stem(word), []).append((number, place))
    return {word: tuple(places) for word, places in found.items()}


def check_siblings(said: Reading, premise: Premise) -> Failure | None:
    """Check that no thing is put in the place of a like one: rats for mice.

    :param said: The statement.
    :param premise: What its quotes say.
    :return: The failure, or None.
    """
    known = premise.quotes.stems | premise.titles.stems
    quoted = {place for word in known for place in _kinds().get(word, ())}
    rows = {row for row, _ in quoted}
    mine = {place for word in said.stems for place in _kinds().get(word, ())}
    digits = {at for number in said.numbers for at in range(number.start, number.end)}
    for word in said.words:
        if word.start in digits:
            continue
        for row, place in _kinds().get(word.stem, ()):
            if row not in rows or (row, place) in quoted or word.stem in known:
                continue
            if not any(other[0] == row and other in quoted for other in mine):
                return Failure("other-name", f"the quotes do not speak of {word.text}")
    return None


def check_coverage(said: Reading, premise: Premise) -> Failure | None:
    """Check that the statement's content words are in the quotes, in some form.

    :param said: The statement.
    :param premise: What its quotes say.
    :return: The failure, or None.
    """
    missing = uncovered_words(said, premise)
    terms = [word for word in missing if not _is_plain(word)]
    if not terms and len(missing) <= _FEW:
        return None
    if uncovered_share(said, premise) > MAX_UNCOVERED:
        listed = ", ".join(word.text for word in (terms or missing)[:4])
        return Failure("uncovered", f"the quotes do not speak of {listed}")
    return None


def uncovered_words(said: Reading, premise: Premise) -> list[Token]:
    """Return the statement's content words that neither the quotes nor the titles have.

    :param said: The statement.
    :param premise: What its quotes say.
    :return: The words in order, without numbers and words of little weight.
    """
    known = premise.quotes.stems | premise.titles.stems
    signs = {mark.sign for mark in premise.context.marks}
    mine = {mark.start: mark.sign for mark in said.marks}
    return [
        word
        for word in _weighty(said)
        if not is_covered(word.stem, known)
        if mine.get(word.start) not in signs  # "shorten" for "reduce"; their own rule has them
        if not _is_prefixed(word.text, known)
    ]


def _is_prefixed(word: str, known: Collection[str]) -> bool:
    """Say whether a word is a prefix and a known one: ``unbound`` for "not bound"."""
    match = _PREFIXED.fullmatch(word)
    return match is not None and is_covered(stem(match["root"]), known)


def uncovered_share(said: Reading, premise: Premise) -> float:
    """Return the share of the statement's content words that the quotes do not have, by weight.

    :param said: The statement.
    :param premise: What its quotes say.
    :return: A share in [0, 1].
    """
    weighty, missing = _weighty(said), uncovered_words(said, premise)
    weight = len(missing) + (_TERM - 1) * sum(not _is_plain(word) for word in missing)
    return weight / (len(weighty) + weight - len(missing)) if weighty else 0.0


def _weighty(said: Reading) -> list[Token]:
    taken = {at for number in said.numbers for at in range(number.start, number.end)}
    taken |= {at for name in said.names for at in range(name.start, name.end)}
    return [
        word
        for word in said.words
        if word.content and not word.light and word.start not in taken and len(word.text) > 1
    ]


def _is_plain(word: Token) -> bool:
    """Say whether a word is general English, which may stand for another; a term may not."""
    low = word.text.lower()
    if len(low) < 4:
        return True
    forms = [low, word.stem]
    for end in _ENDINGS:
        if low.endswith(end) and len(low) - len(end) >= 3:
            forms += [low.removesuffix(end), low.removesuffix(end) + "e"]
    limit = _FREQUENT if not _NO_TERM.search(low) else _KNOWN
    return min(rank(form) for form in forms) < limit
