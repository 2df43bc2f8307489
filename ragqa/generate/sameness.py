"""Do two sentences say the same? Asked of the sentences of one answer, so about one matter.

In: two sentences. Out: yes or no. Numbers must agree, and what is denied or goes up in one must
not be affirmed or go down in the other: then they say different things in like words.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["same_words", "say_the_same"]

_SAME_WORDS = 0.7  # Jaccard overlap of word sets from which two sentences say the same
_SHARE_WITHIN = 0.8  # share of the shorter one's content words in the longer, within one paper
_MIN_CONTENT = 5  # content words: fewer stand in any sentence on the matter
_STEM = 6  # letters: increase, increased, increasing
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_MARKS = re.compile(r"\[[\d,;\s\u2013-]+\]")
_COMMON = frozenset(
    "a about also although an and are as at be been both but by can could do does each for found"
    " from had has have having here however if in into is it its may might more most of on or our"
    " over show showed shown shows study such than that the their them then there these they this"
    " those to using was we were when where which while who will with within would".split()
)
# Fewer words than `ragqa/wording` has: with those 12 pairs more of the development answers were
# told apart, 11 of them for a word that turns nothing ("under-reported"; docs/LOG.md).
_TURNS = re.compile(
    r"\b(?:no|not|non|none|never|neither|nor|without|cannot"
    r"|un(?:able|affected|changed|clear|likely|related)|insignificant\w*|fail\w*|lack\w*"
    r"|decreas\w*|reduc\w*|low(?:er|est)?|less|fewer"
    r"|increas\w*|high(?:er|est)?|great(?:er|est)?|improv\w*|wors\w*)\b",
    re.IGNORECASE,
)


def same_words(first: str, second: str) -> bool:
    """Say whether two texts have the same words in the same order, white space aside.

    :param first: A text.
    :param second: Another.
    :return: True where only white space and punctuation differ.
    """
    return _WORD.findall(first) == _WORD.findall(second)


def say_the_same(first: str, second: str, *, loosely: bool = False) -> bool:
    """Say whether two sentences say the same in nearly the same words.

    :param first: A sentence.
    :param second: Another.
    :param loosely: Whether it is enough that the longer one holds what the shorter one says.
    :return: True where one of them is one too many.
    """
    if _turns(first) != _turns(second) or not _numbers_agree(first, second):
        return False
    a, b = _words(first), _words(second)
    if len(a & b) >= _SAME_WORDS * len(a | b):
        return True
    fewer = min(_content(first), _content(second), key=len)
    shared = len(_content(first) & _content(second))
    return loosely and len(fewer) >= _MIN_CONTENT and shared >= _SHARE_WITHIN * len(fewer)


def _numbers_agree(first: str, second: str) -> bool:
    """Say whether all numbers of one stand in the other; marks of citations are none."""
    a, b = (frozenset(_NUMBER.findall(_MARKS.sub("", text))) for text in (first, second))
    return a <= b or b <= a


@lru_cache(maxsize=512)  # each sentence is compared with each that is taken
def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))


@lru_cache(maxsize=512)
def _content(text: str) -> frozenset[str]:
    return frozenset(
        word[:_STEM] for word in _words(text) if word not in _COMMON and not word.isdigit()
    )


@lru_cache(maxsize=512)
def _turns(text: str) -> frozenset[str]:
    return frozenset(word[:_STEM] for word in _TURNS.findall(text.lower()))
