"""Cards -> jobs, and a corpus and index for the jobs that share one.

In: cards' files. Out: a `Job` for each, and a `Reader` over what they share. The shared manifest is
written only over one that a batch wrote (``batch.json`` beside it holds the hashes of those): what
a person listed or edited is never overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ragqa._files import atomic_writer, read_json, sha256_bytes, write_json
from ragqa.api.corpus import MANIFEST, Corpus
from ragqa.api.index import default_index
from ragqa.batch.report import BatchProgress
from ragqa.batch.union import unite
from ragqa.card.decoding import read_bytes
from ragqa.card.reading import Card, parse_bytes
from ragqa.errors import CorpusError, RagqaError
from ragqa.manifest import load_manifest, render_manifest
from ragqa.records import Paper

if TYPE_CHECKING:
    from ragqa.answer.writing import OnNothing
    from ragqa.api import Reader
    from ragqa.build import BuildProgress
    from ragqa.fetch import FetchOptions, FetchProgress
    from ragqa.rerank import Reranker

__all__ = ["Group", "Job", "prepare", "read_jobs"]

_MARK = "batch.json"  # beside a manifest that a batch wrote
_MARK_SCHEMA = "ragqa/batch-corpus/1"
_NO_CARD = Card(question="", instructions=(), papers=())


@dataclass(slots=True, kw_only=True)
class Job:
    """One card.

    :ivar path: Its file.
    :ivar place: Its place among the cards, from 0.
    :ivar name: What its answer's files are called.
    :ivar sha256: Hash of its bytes, hex; empty where it cannot be read.
    :ivar card: What it says.
    :ivar papers: Its papers under the shared ids; None where the corpus is its own.
    :ivar notes: What was merged, guessed or odd.
    :ivar error: Why it cannot be used.
    """

    path: Path
    place: int
    name: str
    sha256: str = ""
    card: Card = _NO_CARD
    papers: tuple[Paper, ...] | None = None
    notes: tuple[str, ...] = ()
    error: RagqaError | None = None

    @property
    def shown(self) -> str:
        """Return the card's path as the summary shows it."""
        return self.path.as_posix()


