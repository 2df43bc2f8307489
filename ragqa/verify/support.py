"""Do quotes carry a statement in other words? Numbers, names, negation, direction, strength, words.

In: a statement and its premise. Out: the first failure, or None. Each rule looks for one kind of
change and is silent where it cannot tell; what all are silent on passes. The rules and what each
drops of faithful statements are measured in docs/LOG.md, "The gate".
"""

from __future__ import annotations

from collections.abc import Callable

from ragqa.verify.binding import check_binding
from ragqa.verify.content import check_coverage, check_siblings
from ragqa.verify.copies import check_copies
from ragqa.verify.drops import Failure
from ragqa.verify.edits import check_exchanges, check_replacements
from ragqa.verify.polarity import check_comparisons, check_directions, check_negation, check_roles
from ragqa.verify.premise import Premise, Reading
from ragqa.verify.strengths import check_strength
from ragqa.verify.terms import check_names, check_numbers

__all__ = ["RULES", "check_support"]

RULES: tuple[Callable[[Reading, Premise], Failure | None], ...] = (
    check_numbers,
    check_names,
    check_siblings,
    check_negation,
    check_comparisons,
    check_directions,
    check_roles,
    check_binding,
    check_copies,
    check_exchanges,
    check_replacements,
    check_strength,
    check_coverage,
)
"""The rules, in the order in which they are tried; the plainest reason first."""


def check_support(said: Reading, premise: Premise) -> Failure | None:
    """Check a statement against its quotes.

    :param said: The statement.
    :param premise: What its quotes say.
    :return: The first failure, or None.
    """
    for rule in RULES:
        failure = rule(said, premise)
        if failure is not None:
            return failure
    return None
