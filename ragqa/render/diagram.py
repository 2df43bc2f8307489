"""A workflow as a picture: boxes and arrows in SVG, drawn here.

In: boxes with a head and lines of text. Out: one inline SVG, side by side or one below the other.
Text is wrapped by estimated widths, on the wide side, so that it stays inside of its box with any
sans-serif font. Colours come from the page's style, hence they follow dark mode.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ragqa.render.markup import Html, tag

__all__ = ["Box", "draw_flow"]

_WIDTH = 250  # user units = CSS pixels: a box
_GAP = 46  # between two boxes, where the arrow is
_PAD = 14
_LINE = 18  # from one line of text to the next
_FONT = 13.0  # as style.css has it for the words of a diagram
_MAX_LINES = 14  # of one box; what is longer stands in the table
_TIP = 8  # length of an arrow's tip
# em; of DejaVu Sans, the widest of the common sans-serif fonts, rounded up
_NARROW, _LOWER, _UPPER, _BROAD, _FULL = 0.4, 0.65, 0.8, 1.0, 1.05
_BOLD = 1.13  # how much wider its bold is
_NARROW_LETTERS = frozenset("iljtfI.,:;'|!()[] ")
_BEYOND_LATIN = 0x2FFF  # from here on nearly all letters are as wide as high


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One box of a diagram.

    :ivar head: Its title.
    :ivar body: What stands in it; an item starts a new line.
    :ivar quiet: Whether it says only that nothing is known.
    """

    head: str
    body: tuple[str, ...]
    quiet: bool = False


def draw_flow(boxes: Sequence[Box], *, title: str, stacked: bool = False) -> Html:
    """Draw boxes joined by arrows.

    :param boxes: The boxes, in the order of the arrows.
    :param title: What the picture shows, for those who do not see it.
    :param stacked: One below the other instead of side by side.
    :return: An SVG element.
    """
    texts = [(_wrap((box.head,), bold=True), _wrap(box.body)) for box in boxes]
    heights = [_height(head, body) for head, body in texts]
    tallest = max(heights)
    parts: list[Html] = []
    x = y = 0
    for number, (box, (head, body)) in enumerate(zip(boxes, texts, strict=True)):
        height = heights[number] if stacked else tallest
        parts.append(_box(box, head, body, (x, y, height)))
        if number < len(boxes) - 1:
            parts.append(_arrow(x, y, height, stacked=stacked))
        x, y = (x, y + height + _GAP) if stacked else (x + _WIDTH + _GAP, y)
    width, total = (_WIDTH, y - _GAP) if stacked else (x - _GAP, tallest)
    return tag(
        "svg",
        tag("title", title),
        *parts,
        class_="flow stacked" if stacked else "flow",
        viewBox=f"-1 -1 {width + 2} {total + 2}",
        width=width + 2,
        height=total + 2,
        role="img",
        aria_label=title,
    )


def _height(head: Sequence[str], body: Sequence[str]) -> int:
    return 2 * _PAD + _LINE * (len(head) + len(body)) + (6 if body else 0)


def _box(box: Box, head: Sequence[str], body: Sequence[str], place: tuple[int, int, int]) -> Html:
    x, y, height = place
    first = y + _PAD + 12
    lines = [
        *(_line(text, x, first + _LINE * n, "head") for n, text in enumerate(head)),
        *(_line(text, x, first + 6 + _LINE * n, "body") for n, text in enumerate(body, len(head))),
    ]
    frame = tag("rect", x=x, y=y, width=_WIDTH, height=height, rx=8)
    return tag("g", frame, *lines, class_="box quiet" if box.quiet else "box")


def _line(text: str, x: int, y: int, style: str) -> Html:
    return tag("text", text, x=x + _PAD, y=y, class_=style)


def _arrow(x: int, y: int, height: int, *, stacked: bool) -> Html:
    if stacked:
        at, start = x + _WIDTH // 2, y + height + 5
        end = y + height + _GAP - 5
        tip = f"{at - 5},{end - _TIP} {at + 5},{end - _TIP} {at},{end}"
        shaft = tag("line", x1=at, y1=start, x2=at, y2=end - _TIP)
    else:
        at, start = y + height // 2, x + _WIDTH + 5
        end = x + _WIDTH + _GAP - 5
        tip = f"{end - _TIP},{at - 5} {end - _TIP},{at + 5} {end},{at}"
        shaft = tag("line", x1=start, y1=at, x2=end - _TIP, y2=at)
    return tag("g", shaft, tag("polygon", points=tip), class_="arrow")


def _wrap(items: Sequence[str], *, bold: bool = False) -> list[str]:
    """Break texts into lines that fit into a box, words that are too long as well."""
    room = (_WIDTH - 2 * _PAD) / _FONT
    lines: list[str] = []
    for item in items:
        line = ""
        for word in (piece for each in item.split() for piece in _pieces(each, room, bold)):
            longer = f"{line} {word}" if line else word
            if line and _em(longer, bold) > room:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    if len(lines) > _MAX_LINES:
        lines = [*lines[: _MAX_LINES - 1], "\u2026"]
    return lines


def _pieces(word: str, room: float, bold: bool) -> Iterator[str]:
    piece, width = "", 0.0
    for letter in word:
        step = _em(letter, bold)
        if piece and width + step > room:
            yield piece
            piece, width = "", 0.0
        piece, width = piece + letter, width + step
    yield piece


def _em(text: str, bold: bool) -> float:
    """Estimate a text's width in units of its font size."""
    return sum(map(_letter_em, text)) * (_BOLD if bold else 1.0)


def _letter_em(letter: str) -> float:
    if letter in _NARROW_LETTERS:
        return _NARROW
    if unicodedata.east_asian_width(letter) in {"W", "F"} or ord(letter) > _BEYOND_LATIN:
        return _FULL
    return _BROAD if letter in "mwMW@%&" else _LOWER if letter.islower() else _UPPER
