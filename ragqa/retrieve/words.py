"""A query's words in chunks and sentences: how much of what was asked stands there.

In: a query, chunks. Out: shares of the weight of the query's content words, in [0, 1]. A word
weighs what it tells: BM25's inverse document frequency in this index.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragqa.records import Chunk

if TYPE_CHECKING:
    from ragqa.index.lexical import Lexical

__all__ = ["ContentWords", "ReadChunk"]


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
        self._lexical = lexical
        self._weights = lexical.content_weights(query)
        self._total = sum(self._weights.values())

    @property
    def count(self) -> int:
        """Return how many they are."""
        return len(self._weights)

    def read(self, chunk: Chunk) -> ReadChunk:
        """Look for the words in a chunk.

        :param chunk: The chunk.
        :return: What it has of them.
        """
        return ReadChunk(
            chunk=chunk,
            words=self._found(f"{chunk.section} {chunk.text}"),
            sentences=tuple(
                self.share(self._found(chunk.slice(sentence.start, sentence.end)))
                for sentence in chunk.sentences
            ),
        )

    def share(self, words: Iterable[str]) -> float:
        """Return the share of the words' weight that some of them have.

        :param words: Some of the query's words.
        :return: A share in [0, 1]; 0 for a query without content words.
        """
        if not self._total:
            return 0.0
        return sum(self._weights[word] for word in sorted(words)) / self._total

    def _found(self, text: str) -> frozenset[str]:
        return self._lexical.content_terms(text) & self._weights.keys()
