"""JSON objects of a chat model's output, found while they come.

In: characters from an object's opening brace on. Out: each statement at its closing brace.
A scanner of brackets and strings rather than a JSON parser: it goes on where a comma is missing, an
escape is wrong or a bracket is left out, and it holds nothing but open objects. Which object is a
statement is decided by its keys, so what stands around it does not matter. A string with
quotation marks that are not escaped is taken as absent: nobody knows where it ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from ragqa.records import WrittenQuote

__all__ = ["MAX_TEXT", "ObjectScanner", "label_of"]

MAX_TEXT = 2000
"""Characters of a statement or a quote; what is longer is taken as absent."""

_MAX_LABEL = 64  # characters of a chunk's label
_MAX_RAW = 6 * MAX_TEXT + 1  # characters of a string with escapes: six for one at most
_MAX_DEPTH = 32  # open brackets that are remembered; an answer has four
_TOKEN = re.compile(r'["{}\[\]:,]')
_STRING_STOP = re.compile(r'["\\]')
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "n": "\n", "r": "\r", "t": "\t"}
# \b and \f are left as written: no paper has such characters, but LaTeX has \beta and \frac
_TEXT_KEYS = ("text", "statement")
_QUOTE_KEY = "quote"
_CHUNK_KEYS = ("chunk", "chunk_id")
_KEYS = frozenset({*_TEXT_KEYS, _QUOTE_KEY, *_CHUNK_KEYS})

Emit = Callable[[str, tuple[WrittenQuote, ...]], None]
"""Takes a statement's text and its quotes."""


@dataclass(slots=True)
class _Frame:
    """An open bracket."""

    is_object: bool
    key: str | None = None  # of the value that comes
    word: str | None = None  # a string of which it is not known yet whether it is key or value
    empty: bool = True
    values: dict[str, str] = field(default_factory=dict)
    quotes: list[WrittenQuote] = field(default_factory=list)

    def settle(self) -> None:
        """Take the pending string for the value of the pending key."""
        if self.key in _KEYS and self.word is not None:
            self.values.setdefault(self.key, self.word)
        self.key = self.word = None

    def spoil(self) -> None:
        """Give the pending string up: words behind it show that it had more, unescaped quotes."""
        if self.word is not None:
            self.word = ""

    def first(self, *keys: str) -> str:
        """Return the first value that is there, or nothing."""
        return next((self.values[key] for key in keys if key in self.values), "").strip()


