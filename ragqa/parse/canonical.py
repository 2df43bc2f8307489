"""Raw pages -> canonical text, with the way back.

In: a `RawPdf`. Out: a `Document`. The canonical text is what everything downstream quotes:
ligatures opened, white space folded, hyphens at line ends joined, running heads, page numbers,
control characters and hidden text left out. Lines of one paragraph are joined by a blank,
blocks (headings, captions, pages) by a line feed.

Invariants, each a property test: every canonical character maps to the raw character it came
from; pages tile the text; a span without a break inside has exactly the letters and digits of
its raw spans, in order.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from ragqa.parse.furniture import furniture
from ragqa.parse.headings import heading_lines
from ragqa.parse.raw import RawLine, RawPage, RawPdf
from ragqa.records import Document, Page, Run

__all__ = ["TextBuilder", "canonical_document"]

LIGATURES = {
    "\ufb00": "ff",
    "\ufb01": "fi",
    "\ufb02": "fl",
    "\ufb03": "ffi",
    "\ufb04": "ffl",
    "\ufb05": "st",
    "\ufb06": "st",
}
# White space, control and format characters, lone surrogates, noncharacters and ligatures: all
# that does not pass into the canonical text as it is. A single blank inside a line does.
_ODD = re.compile(
    r"\s{2,}|[^\S ]|[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\ud800-\udfff\ufb00-\ufb06\ufe00-\ufe0f\ufeff\ufff0-\uffff\U000e0000-\U000e0fff]"
)
_HYPHENS = "-\u2010\xad\x02"
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_TAIL_WORD = re.compile(r"[^\W\d_]+$")
_MAX_WORD = 80  # characters looked back at for the first half of a word
_MIN_HALF = 3  # letters: shorter halves of a hyphenated word say nothing about the whole
_SIZE_STEP = 1.12  # a line whose font is this much larger or smaller starts a new block
_GAP = 2.1  # a distance between two lines of more than this many font heights starts one, too


class TextBuilder:
    """Canonical text as it grows, with its runs and breaks.

    :ivar runs: Canonical-to-raw map so far.
    :ivar breaks: Canonical offsets at which raw letters or digits were left out.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._last = ""
        self.runs: list[Run] = []
        self.breaks: list[int] = []

    def __len__(self) -> int:
        """Return the number of canonical characters so far."""
        return self._length

    @property
    def last(self) -> str:
        """Return the last character; empty at the start."""
        return self._last

    @property
    def text(self) -> str:
        """Return the text so far."""
        return "".join(self._parts)

    def tail(self, count: int) -> str:
        """Return the last characters.

        :param count: How many are wanted; a few more may come, or fewer at the start.
        :return: The end of the text.
        """
        parts: list[str] = []
        for part in reversed(self._parts):
            parts.append(part)
            count -= len(part)
            if count <= 0:
                break
        return "".join(reversed(parts))

    def add(self, text: str, raw: int) -> None:
        """Append characters that stand in the raw text one after the other.

        :param text: What to append.
        :param raw: Raw offset of its first character.
        """
        if not text:
            return
        if not self.runs or self.runs[-1].raw + self._length - self.runs[-1].start != raw:
            self.runs.append(Run(self._length, raw))
        self._parts.append(text)
        self._length += len(text)
        self._last = text[-1]

    def add_separator(self, mark: str, raw: int) -> None:
        r"""Append a blank or line feed, unless the text is empty or already ends with one.

        :param mark: ``" "`` or ``"\n"``; a line feed replaces nothing that stands already.
        :param raw: Raw offset of the white space it stands for.
        """
        if self._last and not self._last.isspace():
            self.add(mark, raw)

    def add_line(self, raw_text: str, raw: int) -> None:
        """Append one raw line in canonical form.

        :param raw_text: The line, without its end.
        :param raw: Raw offset of its first character.
        """
        at = 0
        for match in _ODD.finditer(raw_text):
            self._add_plain(raw_text[at : match.start()], raw + at)
            odd = match.group()
            if odd.isspace():
                self.add_separator(" ", raw + match.start())
            for letter in LIGATURES.get(odd, ""):
                self.add(letter, raw + match.start())
            at = match.end()
        self._add_plain(raw_text[at:], raw + at)

    def _add_plain(self, text: str, raw: int) -> None:
        if text.startswith(" ") and (not self._last or self._last.isspace()):
            text, raw = text[1:], raw + 1
        self.add(text, raw)

    def mark_break(self) -> None:
        """Note that raw letters or digits were left out here."""
        if not self.breaks or self.breaks[-1] != self._length:
            self.breaks.append(self._length)

    def strip_end(self, marks: str) -> None:
        """Take trailing characters off again.

        :param marks: Characters to take off; only the last one appended can be.
        """
        while self._parts and self._last in marks and self._last:
            self._parts[-1] = self._parts[-1][:-1]
            self._length -= 1
            if not self._parts[-1]:
                self._parts.pop()
            self._last = self._parts[-1][-1] if self._parts else ""
        while self.runs and self.runs[-1].start >= self._length:
            self.runs.pop()
        if self.breaks and self.breaks[-1] > self._length:
            self.breaks.pop()
            self.mark_break()


