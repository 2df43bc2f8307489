"""The adversary suite: scripted outputs of chat models over real chunks, and what may pass.

In: ``suite.jsonl``, one case a line, and the papers of ``../shared/data`` beside the repository.
Out: `Case`s. The papers are not ours, so a line only points at their words: a chunk is a span of
a paper with the first 12 hex digits of its SHA-256, and a quote is made of spans of chunks, which
may be copied the way models copy (``copy``), falsified (``put``: ``[start, end, new words]``,
counted within the span), or mixed with words of our own. What the statements say is our own.

A line: ``id``, ``kind``, ``set``, ``question``, ``note`` where one helps, and

- ``chunks``: what the model was given, in order, as ``c1``, ``c2``...;
- ``output``: ``format`` and ``statements``, or for ``raw`` a ``text`` with ``[[c1:120-188]]`` for
  the words of a span and ``[[fill]]`` for ``fill`` repeated; ``cut`` keeps the first characters;
- ``expect``: ``pass``, the texts of the statements that must pass; nothing else may.

The suite was written before the gate and is frozen: a case is not mended to suit a gate.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ragqa.chunk.sentences import split_sentences
from ragqa.records import Chunk, Document, DocumentKind, Page, Paper

__all__ = [
    "DATA",
    "FAITHFUL",
    "FORM",
    "HUGE_CHARS",
    "QUOTE_FALSE",
    "SETS",
    "SUITE",
    "UNSUPPORTED",
    "Case",
    "load_cases",
    "quoted_words",
    "read_records",
    "resolve",
    "squash",
]

SUITE = Path(__file__).with_name("suite.jsonl")
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SETS = ("covidqa", "evidence-inference", "scifact", "acl2023")

FAITHFUL = "faithful"
QUOTE_FALSE = (
    "fabricated-quote",
    "other-chunk-quote",
    "stitched-quote",
    "changed-word-quote",
    "changed-number-quote",
    "negation-quote",
    "unknown-chunk",
)
"""Kinds whose quote does not stand in the chunk that it names."""
UNSUPPORTED = (
    "changed-number",
    "changed-unit",
    "dropped-negation",
    "added-negation",
    "swapped-entities",
    "other-name",
    "reversed-direction",
    "cut-quote",
    "overclaim",
    "unrelated",
)
"""Kinds whose quote is true, but does not carry the statement.

A ``cut-quote`` is quoted so that the negation or the hedge before it is left out.
"""
FORM = (
    "invented-link",
    "image-beacon",
    "markup",
    "planted-instruction",
    "other-language",
    "empty",
    "truncated-json",
    "huge",
)
"""Kinds that are wrong in another way: what they show, whom they obey, or how they are written."""

HUGE_CHARS = 1_000_000  # characters: what the filler of a `huge` output is repeated up to

_PLACEHOLDER = re.compile(r"\[\[(c\d+):(\d+)-(\d+)\]\]")
_FILL = "[[fill]]"
_STRAIGHT = str.maketrans(
    "\u2018\u2019\u201c\u201d\u2010\u2011\u2012\u2013\u2014\u2212\u00a0", "''\"\"------ "
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One scripted output, with the chunks that its model was given.

    :ivar case_id: Its id: kind and number.
    :ivar kind: What is wrong with it, or ``faithful``.
    :ivar set_name: The data set of its chunks, or ``synthetic``.
    :ivar question: The question that the model was asked.
    :ivar chunks: The chunks by label: ``c1``...
    :ivar documents: The documents that the chunks are cut from, by paper_id.
    :ivar output: What the model wrote.
    :ivar good: Texts of the statements that must pass; nothing else may.
    """

    case_id: str
    kind: str
    set_name: str
    question: str
    chunks: Mapping[str, Chunk]
    documents: Mapping[str, Document] = field(repr=False)
    output: str = field(repr=False)
    good: tuple[str, ...]

    def document_of(self, paper_id: str, kind: DocumentKind) -> Document:
        """Read a document, as the gate asks for it."""
        document = self.documents[paper_id]
        if document.kind != kind:
            raise KeyError(kind)
        return document

    def paper_of(self, paper_id: str) -> Paper:
        """Read a listed paper, as the gate asks for it; its only link is its PDF's."""
        name = self.documents[paper_id].paper_id
        return Paper(paper_id=name, title=name, url=f"https://papers.example.org/{name}.pdf")


def squash(text: str) -> str:
    """Return a text with each run of white space as one space: how statements are compared."""
    return " ".join(text.split())


def read_records() -> list[dict[str, Any]]:
    """Read the suite's lines as they are."""
    with SUITE.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def load_cases(records: Sequence[Mapping[str, Any]] | None = None) -> Iterator[Case]:
    """Resolve the suite against the data, one case at a time.

    :param records: Lines of the suite; all by default.
    :return: The cases, in order.
    """
    for record in read_records() if records is None else records:
        yield resolve(record)


