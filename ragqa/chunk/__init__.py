"""Stage 4: a document -> chunks.

In: a `Document` and a way to count tokens. Out: `Chunk`s of whole sentences that follow sections
and fit the embedder's window. Invariants: ``document.text[c.start:c.end] == c.text``; chunks are
ordered, do not overlap, and cover all visible text but the bibliography. A unit longer than the
window (a table, a formula) is cut at line or word ends and never quoted as a sentence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ragqa.chunk.sections import SectionSpan, sections
from ragqa.chunk.sentences import split_sentences
from ragqa.records import Chunk, Document, Sentence

__all__ = ["CHUNKER_VERSION", "ChunkOptions", "CountTokens", "chunk_document"]

CHUNKER_VERSION = "1"
"""Part of every fingerprint: raise it with any change to the chunks."""

_ID_DIGITS = 16  # hex digits: 64 bits, so a million chunks collide with probability 3e-8

CountTokens = Callable[[Sequence[str]], list[int]]
"""Texts -> their lengths in the embedder's tokens, without special tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkOptions:
    """How large chunks shall be.

    :ivar target_tokens: What a chunk aims at; about 900 characters of English, the size that the
        design's figures were measured with.
    :ivar min_tokens: A section shorter than this is joined to the next one.
    """

    target_tokens: int = 200
    min_tokens: int = 40


class _Unit(NamedTuple):
    """A sentence, or a piece of one that is too long, with its length."""

    sentence: Sentence
    tokens: int


class _Group(NamedTuple):
    """Units that may share chunks, under one title."""

    title: str
    units: list[_Unit]

    @property
    def tokens(self) -> int:
        return sum(unit.tokens for unit in self.units)


def chunk_document(
    document: Document,
    count_tokens: CountTokens,
    *,
    max_tokens: int,
    options: ChunkOptions = ChunkOptions(),
) -> tuple[Chunk, ...]:
    """Cut a document into chunks.

    :param document: The document.
    :param count_tokens: The embedder's token counter.
    :param max_tokens: The embedder's window, without special tokens; no chunk is longer.
    :param options: How large chunks shall be.
    :return: Chunks in reading order.
    """
    groups = [
        _Group(section.title, list(_units(document, section, count_tokens, max_tokens)))
        for section in sections(document)
        if not section.is_left_out
    ]
    packed = (
        _chunk(document, group.title, [unit.sentence for unit in units])
        for group in _join_short(groups, options.min_tokens)
        for units in _pack(group, min(options.target_tokens, max_tokens), max_tokens)
    )
    return tuple(
        fitting for chunk in packed for fitting in _fit(document, chunk, count_tokens, max_tokens)
    )


def _units(
    document: Document, section: SectionSpan, count_tokens: CountTokens, max_tokens: int
) -> Iterator[_Unit]:
    sentences = split_sentences(document, section.start, section.end)
    counts = count_tokens([document.text[s.start : s.end] for s in sentences])
    for sentence, tokens in zip(sentences, counts, strict=True):
        if tokens <= max_tokens:
            yield _Unit(sentence, tokens)
        else:
            yield from _cut(document, sentence, count_tokens, max_tokens)


def _cut(
    document: Document, sentence: Sentence, count_tokens: CountTokens, max_tokens: int
) -> Iterator[_Unit]:
    """Cut a unit longer than the window at line or word ends; its pieces are never quoted."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(
        separators=["\n", "; ", ", ", " ", ""],
        chunk_size=max_tokens,
        chunk_overlap=0,
        length_function=lambda text: count_tokens([text])[0],
        keep_separator="end",
        strip_whitespace=False,
    )
    start = sentence.start
    for piece in splitter.split_text(document.text[sentence.start : sentence.end]):
        end = start + len(piece)
        yield _Unit(Sentence(start=start, end=end, quotable=False), count_tokens([piece])[0])
        start = end


def _join_short(groups: Sequence[_Group], min_tokens: int) -> Iterator[_Group]:
    """Join a section that is too short for a chunk of its own to the next one.

    The title kept is that of the longer part: a lone heading gives way to what follows it.
    """
    held = _Group("", [])
    for group in groups:
        title = max(held, group, key=lambda g: g.tokens).title or group.title or held.title
        held = _Group(title, held.units + group.units)
        if held.tokens >= min_tokens:
            yield held
            held = _Group("", [])
    if held.units:
        yield held


def _pack(group: _Group, target: int, limit: int) -> Iterator[list[_Unit]]:
    """Fill chunks of about equal length, so that no section ends in a crumb."""
    share = group.tokens / max(1, round(group.tokens / target))
    units: list[_Unit] = []
    length = 0
    for unit in group.units:
        is_nearer_without = length + unit.tokens / 2 > share
        if units and (is_nearer_without or length + unit.tokens > limit):
            yield units
            units, length = [], 0
        units.append(unit)
        length += unit.tokens
    if units:
        yield units


def _fit(
    document: Document, chunk: Chunk, count_tokens: CountTokens, max_tokens: int
) -> Iterator[Chunk]:
    """Halve a chunk that is longer than its sentences' sum, which some tokenizers give."""
    if len(chunk.sentences) < 2 or count_tokens([chunk.text])[0] <= max_tokens:
        yield chunk
        return
    middle = len(chunk.sentences) // 2
    for part in (chunk.sentences[:middle], chunk.sentences[middle:]):
        half = _chunk(document, chunk.section, part)
        yield from _fit(document, half, count_tokens, max_tokens)


def _chunk(document: Document, title: str, sentences: Sequence[Sentence]) -> Chunk:
    start, end = sentences[0].start, sentences[-1].end
    text = document.text[start:end]
    identity = "\0".join((document.paper_id, document.kind, str(start), str(end), text))
    return Chunk(
        chunk_id=hashlib.sha256(identity.encode()).hexdigest()[:_ID_DIGITS],
        paper_id=document.paper_id,
        document=document.kind,
        start=start,
        end=end,
        text=text,
        section=title,
        sentences=tuple(sentences),
    )
