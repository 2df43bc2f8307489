"""Questions of one's own beside a corpus: YAML, JSON, JSONL or CSV, with or without gold.

A question has ``question`` and, where known, ``id`` (``question_id``), ``answer`` or ``answers``,
``papers`` (``paper_id``: those that answer it), ``evidence`` (quotes from these papers, where none
is named from any paper, or ``{paper_id, text, document}``, or ``{paper_id}``), ``evidence_text``
(quotes), ``only`` (the papers that it is asked of; all where absent), ``answerable`` and
``choices``. YAML and JSON hold a
list of them, or ``{corpus: FOLDER, questions: [...]}`` with the folder relative to the file. CSV
has them as columns. Evidence is located by `resolve` once the index is there.

An answer that is a number is taken as it is written; true and false are the answers Yes and No,
unless they are quoted in YAML or JSON. ``answerable`` may be true or false, yes or no, 1 or 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from ragqa.evaluate.datasets.gold import Draft
from ragqa.evaluate.datasets.keys import Keys
from ragqa.evaluate.datasets.listed import GIVE_A_CORPUS, MANIFEST, Listed
from ragqa.evaluate.datasets.reading import Reading
from ragqa.evaluate.datasets.source import Request, chosen, refuse_split, the_file, unreadable
from ragqa.evaluate.datasets.spans import note_contradiction
from ragqa.evaluate.datasets.trees import csv_items, yaml_value
from ragqa.evaluate.datasets.values import Item, LinedList, kind_of, shown
from ragqa.evaluate.locating import fold
from ragqa.evaluate.records import Evidence, GoldQuestion, Place
from ragqa.manifest.reading import nearest
from ragqa.records import DocumentKind

__all__ = ["LOOKS_FOR", "NAME", "matches", "read"]

NAME = "own"
LOOKS_FOR = "questions (.yaml, .yml, .json, .jsonl, .csv) beside a corpus"

_SUFFIXES = (".yaml", ".yml", ".json", ".jsonl", ".csv")
_STEM = "questions"  # of the file, where a folder is named
_KNOWN = (
    "id",
    "question_id",
    "question",
    "answer",
    "answers",
    "papers",
    "paper_id",
    "evidence",
    "evidence_text",
    "only",
    "answerable",
    "choices",
)
_EVIDENCE = ("paper_id", "text", "document")
_ROOT = ("corpus", "questions")
_KINDS: dict[str, DocumentKind] = {"pdf": "pdf", "readme": "readme", "summary": "summary"}


def _is_one(path: Path) -> bool:
    return path.stem == _STEM


def matches(path: Path) -> bool:
    """Say whether a file may hold questions, or a folder has a file of that name.

    :param path: It.
    :return: True where it may.
    """
    if path.is_file():
        return path.suffix.lower() in _SUFFIXES and path.name != MANIFEST
    return bool(chosen(path, None, _is_one, *_SUFFIXES))


def read(request: Request) -> tuple[Reading, Draft]:
    """Read questions; their papers are those that the corpus lists.

    :param request: What to read.
    :return: What it was read with, and what was read.
    :raises DatasetError: No corpus is named, or the file cannot be read at all.
    :raises CorpusError: The corpus cannot be read.
    """
    refuse_split(request, NAME)
    file = the_file(
        request,
        lambda path: path == request.path or _is_one(path),  # a file may have any name
        *_SUFFIXES,
        looks_for=LOOKS_FOR,
    )
    reading, draft = Reading(file.parent, file), Draft(split=request.split)
    keys = Keys(reading, "column" if file.suffix.lower() == ".csv" else "key")
    corpus, items = _items(reading, file.name, keys)
    folder = request.corpus or (None if corpus is None else file.parent / corpus)
    if folder is None and (file.parent / MANIFEST).is_file():
        folder = file.parent
    if folder is None:
        reading.refuse()
        said = f"it names no corpus: {GIVE_A_CORPUS}, or keep it beside a {MANIFEST}"
        raise unreadable(file, said)
    listed = Listed(folder, reading)
    listed.into(draft)
    draft.questions = [
        _Question(item, listed, reading, keys).read(number) for number, item in enumerate(items, 1)
    ]
    keys.tell()
    return reading, draft


def _items(reading: Reading, name: str, keys: Keys) -> tuple[str | None, list[Item]]:
    """Read the questions' records, and the corpus that the file names."""
    suffix = Path(name).suffix.lower()
    if suffix == ".csv":
        return None, list(csv_items(reading, name, partial(_columns, reading, keys)))
    if suffix == ".jsonl":
        return None, list(reading.jsonl(name))
    value = reading.json(name) if suffix == ".json" else yaml_value(reading, name)
    if isinstance(value, dict) and "question" not in value:
        root = keys.read(Item(reading, value, Place(file=name, line=1)), _ROOT)
        keys.tell()
        if not root.has("questions"):
            said = "'questions' is missing; a file of one's own questions holds a list of them"
            root.wrong("questions", said)
        return root.text("corpus", required=False) or None, list(_records(root, name))
    if not isinstance(value, list):
        reading.refuse()
        said = f"this is {kind_of(value)}; it must be a list of questions"
        reading.wrong(Place(file=name, line=1), said)
        return None, []
    root = Item(reading, {"questions": value}, Place(file=name, line=1))
    return None, list(_records(root, name))


