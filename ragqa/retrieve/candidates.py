"""A query -> the chunks that may answer it, with their scores by vector and by word.

In: an open generation, a query and its vector. Out: `Candidates`. Invariants: they are the union of
the best rows of both searches, each once, by row; a restriction to papers is applied inside both,
so it never thins out the result; a cosine is exact and does not depend on the rows beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ragqa.index.store import rows_in

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ragqa.index.generation import Generation

__all__ = ["Candidates", "find_candidates"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Candidate rows with their scores; arrays of equal length n.

    :ivar searched: The number of chunks that they were chosen from.
    :ivar rows: ``(n,)`` int64, ascending.
    :ivar dense: ``(n,)`` float32, cosines of query and chunk.
    :ivar lexical: ``(n,)`` float32, BM25 scores; 0 where it is not among the best by words.
    :ivar sentence_cosines: float32, cosines of the query and each sentence of all of them.
    :ivar ranges: ``(n, 2)`` int64, which of these are whose.
    """

    searched: int
    rows: NDArray[np.int64]
    dense: NDArray[np.float32]
    lexical: NDArray[np.float32]
    sentence_cosines: NDArray[np.float32]
    ranges: NDArray[np.int64]

    def cosines_at(self, at: int) -> list[float]:
        """Return the cosines of a candidate's sentences.

        :param at: Where it stands among the candidates.
        :return: One a sentence, in reading order.
        """
        cosines: list[float] = self.sentence_cosines[slice(*self.ranges[at])].tolist()
        return cosines

    def best_cosines(self) -> NDArray[np.float32]:
        """Return the cosine of each candidate's best sentence.

        :return: ``(n,)`` float32; its dense score where it has no sentence.
        """
        best = self.dense.copy()
        has = self.ranges[:, 1] > self.ranges[:, 0]  # the others' ranges would be their neighbours'
        if has.any():
            best[has] = np.maximum.reduceat(self.sentence_cosines, self.ranges[has, 0])
        return best


def find_candidates(
    index: Generation,
    query: str,
    vector: NDArray[np.float32],
    *,
    count: int,
    paper_ids: Sequence[str] | None = None,
) -> Candidates:
    """Search by vector and by word.

    :param index: An open generation.
    :param query: Plain text.
    :param vector: ``(dim,)`` float32, the query's unit vector.
    :param count: How many rows to take from each of the two searches.
    :param paper_ids: Papers to search; None for all of the index.
    :return: The union of both.
    """
    if paper_ids is not None and index.store.is_all_of(paper_ids):
        paper_ids = None  # the same scores, and nothing to look up
    allowed = None if paper_ids is None else index.store.rows_of(paper_ids)
    _, dense_rows = index.vectors.search(vector[None, :], count, allowed)
    scores, lexical_rows = index.lexical.search(query, count, paper_ids)
    rows = _union(dense_rows[0][dense_rows[0] >= 0], lexical_rows)
    lexical = np.zeros(len(rows), dtype=np.float32)
    lexical[np.searchsorted(rows, lexical_rows)] = scores
    ranges = index.store.sentence_ranges(rows)
    lengths = ranges[:, 1] - ranges[:, 0]
    ends = np.cumsum(lengths)
    return Candidates(
        searched=index.vectors.count if allowed is None else len(allowed),
        rows=rows,
        dense=index.vectors.scores(vector, rows),
        lexical=lexical,
        # Not by BLAS: its threads cost more than the sums, and they order them as they like.
        sentence_cosines=np.einsum("ij,j->i", index.sentences.rows(rows_in(ranges)), vector),
        ranges=np.stack([ends - lengths, ends], axis=1),
    )


def _union(some: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what is in either, ascending, each once; `np.union1d` would load masked arrays."""
    both = np.sort(np.concatenate([some, others]))
    is_new = np.concatenate([both[:1] >= 0, both[1:] > both[:-1]])
    rows: NDArray[np.int64] = both[is_new]
    return rows
