"""An embedder whose chunks are embedded elsewhere or in lower precision; queries stay as they are.

In: an embedder of float32 on the CPU, and what gives rows instead. Out: an embedder of the same
space. Invariants: nothing is opened before the first chunk; rows are compared with float32's before
any is used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Protocol

import numpy as np

from ragqa.embed.base import ChunkEmbeddings, Embedder, FloatMatrix, Span
from ragqa.errors import EmbedderError

__all__ = ["LEAST_COSINE", "LoweredEmbedder", "Rows", "least_cosine"]

LEAST_COSINE = 0.999
"""Rows that are farther from float32's are refused. A wrong mask, pooling or prompt gives .99 and
less."""


class Rows(Protocol):
    """What gives chunk and sentence rows: a `TorchRows`, or a whole embedder."""

    def embed_chunks(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]]
    ) -> ChunkEmbeddings:
        """Embed chunks and the sentences inside them, as `Embedder` does.

        :param texts: The chunks' texts.
        :param sentences: For each chunk, its sentences' spans in characters of its text.
        :return: Unit rows for the chunks and for the sentences, in the order given.
        """


class LoweredEmbedder:
    """An `Embedder` for a build: its rows come from a GPU, or are computed in lower precision.

    :param trusted: The same model on the CPU: it embeds queries, counts tokens, and is what rows
        are compared with.
    :param rows: The arithmetic of the rows.
    :param opened: Opens what gives them; called once, for the first chunk.
    """

    def __init__(self, trusted: Embedder, *, rows: str, opened: Callable[[], Rows]) -> None:
        self.name = trusted.name
        self.fingerprint = trusted.fingerprint
        self.dim = trusted.dim
        self.max_tokens = trusted.max_tokens
        self.pooled_sentences = trusted.pooled_sentences
        self.rows = rows
        self._trusted = trusted
        self._opened = opened

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count each text's tokens, without special tokens, never truncated.

        :param texts: Any texts.
        :return: A count a text.
        """
        return self._trusted.count_tokens(texts)

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Embed queries in float32; one longer than the window counts by its first tokens only.

        :param texts: The queries.
        :return: ``(n, dim)`` float32 unit rows.
        """
        return self._trusted.embed_queries(texts)

    def embed_chunks(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]]
    ) -> ChunkEmbeddings:
        """Embed chunks and the sentences inside them, in that arithmetic.

        :param texts: The chunks' texts.
        :param sentences: For each chunk, its sentences' spans in characters of its text.
        :return: Unit rows for the chunks and for the sentences, in the order given.
        :raises EmbedderError: If a chunk does not fit the window, or a span its chunk; if what
            gives the rows fails, or gives others than float32's.
        """
        return self._device.embed_chunks(texts, sentences)

    @cached_property
    def _device(self) -> Rows:
        from ragqa.embed.export import PROBES

        device = self._opened()
        counts = self._trusted.count_tokens(PROBES)
        texts = [t for t, n in zip(PROBES, counts, strict=True) if n <= self.max_tokens]
        spans = [[(0, len(text) // 2), (len(text) // 2, len(text))] for text in texts]
        cosine = least_cosine(*(e.embed_chunks(texts, spans) for e in (self._trusted, device)))
        if not cosine >= LEAST_COSINE:  # also where it is not a number
            raise EmbedderError(
                f"in {self.rows} this model's rows have a cosine of {cosine:.4f} to those in"
                f" float32, less than {LEAST_COSINE}",
                item=self.name,
                hint="Embed in float32: --device cpu, or RAGQA_DEVICE=cpu",
            )
        return device


def least_cosine(expected: ChunkEmbeddings, found: ChunkEmbeddings) -> float:
    """Compare unit rows.

    :param expected: Rows that are right.
    :param found: Rows of the same texts.
    :return: The least cosine of a row to that which it should be; of two rows of zeros it is 1.
    """
    pairs = [(expected.chunks, found.chunks), (expected.sentences, found.sentences)]
    cosines = [
        np.where(right.any(axis=1) | rows.any(axis=1), (right * rows).sum(axis=1), 1)
        for right, rows in pairs
    ]
    return float(np.concatenate(cosines).min(initial=1))
