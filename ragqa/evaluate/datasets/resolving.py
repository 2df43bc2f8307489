"""Evidence of questions beside a corpus -> spans of the corpus's canonical texts.

In: a dataset without texts, and the texts of an index. Out: the same dataset, its evidence located
in the paper's PDF, else its README, else its summary. Evidence that names no paper is looked up in
all papers that the question is asked of. Invariant: evidence that stands in none of them stays,
unlocated, with a problem that names the question's file and line; one problem for each cause.

Words that stand in several papers are evidence in each of them, and all these papers are relevant:
which one was meant would be a guess. So that a system is paid in full for finding one of the
places, they are alternatives, like the choices of several annotators, of whom measures take the
best.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import prod

from ragqa.evaluate.datasets.listed import unlisted
from ragqa.evaluate.datasets.values import shown
from ragqa.evaluate.locating import TextIndex, fold
from ragqa.evaluate.records import Dataset, DatasetProblem, Effect, Evidence, GoldQuestion
from ragqa.records import DocumentKind

__all__ = ["resolve"]

_ORDER: tuple[DocumentKind, ...] = ("pdf", "readme", "summary")
_MOST_READINGS = 256  # combinations of the places of one question's evidence: more say nothing new
_SHOWN_PAPERS = 5  # of those that hold the same words

_Key = tuple[str, DocumentKind]


def resolve(dataset: Dataset, documents: Mapping[_Key, str]) -> Dataset:
    """Locate the evidence of questions beside a corpus.

    :param dataset: The dataset; one that brings its own texts is returned as it is.
    :param documents: The index's canonical text of each paper and kind.
    :return: The dataset with located evidence, and a problem for what was not found; the problems
        are in order of file and line.
    """
    if dataset.corpus is None:
        return dataset
    resolver = _Resolver(_Texts(documents), dataset.problems)
    questions = tuple(resolver.question(question) for question in dataset.questions)
    problems = sorted(
        (*dataset.problems, *resolver.problems), key=lambda problem: problem.place
    )  # stable: at one place, what was said when it was read comes first
    return replace(dataset, questions=questions, problems=tuple(problems), is_located=True)


class _Texts:
    """The texts of an index, each prepared once."""

    def __init__(self, documents: Mapping[_Key, str]) -> None:
        self._documents = documents
        self._indexes: dict[_Key, TextIndex] = {}
        self._folded: dict[_Key, str] = {}
        self.papers = tuple(sorted({paper_id for paper_id, _ in documents}))

    def has(self, paper_id: str) -> bool:
        """Say whether a paper has a text."""
        return any(self._documents.get((paper_id, kind)) for kind in _ORDER)

    def located(self, evidence: Evidence, paper_id: str) -> Iterator[Evidence]:
        """Yield where evidence stands in a paper: once in each text that holds it."""
        kinds = _ORDER if evidence.document is None else (evidence.document,)
        for kind in kinds:
            if (paper_id, kind) not in self._documents:
                continue
            span = self._index((paper_id, kind)).locate(evidence.text)
            if span is not None:
                start, end = span
                yield replace(evidence, paper_id=paper_id, document=kind, start=start, end=end)

    def may_hold(self, paper_id: str, words: str, folded: str) -> bool:
        """Say whether a paper may hold words, without the memory that locating them takes."""
        for kind in _ORDER:
            key = paper_id, kind
            text = self._documents.get(key, "")
            if words in text:
                return True
            if text and key not in self._folded:
                self._folded[key] = fold(text)
            if folded in self._folded.get(key, ""):
                return True
        return False

    def is_exact(self, place: Evidence) -> bool:
        """Say whether a text holds the words of evidence as they are, but for white space."""
        if place.document is None:
            return False
        key, words = (place.paper_id, place.document), _unspaced(place.text)
        text = self._documents[key]
        return any(_unspaced(text[slice(*s)]) == words for s in self._index(key).find(place.text))

    def _index(self, key: _Key) -> TextIndex:
        if key not in self._indexes:
            self._indexes[key] = TextIndex(self._documents[key])
        return self._indexes[key]


def _unspaced(text: str) -> str:
    return "".join(text.split())


class _Resolver:
    """Looks for evidence, and notes what is not found.

    :ivar problems: What was noted, in the order of the questions.
    """

    def __init__(self, texts: _Texts, told: Sequence[DatasetProblem]) -> None:
        self.problems: list[DatasetProblem] = []
        self._texts = texts
        self._told = [problem.text for problem in told if problem.effect == "not-found"]

    def question(self, question: GoldQuestion) -> GoldQuestion:
        """Return a question with its evidence located."""
        lost = {
            paper_id
            for paper_id in question.gold_papers
            if paper_id and not self._texts.has(paper_id)
        }
        for paper_id in sorted(lost):
            if not any(unlisted(paper_id) in text for text in self._told):
                self._note(question, f"the paper {shown(paper_id)} has no text in the index")
        places = [self._places(part, question, lost) for part in question.evidence]
        relevant = dict(question.relevant)
        for part, found in zip(question.evidence, places, strict=True):
            for place in found if not part.paper_id else ():
                if place.paper_id:
                    relevant.setdefault(place.paper_id, 1)
        return replace(question, evidence=_readings(places), relevant=relevant)

    def _places(
        self, evidence: Evidence, question: GoldQuestion, lost: set[str]
    ) -> tuple[Evidence, ...]:
        """Return where evidence stands; itself, which is noted, where it stands nowhere."""
        if evidence.is_located:
            return (evidence,)
        if not evidence.paper_id:
            return self._anywhere(evidence, question) or (evidence,)
        for paper_id in dict.fromkeys([evidence.paper_id, *question.relevant]):
            place = next(self._texts.located(evidence, paper_id), None)
            if place is not None:
                return (place,)
        if evidence.paper_id not in lost:  # else that was told
            where = "" if evidence.document is None else f"the {evidence.document} of "
            paper = shown(evidence.paper_id)
            self._note(
                question, f"evidence {shown(evidence.text)} does not stand in {where}{paper}"
            )
        return (evidence,)

    def _anywhere(self, evidence: Evidence, question: GoldQuestion) -> tuple[Evidence, ...]:
        """Return a place in each paper that holds the words; of all, the papers that do exactly."""
        folded = fold(evidence.text)
        places: list[Evidence] = []
        exact: list[Evidence] = []
        for paper_id in question.paper_ids or self._texts.papers:
            if not self._texts.may_hold(paper_id, evidence.text, folded):
                continue
            found = list(self._texts.located(evidence, paper_id))
            places += found[:1]
            if any(map(self._texts.is_exact, found)):
                exact += found[:1]
        places = exact or places
        if not places:
            asked = "the papers that it is asked of" if question.paper_ids else "the papers"
            where = "" if evidence.document is None else f"the {evidence.document}s of "
            self._note(question, f"evidence {shown(evidence.text)} is in none of {where}{asked}")
        elif len(places) > 1:
            self._note(question, _ambiguous(evidence, places), "noted")
        return tuple(places)

    def _note(self, question: GoldQuestion, text: str, effect: Effect = "not-found") -> None:
        self.problems.append(DatasetProblem(place=question.place, text=text, effect=effect))


def _ambiguous(evidence: Evidence, places: Sequence[Evidence]) -> str:
    names = [shown(place.paper_id) for place in places[:_SHOWN_PAPERS]]
    if len(places) > _SHOWN_PAPERS:
        names.append(f"{len(places) - _SHOWN_PAPERS} more")
    return (
        f"evidence {shown(evidence.text)} stands in {len(places)} papers ({', '.join(names)}); "
        "each counts as relevant, and any of the places as found; name the paper to mean one"
    )


def _readings(places: Sequence[tuple[Evidence, ...]]) -> tuple[Evidence, ...]:
    """Return evidence with alternatives as that of annotators who chose one each.

    :param places: The places of each piece of evidence; never none.
    :return: The evidence; where there are no alternatives, with the annotators as they were.
    """
    if all(len(part) == 1 for part in places):
        return tuple(part[0] for part in places)
    if prod(map(len, places)) <= _MOST_READINGS:
        chosen = list(product(*places))
    else:  # every place is in one of them
        most = max(map(len, places))
        chosen = [tuple(part[min(at, len(part) - 1)] for part in places) for at in range(most)]
    return tuple(
        replace(part, annotator=number) for number, parts in enumerate(chosen) for part in parts
    )
