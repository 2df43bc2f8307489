"""A card's file or text -> `Card`.

In: bytes or text. Out: the question, the instructions and the papers, and notes on whatever was
merged, dropped or odd. Invariant: nothing but `CardError` is raised, whatever the text.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ragqa.card.decoding import MAX_CARD_BYTES, clean_text, decode_card, read_bytes
from ragqa.card.merging import papers_of
from ragqa.card.parsing import parse_lines
from ragqa.errors import CardError
from ragqa.records import Paper

__all__ = ["MAX_CARD_PAPERS", "MAX_NOTES", "Card", "parse_bytes", "parse_card", "read_card"]

MAX_CARD_PAPERS = 2000
"""Entries; a list that long is a manifest, not a card."""

MAX_NOTES = 50
"""Notes kept; a file with more is hardly a card, and nobody reads them all."""

_EXAMPLE = (
    "A card asks like this:  A user has asked the following question:  and, on the next line, the "
    'question in quotes; or:  Question: "..."'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A question with the papers it may be answered from.

    :ivar question: The question, without its quotes, on one line.
    :ivar instructions: What the answer shall do, in order, without numbers.
    :ivar papers: The papers, models first, each in order of listing.
    :ivar notes: What was merged, ignored or odd, one line each.
    """

    question: str
    instructions: tuple[str, ...]
    papers: tuple[Paper, ...]
    notes: tuple[str, ...] = ()


def parse_card(text: str, *, name: str) -> Card:
    """Read a card from text.

    :param text: The text.
    :param name: What to call the card in an error.
    :return: The card.
    :raises CardError: It is empty, far too large, or has no question.
    """
    if len(text) > MAX_CARD_BYTES:
        raise CardError(f"the card is larger than {MAX_CARD_BYTES} characters", item=name)
    clean, cleaned = clean_text(text)
    if not clean.strip():
        raise CardError("the card is empty", item=name, hint=_EXAMPLE)
    parsed = parse_lines(clean)
    if not any(char.isalnum() for char in parsed.question):
        raise CardError("the card has no question", item=name, hint=_EXAMPLE)
    if len(parsed.drafts) > MAX_CARD_PAPERS:
        said = f"the card lists more than {MAX_CARD_PAPERS} papers"
        raise CardError(said, item=name, hint="Write a manifest.yaml instead (ragqa init)")
    notes = [*cleaned, *parsed.notes]
    papers = papers_of(parsed.drafts, notes)
    if not parsed.instructions:
        notes.append("the card has no numbered instructions; the answer has one section")
    if not papers:
        notes.append("the card lists no models and no papers; nothing can be answered from it")
    if len(notes) > MAX_NOTES:
        notes = [*notes[:MAX_NOTES], f"{len(notes) - MAX_NOTES} more notes are not shown"]
    return Card(
        question=parsed.question,
        instructions=tuple(parsed.instructions),
        papers=papers,
        notes=tuple(notes),
    )


def parse_bytes(data: bytes, *, name: str) -> Card:
    """Read a card from bytes.

    :param data: The bytes.
    :param name: What to call the card in an error.
    :return: The card.
    :raises CardError: It is no text, is empty or far too large, or has no question.
    """
    text, guessed = decode_card(data, name=name)
    card = parse_card(text, name=name)
    return replace(card, notes=(*guessed, *card.notes))


def read_card(path: str | Path) -> Card:
    """Read a card from a file.

    :param path: The file.
    :return: The card.
    :raises CardError: It cannot be read, is no text, is empty or too large, or has no question.
    """
    return parse_bytes(read_bytes(Path(path)), name=str(path))
