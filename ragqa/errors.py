"""Every error that ragqa raises, as one tree.

::

    RagqaError
    ├── CardError               a question card cannot be read
    ├── ManifestError           manifest.yaml or manifest.lock is wrong (all problems at once)
    ├── CorpusError             a corpus folder, or a paper in it, cannot be used
    │   └── UnfetchedError      --locked, and an entry was never fetched
    ├── FetchError              one file could not be fetched (a row in FetchReport)
    ├── ParseError              one file could not be turned into a document (a row in BuildReport)
    ├── EmbedderError           an embedding model cannot be loaded or exported
    ├── RerankerError           a reranker cannot be loaded or exported
    ├── IndexStateError         an index cannot be used
    │   ├── IndexMissingError       there is none
    │   ├── IndexDamagedError       a file of it is not what was written
    │   ├── IndexMismatchError      it was built by another embedder or an unknown format
    │   └── IndexBusyError          another process is writing it
    ├── BuildError              a rebuild could not be finished; the old generation stays in force
    ├── QuestionError           a question is empty or far too long
    ├── CitationError           a citation does not resolve in this index
    ├── DatasetError            an evaluation dataset has mistakes (all of them at once)
    ├── ModelError              a chat model cannot be loaded, reached or paid for; `retryable`
    ├── EvaluationError         an evaluation cannot run or be read: measure, system, run folder
    └── OptionalDependencyError a feature needs an extra that is not installed

An error says what failed, on which item, and what to do. Errors of wrapped libraries
(requests, pdfium, FAISS, SQLite, tantivy, onnxruntime) are mapped onto this tree with
``raise ... from`` and never leak.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "BuildError",
    "CardError",
    "CitationError",
    "CorpusError",
    "DatasetError",
    "EmbedderError",
    "EvaluationError",
    "FetchError",
    "FetchReason",
    "IndexBusyError",
    "IndexDamagedError",
    "IndexMismatchError",
    "IndexMissingError",
    "IndexStateError",
    "ManifestError",
    "ModelError",
    "ModelReason",
    "OptionalDependencyError",
    "ParseError",
    "ParseReason",
    "Problem",
    "QuestionError",
    "RagqaError",
    "RerankerError",
    "UnfetchedError",
]

ParseReason = Literal[
    "empty-file",
    "not-a-pdf",
    "damaged-pdf",
    "encrypted",
    "no-text-layer",
    "garbled-text",
    "no-text",
    "too-slow",
    "crashed",
]
"""Why one file could not be parsed."""

FetchReason = Literal[
    "offline",
    "not-found",
    "forbidden",
    "rate-limited",
    "http-error",
    "timeout",
    "connection",
    "redirect",
    "html-instead-of-pdf",
    "not-a-pdf",
    "not-text",
    "empty-file",
    "incomplete",
    "too-large",
    "bad-url",
    "not-in-mirror",
    "changed",
    "disk",
]
"""Why one file could not be fetched."""

ModelReason = Literal[
    "unknown-model",
    "refused",
    "rate-limited",
    "timeout",
    "connection",
    "server-error",
    "bad-response",
    "too-long",
    "over-budget",
]
"""Why a chat model gave no output."""


class RagqaError(Exception):
    """The base of every error that ragqa raises on purpose.

    :param what: What failed, as one clause.
    :param item: Which item it failed on: a path, a link, a paper_id.
    :param hint: What the user can do about it, as one sentence.
    """

    def __init__(self, what: str, *, item: object = None, hint: str | None = None) -> None:
        self.what = what
        self.item = None if item is None else str(item)
        self.hint = hint
        super().__init__(what, item, hint)

    def __str__(self) -> str:
        """Return ``what: item. hint`` on one line."""
        text = self.what if self.item is None else f"{self.what}: {self.item}"
        return text if self.hint is None else f"{text}. {self.hint}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake in a file that a person wrote.

    :ivar line: Line number in the file, from 1; None where the mistake has no line.
    :ivar text: What is wrong, with the offending value, and what was expected.
    """

    line: int | None
    text: str

    def __str__(self) -> str:
        """Return ``line N: text``."""
        return self.text if self.line is None else f"line {self.line}: {self.text}"


