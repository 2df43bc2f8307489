"""What the verbs share: options, output, progress bars."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ragqa.errors import CorpusError

if TYPE_CHECKING:
    from rich.progress import Progress

    from ragqa.rerank import Reranker

__all__ = [
    "INTERRUPTED",
    "as_json",
    "default_index",
    "folder",
    "message",
    "only_index",
    "print_json",
    "print_rows",
    "progress_bar",
    "reranker_called",
    "reranker_option",
]

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells give it: 128 and the signal's number."""

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
"""The option that every verb takes."""

folder = click.Path(path_type=Path)
"""A folder or file argument."""


reranker_option = click.option(
    "--reranker",
    default="none",
    show_default=True,
    metavar="NAME",
    help="Name or folder of a cross-encoder that reads the best chunks once more.",
)
"""The option of the verbs that answer."""


def reranker_called(name: str) -> Reranker | None:
    """Load the reranker that an option names, and say on stderr what that takes.

    :param name: The option's value.
    :return: The reranker, if there shall be one.
    :raises RerankerError: It cannot be found, loaded or exported.
    """
    if name == "none":
        return None
    from ragqa.rerank import reranker_named  # numpy and onnxruntime: not before they are needed

    return reranker_named(name, on_progress=message)


def default_index(corpus: Path) -> Path:
    """Return where a corpus's index is if none is named: ``indexes/<corpus name>``.

    :param corpus: The corpus folder.
    :return: ``indexes/NAME`` beside the folder that holds the corpora, else in this folder.
    """
    from ragqa.api.index import default_index as usual  # 0.3 s: not before a verb needs it

    return usual(corpus)


def only_index() -> Path:
    """Return the only index in ``indexes/``.

    :return: Its folder.
    :raises CorpusError: There is none, or more than one.
    """
    found = sorted(path.parent for path in Path("indexes").glob("*/CURRENT"))
    if len(found) == 1:
        return found[0]
    if found:
        names, hint = ", ".join(map(str, found)), "Name one of them with --index"
    else:
        names, hint = (
            "there is none in indexes/",
            "Run `ragqa rebuild CORPUS`, or name one with --index",
        )
    raise CorpusError("no index was named", item=names, hint=hint)


def print_json(value: object) -> None:
    """Print a value as JSON on stdout.

    :param value: JSON-ready values.
    """
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def message(text: str) -> None:
    """Print a line on stderr.

    :param text: The line.
    """
    click.echo(text, err=True)


def print_rows(rows: Sequence[tuple[str, str, str]]) -> None:
    """Print a report on stderr, a line for each row: status, item, and what there is to say.

    :param rows: Status, item and remark; columns are as wide as their widest entry.
    """
    statuses = max((len(status) for status, _, _ in rows), default=0)
    items = max((len(item) for _, item, _ in rows), default=0)
    for status, item, remark in rows:
        message(f"  {status:<{statuses}}  {item:<{items}}  {remark}".rstrip())


@contextmanager
def progress_bar(*, shown: bool = True) -> Iterator[Progress]:
    """Show a progress bar on stderr while a block runs; where that is no terminal, nothing.

    :param shown: Whether to show it at all.
    :yield: A rich progress, to add tasks to.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True, highlight=False),
        disable=not (shown and sys.stderr.isatty()),
        transient=True,
    )
    with bar:
        yield bar
