"""What does not pass the gate, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ragqa.records import Draft, WrittenStatement

__all__ = ["Drop", "DropReason", "Failure"]

DropReason = Literal[
    "no-quote",
    "chunk-changed",
    "quote-not-found",
    "not-verbatim",
    "unsupported",
    "unlisted-link",
    "unknown-chunk",
    "short-quote",
    "not-a-sentence",
    "markup",
    "instruction",
    "other-language",
    "changed-number",
    "changed-unit",
    "lost-negation",
    "added-negation",
    "other-direction",
    "swapped-sides",
    "other-name",
    "overclaim",
    "uncovered",
    "not-entailed",
]
"""Why something does not become a statement; those below `unlisted-link` are of written ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """What did not pass.

    :ivar draft: The draft or the written statement.
    :ivar reason: Why.
    :ivar detail: The same as one plain clause, fit for asking a model to repair the statement.
        It may hold words of the statement, which nobody has checked.
    """

    draft: Draft | WrittenStatement
    reason: DropReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """What one check found wrong.

    :ivar reason: The code.
    :ivar detail: One plain clause.
    """

    reason: DropReason
    detail: str
