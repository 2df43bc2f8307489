"""A reranker's scores -> what they add to the scores of the chunks that it read.

In: the best chunks with the scores of their sentences; what a reranker says of a window of each.
Out: windows, and new scores. Invariants: the new scores order the chunks by
``z(score) + weight * z(reranker)``, z over these chunks; their unit stays that of the old scores,
so that sentences, which have a share of their chunk's score, stay comparable; none falls below
the chunks that were not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ragqa.records import Chunk

__all__ = ["reranked_scores", "window", "z_scores"]

_AROUND = 1  # sentences before and after the best one: what it speaks of often stands there


def window(chunk: Chunk, scores: Sequence[float]) -> str:
    """Return the part of a chunk that a reranker reads: its best sentence and those around it.

    :param chunk: The chunk.
    :param scores: The score of each of its sentences.
    :return: Its text from the sentence before the best one to the one after; all of its text where
        it has no sentence.
    """
    if not scores:
        return chunk.text
    best = max(range(len(scores)), key=scores.__getitem__)
    first, last = max(best - _AROUND, 0), min(best + _AROUND, len(scores) - 1)
    return chunk.slice(chunk.sentences[first].start, chunk.sentences[last].end)


def reranked_scores(
    scores: NDArray[np.float32],
    raw: NDArray[np.float32],
    *,
    weight: float,
    floor: float | None,
) -> NDArray[np.float32]:
    """Mix the scores of some chunks with what a reranker says of them.

    :param scores: ``(n,)`` float32, the chunks' scores so far.
    :param raw: ``(n,)`` float32, the reranker's, higher is better, in any unit.
    :param weight: Weight of the second, both as z-scores over these chunks.
    :param floor: The best score of the chunks that were not read; None where there are none.
    :return: ``(n,)`` float32, in the unit of the first, none below the floor.
    """
    # Equal scores have no unit of their own; then one z of the reranker counts as 1
    unit = 1.0 if _are_equal(scores) else float(scores.std())
    mixed = scores + weight * unit * z_scores(raw)
    if floor is None:
        return mixed.astype(np.float32)
    lifted = mixed + max(0.0, floor - float(mixed.min()))
    return np.maximum(lifted, floor).astype(np.float32)


def z_scores(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale values to mean 0 and standard deviation 1.

    :param values: ``(n,)`` float32.
    :return: ``(n,)`` float32; zeros where all are equal.
    """
    if _are_equal(values):
        return np.zeros_like(values)
    scaled: NDArray[np.float32] = (values - values.mean()) / values.std()
    return scaled


def _are_equal(values: NDArray[np.float32]) -> bool:
    """Say whether values are all the same; rounding may still leave them a standard deviation."""
    return bool((values == values[:1]).all())
