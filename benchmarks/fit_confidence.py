"""Fit the weights of `ragqa.retrieve.confidence`, and say how good they are.

Each development question is asked four times: of all papers, of all but its gold papers, of its
gold papers alone, and of one other paper. The model must tell where the gold is. Figures are
cross-validated over five folds split by paper; the weights printed at the end are fitted on
everything. Run:

    python benchmarks/fit_confidence.py DATA_FOLDER WORK_FOLDER
"""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
from signals import ALL, ANOTHER, GOLD, GONE, SETS, ask, fit, held_out
from sklearn.metrics import roc_auc_score

from ragqa.retrieve.signals import Signals


def report(name: str, scores: np.ndarray, truth: np.ndarray) -> None:
    print(f"{name}: AUROC {roc_auc_score(truth, scores):.3f}")
    print("  threshold  answered, gold there  answered, gold gone")
    at_80 = np.quantile(scores[truth == 1], 0.2)
    for threshold in (0.3, 0.4, 0.5, 0.6, 0.7, at_80):
        there = np.mean(scores[truth == 1] >= threshold)
        gone = np.mean(scores[truth == 0] >= threshold)
        print(f"  {threshold:.2f}  {there:.3f}  {gone:.3f}")


def main(data: Path, work: Path) -> None:
    asked = list(ask(data, work))
    probabilities = held_out(asked)
    labels = np.array([one.there for one in asked])
    for name in SETS:
        for kind, places in (("all papers", {ALL, GONE}), ("one paper", {GOLD, ANOTHER})):
            chosen = np.array([one.set_name == name and one.place in places for one in asked])
            report(f"{name}, {kind}", probabilities[chosen], labels[chosen])
    model = fit(asked)
    print("intercept", round(float(model.intercept_[0]), 2))
    for field, value in zip(fields(Signals), model.coef_[0], strict=True):
        print(field.name, round(float(value), 2))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
