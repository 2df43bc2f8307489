"""How often "fits" and "another task" are wrong on the cards of `tests/fit_cards/`.

Run (real papers count where `../shared/data` has them); `--list` names each wrong or open one:

    python benchmarks/fit_cards.py [--half dev|unseen|fresh|last] [--list] [--questions DATA_FOLDER]

With the folder of development sets it also says how many of their questions and claims name a task
of the list; next to none of them asks for one.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from fit_card_set import HALVES, Judged, judged, summary

from ragqa.plan.fit import tasks_asked


def subsets(results: Sequence[Judged]) -> dict[str, list[Judged]]:
    """Return all results, those in lay words, near misses, and those of real PDFs."""
    return {
        "all": list(results),
        "lay words": [r for r in results if r.card.lay],
        "near misses": [r for r in results if r.card.near],
        "real PDFs": [r for r in results if r.paper.kind == "file"],
    }


def show(result: Judged) -> None:
    """Print one judgement that is not the expected one."""
    fit = result.fit
    quoted = fit.evidence.text[:90] if fit.evidence else "-"
    declared, asked = ([task.name for task in tasks] for tasks in (fit.declared, fit.asked))
    print(f"{result.paper.id}: {fit.outcome}, not {result.expected}: {result.card.question}")
    print(f"    declared {declared}, asked {asked}; {quoted!r}")


def name_a_task(data: Path) -> str:
    """Count the questions and claims of medical papers that name a task."""
    files = [data / name / "questions.jsonl" for name in ("covidqa", "evidence-inference")]
    rows = [
        json.loads(line)
        for path in (*files, data / "scifact" / "queries.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    texts = [row.get("question") or row["text"] for row in rows]
    return f"{sum(bool(tasks_asked(text)) for text in texts)} of {len(texts)} name a task"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=HALVES, action="append")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--questions", type=Path)
    options = parser.parse_args()
    if options.questions:
        print(name_a_task(options.questions))
    for half in options.half or HALVES:
        results = list(judged(half))
        for name, part in subsets(results).items():
            print(f"{half}, {name}: {summary(part)}")
        if options.list:
            for result in results:
                if result.fit.outcome != result.expected:
                    show(result)


if __name__ == "__main__":
    main()
