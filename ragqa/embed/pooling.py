"""Token states -> vectors: batches of like length, pooling over tokens and over spans.

In: token counts, or one text's ``(tokens, dim)`` float32 states. Out: batches of indexes, or
float32 vectors that are not yet of unit length.
Invariant: a text's vector depends on its own states only, summed in token order, so it does not
depend on which texts were beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ragqa.embed.base import FloatMatrix, Span

__all__ = ["Pooling", "equal_batches", "inside", "padded_batches", "pool", "pool_spans"]

Pooling: TypeAlias = Literal["mean", "cls", "max"]
"""How token states become one vector; ``mean`` also stands for a mean scaled by length."""


def equal_batches(lengths: Sequence[int], *, size: int) -> Iterator[list[int]]:
    """Group texts of exactly equal length, so that no batch needs padding.

    :param lengths: Each text's length in tokens.
    :param size: The most texts in a batch.
    :yield: Lists of indexes, shortest texts first, in the given order among equals.
    """
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    for _, group in groupby(order, key=lengths.__getitem__):
        same = list(group)
        yield from (same[start : start + size] for start in range(0, len(same), size))


def padded_batches(lengths: Sequence[int], *, tokens: int) -> Iterator[list[int]]:
    """Group texts of like length, so that batches stay within a budget once they are padded.

    :param lengths: Each text's length in tokens.
    :param tokens: The most tokens in a batch, padding included; a longer text has one of its own.
    :yield: Lists of indexes, longest texts first, in the given order among equals; only the last
        batch could have taken one more text of those that there are.
    """
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True):
        if batch and (len(batch) + 1) * lengths[batch[0]] > tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def pool(states: FloatMatrix, *, how: Pooling) -> NDArray[np.float32]:
    """Pool one text's token states into its vector.

    :param states: ``(tokens, dim)`` float32, special tokens included, at least one row.
    :param how: The model's own way.
    :return: ``(dim,)`` float32.
    """
    if how == "cls":
        return np.asarray(states[0])
    return np.asarray(states.max(axis=0) if how == "max" else states.mean(axis=0))


def inside(offsets: NDArray[Any], spans: Sequence[Span]) -> NDArray[np.bool_]:
    """Tell which tokens belong to which span.

    A token belongs to the span that holds its last character: some tokenizers count the blank
    before a word as part of it. Special tokens have no characters and belong to none.

    :param offsets: ``(tokens, 2)`` integers, each token's ``[start, end)`` in characters.
    :param spans: Spans in the same characters.
    :return: ``(spans, tokens)`` bool.
    """
    starts, ends = offsets[:, 0], offsets[:, 1]
    edges = np.array(spans, np.int64).reshape(-1, 2, 1)
    return (ends > starts) & (ends > edges[:, 0]) & (ends <= edges[:, 1])


def pool_spans(states: FloatMatrix, offsets: NDArray[Any], spans: Sequence[Span]) -> FloatMatrix:
    """Average the token states inside each span, as `inside` tells them.

    :param states: ``(tokens, dim)`` float32.
    :param offsets: ``(tokens, 2)`` integers, each token's ``[start, end)`` in characters.
    :param spans: Spans in the same characters.
    :return: ``(spans, dim)`` float32; zeros where a span holds no token.
    """
    rows = np.zeros((len(spans), states.shape[1]), np.float32)
    for row, members in enumerate(inside(offsets, spans)):
        if members.any():
            rows[row] = states[members].mean(axis=0)
    return rows
