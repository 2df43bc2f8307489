"""Numbers of a text, with their units.

In: plain text. Out: quantities in order. ``1,200`` and ``1200``, ``twelve`` and ``12``, ``0.50``
and ``.5``, ``1.2 million`` and ``1,200,000`` are one value; units are brought to one of their
dimension (``2 weeks`` and ``14 days``). The digits of a name (``COVID-19``, ``ResNet-50``) are
none; those of a labelled thing (``Table 2``, ``type 2``) have the label for a unit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ragqa.wording.units import LABELS, LEADING, MULTIPLIERS, ORDINALS, SPELLED, UNITS

__all__ = ["Bound", "Quantity", "is_same_quantity", "is_same_value", "quantities"]

Bound = Literal["", "min", "max"]
"""Whether a number is given as a least or a most."""

_TOLERANCE = 1e-9  # relative: of floating point only, nothing is rounded
_ROUNDED = 0.05  # relative: "about 40" for 38.5 is not taken for rounding beyond this

_NUMBER = re.compile(
    r"(?P<sign>(?<![\w)\]%.])[-\u2212\u2013+](?=[\d.]))?"
    r"(?P<digits>(?<![\w.])(?:\d{1,3}(?:[,\u202f\u2009]\d{3})+(?![\d,]*\d)|\d+)(?:[.\u00b7]\d+)?"
    r"|(?<![\w.)])\.\d+)"
    r"(?P<power>(?:e[-+\u2212]?\d{1,3}(?!\w))|\s?[x\u00d7*]\s?10\s?(?:\^"
    r"|\*\*)?\s?[-\u2212+]?\d{1,3}(?![\d.]))?"
    r"(?P<ordinal>st|nd|rd|th)?(?![\d])",
    re.IGNORECASE,
)
_SPELLED_ONE = "|".join(sorted(SPELLED, key=len, reverse=True))
_WORDS = re.compile(
    rf"\b(?:{_SPELLED_ONE})\b(?:(?:[- ]|\s+and\s+)(?:{_SPELLED_ONE}|million|billion|trillion)\b)*",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"[\s-]{0,2}(?P<word>[%\u2030\u00b0\u00b5\u03bcA-Za-z\u2103][A-Za-z\u00b5\u03bc0-9/.\u00b7%\u00b0\u207b\u00b9\u00b2\u00b3-]*)"
    r""
    r""
    r""
)
_PLAIN_WORD = re.compile(r"[\s-]{0,2}(?P<word>[A-Za-z]+(?:\s+points?\b)?)")
_BEFORE_WORD = re.compile(
    r"(?:^|[^\w])(?P<word>[A-Za-z]+\.?|[$\u20ac\u00a3\u00a5<>\u2264\u2265=~\u2248])\s*$"
)
_P_VALUE = re.compile(r"\bp(?:[ -]?values?)?\s*(?:[=<>\u2264\u2265]|of|was|is)\s*$", re.IGNORECASE)
_JOINED = re.compile(
    r"\s*(?:-|\u2013|\u2014|to|and|or|\u00b1|\+/-|versus|vs\.?|through)\s*$", re.IGNORECASE
)
_ORDINALS = re.compile(rf"\b(?:{'|'.join(ORDINALS)})\b", re.IGNORECASE)
_FRACTION = re.compile(
    r"\b(?:(?P<half>half)|(?:(?P<count>one|two|three|a)[ -](?P<part>third|quarter|fifth"
    r"|tenth)s?))\b",
    re.IGNORECASE,
)
_OUT_OF = re.compile(
    r"\b(?P<count>one|two|three|four|five|six|seven|eight|nine|\d{1,2}) (?:in|out of)"
    r" (?:every )?(?P<whole>two|three|four|five|six|seven|eight|nine|ten|twenty|hundred|5|10|20"
    r"|100)\b(?! ?[-\u2013%\w]*(?:years?|days?|weeks?|months?|hours?|trials|studies|groups)\b)",
    re.IGNORECASE,
)
_BRACKET = re.compile(r"\s?\([^()\n]{1,40}\)\s?")  # "4.3 (2.8 to 5.7) min": between number and unit
_ARTICLE = re.compile(r"\s+an?(?=\s)")
_PARTS = {"third": 3.0, "quarter": 4.0, "fifth": 5.0, "tenth": 10.0}
_FOLDS = re.compile(
    r"\b(?:(?P<two>twice|doubl(?:e|ed|es|ing)|two-?fold)|(?P<three>thrice|tripl(?:e|ed|es|ing)"
    r"|three-?fold)|(?P<four>quadrupl(?:e|ed|es|ing)|four-?fold))\b(?![- ](?:blind|mask|strand"
    r"|bond|knock|dose|layer|negative|positive|check))",
    re.IGNORECASE,
)
_LARGER = r"(?:more|greater|higher|longer|older|larger|later) than"
_SMALLER = r"(?:less|fewer|lower|smaller|shorter|younger|earlier) than"
_MIN_WORDS = re.compile(
    rf"(?:at least|(?<!no )(?<!not ){_LARGER}|n(?:o|ot) {_SMALLER}|over|above|exceed(?:s|ing|ed)?"
    r"|minimum of|upwards of|>|\u2265|>=)\s*$",
    re.IGNORECASE,
)
_MAX_WORDS = re.compile(
    rf"(?:at most|(?<!no )(?<!not ){_SMALLER}|n(?:o|ot) {_LARGER}|under|below|up to|within"
    r"|maximum of|<|\u2264|<=)\s*$",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"(?:about|around|approximately|roughly|nearly|almost|some|circa|ca\.|~|\u2248|close to"
    r"|more than|over|"
    r"less than|under|just (?:over|under|above|below))\s*[$\u20ac\u00a3]?\s*$",
    re.IGNORECASE,
)
_OWN = {"ordinal", "fold", "share"}  # dimensions of numbers that are whole without a unit
_LOOK_BACK = 24  # characters before a number in which its bound stands


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number with its unit.

    :ivar value: The number in units of `dimension`.
    :ivar plain: The number as it is written.
    :ivar dimension: What it measures, with the unit values are brought to; ``""`` for a bare \
    number.
    :ivar unit: The unit's words as written, ``""`` for none.
    :ivar bound: Whether it is given as a least or a most.
    :ivar about: Whether it is given as rounded.
    :ivar text: As it stands in the text, with its unit.
    :ivar start: First character of the number.
    :ivar end: One past the last, with the unit.
    :ivar spelled: Whether it is written in words.
    :ivar inferred: Whether its unit is that of the number it is joined with: ``5`` of ``5-10 mg``.
    """

    value: float
    plain: float
    dimension: str
    unit: str
    bound: Bound
    about: bool
    text: str
    start: int
    end: int
    spelled: bool = False
    inferred: bool = False


