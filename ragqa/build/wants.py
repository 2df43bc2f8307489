"""Which documents an index shall hold, and by which key each is known again.

In: a manifest and its corpus folder. Out: a `Want` for each text that is there, in canonical
order, and rows for those that are listed and are not. Invariant: a key changes with the bytes and
with every stage that they pass through, and with nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ragqa._files import sha256_bytes
from ragqa.build.records import BuildRow
from ragqa.chunk import CHUNKER_VERSION, ChunkOptions
from ragqa.fetch import LocalFile, local_files
from ragqa.manifest import Manifest
from ragqa.parse import PARSER_VERSION
from ragqa.records import DocumentKind, Paper

if TYPE_CHECKING:
    from ragqa.embed import Embedder

__all__ = ["Want", "lower_rows", "wanted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """One document that the index shall hold.

    :ivar paper: Its paper.
    :ivar kind: Which text of it.
    :ivar key: Hash of all that it is made from.
    :ivar path: Its file; None for a summary.
    """

    paper: Paper
    kind: DocumentKind
    key: str
    path: Path | None = None

    @property
    def place(self) -> tuple[str, DocumentKind]:
        """Return where it stands in the index: ``(paper_id, kind)``."""
        return self.paper.paper_id, self.kind


def wanted(
    manifest: Manifest, corpus: Path, embedder: Embedder
) -> tuple[tuple[Want, ...], list[BuildRow]]:
    """Return the documents to index, and rows for what is listed but not there.

    :param manifest: The list of papers.
    :param corpus: The corpus folder.
    :param embedder: What will embed the chunks.
    :return: Documents in canonical order, by (paper_id, kind), and rows in manifest order.
    :raises CorpusError: The folder is missing, or a file cannot be read.
    :raises ManifestError: The lock has mistakes.
    """
    files = {(file.paper_id, file.kind): file for file in local_files(manifest.papers, corpus)}
    wants: list[Want] = []
    skipped: list[BuildRow] = []
    for paper in manifest.papers:
        found, missing = _of_paper(paper, files, embedder)
        wants += found
        skipped += missing or ([] if found else [_skipped(paper, None)])
    return tuple(sorted(wants, key=lambda want: want.place)), skipped


def _of_paper(
    paper: Paper, files: dict[tuple[str, Literal["pdf", "readme"]], LocalFile], embedder: Embedder
) -> tuple[list[Want], list[BuildRow]]:
    wants, skipped = [], []
    for kind, link in _links(paper):
        file = files.get((paper.paper_id, kind))
        if file is not None:
            key = _key(file.sha256, embedder)
            wants.append(Want(paper=paper, kind=kind, key=key, path=file.path))
        elif link is not None:
            skipped.append(_skipped(paper, kind))
    if paper.summary:
        key = _key(sha256_bytes(paper.summary.encode()), embedder)
        wants.append(Want(paper=paper, kind="summary", key=key))
    return wants, skipped


def _links(paper: Paper) -> tuple[tuple[Literal["pdf", "readme"], str | None], ...]:
    return ("pdf", paper.url), ("readme", paper.github)


def _skipped(paper: Paper, kind: DocumentKind | None) -> BuildRow:
    detail = "not fetched yet: run `ragqa fetch`" if kind else "the manifest lists no text of it"
    return BuildRow(paper_id=paper.paper_id, kind=kind, status="skipped", detail=detail)


def _key(content: str, embedder: Embedder) -> str:
    """Return a hash of the bytes and of every stage that they pass through."""
    stages = (content, PARSER_VERSION, CHUNKER_VERSION, repr(ChunkOptions()), embedder.fingerprint)
    return sha256_bytes("\0".join((*stages, *lower_rows(embedder).values())).encode())


def lower_rows(embedder: Embedder) -> dict[str, str]:
    """Return what tells rows of lower precision; without it a key is what it was before them.

    :param embedder: What will embed the chunks.
    :return: Its entry in a fingerprint; empty where there is nothing to tell.
    """
    return {} if embedder.rows == "float32" else {"embedder_rows": embedder.rows}
