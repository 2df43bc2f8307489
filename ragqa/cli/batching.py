"""Many cards at the command line: a bar for each stage, lines for what went wrong, the summary."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ragqa.cli.shared import message, print_json, print_rows, progress_bar

if TYPE_CHECKING:
    from ragqa.batch import BatchOptions, BatchProgress, BatchReport

__all__ = ["run_batch", "show_batch"]

_DOING = {"fetch": "fetching", "build": "building", "answer": "answering"}


def run_batch(
    cards: Sequence[Path],
    out: Path,
    options: BatchOptions,
) -> BatchReport:
    """Answer many cards with a progress bar and the time that is left.

    :param cards: The cards.
    :param out: The folder for the answers.
    :param options: How the batch is done.
    :return: The report.
    """
    from ragqa.batch import answer_cards

    with progress_bar() as bar:
        task, stage = bar.add_task("reading cards", total=None), ""

        def show(progress: BatchProgress) -> None:
            nonlocal stage
            if progress.stage != stage:  # the time left is that of the stage
                stage = progress.stage
                bar.reset(task)
            bar.update(
                task,
                completed=progress.done,
                total=progress.total,
                description=f"{_DOING[progress.stage]} {progress.item}",
            )

        return answer_cards(
            cards,
            out,
            options=options,
            on_progress=show,
            on_message=message,
        )


def show_batch(report: BatchReport, out: Path, *, as_json: bool) -> None:
    """Print what a batch did: a row for each card on stderr, or the summary as JSON.

    :param report: The report.
    :param out: The folder of the answers.
    :param as_json: Whether to print JSON on stdout.
    """
    if as_json:
        print_json(report.to_dict())
    else:
        print_rows(
            [
                (row.status, row.name, row.reason or row.detail or f"{row.statements} statements")
                for row in report.rows
            ]
        )
    counts = ", ".join(f"{count} {status}" for status, count in sorted(report.counts.items()))
    reused = f" ({report.reused} as before, not answered again)" if report.reused else ""
    message(f"{report.total} cards: {counts}{reused}; see {out / 'summary.md'}")
