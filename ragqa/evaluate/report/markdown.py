"""A report's blocks as Markdown.

In: sections. Out: headings, paragraphs, lists and tables that every reader of GitHub's Markdown
shows alike; no HTML. A figure is its words and its numbers.

Invariants: a foreign text cannot become markup, end a table's cell or line, or turn the direction
of what follows it; the text can be encoded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ragqa.evaluate.report.blocks import (
    Block,
    Figure,
    Fold,
    Inline,
    Items,
    Line,
    Mark,
    Para,
    Section,
    Sides,
    Small,
    Strong,
    Table,
)

__all__ = ["write_markdown"]

_MARKUP = re.compile(r"([\\`*_\[\]<>|~&#$]|@(?=[^\W\d]))")
# In our own words brackets, a lone star and a lone "<" are no markup, and are easier to read so.
_OUR_MARKUP = re.compile(
    r"([\\`_|~&#$]|\](?=[\[(:])|(?<=\S)\*|\*(?=\S)|<(?=\S)|>(?=\S)|@(?=[^\W\d]))"
)
_LINE_MARKUP = re.compile(r"^(\d*)([-+=:.)])")  # a list's mark, or a line under a heading
_SPACE = re.compile(r"\s+")
_LINK_START = re.compile(r"(?:https?:|ftp:|www\.)", re.IGNORECASE)
# Control characters, lone surrogates, noncharacters, and what opens or closes a direction.
_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)


def write_markdown(title: str, sections: Sequence[Section]) -> str:
    """Return a report as Markdown.

    :param title: Its title.
    :param sections: Its parts.
    :return: Text that ends with a line feed; encode it as UTF-8.
    """
    lines = [f"# {_escape(title)}", ""]
    for section in sections:
        lines += [f"## {_escape(section.title)}", ""]
        lines += _blocks(section.blocks, level=3)
    return "\n".join(lines).rstrip("\n") + "\n"


def _blocks(blocks: Sequence[Block], *, level: int) -> Iterator[str]:
    for block in blocks:
        yield from _block(block, level)
        yield ""


def _block(block: Block, level: int) -> Iterator[str]:
    match block:
        case Para():
            yield f"{'> **Note:** ' if block.kind == 'note' else ''}{_line(block.line)}"
        case Items():
            yield from (f"- {_line(line)}" for line in block.lines)
        case Table():
            yield from _table(block)
        case Figure():
            yield from _figure(block)
        case Fold():
            yield from (f"{'#' * min(level, 6)} {_line(block.line)}", "")
            yield from _blocks(block.blocks, level=level + 1)
        case Sides():
            for side in block.sides:
                yield from (f"**{_escape(side.title)}**", "")
                yield from _blocks(side.blocks, level=level)


def _figure(figure: Figure) -> Iterator[str]:
    yield from (f"**{_escape(figure.title)}**", "", _line(figure.words), "")
    yield from _table(figure.table)


def _table(table: Table) -> Iterator[str]:
    yield from (f"**{_escape(table.caption)}**", "")
    yield f"| {' | '.join(_cell(column.line) for column in table.columns)} |"
    yield f"|{'|'.join('---:' if column.is_number else '---' for column in table.columns)}|"
    for row in table.rows:
        yield f"| {' | '.join(map(_cell, row))} |"
    if table.notes:
        yield ""
        yield from (f"- {_line(note)}" for note in table.notes)


def _line(line: Line) -> str:
    """Return a line that starts nothing: neither a list nor a heading."""
    return _LINE_MARKUP.sub(r"\1\\\2", _cell(line))


def _cell(line: Line) -> str:
    return "".join(map(_inline, line)).strip()


def _inline(piece: Inline) -> str:
    """Escape a piece; the blanks at its ends, which part it from its neighbours, stay."""
    text = piece if isinstance(piece, str) else piece.text
    inner = _escape(text, _OUR_MARKUP if isinstance(piece, str | Small) else _MARKUP)
    stars = "**" * isinstance(piece, Strong | Mark)
    if not inner:
        return " " if text else ""
    return f"{' ' * text[0].isspace()}{stars}{inner}{stars}{' ' * text[-1].isspace()}"


def _escape(text: str, markup: re.Pattern[str] = _MARKUP) -> str:
    """Return text that a Markdown reader shows as it is, but where it starts a line."""
    flat = _FORBIDDEN.sub("\ufffd", _SPACE.sub(" ", text)).strip()
    marked = markup.sub(r"\\\1", flat)
    return _LINK_START.sub(lambda m: m.group()[:-1] + "\\" + m.group()[-1], marked)
