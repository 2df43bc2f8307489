"""One document on its way: parsed and cut in one thread, embedded and packed in another.

In: a `Want`. Out: what the index writes, or the `ParseError` that the document costs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragqa.build.wants import Want
from ragqa.chunk import CountTokens, chunk_document
from ragqa.errors import ParseError
from ragqa.index.packing import PackedDocument, pack_document
from ragqa.index.records import IndexedDocument, quantise
from ragqa.parse import parse_readme, parse_summary
from ragqa.parse.worker import Parse, ParseRequest
from ragqa.records import Chunk, Document

if TYPE_CHECKING:
    from ragqa.embed import Embedder

__all__ = ["Cut", "cut", "embed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A document that was parsed and cut.

    :ivar document: Its canonical text.
    :ivar chunks: Its chunks; at least one.
    """

    document: Document
    chunks: tuple[Chunk, ...]


def cut(want: Want, parse: Parse, count_tokens: CountTokens, max_tokens: int) -> Cut | ParseError:
    """Parse a document and cut it; safe to use from several threads.

    :param want: The document.
    :param parse: What has a PDF parsed.
    :param count_tokens: What counts a text's tokens.
    :param max_tokens: Longest chunk, in tokens.
    :return: The document with its chunks, or why there is none.
    """
    try:
        document = _parsed(want, parse)
    except ParseError as error:
        return error
    chunks = chunk_document(document, count_tokens, max_tokens=max_tokens)
    if chunks:
        return Cut(document=document, chunks=chunks)
    return ParseError(
        "the document has no text outside its bibliography",
        reason="no-text",
        item=f"{want.paper.paper_id} ({want.kind})",
    )


def _parsed(want: Want, parse: Parse) -> Document:
    """Parse a summary or README here, a PDF in a worker process."""
    paper_id = want.paper.paper_id
    if want.path is None:
        return parse_summary(want.paper.summary or "", paper_id=paper_id)
    if want.kind == "readme":
        return parse_readme(want.path, paper_id=paper_id)
    reply = parse(ParseRequest(paper_id=paper_id, kind="pdf", path=want.path))
    if isinstance(reply, ParseError):
        raise reply
    return reply


def embed(cuts: Sequence[tuple[Want, Cut]], embedder: Embedder) -> Iterator[PackedDocument]:
    """Embed some documents' chunks, all of them in one call, and pack each document.

    :param cuts: The documents with their chunks.
    :param embedder: What embeds; one thread at a time may call this.
    :yield: What the index writes, in the order given.
    :raises EmbedderError: The model refuses.
    """
    chunks = [chunk for _, made in cuts for chunk in made.chunks]
    spans = [
        [(s.start - chunk.start, s.end - chunk.start) for s in chunk.sentences] for chunk in chunks
    ]
    vectors = embedder.embed_chunks([chunk.text for chunk in chunks], spans)
    chunk = sentence = 0
    for want, made in cuts:
        chunk_stop = chunk + len(made.chunks)
        sentence_stop = sentence + sum(len(c.sentences) for c in made.chunks)
        yield pack_document(
            IndexedDocument(
                paper=want.paper,
                document=made.document,
                chunks=made.chunks,
                chunk_vectors=vectors.chunks[chunk:chunk_stop],
                sentence_vectors=quantise(vectors.sentences[sentence:sentence_stop]),
                key=want.key,
            )
        )
        chunk, sentence = chunk_stop, sentence_stop
