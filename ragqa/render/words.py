"""The words around a quote, from the canonical text that it was checked against.

In: a document and a span of it. Out: lines with the quote's part of each told apart; a README's or
summary's lines have their numbers. Invariant: the quoted parts, put together, are the span but for
white space, and nothing is altered.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from ragqa.records import Document

__all__ = ["AROUND", "ContextLine", "words_around"]

AROUND = 200
"""Characters of canonical text shown on either side of a quote: some two sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextLine:
    """One line of context.

    :ivar number: Its number in the README or summary, from 1; None for a PDF.
    :ivar before: Words before the quote.
    :ivar quote: The quote's words on this line; empty where it has none.
    :ivar after: Words after the quote.
    """

    number: int | None
    before: str
    quote: str
    after: str


def words_around(
    document: Document, start: int, end: int, *, around: int = AROUND
) -> tuple[ContextLine, ...]:
    """Return a span with the words around it.

    :param document: The document.
    :param start: First character of the span.
    :param end: One past its last; ``start < end``.
    :param around: Characters either side, at most.
    :return: Lines in order; for a PDF one.
    """
    first, last = _window(document.text, start, end, around)
    cuts = [first, *_line_starts(document, first, last), last]
    lines = []
    for low, high in zip(cuts, cuts[1:], strict=False):
        pieces = [
            document.text[max(low, a) : min(high, b)]
            for a, b in ((first, start), (start, end), (end, last))
        ]
        if not any(piece.strip() for piece in pieces):
            continue
        number = _number(document, low, high)
        lines.append(ContextLine(number=number, before=pieces[0], quote=pieces[1], after=pieces[2]))
    return _with_ellipses(lines, begins=first > 0, ends=last < len(document.text))


def _window(text: str, start: int, end: int, around: int) -> tuple[int, int]:
    """Return the span with its surroundings, cut between words."""
    first, last = max(0, start - around), min(len(text), end + around)
    if first:
        blank = min(
            (at for at in (text.find(c, first, start) for c in " \n") if at >= 0), default=start
        )
        first = min(start, blank + 1)
    if last < len(text):
        last = max(end, text.rfind(" ", end, last), text.rfind("\n", end, last))
    return first, last


def _line_starts(document: Document, first: int, last: int) -> list[int]:
    """Return where new raw lines begin inside of a window; none for a PDF."""
    if document.pages:
        return []
    numbers = [_line_of(document, at) for at in range(first, last)]
    return [first + n for n in range(1, len(numbers)) if numbers[n] != numbers[n - 1]]


def _line_of(document: Document, offset: int) -> int:
    return bisect_right(document.line_starts, document.raw_offset(offset))


def _number(document: Document, low: int, high: int) -> int | None:
    """Return the line's number, by its first character that is not blank."""
    if document.pages:
        return None
    at = next((at for at in range(low, high) if not document.text[at].isspace()), low)
    return _line_of(document, at)


def _with_ellipses(
    lines: list[ContextLine], *, begins: bool, ends: bool
) -> tuple[ContextLine, ...]:
    """Mark where the text goes on; only ever outside of the quote."""
    if begins and lines:
        head = lines[0]
        lines[0] = ContextLine(
            number=head.number, before="\u2026 " + head.before, quote=head.quote, after=head.after
        )
    if ends and lines:
        tail = lines[-1]
        lines[-1] = ContextLine(
            number=tail.number, before=tail.before, quote=tail.quote, after=tail.after + " \u2026"
        )
    return tuple(lines)
