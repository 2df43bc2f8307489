"""Query -> ranked chunks: dense and lexical scores, mixed; and their sentences, scored.

Each candidate has its exact cosine, the cosine of its best sentence, and its BM25 score; the three
are made comparable per query (z-scores over the candidates) and mixed with fixed weights. The best
of them are then looked into: what counts beside is their best sentence, by cosine and by the
query's words that it has, and the query's words that their paper has in all of them. Where there is
a reranker, it reads the best sentence of the first chunks, and what it says is mixed in last. Ties
are broken by row, which is the same in every build of the same papers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ragqa.records import Chunk, ScoredChunk, ScoredSentence
from ragqa.retrieve.candidates import Candidates, find_candidates
from ragqa.retrieve.reranking import reranked_scores, window, z_scores
from ragqa.retrieve.signals import DEPTH, Seen, Signals, signals_of
from ragqa.retrieve.words import ChunksAtHand, ContentWords, ReadChunk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ragqa.embed import Embedder
    from ragqa.index.generation import Generation
    from ragqa.rerank import Reranker

__all__ = ["Retrieval", "RetrieveOptions", "Retriever"]

# A sentence's score is in units of its chunk's mixed z-score. Fitted on covidqa: a gold sentence
# among the first three quotable ones .48 without coverage, .56 with (docs/LOG.md, 2026-11-23).
_COSINE_UNIT = 0.15
_COVERAGE_WEIGHT = 4.0
_CHUNK_SHARE = 0.5  # of a chunk's score in that of its sentences: .4 to 1 differ by .005 on covidqa


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrieveOptions:
    """How candidates are found and mixed.

    :ivar candidates: Rows taken from each of the two searches.
    :ivar dense_weight: Weight of the dense half against BM25: a compromise of covidqa (best at
        .4) and SciFact train (best at .6), see docs/LOG.md.
    :ivar sentence_share: Share of the best sentence's cosine in the dense half.
    :ivar looked_into: How many of the best chunks are looked into for the query's words.
    :ivar best_sentence_weight: Weight of the score of a chunk's best sentence.
    :ivar paper_weight: Weight of the share of the query's words that the paper has in those chunks;
        with the one above on a grid over covidqa, evidence-inference and SciFact train, see
        docs/LOG.md.
    :ivar reranked: How many of the best chunks a reranker reads, if there is one.
    :ivar reranker_weight: Weight of what it says, in standard deviations over those chunks,
        against the same of the score before it; .5 to 1 differ little (docs/LOG.md, the packaged
        reranker on papers that it had not seen).
    """

    candidates: int = 200
    dense_weight: float = 0.5
    sentence_share: float = 0.5
    looked_into: int = 50
    best_sentence_weight: float = 0.6
    paper_weight: float = 2.0
    reranked: int = 12
    reranker_weight: float = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieval:
    """What one query found.

    :ivar query: The query.
    :ivar chunks: Ranked chunks.
    :ivar sentences: Their sentences with scores, in rank and reading order.
    :ivar signals: What confidence is computed from.
    """

    query: str
    chunks: tuple[ScoredChunk, ...] = ()
    sentences: tuple[ScoredSentence, ...] = ()
    signals: Signals = Signals()


_Wanted = tuple[str, tuple[str, ...] | None]
"""A query and the papers that it is restricted to."""


@dataclass(frozen=True, slots=True)
class _Ranked:
    """Candidates in order; arrays of equal length n, float32 and int64.

    `order` says where they stand among the candidates, best first; `scores` are the candidates'.
    `read` holds those that were looked into, by where they stand.
    """

    found: Candidates
    words: ContentWords
    order: NDArray[np.int64]
    scores: NDArray[np.float32]
    read: dict[int, ReadChunk]
    signals: Signals = Signals()


class Retriever:
    """Retrieves from one generation of an index.

    What the last query found is kept, so that an answer's chunks can be shown, or more of
    them, without a second search.

    :param index: An open generation.
    :param embedder: The embedder that the generation was built with.
    :param options: How candidates are found and mixed.
    :param reranker: What reads the best chunks once more, once a query; None for nothing.
    """

    def __init__(
        self,
        index: Generation,
        embedder: Embedder,
        options: RetrieveOptions = RetrieveOptions(),
        *,
        reranker: Reranker | None = None,
    ) -> None:
        self._index = index
        self._embedder = embedder
        self._options = options
        self._reranker = reranker
        self._at_hand = ChunksAtHand(index)
        self._expected: Mapping[str, NDArray[np.float32]] = {}
        self._last: tuple[_Wanted, _Ranked | None] | None = None

    def embed(self, queries: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Embed queries, all at once.

        :param queries: Plain texts.
        :return: Query -> its unit vector, ``(dim,)`` float32.
        """
        return dict(zip(queries, self._embedder.embed_queries(queries), strict=True))

    def expect(self, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Take what `embed` gave for the queries that come next; they are not embedded again.

        :param vectors: Query -> its vector; those given before are forgotten.
        """
        self._expected = vectors

    def retrieve(
        self, query: str, *, k: int = 10, paper_ids: Sequence[str] | None = None
    ) -> Retrieval:
        """Rank the chunks of the allowed papers for a query.

        :param query: Plain text.
        :param k: How many chunks at most.
        :param paper_ids: Papers to search; None for all of the index.
        :return: Ranked chunks with their sentences; empty where nothing is allowed.
        """
        ranked = self._search(query, paper_ids)
        if ranked is None:
            return Retrieval(query=query)
        self._look_into(ranked, ranked.order[:k])
        chunks = self._scored_chunks(ranked, k)
        sentences = tuple(_scored_sentences(ranked, chunks))
        return Retrieval(
            query=query,
            chunks=chunks,
            sentences=sentences,
            signals=ranked.signals,
        )

    def rank(
        self, query: str, *, k: int = 10, paper_ids: Sequence[str] | None = None
    ) -> tuple[ScoredChunk, ...]:
        """Rank the chunks of the allowed papers, without their sentences.

        :param query: Plain text.
        :param k: How many chunks at most.
        :param paper_ids: Papers to search; None for all of the index.
        :return: The chunks of `retrieve`.
        """
        ranked = self._search(query, paper_ids)
        return () if ranked is None else self._scored_chunks(ranked, k)

    def _search(self, query: str, paper_ids: Sequence[str] | None) -> _Ranked | None:
        """Find and rank candidates; None where nothing is allowed, or nothing is there."""
        if not self._index.vectors.count:
            return None  # an index without text has no vector width either
        wanted = (query, None if paper_ids is None else tuple(paper_ids))
        last = self._last  # taken once: another thread may ask meanwhile
        if last is None or last[0] != wanted:
            vector = self._expected.get(query)
            if vector is None:
                vector = self._embedder.embed_queries([query])[0]
            count = self._options.candidates
            found = find_candidates(self._index, query, vector, count=count, paper_ids=paper_ids)
            last = self._last = (wanted, self._rank(query, found) if len(found.rows) else None)
        return last[1]

    def _rank(self, query: str, found: Candidates) -> _Ranked:
        scores = self._mix(found, found.best_cosines())
        order = np.lexsort((found.rows, -scores))
        ranked = _Ranked(found, ContentWords(self._index.lexical, query), order, scores, {})
        near = order[: self._options.looked_into]
        self._look_into(ranked, near)
        scores[near] += self._by_words(ranked, near)
        order[: len(near)] = near[np.lexsort((found.rows[near], -scores[near]))]
        ranked = replace(ranked, signals=self._signals(query, ranked))
        if self._reranker is None or self._options.reranked < 1:
            return ranked
        return self._rerank(query, ranked, self._reranker)

    def _rerank(self, query: str, ranked: _Ranked, reranker: Reranker) -> _Ranked:
        """Let a reranker read the best chunks, and put them in order anew."""
        found, order, scores = ranked.found, ranked.order.copy(), ranked.scores.copy()
        top = order[: self._options.reranked]
        self._look_into(ranked, top)
        windows = [
            window(ranked.read[at].chunk, _sentence_scores(ranked, at)) for at in top.tolist()
        ]
        raw = reranker.score(query, windows)
        rest = order[len(top) :]
        scores[top] = reranked_scores(
            scores[top],
            raw,
            weight=self._options.reranker_weight,
            floor=float(scores[rest[0]]) if len(rest) else None,
        )
        order[: len(top)] = top[np.lexsort((found.rows[top], -scores[top]))]
        signals = replace(ranked.signals, reranker=float(raw.max()))
        return replace(ranked, order=order, scores=scores, signals=signals)

    def _signals(self, query: str, ranked: _Ranked) -> Signals:
        found, words, read = ranked.found, ranked.words, ranked.read
        best = ranked.order[:DEPTH]
        self._look_into(ranked, best)
        return signals_of(
            query,
            [
                Seen(
                    paper_id=read[at].chunk.paper_id,
                    score=float(ranked.scores[at]),
                    lexical=float(found.lexical[at]),
                    coverage=words.share(read[at].words),
                    sentence=_best_quotable(ranked, at),
                )
                for at in best.tolist()
            ],
            words=words.count,
            searched=found.searched,
            chunks_of=lambda paper_id: len(self._index.store.rows_of([paper_id])),
        )

    def _look_into(self, ranked: _Ranked, places: NDArray[np.int64]) -> None:
        """Read the chunks at some places that were not read yet."""
        new = [at for at in places.tolist() if at not in ranked.read]
        chunks = self._at_hand.read(ranked.found.rows[new])
        ranked.read.update(
            (at, ranked.words.read(chunk)) for at, chunk in zip(new, chunks, strict=True)
        )

    def _by_words(self, ranked: _Ranked, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return what the words of chunks and papers add to the scores of the chunks."""
        options, words, read = self._options, ranked.words, ranked.read
        of_paper: dict[str, set[str]] = defaultdict(set)
        for at in places.tolist():
            of_paper[read[at].chunk.paper_id] |= read[at].words
        shares = {paper_id: words.share(has) for paper_id, has in of_paper.items()}
        return np.array(
            [
                options.best_sentence_weight * _best_sentence(ranked, at)
                + options.paper_weight * shares[read[at].chunk.paper_id]
                for at in places.tolist()
            ],
            dtype=np.float32,
        )

    def _mix(self, found: Candidates, best: NDArray[np.float32]) -> NDArray[np.float32]:
        share, weight = self._options.sentence_share, self._options.dense_weight
        dense = (1 - share) * found.dense + share * best
        return weight * z_scores(dense) + (1 - weight) * z_scores(found.lexical)

    def _scored_chunks(self, ranked: _Ranked, k: int) -> tuple[ScoredChunk, ...]:
        found, top = ranked.found, ranked.order[:k].tolist()
        return tuple(
            ScoredChunk(
                chunk=chunk,
                row=int(found.rows[at]),
                score=float(ranked.scores[at]),
                rank=rank,
                dense=float(found.dense[at]),
                lexical=float(found.lexical[at]),
            )
            for rank, (at, chunk) in enumerate(zip(top, self._chunks(ranked, top), strict=True), 1)
        )

    def _chunks(self, ranked: _Ranked, places: Sequence[int]) -> list[Chunk]:
        """Return the chunks at some places; the index is asked for those not read yet."""
        new = [at for at in places if at not in ranked.read]
        fresh = dict(zip(new, self._index.store.chunks(ranked.found.rows[new]), strict=True))
        return [fresh[at] if at in fresh else ranked.read[at].chunk for at in places]


def _best_sentence(ranked: _Ranked, at: int) -> float:
    """Return the score of a chunk's best sentence; 0 where it has none that says for it."""
    return max((0.0, *_sentence_scores(ranked, at)))


def _sentence_scores(ranked: _Ranked, at: int) -> list[float]:
    pairs = zip(ranked.found.cosines_at(at), ranked.read[at].sentences, strict=True)
    return [_sentence_score(cosine, coverage) for cosine, coverage in pairs]


def _sentence_score(cosine: float, coverage: float) -> float:
    return cosine / _COSINE_UNIT + _COVERAGE_WEIGHT * coverage


def _best_quotable(ranked: _Ranked, at: int) -> float | None:
    """Return the best cosine of a chunk's sentences that may be quoted."""
    pairs = zip(ranked.found.cosines_at(at), ranked.read[at].chunk.sentences, strict=True)
    return max((cosine for cosine, sentence in pairs if sentence.quotable), default=None)


def _scored_sentences(ranked: _Ranked, chunks: Sequence[ScoredChunk]) -> Iterator[ScoredSentence]:
    """Score each sentence by its cosine, the query's words that it has, and its chunk."""
    found = ranked.found
    for at, scored in zip(ranked.order.tolist(), chunks, strict=False):
        chunk, coverages = scored.chunk, ranked.read[at].sentences
        cosines = found.cosines_at(at)
        for sentence, cosine, coverage in zip(chunk.sentences, cosines, coverages, strict=True):
            score = _CHUNK_SHARE * scored.score + _sentence_score(cosine, coverage)
            yield ScoredSentence(
                chunk=chunk, sentence=sentence, score=score, cosine=cosine, coverage=coverage
            )
