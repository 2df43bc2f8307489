"""Brings an index up to date: what is there is taken over, what is missing is made, all is written.

In: a corpus folder and an index folder. Out: a report. Invariants: documents are made and written
in canonical order, a few at a time, so that memory does not grow with their number; what was made
is found again by the next build, however this one ends, but for some seconds of a killed one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ragqa.build.making import Cut, cut, embed
from ragqa.build.records import BuildProgress, BuildReport, BuildRow, BuildStatus
from ragqa.build.wants import Want, lower_rows, wanted
from ragqa.chunk import CHUNKER_VERSION
from ragqa.errors import BuildError, IndexStateError, ParseError
from ragqa.index.generation import (
    Generation,
    find_document,
    open_generation,
    write_generation,
)
from ragqa.index.meta import read_meta
from ragqa.index.packing import PackedDocument
from ragqa.index.records import Place
from ragqa.index.store import DocumentFacts
from ragqa.index.work import WorkShelf, load_finished
from ragqa.manifest import Manifest, load_manifest
from ragqa.parse import PARSER_VERSION
from ragqa.parse.worker import Parse, work_many
from ragqa.records import DocumentKind

if TYPE_CHECKING:
    from ragqa.embed import Embedder

__all__ = ["build_index"]

_TOGETHER = 128  # chunks embedded in one call: one document alone leaves a core idle at its end,
# 19.7k tokens/s instead of 22.8k for all of 12 papers at once (0004); a second's work or so
_KINDS: tuple[DocumentKind | None, ...] = ("pdf", "readme", "summary", None)  # as rows are shown


def build_index(
    corpus: Path,
    index: Path,
    *,
    embedder: Embedder,
    jobs: int = 0,
    on_progress: Callable[[BuildProgress], None] = lambda progress: None,
) -> BuildReport:
    """Bring an index up to date with its corpus.

    An exception, also one of `on_progress`, ends the build; what was finished is kept for the next.

    :param corpus: The corpus folder, with ``manifest.yaml``.
    :param index: The index folder; it is made if needed.
    :param embedder: What embeds the chunks; its `embed_chunks` is called in this thread, its
        `count_tokens` in others.
    :param jobs: Worker processes for parsing; 0 for one a core.
    :param on_progress: Called after each document, in this thread.
    :return: A row for every document.
    :raises ManifestError: The manifest or lock has mistakes.
    :raises IndexBusyError: Another build is writing this index.
    :raises BuildError: No space or no permission; the old generation stays in force.
    """
    manifest = load_manifest(corpus / "manifest.yaml")
    wants, skipped = wanted(manifest, corpus, embedder)
    fingerprint = _fingerprint(manifest, corpus, index, embedder)
    with ExitStack() as stack:
        shelf = stack.enter_context(WorkShelf(index))
        old = _open_old(index, stack)
        job = _Build(old, shelf, embedder, on_progress, len(wants))
        stack.push(job.keep)
        job.run(wants, jobs)
        rows = _in_order(manifest, [*job.rows, *skipped])
        report = partial(BuildReport, rows=rows, index=index, changed=False)
        removed = _removed(old, job.places)
        if old is not None and not (job.is_new or removed) and _same(old, fingerprint):
            shelf.clear()
            return report(generation=old.number, recall_at_10=old.meta.recall_at_10)
        job.tell("write")
        folder = write_generation(index, job.documents(), manifest.papers, fingerprint=fingerprint)
        shelf.clear()
    new = read_meta(folder)
    recall = new.recall_at_10
    return report(generation=new.number, changed=True, removed=removed, recall_at_10=recall)


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
        **lower_rows(embedder),
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


def _removed(old: Generation | None, places: set[Place]) -> tuple[str, ...]:
    if old is None:
        return ()
    return tuple(
        f"{paper_id} ({kind})"
        for paper_id, kind in old.store.keys()
        if (paper_id, kind) not in places
    )


def _in_order(manifest: Manifest, rows: Sequence[BuildRow]) -> tuple[BuildRow, ...]:
    position = {paper.paper_id: number for number, paper in enumerate(manifest.papers)}
    return tuple(sorted(rows, key=lambda r: (position[r.paper_id], _KINDS.index(r.kind))))


class _Build:
    """One build's state: where each finished document is, and its row.

    :param old: The generation in force, if there is one.
    :param shelf: What is finished and not in force.
    :param embedder: What embeds the chunks.
    :param on_progress: Called after each document.
    :param total: How many documents there are.
    """

    def __init__(
        self,
        old: Generation | None,
        shelf: WorkShelf,
        embedder: Embedder,
        on_progress: Callable[[BuildProgress], None],
        total: int,
    ) -> None:
        self._old, self._shelf, self._embedder = old, shelf, embedder
        self._on_progress, self._total = on_progress, total
        self._in_old: dict[Place, bool] = {}
        self._pages = self._reused = 0
        self.rows: list[BuildRow] = []

    @property
    def is_new(self) -> bool:
        """Say whether any document is not in the old generation as it is now."""
        return not all(self._in_old.values())

    @property
    def places(self) -> set[Place]:
        """Return where the documents stand that the index will hold."""
        return set(self._in_old)

    def run(self, wants: Sequence[Want], jobs: int) -> None:
        """Take over what is there, make the rest."""
        missing = [want for want in wants if not self._take_over(want)]
        with closing(work_many(missing, self._cut, jobs=jobs)) as cuts:
            waiting: list[tuple[Want, Cut]] = []
            for want, made in cuts:
                if isinstance(made, ParseError):
                    self._fail(want, made)
                    continue
                waiting.append((want, made))
                if sum(len(made.chunks) for _, made in waiting) >= _TOGETHER:
                    self._make(waiting)
                    waiting = []
            if waiting:
                self._make(waiting)

    def _make(self, cuts: Sequence[tuple[Want, Cut]]) -> None:
        """Embed documents and put them on the shelf."""
        for (want, made), packed in zip(cuts, embed(cuts, self._embedder), strict=True):
            self._shelf.add(packed)
            self._pages += len(made.document.pages)
            self._finish(want, _facts(made), "built")

    def documents(self) -> Iterator[PackedDocument]:
        """Load what the index will hold, one document after the other, in canonical order."""
        return load_finished(self._old, self._shelf, self._in_old)

    def keep(self, kind: type[BaseException] | None, *_: object) -> None:
        """Leave what was finished to the next build, if this one ends early."""
        if kind is not None:
            with suppress(BuildError):  # the disk may be full, and what ends the build says more
                self._shelf.flush()

    def tell(self, stage: Literal["build", "write"], item: str = "") -> None:
        """Say how far the build is."""
        done = len(self.rows)
        progress = BuildProgress(
            stage=stage,
            done=done,
            total=self._total,
            item=item,
            pages=self._pages,
            reused=self._reused,
        )
        self._on_progress(progress)

    def _cut(self, want: Want, parse: Parse) -> Cut | ParseError:
        embedder = self._embedder
        return cut(want, parse, embedder.count_tokens, embedder.max_tokens)

    def _take_over(self, want: Want) -> bool:
        """Note a document that need not be made: of the old generation, or of a killed build."""
        found = None if self._old is None else find_document(self._old, want.place, want.key)
        status: BuildStatus = "reused"
        if found is None:
            found, status = self._shelf.find(want.place, want.key), "built"
        if found is None:
            return False
        self._reused += 1
        self._finish(want, found, status)
        return True

    def _finish(self, want: Want, facts: DocumentFacts, status: BuildStatus) -> None:
        self._in_old[want.place] = status == "reused"
        row = BuildRow(
            paper_id=want.paper.paper_id,
            kind=want.kind,
            status=status,
            pages=facts.pages,
            chunks=facts.chunks,
            notes=facts.notes,
        )
        self._add(row)

    def _fail(self, want: Want, error: ParseError) -> None:
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
        self.tell("build", f"{row.paper_id} ({row.kind})")


def _facts(made: Cut) -> DocumentFacts:
    document = made.document
    return DocumentFacts(pages=len(document.pages), chunks=len(made.chunks), notes=document.notes)
