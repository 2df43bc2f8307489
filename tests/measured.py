"""Questions, responses and rows in a line each, for the tests of measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ragqa.evaluate.measures import parse_measures, score
from ragqa.evaluate.records import (
    Dataset,
    Evidence,
    GoldQuestion,
    Hit,
    Place,
    Quoted,
    Response,
    Row,
    Said,
    Scores,
    Timing,
    Total,
    View,
)

Span = tuple[str, int | None, int | None]


def gold(paper: str, start: int | None, end: int | None, annotator: int = 0) -> Evidence:
    return Evidence(paper_id=paper, text="...", start=start, end=end, annotator=annotator)


def question(key: str, **fields: Any) -> GoldQuestion:
    place = Place(file="questions.jsonl", line=1)
    return GoldQuestion(question_id=key, text=f"What about {key}?", place=place, **fields)


def dataset(*questions: GoldQuestion) -> Dataset:
    return Dataset(name="sample", format="test", sha256="0" * 64, questions=questions)


def hits(*spans: Span | str) -> tuple[Hit, ...]:
    """Return hits, best first: ``(paper, start, end)``, or a paper for one without a span."""
    placed = [(span, None, None) if isinstance(span, str) else span for span in spans]
    return tuple(
        Hit(paper_id=paper, start=start, end=end, score=1.0 / rank)
        for rank, (paper, start, end) in enumerate(placed, 1)
    )


def cite(paper: str, start: int | None, end: int | None, verbatim: bool | None = True) -> Quoted:
    return Quoted(paper_id=paper, quote="...", start=start, end=end, verbatim=verbatim)


def said(text: str, *citations: Quoted) -> Said:
    return Said(text=text, citations=citations)


def retrieved(*spans: Span | str, **fields: Any) -> Response:
    """Return what a system that only retrieves gives."""
    return Response(hits=hits(*spans), **fields)


def answered(*statements: Said | str, confidence: float | None = 0.9, **fields: Any) -> Response:
    texts = [said(each) if isinstance(each, str) else each for each in statements]
    return Response(
        statements=tuple(texts), abstained=False, confidence=confidence, **{"hits": (), **fields}
    )


def abstained(confidence: float | None = 0.1, **fields: Any) -> Response:
    return Response(statements=(), abstained=True, confidence=confidence, **{"hits": (), **fields})


def row(key: str, response: Response | None, view: View = "as-is") -> Row:
    error = None if response is not None else "it broke"
    return Row(question_id=key, view=view, response=response, error=error)


def judge(
    names: Sequence[str],
    questions: Sequence[GoldQuestion],
    responses: Mapping[str, Response | None],
    removed: Mapping[str, Response | None] | None = None,
    timing: Timing | None = None,
) -> Scores:
    """Score responses by question id, those of the gold-removed view apart."""
    rows = [row(key, response) for key, response in responses.items()]
    rows += [row(key, response, "gold-removed") for key, response in (removed or {}).items()]
    return score(parse_measures(names), dataset(*questions), rows, timing)


def one(name: str, asked: GoldQuestion, response: Response | None) -> float | None:
    """Score one question by one measure."""
    return judge([name], [asked], {asked.question_id: response}).totals[name].value


def total(value: float | None, count: int, failed: int = 0, left_out: int = 0) -> Total:
    return Total(value=value, count=count, failed=failed, left_out=left_out)