class ObjectScanner:
    """Scans one object after the other; `open` begins one.

    :param emit: Takes each statement when its object is closed.
    :param max_quotes: Quotes kept of one statement.
    :ivar saw_empty_list: Whether a list named ``statements`` was closed without anything in it.
    """

    def __init__(self, emit: Emit, *, max_quotes: int) -> None:
        self.saw_empty_list = False
        self._emit = emit
        self._max_quotes = max_quotes
        self._frames: list[_Frame] = []
        self._deeper = 0  # open brackets that are only counted
        self._in_string = self._escaped = False
        self._raw: list[str] = []
        self._raw_chars = 0

    @property
    def depth(self) -> int:
        """Return how many brackets are open."""
        return len(self._frames) + self._deeper

    def open(self) -> None:
        """Begin an object; its brace was read already."""
        self._frames = [_Frame(is_object=True)]
        self._deeper = 0

    def scan(self, piece: str, position: int) -> int:
        """Read on until the piece or the object ends.

        :param piece: Some text.
        :param position: Where to start in it.
        :return: How far it was read.
        """
        while position < len(piece) and self._frames:
            step = self._string if self._in_string else self._token
            position = step(piece, position)
        return position

    def _token(self, piece: str, position: int) -> int:
        found = _TOKEN.search(piece, position)
        between = piece[position : found.start() if found else len(piece)]
        if between and not between.isspace():
            self._frames[-1].spoil()
        if found is None:
            return len(piece)
        token = found[0]
        if token == '"':
            self._in_string, self._raw, self._raw_chars = True, [], 0
        elif self._deeper:
            self._deeper += (token in "{[") - (token in "}]")
        elif token in "{[":
            self._push(token == "{")
        elif token in "}]":
            self._pop(token == "}")
        else:
            self._separate(token)
        return found.end()

    def _push(self, is_object: bool) -> None:
        around = self._frames[-1]
        around.empty = False
        if around.word is not None:  # a comma was forgotten
            around.settle()
        if len(self._frames) < _MAX_DEPTH:
            self._frames.append(_Frame(is_object=is_object))
        else:
            self._deeper += 1

    def _separate(self, token: str) -> None:
        frame = self._frames[-1]
        if token == ",":
            frame.settle()
        elif frame.is_object and frame.word is not None:
            frame.key, frame.word = frame.word.strip().lower(), None

    def _pop(self, is_object: bool) -> None:
        """Close the innermost bracket of a kind, and what was left open inside of it."""
        depth = len(self._frames) - 1
        while depth >= 0 and self._frames[depth].is_object != is_object:
            depth -= 1
        if depth < 0:
            return
        frame = self._frames[depth]
        del self._frames[depth:]
        if is_object:
            self._closed(frame)
        elif frame.empty and self._frames[-1].key == "statements":
            self.saw_empty_list = True
        if self._frames:
            self._frames[-1].key = None

    def _closed(self, frame: _Frame) -> None:
        frame.settle()
        label = frame.first(*_CHUNK_KEYS)
        text, words = frame.first(*_TEXT_KEYS), frame.first(_QUOTE_KEY)
        if label and not words and not frame.quotes:  # {"chunk": ..., "text": ...}
            text, words = "", text
        if text:
            own = _quote(label, words)
            self._emit(text, (*frame.quotes, *own)[: self._max_quotes])
        else:
            self._give(_quote(label, words))

    def _give(self, quotes: tuple[WrittenQuote, ...]) -> None:
        """Hand quotes to the object around."""
        around = next((each for each in reversed(self._frames) if each.is_object), None)
        if around is not None and len(around.quotes) < self._max_quotes:
            around.quotes.extend(quotes)

    def _string(self, piece: str, position: int) -> int:
        if self._escaped:
            self._escaped = False
            self._keep(piece[position])
            return position + 1
        found = _STRING_STOP.search(piece, position)
        end = found.start() if found else len(piece)
        self._keep(piece[position:end])
        if found is None:
            return end
        if found[0] == "\\":
            self._escaped = True
            self._keep("\\")
        else:
            self._in_string = False
            self._end_string()
        return end + 1

    def _keep(self, text: str) -> None:
        room = _MAX_RAW - self._raw_chars
        self._raw_chars += len(text)
        if text and room > 0:
            self._raw.append(text[:room])

    def _end_string(self) -> None:
        frame = self._frames[-1]
        frame.empty = False
        if self._deeper or not frame.is_object:
            return
        if frame.word is not None:  # a comma was forgotten
            frame.settle()
        text = decode("".join(self._raw)) if self._raw_chars < _MAX_RAW else ""
        frame.word = text if len(text) <= MAX_TEXT else ""


def _quote(label: str, words: str) -> tuple[WrittenQuote, ...]:
    name = label_of(label)
    return (WrittenQuote(chunk=name, text=words),) if name and words else ()


def label_of(written: str) -> str:
    """Return a chunk's label as the prompt gave it.

    :param written: As the model wrote it: ``[C1]``.
    :return: ``c1``; nothing where it is far too long.
    """
    label = written.strip(" \t\n[]()`*").lower()
    return label if len(label) <= _MAX_LABEL else ""


def decode(raw: str) -> str:
    """Return what a JSON string says; an escape that JSON has not is left as it is written.

    :param raw: The characters between its quotation marks.
    :return: The text, without half surrogate pairs.
    """
    text = _ESCAPE.sub(_escape, raw)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _escape(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16))
    return _ESCAPES.get(found[2], found[0])
