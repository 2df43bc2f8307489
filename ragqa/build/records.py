"""What is told of a build: its report, a row for each document, and how far it is."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ragqa.errors import ParseReason
from ragqa.records import DocumentKind

__all__ = ["BuildProgress", "BuildReport", "BuildRow", "BuildStatus"]

BuildStatus = Literal["reused", "built", "failed", "skipped"]
"""How one document fared: `skipped` has no file yet, `failed` has one that cannot be used."""


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
    :ivar pages: Pages of the documents built so far.
    :ivar reused: Documents of `done` that were there before: of the old generation, or finished by
        a build that was killed. They come first.
    """

    stage: Literal["build", "write"]
    done: int
    total: int
    item: str = ""
    pages: int = 0
    reused: int = 0
