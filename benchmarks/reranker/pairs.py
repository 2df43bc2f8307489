"""Development questions -> what the reranker learns from: windows that answer, and that do not.

In: a data set of the harness. Out: `Group`s. Invariants: windows are cut as retrieval cuts them
(`ragqa.retrieve.reranking.window`); negatives are what retrieval itself ranks high; a question's
group names its gold paper, so that folds can keep papers apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ragqa.evaluate import load_dataset
from ragqa.evaluate.indexing import prepare_index
from ragqa.evaluate.records import Dataset, GoldQuestion
from ragqa.index.generation import Generation, open_generation
from ragqa.records import Chunk, Sentence
from ragqa.retrieve.hybrid import Retrieval, Retriever
from ragqa.retrieve.reranking import window

__all__ = [
    "QUESTION_SETS",
    "TITLE_NEGATIVES",
    "TITLE_SET",
    "Candidate",
    "Group",
    "question_groups",
    "title_groups",
]

QUESTION_SETS = ("covidqa", "evidence-inference", "scifact")
TITLE_SET = "scifact"
_CANDIDATES = 14  # chunks that retrieval ranks first: two more than are reranked
_GONE = 8  # chunks that it ranks first where the gold papers are taken away
_GOLD_WINDOWS = 5  # windows around gold sentences; more of one question teach nothing new
_TITLES = 1500  # titles, each asked as a question whose answer is its own abstract
TITLE_NEGATIVES = 3
_SHORTEST_TITLE = 20  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A chunk that retrieval found for a question.

    :ivar text: Its window: what the reranker reads.
    :ivar score: Retrieval's score.
    :ivar is_gold: Whether the chunk holds gold evidence.
    :ivar in_window: Whether the window does.
    """

    text: str
    score: float
    is_gold: bool
    in_window: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A question with windows.

    :ivar set_name: The data set, or ``titles``.
    :ivar paper: Its first gold paper: what folds are made of.
    :ivar question: The question.
    :ivar candidates: What retrieval ranks first among all papers, best first.
    :ivar positives: Windows that hold gold evidence, found or not.
    :ivar gone: Windows of what it ranks first where the gold papers are taken away.
    """

    set_name: str
    paper: str
    question: str
    candidates: tuple[Candidate, ...]
    positives: tuple[str, ...]
    gone: tuple[Candidate, ...] = ()

    @property
    def negatives(self) -> tuple[str, ...]:
        """Return the windows of candidates that hold no gold evidence, best first."""
        return tuple(
            one.text for one in self.candidates if not (one.in_window or one.text in self.positives)
        )


def question_groups(data: Path, work: Path, name: str) -> Iterator[Group]:
    """Ask every question of a data set of all papers, and of all but its gold papers."""
    dataset, index, retriever = _open(data, work, name)
    papers = [paper.paper_id for paper in dataset.papers]
    for question in dataset.questions:
        if not question.gold_papers:
            continue
        others = [paper_id for paper_id in papers if paper_id not in question.gold_papers]
        found = tuple(_candidates(retriever.retrieve(question.text, k=_CANDIDATES), question))
        gone = retriever.retrieve(question.text, k=_GONE, paper_ids=others)
        gold_chunks = index.store.chunks(index.store.rows_of(sorted(question.gold_papers)))
        gold = _gold_windows(question, gold_chunks)
        hits = [one.text for one in found if one.in_window][: _GOLD_WINDOWS // 2 + 1]
        yield Group(
            set_name=name,
            paper=min(question.gold_papers),
            question=question.text,
            candidates=found,
            positives=tuple(dict.fromkeys([*hits, *gold]))[:_GOLD_WINDOWS],
            gone=tuple(_candidates(gone, question)),
        )


def title_groups(data: Path, work: Path) -> Iterator[Group]:
    """Ask titles of abstracts; what answers is the abstract, its title left out."""
    dataset, _, retriever = _open(data, work, TITLE_SET)
    made = 0
    for paper in dataset.papers[:: max(1, len(dataset.papers) // (2 * _TITLES))]:
        if made == _TITLES or len(paper.title) < _SHORTEST_TITLE:
            continue
        found = retriever.retrieve(paper.title, k=_CANDIDATES)
        of_paper = [
            (one.chunk.paper_id, _body_window(one.chunk, paper.title)) for one in found.chunks
        ]
        own = [text for paper_id, text in of_paper if paper_id == paper.paper_id and text]
        other = [text for paper_id, text in of_paper if paper_id != paper.paper_id and text]
        if own and len(other) >= TITLE_NEGATIVES:
            made += 1
            yield Group(
                set_name="titles",
                paper=paper.paper_id,
                question=paper.title,
                candidates=tuple(
                    Candidate(text=text, score=0.0, is_gold=False, in_window=False)
                    for text in other[:TITLE_NEGATIVES]
                ),
                positives=tuple(own[:2]),
            )


def _open(data: Path, work: Path, name: str) -> tuple[Dataset, Generation, Retriever]:
    dataset = load_dataset(data / name)
    prepared = prepare_index(dataset, work, {})
    index = open_generation(prepared.directory)
    return dataset, index, Retriever(index, prepared.embedder)


def _candidates(found: Retrieval, question: GoldQuestion) -> Iterator[Candidate]:
    scores: dict[str, list[float]] = {}
    for sentence in found.sentences:
        scores.setdefault(sentence.chunk.chunk_id, []).append(sentence.score)
    for one in found.chunks:
        chunk, of_chunk = one.chunk, scores.get(one.chunk.chunk_id, [])
        text = window(chunk, of_chunk)
        start = chunk.start + chunk.text.index(text)
        yield Candidate(
            text=text,
            score=one.score,
            is_gold=_is_gold(question, chunk.paper_id, chunk.start, chunk.end),
            in_window=_is_gold(question, chunk.paper_id, start, start + len(text)),
        )


def _gold_windows(question: GoldQuestion, chunks: Sequence[Chunk]) -> list[str]:
    """Return the windows around each gold sentence; none where evidence has no place."""
    if not any(evidence.start is not None for evidence in question.evidence):
        return []
    return [
        window(chunk, [float(other is sentence) for other in chunk.sentences])
        for chunk in chunks
        for sentence in chunk.sentences
        if _is_gold(question, chunk.paper_id, sentence.start, sentence.end)
    ]


def _is_gold(question: GoldQuestion, paper_id: str, start: int, end: int) -> bool:
    """Say whether a span overlaps gold evidence; where only papers are judged, is in one."""
    places = [e for e in question.evidence if e.start is not None and e.end is not None]
    if not places:
        return paper_id in question.gold_papers
    return any(
        e.paper_id == paper_id and start < (e.end or 0) and (e.start or 0) < end for e in places
    )


def _body_window(chunk: Chunk, title: str) -> str:
    """Return the middle of a chunk, without a sentence that is the title itself."""
    body = [s for s in chunk.sentences if not _is_title(chunk, s, title)]
    if not body:
        return ""
    at = len(body) // 2
    return chunk.slice(body[max(at - 1, 0)].start, body[min(at + 1, len(body) - 1)].end)


def _is_title(chunk: Chunk, sentence: Sentence, title: str) -> bool:
    words = chunk.slice(sentence.start, sentence.end).casefold().rstrip(".")
    return words.startswith(title.casefold().rstrip(".")[:60])
