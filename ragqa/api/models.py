"""The models of a reader, each loaded when it is first needed.

Invariant: questions of several threads load one of each.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragqa.errors import IndexMismatchError

if TYPE_CHECKING:
    from ragqa.embed import Embedder
    from ragqa.generate.chat import ChatModel
    from ragqa.index.generation import Generation
    from ragqa.rerank import Reranker

__all__ = ["Models"]


class Models:
    """Embedder, reranker and chat model for one generation of an index.

    :param generation: The generation.
    :param directory: The index folder, for messages.
    :param embedder: The embedder that it was built with; None for loading it by its name.
    :param reranker: What reads the best chunks once more, or its name; None or ``none`` for none.
    :param chat: The chat model that writes answers, or its name; None for none.
    """

    def __init__(
        self,
        generation: Generation,
        directory: Path,
        *,
        embedder: Embedder | None,
        reranker: Reranker | str | None,
        chat: Any,  # noqa: ANN401 - a LangChain model cannot be named here
    ) -> None:
        self._built_with = generation.meta.fingerprint
        self._directory = directory
        self._embedder = embedder
        self._reranker = reranker
        self._chat = chat
        self._loading = threading.Lock()

    @property
    def embedder(self) -> Embedder:
        """Return the embedder.

        :raises IndexMismatchError: It is not the one that the index was built with.
        """
        with self._loading:
            if self._embedder is None:
                from ragqa.embed import load_embedder

                self._embedder = load_embedder(self._built_with["embedder_name"])
        if self._built_with.get("embedder") != self._embedder.fingerprint:
            raise IndexMismatchError(
                "the index was built by another embedder, or another version of it",
                item=self._directory,
                hint="Run `ragqa rebuild`",
            )
        return self._embedder

    @property
    def reranker(self) -> Reranker | None:
        """Return what reads the best chunks once more, if there shall be one."""
        with self._loading:
            if isinstance(self._reranker, str):
                from ragqa.rerank import reranker_named

                self._reranker = reranker_named(self._reranker)
        return self._reranker

    @property
    def chat(self) -> ChatModel | None:
        """Return the chat model, opened, if there shall be one."""
        with self._loading:
            if self._chat is not None:
                from ragqa.api.chat import open_model

                self._chat = open_model(self._chat)
        return self._chat
