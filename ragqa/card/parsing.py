"""A card's text -> its question, its instructions and the drafts of its papers.

In: cleaned text. Out: a `Parsed`. One pass over the lines; what a line is depends on the part of
the card it stands in.

Invariants: a line inside a summary is summary until a field, an entry or a heading starts; a list
counts as instructions only before the papers, or below a heading or introduction of its own, and
only the first list counts; nothing below a filled ``Answer:`` is read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ragqa.card.grammar import (
    FieldLine,
    FieldName,
    Item,
    SectionName,
    field_of,
    heading_of,
    is_absent,
    is_boilerplate,
    is_list_intro,
    item_of,
    question_of,
    section_of,
)
from ragqa.card.lines import Lines
from ragqa.card.links import find_link
from ragqa.records import Role

__all__ = ["Draft", "Parsed", "parse_lines"]

_NESTED = 2  # spaces that a line is indented below its item, at least, to belong to it

_State = Literal["free", "question", "instructions", "model", "paper", "other", "end"]


@dataclass(slots=True, kw_only=True)
class Draft:
    """One entry as it was listed, before links are checked.

    :ivar line: Where it starts, from 1.
    :ivar role: As which it is listed.
    :ivar values: The lines of each field; an empty line parts paragraphs.
    :ivar bare: Whether it came from a list item without field names.
    """

    line: int
    role: Role
    values: dict[FieldName, list[str]] = field(default_factory=dict)
    bare: bool = False

    def text(self, name: FieldName) -> str:
        """Return a field's value: lines joined by spaces, paragraphs by an empty line.

        :param name: The field.
        :return: The value; empty where there is none.
        """
        paragraphs: list[list[str]] = [[]]
        for line in self.values.get(name, []):
            if line:
                paragraphs[-1].append(line)
            elif paragraphs[-1]:
                paragraphs.append([])
        return "\n\n".join(" ".join(lines) for lines in paragraphs if lines)


@dataclass(slots=True, kw_only=True)
class Parsed:
    """What a card's lines say.

    :ivar question: The question, empty where there is none.
    :ivar instructions: The numbered instructions, in order.
    :ivar drafts: The entries, in order.
    :ivar notes: What was ignored or odd.
    """

    question: str = ""
    instructions: list[str] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def _says_none(value: list[str]) -> bool:
    """Return whether a value is there and says that there is none (``N/A``)."""
    text = " ".join(value).strip()
    return bool(text) and is_absent(text)


class _Parser:
    """The one pass over the lines."""

    def __init__(self, text: str) -> None:
        self.lines = Lines(text)
        self.parsed = Parsed()
        self._state: _State = "free"
        self._blank = True  # whether the line before was blank
        self._item: Item | None = None  # the instruction that the next line may go on
        self._draft: Draft | None = None
        self._value: list[str] | None = None  # the field that the next line may go on
        self._value_name: FieldName = "other"
        self._heading: str | None = None  # an unknown heading, which may be an entry's title
        self._colon = False  # whether the last filled line ended in a colon
        self._quoted = ""  # a quoted block without introduction

    def run(self) -> Parsed:
        """Read all lines."""
        at = 0
        while at < len(self.lines) and self._state != "end":
            line = self.lines[at]
            if line.strip():
                at = self._read(line, at)
                self._blank = False
                self._colon = line.rstrip(" *_").endswith((":", "："))
            else:
                self._blank = True
                if self._value is not None:
                    self._value.append("")
                at += 1
        if not self.parsed.question and self._quoted:
            self.parsed.question = self._quoted
            self.parsed.notes.append("the quoted sentence was taken as the question")
        return self.parsed

    def _in_summary(self) -> bool:
        return self._value is not None and self._value_name == "summary"

    def _listing(self) -> bool:
        return self._state in {"model", "paper"}

    def _read(self, line: str, at: int) -> int:
        """Read one line; return the number of the line to go on with."""
        section = section_of(line)
        if section and (section[1] or self._blank or not self._in_summary()):
            self._open(section[0], at)
            return at + 1
        after = self._read_question(line, at)
        if after is not None:
            return after
        if self._listing():
            self._read_listed(line, at)
        elif self._state in {"free", "question", "instructions"}:
            self._read_free(line, at)
        elif (found := field_of(line)) and found.name in {"title", "url", "github"}:
            self._state = "paper"
            self._read_field(found, at)
        elif not self.parsed.instructions and self._announces(line, at):
            self._state = "free"
        return at + 1

    # --- sections

    def _open(self, name: SectionName, at: int) -> None:
        """Begin a section."""
        self._close()
        self._state = "other" if name == "answer" else name
        if name != "answer":
            return
        below = self.lines.next_filled(at + 1)
        if below and section_of(below) is None:
            self._state = "end"
            self.parsed.notes.append(f"what stands below line {at + 1} (the answer) was not read")

    def _close(self) -> None:
        """End the entry and the instruction that are open."""
        self._draft = self._value = self._item = self._heading = None

    def _announces(self, line: str, at: int) -> bool:
        """Return whether a list of instructions follows this line."""
        follows = item_of(self.lines.next_filled(at + 1))
        return self._blank and follows is not None and is_list_intro(line)

    def _read_question(self, line: str, at: int) -> int | None:
        """Read the question where this line holds or introduces it; return the line after it."""
        if self.parsed.question or (self._listing() and not self._blank):
            return None
        if self._listing() and field_of(line):
            return None
        value = question_of(line, strict=self._listing())
        if value is None:
            if self._state != "question":
                return None
            question, after = self.lines.question(line.strip(" >"), at)
        elif value:
            question, after = self.lines.question(value, at)
        else:
            question, after = self.lines.question_below(at + 1)
        if not question or (item_of(line) and value is not None):
            return None
        self._close()
        self._state = "free"
        self.parsed.question = question
        return after

    # --- instructions

    def _read_free(self, line: str, at: int) -> None:
        """Read a line outside of the lists of models and papers."""
        item = item_of(line)
        if item is not None and self._read_item(item):
            return
        found = field_of(line)
        if found is not None and found.label in {"model", "model name", "paper"}:
            self._close()
            self._state = "model" if found.name == "title" else "paper"
            self._read_field(found, at)
        elif self._goes_on(line):
            self.parsed.instructions[-1] += " " + line.strip()
        else:
            self._item = None
            if not self._quoted and self._state == "free":
                quoted = self.lines.quoted(line.strip(" >"), at)
                self._quoted = quoted[0] if quoted is not None else ""

    def _goes_on(self, line: str) -> bool:
        """Return whether a line belongs to the instruction above it."""
        if self._item is None or is_boilerplate(line) or heading_of(line) is not None:
            return False
        indent = len(line) - len(line.lstrip())
        return not self._blank or indent >= self._item.indent + _NESTED

    def _read_item(self, item: Item) -> bool:
        """Read a list item as an instruction; return whether it was one."""
        done = len(self.parsed.instructions)
        if self._item is not None and item.indent >= self._item.indent + _NESTED:
            self.parsed.instructions[-1] += " " + item.text
            return True
        alike = self._item is not None and (item.number is None) == (self._item.number is None)
        if item.number is None:
            starts = not done and (self._state == "instructions" or self._colon)
        else:
            starts = item.number == done + 1 or not done
        if not (alike or starts) or (item.number is None and field_of(item.text) and not alike):
            return False
        self.parsed.instructions.append(item.text)
        self._item = item
        return True

    # --- models and papers

    def _read_listed(self, line: str, at: int) -> None:
        """Read a line in the list of models or of papers."""
        if self._blank and is_boilerplate(line):
            self._close()
            self._state = "other"
            return
        if not self.parsed.instructions and self._announces(line, at):
            self._close()
            self._state = "free"
            return
        found = field_of(line)
        heading = heading_of(line)
        if found is not None:
            self._read_field(found, at)
        elif heading is not None:
            self._close()
            self._heading = heading
        elif self._heading is not None:
            self.parsed.notes.append(f"the part {self._heading!r} was not read")
            self._close()
            self._state = "other"
        elif not self._read_more(line):
            self._read_bare(line, at)

    def _begin(self, at: int, *, bare: bool = False) -> Draft:
        """Begin an entry."""
        role: Role = "model" if self._state == "model" else "paper"
        self._draft = Draft(line=at + 1, role=role, bare=bare)
        self.parsed.drafts.append(self._draft)
        return self._draft

    def _put(self, draft: Draft, name: FieldName, value: str) -> None:
        """Begin a field's value."""
        self._value = draft.values[name] = [value] if value else []
        self._value_name = name

    def _read_field(self, found: FieldLine, at: int) -> None:
        """Read a line that starts with a field's name."""
        name = found.name
        if name == "other":
            self._value, self._value_name = [], "other"
            return
        draft = self._draft
        if name == "url" and found.label == "paper" and self._names(found.value):
            name = "title"
        if draft is None or (name in draft.values and (self._blank or name == "title")):
            draft = self._begin(at)
            if self._heading is not None and name != "title":
                draft.values["title"] = [self._heading]
            self._heading = None
        elif name == "title" and self._blank:
            draft = self._begin(at)
        elif name in draft.values:
            said = f"line {at + 1}: a second {found.label!r} of the same entry was ignored"
            self.parsed.notes.append(said)
            self._value, self._value_name = [], "other"
            return
        self._put(draft, name, found.value)

    def _names(self, value: str) -> bool:
        """Return whether the value of ``Paper:`` is a title, in a card that gives links apart."""
        if not value or find_link(value) is not None:
            return False
        title = [] if self._draft is None else self._draft.values.get("title", [])
        return not title or self._blank

    def _read_more(self, line: str) -> bool:
        """Read a line as more of the field above it; return whether it was."""
        if self._value is None:
            return False
        if self._blank and self._value_name == "summary" and _says_none(self._value):
            return False
        if self._value_name in {"summary", "other"}:
            self._value.append(line.strip())
            return True
        if self._blank and self._value:
            return False
        if self._value_name == "title" and self._value and (find_link(line) or item_of(line)):
            return False
        if self._value_name in {"url", "github"} and self._value:
            return False
        self._value.append(line.strip())
        return True

    def _read_bare(self, line: str, at: int) -> None:
        """Read a line without a field's name: a listed link or title, or nothing known."""
        item = item_of(line)
        link = find_link(line)
        text = (item.text if item else line).strip()
        if link is None and (item is None or not (self._draft is None or self._draft.bare)):
            self.parsed.notes.append(f"line {at + 1} was not read: {text[:60]!r}")
            return
        draft = self._draft
        if draft is None or item is not None or self._blank:
            draft = self._begin(at, bare=True)
            title = text if link is None else link.around
            self._put(draft, "title", title)
        if link is not None:
            draft.values.setdefault("url", [link.url])


def parse_lines(text: str) -> Parsed:
    """Read a card's lines.

    :param text: The card, cleaned.
    :return: What it says.
    """
    return _Parser(text).run()
