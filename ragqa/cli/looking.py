"""The verbs that look and change nothing: status, show, doctor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ragqa.cli.shared import as_json, folder, message, only_index, print_json, print_rows

if TYPE_CHECKING:
    from ragqa.inspect import PaperStatus, Shown, Status

__all__ = ["doctor", "show", "status"]

_FILES = {
    "same": "the file has it in the same place",
    "changed": "the file has changed since it was indexed",
    "no-file": "the file is not there to compare",
}
_AGES = ((86_400, "days"), (3_600, "hours"), (60, "minutes"))  # seconds of each


@click.command()
@click.argument("corpus_or_index", type=folder)
@click.option("--index", type=folder, help="The index of a corpus.  [default: indexes/<its name>]")
@as_json
def status(corpus_or_index: Path, index: Path | None, as_json: bool) -> None:
    """Say what a corpus lists, what of it is on disk, and what its index holds."""
    from ragqa.inspect import status_of

    found = status_of(corpus_or_index, index=index)
    if as_json:
        print_json(found.to_dict())
    else:
        click.echo("\n".join(_status_lines(found)))


def _status_lines(found: Status) -> list[str]:
    lines = [
        f"corpus: {found.corpus or 'not there any more'}, {len(found.papers)} papers, "
        f"{found.corpus_size:,} bytes"
    ]
    index = found.index
    if index is None:
        lines.append("index: none; run: ragqa rebuild")
    else:
        lines.append(
            f"index: {index.directory}, generation {index.generation}, {_age(index.age_s)} old, "
            f"{index.documents} texts, {found.pages} pages, {index.chunks} chunks, "
            f"{index.size:,} bytes, {index.embedder}"
        )
    width = max((len(paper.paper_id) for paper in found.papers), default=0)
    lines += [f"  {p.state:<12}  {p.paper_id:<{width}}  {_files(p)}".rstrip() for p in found.papers]
    return [*lines, *(f"stale: {line}" for line in found.stale)]


def _files(paper: PaperStatus) -> str:
    states = [f"{file.kind} {file.state}" for file in paper.files]
    pages = sum(document.pages for document in paper.documents)
    return "; ".join([*states, *([f"{pages} pages"] if pages else [])])


def _age(seconds: int) -> str:
    for size, name in _AGES:
        if seconds >= 2 * size:
            return f"{seconds // size} {name}"
    return f"{seconds} s"


@click.command()
@click.argument("citation")
@click.option("--index", type=folder, help="Index folder.  [default: the only one in indexes/]")
@as_json
def show(citation: str, index: Path | None, as_json: bool) -> None:
    """Show the quote of CITATION with the words around it, and check it against the file again.

    CITATION is ANSWER.json#N with the number that the answer shows, a chunk_id, or
    PAPER_ID:KIND:START-END, where KIND is pdf, readme or summary.
    """
    from ragqa.inspect import show_citation

    found = show_citation(citation, index or only_index())
    if as_json:
        print_json(found.to_dict())
    else:
        click.echo("\n".join(_shown_lines(found)))


def _shown_lines(found: Shown) -> list[str]:
    where = ", ".join(str(locator) for locator in found.locators)
    section = f", section “{found.section}”" if found.section else ""
    head = f"{found.title} ({found.paper_id}), {found.document}, {where}{section}"
    lines = [head, *([found.url] if found.url else []), ""]
    for line in found.lines:
        quote = f"»{line.quote}«" if line.quote else ""
        lines.append(" ".join(f"{line.before}{quote}{line.after}".split()))
    path = f" ({found.path})" if found.path else ""
    return [*lines, "", f"{_FILES[found.file]}{path}"]


@click.command()
@click.option(
    "--index", "indexes", type=folder, multiple=True, help="Index folder.  [default: all here]"
)
@as_json
def doctor(indexes: tuple[Path, ...], as_json: bool) -> None:
    """Check libraries, embedder, indexes and their corpora; say what to do where one fails."""
    from ragqa.inspect import examine

    here = sorted(path.parent for path in Path("indexes").glob("*/CURRENT"))
    found = examine(indexes or here)
    if as_json:
        print_json(found.to_dict())
    else:
        print_rows(
            [
                (c.state, c.name, f"{c.detail}. {c.hint}" if c.hint else c.detail)
                for c in found.checks
            ]
        )
        message("all is well" if found.ok else "something is wrong: see the rows that fail")
    if not found.ok:
        raise click.exceptions.Exit(1)
