"""READMEs and summaries -> documents: the texts that have lines instead of pages.

markdown-it finds the blocks of a README; inside a block, marks that are no text (emphasis, link
targets, images, HTML tags) are left out. A link's target never reaches the canonical text, and
the place it was left out of is a break, so a sentence around a link is searched but not quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ragqa.parse.canonical import TextBuilder
from ragqa.records import Document, DocumentKind, Run

__all__ = ["readme_document", "summary_document"]

_NEWLINE = re.compile(r"\r\n|\r|\n")
# What is left out inside a block, in the order in which it must be tried. Group 1, where it
# matched, is text that stays. Every repetition is bounded, so hostile input costs linear time.
_MARKUP = re.compile(
    r"<!--.{0,2000}?-->"  # comments
    r"|\[!\[[^\[\]]{0,300}\]\([^()]{0,1000}\)\](?:\([^()]{0,1000}\))?"  # images that are links
    r"|!\[[^\[\]]{0,300}\]\([^()\s]{0,1000}[^()]{0,200}\)"  # images
    r"|\[([^\[\]]{0,500})\]\([^()\s]{0,1000}[^()]{0,200}\)"  # links: the text stays
    r"|<https?://[^<>\s]{0,1000}>|https?://[^\s<>()\]]{1,1000}"  # bare links
    r"|</?[a-zA-Z][^<>]{0,1000}>"  # tags
    r"|[*`]{1,3}|(?<!\w)_{1,3}|_{1,3}(?!\w)"  # emphasis and code marks
)
_BLOCK_MARKS = re.compile(r"^[\s>#*+|-]*(?:\d{1,3}[.)]\s+)?")


class _Block(NamedTuple):
    """A block's lines in the raw text: offset and text of each."""

    lines: tuple[tuple[int, str], ...]
    is_heading: bool


def readme_document(raw: str, *, paper_id: str, sha256: str) -> Document:
    """Turn a repository's README (Markdown or plain text) into a document.

    :param raw: The file's text.
    :param paper_id: The paper whose repository it is.
    :param sha256: Hash of the file's bytes, hex.
    :return: The document; code blocks, images and link targets are left out.
    """
    return _document(raw, _readme_blocks(raw), paper_id, "readme", sha256)


def summary_document(raw: str, *, paper_id: str, sha256: str) -> Document:
    """Turn a listed summary into a document.

    :param raw: The summary as the manifest has it.
    :param paper_id: The paper.
    :param sha256: Hash of its UTF-8 bytes, hex.
    :return: The document.
    """
    return _document(raw, _paragraphs(raw), paper_id, "summary", sha256)


def _document(
    raw: str, blocks: Iterator[_Block], paper_id: str, kind: DocumentKind, sha256: str
) -> Document:
    builder = TextBuilder()
    headings: list[tuple[int, int]] = []
    for block in blocks:
        start = _write_block(builder, block)
        if block.is_heading and start < len(builder):
            headings.append((start, len(builder)))
    return Document(
        paper_id=paper_id,
        kind=kind,
        sha256=sha256,
        text=builder.text,
        line_starts=_line_starts(raw),
        runs=tuple(builder.runs) or (Run(0, 0),),
        breaks=tuple(builder.breaks),
        headings=tuple(headings),
    )


def _line_starts(raw: str) -> tuple[int, ...]:
    return (0, *(match.end() for match in _NEWLINE.finditer(raw)))


def _write_block(builder: TextBuilder, block: _Block) -> int:
    """Append a block; return where its text starts."""
    mark, start = "\n", None
    for at, line in block.lines:
        builder.add_separator(mark, max(0, at - 1))
        start = len(builder) if start is None else start
        _write_inline(builder, line.rstrip(), at)
        is_hard_break = line.endswith("  ") or line.endswith("\\")
        mark = "\n" if is_hard_break else " "
    return len(builder) if start is None else start


def _write_inline(builder: TextBuilder, line: str, raw: int) -> None:
    at = 0
    for match in _MARKUP.finditer(line):
        builder.add_line(line[at : match.start()], raw + at)
        kept_start, kept_end = match.span(1) if match.group(1) is not None else (match.start(),) * 2
        _leave_out(builder, line[match.start() : kept_start])
        if kept_end > kept_start:
            _write_inline(builder, line[kept_start:kept_end], raw + kept_start)
        _leave_out(builder, line[kept_end : match.end()])
        at = match.end()
    builder.add_line(line[at:].removesuffix("\\"), raw + at)


def _leave_out(builder: TextBuilder, markup: str) -> None:
    if any(char.isalnum() for char in markup):
        builder.mark_break()


def _paragraphs(raw: str) -> Iterator[_Block]:
    lines: list[tuple[int, str]] = []
    for start, line in _raw_lines(raw):
        if line.strip():
            lines.append((start, line))
        elif lines:
            yield _Block(tuple(lines), is_heading=False)
            lines = []
    if lines:
        yield _Block(tuple(lines), is_heading=False)


def _raw_lines(raw: str) -> Iterator[tuple[int, str]]:
    starts = _line_starts(raw)
    for start, end in zip(starts, (*starts[1:], len(raw)), strict=True):
        yield start, raw[start:end].rstrip("\r\n")


def _readme_blocks(raw: str) -> Iterator[_Block]:
    from markdown_it import MarkdownIt

    # markdown-it counts lines after it has normalised line ends; a lone CR would shift them.
    lines = list(_raw_lines(raw))
    tokens = MarkdownIt("commonmark").enable("table").parse("\n".join(text for _, text in lines))
    previous = ""
    searched: dict[int, int] = {}
    for token in tokens:
        if token.type == "inline" and token.map:
            found = _locate(lines, token.map[0], token.content, searched)
            yield _Block(tuple(found), is_heading=previous == "heading_open")
        elif token.type == "html_block" and token.map:
            rows = [(start, text) for start, text in lines[slice(*token.map)] if text.strip()]
            yield _Block(tuple(rows), is_heading=False)
        previous = token.type


def _locate(
    lines: list[tuple[int, str]], first: int, content: str, searched: dict[int, int]
) -> Iterator[tuple[int, str]]:
    """Find each line of a block's content in the raw line it came from.

    `searched` remembers how far a raw line was used, so equal cells of a table row keep apart.
    """
    for index, text in enumerate(content.split("\n"), first):
        if index >= len(lines) or not text.strip():
            continue
        start, raw = lines[index]
        at = raw.find(text.strip(), searched.get(start, 0))
        if at < 0:  # an escape such as \| in a table cell: take the raw line without its marks
            marks = _BLOCK_MARKS.match(raw)
            at = marks.end() if marks and start not in searched else len(raw)
            text = raw[at:]
        searched[start] = at + len(text.strip())
        yield start + at, text.lstrip()
