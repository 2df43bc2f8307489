"""Is a recommended model made for what the question asks? Decided from its declared task.

In: the question and the model's chunks. Out: a `Fit` with one of three outcomes. What the paper
declares (see `declared`) and what the question asks for are matched against the list of tasks:

* fits: a task that the question asks for is declared; or, where the list knows no task on one of
  the sides, every content word of a declared purpose ("molecular docking") is in the question.
* another task: both sides are on the list, and no task asked for is declared, is part of or holds
  a declared one (see `tasks`), or is so much as named where the paper tells what it does. Where
  only everyday words name the task asked for, no word of a declared purpose is in the question.
* not established: everything else: no text, no declaration, no task known by name, or doubt.

A similarity score has no say: see `tasks`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ragqa.notices import notice
from ragqa.plan.declared import affirmed, declarations, purpose
from ragqa.plan.tasks import Task, are_kin, tasks_in
from ragqa.records import Chunk, Draft, Notice, NoticeCode, Paper

__all__ = ["Fit", "FitOutcome", "fit_notice", "judge_fit", "tasks_asked"]

FitOutcome = Literal["fits", "another-task", "not-established"]

_WORD = re.compile(r"[^\W\d_]{3,}")
_COMMON = frozenset(
    "the and for with from that this which what how are does can not any our its new novel "
    "neural deep automatic automated robust efficient effective accurate scalable fast "
    "simple unified general unsupervised supervised controllable single multi joint model "
    "models method methods network networks approach system based learning training using "
    "image images photo photos text language data".split()
)
"""Words that name no task, and everyday words of whole fields."""
_ENDINGS = re.compile(r"(?:ations?|ators?|ating|ions?|ings?|ates?|ated|ics?|ers?|ors?|ed|es|s|e)$")
_ABOUT = re.compile(
    r"\b(?:quality estimation|evaluat\w+|assess\w+|metrics?|surveys?|reviews?|attacks?)"
    r" (?:for|of|on|in|against)\b[^,;:.]*",
    re.IGNORECASE,
)
_JUDGES = re.compile(r"\b(?:evaluation|assessment|estimation)\b")
_MIN_STEM = 4  # letters: shorter stems meet by chance
_MIN_WORDS = 2  # content words of a purpose: one alone ("prediction") names no task


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Whether a model fits a question.

    :ivar outcome: One of the three.
    :ivar declared: Tasks of the list that its texts declare.
    :ivar asked: Tasks of the list that the question asks for.
    :ivar evidence: The declaring words, to be quoted; None where there are none.
    """

    outcome: FitOutcome
    declared: tuple[Task, ...]
    asked: tuple[Task, ...]
    evidence: Draft | None


def judge_fit(question: str, chunks: Sequence[Chunk], *, paper_id: str) -> Fit:
    """Decide whether a model is made for what a question asks.

    :param question: The user's question.
    :param chunks: The model's chunks, each document's in reading order.
    :param paper_id: The model's paper.
    :return: The decision with its evidence.
    """
    asked = tasks_asked(question)
    drafts = list(declarations(chunks, paper_id=paper_id))
    found = [(draft, _declared_in(draft.text)) for draft in drafts]
    declared = _unique(task for _, tasks in found for task in tasks)
    shared = [task for task in asked if task in declared]
    if asked and declared:
        wanted = (shared or declared)[0]
        evidence = next(draft for draft, tasks in found if wanted in tasks)
        is_other = not shared and _is_other(question, asked, declared, drafts)
        outcome: FitOutcome = "fits" if shared else "another-task" if is_other else _OPEN
        return Fit(outcome=outcome, declared=declared, asked=asked, evidence=evidence)
    named = next((draft for draft in drafts if _names_purpose(question, draft.text)), None)
    outcome = _OPEN if named is None else "fits"
    first = next((draft for draft, tasks in found if tasks), next(iter(drafts), None))
    return Fit(outcome=outcome, declared=declared, asked=asked, evidence=named or first)


_OPEN: FitOutcome = "not-established"


def tasks_asked(question: str) -> tuple[Task, ...]:
    """Find the tasks that a question asks for.

    :param question: The user's question.
    :return: Tasks in list order, by the field's terms or by everyday words. What the question
        sets apart ("not a summary but ...") counts only where nothing else is named.
    """
    kept = affirmed(question)
    return tasks_in(kept, lay=True) or tasks_in(question, lay=True)


def _declared_in(text: str) -> tuple[Task, ...]:
    """Find the tasks that a sentence declares: what it is built on only where nothing else is.

    Who judges, surveys or attacks a task does not perform it, but may have a task of its own.
    """
    for said in (affirmed(text, means=False), affirmed(text)):
        done = tasks_in(_ABOUT.sub(" ", said))
        judging = (task for task in tasks_in(said) if _JUDGES.search(task.name))
        if found := _unique((*done, *judging)):
            return found
    return ()


def _unique(tasks: Iterable[Task]) -> tuple[Task, ...]:
    return tuple(dict.fromkeys(tasks))


def _is_other(
    question: str, asked: Sequence[Task], declared: Sequence[Task], drafts: Sequence[Draft]
) -> bool:
    """Say whether a question surely asks for something else than what is declared."""
    if any(are_kin(one, other) for one in asked for other in declared):
        return False
    named = _unique(task for draft in drafts for task in tasks_in(affirmed(draft.text)))
    if any(task in named for task in asked):
        return False
    in_terms = any(task in tasks_in(question) for task in asked)
    words = _stems(question)
    return in_terms or not any(
        words & _stems(phrase) for draft in drafts for phrase in purpose(affirmed(draft.text))
    )


def _names_purpose(question: str, text: str) -> bool:
    """Say whether a question has every content word of a declared purpose."""
    words = _stems(affirmed(question))
    phrases = (_stems(phrase) for phrase in purpose(affirmed(text, means=False)))
    return any(len(phrase) >= _MIN_WORDS and phrase <= words for phrase in phrases)


def _stems(text: str) -> frozenset[str]:
    return frozenset(_stem(w) for w in _WORD.findall(text.lower()) if w not in _COMMON)


def _stem(word: str) -> str:
    """Cut an English ending off, and what it doubled: planning and plans -> plan."""
    stem = _ENDINGS.sub("", word)
    stem = stem if len(stem) >= _MIN_STEM else word.removesuffix("s")
    return stem[:-1] if stem[-2:] in _DOUBLED else stem


_DOUBLED = ("bb", "dd", "gg", "mm", "nn", "pp", "rr", "tt")

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
    why = _why_not(fit, declared, asked, has_text=has_text)
    code = _CODES[fit.outcome]
    fields = {"title": paper.title, "declared": declared, "asked": asked, "why": why}
    if not (declared and asked):
        fields["declared"] = "the one quoted here"  # no text of a paper stands in a notice
    return notice(code, fields, paper_id=paper.paper_id)


def _why_not(fit: Fit, declared: str, asked: str, *, has_text: bool) -> str:
    if not has_text:
        return "none of its listed sources has text here"
    if fit.evidence is None:
        return "its texts declare no task"
    if not fit.asked:
        known = f" (its declared task is {declared})" if declared else ""
        return f"the question names no task that ragqa knows{known}"
    if not fit.declared:
        return "its declared task is none that ragqa knows by name"
    return f"its declared task is {declared}, and {asked} is too near to it to be told apart"
