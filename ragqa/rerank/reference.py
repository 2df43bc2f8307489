"""A cross-encoder as sentence-transformers runs it: loaded, looked into, and used where need be.

In: a `Source`. Out: a loaded model that gives each pair one score, or a slow `Reranker` over it.
Invariants: weights are float32 on the CPU; no code that comes with a model is run; a model whose
head is not its own but drawn at random is refused. Everything here imports torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ragqa.embed.base import clean
from ragqa.embed.reference import (
    Family,
    Torch,
    bare_tokenizer,
    fingerprint,
    load_model,
    quiet,
    window,
)
from ragqa.embed.source import Source
from ragqa.errors import RerankerError
from ragqa.rerank.base import PACKAGED_RERANKER, Scores
from ragqa.rerank.pairs import PairEncoder

__all__ = ["CROSS_ENCODERS", "ReferenceReranker", "load_cross_encoder", "raw_scores"]

CROSS_ENCODERS = Family(
    loader="CrossEncoder", organisation="cross-encoder", at_hand=PACKAGED_RERANKER
)
"""Models that turn two texts into a score."""

_HEAD = "ForSequenceClassification"  # how transformers names a model with a head that scores
_BATCH = 8  # pairs


def load_cross_encoder(source: Source) -> Torch:
    """Load a cross-encoder with sentence-transformers; call it inside `quiet`.

    :param source: Where it comes from.
    :return: A ``CrossEncoder`` with one output and float32 weights on the CPU.
    :raises EmbedderError: If it cannot be loaded.
    :raises RerankerError: If it gives a pair several scores, or has no head of its own.
    """
    if source.name == PACKAGED_RERANKER:
        from ragqa.rerank.packaged import assemble

        return assemble(Path(source.location))
    model = load_model(source, CROSS_ENCODERS)
    _check_head(source.name, model)
    return model


def _check_head(name: str, model: Torch) -> None:
    architecture = next(iter(model.config.architectures or ()), "")
    is_alone = [type(module).__name__ for module in model] == ["Transformer"]
    if is_alone and not architecture.endswith(_HEAD):
        raise RerankerError(
            f"this model is a {architecture or 'model of no stated kind'} and has no head that "
            "scores pairs",
            item=name,
            hint="Name a cross-encoder; an embedding model goes with --embedder",
        )
    if model.num_labels != 1:
        raise RerankerError(
            f"this model gives a pair {model.num_labels} scores, where a reranker gives one",
            item=name,
            hint="Name a cross-encoder that was trained to rank, with num_labels = 1",
        )


def raw_scores(model: Torch, pairs: Sequence[tuple[str, str]]) -> Scores:
    """Return a cross-encoder's logits.

    :param model: A ``CrossEncoder`` with one output.
    :param pairs: Queries and texts.
    :return: ``(n,)`` float32.
    """
    import torch

    scores = model.predict(
        list(pairs),
        activation_fn=torch.nn.Identity(),
        batch_size=_BATCH,
        show_progress_bar=False,
    )
    return np.asarray(scores, np.float32).reshape(len(pairs))


class ReferenceReranker:
    """A `Reranker` over sentence-transformers itself, for models that are not exported.

    :param name: The model, as the user named it.
    :param model: The loaded ``CrossEncoder``.
    :raises EmbedderError: If it has no fast tokenizer.
    """

    def __init__(self, name: str, model: Torch) -> None:
        self.name = name
        self._model = model
        self._pairs = PairEncoder(bare_tokenizer(model), window(model))
        layers = [type(module).__name__ for module in model]
        self.fingerprint = fingerprint(model, ["reranker", "reference", layers])

    def score(self, query: str, texts: Sequence[str]) -> Scores:
        """Score texts for a query; what does not fit beside the query is cut off.

        :param query: The query.
        :param texts: The texts.
        :return: ``(n,)`` float32 raw logits, higher is better.
        """
        if not texts:
            return np.zeros(0, np.float32)
        cut = self._pairs.cut_query(query)
        with quiet():
            return raw_scores(self._model, [(cut, clean(text)) for text in texts])
