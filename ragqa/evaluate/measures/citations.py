"""Measures of citations: whether they point at gold evidence, word for word.

In: questions with evidence, and statements with their citations. Out: a value for each question.
Invariant: precision, recall and F1 of a question are those of one and the same annotator.
"""

from __future__ import annotations

from dataclasses import replace

from ragqa.evaluate.measures.bench import shown
from ragqa.evaluate.measures.evidence import by_annotator, found_by, has_evidence, overlaps_any
from ragqa.evaluate.measures.family import Family, Measure, each
from ragqa.evaluate.records import GoldQuestion, Quoted, Response

__all__ = ["CITATIONS", "COVERAGE"]

_SOURCE = (
    "evidence F1 of QASPER (Dasigi et al., NAACL 2021); named as in ALCE (Gao et al., EMNLP 2023)"
)
_SHARED = (
    "Gold spans decide, where ALCE asks a language inference model whether a citation supports "
    "its statement: this one is deterministic and needs no model, but a citation of a good place "
    "that no annotator chose counts as wrong, and the words of the statement are not looked at. "
    "Of several annotators the one with the best F1 counts. The same span cited twice counts "
    "once, and one whose words do not stand where it says points nowhere. Copying the chunk ranked "
    "first scores well here, so it is never shown without correctness and coverage. An answerable "
    "question on which the system abstained or cited nothing counts 0; unanswerable questions and "
    "those without gold evidence are left out, and evidence that could not be located stays in as "
    "not found."
)


def _distinct(response: Response) -> list[Quoted]:
    cited = [citation for statement in shown(response) for citation in statement.citations]
    return list({_span(each): each for each in cited}.values())


def _span(cited: Quoted) -> tuple[object, ...]:
    """Return what tells a cited span from others: its words, where it does not say its place."""
    words = cited.quote if cited.start is None or cited.end is None else None
    return cited.paper_id, cited.document, cited.start, cited.end, words


def _best(question: GoldQuestion, response: Response) -> tuple[float, float, float]:
    """Return F1, precision and recall against the annotator with the best F1."""
    cited = _distinct(response)
    if not cited:
        return 0.0, 0.0, 0.0
    found = []
    for evidence in by_annotator(question):
        precision = sum(overlaps_any(citation, evidence) for citation in cited) / len(cited)
        recall = found_by(cited, evidence)
        total = precision + recall
        found.append((2 * precision * recall / total if total else 0.0, precision, recall))
    return max(found)


def _f1(question: GoldQuestion, response: Response, measure: Measure) -> float:
    return _best(question, response)[0]


def _precision(question: GoldQuestion, response: Response, measure: Measure) -> float:
    return _best(question, response)[1]


def _recall(question: GoldQuestion, response: Response, measure: Measure) -> float:
    return _best(question, response)[2]


def _verbatim(question: GoldQuestion, response: Response, measure: Measure) -> float | None:
    cited = [citation for statement in shown(response) for citation in statement.citations]
    return sum(each.verbatim is True for each in cited) / len(cited) if cited else None


def _coverage(question: GoldQuestion, response: Response, measure: Measure) -> float | None:
    statements = shown(response)
    if not statements:
        return None
    return sum(bool(statement.citations) for statement in statements) / len(statements)


_PRECISION = Family(
    base="CitationP",
    title="citation precision",
    group="citation",
    formula="cited spans that overlap gold evidence / cited spans",
    source=_SOURCE,
    description="The share of an answer's cited spans that overlap gold evidence. One citation, "
    "if right, is enough for 1: recall belongs beside it. " + _SHARED,
    needs="statements",
    judges=has_evidence,
    values=each(_precision),
)

COVERAGE = Family(
    base="CitationCoverage",
    title="statements with a citation",
    group="citation",
    formula="statements with at least one citation / statements",
    source="ragqa; the share of cited statements of ALCE (Gao et al., EMNLP 2023), without the "
    "judgement whether they are supported",
    description="The share of an answer's statements that cite something, whatever it is: any "
    "citation covers. It needs no gold, so every as-is question with an answer is judged; one "
    "without statements is left out, which AnsweredRate tells.",
    needs="statements",
    values=each(_coverage),
)
"""The other measure that citation measures are never shown without."""

CITATIONS = (
    _PRECISION,
    replace(
        _PRECISION,
        base="CitationR",
        title="citation recall",
        formula="gold spans that a citation overlaps / gold spans",
        description="The share of the gold evidence that an answer cites. Citing more never hurts "
        "it, unless another annotator becomes the best one: precision belongs beside it. "
        + _SHARED,
        values=each(_recall),
    ),
    replace(
        _PRECISION,
        base="CitationF1",
        title="citation F1",
        formula="max over annotators of 2 PR / (P + R), of CitationP and CitationR",
        description="The harmonic mean of citation precision and recall. " + _SHARED,
        values=each(_f1),
    ),
    Family(
        base="QuoteAccuracy",
        title="quotes that are verbatim",
        group="citation",
        formula="citations whose quote was found, character for character, where they say / "
        "citations",
        source="ragqa",
        description="The share of an answer's citations whose words the harness itself found at "
        "the stated place of the paper's text and, for a PDF, on the stated page. A citation that "
        "could not be checked counts as wrong. It says nothing about whether a quote is to the "
        "point; a system that quotes nothing but titles has 1. It needs no gold, so every as-is "
        "question with citations is judged, unanswerable ones too; one without citations is left "
        "out, which CitationCoverage and AnsweredRate tell.",
        needs="statements",
        values=each(_verbatim),
    ),
    COVERAGE,
)
"""CitationP, CitationR, CitationF1, QuoteAccuracy, CitationCoverage."""
