"""What all measures share: where data, results and interpreters are, and how cases are run.

In: the options. Out: runs of cases, by measure. Invariant: everything that is written lies in one
folder, and everything in it can be removed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from benchmarks.bench.environment import Environment, InstallError, make_environment
from benchmarks.bench.machine import Machine, read_machine
from benchmarks.bench.running import Case, Kept, Runs, run_command, say
from benchmarks.bench.table import Row

__all__ = ["ROOT", "Bench", "Measure", "Options", "pdfs"]

ROOT = Path(__file__).resolve().parents[2]
"""The project's folder."""

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to run.

    :ivar data: Folder of the datasets.
    :ivar results: Folder of results and of what is made for them.
    :ivar peers: The peers' environment.
    :ivar work: Where indexes of datasets are kept, as ``ragqa evaluate --work`` keeps them.
    :ivar repeats: How often a case is run.
    :ivar again: Whether to forget what is kept.
    :ivar measure: Whether to measure; else the table is of what is kept.
    :ivar million: Whether to build and ask the index of a million chunks, too.
    """

    data: Path
    results: Path
    peers: Path
    work: Path
    repeats: int = 3
    again: bool = False
    measure: bool = True
    million: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One measure of the bench.

    :ivar name: What ``--only`` calls it.
    :ivar run: Runs it; returns its rows.
    """

    name: str
    run: Callable[[Bench], list[Row]]


@dataclass
class Bench:
    """One bench, running.

    :ivar options: How.
    :ivar seen: All runs so far, by measure.
    """

    options: Options
    seen: dict[str, dict[str, Runs]] = field(default_factory=dict)

    @cached_property
    def machine(self) -> Machine:
        """The machine."""
        return read_machine()

    @cached_property
    def made_by(self) -> str:
        """Hash of the code, of the machine, and of where the data is."""
        digest = sha256(repr((self.machine, str(self.options.data.resolve()))).encode())
        for path in sorted([*(ROOT / "ragqa").rglob("*.py"), *_HERE.rglob("*.py")]):
            digest.update(path.read_bytes())
        return digest.hexdigest()

    @cached_property
    def environment(self) -> Environment | InstallError:
        """The peers' environment, or why there is none."""
        try:
            return make_environment(self.options.peers)
        except InstallError as error:
            return error

    def folder(self, *names: str) -> Path:
        """Return a folder for what is made, there already."""
        path = self.options.results.joinpath("made", *names)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def own(self, script: str, *arguments: str | Path) -> list[str]:
        """Return the command of a script in ragqa's environment."""
        return [sys.executable, "-m", f"benchmarks.bench.own.{script}", *map(str, arguments)]

    def peer(self, peer: str, script: str, *arguments: str | Path) -> list[str]:
        """Return the command of a script in the peers' environment, or of one that says why not."""
        if not self.options.measure:
            return []
        environment = self.environment
        reason = (
            str(environment)
            if isinstance(environment, InstallError)
            else environment.failed.get(peer, "")
        )
        if reason or isinstance(environment, InstallError):
            return [sys.executable, "-c", f"raise SystemExit({reason!r})"]
        path = _HERE / "peers" / f"{script}.py"
        return [str(environment.python), str(path), *map(str, arguments)]

    def runs(self, measure: str, cases: Sequence[Case]) -> dict[str, Runs]:
        """Run cases in turns, but for what is kept.

        :param measure: The measure, whose file keeps the runs.
        :param cases: The cases.
        :return: For each case its runs.
        """
        options = self.options
        kept = Kept(
            options.results / f"{measure}.json",
            self.made_by,
            again=options.again and options.measure,
            measure=options.measure,
        )
        found = kept.rounds(cases, repeats=options.repeats, cwd=ROOT)
        self.seen.setdefault(measure, {}).update(found)
        return found

    def prepare(self, name: str, command: Sequence[str]) -> dict[str, object]:
        """Run what other runs need and nobody times; return what it printed.

        :param name: What to call it in messages.
        :param command: The command.
        :raises RuntimeError: It failed.
        """
        say(f"  making ready: {name}")
        run = run_command(command, cwd=ROOT)
        if run.error:
            raise RuntimeError(f"{name}: {run.error}")
        return run.figures

    def index_of(self, dataset: str, *files: Path) -> Path:
        """Return the index of a dataset, brought up to date.

        :param dataset: Its folder's name.
        :param files: Where to write its chunks' texts and vectors, if anywhere.
        :raises RuntimeError: It cannot be indexed.
        """
        path = self.options.data / dataset
        command = self.own("index", path, self.options.work, *files)
        return Path(str(self.prepare(f"index of {dataset}", command)["index"]))

    def questions(self, name: str, texts: Sequence[str]) -> Path:
        """Write questions to a file and return it."""
        path = self.folder() / f"{name}.json"
        path.write_text(json.dumps(list(texts)), encoding="utf-8")
        return path


def pdfs(data: Path, *folders: str) -> list[Path]:
    """Return the PDFs of some folders of the data.

    :param data: The folder of the datasets.
    :param folders: Names in it.
    :raises RuntimeError: There are none.
    """
    found = [path for folder in folders for path in sorted((data / folder).glob("*.pdf"))]
    if not found:
        raise RuntimeError(f"there are no PDFs in {data} ({', '.join(folders)})")
    return found
