"""Stage 9: is each quote really there, and does it carry its statement? Keep, or drop with a code.

In: a draft from any generator and the documents of the index. Out: a `Statement` whose citations
have been located, or a `Drop`. The documents are read again from the index: what a generator or
retriever held in memory is not believed. Nothing is repaired here and no quote is ever altered.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ragqa.records import Citation, Document, DocumentKind, Draft, DraftQuote, Paper, Statement

__all__ = ["Drop", "DropReason", "verify"]

DropReason = Literal[
    "no-quote", "chunk-changed", "quote-not-found", "not-verbatim", "unsupported", "unlisted-link"
]
"""Why a draft does not become a statement."""

_LINK = re.compile(r"(?:https?://|www\.)[^\s<>()\[\]\"']+", re.IGNORECASE)
_TRAILING = ".,;:!?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """A draft that did not pass.

    :ivar draft: The draft.
    :ivar reason: Why.
    """

    draft: Draft
    reason: DropReason


def verify(
    draft: Draft,
    *,
    document_of: Callable[[str, DocumentKind], Document],
    paper_of: Callable[[str], Paper],
) -> Statement | Drop:
    """Check a draft against the index.

    :param draft: The draft.
    :param document_of: Reads a document of the index by paper_id and kind.
    :param paper_of: Reads a listed paper by paper_id.
    :return: The statement with located citations, or the drop.
    """
    if not draft.quotes:
        return Drop(draft=draft, reason="no-quote")
    citations = []
    for quote in draft.quotes:
        document = document_of(quote.chunk.paper_id, quote.chunk.document)
        citation = _cite(quote, document, paper_of(quote.chunk.paper_id))
        if not isinstance(citation, Citation):
            return Drop(draft=draft, reason=citation)
        citations.append(citation)
    links = {link for quote in draft.quotes for link in paper_of(quote.chunk.paper_id).links}
    if not _links_listed(draft.text, links):
        return Drop(draft=draft, reason="unlisted-link")
    if not _is_supported(draft.text, citations):
        return Drop(draft=draft, reason="unsupported")
    return Statement(
        text=draft.text, citations=tuple(citations), paper_id=draft.paper_id, cell=draft.cell
    )


def _cite(quote: DraftQuote, document: Document, paper: Paper) -> Citation | DropReason:
    chunk = quote.chunk
    if document.text[chunk.start : chunk.end] != chunk.text:
        return "chunk-changed"
    start = document.text.find(quote.text, chunk.start, chunk.end)
    if quote.start is not None and document.text.startswith(quote.text, quote.start):
        start = quote.start
    end = start + len(quote.text)
    if not quote.text.strip() or start < chunk.start or end > chunk.end:
        return "quote-not-found"
    if not document.is_verbatim(start, end):
        return "not-verbatim"
    return Citation(
        paper_id=chunk.paper_id,
        document=chunk.document,
        locators=document.locate(start, end),
        start=start,
        end=end,
        quote=quote.text,
        url=paper.link_of(chunk.document),
        chunk_id=chunk.chunk_id,
    )


def _links_listed(text: str, links: set[str]) -> bool:
    return all(found.rstrip(_TRAILING) in links for found in _LINK.findall(text))


def _is_supported(text: str, citations: list[Citation]) -> bool:
    """Say whether a statement is its quotes' own words: the gate of the extractive generator.

    Statements in other words need the gate of the chat generator, which is not written yet;
    until then they do not pass.
    """
    words = " ".join(text.split())
    return words in {" ".join(citation.quote.split()) for citation in citations}
