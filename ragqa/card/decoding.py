r"""A card's bytes -> text that the grammar can read.

In: the bytes of a file. Out: text with ``\n`` line ends and without control characters, and notes
on whatever was guessed or removed. Invariant: what is no text is refused, never guessed at.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from ragqa.errors import CardError

__all__ = ["MAX_CARD_BYTES", "clean_text", "decode_card", "read_bytes"]

MAX_CARD_BYTES = 1024 * 1024
"""Bytes; the mission's card has 4,584, and a card is read by a person."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_GUESSED = "the card is not UTF-8; it was read as {}, check its accents and quotes"
_GUESSES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("utf-8", ()),
    ("cp1252", (_GUESSED.format("Windows-1252"),)),  # Latin-1 with curly quotes
    ("latin-1", (_GUESSED.format("Latin-1"),)),  # takes every byte
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_MAX_CONTROL_SHARE = 0.01  # of the characters; text has none, pictures and archives a third

_HINT = "A card is a plain text file with a question, models and papers (see README.md)"


def read_bytes(path: Path) -> bytes:
    """Read a card's bytes.

    :param path: The file.
    :return: Its bytes.
    :raises CardError: It cannot be read or is too large.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_CARD_BYTES + 1)
    except OSError as error:
        said = f"the card cannot be read ({error.strerror})"
        raise CardError(said, item=path, hint="Check the path") from error
    except ValueError as error:  # a NUL in the path
        raise CardError("this is no path", item=path) from error
    if len(data) > MAX_CARD_BYTES:
        raise CardError(f"the card is larger than {MAX_CARD_BYTES} bytes", item=path, hint=_HINT)
    return data


def _marked(data: bytes, *, name: str) -> str | None:
    """Decode bytes that start with a byte order mark; None where there is none."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            try:
                return data[len(bom) :].decode(encoding)
            except UnicodeDecodeError as error:
                said = f"the card is not the {encoding.upper()} that its first bytes promise"
                raise CardError(said, item=name, hint="Save it as UTF-8") from error
    return None


def decode_card(data: bytes, *, name: str) -> tuple[str, tuple[str, ...]]:
    """Decode a card: by its byte order mark, else UTF-8, else as Western European with a note.

    :param data: The bytes.
    :param name: What to call the card in an error.
    :return: The text, and notes on what was guessed.
    :raises CardError: It is no text.
    """
    marked = _marked(data, name=name)
    if marked is not None:
        return marked, ()
    for encoding, guessed in _GUESSES:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return _refuse_binary(text, name=name), guessed
    raise CardError("the card is not a text file", item=name, hint=_HINT)


def _refuse_binary(text: str, *, name: str) -> str:
    """Return the text, unless so many control characters show that it is none."""
    odd = len(_CONTROLS.findall(text.replace("\r", "").replace("\f", "")))
    if "\0" in text or odd > _MAX_CONTROL_SHARE * len(text):
        raise CardError("the card is not a text file", item=name, hint=_HINT)
    return text


def clean_text(text: str) -> tuple[str, tuple[str, ...]]:
    """Unify line ends and remove what no text file should hold.

    :param text: The decoded text.
    :return: The text, and a note where control characters were removed.
    """
    text = re.sub(r"\r\n?|\f", "\n", text.removeprefix("\ufeff"))
    clean, count = _CONTROLS.subn("", text)
    return clean, (f"{count} control character(s) were removed",) if count else ()
