"""What numbers belong to: each of a statement's stays with what it stands with in the quotes.

In: a statement and its premise. Out: a failure, or None. Only pairs of numbers of one kind are
looked at, each of which both have once. Numbers in a row ("86% and 83%") belong to things in a row.
"""

from __future__ import annotations

import re
from itertools import combinations

from ragqa.verify.drops import Failure
from ragqa.verify.premise import Premise, Reading
from ragqa.wording.negation import clause_ends
from ragqa.wording.quantities import Quantity, is_same_quantity
from ragqa.wording.words import Token

__all__ = ["check_binding"]

_CROSSED = 0.65  # share of the words near two numbers that stand with the other one
_BETWEEN = frozenset({"to", "-", "\u2013", "\u2014", "", "/", "\u00b1", "+/-"})
_PARALLEL = re.compile(  # "43.5 ± 14.5 s vs. 69.4 ± 20.5 s", "86% and 83%"
    r"[\s\u00b1+/\d.,\u00b7%()\[\]-]*(?:[a-z\u00b5]{1,5})?[\s)\],.]*(?:vs\.?|versus|and|,"
    r"|or)\s*[(\[]?"
)
_FROM = re.compile(r"\b(?:between|from)\s+$", re.IGNORECASE)
_MAX_NUMBERS = 10  # of a statement that are compared in pairs
_STATISTICS = frozenset({"p", "n", "ci", "iqr", "sd", "95", "vs"})


def check_binding(said: Reading, premise: Premise) -> Failure | None:
    """Check that two numbers are not exchanged: each stays with the words it stands with.

    :param said: The statement.
    :param premise: What its quotes say.
    :return: The failure, or None.
    """
    for first, second in combinations(said.numbers[:_MAX_NUMBERS], 2):
        if _is_exchanged(said, premise.quotes, first, second):
            return Failure(
                "changed-number", f"the numbers {first.text} and {second.text} are exchanged"
            )
    return None


def _is_exchanged(said: Reading, quotes: Reading, first: Quantity, second: Quantity) -> bool:
    if first.value == second.value or first.dimension != second.dimension:
        return False
    if any(each.spelled and not each.dimension for each in (first, second)):
        return False  # "one of these 4": no two values of one thing
    found = (_only(quotes, first), _only(quotes, second))
    if found[0] is None or found[1] is None:
        return False
    pair = (found[0], found[1])
    if _is_range(said, first, second) or _is_range(quotes, pair[0], pair[1]):
        return False
    shared = _once(said) & _once(quotes)
    in_line = _is_parallel(said, first, second), _is_parallel(quotes, *pair)
    if in_line == (False, True) and _is_out_of_line(said, (first, second), quotes, pair):
        return True
    if in_line == (True, False) and _is_out_of_line(quotes, pair, said, (first, second)):
        return True
    for is_name in () if any(in_line) else (False, True):
        told = [_nearest(said, each, shared, is_name=is_name) for each in (first, second)]
        quoted = [_nearest(quotes, each, shared, is_name=is_name) for each in pair]
        if all(told) and told[0] != told[1] and told == quoted[::-1]:
            return True
    said_near = _bind(said, first, second, shared)
    quoted_near = _bind(quotes, pair[0], pair[1], shared)
    both = said_near.keys() & quoted_near.keys()
    crossed = {word for word in both if said_near[word] != quoted_near[word]}
    sides = {said_near[word] for word in crossed}
    return len(sides) == 2 and len(crossed) >= _CROSSED * len(both)


def _is_parallel(reading: Reading, first: Quantity, second: Quantity) -> bool:
    """Say whether two numbers stand in a row, as the things that they belong to do."""
    low, high = sorted((first, second), key=lambda number: number.start)
    near = reading.text[max(0, low.start - 20) : high.end + 40].lower()
    return "respectively" in near or bool(_PARALLEL.fullmatch(reading.text, low.end, high.start))


