"""Negation, direction and sides: a statement must go the way its quotes go.

In: a statement and its premise. Out: a failure, or None. The whole sentences around the quotes
count here, so that leaving a ``not`` out of a quote does not help.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from ragqa.verify.drops import Failure
from ragqa.verify.premise import Premise, Reading
from ragqa.wording.acts import Act
from ragqa.wording.direction import Comparison, Mark
from ragqa.wording.negation import Negation, is_unchanged, speaks_of_loss
from ragqa.wording.strength import strength
from ragqa.wording.words import is_covered, is_light, is_same_word, stem

__all__ = [
    "check_comparisons",
    "check_directions",
    "check_negation",
    "check_roles",
    "is_turned_round",
]

_CHANGE = frozenset(
    stem(word)
    for word in (
        "differ difference change effect affect significant significantly association increase"
        " decrease improve improvement reduce reduction higher lower benefit relationship"
        " correlation"
        " vary alter influence impact better worse more less advantage evidence interaction"
    ).split()
)
_ONLY = frozenset(stem(word) for word in "only alone except exclude zero 0 free".split())
_FEWER = frozenset(stem(word) for word in "less fewer low rare".split())
_MODAL = frozenset(
    stem(word)
    for word in (
        "possible able unable capable necessary likely clear evident detect detectable any longer"
        " sufficient enough fully yet always expected thought believed appear seem"
    ).split()
)
"""Words that stand between a negation and what is denied."""
_WITHOUT = re.compile(
    r"^(?:without|lack\w*|absen\w+|missing|free of|devoid|instead of|rather than|except"
    r"|excluding)$",
    re.IGNORECASE,
)
_RULED_OUT = re.compile(
    r"^(?:ruled? out|reject\w*|den(?:y|ies|ied)|refut\w*|disprov\w*)$", re.IGNORECASE
)
_EXCLUDED = re.compile(
    r"\b(?:exclu\w+|rul\w+ out|reject\w*|den\w+|refut\w*|contradict\w*|wrong|false)\b",
    re.IGNORECASE,
)
_NONE_MORE = re.compile(
    r"\bno\b[^.;]{3,80}\b(?:more|less|\w{3,}er)\b[^.;]{0,80}\bthan\b", re.IGNORECASE
)
_SAME_WORD = 0.2  # nearness that one word for both adds
_TIED = 0.75  # of the best nearness: marks that near may all be meant
_NEAR = 0.34  # share of a scope's words that makes two negations be about one thing


def check_negation(said: Reading, premise: Premise) -> Failure | None:
    """Check that no negation is lost and none is added.

    :param said: The statement.
    :param premise: What its quotes say.
    :return: The failure, or None.
    """
    for each in premise.context.negations:
        if _is_lost(each, said, premise):
            return Failure(
                "lost-negation", f"the quotes say it with {each.cue!r}, the statement does not"
            )
    if _is_moved(said, premise.context):
        return Failure("swapped-sides", "the quotes negate the one and not the other")
    for each in said.negations:
        if _is_added(each, said, premise):
            return Failure("added-negation", f"the quotes say it without {each.cue!r}")
    return None


def _is_lost(negation: Negation, said: Reading, premise: Premise) -> bool:
    scope = negation.scope
    if not scope:
        return False
    kept = [word for word in scope if is_covered(word, said.content)]
    telling = [word for word in scope if not (is_light(word) or word in _MODAL)]
    heads = {scope[0], *telling[:1]}
    if not heads & set(kept):
        return False
    plain = _plain_words(premise.context)
    if _has_both(negation, premise.context):
        return False
    if _RULED_OUT.match(negation.cue) and _EXCLUDED.search(said.text):
        return False
    enough = len(kept) >= 2 and len(kept) * 2 >= min(len(scope), 4)
    if not enough and all(is_covered(word, plain) for word in heads & set(kept)):
        return False
    if any(_keeps(kept, negation, other) for other in said.negations):
        return False
    if is_unchanged(said.text) or _is_turned(said, premise):
        return False
    return _still_there(kept, plain)


def _is_moved(said: Reading, context: Reading) -> bool:
    """Say whether a negation stands with another thing: "in A, not in B" for "in B, not in A"."""
    plain, quoted = _plain_words(said), _plain_words(context)
    for mine in said.negations:
        for other in context.negations:
            first = [w for w in mine.scope if not is_covered(w, other.scope) and not is_light(w)]
            second = [w for w in other.scope if not is_covered(w, mine.scope) and not is_light(w)]
            if not (first and second):
                continue
            apart = not (other.clause.intersection(first) or mine.clause.intersection(second))
            if apart and quoted.issuperset(first) and plain.issuperset(second):
                return True
    return False


def _has_both(negation: Negation, context: Reading) -> bool:
    """Say whether it is the second half of "reported and unreported"."""
    before = [word for word in context.words if word.end <= negation.start][-2:]
    return (
        len(before) == 2
        and before[1].text.lower() in {"and", "or"}
        and is_same_word(before[0].stem, negation.scope[0])
    )


def _still_there(kept: list[str], plain: Collection[str]) -> bool:
    """Say whether some word of a scope stands under the negation only."""
    return any(not is_covered(word, plain) for word in kept)


def _plain_words(reading: Reading) -> frozenset[str]:
    """Return the content words that stand somewhere outside of every negation's scope."""
    counts: dict[str, int] = {}
    for word in reading.words:
        if word.content:
            counts[word.stem] = counts.get(word.stem, 0) + 1
    for negation in reading.negations:
        for negated in negation.scope:
            counts[negated] = counts.get(negated, 0) - 1
    return frozenset(word for word, count in counts.items() if count > 0)


