"""The verbs that answer: ask, answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import click

from ragqa.cli.building import run_build, show_build
from ragqa.cli.chatting import Chat, chat_options, show_statement, show_usage
from ragqa.cli.corpus import run_fetch, show_fetch
from ragqa.cli.explaining import write_explanation
from ragqa.cli.forms import form_options, print_answer, write_answer
from ragqa.cli.shared import (
    default_index,
    folder,
    message,
    only_index,
    reranker_called,
    reranker_option,
)

if TYPE_CHECKING:
    from ragqa.api import Reader
    from ragqa.fetch import FetchOptions
    from ragqa.records import Answer, Statement
    from ragqa.rerank import Reranker

__all__ = ["answer", "ask"]

_CONFIDENCE = click.FloatRange(0, 1)


class _Way(TypedDict):
    """How a question is asked."""

    paper_ids: tuple[str, ...]
    by_paper: bool
    on_statement: Callable[[Statement], None]


@click.command()
@click.argument("question", required=False)
@click.option(
    "--from",
    "source",
    type=folder,
    metavar="FILE",
    help='Answer the questions of a file, one a line, or JSON lines with "question"; - for stdin.',
)
@click.option("--index", type=folder, help="Index folder.  [default: the only one in indexes/]")
@click.option("--paper", "papers", multiple=True, metavar="ID", help="Only this paper; repeatable.")
@click.option("--by-paper", is_flag=True, help="An answer of each paper, on its own.")
@click.option("--min-confidence", type=_CONFIDENCE, help="Below it, abstain.")
@reranker_option
@chat_options
@click.option("--out", type=folder, help="Write the answer to this file instead of printing it.")
@click.option(
    "--explain", type=folder, metavar="FILE", help="Also write how it came about: .json or .html."
)
@form_options
def ask(
    question: str | None,
    source: Path | None,
    index: Path | None,
    papers: tuple[str, ...],
    by_paper: bool,
    min_confidence: float | None,
    reranker: str,
    chat: Chat,
    out: Path | None,
    explain: Path | None,
    form: str | None,
) -> None:
    """Answer QUESTION from the papers of an index, with checked citations, or abstain.

    With --from, many questions: an answer after the other as they come, with --json a line each:
    question, status (answered, abstained, failed), detail, answer. A question that fails stops no
    other; the exit code is 1 where all fail.
    """
    one, questions = _asked(question, source, alone=bool(out or explain or form == "html"))
    from ragqa.api import Reader

    model = chat.open()
    reader = Reader.open(index or only_index(), reranker=reranker_called(reranker), model=model)
    reader.on_nothing, reader.nli = chat.on_nothing, chat.nli
    if min_confidence is not None:
        reader.min_confidence = min_confidence
    way: _Way = {"paper_ids": papers, "by_paper": by_paper, "on_statement": show_statement}
    if one is None:
        as_json = form == "json"
        from ragqa.cli.many import answer_questions

        answer_questions(reader, questions, paper_ids=papers, by_paper=by_paper, as_json=as_json)
        show_usage(model)
        return
    if explain is None:
        found = reader.ask(one, **way)
    else:
        explanation = reader.explain(one, **way)
        found = explanation.answer
        write_explanation(explanation, explain)
    show_usage(model)
    print_answer(found, reader, form=form, file=out)


def _asked(
    question: str | None, source: Path | None, *, alone: bool
) -> tuple[str | None, list[str]]:
    """Return the one question, or None and those of a file."""
    if (question is None) == (source is None):
        raise click.UsageError("give a QUESTION, or questions with --from FILE")
    if source is None:
        return question, []
    if alone:
        raise click.UsageError("--out, --explain and --html go with one QUESTION")
    from ragqa.cli.many import read_questions

    return None, read_questions(source)


@click.command()
@click.argument("cards", nargs=-1, required=True, type=folder, metavar="CARD...")
@click.option("--mirror", type=folder, help="Folder laid out as HOST/PATH, looked at first.")
@click.option("--offline", is_flag=True, help="Make no connection: disk and mirror only.")
@reranker_option
@chat_options
@click.option("--out", type=folder, help="Write NAME.md, .json and (--html) .html here instead.")
@form_options
def answer(
    cards: tuple[Path, ...],
    mirror: Path | None,
    offline: bool,
    reranker: str,
    chat: Chat,
    out: Path | None,
    form: str | None,
) -> None:
    """Answer question cards: import, fetch and rebuild what is needed, then answer.

    A card beside a manifest.yaml belongs to that corpus. A single other card gets corpus/<its
    name>, or <its folder's name> where it is called card.txt. Several cards, or a folder of .txt
    cards, share corpus/<name of --out>, so that a paper is fetched and embedded once; each is
    answered from its own papers. What is answered already is not answered again; summary.md and
    summary.json say how each card fared.
    """
    from ragqa.fetch import FetchOptions

    if out is not None and (len(cards) > 1 or cards[0].is_dir()):
        fetch = FetchOptions(mirror=mirror, offline=offline)
        _answer_many(cards, out, fetch, reranker=reranker, chat=chat, form=form)
        return
    if len(cards) > 1 or cards[0].is_dir():
        raise click.UsageError("name a folder with --out for several cards")
    found, reader = _answer_card(
        cards[0],
        FetchOptions(mirror=mirror, offline=offline),
        reranker=reranker_called(reranker),
        chat=chat,
    )
    if out is None:
        print_answer(found, reader, form=form)
    else:
        write_answer(found, reader, out=out, name=_name(cards[0]), form=form)


def _answer_many(
    cards: tuple[Path, ...],
    out: Path,
    fetch: FetchOptions,
    *,
    reranker: str,
    chat: Chat,
    form: str | None,
) -> None:
    from ragqa.batch import BatchOptions, cards_in
    from ragqa.cli.batching import run_batch, show_batch

    model = chat.open()
    options = BatchOptions(
        fetch=fetch,
        reranker=reranker,
        html=form == "html",
        model=model,
        on_nothing=chat.on_nothing,
        nli=chat.nli,
    )
    report = run_batch(cards_in(cards), out, options)
    show_usage(model)
    show_batch(report, out, as_json=form == "json")
    if report.counts.get("failed", 0) == report.total:
        raise click.exceptions.Exit(1)


def _name(card: Path) -> str:
    return card.resolve().parent.name if card.name == "card.txt" else card.stem


def _corpus_of(card: Path) -> Path:
    is_in_corpus = (card.parent / "manifest.yaml").exists()
    return card.parent if is_in_corpus else Path("corpus") / _name(card)


def _answer_card(
    card: Path, fetch: FetchOptions, *, reranker: Reranker | None, chat: Chat
) -> tuple[Answer, Reader]:
    from ragqa.api import Corpus, Reader
    from ragqa.card import read_card

    directory, model = _corpus_of(card), chat.open()
    corpus, imported = Corpus.from_card(card, directory)
    for note in imported.notes:
        message(f"note: {note}")
    show_fetch(run_fetch(corpus, fetch))
    index = default_index(directory)
    show_build(run_build(corpus, index))
    reader = Reader.open(index, reranker=reranker, model=model)
    reader.on_nothing, reader.nli = chat.on_nothing, chat.nli
    found = reader.answer_card(read_card(card), on_statement=show_statement)
    show_usage(model)
    return found, reader
