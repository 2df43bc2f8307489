"""How often covidqa is answered although the gold papers are gone, and how often that is wrong.

With a question's gold papers removed another paper may answer it still, and some questions cannot
be understood without their paper. `audit/covidqa_gold_removed.jsonl` says which, found by reading.
This prints the share answered and the AUROC over all questions and without those, with 95 %
intervals (papers resampled, the threshold chosen anew in each resample). Confidence is
cross-validated by paper. Run:

    python benchmarks/audited_abstention.py DATA_FOLDER WORK_FOLDER
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from signals import ALL, GONE, Asked, ask, held_out
from sklearn.metrics import roc_auc_score

from ragqa.evaluate import load_dataset

AUDIT = Path(__file__).parent / "audit" / "covidqa_gold_removed.jsonl"
SET = "covidqa"
ANSWERABLE = 0.8  # share of the questions with their gold papers there that are answered
RESAMPLES = 2_000
SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What reading said of one question with its gold papers gone.

    :ivar verdict: ``answered``, ``partly`` or ``not-answered`` by other papers, or ``not-read``.
    :ivar question: ``self-contained`` or ``needs-its-paper``.
    :ivar where: The answer is among the statements ``shown``, the chunks ``retrieved``, or
        ``elsewhere`` in the other papers; empty where there is none.
    """

    verdict: str
    question: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One question's confidence with its gold papers and without."""

    question_id: str
    paper: str
    there: float
    gone: float


def read_audit(data: Path) -> dict[str, Read]:
    """Return the audit by question; a span that its paper does not have is an error."""
    dataset = load_dataset(data / SET)
    lengths = {paper.paper_id: len(paper.text) for paper in dataset.papers}
    gold = {question.question_id: question.gold_papers for question in dataset.questions}
    found = {}
    for line in AUDIT.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        paper_id = record.get("paper_id")
        question_id = record["question_id"]
        if paper_id is not None and (
            paper_id in gold[question_id]
            or not 0 <= record["start"] < record["end"] <= lengths[paper_id]
        ):
            raise ValueError(f"{question_id}: not a span of another paper")
        found[question_id] = Read(
            verdict=record["verdict"], question=record["question"], where=record.get("where", "")
        )
    if found.keys() != gold.keys():
        raise ValueError("the audit is of other questions")
    return found


def pairs(asked: Iterable[Asked], probabilities: np.ndarray) -> list[Pair]:
    """Join what was asked of all papers with what was asked of all but the gold ones."""
    found: dict[str, dict[int, float]] = {}
    papers: dict[str, str] = {}
    for one, probability in zip(asked, probabilities, strict=True):
        if one.set_name == SET:
            found.setdefault(one.question_id, {})[one.place] = float(probability)
            papers[one.question_id] = one.paper
    return [
        Pair(question_id=key, paper=papers[key], there=places[ALL], gone=places[GONE])
        for key, places in found.items()
    ]


def measures(there: np.ndarray, gone: np.ndarray) -> tuple[float, float]:
    """Return the share of `gone` answered where `ANSWERABLE` of `there` is, and the AUROC."""
    threshold = np.quantile(there, 1 - ANSWERABLE)
    truth = np.repeat([1, 0], [len(there), len(gone)])
    return float(np.mean(gone >= threshold)), float(
        roc_auc_score(truth, np.concatenate([there, gone]))
    )


def row(name: str, chosen: list[Pair], excused: set[str]) -> str:
    """Return a line: questions left in, share answered and AUROC with their intervals."""
    there, gone = np.array([(pair.there, pair.gone) for pair in chosen]).T
    kept = np.array([pair.question_id not in excused for pair in chosen])
    of_paper: dict[str, list[int]] = {}
    for at, pair in enumerate(chosen):
        of_paper.setdefault(pair.paper, []).append(at)
    groups = [np.array(places) for places in of_paper.values()]
    generator = np.random.default_rng(SEED)
    resampled = []
    for _ in range(RESAMPLES):
        drawn = generator.integers(len(groups), size=len(groups))
        at = np.concatenate([groups[group] for group in drawn])
        resampled.append(measures(there[at], gone[at][kept[at]]))
    ends = np.quantile(resampled, [0.025, 0.975], axis=0).T
    figures = (
        f"{value:.3f} [{low:.3f}, {high:.3f}]"
        for value, (low, high) in zip(measures(there, gone[kept]), ends, strict=True)
    )
    return f"| {name} | {len(chosen)} | {kept.sum()} | {' | '.join(figures)} |"


def table(found: list[Pair], audit: Mapping[str, Read]) -> Iterable[str]:
    """Yield the table's lines."""

    def those(verdicts: set[str], places: set[str]) -> set[str]:
        return {key for key, a in audit.items() if a.verdict in verdicts and a.where in places}

    shown, known = {"shown"}, {"shown", "retrieved", "elsewhere"}
    clear = [p for p in found if audit[p.question_id].question == "self-contained"]
    ways: tuple[tuple[str, list[Pair], set[str]], ...] = (
        ("all", found, set()),
        ("without those that a shown statement answers", found, those({"answered"}, shown)),
        ("without those that another paper answers", found, those({"answered"}, known)),
        ("... or partly answers", found, those({"answered", "partly"}, known)),
        ("without needs-its-paper (on both sides)", clear, set()),
        ("without it and those answered", clear, those({"answered"}, known)),
        ("... or partly answered", clear, those({"answered", "partly"}, known)),
    )
    yield "| covidqa | questions | asked with gold gone | answered | AUROC |"
    yield "|---|---|---|---|---|"
    for name, chosen, excused in ways:
        yield row(name, chosen, excused)


def breakdown(found: list[Pair], audit: Mapping[str, Read]) -> Iterable[str]:
    """Yield what the answered ones are, most frequent first."""
    threshold = np.quantile([pair.there for pair in found], 1 - ANSWERABLE)
    answered = [audit[pair.question_id] for pair in found if pair.gone >= threshold]
    yield f"threshold {threshold:.3f}, answered with gold gone: {len(answered)}"
    kinds = Counter(f"{a.question}, {a.verdict} {a.where}".strip() for a in answered)
    for kind, count in kinds.most_common():
        yield f"  {count} {kind}"


def main(data: Path, work: Path) -> None:
    audit = read_audit(data)
    asked = list(ask(data, work))
    found = pairs(asked, held_out(asked))
    for line in (*table(found, audit), *breakdown(found, audit)):
        print(line)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
