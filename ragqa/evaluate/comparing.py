"""Two runs of one dataset, question by question: is the second better, and where.

In: two runs. Out: a `Comparison` for each measure, and the questions that changed. Pairs are the
questions that both runs were judged on. The interval is the percentile interval of the paired
bootstrap (Efron and Tibshirani 1993, chapter 13): unlike BCa it is defined where all differences
are equal, and for the mean of bounded values they hardly differ. The test flips the signs of the
differences at random (Smucker, Allan and Carterette 2007), and tries all flips where that is
fewer. Seeds are fixed: the same runs give the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ragqa.errors import EvaluationError
from ragqa.evaluate.coding import rounded
from ragqa.evaluate.measures import judges_removed, papers_in_order
from ragqa.evaluate.records import Comparison, Response, Row, Run

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Change", "Found", "comparable", "compare", "interval", "p_value", "question_diff"]

RESAMPLES = 9_999  # of bootstrap and test; the smallest p-value is then 0.0002, two-sided
CONFIDENCE = 0.95
_SEED = 20_261_123
_BATCH = 1_000  # resamples at a time: 6.5 MB for 809 questions
_TIE = 1e-9  # values are rounded to six decimals; what is nearer is equal


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one run gave for a question.

    :ivar value: The measure's value.
    :ivar first_paper: The paper of the first hit; None where there is none.
    :ivar first_text: The words of the first hit.
    :ivar gold_ranks: For each gold paper that was found, its rank among the papers, from 1.
    :ivar abstained: Whether it declined to answer; None where it only retrieves, or failed.
    :ivar error: Why it failed; None where it did not.
    """

    value: float
    first_paper: str | None = None
    first_text: str = ""
    gold_ranks: Mapping[str, int]
    abstained: bool | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A question on which two runs differ.

    :ivar question_id: The question.
    :ivar difference: The second's value minus the first's.
    :ivar won: Whether the second is the better one.
    :ivar first: What the first gave.
    :ivar second: What the second gave.
    :ivar why: What differs beside the value, in words.
    """

    question_id: str
    difference: float
    won: bool
    first: Found
    second: Found
    why: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def comparable(first: Run, second: Run) -> tuple[str, ...]:
    """Return the measures that both runs have a value of for single questions.

    :param first: One run.
    :param second: The other.
    :return: Their names, in the first run's order.
    """
    names = first.scores.totals if first.scores.totals else first.scores.per_question
    both = first.scores.per_question.keys() & second.scores.per_question.keys()
    return tuple(name for name in names if name in both)


def compare(
    first: Run, second: Run, measures: Sequence[str] | None = None
) -> tuple[Comparison, ...]:
    """Compare two runs of one dataset.

    :param first: The run to compare with.
    :param second: The run that is won or lost.
    :param measures: Names of measures; all that both have for single questions if None.
    :return: A comparison for each measure that any question was judged by in both runs.
    :raises EvaluationError: They are of different datasets, or a measure is not in both.
    """
    chosen = _checked(first, second, measures)
    found = (_compared(first, second, name) for name in chosen)
    return tuple(each for each in found if each is not None)


def _checked(first: Run, second: Run, measures: Sequence[str] | None) -> tuple[str, ...]:
    one, other = (run.about["dataset"] for run in (first, second))
    if one["sha256"] != other["sha256"]:
        raise EvaluationError(
            "these are runs of different datasets, or of one that has changed in between",
            item=f"{one['name']} ({one['sha256'][:12]}), {other['name']} ({other['sha256'][:12]})",
            hint="Run `ragqa evaluate` again for both",
        )
    known = comparable(first, second)
    unknown = [name for name in measures or () if name not in known]
    if unknown:
        raise EvaluationError(
            "not a measure of single questions that both runs have",
            item=", ".join(unknown),
            hint=f"They have: {', '.join(known) or 'none'}",
        )
    return known if measures is None else tuple(measures)


def _pairs(first: Run, second: Run, measure: str) -> Iterator[tuple[str, float, float]]:
    """Yield the questions that both were judged on, with both values."""
    other = dict(zip(second.scores.question_ids, second.scores.per_question[measure], strict=True))
    mine = zip(first.scores.question_ids, first.scores.per_question[measure], strict=True)
    for question, value in mine:
        value_there = other.get(question)
        if value is not None and value_there is not None:
            yield question, value, value_there


def _higher_is_better(run: Run, measure: str) -> bool:
    for each in run.about["measures"]:
        if each["name"] == measure:
            return bool(each["higher_is_better"])
    return True


def _compared(first: Run, second: Run, measure: str) -> Comparison | None:
    import numpy as np

    pairs = list(_pairs(first, second, measure))
    if not pairs:
        return None
    sign = 1 if _higher_is_better(first, measure) else -1
    ids = [question for question, _, _ in pairs]
    one, other = (np.array([pair[place] for pair in pairs]) for place in (1, 2))
    differences = other - one
    differences[np.abs(differences) < _TIE] = 0
    low, high = interval(differences)
    return Comparison(
        measure=measure,
        first=rounded(float(one.mean())),
        second=rounded(float(other.mean())),
        difference=rounded(float(differences.mean())),
        low=rounded(low),
        high=rounded(high),
        p_value=rounded(p_value(differences)),
        won=tuple(ids[place] for place in np.flatnonzero(sign * differences > 0)),
        lost=tuple(ids[place] for place in np.flatnonzero(sign * differences < 0)),
        tied=int((differences == 0).sum()),
    )


def interval(differences: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % interval of a mean difference: paired bootstrap, percentile.

    :param differences: ``(n,)``, float64; n > 0.
    :return: Its ends; both are the mean where all differences are equal.
    """
    import numpy as np
    from scipy.stats import bootstrap

    if np.ptp(differences) < _TIE:
        return float(differences[0]), float(differences[0])
    found = bootstrap(
        (differences,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=_BATCH,
        vectorized=True,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(_SEED),
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def p_value(differences: NDArray[np.float64]) -> float:
    """Return the two-sided p-value of a paired randomisation test of a mean of zero.

    :param differences: ``(n,)``, float64.
    :return: The p-value; 1 where all differences are zero.
    """
    import numpy as np
    from scipy.stats import permutation_test

    changed = differences[differences != 0]  # a flipped zero is zero: fewer flips, same test
    if len(changed) < 2:
        return 1.0  # of one difference, either sign is as likely
    found = permutation_test(
        (changed,),
        np.sum,
        permutation_type="samples",
        n_resamples=RESAMPLES,
        batch=_BATCH,
        vectorized=True,
        rng=np.random.default_rng(_SEED),
    )
    return float(found.pvalue)


def question_diff(first: Run, second: Run, measure: str) -> tuple[Change, ...]:
    """Return the questions that two runs differ on, with what may explain it.

    :param first: The run to compare with.
    :param second: The run that is won or lost.
    :param measure: The measure's name.
    :return: The changed questions, the largest differences first, then in the dataset's order.
    :raises EvaluationError: They are of different datasets, or the measure is not in both.
    """
    _checked(first, second, [measure])
    gold = {each["question_id"]: each["gold_papers"] for each in first.about["questions"]}
    sign = 1 if _higher_is_better(first, measure) else -1
    rows = [_judged_rows(run, measure) for run in (first, second)]
    changes = []
    for question, one, other in _pairs(first, second, measure):
        difference = rounded(other - one)
        if difference:
            papers = gold[question]
            before = _found(rows[0].get(question), one, papers)
            after = _found(rows[1].get(question), other, papers)
            changes.append(
                Change(
                    question_id=question,
                    difference=difference,
                    won=sign * difference > 0,
                    first=before,
                    second=after,
                    why="; ".join(_reasons(before, after)) or "the same papers first",
                )
            )
    return tuple(sorted(changes, key=lambda change: -abs(change.difference)))


def _judged_rows(run: Run, measure: str) -> dict[str, Row]:
    """Return the row of each question that a measure judges, as far as it judges single ones."""
    rows = {row.question_id: row for row in run.rows if row.view == "as-is"}
    if judges_removed(measure):
        rows.update((row.question_id, row) for row in run.rows if row.view == "gold-removed")
    return rows


def _found(row: Row | None, value: float, gold: Sequence[str]) -> Found:
    response = row.response if row is not None and row.response is not None else Response()
    hits = response.hits or ()
    places = {paper: rank for rank, paper in enumerate(papers_in_order(hits), start=1)}
    return Found(
        value=value,
        first_paper=hits[0].paper_id if hits else None,
        first_text=hits[0].text if hits else "",
        gold_ranks={paper: places[paper] for paper in gold if paper in places},
        abstained=response.abstained,
        error=None if row is None else row.error,
    )


def _reasons(before: Found, after: Found) -> Iterator[str]:
    """Yield what differs between two results, what explains most first."""
    for found, name in ((before, "first"), (after, "second")):
        if found.error is not None:
            yield f"the {name} failed: {found.error}"
        if found.abstained:
            yield f"the {name} abstained"
    ranks = [min(found.gold_ranks.values(), default=None) for found in (before, after)]
    if ranks[0] != ranks[1]:
        one, other = ("not found" if rank is None else f"rank {rank}" for rank in ranks)
        yield f"best gold paper: {one}, then {other}"
    if before.first_paper != after.first_paper:
        yield f"first paper: {before.first_paper or 'none'}, then {after.first_paper or 'none'}"
