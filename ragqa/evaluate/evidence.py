"""Evidence of questions beside a corpus: located in the texts of the corpus's index.

In: a dataset, an index folder. Out: the dataset with spans.
"""

from __future__ import annotations

from pathlib import Path

from ragqa.errors import EvaluationError
from ragqa.evaluate.datasets import resolve
from ragqa.evaluate.records import Dataset
from ragqa.index.generation import open_generation

__all__ = ["check_located", "locate_evidence"]


def locate_evidence(dataset: Dataset, index: str | Path) -> Dataset:
    """Look up where the evidence of questions beside a corpus stands in its index.

    `evaluate_systems` does so by itself; `evaluate`, which is given no index, does not.

    :param dataset: The dataset; one that brings its own texts is returned as it is.
    :param index: The index folder of its corpus.
    :return: The dataset with located evidence, and a problem for what was not found.
    :raises IndexStateError: The index is missing or damaged.
    """
    if dataset.corpus is None:
        return dataset
    with open_generation(Path(index)) as generation:
        store = generation.store
        return resolve(dataset, {place: store.document(*place).text for place in store.keys()})


def check_located(dataset: Dataset) -> None:
    """Refuse to judge by evidence that was never looked up: it would count as never found.

    :param dataset: The dataset.
    :raises EvaluationError: It was not.
    """
    unlocated = dataset.corpus is not None and not dataset.is_located
    if unlocated and any(question.evidence for question in dataset.questions):
        raise EvaluationError(
            "the evidence of this dataset was not looked up in its corpus's index yet",
            item=dataset.name,
            hint="Pass ragqa.evaluate.locate_evidence(dataset, index) instead",
        )