def resolve(record: Mapping[str, Any]) -> Case:
    """Turn one line of the suite into a case.

    :param record: The line.
    :return: The case, its output written out.
    """
    documents = [_document_of(chunk) for chunk in record["chunks"]]
    chunks = {
        f"c{number}": _chunk(document, item.get("start", 0), item.get("end", len(document.text)))
        for number, (item, document) in enumerate(zip(record["chunks"], documents, strict=True), 1)
    }
    return Case(
        case_id=record["id"],
        kind=record["kind"],
        set_name=record["set"],
        question=record["question"],
        chunks=chunks,
        documents={document.paper_id: document for document in documents},
        output=_written(record["output"], chunks),
        good=tuple(record["expect"]["pass"]),
    )


@cache
def _texts(name: str) -> Mapping[str, str]:
    folder = DATA / name
    if name == "acl2023":
        return {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    file, key = ("corpus.jsonl", "_id") if name == "scifact" else ("papers.jsonl", "paper_id")
    with (folder / file).open(encoding="utf-8") as lines:
        return {row[key]: row["text"] for row in map(json.loads, lines)}


def _document_of(chunk: Mapping[str, Any]) -> Document:
    text = chunk.get("text")
    if text is None:
        text = _texts(chunk["set"])[chunk["paper_id"]]
        found = hashlib.sha256(text[chunk["start"] : chunk["end"]].encode()).hexdigest()[:12]
        if found != chunk["sha256"]:
            raise ValueError(f"{chunk['paper_id']}: the data is not what the suite was made from")
    return _document(chunk["paper_id"].lower(), text)


@cache
def _document(paper_id: str, text: str) -> Document:
    return Document(
        paper_id=paper_id,
        kind="pdf",
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        text=text,
        pages=(Page(number=1, start=0, end=len(text)),),
    )


@cache
def _chunk(document: Document, start: int, end: int) -> Chunk:
    return Chunk(
        chunk_id=f"{document.paper_id}-{start}-{end}",
        paper_id=document.paper_id,
        document="pdf",
        start=start,
        end=end,
        text=document.text[start:end],
        sentences=split_sentences(document, start, end),
    )


def _written(output: Mapping[str, Any], chunks: Mapping[str, Chunk]) -> str:
    if output["format"] == "raw":
        return _filled(output, chunks)
    statements = [
        {
            "text": statement["text"],
            "quotes": [
                {"chunk": quote["chunk"], "quote": quoted_words(quote["words"], chunks)}
                for quote in statement["quotes"]
            ],
        }
        for statement in output["statements"]
    ]
    return _FORMATS[output["format"]](statements)[: output.get("cut")]


def _filled(output: Mapping[str, Any], chunks: Mapping[str, Chunk]) -> str:
    def quote(match: re.Match[str]) -> str:
        words = chunks[match[1]].text[int(match[2]) : int(match[3])]
        return json.dumps(words, ensure_ascii=False)[1:-1]

    text = _PLACEHOLDER.sub(quote, output["text"])
    if "fill" not in output:
        return text
    return text.replace(_FILL, output["fill"] * (HUGE_CHARS // len(output["fill"])))


def quoted_words(parts: Sequence[str | Mapping[str, Any]], chunks: Mapping[str, Chunk]) -> str:
    """Write a quote out.

    :param parts: Its spans, and the words between them.
    :param chunks: The case's chunks by label.
    :return: What the model claims to quote.
    """
    return "".join(part if isinstance(part, str) else _copied(part, chunks) for part in parts)


def _copied(part: Mapping[str, Any], chunks: Mapping[str, Chunk]) -> str:
    start, end = part["span"]
    words = chunks[part["of"]].text[start:end]
    for low, high, new in sorted(part.get("put", ()), reverse=True):
        words = words[:low] + new + words[high:]
    for way in part.get("copy", ()):
        words = words.translate(_STRAIGHT) if way == "straight" else squash(words)
    return words


def _json(statements: list[dict[str, Any]], *, indent: int | None = None) -> str:
    return json.dumps({"statements": statements}, ensure_ascii=False, indent=indent)


def _blocks(statements: list[dict[str, Any]]) -> str:
    return "\n\n".join(
        "\n".join(
            [
                f"STATEMENT: {statement['text']}",
                *(f"QUOTE {q['chunk']}: {squash(q['quote'])}" for q in statement["quotes"]),
            ]
        )
        for statement in statements
    )


_FORMATS: Mapping[str, Callable[[list[dict[str, Any]]], str]] = {
    "json": _json,
    "indented": lambda statements: _json(statements, indent=2),
    "fenced": lambda statements: f"Here it is:\n```json\n{_json(statements, indent=1)}\n```\n",
    "chatter": lambda statements: f"Sure, this is the answer.\n\n{_json(statements)}\n\nDone.",
    "think": lambda statements: f"<think>\nWhat do they say?\n</think>\n{_json(statements)}",
    "text": _blocks,
}
