"""The verb explain: an answer's file -> how that answer came about."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ragqa._files import atomic_writer
from ragqa.cli.chatting import Chat, chat_options, show_usage
from ragqa.cli.shared import (
    as_json,
    folder,
    message,
    only_index,
    print_json,
    reranker_called,
    reranker_option,
)
from ragqa.errors import RagqaError

if TYPE_CHECKING:
    from ragqa.api import Reader
    from ragqa.explain import Explanation
    from ragqa.generate.chat import ChatModel

__all__ = ["explain", "write_explanation"]

_SCHEMA = "ragqa/answer/1"
_SHOWN = 3  # chunks of each search
_WRITE_ONE = "Write one with `ragqa ask --json --out FILE`"


@click.command()
@click.argument("answer", type=folder, metavar="ANSWER.json")
@click.option("--index", type=folder, help="Index folder.  [default: the only one in indexes/]")
@click.option("--paper", "papers", multiple=True, metavar="ID", help="Only this paper; repeatable.")
@click.option("--min-confidence", type=click.FloatRange(0, 1), help="Below it, abstain.")
@reranker_option
@chat_options
@click.option("--html", type=folder, metavar="FILE", help="Write it as one HTML file, too.")
@as_json
def explain(
    answer: Path,
    index: Path | None,
    papers: tuple[str, ...],
    min_confidence: float | None,
    reranker: str,
    chat: Chat,
    html: Path | None,
    as_json: bool,
) -> None:
    """Ask the question of ANSWER.json again, and tell how its answer comes about.

    Shown are plan, searches, prompts, raw outputs and refused statements, and whether the answer
    is the same as in the file. A chat model's replies come from the cache where they are there;
    the model is that of the file, unless --model names another. What restricted or changed the
    answer (--paper, --min-confidence, --reranker) is to be given again.
    """
    from ragqa.api import Reader

    value = _read(answer)
    model = _model(chat, str(value.get("generator", "extractive")))
    reader = Reader.open(index or only_index(), reranker=reranker_called(reranker), model=model)
    reader.on_nothing, reader.nli = chat.on_nothing, chat.nli
    if min_confidence is not None:
        reader.min_confidence = min_confidence
    explanation = _explained(reader, value, papers)
    show_usage(model)
    if html is not None:
        write_explanation(explanation, html)
    differences = _differences(value, explanation.answer.to_dict())
    if as_json:
        print_json({**explanation.to_dict(), "differences": differences})
    else:
        click.echo("\n".join(_lines(explanation)))
    same = "the answer is the same as in" if not differences else "the answer is another than in"
    message(f"{same} {answer}" + (f": {', '.join(differences)}" if differences else ""))


def write_explanation(explanation: Explanation, path: Path) -> None:
    """Write an explanation as its file's name says: JSON, or HTML.

    :param explanation: The explanation.
    :param path: The file; ``.html`` for a page, anything else for JSON.
    :raises RagqaError: It cannot be written.
    """
    if path.suffix.lower() in {".html", ".htm"}:
        text = explanation.to_html()
    else:
        text = json.dumps(explanation.to_dict(), ensure_ascii=False, indent=2) + "\n"
    try:
        with atomic_writer(path) as file:
            file.write(text.encode(errors="replace"))
    except OSError as error:
        raise RagqaError(
            f"the explanation cannot be written ({error.strerror})", item=path
        ) from error
    message(f"wrote {path}")


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise RagqaError(
            "the answer's file cannot be read",
            item=path,
            hint=_WRITE_ONE,
        ) from error
    if not isinstance(value, dict) or value.get("schema") != _SCHEMA:
        raise RagqaError(
            "this is no answer of ragqa",
            item=path,
            hint=_WRITE_ONE,
        )
    return value


def _model(chat: Chat, generator: str) -> ChatModel | None:
    """Open the model that is named, else the one that wrote the answer."""
    if chat.name is not None or generator == "extractive":
        return chat.open()
    return replace(chat, name=generator).open()


def _explained(reader: Reader, value: Mapping[str, Any], papers: tuple[str, ...]) -> Explanation:
    """Ask again as the answer's sections say that it was asked."""
    from ragqa.card import Card

    titles = [section["title"] for section in value["sections"]]
    listed = {source["title"] for source in value["sources"]}
    is_plain = all(section["kind"] == "answer" for section in value["sections"])
    if is_plain and titles in ([], ["Answer"]):
        return reader.explain(value["question"], paper_ids=papers)
    if is_plain and set(titles) <= listed:
        return reader.explain(value["question"], paper_ids=papers, by_paper=True)
    used = [s["paper_id"] for s in value["sources"] if s["state"] != "removed"]
    own = tuple(paper for paper in reader.papers if paper.paper_id in used)
    card = Card(question=value["question"], instructions=tuple(titles), papers=own)
    return reader.explain_card(card, papers=None if own == reader.papers else own)


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [
        name for name, value in json.loads(json.dumps(now)).items() if before.get(name) != value
    ]


def _lines(explanation: Explanation) -> Iterator[str]:
    """Tell in short: everything is in the JSON and the HTML."""
    for search in explanation.searches:
        yield f"search: {_flat(search.query)} (confidence {search.confidence:.2f})"
        for found in search.found[:_SHOWN]:
            chunk = found.scored.chunk
            where = ", ".join(map(str, found.locators))
            yield f"  {found.scored.rank}. {chunk.paper_id} {where}: {found.scored.score:.2f}"
    for section in explanation.sections:
        yield f"section: {_flat(section.planned.title if section.planned else '-')}"
        for call in section.calls:
            source = "cache" if call.cached else "model"
            yield f"  {call.purpose}: {call.error or call.finish} ({source})"
        for refusal in section.refusals:
            fate = "; written anew" if refusal.repaired else ""
            yield f"  refused [{refusal.reason}{fate}]: {_flat(refusal.text)}"
    for citation in explanation.answer.citations:
        where = ", ".join(map(str, citation.locators))
        yield f"cited: {citation.paper_id} {citation.document} {where}: {_flat(citation.quote)}"


def _flat(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in " ".join(text.split()))
