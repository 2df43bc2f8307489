"""What runs cost: the one section of a report that differs when they are repeated.

In: runs with their timings. Out: the last section: latency, throughput, memory, tokens, money, and
the machine. Times are in milliseconds, memory in MB of 10^6 bytes.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from ragqa.evaluate.records import Response, Run
from ragqa.evaluate.report.blocks import (
    MISSING,
    NAME_CHARS,
    Block,
    Column,
    Figure,
    Foreign,
    Line,
    Para,
    Section,
    Table,
    clip,
    named,
    plural,
)
from ragqa.evaluate.report.head import configuration
from ragqa.evaluate.report.plots import Axis, can_draw, draw_histogram, keys

__all__ = ["cost", "latency_edges", "time_table"]

MILLISECONDS = 1e3  # in a second
MEGABYTE = 1e6  # bytes
_STEPS = (1, 2, 5)  # a bin ends at twice or two and a half times where it begins
_LOWEST = -1  # power of ten of the first edge at least: what is faster than 0.1 ms counts with it
_COLUMNS = (
    "p50, ms", "p95, ms", "Mean, ms", "Slowest, ms", "Questions a second", "Until ready, s",
    "Whole run, s", "Peak memory, MB",
)  # fmt: skip


def cost(runs: Sequence[Run]) -> Section:
    """Return what the runs cost.

    :param runs: The runs.
    :return: A section; it says which systems were not timed.
    """
    blocks = tuple(_blocks(runs)) if runs else (Para(line=("No system was run.",)),)
    return Section(name="cost", title="Cost", blocks=blocks)


def time_table(runs: Sequence[Run]) -> Table:
    """Return what runs took.

    :param runs: The runs.
    :return: A row a system.
    """
    return Table(
        caption="Time and memory",
        columns=(_words("System"), *(Column(line=(each,)) for each in _COLUMNS)),
        rows=tuple(((named(run.system),), *_row(run)) for run in runs),
        notes=(
            ("p50 and p95: half and 95 % of the questions took no longer, each asked as it is; "
             "failed ones were not timed.",),
        ),
    )  # fmt: skip


def latency_edges(latencies: Sequence[float]) -> tuple[float, ...]:
    """Return where bins of a histogram begin and end: at 1, 2 and 5 of each power of ten.

    :param latencies: In milliseconds.
    :return: Edges, ascending, two at least; none is above all edges.
    """
    longest, shortest = max(latencies, default=1.0), min(latencies, default=1.0)
    powers = range(
        # A power lower, as the logarithm of a number just below a power is rounded up to it.
        max(_LOWEST, math.floor(math.log10(max(shortest, 10.0**_LOWEST))) - 1),
        math.floor(math.log10(max(longest, 10.0**_LOWEST))) + 2,
    )
    edges = [float(f"{step}e{power}") for power in powers for step in _STEPS]
    first = max(0, bisect_right(edges, shortest) - 1)
    last = bisect_right(edges, max(longest, edges[0]))
    return tuple(edges[first : last + 1])


def _blocks(runs: Sequence[Run]) -> Iterator[Block]:
    yield Para(
        line=(
            "All figures below depend on the machine and differ when a run is repeated; "
            "those above do not. Times hold for this machine at the time of the run: whatever "
            "else it did then made them longer.",
        ),
        kind="quiet",
    )
    yield time_table(runs)
    yield from _untimed(runs)
    timed = [run for run in runs if _latencies(run)]
    if timed:
        yield _histogram(timed)
    if any(_tokens(run) for run in runs):
        yield _models(runs)
    machines = configuration(runs, of_the_machine=True)
    if machines.rows:
        yield machines


def _untimed(runs: Sequence[Run]) -> Iterator[Block]:
    names = [run.system for run in runs if not _latencies(run)]
    if names:
        line: Line = (
            "Not timed: ",
            Foreign(", ".join(clip(each, NAME_CHARS) for each in names)),
            ".",
        )
        yield Para(line=line, kind="note")


def _latencies(run: Run) -> list[float]:
    """Return what a run's questions took as they are, in milliseconds, in row order."""
    seconds = run.timing.seconds if run.timing else ()
    return [
        each * MILLISECONDS
        for row, each in zip(run.rows, seconds, strict=False)
        if row.view == "as-is" and each is not None and math.isfinite(each)
    ]


