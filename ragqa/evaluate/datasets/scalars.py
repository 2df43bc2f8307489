"""Numbers and truth values, as they are written and as answers.

In: a scalar of JSON, YAML or CSV. Out: its text. Invariant: a number keeps the form it was given.
"""

from __future__ import annotations

__all__ = ["FALSE", "TRUE", "Bare", "Number", "spoken"]

TRUE, FALSE = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})
"""What a truth value may be written as, in small letters."""


class Bare(str):
    """A true or false that YAML or CSV writes without quotes: a text, unless it is an answer."""

    __slots__ = ()


class Number(float):
    """A number with a fraction or an exponent, which knows how it was written.

    :param text: The number as it is written.
    :ivar written: The same.
    """

    def __new__(cls, text: str) -> Number:
        """Make a number of its text."""
        made = super().__new__(cls, text)
        made.written = text
        return made

    written: str


def spoken(value: object) -> object:
    """Return an answer as text: a number as it is written, true and false as Yes and No.

    :param value: What JSON, YAML or CSV gave.
    :return: Its text; a value that is no answer as it is.
    """
    if isinstance(value, Bare):
        return "Yes" if value.strip().casefold() in TRUE else "No"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, int):
        return str(value)
    return value.written if isinstance(value, Number) else value
