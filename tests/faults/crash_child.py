"""Builds that die at chosen steps, for `test_generation_crash.py`; run as a script.

A step is an fsync, or anything that Python reports about a path in the index (open, rename,
remove, mkdir, connect ...; `sys.addaudithook`): the very calls that a crash can fall between.
Each crash happens in a fork that leaves by `os._exit`: no handler, no cleanup, no flush. What
happens inside of SQLite, FAISS and tantivy is met by killing builds after some milliseconds.

Usage: crash_child.py FOLDER STRIDE LAST KILLS: crash at every STRIDE-th step and each of the
LAST ones, and kill KILLS builds. Prints JSON: a row for each crash.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from index_samples import answers, indexed, write

from ragqa.index.generation import open_generation

OLDEST = (indexed("zeta", "Something else"),)
OLD = (indexed("alpha", "Cells divide. Cells grow"), indexed("beta", "Stars burn"))
NEW = (OLD[1], indexed("alpha", "Cells rest"), indexed("gamma", "Mice run. Cells divide"))
CRASHED, FINISHED, WRONG = 9, 0, 3


def say(directory: Path) -> list[object]:
    with open_generation(directory) as generation:
        return answers(generation, ["cells divide", "stars and mice"])


def crash_at(directory: Path, step: int) -> list[str]:
    """Count the steps of this process in the index, and leave it at one of them."""
    seen: list[str] = []
    inside, real_fsync = os.fsencode(directory), os.fsync

    def count(name: str) -> None:
        seen.append(name)
        if len(seen) == step:
            os._exit(CRASHED)

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        paths = [os.fsencode(a) for a in arguments[:2] if isinstance(a, (str, bytes, os.PathLike))]
        if any(inside in path for path in paths):
            count(event)

    def fsync(fd: int) -> None:
        count("fsync")
        real_fsync(fd)

    os.fsync = fsync
    sys.addaudithook(audit)
    return seen


def fork(action: Callable[[], object]) -> int:
    """Run something in a fork and return its process id: what it does to itself is lost."""
    child = os.fork()
    if child == 0:
        code = WRONG
        try:
            action()
            code = FINISHED
        finally:
            os._exit(code)
    return child


def wait(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Trials:
    """Crashes builds in copies of one index, and asks what is left."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.report, self.trial = folder, folder / "report", folder / "trial"
        self.rows: list[dict[str, object]] = []

    def prepare(self) -> dict[str, object]:
        """Write the index that builds crash in, and count the steps of one that does not."""

        def build() -> None:
            write(self.folder / "old", *OLDEST)
            write(self.folder / "old", *OLD)
            write(self.folder / "new", *NEW)
            shutil.copytree(self.folder / "old", self.trial)
            start = time.perf_counter()
            seen = crash_at(self.trial, -1)
            write(self.trial, *NEW)
            seconds = time.perf_counter() - start
            self.report.write_text(json.dumps({"steps": list(seen), "seconds": seconds}))

        if wait(fork(build)):
            sys.exit(1)
        return json.loads(self.report.read_text())

    def crash(self, name: str, step: int) -> None:
        """Let one build die at a step."""
        self.fresh()
        code = wait(fork(lambda: (crash_at(self.trial, step), write(self.trial, *NEW))))
        self.examine(name, code)

    def kill(self, seconds: float) -> None:
        """Let one build die after some time."""
        self.fresh()
        child = fork(lambda: write(self.trial, *NEW))
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        self.examine(f"killed after {seconds:.3f} s", wait(child))

    def fresh(self) -> None:
        shutil.rmtree(self.trial, ignore_errors=True)
        shutil.copytree(self.folder / "old", self.trial)
        self.report.unlink(missing_ok=True)

    def examine(self, name: str, code: int) -> None:
        """Note who answers now, and whether the next build succeeds."""
        failed = wait(fork(self.ask))
        row = {} if failed else json.loads(self.report.read_text())
        self.rows.append({"at": name, "code": code, "failed": failed, **row})

    def ask(self) -> None:
        with open_generation(self.trial) as generation:
            number = generation.number
        who = next(name for name in ("old", "new") if say(self.trial) == say(self.folder / name))
        write(self.trial, *NEW)
        left = [*self.trial.glob("tmp-*"), *self.trial.glob(".CURRENT.*")]
        result = {
            "number": number,
            "who": who,
            "next": say(self.trial) == say(self.folder / "new"),
            "left": [path.name for path in left],
            "kept": len(list(self.trial.glob("gen-*"))),
        }
        self.report.write_text(json.dumps(result))


def main(folder: Path, stride: int, last: int, kills: int) -> None:
    trials = Trials(folder)
    clean = trials.prepare()
    steps: list[str] = clean["steps"]
    for step in range(1, len(steps) + 1):
        if step % stride == 0 or step > len(steps) - last:
            trials.crash(f"step {step}: {steps[step - 1]}", step)
    for number in range(kills):
        trials.kill(clean["seconds"] * (number + 1) / kills)
    sys.stdout.write(json.dumps({"steps": steps, "rows": trials.rows}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
