"""Small deterministic stand-ins that keep the real protocols: classes, not mocks.

`HashedEmbedder` is an `ragqa.embed.Embedder` without any model: texts that share words are near
each other, texts that share none are not, and equal texts have equal vectors in every process.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from ragqa.embed.base import (
    ChunkEmbeddings,
    FloatMatrix,
    Span,
    check_fits,
    check_spans,
    clean,
    flatten_spans,
    unit_rows,
)

__all__ = ["HashedEmbedder"]

_TOKEN = re.compile(r"\w+|[^\w\s]")
_REST = 0.05  # weight of the component that all texts share, so that an empty text has a direction


class HashedEmbedder:
    """A bag of words, each hashed to a component and a sign.

    :param dim: Length of a vector; component 0 is shared by all texts.
    :param max_tokens: Longest chunk, in words and punctuation marks.
    """

    name = "hashed"
    pooled_sentences = True

    def __init__(self, *, dim: int = 64, max_tokens: int = 254) -> None:
        self.dim = dim
        self.max_tokens = max_tokens
        self.fingerprint = f"hashed-{dim}-{max_tokens}"

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count words and punctuation marks."""
        return [len(_TOKEN.findall(text)) for text in texts]

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Embed queries: ``(n, dim)`` float32 unit rows; the first `max_tokens` words count."""
        return self._embed(texts)

    def embed_chunks(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]]
    ) -> ChunkEmbeddings:
        """Embed chunks and their sentences; a sentence without a word is a row of zeros."""
        check_spans(texts, sentences)
        check_fits(texts, self.count_tokens(texts), limit=self.max_tokens)
        spans = flatten_spans(texts, sentences)
        rows = self._embed(spans)
        rows[np.array(self.count_tokens(spans), int) == 0] = 0
        return ChunkEmbeddings(chunks=self._embed(texts), sentences=rows)

    def _embed(self, texts: Sequence[str]) -> FloatMatrix:
        rows = np.zeros((len(texts), self.dim), np.float32)
        rows[:, 0] = _REST
        for row, text in zip(rows, texts, strict=True):
            for token in _TOKEN.findall(clean(text))[: self.max_tokens]:
                seed = int.from_bytes(blake2b(token.casefold().encode(), digest_size=8).digest())
                row[1 + (seed >> 1) % (self.dim - 1)] += 1 if seed & 1 else -1
        return unit_rows(rows)
