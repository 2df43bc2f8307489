"""Overclaims: may -> does, associated -> causes, some -> all.

In: a statement and its premise. Out: a failure, or None.
"""

from __future__ import annotations

from ragqa.verify.drops import Failure
from ragqa.verify.premise import Premise, Reading
from ragqa.wording.strength import open_spans, soft_spans, strength
from ragqa.wording.words import is_covered, tokens

__all__ = ["check_strength"]

_NEAR = 3  # content words after a reservation, or before one that ends a sentence: what it is about


def check_strength(said: Reading, premise: Premise) -> Failure | None:
    """Check that the statement does not say more strongly what its quotes say.

    :param said: The statement.
    :param premise: What its quotes say.
    :return: The failure, or None.
    """
    mine, theirs = strength(said.text), strength(premise.quotes.text)
    if mine.certain and not theirs.certain:
        return Failure("overclaim", "the quotes do not speak of proof or certainty")
    if mine.universal and not (theirs.general or _only_denies(said, premise)):
        return Failure("overclaim", "the quotes do not say it of all")
    if mine.universal and theirs.partial and not theirs.universal:
        return Failure("overclaim", "the quotes say it of some only")
    if mine.exclusive and not theirs.limited:
        return Failure("overclaim", "the quotes do not say that it is so of nothing else")
    if mine.superlative and not theirs.ranked:
        return Failure("overclaim", "the quotes do not put it first")
    text = _aligned(said, premise)
    aligned = strength(text)
    if aligned.soft and not mine.hedged and _is_about(said, text, soft_spans(text)):
        return Failure("overclaim", "the quotes say it with a reservation that is left out")
    asks = aligned.open and _is_about(said, text, open_spans(text))
    if asks and not (mine.asks or mine.hedged):
        return Failure("overclaim", "the quotes only ask whether it is so")
    if mine.names_cause and not (theirs.causal or mine.hedged):
        return Failure("overclaim", "the quotes do not speak of a cause")
    if mine.causes and theirs.linked and not mine.associated and not theirs.causal:
        return Failure("overclaim", "the quotes speak of an association, not of a cause")
    return None


def _only_denies(said: Reading, premise: Premise) -> bool:
    """Say whether the ``none`` or ``never`` is a ``not`` of the quotes."""
    cues = {negation.cue.lower() for negation in said.negations}
    return bool(cues & {"none", "never"}) and bool(premise.context.negations)


def _is_about(said: Reading, text: str, spans: list[tuple[int, int]]) -> bool:
    """Say whether one of a sentence's reservations is about what the statement says."""
    words = [word for word in tokens(text) if word.content]
    for start, end in spans:
        after = [word.stem for word in words if word.start >= end][:_NEAR]
        before = [word.stem for word in words if word.end <= start][-_NEAR:]
        near = after if len(after) == _NEAR else before
        if 2 * sum(is_covered(word, said.content) for word in near) >= len(near):
            return True
    return False


def _aligned(said: Reading, premise: Premise) -> str:
    """Return the sentence of the context that shares most words with the statement."""
    best = max(
        premise.context.sentences,
        key=lambda sentence: len(sentence.content & said.content),
        default=premise.context,
    )
    return best.text
