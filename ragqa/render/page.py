"""An `Answer` as one HTML file to share: nothing outside of it is loaded, and no script runs.

In: an answer and, if there is any, what its citations open. Out: a page. Citations open in
popovers, which are plain HTML: a mark is a button, Escape closes, and what is printed has them all.

Invariants: every foreign text passes `markup.tag`, which escapes it; the page's own policy forbids
scripts, frames, forms and every connection; the only links are those of the manifest.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from types import MappingProxyType

from ragqa.records import Answer, Cell, Citation, Notice, Section, Source, Statement
from ragqa.render.diagram import Box, draw_flow
from ragqa.render.evidence import REMARKS, Evidence, Picture
from ragqa.render.markup import Html, external_link, foreign, tag, whole_page
from ragqa.render.shared import (
    KINDS,
    ROLES,
    STATES,
    WORKFLOW_CELLS,
    clip,
    in_cell,
    in_tables,
    is_workflow,
)

__all__ = ["style", "to_html"]

_COLUMNS = ("Input", "Model", "Output")
_BOX_CHARS = 130  # characters of a statement that a diagram's box shows; all of it is in the table
_SHARPNESS = (
    1.5  # pixels of a picture for one CSS pixel: sharp on most screens, and of legible size
)
_FOOT_WRITTEN = (
    "Made by ragqa. Statements are in the words of a chat model; each was checked against its "
    "quotes, and each quote was found in its paper, character for character, before it was shown."
)
_FOOT = (
    "Made by ragqa. Every statement is quoted from the listed papers, and each quote was found in "
    "its paper, character for character, before it was shown."
)


def to_html(answer: Answer, evidence: Mapping[Citation, Evidence] = MappingProxyType({})) -> str:
    """Return an answer as one self-contained HTML file.

    :param answer: The answer.
    :param evidence: What its citations open; those without an entry open their quote alone.
    :return: A whole page that ends with a line feed; encode it as UTF-8.
    """
    return _PageWriter(answer, evidence).page()


def style() -> str:
    """Return the style sheet of ragqa's pages.

    :return: CSS.
    """
    return files("ragqa.render").joinpath("style.css").read_text(encoding="utf-8")


class _PageWriter:
    """Writes one answer; numbers citations in the order in which they appear."""

    def __init__(self, answer: Answer, evidence: Mapping[Citation, Evidence]) -> None:
        self._answer = answer
        self._evidence = evidence
        self._sources = {source.paper_id: source for source in answer.sources}
        self._numbers: dict[Citation, int] = {}

    def page(self) -> str:
        return whole_page(self._answer.question, style=style(), body=self._body())

    def _body(self) -> Html:
        main = tag("main", *self._main())  # first: it numbers the citations
        foot = _FOOT if self._answer.generator == "extractive" else _FOOT_WRITTEN
        return tag("body", self._header(), main, tag("footer", tag("p", foot), self._index()))

    def _header(self) -> Html:
        answer = self._answer
        outcome = "Not answered" if answer.abstained else "Answered from a closed list"
        counts = [
            f"{outcome}: {len(answer.sources)} listed {_plural('paper', len(answer.sources))}",
            f"{len(self._numbers)} checked {_plural('citation', len(self._numbers))}",
        ]
        if answer.abstained or any(section.kind == "answer" for section in answer.sections):
            # It is fitted to plain questions; a card's sections are judged one by one.
            counts.append(f"estimated confidence {answer.confidence:.0%}")
        return tag(
            "header",
            tag("p", "Question", class_="label"),
            tag("h1", foreign(answer.question)),
            tag("p", " \u00b7 ".join(counts), class_="facts"),
        )

    def _index(self) -> Html:
        return tag("p", f"Index {self._answer.index}") if self._answer.index else Html("")

    def _main(self) -> Iterator[Html]:
        answer = self._answer
        yield from map(_notice, answer.notices)
        for number, section in enumerate(answer.sections, 1):
            yield self._section(section, number if len(answer.sections) > 1 else None)
        if answer.nearest:
            items = [tag("li", self._quoted(citation)) for citation in answer.nearest]
            head = tag("h2", "Nearest evidence (not an answer)")
            yield tag("section", head, tag("ul", *items, class_="statements"))
        yield self._source_list()
        if self._numbers:
            rows = [self._citation(each, number) for each, number in self._numbers.items()]
            yield tag("section", tag("h2", "Citations"), tag("ol", *rows, class_="citations"))

    def _section(self, section: Section, number: int | None) -> Html:
        count = [tag("span", f"{number}.", class_="number"), " "] if number else []
        head = tag("h2", *count, foreign(section.title))
        if is_workflow(section):
            parts = list(self._workflow(section))
        elif section.kind == "papers":
            parts = [self._papers(section)]
        else:
            items = [tag("li", self._about(s), self._statement(s)) for s in section.statements]
            parts = [tag("ul", *items, class_="statements")] if items else []
        notices = [_notice(item) for item in section.notices if item.cell is None]
        return tag("section", head, *parts, *notices)

    def _title(self, paper_id: str) -> str:
        source = self._sources.get(paper_id)
        return source.title if source else paper_id

    def _about(self, statement: Statement) -> Html:
        """Name the paper that a statement in running text is about, where it is about one."""
        if statement.paper_id not in self._sources:
            return Html("")
        return tag("b", foreign(self._title(statement.paper_id)), class_="about")

    def _statement(self, statement: Statement) -> Html:
        return tag("span", foreign(statement.text), *self._marks(statement.citations))

    def _quoted(self, citation: Citation) -> Html:
        return tag("span", tag("q", foreign(citation.quote)), *self._marks((citation,)))

    def _marks(self, citations: Sequence[Citation]) -> Iterator[Html]:
        for citation in citations:
            number = self._numbers.setdefault(citation, len(self._numbers) + 1)
            yield Html("\N{NO-BREAK SPACE}")
            yield _opener(number, self._label(citation, number))

    def _label(self, citation: Citation, number: int) -> str:
        return f"Citation {number}: {self._title(citation.paper_id)}, {_where(citation)}"

    def _workflow(self, section: Section) -> Iterator[Html]:
        papers = in_tables(section, self._answer)
        names = [tag("th", name, scope="col", role="columnheader") for name in ("", *_COLUMNS)]
        head = tag("thead", tag("tr", *names, role="row"), role="rowgroup")
        rows = [self._row(section, paper_id) for paper_id in papers]
        yield tag("table", head, tag("tbody", *rows, role="rowgroup"), role="table")
        for paper_id in papers:
            yield self._diagram(section, paper_id)

    def _row(self, section: Section, paper_id: str) -> Html:
        cells = [
            tag("td", *self._cell(section, paper_id, cell), role="cell", data_label=name)
            for cell, name in zip(WORKFLOW_CELLS, _COLUMNS, strict=True)
        ]
        title = foreign(self._title(paper_id))
        return tag("tr", tag("th", title, scope="row", role="rowheader"), *cells, role="row")

    def _cell(self, section: Section, paper_id: str, cell: Cell) -> Iterator[Html]:
        for statement in in_cell(section.statements, paper_id, cell):
            yield tag("p", self._statement(statement))
        for item in in_cell(section.notices, paper_id, cell):
            yield tag("p", foreign(item.text), class_="quiet")

    def _diagram(self, section: Section, paper_id: str) -> Html:
        boxes = [self._box(section, paper_id, cell) for cell in WORKFLOW_CELLS]
        title = f"Workflow of {self._title(paper_id)}: input, model, output"
        flows = [draw_flow(boxes, title=title, stacked=stacked) for stacked in (False, True)]
        return tag("figure", *flows, class_="diagram")

    def _box(self, section: Section, paper_id: str, cell: Cell) -> Box:
        statements = in_cell(section.statements, paper_id, cell)
        said = [f"{clip(s.text, _BOX_CHARS)} {self._numbers_of(s)}" for s in statements]
        noted = [item.text for item in in_cell(section.notices, paper_id, cell)]
        head = self._title(paper_id) if cell == "model" else cell.capitalize()
        return Box(head=head, body=(*said, *noted), quiet=not said)

    def _numbers_of(self, statement: Statement) -> str:
        return "".join(f"[{self._numbers[citation]}]" for citation in statement.citations)

    def _papers(self, section: Section) -> Html:
        items = []
        for paper_id in in_tables(section, self._answer):
            source = self._sources[paper_id]
            why = self._cell(section, paper_id, "why")
            items.append(tag("li", _name(source), *_links(source), *why))
        return tag("ul", *items, class_="papers")

    def _source_list(self) -> Html:
        items = []
        for source in self._answer.sources:
            state = f"{ROLES[source.role]} \u00b7 {STATES[source.state]}"
            about = tag("p", state, class_="quiet")
            items.append(tag("li", _name(source), about, *_links(source)))
        head = tag("h2", "Sources: the closed list")
        return tag("section", head, tag("ul", *items, class_="papers"))

    def _citation(self, citation: Citation, number: int) -> Html:
        label = self._label(citation, number)
        title = foreign(self._title(citation.paper_id))
        return tag(
            "li",
            tag("p", _opener(number, label), " ", tag("b", title), ", ", _where(citation)),
            tag("blockquote", foreign(citation.quote)),
            self._popover(citation, number),
            class_="citation",
        )

    def _popover(self, citation: Citation, number: int) -> Html:
        evidence = self._evidence.get(citation, Evidence())
        title = foreign(self._title(citation.paper_id))
        close = tag(
            "button", "Close", class_="close", popovertarget=f"c{number}",
            popovertargetaction="hide", type="button",
        )  # fmt: skip
        link = [tag("p", external_link(citation.url))] if citation.url else []
        remark = [tag("p", REMARKS[evidence.remark], class_="quiet")] if evidence.remark else []
        return tag(
            "div",
            tag("div", tag("h3", f"Citation {number}"), close, class_="bar"),
            tag("p", tag("b", title), ", ", _where(citation)),
            _context(citation, evidence),
            *(_picture(each) for each in evidence.pictures),
            *remark,
            *link,
            id=f"c{number}",
            class_="evidence",
            popover="auto",
            role="dialog",
            aria_label=self._label(citation, number),
        )


def _opener(number: int, label: str) -> Html:
    return tag(
        "button", f"{number}", class_="mark", popovertarget=f"c{number}", type="button",
        aria_label=label, title=label,
    )  # fmt: skip


def _notice(item: Notice) -> Html:
    return tag("p", tag("b", "Note"), " ", foreign(item.text), class_="notice", role="note")


def _name(source: Source) -> Html:
    return tag("b", foreign(source.title))


def _links(source: Source) -> Iterator[Html]:
    for link in source.links:
        yield tag("p", external_link(link), class_="link")


def _where(citation: Citation) -> str:
    places = ", ".join(str(locator) for locator in citation.locators)
    return f"{KINDS[citation.document]}, {places}"


def _context(citation: Citation, evidence: Evidence) -> Html:
    """Return the quote, marked, with the words around it."""
    if not evidence.lines:
        return tag("p", tag("mark", foreign(citation.quote)), class_="context", dir="auto")
    rows = []
    for line in evidence.lines:
        pieces = (line.before, tag("mark", line.quote) if line.quote else "", line.after)
        words = tag("span", *pieces, dir="auto")
        number = [tag("span", f"{line.number}", class_="line")] if line.number else []
        rows.append(tag("p", *number, words))
    style = "context numbered" if evidence.lines[0].number else "context"
    return tag("div", *rows, class_=style)


def _picture(picture: Picture) -> Html:
    data = base64.b64encode(picture.png).decode("ascii")
    image = tag(
        "img",
        src=f"data:image/png;base64,{data}",
        width=round(picture.width / _SHARPNESS),
        height=round(picture.height / _SHARPNESS),
        alt=f"Part of page {picture.page} with the quote marked; its words stand above.",
    )
    return tag("figure", image, tag("figcaption", f"Page {picture.page}, the quote marked"))


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"
