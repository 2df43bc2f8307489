"""Numbers and names: what a statement has, its quotes must have.

In: a statement and its premise. Out: a failure, or None.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import combinations

from ragqa.verify.drops import Failure
from ragqa.verify.premise import Premise, Reading
from ragqa.wording.names import Name, abbreviations
from ragqa.wording.negation import clause_ends
from ragqa.wording.quantities import Quantity, is_same_quantity, is_same_value
from ragqa.wording.words import Token, fold, is_covered, stem, tokens

__all__ = ["check_binding", "check_names", "check_numbers"]

_LISTED = 5  # things that a statement may count where its quotes list them
_LISTING = re.compile(r",|;|\band\b|\bor\b|\bboth\b|\bformer\b")
_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X")
_GREEK_NAMES = re.compile(r"alpha|beta|gamma|delta|kappa|lambda|omega|epsilon")
_MIN_GREEK = 4  # letters of a name in which a Greek letter may be a Latin one
_BETWEEN = frozenset({"to", "-", "\u2013", "\u2014", "", "/", "\u00b1", "+/-"})
_STATISTICS = frozenset({"p", "n", "ci", "iqr", "sd", "95", "vs"})
_MAX_NUMBERS = 10  # of a statement that are compared in pairs
_FROM = re.compile(r"\b(?:between|from)\s+$", re.IGNORECASE)
_PARALLEL = re.compile(  # "43.5 ± 14.5 s vs. 69.4 ± 20.5 s", "86% and 83%"
    r"[\s\u00b1+/\d.,\u00b7%()\[\]-]*(?:[a-z\u00b5]{1,5})?[\s)\],.]*(?:vs\.?|versus|and|,"
    r"|or)\s*[(\[]?"
)
_CROSSED = 0.65  # share of the words near two numbers that stand with the other one
_AGED = re.compile(r"\b(?:under|below|over|above|aged?|than|to|of)\s+$", re.IGNORECASE)
_APART = re.compile(  # what stands after is not what is counted
    r"[.,;:)]|\b(?:under|in|for|with|by|at|from|and|among|on|between|than|versus|vs)\b"
)
_TIMES = re.compile(r"\b(?:all|the|these|those|at|other|different)\s+$", re.IGNORECASE)
_DOWN = frozenset(
    stem(w) for w in "decrease reduce lower loss drop fall decline negative minus".split()
)
_COUNTED: tuple[frozenset[str], ...] = tuple(
    frozenset(stem(word) for word in line.split())
    for line in """
    patient participant subject individual person people case volunteer
    child infant adolescent
    woman female mother
    man male father
    mouse rat animal
    hospital centre center site clinic
    country state province city
    study trial article paper publication
    question
    sentence
    word token
    document passage
    image
    parameter
    layer
    epoch
    language
    dataset corpus benchmark
    task
    model system
    gene
    protein
    cell
    sample
    annotator rater
    story
    dialogue conversation
    """.strip().splitlines()
)
"""What papers count; words of one line may stand for one another."""


def check_numbers(said: Reading, premise: Premise) -> Failure | None:
    """Check that every quantity of the statement stands in the quotes, with its unit.

    :param said: The statement.
    :param premise: What its quotes say.
    :return: The failure, or None.
    """
    found = premise.quotes.numbers
    if any(each.dimension.startswith("label:") for each in said.numbers):
        found = [*found, *premise.titles.numbers]
    goes_down = bool(said.stems & _DOWN)
    for each in said.numbers:
        if each.spelled and (each.dimension == "ordinal" or each.value == 1):
            continue  # "first" and "one" are mostly no numbers
        same = [other for other in found if _is_same(each, other, goes_down=goes_down)]
        if not same:
            return _missing(said, each, found, premise)
        failure = _check_bound(each, same) or _check_counted(said, each, premise, same)
        if failure is not None:
            return failure
    return None


def _is_same(said: Quantity, found: Quantity, *, goes_down: bool) -> bool:
    if is_same_quantity(said, found) or _is_nth(said, found):
        return True
    if not (goes_down and found.value < 0 < said.value):
        return False
    return said.dimension == found.dimension and is_same_value(said.value, -found.value)


def _is_nth(said: Quantity, found: Quantity) -> bool:
    """Say whether the two are "day four" and "the fourth day"."""
    dimensions = {said.dimension, found.dimension}
    is_place = any(each.startswith("label:") for each in dimensions) and "ordinal" in dimensions
    return is_place and said.plain == found.plain


def _is_age(reading: Reading, said: Quantity, found: Iterable[Quantity]) -> bool:
    """Say whether it is the five of "children under five", and years in the quotes."""
    if said.dimension or not _AGED.search(reading.text[max(0, said.start - 12) : said.start]):
        return False
    return any(each.plain == said.plain and each.dimension == "month" for each in found)


def _missing(
    reading: Reading, said: Quantity, found: Sequence[Quantity], premise: Premise
) -> Failure | None:
    if said.spelled and _is_worded(reading, said, premise):
        return None
    if _is_age(reading, said, found):
        return None
    if any(is_same_value(said.plain, other.plain) for other in found):
        return Failure("changed-unit", f"the number {said.text} has another unit in the quotes")
    return Failure("changed-number", f"the number {said.text} is not in the quotes")


def _is_worded(reading: Reading, said: Quantity, premise: Premise) -> bool:
    """Say whether the quotes have the number in other words: ``both`` for ``two``."""
    is_times = said.dimension == "fold" and _TIMES.search(reading.text[: said.start])
    if (not said.dimension or is_times) and 2 <= said.value <= _LISTED:
        return not _counts_same(said, reading, premise.quotes) and _is_list(said.value, premise)
    others = {2.0: {"both", "pair", "two", "twofold", "dual", "doubl", "twice", "half", "halv"}}
    stems = premise.quotes.stems
    if said.dimension == "share":
        return bool(stems & {"half", "halv", "third", "quarter", "fifth", "tenth"})
    if said.dimension == "fold":
        return bool(stems & {"doubl", "twice", "half", "halv", "tripl", "twofold", "threefold"})
    return bool(stems & others.get(said.value, set()))


def _counts_same(said: Quantity, reading: Reading, quotes: Reading) -> bool:
    """Say whether the quotes put another number before what the statement counts."""
    thing = _next_word(reading, said)
    return any(_next_word(quotes, each) == thing for each in quotes.numbers)


def _next_word(reading: Reading, number: Quantity) -> str:
    after = (word.stem for word in reading.words if word.start >= number.end and word.content)
    return next(after, "")


def _is_list(count: float, premise: Premise) -> bool:
    """Say whether the quotes list as many things as the statement counts, and count none."""
    quotes = premise.quotes
    if any(each.spelled and not each.dimension and each.value > 1 for each in quotes.numbers):
        return False
    return len(_LISTING.findall(quotes.text)) >= count - 1


def _check_bound(said: Quantity, same: list[Quantity]) -> Failure | None:
    bounds = {other.bound for other in same}
    if said.bound and said.bound not in bounds and "" not in bounds:
        return Failure("changed-number", f"{said.text} is the other kind of bound in the quotes")
    return None


def _check_counted(
    said: Reading, each: Quantity, premise: Premise, same: list[Quantity]
) -> Failure | None:
    """Check what is counted: 40 patients are no 40 hospitals."""
    if each.dimension not in {"", "fold"}:
        return None
    things = _counted(said, each)
    if not things:
        return None
    quoted = [_counted(premise.quotes, other) for other in same]
    if all(quoted) and not any(things & other for other in quoted):
        return Failure("changed-unit", f"{each.text} counts something else in the quotes")
    return None


def _counted(reading: Reading, number: Quantity) -> frozenset[int]:
    after = [word for word in reading.words if word.start >= number.end][:3]
    for word in after:
        if _APART.search(reading.text, number.end, word.start):
            break
        kinds = frozenset(n for n, kind in enumerate(_COUNTED) if word.stem in kind)
        if kinds:
            return kinds
    return frozenset()


def check_names(said: Reading, premise: Premise) -> Failure | None:
    """Check that every name of the statement stands in the quotes or in a title.

    An abbreviation may stand for what the document says it does, and the other way round.

    :param said: The statement.
    :param premise: What its quotes say.
    :return: The failure, or None.
    """
    for name in said.names:
        if name.form in premise.quotes.forms or name.form in premise.titles.forms:
            continue
        if name.form.endswith("s") and name.form[:-1] in premise.quotes.forms:
            continue
        if _stands_in(name.text.split(" ")[-1], premise.quotes.text):
            continue
        if _is_respelled(name, premise) or _has_parts(name, premise) or _is_word_of(name, premise):
            continue
        if _is_defined(name, said, premise):
            continue
        return Failure("other-name", f"the name {name.text} is not in the quotes")
    return None


def _stands_in(name: str, text: str) -> bool:
    """Say whether a name stands in a text as it is; a small letter may stick to its end."""
    at = text.find(name)
    while at >= 0:
        after = text[at + len(name) : at + len(name) + 1]
        whole = not after.isalnum() or (after.islower() and not name[-1].islower())
        if whole and not text[at - 1 : at].isalnum():
            return True
        at = text.find(name, at + 1)
    return False


def _is_respelled(name: Name, premise: Premise) -> bool:
    """Say whether a name is another spelling: ``type II`` for ``type 2``, ``NF-kB``, ``TNF-a``."""
    if name.text in _ROMAN:
        return str(_ROMAN.index(name.text) + 1) in premise.quotes.stems
    short = _GREEK_NAMES.sub(lambda match: match.group()[0], name.form)
    if len(short) < _MIN_GREEK:
        return False
    return any(short == _GREEK_NAMES.sub(lambda m: m.group()[0], f) for f in premise.quotes.forms)


def _has_parts(name: Name, premise: Premise) -> bool:
    """Say whether a name is made of two that the quotes have: ``RANK-RANKL``."""
    parts = re.split(r"[-/\u2010-\u2013]", name.text)
    forms = premise.quotes.forms | premise.titles.forms
    return len(parts) > 1 and all(
        len(part) > 1 and not part.isdigit() and fold(part) in forms for part in parts
    )


def _is_word_of(name: Name, premise: Premise) -> bool:
    """Say whether a name is a capitalised word of the quotes in another form: ``Chinese``."""
    if not name.text[1:].islower():
        return False
    root = stem(name.text)
    return is_covered(root, premise.quotes.stems) or is_covered(root, premise.titles.stems)


def _is_defined(name: Name, said: Reading, premise: Premise) -> bool:
    definitions = {**premise.definitions(), **abbreviations(said.text)}
    stems = premise.quotes.stems
    for form in {name.form, name.form.removesuffix("s")}:
        for long in definitions.get(form, ()):
            if all(is_covered(word.stem, stems) for word in tokens(long) if word.content):
                return True
    root = stem(name.text)
    for short, longs in definitions.items():
        if short not in premise.quotes.forms:
            continue
        for long in longs:
            words = {word.stem for word in tokens(long)}
            if root in words and words <= said.stems | {"of", "the", "and", "for"}:
                return True
    return False


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
    if in_line == (False, True):
        return _is_out_of_line(said, (first, second), quotes, pair)
    if in_line == (True, False):
        return _is_out_of_line(quotes, pair, said, (first, second))
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