class _Options(Protocol):
    """What preparing needs of the batch's options."""

    @property
    def fetch(self) -> FetchOptions: ...
    @property
    def embedder(self) -> str | None: ...
    @property
    def jobs(self) -> int: ...
    @property
    def model(self) -> Any: ...  # noqa: ANN401 - a chat model cannot be named here
    @property
    def on_nothing(self) -> OnNothing: ...
    @property
    def nli(self) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Cards that are answered from one index.

    :ivar corpus: The corpus folder.
    :ivar index: The index folder.
    :ivar jobs: The cards.
    :ivar is_shared: Whether the batch makes the corpus; else it is one card's own.
    """

    corpus: Path
    index: Path
    jobs: tuple[Job, ...]
    is_shared: bool

    @classmethod
    def of(cls, jobs: Sequence[Job], corpus: Path, index: Path) -> list[Group]:
        """Put cards together that share an index.

        :param jobs: The cards.
        :param corpus: The shared corpus folder.
        :param index: The shared index folder.
        :return: A group for each card beside a manifest, and one of all others.
        """
        own = [job for job in jobs if (job.path.parent / MANIFEST).exists()]
        groups = [
            cls(
                corpus=job.path.parent,
                index=default_index(job.path.parent),
                jobs=(job,),
                is_shared=False,
            )
            for job in own
        ]
        rest = tuple(job for job in jobs if job not in own)
        shared = [cls(corpus=corpus, index=index, jobs=rest, is_shared=True)] if rest else []
        return [*groups, *shared]


def read_jobs(cards: Sequence[Path], *, reserved: str) -> tuple[dict[str, Job], dict[str, Job]]:
    """Read cards, and give each a name of its own.

    :param cards: The files.
    :param reserved: A name that no card may have.
    :return: The cards by name, and those that cannot be used.
    """
    good: dict[str, Job] = {}
    bad: dict[str, Job] = {}
    taken = {reserved}
    for place, path in enumerate(cards):
        usual = path.resolve().parent.name if path.name == "card.txt" else path.stem
        name, count = usual, 1
        while name.casefold() in taken:
            count += 1
            name = f"{usual}-{count}"
        taken.add(name.casefold())
        job = _read(Job(path=path, place=place, name=name))
        (bad if job.error else good)[name] = job
    return good, bad


def _read(job: Job) -> Job:
    try:
        data = read_bytes(job.path)
        job.sha256 = sha256_bytes(data)
        job.card = parse_bytes(data, name=str(job.path))
        job.notes = job.card.notes
        render_manifest(job.card.papers, name=job.path)  # names what no manifest may list
    except RagqaError as error:
        job.error = error
    return job


def prepare(
    group: Group,
    options: _Options,
    on_progress: Callable[[BatchProgress], None],
    on_message: Callable[[str], None],
    *,
    reranker: Reranker | None = None,
) -> Reader:
    """Bring a group's corpus and index up to date, and open it.

    :param group: The cards and their corpus.
    :param options: How to fetch and build.
    :param on_progress: Told of every file and document.
    :param on_message: Told what could not be had.
    :param reranker: What reads the best chunks once more.
    :return: The open reader.
    :raises RagqaError: The corpus or the index cannot be used.
    """
    from ragqa.api import Reader

    corpus = _shared_corpus(group) if group.is_shared else _own_corpus(group.jobs[0], group.corpus)
    _fetch(corpus, options, on_progress, on_message)
    _build(corpus, group.index, options, on_progress, on_message)
    reader = Reader.open(group.index, reranker=reranker, model=options.model)
    reader.on_nothing = options.on_nothing
    reader.nli = options.nli
    return reader


def _own_corpus(job: Job, directory: Path) -> Corpus:
    corpus, imported = Corpus.from_card(job.path, directory)
    job.notes = imported.notes
    return corpus


def _shared_corpus(group: Group) -> Corpus:
    """Write the manifest of all cards' papers, where it is not there already."""
    directory, path = group.corpus, group.corpus / MANIFEST
    try:
        directory.mkdir(parents=True, exist_ok=True)
        old = path.read_bytes() if path.exists() else None
        if old is not None and sha256_bytes(old) not in _marks(directory):
            raise CorpusError(
                "the corpus of these cards was made or edited by hand",
                item=directory,
                hint="Choose another --out, or move that folder away",
            )
        before = () if old is None else load_manifest(path).papers
        union = unite([job.card.papers for job in group.jobs], before=before)
        new = render_manifest(union.papers, name=path)
        if new != old:
            hashes = [sha256_bytes(data) for data in (old, new) if data is not None]
            write_json(directory / _MARK, {"schema": _MARK_SCHEMA, "manifests": hashes})
            with atomic_writer(path) as file:
                file.write(new)
    except OSError as error:
        raise CorpusError(
            f"the corpus cannot be written ({error.strerror})", item=directory
        ) from error
    for job, view in zip(group.jobs, union.views, strict=True):
        job.papers, job.notes = view.papers, (*job.card.notes, *view.notes)
    return Corpus(directory)


def _marks(directory: Path) -> tuple[str, ...]:
    """Return the hashes of the manifests that batches wrote here last."""
    try:
        return tuple(read_json(directory / _MARK)["manifests"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def _fetch(
    corpus: Corpus,
    options: _Options,
    on_progress: Callable[[BatchProgress], None],
    on_message: Callable[[str], None],
) -> None:
    total = sum(max(1, len(paper.links)) for paper in corpus.papers)
    progress = BatchProgress(stage="fetch", done=0, total=total)

    def show(fetched: FetchProgress) -> None:
        nonlocal progress
        if fetched.row is not None:
            progress = replace(progress, done=progress.done + 1, item=fetched.paper_id)
            on_progress(progress)

    report = corpus.fetch(options.fetch, on_progress=show)
    for row in report.failures:
        on_message(f"{row.paper_id} {row.kind or ''}: [{row.reason}] {row.detail}")


def _build(
    corpus: Corpus,
    index: Path,
    options: _Options,
    on_progress: Callable[[BatchProgress], None],
    on_message: Callable[[str], None],
) -> None:
    from ragqa.api import Index

    def show(built: BuildProgress) -> None:
        on_progress(
            BatchProgress(stage="build", done=built.done, total=built.total, item=built.item)
        )

    made = Index.build(
        corpus,
        index,
        embedder=options.embedder,
        jobs=options.jobs,
        on_progress=show,
        on_message=on_message,
    )
    for row in made.report.rows if made.report else ():
        if row.status == "failed":
            on_message(f"{row.paper_id} {row.kind}: [{row.reason}] {row.detail}")
