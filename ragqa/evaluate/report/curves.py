"""The curves of a report: how much is found by depth, and how often it errs by coverage.

In: a dataset and runs. Out: a section of figures. Invariant: a plot shows every point that its
measure gives; the table beside it shows some of them and says which.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from ragqa.errors import EvaluationError
from ragqa.evaluate.measures import curve_measure, recall_curve, risk_coverage
from ragqa.evaluate.records import Dataset, Run
from ragqa.evaluate.report.blocks import (
    MISSING,
    NAME_CHARS,
    Block,
    Column,
    Figure,
    Foreign,
    Key,
    Line,
    Para,
    Section,
    Table,
    clip,
    named,
    number,
)
from ragqa.evaluate.report.plots import Axis, Curve, can_draw, draw_curves, keys

__all__ = ["DEPTHS", "curves"]

DEPTHS = (1, 2, 3, 5, 10, 20, 30, 50, 70, 100, 200, 300, 500, 700, 1000)
"""Depths at which recall is shown, as far as a run went."""

_COVERAGES = tuple(n / 10 for n in range(1, 11))  # rows of the table beside the plot
_TICKED = "125"  # first digits of the depths that the axis names: more would touch
_TOP = 1.02  # of an axis up to 1, so that a line at 1 is seen whole
_AHEAD = 1e-9  # a coverage of 0.3 is 0.30000000000000004 at times
_RECALL: Mapping[str, str] = {
    "EvidenceHit": "Share of questions with gold evidence among the first k chunks",
    "R": "Recall of relevant papers among the first k",
}


def curves(dataset: Dataset, runs: Sequence[Run]) -> Section | None:
    """Return recall by depth, and risk by coverage.

    :param dataset: The dataset.
    :param runs: The runs.
    :return: A section; None where no run has either curve.
    """
    found, refused = _curves(dataset, runs)
    blocks: list[Block] = []
    if any(curve.xs for curve in found["recall"]):
        blocks.append(_recall(dataset, found["recall"]))
    if any(curve.xs for curve in found["risk"]):
        blocks.append(_risk(found["risk"]))
    blocks += [Para(line=line, kind="note") for line in refused]
    if blocks and not can_draw():
        blocks.append(Para(line=("Plots need matplotlib, which is not installed.",), kind="note"))
    if not blocks:
        return None
    return Section(name="curves", title="Curves", blocks=tuple(blocks))


def _curves(dataset: Dataset, runs: Sequence[Run]) -> tuple[dict[str, list[Curve]], list[Line]]:
    """Return a curve of each kind for each run, without points where there is none, and why."""
    found: dict[str, list[Curve]] = {"recall": [], "risk": []}
    refused: list[Line] = []
    for run in runs:
        asked = set(run.scores.question_ids)
        part = replace(
            dataset, questions=tuple(q for q in dataset.questions if q.question_id in asked)
        )
        try:
            recall, risk = _recall_of(part, run), risk_coverage(part, run.rows)
        except EvaluationError as error:
            recall, risk = (), ()
            refused.append(("No curve of ", named(run.system), ": ", Foreign(str(error))))
        found["recall"].append(_curve(run, recall))
        found["risk"].append(_curve(run, risk))
    return found, refused


def _recall_of(dataset: Dataset, run: Run) -> tuple[tuple[int, float], ...]:
    deepest = max((len(r.response.hits or ()) for r in run.rows if r.response), default=0)
    return recall_curve(dataset, run.rows, [k for k in DEPTHS if k <= deepest]) if deepest else ()


def _curve(run: Run, points: Sequence[tuple[float, float]]) -> Curve:
    return Curve(label=run.system, xs=tuple(x for x, _ in points), ys=tuple(y for _, y in points))


def _recall(dataset: Dataset, found: Sequence[Curve]) -> Figure:
    measure = curve_measure(dataset)
    depths = sorted({int(x) for curve in found for x in curve.xs})
    rows = [(f"{depth}", [_at(curve, depth) for curve in _drawn(found)]) for depth in depths]
    x = Axis(title="k", ticks=tuple(float(k) for k in depths if f"{k}"[0] in _TICKED))
    y = Axis(title=f"{measure}@k", low=0, high=_TOP)
    return Figure(
        name="recall",
        title=f"{measure}@k",
        words=(
            f"{_RECALL.get(measure, measure)}, as k grows; higher is better.",
            *_without(found),
        ),
        draw=partial(draw_curves, found, x=x, y=y) if can_draw() else None,
        keys=_keys(found),
        table=_table(f"{measure}@k by k", "k", found, rows),
    )


def _risk(found: Sequence[Curve]) -> Figure:
    rows = [(f"{each:.1f}", [_from(curve, each) for curve in _drawn(found)]) for each in _COVERAGES]
    x, y = Axis(title="Coverage", low=0, high=_TOP), Axis(title="Risk", low=0, high=_TOP)
    return Figure(
        name="risk",
        title="Risk and coverage",
        words=(
            "Share of wrong answers among the questions that the system is surest of, as more of "
            "them are answered; lower is better.",
            *_without(found),
        ),
        draw=partial(draw_curves, found, x=x, y=y) if can_draw() else None,
        keys=_keys(found),
        table=_table(
            "Risk at the first threshold that gives at least a coverage", "Coverage", found, rows
        ),
    )


def _drawn(found: Sequence[Curve]) -> list[Curve]:
    return [curve for curve in found if curve.xs]


def _keys(found: Sequence[Curve]) -> tuple[Key, ...]:
    """Return the legend of what is drawn; a system has the same colour in every plot."""
    every = keys([curve.label for curve in found])
    return tuple(key for key, curve in zip(every, found, strict=True) if curve.xs)


def _without(found: Sequence[Curve]) -> Line:
    """Say which systems have no curve."""
    names = [clip(curve.label, NAME_CHARS) for curve in found if not curve.xs]
    return (" Without a curve: ", Foreign(", ".join(names)), ".") if names else ()


def _table(
    caption: str, head: str, found: Sequence[Curve], rows: Sequence[tuple[str, list[float | None]]]
) -> Table:
    return Table(
        caption=caption,
        columns=(
            Column(line=(head,)),
            *(Column(line=(named(each.label),)) for each in _drawn(found)),
        ),
        rows=tuple(tuple(_cells(name, values)) for name, values in rows),
    )


def _cells(name: str, values: Sequence[float | None]) -> Iterator[Line]:
    yield (name,)
    yield from ((MISSING if value is None else number(value),) for value in values)


def _at(curve: Curve, x: float) -> float | None:
    return dict(zip(curve.xs, curve.ys, strict=True)).get(x)


def _from(curve: Curve, x: float) -> float | None:
    place = bisect_left(curve.xs, x - _AHEAD)
    return curve.ys[place] if place < len(curve.ys) else None