@dataclass(slots=True)
class _Found:
    plain: float
    start: int
    end: int
    spelled: bool = False
    label: str = ""
    unit: str = ""
    factor: float = 1.0
    dimension: str = ""
    unit_end: int = 0
    inferred: bool = False
    is_name: bool = False


def quantities(text: str) -> list[Quantity]:
    """Find the quantities of a text.

    :param text: Plain text.
    :return: The quantities in order of place.
    """
    found = _numbers(text)
    for each in found:
        _read_unit(each, text)
    found = [each for each in found if not each.is_name]
    _share_units(found, text)
    return [_finish(each, text) for each in found]


def _numbers(text: str) -> list[_Found]:
    found = [number for match in _NUMBER.finditer(text) if (number := _digits(match, text))]
    taken = [(each.start, each.end) for each in found]
    for match in _FRACTION.finditer(text):
        value = 0.5
        if match["part"]:
            count = {"one": 1.0, "a": 1.0, "two": 2.0, "three": 3.0}[match["count"].lower()]
            value = count / _PARTS[match["part"].lower()]
        article = _ARTICLE.match(text, match.end())
        if article:  # "half an hour": the unit is next
            found.append(_Found(value, match.start(), article.end(), spelled=True))
            continue
        found.append(_Found(value, match.start(), match.end(), spelled=True, dimension="share"))
    for match in _OUT_OF.finditer(text):  # "three in ten"
        value = _counted(match["count"]) / _counted(match["whole"])
        if value < 1:
            found = [each for each in found if not match.start() <= each.start < match.end()]
            found.append(_Found(value, *match.span(), spelled=True, dimension="share"))
    for match in _FOLDS.finditer(text):
        times = 2.0 if match["two"] else 3.0 if match["three"] else 4.0
        found.append(_Found(times, match.start(), match.end(), spelled=True, dimension="fold"))
    for match in _ORDINALS.finditer(text):
        value = float(ORDINALS[match.group().lower()])
        found.append(_Found(value, match.start(), match.end(), spelled=True, dimension="ordinal"))
    taken += [(each.start, each.end) for each in found if each.spelled]
    free = _free(taken)
    for match in _WORDS.finditer(text):
        if match.start() not in free:
            value = _spelled(match.group())
            found.append(_Found(value, match.start(), match.end(), spelled=True))
    return sorted(found, key=lambda each: each.start)


