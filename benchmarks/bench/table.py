"""Rows -> Markdown: the issue's table, and below it what a reader must know to believe it.

In: rows and the machine. Out: text. Invariants: a row whose figure is missing says why; a ratio is
only given where both figures are of the same run of the bench.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.bench.machine import Machine
from benchmarks.bench.running import Runs

__all__ = ["Row", "Table", "amount", "ratio", "render", "span"]

_IDLE = 0.1  # share of all cores; more than this and figures are worth little
_UNITS = {"s": 1.0, "ms": 1e3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the table.

    :ivar what: What is measured.
    :ivar ours: ragqa's figure, or why there is none.
    :ivar peers: What users have today, each with its figure.
    :ivar ratio: How they compare.
    :ivar aim: What is aimed at.
    :ivar met: Whether it is reached; None where that cannot be told.
    :ivar notes: Sentences below the table.
    """

    what: str
    ours: str
    peers: str = ""
    ratio: str = ""
    aim: str = ""
    met: bool | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All rows, and what they were measured on.

    :ivar rows: The rows.
    :ivar machine: The machine.
    :ivar peers: Versions of the peers' environment, empty without one.
    :ivar measured: When the first and the last run began; empty if there was none.
    :ivar busy: Share of all cores that others used: before, after, and the most during a run.
    """

    rows: Sequence[Row]
    machine: Machine
    peers: dict[str, str]
    measured: tuple[str, ...]
    busy: dict[str, float | None]


def amount(value: float) -> str:
    """Write a number with three digits that count, and none that do not."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def span(runs: Runs, figure: str = "", *, unit: str = "s") -> str:
    """Write the median of some runs with the least and the largest, or why there is none.

    :param runs: The runs.
    :param figure: As `Runs.values` takes it; in seconds where the unit is one of time.
    :param unit: What follows the number.
    """
    if runs.error:
        return f"failed: {runs.error}"
    values = [value * _UNITS.get(unit, 1.0) for value in runs.values(figure)]
    middle = f"{amount(statistics.median(values))} {unit}"
    if len(values) == 1:
        return middle
    return f"{middle} ({amount(min(values))}-{amount(max(values))})"


def ratio(larger: float, smaller: float) -> str:
    """Write how many times one figure is another."""
    return f"{larger / smaller:.2f}x" if smaller else "-"


def render(table: Table) -> str:
    """Return the whole table as Markdown."""
    lines = [*_head(table), "", "| what | ragqa | others | ratio | aim | met |"]
    lines.append("|---|---|---|---|---|---|")
    for row in table.rows:
        cells = (row.what, row.ours, row.peers, row.ratio, row.aim, _met(row.met))
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    notes = [f"- {_first(row.what)}: {note}" for row in table.rows for note in row.notes]
    return "\n".join([*lines, *(["", *notes] if notes else [])]) + "\n"


def _head(table: Table) -> list[str]:
    machine = table.machine
    memory = "" if machine.memory_gb is None else f", {machine.memory_gb} GB"
    lines = [
        f"{machine.cpu}, {machine.cores} cores ({machine.instruction_sets}){memory}; "
        f"{machine.system}.",
        f"ragqa: {_listed(machine.versions)}.",
    ]
    if table.peers:
        lines.append(f"Peers: {_listed(table.peers)}.")
    if table.measured:
        lines.append(
            f"Measured from {min(table.measured)} to {max(table.measured)}; "
            "median (least-largest) of runs in turns."
        )
    told = {name: share for name, share in table.busy.items() if share is not None}
    lines.append("Others' share of the cores: " + (_shares(told) or "not told") + ".")
    if any(share > _IDLE for share in told.values()):
        lines.append("**The machine was not idle: do not trust these figures.**")
    return lines


def _shares(told: dict[str, float]) -> str:
    return ", ".join(f"{share:.0%} {name}" for name, share in told.items())


def _listed(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in versions.items())


def _met(met: bool | None) -> str:
    return {True: "yes", False: "no", None: "-"}[met]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ") or "-"


def _first(what: str) -> str:
    return what.split(":")[0].split(",")[0]
