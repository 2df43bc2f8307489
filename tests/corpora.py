"""Small corpora for tests: real manifests, locks, PDFs, READMEs, built with a counting embedder.

A `Text` says what a paper has; `make_corpus` writes it the way a user would (files dropped into
the folder, then an offline fetch). `CountingEmbedder` remembers every chunk it embedded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pdfs
from doubles import HashedEmbedder

from ragqa.answer import Context
from ragqa.answer.context import Listing
from ragqa.build import BuildReport, build_index
from ragqa.embed import Embedder
from ragqa.embed.base import ChunkEmbeddings, Span
from ragqa.fetch import FetchOptions, fetch_papers
from ragqa.index.generation import Generation, open_generation
from ragqa.manifest import save_manifest
from ragqa.records import (
    Answer,
    Chunk,
    Citation,
    Document,
    DocumentKind,
    PageLocator,
    Paper,
    Role,
    Run,
    ScoredSentence,
    Sentence,
    Source,
    Statement,
)
from ragqa.retrieve.hybrid import Retriever

MODEL = "tiny-upscaler"
"""The recommended model of `STANDARD`."""

UPSCALER = (
    "# Tiny Upscaler",
    "Tiny Upscaler is a network for single image super-resolution.",
    "It takes a low-resolution image as its input and enlarges it four times.",
    "The network outputs a sharp picture with restored texture.",
)
GARDEN = (
    "# Abstract",
    "We study how tomatoes ripen in cold greenhouses during winter.",
    "We propose a watering schedule that saves half of the water.",
    "# 1 Results",
    "Tomatoes that were watered at night grew faster than the others.",
    "However, the schedule fails when the greenhouse loses its heating.",
)
OCEAN = "Whales sing at low frequencies. Their songs travel hundreds of kilometres under water."


@dataclass(frozen=True, kw_only=True)
class Text:
    """What one paper of a corpus has; what is None is neither listed nor there."""

    title: str = ""
    role: Role = "paper"
    pdf: Sequence[str] | bytes | None = None
    readme: str | None = None
    summary: str | None = None


STANDARD: Mapping[str, Text] = {
    MODEL: Text(title="Tiny Upscaler", role="model", readme="\n\n".join(UPSCALER)),
    "garden": Text(title="Winter Gardens", pdf=GARDEN),
    "ocean": Text(title="Songs of the Ocean", summary=OCEAN),
}
"""A model with a README, a paper with a PDF, and a paper with a summary only."""


def paper_of(paper_id: str, text: Text) -> Paper:
    """Return a text's manifest entry."""
    return Paper(
        paper_id=paper_id,
        title=text.title or paper_id.capitalize(),
        role=text.role,
        url=None if text.pdf is None else f"https://papers.example.org/{paper_id}.pdf",
        github=None if text.readme is None else f"https://github.com/example/{paper_id}",
        summary=text.summary,
    )


def make_corpus(directory: Path, texts: Mapping[str, Text]) -> Path:
    """Write a corpus, or bring one to exactly these texts; return its folder."""
    for folder in ("pdf", "readme"):
        (directory / folder).mkdir(parents=True, exist_ok=True)
    papers = tuple(paper_of(paper_id, text) for paper_id, text in texts.items())
    for paper_id, text in texts.items():
        write_pdf(directory / "pdf" / f"{paper_id}.pdf", text.pdf)
        readme = directory / "readme" / f"{paper_id}.md"
        if text.readme is None:
            readme.unlink(missing_ok=True)
        else:
            readme.write_text(text.readme + "\n", encoding="utf-8")
    save_manifest(directory / "manifest.yaml", papers)
    fetch_papers(papers, directory, options=FetchOptions(offline=True))
    return directory


def write_pdf(path: Path, content: Sequence[str] | bytes | None) -> None:
    """Write a PDF of paragraphs, or any bytes under a PDF's name; without content, none."""
    if content is None:
        path.unlink(missing_ok=True)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        pdfs.plain(path, content)


class CountingEmbedder(HashedEmbedder):
    """Remembers the chunks that it embedded, and in how many calls."""

    def __init__(self, *, dim: int = 64) -> None:
        super().__init__(dim=dim)
        self.embedded: list[str] = []
        self.calls = 0

    def embed_chunks(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]]
    ) -> ChunkEmbeddings:
        """Count, and embed."""
        self.embedded.extend(texts)
        self.calls += 1
        return super().embed_chunks(texts, sentences)

    def taken(self) -> list[str]:
        """Return what was embedded since the last call."""
        taken, self.embedded = self.embedded, []
        return taken


def build(corpus: Path, index: Path, embedder: Embedder | None = None) -> BuildReport:
    """Build with one parsing process."""
    return build_index(corpus, index, embedder=embedder or HashedEmbedder(), jobs=1)