def _row(run: Run) -> Iterator[Line]:
    timing, taken = run.timing, _latencies(run)
    total = math.fsum(taken)
    if taken:
        p50, p95 = (float(each) for each in np.quantile(taken, (0.5, 0.95)))
        tenths = (p50, p95, total / len(taken), max(taken))
        yield from (_tenth(each) for each in tenths)
    else:
        yield from [(MISSING,)] * 4
    yield _tenth(MILLISECONDS * len(taken) / total if total else None)
    yield _tenth(timing.prepare_seconds if timing else None)
    yield _tenth(timing.total_seconds if timing else None)
    memory = timing.peak_memory if timing else None
    yield (MISSING if memory is None else f"{memory / MEGABYTE:,.0f}",)


def _tenth(value: float | None) -> Line:
    return (MISSING if value is None else f"{value:,.1f}",)


def _histogram(runs: Sequence[Run]) -> Figure:
    latencies = [_latencies(run) for run in runs]
    edges = latency_edges([each for row in latencies for each in row])
    counts = [_counts(row, edges) for row in latencies]
    bins = list(zip(edges, edges[1:], strict=False))
    rows = [
        ((f"{low:g} to {high:g}",), *((f"{row[n]:,}",) for row in counts))
        for n, (low, high) in enumerate(bins)
    ]
    x = Axis(title="Milliseconds")
    return Figure(
        name="latency",
        title="Latency",
        words=(f"{_timed(latencies)}, on a logarithmic axis.",),
        draw=partial(draw_histogram, edges, counts, x=x) if can_draw() else None,
        keys=keys([run.system for run in runs]),
        table=Table(
            caption="Questions by latency",
            columns=(_words("Milliseconds"), *(Column(line=(named(r.system),)) for r in runs)),
            rows=tuple(rows),
        ),
    )


def _timed(latencies: Sequence[Sequence[float]]) -> str:
    """Say of how many questions times are told."""
    fewest, most = min(map(len, latencies)), max(map(len, latencies))
    told = plural(most, "question") if fewest == most else f"{fewest:,} to {most:,} questions"
    if len(latencies) == 1:
        return f"How long {told} took"
    return f"How long {told} took with each of {len(latencies)} systems"


def _counts(latencies: Sequence[float], edges: Sequence[float]) -> list[int]:
    """Count latencies by bin; what is below the first edge counts with the first bin."""
    counts = [0] * (len(edges) - 1)
    for each in latencies:
        counts[min(max(0, bisect_right(edges, each) - 1), len(counts) - 1)] += 1
    return counts


def _models(runs: Sequence[Run]) -> Table:
    heads = ("Prompt tokens", "Completion tokens", "US dollars")
    return Table(
        caption="Language models",
        columns=(_words("System"), *(Column(line=(head,)) for head in heads)),
        rows=tuple(((named(run.system),), *_spent(_responses(run))) for run in runs),
    )


def _spent(responses: Sequence[Response]) -> Iterator[Line]:
    yield (f"{sum(each.prompt_tokens for each in responses):,}",)
    yield (f"{sum(each.completion_tokens for each in responses):,}",)
    yield (f"{sum(each.cost for each in responses):,.4f}",)


def _tokens(run: Run) -> bool:
    return any(
        each.prompt_tokens or each.completion_tokens or each.cost for each in _responses(run)
    )


def _responses(run: Run) -> list[Response]:
    return [row.response for row in run.rows if row.response is not None]


def _words(text: str) -> Column:
    return Column(line=(text,), is_number=False)
