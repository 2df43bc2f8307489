"""The gate on the adversary suite: half A, half B and all, with or without the embedder.

    python benchmarks/adversary_suite.py [--half A|B] [--rows] [--wrong] [--embedder]

Half A may be read (``--wrong`` prints its failures); half B is held out: only its rates are
printed. ``--embedder`` gives the gate the similarity that the reader gives it at run time.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from adversary.scoring import GROUPS, Table, run_suite

from ragqa.generate.reading import read_output
from ragqa.verify import verify_written


def gate(*, embedder: bool) -> Callable[..., Any]:
    if not embedder:
        return verify_written
    from ragqa.api.chat import similarity_by
    from ragqa.embed import DEFAULT_EMBEDDER, load_embedder

    return partial(verify_written, similarity=similarity_by(load_embedder(DEFAULT_EMBEDDER)))


def summary(table: Table) -> str:
    """Return one line a group: what was caught, what was dropped."""
    lines = []
    for group in GROUPS:
        row = table.row(group)
        dropped = "" if not row.good else f", dropped {row.good - row.kept}/{row.good}"
        lines.append(f"{group}: {row.caught}/{row.cases} ({row.catch_rate:.1%}){dropped}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=("A", "B"))
    parser.add_argument("--rows", action="store_true")
    parser.add_argument("--wrong", action="store_true")
    parser.add_argument("--embedder", action="store_true")
    arguments = parser.parse_args()
    table = run_suite(read_output, gate(embedder=arguments.embedder))
    halves = (arguments.half,) if arguments.half else ("A", "B")
    shown = {half: table.of_half(half) for half in halves}
    if not arguments.half:
        shown["all"] = table
    for name, part in shown.items():
        print(f"## {name}\n{part.to_markdown() if arguments.rows else summary(part)}")
    for verdict in table.of_half("A").wrong if arguments.wrong else ():
        print(verdict.case_id, "passed:", verdict.escaped, "dropped:", verdict.lost)


if __name__ == "__main__":
    main()