def _counted(word: str) -> float:
    return float(word) if word.isdigit() else _spelled(word)


def _free(taken: Iterable[tuple[int, int]]) -> frozenset[int]:
    return frozenset(at for start, end in taken for at in range(start, end))


def _digits(match: re.Match[str], text: str) -> _Found | None:
    start = match.start("digits")
    before = text[max(0, start - 2) : start]
    is_named = len(before) == 2 and before[1] in "-\u2010\u2011_" and before[0].isalpha()
    if is_named:
        return None
    plain = float(re.sub(r"[,\u202f\u2009]", "", match["digits"]).replace("\u00b7", "."))
    if match["sign"] and match["sign"] != "+":
        plain = -plain
    if match["power"]:
        plain *= _power(match["power"])
    found = _Found(plain, match.start(), match.end())
    if match["ordinal"]:
        found.dimension = "ordinal"
    return found


def _power(text: str) -> float:
    digits = text.lower().replace("\u2212", "-").replace("+", "")
    if digits.startswith("e"):
        return float(10.0 ** int(digits[1:]))
    exponent = re.sub(r"^\s?[x\u00d7*]\s?10\s?(?:\^|\*\*)?\s?", "", digits)
    return float(10.0 ** int(exponent))


def _spelled(text: str) -> float:
    total = current = 0.0
    for word in re.split(r"[-\s]+", text.lower()):
        if word == "and":
            continue
        value = float(SPELLED.get(word) or MULTIPLIERS.get(word, 0))
        if word == "hundred":
            current = max(current, 1) * 100
        elif value >= 1000:
            total, current = total + max(current, 1) * value, 0.0
        else:
            current += value
    return total + current


def _read_unit(each: _Found, text: str) -> None:
    each.unit_end = each.end
    if each.dimension in _OWN:
        return
    before = _BEFORE_WORD.search(text[max(0, each.start - _LOOK_BACK) : each.start])
    word = before["word"].lower().rstrip(".") if before else ""
    if word in LABELS:
        each.dimension, each.unit = f"label:{LABELS[word]}", word
        return
    if _P_VALUE.search(text[max(0, each.start - _LOOK_BACK) : each.start]):
        each.dimension = "label:p"
        return
    if word in LEADING:
        each.dimension, each.unit = LEADING[word], word
    _read_unit_after(each, text)


def _read_unit_after(each: _Found, text: str) -> None:
    for _ in range(2):  # a multiplier, then a unit
        match = _AFTER.match(text, each.unit_end)
        if match is None:
            _read_unit_past_bracket(each, text)
            return
        word = match["word"].rstrip(".-/")
        times = _multiplier(word, attached=match.start("word") == each.unit_end)
        if times:
            each.plain *= times
            each.unit_end = match.start("word") + len(word)
            continue
        _take_unit(each, text, match.start("word"), word)
        return


def _read_unit_past_bracket(each: _Found, text: str) -> None:
    bracket = _BRACKET.match(text, each.unit_end)
    match = _AFTER.match(text, bracket.end()) if bracket else None
    if match is not None and (unit := match["word"].rstrip(".-/")) in UNITS:
        _set_unit(each, unit, each.unit_end)
        each.inferred = True


