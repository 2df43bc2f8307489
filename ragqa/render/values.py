"""An `Answer` as JSON-ready values, for programs, with a versioned schema.

In: an answer. Out: dictionaries, lists, texts and numbers, exactly as the README documents them.
"""

from __future__ import annotations

from typing import Any

from ragqa.records import (
    Answer,
    Citation,
    LineLocator,
    Locator,
    Notice,
    Section,
    Source,
    Statement,
)

__all__ = ["SCHEMA", "to_dict"]

SCHEMA = "ragqa/answer/1"
"""Name and version of the JSON form."""


def to_dict(answer: Answer) -> dict[str, Any]:
    """Return an answer as JSON-ready values.

    :param answer: The answer.
    :return: Schema ``ragqa/answer/1``.
    """
    return {
        "schema": SCHEMA,
        "question": answer.question,
        "abstained": answer.abstained,
        "reason": answer.reason,
        "confidence": round(answer.confidence, 4),
        "sections": [_section_dict(section) for section in answer.sections],
        "notices": [_notice_dict(item) for item in answer.notices],
        "sources": [_source_dict(source) for source in answer.sources],
        "nearest": [_citation_dict(citation) for citation in answer.nearest],
        "index": answer.index,
        "generator": answer.generator,
    }


def _section_dict(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "kind": section.kind,
        "statements": [
            {
                "text": statement.text,
                "citations": [_citation_dict(citation) for citation in statement.citations],
                **_place(statement),
            }
            for statement in section.statements
        ],
        "notices": [_notice_dict(item) for item in section.notices],
    }


def _notice_dict(item: Notice) -> dict[str, Any]:
    return {"code": item.code, "text": item.text, **_place(item)}


def _place(item: Statement | Notice) -> dict[str, Any]:
    place = {"paper_id": item.paper_id, "cell": item.cell}
    return {key: value for key, value in place.items() if value is not None}


def _source_dict(source: Source) -> dict[str, Any]:
    return {
        "paper_id": source.paper_id,
        "title": source.title,
        "role": source.role,
        "links": list(source.links),
        "documents": list(source.documents),
        "state": source.state,
    }


def _citation_dict(citation: Citation) -> dict[str, Any]:
    return {
        "paper_id": citation.paper_id,
        "document": citation.document,
        "locators": [_locator_dict(locator) for locator in citation.locators],
        "start": citation.start,
        "end": citation.end,
        "quote": citation.quote,
        "url": citation.url,
        "chunk_id": citation.chunk_id,
    }


def _locator_dict(locator: Locator) -> dict[str, int]:
    if isinstance(locator, LineLocator):
        return {"line_start": locator.line_start, "line_end": locator.line_end}
    return {"page": locator.page, "start": locator.start, "end": locator.end}
