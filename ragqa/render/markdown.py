"""An `Answer` as Markdown, for people.

In: an answer. Out: sections, tables, a Mermaid diagram per workflow, and a numbered list of
citations with their quotes. A quote is never altered, only escaped: markup in a paper or manifest
field must not become markup of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ragqa.records import Answer, Cell, Citation, Notice, Section, Statement
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

__all__ = ["to_markdown"]

_MARKUP = re.compile(r"([\\`*_\[\]<>|~&#$])")
_LINE_MARKUP = re.compile(r"^(\d*)([-+=:.)])")  # a list's mark, or a line under a heading
_SPACE = re.compile(r"\s+")
_LINK_START = re.compile(r"(?:https?:|ftp:|www\.)", re.IGNORECASE)
_MERMAID_CHARS = 90  # characters of a quote that a diagram's box shows


def to_markdown(answer: Answer) -> str:
    """Return an answer as Markdown.

    :param answer: The answer.
    :return: Text that ends with a line feed.
    """
    return "\n".join(_MarkdownWriter(answer).lines()) + "\n"


class _MarkdownWriter:
    """Writes one answer; numbers citations in the order in which they appear."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._titles = {source.paper_id: source.title for source in answer.sources}
        self._links = {source.paper_id: source.links for source in answer.sources}
        self._numbers: dict[Citation, int] = {}

    def lines(self) -> Iterator[str]:
        answer = self._answer
        yield f"# {_escape(answer.question)}"
        yield ""
        yield from self._notices(answer.notices)
        for number, section in enumerate(answer.sections, 1):
            yield from self._section(section, number)
        if answer.nearest:
            yield "## Nearest evidence (not an answer)"
            yield ""
            yield from (f"- {_quoted(c)} {self._marks((c,))}" for c in answer.nearest)
            yield ""
        yield from self._sources()
        yield from self._citations()

    def _section(self, section: Section, number: int) -> Iterator[str]:
        only_one = len(self._answer.sections) == 1
        yield (
            f"## {_escape(section.title)}" if only_one else f"## {number}. {_escape(section.title)}"
        )
        yield ""
        if is_workflow(section):
            yield from self._workflow(section)
        elif section.kind == "papers":
            yield from self._papers(section)
        else:
            for statement in section.statements:
                yield f"- {self._about(statement)}{self._statement(statement)}"
            if section.statements:
                yield ""
        yield from self._notices([n for n in section.notices if n.cell is None])

    def _about(self, statement: Statement) -> str:
        """Name the paper that a statement in running text is about, where it is about one."""
        title = self._titles.get(statement.paper_id or "")
        return f"**{_escape(title)}:** " if title else ""

    def _statement(self, statement: Statement) -> str:
        return f"{_escape(statement.text)} {self._marks(statement.citations)}"

    def _marks(self, citations: Sequence[Citation]) -> str:
        numbers = [self._numbers.setdefault(c, len(self._numbers) + 1) for c in citations]
        return "".join(f"[{number}]" for number in numbers)

    def _notices(self, notices: Sequence[Notice]) -> Iterator[str]:
        for item in notices:
            yield f"> **Note:** {_escape(item.text)}"
            yield ""

    def _workflow(self, section: Section) -> Iterator[str]:
        papers = in_tables(section, self._answer)
        yield "| | Input | Model | Output |"
        yield "|---|---|---|---|"
        for paper_id in papers:
            cells = [self._cell(section, paper_id, cell) for cell in WORKFLOW_CELLS]
            yield f"| **{_escape(self._titles[paper_id])}** | " + " | ".join(cells) + " |"
        yield ""
        for paper_id in papers:
            yield from self._mermaid(section, paper_id)

    def _cell(self, section: Section, paper_id: str, cell: Cell) -> str:
        statements = in_cell(section.statements, paper_id, cell)
        notices = in_cell(section.notices, paper_id, cell)
        parts = [self._statement(s) for s in statements]
        return "<br>".join(parts + [f"*{_escape(n.text)}*" for n in notices])

    def _mermaid(self, section: Section, paper_id: str) -> Iterator[str]:
        yield "```mermaid"
        yield "flowchart LR"
        for cell in WORKFLOW_CELLS:
            statements = in_cell(section.statements, paper_id, cell)
            notices = in_cell(section.notices, paper_id, cell)
            head = self._titles[paper_id] if cell == "model" else cell.capitalize()
            body = "; ".join(
                [f"{clip(s.text, _MERMAID_CHARS)} {self._marks(s.citations)}" for s in statements]
                + [n.text for n in notices]
            )
            yield f'  {cell}["{_mermaid_text(head)}<br>{_mermaid_text(body)}"]'
        yield "  input --> model --> output"
        yield "```"
        yield ""

    def _papers(self, section: Section) -> Iterator[str]:
        for paper_id in in_tables(section, self._answer):
            links = " ".join(f"<{link}>" for link in self._links[paper_id])
            yield f"- **{_escape(self._titles[paper_id])}** {links}".rstrip()
            for statement in in_cell(section.statements, paper_id, "why"):
                yield f"  - {self._statement(statement)}"
            for item in in_cell(section.notices, paper_id, "why"):
                yield f"  - *{_escape(item.text)}*"
        yield ""

    def _sources(self) -> Iterator[str]:
        yield "## Sources"
        yield ""
        for source in self._answer.sources:
            links = " ".join(f"<{link}>" for link in source.links)
            kind = f"{ROLES[source.role]}; {STATES[source.state]}"
            yield f"- **{_escape(source.title)}** ({kind}) {links}".rstrip()
        yield ""

    def _citations(self) -> Iterator[str]:
        if not self._numbers:
            return
        yield "## Citations"
        yield ""
        for citation, number in self._numbers.items():
            title = _escape(self._titles.get(citation.paper_id, citation.paper_id))
            where = ", ".join(str(locator) for locator in citation.locators)
            link = f" <{citation.url}>" if citation.url else ""
            kind = KINDS[citation.document]
            yield f"{number}. {title}, {kind}, {where}: {_quoted(citation)}{link}"


def _quoted(citation: Citation) -> str:
    return f"\u201c{_escape(citation.quote)}\u201d"


def _escape(text: str) -> str:
    """Return text whose every character a Markdown reader shows as it is."""
    flat = _SPACE.sub(" ", text).strip()
    marked = _LINE_MARKUP.sub(r"\1\\\2", _MARKUP.sub(r"\\\1", flat))
    return _LINK_START.sub(lambda m: m.group()[:-1] + "\\" + m.group()[-1], marked)


def _mermaid_text(text: str) -> str:
    """Return text that Mermaid shows as it is: everything but words as character codes."""
    flat = _SPACE.sub(" ", text).strip()
    return "".join(c if c.isalnum() or c in " .,-" else f"#{ord(c)};" for c in flat)
