"""Acts: who does what to whom.

In: plain text and its words. Out: verbs of a closed list with what stands before and after them,
turned round where they are passive. Nouns and verbs without an object are none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ragqa.wording.negation import clause_at, clause_ends
from ragqa.wording.words import Token, stem, tokens

__all__ = ["Act", "acts"]

_ACTS = """
activate inhibit induce cause lead promote increase reduce regulate suppress block predict precede
infect transmit treat replace produce encode phosphorylate target contain convert translate
generate upregulate downregulate stimulate bind recruit degrade cleave mediate trigger follow
outperform exceed surpass improve enhance decrease prevent affect influence control drive modulate
require precede teach train evaluate retrieve release secrete express kill damage protect form
feed guide distill supervise initialize contribute attack invade spread detect recognize repress
impair attenuate include comprise incorporate
"""
_PASSIVE = re.compile(
    r"\b(?:is|are|was|were|be|been|being|get|got)\s+(?:(?:also|not|then|only|\w+ly)\s+){0,2}$"
)
_NOUN_BEFORE = re.compile(
    r"\b(?:an?|the|no|any|this|these|its|their|in|of|with|for|significant|slight|an? \w+)\s+$",
    re.IGNORECASE,
)
_NO_OBJECT = re.compile(
    r"\s*(?:[.,;:)]|$|(?:when|with|in|at|after|before|during|if|as|for|on|under|from|and|through"
    r"|until|since|over|across|among|between|significantly|slightly|markedly)\b)",
    re.IGNORECASE,
)
_WINDOW = 8  # content words on each side of a verb that its subject and object stand in


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
def _act_stems() -> frozenset[str]:
    return frozenset(stem(word) for word in _ACTS.split())


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
        low, high = clause_at(ends, word.start)
        near = words[max(0, number - 2 * _WINDOW) : number + 1 + 2 * _WINDOW]
        near = [
            w for w in near if low <= w.start < high and (w.text[0].isalpha() or len(w.text) > 9)
        ]
        if not _is_act(text, word):
            continue
        before = [w for w in near if w.start < word.start]
        after = [w for w in near if w.start > word.start]
        left, right = _sides(text, word, before, after)
        if left and right:
            found.append(Act(stem=word.stem, left=left - right, right=right - left))
    return found


def _is_act(text: str, verb: Token) -> bool:
    """Say whether a word is a verb with an object: no noun, and not ``improves when``."""
    if _NOUN_BEFORE.search(text[max(0, verb.start - 24) : verb.start]):
        return False
    if verb.text.lower().endswith(("tion", "ment", "sion", "ance", "ence")):
        return " by " in text[verb.end : verb.end + 60]
    after = text[verb.end : verb.end + 30]
    return bool(re.match(r"\s+by\b", after)) or _NO_OBJECT.match(after) is None


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
