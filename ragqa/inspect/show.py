"""A citation -> its quote in the text that it stands in, checked once more.

In: a chunk's id, ``ANSWER.json#N`` or ``paper_id:kind:start-end``, and an index. Out: a `Shown`,
schema ``ragqa/show/1``. Invariant: what is shown is the index's text, and a quote that is not
there word for word is an error. Where the corpus has the file, it is parsed again and compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ragqa._files import read_json, sha256_file
from ragqa.api.corpus import MANIFEST
from ragqa.errors import CitationError, ParseError, RagqaError
from ragqa.index.generation import Generation, open_generation
from ragqa.inspect.places import corpus_of
from ragqa.manifest import load_lock, load_manifest
from ragqa.parse import parse_readme, parse_summary
from ragqa.parse.worker import ParseRequest, parse_many
from ragqa.records import Chunk, Document, DocumentKind, Locator, Paper
from ragqa.render.words import ContextLine, words_around

__all__ = ["SCHEMA", "FileCheck", "Shown", "show_citation"]

SCHEMA = "ragqa/show/1"
"""Name and version of the JSON form."""

FileCheck = Literal["same", "changed", "no-file"]
"""Whether the file, parsed again, has the quote in the same place."""

_SPAN = re.compile(r"(?P<paper>[^:#]+):(?P<kind>pdf|readme|summary):(?P<start>\d+)-(?P<end>\d+)")
_HINT = "Name a chunk's id, ANSWER.json#N, or paper_id:pdf:start-end"
_CELLS = {"input": 0, "model": 1, "output": 2, "why": 3}
_AROUND = 400  # characters either side: a paragraph


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A citation with what stands around it.

    :ivar paper_id: The paper.
    :ivar title: Its title as the index lists it.
    :ivar document: Which text of it.
    :ivar locators: Where the span stands: a locator a page, or lines.
    :ivar section: Title of the section it stands in; empty where none is known.
    :ivar start: First character in the canonical text.
    :ivar end: One past the last.
    :ivar quote: The words.
    :ivar lines: The quote with the words around it.
    :ivar url: The listed link, if any.
    :ivar chunk_id: The chunk that holds it; None where it spans several.
    :ivar file: Whether the file has it in the same place.
    :ivar path: The file that was parsed again, if there is one.
    """

    paper_id: str
    title: str
    document: DocumentKind
    locators: tuple[Locator, ...]
    section: str
    start: int
    end: int
    quote: str
    lines: tuple[ContextLine, ...]
    url: str | None
    chunk_id: str | None
    file: FileCheck
    path: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values, schema ``ragqa/show/1``.

        :return: The fields by name.
        """
        return {"schema": SCHEMA, **asdict(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """What a citation points at; the quote where it claims one."""

    paper_id: str
    kind: DocumentKind
    start: int
    end: int
    quote: str | None = None


def show_citation(citation: str, index: str | Path) -> Shown:
    """Resolve a citation in an index.

    :param citation: A chunk's id, ``ANSWER.json#N`` with the number that the answer shows, or
        ``paper_id:kind:start-end``.
    :param index: The index folder.
    :return: The quote with what stands around it.
    :raises CitationError: It does not resolve, or the quote is not there word for word.
    :raises IndexStateError: The index cannot be used.
    """
    with open_generation(Path(index)) as generation:
        span = _span(citation, generation)
        document = generation.store.document(span.paper_id, span.kind)
        words = document.text[span.start : span.end]
        if not 0 <= span.start < span.end <= len(document.text):
            said = f"the text has {len(document.text)} characters"
            raise CitationError(said, item=citation, hint="Name a span inside of it")
        if span.quote is not None and words != span.quote:
            raise CitationError(
                "the index has other words in this place",
                item=citation,
                hint="The answer is from another index, or older: ask again",
            )
        return _shown(span, document, generation, Path(index))


def _shown(span: _Span, document: Document, generation: Generation, index: Path) -> Shown:
    paper = generation.store.paper(span.paper_id) or Paper(paper_id=span.paper_id, title="")
    chunk = _chunk_at(span, generation)
    path, fresh = _parsed_again(paper, document, generation, index)
    same = fresh is not None and (
        fresh.text[span.start : span.end] == document.text[span.start : span.end]
        and fresh.locate(span.start, span.end) == document.locate(span.start, span.end)
    )
    holds = chunk is not None and chunk.end >= span.end
    return Shown(
        paper_id=span.paper_id,
        title=paper.title,
        document=span.kind,
        locators=document.locate(span.start, span.end),
        section=chunk.section if chunk else "",
        start=span.start,
        end=span.end,
        quote=document.text[span.start : span.end],
        lines=words_around(document, span.start, span.end, around=_AROUND),
        url=paper.link_of(span.kind),
        chunk_id=chunk.chunk_id if chunk and holds else None,
        file="same" if same else "changed" if path is not None else "no-file",
        path=str(path) if path is not None else None,
    )


def _span(citation: str, generation: Generation) -> _Span:
    name, mark, number = citation.rpartition("#")
    if mark:
        return _from_answer(Path(name), number)
    found = _SPAN.fullmatch(citation)
    if found is not None:
        kind: DocumentKind = found["kind"]  # type: ignore[assignment]  # the pattern has the three
        start, end = int(found["start"][:18]), int(found["end"][:18])
        return _Span(paper_id=found["paper"], kind=kind, start=start, end=end)
    row = generation.store.row_of(citation)
    if row is None:
        raise CitationError("this index holds no such chunk", item=citation, hint=_HINT)
    chunk = generation.store.chunks([row])[0]
    return _Span(
        paper_id=chunk.paper_id,
        kind=chunk.document,
        start=chunk.start,
        end=chunk.end,
        quote=chunk.text,
    )


def _from_answer(path: Path, number: str) -> _Span:
    """Return the citation that an answer's file shows under a number."""
    try:
        value = read_json(path)
        listed = list(_numbered(value))
    except OSError as error:
        said = f"the answer cannot be read ({error.strerror})"
        raise CitationError(said, item=path, hint=_HINT) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CitationError("this is no answer of ragqa", item=path, hint=_HINT) from error
    at = int(number[:9]) if number.isascii() and number.isdigit() else 0
    if not 1 <= at <= len(listed):
        said = f"the answer has {len(listed)} citations, numbered from 1"
        raise CitationError(said, item=f"{path}#{number}")
    return listed[at - 1]


