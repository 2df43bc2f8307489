"""Is a recommended model made for what the question asks? Decided from its declared task.

In: the question and the model's chunks. Out: a `Fit` with one of three outcomes. The declared
task is read where a paper or README declares it: its title, and sentences of the abstract that
say what is proposed. It and the question are matched against the list of tasks:

* fits: a task that the question asks for is declared.
* another task: tasks are declared and asked for, and none is the same.
* not established: no text, no declared task on the list, or none asked for by a known name.

A similarity score has no say: see `tasks`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ragqa.notices import notice
from ragqa.plan.tasks import Task, tasks_in
from ragqa.records import Chunk, Draft, DraftQuote, Notice, NoticeCode, Paper, Sentence

__all__ = ["Fit", "FitOutcome", "declarations", "fit_notice", "judge_fit", "proposes"]

FitOutcome = Literal["fits", "another-task", "not-established"]

_AUTHORS = (
    r"(?:we|this (?:paper|work|article|study|repo(?:sitory)?)|our (?:paper|work|method|model))"
)
_PROPOSE = (
    r"(?:propos|present|introduc|develop|describ|address|tackl|design|study|studies|investigat)"
)
_THING = (
    r"(?:method|model|framework|network|approach|tool|library|implementation|system|architecture)"
)
_PROPOSES = re.compile(
    rf"\b{_AUTHORS}\b.{{0,60}}?\b{_PROPOSE}"
    rf"|^[\w:. -]{{2,60}}\bis (?:an?|the)\b.{{0,60}}\b{_THING}\b"
    r"|\bimplementation of\b",
    re.IGNORECASE,
)
_DECLARING_SECTION = re.compile(
    r"^(?:abstract|summary|overview|about|introduction)?$", re.IGNORECASE
)
_NUMBER = re.compile(r"^[\divxIVX]+[.\s]+")
_TITLE_CHARS = 400  # characters at a document's start in which its title stands
_MIN_TITLE_WORDS = 3
_MAX_DECLARING = 8  # chunks at a document's start that can hold title and abstract


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Whether a model fits a question.

    :ivar outcome: One of the three.
    :ivar declared: Tasks that its texts declare.
    :ivar asked: Tasks that the question asks for.
    :ivar evidence: The declaring words, to be quoted; None where there are none.
    """

    outcome: FitOutcome
    declared: tuple[Task, ...]
    asked: tuple[Task, ...]
    evidence: Draft | None


def proposes(text: str) -> bool:
    """Say whether a sentence tells what a paper proposes.

    :param text: The sentence.
    :return: True for "We propose ...", "X is a method for ..." and their like.
    """
    return _PROPOSES.search(text) is not None


def judge_fit(question: str, chunks: Sequence[Chunk], *, paper_id: str) -> Fit:
    """Decide whether a model is made for what a question asks.

    :param question: The user's question.
    :param chunks: The model's chunks, each document's in reading order.
    :param paper_id: The model's paper.
    :return: The decision with its evidence.
    """
    asked = tasks_in(question, lay=True)
    found = [(draft, tasks_in(draft.text)) for draft in declarations(chunks, paper_id=paper_id)]
    declared = tuple(dict.fromkeys(task for _, tasks in found for task in tasks))
    shared = [task for task in asked if task in declared]
    wanted = shared[0] if shared else declared[0] if declared else None
    naming = (draft for draft, tasks in found if wanted is None or wanted in tasks)
    outcome: FitOutcome = "not-established"
    if declared and asked:
        outcome = "fits" if shared else "another-task"
    return Fit(outcome=outcome, declared=declared, asked=asked, evidence=next(naming, None))


def declarations(chunks: Sequence[Chunk], *, paper_id: str) -> Iterator[Draft]:
    """Find where a paper declares its task: titles first, then what it says it proposes.

    :param chunks: The paper's chunks, each document's in reading order.
    :param paper_id: The paper.
    :yield: Drafts to be verified and quoted.
    """
    kinds = list(dict.fromkeys(chunk.document for chunk in chunks))
    heads = [[c for c in chunks if c.document == kind][:_MAX_DECLARING] for kind in kinds]
    for head in heads:
        yield from (_draft(chunk, sentence, paper_id) for chunk, sentence in _titles(head))
    for head in heads:
        for chunk in head:
            if _declares(chunk):
                yield from (
                    _draft(chunk, sentence, paper_id)
                    for sentence in chunk.sentences
                    if sentence.quotable and proposes(_text(chunk, sentence))
                )


def _titles(head: Sequence[Chunk]) -> Iterator[tuple[Chunk, Sentence]]:
    """Yield a README's or PDF's first lines that can be its title; a summary has none."""
    for chunk in head[:2]:
        if chunk.document == "summary":
            return
        for sentence in chunk.sentences:
            if sentence.start > _TITLE_CHARS:
                return
            text = _text(chunk, sentence)
            is_short = len(text) < _TITLE_CHARS / 2 and "\n" not in text
            if is_short and len(text.split()) >= _MIN_TITLE_WORDS:
                yield chunk, sentence


def _declares(chunk: Chunk) -> bool:
    return _DECLARING_SECTION.match(_NUMBER.sub("", chunk.section).strip()) is not None or (
        chunk.start < _TITLE_CHARS
    )


def _text(chunk: Chunk, sentence: Sentence) -> str:
    return chunk.text[sentence.start - chunk.start : sentence.end - chunk.start]


def _draft(chunk: Chunk, sentence: Sentence, paper_id: str) -> Draft:
    text = _text(chunk, sentence)
    quote = DraftQuote(chunk=chunk, text=text, start=sentence.start)
    return Draft(text=text, quotes=(quote,), paper_id=paper_id)


_CODES: dict[FitOutcome, NoticeCode] = {
    "fits": "fit",
    "another-task": "other-task",
    "not-established": "fit-not-established",
}


def fit_notice(fit: Fit, paper: Paper, *, has_text: bool) -> Notice:
    """Say the decision in the program's words.

    :param fit: The decision.
    :param paper: The model's paper.
    :param has_text: Whether the index holds any text of it.
    :return: The notice.
    """
    declared = " and ".join(task.name for task in fit.declared)
    asked = " and ".join(task.name for task in fit.asked)
    why = _why_not(fit, has_text=has_text)
    code = _CODES[fit.outcome]
    fields = {"title": paper.title, "declared": declared, "asked": asked, "why": why}
    return notice(code, fields, paper_id=paper.paper_id)


def _why_not(fit: Fit, *, has_text: bool) -> str:
    if not has_text:
        return "none of its listed sources has text here"
    if fit.evidence is None:
        return "its texts declare no task"
    if not fit.asked:
        return "the question names no task that ragqa knows"
    return "its declared task is none that ragqa knows by name"
