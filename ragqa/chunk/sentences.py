"""Canonical text -> sentences.

sentencex finds the boundaries; what it does not know of scientific English is mended here: false
ones (after ``Eq.``, ``Fig.``, initials) are merged again, and missed ones (after superscript
citations, or past a bracket that it took for open) are cut. A sentence is quotable where it can
stand alone in an answer: a whole sentence of words, verbatim on its page, without a link inside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sentencex.sentencex import get_sentence_boundaries

from ragqa.records import Document, Sentence

__all__ = ["split_sentences"]

_BLOCK = re.compile(r"[^\n]+")
_CITED = r"[\[(]?\d{1,4}[a-z]?(?:\s?[,;\u2013-]\s?\d{1,4})*[\])]"  # "[3, 4]", "(12)", "2011)"
# Texts that were cut at a citation: what follows the line end belongs to the sentence before.
_ORPHAN = re.compile(rf"(?:{_CITED}\s*)+[.,;:]?(?:\s+|$)")
# After these a full stop ends no sentence when a number, a letter in brackets or a name follows.
_ABBREVIATION = re.compile(
    r"(?:\b(?:eqs?|figs?|secs?|sects?|tabs?|refs?|app|approx|resp|nos?|vols?|pp?|thm|def|prop"
    r"|lem|cor|alg|ch|chap|ca|al|jr|dept|univ|suppl|ext)"
    r"|\b[A-Z])\.$",
    re.IGNORECASE,
)
# After these none does.
_ALWAYS = re.compile(r"\b(?:cf|vs|viz|e\.g|i\.e|dr|prof|mr|mrs|ms|st)\.$", re.IGNORECASE)
_INITIAL = re.compile(r"(?:^|[\s(])[A-Z]\.$")
# "see Appendix A. The ...", "of type B. In ...": a label at a sentence's end, not an initial.
_LABEL = re.compile(
    r"\b(?:appendi(?:x|ces)|sections?|tables?|figures?|figs?\.|secs?\.|parts?|panels?|groups?|types?"
    r"|class|vitamin|hepatitis|influenza|algorithm|supplement|arm) [A-Z]\.$",
    re.IGNORECASE,
)
# These words open sentences and are no surnames, so a capital before them is no initial.
_OPENER = re.compile(
    r"(?:We|The|This|These|That|Those|It|Its|In|For|Then|However|Note|To|If|As|At|By|On|Our|When"
    r"|Where|While|Since|Thus|Hence|Here|There|Moreover|Furthermore|Finally|Therefore|They|Their"
    r"|Both|Each|All|From|With|After|Similarly|Instead|Although|Because|Given)\b"
)
_CONTINUES = re.compile(r"^[,;:%\u2013=<>\u2264\u2265\u00b1]")
# A full stop after a word or a closing bracket, perhaps with a superscript citation, and a capital.
_MISSED = re.compile(
    r"(?:[^\W\d_]{3,}|[\])])[.!?][\"\u201d\u2019)\]]*(?:\d{1,3}(?:[,\u2013-]\d{1,3})*)?\s+(?=[A-Z])"
)
_BULLET = re.compile(r"(?:[\u2022\u25cf\u25aa\u25a0\u25e6\u2043\u2219\u00b7*\u2013-]\s+)+(?=\S)")
_OPENS = re.compile(r"[\"'\u201c\u2018]*(?:\([^()]{1,40}\)\s*)?([^\W\d_\u02b0-\u02ff]|\d[\d.,]*%)")
_CLOSES = re.compile(rf"[.!?][\"'\u201d\u2019)\]]*(?:\d{{1,3}}|(?:\s*{_CITED})*)$")
_LINK = re.compile(r"https?://|www\.|\b[\w.-]+@[\w-]+\.\w", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{2,}")
_CAPTION_MARK = re.compile(
    r"^(?:arXiv:|doi:|\u00a9|copyright\b|proceedings of\b"
    r"|(?:figure|fig\.|table|algorithm|listing|scheme)\s*[A-Z]?\d{1,3}[a-z]?\s*[:.|])",
    re.IGNORECASE,
)

_LINE_CHARS = 40  # characters: a shorter line is a label or an item of a list, not a cut sentence
MIN_QUOTE_WORDS = 4  # words: shorter sentences say nothing alone
MAX_QUOTE_CHARS = 700  # characters: longer ones are lists or tables read as one sentence
MIN_LETTER_SHARE = 0.5  # of visible characters: below it stand formulas and table rows; results
# with their intervals, which are what is asked for most, come down to .55


def split_sentences(document: Document, start: int, end: int) -> tuple[Sentence, ...]:
    """Cut a span of a document into sentences.

    :param document: The document.
    :param start: First character of the span.
    :param end: One past the last.
    :return: Sentences in order, without surrounding white space and list marks; they cover all
        letters and digits.
    """
    headings = {(low, high) for low, high in document.headings if start <= low < end}
    return tuple(
        Sentence(
            start=low,
            end=high,
            quotable=(low, high) not in headings and _is_quotable(document, low, high),
        )
        for block_start, block_end in _blocks(document.text, start, end, headings)
        for low, high in _in_block(document.text, block_start, block_end)
    )


def _blocks(
    text: str, start: int, end: int, headings: set[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """Yield the lines of a span, joined where a sentence plainly goes on after the line end."""
    held: tuple[int, int] | None = None
    for match in _BLOCK.finditer(text, start, end):
        line = match.span()
        if held is not None and held not in headings and _runs_on(text[slice(*held)], match[0]):
            held = (held[0], line[1])
            continue
        if held is not None:
            yield held
        held = line
    if held is not None:
        yield held


def _runs_on(before: str, after: str) -> bool:
    if _CLOSES.search(before.rstrip()) or not before.strip():
        return False
    return _ORPHAN.match(after) is not None or (len(before) > _LINE_CHARS and _starts_low(after))


def _in_block(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    pieces = [
        (start + piece["start_index"], start + piece["end_index"])
        for piece in get_sentence_boundaries("en", text[start:end])
    ]
    for low, high in _merge(text, [cut for piece in pieces for cut in _cut(text, *piece)]):
        mark = _BULLET.match(text, low, high)
        low = mark.end() if mark else low
        visible = text[low:high]
        low += len(visible) - len(visible.lstrip())
        high -= len(visible) - len(visible.rstrip())
        if low < high:
            yield low, high


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut a piece where a boundary was missed: outside brackets and quotation marks."""
    for match in _MISSED.finditer(text, start, end):
        if _is_closed(text[start : match.end()]):
            yield start, match.end()
            start = match.end()
    if start < end:
        yield start, end


