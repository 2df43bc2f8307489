"""One planned section -> a section of the answer: which evidence each kind of section takes.

In: a `PlannedSection`, the question, a `Context`. Out: a `Section` of verified statements and
notices. A section says nothing that was not found: an empty cell or section holds a notice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ragqa.answer.context import Context
from ragqa.generate.extractive import extract
from ragqa.notices import notice
from ragqa.records import Notice, PlannedSection, Section, Statement

__all__ = ["Said", "opposed", "quote_section", "write_section"]

_ANSWER_STATEMENTS = 6  # at most; mostly three, as those behind must be nearly as good


def write_section(section: PlannedSection, question: str, context: Context) -> Section:
    """Write one section.

    :param section: What is planned.
    :param question: The user's question.
    :param context: The open index and what may be used of it.
    :return: The section; it has a statement or says why not.
    """
    if context.writer is None:
        statements, notices = quote_section(section, question, context)
    else:
        from ragqa.answer.prose import prose_section  # chat models: not before one is used

        statements, notices = prose_section(section, question, context)
    if not statements and not notices:
        notices = (notice("nothing-on-this"),)
    return Section(title=section.title, kind=section.kind, statements=statements, notices=notices)


Said = tuple[tuple[Statement, ...], tuple[Notice, ...]]
"""What a section says, and what the program says of it."""


def quote_section(section: PlannedSection, question: str, context: Context) -> Said:
    """Fill one section with quotes.

    :param section: What is planned.
    :param question: The user's question.
    :param context: The open index and what may be used of it.
    :return: Statements and notices; neither where nothing was found.
    """
    if section.kind == "answer":
        return _answer(section, question, context)
    if section.kind == "comparison":
        return _comparison(section, question, context)
    from ragqa.answer.carded import CARD_SECTIONS  # many patterns: not for a plain question

    return CARD_SECTIONS[section.kind](section, question, context)


def _answer(section: PlannedSection, question: str, context: Context) -> Said:
    """Quote what answers, if the papers answer at all."""
    evidence = context.find(section.queries, context.with_text(section.paper_ids))
    if not evidence.sentences or evidence.confidence < context.min_confidence:
        return (), ()
    drafts = extract(evidence.sentences, limit=_ANSWER_STATEMENTS)
    statements = context.keep_verified(drafts)
    return statements, tuple(opposed(statements, context))


def opposed(statements: Sequence[Statement], context: Context) -> Iterator[Notice]:
    """Find the papers of a section that contradict each other.

    :param statements: The section's statements.
    :param context: Where the papers' titles are.
    :yield: A notice for each two statements of different papers that do.
    """
    if len({cited.paper_id for one in statements for cited in one.citations}) < 2:
        return
    from ragqa.answer.conflict import conflicts  # many patterns: not for what one paper says

    titles = [context.paper(one.citations[0].paper_id).title for one in statements]
    for first, second in conflicts(statements):
        fields = {
            "first": f"statement {first + 1} ({titles[first]})",
            "second": f"statement {second + 1} ({titles[second]})",
        }
        yield notice("conflicting-evidence", fields)


def _comparison(section: PlannedSection, question: str, context: Context) -> Said:
    """Quote one sentence of each paper side by side."""
    statements: list[Statement] = []
    for paper_id in context.with_text(section.paper_ids):
        evidence = context.find(section.queries, [paper_id])
        drafts = extract(evidence.sentences, limit=1)
        statements.extend(context.keep_verified(drafts))
    return tuple(statements), tuple(opposed(statements, context))
