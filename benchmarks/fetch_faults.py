"""Print what each scripted misbehaviour of a server leads to, as a Markdown table.

Run from the root of the project: ``python benchmarks/fetch_faults.py``. The scripts are those that
``tests/test_fetch_faults.py`` holds the fetch to, with its limits: .25 s of silence, one more try,
1 MB, 1 s a file; no pause between requests. Real sockets on loopback.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from misbehaviours import MISBEHAVIOURS, TOO_SMALL, Misbehaviour, watch
from server import hurry

from ragqa.fetch import download


def line(case: Misbehaviour, folder: Path) -> str:
    """Return the table's row of one misbehaviour."""
    found = watch(case, folder)
    kept = "kept" if found.kept else f"replaced [{found.refreshed.reason}]"
    return (
        f"| {case.name} | {found.fresh.status} | {found.fresh.reason or ''} "
        f"| {found.requests} | {found.seconds:.1f} | {kept} |"
    )


def main() -> None:
    """Print the table."""
    print("| misbehaviour | row | reason | requests | s | file that was there |")
    print("|---|---|---|---|---|---|")
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        hurry(patch)
        patch.setattr(download, "TOTAL_TIMEOUTS", 4)
        for number, case in enumerate((*MISBEHAVIOURS, TOO_SMALL)):
            print(line(case, Path(folder) / str(number)), flush=True)


if __name__ == "__main__":
    main()
