"""Small evaluations made by hand: a dataset, systems that did well and badly on it, their runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ragqa.evaluate.measures import default_measures, score, with_company
from ragqa.evaluate.records import (
    Dataset,
    DatasetProblem,
    Evidence,
    GoldPaper,
    GoldQuestion,
    Hit,
    Place,
    Quoted,
    Response,
    Row,
    Run,
    Said,
    Scores,
    Timing,
    Total,
)

__all__ = ["ABOUT", "dataset_of", "hand_run", "run_of", "timing_of"]

ABOUT = {"options": {"depth": 12}, "system": {"name": "x", "about": {"k": 12}}, "ragqa": "0"}
WORDS = "The network was trained on frames of the city at night and then on frames by day."


def dataset_of(count: int, text: str = "plain", *, problems: int = 2) -> Dataset:
    """Return a dataset whose every fifth question is unanswerable, with a text put everywhere."""
    papers = tuple(
        GoldPaper(paper_id=f"{text} p{n}", title=text, text=f"{text} {n}. {WORDS}")
        for n in range(count)
    )
    return Dataset(
        name=text,
        format="beir",
        sha256="0123456789abcdef" * 4,
        questions=tuple(_question(n, papers[n], text) for n in range(count)),
        papers=papers,
        problems=tuple(
            DatasetProblem(place=Place(file=text, line=n + 1), text=text, effect="noted")
            for n in range(problems)
        ),
    )


def _question(n: int, paper: GoldPaper, text: str) -> GoldQuestion:
    start = len(paper.text) - len(WORDS)
    end = start + len("The network was trained")
    item = Evidence(
        paper_id=paper.paper_id, text=paper.text[start:end], start=start, end=end, annotator=0
    )
    if n % 5 == 4:
        return GoldQuestion(
            question_id=f"{text} q{n}", text=text, place=Place(file=text, line=n + 1),
            answerable=False,
        )  # fmt: skip
    return GoldQuestion(
        question_id=f"{text} q{n}",
        text=text,
        place=Place(file=text, line=n + 1),
        answers=(text, "trained on frames"),
        evidence=(item,),
        relevant={paper.paper_id: 1},
        choices=(text,),
    )


def response_of(dataset: Dataset, n: int, *, rank: int, depth: int = 7) -> Response:
    """Return a response that has the right paper at a rank, from 0, or not at all."""
    papers = list(dataset.papers)
    right = papers.pop(n)
    ranked = [*papers[:rank], right, *papers[rank:]][:depth] if rank < depth else papers[:depth]
    hits = tuple(
        Hit(paper_id=p.paper_id, score=1 / k, start=0, end=len(p.text), text=p.text)
        for k, p in enumerate(ranked, 1)
    )
    quote = ranked[0].text[-len(WORDS) :]
    start = len(ranked[0].text) - len(WORDS)
    cited = Quoted(
        paper_id=ranked[0].paper_id, quote=quote, start=start, end=start + len(quote), verbatim=True
    )
    return Response(
        hits=hits,
        statements=(Said(text=ranked[0].text, citations=(cited,)),),
        abstained=False,
        confidence=round(1 / (1 + rank + n % 3), 3),
    )


def run_of(
    dataset: Dataset,
    system: str = "one",
    *,
    ranks: Sequence[int | None] = (0, 1, 9),
    timing: Timing | None = None,
    error: str = "ParseError: broken",
    about: Mapping[str, object] | None = None,
    scores: Scores | None = None,
) -> Run:
    """Return a run whose right papers stand at these ranks, over and over; None is a failure."""
    rows = []
    for n, question in enumerate(dataset.questions):
        rank = ranks[n % len(ranks)]
        key = question.question_id
        if rank is None:
            rows.append(Row(question_id=key, error=error))
        else:
            rows.append(Row(question_id=key, response=response_of(dataset, n, rank=rank)))
    # Those of a dataset of words, whatever is in this one: tables are then of one shape.
    measures = with_company(default_measures(dataset_of(5), remove_gold=False))
    told = {
        **(ABOUT if about is None else about),
        "dataset": {"name": dataset.name, "sha256": dataset.sha256},
        "measures": [
            {"name": each.name, "higher_is_better": each.higher_is_better} for each in measures
        ],
    }
    if scores is None:
        scores = score(measures, dataset, rows, timing)
    return Run(system=system, about=told, rows=tuple(rows), scores=scores, timing=timing)


def timing_of(dataset: Dataset, seconds: float = 0.02) -> Timing:
    """Return a timing that grows from question to question."""
    taken = tuple(seconds * (1 + n) for n in range(len(dataset.questions)))
    return Timing(
        seconds=taken, prepare_seconds=1.5, total_seconds=sum(taken), peak_memory=250_000_000
    )


def hand_run(dataset: Dataset, system: str, totals: Mapping[str, Total]) -> Run:
    """Return a run of given totals, whose rows do not matter."""
    rows = run_of(dataset).rows
    ids = tuple(question.question_id for question in dataset.questions)
    scores = Scores(question_ids=ids, per_question={}, totals=totals)
    return replace(run_of(dataset, system), rows=rows, scores=scores)
