"""Development sets -> indexes, for the benchmarks beside this file.

In: a folder with ``papers.jsonl`` + ``questions.jsonl`` or a BEIR folder. Out: a generation whose
canonical texts are the papers' texts as they are, so that gold spans count in the same characters.
The sets are not part of the project; name their folder on the command line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ragqa._files import sha256_bytes
from ragqa.chunk import chunk_document
from ragqa.embed import Embedder
from ragqa.index.generation import Generation, open_generation, write_generation
from ragqa.index.records import IndexedDocument, quantise
from ragqa.records import Document, Paper


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question with its gold evidence.

    :ivar text: The question.
    :ivar gold: Gold spans as (paper_id, start, end) in characters.
    """

    question_id: str
    text: str
    gold: tuple[tuple[str, int, int], ...]

    @property
    def gold_papers(self) -> frozenset[str]:
        return frozenset(paper_id for paper_id, _, _ in self.gold)


def read_jsonl(path: Path) -> Iterator[dict]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def read_questions(folder: Path) -> list[Question]:
    return [
        Question(
            question_id=row["question_id"],
            text=row["question"],
            gold=tuple((e["paper_id"], e["start"], e["end"]) for e in row["evidence"]),
        )
        for row in read_jsonl(folder / "questions.jsonl")
    ]


def read_texts(folder: Path) -> dict[str, str]:
    if (folder / "corpus.jsonl").exists():
        rows = read_jsonl(folder / "corpus.jsonl")
        return {row["_id"]: f"{row['title']}\n{row['text']}" for row in rows}
    return {row["paper_id"]: row["text"] for row in read_jsonl(folder / "papers.jsonl")}


def open_set(folder: Path, work: Path, embedder: Embedder) -> Generation:
    """Index a development set once, and open it."""
    directory = work / f"{folder.name}-{embedder.fingerprint[:8]}"
    if not (directory / "CURRENT").exists():
        texts = read_texts(folder)
        papers = [Paper(paper_id=paper_id, title=paper_id) for paper_id in texts]
        documents = (_index(paper, texts[paper.paper_id], embedder) for paper in papers)
        write_generation(directory, documents, papers, fingerprint={"set": folder.name})
    return open_generation(directory)


def _index(paper: Paper, text: str, embedder: Embedder) -> IndexedDocument:
    document = Document(
        paper_id=paper.paper_id,
        kind="summary",
        sha256=sha256_bytes(text.encode()),
        text=text,
        line_starts=(0,),
    )
    chunks = chunk_document(document, embedder.count_tokens, max_tokens=embedder.max_tokens)
    spans = [[(s.start - c.start, s.end - c.start) for s in c.sentences] for c in chunks]
    vectors = embedder.embed_chunks([c.text for c in chunks], spans)
    return IndexedDocument(
        paper=paper,
        document=document,
        chunks=chunks,
        chunk_vectors=vectors.chunks,
        sentence_vectors=quantise(vectors.sentences),
        key=document.sha256,
    )
