"""The command line: one subcommand a verb; each parses arguments, makes one API call, prints.

Data goes to stdout, progress and messages to stderr; every verb takes ``--json``. Exit codes: 0
done (an abstention or a partly failed fetch is a result), 1 a `RagqaError` in one line that says
what to do, 2 usage, 3 a gate of ``evaluate --fail-under`` was missed. Nothing heavy is imported
until a verb needs it.
"""

from __future__ import annotations

import sys

import click

from ragqa.cli.asking import answer, ask
from ragqa.cli.building import rebuild
from ragqa.cli.corpus import add, fetch, import_card, init, remove
from ragqa.cli.evaluating import compare, evaluate
from ragqa.cli.explaining import explain
from ragqa.cli.looking import doctor, show, status
from ragqa.errors import RagqaError

__all__ = ["cli", "main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ragqa")
def cli() -> None:
    """Answer questions from a closed list of papers, and only from it.

    A corpus is a folder with manifest.yaml (the list); an index is built from it; answers cite
    exact, checked spans, or abstain. Start with: ragqa answer CARD
    """


for _command in (
    init, import_card, add, remove, fetch, rebuild, ask, answer, explain, evaluate, compare, status,
    show, doctor,
):  # fmt: skip
    cli.add_command(_command)


def main() -> None:
    """Run the command line; a `RagqaError` becomes one line on stderr and exit code 1."""
    try:
        cli(standalone_mode=True)
    except RagqaError as error:
        click.echo(f"ragqa: {error}", err=True)
        sys.exit(1)
