"""A finished answer's plan and context -> its explanation."""

from __future__ import annotations

from dataclasses import asdict

from ragqa.answer.context import Context
from ragqa.explain.records import ExplainedSection, Explanation, Found, Search
from ragqa.records import Answer, Plan, ScoredChunk
from ragqa.retrieve.confidence import confidence
from ragqa.retrieve.hybrid import Retrieval

__all__ = ["explain"]


def explain(answer: Answer, plan: Plan, context: Context) -> Explanation:
    """Collect what led to an answer.

    :param answer: The answer.
    :param plan: What was planned for it.
    :param context: The context in which it was made.
    :return: The explanation.
    """
    writer = context.writer
    searches = tuple(
        _search(paper_ids, found, context) for (_, paper_ids), found in context.searches.items()
    )
    return Explanation(
        answer=answer,
        plan=plan,
        searches=searches,
        sections=_sections(plan, context),
        min_confidence=context.min_confidence,
        model=None if writer is None else writer.name,
        prompt_version=None if writer is None else writer.prompt_version,
    )


def _sections(plan: Plan, context: Context) -> tuple[ExplainedSection, ...]:
    """Put sections together with what happened to them; last what belongs to none."""
    rest, *told = context.trace.sections
    pairs = [*zip(plan.sections, told, strict=True)]
    explained = [
        ExplainedSection(planned=planned, calls=tuple(trace.calls), refusals=tuple(trace.refusals))
        for planned, trace in pairs
    ]
    if rest.refusals:
        explained.append(ExplainedSection(planned=None, refusals=tuple(rest.refusals)))
    return tuple(explained)


def _search(paper_ids: tuple[str, ...], found: Retrieval, context: Context) -> Search:
    return Search(
        query=found.query,
        paper_ids=paper_ids,
        found=tuple(_found(scored, context) for scored in found.chunks),
        confidence=confidence(found.signals) if found.chunks else 0.0,
        signals=tuple(asdict(found.signals).items()),
    )


def _found(scored: ScoredChunk, context: Context) -> Found:
    chunk = scored.chunk
    document = context.document(chunk.paper_id, chunk.document)
    return Found(scored=scored, locators=document.locate(chunk.start, chunk.end))