def _multiplier(word: str, *, attached: bool) -> float:
    if attached and word in {"k", "K", "M", "B", "bn"}:
        return {"k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9, "bn": 1e9}[word]
    return float(MULTIPLIERS.get(word.lower(), 0))


def _take_unit(each: _Found, text: str, start: int, word: str) -> None:
    plain = _PLAIN_WORD.match(text, each.unit_end)
    longer = re.sub(r"\s+", " ", plain["word"].lower()) if plain else ""
    first = word.split("-")[0]
    attached = start == each.unit_end
    forms = [longer if " " in longer else word, word, first]
    if not attached or len(first) > 1:  # 3D is no three days
        forms += [longer, word.lower(), first.lower()]
    for form in forms:
        if form in UNITS:
            _set_unit(each, form, plain.end() if plain and form == longer else start + len(form))
            return
    # 3D, 5-HT, 2019-nCoV
    is_joined = start - each.unit_end == 1 and text[each.unit_end] in "-\u2010\u2011"
    each.is_name = (attached and first[0].isalpha()) or (is_joined and not first.islower())


def _set_unit(each: _Found, form: str, end: int) -> None:
    dimension, factor = UNITS[form]
    if each.dimension and dimension != each.dimension:
        return
    each.dimension, each.factor, each.unit, each.unit_end = dimension, factor, form, end


def _share_units(found: list[_Found], text: str) -> None:
    """Give ``5`` of ``5-10 mg`` its unit, and ``2`` of ``Tables 1 and 2`` its label."""
    pairs = list(zip(found[:-1], found[1:], strict=True))
    joined = [
        (left, right)
        for left, right in pairs
        if _JOINED.fullmatch(text, max(left.end, left.unit_end), max(left.end, right.start))
    ]
    for left, right in reversed(joined):
        if not left.dimension and right.dimension and right.dimension not in _OWN:
            if not right.dimension.startswith("label:"):
                _copy_unit(right, left)
    for left, right in joined:
        if left.dimension.startswith("label:") and not right.dimension:
            _copy_unit(left, right)


def _copy_unit(source: _Found, target: _Found) -> None:
    target.dimension, target.factor, target.unit = source.dimension, source.factor, source.unit
    target.inferred = True


def _finish(each: _Found, text: str) -> Quantity:
    before = text[max(0, each.start - _LOOK_BACK) : each.start]
    bound: Bound = "min" if _MIN_WORDS.search(before) else ""
    bound = "max" if _MAX_WORDS.search(before) else bound
    return Quantity(
        value=each.plain * each.factor,
        plain=each.plain,
        dimension=each.dimension,
        unit=each.unit,
        bound=bound,
        about=_ABOUT.search(before) is not None,
        text=text[each.start : max(each.end, each.unit_end)],
        start=each.start,
        end=max(each.end, each.unit_end),
        spelled=each.spelled,
        inferred=each.inferred,
    )


def is_same_value(said: float, found: float, *, about: bool = False) -> bool:
    """Say whether two numbers are one.

    :param said: The one.
    :param found: The other.
    :param about: Whether the first was given as rounded.
    :return: True where they are equal, or where the second rounds to the first.
    """
    scale = max(abs(said), abs(found))
    if abs(said - found) <= _TOLERANCE * scale:
        return True
    return about and abs(said - found) <= min(_place(said) / 2, _ROUNDED * scale)


def _place(value: float) -> float:
    """Return the worth of the last digit that is not zero."""
    digits = f"{abs(value):.12g}"
    if "e" in digits:
        return 0.0
    if "." in digits:
        return float(10.0 ** -len(digits.split(".")[1]))
    return float(10.0 ** (len(digits) - len(digits.rstrip("0"))))


def is_same_quantity(said: Quantity, found: Quantity) -> bool:
    """Say whether two quantities are one: value and unit.

    :param said: The one; where it is given as rounded, the other may round to it.
    :param found: The other.
    :return: Whether they agree. A share and its percentage do.
    """
    about = said.about or found.about
    if said.dimension == found.dimension:
        return is_same_value(said.value, found.value, about=about) or (
            is_same_value(said.plain, found.plain, about=about) and said.unit == found.unit
        )
    if said.inferred or found.inferred:
        dimensions = {each.dimension for each in (said, found) if not each.inferred}
        if dimensions <= {""}:
            return is_same_value(said.plain, found.plain, about=about)
    pair = {said.dimension, found.dimension}
    if not pair <= {"%", "share", ""}:
        return False
    bare = [each.value for each in (said, found) if not each.dimension]
    is_share = all(0 <= value <= 1 for value in bare)  # 0.5 may be 50%; 12 is not 1200%
    return is_share and is_same_value(_percent(said), _percent(found), about=about)


def _percent(quantity: Quantity) -> float:
    return quantity.value if quantity.dimension == "%" else quantity.value * 100