def _records(root: Item, name: str) -> Iterator[Item]:
    """Yield the questions of a list; in JSON, which knows no lines, each at its number."""
    is_lined = isinstance(root.values.get("questions"), LinedList)
    for number, (place, value) in enumerate(root.parts("questions"), 1):
        at = place if is_lined else Place(file=name, line=number)
        if isinstance(value, dict):
            yield root.sub(value, at)
        else:
            root.wrong_at(at, f"this is {kind_of(value)}; it must be a question: {{question: ...}}")


def _columns(reading: Reading, keys: Keys, columns: list[str], place: Place) -> list[str]:
    """Check a table's columns; without the questions' one, there is nothing in its rows."""
    read = keys.columns(columns, place, _KNOWN)
    keys.tell()
    if "question" not in read:
        there = ", ".join(map(shown, columns))
        reading.wrong(place, f"the column 'question' is missing; there are: {there}")
        reading.refuse()
    return read


def _first(papers: tuple[str, ...]) -> str:
    """Return the paper that evidence is from which names none; empty where any may be meant."""
    return papers[0] if papers else ""


class _Question:
    """Reads one question."""

    def __init__(self, item: Item, listed: Listed, reading: Reading, keys: Keys) -> None:
        is_row = item.place.file.lower().endswith(".csv")  # whose columns were checked
        self._item = item if is_row else keys.read(item, _KNOWN)
        self._keys = keys
        self._listed = listed
        self._named: set[str] = set()  # papers that were looked for in the list
        self._reading = reading

    def read(self, number: int) -> GoldQuestion:
        """Return the question.

        :param number: Its number in the file, for its id where it has none.
        :return: It, its evidence not located yet.
        """
        item = self._item
        answers = self._either("answers", "answer", item.answers)
        papers = self._either("papers", "paper_id", item.ids)
        named = item.at("papers" if item.has("papers") else "paper_id")
        for paper_id in papers:
            self._known(paper_id, named, "the question")
        evidence = list(self._evidence(papers))
        quoted = tuple(part for part in evidence if part.text)
        named_by_evidence = [part.paper_id for part in evidence]
        ids = self._either("id", "question_id", item.ids)
        question = GoldQuestion(
            question_id=ids[0] if ids else f"q{number}",
            text=item.text("question"),
            place=item.place,
            answers=answers,
            evidence=quoted,
            relevant=dict.fromkeys([*papers, *filter(None, named_by_evidence)], 1),
            paper_ids=item.ids("only"),
            answerable=item.flag("answerable", default=True),
            choices=item.answers("choices"),
        )
        note_contradiction(question, self._reading)
        return question

    def _known(self, paper_id: str, place: Place, what: str) -> None:
        """Note a paper that is not listed, once for the question."""
        if paper_id not in self._named:
            self._named.add(paper_id)
            self._listed.known(paper_id, place, what)

    def _either(
        self, key: str, other: str, get: Callable[[str], tuple[str, ...]]
    ) -> tuple[str, ...]:
        """Return what stands under one of two keys that mean the same."""
        item = self._item
        if item.has(key) and item.has(other):
            item.wrong(other, f"{key!r} and {other!r} mean the same; keep one of them")
        return get(key if item.has(key) else other)

    def _evidence(self, papers: tuple[str, ...]) -> Iterator[Evidence]:
        """Yield the evidence; without words where only a paper is named."""
        for key in ("evidence", "evidence_text"):
            value = self._item.values.get(key)
            if isinstance(value, str):
                parts: list[tuple[Place, object]] = [(self._item.at(key), value)]
            else:
                parts = self._item.parts(key)
            for place, part in parts:
                yield from self._piece(key, part, place, papers)

    def _piece(
        self, key: str, part: object, place: Place, papers: tuple[str, ...]
    ) -> Iterator[Evidence]:
        """Yield one piece of evidence, unless it is none, which is noted."""
        if isinstance(part, dict):
            yield self._full(self._item.sub(part, place), papers)
        elif not isinstance(part, str):
            said = f"{key!r} holds {kind_of(part)}; it must hold texts or objects"
            self._reading.wrong(place, said)
        elif fold(part):
            text = self._item.sub({key: part}, place).text(key)  # checked for what cannot be stored
            yield Evidence(paper_id=_first(papers), text=text)
        else:
            self._reading.wrong(place, f"{key!r} holds {shown(part)}, which has no letter or digit")

    def _full(self, item: Item, papers: tuple[str, ...]) -> Evidence:
        """Read evidence that names its paper."""
        item = self._keys.read(item, _EVIDENCE)
        if not item.has("paper_id") and not item.has("text"):
            item.wrong("text", "the evidence has neither 'text' nor 'paper_id'")
        paper_id = item.id("paper_id") if item.has("paper_id") else _first(papers)
        self._known(paper_id, item.place, "evidence")
        text = item.text("text", required=False)
        if item.has("text") and not fold(text):
            item.wrong("text", f"'text' is {shown(text)}, which has no letter or digit")
        written = item.text("document", required=False)
        if written and written not in _KINDS:
            hint = nearest(written, _KINDS) or f"; it is one of {', '.join(_KINDS)}"
            item.wrong("document", f"'document' is {shown(written)}{hint}")
        return Evidence(paper_id=paper_id, text=text, document=_KINDS.get(written))
