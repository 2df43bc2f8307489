"""A report's blocks as one HTML file: nothing outside of it is loaded, and no script runs.

In: sections. Out: a page. Tables scroll in a box of their own, what is long is folded, and what is
printed has all of it.

Invariants: every text passes `markup.tag`, which escapes it; the page's own policy forbids
scripts, frames, forms and every connection; its only links lead to its own sections.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib.resources import files

from ragqa.evaluate.report.blocks import (
    Block,
    Column,
    Figure,
    Fold,
    Foreign,
    Inline,
    Items,
    Key,
    Line,
    Mark,
    Para,
    Section,
    Side,
    Sides,
    Small,
    Strong,
    Table,
    Term,
)
from ragqa.evaluate.report.drawing import inline
from ragqa.render.markup import Html, foreign, tag, whole_page

__all__ = ["write_page"]

_WORD_END = re.compile("(?<=[a-z]{2})(?=[A-Z])")  # in the name of a measure, as CitationCoverage
_BREAK = Html("<wbr/>")
_FOOT = "Made by ragqa. Nothing here was judged by a language model unless a table says so."


def write_page(title: str, sections: Sequence[Section]) -> str:
    """Return a report as one self-contained HTML file.

    :param title: Its title.
    :param sections: Its parts.
    :return: A whole page that ends with a line feed; encode it as UTF-8.
    """
    style = files("ragqa.evaluate.report").joinpath("style.css").read_text(encoding="utf-8")
    links = [tag("li", tag("a", each.title, href=f"#{each.name}")) for each in sections]
    body = tag(
        "body",
        tag("header", tag("p", "Evaluation", class_="label"), tag("h1", foreign(title))),
        tag("nav", tag("ul", *links), aria_label="Sections"),
        tag("main", *map(_section, sections)),
        tag("footer", tag("p", _FOOT)),
    )
    return whole_page(title, style=style, body=body)


def _section(section: Section) -> Html:
    head = tag("h2", section.title, id=section.name)
    return tag("section", head, *map(_block, section.blocks), aria_labelledby=section.name)


def _block(block: Block) -> Html:
    match block:
        case Para():
            role = "note" if block.kind == "note" else None
            return tag("p", *_line(block.line), class_=_class(block.kind), role=role)
        case Items():
            return tag("ul", *(tag("li", *_line(line)) for line in block.lines))
        case Table():
            return _table(block)
        case Figure():
            return _figure(block)
        case Fold():
            summary = tag("summary", *_line(block.line))
            return tag("details", summary, *map(_block, block.blocks))
        case Sides():
            return tag("div", *map(_side, block.sides), class_="sides")


def _class(kind: str) -> str | None:
    return None if kind == "plain" else kind


def _side(side: Side) -> Html:
    return tag("div", tag("p", side.title, class_="side"), *map(_block, side.blocks))


def _table(table: Table) -> Html:
    heads = [
        tag("th", *_line(column.line), scope="col", class_=_cell_class(column))
        for column in table.columns
    ]
    rows = (tag("tr", *_cells(table.columns, row)) for row in table.rows)
    written = tag(
        "table",
        tag("caption", table.caption),
        tag("thead", tag("tr", *heads)),
        tag("tbody", *rows),
    )
    # Whoever has no mouse scrolls the box with the arrow keys once it has the focus.
    box = tag("div", written, class_="scroll", tabindex=0, role="region", aria_label=table.caption)
    return Html(box + _notes(table.notes))


def _cells(columns: Sequence[Column], row: Sequence[Line]) -> Iterator[Html]:
    for at, (column, cell) in enumerate(zip(columns, row, strict=True)):
        style = _cell_class(column)
        if at:
            yield tag("td", *_line(cell), class_=style)
        else:
            yield tag("th", *_line(cell), scope="row", class_=style)


def _cell_class(column: Column) -> str | None:
    return "number" if column.is_number else None


def _notes(notes: Sequence[Line]) -> Html:
    if not notes:
        return Html("")
    return tag("ul", *(tag("li", *_line(note)) for note in notes), class_="notes")


def _figure(figure: Figure) -> Html:
    label = f"{figure.title}. Its numbers are in the table below."
    drawing = [inline(figure.draw(), name=figure.name, label=label)] if figure.draw else []
    keys = [tag("ul", *map(_key, figure.keys), class_="keys")] if figure.keys else []
    words = tag("figcaption", tag("b", figure.title), " ", *_line(figure.words))
    plot = [tag("div", *drawing, class_="plot")] if drawing else []
    fold = tag("details", tag("summary", "The numbers of this plot"), _table(figure.table))
    return Html(tag("figure", words, *plot, *keys) + fold)


def _key(key: Key) -> Html:
    line = tag(
        "line", x1=1, y1=6, x2=35, y2=6, stroke=key.colour, stroke_width=3,
        stroke_dasharray=key.dashes or None,
    )  # fmt: skip
    swatch = tag("svg", line, viewBox="0 0 36 12", width=36, height=12, aria_hidden="true")
    return tag("li", swatch, " ", foreign(key.label))


def _line(line: Line) -> Iterator[Html | str]:
    return map(_inline, line)


def _inline(piece: Inline) -> Html | str:
    match piece:
        case Foreign():
            return foreign(piece.text)
        case Strong():
            return tag("b", foreign(piece.text))
        case Mark():
            return tag("mark", foreign(piece.text))
        case Small():
            return tag("span", piece.text, class_="small")
        case Term():
            words = _WORD_END.split(piece.text)
            rest = (part for word in words[1:] for part in (_BREAK, word))
            return tag("bdi", words[0], *rest)
        case _:
            return piece
