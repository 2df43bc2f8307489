"""The gate of drafts: quotes whose words are their statements.

In: a draft and the documents of the index. Out: a `Statement` or a `Drop`. A statement in other
words than its quote does not pass here; that is what `written` is for.
"""

from __future__ import annotations

from collections.abc import Callable

from ragqa.records import Citation, Document, DocumentKind, Draft, DraftQuote, Paper, Statement
from ragqa.verify.citing import cite
from ragqa.verify.drops import Drop, DropReason
from ragqa.verify.links import unlisted_link

__all__ = ["verify"]

_DETAILS: dict[DropReason, str] = {
    "no-quote": "the statement has no quote",
    "chunk-changed": "the chunk is not the document's text",
    "quote-not-found": "a quote does not stand in its chunk",
    "not-verbatim": "a quote spans words that were left out of the document",
    "unlisted-link": "the statement holds a link that is not listed",
    "unsupported": "the statement is not in its quote's own words",
}


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
        return _drop(draft, "no-quote")
    citations = []
    for quote in draft.quotes:
        document = document_of(quote.chunk.paper_id, quote.chunk.document)
        citation = _cite(quote, document, paper_of(quote.chunk.paper_id))
        if not isinstance(citation, Citation):
            return _drop(draft, citation)
        citations.append(citation)
    links = {link for quote in draft.quotes for link in paper_of(quote.chunk.paper_id).links}
    if unlisted_link(draft.text, links) is not None:
        return _drop(draft, "unlisted-link")
    if not _is_supported(draft.text, citations):
        return _drop(draft, "unsupported")
    return Statement(
        text=draft.text, citations=tuple(citations), paper_id=draft.paper_id, cell=draft.cell
    )


def _cite(quote: DraftQuote, document: Document, paper: Paper) -> Citation | DropReason:
    chunk = quote.chunk
    if document.text[chunk.start : chunk.end] != chunk.text:
        return "chunk-changed"
    start = document.text.find(quote.text, chunk.start, chunk.end)
    claimed = quote.start  # a negative one would count from the end
    if claimed is not None and claimed >= 0 and document.text.startswith(quote.text, claimed):
        start = claimed
    end = start + len(quote.text)
    if not quote.text.strip() or start < chunk.start or end > chunk.end:
        return "quote-not-found"
    if not document.is_verbatim(start, end):
        return "not-verbatim"
    return cite(chunk, document, paper, (start, end))


def _drop(draft: Draft, reason: DropReason) -> Drop:
    return Drop(draft=draft, reason=reason, detail=_DETAILS[reason])


def _is_supported(text: str, citations: list[Citation]) -> bool:
    """Say whether a statement is its quotes' own words: the gate of the extractive generator.

    Statements in other words are a chat model's, and go through `verify_written`.
    """
    words = " ".join(text.split())
    return words in {" ".join(citation.quote.split()) for citation in citations}
