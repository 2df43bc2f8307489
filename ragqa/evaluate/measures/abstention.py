"""Measures of abstention: whether a system knows when its papers do not answer.

In: a run's rows of both views. Out: totals, values for each question, the risk-coverage curve.
Invariants: a failed row is never a right abstention and never makes a value better; rows of equal
confidence have no order among them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ragqa.evaluate.measures.answers import can_judge, is_right
from ragqa.evaluate.measures.bench import Bench, is_finite, lay_out
from ragqa.evaluate.measures.family import Family, Measure, each
from ragqa.evaluate.records import Dataset, GoldQuestion, Response, Row, Total

__all__ = ["ABSTENTION", "ANSWERED_RATE", "risk_coverage"]

_ROWS = (
    "Rows of both views count, so a question that is asked again without its gold papers counts "
    "twice."
)
_FIRST = 2  # sorts before a row that answered (1) and one that abstained (0)


def risk_coverage(dataset: Dataset, rows: Sequence[Row]) -> tuple[tuple[float, float], ...]:
    """Return the risk at each coverage that a threshold on the confidence can give.

    :param dataset: The questions.
    :param rows: A run's rows, of both views.
    :return: Coverage in (0, 1] and risk in [0, 1], by rising coverage; none for a system that gives
        no answers or no confidence, or where no row can be judged.
    :raises EvaluationError: The rows do not fit the dataset.
    """
    counts, wrong = _groups(lay_out(dataset, rows))
    covered, mistakes = np.cumsum(counts), np.cumsum(wrong)
    return tuple(
        (float(upto / covered[-1]), float(mistaken / upto))
        for upto, mistaken in zip(covered, mistakes, strict=True)
    )


def _groups(bench: Bench) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return rows and wrong rows of each group of equal confidence, the surest first."""
    groups: dict[tuple[int, float], list[bool]] = {}
    if {"statements", "confidence"} <= bench.gives:
        for question, answerable, row in _judgeable(bench):
            key, wrong = _place(question, answerable, row.response)
            groups.setdefault(key, []).append(wrong)
    ordered = [groups[key] for key in sorted(groups, reverse=True)]
    return (
        np.array([len(group) for group in ordered], dtype=np.int64),
        np.array([sum(group) for group in ordered], dtype=np.int64),
    )


def _judgeable(bench: Bench) -> list[tuple[GoldQuestion, bool, Row]]:
    return [case for case in bench.both() if not case[1] or can_judge(case[0])]


def _place(
    question: GoldQuestion, answerable: bool, response: Response | None
) -> tuple[tuple[int, float], bool]:
    """Return where a row stands in the order of confidence, and whether it is wrong."""
    if response is None or response.confidence is None or not is_finite(response.confidence):
        return (_FIRST, 0.0), True
    right = answerable and is_right(question, response.statements or ())
    return (int(not response.abstained), response.confidence), not right


def _aurc(bench: Bench) -> Total:
    rows = bench.both()
    counts, wrong = _groups(bench)
    count = int(counts.sum())
    if not count:
        return Total(value=None, count=0, left_out=len(rows))
    # Within a group the expected mistakes of a random order grow evenly.
    covered = np.arange(count + 1)
    ends = np.concatenate(([0], np.cumsum(counts)))
    mistakes = np.interp(covered, ends, np.concatenate(([0], np.cumsum(wrong))))
    return Total(
        value=float(np.mean(mistakes[1:] / covered[1:])),
        count=count,
        failed=sum(row.response is None for _, _, row in _judgeable(bench)),
        left_out=len(rows) - count,
    )


def _auroc(bench: Bench) -> Total:
    rows = bench.both()
    sure = [_confidence(row, worst=-np.inf) for _, answerable, row in rows if answerable]
    unsure = [_confidence(row, worst=np.inf) for _, answerable, row in rows if not answerable]
    if not sure or not unsure or "confidence" not in bench.gives:
        return Total(value=None, count=0, left_out=len(rows))
    ordered = np.sort(unsure)
    # A pair in the right order counts two, a tie one.
    pairs = np.searchsorted(ordered, sure, "left") + np.searchsorted(ordered, sure, "right")
    return Total(
        value=float(pairs.sum() / (2 * len(sure) * len(unsure))),
        count=len(rows),
        failed=sum(row.response is None for _, _, row in rows),
    )


def _confidence(row: Row, *, worst: float) -> float:
    confidence = None if row.response is None else row.response.confidence
    return worst if confidence is None or not is_finite(confidence) else confidence


def _abstain_precision(bench: Bench) -> Total:
    rows = bench.both()
    if "decision" not in bench.gives:
        return Total(value=None, count=0, left_out=len(rows))
    failed = sum(row.response is None for _, _, row in rows)
    right = [
        not answerable for _, answerable, row in rows if row.response and row.response.abstained
    ]
    count = len(right) + failed
    return Total(
        value=sum(right) / count if count else None,
        count=count,
        failed=failed,
        left_out=len(rows) - count,
    )


