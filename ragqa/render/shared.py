"""What the forms of an answer for people share: words for states, and which item is in which cell.

In: sections and answers. Out: the statements and notices of a table's cell, in reading order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeVar

from ragqa.records import (
    Answer,
    Cell,
    DocumentKind,
    Notice,
    Role,
    Section,
    SourceState,
    Statement,
)

__all__ = [
    "KINDS",
    "ROLES",
    "STATES",
    "WORKFLOW_CELLS",
    "clip",
    "in_cell",
    "in_tables",
    "is_workflow",
]

WORKFLOW_CELLS: Final[tuple[Cell, ...]] = ("input", "model", "output")
"""The cells of a workflow, in the order of its arrows."""

STATES: Final[Mapping[SourceState, str]] = MappingProxyType(
    {
        "full-text": "full text",
        "readme-only": "README only",
        "summary-only": "summary only",
        "no-text": "no text",
        "removed": "taken off the list",
    }
)
"""How much of a paper could be used, in words."""

ROLES: Final[Mapping[Role, str]] = MappingProxyType(
    {"model": "recommended model", "paper": "related paper"}
)
"""How a paper is listed, in words."""

KINDS: Final[Mapping[DocumentKind, str]] = MappingProxyType(
    {"pdf": "PDF", "readme": "README", "summary": "summary"}
)
"""Which text of a paper, in words."""

_Item = TypeVar("_Item", Statement, Notice)


def is_workflow(section: Section) -> bool:
    """Say whether a section has the table *input -> model -> output*.

    :param section: The section.
    :return: True where a statement or notice fills one of its cells.
    """
    return any(item.cell in WORKFLOW_CELLS for item in _items(section))


def in_tables(section: Section, answer: Answer) -> list[str]:
    """Return the papers that fill cells of a section.

    :param section: The section.
    :param answer: Its answer.
    :return: Their ids, in listing order.
    """
    found = {item.paper_id for item in _items(section) if item.cell}
    return [source.paper_id for source in answer.sources if source.paper_id in found]


def _items(section: Section) -> list[Statement | Notice]:
    return [*section.statements, *section.notices]


def in_cell(items: Sequence[_Item], paper_id: str, cell: Cell) -> list[_Item]:
    """Return what fills a cell.

    :param items: Statements or notices of a section.
    :param paper_id: The row.
    :param cell: The column.
    :return: Those in the cell, in order.
    """
    return [item for item in items if item.paper_id == paper_id and item.cell == cell]


def clip(text: str, limit: int) -> str:
    """Cut a text that a diagram has no room for, between words, and say so with an ellipsis.

    :param text: The text.
    :param limit: Characters kept at most.
    :return: The text, or its beginning and an ellipsis.
    """
    return text if len(text) <= limit else text[:limit].rsplit(" ", 1)[0] + " \u2026"
