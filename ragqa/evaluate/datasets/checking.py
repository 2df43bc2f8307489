"""What must hold of every dataset, whatever its format: a draft -> `Dataset`.

Invariants of what comes out: question and paper ids are unique; there are questions, and papers
to ask them of; each question can be asked; a question without a kind of gold that the others have
is noted, so that a report can name it beside the mean that it is not in.
"""

from __future__ import annotations

from collections.abc import Iterable

from ragqa.evaluate.datasets.gold import Draft
from ragqa.evaluate.datasets.reading import Reading
from ragqa.evaluate.datasets.values import shown
from ragqa.evaluate.records import Dataset, GoldQuestion, Place

__all__ = ["MAX_PAPER_CHARS", "MAX_QUESTION_CHARS", "assemble", "check_question"]

MAX_QUESTION_CHARS = 10_000
"""Characters: what `Reader.ask` accepts."""

MAX_PAPER_CHARS = 50_000_000
"""Characters: some 15,000 pages; longer, a whole library stands in one paper."""


def check_question(text: str, place: Place, reading: Reading) -> None:
    """Note a question that no system can be asked.

    :param text: The question.
    :param place: Where it stands.
    :param reading: Where to note it.
    """
    length = len(text.strip())
    if not text and reading.is_wrong(place):
        return  # it is empty as it could not be read
    if not any(char.isalnum() for char in text):
        reading.wrong(place, "the question is empty: it has no letter or digit")
    elif length > MAX_QUESTION_CHARS:
        said = f"the question has {length} characters; {MAX_QUESTION_CHARS} are the most"
        reading.wrong(place, said)


def _check_answers(question: GoldQuestion, reading: Reading) -> None:
    """Note an answer that nothing can be compared with."""
    if all(answer.strip() for answer in question.answers) or reading.is_wrong(question.place):
        return
    reading.wrong(question.place, "an answer is empty; leave it out where there is none")


def assemble(draft: Draft, reading: Reading, *, name: str, form: str) -> Dataset:
    """Check a draft as a whole.

    :param draft: What a format read.
    :param reading: What it was read with.
    :param name: What reports call the dataset.
    :param form: The format's name.
    :return: The dataset.
    :raises DatasetError: It has mistakes; all of them are named.
    """
    _unique(((paper.paper_id, place) for paper, place in draft.papers), "paper", reading)
    _unique(((item.question_id, item.place) for item in draft.questions), "question", reading)
    _papers(draft, reading)
    listed = draft.listed | {paper.paper_id for paper, _ in draft.papers}
    for question in draft.questions:
        check_question(question.text, question.place, reading)
        _check_answers(question, reading)
        for paper_id in question.paper_ids:
            if paper_id and paper_id not in listed:
                said = f"the question is asked of the paper {shown(paper_id)}, which does not exist"
                reading.wrong(question.place, said)
    reading.refuse()
    if not listed:
        reading.wrong(reading.first, "the dataset is empty: it has no papers")
    if not draft.questions:
        reading.wrong(reading.last, "the dataset is empty: it has no questions")
    reading.refuse()
    _note_missing(draft.questions, reading)
    return Dataset(
        name=name,
        format=form,
        sha256=reading.sha256(form, draft.split or ""),
        questions=tuple(draft.questions),
        papers=tuple(paper for paper, _ in draft.papers),
        corpus=draft.corpus,
        problems=reading.problems,
    )


def _unique(named: Iterable[tuple[str, Place]], what: str, reading: Reading) -> None:
    """Note ids that are used twice; an empty one was noted where it was read."""
    first: dict[str, Place] = {}
    for key, place in named:
        if key and first.setdefault(key, place) is not place:
            said = f"the {what} id {shown(key)} is already used at {first[key]}"
            reading.wrong(place, said)


def _papers(draft: Draft, reading: Reading) -> None:
    """Note papers that are empty or far too long."""
    for paper, place in draft.papers:
        if len(paper.text) > MAX_PAPER_CHARS:
            said = f"the paper has {len(paper.text)} characters; {MAX_PAPER_CHARS} are the most"
            reading.wrong(place, said)
        elif not paper.text.strip():
            said = f"the paper {shown(paper.paper_id)} has no text, so nothing of it can be found"
            reading.note(place, said, "noted")


def _gold(question: GoldQuestion) -> dict[str, bool]:
    """Say which kinds of gold a question has."""
    return {
        "answers": bool(question.answers),
        "evidence": bool(question.evidence),
        "relevant papers": bool(question.relevant) or _is_to_be_found(question),
    }


def _is_to_be_found(question: GoldQuestion) -> bool:
    """Say whether the papers that answer a question follow from where its evidence stands."""
    return any(not part.paper_id for part in question.evidence)


def _note_missing(questions: list[GoldQuestion], reading: Reading) -> None:
    """Note answerable questions without gold, or without a kind of it that others have."""
    asked = [(question, _gold(question)) for question in questions if question.answerable]
    used = {kind for _, gold in asked for kind, has in gold.items() if has}
    for question, gold in asked:
        missing = [kind for kind, has in gold.items() if kind in used and not has]
        if not any(gold.values()):
            said = "no gold at all: no answers, evidence or relevant papers"
        elif missing:
            said = f"no {' and no '.join(missing)}, which other questions have"
        else:
            continue
        what = f"the question {shown(question.question_id)} has {said}"
        reading.note(question.place, what, "left-out")
