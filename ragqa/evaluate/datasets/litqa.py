"""LitQA-style multiple choice: JSONL beside ``papers.jsonl`` or a corpus.

A line is ``{id, question, ideal, distractors, sources, key-passage}``. The choices are the ideal
answer and the distractors, in an order that a hash fixes, so that the right one stands anywhere.
The sources (DOIs or links) are relevant: a paper is meant whose id, or whose listed link, has the
same DOI. A source that is not there stays in the mean and can never be found. The key passage is
evidence from the first source in which it stands. An ideal answer ``null`` (LitQA v0) says that
there is none. Everything else becomes labels, but for the canary, which asks not to be copied on.
Written from the published schema and tested on samples of our own, not on the published files.
"""

from __future__ import annotations

import re
from pathlib import Path

from ragqa._files import sha256_bytes
from ragqa.evaluate.datasets.gold import Draft, Quote
from ragqa.evaluate.datasets.listed import GIVE_A_CORPUS, MANIFEST, Listed
from ragqa.evaluate.datasets.reading import Reading
from ragqa.evaluate.datasets.source import Request, chosen, has_keys, the_file, unreadable
from ragqa.evaluate.datasets.spans import PAPERS, read_papers
from ragqa.evaluate.datasets.values import Item, shown
from ragqa.evaluate.records import Evidence, GoldQuestion

__all__ = ["LOOKS_FOR", "NAME", "matches", "read"]

NAME = "litqa"
LOOKS_FOR = "a .jsonl file with question, ideal and distractors, beside papers.jsonl or a corpus"

_KNOWN = (
    "id",
    "question",
    "ideal",
    "distractors",
    "sources",
    "key-passage",
    "key_passage",
    "canary",
)
_PASSAGE = ("key-passage", "key_passage")
_NO_ANSWER = "null"
_DOI = re.compile(r"\b10\.\d{4,9}/\S+")


def _is_one(path: Path) -> bool:
    return has_keys(path, "ideal", "distractors")


def matches(path: Path) -> bool:
    """Say whether a file, or one in a folder, is LitQA-style.

    :param path: It.
    :return: True where it looks like it.
    """
    return bool(chosen(path, None, _is_one, ".jsonl"))


def read(request: Request) -> tuple[Reading, Draft]:
    """Read questions, and the papers beside them.

    :param request: What to read.
    :return: What it was read with, and what was read.
    :raises DatasetError: There are no papers beside them.
    :raises CorpusError: The corpus cannot be read.
    """
    file = the_file(request, _is_one, ".jsonl", looks_for=LOOKS_FOR)
    reading, draft = Reading(file.parent, file), Draft(split=request.split)
    corpus = request.corpus or (file.parent if (file.parent / MANIFEST).is_file() else None)
    if request.corpus is None and (file.parent / PAPERS).is_file():
        source: _Texts | _Corpus = _Texts(reading, draft)
    elif corpus is not None:
        source = _Corpus(Listed(corpus, reading), draft)
    else:
        said = f"there are no papers: put {PAPERS} beside it, or a corpus: {GIVE_A_CORPUS}"
        raise unreadable(file, said)
    draft.questions = [_question(item, source) for item in reading.jsonl(file.name)]
    return reading, draft


def _key(name: str) -> str:
    """Return what two names of one paper share: its DOI, where it has one."""
    found = _DOI.search(name)
    return (found.group() if found else name).rstrip(".").casefold()


class _Texts:
    """Papers whose texts are beside the questions."""

    def __init__(self, reading: Reading, draft: Draft) -> None:
        self._papers = read_papers(reading, draft)
        self._reading = reading
        self.by_key = {_key(paper.paper_id): paper.paper_id for paper, _ in draft.papers}

    def known(self, paper_id: str, item: Item) -> bool:
        """Say whether a source is there; note where it is not."""
        return self._papers.known(paper_id, item.at("sources"), "the question")

    def evidence(self, text: str, sources: list[str], item: Item) -> Evidence:
        """Locate a passage in the first source that has it."""
        for paper_id in sources:
            found = self._papers.find(Quote(paper_id=paper_id, text=text))
            if found is not None:
                return found
        if sources:  # else it was told that they are not there
            said = f"the key passage {shown(text)} does not stand in {', '.join(sources)}"
            self._reading.note(item.place, said, "not-found")
        return Evidence(paper_id=sources[0] if sources else item.ids("sources")[0], text=text)


class _Corpus:
    """Papers of a corpus, whose texts are in an index."""

    def __init__(self, listed: Listed, draft: Draft) -> None:
        listed.into(draft)
        self._listed = listed
        self.by_key = {_key(paper.paper_id): paper.paper_id for paper in listed.papers}
        for paper in listed.papers:
            self.by_key.update({_key(link): paper.paper_id for link in paper.links})

    def known(self, paper_id: str, item: Item) -> bool:
        """Say whether a source is listed; note where it is not."""
        return self._listed.known(paper_id, item.at("sources"), "the question")

    def evidence(self, text: str, sources: list[str], item: Item) -> Evidence:
        """Return a passage that is to be located in the first source that has it."""
        return Evidence(paper_id=sources[0] if sources else item.ids("sources")[0], text=text)


def _question(item: Item, source: _Texts | _Corpus) -> GoldQuestion:
    """Read a question."""
    question_id = item.id("id")
    given = item.answers("ideal")
    ideal = given[0] if len(given) == 1 else item.text("ideal")
    answerable = ideal.strip().casefold() != _NO_ANSWER
    named = [source.by_key.get(_key(name), name) for name in item.ids("sources")]
    there = [paper_id for paper_id in named if source.known(paper_id, item)]
    passages = [text for key in _PASSAGE for text in item.texts(key) if text.strip()]
    if passages and not named:
        item.wrong(_PASSAGE[0], "a key passage needs the 'sources' that it is from")
        passages = []
    return GoldQuestion(
        question_id=question_id,
        text=item.text("question"),
        place=item.place,
        answers=(ideal,) if answerable else (),
        evidence=tuple(source.evidence(text, there, item) for text in passages),
        relevant=dict.fromkeys(named, 1) if answerable else {},
        answerable=answerable,
        choices=_choices(item, question_id, ideal if answerable else None),
        labels=item.labels(*_KNOWN),
    )


def _choices(item: Item, question_id: str, ideal: str | None) -> tuple[str, ...]:
    """Order the options by a hash of themselves and the question."""
    options = list(item.answers("distractors"))
    if not options:
        item.wrong("distractors", "'distractors' is missing or empty; it must be a list of texts")
    if ideal is not None:
        options.append(ideal)
    if len(set(options)) < len(options):
        item.wrong("distractors", "an option is there twice; the right one would not be one")
    return tuple(
        sorted(options, key=lambda option: sha256_bytes(f"{question_id}\0{option}".encode()))
    )
