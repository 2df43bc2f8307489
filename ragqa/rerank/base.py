"""What every reranker promises.

In: a query and texts. Out: a score for each text. Invariant: higher is better; the unit is the
model's own, so scores of different rerankers, and of different queries, do not compare.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ragqa.errors import EmbedderError, RerankerError

__all__ = ["NO_RERANKER", "PACKAGED_RERANKER", "Reranker", "Scores", "reranker_errors"]

PACKAGED_RERANKER = "minilm"
"""The name of the reranker that comes with ragqa itself."""

NO_RERANKER = "none"
"""What stands for no reranker where a name is given."""

Scores: TypeAlias = NDArray[np.float32]
"""A ``(n,)`` float32 array."""


class Reranker(Protocol):
    """Reads a query and a text together and says how well the text answers it."""

    @property
    def name(self) -> str:
        """The model, as the user named it."""

    @property
    def fingerprint(self) -> str:
        """Hex hash of all that decides a score: rerankers that share it give equal scores."""

    def score(self, query: str, texts: Sequence[str]) -> Scores:
        """Score texts for a query.

        A text that does not fit the window beside the query counts by its first tokens only, a
        query by those that fit half of the window.

        :param query: The query.
        :param texts: The texts.
        :return: ``(n,)`` float32 raw logits, higher is better.
        :raises RerankerError: The model failed.
        """


@contextmanager
def reranker_errors() -> Iterator[None]:
    """Let what fails in the parts shared with embedders be a reranker's error.

    :yield: Nothing.
    :raises RerankerError: Where an `EmbedderError` was raised inside, in its words.
    """
    try:
        yield
    except EmbedderError as error:
        raise RerankerError(error.what, item=error.item, hint=error.hint) from error
