"""Measures of the papers that a system retrieves: ir-measures on papers ranked by their best hit.

In: questions with graded papers, and hits. Out: a value for each question. Invariants: questions
and papers are numbered before they are handed on, and the scores are ranks, so that neither ids
nor ties can matter.
"""

from __future__ import annotations

from collections.abc import Sequence

from ragqa.evaluate.measures.family import Case, Family, Measure
from ragqa.evaluate.records import GoldQuestion, Hit

__all__ = ["RETRIEVAL", "papers_in_order"]

_TREC = "trec_eval, through ir-measures (MacAvaney, Macdonald & Ounis, ECIR 2022) and pytrec_eval"
_SHARED = (
    "Papers are ranked by their best hit, so a system gains nothing by returning many chunks of "
    "one paper. It judges answerable as-is questions for which the dataset names relevant "
    "papers; all others are left out, and one for which nothing was retrieved counts 0. It sees "
    "papers only: "
    "the right paper with the wrong chunk counts in full, so read it beside EvidenceHit@k."
)


def papers_in_order(hits: Sequence[Hit]) -> list[str]:
    """Rank papers by their best hit.

    :param hits: Hits, best first.
    :return: Each paper once, best first.
    """
    return list(dict.fromkeys(hit.paper_id for hit in hits))


def _judges(question: GoldQuestion) -> bool:
    return question.answerable and any(grade > 0 for grade in question.relevant.values())


def _values(cases: Sequence[Case], measure: Measure) -> list[float | None]:
    if not cases:
        return []
    import ir_measures

    qrels: dict[str, dict[str, int]] = {}
    run: dict[str, dict[str, float]] = {}
    for number, (question, response) in enumerate(cases):
        ranked = papers_in_order(response.hits or ())
        names = {paper: str(n) for n, paper in enumerate((*ranked, *sorted(question.relevant)))}
        qrels[str(number)] = {
            names[paper]: grade for paper, grade in question.relevant.items() if grade > 0
        }
        run[str(number)] = {
            names[paper]: float(len(ranked) - rank) for rank, paper in enumerate(ranked)
        }
    found = ir_measures.iter_calc([ir_measures.parse_measure(measure.name)], qrels, run)
    by_number = {metric.query_id: float(metric.value) for metric in found}
    return [by_number.get(str(number), 0.0) for number in range(len(cases))]


RETRIEVAL = (
    Family(
        base="nDCG",
        title="normalised discounted cumulative gain",
        group="retrieval",
        formula="sum over ranks i <= k of grade(i) / log2(i + 1), over the same sum of the best "
        "possible ranking",
        source=f"Järvelin & Kekäläinen, ACM TOIS 20(4), 2002; as in {_TREC}",
        description="How much of the relevance that a perfect ranking would show early is shown "
        "early: a relevant paper at rank 1 counts most, one at rank 10 a third of it, and grades "
        "count in proportion. The measure that most retrieval papers report. " + _SHARED,
        needs="hits",
        cutoffs="optional",
        example=10,
        judges=_judges,
        values=_values,
    ),
    Family(
        base="R",
        title="recall of relevant papers",
        group="retrieval",
        formula="relevant papers among the first k / relevant papers",
        source=_TREC,
        description="The share of the relevant papers that are among the first k papers. It does "
        "not care where among them, and grows with k: compare at one k only. Where a question has "
        "more than k relevant papers, 1 cannot be reached. " + _SHARED,
        needs="hits",
        cutoffs="needed",
        example=20,
        judges=_judges,
        values=_values,
    ),
    Family(
        base="RR",
        title="reciprocal rank",
        group="retrieval",
        formula="1 / rank of the first relevant paper; 0 where none is found (in the first k)",
        source=f"Kantor & Voorhees, Information Retrieval 2, 2000; as in {_TREC}",
        description="How far down the first relevant paper stands: 1 at the top, a half at rank "
        "2. It ignores every other relevant paper, and between ranks 1 and 2 lies as much as "
        "between 2 and the end. Without a cutoff it depends on the depth of the retrieval. "
        + _SHARED,
        needs="hits",
        cutoffs="optional",
        judges=_judges,
        values=_values,
    ),
    Family(
        base="AP",
        title="average precision",
        group="retrieval",
        formula="mean over relevant papers of the precision at their rank; 0 for one not found",
        source=f"Harman, TREC-1, 1992; as in {_TREC}",
        description="The area under the precision-recall curve of a question; its mean over "
        "questions is MAP. It rewards finding all relevant papers, early; grades do not count. "
        + _SHARED,
        needs="hits",
        cutoffs="optional",
        judges=_judges,
        values=_values,
    ),
    Family(
        base="P",
        title="precision of retrieved papers",
        group="retrieval",
        formula="relevant papers among the first k / k",
        source=_TREC,
        description="The share of the first k papers that are relevant. Where a question has "
        "fewer than k relevant papers, 1 cannot be reached, so it says little on datasets with "
        "one or two relevant papers a question. " + _SHARED,
        needs="hits",
        cutoffs="needed",
        example=5,
        judges=_judges,
        values=_values,
    ),
    Family(
        base="Success",
        title="a relevant paper among the first",
        group="retrieval",
        formula="1 if one of the first k papers is relevant, else 0",
        source=_TREC,
        description="The share of questions with at least one relevant paper among the first k. "
        + _SHARED,
        needs="hits",
        cutoffs="needed",
        example=5,
        judges=_judges,
        values=_values,
    ),
)
"""nDCG, R, RR, AP, P, Success."""