def _keeps(kept: Collection[str], theirs: Negation, mine: Negation) -> bool:
    """Say whether a negation of the statement is the one of the quotes."""
    if not mine.scope or (len(theirs.cue) > 4 and mine.cue.lower() == theirs.cue.lower()):
        return True
    telling = {word for word in kept if not is_light(word) and word not in _CHANGE}
    return any(is_covered(word, mine.clause) for word in telling or kept)


def _share(words: Iterable[str], scope: Collection[str]) -> bool:
    words = list(words)
    shared = sum(is_covered(word, frozenset(scope)) for word in words)
    return shared > 0 and shared >= _NEAR * min(len(words), len(scope) or 1)


def _is_turned(said: Reading, premise: Premise) -> bool:
    """Say whether a direction is turned with the negation: not higher, so lower or equal."""
    quoted = {(mark.axis, mark.sign) for mark in premise.context.marks if mark.negated}
    return any((mark.axis, -mark.sign) in quoted for mark in said.marks if not mark.negated)


def _is_other_wording(negation: Negation, said: Reading, context: Reading) -> bool:
    """Say whether it is ``lacking`` for ``deficient``, or ``none is higher`` for the highest."""
    if _WITHOUT.match(negation.cue) and speaks_of_loss(context.text):
        return True
    return bool(_NONE_MORE.match(said.text, negation.start) and strength(context.text).ranked)


def _is_added(negation: Negation, said: Reading, premise: Premise) -> bool:
    context = premise.context
    if _is_other_wording(negation, said, context):
        return False
    if is_unchanged(context.text) and _CHANGE & set(negation.scope):
        return False
    quoted = {(mark.axis, mark.sign) for mark in context.marks if not mark.negated}
    turned = {(mark.axis, mark.sign) for mark in said.marks if mark.negated} - quoted
    if any((axis, -sign) in quoted for axis, sign in turned):
        return False
    if not negation.scope:
        return not context.negations
    if any(
        _share(negation.scope, other.scope) or _keeps(other.scope, other, negation)
        for other in context.negations
    ):
        return False
    if not context.negations:
        return not _has_less(negation, context)
    plain = _plain_words(context)
    return is_covered(negation.scope[0], plain) and is_covered(negation.scope[0], context.content)


def _has_less(negation: Negation, context: Reading) -> bool:
    """Say whether a text without a negation has something like it: ``only``, ``fewer``."""
    cue = negation.cue.lower()
    if cue.startswith(("in", "un", "non")):
        return False
    return bool(context.stems & (_ONLY if cue == "not" else _ONLY | _FEWER))


def check_directions(said: Reading, premise: Premise) -> Failure | None:
    """Check that nothing goes up in the statement that goes down in its quotes.

    :param said: The statement.
    :param premise: What its quotes say.
    :return: The failure, or None.
    """
    if _claims_difference(said, premise.context):
        return Failure("other-direction", "the quotes do not find that the two differ")
    if is_turned_round(said, premise):
        return None
    quoted = premise.context.marks
    for axis in dict.fromkeys(mark.axis for mark in said.marks):
        mine = [mark for mark in said.marks if mark.axis == axis]
        theirs = [mark for mark in quoted if mark.axis == axis]
        failure = _check_axis(mine, theirs, premise, said) if theirs else None
        if failure is not None:
            return failure
    if _has_change(said.marks) and not _has_change(quoted) and not said.negations:
        if not is_unchanged(said.text) and _denies_change(premise.context):
            return Failure("other-direction", "the quotes say that nothing changes or differs")
    if _claims_sameness(said) and not _has_sameness(premise.context) and _has_change(quoted):
        return Failure("other-direction", "the quotes speak of a difference")
    return None


def _check_axis(
    mine: list[Mark], theirs: list[Mark], premise: Premise, said: Reading
) -> Failure | None:
    """Pair each mark with the nearest of the quotes; the plainest pairs first."""
    free = list(theirs)
    order = sorted(mine, key=lambda mark: -max(_nearness(mark, other) for other in theirs))
    for mark in order:
        found = _pair(mark, free or theirs)
        if found is not None:
            free = [other for other in free if other is not found]
            continue
        failure = _disagreement(mark, free or theirs, premise, said)
        if failure is not None:
            return failure
    return None


