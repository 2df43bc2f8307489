"""What a reader asks with: one generation of an index, open, its models and settings."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ragqa._files import sha256_bytes
from ragqa.answer import Context
from ragqa.api.current import CurrentList
from ragqa.api.models import Models
from ragqa.index.reading import Generation, open_generation
from ragqa.records import Paper, Statement
from ragqa.retrieve.confidence import DEFAULT_MIN_CONFIDENCE
from ragqa.retrieve.hybrid import RetrieveOptions, Retriever

if TYPE_CHECKING:
    from ragqa.answer.writing import OnNothing, Writer
    from ragqa.embed import Embedder
    from ragqa.generate.chat import ChatModel
    from ragqa.rerank import Reranker
    from ragqa.verify import NLI

__all__ = ["Opened"]


class Opened:
    """One generation of an index, its models and settings.

    :param generation: An open generation.
    :param directory: The index folder.
    :param embedder: The embedder that it was built with; loaded at the first question if None.
    :param min_confidence: Below it a question is not answered.
    :param retrieval: How chunks are found and ranked; None for the default.
    :param reranker: What reads the best chunks once more, or its name; loaded at the first question
        if it is a name; None or ``none`` for nothing.
    :param model: The chat model that writes answers, or its name; see `open`.

    :ivar min_confidence: Below it a question is not answered, and no model is asked.
    :ivar on_nothing: What a section holds where a model wrote and nothing of it passed the check:
        ``extractive`` for quotes, ``abstain`` for nothing.
    :ivar nli: A second opinion on what a model writes: a cross-encoder that judges entailment, or
        its name, loaded when needed; None for none.
    """

    def __init__(
        self,
        generation: Generation,
        directory: Path,
        *,
        embedder: Embedder | None = None,
        min_confidence: float = DEFAULT_MIN_CONFIDENCE,
        retrieval: RetrieveOptions | None = None,
        reranker: Reranker | str | None = None,
        model: Any = None,  # noqa: ANN401 - a LangChain model cannot be named here
    ) -> None:
        self._generation = generation
        self._models = Models(
            generation, directory, embedder=embedder, reranker=reranker, chat=model
        )
        self.min_confidence = min_confidence
        self.on_nothing: OnNothing = "extractive"
        self.nli: NLI | str | None = None
        self._retrieval = retrieval or RetrieveOptions()
        self._retriever: Retriever | None = None
        self._current = CurrentList(generation, directory)

    @classmethod
    def open(
        cls,
        directory: str | Path,
        *,
        embedder: Embedder | None = None,
        min_confidence: float = DEFAULT_MIN_CONFIDENCE,
        retrieval: RetrieveOptions | None = None,
        reranker: Reranker | str | None = None,
        model: Any = None,  # noqa: ANN401 - a LangChain model cannot be named here
    ) -> Self:
        """Open the index for asking.

        :param directory: The index folder.
        :param embedder: The embedder that it was built with; loaded when needed if None.
        :param min_confidence: Below it a question is not answered, in [0, 1].
        :param retrieval: How chunks are found and ranked; None for the default.
        :param reranker: What reads the best chunks once more, or its name: ``minilm``, a
            cross-encoder's folder or its name on the hub, loaded when needed; None or ``none`` for
            nothing.
        :param model: The chat model that writes answers: ``PROVIDER:NAME`` such as
            ``ollama:qwen3``, loaded when needed, its replies kept in the user's cache; a LangChain
            chat model; or a `ChatModel` of `ragqa.generate.chat` with limits of your own. None
            for answers of quotes alone.
        :return: The reader; it goes on with its generation while newer ones are built.
        :raises IndexMissingError: There is no index.
        :raises IndexDamagedError: A file of it is not what was written.
        """
        directory = Path(directory)
        return cls(
            open_generation(directory),
            directory,
            embedder=embedder,
            min_confidence=min_confidence,
            retrieval=retrieval,
            reranker=reranker,
            model=model,
        )

    def close(self) -> None:
        """Close the index's files."""
        self._generation.close()

    @property
    def papers(self) -> tuple[Paper, ...]:
        """Return the papers that are listed now, in listing order."""
        current = self._current.read()
        return self._generation.store.papers() if current is None else current.papers

    @property
    def fingerprint(self) -> str:
        """Return what names this state of the index: generation number and manifest hash."""
        meta = self._generation.meta
        return f"{meta.number}-{meta.fingerprint.get('manifest', '')[:12]}"

    @property
    def content_hash(self) -> str:
        """Return a hash of what the index holds and was made by, hex, whatever its number."""
        meta, store = self._generation.meta, self._generation.store
        keys = sorted((*place, key) for place, key in store.keys().items())
        return sha256_bytes(json.dumps([dict(meta.fingerprint), keys], sort_keys=True).encode())

    @property
    def model(self) -> ChatModel | None:
        """Return the chat model, opened; its `usage` says what it used so far."""
        return self._models.chat

    def _context(
        self,
        on_statement: Callable[[Statement], None] | None = None,
        cancelled: threading.Event | None = None,
    ) -> Context:
        current = self._current.read()
        return Context(
            store=self._generation.store,
            retriever=self._load_retriever(),
            listing=self._current.listing(current),
            warnings=tuple(self._current.warnings(current)),
            min_confidence=self.min_confidence,
            writer=self._writer(on_statement, cancelled),
        )

    def _writer(
        self, on_statement: Callable[[Statement], None] | None, cancelled: threading.Event | None
    ) -> Writer | None:
        """Return what writes one answer, where there is a chat model."""
        if (model := self.model) is None:
            return None
        from ragqa.answer.writing import Writer
        from ragqa.api.chat import open_nli, similarity_by

        self.nli = open_nli(self.nli)
        return Writer(
            model,
            on_nothing=self.on_nothing,
            nli=self.nli,
            similarity=similarity_by(self._models.embedder),
            on_statement=on_statement or (lambda statement: None),
            cancelled=cancelled,
        )

    def _load_retriever(self) -> Retriever:
        """Return the one retriever, which remembers what was searched last."""
        embedder = self._models.embedder
        if self._retriever is None:
            self._retriever = Retriever(
                self._generation, embedder, self._retrieval, reranker=self._models.reranker
            )
        return self._retriever