class CardError(RagqaError):
    """A question card is unreadable, empty, or has no question."""


class ManifestError(RagqaError):
    """A manifest or lock file has mistakes; every one of them is in `problems`.

    :param path: The file.
    :param problems: All mistakes found, in file order.
    """

    def __init__(self, path: object, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        lines = "; ".join(str(problem) for problem in problems)
        super().__init__(f"{len(problems)} mistake(s) in {path}", item=lines)


class CorpusError(RagqaError):
    """A corpus folder, or a paper named in a call, cannot be used."""


class UnfetchedError(CorpusError):
    """``--locked`` was asked for and a listed file was never fetched, or differs from the lock."""


class FetchError(RagqaError):
    """One file could not be fetched.

    :param what: What failed.
    :param reason: The typed reason.
    :param item: The link.
    :param hint: What to do.
    :param retryable: Whether the same request may succeed later.
    """

    def __init__(
        self,
        what: str,
        *,
        reason: FetchReason,
        item: object = None,
        hint: str | None = None,
        retryable: bool = False,
    ) -> None:
        super().__init__(what, item=item, hint=hint)
        self.reason = reason
        self.retryable = retryable


class ParseError(RagqaError):
    """One file could not be turned into a document.

    :param what: What failed.
    :param reason: The typed reason.
    :param item: The file.
    :param hint: What to do.
    """

    def __init__(
        self, what: str, *, reason: ParseReason, item: object = None, hint: str | None = None
    ) -> None:
        super().__init__(what, item=item, hint=hint)
        self.reason = reason


class EmbedderError(RagqaError):
    """An embedding model cannot be found, loaded, checked or exported."""


class RerankerError(RagqaError):
    """A reranker cannot be found, loaded, checked or exported, or gives no single score."""


class IndexStateError(RagqaError):
    """An index cannot be used as it is."""


class IndexMissingError(IndexStateError):
    """There is no index in this folder."""


class IndexDamagedError(IndexStateError):
    """A file of the index is missing or is not what was written."""


class IndexMismatchError(IndexStateError):
    """The index was built by another embedder, or by an unknown format version."""


class IndexBusyError(IndexStateError):
    """Another process is writing this index."""


class BuildError(RagqaError):
    """A rebuild could not be finished (no space, no permission); the old index stays in force."""


class QuestionError(RagqaError):
    """A question is empty or longer than ragqa accepts."""


class CitationError(RagqaError):
    """A citation does not resolve in this index."""


class DatasetError(RagqaError):
    """An evaluation dataset has mistakes; every one of them is in `problems`.

    :param path: The dataset.
    :param problems: All mistakes found, each ``file:line: what is wrong``.
    """

    def __init__(self, path: object, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__(f"{len(problems)} mistake(s) in {path}", item="; ".join(problems))


class ModelError(RagqaError):
    """A chat model gave no output; whether asking again can help is in `retryable`.

    :param what: What failed, as one clause; never a key.
    :param reason: The reason code.
    :param item: The model as the user named it.
    :param hint: What the user can do about it.
    """

    def __init__(
        self, what: str, *, reason: ModelReason, item: object = None, hint: str | None = None
    ) -> None:
        super().__init__(what, item=item, hint=hint)
        self.reason = reason

    @property
    def retryable(self) -> bool:
        """Say whether the same request can succeed later."""
        return self.reason in {"rate-limited", "timeout", "connection", "server-error"}


class EvaluationError(RagqaError):
    """An evaluation cannot run: an unknown measure or system, or a run folder that is not one."""


class OptionalDependencyError(RagqaError):
    """A feature needs a package that is not installed.

    :param package: The missing package.
    :param extra: The ragqa extra that brings it.
    """

    def __init__(self, package: str, *, extra: str) -> None:
        super().__init__(
            "this needs a package that is not installed",
            item=package,
            hint=f"Run: pip install 'ragqa[{extra}]'",
        )
        self.extra = extra
