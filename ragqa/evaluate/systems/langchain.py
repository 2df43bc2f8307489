"""The stock LangChain pipeline as a baseline, as tutorials show it.

In: a dataset, and the index whose canonical texts locate what stands in PDFs. Out: a `System`
that retrieves: PyPDFLoader (or one document a paper), RecursiveCharacterTextSplitter of 1000
characters with 200 of overlap, HuggingFaceEmbeddings, FAISS, similarity search.

Every step is LangChain's own with its defaults. What differs from a user's script: vectors are
kept in ``.npy`` blocks, so that an interrupted run goes on where it was; lone surrogates, of which
the stock pipeline dies, are replaced one for one; a PDF that it dies of is left out and named.
Invariants: nothing is pickled; a restricted search gives exactly what an index of the allowed
papers alone would; a hit without a span could not be located, and is counted in `describe`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ragqa._files import sha256_bytes
from ragqa.embed.base import FloatMatrix, clean
from ragqa.embed.source import Source, resolve
from ragqa.errors import EmbedderError, EvaluationError, OptionalDependencyError
from ragqa.evaluate.records import Dataset, GoldPaper, Hit, Response
from ragqa.evaluate.systems.stock import (
    ChunkFinder,
    Findings,
    VectorShelf,
    page_documents,
    paper_documents,
)
from ragqa.index.generation import Generation, open_generation

if TYPE_CHECKING:
    from ragqa.evaluate.systems.spec import SystemSpec

__all__ = ["CHUNK_OVERLAP", "CHUNK_SIZE", "LangChainSystem", "check_langchain", "open_langchain"]

CHUNK_SIZE = 1000
"""Characters of a chunk at most: what LangChain's own retrieval tutorial uses."""

CHUNK_OVERLAP = 200
"""Characters that neighbouring chunks share, from the same tutorial."""

_EXTRA = "langchain-stock"
_PACKAGES = {
    "langchain_community": "langchain-community",
    "langchain_huggingface": "langchain-huggingface",
    "langchain_text_splitters": "langchain-text-splitters",
    "faiss": "faiss-cpu",
    "pypdf": "pypdf",
}
_TOLD = (
    "faiss-cpu",
    "langchain-community",
    "langchain-core",
    "langchain-huggingface",
    "langchain-text-splitters",
    "pypdf",
    "sentence-transformers",
)
_DECIDING = ("langchain-huggingface", "sentence-transformers", "torch", "transformers")
_BLOCK = 128  # texts that are embedded and kept together; some 20 s on two cores
_SHELF = "langchain-vectors"
_UNIT = 1e-3  # how far from 1 a unit vector's length may be

_Lang: TypeAlias = Any
"""An object of LangChain, whose types cannot be named without importing it."""

_Progress: TypeAlias = Callable[[int, int], None]

_Place: TypeAlias = tuple[int, int] | None


class LangChainSystem:
    """The stock pipeline, ready to be asked.

    :param name: What reports call it.
    :param store: LangChain's vector store; None where no paper gave a chunk.
    :param places: For each row of the store, where its chunk stands in the paper's text.
    :param about: What `describe` returns.
    """

    def __init__(
        self, name: str, store: _Lang, places: Sequence[_Place], about: Mapping[str, Any]
    ) -> None:
        self.name = name
        self._store = store
        self._places = places
        self._about = about

    def describe(self) -> Mapping[str, Any]:
        """Return what decides its output: versions, model, sizes, and what it could not use."""
        return self._about

    def respond(
        self, question: str, *, paper_ids: Sequence[str] | None, depth: int
    ) -> tuple[Response, float]:
        """Retrieve chunks.

        :param question: The words of the question.
        :param paper_ids: The papers to use; None for all, none of them for an empty list.
        :param depth: How many chunks.
        :return: The response, and the seconds of the similarity search, question's vector included.
            The confidence is ``1 / (1 + distance)`` of the best chunk, 0 without one.
        """
        started = perf_counter()
        found = self._search(clean(question), paper_ids, depth)
        seconds = perf_counter() - started
        hits = tuple(self._hit(chunk, distance) for chunk, distance in found)
        confidence = 1 / (1 - hits[0].score) if hits else 0.0
        return Response(hits=hits, confidence=confidence), seconds

    def _search(
        self, question: str, paper_ids: Sequence[str] | None, depth: int
    ) -> list[tuple[_Lang, float]]:
        if self._store is None or depth < 1 or (paper_ids is not None and not paper_ids):
            return []
        restriction: dict[str, Any] = {}
        if paper_ids is not None:
            allowed = frozenset(paper_ids)
            # It filters what it has fetched: of less than all, allowed chunks would be lost
            restriction = {
                "filter": lambda metadata: metadata["paper_id"] in allowed,
                "fetch_k": len(self._places),
            }
        found = self._store.similarity_search_with_score(question, k=depth, **restriction)
        pairs = [(chunk, float(distance)) for chunk, distance in found]
        return sorted(pairs, key=lambda pair: (pair[1], pair[0].metadata["row"]))

    def _hit(self, chunk: _Lang, distance: float) -> Hit:
        place = self._places[chunk.metadata["row"]]
        start, end = place or (None, None)
        return Hit(
            paper_id=chunk.metadata["paper_id"],
            score=-distance,
            start=start,
            end=end,
            document=chunk.metadata.get("document"),
            text=chunk.page_content,
        )


