"""What every section of one answer draws on: the open index, what it may use, and the gate."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ragqa.answer.trace import Trace, refusal
from ragqa.errors import CorpusError
from ragqa.records import (
    Chunk,
    Document,
    DocumentKind,
    Draft,
    Notice,
    Paper,
    ScoredSentence,
    Source,
    SourceState,
    Statement,
)
from ragqa.retrieve.confidence import confidence
from ragqa.verify import Drop, verify

if TYPE_CHECKING:
    from ragqa.answer.writing import Writer
    from ragqa.index.store import Store
    from ragqa.retrieve.hybrid import Retrieval, Retriever

__all__ = ["Context", "Evidence", "Listing"]

_TOP_CHUNKS = 10  # chunks whose sentences may be quoted, for each query


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the queries of one section found.

    :ivar sentences: Scored sentences; one found by several queries has its best score.
    :ivar confidence: Probability that the papers answer, by the best query.
    """

    sentences: tuple[ScoredSentence, ...]
    confidence: float


class Listing:
    """The listed papers and how much of each an index holds: the same for every question.

    :param store: The index's papers, documents and chunks.
    :param papers: The listed papers, in listing order, as the manifest has them now.
    :param with_removed: Whether papers of the index that are not listed are told of.

    :ivar papers: These.
    :ivar removed: Papers of the index that are not listed; never used.
    :ivar by_id: The listed papers by their id.
    :ivar with_text: Ids of those that have text in the index, in listing order.
    :ivar sources: All of them, the removed ones last.
    """

    def __init__(
        self, store: Store, papers: tuple[Paper, ...], *, with_removed: bool = True
    ) -> None:
        self.papers = papers
        self.by_id = {paper.paper_id: paper for paper in papers}
        stored = store.papers() if with_removed else ()
        self.removed = tuple(p for p in stored if p.paper_id not in self.by_id)
        self.with_text = tuple(name for name in self.by_id if store.kinds(name))
        self.sources = (
            *(_source(paper, store.kinds(paper.paper_id)) for paper in papers),
            *(_source(paper, (), "removed") for paper in self.removed),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The open index and what may be used of it.

    :ivar store: Papers, documents and chunks of the index.
    :ivar retriever: Searches the index.
    :ivar listing: The papers that may be used.
    :ivar warnings: What is to be said of the index with every answer.
    :ivar min_confidence: Below it a plain question is not answered.
    :ivar writer: The chat model that writes this answer; None for quotes alone.
    :ivar trace: Where is told what happens.
    """

    store: Store
    retriever: Retriever
    listing: Listing
    warnings: tuple[Notice, ...] = ()
    min_confidence: float
    writer: Writer | None = None
    trace: Trace = field(default_factory=Trace)
    _found: dict[tuple[str, tuple[str, ...]], Retrieval] = field(default_factory=dict)
    _chunks: dict[str, list[Chunk]] = field(default_factory=dict)

    @property
    def papers(self) -> tuple[Paper, ...]:
        """Return the listed papers, in listing order, as the manifest has them now."""
        return self.listing.papers

    def paper(self, paper_id: str) -> Paper:
        """Return a listed paper.

        :param paper_id: Its id.
        :return: The paper.
        :raises CorpusError: It is not listed.
        """
        found = self.listing.by_id.get(paper_id)
        if found is None:
            raise CorpusError(
                "this paper is not listed",
                item=paper_id,
                hint="Listed are: " + ", ".join(paper.paper_id for paper in self.papers),
            )
        return found

    def document(self, paper_id: str, kind: DocumentKind) -> Document:
        """Read a document of the index.

        :param paper_id: The paper.
        :param kind: Which text of it.
        :return: The document.
        """
        return self.store.document(paper_id, kind)

    def chunks(self, paper_id: str) -> list[Chunk]:
        """Return all chunks of a paper, each document's in reading order; read once an answer.

        :param paper_id: The paper.
        :return: Its chunks; empty where the index holds no text of it.
        """
        if paper_id not in self._chunks:
            self._chunks[paper_id] = self.store.chunks(self.store.rows_of([paper_id]))
        return self._chunks[paper_id]

    def with_text(self, paper_ids: Collection[str] = ()) -> tuple[str, ...]:
        """Return which papers have text in the index.

        :param paper_ids: The papers asked about; empty for all listed.
        :return: Their ids, in listing order.
        """
        wanted = frozenset(paper_ids)
        if not wanted:
            return self.listing.with_text
        return tuple(name for name in self.listing.with_text if name in wanted)

    def find(self, queries: Iterable[str], paper_ids: Sequence[str]) -> Evidence:
        """Search the given papers with each query.

        :param queries: Plain texts.
        :param paper_ids: Papers to search; nothing else is found, and without any nothing at all.
        :return: Sentences of all queries and the confidence of the best.
        """
        if not paper_ids:
            return Evidence(sentences=(), confidence=0.0)
        found = [self._retrieve(query, tuple(paper_ids)) for query in queries if query.strip()]
        best: dict[tuple[str, int], ScoredSentence] = {}
        for scored in (s for retrieval in found for s in retrieval.sentences):
            place = (scored.chunk.chunk_id, scored.sentence.start)
            if place not in best or scored.score > best[place].score:
                best[place] = scored
        sure = max((confidence(r.signals) for r in found if r.chunks), default=0.0)
        return Evidence(sentences=tuple(best.values()), confidence=sure)

    def best_chunks(self, queries: Iterable[str], paper_ids: Sequence[str]) -> tuple[Chunk, ...]:
        """Return the chunks that queries find, each query's best first, then their second.

        :param queries: Plain texts.
        :param paper_ids: Papers to search; without any there is nothing.
        :return: Chunks, each once.
        """
        if not paper_ids:
            return ()
        found = [self._retrieve(query, tuple(paper_ids)) for query in queries if query.strip()]
        ranked = sorted((s for retrieval in found for s in retrieval.chunks), key=lambda s: s.rank)
        return tuple({scored.chunk.chunk_id: scored.chunk for scored in ranked}.values())

    @property
    def searches(self) -> Mapping[tuple[str, tuple[str, ...]], Retrieval]:
        """Return what was found so far, by query and papers."""
        return self._found

    def _retrieve(self, query: str, paper_ids: tuple[str, ...]) -> Retrieval:
        """Search, once for each query: sections of one answer often ask the same."""
        if (query, paper_ids) not in self._found:
            result = self.retriever.retrieve(query, k=_TOP_CHUNKS, paper_ids=paper_ids)
            self._found[query, paper_ids] = result
        return self._found[query, paper_ids]

    def keep_verified(self, drafts: Iterable[Draft]) -> tuple[Statement, ...]:
        """Put drafts through the gate.

        :param drafts: Drafts of any generator.
        :return: The statements that passed, in order.
        """
        kept = []
        for draft in drafts:
            result = verify(draft, document_of=self.document, paper_of=self.paper)
            if isinstance(result, Drop):
                self.trace.current.refusals.append(refusal(result))
            else:
                kept.append(result)
        return tuple(kept)

    def sources(self) -> tuple[Source, ...]:
        """Return every listed paper with how much of it the index holds."""
        return self.listing.sources


def _source(
    paper: Paper, documents: tuple[DocumentKind, ...], state: SourceState | None = None
) -> Source:
    return Source(
        paper_id=paper.paper_id,
        title=paper.title,
        role=paper.role,
        links=paper.links,
        documents=documents,
        state=state or _state(documents),
    )


def _state(documents: Collection[DocumentKind]) -> SourceState:
    if "pdf" in documents:
        return "full-text"
    if "readme" in documents:
        return "readme-only"
    return "summary-only" if "summary" in documents else "no-text"
