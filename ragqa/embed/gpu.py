"""An embedder whose chunks are embedded on a GPU, and whose queries stay where they are.

In: an embedder on the CPU, and its `Source`. Out: an embedder of the same space.
Invariants: nothing is loaded before the first chunk; the rows of the device are compared with the
CPU's before any is used. Opening it imports torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Protocol

import numpy as np

from ragqa.embed.base import ChunkEmbeddings, Embedder, FloatMatrix, Span
from ragqa.embed.cache import Entry, Progress, Recipe
from ragqa.embed.source import Source
from ragqa.errors import EmbedderError

__all__ = ["GPU_PRECISION", "LEAST_COSINE", "GpuEmbedder", "Rows", "least_cosine", "open_rows"]

GPU_PRECISION = "float16"
"""Every GPU that torch supports multiplies it at full speed, and it has three more bits than
bfloat16: of 1,881 rows of COVID-QA the farthest from float32 had a cosine of 1 - 3e-6 to it, and of
1 - 1.3e-4 in bfloat16."""

LEAST_COSINE = 0.999
"""Rows of the device that are farther from the CPU's are refused. A wrong mask, pooling or prompt
gives .99 and less."""


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


class GpuEmbedder:
    """An `Embedder` that embeds its chunks elsewhere, for a build.

    :param trusted: The same model on the CPU: it embeds queries, counts tokens, and is what rows
        are compared with.
    :param rows: The arithmetic of the device.
    :param opened: Loads the model onto the device; called once, for the first chunk.
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
        """Embed queries on the CPU; one longer than the window counts by its first tokens only.

        :param texts: The queries.
        :return: ``(n, dim)`` float32 unit rows.
        """
        return self._trusted.embed_queries(texts)

    def embed_chunks(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]]
    ) -> ChunkEmbeddings:
        """Embed chunks and the sentences inside them on the device.

        :param texts: The chunks' texts.
        :param sentences: For each chunk, its sentences' spans in characters of its text.
        :return: Unit rows for the chunks and for the sentences, in the order given.
        :raises EmbedderError: If a chunk does not fit the window, or a span its chunk; if the
            device fails, or gives other rows than the CPU.
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
                f"in {self.rows} this model's rows have a cosine of {cosine:.4f} to those of the"
                f" CPU, less than {LEAST_COSINE}",
                item=self.name,
                hint="Embed on the CPU: --device cpu, or RAGQA_DEVICE=cpu",
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


def open_rows(
    source: Source,
    entry: Entry[Recipe] | None,
    *,
    device: str,
    precision: str,
    say: Progress,
) -> Rows:
    """Load a model onto a device.

    :param source: Where it comes from.
    :param entry: Its export; None for a model that sentence-transformers itself has to run.
    :param device: torch's name of the device.
    :param precision: torch's name of the type that the model computes in.
    :param say: Told what is loaded onto what.
    :return: What gives its rows.
    :raises EmbedderError: If it cannot be loaded.
    """
    from ragqa.embed.reference import ReferenceEmbedder, load_model, quiet
    from ragqa.embed.torch_rows import BATCH_TOKENS, TorchRows

    say(f"loading {source.name} onto {_described(device)}, in {precision}")
    with quiet():
        model = load_model(source, attention=None)
    if entry is not None:
        return TorchRows(source.name, entry, model, device=device, precision=precision)
    embedder = ReferenceEmbedder(source.name, model)
    embedder.move(device, precision=precision, batch_tokens=BATCH_TOKENS)
    return embedder


def _described(device: str) -> str:
    import torch

    return str(torch.cuda.get_device_name()) if device == "cuda" else device