def open_langchain(
    spec: SystemSpec,
    dataset: Dataset,
    work: Path,
    *,
    embedder_name: str,
    index: Path | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    on_message: Callable[[str], None] = lambda line: None,
) -> LangChainSystem:
    """Load, split and embed a dataset's papers the stock way.

    :param spec: The system, with ``chunk_size``, ``chunk_overlap``, ``embedder`` where they differ.
    :param dataset: The papers, or the corpus whose PDFs are loaded.
    :param work: A folder to keep vectors in; taken up again by the next call.
    :param embedder_name: The embedding model, as ragqa names it.
    :param index: The corpus's index, whose canonical texts locate the chunks.
    :param on_progress: Told how many chunks have their vector, of how many.
    :param on_message: Told, in a line each, what of the papers could not be used.
    :return: The system.
    :raises OptionalDependencyError: A package of the extra is not installed.
    :raises EvaluationError: The overlap is not below the chunk size, or a corpus has no index.
    :raises EmbedderError: The model cannot be found or loaded.
    :raises IndexStateError: The index cannot be used.
    """
    sizes = check_langchain(spec)
    source = resolve(str(spec.options.get("embedder", embedder_name)))
    from ragqa.embed.reference import quiet

    findings = Findings()
    with quiet():
        chunks, places = _chunks(dataset, index, sizes, findings)
        shelf = VectorShelf(work / _SHELF, [source.key, _versions(_DECIDING)])
        model = _load_model(source)
        vectors = _vectors([chunk.page_content for chunk in chunks], model, shelf, on_progress)
        store = _store(chunks, vectors, model)
    about = {
        "embedder": source.name,
        "embedder_key": source.key,
        "chunk_size": sizes[0],
        "chunk_overlap": sizes[1],
        "unit_vectors": bool(np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=_UNIT)),
        **_about(findings, chunks, places),
    }
    for line in _messages(about):
        on_message(f"{spec}: {line}")
    return LangChainSystem(str(spec), store, places, about)


def check_langchain(spec: SystemSpec) -> tuple[int, int]:
    """Check that the pipeline is installed, and its options.

    :param spec: The system.
    :return: Chunk size and overlap, in characters.
    :raises OptionalDependencyError: A package of the extra is not installed.
    :raises EvaluationError: The overlap is not below the chunk size.
    """
    for module, package in _PACKAGES.items():
        if find_spec(module) is None:
            raise OptionalDependencyError(package, extra=_EXTRA)
    return _sizes(spec.options)


def _sizes(options: Mapping[str, object]) -> tuple[int, int]:
    """Return chunk size and overlap, in characters; `parse_system` checked their types."""
    size = int(str(options.get("chunk_size", CHUNK_SIZE)))
    overlap = int(str(options.get("chunk_overlap", CHUNK_OVERLAP)))
    if overlap >= size:
        raise EvaluationError(
            "neighbouring chunks would share more than they hold",
            item=f"chunk_size={size}, chunk_overlap={overlap}",
            hint="Give a chunk_overlap below the chunk_size",
        )
    return size, overlap


def _chunks(
    dataset: Dataset, index: Path | None, sizes: tuple[int, int], findings: Findings
) -> tuple[list[_Lang], list[_Place]]:
    """Return the chunks of all papers, and where each stands."""
    if dataset.corpus is None:
        chunks = _split(paper_documents(dataset.papers, findings), sizes)
        return chunks, _text_places(chunks, dataset.papers)
    if index is None:
        raise EvaluationError(
            "chunks of a corpus's PDFs are located in the texts of its index, and none is given",
            item=dataset.corpus,
            hint="Run `ragqa rebuild` and name the index",
        )
    with open_generation(index) as generation:
        ids = [paper.paper_id for paper in generation.store.papers()]
        chunks = _split(page_documents(dataset.corpus, ids, findings), sizes)
        return chunks, _pdf_places(chunks, generation)


