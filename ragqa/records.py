"""What flows between the stages: frozen records without I/O.

In journey order: a `Paper` is listed; each of its texts becomes a `Document` whose canonical
text is cut into `Chunk`s; a question becomes a `Plan`; retrieval ranks `ScoredChunk`s; an
`Answer` holds `Section`s of `Statement`s, each with `Citation`s, and `Notice`s.

Invariants: every span is ``[start, end)`` in characters of a document's canonical text, so
``document.text[x.start:x.end]`` is the chunk, sentence, quote or page meant. Scores: higher is
better. Ranks and page numbers count from 1.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

__all__ = [
    "AbstentionReason",
    "Answer",
    "Cell",
    "Chunk",
    "Citation",
    "Document",
    "DocumentKind",
    "Draft",
    "DraftQuote",
    "LineLocator",
    "Locator",
    "Notice",
    "NoticeCode",
    "Page",
    "PageLocator",
    "Paper",
    "Plan",
    "PlannedSection",
    "Role",
    "Run",
    "ScoredChunk",
    "ScoredSentence",
    "Section",
    "SectionKind",
    "Sentence",
    "Source",
    "SourceState",
    "Statement",
    "WrittenQuote",
    "WrittenStatement",
]

Role = Literal["model", "paper"]
"""How a card lists a paper: as a recommended model or as a related paper."""

DocumentKind = Literal["pdf", "readme", "summary"]
"""Which text of a paper a document is."""

SectionKind = Literal["answer", "task", "workflow", "papers", "comparison", "limitations"]
"""What a section of an answer is about."""

Cell = Literal["input", "model", "output", "why"]
"""Which cell of a table a statement fills: a workflow's three, or why a paper is listed."""

AbstentionReason = Literal[
    "no-sources", "no-match", "low-confidence", "nothing-verified", "model-declined"
]
"""Why ragqa does not answer."""

SourceState = Literal["full-text", "readme-only", "summary-only", "no-text", "removed"]
"""How much of a paper's text the index holds."""

NoticeCode = Literal[
    "sources",
    "no-text",
    "not-stated",
    "fit",
    "other-task",
    "fit-not-established",
    "abstained",
    "stale-index",
    "not-in-index",
    "paper-removed",
    "nothing-on-this",
    "silent-papers",
    "conflicting-evidence",
    "written-by-model",
    "model-declined",
    "model-refused",
    "model-failed",
    "model-broke-off",
    "model-stopped",
    "restated",
]
"""The closed list of lines that the program itself may say; their templates are in notices.py."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """One entry of a manifest.

    :ivar paper_id: The id used everywhere; lower-case letters, digits, ``.``, ``_`` and ``-``.
    :ivar title: The paper's title or the model's name, as listed.
    :ivar role: ``model`` where it was recommended, else ``paper``.
    :ivar url: Link of the paper as listed (a PDF or an arXiv page), if any.
    :ivar github: Link of the code repository as listed, if any.
    :ivar summary: The listed summary, if any.
    """

    paper_id: str
    title: str
    role: Role = "paper"
    url: str | None = None
    github: str | None = None
    summary: str | None = None

    @property
    def links(self) -> tuple[str, ...]:
        """Return the listed links: the only ones an answer may show for this paper."""
        return tuple(link for link in (self.url, self.github) if link)

    def link_of(self, kind: DocumentKind) -> str | None:
        """Return the listed link that one of its texts is shown under.

        :param kind: Which text.
        :return: For a README its repository's, else the paper's; None where there is none.
        """
        return self.github if kind == "readme" else self.url or self.github


class Run(NamedTuple):
    """A stretch of canonical text that stands in the raw text character for character.

    :ivar start: Where it starts in the canonical text.
    :ivar raw: Where it starts in the raw text (of its page, or of the whole file).
    """

    start: int
    raw: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page's span of a document's canonical text.

    :ivar number: Page number in the file, from 1.
    :ivar start: First character.
    :ivar end: One past the last character.
    """

    number: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLocator:
    """Where a span stands on one page.

    :ivar page: Page number in the file, from 1.
    :ivar start: First character in the page's raw text, as pdfium gives it.
    :ivar end: One past the last character there.
    """

    page: int
    start: int
    end: int

    def __str__(self) -> str:
        """Return ``p. N``."""
        return f"p. {self.page}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineLocator:
    """Which lines of a README or summary a span stands on.

    :ivar line_start: First line, from 1.
    :ivar line_end: Last line, inclusive.
    """

    line_start: int
    line_end: int

    def __str__(self) -> str:
        """Return ``line N`` or ``lines N-M``."""
        if self.line_start == self.line_end:
            return f"line {self.line_start}"
        return f"lines {self.line_start}-{self.line_end}"


