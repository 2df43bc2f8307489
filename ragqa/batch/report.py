"""What a batch tells: a row for every card, the summary as JSON and Markdown, progress.

Invariants: the summary is a function of cards, papers and answers, without a time or a word on
what was taken over, so that a run that was killed and repeated ends with the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ragqa.records import AbstentionReason, Answer, DocumentKind, NoticeCode, SourceState

__all__ = [
    "SCHEMA",
    "BatchProgress",
    "BatchReport",
    "BatchRow",
    "CardStatus",
    "MissingText",
    "left_undone",
    "missing_texts",
    "row_from_dict",
]

SCHEMA = "ragqa/batch/1"
"""Name and version of the summary's JSON form."""

CardStatus = Literal["answered", "abstained", "failed"]
"""How one card fared: `abstained` is a result, `failed` has no answer."""

_MARKUP = "\\`*_[]<>|~&#$"


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingText:
    """A listed text that the index does not hold.

    :ivar paper_id: The paper.
    :ivar title: Its title as the card lists it.
    :ivar kind: Which text of it; None where the card lists none.
    :ivar url: The listed link.
    """

    paper_id: str
    title: str
    kind: DocumentKind | None
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRow:
    """How one card fared.

    :ivar card: The card, as it was named.
    :ivar name: What its files are called.
    :ivar status: How it fared.
    :ivar reason: Why it abstained.
    :ivar detail: Why it failed, and what to do; or where its chat model failed.
    :ivar sections: Sections of its answer.
    :ivar statements: Cited statements of its answer.
    :ivar sources: How many of its papers are in each state; states without a paper are left out.
    :ivar missing: Listed texts that the index does not hold.
    :ivar notes: What was merged, guessed or odd about the card.
    :ivar card_sha256: Hash of the card's bytes, hex; empty where it cannot be read.
    :ivar index: Fingerprint of the generation that answered.
    :ivar index_sha256: Hash of what that generation holds, hex.
    :ivar reranker: Fingerprint of the reranker that read along; empty where there was none.
    :ivar model: Name and fingerprint of the chat model that wrote; empty where there was none.
    :ivar unfinished: Whether the chat model failed in it, so that it is answered again.
    :ivar files: The answer's files and their hashes, hex.
    """

    card: str
    name: str
    status: CardStatus
    reason: AbstentionReason | None = None
    detail: str = ""
    sections: int = 0
    statements: int = 0
    sources: Mapping[SourceState, int] = field(default_factory=dict)
    missing: tuple[MissingText, ...] = ()
    notes: tuple[str, ...] = ()
    card_sha256: str = ""
    index: str = ""
    index_sha256: str = ""
    reranker: str = ""
    model: str = ""
    unfinished: bool = False
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReport:
    """How a batch went.

    :ivar rows: A row for every card that is done, in the order given.
    :ivar total: How many cards there are.
    :ivar version: Version of ragqa that answered.
    :ivar reused: How many answers were there already and are right; not part of the summary.
    """

    rows: tuple[BatchRow, ...]
    total: int
    version: str
    reused: int = 0

    @property
    def counts(self) -> dict[CardStatus, int]:
        """Return how many cards have each status; statuses without a card are left out."""
        return dict(Counter(row.status for row in self.rows))

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as JSON values, schema ``ragqa/batch/1``.

        :return: `schema`, `ragqa`, `total`, `waiting`, `counts` and `rows`.
        """
        return {
            "schema": SCHEMA,
            "ragqa": self.version,
            "total": self.total,
            "waiting": self.total - len(self.rows),
            "counts": self.counts,
            "rows": [asdict(row) for row in self.rows],
        }

    def to_markdown(self) -> str:
        """Return the summary as a Markdown table.

        :return: Text that ends with a line feed.
        """
        counts = ", ".join(f"{count} {status}" for status, count in sorted(self.counts.items()))
        waiting = self.total - len(self.rows)
        more = f", {waiting} not done yet" if waiting else ""
        lines = [
            f"# {self.total} question cards",
            "",
            f"{counts or 'none done'}{more}.",
            "",
            "| Card | Result | Sections | Statements | Sources | Missing |",
            "|---|---|---|---|---|---|",
            *(_line(row) for row in self.rows),
        ]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchProgress:
    """How far a batch is.

    :ivar stage: What is being done.
    :ivar done: How many files, documents or cards of this stage are finished.
    :ivar total: How many there are.
    :ivar item: What was just finished.
    """

    stage: Literal["fetch", "build", "answer"]
    done: int
    total: int
    item: str = ""


def missing_texts(answer: Answer) -> tuple[MissingText, ...]:
    """Return the listed texts that an answer could not draw on.

    :param answer: The answer.
    :return: A row for each link whose text the index does not hold, and for each paper that has
        neither link nor text.
    """
    found = []
    for source in answer.sources:
        wanted: list[tuple[DocumentKind | None, str | None]] = [
            ("readme" if "//github.com/" in link or "//www.github.com/" in link else "pdf", link)
            for link in source.links
        ]
        if not wanted and not source.documents:
            wanted = [(None, None)]
        found += [
            MissingText(paper_id=source.paper_id, title=source.title, kind=kind, url=link)
            for kind, link in wanted
            if kind not in source.documents
        ]
    return tuple(found)


_UNDONE: frozenset[NoticeCode] = frozenset({"model-failed", "model-broke-off", "model-stopped"})


def left_undone(answer: Answer) -> str:
    """Say where the chat model of an answer failed, so that asking again may give more.

    :param answer: The answer.
    :return: The first notice of it; empty where it did all that it was asked for.
    """
    said = (*answer.notices, *(item for section in answer.sections for item in section.notices))
    return next((item.text for item in said if item.code in _UNDONE), "")


def row_from_dict(value: dict[str, Any]) -> BatchRow:
    """Return a row as a summary holds it.

    :param value: One of the summary's `rows`.
    :return: The row.
    :raises TypeError: It is no such row.
    """
    missing = tuple(MissingText(**each) for each in value.pop("missing", ()))
    notes = tuple(value.pop("notes", ()))
    return BatchRow(missing=missing, notes=notes, **value)


def _line(row: BatchRow) -> str:
    said = row.reason or row.detail
    result = f"{row.status}: {_escape(said)}" if said else row.status
    sources = ", ".join(f"{count} {state}" for state, count in sorted(row.sources.items()))
    missing = "; ".join(
        f"{_escape(each.title)} ({each.kind or 'no text listed'})" for each in row.missing
    )
    name = f"[{_escape(row.name)}]({_link(row.name)}.md)" if row.files else _escape(row.name)
    return f"| {name} | {result} | {row.sections} | {row.statements} | {sources} | {missing} |"


def _escape(text: str) -> str:
    flat = " ".join(text.split())
    return "".join(f"\\{char}" if char in _MARKUP else char for char in flat)


def _link(name: str) -> str:
    from urllib.parse import quote

    return quote(name)
