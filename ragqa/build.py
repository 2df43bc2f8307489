"""Manifest -> index, the stages in order: the file to read first.

::

    manifest ── local files, READMEs, summaries
       │  parse   (worker processes)     file -> Document
       │  chunk                          Document -> Chunks
       │  embed                          Chunks -> vectors
       └─ index                          all of it -> a new generation, swapped in at once

A document whose bytes and stages are unchanged is taken over from the generation in force, so a
second build does no work and adding one paper embeds one paper. What a killed build had finished
lies in ``work/`` and is taken over, too. One bad paper is a row of the report; the old generation
answers until the new one is complete.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ragqa._files import sha256_bytes
from ragqa.chunk import CHUNKER_VERSION, ChunkOptions, chunk_document
from ragqa.errors import IndexStateError, ParseError, ParseReason
from ragqa.fetch import local_files
from ragqa.index.generation import Generation, open_generation, write_generation
from ragqa.index.meta import read_meta
from ragqa.index.records import IndexedDocument, quantise
from ragqa.index.work import WorkShelf, find_document
from ragqa.manifest import Manifest, load_manifest
from ragqa.parse import PARSER_VERSION, parse_readme, parse_summary
from ragqa.parse.worker import ParseRequest, parse_many
from ragqa.records import Document, DocumentKind, Paper

if TYPE_CHECKING:
    from ragqa.embed import Embedder

__all__ = ["BuildProgress", "BuildReport", "BuildRow", "BuildStatus", "build_index"]

BuildStatus = Literal["reused", "built", "failed", "skipped"]
"""How one document fared: `skipped` has no file yet, `failed` has one that cannot be used."""

_FLUSH_SECONDS = 20.0  # a killed build loses at most about this much embedding


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRow:
    """How one document of one paper fared.

    :ivar paper_id: The paper.
    :ivar kind: Which text of it; None where the paper lists none.
    :ivar status: How it fared.
    :ivar reason: Why it failed.
    :ivar detail: One sentence: what happened and what to do.
    :ivar pages: Its pages; 0 for README and summary.
    :ivar chunks: Its chunks in the index.
    :ivar notes: What the parser left out or found odd.
    """

    paper_id: str
    kind: DocumentKind | None
    status: BuildStatus
    reason: ParseReason | None = None
    detail: str = ""
    pages: int = 0
    chunks: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReport:
    """How a build went.

    :ivar rows: A row for every document that could be, in manifest order.
    :ivar index: The index folder.
    :ivar generation: Number of the generation in force now.
    :ivar changed: Whether a new generation was written.
    :ivar removed: Documents of the old generation that the new one no longer holds.
    :ivar recall_at_10: Share of the best 10 chunks that a search finds: 1 but in large indexes.
    """

    rows: tuple[BuildRow, ...]
    index: Path
    generation: int
    changed: bool
    removed: tuple[str, ...] = ()
    recall_at_10: float = 1.0

    @property
    def counts(self) -> dict[BuildStatus, int]:
        """Return how many rows have each status; statuses without a row are left out."""
        return dict(Counter(row.status for row in self.rows))

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON values, schema ``ragqa/build/1``.

        :return: Its fields, `schema`, and `counts`.
        """
        values = {**asdict(self), "index": str(self.index), "counts": self.counts}
        return {"schema": "ragqa/build/1", **values}


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildProgress:
    """How far a build is.

    :ivar stage: ``build`` while documents are worked on, ``write`` at the end.
    :ivar done: Documents finished.
    :ivar total: Documents there are.
    :ivar item: What was just finished.
    :ivar pages: Pages parsed so far.
    """

    stage: Literal["build", "write"]
    done: int
    total: int
    item: str = ""
    pages: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Want:
    """One document that the index shall hold."""

    paper: Paper
    kind: DocumentKind
    key: str
    path: Path | None = None


