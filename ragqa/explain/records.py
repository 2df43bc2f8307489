"""`Explanation`: an answer with everything that led to it, as frozen records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragqa.answer.trace import ModelCall, Refusal
from ragqa.records import Answer, Locator, Plan, PlannedSection, ScoredChunk

if TYPE_CHECKING:
    from ragqa.generate.chat import Usage

__all__ = ["ExplainedSection", "Explanation", "Found", "Search"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A chunk that a search found.

    :ivar scored: The chunk with its rank and scores.
    :ivar locators: Where it stands.
    """

    scored: ScoredChunk
    locators: tuple[Locator, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """One query and what it found.

    :ivar query: What was searched for.
    :ivar paper_ids: In which papers.
    :ivar found: Ranked chunks.
    :ivar confidence: Estimated probability in [0, 1] that they answer.
    :ivar signals: What it is computed from, by name; a reranker's is None without one.
    """

    query: str
    paper_ids: tuple[str, ...]
    found: tuple[Found, ...]
    confidence: float
    signals: tuple[tuple[str, float | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedSection:
    """What happened to one planned section.

    :ivar planned: What was planned; None for what belongs to no section, such as the check of
        the evidence that an abstention shows.
    :ivar calls: Calls of the chat model, in order.
    :ivar refusals: Statements that are not shown, and why.
    """

    planned: PlannedSection | None
    calls: tuple[ModelCall, ...] = ()
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """An answer and how it came about.

    :ivar answer: The answer, with its final citations.
    :ivar plan: What was planned.
    :ivar searches: What was searched for and found, in order.
    :ivar sections: What happened to each section.
    :ivar min_confidence: Below it a plain question is not answered.
    :ivar model: The chat model's name; None where there was none.
    :ivar prompt_version: Version of the prompts that it was sent; None likewise.
    """

    answer: Answer
    plan: Plan
    searches: tuple[Search, ...]
    sections: tuple[ExplainedSection, ...]
    min_confidence: float
    model: str | None = None
    prompt_version: str | None = None

    @property
    def calls(self) -> tuple[ModelCall, ...]:
        """Return the calls of the chat model for all sections, in order."""
        return tuple(call for section in self.sections for call in section.calls)

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """Return what is not shown of all sections, in order."""
        return tuple(each for section in self.sections for each in section.refusals)

    @property
    def usage(self) -> Usage | None:
        """Return what the chat model used for this answer; None where it was not called."""
        first, *rest = (call.usage for call in self.calls) if self.calls else (None,)
        for usage in rest:
            if first is not None and usage is not None:
                first = first + usage
        return first

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as JSON-ready values.

        :return: Schema ``ragqa/explanation/1``.
        """
        from ragqa.explain.values import to_dict

        return to_dict(self)

    def to_html(self) -> str:
        """Return the explanation as one HTML file that loads and runs nothing.

        :return: A whole page; encode it as UTF-8.
        """
        from ragqa.explain.page import to_html

        return to_html(self)