def _pair(mark: Mark, others: list[Mark]) -> Mark | None:
    """Return the nearest mark that goes the same way, if none is much nearer."""
    near = {id(other): _nearness(mark, other) for other in others}
    best = max(near.values())
    agreeing = [
        other
        for other in others
        if near[id(other)] >= _TIED * best
        and (other.sign == mark.sign) == (other.negated == mark.negated)
    ]
    return max(agreeing, key=lambda other: near[id(other)], default=None)


def _disagreement(
    mark: Mark, others: list[Mark], premise: Premise, said: Reading
) -> Failure | None:
    other = max(others, key=lambda each: _nearness(mark, each))
    quoted = premise.context.marks
    if _agrees_elsewhere(mark, quoted, said):
        return None
    if other.sign != mark.sign and mark.negated == other.negated:
        return Failure("other-direction", "the quotes say that it goes the other way")
    if other.negated and not mark.negated and not is_unchanged(said.text) and not said.negations:
        return Failure("lost-negation", "the quotes negate it")
    return None


def _nearness(mark: Mark, other: Mark) -> float:
    shared = _SAME_WORD if mark.stem == other.stem else 0.0
    for word, weight in mark.context.items():
        shared += weight * max(
            (w for known, w in other.context.items() if is_same_word(word, known)), default=0.0
        )
    return shared


def _agrees_elsewhere(mark: Mark, quoted: list[Mark], said: Reading) -> bool:
    """Say whether the word belongs to two axes and agrees on the other one."""
    axes = {m.axis: m.sign for m in said.marks if m.start == mark.start and m.axis != mark.axis}
    return any(axes.get(other.axis) == other.sign for other in quoted)


def _claims_difference(said: Reading, context: Reading) -> bool:
    """Say whether the statement finds a difference, or a significant one, where none was found."""
    if said.negations or is_unchanged(said.text):
        return False
    if "signific" in said.stems and "signific" in context.stems:
        if "signific" not in _plain_words(context):
            return True
    finds = bool(said.comparisons) or "differ" in said.stems
    if not finds or context.comparisons or "differ" in _plain_words(context):
        return False
    denied = {word for negation in context.negations for word in negation.scope}
    return is_unchanged(context.text) or "differ" in denied


def _denies_change(context: Reading) -> bool:
    return is_unchanged(context.text) or any(
        _CHANGE & frozenset(negation.scope) for negation in context.negations
    )


def _claims_sameness(said: Reading) -> bool:
    return is_unchanged(said.text) and not said.negations and not said.marks


def _has_sameness(context: Reading) -> bool:
    return is_unchanged(context.text) or bool(context.negations)


def _has_change(quoted: list[Mark]) -> bool:
    return any(mark.axis in {"amount", "quality"} and not mark.negated for mark in quoted)


def check_comparisons(said: Reading, premise: Premise) -> Failure | None:
    """Check that no comparison has its sides exchanged.

    :param said: The statement.
    :param premise: What its quotes say.
    :return: The failure, or None.
    """
    for mine in said.comparisons:
        turns = [_turn(mine, other) for other in premise.context.comparisons]
        told = [
            turn * mine.sign * other.sign
            for turn, other in zip(turns, premise.context.comparisons, strict=True)
            if turn
        ]
        if told and all(each < 0 for each in told):
            return Failure("swapped-sides", "the quotes compare the two the other way round")
    return None


def is_turned_round(said: Reading, premise: Premise) -> bool:
    """Say whether the statement turns a comparison round, and its direction with it.

    :param said: The statement.
    :param premise: What its quotes say.
    :return: Whether A is more than B in the one and B less than A in the other.
    """
    return any(
        _turn(mine, other) < 0 and mine.sign != other.sign
        for mine in said.comparisons
        for other in premise.context.comparisons
    )


def _turn(mine: Comparison, other: Comparison) -> int:
    """Return 1 where the sides are alike, -1 where they are exchanged, 0 where none can tell."""
    # What is measured stands on the left as often as not: only what either right side has can tell.
    straight = 2 * _common(mine.right, other.right)
    taken = _common(mine.left, other.right)
    crossed = taken + _common(mine.right, other.left) if taken or not straight else 0
    return (straight > crossed) - (crossed > straight)


def _common(first: frozenset[str], second: frozenset[str]) -> int:
    return sum(is_covered(word, second) for word in first)


def check_roles(said: Reading, premise: Premise) -> Failure | None:
    """Check that who acts and what is acted on are not exchanged.

    :param said: The statement.
    :param premise: What its quotes say.
    :return: The failure, or None.
    """
    for mine in said.acts:
        alike = [other for other in premise.context.acts if is_same_word(mine.stem, other.stem)]
        if alike and all(_is_exchanged(mine, other) for other in alike):
            return Failure(
                "swapped-sides", f"the quotes have the two sides of {mine.stem!r} exchanged"
            )
    return None


def _is_exchanged(mine: Act, other: Act) -> bool:
    if not (_common(mine.left, other.right) and _common(mine.right, other.left)):
        return False
    return not (_common(mine.left, other.left) or _common(mine.right, other.right))