Locator = PageLocator | LineLocator


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One text of a paper, in canonical form, with the way back to the raw text.

    :ivar paper_id: The paper.
    :ivar kind: Which text of it.
    :ivar sha256: Hash of the bytes that were parsed, hex.
    :ivar text: The canonical text.
    :ivar pages: The pages' spans, in order, covering the text; empty for README and summary.
    :ivar line_starts: Raw offset of each line's first character; empty for a PDF.
    :ivar runs: Canonical-to-raw map, sorted by `Run.start`; the first starts at 0.
    :ivar breaks: Sorted canonical offsets at which raw letters or digits were left out
        (hidden text, a link's target); a span across one is not a verbatim quote.
    :ivar headings: Spans of lines that the parser took for headings, in order.
    :ivar notes: What the parser left out or found odd, for the build report.
    """

    paper_id: str
    kind: DocumentKind
    sha256: str
    text: str
    pages: tuple[Page, ...] = ()
    line_starts: tuple[int, ...] = ()
    runs: tuple[Run, ...] = (Run(0, 0),)
    breaks: tuple[int, ...] = ()
    headings: tuple[tuple[int, int], ...] = ()
    notes: tuple[str, ...] = ()

    def raw_offset(self, offset: int) -> int:
        """Return where one canonical character stands in the raw text.

        :param offset: Canonical offset of the character.
        :return: Its offset in its page's raw text (PDF) or in the file (README, summary).
        """
        run = self.runs[bisect_right(self.runs, offset, key=lambda r: r.start) - 1]
        return run.raw + offset - run.start

    def is_verbatim(self, start: int, end: int) -> bool:
        """Say whether a span stands in the raw text with no letter or digit left out inside.

        :param start: First character.
        :param end: One past the last.
        :return: True where the span may be shown as a quote.
        """
        return bisect_right(self.breaks, start) == bisect_right(self.breaks, end - 1)

    def locate(self, start: int, end: int) -> tuple[Locator, ...]:
        """Return where a span stands: one locator for each page touched, or its lines.

        :param start: First character.
        :param end: One past the last; ``start < end``.
        :return: Locators in order.
        """
        if not self.pages:
            first, last = self.raw_offset(start), self.raw_offset(end - 1)
            return (
                LineLocator(
                    line_start=bisect_right(self.line_starts, first),
                    line_end=bisect_right(self.line_starts, last),
                ),
            )
        return tuple(self._page_locators(start, end))

    def _page_locators(self, start: int, end: int) -> Iterator[PageLocator]:
        first = max(0, bisect_right(self.pages, start, key=lambda page: page.start) - 1)
        for page in self.pages[first:]:
            if page.start >= end:
                return
            low, high = max(start, page.start), min(end, page.end)
            while low < high and self.text[low].isspace():
                low += 1
            while low < high and self.text[high - 1].isspace():
                high -= 1
            if low < high:
                yield PageLocator(
                    page=page.number,
                    start=self.raw_offset(low),
                    end=self.raw_offset(high - 1) + 1,
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One sentence's span.

    :ivar start: First character in the canonical text.
    :ivar end: One past the last.
    :ivar quotable: False for table rows, formula debris, headings and spans with a break inside:
        such a span is searched but never shown as a quote.
    """

    start: int
    end: int
    quotable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A run of whole sentences of one section: what is embedded and retrieved.

    :ivar chunk_id: Stable id: hash of paper_id, document kind, span and text.
    :ivar paper_id: The paper.
    :ivar document: Which text of it.
    :ivar start: First character in the canonical text.
    :ivar end: One past the last.
    :ivar text: Exactly ``document.text[start:end]``.
    :ivar section: Title of the section it stands in; empty where none is known.
    :ivar sentences: Its sentences, in order, inside ``[start, end)``.
    """

    chunk_id: str
    paper_id: str
    document: DocumentKind
    start: int
    end: int
    text: str
    section: str = ""
    sentences: tuple[Sentence, ...] = ()

    def slice(self, start: int, end: int) -> str:
        """Return the words of a span inside the chunk.

        :param start: First character in the canonical text.
        :param end: One past the last.
        :return: ``document.text[start:end]``.
        """
        return self.text[start - self.start : end - self.start]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredChunk:
    """A chunk with its score for one query.

    :ivar chunk: The chunk.
    :ivar row: Its row in the index.
    :ivar score: The score it is ranked by; comparable within one query only.
    :ivar rank: From 1.
    :ivar dense: Cosine of query and chunk vectors.
    :ivar lexical: BM25 score; 0 where no term matches.
    """

    chunk: Chunk
    row: int
    score: float
    rank: int
    dense: float
    lexical: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredSentence:
    """A sentence of a retrieved chunk with its score for a query.

    :ivar chunk: Its chunk.
    :ivar sentence: Its span.
    :ivar score: Higher is better; comparable within one query.
    :ivar cosine: Cosine of the query's and its vector.
    :ivar coverage: Share of the query's content words, by weight, that it has, in [0, 1].
    """

    chunk: Chunk
    sentence: Sentence
    score: float
    cosine: float = 0.0
    coverage: float = 0.0

    @property
    def text(self) -> str:
        """Return the sentence's words."""
        return self.chunk.slice(self.sentence.start, self.sentence.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSection:
    """One section that the answer shall have.

    :ivar title: Its title: the instruction as the card words it, or ``Answer``.
    :ivar kind: What it is about.
    :ivar queries: What is sent to the index for it.
    :ivar paper_ids: Papers it is restricted to; empty for all.
    """

    title: str
    kind: SectionKind
    queries: tuple[str, ...]
    paper_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a question will be answered.

    :ivar question: The user's question.
    :ivar sections: The sections, in order; never empty.
    :ivar by_paper: Whether each section is one paper's answer; those that do not answer are then
        named together.
    """

    question: str
    sections: tuple[PlannedSection, ...]
    by_paper: bool = False

    @property
    def paper_ids(self) -> tuple[str, ...]:
        """Return the papers that any section may use, in order; empty for all."""
        if not all(section.paper_ids for section in self.sections):
            return ()
        return tuple(dict.fromkeys(p for section in self.sections for p in section.paper_ids))


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftQuote:
    """A quote as a generator gives it.

    :ivar chunk: The retrieved chunk it claims to be from.
    :ivar text: The quoted words.
    :ivar start: Canonical offset at which it claims to stand; None to search the chunk.
    """

    chunk: Chunk
    text: str
    start: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A statement as a generator gives it, not checked yet.

    :ivar text: What is said.
    :ivar quotes: What it rests on.
    :ivar paper_id: The paper it is about, in a table.
    :ivar cell: The table's cell it fills.
    """

    text: str
    quotes: tuple[DraftQuote, ...]
    paper_id: str | None = None
    cell: Cell | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenQuote:
    """A quote as a chat model wrote it; nothing in it is believed.

    :ivar chunk: The label of the chunk it claims to be from, as the prompt gave it: ``c1``...
    :ivar text: The words it claims to quote.
    """

    chunk: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenStatement:
    """A statement as a chat model wrote it; nothing in it is believed.

    :ivar text: What is said.
    :ivar quotes: What it claims to rest on.
    """

    text: str
    quotes: tuple[WrittenQuote, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A pointer to an exact span of a paper's text, checked.

    :ivar paper_id: The paper.
    :ivar document: Which text of it.
    :ivar locators: Where the span stands: a locator a page, or lines.
    :ivar start: First character in the canonical text.
    :ivar end: One past the last.
    :ivar quote: Exactly the canonical text of the span.
    :ivar url: The listed link of the paper (for a README, of its repository), if any.
    :ivar chunk_id: The retrieved chunk that the quote was found in.
    """

    paper_id: str
    document: DocumentKind
    locators: tuple[Locator, ...]
    start: int
    end: int
    quote: str
    url: str | None
    chunk_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A sentence of an answer, always cited.

    :ivar text: What is said.
    :ivar citations: At least one.
    :ivar paper_id: The paper it is about, in a table; None in running text.
    :ivar cell: The table's cell it fills; None in running text.
    """

    text: str
    citations: tuple[Citation, ...]
    paper_id: str | None = None
    cell: Cell | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A line that the program itself says, from a closed list of templates.

    :ivar code: Which template.
    :ivar text: The filled template.
    :ivar paper_id: The paper it is about, if one.
    :ivar cell: The table's cell it stands in for, if one.
    """

    code: NoticeCode
    text: str
    paper_id: str | None = None
    cell: Cell | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section of an answer.

    :ivar title: Its title.
    :ivar kind: What it is about.
    :ivar statements: Cited statements, in reading order.
    :ivar notices: What the program says about this section.
    """

    title: str
    kind: SectionKind
    statements: tuple[Statement, ...] = ()
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One listed paper, and how much of it could be used.

    :ivar paper_id: The paper.
    :ivar title: Its title as listed.
    :ivar role: Recommended model or related paper.
    :ivar links: Its listed links.
    :ivar documents: Which texts of it the index holds.
    :ivar state: The same in one word.
    """

    paper_id: str
    title: str
    role: Role
    links: tuple[str, ...]
    documents: tuple[DocumentKind, ...]
    state: SourceState


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A checked answer, or a typed abstention.

    :ivar question: The user's question.
    :ivar abstained: True where the papers do not answer; `statements` is then empty.
    :ivar reason: Why, if it abstained.
    :ivar confidence: Estimated probability in [0, 1] that the papers answer the question.
    :ivar sections: The sections; without a card, one.
    :ivar sources: Every listed paper.
    :ivar notices: What the program says about the whole answer.
    :ivar nearest: The nearest evidence, shown where it abstained.
    :ivar index: Fingerprint of the index generation that answered.
    :ivar generator: ``extractive``, or the name of the chat model that wrote any of it.
    """

    question: str
    abstained: bool
    reason: AbstentionReason | None
    confidence: float
    sections: tuple[Section, ...]
    sources: tuple[Source, ...]
    notices: tuple[Notice, ...] = ()
    nearest: tuple[Citation, ...] = ()
    index: str = ""
    generator: str = "extractive"

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Return the statements of all sections, in order."""
        return tuple(s for section in self.sections for s in section.statements)

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Return the citations of all statements, in order."""
        return tuple(c for statement in self.statements for c in statement.citations)

    def to_markdown(self) -> str:
        """Return the answer as Markdown, as `ragqa.render` writes it.

        :return: Text that ends with a line feed.
        """
        from ragqa.render import to_markdown  # upward: the answer knows how to show itself

        return to_markdown(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as JSON-ready values, as `ragqa.render` writes them.

        :return: Schema ``ragqa/answer/1``.
        """
        from ragqa.render import to_dict

        return to_dict(self)

    def to_html(self) -> str:
        """Return the answer as one HTML file; `Reader.to_html` adds pages and words around quotes.

        :return: A whole page.
        """
        from ragqa.render import to_html

        return to_html(self)
