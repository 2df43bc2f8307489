"""One system over one dataset: ask every question, keep every row, measure.

In: a dataset and a system. Out: a `Run`, and its folder. Invariants: a system is given the
question's words, the papers it may use and a depth, and nothing else of the dataset; a question
that fails is a row; a row that was asked is on disk before the next one is asked, and is never
asked again by the same run (same dataset, system, options and code).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from warnings import warn

from ragqa.errors import EvaluationError, RagqaError
from ragqa.evaluate.about import DEPTH, RunOptions, run_about
from ragqa.evaluate.coding import plain, rounded, settled, without_texts
from ragqa.evaluate.differences import what_differs
from ragqa.evaluate.evidence import check_located
from ragqa.evaluate.measures import check_depth, default_measures, parse_measures, score
from ragqa.evaluate.memory import peak_memory, reset_peak_memory
from ragqa.evaluate.progress import ProgressFile, TimedRow, alone
from ragqa.evaluate.quotes import QuoteSources, check_quotes
from ragqa.evaluate.records import (
    Dataset,
    GoldQuestion,
    Response,
    Row,
    Run,
    Scores,
    System,
    Timing,
    View,
)
from ragqa.evaluate.runs import (
    is_timed,
    read_run,
    set_aside,
    started_of,
    with_scores,
    write_run,
)

__all__ = ["EvaluationProgress", "evaluate"]

_WARM_UP = "Which of these papers describes how its measurements were made?"
_NAMED = 4  # differences of two runs that a line names
_ERROR_LENGTH = 500  # characters of an error that a row keeps: a traceback in one is no reason


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationProgress:
    """How far a run is.

    :ivar system: The system's name.
    :ivar done: Rows that are there, those of an earlier call included.
    :ivar total: Rows that there will be.
    :ivar failed: How many of them failed.
    :ivar reused: How many are of an earlier call.
    """

    system: str
    done: int
    total: int
    failed: int = 0
    reused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ask:
    """One question to be asked in one view."""

    question_id: str
    text: str
    view: View
    paper_ids: tuple[str, ...] | None


def evaluate(
    dataset: Dataset,
    system: System,
    *,
    out: str | Path | None = None,
    measures: Sequence[str] | None = None,
    remove_gold: bool = False,
    depth: int = DEPTH,
    limit: int | None = None,
    resume: bool = True,
    prepare_seconds: float = 0.0,
    on_progress: Callable[[EvaluationProgress], None] = lambda progress: None,
    on_message: Callable[[str], None] = warn,
) -> Run:
    """Ask a system every question of a dataset, and measure what it gave.

    :param dataset: The dataset.
    :param system: The system.
    :param out: The run's folder; None to keep the run in memory only. Another run that is in it is
        kept beside it, in ``before/``.
    :param measures: Names of measures; the dataset's usual ones if None. Others of a finished run
        are made of its rows, and no question is asked again.
    :param remove_gold: Whether each answerable question is also asked without its gold papers.
    :param depth: Chunks to retrieve for each question.
    :param limit: Ask only so many questions, from the first; None for all.
    :param resume: Whether to take over what an earlier call of the same run left in `out`.
    :param prepare_seconds: What it took to open the system, for the timings.
    :param on_progress: Told after each question.
    :param on_message: Told in a line what a user should know; a warning if not given.
    :return: The run, as `read_run` would read it.
    :raises EvaluationError: A measure is unknown or looks deeper than `depth`, a number makes no
        sense, a system does not describe itself, or the folder cannot be written.
    """
    check_located(dataset)
    if depth < 1 or (limit is not None and limit < 1):
        raise EvaluationError("depth and limit are whole numbers above 0", item=f"{depth}, {limit}")
    options = RunOptions(depth=depth, remove_gold=remove_gold, limit=limit)
    about = run_about(dataset, system.name, _described(system), options)
    dataset = replace(dataset, questions=dataset.questions[:limit])
    scoring = _Scoring(dataset, measures, options)
    harness = _Harness(dataset, system, options, on_progress)
    if out is None:
        run = scoring.run(about, *harness.ask(prepare_seconds))
        _tell_if_all_failed(run, on_message)
        return run
    out = Path(out)
    with alone(out):
        held = _held(out)
        if held is not None and held.about.get("key") != about["key"]:
            _keep_other(held, out, about, on_message)
            held = None
        if not (resume and getattr(system, "is_described", True)):
            ProgressFile.clear(out)
        elif held is not None:
            on_progress(_all_reused(held))
            return _as_measured(held, scoring, out)
        started = datetime.now(UTC).isoformat(timespec="seconds")
        with ProgressFile(out, key=about["key"], started=started) as file:
            run = scoring.run(about, *harness.ask(prepare_seconds, file))
        write_run(out, run, started=file.started)
        file.remove()
    _tell_if_all_failed(run, on_message)
    return run


def _held(folder: Path) -> Run | None:
    """Return the run that is in a folder; None where there is no whole one."""
    try:
        return read_run(folder)
    except EvaluationError:
        return None


def _keep_other(
    other: Run, out: Path, about: Mapping[str, Any], on_message: Callable[[str], None]
) -> None:
    """Move a run of something else aside, and say so: it is what one compares with."""
    kept = set_aside(out)
    differing = what_differs(other.about, about)
    names = ", ".join(path for path, _, _ in differing[:_NAMED]) or "its questions' gold"
    on_message(f"{out} held a run of another {names}: kept in {kept}, see `ragqa compare`")


def _tell_if_all_failed(run: Run, on_message: Callable[[str], None]) -> None:
    errors = [row.error for row in run.rows if row.error is not None]
    if errors and len(errors) == len(run.rows):
        on_message(f"{run.system}: every question failed, the first with: {errors[0]}")


def _described(system: System) -> dict[str, Any]:
    try:
        return dict(plain(system.describe()))
    except (TypeError, ValueError) as error:
        raise EvaluationError(
            f"a system describes itself in JSON values ({error})",
            item=system.name,
            hint="Return strings, finite numbers, lists and dicts from describe()",
        ) from error


class _Scoring:
    """Measures that are known to be right before a question is asked."""

    def __init__(self, dataset: Dataset, names: Sequence[str] | None, options: RunOptions) -> None:
        self._dataset = dataset
        self._measures = (
            default_measures(dataset, remove_gold=options.remove_gold, depth=options.depth)
            if names is None
            else parse_measures(names)
        )
        check_depth(self._measures, options.depth)
        self.names = [measure.name for measure in self._measures]

    def run(self, about: Mapping[str, Any], rows: tuple[Row, ...], timing: Timing | None) -> Run:
        """Return the run of some rows."""
        scores = _rounded(score(self._measures, self._dataset, rows, timing=timing))
        better = {measure.name: measure.higher_is_better for measure in self._measures}
        whole = with_scores(about, rows, scores, better)
        name = about["system"]["name"]
        return Run(system=name, about=whole, rows=rows, scores=scores, timing=timing)


def _rounded(scores: Scores) -> Scores:
    """Return scores as they are written, so that a run in memory equals the one on disk."""
    return Scores(
        question_ids=tuple(scores.question_ids),
        per_question={
            name: tuple(_number(value) for value in values)
            for name, values in scores.per_question.items()
            if not is_timed(name)
        },
        totals={
            name: replace(total, value=_number(total.value))
            for name, total in scores.totals.items()
        },
    )


def _number(value: float | None) -> float | None:
    return None if value is None else rounded(float(value))


def _all_reused(done: Run) -> EvaluationProgress:
    count, failed = len(done.rows), sum(row.error is not None for row in done.rows)
    return EvaluationProgress(
        system=done.system, done=count, total=count, failed=failed, reused=count
    )


def _as_measured(done: Run, scoring: _Scoring, folder: Path) -> Run:
    """Return a finished run with the measures that are asked for now."""
    if list(done.scores.totals) == scoring.names:
        ProgressFile.clear(folder)  # of a call that was killed after it had written its last file
        return done
    run = scoring.run(done.about, done.rows, done.timing)
    with ProgressFile(folder, key=done.about["key"], started=started_of(folder)) as file:
        for each in _asked_before(done)[len(file.before) :]:  # a kill from here on loses no row
            file.append(each)
        write_run(folder, run, started=file.started)
    file.remove()
    return run


def _asked_before(run: Run) -> list[TimedRow]:
    seconds = run.timing.seconds if run.timing else [None] * len(run.rows)
    pairs = zip(run.rows, seconds, strict=True)
    return [TimedRow(row=row, seconds=taken, wall=taken or 0.0) for row, taken in pairs]


class _Harness:
    """The questions' phase of one run."""

    def __init__(
        self,
        dataset: Dataset,
        system: System,
        options: RunOptions,
        on_progress: Callable[[EvaluationProgress], None],
    ) -> None:
        self._dataset = dataset
        self._system = system
        self._options = options
        self._sources = QuoteSources(dataset)
        self._on_progress = on_progress
        self._progress = EvaluationProgress(system=system.name, done=0, total=0)

    def ask(
        self, prepare_seconds: float, file: ProgressFile | None = None
    ) -> tuple[tuple[Row, ...], Timing]:
        """Ask what is not asked yet; return all rows, and what they cost."""
        plan = tuple(_plan(self._dataset, remove_gold=self._options.remove_gold))
        found = list(file.before if file else ())
        failed = sum(each.row.error is not None for each in found)
        self._progress = replace(
            self._progress, done=len(found), total=len(plan), failed=failed, reused=len(found)
        )
        self._on_progress(self._progress)
        is_asking = len(found) < len(plan)
        if is_asking:
            prepare_seconds += self._warm_up()
            reset_peak_memory()
        for ask in plan[len(found) :]:
            each = self._ask_one(ask)
            if file is not None:
                file.append(each)
            found.append(each)
            self._tell(each.row)
        return tuple(each.row for each in found), Timing(
            seconds=tuple(each.seconds for each in found),
            prepare_seconds=rounded(prepare_seconds),
            total_seconds=rounded(prepare_seconds + sum(each.wall for each in found)),
            peak_memory=peak_memory() if is_asking else None,
        )

    def _tell(self, row: Row) -> None:
        now = self._progress
        failed = now.failed + (row.error is not None)
        self._progress = replace(now, done=now.done + 1, failed=failed)
        self._on_progress(self._progress)

    def _warm_up(self) -> float:
        """Ask what no dataset asks, so that the first question is not charged for loading."""
        start = time.perf_counter()
        self._row(_Ask(question_id="", text=_WARM_UP, view="as-is", paper_ids=None))
        return time.perf_counter() - start

    def _ask_one(self, ask: _Ask) -> TimedRow:
        start = time.perf_counter()
        row, seconds = self._row(ask)
        return TimedRow(row=row, seconds=seconds, wall=time.perf_counter() - start)

    def _row(self, ask: _Ask) -> tuple[Row, float | None]:
        try:
            response, seconds = self._system.respond(
                ask.text, paper_ids=ask.paper_ids, depth=self._options.depth
            )
            _check(response, ask.paper_ids)
            response = _cut(response, self._options.depth)
            response = without_texts(check_quotes(response, self._sources))
            row = Row(question_id=ask.question_id, view=ask.view, response=response)
            return settled(row), rounded(float(seconds))
        except Exception as error:  # noqa: BLE001 - any bug of a system is a row, and no stop
            return Row(question_id=ask.question_id, view=ask.view, error=_said(error)), None


