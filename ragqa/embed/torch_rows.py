"""Chunks -> rows by torch, in half precision, for devices where many tokens at once are cheap.

In: an exported model's `Entry`, its torch original, and texts. Out: float32 unit rows, pooled from
the same token states as those of `OnnxEmbedder`.
Invariants: no text is truncated; a batch holds texts of like length and, padded, at most a given
number of tokens; the next batch is tokenised while the device works on this one; sums over tokens
are taken in float32. Everything here imports torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding

from ragqa.embed.base import (
    ChunkEmbeddings,
    FloatMatrix,
    Span,
    check_fits,
    check_spans,
    clean,
    first_line,
    flatten_spans,
    unit_rows,
)
from ragqa.embed.cache import Entry, Recipe
from ragqa.embed.pooling import inside, padded_batches
from ragqa.embed.reference import Torch
from ragqa.embed.session import open_tokenizer
from ragqa.errors import EmbedderError

__all__ = ["BATCH_TOKENS", "TorchRows", "ahead"]

BATCH_TOKENS = 32_768
"""Tokens in a batch, padding included: 128 full windows of MiniLM. Its matrix products then have
32,768 rows, enough to fill a large GPU, and its states take some 300 MB."""

_SHARD = 128  # texts tokenised in one call, which spreads them over the cores

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Batch:
    """Some texts, padded to one length.

    :ivar indexes: Which texts.
    :ivar ids: ``(texts, tokens)`` int64.
    :ivar mask: ``(texts, tokens)`` int64, 1 for a token, 0 for padding.
    :ivar shares: ``(texts, 1 + sentences, tokens)`` float32: each token's share in the text's own
        row, which comes first, and in its sentences'.
    """

    indexes: tuple[int, ...]
    ids: NDArray[np.int64]
    mask: NDArray[np.int64]
    shares: NDArray[np.float32]

    def halves(self) -> tuple[_Batch, _Batch]:
        """Return the first and the second half."""
        cut = len(self.indexes) // 2
        return self._part(slice(cut)), self._part(slice(cut, None))

    def _part(self, part: slice) -> _Batch:
        return _Batch(
            indexes=self.indexes[part],
            ids=self.ids[part],
            mask=self.mask[part],
            shares=self.shares[part],
        )


class TorchRows:
    """Embeds chunks on a device.

    :param name: The model, as the user named it.
    :param entry: Its export, for the tokenizer and the recipe.
    :param model: The same model as a ``SentenceTransformer``; it is moved to the device.
    :param device: torch's name of the device.
    :param precision: torch's name of the type that the model computes in, such as ``float16``.
    :param batch_tokens: The most tokens in a batch, padding included.
    """

    def __init__(
        self,
        name: str,
        entry: Entry[Recipe],
        model: Torch,
        *,
        device: str,
        precision: str,
        batch_tokens: int = BATCH_TOKENS,
    ) -> None:
        import torch

        self.name = name
        self._recipe = entry.recipe
        self._whole, self._cut = open_tokenizer(entry.folder), open_tokenizer(entry.folder)
        self._cut.enable_truncation(entry.recipe.window)
        self._device = device
        self._padding = model.tokenizer.pad_token_id or 0
        self._batch_tokens = batch_tokens
        with self._failures():
            self._model = model[0].auto_model.to(device=device, dtype=getattr(torch, precision))

    def embed_chunks(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]]
    ) -> ChunkEmbeddings:
        """Embed chunks and the sentences inside them.

        :param texts: The chunks' texts.
        :param sentences: For each chunk, its sentences' spans in characters of its text.
        :return: Unit rows for the chunks and for the sentences, in the order given.
        :raises EmbedderError: If a chunk does not fit the window, a span its chunk, or a text the
            device; or if the model gives what is not a number.
        """
        check_spans(texts, sentences)
        if self._recipe.pooling == "mean":
            return self._rows(texts, sentences)
        spans = flatten_spans(texts, sentences)
        rows = self._rows(spans, [()] * len(spans), cut=True).chunks
        bare = self._whole.encode_batch([clean(span) for span in spans], add_special_tokens=False)
        rows[np.array([len(encoding) for encoding in bare], int) == 0] = 0
        return ChunkEmbeddings(chunks=self._rows(texts, [()] * len(texts)).chunks, sentences=rows)

    def _rows(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]], *, cut: bool = False
    ) -> ChunkEmbeddings:
        """Embed texts and, from the same states, their sentences."""
        first = np.cumsum([0, *map(len, sentences)])
        chunk_rows = np.zeros((len(texts), self._recipe.dim), np.float32)
        sentence_rows = np.zeros((int(first[-1]), self._recipe.dim), np.float32)
        prompted = [self._recipe.chunk_prompt + clean(text) for text in texts]
        for batch, pooled in self._pooled(ahead(self._batches(prompted, sentences, cut=cut))):
            for index, rows in zip(batch.indexes, pooled, strict=True):
                chunk_rows[index] = rows[0]
                own = slice(first[index], first[index + 1])
                sentence_rows[own] = rows[1 : 1 + len(sentences[index])]
        return ChunkEmbeddings(chunks=unit_rows(chunk_rows), sentences=unit_rows(sentence_rows))

    # Tokenising, in a thread of its own

    def _batches(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]], *, cut: bool
    ) -> Iterator[_Batch]:
        """Tokenise texts, longest first, and pad them to batches."""
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]), reverse=True)
        waiting: dict[int, Encoding] = {}
        for start in range(0, len(order), _SHARD):
            shard = order[start : start + _SHARD]
            waiting |= zip(shard, self._encode(texts, shard, cut=cut), strict=True)
            *full, rest = self._grouped(waiting)
            for batch in full:
                yield self._padded(batch, sentences)
            waiting = rest
        if waiting:
            yield self._padded(waiting, sentences)

    def _encode(self, texts: Sequence[str], shard: Sequence[int], *, cut: bool) -> list[Encoding]:
        tokenizer = self._cut if cut else self._whole
        encodings: list[Encoding] = tokenizer.encode_batch([texts[index] for index in shard])
        if any(len(encoding) > self._recipe.window for encoding in encodings):
            lengths = [len(encoding) for encoding in tokenizer.encode_batch(list(texts))]
            prompt = len(self._recipe.chunk_prompt)
            check_fits([text[prompt:] for text in texts], lengths, limit=self._recipe.window)
        return encodings

    def _grouped(self, waiting: dict[int, Encoding]) -> list[dict[int, Encoding]]:
        """Return groups that fit the budget; the last may have room for more."""
        indexes = [index for index, encoding in waiting.items() if len(encoding)]
        lengths = [len(waiting[index]) for index in indexes]
        groups = padded_batches(lengths, tokens=self._batch_tokens)
        named = [[indexes[place] for place in group] for group in groups]
        return [{index: waiting[index] for index in group} for group in named] or [{}]

    def _padded(self, group: dict[int, Encoding], sentences: Sequence[Sequence[Span]]) -> _Batch:
        size = (len(group), max(map(len, group.values())))
        ids = np.full(size, self._padding, np.int64)
        mask = np.zeros(size, np.int64)
        most = max(len(sentences[index]) for index in group)
        shares = np.zeros((size[0], 1 + most, size[1]), np.float32)
        for row, (index, encoding) in enumerate(group.items()):
            ids[row, : len(encoding)] = encoding.ids
            mask[row, : len(encoding)] = 1
            own = self._shares(encoding, sentences[index])
            shares[row, : len(own), : len(encoding)] = own
        return _Batch(indexes=tuple(group), ids=ids, mask=mask, shares=shares)

    def _shares(self, encoding: Encoding, spans: Sequence[Span]) -> FloatMatrix:
        """Return ``(1 + spans, tokens)`` float32, rows that sum to 1, or to 0 without a token."""
        shift = len(self._recipe.chunk_prompt)
        members = inside(np.array(encoding.offsets), [(s + shift, e + shift) for s, e in spans])
        whole = np.ones((1, len(encoding)), bool)
        whole[0, 1:] = self._recipe.pooling != "cls"
        together: FloatMatrix = np.concatenate([whole, members]).astype(np.float32)
        together /= np.maximum(together.sum(axis=1, keepdims=True), 1)
        return together

    # On the device

    def _pooled(self, batches: Iterator[_Batch]) -> Iterator[tuple[_Batch, NDArray[np.float32]]]:
        """Run batches; the device starts on one before the rows of that before it are fetched."""
        running: tuple[_Batch, Torch] | None = None
        for batch in batches:
            started = (batch, self._run(batch))
            if running is not None:
                yield self._fetched(*running)
            running = started
        if running is not None:
            yield self._fetched(*running)

    def _fetched(self, batch: _Batch, pooled: Torch) -> tuple[_Batch, NDArray[np.float32]]:
        with self._failures():  # the device works on its own: what failed there shows here
            rows: NDArray[np.float32] = pooled.cpu().numpy()
        if not np.isfinite(rows).all():
            raise EmbedderError(
                f"the model gives what is not a number on {self._device}",
                item=self.name,
                hint="Embed on the CPU: --device cpu, or RAGQA_DEVICE=cpu",
            )
        return batch, rows

    def _run(self, batch: _Batch) -> Torch:
        """Start a batch; one that does not fit the device's memory is halved."""
        import torch

        with self._failures():
            try:
                return self._forward(batch)
            except torch.OutOfMemoryError:
                if len(batch.indexes) == 1:
                    raise
            torch.cuda.empty_cache()  # does nothing where there is no GPU
        first, second = batch.halves()
        return torch.cat([self._run(first), self._run(second)])

    def _forward(self, batch: _Batch) -> Torch:
        """Return ``(texts, 1 + sentences, dim)`` float32, on the device, perhaps not yet there."""
        import torch

        with torch.inference_mode():
            ids, mask, shares = (
                self._sent(array) for array in (batch.ids, batch.mask, batch.shares)
            )
            output = self._model(input_ids=ids, attention_mask=mask)
            states = output.last_hidden_state.float()
            if self._recipe.pooling == "max":
                return states.masked_fill(mask[:, :, None] == 0, -np.inf).amax(dim=1, keepdim=True)
            return torch.bmm(shares, states)

    def _sent(self, array: NDArray[Any]) -> Torch:
        import torch

        tensor = torch.from_numpy(array)
        if self._device == "cpu":
            return tensor
        return tensor.pin_memory().to(self._device, non_blocking=True)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Turn what torch raises into an error of ragqa."""
        try:
            yield
        except RuntimeError as error:  # running out of memory is one, and any error of CUDA
            raise EmbedderError(
                f"the model failed on {self._device}",
                item=self.name,
                hint=f"Embed on the CPU: --device cpu. torch says: {first_line(error)}",
            ) from error


def ahead(items: Iterator[_Item]) -> Iterator[_Item]:
    """Have the next item made in a thread while the caller uses this one.

    :param items: What makes them; what it raises is raised here.
    :yield: The items in order. One at most is made that the caller never takes.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="tokenise") as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
