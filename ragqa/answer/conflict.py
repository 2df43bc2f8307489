"""Which quoted sentences of different papers say opposite things of one matter.

In: statements. Out: pairs of their numbers. Nothing is said about who is right. It is rather not
seen than seen wrongly: both sentences must state something (no aim, no "may"), the shorter one's
words must stand in the other one, and what goes up, down or is not affected must be the same
thing. A paper is not held against itself: its findings differ by group, dose or week.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from ragqa.records import Statement
from ragqa.wording.direction import Comparison, Mark, comparisons, marks
from ragqa.wording.negation import negations
from ragqa.wording.words import Token, is_covered, sentences, tokens

__all__ = ["conflicts", "contradict"]

_AXES = frozenset(
    "amount quality length speed sensitivity force frequency share sign danger size".split()
)
_EFFECT = (
    r"(?:affect\w*|alter\w*|associat\w*|benefi\w*|caus\w*|chang\w*|correlat\w*|decreas\w*|depend\w*"
    r"|differ\w*|effects?|effective\w*|impact\w*|improv\w*|increas\w*|induc\w*|influenc\w*|inhibit\w*"
    r"|lead\w*|link\w*|prevent\w*|promot\w*|protect\w*|reduc\w*|relat\w*|required?|significan\w*"
    r"|superior\w*)"
)
_NO_EFFECT = re.compile(
    rf"(?:\b(?:no|not|nor|neither|fail(?:s|ed)? to|cannot|never)|n['\u2019]t)\b"
    rf"(?:[\s-]+[\w()]+){{0,4}}?[\s-]+{_EFFECT}\b"
    rf"|\b(?:without|lack of|absence of)(?: an?| any)?(?: \w+)? {_EFFECT}\b"
    r"|\b(?:non-?significant\w*|insignificant\w*|ineffective|unaffected|unchanged|unrelated)\b",
    re.IGNORECASE,
)
_ANY_EFFECT = re.compile(rf"\b{_EFFECT}\b", re.IGNORECASE)
_UNSURE = re.compile(
    r"\?|\b(?:aim\w*|can|could|design\w*|expected|future|hypothes\w*|if|may|merit\w*|might"
    r"|objectives?|potential\w*|possibl\w*|protocol|purpose|sought|unclear|unknown|unless|whether"
    r"|would|to (?:assess|compare|determine|evaluate|examine|explore|identify|investigate|study"
    r"|test))\b",
    re.IGNORECASE,
)
_TIME = re.compile(r"\b(\d+)[\s-]*(min|h|hour|day|week|month|year)s?\b", re.IGNORECASE)
_NOUN = re.compile(r"(?:tion|ment|ance|ence|ase|ine)s?$")
_AFTER_SUBJECT = re.compile(r"^(?:in|with|by|during|after|than|when|at|among|compared|from|to)$")
_PASSIVE = re.compile(r"^(?:is|are|was|were|be|been|being|significantly|markedly|more|less)$")

_SHORTER_SHARE = 0.85  # of the shorter one's content words that stand in the longer
_LONGER_SHARE = 0.3  # of the longer one's in the shorter
_MIN_SHARED = 3  # content words; fewer meet by chance
_MIN_ALL = 2  # enough where neither has any other
_SIDE_SHARE = 0.5  # of the words of one side of a comparison, to be the other one's side
_NEAR = 4  # content words beside a mark that what it speaks of stands in


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """What one sentence states.

    :ivar topic: Stems of the words that say what it is about.
    :ivar signs: Axis -> the one way that it goes.
    :ivar things: Stems of what goes that way.
    :ivar is_denied: Whether it says that there is no effect or difference.
    :ivar has_effect: Whether it says that there is one.
    :ivar comparison: What it sets against what, if one thing.
    :ivar times: Spans of time that it names.
    """

    topic: frozenset[str]
    signs: dict[str, int]
    things: frozenset[str]
    is_denied: bool
    has_effect: bool
    comparison: Comparison | None
    times: frozenset[tuple[str, str]]


def conflicts(statements: Sequence[Statement]) -> Iterator[tuple[int, int]]:
    """Find statements of different papers that say opposite things.

    :param statements: The statements of one section.
    :yield: Two places in them, the smaller first.
    """
    for (i, first), (j, second) in combinations(enumerate(statements), 2):
        papers = [{c.paper_id for c in one.citations} for one in (first, second)]
        if papers[0].isdisjoint(papers[1]) and _any_contradicts(first.text, second.text):
            yield i, j


def _any_contradicts(first: str, second: str) -> bool:
    return any(
        contradict(first[a:b], second[c:d])
        for a, b in sentences(first)
        for c, d in sentences(second)
    )


def contradict(first: str, second: str) -> bool:
    """Say whether two sentences say opposite things of one matter.

    :param first: A sentence.
    :param second: Another.
    :return: False where it is not sure.
    """
    a, b = _finding(first), _finding(second)
    if a is None or b is None or (a.times and b.times and a.times != b.times):
        return False
    return _are_opposed(a, b) and _is_one_matter(a.topic, b.topic)


@lru_cache(maxsize=256)
def _finding(text: str) -> _Finding | None:
    """Read what a sentence states; None where it states nothing, or several things."""
    if _UNSURE.search(text):
        return None
    words = tokens(text)
    denials = negations(text, words)
    is_denied = _NO_EFFECT.search(text) is not None
    found = [mark for mark in marks(text, words, denials) if mark.axis in _AXES]
    signs = {(mark.axis, mark.sign) for mark in found}
    axes = {axis for axis, _ in signs}
    says_both = len(axes) < len(signs) or (is_denied and not all(m.negated for m in found))
    if says_both or len(denials) > is_denied:
        return None
    compared = comparisons(text, words)
    turning = {mark.stem for mark in found}
    topic = (w for w in words if w.content and not w.light and not w.text[0].isdigit())
    return _Finding(
        topic=frozenset(word.stem for word in topic) - turning,
        signs=dict(signs),
        things=frozenset(stem for mark in found for stem in _thing(mark, words)),
        is_denied=is_denied,
        has_effect=not is_denied and (bool(signs) or _ANY_EFFECT.search(text) is not None),
        comparison=compared[0] if len(compared) == 1 else None,
        times=frozenset((number, unit.lower()) for number, unit in _TIME.findall(text)),
    )


def _thing(mark: Mark, words: Sequence[Token]) -> list[str]:
    """Return what a mark says of what: what follows "reduces", what precedes "was reduced"."""
    at = next(n for n, word in enumerate(words) if word.start == mark.start)
    before, after = words[max(0, at - 1) : at], words[at + 1 : at + 2]
    is_noun = _NOUN.search(words[at].text.lower()) is not None and not (
        before and _PASSIVE.match(before[0].text.lower())
    )
    ends = not after or _AFTER_SUBJECT.match(after[0].text.lower()) is not None
    is_passive = bool(before) and _PASSIVE.match(before[0].text.lower()) is not None
    follows = is_noun or not (ends or is_passive)
    side = words[at + 1 :] if follows else reversed(words[:at])
    return [word.stem for word in side if word.content and not word.light][:_NEAR]


def _are_opposed(a: _Finding, b: _Finding) -> bool:
    if a.comparison and b.comparison and a.has_effect and b.has_effect:
        return _sides_differ(a.comparison, b.comparison)
    if a.is_denied != b.is_denied:
        denied, stated = (a, b) if a.is_denied else (b, a)
        is_of_it = not stated.things or _meet(stated.things, denied.topic)
        return stated.has_effect and is_of_it
    if a.is_denied or a.comparison or b.comparison:
        return False
    shared = [axis for axis in a.signs if axis in b.signs]
    turned = bool(shared) and all(a.signs[axis] != b.signs[axis] for axis in shared)
    return turned and _meet(a.things, b.things)


def _sides_differ(a: Comparison, b: Comparison) -> bool:
    """Say whether A > B is set against A < B; B < A says the same as A > B."""
    if _alike(a.left, b.left) and _alike(a.right, b.right):
        return a.sign != b.sign
    return _alike(a.left, b.right) and _alike(a.right, b.left) and a.sign == b.sign


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return all(
        bool(few) and _covered(few, many) >= _SIDE_SHARE * len(few)
        for few, many in ((one, other), (other, one))
    )


def _covered(some: frozenset[str], others: frozenset[str]) -> int:
    return sum(is_covered(word, others) for word in some)


def _meet(some: frozenset[str], others: frozenset[str]) -> bool:
    return _covered(some, others) > 0


def _is_one_matter(one: frozenset[str], other: frozenset[str]) -> bool:
    shorter, longer = sorted((one, other), key=lambda words: (len(words), sorted(words)))
    in_longer, in_shorter = _covered(shorter, longer), _covered(longer, shorter)
    is_all = len(shorter) == in_longer >= _MIN_ALL and in_shorter == len(longer)
    return is_all or (
        min(in_longer, in_shorter) >= _MIN_SHARED
        and in_longer >= _SHORTER_SHARE * len(shorter)
        and in_shorter >= _LONGER_SHARE * len(longer)
    )
