"""The usual embedder: an exported graph run by onnxruntime, pooled by numpy.

In: an `Entry` of the cache, and texts. Out: float32 unit rows. Chunks may be run by something
faster in lower precision; queries are always run here.
Invariants: no text is padded, so its vector does not depend on the texts beside it; the same call
gives the same bits. Imports neither torch nor transformers; nothing leaves the machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy

import numpy as np
from tokenizers import Encoding

from ragqa.embed.base import (
    FULL_PRECISION,
    ChunkEmbeddings,
    FloatMatrix,
    RunTexts,
    Span,
    TokenStates,
    check_fits,
    check_spans,
    clean,
    flatten_spans,
    unit_rows,
)
from ragqa.embed.cache import Entry, Recipe
from ragqa.embed.pooling import equal_batches, pool, pool_spans
from ragqa.embed.session import Session, open_tokenizer

__all__ = ["INPUT_NAMES", "OnnxEmbedder"]

INPUT_NAMES = ("input_ids", "attention_mask")
"""The graph's inputs, both ``(batch, tokens)`` int64."""

_BATCH = 4  # texts; on 2 cores 1 to 8 were level for chunks, 4 best for sentences (decision 0004)


class OnnxEmbedder:
    """An `Embedder` over an exported transformer.

    :param name: The model, as the user named it.
    :param entry: Its export.
    :raises EmbedderError: If onnxruntime or tokenizers refuse the files.
    """

    def __init__(self, name: str, entry: Entry[Recipe]) -> None:
        recipe = entry.recipe
        self.name = name
        self.fingerprint = recipe.fingerprint
        self.rows = FULL_PRECISION
        self._chunk_states: RunTexts = self._states
        self.dim = recipe.dim
        self.pooled_sentences = recipe.pooling == "mean"
        self._recipe = recipe
        self._tokenizer = open_tokenizer(entry.folder)
        self._session = Session(name, entry.folder)
        special = self._tokenizer.num_special_tokens_to_add(False)
        prompt = self.count_tokens([recipe.chunk_prompt])[0]
        self.max_tokens = recipe.window - special - prompt

    def with_chunks_run_by(self, states: TokenStates) -> OnnxEmbedder:
        """Return this embedder with its chunks run by something else than onnxruntime.

        :param states: What runs them.
        :return: Another embedder on the same files; queries are embedded as before.
        """
        other = copy(self)
        other.rows, other._chunk_states = states.rows, states
        return other

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count each text's tokens, without special tokens, never truncated.

        :param texts: Any texts.
        :return: A count a text.
        """
        return [len(self._tokenizer.encode(clean(t), add_special_tokens=False)) for t in texts]

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Embed queries; one longer than the window counts by its first tokens only.

        :param texts: The queries.
        :return: ``(n, dim)`` float32 unit rows.
        """
        return self._embed_cut(texts, prompt=self._recipe.query_prompt, states=self._states)

    def embed_chunks(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]]
    ) -> ChunkEmbeddings:
        """Embed chunks and the sentences inside them.

        :param texts: The chunks' texts.
        :param sentences: For each chunk, its sentences' spans in characters of its text.
        :return: Unit rows for the chunks and for the sentences, in the order given.
        :raises EmbedderError: If a chunk does not fit the window, or a span its chunk.
        """
        check_spans(texts, sentences)
        prompt = self._recipe.chunk_prompt
        encodings = [self._tokenizer.encode(prompt + clean(text)) for text in texts]
        check_fits(texts, [len(encoding) for encoding in encodings], limit=self._recipe.window)
        if self.pooled_sentences:
            return self._pooled(encodings, sentences)
        spans = flatten_spans(texts, sentences)
        rows = self._embed_cut(spans, prompt=prompt, states=self._chunk_states)
        rows[np.array(self.count_tokens(spans), int) == 0] = 0
        return ChunkEmbeddings(
            chunks=unit_rows(self._vectors(encodings, self._chunk_states)), sentences=rows
        )

    def _pooled(
        self, encodings: Sequence[Encoding], sentences: Sequence[Sequence[Span]]
    ) -> ChunkEmbeddings:
        """Take chunk and sentence vectors from one pass."""
        shift = len(self._recipe.chunk_prompt)
        first = np.cumsum([0, *map(len, sentences)])
        chunk_rows = self._rows(len(encodings))
        sentence_rows = self._rows(int(first[-1]))
        for index, states in self._chunk_states([encoding.ids for encoding in encodings]):
            spans = [(start + shift, end + shift) for start, end in sentences[index]]
            offsets = np.array(encodings[index].offsets)
            chunk_rows[index] = pool(states, how="mean")
            sentence_rows[first[index] : first[index + 1]] = pool_spans(states, offsets, spans)
        return ChunkEmbeddings(chunks=unit_rows(chunk_rows), sentences=unit_rows(sentence_rows))

    def _embed_cut(self, texts: Sequence[str], *, prompt: str, states: RunTexts) -> FloatMatrix:
        """Embed texts, each cut to the window."""
        return unit_rows(
            self._vectors([self._encode_cut(prompt + clean(text)) for text in texts], states)
        )

    def _encode_cut(self, text: str) -> Encoding:
        """Tokenise a text and keep its first tokens, special tokens around them."""
        encoding = self._tokenizer.encode(text)
        if len(encoding) <= self._recipe.window:
            return encoding
        bare = self._tokenizer.encode(text, add_special_tokens=False)
        bare.truncate(self._recipe.window - self._tokenizer.num_special_tokens_to_add(False))
        return self._tokenizer.post_process(bare)

    def _vectors(self, encodings: Sequence[Encoding], run: RunTexts) -> FloatMatrix:
        """Run and pool whole texts; ``(n, dim)`` float32, not yet unit rows."""
        rows = self._rows(len(encodings))
        for index, states in run([encoding.ids for encoding in encodings]):
            rows[index] = pool(states, how=self._recipe.pooling)
        return rows

    def _rows(self, count: int) -> FloatMatrix:
        return np.zeros((count, self.dim), np.float32)

    def _states(self, ids: Sequence[Sequence[int]]) -> Iterator[tuple[int, FloatMatrix]]:
        """Run texts; yield each one's index and ``(tokens, dim)`` states, if it has tokens."""
        for batch in equal_batches([len(text) for text in ids], size=_BATCH):
            if len(ids[batch[0]]):
                tokens = np.array([ids[index] for index in batch], np.int64)
                feed = dict(zip(INPUT_NAMES, (tokens, np.ones_like(tokens)), strict=True))
                yield from zip(batch, self._session.run(feed), strict=True)
