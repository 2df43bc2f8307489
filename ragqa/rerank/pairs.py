"""A query and a text -> one sequence of tokens that fits the window.

In: a tokenizer that neither cuts nor pads, and the window. Out: encodings with special tokens.
Invariants: only the text is cut, and the query where it alone takes more than half of the window;
a pair that fits is encoded as ``tokenizer.encode(query, text)`` encodes it.
"""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import Encoding, Tokenizer

from ragqa.embed.base import clean

__all__ = ["PairEncoder"]


class PairEncoder:
    """Encodes pairs for one model.

    :param tokenizer: The model's tokenizer.
    :param window: The most tokens that the model sees, special tokens included.
    """

    def __init__(self, tokenizer: Tokenizer, window: int) -> None:
        self._tokenizer = tokenizer
        self._room = window - tokenizer.num_special_tokens_to_add(True)
        self._query_room = max(self._room // 2, 1)

    def encode(self, query: str, texts: Sequence[str]) -> list[Encoding]:
        """Encode a query with each of some texts.

        :param query: The query.
        :param texts: The texts.
        :return: An encoding a text, of at most a window.
        """
        bare = self._tokenizer.encode(clean(query), add_special_tokens=False)
        bare.truncate(self._query_room)
        return [self._pair(bare, text) for text in texts]

    def cut_query(self, query: str) -> str:
        """Return as much of a query as fits half of the window.

        :param query: The query.
        :return: It, or its first characters.
        """
        bare = self._tokenizer.encode(clean(query), add_special_tokens=False)
        if len(bare) <= self._query_room:
            return clean(query)
        return clean(query)[: bare.offsets[self._query_room - 1][1]]

    def _pair(self, query: Encoding, text: str) -> Encoding:
        bare = self._tokenizer.encode("", clean(text), add_special_tokens=False)
        bare.truncate(max(self._room - len(query), 0))
        return self._tokenizer.post_process(query, bare)