def standard_index(folder: Path) -> Path:
    """Build `STANDARD` as folder/corpus/small -> folder/indexes/small; return the index."""
    index = folder / "indexes" / "small"
    build(make_corpus(folder / "corpus" / "small", STANDARD), index)
    return index


def context_of(
    generation: Generation,
    *,
    min_confidence: float = 0.0,
    papers: Iterable[Paper] | None = None,
) -> Context:
    """Return a context over a whole generation."""
    listed = generation.store.papers() if papers is None else tuple(papers)
    return Context(
        store=generation.store,
        retriever=Retriever(generation, HashedEmbedder()),
        listing=Listing(generation.store, listed),
        min_confidence=min_confidence,
    )


def assert_grounded(answer: Answer, index: Path) -> None:
    """Check what every answer promises: each citation is its span, of a listed paper."""
    with open_generation(index) as generation:
        store = generation.store
        listed = {s.paper_id: s for s in answer.sources if s.state != "removed"}
        cited = [*answer.citations, *answer.nearest]
        for citation in cited:
            assert citation.paper_id in listed
            document = store.document(citation.paper_id, citation.document)
            assert document.text[citation.start : citation.end] == citation.quote
            assert document.locate(citation.start, citation.end) == citation.locators
            assert document.is_verbatim(citation.start, citation.end)
            row = store.row_of(citation.chunk_id)
            assert row is not None
            assert citation.quote in store.chunks([row])[0].text
            assert citation.url is None or citation.url in listed[citation.paper_id].links
        for statement in answer.statements:
            assert statement.citations
            if answer.generator != "extractive":
                continue  # in the model's words
            assert " ".join(statement.text.split()) in {
                " ".join(citation.quote.split()) for citation in statement.citations
            }
        assert answer.abstained == (not answer.statements)
        assert (answer.reason is None) == (not answer.abstained)


def document_of_sentences(
    sentences: Sequence[str],
    *,
    paper_id: str = "p",
    kind: DocumentKind = "pdf",
    breaks: tuple[int, ...] = (),
    between: str = " ",
) -> tuple[Document, Chunk]:
    """Return a one-page document of these sentences and the chunk of all of them."""
    text = between.join(sentences)
    spans, start = [], 0
    for sentence in sentences:
        spans.append(Sentence(start=start, end=start + len(sentence)))
        start += len(sentence) + len(between)
    from ragqa.records import Page

    document = Document(
        paper_id=paper_id,
        kind=kind,
        sha256="0" * 64,
        text=text,
        pages=(Page(number=1, start=0, end=len(text)),) if kind == "pdf" else (),
        line_starts=() if kind == "pdf" else (0,),
        runs=(Run(0, 0),),
        breaks=breaks,
    )
    chunk = Chunk(
        chunk_id=f"{paper_id}-{kind}",
        paper_id=paper_id,
        document=kind,
        start=0,
        end=len(text),
        text=text,
        sentences=tuple(spans),
    )
    return document, chunk


def scored(chunk: Chunk, at: int, score: float = 1.0) -> ScoredSentence:
    """Return one sentence of a chunk with a score."""
    return ScoredSentence(chunk=chunk, sentence=chunk.sentences[at], score=score)


def citation(
    quote: str, *, paper_id: str = "p", url: str | None = None, start: int = 0
) -> Citation:
    """Return a citation of a PDF's first page."""
    return Citation(
        paper_id=paper_id,
        document="pdf",
        locators=(PageLocator(page=1, start=start, end=start + len(quote)),),
        start=start,
        end=start + len(quote),
        quote=quote,
        url=url,
        chunk_id=f"{paper_id}-{start}",
    )


def statement(quote: str, *, paper_id: str = "p", url: str | None = None) -> Statement:
    """Return a statement that quotes one sentence."""
    return Statement(text=quote, citations=(citation(quote, paper_id=paper_id, url=url),))


def source(paper_id: str, title: str, *links: str) -> Source:
    """Return a source with full text."""
    return Source(
        paper_id=paper_id,
        title=title,
        role="paper",
        links=links,
        documents=("pdf",),
        state="full-text",
    )


CARD = dedent(
    """\
    You are an AI scientist.

    A user has asked the following question:
    "How can I make a low-res image four times bigger?"

    Based on the following recommended models, explain:

    1. What task the user is trying to perform.
    2. How the model(s) would work in a workflow (input → model → output).
    3. List relevant papers and tools (with links).

    Use only the provided models and papers.

    ### Recommended AI Models:
    Model: Tiny Upscaler
    GitHub: https://github.com/example/tiny-upscaler

    ### Related Papers:
    Model: Songs of the Ocean
    Paper: https://papers.example.org/ocean.pdf
    Summary: Whales sing at low frequencies. Their songs travel far under water.

    Answer:
    """
)
"""A question card in the mission's form."""
