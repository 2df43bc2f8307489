"""One batch: read the cards, fetch and build what they share, answer those that are not answered.

In: cards and the folder for the answers. Out: a `BatchReport`, and the files. The order of a
card's files is Markdown, JSON, summary, so a card that the summary names is complete; a run that is
killed between them answers that card again. Invariant: an answer is taken over only where the
card's bytes, what the index holds, the reranker, the chat model, ragqa's version and the bytes of
its files are all the same, and the chat model did not fail in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragqa._files import atomic_writer, read_json, sha256_file, write_json
from ragqa.api.chat import open_model
from ragqa.batch.report import (
    SCHEMA,
    BatchProgress,
    BatchReport,
    BatchRow,
    left_undone,
    missing_texts,
    row_from_dict,
)
from ragqa.batch.shared import Group, Job, prepare, read_jobs
from ragqa.errors import CardError, CorpusError, RagqaError
from ragqa.fetch import FetchOptions

if TYPE_CHECKING:
    from ragqa.answer.writing import OnNothing
    from ragqa.api import Reader
    from ragqa.generate.chat import ChatModel
    from ragqa.records import Answer
    from ragqa.rerank import Reranker

__all__ = ["BatchOptions", "answer_cards", "cards_in"]

SUMMARY = "summary"
_LOCK = ".batch.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOptions:
    """How a batch is done.

    :ivar corpus: The shared corpus; ``corpus/<name of the answers' folder>`` if None.
    :ivar index: Its index; ``indexes/<name of the answers' folder>`` if None.
    :ivar fetch: How to fetch.
    :ivar embedder: Name or folder of the embedding model; None for the packaged one.
    :ivar reranker: Name or folder of the reranker; None or ``none`` for nothing.
    :ivar jobs: Worker processes for parsing; 0 for one a core.
    :ivar html: Whether each answer is also written as an HTML file, ``NAME.html``.
    :ivar model: The chat model that writes, or its name, as `Reader.open` takes it.
    :ivar on_nothing: What a section holds where nothing that it wrote passed the check.
    :ivar nli: Name or folder of the entailment model that judges what it wrote; None for none.
    """

    corpus: Path | None = None
    index: Path | None = None
    fetch: FetchOptions = field(default_factory=FetchOptions)
    embedder: str | None = None
    reranker: str | None = None
    jobs: int = 0
    html: bool = False
    model: Any = None
    on_nothing: OnNothing = "extractive"
    nli: str | None = None


def cards_in(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Return the cards that are meant: a folder stands for every ``.txt`` file in it.

    :param paths: Cards and folders of cards.
    :return: The cards, each once; a folder's sorted by name.
    :raises CardError: A folder holds no card.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(each for each in path.glob("*.txt") if each.is_file())
        if not inside:
            raise CardError("the folder holds no card", item=path, hint="Cards are .txt files")
        found += inside
    return tuple(dict.fromkeys(found))


def answer_cards(
    cards: Sequence[str | Path],
    out: str | Path,
    *,
    options: BatchOptions | None = None,
    on_progress: Callable[[BatchProgress], None] = lambda progress: None,
    on_message: Callable[[str], None] = lambda text: None,
) -> BatchReport:
    """Answer many cards, over one corpus and index of all their papers.

    :param cards: The cards' files.
    :param out: The folder for ``NAME.md``, ``NAME.json`` and the summary; made if needed.
    :param options: Where corpus and index are, and how to fetch and build.
    :param on_progress: Told of every file, document and card that is done.
    :param on_message: Told in a line what a user should know meanwhile.
    :return: A row for every card.
    :raises CorpusError: The folder cannot be written, or another run is writing it.
    :raises RerankerError: The reranker cannot be found, loaded or exported.
    :raises ModelError: The chat model cannot be opened; where it fails later, the answer holds
        quotes, and the card is answered again by the next run.
    :raises OptionalDependencyError: The chat model's package is not installed.
    """
    out, options = Path(out), options or BatchOptions()
    with _alone(out), ExitStack() as stack:
        batch = _Batch(out, options, on_progress, on_message)
        batch.run([Path(card) for card in cards], stack)
    return batch.report()


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Keep other runs out of a folder, and clear away what a killed one left half-written."""
    from filelock import FileLock, Timeout

    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = FileLock(out / _LOCK)
        lock.acquire(timeout=0)
        for left in out.glob(".*.part"):
            left.unlink(missing_ok=True)
    except Timeout as error:
        raise CorpusError("another run is writing these answers", item=out) from error
    except OSError as error:
        raise _unwritable(out, error) from error
    try:
        yield
    finally:
        lock.release()


