"""PubMedQA's JSON: ``{pmid: {QUESTION, CONTEXTS, LONG_ANSWER, final_decision, ...}}``.

A paper is an abstract without its conclusion: the ``CONTEXTS``, a line each, without their
``LABELS``, which are headings that annotate the text. Its title is its pmid: the published title
is the question, and would give it away. The paper is relevant, the conclusion (``LONG_ANSWER``) is
the answer, and ``final_decision`` and what else is known are labels. There are no evidence spans.
Written from the published schema and tested on samples of our own, not on the published files.
"""

from __future__ import annotations

from pathlib import Path

from ragqa.evaluate.datasets.gold import Draft
from ragqa.evaluate.datasets.reading import Reading
from ragqa.evaluate.datasets.source import Request, chosen, has_keys, the_file
from ragqa.evaluate.datasets.values import Item
from ragqa.evaluate.records import GoldPaper, GoldQuestion

__all__ = ["LOOKS_FOR", "NAME", "matches", "read"]

NAME = "pubmedqa"
LOOKS_FOR = "a .json file with QUESTION and CONTEXTS for each pmid"

_KNOWN = ("QUESTION", "CONTEXTS", "LONG_ANSWER")


def _is_one(path: Path) -> bool:
    return has_keys(path, "QUESTION", "CONTEXTS")


def matches(path: Path) -> bool:
    """Say whether a file, or one in a folder, is PubMedQA's.

    :param path: It.
    :return: True where it looks like it.
    """
    return bool(chosen(path, None, _is_one, ".json"))


def read(request: Request) -> tuple[Reading, Draft]:
    """Read questions and the abstracts that they are about.

    :param request: What to read.
    :return: What it was read with, and what was read.
    :raises DatasetError: There are several files, and none was chosen.
    """
    file = the_file(request, _is_one, ".json", looks_for=LOOKS_FOR)
    reading, draft = Reading(file.parent, file), Draft(split=request.split)
    for pmid, item in reading.entries(file.name, reading.json(file.name), "PMID"):
        text = "\n".join(item.texts("CONTEXTS"))
        if not item.has("CONTEXTS"):
            item.wrong("CONTEXTS", "'CONTEXTS' is missing; it must be a list of texts")
        draft.papers.append((GoldPaper(paper_id=pmid, title=pmid, text=text), item.place))
        draft.questions.append(_question(pmid, item))
    return reading, draft


def _question(pmid: str, item: Item) -> GoldQuestion:
    answers = item.answers("LONG_ANSWER")
    return GoldQuestion(
        question_id=pmid,
        text=item.text("QUESTION"),
        place=item.place,
        answers=tuple(answer for answer in answers if answer.strip()),
        relevant={pmid: 1},
        labels=item.labels(*_KNOWN),
    )