def build_index(
    corpus: Path,
    index: Path,
    *,
    embedder: Embedder,
    jobs: int = 0,
    on_progress: Callable[[BuildProgress], None] = lambda progress: None,
) -> BuildReport:
    """Bring an index up to date with its corpus.

    :param corpus: The corpus folder, with ``manifest.yaml``.
    :param index: The index folder; it is made if needed.
    :param embedder: What embeds the chunks.
    :param jobs: Worker processes for parsing; 0 for one a core.
    :param on_progress: Called after each document.
    :return: A row for every document.
    :raises ManifestError: The manifest or lock has mistakes.
    :raises IndexBusyError: Another build is writing this index.
    :raises BuildError: No space or no permission; the old generation stays in force.
    """
    manifest = load_manifest(corpus / "manifest.yaml")
    wants, skipped = _wants(manifest, corpus, embedder)
    fingerprint = _fingerprint(manifest, corpus, index, embedder)
    with ExitStack() as stack:
        shelf = stack.enter_context(WorkShelf(index))
        old = _open_old(index, stack)
        job = _Build(old, shelf, embedder, on_progress, len(wants))
        job.run(wants, jobs)
        rows = _in_order(manifest, [*job.rows, *skipped])
        report = partial(BuildReport, rows=rows, index=index, changed=False)
        removed = _removed(old, {item.place for item in job.documents})
        if old is not None and not (job.is_new or removed) and _same(old, fingerprint):
            shelf.clear()
            return report(generation=old.number, recall_at_10=old.meta.recall_at_10)
        on_progress(BuildProgress(stage="write", done=len(wants), total=len(wants)))
        folder = write_generation(index, job.documents, manifest.papers, fingerprint=fingerprint)
        shelf.clear()
    new = read_meta(folder)
    recall = new.recall_at_10
    return report(generation=new.number, changed=True, removed=removed, recall_at_10=recall)


def _wants(
    manifest: Manifest, corpus: Path, embedder: Embedder
) -> tuple[list[_Want], list[BuildRow]]:
    """Return the documents to index, and rows for what is listed but not there."""
    files = {(file.paper_id, file.kind): file for file in local_files(manifest.papers, corpus)}
    wants: list[_Want] = []
    skipped: list[BuildRow] = []
    for paper in manifest.papers:
        before = len(wants)
        for kind, listed in _listed(paper):
            file = files.get((paper.paper_id, kind)) if kind != "summary" else None
            if kind == "summary" and paper.summary:
                content = sha256_bytes(paper.summary.encode())
                wants.append(_Want(paper=paper, kind=kind, key=_key(content, embedder)))
            elif file is not None:
                key = _key(file.sha256, embedder)
                wants.append(_Want(paper=paper, kind=kind, key=key, path=file.path))
            elif listed:
                skipped.append(_skipped(paper, kind))
        if len(wants) == before and not any(row.paper_id == paper.paper_id for row in skipped):
            skipped.append(_skipped(paper, None))
    return wants, skipped


def _listed(paper: Paper) -> tuple[tuple[Literal["pdf", "readme", "summary"], bool], ...]:
    return (
        ("pdf", paper.url is not None),
        ("readme", paper.github is not None),
        ("summary", bool(paper.summary)),
    )


def _skipped(paper: Paper, kind: DocumentKind | None) -> BuildRow:
    detail = "not fetched yet: run `ragqa fetch`" if kind else "the manifest lists no text of it"
    return BuildRow(paper_id=paper.paper_id, kind=kind, status="skipped", detail=detail)


def _key(content: str, embedder: Embedder) -> str:
    """Return a hash of the bytes and of every stage that they pass through."""
    stages = (content, PARSER_VERSION, CHUNKER_VERSION, repr(ChunkOptions()), embedder.fingerprint)
    return sha256_bytes("\0".join((*stages, *_lower_rows(embedder).values())).encode())


def _lower_rows(embedder: Embedder) -> dict[str, str]:
    """Return what tells rows of lower precision; without it a key is what it was before them."""
    return {} if embedder.rows == "float32" else {"embedder_rows": embedder.rows}


def _fingerprint(
    manifest: Manifest, corpus: Path, index: Path, embedder: Embedder
) -> dict[str, str]:
    return {
        "manifest": manifest.sha256,
        "corpus": Path(os.path.relpath(corpus.resolve(), index.resolve())).as_posix(),
        "parser": PARSER_VERSION,
        "chunker": CHUNKER_VERSION,
        "embedder": embedder.fingerprint,
        "embedder_name": embedder.name,
        **_lower_rows(embedder),
    }


def _open_old(index: Path, stack: ExitStack) -> Generation | None:
    """Open the generation in force; a missing or damaged one is built anew."""
    try:
        old = stack.enter_context(open_generation(index))
        old.store.keys()  # a store that is too large to be hashed when opened is read here first
    except IndexStateError:
        return None
    return old


def _same(old: Generation, fingerprint: dict[str, str]) -> bool:
    return dict(old.meta.fingerprint) == fingerprint


def _removed(old: Generation | None, places: set[tuple[str, DocumentKind]]) -> tuple[str, ...]:
    if old is None:
        return ()
    return tuple(
        f"{paper_id} ({kind})"
        for paper_id, kind in old.store.keys()
        if (paper_id, kind) not in places
    )


