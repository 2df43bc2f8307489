"""The verbs that measure: evaluate, compare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from string import hexdigits
from typing import TYPE_CHECKING, Any

import click

from ragqa.cli.shared import INTERRUPTED, as_json, folder, message, print_json, progress_bar
from ragqa.errors import DatasetError, EvaluationError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from ragqa.evaluate.comparing import Change
    from ragqa.evaluate.harness import EvaluationProgress
    from ragqa.evaluate.records import Comparison, Dataset, Run, Total
    from ragqa.evaluate.session import Evaluation, EvaluationOptions, Listener

__all__ = ["compare", "evaluate"]

MISSED = 3
"""Exit code where a gate of ``--fail-under`` was missed."""

SHOWN_PROBLEMS = 10  # of each effect: enough to see a pattern, and still a screen
SHOWN_CHANGES = 10  # questions that changed most
_LARGE = 10_000  # bytes and the like, whose fractions say nothing
SHOWN_TEXT = 120  # characters of a question
_DIGEST, _DIGITS = 64, 12  # hex digits of a hash, and how many of them are shown
_WIDE = 60  # characters of a value that differs
_COUNT = click.IntRange(min=1)


@click.command()
@click.argument("dataset", type=folder)
@click.option(
    "--system", "systems", multiple=True, metavar="NAME",
    help="ragqa, bm25, dense, langchain; options as in 'dense(chunk_tokens=128)'. Repeatable: "
    "the others are compared with the first.  [default: ragqa]",
)  # fmt: skip
@click.option("--out", type=folder, help="Runs and report.  [default: runs/<the dataset's name>]")
@click.option("--format", "form", help="The dataset's format, where it is not found out.")
@click.option("--split", help="Part of the dataset: a qrels file's name, or a word of a file's.")
@click.option("--corpus", type=folder, help="Corpus that the questions are asked of.")
@click.option("--index", type=folder, help="Index of that corpus.  [default: indexes/<its name>]")
@click.option("--work", type=folder, default="indexes/evaluate", show_default=True,
              help="Where indexes of datasets are kept, for all evaluations.")  # fmt: skip
@click.option("--measure", "measures", multiple=True, metavar="M",
              help="Such as nDCG@10; repeatable.  [default: all that the gold allows]")  # fmt: skip
@click.option("--remove-gold", is_flag=True,
              help="Ask each answerable question again without its gold papers.")  # fmt: skip
@click.option("--limit", type=_COUNT, metavar="N", help="Ask the first N questions only.")
@click.option("--depth", type=_COUNT, default=100, show_default=True, metavar="K",
              help="Chunks to retrieve for each question.")  # fmt: skip
@click.option("--fail-under", "gates", multiple=True, metavar="EXPR",
              help="Exit with 3 where a measure is worse: 'nDCG@10=0.70', 'LatencyP95<=0.5', "
              "'bm25:R@20=0.8' for one of several systems. Repeatable.")  # fmt: skip
@click.option("--judge", metavar="PROVIDER:NAME",
              help="Let this chat model judge answers, too; never a measure.")  # fmt: skip
@click.option("--again", is_flag=True, help="Ask everything again, whatever is there.")
@as_json
def evaluate(
    dataset: Path,
    *,
    systems: tuple[str, ...],
    out: Path | None,
    judge: str | None,
    as_json: bool,
    **given: Any,  # noqa: ANN401 - the other options, which go where they belong
) -> None:
    """Measure systems on the questions of DATASET: offline, and the same each time.

    DATASET is a BEIR folder, a folder of papers.jsonl and questions.jsonl, a QASPER, PubMedQA or
    LitQA file, or your own questions (YAML, JSONL, CSV) with --corpus. What was asked already is
    not asked again, so an interrupted run goes on where it was. Each system's run is a folder in
    --out, beside report.md and report.html; the tables are printed.

    Examples: ragqa evaluate questions.csv --corpus corpus/mine; ragqa evaluate scifact --split
    train --system ragqa --system bm25; ragqa evaluate questions.csv --corpus corpus/mine
    --remove-gold --fail-under AUROC=0.9
    """
    from ragqa.evaluate.runs import folder_name
    from ragqa.evaluate.session import Places, check, evaluate_systems

    options, chosen = _options(given), systems or ("ragqa",)
    try:
        check(chosen, options)
    except EvaluationError as error:
        raise click.UsageError(str(error)) from error
    model = _open_judge(judge)
    loaded = _load(dataset, given)
    place = out or Path("runs") / folder_name(loaded.name, default="dataset")
    with _listening() as listener, _telling_how_to_go_on():
        done = evaluate_systems(
            loaded,
            chosen,
            place,
            places=Places(work=given["work"], index=given["index"]),
            options=options,
            listener=listener,
        )
    _report(done, place, model)
    _print(done, as_json=as_json)
    message(f"wrote {place / 'report.md'} and report.html")
    for line in done.missed:
        message(f"missed: {line}")
    if done.missed:
        raise click.exceptions.Exit(MISSED)


@contextmanager
def _telling_how_to_go_on() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        message("stopped; the same command goes on where it was")
        raise click.exceptions.Exit(INTERRUPTED) from None


def _options(given: Mapping[str, Any]) -> EvaluationOptions:
    from ragqa.evaluate.session import EvaluationOptions

    return EvaluationOptions(
        measures=given["measures"] or None,
        gates=given["gates"],
        remove_gold=given["remove_gold"],
        depth=given["depth"],
        limit=given["limit"],
        resume=not given["again"],
    )


def _load(path: Path, given: Mapping[str, Any]) -> Dataset:
    """Load the dataset; of one with mistakes, show them a line each."""
    from ragqa.evaluate.datasets import load_dataset

    try:
        return load_dataset(
            path, format=given["form"], split=given["split"], corpus=given["corpus"]
        )
    except DatasetError as error:
        _show_lines(list(error.problems))
        message(f"ragqa: {error.what}")
        raise click.exceptions.Exit(1) from error


def _show_lines(lines: Sequence[str]) -> None:
    for line in lines[:SHOWN_PROBLEMS]:
        message(f"  {line}")
    if len(lines) > SHOWN_PROBLEMS:
        message(f"  and {len(lines) - SHOWN_PROBLEMS:,} more")


def _show_problems(dataset: Dataset) -> None:
    """Print what is wrong with a dataset: the first ten of each effect, and how many more."""
    by_effect: dict[str, list[str]] = {}
    for problem in dataset.problems:
        by_effect.setdefault(problem.effect, []).append(f"{problem.place}: {problem.text}")
    for effect, lines in by_effect.items():
        message(f"{dataset.name}, {effect}: {len(lines):,}")
        _show_lines(lines)


@contextmanager
def _listening() -> Iterator[Listener]:
    """Show a progress bar with the time that is left, anew for each thing that takes long."""
    from ragqa.evaluate.session import Listener

    with progress_bar() as bar:
        task, doing = bar.add_task("reading the dataset", total=None), ""

        def show(what: str, done: int, total: int, remark: str = "") -> None:
            nonlocal doing
            if what != doing:  # the time left is that of what is done now
                doing = what
                bar.reset(task, total=total, completed=done)
            bar.update(task, completed=done, total=total, description=f"{what}{remark}")

        def asked(progress: EvaluationProgress) -> None:
            remark = f" ({progress.failed} failed)" if progress.failed else ""
            show(f"asking {progress.system}", progress.done, progress.total, remark)
            if progress.reused and progress.done == progress.reused:
                message(f"{progress.system}: {progress.reused} rows as before, not asked again")

        yield Listener(
            on_dataset=_show_problems,
            on_open=lambda name, done, total: show(f"opening {name}", done, total),
            on_progress=asked,
            on_message=message,
        )


def _open_judge(name: str | None) -> Any:  # noqa: ANN401 - LangChain's
    """Open the judge before a question is asked: a key that is missing is soon told."""
    if name is None:
        return None
    from ragqa.evaluate.judge import open_model

    return open_model(name)


def _report(done: Evaluation, place: Path, model: Any) -> None:  # noqa: ANN401 - LangChain's
    """Write the report, with a judge's verdicts where one was asked for."""
    from ragqa.evaluate.report import write_report

    verdicts = []
    if model is not None:
        from ragqa.evaluate.judge import judge_rows

        with progress_bar() as bar:
            for run, where in zip(done.runs, done.folders, strict=True):
                task = bar.add_task(f"judging {run.system}", total=None)
                verdicts.append(
                    judge_rows(
                        done.dataset,
                        run.rows,
                        model,
                        file=where / "verdicts.jsonl",
                        on_progress=partial(_show_judged, bar, task),
                    )
                )
    write_report(place, done.dataset, done.runs, done.comparisons, verdicts=verdicts)


