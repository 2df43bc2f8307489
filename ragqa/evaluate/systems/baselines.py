"""The systems ``bm25`` and ``dense``: one half of ragqa's search each, alone, over the same chunks.

In: a question and the papers it may use. Out: a `Response` with hits and nothing else. Invariant:
both rank every chunk of the allowed papers exactly; `confidence` is the best score, no probability.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragqa.evaluate.indexing import PreparedIndex
from ragqa.evaluate.records import Response
from ragqa.evaluate.systems.objects import hit_of, without_papers
from ragqa.evaluate.systems.ragqa import WARM_UP, about_index
from ragqa.evaluate.systems.spec import SystemSpec
from ragqa.index.generation import open_generation

__all__ = ["Bm25System", "DenseSystem"]

_Found = tuple[NDArray[np.float32], NDArray[np.int64]]


class _Baseline(ABC):
    """A system that only retrieves, from an index that is up to date.

    :param spec: The system and its options.
    :param prepared: The index, and its embedder.
    """

    def __init__(self, spec: SystemSpec, prepared: PreparedIndex) -> None:
        self.name = str(spec)
        self._prepared = prepared
        self._index = open_generation(prepared.directory)
        self._about = about_index(spec, prepared, self._index)
        self.respond(WARM_UP, paper_ids=None, depth=1)

    def close(self) -> None:
        """Close the index."""
        self._index.close()

    def describe(self) -> Mapping[str, Any]:
        """Return the spec, versions, chunk options, embedder and index."""
        return dict(self._about)

    def respond(
        self, question: str, *, paper_ids: Sequence[str] | None, depth: int
    ) -> tuple[Response, float]:
        """Retrieve.

        :param question: The question.
        :param paper_ids: The papers to use; None for all; those not in the index add nothing.
        :param depth: How many chunks to retrieve.
        :return: The response, and the seconds it took.
        :raises RagqaError: The index was damaged since it was opened.
        """
        if not self._index.vectors.count or (paper_ids is not None and not paper_ids):
            return without_papers(answers=False), 0.0
        started = time.perf_counter()
        scores, rows = self._search(question, paper_ids, depth)
        chunks = self._index.store.chunks(rows)
        seconds = time.perf_counter() - started
        hits = tuple(
            hit_of(chunk, score, of_texts=self._prepared.of_texts)
            for chunk, score in zip(chunks, scores.tolist(), strict=True)
        )
        return Response(hits=hits, confidence=hits[0].score if hits else 0.0), seconds

    @abstractmethod
    def _search(self, question: str, paper_ids: Sequence[str] | None, depth: int) -> _Found:
        """Return scores and rows, best first."""


class Bm25System(_Baseline):
    """tantivy's BM25, as `ragqa.index.lexical` sets it up."""

    def _search(self, question: str, paper_ids: Sequence[str] | None, depth: int) -> _Found:
        return self._index.lexical.search(question, depth, paper_ids)


class DenseSystem(_Baseline):
    """The cosine of the question and each chunk, all chunks compared."""

    def _search(self, question: str, paper_ids: Sequence[str] | None, depth: int) -> _Found:
        allowed = None if paper_ids is None else self._index.store.rows_of(paper_ids)
        vectors = self._prepared.embedder.embed_queries([question])
        scores, rows = self._index.vectors.search(vectors, depth, allowed)
        return scores[0], rows[0]
