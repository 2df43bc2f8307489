"""The verb that builds: rebuild."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ragqa.cli.shared import (
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
    from ragqa.build import BuildReport, BuildRow

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
@click.option("--jobs", type=click.IntRange(0), default=0, help="Parsing processes; 0: one a core.")
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
    from ragqa.build import BuildProgress

    with progress_bar() as bar:
        task = bar.add_task("building", total=None)

        def show(progress: BuildProgress) -> None:
            bar.update(
                task,
                completed=progress.done,
                total=progress.total,
                description=f"{progress.stage} {progress.item} ({progress.pages} pages)",
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
