"""Write docs/cli.md from the command line's own help: ``make docs``.

In: the click commands of `ragqa.cli` as they are. Out: one page with every verb, its usage, text
and options, and the exit codes as the module's docstring states them. Nothing is written twice;
``tests/test_docs.py`` fails where the page is not what this would write.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click

import ragqa.cli

__all__ = ["PAGE", "page"]

PAGE = Path(__file__).with_name("cli.md")
"""What is written."""

_HEAD = """\
# The command line

<!-- Written by docs/make_cli.py from the program's own help. Change that, then run: make docs -->
"""
_EXIT_CODES = re.compile(r"Exit codes: (?P<codes>.+?)\.\s", re.DOTALL)


def page() -> str:
    """Return the page as the program would have it now.

    :return: Markdown that ends with a line feed.
    """
    context = _context(ragqa.cli.cli, "ragqa")
    parts = [_HEAD, *_texts(context), "## Exit codes\n", *_exit_codes(), *_verbs(context)]
    return "\n".join(parts).rstrip() + "\n"


def _context(
    command: click.Command, name: str, parent: click.Context | None = None
) -> click.Context:
    return click.Context(command, info_name=name, parent=parent, **command.context_settings)


def _texts(context: click.Context) -> Iterator[str]:
    for paragraph in inspect.cleandoc(context.command.help or "").split("\n\n"):
        yield _escape(" ".join(paragraph.split())) + "\n"


def _exit_codes() -> Iterator[str]:
    found = _EXIT_CODES.search(ragqa.cli.__doc__ or "")
    if found is None:
        raise SystemExit("the docstring of ragqa.cli states no exit codes: 'Exit codes: 0 ..., 1'")
    codes = " ".join(found["codes"].split())
    for code in re.split(r", (?=\d )", codes):
        number, meaning = code.split(" ", 1)
        yield f"- `{number}`: {meaning}"
    yield ""


def _verbs(context: click.Context) -> Iterator[str]:
    """Yield a section for each verb in the order of the journey, those of a group after it."""
    command = context.command
    if not isinstance(command, click.Group):
        return
    for name, verb in command.commands.items():
        if verb.hidden:
            continue
        inner = _context(verb, name, context)
        yield f"## {inner.command_path}\n"
        yield from _usage(inner)
        yield from _texts(inner)
        yield from _options(inner)
        yield from _verbs(inner)


def _usage(context: click.Context) -> Iterator[str]:
    pieces = context.command.collect_usage_pieces(context)
    yield f"```text\n{' '.join([context.command_path, *pieces])}\n```\n"


def _options(context: click.Context) -> Iterator[str]:
    for option in context.command.get_params(context):
        record = option.get_help_record(context)
        if record is not None and record[1]:  # an argument has no text of its own
            yield f"- `{record[0]}`: {_escape(' '.join(record[1].split()))}"
    yield ""


def _escape(text: str) -> str:
    return re.sub(r"([<>*_`\[\]])", r"\\\1", text)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
