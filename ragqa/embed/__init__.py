"""Texts -> unit vectors: of queries, of chunks, and of the sentences inside chunks.

In: strings. Out: ``(n, dim)`` float32 unit rows, so a dot product is a cosine and higher is better.

- A chunk is never truncated in silence: one that does not fit the window raises.
- Equal fingerprints mean one space; where `rows` are equal too, equal vectors to rounding. The same
  call gives the same bits.
- The asking path needs numpy, onnxruntime and tokenizers only. torch, transformers and
  sentence-transformers are imported once a model, to export it, and for models whose
  layers ragqa does not export.

Why it is built so: docs/decisions/0004-embedder.md.
"""

from __future__ import annotations

from ragqa.embed.base import ChunkEmbeddings, Embedder, FloatMatrix
from ragqa.embed.load import DEFAULT_EMBEDDER, load_embedder

__all__ = ["DEFAULT_EMBEDDER", "ChunkEmbeddings", "Embedder", "FloatMatrix", "load_embedder"]
