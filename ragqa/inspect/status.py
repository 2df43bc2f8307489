"""What a corpus lists, what of it is on disk, and what the index holds of that.

In: a corpus or an index folder. Out: a `Status`, schema ``ragqa/status/1``. Nothing is written.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ragqa._files import sha256_bytes
from ragqa.api.corpus import MANIFEST
from ragqa.api.index import default_index
from ragqa.errors import IndexMissingError
from ragqa.index.generation import Generation, open_generation
from ragqa.inspect.places import FileStatus, corpus_of, file_states, folder_bytes, is_index
from ragqa.manifest import Manifest, load_manifest
from ragqa.records import DocumentKind, Paper, Role, SourceState

__all__ = ["SCHEMA", "DocumentStatus", "IndexStatus", "PaperStatus", "Status", "status_of"]

SCHEMA = "ragqa/status/1"
"""Name and version of the JSON form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentStatus:
    """One text of a paper in the index.

    :ivar kind: Which text.
    :ivar pages: Its pages; 0 for README and summary.
    :ivar chunks: Its chunks.
    :ivar sha256: Hash of the bytes it was made from, hex.
    """

    kind: DocumentKind
    pages: int
    chunks: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperStatus:
    """How one listed paper stands.

    :ivar paper_id: The paper.
    :ivar title: Its title.
    :ivar role: Recommended model or related paper.
    :ivar state: How much of its text the index holds.
    :ivar files: Its listed files and how they stand; empty where the corpus is not there.
    :ivar documents: Its texts in the index.
    :ivar stale: What of it is not in the index as it is on disk now, one line each.
    """

    paper_id: str
    title: str
    role: Role
    state: SourceState
    files: tuple[FileStatus, ...]
    documents: tuple[DocumentStatus, ...]
    stale: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexStatus:
    """The generation in force.

    :ivar directory: The index folder.
    :ivar generation: Its number.
    :ivar created: When it was written, ISO 8601, UTC.
    :ivar age_s: Seconds since then.
    :ivar embedder: The embedding model's name.
    :ivar papers: Papers that it lists.
    :ivar documents: Texts that it holds.
    :ivar chunks: Chunks that it holds.
    :ivar size: Bytes of its files.
    """

    directory: str
    generation: int
    created: str
    age_s: int
    embedder: str
    papers: int
    documents: int
    chunks: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What there is.

    :ivar corpus: The corpus folder; None where it is not there any more.
    :ivar corpus_size: Bytes of its files.
    :ivar index: The index; None where none was built.
    :ivar papers: Every listed paper, and those that only the index still has.
    :ivar stale: Why the index is not what a rebuild would give, one line each; empty where it is.
    """

    corpus: str | None
    corpus_size: int
    index: IndexStatus | None
    papers: tuple[PaperStatus, ...]
    stale: tuple[str, ...]

    @property
    def pages(self) -> int:
        """Return the pages of all texts in the index."""
        return sum(document.pages for paper in self.papers for document in paper.documents)

    def to_dict(self) -> dict[str, Any]:
        """Return the status as JSON values, schema ``ragqa/status/1``.

        :return: `corpus`, `index`, `papers`, `stale`, `pages` and counts by state.
        """
        return {
            "schema": SCHEMA,
            **asdict(self),
            "pages": self.pages,
            "states": dict(Counter(paper.state for paper in self.papers)),
            "files": dict(Counter(file.state for paper in self.papers for file in paper.files)),
        }


def status_of(directory: str | Path, *, index: str | Path | None = None) -> Status:
    """Say what a corpus and its index hold.

    :param directory: The corpus folder, or the index folder.
    :param index: The index, for a corpus whose index is not where it is if none is named.
    :return: The status.
    :raises ManifestError: The manifest or the lock has mistakes, or there is no corpus.
    :raises IndexStateError: The index cannot be used.
    """
    directory = Path(directory)
    named = Path(index) if index is not None else None
    if named is None and is_index(directory):
        with open_generation(directory) as generation:
            return _status(corpus_of(directory, generation.meta), directory, generation)
    folder = named or default_index(directory)
    load_manifest(directory / MANIFEST)  # before anything is said of an index
    try:
        with open_generation(folder) as generation:
            return _status(directory, folder, generation)
    except IndexMissingError:
        if named is not None:
            raise
        return _status(directory, folder, None)


def _status(corpus: Path | None, index: Path, generation: Generation | None) -> Status:
    manifest = load_manifest(corpus / MANIFEST) if corpus else None
    files = file_states(manifest.papers, corpus) if manifest and corpus else ()
    stored = generation.store.papers() if generation else ()
    listed = manifest.papers if manifest else stored
    ids = {paper.paper_id for paper in listed}
    gone = tuple(paper for paper in stored if paper.paper_id not in ids)
    papers = tuple(
        _paper(paper, files, generation, is_listed=paper.paper_id in ids)
        for paper in (*listed, *gone)
    )
    return Status(
        corpus=str(corpus) if corpus else None,
        corpus_size=folder_bytes(corpus) if corpus else 0,
        index=_index(index, generation) if generation else None,
        papers=papers,
        stale=_stale(manifest, papers, generation),
    )


def _index(directory: Path, generation: Generation) -> IndexStatus:
    meta = generation.meta
    age = datetime.now(UTC) - datetime.fromisoformat(meta.created)
    return IndexStatus(
        directory=str(directory),
        generation=meta.number,
        created=meta.created,
        age_s=int(age.total_seconds()),
        embedder=meta.fingerprint.get("embedder_name", ""),
        papers=meta.counts.papers,
        documents=meta.counts.documents,
        chunks=meta.counts.chunks,
        size=meta.size,
    )


def _paper(
    paper: Paper, files: tuple[FileStatus, ...], generation: Generation | None, *, is_listed: bool
) -> PaperStatus:
    own = tuple(file for file in files if file.paper_id == paper.paper_id)
    documents = _documents(paper.paper_id, generation) if generation else ()
    return PaperStatus(
        paper_id=paper.paper_id,
        title=paper.title,
        role=paper.role,
        state=_state({document.kind for document in documents}) if is_listed else "removed",
        files=own,
        documents=documents,
        stale=tuple(_differences(paper, own, documents)) if generation and is_listed else (),
    )


def _documents(paper_id: str, generation: Generation) -> tuple[DocumentStatus, ...]:
    store = generation.store
    found = []
    for kind in store.kinds(paper_id):
        document = store.document(paper_id, kind)
        chunks = len(store.document_rows(paper_id, kind))
        found.append(
            DocumentStatus(
                kind=kind, pages=len(document.pages), chunks=chunks, sha256=document.sha256
            )
        )
    return tuple(found)


def _state(kinds: set[DocumentKind]) -> SourceState:
    if "pdf" in kinds:
        return "full-text"
    if "readme" in kinds:
        return "readme-only"
    return "summary-only" if "summary" in kinds else "no-text"


def _differences(
    paper: Paper, files: tuple[FileStatus, ...], documents: tuple[DocumentStatus, ...]
) -> list[str]:
    """Say which texts of a paper the index has otherwise than they are now."""
    indexed = {document.kind: document.sha256 for document in documents}
    now: dict[DocumentKind, str] = {
        file.kind: file.sha256 for file in files if file.state == "usable" and file.sha256
    }
    if paper.summary:
        now["summary"] = sha256_bytes(paper.summary.encode())
    new = "not in the index: not built yet, or without usable text"
    said = [f"{kind}: {new}" for kind in now if kind not in indexed]
    said += [f"{kind}: no longer there" for kind in indexed if kind not in now]
    both = now.keys() & indexed.keys()
    return said + [f"{kind}: changed since" for kind in sorted(both) if now[kind] != indexed[kind]]


def _stale(
    manifest: Manifest | None, papers: tuple[PaperStatus, ...], generation: Generation | None
) -> tuple[str, ...]:
    if generation is None or manifest is None:
        return ()
    is_same = manifest.sha256 == generation.meta.fingerprint.get("manifest")
    said = [] if is_same else ["the manifest was changed since the index was built"]
    said += [
        f"{paper.paper_id}: taken off the list" for paper in papers if paper.state == "removed"
    ]
    return (*said, *(f"{paper.paper_id} {line}" for paper in papers for line in paper.stale))
