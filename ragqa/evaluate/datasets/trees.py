"""YAML and CSV -> records that know their lines.

In: files that people write by hand. Out: the values that JSON would give, with the line of each.
YAML is read as nodes: a tag constructs nothing, a scalar is text as it is written, and an alias to
anything but a scalar is refused, so that no file unfolds into a larger one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from typing import cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from ragqa.evaluate.datasets.reading import Reading
from ragqa.evaluate.datasets.scalars import Bare
from ragqa.evaluate.datasets.values import Item, LinedDict, LinedList, shown
from ragqa.evaluate.records import Place

__all__ = ["csv_items", "yaml_value"]

_NULL_TAG, _BOOL_TAG = "tag:yaml.org,2002:null", "tag:yaml.org,2002:bool"
_BOOLS = frozenset({"true", "false"})  # in a cell, in any case: spreadsheets write TRUE
_MAX_CELL = 10_000_000  # characters; csv's own 131,072 is less than a long quote may have


class _Tree:
    """Turns the nodes of one YAML file into values."""

    def __init__(self, reading: Reading, name: str) -> None:
        self._reading = reading
        self._name = name
        self._seen: set[int] = set()

    def place(self, node: Node) -> Place:
        """Return where a node starts."""
        return Place(file=self._name, line=node.start_mark.line + 1)

    def value(self, node: Node) -> object:
        """Return a node's value."""
        if isinstance(node, ScalarNode):
            if node.tag == _NULL_TAG:
                return None
            return Bare(node.value) if node.tag == _BOOL_TAG else cast("str", node.value)
        if id(node) in self._seen:
            said = "an alias (*name) stands for a list or for keys and values; write them out"
            self._reading.wrong(self.place(node), said)
            return None
        self._seen.add(id(node))
        if isinstance(node, MappingNode):
            return self._mapping(node)
        return self._sequence(cast("SequenceNode", node))

    def _mapping(self, node: MappingNode) -> LinedDict:
        made = LinedDict(self.place(node).line)
        for key, value in node.value:
            name = key.value if isinstance(key, ScalarNode) else "a list or keys and values"
            line = self.place(key).line
            if name in made:
                first = Place(file=self._name, line=made.lines[name])
                said = f"the key {shown(name)} is given twice, first at {first}"
                self._reading.wrong(self.place(key), said)
            made[name] = self.value(value)
            made.lines[name] = line
        return made

    def _sequence(self, node: SequenceNode) -> LinedList:
        made = LinedList()
        for child in node.value:
            made.append(self.value(child))
            made.lines.append(self.place(child).line)
        return made


def yaml_value(reading: Reading, name: str) -> object:
    """Read a YAML file.

    :param reading: What to read it with.
    :param name: Its path below the root.
    :return: Texts, None, `LinedDict`s and `LinedList`s; None where it is no YAML, which is noted.
    """
    text = reading.text(name)
    first = Place(file=name, line=1)
    try:
        node = YAML(typ="safe", pure=True).compose(text)
        return None if node is None else _Tree(reading, name).value(node)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = first if mark is None else Place(file=name, line=mark.line + 1)
        said = error.problem or error.context or "it cannot be read"
        reading.wrong(place, f"not valid YAML: {said}")
    except ReaderError as error:
        at = text.find(chr(error.character)) if isinstance(error.character, int) else 0
        place = Place(file=name, line=text.count("\n", 0, max(at, 0)) + 1)
        reading.wrong(place, f"not valid YAML: {error.reason}")
    except (YAMLError, ValueError, OverflowError) as error:
        reading.wrong(first, f"not valid YAML: {str(error).splitlines()[0]}")
    except RecursionError:
        reading.wrong(first, "not valid YAML: it is nested far too deeply")
    return None


def csv_items(
    reading: Reading, name: str, named: Callable[[list[str], Place], list[str]]
) -> Iterator[Item]:
    """Yield the rows of a CSV file by its header.

    The separator is a comma; a semicolon where the header has semicolons and no comma.

    :param reading: What to read it with.
    :param name: Its path below the root.
    :param named: Given the names of the columns and their place, checks them and returns the keys
        that they stand for.
    :yield: One item a row, empty cells left away; rows of another length are noted.
    """
    text = reading.text(name)
    header = text.partition("\n")[0]
    separator = ";" if ";" in header and "," not in header else ","
    csv.field_size_limit(_MAX_CELL)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    columns: list[str] = []
    line = 1
    try:
        for row in rows:
            place, line = Place(file=name, line=line), rows.line_num + 1
            if not any(cell.strip() for cell in row):
                continue
            if not columns:
                columns = [cell.strip() for cell in row]
                _check_header(columns, place, reading)
                columns = named(columns, place)
            elif len(row) != len(columns):
                said = f"the row has {len(row)} cells; the header has {len(columns)}"
                reading.wrong(place, said)
            else:
                cells = zip(columns, row, strict=True)
                yield Item(
                    reading, {key: _cell(cell) for key, cell in cells if cell.strip()}, place
                )
    except csv.Error as error:
        reading.wrong(Place(file=name, line=line), f"not valid CSV: {error}")


def _cell(text: str) -> str:
    """Return a cell; one that may be a truth value can be read as one."""
    return Bare(text) if text.strip().casefold() in _BOOLS else text


def _check_header(columns: list[str], place: Place, reading: Reading) -> None:
    """Note columns that are named twice or not at all."""
    for column in sorted({column for column in columns if columns.count(column) > 1}):
        reading.wrong(place, f"the column {shown(column)} is there {columns.count(column)} times")
