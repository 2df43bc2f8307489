"""Fit the weights of `ragqa.retrieve.confidence`, and say how good they are.

Each development question is asked four times: of all papers, of all but its gold papers, of its
gold papers alone, and of one other paper. The model must tell where the gold is. Figures are
cross-validated over five folds split by paper; the weights printed at the end are fitted on
everything. Run:

    python benchmarks/fit_confidence.py DATA_FOLDER WORK_FOLDER
"""

from __future__ import annotations

import sys
from dataclasses import astuple, fields
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from ragqa._files import sha256_bytes
from ragqa.evaluate import load_dataset
from ragqa.evaluate.indexing import prepare_index
from ragqa.index.generation import open_generation
from ragqa.retrieve.hybrid import Retriever, Signals

SETS = ("covidqa", "evidence-inference")


def collect(data: Path, work: Path) -> tuple[np.ndarray, np.ndarray, list[str], np.ndarray]:
    """Return signals (n, 4), labels (n,), the paper each belongs to, and the set's number."""
    rows, labels, groups, sets = [], [], [], []
    for number, name in enumerate(SETS):
        dataset = load_dataset(data / name)
        prepared = prepare_index(dataset, work, {})
        retriever = Retriever(open_generation(prepared.directory), prepared.embedder)
        papers = [paper.paper_id for paper in dataset.papers]
        for question in dataset.questions:
            gold = sorted(question.gold_papers)
            others = [paper_id for paper_id in papers if paper_id not in gold]
            one_other = [others[hash_of(question.question_id) % len(others)]]
            for label, allowed in ((1, papers), (0, others), (1, gold), (0, one_other)):
                rows.append(astuple(retriever.retrieve(question.text, paper_ids=allowed).signals))
                labels.append(label)
                groups.append(f"{name}/{min(question.gold_papers)}")
                sets.append(number)
    return np.array(rows), np.array(labels), groups, np.array(sets)


def hash_of(text: str) -> int:
    return int(sha256_bytes(text.encode())[:8], 16)


def fit(rows: np.ndarray, labels: np.ndarray, sets: np.ndarray) -> LogisticRegression:
    weight = np.array([1 / np.sum(sets == number) for number in sets])
    return LogisticRegression(C=100, max_iter=10_000).fit(
        rows, labels, sample_weight=weight * len(labels) / len(SETS)
    )


def report(name: str, scores: np.ndarray, truth: np.ndarray) -> None:
    print(f"{name}: AUROC {roc_auc_score(truth, scores):.3f}")
    print("  threshold  answered, gold there  answered, gold gone")
    at_80 = np.quantile(scores[truth == 1], 0.2)
    for threshold in (0.3, 0.4, 0.5, 0.6, 0.7, at_80):
        there = np.mean(scores[truth == 1] >= threshold)
        gone = np.mean(scores[truth == 0] >= threshold)
        print(f"  {threshold:.2f}  {there:.3f}  {gone:.3f}")


def main(data: Path, work: Path) -> None:
    rows, labels, groups, sets = collect(data, work)
    held_out = np.zeros(len(labels))
    for train, test in GroupKFold(5).split(rows, labels, groups):
        model = fit(rows[train], labels[train], sets[train])
        held_out[test] = model.predict_proba(rows[test])[:, 1]
    place = np.arange(len(labels)) % 4
    for number, name in enumerate(SETS):
        for kind, places in (("all papers", (0, 1)), ("one paper", (2, 3))):
            chosen = (sets == number) & np.isin(place, places)
            report(f"{name}, {kind}", held_out[chosen], labels[chosen])
    model = fit(rows, labels, sets)
    print("intercept", round(float(model.intercept_[0]), 2))
    for field, value in zip(fields(Signals), model.coef_[0], strict=True):
        print(field.name, round(float(value), 2))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
