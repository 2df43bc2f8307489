"""An `Explanation` as JSON-ready values, with a versioned schema."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ragqa.answer.trace import ModelCall, Refusal
from ragqa.explain.records import ExplainedSection, Explanation, Found, Search
from ragqa.records import PlannedSection
from ragqa.render import to_dict as answer_to_dict

__all__ = ["SCHEMA", "to_dict"]

SCHEMA = "ragqa/explanation/1"
"""Name and version of the JSON form."""

_DIGITS = 4  # of scores: more are noise


def to_dict(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as JSON-ready values.

    :param explanation: The explanation.
    :return: Schema ``ragqa/explanation/1``.
    """
    plan, usage = explanation.plan, explanation.usage
    return {
        "schema": SCHEMA,
        "question": plan.question,
        "plan": {"by_paper": plan.by_paper, "sections": [_planned(s) for s in plan.sections]},
        "searches": [_search(search) for search in explanation.searches],
        "min_confidence": explanation.min_confidence,
        "model": explanation.model,
        "prompt_version": explanation.prompt_version,
        "usage": None if usage is None else asdict(usage),
        "sections": [_section(section) for section in explanation.sections],
        "answer": answer_to_dict(explanation.answer),
    }


def _planned(section: PlannedSection) -> dict[str, Any]:
    return {
        "title": section.title,
        "kind": section.kind,
        "queries": list(section.queries),
        "paper_ids": list(section.paper_ids),
    }


def _search(search: Search) -> dict[str, Any]:
    return {
        "query": search.query,
        "paper_ids": list(search.paper_ids),
        "confidence": round(search.confidence, _DIGITS),
        "signals": {name: _rounded(value) for name, value in search.signals},
        "found": [_found(found) for found in search.found],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), _DIGITS)


def _found(found: Found) -> dict[str, Any]:
    scored, chunk = found.scored, found.scored.chunk
    return {
        "rank": scored.rank,
        "score": _rounded(scored.score),
        "dense": _rounded(scored.dense),
        "lexical": _rounded(scored.lexical),
        "chunk_id": chunk.chunk_id,
        "paper_id": chunk.paper_id,
        "document": chunk.document,
        "section": chunk.section,
        "locators": [asdict(locator) for locator in found.locators],
        "start": chunk.start,
        "end": chunk.end,
        "text": chunk.text,
    }


def _section(section: ExplainedSection) -> dict[str, Any]:
    return {
        "title": section.planned.title if section.planned else None,
        "calls": [_call(call) for call in section.calls],
        "refusals": [_refusal(each) for each in section.refusals],
    }


def _call(call: ModelCall) -> dict[str, Any]:
    return {
        "purpose": call.purpose,
        "messages": [{"role": role, "content": content} for role, content in call.messages],
        "output": call.output,
        "finish": call.finish,
        "cached": call.cached,
        "usage": asdict(call.usage),
        "error": call.error,
    }


def _refusal(refusal: Refusal) -> dict[str, Any]:
    return {
        "text": refusal.text,
        "quotes": [{"chunk": chunk, "quote": quote} for chunk, quote in refusal.quotes],
        "reason": refusal.reason,
        "detail": refusal.detail,
        "attempt": refusal.attempt,
        "repaired": refusal.repaired,
    }