def _abstained(question: GoldQuestion, response: Response, measure: Measure) -> float:
    return float(response.abstained is True)


def _answered(question: GoldQuestion, response: Response, measure: Measure) -> float:
    return float(response.abstained is False)


ANSWERED_RATE = Family(
    base="AnsweredRate",
    title="answerable questions that were answered",
    group="abstention",
    formula="answerable questions answered / answerable questions, as-is",
    source="coverage of selective prediction (El-Yaniv & Wiener, JMLR 11, 2010)",
    description="The share of answerable as-is questions that the system answered at all, rightly "
    "or not. Without it, every measure that leaves abstentions out can be raised by answering "
    "only what is easy; a system that never abstains has 1. Unanswerable questions are left out.",
    needs="decision",
    asked="answerable",
    values=each(_answered),
)
"""The third measure that citation measures are never shown without."""

ABSTENTION = (
    ANSWERED_RATE,
    Family(
        base="FalseAnswerRate",
        title="unanswerable questions that were answered",
        group="abstention",
        formula="unanswerable rows answered / unanswerable rows",
        source="ragqa; false positive rate of the decision to answer",
        description="How often the system answers although the papers do not: unanswerable "
        "questions as they are, and answerable ones asked without their gold papers. Always "
        "abstaining makes it 0: AnsweredRate belongs beside it. Other papers may happen to answer "
        "a question whose gold papers are gone, so 0 is not always right. A question with no such "
        "row is left out.",
        needs="decision",
        default=1.0,
        higher_is_better=False,
        asked="unanswerable",
        values=each(_answered),
    ),
    Family(
        base="AbstainP",
        title="abstention precision",
        group="abstention",
        formula="unanswerable rows abstained on / (rows abstained on + failed rows)",
        source="NoAns precision, after SQuAD 2.0 (Rajpurkar, Jia & Liang, ACL 2018)",
        description="Of all abstentions at the system's own threshold, the share that was right. "
        + _ROWS
        + " It depends on how many rows of each kind a run has. Rows that were answered are left "
        "out; where there was no abstention it has no value. A single sure abstention makes it 1: "
        "AbstainR belongs beside it. A failed row is never a right abstention, so it counts here "
        "as a wrong one.",
        needs="decision",
        overall=_abstain_precision,
    ),
    Family(
        base="AbstainR",
        title="abstention recall",
        group="abstention",
        formula="unanswerable rows abstained on / unanswerable rows",
        source="NoAns recall, after SQuAD 2.0 (Rajpurkar, Jia & Liang, ACL 2018)",
        description="Of all rows that the papers do not answer, the share on which the system "
        "abstained: unanswerable questions as they are, and answerable ones asked without their "
        "gold papers. Always abstaining makes it 1: AbstainP and AnsweredRate belong beside it. A "
        "question with no such row is left out.",
        needs="decision",
        asked="unanswerable",
        values=each(_abstained),
    ),
    Family(
        base="AUROC",
        title="answerable told from unanswerable",
        group="abstention",
        formula="P(confidence of an answerable row > that of an unanswerable one) + P(equal) / 2",
        source="Hanley & McNeil, Radiology 143, 1982; Mann-Whitney U / (n m)",
        description="How well the confidence tells rows that the papers answer from rows that "
        "they do not, at any threshold: .5 is guessing. "
        + _ROWS
        + " It sees only the order of confidences, not whether they are probabilities, and not "
        "whether an answer is right. It works for systems that only retrieve. A failed row, or "
        "one without a confidence, counts as ordered wrongly against every row of the other kind. "
        "It has no value where only one kind of row was asked, or the system has no confidence.",
        needs="confidence",
        overall=_auroc,
    ),
    Family(
        base="AURC",
        title="area under the risk-coverage curve",
        group="abstention",
        formula="mean over n = 1..N of the share of wrong rows among the n surest",
        source="Geifman, Uziel & El-Yaniv, ICLR 2019",
        description="The risk of a wrong answer, averaged over every coverage from the surest row "
        "to all: low where mistakes come with low confidence. "
        + _ROWS
        + " Rows are ordered by confidence, those answered before those abstained on, as that is "
        "what the system's own threshold does; rows of equal confidence count as in random order. "
        "A row is right if it should be answered and its statements are right by the rule of "
        "Correct, whether or not the system abstained; an unanswerable row is wrong once it is "
        "covered, and so is a row without statements. The best possible value is therefore above "
        "0 and depends on the share of unanswerable rows: compare systems on the same rows only. "
        "A failed row, or one without a confidence, counts as wrong and surest of all. Answerable "
        "questions without gold for Correct are left out.",
        needs="confidence",
        default=1.0,
        higher_is_better=False,
        overall=_aurc,
    ),
)
"""AnsweredRate, FalseAnswerRate, AbstainP, AbstainR, AUROC, AURC."""