def _unwritable(out: Path, error: OSError) -> CorpusError:
    return CorpusError(
        f"the answers cannot be written ({error.strerror})",
        item=out,
        hint="Free some space or choose another folder",
    )


class _Batch:
    """The state of one run."""

    def __init__(
        self,
        out: Path,
        options: BatchOptions,
        on_progress: Callable[[BatchProgress], None],
        on_message: Callable[[str], None],
    ) -> None:
        name = out.resolve().name
        self._out = out
        model = open_model(options.model, on_problem=on_message)
        self._options = replace(options, model=model)
        self._model_print = _print_of(model, options.on_nothing, options.nli)
        self._corpus = options.corpus or Path("corpus") / name
        self._index = options.index or Path("indexes") / name
        self._on_progress = on_progress
        self._say = on_message
        self._version = version("ragqa")
        self._reranker = _reranker(options.reranker, on_message)
        self._rows: dict[str, BatchRow] = {}
        self._order: list[str] = []
        self._reused = 0

    def run(self, cards: Sequence[Path], stack: ExitStack) -> None:
        """Do everything; on the stack go the open readers."""
        jobs, bad = read_jobs(cards, reserved=SUMMARY)
        self._order = sorted([*jobs, *bad], key=lambda name: (jobs.get(name) or bad[name]).place)
        for name, job in bad.items():
            self._rows[name] = _failed(job, job.error)
        ready = self._prepare(list(jobs.values()), stack)
        before = self._old_rows()
        waiting = []
        for job, reader in ready:
            old = before.get(job.name)
            if old is not None and self._is_right(old, job, reader):
                self._rows[job.name] = old
            else:
                waiting.append((job, reader))
        self._reused = len(ready) - len(waiting)
        self._write_summary()
        self._answer(waiting)

    @property
    def _reranker_print(self) -> str:
        return "" if self._reranker is None else self._reranker.fingerprint

    def report(self) -> BatchReport:
        """Return what is done so far, in the order of the cards."""
        rows = tuple(self._rows[name] for name in self._order if name in self._rows)
        return BatchReport(
            rows=rows, total=len(self._order), version=self._version, reused=self._reused
        )

    def _prepare(self, jobs: list[Job], stack: ExitStack) -> list[tuple[Job, Reader]]:
        """Fetch and build each corpus; a corpus that cannot be used fails its cards."""
        ready: list[tuple[Job, Reader]] = []
        groups = Group.of(jobs, self._corpus, self._index)
        for group in groups:
            try:
                reader = prepare(
                    group,
                    self._options,
                    self._on_progress,
                    self._say,
                    reranker=self._reranker,
                )
            except RagqaError as error:
                self._say(f"{group.corpus}: {error}")
                self._rows |= {job.name: _failed(job, error) for job in group.jobs}
                continue
            stack.callback(reader.close)
            ready += [(job, reader) for job in group.jobs]
        return ready

    def _answer(self, waiting: Sequence[tuple[Job, Reader]]) -> None:
        done, total = len(self._order) - len(waiting), len(self._order)
        self._on_progress(BatchProgress(stage="answer", done=done, total=total))
        for job, reader in waiting:
            self._rows[job.name] = self._answer_one(job, reader)
            self._write_summary()
            done += 1
            progress = BatchProgress(stage="answer", done=done, total=total, item=job.name)
            self._on_progress(progress)

    def _answer_one(self, job: Job, reader: Reader) -> BatchRow:
        try:
            answer = reader.answer_card(job.card, papers=job.papers)
            return self._written(answer, job, reader)
        except OSError as error:
            raise _unwritable(self._out, error) from error
        except Exception as error:  # noqa: BLE001 - a bug met by one card must not stop the others
            row = _failed(job, error)
            self._say(f"{job.path}: {row.detail}")
            return row

    def _written(self, answer: Answer, job: Job, reader: Reader) -> BatchRow:
        from ragqa.render import to_dict, to_markdown

        markdown, value = self._out / f"{job.name}.md", self._out / f"{job.name}.json"
        pages = {markdown: to_markdown(answer)}
        if self._options.html:
            pages[self._out / f"{job.name}.html"] = reader.to_html(answer)
        for path, text in pages.items():
            with atomic_writer(path) as file:
                file.write(text.encode(errors="replace"))
        write_json(value, to_dict(answer))
        files = {path.name: sha256_file(path) for path in (*pages, value)}
        row = _done(answer, job, index_sha256=reader.content_hash, files=files)
        return replace(row, reranker=self._reranker_print, model=self._model_print)

    def _is_right(self, row: BatchRow, job: Job, reader: Reader) -> bool:
        """Say whether an answer that is there is the one that would be given now."""
        made_from = (row.card_sha256, row.card, row.index, row.index_sha256, row.notes)
        now = (job.sha256, job.shown, reader.fingerprint, reader.content_hash, job.notes)
        return (
            made_from == now
            and (row.reranker, row.model) == (self._reranker_print, self._model_print)
            and not row.unfinished
            and bool(row.files)
            and (f"{job.name}.html" in row.files or not self._options.html)
            and all(_sha256(self._out / name) == sha256 for name, sha256 in row.files.items())
        )

    def _old_rows(self) -> dict[str, BatchRow]:
        """Return the rows that this version wrote before; none where they cannot be read."""
        try:
            value = read_json(self._out / f"{SUMMARY}.json")
            if value["schema"] != SCHEMA or value["ragqa"] != self._version:
                return {}
            rows = [row_from_dict(each) for each in value["rows"]]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}
        return {row.name: row for row in rows}

    def _write_summary(self) -> None:
        report = self.report()
        try:
            write_json(self._out / f"{SUMMARY}.json", report.to_dict())
            with atomic_writer(self._out / f"{SUMMARY}.md") as file:
                file.write(report.to_markdown().encode())
        except OSError as error:
            raise _unwritable(self._out, error) from error


