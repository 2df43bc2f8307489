"""The usual reranker: an exported cross-encoder run by onnxruntime.

In: an `Entry` of the cache, a query and texts. Out: float32 logits.
Invariants: no pair is padded, so its score does not depend on the texts beside it; the same call
gives the same bits. Imports neither torch nor transformers; nothing leaves the machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tokenizers import Encoding

from ragqa.embed.cache import Entry
from ragqa.embed.pooling import equal_batches
from ragqa.embed.session import Session, open_tokenizer
from ragqa.rerank.base import Scores, reranker_errors
from ragqa.rerank.pairs import PairEncoder

__all__ = ["INPUT_NAMES", "OnnxReranker", "PairRecipe"]

INPUT_NAMES = ("input_ids", "attention_mask", "token_type_ids")
"""The graph's inputs, each ``(batch, tokens)`` int64; the last only where the model has it."""

_BATCH = 4  # pairs, as the embedder's


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRecipe:
    """How an exported cross-encoder is fed.

    :ivar fingerprint: Hex hash of weights, tokenizer and this recipe.
    :ivar window: The most tokens the model sees, special tokens included.
    :ivar has_types: Whether it is told which tokens are the query's and which the text's.
    """

    fingerprint: str
    window: int
    has_types: bool


class OnnxReranker:
    """A `Reranker` over an exported cross-encoder.

    :param name: The model, as the user named it.
    :param entry: Its export.
    :raises RerankerError: If onnxruntime or tokenizers refuse the files.
    """

    def __init__(self, name: str, entry: Entry[PairRecipe]) -> None:
        self.name = name
        self.fingerprint = entry.recipe.fingerprint
        self._inputs = INPUT_NAMES if entry.recipe.has_types else INPUT_NAMES[:2]
        with reranker_errors():
            self._pairs = PairEncoder(open_tokenizer(entry.folder), entry.recipe.window)
            self._session = Session(name, entry.folder)

    def score(self, query: str, texts: Sequence[str]) -> Scores:
        """Score texts for a query; what does not fit beside the query is cut off.

        :param query: The query.
        :param texts: The texts.
        :return: ``(n,)`` float32 raw logits, higher is better.
        :raises RerankerError: The model failed.
        """
        encodings = self._pairs.encode(query, texts)
        scores = np.zeros(len(texts), np.float32)
        with reranker_errors():
            for batch in equal_batches([len(pair) for pair in encodings], size=_BATCH):
                scores[batch] = self._run([encodings[index] for index in batch])
        return scores

    def _run(self, pairs: Sequence[Encoding]) -> Scores:
        """Run pairs of one length; ``(pairs,)`` float32."""
        ids = np.array([pair.ids for pair in pairs], np.int64)
        types = np.array([pair.type_ids for pair in pairs], np.int64)
        feed = dict(zip(self._inputs, (ids, np.ones_like(ids), types), strict=False))
        scores: Scores = self._session.run(feed)[:, 0]
        return scores
