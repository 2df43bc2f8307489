"""Train the packaged reranker, and say what it gives on papers that it did not see.

    python benchmarks/train_reranker.py DATA WORK OUT

DATA holds covidqa, evidence-inference and scifact; WORK takes their indexes and the models. Titles
are learned first, then the questions of two thirds of the papers. The model is packed as OUT and
measured on the other third, whose questions are named in ``WORK/unseen.json``: what is packaged is
what was measured. About 30 minutes on two idle cores.

What is measured on SciFact is not of unseen papers through and through: titles are its own, so that
two fifths of its gold abstracts were seen with their titles (235 of 565, none with a claim), and
thirds are made by a claim's first gold paper, while 77 of 809 have several.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from reranker.pairs import (
    QUESTION_SETS,
    TITLE_NEGATIVES,
    Group,
    question_groups,
    title_groups,
)
from reranker.training import WINDOW, new_model, scores_of, train
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from ragqa.rerank.packing import pack
from ragqa.retrieve.hybrid import RetrieveOptions
from ragqa.retrieve.reranking import z_scores

_TITLE_RATE, _QUESTION_RATE = 5e-5, 4e-5
_FOLDS = 3
_WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)  # of the reranker against retrieval's score

_Scores = dict[tuple[str, str], float]


def say(line: str) -> None:
    """Tell the person who waits how far it is."""
    print(line, file=sys.stderr, flush=True)


def report(groups: Sequence[Group], scores: _Scores) -> None:
    """Print, for each set and weight, the share of questions with gold in the first 1, 3 and 5."""
    for name in QUESTION_SETS:
        of_set = [group for group in groups if group.set_name == name]
        print(f"{name}, {len(of_set)} questions: gold evidence in the first 1 / 3 / 5 chunks")
        for weight in _WEIGHTS:
            hits = np.mean([_hits(group, scores, weight) for group in of_set], axis=0)
            print(f"  weight {weight}: " + " / ".join(f"{hit:.3f}" for hit in hits))
        print(f"  AUROC of its best score, gold papers there or gone: {_auroc(of_set, scores):.3f}")
    sys.stdout.flush()


def _hits(group: Group, scores: _Scores, weight: float) -> list[bool]:
    read = group.candidates[: RetrieveOptions().reranked]
    first = np.array([one.score for one in read])
    second = np.array([scores[group.question, one.text] for one in read])
    order = np.argsort(-(z_scores(first) + weight * z_scores(second)), kind="stable")
    gold = np.array([one.is_gold for one in read])[order]
    return [bool(gold[:depth].any()) for depth in (1, 3, 5)]


def _auroc(groups: Sequence[Group], scores: _Scores) -> float:
    there = [max(scores[g.question, one.text] for one in g.candidates) for g in groups]
    gone = [max(scores[g.question, one.text] for one in g.gone) for g in groups if g.gone]
    return float(roc_auc_score([1] * len(there) + [0] * len(gone), there + gone))


def main(data: Path, work: Path, out: Path) -> None:
    """Collect, train, pack, measure."""
    work.mkdir(parents=True, exist_ok=True)
    titles = list(title_groups(data, work))
    groups = [group for name in QUESTION_SETS for group in question_groups(data, work, name)]
    say(f"{len(titles)} titles, {len(groups)} questions")
    papers = [f"{group.set_name}/{group.paper}" for group in groups]
    folds = GroupKFold(_FOLDS, shuffle=True, random_state=0).split(groups, groups=papers)
    learned, unseen = ([groups[at] for at in part] for part in next(iter(folds)))

    model = train(
        new_model(), titles, epochs=1, rate=_TITLE_RATE, say=say, negatives=TITLE_NEGATIVES
    )
    model = train(model, learned, epochs=2, rate=_QUESTION_RATE, say=say)
    pack(model, out, window=WINDOW)
    questions = {name: [g.question for g in unseen if g.set_name == name] for name in QUESTION_SETS}
    (work / "unseen.json").write_text(json.dumps(questions), encoding="utf-8")
    pairs = [(g.question, one.text) for g in unseen for one in (*g.candidates, *g.gone)]
    report(unseen, scores_of(model, pairs))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