def _reranker(name: str | None, say: Callable[[str], None]) -> Reranker | None:
    if name is None:
        return None
    from ragqa.rerank import reranker_named  # numpy and onnxruntime: not before they are needed

    return reranker_named(name, on_progress=say)


def _print_of(model: ChatModel | None, on_nothing: str, nli: str | None) -> str:
    if model is None:
        return ""
    return f"{model.name} {model.fingerprint} {on_nothing}" + (f" {nli}" if nli else "")


def _done(answer: Answer, job: Job, *, index_sha256: str, files: Mapping[str, str]) -> BatchRow:
    undone = left_undone(answer)
    return BatchRow(
        card=job.shown,
        name=job.name,
        status="abstained" if answer.abstained else "answered",
        reason=answer.reason,
        detail=undone,
        unfinished=bool(undone),
        sections=len(answer.sections),
        statements=len(answer.statements),
        sources=dict(sorted(Counter(source.state for source in answer.sources).items())),
        missing=missing_texts(answer),
        notes=job.notes,
        card_sha256=job.sha256,
        index=answer.index,
        index_sha256=index_sha256,
        files=files,
    )


def _failed(job: Job, error: Exception | None) -> BatchRow:
    said = str(error) if isinstance(error, RagqaError) else f"{type(error).__name__}: {error}"
    return BatchRow(
        card=job.shown,
        name=job.name,
        status="failed",
        detail=" ".join(said.split()),
        notes=job.notes,
        card_sha256=job.sha256,
    )


def _sha256(path: Path) -> str:
    try:
        return sha256_file(path)
    except OSError:
        return ""
