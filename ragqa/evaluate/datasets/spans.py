"""Folders with ``papers.jsonl`` and ``questions.jsonl``: whole texts, and spans of them.

A paper is ``{paper_id, text, title?}``. A question is ``{question_id, question}`` and, where known,
``answers`` (one or a list), ``evidence`` (a list of ``{paper_id, start, end, text}``),
``evidence_text`` (quotes from ``paper_id``: of several, the first that has it),
``paper_id`` (one or several papers that answer it),
``paper_ids`` (the papers that it is asked of; all where absent), ``answerable`` and ``choices``.
A near miss of these names is refused; anything else becomes labels. ``text ==
paper.text[start:end]``, in characters; what stands elsewhere in its paper is used there and
reported.
"""

from __future__ import annotations

from pathlib import Path

from ragqa.evaluate.datasets.gold import Draft, Papers, Quote
from ragqa.evaluate.datasets.keys import Keys
from ragqa.evaluate.datasets.reading import Reading
from ragqa.evaluate.datasets.source import Request, need_files, refuse_split
from ragqa.evaluate.datasets.values import Item
from ragqa.evaluate.records import Evidence, GoldPaper, GoldQuestion

__all__ = ["LOOKS_FOR", "NAME", "PAPERS", "matches", "note_contradiction", "read", "read_papers"]

NAME = "spans"
LOOKS_FOR = "a folder with papers.jsonl and questions.jsonl"

PAPERS = "papers.jsonl"
"""The file of the papers' texts."""

_QUESTIONS = "questions.jsonl"
_KNOWN = (
    "question_id",
    "question",
    "answers",
    "evidence",
    "evidence_text",
    "paper_id",
    "paper_ids",
    "answerable",
    "choices",
)


def _folder(path: Path) -> Path:
    """Return the dataset's folder, of which the questions file may have been named."""
    return path.parent if path.name == _QUESTIONS else path


def matches(path: Path) -> bool:
    """Say whether a folder holds papers and questions.

    :param path: It, or its questions file.
    :return: True where both files are there.
    """
    folder = _folder(path)
    return (folder / PAPERS).is_file() and (folder / _QUESTIONS).is_file()


def read(request: Request) -> tuple[Reading, Draft]:
    """Read papers and questions.

    :param request: What to read.
    :return: What it was read with, and what was read.
    :raises DatasetError: A file is missing.
    """
    refuse_split(request, NAME)
    folder = _folder(request.path)
    need_files(folder, f"a {NAME} folder", PAPERS, _QUESTIONS)
    reading, draft = Reading(folder), Draft()
    papers, keys = read_papers(reading, draft), Keys(reading)
    draft.questions = [
        _question(keys.read(item, _KNOWN, misses_only=True), papers, reading)
        for item in reading.jsonl(_QUESTIONS)
    ]
    papers.summarise()
    keys.tell()
    return reading, draft


def read_papers(reading: Reading, draft: Draft) -> Papers:
    """Read the file of the papers' texts.

    :param reading: What to read it with.
    :param draft: Where to put them.
    :return: The papers, to look for evidence in.
    """
    for item in reading.jsonl(PAPERS):
        paper_id = item.id("paper_id")
        title = item.text("title", required=False) or paper_id
        paper = GoldPaper(paper_id=paper_id, title=title, text=item.text("text"))
        draft.papers.append((paper, item.place))
    return Papers(reading, {paper.paper_id: paper.text for paper, _ in draft.papers})


def _question(item: Item, papers: Papers, reading: Reading) -> GoldQuestion:
    """Read a question and locate its evidence."""
    named = item.ids("paper_id")
    evidence = [papers.evidence(_quote(part), part.place) for part in item.items("evidence")]
    quotes = item.texts("evidence_text")
    if quotes and not named:
        item.wrong("evidence_text", "'evidence_text' needs the 'paper_id' that it is from")
    else:
        evidence += [_quoted(text, named, papers, item) for text in quotes]
    of_evidence = {part.paper_id for part in evidence}
    for paper_id in named:
        if paper_id not in of_evidence:  # else it was reported with the evidence
            papers.known(paper_id, item.at("paper_id"), "the question")
    question = GoldQuestion(
        question_id=item.id("question_id"),
        text=item.text("question"),
        place=item.place,
        answers=item.answers("answers"),
        evidence=tuple(evidence),
        relevant=_relevant(named, evidence),
        paper_ids=item.ids("paper_ids"),
        answerable=item.flag("answerable", default=True),
        choices=item.answers("choices"),
        labels=item.labels(*_KNOWN),
    )
    note_contradiction(question, reading)
    return question


def _quote(part: Item) -> Quote:
    """Read a piece of evidence; words that are empty are a mistake, as they stand nowhere."""
    text = part.text("text", required=False) if part.has("text") else None
    if text is not None and not text.strip():
        part.wrong("text", "'text' of the evidence is empty")
    return Quote(
        paper_id=part.id("paper_id"),
        text=text,
        start=part.integer("start"),
        end=part.integer("end"),
    )


def _quoted(text: str, named: tuple[str, ...], papers: Papers, item: Item) -> Evidence:
    """Locate a quote in the first of the question's papers that has it."""
    found = (papers.find(Quote(paper_id=paper_id, text=text)) for paper_id in named)
    first = next((evidence for evidence in found if evidence is not None), None)
    if first is not None:
        return first
    return papers.evidence(Quote(paper_id=named[0], text=text), item.at("evidence_text"))


def _relevant(named: tuple[str, ...], evidence: list[Evidence]) -> dict[str, int]:
    """Grade the papers that answer a question: those named, and those of its evidence."""
    return dict.fromkeys([*named, *(part.paper_id for part in evidence)], 1)


def note_contradiction(question: GoldQuestion, reading: Reading) -> None:
    """Note a question that is said to have no answer and has gold.

    :param question: The question.
    :param reading: Where to note it.
    """
    if not question.answerable and (question.evidence or question.relevant or question.answers):
        said = "the question is marked as not answerable and has gold; only abstention is judged"
        reading.note(question.place, said, "noted")
