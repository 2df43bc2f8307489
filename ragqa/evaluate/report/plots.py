"""Plots as SVG, by matplotlib, without its global state.

In: curves and counts with numbers alone; no foreign text ever enters a plot: its legend is made
of `Key`s beside it. Out: SVG with its texts as paths. Invariants: equal data give equal bytes, in
every process and whatever the user's own matplotlib settings are; lines differ by colour and by
dashes; nothing of pyplot is touched.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ragqa.evaluate.report.blocks import NAME_CHARS, Key, clip

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["FONT_SIZE", "Axis", "Curve", "can_draw", "draw_curves", "draw_histogram", "keys"]

FONT_SIZE = 11
"""Of a plot's words and numbers, in points, where a page shows it as wide as it is drawn."""

# Told apart by those who confuse red and green, after Okabe and Ito, darkened to a contrast of at
# least 4.5 on white.
_COLOURS = ("#0069a3", "#b84e00", "#00785a", "#a03c78", "#202020", "#6a5a00")
# On and off, in line widths; one fewer than colours, so that 30 systems are drawn differently.
_DASHES: tuple[tuple[float, ...], ...] = ((), (5, 2), (1, 1.5), (6, 2, 1, 2), (3, 1, 1, 1, 1, 1))
_LINE_WIDTH = 1.8  # points
_SIZE = (4.8, 3.1)  # inches; as wide as a phone, which then shows its type as it is
_MARKED_POINTS = 25  # a curve of more has no room for a dot at each
_SALT = "ragqa"  # of the names in a drawing, which are random without it
_KEY_WIDTH = 3  # of a legend's line, in its pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One line of a plot.

    :ivar label: What it is of; stands in the legend.
    :ivar xs: Where its points stand, ascending.
    :ivar ys: How high, as many.
    """

    label: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """What stands at an axis.

    :ivar title: Its words; ours.
    :ivar low: Where it begins; None for where the data begin.
    :ivar high: Where it ends; None for where the data end.
    :ivar ticks: Where numbers stand on a logarithmic axis, all above 0; none for an even one.
    """

    title: str
    low: float | None = None
    high: float | None = None
    ticks: tuple[float, ...] = ()


def can_draw() -> bool:
    """Say whether matplotlib is installed.

    :return: True where plots can be drawn.
    """
    return find_spec("matplotlib") is not None


def keys(labels: Sequence[str]) -> tuple[Key, ...]:
    """Return the legend of a plot.

    :param labels: What its lines are of, in order.
    :return: A key for each.
    """
    return tuple(
        Key(
            label=clip(label, NAME_CHARS),
            colour=_colour(n),
            dashes=" ".join(f"{part * _KEY_WIDTH:g}" for part in _dashes(n)),
        )
        for n, label in enumerate(labels)
    )


def draw_curves(curves: Sequence[Curve], *, x: Axis, y: Axis) -> bytes:
    """Draw lines.

    :param curves: The lines; one without points is left out, and keeps its colour.
    :param x: The axis along the bottom.
    :param y: The axis at the left.
    :return: SVG.
    """
    with _axes(x, y) as (figure, axes):
        for n, curve in enumerate(curves):
            marker = "o" if len(curve.xs) <= _MARKED_POINTS else ""
            (line,) = axes.plot(
                curve.xs, curve.ys, color=_colour(n), linewidth=_LINE_WIDTH, marker=marker,
                markersize=4,
            )  # fmt: skip
            if dashes := _dashes(n):
                line.set_dashes(dashes)
        _finish(axes, x, y)
        return _svg(figure)


def draw_histogram(edges: Sequence[float], counts: Sequence[Sequence[int]], *, x: Axis) -> bytes:
    """Draw how many questions fall between edges, on a logarithmic axis.

    :param edges: Ascending, above 0; one more than counts.
    :param counts: For each system, how many questions are between two edges.
    :param x: The axis along the bottom.
    :return: SVG.
    """
    x, y = (
        replace(x, low=edges[0], high=edges[-1], ticks=tuple(edges)),
        Axis(title="Questions", low=0),
    )
    with _axes(x, y) as (figure, axes):
        for n, row in enumerate(counts):
            steps = axes.stairs(row, edges, color=_colour(n), linewidth=_LINE_WIDTH)
            if dashes := _dashes(n):
                steps.set_linestyle((0, tuple(part * _LINE_WIDTH for part in dashes)))
        _finish(axes, x, y)
        return _svg(figure)


@contextmanager
def _axes(x: Axis, y: Axis) -> Iterator[tuple[Figure, Axes]]:
    """Give a figure with one set of axes, under matplotlib's own defaults."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context():
        mpl.rcdefaults()  # a user's style sheet must not decide what a report looks like
        mpl.rcParams["font.size"] = FONT_SIZE
        mpl.rcParams["svg.hashsalt"] = _SALT
        mpl.rcParams["svg.fonttype"] = "path"
        figure = Figure(figsize=_SIZE, layout="constrained")
        axes = figure.add_subplot()
        axes.grid(color="#d8d8d8", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel(x.title)
        axes.set_ylabel(y.title)
        yield figure, axes


def _finish(axes: Axes, x: Axis, y: Axis) -> None:
    """Set what the axes show, once the data are there."""
    if x.ticks:
        axes.set_xscale("log")
        axes.set_xticks(list(x.ticks), [f"{tick:g}" for tick in x.ticks], rotation=45)
        axes.minorticks_off()
    axes.set_xlim(x.low, x.high)
    axes.set_ylim(y.low, y.high)


def _svg(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def _colour(n: int) -> str:
    return _COLOURS[n % len(_COLOURS)]


def _dashes(n: int) -> tuple[float, ...]:
    return _DASHES[n % len(_DASHES)]
