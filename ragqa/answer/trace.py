"""What happened on the way to an answer, kept while it is made: calls of a model, and refusals.

In: what the gate and a writer tell. Out: a `SectionTrace` for each section. Nothing here decides
anything; keys are taken out by whoever tells.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ragqa.errors import ModelReason
from ragqa.records import Draft, WrittenStatement

if TYPE_CHECKING:
    from ragqa.generate.chat import Usage
    from ragqa.generate.prompt import Messages
    from ragqa.verify import Drop

__all__ = ["ModelCall", "Purpose", "Refusal", "SectionTrace", "Trace", "refusal"]

Purpose = Literal["write", "repair"]
"""What a model was called for: to write a section, or one refused statement anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCall:
    """One call of a chat model.

    :ivar purpose: What for.
    :ivar messages: What it was sent, as ``(role, content)``.
    :ivar output: What it wrote, raw, as far as it came.
    :ivar finish: Why it ended, in the provider's word; ``cut`` where it is not all.
    :ivar cached: Whether the output was there already.
    :ivar usage: What the call used.
    :ivar error: Why it failed; None where it did not.
    """

    purpose: Purpose
    messages: Messages
    output: str
    finish: str
    cached: bool
    usage: Usage
    error: ModelReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A statement that is not shown.

    :ivar text: What it says.
    :ivar quotes: The chunk that each of its quotes claims to be from, by label or chunk_id, and
        the quote.
    :ivar reason: The code: one of the gate's, or ``repeated``.
    :ivar detail: The same as one clause.
    :ivar attempt: 1 for a statement as it was written at first, 2 for what came of its repair.
    :ivar repaired: Whether it was written anew, and then passed.
    """

    text: str
    quotes: tuple[tuple[str, str], ...]
    reason: str
    detail: str
    attempt: int = 1
    repaired: bool = False


@dataclass(slots=True)
class SectionTrace:
    """What happened to one section.

    :ivar title: Its title.
    :ivar calls: Calls of the model, in order.
    :ivar refusals: Statements that are not shown, in order.
    """

    title: str
    calls: list[ModelCall] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


class Trace:
    """Collects what happens while one answer is made, in one thread.

    :ivar sections: What happened, a section after the other; the first holds what belongs to none.
    :ivar current: The section that is being made.
    """

    def __init__(self) -> None:
        self.sections = [SectionTrace("")]
        self.current = self.sections[0]

    def start(self, title: str) -> None:
        """Begin a section.

        :param title: Its title.
        """
        self.current = SectionTrace(title)
        self.sections.append(self.current)

    def finish(self) -> None:
        """End the sections; what is told from now on belongs to none."""
        self.current = self.sections[0]


def refusal(drop: Drop, *, attempt: int = 1, repaired: bool = False) -> Refusal:
    """Return what the gate dropped as it is told.

    :param drop: The drop.
    :param attempt: Which attempt at the statement it was.
    :param repaired: Whether another attempt passed.
    :return: The refusal.
    """
    return Refusal(
        text=drop.draft.text,
        quotes=_quotes(drop.draft),
        reason=drop.reason,
        detail=drop.detail,
        attempt=attempt,
        repaired=repaired,
    )


def _quotes(draft: Draft | WrittenStatement) -> tuple[tuple[str, str], ...]:
    if isinstance(draft, WrittenStatement):
        return tuple((quote.chunk, quote.text) for quote in draft.quotes)
    return tuple((quote.chunk.chunk_id, quote.text) for quote in draft.quotes)