def _split(documents: Iterable[_Lang], sizes: tuple[int, int]) -> list[_Lang]:
    """Split documents, and number the chunks."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    size, overlap = sizes
    splitter = RecursiveCharacterTextSplitter(
        chunk_size=size, chunk_overlap=overlap, add_start_index=True
    )
    chunks: list[_Lang] = splitter.split_documents(documents)
    for row, chunk in enumerate(chunks):
        chunk.metadata["row"] = row
    return chunks


def _text_places(chunks: Iterable[_Lang], papers: Iterable[GoldPaper]) -> list[_Place]:
    """Return where each chunk stands, as the splitter says, where that is so."""
    texts = {paper.paper_id: clean(paper.text) for paper in papers}
    places: list[_Place] = []
    for chunk in chunks:
        start, words = chunk.metadata["start_index"], chunk.page_content
        holds = start >= 0 and texts[chunk.metadata["paper_id"]].startswith(words, start)
        places.append((start, start + len(words)) if holds else None)
    return places


def _pdf_places(chunks: Iterable[_Lang], generation: Generation) -> list[_Place]:
    """Return where each chunk of a PDF stands in the canonical text of its paper."""
    places: list[_Place] = []
    paper_id, finder = None, None
    for chunk in chunks:  # they come paper by paper
        if chunk.metadata["paper_id"] != paper_id:
            paper_id = chunk.metadata["paper_id"]
            finder = _finder(generation, paper_id)
        places.append(finder.place(chunk.page_content) if finder else None)
    return places


def _finder(generation: Generation, paper_id: str) -> ChunkFinder | None:
    """Return what finds chunks in a paper, where the index has its PDF's text."""
    if "pdf" not in generation.store.kinds(paper_id):
        return None
    return ChunkFinder(generation.store.document(paper_id, "pdf").text)


def _load_model(source: Source) -> _Lang:
    """Load the model as the stock does, without asking the network for what is here."""
    from langchain_huggingface import HuggingFaceEmbeddings

    name = str(source.location)
    try:
        try:
            return HuggingFaceEmbeddings(model_name=name, model_kwargs={"local_files_only": True})
        except OSError:
            if isinstance(source.location, Path):
                raise
            return HuggingFaceEmbeddings(model_name=name)
    except (ImportError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise EmbedderError(
            "HuggingFaceEmbeddings cannot load this model", item=source.name, hint=f"{error}"
        ) from error


def _vectors(
    texts: Sequence[str], model: _Lang, shelf: VectorShelf, on_progress: _Progress
) -> FloatMatrix:
    """Embed texts in blocks, each kept as soon as it is there; ``(n, dim)`` float32."""
    blocks = []
    for start in range(0, len(texts), _BLOCK):
        block = texts[start : start + _BLOCK]
        rows = shelf.load(block)
        if rows is None:
            rows = np.asarray(model.embed_documents(list(block)), np.float32)
            shelf.save(block, rows)
        blocks.append(rows)
        on_progress(start + len(block), len(texts))
    return np.concatenate(blocks) if blocks else np.zeros((0, 0), np.float32)


def _store(chunks: Sequence[_Lang], vectors: FloatMatrix, model: _Lang) -> _Lang:
    """Fill LangChain's vector store; None without chunks, of which it cannot be made."""
    from langchain_community.vectorstores import FAISS

    if not chunks:
        return None
    pairs = ((chunk.page_content, row) for chunk, row in zip(chunks, vectors, strict=True))
    return FAISS.from_embeddings(
        pairs,
        model,
        metadatas=[chunk.metadata for chunk in chunks],
        ids=[str(chunk.metadata["row"]) for chunk in chunks],  # its own would be random
    )


def _versions(packages: Iterable[str]) -> dict[str, str]:
    return {package: version(package) for package in packages}


def _about(findings: Findings, chunks: Sequence[_Lang], places: Sequence[_Place]) -> dict[str, Any]:
    return {
        "pipeline": "PyPDFLoader, RecursiveCharacterTextSplitter, HuggingFaceEmbeddings, FAISS",
        "distance": "squared L2 (FAISS's default)",
        "versions": _versions(_TOLD),
        "papers": len({chunk.metadata["paper_id"] for chunk in chunks}),
        "chunks": len(chunks),
        "chunks_sha256": _content(chunks, places),
        "chunks_not_located": sum(place is None for place in places),
        "papers_left_out": dict(sorted(findings.left_out.items())),
        "papers_without_pdf": sorted(findings.no_pdf),
        "papers_with_lone_surrogates": sorted(findings.surrogates),
    }


def _content(chunks: Sequence[_Lang], places: Sequence[_Place]) -> str:
    """Return a hash of what is searched: a corpus's PDFs are in no hash of its questions."""
    found = [
        [chunk.metadata["paper_id"], chunk.page_content, place]
        for chunk, place in zip(chunks, places, strict=True)
    ]
    return sha256_bytes(json.dumps(found).encode())


def _messages(about: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a reader of the figures should know, a line each."""
    for paper_id, reason in about["papers_left_out"].items():
        yield f"{paper_id} is left out, as PyPDFLoader cannot read it ({reason})"
    if without := about["papers_without_pdf"]:
        yield f"{len(without)} paper(s) without a PDF are left out: {', '.join(without)}"
    if surrogates := about["papers_with_lone_surrogates"]:
        yield (
            f"{len(surrogates)} paper(s) hold lone surrogates, of which the stock pipeline dies; "
            f"they were replaced: {', '.join(surrogates)}"
        )
    if lost := about["chunks_not_located"]:
        yield f"{lost} of {about['chunks']} chunks could not be located in the papers' texts"
