"""The gate of written statements: every quote located, every claim carried by its quotes.

In: a statement that a chat model wrote, the labelled chunks it was shown, and the documents of the
index. Out: a `Statement` whose citations hold canonical spans, or a `Drop` with a reason that can
be told to the model. One quote that is not there drops the statement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ragqa.records import (
    Chunk,
    Citation,
    Document,
    DocumentKind,
    Paper,
    Statement,
    WrittenQuote,
    WrittenStatement,
)
from ragqa.verify.citing import cite
from ragqa.verify.drops import Drop, Failure
from ragqa.verify.links import any_unlisted_link, without_links
from ragqa.verify.nli import NLI
from ragqa.verify.quoting import find_quote, is_evidence

__all__ = ["MIN_ENTAILMENT", "MIN_SIMILARITY", "verify_written"]

MIN_ENTAILMENT = 0.5  # probability: entailment is then the likelier; no model was at hand to fit on
MIN_SIMILARITY = 0.35  # cosine; a guard against nonsense, docs/LOG.md, "The gate"


def verify_written(
    written: WrittenStatement,
    *,
    chunks: Mapping[str, Chunk],
    document_of: Callable[[str, DocumentKind], Document],
    paper_of: Callable[[str], Paper],
    nli: NLI | None = None,
    similarity: Callable[[str, Sequence[str]], float] | None = None,
) -> Statement | Drop:
    """Check a written statement against the index.

    :param written: The statement.
    :param chunks: The chunks that the model was shown, by label.
    :param document_of: Reads a document of the index by paper_id and kind.
    :param paper_of: Reads a listed paper by paper_id.
    :param nli: A second opinion on whether the quotes entail the statement.
    :param similarity: Cosine of a statement and its quotes, in [-1, 1].
    :return: The statement with located citations, or the drop.
    """
    from ragqa.verify.prose import check_prose  # here and below: extractive answers load none of it

    failure = check_prose(written.text)
    located = failure or _locate(written.quotes, chunks, document_of, paper_of)
    if isinstance(located, Failure):
        return _drop(written, located)
    papers = [paper_of(chunk.paper_id) for _, chunk in located]
    failure = _check(written.text, located, papers, document_of)
    failure = failure or _second_opinions(written.text, located, nli, similarity)
    if failure is not None:
        return _drop(written, failure)
    return Statement(text=written.text.strip(), citations=tuple(each for each, _ in located))


def _drop(written: WrittenStatement, failure: Failure) -> Drop:
    return Drop(draft=written, reason=failure.reason, detail=failure.detail)


def _locate(
    quotes: Sequence[WrittenQuote],
    chunks: Mapping[str, Chunk],
    document_of: Callable[[str, DocumentKind], Document],
    paper_of: Callable[[str], Paper],
) -> list[tuple[Citation, Chunk]] | Failure:
    if not quotes:
        return Failure("no-quote", "the statement has no quote")
    located = []
    for quote in quotes:
        chunk = chunks.get(quote.chunk.strip().strip("[]()").lower())
        if chunk is None:
            return Failure("unknown-chunk", f"there is no chunk {quote.chunk[:20]!r}")
        document = document_of(chunk.paper_id, chunk.document)
        found = _cite(quote, chunk, document, paper_of(chunk.paper_id))
        if isinstance(found, Failure):
            return found
        located.append((found, chunk))
    return located


def _cite(
    quote: WrittenQuote, chunk: Chunk, document: Document, paper: Paper
) -> Citation | Failure:
    if document.text[chunk.start : chunk.end] != chunk.text:
        return Failure("chunk-changed", f"the chunk {quote.chunk} is not the document's text")
    span = find_quote(quote.text, chunk.text)
    if span is None:
        return Failure(
            "quote-not-found", f"the quote does not stand word for word in {quote.chunk}"
        )
    if not is_evidence(quote.text):
        return Failure("short-quote", "the quote is too short to carry a statement")
    start, end = span[0] + chunk.start, span[1] + chunk.start
    if not document.is_verbatim(start, end):
        return Failure("not-verbatim", "the quote spans words that were left out of the document")
    return cite(chunk, document, paper, (start, end))


def _check(
    text: str,
    located: Sequence[tuple[Citation, Chunk]],
    papers: Sequence[Paper],
    document_of: Callable[[str, DocumentKind], Document],
) -> Failure | None:
    from ragqa.verify.premise import Premise, Reading
    from ragqa.verify.prose import check_language, gives_orders
    from ragqa.verify.support import check_support

    link = any_unlisted_link(text, {link for paper in papers for link in paper.links})
    if link is not None:
        return Failure("unlisted-link", "the statement holds a link that is not listed")
    premise = Premise.of(
        located,
        titles=[*(paper.title for paper in papers), *(chunk.section for _, chunk in located)],
        texts=[document_of(chunk.paper_id, chunk.document).text for _, chunk in located],
    )
    if gives_orders(premise.context.text):
        return Failure("instruction", "the quotes are an order to the reader, not a finding")
    return check_language(text, premise.quotes.text) or check_support(
        Reading(without_links(text)), premise
    )


def _second_opinions(
    text: str,
    located: Sequence[tuple[Citation, Chunk]],
    nli: NLI | None,
    similarity: Callable[[str, Sequence[str]], float] | None,
) -> Failure | None:
    quotes = [citation.quote for citation, _ in located]
    if similarity is not None and similarity(text, quotes) < MIN_SIMILARITY:
        return Failure("uncovered", "the statement is about something else than its quotes")
    if nli is not None and nli.entails(" ".join(quotes), text) < MIN_ENTAILMENT:
        return Failure("not-entailed", "the statement does not follow from its quotes")
    return None
