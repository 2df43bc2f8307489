"""Many questions at the command line: a file of them, an answer each, a bar while they come."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ragqa.cli.shared import message, progress_bar
from ragqa.errors import RagqaError

if TYPE_CHECKING:
    from ragqa.api import Reader
    from ragqa.api.asked import AskedQuestion

__all__ = ["answer_questions", "read_questions"]


def read_questions(path: Path) -> list[str]:
    """Read questions, one a line: plain text, or JSON objects with ``question``.

    :param path: The file; ``-`` for stdin.
    :return: The questions; blank lines are none.
    :raises RagqaError: The file cannot be read, or a line that begins as an object is none with a
        question.
    """
    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise RagqaError(f"the questions cannot be read ({error.strerror})", item=path) from error
    lines = data.decode("utf-8-sig", errors="replace").split("\n")
    places = [(f"{path}:{number}", line.strip()) for number, line in enumerate(lines, 1)]
    return [_question(line, place) for place, line in places if line]


def _question(line: str, place: str) -> str:
    if not line.startswith("{"):
        return line
    try:
        question = json.loads(line)["question"]
    except (ValueError, KeyError, RecursionError):
        question = None
    if not isinstance(question, str):
        raise RagqaError(
            "this line is no question", item=place, hint='Write it as {"question": "..."}'
        )
    return question


def answer_questions(
    reader: Reader,
    questions: Sequence[str],
    *,
    paper_ids: tuple[str, ...],
    by_paper: bool,
    as_json: bool,
) -> None:
    """Print an answer for each question as it comes; what fails is a row, or a line on stderr.

    :param reader: Answers.
    :param questions: The questions.
    :param paper_ids: Papers to restrict the answers to.
    :param by_paper: Whether each paper answers alone.
    :param as_json: Whether to print a line of JSON for each, instead of Markdown.
    :raises click.exceptions.Exit: All of them failed.
    """
    with progress_bar(shown=not sys.stdout.isatty()) as bar:
        task = bar.add_task("answering", total=len(questions))

        def show(row: AskedQuestion) -> None:
            if as_json:
                click.echo(json.dumps(row.to_dict(), ensure_ascii=False).encode(errors="replace"))
            elif row.answer is not None:
                click.echo(row.answer.to_markdown().encode(errors="replace"))
            else:
                message(f"failed: {row.question!r}: {row.error}")
            bar.advance(task)

        rows = reader.ask_many(questions, paper_ids=paper_ids, by_paper=by_paper, on_answer=show)
    failed = sum(row.status == "failed" for row in rows)
    abstained = sum(row.status == "abstained" for row in rows)
    message(
        f"{len(rows)} questions: {abstained} abstained, "
        f"{len(rows) - abstained - failed} answered, {failed} failed"
    )
    if failed and failed == len(rows):
        raise click.exceptions.Exit(1)
