"""The sections that only a card plans: its task, workflow, papers and limitations, in quotes.

In: a `PlannedSection`, the question, a `Context`. Out: verified statements and notices.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ragqa.answer.cells import cell_drafts
from ragqa.answer.context import Context
from ragqa.generate.extractive import extract
from ragqa.notices import notice
from ragqa.plan.declared import declarations, own_words, proposes
from ragqa.plan.fit import fit_notice, judge_fit
from ragqa.plan.tasks import tasks_in
from ragqa.records import (
    Cell,
    Draft,
    Notice,
    NoticeCode,
    PlannedSection,
    SectionKind,
    Statement,
)

if TYPE_CHECKING:
    from ragqa.answer.sections import Said

__all__ = ["CARD_SECTIONS", "fits"]

_TASK_STATEMENTS = 2
_LIMITATION_STATEMENTS = 4
_WORKFLOW_CELLS: tuple[Cell, ...] = ("input", "model", "output")
_LIMITATION_WORDS = re.compile(
    r"\blimit|\bfail|\bcannot\b|\bnot able\b|\bunable\b|\bdrawback|\bweakness|\bhowever\b"
    r"|\bfuture work\b|\bshortcoming|\bstruggl|\bexpensive\b|\bonly\b",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"\b(?:we|our|us|this (?:paper|work|study|method|model|approach)|the (?:proposed|present))\b"
    r"|\blimitations?\b|\bfail|\bdrawback|\bweakness|\bshortcoming|\bfuture work\b",
    re.IGNORECASE,
)
_OTHERS_LIMITS = re.compile(
    r"\bto (?:address|alleviate|avoid|mitigate|overcome|resolve|solve|tackle) (?:the|this|these)\b"
    r"|\b(?:page|space|length) (?:limit|constraint)"
    r"|\blimit\w* (?:of |on )?(?:the )?(?:space|pages)\b",
    re.IGNORECASE,
)


def _task(section: PlannedSection, question: str, context: Context) -> Said:
    """Quote what the sources say about the task that the question describes.

    Where the question's task has a name, only sentences about that task count; else the papers
    must answer the question with the usual confidence. Then say of each recommended model
    whether it is made for this.
    """
    evidence = context.find(section.queries, context.with_text(section.paper_ids))
    asked = tasks_in(question, lay=True)
    about = [
        sentence
        for sentence in evidence.sentences
        if any(task.in_evidence.search(sentence.text) for task in asked)
    ]
    if not asked and evidence.confidence >= context.min_confidence:
        about = list(evidence.sentences)
    drafts = extract(about, limit=_TASK_STATEMENTS)
    judged = list(fits(section, question, context))
    declared = [draft for draft, _ in judged if draft is not None]
    statements = context.keep_verified([*drafts, *_without(declared, drafts)])
    return statements, tuple(said for _, said in judged)


def _without(drafts: Sequence[Draft], others: Sequence[Draft]) -> list[Draft]:
    texts = {other.text for other in others}
    return [draft for draft in drafts if draft.text not in texts]


def fits(
    section: PlannedSection, question: str, context: Context
) -> Iterator[tuple[Draft | None, Notice]]:
    """Judge whether each recommended model fits the question.

    :param section: The section, with its papers.
    :param question: The user's question.
    :param context: The open index.
    :yield: The model's declared task, if it declares one, and whether it fits.
    """
    for paper in context.papers:
        if paper.role == "model" and paper.paper_id in section.paper_ids:
            chunks = context.chunks(paper.paper_id)
            fit = judge_fit(question, chunks, paper_id=paper.paper_id)
            yield fit.evidence, fit_notice(fit, paper, has_text=bool(chunks))


def _workflow(section: PlannedSection, question: str, context: Context) -> Said:
    """Fill input, model and output of each paper from that paper alone."""
    statements: list[Statement] = []
    notices: list[Notice] = []
    for paper_id in section.paper_ids:
        for cell in _WORKFLOW_CELLS:
            found = _fill_cell(paper_id, cell, context)
            statements.extend(found)
            if not found:
                notices.append(_empty(paper_id, cell, context))
    return tuple(statements), tuple(notices)


def _empty(paper_id: str, cell: Cell, context: Context) -> Notice:
    code: NoticeCode = "not-stated" if context.store.kinds(paper_id) else "no-text"
    return notice(code, paper_id=paper_id, cell=cell)


def _fill_cell(paper_id: str, cell: Cell, context: Context) -> tuple[Statement, ...]:
    if not context.store.kinds(paper_id):
        return ()
    if cell in ("input", "output"):
        return _first(cell_drafts(context.chunks(paper_id), cell, paper_id=paper_id), context)
    return _declared(paper_id, cell, context)


def _declared(paper_id: str, cell: Cell, context: Context) -> tuple[Statement, ...]:
    """Quote the first verified place where a paper declares what it is.

    Its authors' own words come before its title, which the table's row has already.
    """
    drafts = list(declarations(context.chunks(paper_id), paper_id=paper_id))
    drafts.sort(key=lambda draft: not own_words(draft.text))
    return _first((replace(draft, cell=cell) for draft in drafts), context)


def _first(drafts: Iterable[Draft], context: Context) -> tuple[Statement, ...]:
    """Keep the first draft that is verified."""
    kept = (context.keep_verified([draft]) for draft in drafts)
    return next((found for found in kept if found), ())


def _papers(section: PlannedSection, question: str, context: Context) -> Said:
    """Say of each listed paper, in one cited sentence, why it matters to the question."""
    statements: list[Statement] = []
    notices: list[Notice] = []
    for paper_id in section.paper_ids:
        found = _why(paper_id, section.queries, context)
        statements.extend(found)
        if not found:
            notices.append(_empty(paper_id, "why", context))
    return tuple(statements), tuple(notices)


def _why(paper_id: str, queries: Sequence[str], context: Context) -> tuple[Statement, ...]:
    if not context.store.kinds(paper_id):
        return ()
    proposing = [
        sentence
        for sentence in context.find(queries, [paper_id]).sentences
        if proposes(sentence.text)
    ]
    drafts = extract(proposing, limit=1, paper_id=paper_id, cell="why")
    return context.keep_verified(drafts) or _declared(paper_id, "why", context)


def _limitations(section: PlannedSection, question: str, context: Context) -> Said:
    """Quote what the papers say of their own limits."""
    evidence = context.find(section.queries, context.with_text(section.paper_ids))
    about = [s for s in evidence.sentences if _tells_limit(s.text, s.chunk.section)]
    return context.keep_verified(extract(about, limit=_LIMITATION_STATEMENTS)), ()


def _tells_limit(text: str, section: str) -> bool:
    """Say whether a sentence tells a limit of the work itself, not of what it is better than."""
    if not _LIMITATION_WORDS.search(text) or _OTHERS_LIMITS.search(text):
        return False
    return _OWN.search(text) is not None or "limit" in section.lower()


CARD_SECTIONS: Final[dict[SectionKind, Callable[[PlannedSection, str, Context], Said]]] = {
    "task": _task,
    "workflow": _workflow,
    "papers": _papers,
    "limitations": _limitations,
}
"""What quotes each of these kinds of section."""