def _in_order(manifest: Manifest, rows: Sequence[BuildRow]) -> tuple[BuildRow, ...]:
    papers = [paper.paper_id for paper in manifest.papers]
    kinds = ["pdf", "readme", "summary", None]
    return tuple(sorted(rows, key=lambda r: (papers.index(r.paper_id), kinds.index(r.kind))))


@dataclass
class _Build:
    """One build's state: what is finished, and its rows."""

    old: Generation | None
    shelf: WorkShelf
    embedder: Embedder
    on_progress: Callable[[BuildProgress], None]
    total: int
    documents: list[IndexedDocument] = field(default_factory=list)
    rows: list[BuildRow] = field(default_factory=list)
    _unflushed: list[IndexedDocument] = field(default_factory=list)
    _flushed: float = field(default_factory=time.monotonic)

    @property
    def is_new(self) -> bool:
        """Say whether any document is not in the old generation as it is now."""
        return any(row.status == "built" for row in self.rows)

    def run(self, wants: Sequence[_Want], jobs: int) -> None:
        """Take over what is there, build the rest."""
        missing = [want for want in wants if not self._take_over(want)]
        for want, parsed in _parse(missing, jobs):
            if isinstance(parsed, ParseError):
                self._fail(want, parsed)
            else:
                self._build(want, parsed)

    def _take_over(self, want: _Want) -> bool:
        place = (want.paper.paper_id, want.kind)
        item = find_document(self.old, place, want.key) if self.old is not None else None
        status: BuildStatus = "reused"
        if item is None:
            item, status = self.shelf.find(place, want.key), "built"
        if item is None:
            return False
        self._finish(replace(item, paper=want.paper), status)
        return True

    def _build(self, want: _Want, document: Document) -> None:
        try:
            item = _index_document(want, document, self.embedder)
        except ParseError as error:
            self._fail(want, error)
            return
        self._finish(item, "built")
        self._unflushed.append(item)
        if time.monotonic() - self._flushed > _FLUSH_SECONDS:
            self.shelf.put(self._unflushed)
            self._unflushed.clear()
            self._flushed = time.monotonic()

    def _finish(self, item: IndexedDocument, status: BuildStatus) -> None:
        self.documents.append(item)
        row = BuildRow(
            paper_id=item.paper.paper_id,
            kind=item.document.kind,
            status=status,
            pages=len(item.document.pages),
            chunks=len(item.chunks),
            notes=item.document.notes,
        )
        self._add(row)

    def _fail(self, want: _Want, error: ParseError) -> None:
        row = BuildRow(
            paper_id=want.paper.paper_id,
            kind=want.kind,
            status="failed",
            reason=error.reason,
            detail=str(error),
        )
        self._add(row)

    def _add(self, row: BuildRow) -> None:
        self.rows.append(row)
        pages = sum(r.pages for r in self.rows if r.status == "built")
        item = f"{row.paper_id} ({row.kind})"
        self.on_progress(
            BuildProgress(
                stage="build", done=len(self.rows), total=self.total, item=item, pages=pages
            )
        )


def _parse(wants: Sequence[_Want], jobs: int) -> Iterator[tuple[_Want, Document | ParseError]]:
    """Parse summaries and READMEs here, PDFs in worker processes."""
    by_paper = {want.paper.paper_id: want for want in wants if want.kind == "pdf"}
    for want in wants:
        if want.kind != "pdf":
            yield want, _parse_plain(want)
    requests = [
        ParseRequest(paper_id=paper_id, kind="pdf", path=want.path)
        for paper_id, want in by_paper.items()
        if want.path is not None
    ]
    for request, parsed in parse_many(requests, jobs=jobs):
        yield by_paper[request.paper_id], parsed


def _parse_plain(want: _Want) -> Document | ParseError:
    try:
        if want.path is not None:
            return parse_readme(want.path, paper_id=want.paper.paper_id)
        return parse_summary(want.paper.summary or "", paper_id=want.paper.paper_id)
    except ParseError as error:
        return error


def _index_document(want: _Want, document: Document, embedder: Embedder) -> IndexedDocument:
    chunks = chunk_document(document, embedder.count_tokens, max_tokens=embedder.max_tokens)
    if not chunks:
        raise ParseError(
            "the document has no text outside its bibliography",
            reason="no-text",
            item=f"{want.paper.paper_id} ({want.kind})",
        )
    spans = [
        [(s.start - chunk.start, s.end - chunk.start) for s in chunk.sentences] for chunk in chunks
    ]
    vectors = embedder.embed_chunks([chunk.text for chunk in chunks], spans)
    return IndexedDocument(
        paper=want.paper,
        document=document,
        chunks=chunks,
        chunk_vectors=vectors.chunks,
        sentence_vectors=quantise(vectors.sentences),
        key=want.key,
    )
