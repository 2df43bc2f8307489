"""Stage 10, the reader: plan -> retrieve -> generate -> verify -> `Answer`, or an abstention.

In: a `Plan` and a `Context`. Out: an `Answer`. An answer without a verified statement abstains,
with a typed reason and the nearest evidence; what is shown then is marked as no answer. Where
papers are seen to contradict each other, a notice says so, and not which of them is right.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from ragqa.answer.context import Context, Evidence
from ragqa.answer.sections import write_section
from ragqa.errors import QuestionError
from ragqa.generate.extractive import extract
from ragqa.notices import notice
from ragqa.records import (
    AbstentionReason,
    Answer,
    Citation,
    Notice,
    Plan,
    ScoredSentence,
    Section,
    Source,
    SourceState,
)

__all__ = ["MAX_QUESTION_CHARS", "Context", "answer_plan", "check_question"]

MAX_QUESTION_CHARS = 10_000
"""Characters: a longer question is a document pasted by mistake."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_NEAREST = 3  # pieces of evidence shown with an abstention
_REASONS: dict[AbstentionReason, str] = {
    "no-sources": "none of them has text in the index",
    "no-match": "nothing in them is near it",
    "low-confidence": "the nearest evidence is not near enough",
    "nothing-verified": "no evidence could be verified",
    "model-declined": "the model found no answer in the nearest evidence",
}
_STATES: tuple[tuple[SourceState, str], ...] = (
    ("full-text", "with full text"),
    ("readme-only", "with a README only"),
    ("summary-only", "with a summary only"),
    ("no-text", "without any text"),
)


def check_question(question: str) -> str:
    """Return a question fit to be asked.

    :param question: What the user typed.
    :return: The same without surrounding white space; what a terminal could not decode (lone
        surrogates, which nothing can print or store) is a replacement character.
    :raises QuestionError: It is empty, has no letter or digit, or is far too long.
    """
    text = _LONE_SURROGATE.sub("\ufffd", question.strip())
    if not any(char.isalnum() for char in text):
        raise QuestionError("the question is empty", hint="Ask in a sentence of your own words")
    if len(text) > MAX_QUESTION_CHARS:
        raise QuestionError(
            f"the question has {len(text):,} characters",
            hint=f"Ask in at most {MAX_QUESTION_CHARS:,}",
        )
    return text


def answer_plan(plan: Plan, context: Context, *, index: str = "") -> Answer:
    """Answer a plan from the index, or abstain.

    :param plan: What the answer shall hold.
    :param context: The open index and what may be used of it.
    :param index: Fingerprint of the index, kept in the answer.
    :return: The answer.
    """
    evidence = _evidence(plan, context)
    confidence = evidence.confidence if evidence else 0.0
    sections = tuple(_sections(plan, context))
    has_statement = any(section.statements for section in sections)
    reason: AbstentionReason | None = None
    nearest: tuple[Citation, ...] = ()
    if not has_statement:
        reason = _reason(confidence, context, found=bool(evidence and evidence.sentences))
        nearest = _nearest(evidence.sentences if evidence else (), context)
    silent = [s.title for s in sections if not s.statements] if plan.by_paper else []
    if plan.by_paper:
        sections = tuple(section for section in sections if section.statements)
    sources = context.sources()
    return Answer(
        question=plan.question,
        abstained=reason is not None,
        reason=reason,
        confidence=confidence,
        sections=sections if has_statement or len(sections) > 1 else (),
        sources=sources,
        notices=(
            *_notices(reason, sources, context),
            *_silent(silent, is_answered=has_statement),
            *(_opposed(sections) if plan.by_paper else ()),
            *(context.writer.notices() if context.writer else ()),
        ),
        nearest=nearest,
        index=index,
        generator=_generator(context, is_answered=has_statement),
    )


def _sections(plan: Plan, context: Context) -> Iterator[Section]:
    for section in plan.sections:
        context.trace.start(section.title)
        yield write_section(section, plan.question, context)
    context.trace.finish()


def _generator(context: Context, *, is_answered: bool) -> str:
    """Say who wrote the answer, or found that there is none."""
    writer = context.writer
    if writer is None or not (writer.wrote or (writer.declined and not is_answered)):
        return "extractive"
    return writer.name


def _evidence(plan: Plan, context: Context) -> Evidence | None:
    """Return what the question finds: in all its papers, or in the one that is surest to answer."""
    if not plan.by_paper:
        allowed = context.with_text(plan.paper_ids)
        return context.find([plan.question], allowed) if allowed else None
    found = [
        context.find(section.queries, context.with_text(section.paper_ids))
        for section in plan.sections
    ]
    return max(found, key=lambda evidence: evidence.confidence, default=None)


def _silent(titles: Sequence[str], *, is_answered: bool) -> tuple[Notice, ...]:
    if not (titles and is_answered):
        return ()
    return (notice("silent-papers", {"titles": "; ".join(titles)}),)


def _opposed(sections: Sequence[Section]) -> Iterator[Notice]:
    """Yield a notice for each two papers that answer in opposite directions."""
    from ragqa.answer.conflict import conflicts

    said = [(section.title, statement) for section in sections for statement in section.statements]
    pairs = conflicts([statement for _, statement in said])
    named = dict.fromkeys((said[first][0], said[second][0]) for first, second in pairs)
    for first, second in named:
        yield notice("conflicting-evidence", {"first": first, "second": second})


def _reason(confidence: float, context: Context, *, found: bool) -> AbstentionReason:
    if not context.with_text():
        return "no-sources"
    if not found:
        return "no-match"
    if confidence < context.min_confidence:
        return "low-confidence"
    is_declined = context.writer is not None and context.writer.declined
    return "model-declined" if is_declined else "nothing-verified"


def _nearest(sentences: Sequence[ScoredSentence], context: Context) -> tuple[Citation, ...]:
    statements = context.keep_verified(extract(sentences, limit=_NEAREST))
    return tuple(statement.citations[0] for statement in statements)


def _notices(
    reason: AbstentionReason | None, sources: Sequence[Source], context: Context
) -> tuple[Notice, ...]:
    said = [notice("abstained", {"reason": _REASONS[reason]})] if reason else []
    counts = Counter(source.state for source in sources)
    listed = ", ".join(f"{counts[state]} {name}" for state, name in _STATES if counts[state])
    removed = [
        notice("paper-removed", {"title": paper.title}, paper_id=paper.paper_id)
        for paper in context.listing.removed
    ]
    return (*said, notice("sources", {"counts": listed or "none"}), *context.warnings, *removed)
