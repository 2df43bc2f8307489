"""Evidence of questions beside a corpus -> spans of the corpus's canonical texts.

In: a dataset without texts, and the texts of an index. Out: the same dataset, its evidence located
in the paper's PDF, else its README, else its summary. Invariant: evidence that stands in none of
them stays, unlocated, with a problem that names the question's file and line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ragqa.evaluate.datasets.values import shown
from ragqa.evaluate.locating import TextIndex
from ragqa.evaluate.records import Dataset, DatasetProblem, Evidence, GoldQuestion
from ragqa.records import DocumentKind

__all__ = ["resolve"]

_ORDER: tuple[DocumentKind, ...] = ("pdf", "readme", "summary")


def resolve(dataset: Dataset, documents: Mapping[tuple[str, DocumentKind], str]) -> Dataset:
    """Locate the evidence of questions beside a corpus.

    :param dataset: The dataset; one that brings its own texts is returned as it is.
    :param documents: The index's canonical text of each paper and kind.
    :return: The dataset with located evidence, and a problem for what was not found.
    """
    if dataset.corpus is None:
        return dataset
    resolver = _Resolver(documents)
    questions = tuple(resolver.question(question) for question in dataset.questions)
    problems = (*dataset.problems, *resolver.problems)
    return replace(dataset, questions=questions, problems=problems)


class _Resolver:
    """Looks for evidence, each text prepared once.

    :ivar problems: What was not found, in the order of the questions.
    """

    def __init__(self, documents: Mapping[tuple[str, DocumentKind], str]) -> None:
        self.problems: list[DatasetProblem] = []
        self._documents = documents
        self._indexes: dict[tuple[str, DocumentKind], TextIndex] = {}

    def question(self, question: GoldQuestion) -> GoldQuestion:
        """Return a question with its evidence located."""
        for paper_id in sorted(question.gold_papers):
            if not any(self._documents.get((paper_id, kind)) for kind in _ORDER):
                said = f"the paper {shown(paper_id)} has no text in the index"
                self._not_found(question, said)
        evidence = tuple(self._evidence(part, question) for part in question.evidence)
        return replace(question, evidence=evidence)

    def _evidence(self, evidence: Evidence, question: GoldQuestion) -> Evidence:
        if evidence.is_located:
            return evidence
        for paper_id, kind in self._where(evidence, question):
            span = self._index(paper_id, kind).locate(evidence.text)
            if span is not None:
                start, end = span
                return replace(evidence, paper_id=paper_id, document=kind, start=start, end=end)
        where = "" if evidence.document is None else f"the {evidence.document} of "
        said = (
            f"evidence {shown(evidence.text)} does not stand in {where}{shown(evidence.paper_id)}"
        )
        self._not_found(question, said)
        return evidence

    def _where(
        self, evidence: Evidence, question: GoldQuestion
    ) -> Iterator[tuple[str, DocumentKind]]:
        """Yield the texts to look in: of its paper, then of the question's other papers."""
        kinds = _ORDER if evidence.document is None else (evidence.document,)
        for paper_id in dict.fromkeys([evidence.paper_id, *question.relevant]):
            for kind in kinds:
                if (paper_id, kind) in self._documents:
                    yield paper_id, kind

    def _index(self, paper_id: str, kind: DocumentKind) -> TextIndex:
        key = (paper_id, kind)
        if key not in self._indexes:
            self._indexes[key] = TextIndex(self._documents[key])
        return self._indexes[key]

    def _not_found(self, question: GoldQuestion, text: str) -> None:
        self.problems.append(DatasetProblem(place=question.place, text=text, effect="not-found"))