def _numbered(answer: dict[str, Any]) -> Iterator[_Span]:
    """Yield an answer's citations in the order of their numbers: as they appear when shown."""
    order = {source["paper_id"]: at for at, source in enumerate(answer["sources"])}
    seen: set[tuple[object, ...]] = set()
    for citation in _in_reading_order(answer, order):
        span = _Span(
            paper_id=citation["paper_id"],
            kind=citation["document"],
            start=citation["start"],
            end=citation["end"],
            quote=citation["quote"],
        )
        key = (span.paper_id, span.kind, span.start, span.end, citation["chunk_id"])
        if key not in seen:
            seen.add(key)
            yield span


def _in_reading_order(answer: dict[str, Any], order: dict[str, int]) -> Iterator[dict[str, Any]]:
    for section in answer["sections"]:
        statements = section["statements"]
        if any("cell" in statement for statement in statements):  # a table: row by row
            statements = sorted(
                (each for each in statements if "cell" in each),
                key=lambda each: (order[each["paper_id"]], _CELLS[each["cell"]]),
            )
        for statement in statements:
            yield from statement["citations"]
    yield from answer["nearest"]


def _chunk_at(span: _Span, generation: Generation) -> Chunk | None:
    """Return the chunk in which a span begins."""
    rows = list(generation.store.document_rows(span.paper_id, span.kind))
    chunks = generation.store.chunks(rows)
    holding = [chunk for chunk in chunks if chunk.start <= span.start < chunk.end]
    return next((chunk for chunk in holding if chunk.end >= span.end), next(iter(holding), None))


def _parsed_again(
    paper: Paper, document: Document, generation: Generation, index: Path
) -> tuple[Path | None, Document | None]:
    """Parse the file again that a document was made from, where the corpus still has it."""
    corpus = corpus_of(index, generation.meta)
    if corpus is None:
        return None, None
    try:
        if document.kind == "summary":
            return _summary_again(corpus / MANIFEST, paper.paper_id)
        entry = load_lock(corpus / "manifest.lock").get(paper.paper_id, document.kind)
        if entry is None or not (corpus / entry.path).is_file():
            return None, None
        path = corpus / entry.path
        if sha256_file(path) != document.sha256:
            return path, None
        return path, _parse(path, document)
    except (RagqaError, OSError):  # a manifest, lock or file that cannot be read or parsed now
        return None, None


def _summary_again(manifest: Path, paper_id: str) -> tuple[Path | None, Document | None]:
    listed = load_manifest(manifest).get(paper_id)
    if listed is None or not listed.summary:
        return None, None
    return manifest, parse_summary(listed.summary, paper_id=paper_id)


def _parse(path: Path, document: Document) -> Document | None:
    if document.kind == "readme":
        return parse_readme(path, paper_id=document.paper_id)
    request = ParseRequest(paper_id=document.paper_id, kind="pdf", path=path)
    parsed = next(iter(parse_many([request], jobs=1)))[1]
    return None if isinstance(parsed, ParseError) else parsed