def _is_out_of_line(
    apart: Reading,
    numbers: tuple[Quantity, Quantity],
    line: Reading,
    in_line: tuple[Quantity, Quantity],
) -> bool:
    """Say whether numbers in a row are in another order than what they stand with elsewhere."""
    shared = _once(apart) & _once(line)
    places = {word.stem: word.start for word in line.words}
    for is_name in (True, False):
        near = [_nearest(apart, each, shared, is_name=is_name) for each in numbers]
        if all(near) and near[0] != near[1]:
            goes_up = places[near[0]] < places[near[1]]
            return goes_up != (in_line[0].start < in_line[1].start)
    return False


def _is_range(reading: Reading, first: Quantity, second: Quantity) -> bool:
    low, high = sorted((first, second), key=lambda number: number.start)
    between = reading.text[low.end : high.start].strip(" (")
    is_span = _FROM.search(reading.text[max(0, low.start - 10) : low.start]) is not None
    return between in _BETWEEN or (between == "and" and is_span)


def _only(reading: Reading, number: Quantity) -> Quantity | None:
    same = [other for other in reading.numbers if is_same_quantity(number, other)]
    return same[0] if len(same) == 1 else None


def _nearest(reading: Reading, number: Quantity, shared: frozenset[str], *, is_name: bool) -> str:
    ends = clause_ends(reading.text)
    taken = {at for each in reading.numbers for at in range(each.start, each.end)}
    placed = [w for w in reading.words if w.stem in shared and w.start not in taken]
    placed = [w for w in placed if w.text.lower() != w.text or not is_name]
    gaps = [(_gap(reading.text, ends, word, number), word.stem) for word in placed]
    return min(gaps, default=(0, ""))[1]


def _once(reading: Reading) -> frozenset[str]:
    seen: dict[str, int] = {}
    for word in reading.words:
        if word.content and word.stem not in _STATISTICS:
            seen[word.stem] = seen.get(word.stem, 0) + 1
    return frozenset(word for word, count in seen.items() if count == 1)


def _bind(
    reading: Reading, first: Quantity, second: Quantity, words: frozenset[str]
) -> dict[str, int]:
    """Say which of two numbers each word stands with: 0 or 1."""
    placed = [w for w in reading.words if w.stem in words and not w.text[0].isdigit()]
    low, high = sorted((first, second), key=lambda number: number.start)
    turned = first.start > second.start
    if _is_parallel(reading, first, second):
        before = [word for word in placed if word.end <= low.start][-2:]
        if len(before) < 2 or _OWN_PHRASE.match(reading.text, high.end):
            before = [word for word in placed if word.start >= high.end][:2]
        pairs = dict(zip((word.stem for word in before), (0, 1), strict=False))
        return {word: (1 - n if turned else n) for word, n in pairs.items()}
    ends = clause_ends(reading.text)
    bound = {}
    for word in placed:
        gaps = [_gap(reading.text, ends, word, number) for number in (first, second)]
        if gaps[0] != gaps[1]:
            bound[word.stem] = 0 if gaps[0] < gaps[1] else 1
    return bound


_OWN_PHRASE = re.compile(r"(?:\s?\([^()]*\))?\s(?:for|in|of|with|among)\s")
_BARRIERS = (",", " and ", " versus ", " vs", " than ", "compared", ";", ")", " but ", " while ")
_INSERTED = re.compile(r"\s?\([^()]{0,60}\)")  # "18.1% (n = 13) in the A group"
_BARRIER = 30  # characters that a comma or an "and" between a word and a number counts for


def _gap(text: str, ends: list[int], word: Token, number: Quantity) -> int:
    low, high = (word.end, number.start) if word.start < number.start else (number.end, word.start)
    between = _INSERTED.sub("", text[low:high].lower())
    barriers = sum(between.count(each) for each in _BARRIERS)
    barriers += sum(low <= end < high for end in ends[:-1])
    return len(between) + _BARRIER * barriers
