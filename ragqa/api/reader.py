"""`Reader`: answers from one generation of an index."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragqa._files import sha256_bytes
from ragqa.answer import Context, answer_plan, check_question
from ragqa.api.current import CurrentList, restricted
from ragqa.api.models import Models
from ragqa.index.reading import Generation, open_generation
from ragqa.plan.sections import plan_by_paper, plan_card, plan_question
from ragqa.records import (
    Answer,
    Chunk,
    Locator,
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
    from ragqa.explain import Explanation
    from ragqa.generate.chat import ChatModel
    from ragqa.rerank import Reranker
    from ragqa.verify import NLI

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
        plan, context = self._planned(question, paper_ids, by_paper, on_statement)
        return answer_plan(plan, context, index=self.fingerprint)

    def explain(
        self,
        question: str,
        *,
        paper_ids: Sequence[str] = (),
        by_paper: bool = False,
        on_statement: Callable[[Statement], None] | None = None,
    ) -> Explanation:
        """Answer a question as `ask` does, and tell how the answer came about.

        :param question: The question.
        :param paper_ids: Papers to restrict the answer to; empty for all.
        :param by_paper: Whether each paper answers alone.
        :param on_statement: As in `ask`.
        :return: The answer with plan, searches, prompts, raw outputs and refusals.
        :raises QuestionError: The question is empty or far too long.
        :raises CorpusError: A paper is not listed.
        :raises ModelError: The chat model cannot be opened.
        :raises OptionalDependencyError: The chat model's package is not installed.
        """
        return self._explained(*self._planned(question, paper_ids, by_paper, on_statement))

    def explain_card(self, card: Card, *, papers: Sequence[Paper] | None = None) -> Explanation:
        """Answer a card as `answer_card` does, and tell how the answer came about.

        :param card: The card; its papers must be those of the index.
        :param papers: As in `answer_card`.
        :return: The answer with plan, searches, prompts, raw outputs and refusals.
        :raises CorpusError: A paper of the card is not listed.
        :raises ModelError: The chat model cannot be opened.
        :raises OptionalDependencyError: The chat model's package is not installed.
        """
        return self._explained(*self._planned_card(card, papers))

    def _explained(self, plan: Plan, context: Context) -> Explanation:
        from ragqa.explain import explain

        return explain(answer_plan(plan, context, index=self.fingerprint), plan, context)

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
        import asyncio  # 10 ms: not before it is needed

        loop, cancelled = asyncio.get_running_loop(), threading.Event()

        def show(statement: Statement) -> None:
            if on_statement is not None:
                loop.call_soon_threadsafe(on_statement, statement)

        def work() -> Answer:
            plan, context = self._planned(question, paper_ids, by_paper, show, cancelled)
            return answer_plan(plan, context, index=self.fingerprint)

        try:
            return await asyncio.to_thread(work)
        finally:
            cancelled.set()

    def _planned(
        self,
        question: str,
        paper_ids: Sequence[str],
        by_paper: bool,
        on_statement: Callable[[Statement], None] | None,
        cancelled: threading.Event | None = None,
    ) -> tuple[Plan, Context]:
        checked = check_question(question)  # before the models are loaded
        context = self._context(on_statement, cancelled)
        for paper_id in paper_ids:
            context.paper(paper_id)
        if by_paper and (asked := context.with_text(paper_ids)):
            papers = [context.paper(paper_id) for paper_id in asked]
            return plan_by_paper(checked, papers), context
        return plan_question(checked, paper_ids=paper_ids), context

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
        plan, context = self._planned_card(card, papers, on_statement)
        return answer_plan(plan, context, index=self.fingerprint)

    def _planned_card(
        self,
        card: Card,
        papers: Sequence[Paper] | None,
        on_statement: Callable[[Statement], None] | None = None,
    ) -> tuple[Plan, Context]:
        context = self._context(on_statement)
        listed = card.papers if papers is None else papers
        papers = [context.paper(paper.paper_id) for paper in listed]
        if listed is not card.papers:
            papers = list(listed)
            context = restricted(context, papers)
        return plan_card(check_question(card.question), card.instructions, papers), context

    def to_html(self, answer: Answer) -> str:
        """Return an answer as one self-contained HTML file to share.

        Each citation opens its quote with the words around it and, where the PDF is at hand and
        unchanged, a picture of the page with the quote marked.

        :param answer: An answer of this reader.
        :return: A whole page; encode it as UTF-8.
        """
        from ragqa.api.sharing import share

        return share(answer, store=self._generation.store, corpus=self._current.corpus)

    @property
    def papers(self) -> tuple[Paper, ...]:
        """Return the papers that are listed now, in listing order."""
        current = self._current.read()
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
