"""The verbs that answer: ask, answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ragqa.cli.building import run_build, show_build
from ragqa.cli.corpus import run_fetch, show_fetch
from ragqa.cli.shared import as_json, default_index, folder, message, print_json
from ragqa.errors import CorpusError

if TYPE_CHECKING:
    from ragqa.records import Answer

__all__ = ["answer", "ask"]

_CONFIDENCE = click.FloatRange(0, 1)


@click.command()
@click.argument("question")
@click.option("--index", type=folder, help="Index folder.  [default: the only one in indexes/]")
@click.option("--paper", "papers", multiple=True, metavar="ID", help="Only this paper; repeatable.")
@click.option("--min-confidence", type=_CONFIDENCE, help="Below it, abstain.")
@as_json
def ask(
    question: str,
    index: Path | None,
    papers: tuple[str, ...],
    min_confidence: float | None,
    as_json: bool,
) -> None:
    """Answer QUESTION from the papers of an index, with checked citations, or abstain."""
    from ragqa.api import Reader

    reader = Reader.open(index or _only_index())
    if min_confidence is not None:
        reader.min_confidence = min_confidence
    _print_answer(reader.ask(question, paper_ids=papers), as_json=as_json)


def _only_index() -> Path:
    found = sorted(path.parent for path in Path("indexes").glob("*/CURRENT"))
    if len(found) == 1:
        return found[0]
    names = ", ".join(map(str, found)) or "there is none in indexes/"
    raise CorpusError(
        "no index was named", item=names, hint="Name one with --index, or run `ragqa rebuild`"
    )


@click.command()
@click.argument("cards", nargs=-1, required=True, type=folder, metavar="CARD...")
@click.option("--mirror", type=folder, help="Folder laid out as HOST/PATH, looked at first.")
@click.option("--offline", is_flag=True, help="Make no connection: disk and mirror only.")
@click.option("--out", type=folder, help="Write NAME.md and NAME.json here instead of printing.")
@as_json
def answer(
    cards: tuple[Path, ...], mirror: Path | None, offline: bool, out: Path | None, as_json: bool
) -> None:
    """Answer question cards: import, fetch and rebuild what is needed, then answer.

    A card beside a manifest.yaml belongs to that corpus. A single other card gets corpus/<its
    name>, or <its folder's name> where it is called card.txt. Several cards, or a folder of .txt
    cards, share corpus/<name of --out>, so that a paper is fetched and embedded once; each is
    answered from its own papers. What is answered already is not answered again; summary.md and
    summary.json say how each card fared.
    """
    if out is not None and (len(cards) > 1 or cards[0].is_dir()):
        _answer_many(cards, out, mirror=mirror, offline=offline, as_json=as_json)
        return
    if len(cards) > 1 or cards[0].is_dir():
        raise click.UsageError("name a folder with --out for several cards")
    found = _answer_card(cards[0], mirror=mirror, offline=offline)
    if out is None:
        _print_answer(found, as_json=as_json)
    else:
        _write_answer(found, out, _name(cards[0]))


def _answer_many(
    cards: tuple[Path, ...], out: Path, *, mirror: Path | None, offline: bool, as_json: bool
) -> None:
    from ragqa.batch import cards_in
    from ragqa.cli.batching import run_batch, show_batch
    from ragqa.fetch import FetchOptions

    report = run_batch(cards_in(cards), out, FetchOptions(mirror=mirror, offline=offline))
    show_batch(report, out, as_json=as_json)
    if report.counts.get("failed", 0) == report.total:
        raise click.exceptions.Exit(1)


def _name(card: Path) -> str:
    return card.resolve().parent.name if card.name == "card.txt" else card.stem


def _corpus_of(card: Path) -> Path:
    is_in_corpus = (card.parent / "manifest.yaml").exists()
    return card.parent if is_in_corpus else Path("corpus") / _name(card)


def _answer_card(card: Path, *, mirror: Path | None, offline: bool) -> Answer:
    from ragqa.api import Corpus, Reader
    from ragqa.card import read_card
    from ragqa.fetch import FetchOptions

    directory = _corpus_of(card)
    corpus, imported = Corpus.from_card(card, directory)
    for note in imported.notes:
        message(f"note: {note}")
    show_fetch(run_fetch(corpus, FetchOptions(mirror=mirror, offline=offline)))
    index = default_index(directory)
    show_build(run_build(corpus, index))
    return Reader.open(index).answer_card(read_card(card))


def _print_answer(found: Answer, *, as_json: bool) -> None:
    from ragqa.render import to_dict, to_markdown

    if as_json:
        print_json(to_dict(found))
    else:
        click.echo(to_markdown(found), nl=False)


def _write_answer(found: Answer, out: Path, name: str) -> None:
    from ragqa._files import atomic_writer, write_json
    from ragqa.render import to_dict, to_markdown

    with atomic_writer(out / f"{name}.md") as file:
        file.write(to_markdown(found).encode())
    write_json(out / f"{name}.json", to_dict(found))
    message(f"wrote {out / name}.md and .json")
