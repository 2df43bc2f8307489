"""What every embedder promises, and the checks that all of them share.

In: chunks and sentence spans as a caller gives them. Out: the same, cleaned and checked.
Invariants: a span lies inside its chunk; cleaning a text never moves a character.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ragqa.errors import EmbedderError

__all__ = [
    "FULL_PRECISION",
    "ChunkEmbeddings",
    "Embedder",
    "FloatMatrix",
    "RunTexts",
    "Span",
    "TokenStates",
    "check_fits",
    "check_spans",
    "clean",
    "first_line",
    "flatten_spans",
    "unit_rows",
]

FloatMatrix: TypeAlias = NDArray[np.float32]
"""A ``(rows, dim)`` float32 array."""

FULL_PRECISION = "float32"
"""`Embedder.rows` where chunks are embedded in the arithmetic of the weights, as queries are."""

RunTexts: TypeAlias = Callable[[Sequence[Sequence[int]]], Iterator[tuple[int, FloatMatrix]]]
"""Takes token ids of texts, special tokens included; yields, in any order, the index of each text
that has tokens and its ``(tokens, dim)`` float32 states."""

Span: TypeAlias = tuple[int, int]
"""``[start, end)`` in characters of a chunk's text."""

_SURROGATES = re.compile("[\ud800-\udfff]")
_REPLACEMENT = "\ufffd"  # one character for one, so that spans stay where they are
_SHOWN = 60  # characters of a text quoted in an error
_SMALLEST_NORM = 1e-12  # below it a row has no direction; sentence-transformers' own bound


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChunkEmbeddings:
    """Vectors of some chunks and of their sentences.

    :ivar chunks: ``(n_chunks, dim)`` float32 unit rows.
    :ivar sentences: ``(n_sentences, dim)`` float32 unit rows, all chunks' sentences one after
        the other; a row of zeros where a sentence holds no token.
    """

    chunks: FloatMatrix
    sentences: FloatMatrix


class TokenStates(Protocol):
    """Computes the token states of chunks in an arithmetic of its own."""

    @property
    def rows(self) -> str:
        """What `Embedder.rows` says of them."""

    def __call__(self, ids: Sequence[Sequence[int]]) -> Iterator[tuple[int, FloatMatrix]]:
        """Run texts; see `RunTexts`.

        :param ids: Token ids of each text.
        :return: Indexes and states.
        """


class Embedder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def name(self) -> str:
        """The model, as the user named it."""

    @property
    def fingerprint(self) -> str:
        """Hex hash of the space: embedders that share it, and `rows`, give equal vectors."""

    @property
    def rows(self) -> str:
        """The arithmetic behind chunk and sentence rows, such as ``float32`` or ``float16``.

        Rows of lower precision are of the same space, so that the same queries find them; but they
        are not equal to others to float32's rounding, so a build does not mix them.
        """

    @property
    def dim(self) -> int:
        """Length of a vector."""

    @property
    def max_tokens(self) -> int:
        """How many tokens of a chunk fit the window; special tokens and prompt are off already."""

    @property
    def pooled_sentences(self) -> bool:
        """Whether sentence vectors come from the chunk's own pass, instead of a second one."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count each text's tokens, without special tokens, never truncated.

        :param texts: Any texts.
        :return: A count a text.
        """

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Embed queries; one longer than the window counts by its first tokens only.

        :param texts: The queries.
        :return: ``(n, dim)`` float32 unit rows.
        """

    def embed_chunks(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]]
    ) -> ChunkEmbeddings:
        """Embed chunks and the sentences inside them.

        :param texts: The chunks' texts.
        :param sentences: For each chunk, its sentences' spans in characters of its text.
        :return: Unit rows for the chunks and for the sentences, in the order given.
        :raises EmbedderError: If a chunk does not fit the window, or a span its chunk.
        """


def clean(text: str) -> str:
    """Replace lone surrogates, which tokenizers cannot encode, one character for one.

    :param text: Any string.
    :return: A string of the same length that has a UTF-8 form.
    """
    return _SURROGATES.sub(_REPLACEMENT, text)


def first_line(error: BaseException) -> str:
    """Return what a runtime's error says first; the rest is its own stack.

    :param error: What it raised.
    :return: One line; the error's type where it says nothing.
    """
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def unit_rows(rows: FloatMatrix) -> FloatMatrix:
    """Scale each row to length 1; rows without a direction become zeros.

    :param rows: ``(n, dim)`` float32.
    :return: ``(n, dim)`` float32.
    """
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    with_direction = norms > _SMALLEST_NORM
    scaled = rows / np.where(with_direction, norms, 1)
    return np.where(with_direction, scaled, 0).astype(np.float32)


def check_spans(texts: Sequence[str], sentences: Sequence[Sequence[Span]]) -> None:
    """Hold sentence spans to their chunks.

    :param texts: The chunks' texts.
    :param sentences: A list of spans for each.
    :raises EmbedderError: If there are not as many lists as texts, or a span leaves its text.
    """
    if len(texts) != len(sentences):
        raise EmbedderError(
            "each chunk needs a list of sentence spans",
            item=f"{len(texts)} chunks, {len(sentences)} lists",
        )
    for number, (text, spans) in enumerate(zip(texts, sentences, strict=True)):
        for start, end in spans:
            if not 0 <= start <= end <= len(text):
                raise EmbedderError(
                    f"a sentence span leaves its chunk of {len(text)} characters",
                    item=f"chunk {number}, span {start}-{end}",
                )


def check_fits(texts: Sequence[str], lengths: Sequence[int], *, limit: int) -> None:
    """Refuse chunks that a model would truncate.

    :param texts: The chunks' texts.
    :param lengths: Their lengths in tokens, as the model would see them.
    :param limit: The most tokens that it sees.
    :raises EmbedderError: If a chunk is longer; the error names the first.
    """
    for number, (text, length) in enumerate(zip(texts, lengths, strict=True)):
        if length > limit:
            raise EmbedderError(
                f"chunk {number} has {length} tokens and the model's window holds {limit}",
                item=repr(text[:_SHOWN]),
                hint="Cut it at max_tokens before embedding",
            )


def flatten_spans(texts: Sequence[str], sentences: Sequence[Sequence[Span]]) -> list[str]:
    """Return all sentences' texts, one chunk after the other.

    :param texts: The chunks' texts.
    :param sentences: A list of spans for each.
    :return: The text of every span, in order.
    """
    return [
        text[start:end]
        for text, spans in zip(texts, sentences, strict=True)
        for start, end in spans
    ]
