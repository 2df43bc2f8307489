"""Directions and sides: more or less, A than B.

In: plain text and its words. Out: direction marks (an axis and a sign) and comparisons (two sides
and a sign).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ragqa.wording.negation import Negation, clause_at, clause_ends, negations
from ragqa.wording.words import Token, stem, tokens

__all__ = ["Comparison", "Mark", "comparisons", "is_direction", "marks"]

_AXES: tuple[tuple[str, str, str], ...] = (
    (
        "amount",
        "increase raise rise elevate elevation higher greater more grow growth larger gain"
        " escalate high"
        " upregulate climb augment enhance promote stimulate boost activate amplify surge exceed"
        " double triple heighten potentiate induce upward positively improve exacerbate"
        " accelerate strengthen strong stronger encourage facilitate foster",
        "decrease reduce reduction lower decline drop diminish lessen less fewer fall low"
        " downregulate attenuate suppress inhibit shrink mitigate alleviate halve smaller decreased"
        " prevent block lowest least lesser impair abolish weaken weak weaker hinder hamper"
        " impede delay retard"
        " protect curb downward negatively",
    ),
    (
        "quality",
        "better good improve improvement ameliorate superior outperform surpass benefit"
        " beneficial best enhance"
        " strengthen restore rescue advantage helpful favorable favourable exceed beat",
        "worse worsen damage disrupt bad deteriorate degrade inferior harm underperform worst"
        " impair weaken hurt"
        " harmful deterioration degradation disadvantage unfavorable detrimental adverse",
    ),
    ("sign", "positive positively", "negative negatively inverse inversely"),
    ("time", "before prior precede preceding earlier early", "after later late subsequent"
        " subsequently follow"),
    ("speed", "fast faster rapid rapidly quick quickly accelerate hasten", "slow slowly slower"
        " delay"),
    ("length", "long longer prolong lengthen prolonged", "short shorter shorten brief"),
    ("size", "large larger big bigger largest", "small smaller smallest tiny"),
    ("width", "widen broaden expand", "narrow contract"),
    ("extreme", "maximum maximal highest most top maximize", "minimum minimal lowest least"
        " minimize"),
    ("share", "majority", "minority"),
    ("force", "strong strongly stronger", "weak weakly weaker"),
    ("place", "above", "below beneath"),
    ("choice", "include accept gain add", "exclude reject loss remove"),
    ("frequency", "frequent frequently often always common commonly", "infrequent rare rarely"
        " seldom never uncommon"),
    ("sensitivity", "sensitive sensitivity susceptible", "resistant resistance"),
    ("danger", "safe safety protective", "dangerous unsafe toxic harmful"),
    ("agreement", "agree agreement concordant", "disagree disagreement conflict contradict"
        " discordant"),
    ("severity", "severe serious major grave", "mild minor slight"),
    ("duration", "transient temporary transiently", "permanent persistent lasting permanently"),
    ("ease", "easy easily easier simple", "difficult hard harder complex"),
    ("cost", "cheap cheaper inexpensive", "expensive costly"),
    ("start", "begin start initiate onset", "end stop terminate discontinue cease"),
)  # fmt: skip
"""Opposites: an axis, the words of its one side and of its other."""

_FALSE_FRIENDS = re.compile(
    r"\b(?:as well as|highly|follow-?up|up to|more than|less than|at least|no more than"
    r"|based on|set up"
    r"|turn out|early stage|as long as|so long as|low-resource|high-resource|large language|upper"
    r"|large-scale|short-term|long-term|most of the|follow(?:s|ed|ing)? (?:the|by)|as follows"
    r"|low-income|middle-income|high-income|following|soft|end-to-end|back-end|front-end"
    r"|high-quality"
    r"|at (?:the )?most|mostly|in addition to|long short|early-onset|low-density|high-density"
    r"|hard to)\b",
    re.IGNORECASE,
)
_MARKER = re.compile(
    r"\b(?:than|(?:when )?compared (?:with|to)|as compared (?:with|to)|in comparison (?:with"
    r"|to)|in contrast (?:with|to)"
    r"|versus(?!\s*[\d.])|vs\.?(?!\s*[\d.])|relative to|superior to|inferior to|over (?=the"
    r"|that)|as opposed to)(?!\w)",
    re.IGNORECASE,
)
_VERBS = re.compile(
    r"\b(?:(?P<plus>outperform(?:s|ed|ing)?|exceed(?:s|ed|ing)?|surpass(?:es|ed|ing)?|beats?"
    r"|outweigh(?:s|ed)?)"
    r"|(?P<minus>underperform(?:s|ed)?|lag(?:s|ged)? behind|falls? short of|fell short of"
    r"|trails?))\b(?P<by>\s+by\s+(?![\d.~]|an? |about|up ))?",
    re.IGNORECASE,
)
_ADJUNCT = re.compile(
    r"(?<=\w\w)(?:,| \(| (?:across|during|over|among|throughout|for|at|by|and|to|may|might|could) )"
)
_THOSE = re.compile(r"\s*(?:\w+\s)?(?:those|that)\s")
_MODAL = re.compile(r"(?<=\w\w)(?:,| \(| (?:may|might|could) )")
_NO_DIRECTION = re.compile(r"activ(?:e|ely|ity|ities)|growth|gains?", re.IGNORECASE)  # nouns
_HYPHENS = "-\u2010\u2011"  # after a word of direction they make it part of a name: fast-twitch


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A word that says which way something goes.

    :ivar axis: Of which pair of opposites.
    :ivar sign: 1 or -1: which of the two.
    :ivar stem: The word's stem.
    :ivar negated: Whether it stands in a negation's scope.
    :ivar context: Stems of the content words around it in its clause, each with a weight that
        falls with its distance.
    :ivar start: First character.
    """

    axis: str
    sign: int
    stem: str
    negated: bool
    context: Mapping[str, float]
    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One thing set against another.

    :ivar sign: 1 where the left is more or better, -1 where it is less or worse.
    :ivar left: Stems of the content words that stand on the left side only.
    :ivar right: Stems of those on the right only.
    :ivar start: First character of its clause.
    :ivar end: One past the last.
    """

    sign: int
    left: frozenset[str]
    right: frozenset[str]
    start: int
    end: int


@lru_cache(maxsize=1)
def _signs() -> dict[str, tuple[tuple[str, int], ...]]:
    found: dict[str, list[tuple[str, int]]] = {}
    for axis, plus, minus in _AXES:
        for sign, side in ((1, plus), (-1, minus)):
            for word in side.split():
                if (axis, sign) not in found.setdefault(stem(word), []):
                    found[stem(word)].append((axis, sign))
    return {word: tuple(signs) for word, signs in found.items()}


def is_direction(word: str) -> bool:
    """Say whether a word says which way something goes.

    :param word: A stem.
    :return: Whether it is of one of the axes.
    """
    return word in _signs()


def marks(
    text: str, words: Sequence[Token] | None = None, negated: Sequence[Negation] | None = None
) -> list[Mark]:
    """Find the direction marks of a text.

    :param text: Plain text.
    :param words: Its words, where they are at hand.
    :param negated: Its negations, where they are at hand.
    :return: Marks in order; one word may be a mark of two axes.
    """
    words = tokens(text) if words is None else words
    negated = negations(text, words) if negated is None else negated
    skipped = {
        at for match in _FALSE_FRIENDS.finditer(text) for at in range(match.start(), match.end())
    }
    ends = clause_ends(text)
    found, clause = [], 0
    for number, word in enumerate(words):
        while word.start >= ends[clause] and clause + 1 < len(ends):
            clause += 1
        signs = _signs().get(word.stem, ())
        signs = () if _NO_DIRECTION.fullmatch(word.text) else signs
        is_compound = text[word.end : word.end + 1] in _HYPHENS and text[word.end :]
        if not signs or word.start in skipped or is_compound:
            continue
        low = ends[clause - 1] if clause else 0
        context = _context(words, number, low, ends[clause])
        is_negated = any(
            word.stem in each.scope[:4] and 0 <= word.start - each.start < 80 for each in negated
        )
        found += [
            Mark(
                axis=axis,
                sign=sign,
                stem=word.stem,
                negated=is_negated,
                context=context,
                start=word.start,
            )
            for axis, sign in signs
        ]
    return found


def _context(words: Sequence[Token], at: int, low: int, high: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for side in (words[max(0, at - 12) : at][::-1], words[at + 1 : at + 13]):
        distance = 0
        for word in side:
            if not (low <= word.start < high):
                break
            if word.content and word.stem not in _signs():
                distance += 1
                found[word.stem] = max(found.get(word.stem, 0.0), 1 / distance)
    return found


def comparisons(text: str, words: Sequence[Token] | None = None) -> list[Comparison]:
    """Find the comparisons of a text whose sides and sign can be told.

    :param text: Plain text.
    :param words: Its words, where they are at hand.
    :return: Comparisons in order.
    """
    words = tokens(text) if words is None else words
    ends = clause_ends(text)
    found: list[Comparison | None] = []
    for match in _VERBS.finditer(text):
        low, high = clause_at(ends, match.start())
        sign = 1 if match["plus"] else -1
        sign = -sign if match["by"] else sign
        found.append(_compare(text, words, sign, (low, match.start()), (match.end(), high)))
    for match in _MARKER.finditer(text):
        low, high = clause_at(ends, match.start())
        found += _at_marker(text, words, match, low, high)
    return [each for each in found if each is not None and each.left and each.right]


def _at_marker(
    text: str, words: Sequence[Token], match: re.Match[str], low: int, high: int
) -> list[Comparison | None]:
    low, high = _between_markers(text, match, low, high)
    left, right = (low, match.start()), (match.end(), high)
    if not text[low : match.start()].strip(" ,") or not any(
        low <= word.start < match.start() and word.content for word in words
    ):  # "Compared with B, A was higher"
        comma = text.find(",", match.end(), high)
        if comma < 0:
            return []
        left, right = (comma, high), (match.end(), comma)
    low_word = match.group().lower()
    if low_word.startswith(("superior", "inferior")):
        sign = 1 if low_word.startswith("superior") else -1
    else:
        sign = _nearest_sign(words, left)
    return [_compare(text, words, sign, left, right)] if sign else []


def _between_markers(text: str, match: re.Match[str], low: int, high: int) -> tuple[int, int]:
    """Cut a clause where it compares twice."""
    others = [other.span() for other in _MARKER.finditer(text, low, high)]
    low = max((end for _, end in others if end <= match.start()), default=low)
    high = min((start for start, _ in others if start >= match.end()), default=high)
    return low, high


def _nearest_sign(words: Sequence[Token], span: tuple[int, int]) -> int:
    inside = [word for word in words if span[0] <= word.start < span[1]]
    for number, word in reversed(list(enumerate(inside))):
        if not _NO_DIRECTION.fullmatch(word.text):
            if number and inside[number - 1].stem in {"less", "least"}:
                return -1  # "less active"
            for axis, sign in _signs().get(word.stem, ()):
                if axis in {"amount", "quality", "speed", "length", "size", "force"}:
                    return sign
    return 0


def _compare(
    text: str, words: Sequence[Token], sign: int, left: tuple[int, int], right: tuple[int, int]
) -> Comparison:
    first = _inside(text, words, *left)
    second = _inside(text, words, *_until_adjunct(text, right))
    return Comparison(
        sign=sign,
        left=first - second,
        right=second - first,
        start=min(left[0], right[0]),
        end=max(left[1], right[1]),
    )


def _until_adjunct(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """Cut a right side where it goes on with when or where: ``than placebo across all groups``."""
    start = span[0] + 1
    those = _THOSE.match(text, span[0], span[1])  # "than in those given placebo by mouth"
    match = (_MODAL if those else _ADJUNCT).search(text, start, span[1])
    return (span[0], match.start()) if match else span


def _inside(text: str, words: Sequence[Token], low: int, high: int) -> frozenset[str]:
    """Return what a side names; ``non-smoker`` and ``SARS-CoV`` are one thing each."""
    found, joined = set(), ""
    for word in words:
        if not (low <= word.start < high):
            continue
        is_joined = joined and text[word.start - 1] in _HYPHENS
        is_part = text[word.end : word.end + 1] in _HYPHENS and text[word.end : word.end + 1]
        joined = joined + word.stem if is_joined else word.stem
        if is_joined:
            found.add(joined)
        if word.content and word.stem not in _signs() and not (is_joined and joined[:3] == "non"):
            found.add(word.stem)
        joined = joined if is_part else ""
    return frozenset(found - {"non"})
