"""READMEs and summaries -> documents: the texts that have lines instead of pages.

markdown-it finds the blocks of a README; inside a block, marks that are no text (emphasis, link
targets, images, HTML tags) are left out, also where they go over several lines. A link's target
never reaches the canonical text, and the place it was left out of is a break, so a sentence around
a link is searched but not quoted.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ragqa.parse.canonical import TextBuilder
from ragqa.records import Document, DocumentKind, Run

__all__ = ["readme_document", "summary_document"]

_NEWLINE = re.compile(r"\r\n|\r|\n")
# A link's target with its title, in round brackets, and what stands in square ones.
_TARGET = (
    r"\(\s{0,9}(?:<[^<>\n]{0,1000}>|(?:[^()\s<]|\([^()\s]{0,300}\)){0,1000}+)"
    r"(?:\s{1,9}(?:\"[^\"]{0,300}\"|'[^']{0,300}'|\([^()]{0,300}\)))?\s{0,9}\)"
)
_LABEL = rf"(?:[^\[\]]|!?\[[^\[\]]{{0,200}}\](?:{_TARGET})?+){{0,300}}+"
# What is left out inside a block, in the order in which it must be tried. A named group that
# matched is text that stays. Every repetition is bounded and none that contains another gives
# back what it took, so hostile input costs linear time.
_MARKUP = re.compile(
    r"<!--[\s\S]{0,2000}?-->|<(?P<t>script|style)\b[\s\S]{0,2000}?</(?P=t)>"  # comments, programs
    rf"|!\[{_LABEL}\](?:{_TARGET}|\[[^\[\]]{{0,200}}\])"  # images
    rf"|\[(?P<label>{_LABEL})\]{_TARGET}"  # links
    r"|(?<=\])\(\s{0,9}<?[^\s<>)]{1,1000}[)>]{0,2}"  # targets of links that are not well formed
    r"|<[a-z][a-z0-9+.-]{1,30}:[^<>\s]{0,1000}>"  # bare links
    r"|(?:\b(?:https?|ftp|file)://|\b(?:mailto:|www\.)(?=\w))[^\s<>()\[\]]{0,1000}"
    r"|</?(?P<tag>[a-z][a-z0-9-]{0,30})(?:[\s/][^<>]{0,2000})?>"  # tags
    r"|\\(?P<escaped>[!-/:-@\[-`{-~])|\\$"  # escapes; a line break that was asked for
    r"|[*`]{1,3}|~~|(?<!\w)_{1,3}|_{1,3}(?!\w)",  # emphasis and code marks
    re.IGNORECASE | re.MULTILINE,
)
# Tags that part words: "one<br>two".
_PARTING = frozenset(
    "br p div li ul ol dl dt dd table tr td th h1 h2 h3 h4 h5 h6 hr summary details".split()
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
    written = 0
    for block in blocks:
        if block.lines:
            if _leaves_out(raw[written : block.lines[0][0]]):
                builder.mark_break()
            written = max(written, _end(block))
        start = _write_block(builder, block)
        if block.is_heading and start < len(builder):
            headings.append((start, len(builder)))
    builder.strip_end(" \n")
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


def _end(block: _Block) -> int:
    start, text = block.lines[-1]
    return start + len(text)


def _leaves_out(between: str) -> bool:
    """Say whether words stand between two blocks, such as code; a list's number is none."""
    *lines, last = _NEWLINE.split(between)
    return any(map(str.isalnum, "".join([*lines, _BLOCK_MARKS.sub("", last)])))


def _line_starts(raw: str) -> tuple[int, ...]:
    return (0, *(match.end() for match in _NEWLINE.finditer(raw)))


def _write_block(builder: TextBuilder, block: _Block) -> int:
    """Append a block; return where its text starts."""
    if not block.lines:
        return len(builder)
    builder.strip_end(" ")
    builder.add_separator("\n", max(0, block.lines[0][0] - 1))
    start = len(builder)
    _write_part(builder, _Joined(block.lines), 0, None)
    return start


class _Joined:
    """A block's lines as one text, with the raw offset of each character.

    :ivar text: The lines, a line feed between each two.
    """

    def __init__(self, lines: Sequence[tuple[int, str]]) -> None:
        self.text = "\n".join(line for _, line in lines)
        self._raw = [raw for raw, _ in lines]
        self._starts = [0, *(at.end() for at in re.finditer("\n", self.text))]

    def raw(self, at: int) -> int:
        """Return the raw offset of a character."""
        row = bisect_right(self._starts, at) - 1
        return self._raw[row] + at - self._starts[row]


def _write_part(builder: TextBuilder, joined: _Joined, start: int, end: int | None) -> None:
    """Append the visible text of a part of a block."""
    end = len(joined.text) if end is None else end
    for match in _MARKUP.finditer(joined.text, start, end):
        _write_text(builder, joined, start, match.start())
        _write_markup(builder, joined, match)
        start = match.end()
    _write_text(builder, joined, start, end)


def _write_markup(builder: TextBuilder, joined: _Joined, match: re.Match[str]) -> None:
    """Append what a link or an escape leaves of itself; note what is left out."""
    low, high = match.start(), match.start()
    if match["escaped"]:
        low, high = match.span("escaped")
        builder.add_line(match["escaped"], joined.raw(low))
    elif match["label"]:
        low, high = match.span("label")
        _write_part(builder, joined, low, high)
    elif (match["tag"] or "").lower() in _PARTING:
        builder.add_separator(" ", joined.raw(low))
    if any(map(str.isalnum, match.string[match.start() : low] + match.string[high : match.end()])):
        builder.mark_break()


def _write_text(builder: TextBuilder, joined: _Joined, start: int, end: int) -> None:
    """Append text without markup; a line ends in a blank, or in a break where one is asked for."""
    text = joined.text
    while (stop := text.find("\n", start, end)) >= 0:
        builder.add_line(text[start:stop], joined.raw(start))
        builder.strip_end(" ")
        is_break = text.endswith(("  ", "\\"), 0, stop)
        builder.add_separator("\n" if is_break else " ", joined.raw(stop))
        start = stop + 1
    if start < end:
        builder.add_line(text[start:end], joined.raw(start))


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
    # Blocks are all that is asked of it: inline marks are found here, with their offsets.
    lines = list(_raw_lines(raw))
    parser = MarkdownIt("commonmark").enable("table").disable("inline")
    tokens = parser.parse("\n".join(text for _, text in lines))
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