def _said(error: Exception) -> str:
    text = str(error) if isinstance(error, RagqaError) else f"{type(error).__name__}: {error}"
    flat = " ".join(text.encode(errors="backslashreplace").decode().split())
    return flat if len(flat) <= _ERROR_LENGTH else flat[:_ERROR_LENGTH] + "…"


def _cut(response: Response, depth: int) -> Response:
    """Take no more hits than were asked for: RR and AP would count on in a longer list."""
    if response.hits is None:
        return response
    return replace(response, hits=tuple(response.hits[:depth]))


def _check(response: Response, paper_ids: Sequence[str] | None) -> None:
    """Raise where a system used a paper that it was not to use: a leak would look like skill."""
    if paper_ids is None:
        return
    used = {hit.paper_id for hit in response.hits or ()} | {
        quoted.paper_id for said in response.statements or () for quoted in said.citations
    }
    foreign = used - set(paper_ids)
    if foreign:
        raise EvaluationError("the system used papers that it was not given", item=min(foreign))


def _plan(dataset: Dataset, *, remove_gold: bool) -> Iterator[_Ask]:
    """Yield what is asked: each question as it is, and again without its gold papers."""
    papers = _all_papers(dataset) if remove_gold else ()
    for question in dataset.questions:
        given, gold = question.paper_ids or None, question.gold_papers
        yield _asking(question, "as-is", given)
        if remove_gold and question.answerable and gold:
            left = tuple(paper for paper in given or papers if paper not in gold)
            yield _asking(question, "gold-removed", left)


def _asking(question: GoldQuestion, view: View, paper_ids: tuple[str, ...] | None) -> _Ask:
    return _Ask(
        question_id=question.question_id, text=question.text, view=view, paper_ids=paper_ids
    )


def _all_papers(dataset: Dataset) -> tuple[str, ...]:
    """Return the ids of all papers that a dataset's questions are asked of."""
    if dataset.corpus is None:
        return tuple(paper.paper_id for paper in dataset.papers)
    from ragqa.manifest import load_manifest

    return tuple(paper.paper_id for paper in load_manifest(dataset.corpus / "manifest.yaml").papers)
