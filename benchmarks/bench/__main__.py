"""The bench's command: measure what is not kept yet, and print the table.

Run from the root of the project::

    python -m benchmarks.bench [--data ../shared/data] [--only build --only cold] [--json]

Progress goes to standard error, the table to standard output and to ``table.md`` in the folder of
results. Ctrl-C and the same command again go on where it was; ``--again`` forgets what is kept.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.bench.bench import ROOT, Bench, Options
from benchmarks.bench.environment import InstallError, make_environment
from benchmarks.bench.machine import busy_share
from benchmarks.bench.measures import MEASURES
from benchmarks.bench.running import say
from benchmarks.bench.table import Row, Table, render

INTERRUPTED = 130


def read_options(arguments: Sequence[str]) -> tuple[Options, tuple[str, ...], bool]:
    """Return how to run, which measures, and whether to print JSON.

    :param arguments: What the command was given.
    """
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench", description=(__doc__ or "").splitlines()[0]
    )
    add = parser.add_argument
    add("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of the datasets")
    add("--only", action="append", choices=[*MEASURES], metavar="MEASURE",
        help=f"this measure; repeatable: {', '.join(MEASURES)}")  # fmt: skip
    add("--repeats", type=int, default=3, help="runs of each system (default: 3)")
    add("--again", action="store_true", help="measure again what is kept")
    add("--table", action="store_true", help="measure nothing: the table of what is kept")
    add("--million", action="store_true", help="also build and ask a million chunks")
    add("--json", action="store_true", help="print JSON instead of the table")
    add("--results", type=Path, default=ROOT / ".bench", help="folder of results")
    add("--peers", type=Path, default=ROOT / ".bench-venv", help="environment of the peers")
    add("--work", type=Path, default=ROOT / "indexes" / "evaluate",
        help="indexes of datasets, as `ragqa evaluate --work` keeps them")  # fmt: skip
    given = parser.parse_args(arguments)
    if given.repeats < 1:
        parser.error("--repeats must be 1 or more")
    if not given.data.is_dir():
        parser.error(f"{given.data} is no folder: name that of the datasets with --data")
    options = Options(
        data=given.data.resolve(),
        results=given.results.resolve(),
        peers=given.peers.absolute(),
        work=given.work.resolve(),
        repeats=given.repeats,
        again=given.again,
        measure=not given.table,
        million=given.million,
    )
    return options, tuple(given.only or MEASURES), given.json


def measure(bench: Bench, names: Sequence[str]) -> list[Row]:
    """Run measures; one that fails is a row with its reason.

    :param bench: The bench.
    :param names: The measures.
    """
    rows = []
    for name in MEASURES:
        if name in names:
            say(f"{name}:")
            try:
                rows += MEASURES[name].run(bench)
            except Exception as error:  # noqa: BLE001 - whatever breaks costs this row only
                rows.append(Row(what=name, ours=f"failed: {type(error).__name__}: {error}"))
                say(f"  failed: {error}")
    return rows


def table_of(bench: Bench, rows: Sequence[Row], busy: dict[str, float | None]) -> Table:
    """Return the table with what it was measured on.

    :param bench: The bench, done.
    :param rows: Its rows.
    :param busy: What others used of the cores before and after.
    """
    runs = [run for cases in bench.seen.values() for case in cases.values() for run in case.runs]
    worst = max((run.others for run in runs if run.others is not None), default=None)
    return Table(
        rows=rows,
        machine=bench.machine,
        peers=_peers(bench),
        measured=tuple(sorted(run.at for run in runs if run.at)),
        busy={**busy, "at most during a run": worst},
    )


def _peers(bench: Bench) -> dict[str, str]:
    if bench.options.measure:
        environment = bench.environment
        return {} if isinstance(environment, InstallError) else environment.versions()
    there = (bench.options.peers / "pyvenv.cfg").exists()
    return make_environment(bench.options.peers).versions() if there else {}


def main() -> int:
    """Measure, and print the table."""
    options, names, as_json = read_options(sys.argv[1:])
    options.results.mkdir(parents=True, exist_ok=True)
    bench = Bench(options)
    busy = {"before": busy_share() if options.measure else None}
    try:
        rows = measure(bench, names)
    except KeyboardInterrupt:
        say(f"\nstopped; what was measured is kept in {options.results}: the same command goes on")
        return INTERRUPTED
    busy["after"] = busy_share() if options.measure else None
    table = table_of(bench, rows, busy)
    text = render(table)
    (options.results / "table.md").write_text(text, encoding="utf-8")
    if as_json:
        runs = {
            name: {case: asdict(found)["runs"] for case, found in cases.items()}
            for name, cases in bench.seen.items()
        }
        print(json.dumps({"schema": "ragqa/bench/1", **asdict(table), "runs": runs}, indent=1))
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