def canonical_document(pdf: RawPdf, *, paper_id: str, sha256: str) -> Document:
    """Turn a file's raw pages into a document.

    :param pdf: What a backend read.
    :param paper_id: The paper.
    :param sha256: Hash of the file, hex.
    :return: The document; its text may be empty.
    """
    writer = _PageWriter(pdf)
    for page, drop in zip(pdf.pages, furniture(pdf.pages), strict=True):
        writer.write(page, drop)
    return Document(
        paper_id=paper_id,
        kind="pdf",
        sha256=sha256,
        text=writer.builder.text,
        pages=writer.pages,
        runs=tuple(writer.builder.runs) or (Run(0, 0),),
        breaks=tuple(writer.builder.breaks),
        headings=tuple(writer.headings),
        notes=pdf.notes + tuple(_hidden_notes(pdf.pages)),
    )


def _has_text(page: RawPage, line: RawLine) -> bool:
    return bool(page.text[line.start : line.end].strip("\ufffe" + _HYPHENS).strip())


def _hidden_notes(pages: Sequence[RawPage]) -> Iterator[str]:
    for page in pages:
        count = sum(end - start for start, end in page.hidden)
        if count:
            yield f"page {page.number}: {count} hidden character(s) left out"


class _PageWriter:
    """Writes pages one after the other into one builder."""

    def __init__(self, pdf: RawPdf) -> None:
        self.builder = TextBuilder()
        self.headings: list[tuple[int, int]] = []
        self._starts: list[tuple[int, int]] = []
        self._vocabulary = _vocabulary(pdf.pages)
        self._heading_lines = heading_lines(pdf)

    @property
    def pages(self) -> tuple[Page, ...]:
        """Return the pages' spans; the separator between two pages belongs to the earlier."""
        end, pages = len(self.builder), []
        for number, start in reversed(self._starts):
            pages.append(Page(number=number, start=min(start, end), end=end))
            end = min(start, end)
        return tuple(reversed(pages))

    def write(self, page: RawPage, drop: frozenset[RawLine]) -> None:
        """Append one page without the lines to drop."""
        lines = [line for line in page.lines if _has_text(page, line)]
        kept = [line for line in lines if line not in drop]
        if kept and len(self.builder):
            self._open_page(page, kept[0])
        self._starts.append((page.number, len(self.builder)))
        previous: RawLine | None = None
        dropped = False
        for line in lines:
            if line in drop:
                dropped = True
                continue
            if previous is not None:
                self._join(page, previous, line)
                if dropped:
                    self.builder.mark_break()
            dropped = False
            self._write_line(page, line)
            previous = line

    def _open_page(self, page: RawPage, line: RawLine) -> None:
        text = page.text[line.start : line.end].lstrip()
        goes_on = text[:1].islower() and (page.number, line) not in self._heading_lines
        if not (goes_on and self._dehyphenate(text)):
            run = self.builder.runs[-1]
            raw = run.raw + len(self.builder) - run.start
            self.builder.add_separator(" " if goes_on else "\n", raw)

    def _join(self, page: RawPage, previous: RawLine, line: RawLine) -> None:
        text = page.text[line.start : line.end].lstrip()
        if self._is_block(page, previous, line):
            self.builder.add_separator("\n", previous.end)
        elif not self._dehyphenate(text):
            self.builder.add_separator(" ", previous.end - previous.hyphen)

    def _is_block(self, page: RawPage, previous: RawLine, line: RawLine) -> bool:
        heading = self._heading_lines.get((page.number, line))
        if heading is not None or (page.number, previous) in self._heading_lines:
            return not heading
        if previous.hyphen or not (previous.size and line.size):
            return False
        is_end = page.text[previous.start : previous.end].rstrip().endswith((".", "!", "?"))
        if page.text[line.start : line.end].lstrip()[:1].islower() and not is_end:
            return False
        ratio = max(previous.size, line.size) / min(previous.size, line.size)
        gap = previous.top - line.top
        return ratio > _SIZE_STEP or gap > _GAP * max(previous.size, line.size)

    def _dehyphenate(self, following: str) -> bool:
        """Join a word that a hyphen at the line's end cut; say whether there was one."""
        tail = self.builder.tail(_MAX_WORD)
        if tail[-1:] not in _HYPHENS or tail[-2:-1].isspace():
            return False
        left, right = _TAIL_WORD.search(tail[:-1]), _WORD.match(following)
        if left is None or right is None or not following[:1].islower():
            return True  # "1990-\n1995", "GPT-\nNeo": the hyphen is part of the word
        is_compound = tail[: left.start()].endswith(tuple(_HYPHENS))
        if not self._keeps_hyphen(left.group().lower(), right.group().lower(), is_compound):
            self.builder.strip_end(_HYPHENS)
        return True

    def _keeps_hyphen(self, left: str, right: str, is_compound: bool) -> bool:
        known = self._vocabulary
        first = right.split("-")[0]
        if known[left + first] or known[left + right]:
            return False
        if known[f"{left}-{right}"] or known[f"{left}-{first}"]:
            return True
        if not (known[left] and known[first]):
            return False
        # "state-of-the-art" is a compound at each of its hyphens, however short its parts are.
        return is_compound or first != right or min(len(left), len(first)) >= _MIN_HALF

    def _write_line(self, page: RawPage, line: RawLine) -> None:
        start = len(self.builder)
        at = line.start
        end = line.end - 1 if line.hyphen else line.end
        for low, high in page.hidden:
            if low < end and high > at:
                self.builder.add_line(page.text[at : max(at, low)], at)
                if any(c.isalnum() for c in page.text[max(at, low) : min(end, high)]):
                    self.builder.mark_break()
                at = min(end, high)
        self.builder.add_line(page.text[at:end], at)
        if line.hyphen and not any(low <= end < high for low, high in page.hidden):
            self.builder.add("-", end)
        continues = self._heading_lines.get((page.number, line))
        if continues is not None:
            start = self.headings.pop()[0] if continues and self.headings else start
            self.headings.append((start, len(self.builder)))


def _vocabulary(pages: Sequence[RawPage]) -> Counter[str]:
    """Count the words that stand unbroken inside lines: they say how a cut word is spelt."""
    words: Counter[str] = Counter()
    for page in pages:
        for line in page.lines:
            found = [word.lower() for word in _WORD.findall(page.text[line.start : line.end])]
            inner = found[1:-1] if len(found) > 2 else found[:0]
            words.update(inner)
            for word in inner:
                if "-" in word:
                    words.update(word.split("-"))
    return words
