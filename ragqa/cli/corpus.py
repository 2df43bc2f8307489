"""The verbs that make and fill a corpus: init, import, add, remove, fetch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ragqa.cli.shared import as_json, folder, message, print_json, print_rows, progress_bar

if TYPE_CHECKING:
    from ragqa.api import Corpus
    from ragqa.fetch import FetchOptions, FetchReport, FetchRow

__all__ = ["add", "fetch", "import_card", "init", "remove", "run_fetch", "show_fetch"]


@click.command()
@click.argument("directory", type=folder)
@as_json
def init(directory: Path, as_json: bool) -> None:
    """Make an empty corpus in DIRECTORY."""
    from ragqa.api import Corpus

    corpus = Corpus.init(directory)
    if as_json:
        print_json({"schema": "ragqa/corpus/1", "corpus": str(directory), "papers": []})
    else:
        message(f"made {corpus.manifest_path}; list papers with: ragqa add {directory} URL")


@click.command("import")
@click.argument("card", type=folder)
@click.argument("directory", type=folder)
@click.option("--force", is_flag=True, help="Overwrite a manifest that was edited by hand.")
@as_json
def import_card(card: Path, directory: Path, force: bool, as_json: bool) -> None:
    """Make DIRECTORY a corpus of the papers that the question card CARD lists."""
    from ragqa.api import Corpus

    _, imported = Corpus.from_card(card, directory, force=force)
    papers = [{"id": p.paper_id, "role": p.role, "title": p.title} for p in imported.papers]
    for note in imported.notes:
        message(f"note: {note}")
    if as_json:
        print_json(
            {
                "schema": "ragqa/import/1",
                "corpus": str(directory),
                "papers": papers,
                "wrote": list(imported.wrote),
                "notes": list(imported.notes),
            }
        )
    else:
        message(
            f"{directory}: {len(papers)} papers; wrote {', '.join(imported.wrote) or 'nothing'}"
        )


@click.command()
@click.argument("corpus", type=folder)
@click.argument("sources", nargs=-1, required=True, metavar="URL_OR_FILE...")
@click.option("--title", help="Title, for a single source.")
@click.option(
    "--id", "paper_id", help="Id, for a single source; made from title or link if absent."
)
@click.option("--model", "is_model", is_flag=True, help="List it as a recommended model.")
@as_json
def add(
    corpus: Path,
    sources: tuple[str, ...],
    title: str | None,
    paper_id: str | None,
    is_model: bool,
    as_json: bool,
) -> None:
    """List papers in CORPUS: PDF links, arXiv pages, GitHub repositories or local PDF files."""
    from ragqa.api import Corpus

    if len(sources) > 1 and (title or paper_id):
        raise click.UsageError("--title and --id go with a single source")
    opened = Corpus.open(corpus)
    added = [
        opened.add_source(
            source, title=title, paper_id=paper_id, role="model" if is_model else "paper"
        )
        for source in sources
    ]
    if as_json:
        print_json({"schema": "ragqa/corpus/1", "added": [paper.paper_id for paper in added]})
    for paper in added:
        message(f"listed {paper.paper_id}: {paper.title}")


@click.command()
@click.argument("corpus", type=folder)
@click.argument("paper_id")
@as_json
def remove(corpus: Path, paper_id: str, as_json: bool) -> None:
    """Take PAPER_ID off the list of CORPUS; it is not cited any more from now on."""
    from ragqa.api import Corpus

    Corpus.open(corpus).remove(paper_id)
    if as_json:
        print_json({"schema": "ragqa/corpus/1", "removed": [paper_id]})
    message(f"took {paper_id} off the list")


@click.command()
@click.argument("corpus", type=folder)
@click.option("--mirror", type=folder, help="Folder laid out as HOST/PATH, looked at first.")
@click.option("--offline", is_flag=True, help="Make no connection: disk and mirror only.")
@click.option("--locked", is_flag=True, help="Fetch nothing; fail unless all is as locked.")
@click.option("--refresh", is_flag=True, help="Ask again for files that are there.")
@as_json
def fetch(
    corpus: Path, mirror: Path | None, offline: bool, locked: bool, refresh: bool, as_json: bool
) -> None:
    """Have every file that CORPUS lists on disk, verified."""
    from ragqa.api import Corpus
    from ragqa.fetch import FetchOptions

    options = FetchOptions(mirror=mirror, offline=offline, locked=locked, refresh=refresh)
    report = run_fetch(Corpus.open(corpus), options)
    if as_json:
        print_json(report.to_dict())
    else:
        show_fetch(report)


def run_fetch(corpus: Corpus, options: FetchOptions) -> FetchReport:
    """Fetch with a progress bar.

    :param corpus: The corpus.
    :param options: How to fetch.
    :return: The report.
    """
    from ragqa.fetch import FetchProgress

    with progress_bar() as bar:
        task = bar.add_task("fetching", total=None)

        def show(progress: FetchProgress) -> None:
            kib = f" {progress.received >> 10} KiB" if progress.received else ""
            bar.update(task, description=f"fetching {progress.paper_id}{kib}")
            if progress.row is not None:
                bar.advance(task)

        return corpus.fetch(options, on_progress=show)


def _remark(row: FetchRow) -> str:
    return f"[{row.reason}] {row.detail}" if row.reason else row.detail


def show_fetch(report: FetchReport) -> None:
    """Print what a fetch did: a row for every file.

    :param report: The report.
    """
    counts = ", ".join(f"{count} {status}" for status, count in report.counts.items())
    message(f"files: {counts or 'none listed'}")
    print_rows(
        [(row.status, f"{row.paper_id} {row.kind or ''}", _remark(row)) for row in report.rows]
    )
    for name in report.extra_files:
        message(f"not listed, never used: {name}")