def _is_closed(text: str) -> bool:
    pairs_match = all(text.count(a) <= text.count(b) for a, b in ("()", "[]", "\u201c\u201d"))
    return pairs_match and text.count('"') % 2 == 0


def _merge(text: str, pieces: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    held: tuple[int, int] | None = None
    for low, high in pieces:
        if held is not None and _goes_on(text[held[0] : held[1]].rstrip(), text[low:high].lstrip()):
            held = (held[0], high)
            continue
        if held is not None:
            yield held
        held = (low, high)
    if held is not None:
        yield held


def _goes_on(before: str, after: str) -> bool:
    """Say whether a boundary between two pieces is none."""
    tail = before[-24:]
    if _INITIAL.search(tail):
        return not (_LABEL.search(tail) or _OPENER.match(after))
    if _CONTINUES.match(after) or _starts_low(after) or _ALWAYS.search(tail):
        return True  # no sentence starts with a lower-case word or an operator
    is_numbered = re.match(r"[\d(\[]|[A-Z]?\d|[A-Z]\b", after) is not None
    return is_numbered and _ABBREVIATION.search(tail) is not None


def _is_quotable(document: Document, start: int, end: int) -> bool:
    text = document.text[start:end]
    if len(text) > MAX_QUOTE_CHARS or len(_WORD.findall(text)) < MIN_QUOTE_WORDS:
        return False
    opening = _OPENS.match(text)
    if opening is None or not _CLOSES.search(text) or _starts_low(text[opening.start(1) :]):
        return False
    if _LINK.search(text) or _CAPTION_MARK.match(text):
        return False
    visible = text.replace(" ", "")
    letters = sum(map(str.isalpha, visible))
    return letters >= MIN_LETTER_SHARE * len(visible) and document.is_verbatim(start, end)


def _starts_low(text: str) -> bool:
    """Say whether a text opens in mid-sentence; ``mRNA`` and ``p53`` are names, not words."""
    first = text.lstrip("\"'\u201c\u2018([").split(" ", 1)[0].rstrip(",;:.)")
    return first.isalpha() and first.islower()