def _show_judged(bar: Progress, task: TaskID, done: int, total: int) -> None:
    bar.update(task, completed=done, total=total)


def _print(done: Evaluation, *, as_json: bool) -> None:
    from ragqa.evaluate.report import summary_table

    if as_json:
        print_json(done.to_dict())
    else:
        click.echo(summary_table(done.dataset, done.runs, done.comparisons), nl=False)


@click.command()
@click.argument("first", type=folder, metavar="RUN_A")
@click.argument("second", type=folder, metavar="RUN_B")
@click.option(
    "--measure", "measures", multiple=True, metavar="M",
    help="Such as nDCG@10; repeatable. Shown are the questions that changed most in the "
    "first that any differ in.  [default: all that both have]",
)  # fmt: skip
@as_json
def compare(first: Path, second: Path, *, measures: tuple[str, ...], as_json: bool) -> None:
    """Say whether RUN_B is better than RUN_A, and on which questions.

    Both are folders that `ragqa evaluate` wrote, of the same dataset. A difference has a 95 %
    interval (paired bootstrap) and a p-value (paired randomisation test).

    Example: ragqa compare runs/scifact/bm25 runs/scifact/ragqa --measure nDCG@10
    """
    from ragqa.evaluate.comparing import compare as compared
    from ragqa.evaluate.comparing import question_diff
    from ragqa.evaluate.differences import what_differs
    from ragqa.evaluate.runs import read_run

    runs = read_run(first), read_run(second)
    found = compared(*runs, measures or None)
    told = _most_telling(found)
    changes = question_diff(*runs, told) if told else ()
    differing = what_differs(runs[0].about, runs[1].about)
    if as_json:
        print_json(
            {
                "schema": "ragqa/comparison/1",
                "differing": [
                    dict(zip(("value", "first", "second"), row, strict=True)) for row in differing
                ],
                "dataset": runs[0].about["dataset"],
                "runs": [_run_dict(run) for run in runs],
                "comparisons": [asdict(each) for each in found],
                "changes": [change.to_dict() for change in changes],
            }
        )
        return
    texts = {each["question_id"]: each["text"] for each in runs[0].about["questions"]}
    named = f"# A: {first} ({runs[0].system}), B: {second} ({runs[1].system})"
    blocks = [(named, ""), _differing(differing), _totals(runs, measures), _comparisons(found)]
    blocks += [_changed(told, changes, texts)] if told else []
    click.echo("\n".join(line for block in blocks for line in block))


