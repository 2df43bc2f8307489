"""Small indexed documents for tests: real records, with vectors that follow from the text.

A chunk's vector is the normalised sum of its words' pseudo-random vectors, so equal texts have
equal vectors (ties are common) and texts that share words are near each other. Same call, same
bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ragqa.index.generation import Generation, write_generation
from ragqa.index.lexical import LexicalWriter
from ragqa.index.packing import PackedDocument, pack_document
from ragqa.index.records import IndexedDocument, quantise
from ragqa.index.rows import sentence_writer, vector_writer
from ragqa.index.storing import StoreWriter
from ragqa.records import Chunk, Document, DocumentKind, Page, Paper, Run, Sentence

DIMENSION = 16
FINGERPRINT = {"embedder": "words-16", "parser": "none"}


@cache
def _word_vector(word: str, dimension: int) -> NDArray[np.float32]:
    seed = int.from_bytes(hashlib.sha256(word.encode("utf-8", "replace")).digest()[:8], "little")
    return np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)


def embed(texts: Sequence[str], dimension: int = DIMENSION) -> NDArray[np.float32]:
    """Return ``(n, dimension)`` float32 unit rows; a text without words has a zero row."""
    rows = np.zeros((len(texts), dimension), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        for word in text.lower().replace(".", " ").split():
            row += _word_vector(word, dimension)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=rows, where=lengths > 0)


def paper(paper_id: str) -> Paper:
    """Return a listed paper with every field set."""
    return Paper(
        paper_id=paper_id,
        title=f"On {paper_id}",
        role="model",
        url=f"https://example.org/{paper_id}.pdf",
        github=f"https://example.org/code/{paper_id}",
        summary="What it is about.",
    )


def indexed(
    paper_id: str,
    *paragraphs: str,
    kind: DocumentKind = "pdf",
    section: str = "Results",
    dimension: int = DIMENSION,
) -> IndexedDocument:
    """Return a document with a chunk a paragraph and a sentence a full stop."""
    text = "\n".join(paragraphs)
    chunks, start = [], 0
    for number, paragraph in enumerate(paragraphs):
        chunks.append(_chunk(paper_id, kind, number, start, paragraph, section))
        start += len(paragraph) + 1
    document = Document(
        paper_id=paper_id,
        kind=kind,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        text=text,
        pages=(Page(number=1, start=0, end=len(text)),) if kind == "pdf" else (),
        line_starts=() if kind == "pdf" else (0,),
        runs=(Run(0, 3), Run(2, 7)),
        breaks=(1,),
        headings=((0, 1),),
        notes=("page 1: nothing odd",),
    )
    sentences = [text[s.start : s.end] for chunk in chunks for s in chunk.sentences]
    return IndexedDocument(
        paper=paper(paper_id),
        document=document,
        chunks=tuple(chunks),
        chunk_vectors=embed(paragraphs, dimension),
        sentence_vectors=quantise(embed(sentences, dimension)),
        key=hashlib.sha256(f"{paper_id} {kind} {section} {text}".encode()).hexdigest(),
    )


def _chunk(
    paper_id: str, kind: DocumentKind, number: int, start: int, text: str, section: str
) -> Chunk:
    sentences, offset = [], start
    for piece in text.split(". "):
        sentences.append(
            Sentence(start=offset, end=offset + len(piece), quotable=len(sentences) % 2 == 0)
        )
        offset += len(piece) + 2
    return Chunk(
        chunk_id=f"{paper_id}-{kind}-{number}",
        paper_id=paper_id,
        document=kind,
        start=start,
        end=start + len(text),
        text=text,
        section=section,
        sentences=tuple(sentences),
    )


def packed(documents: Iterable[IndexedDocument]) -> list[PackedDocument]:
    """Return documents as an index takes them: packed, in canonical order."""
    return [pack_document(item) for item in sorted(documents, key=lambda item: item.place)]


def write_store(path: Path, papers: Sequence[Paper], documents: Iterable[PackedDocument]) -> None:
    """Write a store of its own."""
    with StoreWriter(path, papers) as writer:
        for document in documents:
            writer.add(document)


def write_vectors(path: Path, parts: Iterable[NDArray[np.float32]]) -> None:
    """Write a file of chunk vectors."""
    with vector_writer(path) as writer:
        for part in parts:
            writer.add(part)


def write_sentences(path: Path, parts: Iterable[NDArray[np.int8]]) -> None:
    """Write a file of sentence vectors."""
    with sentence_writer(path) as writer:
        for part in parts:
            writer.add(part)


def write_lexical(folder: Path, chunks: Iterable[tuple[str, str]]) -> None:
    """Write a lexical index of (paper_id, text)."""
    with LexicalWriter(folder) as writer:
        for paper_id, text in chunks:
            writer.add(paper_id, text)


def write(directory: Path, *documents: IndexedDocument, keep: int = 2) -> Path:
    """Write a generation that lists the documents' papers, in the order of the documents."""
    papers = dict.fromkeys(item.paper.paper_id for item in documents)
    return write_generation(
        directory,
        packed(documents),
        [paper(paper_id) for paper_id in papers],
        fingerprint=FINGERPRINT,
        keep=keep,
    )


def answers(generation: Generation, queries: Sequence[str], k: int = 5) -> list[object]:
    """Return everything a generation says to some queries, scores to the last bit."""
    store, said = generation.store, []
    papers = [None, *([item.paper_id] for item in sorted(store.papers(), key=str))]
    for query in queries:
        vector = embed([query], generation.meta.dimension or DIMENSION)
        for paper_ids in papers:
            rows = None if paper_ids is None else store.rows_of(paper_ids)
            dense, dense_rows = generation.vectors.search(vector, k, rows)
            lexical, lexical_rows = generation.lexical.search(query, k, paper_ids)
            said.append((query, dense.tobytes(), lexical.tobytes()))
            said.append(store.chunks([*dense_rows[0], *lexical_rows]))
    return said
