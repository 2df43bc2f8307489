"""The usual embedder: an exported graph run by onnxruntime, pooled by numpy.

In: an `Entry` of the cache, and texts. Out: float32 unit rows.
Invariants: no text is padded, so its vector does not depend on the texts beside it; the same call
gives the same bits. Imports neither torch nor transformers; nothing leaves the machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import numpy as np
from tokenizers import Encoding, Tokenizer

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
from ragqa.embed.cache import GRAPH_FILE, TOKENIZER_FILE, Entry
from ragqa.embed.pooling import equal_batches, pool, pool_spans
from ragqa.errors import EmbedderError

# onnxruntime's official builds report to their maker from the moment they are imported, keep an id
# in the user's cache for it, and offline hold up the end of the process for 30 s (measured, 1.32).
# What is asked of a closed list of papers stays here; whoever wants otherwise sets it to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

__all__ = ["INPUT_NAMES", "OnnxEmbedder"]

INPUT_NAMES = ("input_ids", "attention_mask")
"""The graph's inputs, both ``(batch, tokens)`` int64."""

_BATCH = 4  # texts; on 2 cores 1 to 8 were level for chunks, 4 best for sentences (decision 0004)
_MAX_THREADS = 4  # such small batches feed no more; 1 to 4 gave equal bits
_SPIN_US = "200"  # idle threads stay awake this long; 1.4x faster beside others (decision 0004)
_ORT_ERRORS = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)


class OnnxEmbedder:
    """An `Embedder` over an exported transformer.

    :param name: The model, as the user named it.
    :param entry: Its export.
    :raises EmbedderError: If onnxruntime or tokenizers refuse the files.
    """

    def __init__(self, name: str, entry: Entry) -> None:
        recipe = entry.recipe
        self.name = name
        self.fingerprint = recipe.fingerprint
        self.dim = recipe.dim
        self.pooled_sentences = recipe.pooling == "mean"
        self._recipe = recipe
        self._tokenizer = _open_tokenizer(entry)
        self._session = _open_session(entry)
        special = self._tokenizer.num_special_tokens_to_add(False)
        prompt = self.count_tokens([recipe.chunk_prompt])[0]
        self.max_tokens = recipe.window - special - prompt

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
        return self._embed_cut(texts, prompt=self._recipe.query_prompt)

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
        rows = self._embed_cut(spans, prompt=prompt)
        rows[np.array(self.count_tokens(spans), int) == 0] = 0
        return ChunkEmbeddings(chunks=unit_rows(self._vectors(encodings)), sentences=rows)

    def _pooled(
        self, encodings: Sequence[Encoding], sentences: Sequence[Sequence[Span]]
    ) -> ChunkEmbeddings:
        """Take chunk and sentence vectors from one pass."""
        shift = len(self._recipe.chunk_prompt)
        first = np.cumsum([0, *map(len, sentences)])
        chunk_rows = self._rows(len(encodings))
        sentence_rows = self._rows(int(first[-1]))
        for index, states in self._states(encodings):
            spans = [(start + shift, end + shift) for start, end in sentences[index]]
            offsets = np.array(encodings[index].offsets)
            chunk_rows[index] = pool(states, how="mean")
            sentence_rows[first[index] : first[index + 1]] = pool_spans(states, offsets, spans)
        return ChunkEmbeddings(chunks=unit_rows(chunk_rows), sentences=unit_rows(sentence_rows))

    def _embed_cut(self, texts: Sequence[str], *, prompt: str) -> FloatMatrix:
        """Embed texts, each cut to the window."""
        return unit_rows(self._vectors([self._encode_cut(prompt + clean(t)) for t in texts]))

    def _encode_cut(self, text: str) -> Encoding:
        """Tokenise a text and keep its first tokens, special tokens around them."""
        encoding = self._tokenizer.encode(text)
        if len(encoding) <= self._recipe.window:
            return encoding
        bare = self._tokenizer.encode(text, add_special_tokens=False)
        bare.truncate(self._recipe.window - self._tokenizer.num_special_tokens_to_add(False))
        return self._tokenizer.post_process(bare)

    def _vectors(self, encodings: Sequence[Encoding]) -> FloatMatrix:
        """Run and pool whole texts; ``(n, dim)`` float32, not yet unit rows."""
        rows = self._rows(len(encodings))
        for index, states in self._states(encodings):
            rows[index] = pool(states, how=self._recipe.pooling)
        return rows

    def _rows(self, count: int) -> FloatMatrix:
        return np.zeros((count, self.dim), np.float32)

    def _states(self, encodings: Sequence[Encoding]) -> Iterator[tuple[int, FloatMatrix]]:
        """Run texts; yield each one's index and ``(tokens, dim)`` states, if it has tokens."""
        for batch in equal_batches([len(e) for e in encodings], size=_BATCH):
            if len(encodings[batch[0]]):
                yield from zip(batch, self._run(encodings, batch), strict=True)

    def _run(self, encodings: Sequence[Encoding], batch: Sequence[int]) -> FloatMatrix:
        """Run texts of one length; ``(batch, tokens, dim)`` float32."""
        ids = np.array([encodings[index].ids for index in batch], np.int64)
        feed = dict(zip(INPUT_NAMES, (ids, np.ones_like(ids)), strict=True))
        try:
            states: FloatMatrix = self._session.run(None, feed)[0]
        except _ORT_ERRORS as error:
            raise EmbedderError(
                f"the model failed on {len(batch)} texts of {ids.shape[1]} tokens",
                item=self.name,
                hint=f"onnxruntime says: {error}",
            ) from error
        return states


def _open_tokenizer(entry: Entry) -> Tokenizer:
    path = entry.folder / TOKENIZER_FILE
    try:
        return Tokenizer.from_buffer(path.read_bytes())
    except (OSError, ValueError) as error:
        raise EmbedderError(
            "the exported tokenizer cannot be read",
            item=path,
            hint=f"Remove {entry.folder} and try again; it will be exported anew",
        ) from error


def _open_session(entry: Entry) -> onnxruntime.InferenceSession:
    path = entry.folder / GRAPH_FILE
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(_cores(), _MAX_THREADS)
    options.add_session_config_entry("session.intra_op.spin_duration_us", _SPIN_US)
    options.log_severity_level = 3  # errors only: stderr belongs to ragqa's own progress
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except _ORT_ERRORS as error:
        raise EmbedderError(
            f"onnxruntime {onnxruntime.__version__} refuses the exported model",
            item=path,
            hint=f"Remove {entry.folder} and try again; it will be exported anew ({error})",
        ) from error


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
