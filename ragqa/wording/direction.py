"""Directions and sides: more or less, A than B, who does what to whom.

In: plain text and its words. Out: direction marks (an axis and a sign), comparisons (two sides and
a sign) and acts (a verb with what stands before and after it, turned round where it is passive).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ragqa.wording.negation import Negation, clause_ends, negations
from ragqa.wording.words import Token, stem, tokens

__all__ = ["Act", "Comparison", "Mark", "acts", "comparisons", "is_direction", "marks"]

_AXES: tuple[tuple[str, str, str], ...] = (
    (
        "amount",
        "increase raise rise elevate elevation higher greater more grow growth larger gain"
        " escalate high"
        " upregulate climb augment enhance promote stimulate boost activate amplify surge exceed"
        " double triple heighten up potentiate induce upward positively improve exacerbate"
        " accelerate strengthen",
        "decrease reduce reduction lower decline drop diminish lessen less fewer fall low"
        " downregulate attenuate suppress inhibit shrink mitigate alleviate halve smaller decreased"
        " prevent block lowest least impair down abolish weaken protect curb downward negatively",
    ),
    (
        "quality",
        "better good improve improvement ameliorate superior outperform surpass benefit"
        " beneficial best enhance"
        " strengthen advantage helpful favorable favourable exceed beat",
        "worse worsen bad deteriorate degrade inferior harm underperform worst impair weaken hurt"
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
_ACTS = """
activate inhibit induce cause lead promote increase reduce regulate suppress block predict precede
infect transmit treat replace produce encode phosphorylate target contain convert translate
generate upregulate downregulate stimulate bind recruit degrade cleave mediate trigger follow
outperform exceed surpass improve enhance decrease prevent affect influence control drive modulate
require precede teach train evaluate retrieve release secrete express kill damage protect form
feed guide distill supervise initialize contribute attack invade spread detect recognize repress
impair attenuate include comprise incorporate
"""
_ADJUNCT = re.compile(r"(?<=\w\w)(?:,| (?:across|during|over|among|throughout|for|at|by|and) )")
_PASSIVE = re.compile(
    r"\b(?:is|are|was|were|be|been|being|get|got)\s+(?:(?:also|not|then|only|\w+ly)\s+){0,2}$"
)
_HYPHENS = "-\u2010\u2011"  # after a word of direction they make it part of a name: fast-twitch
_WINDOW = 8  # content words on each side of a verb that its subject and object stand in


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something that acts on something.

    :ivar stem: The verb's stem.
    :ivar left: Stems of the content words before it: who acts. After it, where it is passive.
    :ivar right: Stems of those after it: on whom.
    """

    stem: str
    left: frozenset[str]
    right: frozenset[str]


@lru_cache(maxsize=1)
def _signs() -> dict[str, tuple[tuple[str, int], ...]]:
    found: dict[str, list[tuple[str, int]]] = {}
    for axis, plus, minus in _AXES:
        for sign, side in ((1, plus), (-1, minus)):
            for word in side.split():
                if (axis, sign) not in found.setdefault(stem(word), []):
                    found[stem(word)].append((axis, sign))
    return {word: tuple(signs) for word, signs in found.items()}


@lru_cache(maxsize=1)
def _act_stems() -> frozenset[str]:
    return frozenset(stem(word) for word in _ACTS.split())


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
        low, high = _clause(ends, match.start())
        sign = 1 if match["plus"] else -1
        sign = -sign if match["by"] else sign
        found.append(_compare(text, words, sign, (low, match.start()), (match.end(), high)))
    for match in _MARKER.finditer(text):
        low, high = _clause(ends, match.start())
        found += _at_marker(text, words, match, low, high)
    return [each for each in found if each is not None and each.left and each.right]


def _at_marker(
    text: str, words: Sequence[Token], match: re.Match[str], low: int, high: int
) -> list[Comparison | None]:
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


def _nearest_sign(words: Sequence[Token], span: tuple[int, int]) -> int:
    for word in reversed(words):
        if span[0] <= word.start < span[1]:
            for axis, sign in _signs().get(word.stem, ()):
                if axis in {"amount", "quality", "speed", "length", "size", "force"}:
                    return sign
    return 0


def _clause(ends: Sequence[int], at: int) -> tuple[int, int]:
    low = 0
    for end in ends:
        if end > at:
            return low, end
        low = end
    return low, ends[-1]


def _compare(
    text: str, words: Sequence[Token], sign: int, left: tuple[int, int], right: tuple[int, int]
) -> Comparison:
    first, second = _inside(words, *left), _inside(words, *_until_adjunct(text, right))
    return Comparison(
        sign=sign,
        left=first - second,
        right=second - first,
        start=min(left[0], right[0]),
        end=max(left[1], right[1]),
    )


def _until_adjunct(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """Cut a right side where it goes on with when or where: ``than placebo across all groups``."""
    match = _ADJUNCT.search(text, span[0] + 1, span[1])
    return (span[0], match.start()) if match else span


def _inside(words: Sequence[Token], low: int, high: int) -> frozenset[str]:
    return frozenset(
        word.stem
        for word in words
        if low <= word.start < high and word.content and word.stem not in _signs()
    )


def acts(text: str, words: Sequence[Token] | None = None) -> list[Act]:
    """Find the acts of a text: verbs of a closed list with both sides.

    :param text: Plain text.
    :param words: Its words, where they are at hand.
    :return: Acts in order; a passive one is turned round.
    """
    words = tokens(text) if words is None else words
    ends = clause_ends(text)
    found = []
    for number, word in enumerate(words):
        if word.stem not in _act_stems():
            continue
        low, high = _clause(ends, word.start)
        near = words[max(0, number - 2 * _WINDOW) : number + 1 + 2 * _WINDOW]
        near = [
            w for w in near if low <= w.start < high and (w.text[0].isalpha() or len(w.text) > 9)
        ]
        before = [w for w in near if w.start < word.start]
        after = [w for w in near if w.start > word.start]
        left, right = _sides(text, word, before, after)
        if left and right:
            found.append(Act(stem=word.stem, left=left - right, right=right - left))
    return found


def _sides(
    text: str, verb: Token, before: list[Token], after: list[Token]
) -> tuple[frozenset[str], frozenset[str]]:
    first = [word.stem for word in before if word.content][-_WINDOW:]
    by = next((n for n, word in enumerate(after[:8]) if word.text.lower() == "by"), None)
    if by is None and _PASSIVE.search(text[max(0, verb.start - 30) : verb.start]):
        return frozenset(), frozenset()  # who acts is not said
    if by is None:
        return frozenset(first), frozenset(w.stem for w in after if w.content)
    agents = frozenset(word.stem for word in after[by + 1 :] if word.content)
    between = [word.stem for word in after[:by] if word.content]
    if text[verb.start : verb.end].lower().endswith(("tion", "ment", "sion", "ance")):
        first = []  # "inhibition of B by A": what stands before is another clause's
    return agents, frozenset([*first, *between])
