"""The verb that builds: rebuild."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ragqa.cli.shared import (
    INTERRUPTED,
    as_json,
    default_index,
    folder,
    message,
    print_json,
    print_rows,
    progress_bar,
)

if TYPE_CHECKING:
    from ragqa.api import Corpus
    from ragqa.build import BuildProgress, BuildReport, BuildRow

__all__ = ["rebuild", "run_build", "show_build"]


@click.command()
@click.argument("corpus", type=folder)
@click.option("--index", type=folder, help="Index folder.  [default: indexes/<corpus name>]")
@click.option("--embedder", help="Name or folder of a sentence-transformers model.")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    help="Where chunks are embedded.  [default: RAGQA_DEVICE, else auto: the fastest there is]",
)
@click.option(
    "--jobs",
    type=click.IntRange(0),
    default=0,
    help="Files parsed at once, each by a process of its own; 0: one a core. Embedding takes every"
    " core whatever it says.",
)
@click.option("--rollback", is_flag=True, help="Put the generation before this one in force.")
@as_json
def rebuild(
    corpus: Path,
    index: Path | None,
    embedder: str | None,
    device: str | None,
    jobs: int,
    rollback: bool,
    as_json: bool,
) -> None:
    """Bring the index of CORPUS up to date; what is unchanged is taken over."""
    from ragqa.api import Corpus, Index

    target = index or default_index(corpus)
    if rollback:
        number = Index(target).rollback()
        if as_json:
            print_json({"schema": "ragqa/rollback/1", "index": str(target), "generation": number})
        message(f"{target}: generation {number} answers now")
        return
    report = run_build(Corpus.open(corpus), target, embedder=embedder, device=device, jobs=jobs)
    if as_json:
        print_json(report.to_dict())
    else:
        show_build(report)


def run_build(
    corpus: Corpus,
    index: Path,
    *,
    embedder: str | None = None,
    device: str | None = None,
    jobs: int = 0,
) -> BuildReport:
    """Build with a progress bar.

    :param corpus: The corpus.
    :param index: The index folder.
    :param embedder: Name of the embedding model; None for the packaged one.
    :param device: Where chunks are embedded, as `Index.build` says.
    :param jobs: Parsing processes; 0 for one a core.
    :return: The report.
    """
    from ragqa.api import Index

    watch = _Watch()
    with watch.telling_what_is_kept(), progress_bar() as bar:
        task = bar.add_task("starting", total=None)

        def show(progress: BuildProgress) -> None:
            watch.see(progress)
            # what is taken over is instant, and would make what is left look fast
            bar.update(
                task,
                description=watch.line(),
                completed=progress.done - progress.reused,
                total=progress.total - progress.reused,
            )

        built = Index.build(
            corpus,
            index,
            embedder=embedder,
            device=device,
            jobs=jobs,
            on_progress=show,
            on_message=message,
        )
    if built.report is None:  # cannot happen: build always reports
        raise click.ClickException("the build left no report")
    return built.report


class _Watch:
    """What a build has told so far."""

    def __init__(self) -> None:
        self._told: BuildProgress | None = None
        self._began = time.monotonic()

    def see(self, progress: BuildProgress) -> None:
        """Take what was told; the clock runs from the first document that is built."""
        if progress.done == progress.reused:
            self._began = time.monotonic()
        self._told = progress

    def line(self) -> str:
        """Say in a few words what goes on."""
        told = self._told
        if told is None:
            return "starting"
        if told.stage == "write":
            return "writing the index"
        if told.done == told.reused:
            return f"taking over {told.done} of {told.total}"
        rate = told.pages / max(time.monotonic() - self._began, 1e-3)
        return f"built {told.item}; {told.pages} pages, {rate:.1f} pages/s"

    @contextmanager
    def telling_what_is_kept(self) -> Iterator[None]:
        """At Ctrl-C say what is kept and how to go on.

        :raises Exit: In place of KeyboardInterrupt.
        """
        try:
            yield
        except KeyboardInterrupt:
            told = self._told
            done = "" if told is None else f"; {told.done} of {told.total} documents are kept"
            message(f"stopped{done}; the same command goes on where it was")
            raise click.exceptions.Exit(INTERRUPTED) from None


def show_build(report: BuildReport) -> None:
    """Print what a build did: a row for every document.

    :param report: The report.
    """
    counts = ", ".join(f"{count} {status}" for status, count in report.counts.items())
    state = "written" if report.changed else "unchanged"
    message(f"{report.index}: generation {report.generation} {state}; {counts or 'no documents'}")
    print_rows(
        [(row.status, f"{row.paper_id} {row.kind or ''}", _remark(row)) for row in report.rows]
    )
    for removed in report.removed:
        message(f"  no longer in the index: {removed}")
    if report.recall_at_10 < 1:
        message(f"  a search finds {report.recall_at_10:.1%} of the 10 best chunks (measured)")


def _remark(row: BuildRow) -> str:
    size = f"{row.pages} pages, {row.chunks} chunks" if row.pages else f"{row.chunks} chunks"
    reason = f"[{row.reason}]" if row.reason else ""
    return "; ".join(filter(None, (size if row.chunks else "", reason, row.detail, *row.notes)))
