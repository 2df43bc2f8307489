"""Canonical text -> sentences.

sentencex finds the boundaries; what it does not know of scientific English (``Eq.``, ``Fig.``,
initials) is merged again here. A sentence is quotable where it can stand alone in an answer: a
whole sentence of words, verbatim on its page, without a link inside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sentencex.sentencex import get_sentence_boundaries

from ragqa.records import Document, Sentence

__all__ = ["split_sentences"]

_BLOCK = re.compile(r"[^\n]+")
# After these a full stop ends no sentence when a number, a letter in brackets or a name follows.
_ABBREVIATION = re.compile(
    r"(?:\b(?:eqs?|figs?|secs?|sects?|tabs?|refs?|app|approx|cf|vs|resp|nos?|vols?|pp?|thm|def|prop"
    r"|lem|cor|alg|ch|chap|ca|al|e\.g|i\.e|viz|dr|prof|st|mr|mrs|ms|jr|dept|univ|suppl|ext)"
    r"|\b[A-Z])\.$",
    re.IGNORECASE,
)
_INITIAL = re.compile(r"(?:^|[\s(])[A-Z]\.$")
_CONTINUES = re.compile(r"^[\d(\[a-z,;:%\u2013=<>\u2264\u2265\u00b1]")
_OPENS = re.compile(r"^[\"'\u201c\u2018(\[]*[^\W_]")
_CLOSES = re.compile(r"[.!?][\"'\u201d\u2019)\]]*(?:\d{1,3})?$")
_LINK = re.compile(r"https?://|www\.|\b[\w.-]+@[\w-]+\.\w", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{2,}")
_CAPTION_MARK = re.compile(r"^(?:arXiv:|doi:|\u00a9|copyright\b|proceedings of\b)", re.IGNORECASE)

MIN_QUOTE_WORDS = 4  # words: shorter sentences say nothing alone
MAX_QUOTE_CHARS = 700  # characters: longer ones are lists or tables read as one sentence
MIN_LETTER_SHARE = 0.65  # of visible characters: below it stand formulas and table rows


def split_sentences(document: Document, start: int, end: int) -> tuple[Sentence, ...]:
    """Cut a span of a document into sentences.

    :param document: The document.
    :param start: First character of the span.
    :param end: One past the last.
    :return: Sentences in order, without surrounding white space; they cover all visible text.
    """
    headings = {(low, high) for low, high in document.headings if start <= low < end}
    return tuple(
        Sentence(
            start=low,
            end=high,
            quotable=(low, high) not in headings and _is_quotable(document, low, high),
        )
        for block in _BLOCK.finditer(document.text, start, end)
        for low, high in _in_block(document.text, block.start(), block.end())
    )


def _in_block(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    pieces = [
        (start + piece["start_index"], start + piece["end_index"])
        for piece in get_sentence_boundaries("en", text[start:end])
    ]
    for low, high in _merge(text, pieces):
        visible = text[low:high]
        low += len(visible) - len(visible.lstrip())
        high -= len(visible) - len(visible.rstrip())
        if low < high:
            yield low, high


def _merge(text: str, pieces: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    held: tuple[int, int] | None = None
    for low, high in pieces:
        if held is not None and _goes_on(text[held[0] : held[1]].rstrip(), text[low:high]):
            held = (held[0], high)
            continue
        if held is not None:
            yield held
        held = (low, high)
    if held is not None:
        yield held


def _goes_on(before: str, after: str) -> bool:
    """Say whether a boundary between two pieces is none."""
    tail = before[-12:]
    if _INITIAL.search(tail):
        return True
    if _CONTINUES.match(after) and not after[:1].isdigit() | (after[:1] in "(["):
        return True  # no sentence starts with a lower-case letter or an operator
    is_numbered = re.match(r"[\d(\[]|[A-Z]?\d|[A-Z]\b", after) is not None
    return is_numbered and _ABBREVIATION.search(tail) is not None


def _is_quotable(document: Document, start: int, end: int) -> bool:
    text = document.text[start:end]
    if len(text) > MAX_QUOTE_CHARS or len(_WORD.findall(text)) < MIN_QUOTE_WORDS:
        return False
    if not (_OPENS.match(text) and _CLOSES.search(text)) or _starts_low(text):
        return False
    if _LINK.search(text) or _CAPTION_MARK.match(text):
        return False
    visible = text.replace(" ", "")
    letters = sum(map(str.isalpha, visible))
    return letters >= MIN_LETTER_SHARE * len(visible) and document.is_verbatim(start, end)


def _starts_low(text: str) -> bool:
    """Say whether a text opens in mid-sentence; ``mRNA`` and ``p53`` are names, not words."""
    first = text.lstrip("\"'\u201c\u2018([").split(" ", 1)[0]
    return first[:1].islower() and first.isalpha() and first.islower()
