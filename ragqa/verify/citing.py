"""A span that was found -> the citation that shows it."""

from __future__ import annotations

from ragqa.records import Chunk, Citation, Document, Paper

__all__ = ["cite"]


def cite(chunk: Chunk, document: Document, paper: Paper, span: tuple[int, int]) -> Citation:
    """Point at a span of a document.

    :param chunk: The retrieved chunk that it was found in.
    :param document: The document of the chunk, from the index.
    :param paper: The listed paper.
    :param span: Start and end in the canonical text, checked.
    :return: The citation; its quote is the canonical text of the span.
    """
    start, end = span
    return Citation(
        paper_id=chunk.paper_id,
        document=chunk.document,
        locators=document.locate(start, end),
        start=start,
        end=end,
        quote=document.text[start:end],
        url=paper.link_of(chunk.document),
        chunk_id=chunk.chunk_id,
    )
