"""`Reader`: answers from one generation of an index."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragqa._files import sha256_bytes, sha256_file
from ragqa.answer import Context, answer_plan, check_question
from ragqa.answer.context import Listing
from ragqa.api.corpus import MANIFEST
from ragqa.errors import IndexMismatchError
from ragqa.index.generation import Generation, open_generation
from ragqa.manifest import Manifest, load_manifest
from ragqa.notices import notice
from ragqa.plan.sections import plan_by_paper, plan_card, plan_question
from ragqa.records import (
    Answer,
    Chunk,
    Locator,
    Notice,
    Paper,
    Plan,
    ScoredChunk,
    Statement,
)
from ragqa.retrieve.confidence import DEFAULT_MIN_CONFIDENCE
from ragqa.retrieve.hybrid import RetrieveOptions, Retriever

if TYPE_CHECKING:
    from ragqa.answer.writing import OnNothing, Writer
    from ragqa.api.conversation import Conversation
    from ragqa.card import Card
    from ragqa.embed import Embedder
    from ragqa.generate.chat import ChatModel
    from ragqa.rerank import Reranker

__all__ = ["Reader"]


class Reader:
    """Answers questions from one generation of an index; open it once, ask often.

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
        self._directory = directory
        self._embedder = embedder
        self._loading = threading.Lock()  # questions of several threads load one of each model
        self.min_confidence = min_confidence
        self.on_nothing: OnNothing = "extractive"
        self._model = model
        self._retrieval = retrieval or RetrieveOptions()
        self._reranker = reranker
        self._retriever: Retriever | None = None
        self._as_built: Listing | None = None

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
    ) -> Reader:
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

    def ask(
        self,
        question: str,
        *,
        paper_ids: Sequence[str] = (),
        by_paper: bool = False,
        on_statement: Callable[[Statement], None] | None = None,
    ) -> Answer:
        """Answer a question from the listed papers, or abstain.

        :param question: The question.
        :param paper_ids: Papers to restrict the answer to; empty for all.
        :param by_paper: Whether each paper answers alone, in a section of its own; the papers that
            do not answer are named in a notice.
        :param on_statement: Told of each statement of a chat model as soon as it has passed the
            check, before the answer is complete.
        :return: A checked answer.
        :raises QuestionError: The question is empty or far too long.
        :raises CorpusError: A paper is not listed.
        :raises ModelError: The chat model cannot be opened; one that fails later costs the answer
            its prose, not the answer.
        :raises OptionalDependencyError: The chat model's package is not installed.
        """
        checked = check_question(question)  # before the model is loaded
        context = self._context(on_statement)
        plan = self._plan(checked, paper_ids, context, by_paper=by_paper)
        return answer_plan(plan, context, index=self.fingerprint)

    async def aask(
        self,
        question: str,
        *,
        paper_ids: Sequence[str] = (),
        by_paper: bool = False,
        on_statement: Callable[[Statement], None] | None = None,
    ) -> Answer:
        """Do as `ask`, without blocking the event loop; cancelling it ends the model's work.

        :param question: The question.
        :param paper_ids: Papers to restrict the answer to; empty for all.
        :param by_paper: Whether each paper answers alone.
        :param on_statement: As in `ask`; called in the event loop.
        :return: A checked answer.
        :raises QuestionError: The question is empty or far too long.
        :raises CorpusError: A paper is not listed.
        :raises ModelError: The chat model cannot be opened.
        :raises OptionalDependencyError: The chat model's package is not installed.
        """
        loop, cancelled = asyncio.get_running_loop(), threading.Event()
        checked = check_question(question)

        def show(statement: Statement) -> None:
            if on_statement is not None:
                loop.call_soon_threadsafe(on_statement, statement)

        def work() -> Answer:
            context = self._context(show, cancelled)
            plan = self._plan(checked, paper_ids, context, by_paper=by_paper)
            return answer_plan(plan, context, index=self.fingerprint)

        try:
            return await asyncio.to_thread(work)
        finally:
            cancelled.set()

    def _plan(
        self, question: str, paper_ids: Sequence[str], context: Context, *, by_paper: bool
    ) -> Plan:
        for paper_id in paper_ids:
            context.paper(paper_id)
        if by_paper and (asked := context.with_text(paper_ids)):
            return plan_by_paper(question, [context.paper(paper_id) for paper_id in asked])
        return plan_question(question, paper_ids=paper_ids)

    def conversation(self) -> Conversation:
        """Begin a conversation, in which a question may point back to what was said before.

        :return: What to ask; without a chat model, each question is asked as it stands.
        """
        from ragqa.api.conversation import Conversation

        return Conversation(self)

    def answer_card(
        self,
        card: Card,
        *,
        papers: Sequence[Paper] | None = None,
        on_statement: Callable[[Statement], None] | None = None,
    ) -> Answer:
        """Answer a question card, one section for each of its instructions.

        :param card: The card; its papers must be those of the index.
        :param papers: The card's papers under the ids of an index that holds more than them: only
            these are used and named as sources, as they stand here. None for an index of its own.
        :param on_statement: As in `ask`.
        :return: A checked answer.
        :raises CorpusError: A paper of the card is not listed.
        :raises ModelError: The chat model cannot be opened.
        :raises OptionalDependencyError: The chat model's package is not installed.
        """
        context = self._context(on_statement)
        listed = card.papers if papers is None else papers
        papers = [context.paper(paper.paper_id) for paper in listed]
        if listed is not card.papers:
            papers = list(listed)
            context = _restricted(context, papers)
        plan = plan_card(check_question(card.question), card.instructions, papers)
        return answer_plan(plan, context, index=self.fingerprint)

    def to_html(self, answer: Answer) -> str:
        """Return an answer as one self-contained HTML file to share.

        Each citation opens its quote with the words around it and, where the PDF is at hand and
        unchanged, a picture of the page with the quote marked.

        :param answer: An answer of this reader.
        :return: A whole page; encode it as UTF-8.
        """
        from ragqa.api.sharing import share

        return share(answer, store=self._generation.store, corpus=self._corpus_dir())

    @property
    def papers(self) -> tuple[Paper, ...]:
        """Return the papers that are listed now, in listing order."""
        current = self._current_manifest()
        return self._generation.store.papers() if current is None else current.papers

    def retrieve(
        self, query: str, *, k: int = 10, paper_ids: Sequence[str] = ()
    ) -> tuple[ScoredChunk, ...]:
        """Rank the chunks of listed papers for a query, without answering it.

        :param query: Plain text.
        :param k: How many chunks at most; below 1 there are none.
        :param paper_ids: Papers to search; empty for all that are listed.
        :return: Chunks, best first; a paper taken off the list has none among them.
        :raises QuestionError: The query is empty or far too long.
        :raises CorpusError: A paper is not listed.
        """
        text, context = check_question(query), self._context()
        for paper_id in paper_ids:
            context.paper(paper_id)
        if k < 1:
            return ()
        allowed = context.with_text(paper_ids)
        return context.retriever.rank(text, k=k, paper_ids=allowed)

    def locate(self, chunk: Chunk) -> tuple[Locator, ...]:
        """Say where a chunk of this index stands.

        :param chunk: A chunk that `retrieve` gave.
        :return: A locator for each page touched, or its lines.
        """
        document = self._generation.store.document(chunk.paper_id, chunk.document)
        return document.locate(chunk.start, chunk.end)

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
        with self._loading:
            if self._model is not None:
                from ragqa.api.chat import open_model

                self._model = open_model(self._model)
        return self._model

    def _context(
        self,
        on_statement: Callable[[Statement], None] | None = None,
        cancelled: threading.Event | None = None,
    ) -> Context:
        current = self._current_manifest()
        return Context(
            store=self._generation.store,
            retriever=self._load_retriever(),
            listing=self._listed(current),
            warnings=tuple(self._stale(current)),
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
        from ragqa.api.chat import similarity_by

        return Writer(
            model,
            on_nothing=self.on_nothing,
            similarity=similarity_by(self._load_embedder()),
            on_statement=on_statement or (lambda statement: None),
            cancelled=cancelled,
        )

    def _listed(self, current: Manifest | None) -> Listing:
        """Return the papers that may be used; gone through once while the manifest is unchanged."""
        store = self._generation.store
        if current is not None:
            return Listing(store, current.papers)
        if self._as_built is None:
            self._as_built = Listing(store, store.papers())
        return self._as_built

    def _corpus_dir(self) -> Path:
        """Return the corpus's folder: relative where it lies below the current folder."""
        recorded = self._generation.meta.fingerprint.get("corpus", "")
        corpus, here = (self._directory.resolve() / recorded).resolve(), Path.cwd()
        return corpus.relative_to(here) if corpus.is_relative_to(here) else corpus

    def _current_manifest(self) -> Manifest | None:
        """Return the manifest where it is not the one that the index was built from."""
        if "corpus" not in self._generation.meta.fingerprint:
            return None  # an index of texts, not of a corpus
        path = self._corpus_dir() / MANIFEST
        if not path.is_file():
            return None
        if sha256_file(path) == self._generation.meta.fingerprint.get("manifest"):
            return None
        return load_manifest(path)

    def _stale(self, current: Manifest | None) -> list[Notice]:
        if current is None:
            return []
        known = {paper.paper_id for paper in self._generation.store.papers()}
        missing = [
            notice("not-in-index", {"title": paper.title}, paper_id=paper.paper_id)
            for paper in current.papers
            if paper.paper_id not in known
        ]
        return [notice("stale-index", {"corpus": str(self._corpus_dir())}), *missing]

    def _load_retriever(self) -> Retriever:
        """Return the one retriever, which remembers what was searched last."""
        embedder = self._load_embedder()
        if self._retriever is None:
            self._retriever = Retriever(
                self._generation, embedder, self._retrieval, reranker=self._load_reranker()
            )
        return self._retriever

    def _load_reranker(self) -> Reranker | None:
        with self._loading:
            if isinstance(self._reranker, str):
                from ragqa.rerank import reranker_named

                self._reranker = reranker_named(self._reranker)
        return self._reranker

    def _load_embedder(self) -> Embedder:
        with self._loading:
            if self._embedder is None:
                from ragqa.embed import load_embedder

                name = self._generation.meta.fingerprint["embedder_name"]
                self._embedder = load_embedder(name)
        built_with = self._generation.meta.fingerprint.get("embedder")
        if built_with != self._embedder.fingerprint:
            raise IndexMismatchError(
                "the index was built by another embedder, or another version of it",
                item=self._directory,
                hint="Run `ragqa rebuild`",
            )
        return self._embedder


def _restricted(context: Context, papers: Sequence[Paper]) -> Context:
    """Return a context in which only some papers are listed, as they stand here."""
    ids = {None, *(paper.paper_id for paper in papers)}
    warnings = tuple(item for item in context.warnings if item.paper_id in ids)
    listing = Listing(context.store, tuple(papers), with_removed=False)
    return replace(context, listing=listing, warnings=warnings)
