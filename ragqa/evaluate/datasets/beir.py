"""BEIR folders: ``corpus.jsonl``, ``queries.jsonl``, ``qrels/SPLIT.tsv``.

A paper's text is its title, a line end, and its text. The questions are the queries that the split
judges, in the order of ``queries.jsonl``. A grade above 0 is relevant. A judgement above 0 of an
unknown document stays in the mean, which no system can then bring to 1; a query that is judged and
has no words cannot be asked, and is left out. A query's ``metadata`` becomes labels, never text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ragqa.evaluate.datasets.gold import Draft, Papers
from ragqa.evaluate.datasets.reading import Reading
from ragqa.evaluate.datasets.source import Request, need_files, unreadable
from ragqa.evaluate.datasets.values import Item, shown
from ragqa.evaluate.records import GoldPaper, GoldQuestion, Place

__all__ = ["LOOKS_FOR", "NAME", "matches", "read"]

NAME = "beir"
LOOKS_FOR = "a folder with corpus.jsonl, queries.jsonl and qrels/*.tsv"

_CORPUS, _QUERIES, _QRELS = "corpus.jsonl", "queries.jsonl", "qrels"
_DEFAULT_SPLIT = "test"  # what BEIR's own tables report
_COLUMNS = 3
_INTEGER = re.compile("[+-]?[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class _Judged:
    """A judgement: its grade and where it stands."""

    grade: int
    place: Place


def matches(path: Path) -> bool:
    """Say whether a folder has the files of a BEIR dataset.

    :param path: It.
    :return: True where it does.
    """
    return (path / _CORPUS).is_file() and (path / _QUERIES).is_file()


def read(request: Request) -> tuple[Reading, Draft]:
    """Read a BEIR dataset.

    :param request: What to read.
    :return: What it was read with, and what was read.
    :raises DatasetError: A file is missing, or there is no such split.
    """
    need_files(request.path, "a BEIR folder", _CORPUS, _QUERIES, f"{_QRELS}/*.tsv")
    reading = Reading(request.path)
    split, splits = _split(request)
    draft = Draft(split=split, suffix=f"-{split}" if len(splits) > 1 else "")
    for item in reading.jsonl(_CORPUS):
        draft.papers.append((_paper(item), item.place))
    queries = [(item.id("_id"), item) for item in reading.jsonl(_QUERIES)]
    _check_twice(queries, reading)
    name = f"{_QRELS}/{split}.tsv"
    judged = _judgements(reading, name)
    if not judged:
        reading.refuse()
        reading.wrong(Place(file=name, line=1), f"the split {shown(split)} holds no judgement")
    _check_judged(judged, {query for query, _ in queries}, draft, reading)
    draft.questions = [
        _question(query, item, judged[query]) for query, item in queries if query in judged
    ]
    return reading, draft


def _split(request: Request) -> tuple[str, list[str]]:
    """Choose the split: the one asked for, the only one, or the usual one."""
    folder = request.path / _QRELS
    splits = sorted(file.stem for file in folder.glob("*.tsv") if file.is_file())
    wanted = request.split or (splits[0] if len(splits) == 1 else _DEFAULT_SPLIT)
    if wanted in splits:
        return wanted, splits
    said = f"there is no split {wanted!r} in {_QRELS}; there are: {', '.join(splits)}"
    raise unreadable(request.path, said)


def _paper(item: Item) -> GoldPaper:
    """Read a document."""
    paper_id = item.id("_id")
    title = item.text("title", required=False)
    body = item.text("text")
    text = f"{title}\n{body}" if title and body else title or body
    return GoldPaper(paper_id=paper_id, title=title or paper_id, text=text)


def _check_twice(queries: list[tuple[str, Item]], reading: Reading) -> None:
    """Note a query id that is used twice, judged or not: qrels could mean either."""
    first: dict[str, Place] = {}
    for query, item in queries:
        if query and first.setdefault(query, item.place) is not item.place:
            said = f"the query id {shown(query)} is already used at {first[query]}"
            reading.wrong(item.place, said)


def _judgements(reading: Reading, name: str) -> dict[str, dict[str, _Judged]]:
    """Read a qrels file: the grade of each document, by query."""
    judged: dict[str, dict[str, _Judged]] = {}
    for number, (place, line) in enumerate(reading.lines(name)):
        columns = [column.strip() for column in line.split("\t")]
        if len(columns) != _COLUMNS:
            said = (
                f"{shown(line)} has {len(columns)} columns; query-id, corpus-id, score are needed"
            )
            reading.wrong(place, said)
            continue
        query, document, written = columns
        grade = int(written) if _INTEGER.fullmatch(written) else None
        if grade is None and number > 0:
            reading.wrong(place, f"the score {shown(written)} is not a whole number")
        if grade is None:
            continue  # the first line may be a header
        if not query or not document:
            reading.wrong(place, f"{shown(line)} names no query or no document")
            continue
        _keep(judged.setdefault(query, {}), document, _Judged(grade, place), reading)
    return judged


def _keep(documents: dict[str, _Judged], document: str, verdict: _Judged, reading: Reading) -> None:
    """Keep a judgement; note one that is there twice."""
    before = documents.setdefault(document, verdict)
    if before is verdict:
        return
    said = f"the document {shown(document)} is already judged for this query at {before.place}"
    if before.grade == verdict.grade:
        reading.note(verdict.place, said, "noted")
    else:
        reading.wrong(verdict.place, f"{said}, as {before.grade} and not {verdict.grade}")


def _check_judged(
    judged: dict[str, dict[str, _Judged]], queries: set[str], draft: Draft, reading: Reading
) -> None:
    """Note judgements of queries and documents that do not exist."""
    texts = {paper.paper_id: paper.text for paper, _ in draft.papers}
    papers = Papers(reading, texts)
    for query, documents in judged.items():
        if query not in queries:
            first = next(iter(documents.values())).place
            said = f"the query {shown(query)} is judged, but is not in {_QUERIES}"
            reading.note(first, said, "left-out")
            continue
        for document, verdict in documents.items():
            if verdict.grade > 0:
                papers.known(document, verdict.place, f"the judgement of query {shown(query)}")
            elif document not in texts:
                said = f"the document {shown(document)}, judged irrelevant, is not in {_CORPUS}"
                reading.note(verdict.place, said, "noted")


def _question(query: str, item: Item, judged: dict[str, _Judged]) -> GoldQuestion:
    """Read a query that the split judges."""
    metadata = item.values.get("metadata")
    labels = item.child("metadata").labels() if isinstance(metadata, dict) else {}
    return GoldQuestion(
        question_id=query,
        text=item.text("text"),
        place=item.place,
        relevant={document: one.grade for document, one in judged.items() if one.grade > 0},
        labels=labels,
    )
