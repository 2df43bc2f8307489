"""One section by a chat model: ask, read, check every statement, repair once, keep what passes.

In: an `Assignment` (question, instruction, chunks) and the `Context` with the gate. Out: `Written`:
verified statements in the order in which they were written, or why there is none.

Invariants: no statement leaves, nor is shown while the model still writes, before the gate has
passed it; a refused one is written anew once, alone, with the reason; a model that fails takes
nothing back that was verified, and no other section with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Event
from typing import TYPE_CHECKING, Final, Literal

from ragqa.answer.trace import ModelCall, Purpose, Refusal, refusal
from ragqa.errors import ModelError, ModelReason
from ragqa.generate import prompt
from ragqa.generate.chat.paying import Usage, estimate_tokens
from ragqa.generate.reading import OutputReader, read_output
from ragqa.generate.sameness import say_the_same
from ragqa.notices import notice
from ragqa.records import Cell, Chunk, Notice, Statement, WrittenStatement
from ragqa.verify import NLI, Drop, verify_written

if TYPE_CHECKING:
    from ragqa.answer.context import Context
    from ragqa.generate.chat import ChatModel, Reply

__all__ = ["MAX_CHUNKS", "MAX_REPAIRS", "Assignment", "OnNothing", "Outcome", "Writer", "Written"]

MAX_CHUNKS = 8
"""Chunks that a model is shown for one section: most of the ten whose sentences may be quoted
without a model. More cost more and help small models little; no figure stands behind it yet."""

MAX_SHOWN_TOKENS = 3_000
"""Tokens, by our estimate (rather too many), of all chunks together: with instructions and answer
it fits the 8,192 of small local models."""

MAX_REPAIRS = 4
"""Statements of one section that are asked for anew, each with one request."""

MAX_FAILED_SECTIONS = 2
"""Sections in a row without an output, after which the model is not asked for the others: each
has taken all its retries."""

OnNothing = Literal["extractive", "abstain"]
"""What a section holds where the model wrote and nothing of it passed: quotes, or nothing."""

Outcome = Literal["written", "declined", "refused", "failed", "not-asked"]
"""How a section fared with its model."""

_FATAL: Final[frozenset[ModelReason]] = frozenset({"over-budget", "refused", "unknown-model"})
# Another section's request would end the same way, or cost what may not be spent.


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What a model shall write.

    :ivar question: The question.
    :ivar chunks: What it may use, best first.
    :ivar instruction: What this part of the answer shall say; None for the whole answer.
    :ivar limit: Statements at most; those beyond are not looked at.
    :ivar paper_id: Set on every statement, for a table.
    :ivar cell: Set on every statement, for a table.
    """

    question: str
    chunks: Sequence[Chunk]
    instruction: str | None = None
    limit: int
    paper_id: str | None = None
    cell: Cell | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What came of an assignment.

    :ivar outcome: How it fared.
    :ivar statements: What passed the gate, in the order in which it was written.
    :ivar error: Why the model failed, also after it wrote some statements; None where it did not.
    """

    outcome: Outcome
    statements: tuple[Statement, ...] = ()
    error: ModelReason | None = None


class Writer:
    """A chat model at the work on one answer.

    :param model: The model.
    :param on_nothing: What to do where nothing passes; whoever makes the sections reads it.
    :param similarity: Cosine of a statement and its quotes, for the gate.
    :param nli: Judges whether quotes entail a statement, for the gate.
    :param on_statement: Told of each statement as soon as it has passed.
    :param cancelled: Once set, the work ends with `CancelledError`, even while it waits.
    """

    def __init__(
        self,
        model: ChatModel,
        *,
        on_nothing: OnNothing = "extractive",
        similarity: Callable[[str, Sequence[str]], float] | None = None,
        nli: NLI | None = None,
        on_statement: Callable[[Statement], None] = lambda statement: None,
        cancelled: Event | None = None,
    ) -> None:
        self.model = model
        self.on_nothing = on_nothing
        self.similarity = similarity
        self.nli = nli
        self.on_statement = on_statement
        self.cancelled = cancelled or Event()
        self.wrote = self.declined = False
        self._failed_in_a_row = 0
        self._stopped: ModelReason | None = None
        self._told = False

    @property
    def name(self) -> str:
        """Return the model's name."""
        return self.model.name

    @property
    def prompt_version(self) -> str:
        """Return the version of the prompts that it sends."""
        return prompt.PROMPT_VERSION

    def write(self, assignment: Assignment, context: Context) -> Written:
        """Have one section written.

        :param assignment: What shall be written.
        :param context: The open index, and where what happens is told.
        :return: What passed, or why nothing is there.
        """
        if self._stopped is not None or not assignment.chunks:
            return Written(outcome="not-asked")
        written = self._try(assignment, context)
        self.wrote |= bool(written.statements)
        self.declined |= written.outcome == "declined"
        self._failed_in_a_row = self._failed_in_a_row + 1 if written.outcome == "failed" else 0
        if written.error in _FATAL or self._failed_in_a_row >= MAX_FAILED_SECTIONS:
            self._stopped = written.error
        return written

    def notices(self) -> tuple[Notice, ...]:
        """Return what is to be said of the whole answer."""
        said = []
        if self.wrote:
            said.append(notice("written-by-model", {"model": self.name}))
        if self._stopped is not None:
            said.append(notice("model-stopped", {"model": self.name, "reason": self._stopped}))
        return tuple(said)

    def _try(self, assignment: Assignment, context: Context) -> Written:
        """Write with fewer chunks where they are too many for the model."""
        shown = _fitting(assignment.chunks)
        while True:
            work = _Work(self, replace(assignment, chunks=shown), context)
            written = work.run()
            shown = shown[: len(shown) // 2]
            if written.error != "too-long" or written.statements or not shown:
                return written


class _Work:
    """One section being written."""

    def __init__(self, writer: Writer, assignment: Assignment, context: Context) -> None:
        self._writer = writer
        self._model = writer.model
        self._assignment = assignment
        self._context = context
        titles = {paper.paper_id: paper.title for paper in context.papers}
        self._labelled = prompt.label_chunks(assignment.chunks, titles=titles)
        self._by_label = {each.label: each.chunk for each in self._labelled}
        self._structured = self._model.structured
        self._schema = prompt.ANSWER_SCHEMA if self._structured else None
        self._places: list[Statement | Drop] = []  # as they were written

    def run(self) -> Written:
        """Ask, read, check, repair."""
        reader, error = OutputReader(), None
        try:
            self._read(reader)
            self._repair()
        except ModelError as failure:
            error, self._model.last_error = failure.reason, failure
        self._tell_drops()
        statements = self._statements
        if statements:
            return Written(outcome="written", statements=statements, error=error)
        if error is not None:
            return Written(outcome="failed", error=error)
        return Written(outcome="declined" if reader.declined else "refused")

    @property
    def _statements(self) -> tuple[Statement, ...]:
        return tuple(each for each in self._places if isinstance(each, Statement))

    @property
    def _is_full(self) -> bool:
        return len(self._statements) >= self._assignment.limit

    def _read(self, reader: OutputReader) -> None:
        """Check each statement as soon as the model has written it."""
        messages = prompt.answer(
            self._assignment.question,
            self._labelled,
            instruction=self._assignment.instruction,
            structured=self._structured,
        )
        cancelled = self._writer.cancelled
        stream = self._model.stream(messages, schema=self._schema, cancelled=cancelled)
        error: ModelReason | None = None
        try:
            for piece in stream:
                self._take(reader.feed(piece))  # to the end: only a whole reply is cached
            self._take(reader.close())
        except ModelError as failure:
            error = failure.reason
            raise
        finally:
            stream.close()
            self._tell("write", messages, stream.reply, error)

    def _take(self, written: Sequence[WrittenStatement]) -> None:
        for each in written:
            if not self._is_full and not self._is_repeated(each):
                self._places.append(self._check(each))

    def _is_repeated(self, written: WrittenStatement) -> bool:
        if not any(say_the_same(written.text, said.text) for said in self._statements):
            return False
        quotes = tuple((quote.chunk, quote.text) for quote in written.quotes)
        detail = "another statement says the same"
        self._refuse(Refusal(text=written.text, quotes=quotes, reason="repeated", detail=detail))
        return True

    def _check(self, written: WrittenStatement) -> Statement | Drop:
        """Put a statement through the gate, and show it if it passes."""
        context, assignment = self._context, self._assignment
        result = verify_written(
            written,
            chunks=self._by_label,
            document_of=context.document,
            paper_of=context.paper,
            nli=self._writer.nli,
            similarity=self._writer.similarity,
        )
        if isinstance(result, Drop):
            return result
        statement = replace(result, paper_id=assignment.paper_id, cell=assignment.cell)
        self._writer.on_statement(statement)
        return statement

    def _repair(self) -> None:
        """Ask once for what was refused; after the output, as a local model does one at a time."""
        repairs = 0
        for place, drop in enumerate(self._places):
            if isinstance(drop, Statement) or not isinstance(drop.draft, WrittenStatement):
                continue
            if repairs == MAX_REPAIRS or self._is_full:
                return
            if self._holds_key(drop.draft):
                continue
            repairs += 1
            again = self._ask_again(drop.draft, drop.detail)
            if again is None or self._is_repeated(again):
                continue
            result = self._check(again)
            if isinstance(result, Drop):
                self._refuse(refusal(result, attempt=2))
            else:
                self._refuse(refusal(drop, repaired=True))
                self._places[place] = result

    def _ask_again(self, written: WrittenStatement, reason: str) -> WrittenStatement | None:
        """Return the first statement of the reply, if it has one."""
        messages = prompt.repair(written, reason, self._labelled, structured=self._structured)
        try:
            reply = self._model.complete(
                messages, schema=self._schema, cancelled=self._writer.cancelled
            )
        except ModelError as failure:
            self._tell("repair", messages, None, failure.reason)
            raise
        self._tell("repair", messages, reply, None)
        return next(iter(read_output(reply.text)), None)

    def _holds_key(self, written: WrittenStatement) -> bool:
        """Say whether a key stands in what a model wrote; it is not sent to it again."""
        texts = (written.text, *(quote.text for quote in written.quotes))
        return any(self._model.hide(text) != text for text in texts)

    def _tell(
        self,
        purpose: Purpose,
        messages: prompt.Messages,
        reply: Reply | None,
        error: ModelReason | None,
    ) -> None:
        hide = self._model.hide
        call = ModelCall(
            purpose=purpose,
            messages=tuple((role, hide(content)) for role, content in messages),
            output=hide(reply.text) if reply else "",
            finish=reply.finish if reply else "cut",
            cached=bool(reply and reply.cached),
            usage=reply.usage if reply else Usage(),
            error=error,
        )
        self._context.trace.current.calls.append(call)

    def _tell_drops(self) -> None:
        for each in self._places:
            if isinstance(each, Drop):
                self._refuse(refusal(each))

    def _refuse(self, told: Refusal) -> None:
        hide = self._model.hide
        quotes = tuple((hide(label), hide(text)) for label, text in told.quotes)
        clean = replace(told, text=hide(told.text), quotes=quotes, detail=hide(told.detail))
        self._context.trace.current.refusals.append(clean)


def _fitting(chunks: Sequence[Chunk]) -> list[Chunk]:
    """Return the best chunks, as many as a model is shown; always one."""
    shown: list[Chunk] = []
    tokens = 0
    for chunk in chunks[:MAX_CHUNKS]:
        tokens += estimate_tokens([chunk.text])
        if shown and tokens > MAX_SHOWN_TOKENS:
            break
        shown.append(chunk)
    return shown
