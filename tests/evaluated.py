"""A small dataset and small systems for the harness: real classes, no models, no indexes.

Texts, ids, answers and labels are words that occur nowhere else, so that a leak shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ragqa._files import sha256_bytes
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
    Said,
)

__all__ = ["Keyword", "dataset"]

_FACTS = (
    ("zinc", "boils"), ("iron", "rusts"), ("gold", "shines"), ("salt", "melts"),
    ("coal", "burns"), ("snow", "falls"), ("wood", "floats"), ("lead", "sinks"),
)  # fmt: skip


def dataset(count: int = 6, *, name: str = "facts") -> Dataset:
    """Return questions, each answered by one paper; the last is answered by none."""
    papers = tuple(
        GoldPaper(
            paper_id=f"paper-{number}",
            title=f"On {thing} {number}",
            text=f"On {thing} {number}. It was seen that {thing} {verb} in year {number}.",
        )
        for number, (thing, verb) in enumerate(_facts(count))
    )
    questions = tuple(_question(number, papers[number]) for number in range(count - 1))
    last = GoldQuestion(
        question_id=f"secret-id-{count - 1}",
        text="What does the moon eat?",
        place=Place(file="facts.jsonl", line=count),
        answerable=False,
    )
    return Dataset(
        name=name,
        format="test",
        sha256=sha256_bytes(f"{name} {count}".encode()),
        questions=(*questions, last),
        papers=papers,
        problems=(
            DatasetProblem(
                place=Place(file="facts.jsonl", line=1), text="an odd thing", effect="noted"
            ),
        ),
    )


def _facts(count: int) -> list[tuple[str, str]]:
    return [_FACTS[number % len(_FACTS)] for number in range(count)]


def _question(number: int, paper: GoldPaper) -> GoldQuestion:
    thing, verb = _FACTS[number % len(_FACTS)]
    sentence = paper.text.partition(". ")[2]
    start = paper.text.index(sentence)
    return GoldQuestion(
        question_id=f"secret-id-{number}",
        text=f"What does {thing} do in year {number}?",
        place=Place(file="facts.jsonl", line=number + 1),
        answers=(f"secret-answer {verb}",),
        evidence=(
            Evidence(
                paper_id=paper.paper_id, text=sentence, start=start, end=start + len(sentence)
            ),
        ),
        relevant={paper.paper_id: 1},
        labels={"secret-label": "secret-SUPPORT"},
        choices=("secret-choice", "secret-other"),
    )


@dataclass
class Keyword:
    """Ranks papers by the words they share with the question, and quotes the best one.

    :ivar papers: The papers' texts by id.
    :ivar name: What reports call it.
    :ivar skill: What is added to `describe`; another one is another system.
    :ivar failing: Words of questions that it fails on.
    :ivar heard: Everything that it was ever given.
    """

    papers: Mapping[str, str]
    name: str = "keyword"
    skill: Any = 1
    failing: frozenset[str] = frozenset()
    heard: list[Any] = field(default_factory=list)

    @classmethod
    def over(cls, data: Dataset, **options: Any) -> Keyword:
        return cls({paper.paper_id: paper.text for paper in data.papers}, **options)

    def describe(self) -> Mapping[str, Any]:
        return {"skill": self.skill, "weight": 0.1 + 0.2}

    def respond(
        self, question: str, *, paper_ids: Sequence[str] | None, depth: int
    ) -> tuple[Response, float]:
        self.heard.append((question, None if paper_ids is None else tuple(paper_ids), depth))
        words = set(question.rstrip("?").split())
        if words & self.failing:
            raise ValueError(f"no idea about\n{sorted(words & self.failing)}")
        allowed = self.papers if paper_ids is None else paper_ids
        scores = {paper: len(words & set(self.papers[paper].split())) / 3 for paper in allowed}
        ranked = sorted(scores, key=lambda paper: (-scores[paper], paper))[:depth]
        hits = tuple(
            Hit(
                paper_id=paper,
                score=scores[paper],
                start=0,
                end=len(self.papers[paper]),
                text=self.papers[paper],
            )
            for paper in ranked
        )
        best = hits[0].score if hits else 0
        abstained = best < 1
        said = () if abstained else (self._said(hits[0].paper_id),)
        return (
            Response(hits=hits, statements=said, abstained=abstained, confidence=best / 3),
            0.001 * len(question),
        )

    def _said(self, paper: str) -> Said:
        text = self.papers[paper]
        quote = text.partition(". ")[2]
        start = text.index(quote)
        cited = Quoted(paper_id=paper, quote=quote, start=start, end=len(text))
        return Said(text=quote, citations=(cited,))