def _most_telling(found: Sequence[Comparison]) -> str | None:
    """Return the first measure that any question differs in, else the first."""
    changed = [each.measure for each in found if each.won or each.lost]
    return next(iter([*changed, *(each.measure for each in found)]), None)


def _run_dict(run: Run) -> dict[str, Any]:
    totals = {name: asdict(total) for name, total in run.scores.totals.items()}
    return {"system": run.system, "options": run.about["options"], "measures": totals}


def _table(heads: Sequence[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'|'.join([' --- ', *[' ---: '] * (len(heads) - 1)])}|"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def _differing(differing: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    """Yield what the runs differ in beside their rows; hashes by their first digits."""
    if not differing:
        yield "Nothing differs in what the runs are made of."
    else:
        yield from _table(("what differs", "A", "B"), (map(_short, row) for row in differing))
    yield ""


def _short(text: str) -> str:
    digest = len(text) == _DIGEST and not set(text) - set(hexdigits)
    return text[:_DIGITS] if digest else text if len(text) <= _WIDE else f"{text[:_WIDE]}…"


def _totals(runs: tuple[Run, Run], measures: Sequence[str]) -> Iterator[str]:
    one, other = (run.scores.totals for run in runs)
    yield f"On {runs[0].about['dataset']['name']}:"
    yield ""
    names = measures or dict.fromkeys([*one, *other])
    rows = [(name, _shown(one.get(name)), _shown(other.get(name))) for name in names]
    yield from _table(("measure", "A", "B"), rows)
    yield ""


def _shown(total: Total | None) -> str:
    if total is None or total.value is None:
        return "–"
    left_out = f", {total.left_out} left out" if total.left_out else ""
    shown = f"{total.value:,.0f}" if abs(total.value) >= _LARGE else f"{total.value:.4f}"
    return f"{shown} (of {total.count}{left_out})"


def _comparisons(found: Sequence[Comparison]) -> Iterator[str]:
    if not found:
        yield "No question was judged in both runs by these measures."
        return
    yield "Questions that both were judged on, question by question:"
    yield ""
    heads = ("measure", "A", "B", "B - A", "95 % interval", "p", "B won", "B lost", "tied")
    yield from _table(heads, map(_compared_cells, found))
    yield ""


def _compared_cells(each: Comparison) -> tuple[str, ...]:
    return (
        each.measure,
        f"{each.first:.4f}",
        f"{each.second:.4f}",
        f"{each.difference:+.4f}",
        f"{each.low:+.4f} to {each.high:+.4f}",
        f"{each.p_value:.4f}",
        str(len(each.won)),
        str(len(each.lost)),
        str(each.tied),
    )


def _changed(measure: str, changes: Sequence[Change], texts: Mapping[str, str]) -> Iterator[str]:
    if not changes:
        yield f"No question differs in {measure}."
        return
    yield f"The questions that changed most in {measure}, of {len(changes)}:"
    yield ""
    for each in changes[:SHOWN_CHANGES]:
        text = " ".join(texts[each.question_id].split())
        short = text if len(text) <= SHOWN_TEXT else text[:SHOWN_TEXT] + "…"
        values = f"{each.first.value:.3f} to {each.second.value:.3f}"
        yield f"- {'won' if each.won else 'lost'}, {values}: {short} ({each.question_id})"
        yield f"  {each.why}"
