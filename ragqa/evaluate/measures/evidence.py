"""Measures of the chunks that a system retrieves: whether they hold the gold evidence.

In: questions with evidence, and hits. Out: a value for each question. Invariants: evidence that was
not located cannot be found and stays in the denominator; a hit without a span finds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ragqa.evaluate.measures.family import Family, Measure, each
from ragqa.evaluate.records import Evidence, GoldQuestion, Hit, Quoted, Response

__all__ = ["EVIDENCE", "by_annotator", "found_by", "has_evidence", "overlaps_any"]

_SHARED = (
    "It judges as-is questions that are answerable and have gold evidence; all others are left "
    "out. Evidence that could not be located in its paper's text counts as not found: it stays "
    "in the mean, and the dataset's problems name it. A single shared character is an overlap, so "
    "huge chunks find everything: compare systems with chunks of like size, and read the answer "
    "measures beside it."
)


def has_evidence(question: GoldQuestion) -> bool:
    """Say whether a question can be judged by spans.

    :param question: The question.
    :return: True for an answerable question with gold evidence, located or not.
    """
    return question.answerable and bool(question.evidence)


def by_annotator(question: GoldQuestion) -> list[tuple[Evidence, ...]]:
    """Return the gold evidence of each annotator, each span once.

    :param question: The question.
    :return: One tuple for each annotator.
    """
    chosen: dict[int, dict[Evidence, None]] = {}
    for item in question.evidence:
        chosen.setdefault(item.annotator, {})[item] = None
    return [tuple(items) for items in chosen.values()]


def overlaps_any(span: Hit | Quoted, evidence: Iterable[Evidence]) -> bool:
    """Say whether a hit or a citation shares a character with some evidence.

    :param span: The hit or citation.
    :param evidence: The evidence.
    :return: False also where the span was not located, or where the words that a citation claims
        to quote were looked for and do not stand there.
    """
    if isinstance(span, Quoted) and span.verbatim is False:
        return False
    return any(
        item.overlaps(span.paper_id, span.document, span.start, span.end) for item in evidence
    )


def found_by(spans: Sequence[Hit] | Sequence[Quoted], evidence: Sequence[Evidence]) -> float:
    """Return the share of evidence that some span overlaps.

    :param spans: Hits or citations.
    :param evidence: Evidence of one annotator; never none.
    :return: A share in [0, 1].
    """
    return sum(any(overlaps_any(span, (item,)) for span in spans) for item in evidence) / len(
        evidence
    )


def _hit(question: GoldQuestion, response: Response, measure: Measure) -> float:
    hits = (response.hits or ())[: measure.cutoff]
    return float(any(overlaps_any(hit, question.evidence) for hit in hits))


def _recall(question: GoldQuestion, response: Response, measure: Measure) -> float:
    hits = (response.hits or ())[: measure.cutoff]
    return max(found_by(hits, evidence) for evidence in by_annotator(question))


EVIDENCE = (
    Family(
        base="EvidenceHit",
        title="a chunk with gold evidence among the first",
        group="evidence",
        formula="1 if one of the first k hits overlaps gold evidence, else 0",
        source="answer recall at k (Karpukhin et al., EMNLP 2020), with spans for strings",
        description="The share of questions for which at least one of the first k chunks holds "
        "gold evidence of any annotator: what a reader that sees k chunks could answer at best. "
        + _SHARED,
        needs="hits",
        cutoffs="needed",
        example=5,
        judges=has_evidence,
        values=each(_hit),
    ),
    Family(
        base="EvidenceR",
        title="recall of gold evidence",
        group="evidence",
        formula="max over annotators of (gold spans that the first k hits overlap / gold spans)",
        source="evidence selection of QASPER (Dasigi et al., NAACL 2021), at a cutoff",
        description="The share of the gold evidence that the first k chunks hold, for the "
        "annotator who suits the system best. Unlike EvidenceHit@k it asks for all of the "
        "evidence, and so matters for questions whose answer is spread over a paper. " + _SHARED,
        needs="hits",
        cutoffs="needed",
        example=20,
        judges=has_evidence,
        values=each(_recall),
    ),
)
"""EvidenceHit, EvidenceR."""
