"""Numbers and names: what a statement has, its quotes must have.

In: a statement and its premise. Out: a failure, or None.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ragqa.verify.drops import Failure
from ragqa.verify.premise import Premise, Reading
from ragqa.wording.names import Name, abbreviations
from ragqa.wording.quantities import Quantity, is_same_quantity, is_same_value
from ragqa.wording.words import fold, is_covered, stem, tokens

__all__ = ["check_names", "check_numbers"]

_LISTED = 5  # things that a statement may count where its quotes list them
_LISTING = re.compile(r",|;|\band\b|\bor\b|\bboth\b|\bformer\b")
_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X")
_GREEK_NAMES = re.compile(r"alpha|beta|gamma|delta|kappa|lambda|omega|epsilon")
_MIN_GREEK = 4  # letters of a name in which a Greek letter may be a Latin one
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
