"""The forms that an answer is printed or written in: Markdown, JSON, one HTML file.

In: an answer and the reader that gave it. Out: text on stdout, or whole files.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ragqa.cli.shared import message
from ragqa.errors import RagqaError

if TYPE_CHECKING:
    from ragqa.api import Reader
    from ragqa.records import Answer

__all__ = ["form_options", "print_answer", "write_answer"]

_Command = TypeVar("_Command", bound=Callable[..., Any])


def form_options(command: _Command) -> _Command:
    """Add ``--json`` and ``--html``, of which the last one given counts.

    :param command: A command with a parameter ``form``: ``json``, ``html``, or None for Markdown.
    :return: The command.
    """
    html = "One HTML file that opens anywhere: quotes with their pages, no script, no network."
    with_html = click.option("--html", "form", flag_value="html", help=html)(command)
    return click.option("--json", "form", flag_value="json", help="Print JSON on stdout.")(
        with_html
    )


def print_answer(
    found: Answer, reader: Reader, *, form: str | None, file: Path | None = None
) -> None:
    """Print an answer on stdout, or write it to a file.

    :param found: The answer.
    :param reader: The reader that gave it.
    :param form: ``json``, ``html``, or None for Markdown.
    :param file: Where to write it instead; its folder is made if needed.
    """
    data = _encoded(found, reader, form)
    if file is None:
        click.echo(data, nl=False)
        return
    _write(file, data)
    message(f"wrote {file}")


def write_answer(found: Answer, reader: Reader, *, out: Path, name: str, form: str | None) -> None:
    """Write an answer's files: Markdown and JSON, and HTML where it is asked for.

    :param found: The answer.
    :param reader: The reader that gave it.
    :param out: Their folder; it is made if needed.
    :param name: Their name, without suffix.
    :param form: ``html`` for the third file.
    """
    suffixes = {".md": None, ".json": "json"} | ({".html": "html"} if form == "html" else {})
    for suffix, each in suffixes.items():
        _write(out / f"{name}{suffix}", _encoded(found, reader, each))
    *most, last = suffixes
    message(f"wrote {out / name}{', '.join(most)} and {last}")


def _encoded(found: Answer, reader: Reader, form: str | None) -> bytes:
    if form == "html":
        return reader.to_html(found).encode()
    if form == "json":
        import json

        text = json.dumps(found.to_dict(), ensure_ascii=False, indent=2)
        return text.encode(errors="replace") + b"\n"
    return found.to_markdown().encode(errors="replace")


def _write(path: Path, data: bytes) -> None:
    from ragqa._files import atomic_writer

    try:
        with atomic_writer(path) as file:
            file.write(data)
    except OSError as error:
        raise RagqaError(f"the answer cannot be written ({error.strerror})", item=path) from error
