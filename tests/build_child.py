"""Builds that die or are refused, for `test_build.py`; run as a script.

Usage: build_child.py crash CORPUS FOLDER OLD: for each step of a build, copy the index OLD into
FOLDER, build in a fork that leaves by `os._exit` at that step, and print a JSON row for each.
build_child.py limit CORPUS INDEX BYTES: build where no file may grow beyond BYTES.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from doubles import HashedEmbedder

import ragqa.index.work
from ragqa.build import BuildProgress, build_index
from ragqa.errors import BuildError

CRASHED = 9


def crash(corpus: Path, index: Path, step: int) -> int:
    """Build in a fork that dies at the given call of the callback; return its exit code."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    left = step

    def die(progress: BuildProgress) -> None:
        nonlocal left
        left -= 1
        if not left:
            os._exit(CRASHED)

    build_index(corpus, index, embedder=HashedEmbedder(), jobs=1, on_progress=die)
    os._exit(0)


def crashes(corpus: Path, folder: Path, old: Path) -> list[dict[str, object]]:
    """Crash at every step, each in a copy of the old index."""
    ragqa.index.work._FLUSH_SECONDS = -1.0  # each document is kept as soon as it is finished
    rows = []
    for step in range(1, 100):
        index = folder / f"step-{step}"
        shutil.copytree(old, index)
        code = crash(corpus, index, step)
        rows.append({"step": step, "index": str(index), "code": code})
        if code != CRASHED:
            return rows
    return rows


def limited(corpus: Path, index: Path, size: int) -> str:
    """Build on a disk that takes no file beyond a size; return the error."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        build_index(corpus, index, embedder=HashedEmbedder(), jobs=1)
    except BuildError as error:
        return str(error)
    return ""


if __name__ == "__main__":
    what, given, place, last = sys.argv[1:]
    rows = (
        crashes(Path(given), Path(place), Path(last))
        if what == "crash"
        else limited(Path(given), Path(place), int(last))
    )
    sys.stdout.write(json.dumps(rows))
