"""A chat model's raw output -> the statements it holds, as they come.

In: pieces of text, cut anywhere. Out: `WrittenStatement`s, each as soon as it is complete.
Two formats are read, wherever they start: JSON objects with ``text`` and ``quotes`` (in a fence,
after chatter, without the object around them), and lines ``STATEMENT: ...`` / ``QUOTE c1: ...``.

Invariants: nothing is ever raised; time is linear in the output; how the output is cut into pieces
changes nothing; a JSON statement that was not closed is not given out; a text over `MAX_TEXT` is
taken as absent and never shortened, so what is given out was written as it is; nothing is given
out twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ragqa.generate.objects import MAX_TEXT, ObjectScanner, label_of
from ragqa.records import WrittenQuote, WrittenStatement

__all__ = [
    "MAX_OUTPUT",
    "MAX_QUOTES",
    "MAX_STATEMENTS",
    "OutputReader",
    "read_output",
    "read_question",
]

MAX_OUTPUT = 1 << 20
"""Characters of one output that are read; an answer has some thousand."""

MAX_STATEMENTS = 40
"""Statements that are read from one output."""

MAX_QUOTES = 8
"""Quotes that are read of one statement."""

_MAX_QUESTION = 1000  # characters of a restated question; what is longer is no question
_MAX_GAP = 1000  # white space between an object's brace and its first key
_MAX_LINE = MAX_TEXT + 200  # characters kept of a line: a marker and a text
_MAX_MARKER = 80  # characters in which a line says what it is
# Every repetition has a bound, so that a line of one letter over and over takes linear time.
_DECORATION = r"[ \t]{0,40}(?:[-*>#]{1,6}[ \t]{0,9}|\d{1,3}[.)][ \t]{0,9})?[*_`]{0,4}"
_STATEMENT = re.compile(
    _DECORATION + r"statement[ \t]{0,3}\d{0,3}[*_`]{0,4}[ \t]{0,9}:[*_`]{0,4}", re.IGNORECASE
)
_QUOTE = re.compile(
    _DECORATION + r"quote[ \t]{1,9}[\[(]?([a-z]{0,12}\d{1,6})[\])]?[*_`]{0,4}[ \t]{0,9}:[*_`]{0,4}",
    re.IGNORECASE,
)
_NO_ANSWER = re.compile(r"[\W_]*no[ _]answer[\W_]*", re.IGNORECASE)
_STOPS = re.compile(r"[{<\n]")
_CODE_FENCE = "```"
_SURROGATES = re.compile("[\ud800-\udfff]")
_NOT_SPACE = re.compile(r"\S")
_THINK_TAGS = ("think", "thinking")
_PAIRS = {'"': '"', "\N{LEFT DOUBLE QUOTATION MARK}": "\N{RIGHT DOUBLE QUOTATION MARK}"}


class OutputReader:
    """Reads one output piece by piece."""

    def __init__(self) -> None:
        self._said_no = False
        self._read = 0  # characters taken so far
        self._given: set[WrittenStatement] = set()  # small models repeat themselves
        self._out: list[WrittenStatement] = []
        self._state: Callable[[str, int], int] = self._line_state
        self._line: list[str] = []
        self._line_chars = 0
        self._line_is_text: bool | None = None  # as it was decided last
        self._held = ""  # a brace or a tag that may turn out to be plain text
        self._closing = False  # whether the tag that is being read may end the thinking
        self._objects = ObjectScanner(self._from_object, max_quotes=MAX_QUOTES)
        self._block = _Block()

    @property
    def declined(self) -> bool:
        """Say whether the model said that the chunks do not answer, and no more than that.

        :return: True after an empty list of statements or ``NO ANSWER``, with no statement.
        """
        return self._said_no and not self._given

    def feed(self, piece: str) -> list[WrittenStatement]:
        """Take the next piece.

        :param piece: Any text.
        :return: The statements that it completes, in order.
        """
        piece = _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", piece[: MAX_OUTPUT - self._read])
        self._read += len(piece)
        position = 0
        while position < len(piece):
            position = self._state(piece, position)
        return self._take()

    def close(self) -> list[WrittenStatement]:
        """End the output.

        :return: The statements that were complete but for the end. A block of the text format
            counts as complete; what was cut in a JSON object does not.
        """
        if self._state in {self._gap_state, self._tag_state}:
            self._back_to_text()
        if self._state == self._line_state:
            self._end_line()
        self._end_block()
        return self._take()

    def _take(self) -> list[WrittenStatement]:
        taken, self._out = self._out, []
        return taken

    def _emit(self, statement: WrittenStatement) -> None:
        if statement not in self._given and len(self._given) < MAX_STATEMENTS:
            self._given.add(statement)
            self._out.append(statement)

    # Outside of objects: lines, of which some are markers and most are chatter.

    def _line_state(self, piece: str, position: int) -> int:
        found = _STOPS.search(piece, position)
        end = found.start() if found else len(piece)
        self._add(piece[position:end])
        if found is None:
            return end
        if found[0] == "\n":
            self._end_line()
        elif self._is_text():
            self._add(found[0])
        else:
            self._held = found[0]
            self._state = self._gap_state if found[0] == "{" else self._tag_state
        return end + 1

    def _is_text(self) -> bool:
        """Say whether a brace or a tag here would be words of a statement or quote."""
        if self._line_chars > _MAX_MARKER and self._line_is_text is not None:
            return self._line_is_text
        start = "".join(self._line)[:_MAX_MARKER]
        goes_on = self._block.is_open and bool(start.strip())
        self._line_is_text = goes_on or bool(_STATEMENT.match(start) or _QUOTE.match(start))
        return self._line_is_text

    def _add(self, text: str) -> None:
        room = _MAX_LINE - self._line_chars
        self._line_chars += len(text)
        if text and room > 0:
            self._line.append(text[:room])
            if len(self._line) > _MAX_MARKER:  # keeps the join of `_is_text` short
                self._line = ["".join(self._line)]

    def _clear_line(self) -> None:
        self._line, self._line_chars, self._line_is_text = [], 0, None

    def _end_line(self) -> None:
        line, too_long = "".join(self._line), self._line_chars > _MAX_LINE
        self._clear_line()
        if found := _STATEMENT.match(line):
            self._end_block()
            self._block.start(line[found.end() :], too_long=too_long)
        elif found := _QUOTE.match(line):
            self._block.quote(found[1], line[found.end() :], too_long=too_long)
        elif _NO_ANSWER.fullmatch(line) and not too_long:
            self._said_no = True
        elif line.strip() and not line.lstrip().startswith(_CODE_FENCE):
            self._block.go_on(line, too_long=too_long)
        else:
            self._block.pause()

    def _end_block(self) -> None:
        statement = self._block.take()
        if statement is not None:
            self._emit(statement)

    # After a brace: an object's first key, or plain text after all.

    def _gap_state(self, piece: str, position: int) -> int:
        found = _NOT_SPACE.search(piece, position)
        end = found.start() if found else len(piece)
        self._held += piece[position:end]
        if len(self._held) > _MAX_GAP or (found and found[0] not in '"}'):
            self._back_to_text()
        elif found:
            self._clear_line()
            self._end_block()
            self._objects.open()
            self._state = self._object_state
        return end

    def _back_to_text(self) -> None:
        """Take what was held back for plain text."""
        held, self._held = self._held, ""
        self._state = self._line_state
        for index, line in enumerate(held.split("\n")):
            if index:
                self._end_line()
            self._add(line)

    def _object_state(self, piece: str, position: int) -> int:
        position = self._objects.scan(piece, position)
        self._said_no = self._said_no or self._objects.saw_empty_list
        if not self._objects.depth:
            self._state = self._line_state
        return position

    def _from_object(self, text: str, quotes: tuple[WrittenQuote, ...]) -> None:
        self._emit(WrittenStatement(text=text, quotes=quotes))

    # Thinking aloud, in tags.

    def _tag_state(self, piece: str, position: int) -> int:
        held = self._held + piece[position]
        if held.lower() in {f"<{name}>" for name in _THINK_TAGS}:
            self._held, self._state = "", self._thinking_state
        elif any(f"<{name}>".startswith(held.lower()) for name in _THINK_TAGS):
            self._held = held
        else:  # this character may be a brace or a line feed: it is read again
            self._back_to_text()
            return position
        return position + 1

    def _thinking_state(self, piece: str, position: int) -> int:
        if not self._closing:
            start = piece.find("<", position)
            if start < 0:
                return len(piece)
            self._held, self._closing = "<", True
            return start + 1
        held = self._held + piece[position]
        if held.lower() in {f"</{name}>" for name in _THINK_TAGS}:
            self._held, self._closing = "", False
            self._clear_line()
            self._state = self._line_state
        elif any(f"</{name}>".startswith(held.lower()) for name in _THINK_TAGS):
            self._held = held
        else:
            self._held, self._closing = "", False
            return position
        return position + 1


class _Block:
    """One statement of the text format while its lines come."""

    def __init__(self) -> None:
        self.is_open = False
        self._goes_on = False  # whether an unmarked line belongs to the last field
        self._fields: list[list[str]] = []  # the statement's lines, then each quote's
        self._labels: list[str] = []

    def start(self, text: str, *, too_long: bool) -> None:
        """Begin a statement."""
        self.is_open, self._labels = True, []
        self._fields = []
        self._field(text, too_long)

    def quote(self, label: str, text: str, *, too_long: bool) -> None:
        """Add a quote to the statement, if there is one."""
        if self.is_open and len(self._labels) < MAX_QUOTES:
            self._labels.append(label_of(label))
            self._field(text, too_long)
        else:
            self._goes_on = False

    def _field(self, text: str, too_long: bool) -> None:
        self._fields.append(["" if too_long else text])
        self._goes_on = not too_long

    def go_on(self, text: str, *, too_long: bool) -> None:
        """Add an unmarked line to the last field, unless an empty line ended it."""
        if not self._goes_on:
            return
        field = self._fields[-1]
        size = sum(map(len, field)) + len(text)
        self._goes_on = not too_long and size <= MAX_TEXT
        self._fields[-1] = [" ".join([*field, text])] if self._goes_on else [""]

    def pause(self) -> None:
        """End the last field."""
        self._goes_on = False

    def take(self) -> WrittenStatement | None:
        """End the statement and return it, if it has words."""
        if not self.is_open:
            return None
        self.is_open = self._goes_on = False
        text, *words = (_fitting("".join(field)) for field in self._fields)
        quotes = tuple(
            WrittenQuote(chunk=label, text=_bare(quote))
            for label, quote in zip(self._labels, words, strict=True)
            if _bare(quote)
        )
        return WrittenStatement(text=text, quotes=quotes) if text else None


def _fitting(text: str) -> str:
    text = text.strip()
    return text if len(text) <= MAX_TEXT else ""


def _bare(quote: str) -> str:
    """Return a quote without the quotation marks that a model puts around it."""
    if len(quote) > 1 and _PAIRS.get(quote[0]) == quote[-1]:
        return quote[1:-1].strip()
    return quote


def read_output(raw: str) -> tuple[WrittenStatement, ...]:
    """Read a whole output.

    :param raw: What the model wrote.
    :return: Its statements, in order; none where it wrote nothing usable.
    """
    reader = OutputReader()
    return (*reader.feed(raw), *reader.close())


_THOUGHT = re.compile(r"<(think(?:ing)?)>.*?(?:</\1>|\Z)", re.IGNORECASE | re.DOTALL)
_THOUGHT_END = re.compile(r"</think(?:ing)?>", re.IGNORECASE)  # some servers keep the start back
_LABEL = re.compile(r"(?:(?:standalone |restated )?question\W{0,4}:)?[\s*_]*", re.IGNORECASE)


def read_question(raw: str) -> str | None:
    """Read the reply to `prompt.restate`.

    :param raw: What the model wrote.
    :return: Its first line of words, without label and quotation marks; None where there is none,
        or it is too long for a question.
    """
    said = _THOUGHT_END.split(_THOUGHT.sub("", raw[:MAX_OUTPUT]))[-1]
    for line in said.splitlines():
        words = _bare(_LABEL.sub("", line.lstrip(" \t*_#>-"), count=1).strip())
        if any(letter.isalnum() for letter in words):
            return words if len(words) <= _MAX_QUESTION else None
    return None
