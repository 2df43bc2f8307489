"""A query's words in chunks and sentences: how much of what was asked stands there.

In: a query, chunks. Out: shares of the weight of the query's content words, in [0, 1]. A word
weighs what it tells: BM25's inverse document frequency in this index.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from sys import intern
from threading import Lock
from typing import TYPE_CHECKING

from ragqa.records import Chunk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ragqa.index.generation import Generation
    from ragqa.index.lexical import Lexical

__all__ = ["ChunkTerms", "ChunksAtHand", "ContentWords", "ReadChunk", "terms_of"]

_AT_HAND = 2_000  # chunks; of some 8 kB each. Reading 50 and taking their words apart takes 7 ms


@dataclass(frozen=True, slots=True)
class ChunkTerms:
    """A chunk with its words, as `Lexical.content_terms` names them.

    :ivar chunk: The chunk.
    :ivar terms: Those of its text and its section's title.
    :ivar sentences: Those of each of its sentences.
    """

    chunk: Chunk
    terms: tuple[str, ...]
    sentences: tuple[tuple[str, ...], ...]


class ChunksAtHand:
    """Reads chunks and takes them apart; those read last stay at hand. Safe for several threads.

    :param index: An open generation.
    """

    def __init__(self, index: Generation) -> None:
        self._index = index
        self._kept: dict[int, ChunkTerms] = {}  # those asked for last stand last
        self._lock = Lock()

    def read(self, rows: NDArray[np.int64]) -> list[ChunkTerms]:
        """Return chunks with their words.

        :param rows: ``(n,)`` int64, in any order.
        :return: One for each row, in the order asked.
        """
        wanted: list[int] = rows.tolist()
        each = dict.fromkeys(wanted)
        with self._lock:
            found = {row: self._kept.pop(row) for row in each if row in self._kept}
        new = [row for row in each if row not in found]
        apart = (terms_of(chunk, self._index.lexical) for chunk in self._index.store.chunks(new))
        found.update(zip(new, apart, strict=True))
        with self._lock:
            self._kept.update((row, found[row]) for row in each)
            for row in list(self._kept)[: max(0, len(self._kept) - _AT_HAND)]:
                del self._kept[row]
        return [found[row] for row in wanted]


def terms_of(chunk: Chunk, lexical: Lexical) -> ChunkTerms:
    """Take a chunk's words apart.

    :param chunk: The chunk.
    :param lexical: The index's words.
    :return: The chunk with them.
    """

    def terms(text: str) -> tuple[str, ...]:
        return tuple(map(intern, lexical.content_terms(text)))

    return ChunkTerms(
        chunk,
        terms(f"{chunk.section} {chunk.text}"),
        tuple(terms(chunk.slice(each.start, each.end)) for each in chunk.sentences),
    )


@dataclass(frozen=True, slots=True)
class ReadChunk:
    """A chunk with the query's words that it has.

    :ivar chunk: The chunk.
    :ivar words: Those in its text and its section's title.
    :ivar sentences: For each of its sentences, the share of the query's words that it has.
    """

    chunk: Chunk
    words: frozenset[str]
    sentences: tuple[float, ...]


class ContentWords:
    """A query's content words, each with how telling it is.

    :param lexical: The index's words.
    :param query: Plain text.
    """

    def __init__(self, lexical: Lexical, query: str) -> None:
        self._weights = lexical.content_weights(query)
        self._total = sum(self._weights.values())

    @property
    def count(self) -> int:
        """Return how many they are."""
        return len(self._weights)

    def read(self, apart: ChunkTerms) -> ReadChunk:
        """Look for the words in a chunk.

        :param apart: The chunk with its own.
        :return: What it has of them.
        """
        weighed = self._weights.keys()
        return ReadChunk(
            chunk=apart.chunk,
            words=frozenset(weighed & apart.terms),
            sentences=tuple(self.share(weighed & terms) for terms in apart.sentences),
        )

    def share(self, words: Collection[str]) -> float:
        """Return the share of the words' weight that some of them have.

        :param words: Some of the query's words.
        :return: A share in [0, 1]; 0 for a query without content words.
        """
        if not (self._total and words):
            return 0.0
        return sum(self._weights[word] for word in sorted(words)) / self._total
