"""Ask the development questions with and without their gold papers, and fit confidence on that.

In: the folder of the data sets and one for their indexes. Out: what retrieval says of every
question, asked four times, and the model's probabilities. Invariant: probabilities of `held_out`
come from a model that saw no question with the same first gold paper; 26 of SciFact's 809 claims
have a further one that it saw.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from ragqa._files import sha256_bytes
from ragqa.evaluate import load_dataset
from ragqa.evaluate.indexing import prepare_index
from ragqa.index.generation import open_generation
from ragqa.retrieve.hybrid import Retriever

__all__ = ["ALL", "ANOTHER", "GOLD", "GONE", "SETS", "Asked", "ask", "fit", "held_out"]

SETS = ("covidqa", "evidence-inference", "scifact")
ALL, GONE, GOLD, ANOTHER = range(4)
"""What a question is asked of: all papers, all but its gold papers, these alone, another alone."""
_FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question asked of some papers.

    :ivar set_name: The data set.
    :ivar question_id: The question.
    :ivar paper: The first of its gold papers: what folds and resamples are made of.
    :ivar place: What it was asked of, see `ALL`.
    :ivar signals: What retrieval said, in the order of `Signals`.
    """

    set_name: str
    question_id: str
    paper: str
    place: int
    signals: tuple[float, ...]

    @property
    def there(self) -> bool:
        """Say whether a gold paper was among those asked."""
        return self.place in {ALL, GOLD}


def ask(data: Path, work: Path, names: Sequence[str] = SETS) -> Iterator[Asked]:
    """Ask every question of some data sets four times, in the order of the places."""
    for name in names:
        dataset = load_dataset(data / name)
        prepared = prepare_index(dataset, work, {})
        retriever = Retriever(open_generation(prepared.directory), prepared.embedder)
        papers = [paper.paper_id for paper in dataset.papers]
        for question in dataset.questions:
            gold = sorted(question.gold_papers)
            others = [paper_id for paper_id in papers if paper_id not in gold]
            one_other = [others[_hash_of(question.question_id) % len(others)]]
            for place, allowed in enumerate((papers, others, gold, one_other)):
                signals = retriever.retrieve(question.text, paper_ids=allowed).signals
                yield Asked(
                    set_name=name,
                    question_id=question.question_id,
                    paper=gold[0],
                    place=place,
                    # A signal that is None is of a stage that was not asked for.
                    signals=tuple(float(value or 0) for value in astuple(signals)),
                )


def fit(asked: Sequence[Asked]) -> LogisticRegression:
    """Fit the probability that a gold paper is there; each data set weighs the same."""
    names = [one.set_name for one in asked]
    sizes = {name: names.count(name) for name in set(names)}
    return LogisticRegression(C=100, max_iter=10_000).fit(
        _rows(asked),
        [one.there for one in asked],
        sample_weight=[len(asked) / sizes[name] / len(sizes) for name in names],
    )


def held_out(asked: Sequence[Asked]) -> np.ndarray:
    """Return the probability (n,) of each by a model fitted on the questions of other papers."""
    probabilities = np.zeros(len(asked))
    papers = [f"{one.set_name}/{one.paper}" for one in asked]
    for train, test in GroupKFold(_FOLDS).split(asked, groups=papers):
        model = fit([asked[at] for at in train])
        probabilities[test] = model.predict_proba(_rows([asked[at] for at in test]))[:, 1]
    return probabilities


def _rows(asked: Sequence[Asked]) -> np.ndarray:
    return np.array([one.signals for one in asked])


def _hash_of(text: str) -> int:
    return int(sha256_bytes(text.encode())[:8], 16)
