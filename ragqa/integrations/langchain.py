"""ragqa in a LangChain chain: a retriever of chunks, and a runnable that answers.

In: an open `Reader`. Out: `RagqaRetriever`, whose documents are chunks of listed papers with all
that a citation needs in their metadata; `as_runnable`, which turns a question into an answer of
schema ``ragqa/answer/1``, an abstention included. What another model makes of retrieved chunks is
not checked by ragqa; what `as_runnable` gives is.

LangChain is imported by this module and by nothing that ragqa itself needs to answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda

from ragqa.api import Reader
from ragqa.records import Paper, ScoredChunk

__all__ = ["RagqaRetriever", "as_runnable"]


class RagqaRetriever(BaseRetriever):
    """Retrieves chunks of the listed papers as LangChain documents.

    A document's `page_content` is the chunk's exact canonical text and its `id` the chunk_id; its
    metadata are JSON-ready: paper_id, title, document, section, locators, url, score, rank, start,
    end, chunk_id. `paper_ids` can be made configurable per call with ``configurable_fields``.

    :ivar reader: An open reader.
    :ivar k: How many chunks at most; 4 is what LangChain's own retrievers give.
    :ivar paper_ids: Papers to search; empty for all that are listed.
    """

    reader: Reader
    k: int = 4
    paper_ids: tuple[str, ...] = ()

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        found = self.reader.retrieve(query, k=self.k, paper_ids=self.paper_ids)
        papers = {paper.paper_id: paper for paper in self.reader.papers}
        return [
            _document(scored, papers, self.reader)
            for scored in found
            if scored.chunk.paper_id in papers  # one may have been taken off the list just now
        ]


def _document(scored: ScoredChunk, papers: Mapping[str, Paper], reader: Reader) -> Document:
    chunk = scored.chunk
    paper = papers[chunk.paper_id]
    metadata = {
        "paper_id": chunk.paper_id,
        "title": paper.title,
        "document": chunk.document,
        "section": chunk.section,
        "locators": [asdict(locator) for locator in reader.locate(chunk)],
        "url": paper.link_of(chunk.document),
        "score": scored.score,
        "rank": scored.rank,
        "start": chunk.start,
        "end": chunk.end,
        "chunk_id": chunk.chunk_id,
    }
    return Document(id=chunk.chunk_id, page_content=chunk.text, metadata=metadata)


def as_runnable(reader: Reader, *, paper_ids: Sequence[str] = ()) -> Runnable[str, dict[str, Any]]:
    """Make a runnable that answers questions.

    :param reader: An open reader.
    :param paper_ids: Papers to restrict answers to; empty for all that are listed.
    :return: A runnable from a question to schema ``ragqa/answer/1``; where the papers do not
        answer, ``abstained`` is true and ``reason`` says why.
    """

    def answer(question: str) -> dict[str, Any]:
        return reader.ask(question, paper_ids=paper_ids).to_dict()

    return RunnableLambda(answer, name="ragqa")
