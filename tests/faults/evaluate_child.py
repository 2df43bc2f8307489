"""One run of the harness in a process of its own, to be killed; run as a script.

Usage: evaluate_child.py OUT COUNT: asks COUNT questions of a small system that takes some
milliseconds for each, and prints how many it was asked.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from evaluated import Keyword, dataset

from ragqa.evaluate.harness import evaluate
from ragqa.evaluate.records import Response


class Slow(Keyword):
    """The same, at a pace that leaves time to be killed; it fails on some questions."""

    def respond(
        self, question: str, *, paper_ids: Sequence[str] | None, depth: int
    ) -> tuple[Response, float]:
        time.sleep(0.005)
        return super().respond(question, paper_ids=paper_ids, depth=depth)


def main(out: Path, count: int) -> None:
    data = dataset(count)
    system = Slow.over(data, failing=frozenset({"salt"}))
    evaluate(data, system, out=out, remove_gold=True)
    sys.stdout.write(f"{len(system.heard)}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
