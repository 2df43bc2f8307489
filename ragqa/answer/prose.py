"""One planned section with a chat model: what it is asked for, and what stands there if it fails.

In: a `PlannedSection`, the question, a `Context` with a `Writer`. Out: statements and notices.
Invariants: what would be no answer without a model is not sent to one; a section that a model
does not fill holds the quotes that it would hold without it, and says so, or nothing, where that
is what was asked for; a table's cell is the model's only where nothing could be quoted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from ragqa.answer.carded import fits
from ragqa.answer.context import Context
from ragqa.answer.sections import Said, opposed, quote_section
from ragqa.answer.writing import MAX_CHUNKS, Assignment, Writer, Written
from ragqa.generate.prompt import cell_instruction
from ragqa.notices import notice
from ragqa.records import Cell, Chunk, Notice, NoticeCode, PlannedSection, SectionKind, Statement

__all__ = ["prose_section"]

_ANSWER_STATEMENTS = 10  # at most; a model is asked for as few as the question needs
_PART_STATEMENTS = 5  # of a card's section, beside others
_COMPARED_CHUNKS = 2  # of each paper, while there is room: what is compared stands in both


def prose_section(section: PlannedSection, question: str, context: Context) -> Said:
    """Have one section written, as far as there is evidence for it.

    :param section: What is planned.
    :param question: The user's question.
    :param context: The open index, with a writer.
    :return: Statements and notices; neither where nothing was found.
    """
    if context.writer is None:
        return quote_section(section, question, context)
    return _SECTIONS[section.kind](section, question, context, context.writer)


def _answer(section: PlannedSection, question: str, context: Context, writer: Writer) -> Said:
    """Have a question answered, if the papers are near enough to it."""
    allowed = context.with_text(section.paper_ids)
    evidence = context.find(section.queries, allowed)
    if not evidence.sentences or evidence.confidence < context.min_confidence:
        return (), ()
    is_part = len(section.queries) > 1  # a card's instruction, and not the question itself
    assignment = Assignment(
        question=question,
        chunks=context.best_chunks(section.queries, allowed),
        instruction=section.title if is_part else None,
        limit=_PART_STATEMENTS if is_part else _ANSWER_STATEMENTS,
    )
    written = writer.write(assignment, context)
    return _shown(written, writer, context, lambda: quote_section(section, question, context))


def _limitations(section: PlannedSection, question: str, context: Context, writer: Writer) -> Said:
    """Have the papers' limits told, where something of the kind can be quoted."""
    quoted = quote_section(section, question, context)
    if not quoted[0]:
        return quoted
    chunks = context.best_chunks(section.queries, context.with_text(section.paper_ids))
    written = writer.write(_part(section, question, chunks), context)
    return _shown(written, writer, context, lambda: quoted)


def _comparison(section: PlannedSection, question: str, context: Context, writer: Writer) -> Said:
    """Have the papers compared, each shown by its best chunks."""
    quoted = quote_section(section, question, context)
    if not quoted[0]:
        return quoted
    papers = context.with_text(section.paper_ids)
    each = min(_COMPARED_CHUNKS, max(1, MAX_CHUNKS // max(1, len(papers))))
    best = [context.best_chunks(section.queries, [paper])[:each] for paper in papers]
    chunks = [chunks[rank] for rank in range(each) for chunks in best if rank < len(chunks)]
    written = writer.write(_part(section, question, chunks), context)
    return _shown(written, writer, context, lambda: quoted)


def _task(section: PlannedSection, question: str, context: Context, writer: Writer) -> Said:
    """Have the task told; whether a model fits it stays with the program, and is quoted."""
    quoted = quote_section(section, question, context)
    if not quoted[0]:
        return quoted
    chunks = context.best_chunks(section.queries, context.with_text(section.paper_ids))
    written = writer.write(_part(section, question, chunks), context)
    if written.outcome not in {"written", "declined"}:
        return _shown(written, writer, context, lambda: quoted)
    judged = list(fits(section, question, context))
    declared = context.keep_verified([draft for draft, _ in judged if draft is not None])
    statements = (*written.statements, *declared)
    return statements, (*_remarks(written, writer), *(said for _, said in judged))


def _table(section: PlannedSection, question: str, context: Context, writer: Writer) -> Said:
    """Have the cells filled for which nothing could be quoted."""
    statements, notices = quote_section(section, question, context)
    filled: list[Statement] = list(statements)
    left: list[Notice] = []
    errors: list[Notice] = []
    for item in notices:
        written = None
        if item.code == "not-stated" and item.cell is not None and item.paper_id is not None:
            written = _fill(item.cell, item.paper_id, question, context, writer)
            errors = errors or _failure(written, writer)
        filled.extend(written.statements if written else ())
        if not (written and written.statements):
            left.append(item)
    return tuple(filled), (*left, *errors)


def _fill(cell: Cell, paper_id: str, question: str, context: Context, writer: Writer) -> Written:
    instruction = cell_instruction(cell, context.paper(paper_id).title)
    assignment = Assignment(
        question=question,
        chunks=context.best_chunks([instruction], context.with_text([paper_id])),
        instruction=instruction,
        limit=1,
        paper_id=paper_id,
        cell=cell,
    )
    return writer.write(assignment, context)


def _part(section: PlannedSection, question: str, chunks: Sequence[Chunk]) -> Assignment:
    return Assignment(
        question=question, chunks=chunks, instruction=section.title, limit=_PART_STATEMENTS
    )


def _shown(written: Written, writer: Writer, context: Context, quoted: Callable[[], Said]) -> Said:
    """Return what a section of running text holds, after its model."""
    remarks = tuple(_remarks(written, writer))
    if written.statements:
        return written.statements, (*opposed(written.statements, context), *remarks)
    if written.outcome == "declined" or (
        written.outcome == "refused" and writer.on_nothing == "abstain"
    ):
        return (), remarks
    statements, notices = quoted()
    return statements, (*notices, *remarks)


def _remarks(written: Written, writer: Writer) -> Iterator[Notice]:
    """Yield what is to be said of the model's part in a section."""
    named = {"model": writer.name}
    if written.outcome == "declined":
        yield notice("model-declined", named)
    elif written.outcome == "refused":
        yield notice("model-refused", named)
    yield from _failure(written, writer)


def _failure(written: Written, writer: Writer) -> list[Notice]:
    if written.error is None:
        return []
    code: NoticeCode = "model-broke-off" if written.statements else "model-failed"
    return [notice(code, {"model": writer.name, "reason": written.error})]


_SECTIONS: Final[dict[SectionKind, Callable[[PlannedSection, str, Context, Writer], Said]]] = {
    "answer": _answer,
    "task": _task,
    "workflow": _table,
    "papers": _table,
    "comparison": _comparison,
    "limitations": _limitations,
}
