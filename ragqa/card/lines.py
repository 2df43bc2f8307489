"""The lines of a card, and the blocks of them that hold a question.

In: cleaned text. Out: its lines, and from a given line on the question that starts there.
Invariant: a block ends before a heading, a field, or the introduction of a list.
"""

from __future__ import annotations

from ragqa.card.grammar import (
    closing_quotes,
    field_of,
    heading_of,
    is_boilerplate,
    is_list_intro,
    is_rule,
    item_of,
    question_of,
    section_of,
    unquoted,
)

__all__ = ["Lines"]

_MAX_QUESTION_LINES = 60  # a quote that is not closed by then was never meant to be


class Lines:
    """The lines of a card; rules and fences are blank ones.

    :param text: The card, cleaned.
    """

    def __init__(self, text: str) -> None:
        self._lines = ["" if is_rule(line) else line.rstrip() for line in text.split("\n")]

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, at: int) -> str:
        return self._lines[at]

    def next_filled(self, at: int) -> str:
        """Return the first line from here on that is not blank.

        :param at: Where to start.
        :return: The line; empty where all are blank.
        """
        return next((self._lines[i] for i in range(at, len(self)) if self._lines[i].strip()), "")

    def _breaks(self, at: int) -> bool:
        """Return whether a line cannot go on a question."""
        line = self._lines[at]
        return (
            section_of(line) is not None
            or heading_of(line) is not None
            or field_of(line) is not None
            or is_list_intro(line)
        )

    def quoted(self, first: str, at: int) -> tuple[str, int] | None:
        """Return the quoted block that starts on a line.

        :param first: The words of the line that belong to it.
        :param at: The line.
        :return: The block without quotes, and the line after it; None where no quote is opened, or
            none closed.
        """
        closers = closing_quotes(first)
        if not closers:
            return None
        below = self._lines[at + 1 : at + _MAX_QUESTION_LINES]
        lines = [first, *(line.strip(" >") for line in below)]
        ends = (i for i, line in enumerate(lines) if line.rstrip(" *_.").endswith(tuple(closers)))
        end = next((i for i in ends if i or len(first.strip(" *_.")) > 1), None)
        if end is None or any(self._breaks(at + i) for i in range(1, end + 1)):
            return None
        block = " ".join(line for line in lines[: end + 1] if line)
        return unquoted(block.rstrip(" .*_")), at + end + 1

    def question(self, first: str, at: int) -> tuple[str, int]:
        """Return the question that starts on a line.

        :param first: The words of the line that belong to it.
        :param at: The line.
        :return: The question, and the line after it.
        """
        quoted = self.quoted(first, at)
        if quoted is not None:
            return quoted
        block = [first]
        i = at + 1
        while i < len(self) and self._lines[i].strip():
            if self._breaks(i) or item_of(self._lines[i]) or is_boilerplate(self._lines[i]):
                break
            block.append(self._lines[i].strip(" >"))
            i += 1
        return unquoted(" ".join(block)), i

    def question_below(self, at: int) -> tuple[str, int]:
        """Return the question in the next block of lines.

        :param at: Where to start.
        :return: The question, empty where the block is something else, and the line after it.
        """
        while at < len(self) and not self._lines[at].strip():
            at += 1
        if at == len(self) or self._breaks(at) or item_of(self._lines[at]):
            return "", at
        value = question_of(self._lines[at])
        if value is not None and (not value or closing_quotes(value)):
            return "", at  # another introduction, nearer to the question
        return self.question(self._lines[at].strip(" >"), at)
