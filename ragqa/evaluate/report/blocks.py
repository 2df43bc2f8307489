"""What a report is made of, before it is Markdown or HTML: blocks that hold lines of pieces.

In: texts and numbers. Out: frozen blocks that both writers know, so that both forms say the same.
Invariant: no block holds markup. What is not ours is `Foreign`, which writers isolate; a bare
`str` is ours, and is escaped all the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = [
    "MISSING",
    "NAME_CHARS",
    "Block",
    "Column",
    "Figure",
    "Fold",
    "Foreign",
    "Inline",
    "Items",
    "Key",
    "Line",
    "Mark",
    "Para",
    "Section",
    "Side",
    "Sides",
    "Small",
    "Strong",
    "Table",
    "Term",
    "clip",
    "named",
    "number",
    "plural",
    "signed",
]

MISSING = "\u2013"
"""What a table shows where there is no value."""

NAME_CHARS = 80
"""Characters of an id or a system's name that are shown."""

DECIMALS = 3  # of every measure: half a point of 1,000 questions is the last digit
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Foreign:
    """A text that others wrote: a question, a paper's words, a name."""

    text: str


@dataclass(frozen=True, slots=True)
class Strong:
    """A text of ours that stands out."""

    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of a foreign text that is gold."""

    text: str


@dataclass(frozen=True, slots=True)
class Small:
    """A text of ours that adds to what it stands after."""

    text: str


@dataclass(frozen=True, slots=True)
class Term:
    """The name of a measure, which a narrow column may break between its words."""

    text: str


Inline = str | Foreign | Strong | Mark | Small | Term
"""A piece of a line; a bare `str` is ours."""

Line = tuple[Inline, ...]
"""Pieces that follow each other on a line, or fill a cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Para:
    """A paragraph.

    :ivar line: Its words.
    :ivar kind: `note` for what a reader must not miss, `quiet` for small print.
    """

    line: Line
    kind: str = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """The head of a table's column.

    :ivar line: Its words.
    :ivar is_number: Whether its cells are numbers, which stand right.
    """

    line: Line
    is_number: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table; the first cell of each row is its head.

    :ivar caption: What it is about.
    :ivar columns: The heads of its columns.
    :ivar rows: Its cells, each row as long as `columns`.
    :ivar notes: What is to be said below it; one that cells refer to opens with their mark.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Line, ...], ...]
    notes: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A line of a figure's legend.

    :ivar label: What is drawn so.
    :ivar colour: As ``#rrggbb``.
    :ivar dashes: As SVG's ``stroke-dasharray``; empty for a solid line.
    """

    label: str
    colour: str
    dashes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A plot with its words and numbers, which stand for it where it cannot be seen.

    :ivar name: Unique on the page; a prefix of what is named in the drawing.
    :ivar title: What it shows.
    :ivar words: The plot in a sentence or two.
    :ivar draw: Draws it, as SVG of matplotlib's; None where it cannot. Only a page calls it.
    :ivar keys: Its legend, which is no part of the drawing.
    :ivar table: Its numbers.
    """

    name: str
    title: str
    words: Line
    draw: Callable[[], bytes] | None
    keys: tuple[Key, ...]
    table: Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """A list.

    :ivar lines: Its items.
    """

    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the columns that stand beside each other.

    :ivar title: Its head.
    :ivar blocks: What it holds.
    """

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """What is to be compared: beside each other where there is room.

    :ivar sides: The columns.
    """

    sides: tuple[Side, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """What a reader opens where it is of interest.

    :ivar line: What is shown when it is closed.
    :ivar blocks: What it holds.
    """

    line: Line
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a report, with a heading.

    :ivar name: Where links lead; ours, of small letters and hyphens.
    :ivar title: Its heading.
    :ivar blocks: What it holds.
    """

    name: str
    title: str
    blocks: tuple[Block, ...] = field(default=())


Block = Para | Table | Figure | Items | Sides | Fold
"""Anything that a section holds."""


def number(value: float | None) -> str:
    """Return a measure's value with three decimals.

    :param value: The value.
    :return: As ``0.742``; a dash where there is none.
    """
    return MISSING if value is None else f"{round(value, DECIMALS) + 0:.{DECIMALS}f}"


def signed(value: float) -> str:
    """Return a difference with its sign and three decimals.

    :param value: The difference.
    :return: As ``+0.012``; zero, and what rounds to it, as ``0.000``.
    """
    rounded = round(value, DECIMALS)
    return f"{rounded:+.{DECIMALS}f}" if rounded else number(0)


def clip(text: str, limit: int) -> str:
    """Cut a text where a report has no room for it, and say so with an ellipsis.

    :param text: The text.
    :param limit: Characters kept at most, the ellipsis not counted.
    :return: The text in one line, or its beginning: between words where it has any.
    """
    flat = _SPACE.sub(" ", text).strip()
    return flat if len(flat) <= limit else flat[:limit].rsplit(" ", 1)[0] + " \u2026"


def named(text: str) -> Foreign:
    """Return the name of a system, a measure or a paper, cut where it is no name any more.

    :param text: The name.
    :return: Its first characters.
    """
    return Foreign(clip(text, NAME_CHARS))


def plural(count: int, word: str) -> str:
    """Return a count with its word.

    :param count: How many.
    :param word: What, in the singular; its plural takes an ``s``.
    :return: As ``1 question`` or ``1,000 questions``.
    """
    return f"{count:,} {word}{'' if count == 1 else 's'}"
