"""Names of measures -> measures: as asked for, as a dataset allows, and in fair company.

In: names, or a dataset. Out: `Measure`s. Invariant: a measure's name, parsed again, gives the same
measure.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from ragqa.errors import EvaluationError
from ragqa.evaluate.measures.abstention import ABSTENTION, ANSWERED_RATE
from ragqa.evaluate.measures.answers import ANSWERS, CORRECT, can_judge
from ragqa.evaluate.measures.citations import CITATIONS, COVERAGE
from ragqa.evaluate.measures.cost import COST
from ragqa.evaluate.measures.evidence import EVIDENCE
from ragqa.evaluate.measures.family import MAX_CUTOFF, Family, Measure
from ragqa.evaluate.measures.retrieval import RETRIEVAL
from ragqa.evaluate.records import Dataset, GoldQuestion

__all__ = [
    "FAMILIES",
    "all_measures",
    "check_depth",
    "default_measures",
    "family_of",
    "judges_removed",
    "parse_measures",
    "with_company",
]

FAMILIES = {
    family.base: family
    for family in (*RETRIEVAL, *EVIDENCE, *ANSWERS, *CITATIONS, *ABSTENTION, *COST)
}
"""Every family, by its name, in the order of tables."""

_COMPANY = (CORRECT, COVERAGE, ANSWERED_RATE)
_DEFAULT_RETRIEVAL = ("nDCG@10", "R@20", "RR", "AP")
_DEFAULT_EVIDENCE = ("EvidenceHit@5", "EvidenceR@20")
_DEFAULT_ANSWER_HITS = ("AnswerHit@1", "AnswerHit@3")
_CUTOFF = re.compile("[1-9][0-9]{0,3}")
_LIKENESS = 0.5  # of names, by difflib; below it a suggestion only misleads
_SUGGESTIONS = 2
_ELSEWHERE = {
    "f1": "TokenF1",
    "hit": "EvidenceHit",
    "hitrate": "Success",
    "latency": "LatencyP50",
    "map": "AP",
    "mrr": "RR",
    "precision": "P",
    "recall": "R",
}  # what others call them, folded


def family_of(measure: Measure) -> Family:
    """Return the family that a measure is of.

    :param measure: The measure.
    :return: The family.
    """
    return FAMILIES[measure.base]


def judges_removed(name: str) -> bool:
    """Say whether a measure judges an answerable question by its gold-removed row.

    :param name: The measure's name; an unknown one judges rows as they are.
    :return: True for measures of what should not be answered.
    """
    family = FAMILIES.get(name.partition("@")[0])
    return family is not None and family.asked == "unanswerable"


def all_measures() -> tuple[Measure, ...]:
    """Return a measure of each family, with its usual cutoff.

    :return: The measures, in the order of tables.
    """
    return tuple(family.measure(family.example) for family in FAMILIES.values())


def parse_measures(names: Sequence[str]) -> tuple[Measure, ...]:
    """Read the names of measures.

    :param names: Names, such as ``nDCG@10``, ``RR`` and ``CitationF1``.
    :return: The measures, each once, in the order given.
    :raises EvaluationError: Names are wrong; all of them are in the message.
    """
    read = [_parse(name) for name in dict.fromkeys(names)]
    wrong = [each for each in read if isinstance(each, str)]
    if wrong:
        known = ", ".join(family.usual for family in FAMILIES.values())
        raise EvaluationError(
            f"{len(wrong)} measure(s) cannot be read",
            item="; ".join(wrong),
            hint=f"Measures are: {known}",
        )
    return tuple(each for each in read if isinstance(each, Measure))


def _parse(name: str) -> Measure | str:
    """Return the measure, or what is wrong with its name."""
    base, at, cutoff = name.partition("@")
    family = FAMILIES.get(base)
    if family is None:
        return f"{name!r}: unknown{_nearest(base, at + cutoff)}"
    if not at:
        needed = family.cutoffs == "needed"
        return f"{name!r}: it needs a cutoff, as {family.usual}" if needed else family.measure()
    if family.cutoffs == "none":
        return f"{name!r}: it has no cutoff, use {base}"
    if not _CUTOFF.fullmatch(cutoff) or int(cutoff) > MAX_CUTOFF:
        return f"{name!r}: a cutoff is a whole number from 1 to {MAX_CUTOFF}"
    return family.measure(int(cutoff))


def _nearest(base: str, cutoff: str) -> str:
    folded = {known.casefold(): known for known in FAMILIES}
    close = difflib.get_close_matches(base.casefold(), folded, n=_SUGGESTIONS, cutoff=_LIKENESS)
    elsewhere = _ELSEWHERE.get(base.casefold())
    near = [elsewhere] if elsewhere else [folded[match] for match in close]
    takes = bool(_CUTOFF.fullmatch(cutoff[1:]))
    names = [
        known + cutoff if takes and FAMILIES[known].cutoffs != "none" else FAMILIES[known].usual
        for known in near
    ]
    return f", did you mean {' or '.join(names)}?" if names else ""


def check_depth(measures: Iterable[Measure], depth: int) -> None:
    """Refuse measures that look at more hits than are retrieved: R@20 of 5 hits is R@5.

    :param measures: The measures.
    :param depth: How many chunks are retrieved for each question.
    :raises EvaluationError: Some look deeper; all of them are in the message.
    """
    deeper = [each for each in measures if _sees_hits(each) and (each.cutoff or 0) > depth]
    if deeper:
        raise EvaluationError(
            f"measures look at more hits than the {depth} that are retrieved",
            item=", ".join(each.name for each in deeper),
            hint=f"Retrieve as deep as they look: --depth {max(e.cutoff or 0 for e in deeper)}",
        )


def _sees_hits(measure: Measure) -> bool:
    return family_of(measure).needs == "hits"


def default_measures(
    dataset: Dataset, *, remove_gold: bool, depth: int = MAX_CUTOFF
) -> tuple[Measure, ...]:
    """Choose the measures that a dataset's gold allows.

    :param dataset: The dataset.
    :param remove_gold: Whether questions are asked again without their gold papers.
    :param depth: How many chunks are retrieved for each question: the largest cutoff of hits.
    :return: The measures, in the order of tables.
    """
    questions = dataset.questions
    some = {base for base, family in FAMILIES.items() if any(map(family.judges, questions))}
    names: list[str] = []
    if any(map(_ranks_papers, questions)):
        names += _DEFAULT_RETRIEVAL
    if "EvidenceHit" in some:
        names += _DEFAULT_EVIDENCE
    names += [CORRECT.base] if any(map(can_judge, questions)) else []
    names += _DEFAULT_ANSWER_HITS if "AnswerHit" in some else []
    names += _allowed(ANSWERS, some - {CORRECT.base, "AnswerHit"})
    names += _allowed(CITATIONS, some)
    names += _decisions(questions, remove_gold=remove_gold)
    names += _allowed(COST, set(FAMILIES))
    return tuple(_within(measure, depth) for measure in parse_measures(names))


def _within(measure: Measure, depth: int) -> Measure:
    if measure.cutoff is None or measure.cutoff <= depth or not _sees_hits(measure):
        return measure
    return family_of(measure).measure(depth)


def _ranks_papers(question: GoldQuestion) -> bool:
    """Say whether ranking papers can go wrong: not where one paper is asked."""
    return question.answerable and bool(question.relevant) and len(question.paper_ids) != 1


def _allowed(families: Iterable[Family], allowed: set[str]) -> list[str]:
    return [family.base for family in families if family.base in allowed]


def _decisions(questions: Sequence[GoldQuestion], *, remove_gold: bool) -> list[str]:
    answerable = any(question.answerable for question in questions)
    unanswerable = any(
        not question.answerable or (remove_gold and question.gold_papers) for question in questions
    )
    names = [ANSWERED_RATE.base] if answerable else []
    if unanswerable:
        names += ["FalseAnswerRate", "AbstainP", "AbstainR"]
    if unanswerable and answerable:
        names += ["AUROC", "AURC"]
    return names


def with_company(measures: Sequence[Measure]) -> tuple[Measure, ...]:
    """Add correctness and coverage where a citation measure is asked for.

    Copying the chunk ranked first scores well on citations, so they are never shown alone.

    :param measures: The measures asked for.
    :return: The same, followed by those of Correct, CitationCoverage and AnsweredRate that are
        missing, if any of them is about citations.
    """
    if all(measure.group != "citation" for measure in measures):
        return tuple(measures)
    there = {measure.name for measure in measures}
    missing = [family.measure() for family in _COMPANY if family.base not in there]
    return (*measures, *missing)
