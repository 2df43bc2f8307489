"""QASPER's JSON: papers by section, questions about them, and the answers of several annotators.

A paper's text is its title, abstract, section names and paragraphs, an empty line between any two.
A question is asked of its own paper. Answers read as in the published evaluator: extractive spans
joined by ", ", a free form, or Yes or No. A question counts as not answerable where more than half
of its annotators say so. Evidence is whole paragraphs; a figure or table ("FLOAT SELECTED: ...")
is in no text, is never found, and is counted all the same, as the published evaluator does.

Both layouts are read: the release's (objects by paper id, with lists of objects) and that of the
dataset hubs (rows with an ``id``, as JSON or JSONL, with an object of lists in their place).
Written from the published schema and tested on samples of our own, not on the published files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ragqa.evaluate.datasets.gold import Draft, Papers, Quote
from ragqa.evaluate.datasets.reading import Reading
from ragqa.evaluate.datasets.source import Request, chosen, head, the_file
from ragqa.evaluate.datasets.values import Item, shown
from ragqa.evaluate.records import Evidence, GoldPaper, GoldQuestion, Place

__all__ = ["LOOKS_FOR", "NAME", "matches", "read"]

NAME = "qasper"
LOOKS_FOR = "a .json or .jsonl file with full_text and qas for each paper"

_SIGN = re.compile(r'"full_text"\s*:\s*[\[{]')
_FLOAT = "FLOAT SELECTED"  # what the release puts before the caption of a figure or table
_PLACES_SHOWN = 3  # of floats: enough to look one up
_BREAK = "\n\n"


def _is_one(path: Path) -> bool:
    return _SIGN.search(head(path)) is not None


def matches(path: Path) -> bool:
    """Say whether a file, or one in a folder, is QASPER's.

    :param path: It.
    :return: True where it looks like it.
    """
    return bool(chosen(path, None, _is_one, ".json", ".jsonl"))


def read(request: Request) -> tuple[Reading, Draft]:
    """Read papers and the questions about them.

    :param request: What to read.
    :return: What it was read with, and what was read.
    :raises DatasetError: There are several files, and none was chosen.
    """
    file = the_file(request, _is_one, ".json", ".jsonl", looks_for=LOOKS_FOR)
    reading = Reading(file.parent, file)
    records = _records(reading, file)
    draft = Draft(split=request.split)
    texts: dict[str, str] = {}
    for paper_id, item in records:
        paper = _paper(paper_id, item)
        texts[paper_id] = paper.text
        draft.papers.append((paper, item.place))
    gold = _Gold(reading=reading, papers=Papers(reading, texts))
    for paper_id, item in records:
        questions = (_question(paper_id, part, gold) for part in _rows(item, "qas"))
        draft.questions.extend(questions)
    gold.summarise()
    return reading, draft


def _records(reading: Reading, file: Path) -> list[tuple[str, Item]]:
    """Read the papers of a file, by id."""
    if file.suffix.lower() == ".jsonl":
        return [(item.id("id"), item) for item in reading.jsonl(file.name)]
    return list(reading.entries(file.name, reading.json(file.name), "id"))


def _rows(item: Item, key: str) -> list[Item]:
    """Return a list of records, which may be written as an object of lists."""
    columns = item.values.get(key)
    if not isinstance(columns, dict):
        return item.items(key)
    lists = {name: column for name, column in columns.items() if isinstance(column, list)}
    lengths = {len(column) for column in lists.values()}
    if len(lists) != len(columns) or len(lengths) > 1:
        item.wrong(key, f"{key!r} must be a list, or an object of lists that are equally long")
        return []
    count = lengths.pop() if lengths else 0
    rows = [{name: column[at] for name, column in lists.items()} for at in range(count)]
    return [item.sub(row) for row in rows]


def _paper(paper_id: str, item: Item) -> GoldPaper:
    """Put a paper's text together."""
    title = item.text("title", required=False)
    pieces = [title, item.text("abstract", required=False)]
    for section in _rows(item, "full_text"):
        pieces.append(section.text("section_name", required=False))
        pieces.extend(section.texts("paragraphs"))
    text = _BREAK.join(piece for piece in pieces if piece.strip())
    return GoldPaper(paper_id=paper_id, title=title or paper_id, text=text)


@dataclass(slots=True, kw_only=True)
class _Gold:
    """Locates evidence, and counts what can be in no text."""

    reading: Reading
    papers: Papers
    floats: list[tuple[Place, str]] = field(default_factory=list)

    def evidence(self, quote: Quote, place: Place, question_id: str) -> Evidence | None:
        """Locate a paragraph; None for an empty one, which is noted."""
        text = quote.text or ""
        if text.startswith(_FLOAT):
            self.floats.append((place, question_id))
            return Evidence(paper_id=quote.paper_id, text=text, annotator=quote.annotator)
        if not text.strip():
            said = f"the question {shown(question_id)} has an empty paragraph as evidence"
            self.reading.note(place, said, "noted")
            return None
        return self.papers.evidence(quote, place)

    def summarise(self) -> None:
        """Note once how much evidence is figures and tables."""
        if not self.floats:
            return
        first = "; ".join(f"{place} ({key})" for place, key in self.floats[:_PLACES_SHOWN])
        said = (
            f"{len(self.floats)} pieces of evidence are figures or tables, which are in no text; "
            f"the first: {first}"
        )
        self.reading.note(self.floats[0][0], said, "not-found")


def _question(paper_id: str, item: Item, gold: _Gold) -> GoldQuestion:
    """Read a question with what its annotators say."""
    question_id = item.id("question_id")
    answers: list[str] = []
    evidence: list[Evidence] = []
    unanswerable = annotators = 0
    for number, annotation in enumerate(_rows(item, "answers")):
        answer = annotation.child("answer")
        annotators += 1
        if answer.flag("unanswerable", default=False):
            unanswerable += 1
        else:
            answers.extend(_answers(answer, number, question_id, gold.reading))
        for text in answer.texts("evidence"):
            quote = Quote(paper_id=paper_id, text=text, annotator=number)
            evidence.extend(_present(gold.evidence(quote, item.place, question_id)))
    answerable = unanswerable * 2 <= annotators
    return GoldQuestion(
        question_id=question_id,
        text=item.text("question"),
        place=item.place,
        answers=tuple(dict.fromkeys(answers)),
        evidence=tuple(evidence),
        relevant={paper_id: 1} if answerable else {},
        paper_ids=(paper_id,),
        answerable=answerable,
        labels={"annotators": str(annotators), "unanswerable": str(unanswerable)},
    )


def _present(evidence: Evidence | None) -> Iterator[Evidence]:
    if evidence is not None:
        yield evidence


def _answers(answer: Item, number: int, question_id: str, reading: Reading) -> Iterator[str]:
    """Yield what an annotator answers, in the order in which the published evaluator looks."""
    spans = ", ".join(answer.answers("extractive_spans"))
    free = ", ".join(answer.answers("free_form_answer"))
    if spans.strip():
        yield spans
    elif free.strip():
        yield free
    elif answer.has("yes_no"):
        yield "Yes" if answer.flag("yes_no", default=False) else "No"
    else:
        said = f"annotator {number} of the question {shown(question_id)} gives no answer"
        reading.note(answer.place, said, "noted")
