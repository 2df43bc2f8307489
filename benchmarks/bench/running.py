"""Commands -> what they took, kept on disk, so that an interrupted bench goes on where it was.

In: cases, each a command. Out: for each, its runs, or why it failed.
Invariants: a run is a process of its own, timed from outside, from its start to its end; cases of
one measure take turns; what was kept by other code, other data or another machine is not used.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks.bench.machine import busy_seconds

__all__ = ["Case", "Kept", "Run", "Runs", "run_command", "say"]

_LIMIT = 3600.0  # seconds; what takes longer hangs
_SHOWN = 300  # characters of a failure that the table tells
_OFFLINE = {  # models are on disk; nothing is asked of the network, and no library tries
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "PYTHONUTF8": "1",
    "TQDM_DISABLE": "1",
}

Usage: TypeAlias = Any
"""A `resource.struct_rusage`; the module is not there on Windows."""


def say(line: str) -> None:
    """Tell how it goes, on standard error."""
    print(line, file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One system's part of a measure.

    :ivar name: What results call it.
    :ivar command: The process; JSON objects that it prints, whole or a line each, are figures.
    :ivar repeats: How often; 0 for as often as the bench repeats.
    :ivar before: Makes ready what a round needs, outside of the time; told the round's number.
    """

    name: str
    command: Sequence[str]
    repeats: int = 0
    before: Callable[[int], None] = lambda number: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one process took.

    :ivar seconds: From its start to its end.
    :ivar figures: What it printed.
    :ivar peak_mb: Its largest resident size in 10^6 bytes, or that of a process it waited for.
    :ivar others: Share of all cores that other processes used meanwhile.
    :ivar at: When it began, UTC.
    :ivar error: Why it failed; empty if it did not.
    """

    seconds: float
    figures: dict[str, Any] = field(default_factory=dict)
    peak_mb: float | None = None
    others: float | None = None
    at: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Runs:
    """All runs of a case.

    :ivar runs: At least one; a failed one is the last.
    """

    runs: tuple[Run, ...]

    @property
    def error(self) -> str:
        """Return why the case failed; empty if it did not."""
        return self.runs[-1].error

    def values(self, figure: str = "") -> list[float]:
        """Return a figure of each run; the seconds of the whole process for an empty name.

        :param figure: A name, or names joined by a dot for a figure inside another.
        """
        return [_figure(run, figure) for run in self.runs if not run.error]

    def median(self, figure: str = "") -> float:
        """Return the median of `values`."""
        return statistics.median(self.values(figure))

    def fact(self, name: str) -> Any:  # noqa: ANN401 - whatever the script printed
        """Return what the last good run says of something that does not vary."""
        return [run.figures for run in self.runs if not run.error][-1].get(name)


def _figure(run: Run, name: str) -> float:
    if not name:
        return run.seconds
    value: Any = run.figures
    for part in name.split("."):
        value = value[part]
    return float(value)


class Kept:
    """The runs of one measure, in a file that is written after each of them.

    :param path: The file.
    :param made_by: Hash of everything that the runs depend on.
    :param again: Whether to forget what is there.
    :param measure: Whether to run what is missing; else what is there is taken, whatever made it.
    """

    def __init__(self, path: Path, made_by: str, *, again: bool, measure: bool) -> None:
        self._path = path
        self._made_by = made_by
        self._measure = measure
        self._runs: dict[str, list[Run]] = {}
        if path.exists() and not again:
            kept = json.loads(path.read_text(encoding="utf-8"))
            if kept["made_by"] == made_by or not measure:
                self._runs = {
                    name: [Run(**run) for run in runs] for name, runs in kept["runs"].items()
                }
            else:
                say(f"  {path.stem}: what was kept is of other code; measured anew")

    def rounds(self, cases: Sequence[Case], *, repeats: int, cwd: Path) -> dict[str, Runs]:
        """Run cases in turns, as often as each wants, but for what is kept.

        A case that fails is not run again in this call; by the next one it is.

        :param cases: The cases.
        :param repeats: How often a case that does not say runs.
        :param cwd: The folder to run in.
        :return: For each case, by its name, its runs.
        """
        if self._measure:
            self._run(cases, repeats, cwd)
        nothing = Run(seconds=0, error="not measured yet")
        return {case.name: Runs(tuple(self._runs.get(case.name, [nothing]))) for case in cases}

    def _run(self, cases: Sequence[Case], repeats: int, cwd: Path) -> None:
        for case in cases:
            kept = [run for run in self._runs.get(case.name, []) if not run.error]
            self._runs[case.name] = kept[: case.repeats or repeats]
        wanted = max(case.repeats or repeats for case in cases)
        for number in range(wanted):
            for case in cases:
                runs = self._runs[case.name]
                failed = bool(runs and runs[-1].error)
                if len(runs) == number < (case.repeats or repeats) and not failed:
                    runs.append(_one(case, number, cwd))
                    self._save()

    def _save(self) -> None:
        runs = {name: [asdict(run) for run in runs] for name, runs in self._runs.items() if runs}
        text = json.dumps({"made_by": self._made_by, "runs": runs}, indent=1)
        aside = self._path.with_suffix(".part")
        aside.write_text(text + "\n", encoding="utf-8")
        aside.replace(self._path)


def _one(case: Case, number: int, cwd: Path) -> Run:
    """Make ready, run, and tell."""
    try:
        case.before(number)
    except RuntimeError as error:
        run = Run(seconds=0, error=f"making ready: {error}"[:_SHOWN])
    else:
        run = run_command(case.command, cwd=cwd)
    others = "" if run.others is None or run.others < 0.1 else f", others {run.others:.0%}"
    say(f"  {case.name} {number + 1}: {run.error or f'{run.seconds:.2f} s{others}'}")
    return run


def run_command(
    command: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    limit: float = _LIMIT,
) -> Run:
    """Run a process and time it.

    :param command: The command.
    :param cwd: The folder to run in.
    :param environment: Variables, added to those of this process and to what keeps it offline.
    :param limit: Seconds after which it is killed.
    :return: Its time, figures and sizes, or its failure.
    """
    variables = {**os.environ, **_OFFLINE, **(environment or {})}
    at = datetime.now(UTC).isoformat(timespec="seconds")
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        worked, began = busy_seconds(), time.perf_counter()
        process = subprocess.Popen(  # a session of its own: what it starts is killed with it
            command, cwd=cwd, env=variables, stdout=out, stderr=err, start_new_session=True
        )
        late = threading.Event()
        timer = threading.Timer(limit, _end, (process, late))
        timer.start()
        try:
            code, usage = _wait(process)
        finally:
            timer.cancel()
            if process.returncode is None:  # Ctrl-C
                _signal(process)
                process.wait()
        seconds = time.perf_counter() - began
        others = _others(worked, usage, seconds)
        texts = [_text(stream) for stream in (out, err)]
    if code:
        reason = f"took more than {limit:.0f} s" if late.is_set() else _reason(texts, code)
        return Run(seconds=seconds, at=at, error=reason)
    peak = None if usage is None else round(usage.ru_maxrss / 1e3, 1)
    return Run(
        seconds=seconds, figures=_figures(texts[0]), peak_mb=peak, others=others, at=at, error=""
    )


def _wait(process: subprocess.Popen[bytes]) -> tuple[int, Usage]:
    """Wait without polling, which would cost a short process up to a twentieth of a second."""
    if not hasattr(os, "wait4"):
        return process.wait(), None
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage


def _end(process: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    _signal(process)


def _signal(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and what it started."""
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def _others(worked: float | None, usage: Usage, seconds: float) -> float | None:
    after = busy_seconds()
    if worked is None or after is None or usage is None:
        return None
    own: float = usage.ru_utime + usage.ru_stime
    return round(max(0.0, (after - worked - own) / (seconds * (os.cpu_count() or 1))), 3)


def _text(stream: Any) -> str:  # noqa: ANN401 - what tempfile gives has no type of its own
    stream.seek(0)
    text: str = stream.read().decode("utf-8", "replace")
    return text.strip()


def _reason(texts: Sequence[str], code: int) -> str:
    lines = (texts[1] or texts[0]).splitlines() or [f"exit code {code}"]
    return lines[-1].strip()[:_SHOWN]


def _figures(text: str) -> dict[str, Any]:
    """Return what a process printed: one JSON object, or those of its lines that are one."""
    found: dict[str, Any] = {}
    for candidate in (text, *text.splitlines()):
        try:
            values = json.loads(candidate)
        except ValueError:
            continue
        if isinstance(values, dict):
            found.update(values)
    return found
