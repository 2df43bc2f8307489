"""Texts as answers are compared: SQuAD's normalisation.

In: texts. Out: lists of words. Invariant: the words are those of SQuAD's own evaluation script, so
that figures compare with published ones.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

__all__ = ["contains", "is_verdict", "token_f1", "words"]

_PUNCTUATION = str.maketrans("", "", string.punctuation)  # removed, not a space, as SQuAD does
_ARTICLE = re.compile(r"\b(?:a|an|the)\b")
_VERDICTS = frozenset({"yes", "no", "maybe", "true", "false"})


def words(text: str) -> list[str]:
    """Split a text: lower case, no ASCII punctuation, no English articles.

    :param text: Any text.
    :return: Its words; none for a text of articles and punctuation alone.
    """
    return _ARTICLE.sub(" ", text.lower().translate(_PUNCTUATION)).split()


def is_verdict(answer: Sequence[str]) -> bool:
    """Say whether an answer is yes, no, maybe, true or false.

    :param answer: Its words.
    :return: True for a single word of these.
    """
    return len(answer) == 1 and answer[0] in _VERDICTS


def token_f1(answer: Sequence[str], gold: Sequence[str]) -> float:
    """Return the harmonic mean of word precision and word recall.

    :param answer: Words of the answer.
    :param gold: Words of the right answer.
    :return: ``2 * common / (len(answer) + len(gold))`` in [0, 1], repeated words counted; 0 where
        nothing is common.
    """
    common = (Counter(answer) & Counter(gold)).total()
    return 2 * common / (len(answer) + len(gold)) if common else 0.0


def contains(answer: Sequence[str], gold: Sequence[str]) -> bool:
    """Say whether the right answer stands in the answer, word after word.

    :param answer: Words of the answer.
    :param gold: Words of the right answer; never none.
    :return: True where they do.
    """
    return f" {' '.join(gold)} " in f" {' '.join(answer)} "
