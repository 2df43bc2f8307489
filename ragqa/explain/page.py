"""An `Explanation` as one HTML file: the shell and the policy of an answer's page.

Invariants: every text passes `markup.tag`, which escapes it; nothing is loaded and no script runs;
what opens and closes is plain HTML. Raw outputs of a model are shown as text, as they came.
"""

from __future__ import annotations

from collections.abc import Iterator

from ragqa.answer.trace import ModelCall, Refusal
from ragqa.explain.records import ExplainedSection, Explanation, Found, Search
from ragqa.records import Citation
from ragqa.render.markup import Html, external_link, foreign, tag, whole_page
from ragqa.render.page import style
from ragqa.render.shared import KINDS

__all__ = ["to_html"]

_STYLE = """
details { margin: .6rem 0; }
summary { cursor: pointer; }
details > :not(summary) { margin-left: 1rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; max-height: 40rem; overflow: auto; }
"""


def to_html(explanation: Explanation) -> str:
    """Return an explanation as one self-contained HTML file.

    :param explanation: The explanation.
    :return: A whole page that ends with a line feed; encode it as UTF-8.
    """
    question = explanation.answer.question
    head = tag(
        "header",
        tag("p", "How this was answered", class_="label"),
        tag("h1", foreign(question)),
        tag("p", _facts(explanation), class_="facts"),
    )
    main = tag("main", *_main(explanation))
    foot = tag("footer", tag("p", "Made by ragqa. ", f"Index {explanation.answer.index}"))
    body = tag("body", head, main, foot)
    return whole_page(f"Explained: {question}", style=style() + _STYLE, body=body)


def _facts(explanation: Explanation) -> str:
    answer, usage = explanation.answer, explanation.usage
    said = _count(len(answer.statements), "statement")
    facts = [
        f"abstained: {answer.reason}" if answer.abstained else said,
        f"confidence {answer.confidence:.2f}, needed {explanation.min_confidence:.2f}",
        f"{len(explanation.refusals)} refused",
        f"written by {answer.generator}",
    ]
    if explanation.model:
        facts.append(f"model {explanation.model}, prompts {explanation.prompt_version}")
    if usage is not None:
        cost = "" if usage.cost is None else f", {usage.cost:.4f} USD"
        tokens = f"{usage.input_tokens} + {usage.output_tokens} tokens"
        facts.append(f"{_count(usage.requests, 'request')}, {tokens}{cost}")
    return " \u00b7 ".join(facts)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _main(explanation: Explanation) -> Iterator[Html]:
    yield from (_notice(item.text) for item in explanation.answer.notices)
    yield tag("section", tag("h2", "Plan"), tag("ol", *_plan(explanation)))
    searches = [_search(search) for search in explanation.searches]
    yield tag("section", tag("h2", "Searches"), *searches)
    yield tag("section", tag("h2", "Sections"), *map(_section, explanation.sections))
    statements = [
        tag("li", foreign(statement.text), *map(_citation, statement.citations))
        for statement in explanation.answer.statements
    ]
    yield tag("section", tag("h2", "Answer, with its citations"), tag("ol", *statements))


def _notice(text: str) -> Html:
    return tag("p", tag("b", "Note"), " ", foreign(text), class_="notice")


def _plan(explanation: Explanation) -> Iterator[Html]:
    for section in explanation.plan.sections:
        papers = ", ".join(section.paper_ids) or "all listed papers"
        queries = [tag("li", foreign(query)) for query in section.queries]
        title = tag("b", foreign(section.title))
        yield tag("li", title, f" ({section.kind}; {papers})", tag("ul", *queries))


def _search(search: Search) -> Html:
    signals = ", ".join(
        f"{name} {value:.3f}" for name, value in search.signals if value is not None
    )
    head = tag("summary", foreign(search.query), f" \u00b7 confidence {search.confidence:.3f}")
    papers = tag("p", f"In: {', '.join(search.paper_ids)}. Signals: {signals}.", class_="quiet")
    return tag("details", head, papers, *map(_found, search.found))


def _found(found: Found) -> Html:
    scored, chunk = found.scored, found.scored.chunk
    where = ", ".join(map(str, found.locators))
    head = (
        f"{scored.rank}. {chunk.paper_id}, {KINDS[chunk.document]}, {where} \u00b7 score "
        f"{scored.score:.3f} (dense {scored.dense:.3f}, lexical {scored.lexical:.2f})"
    )
    return tag("details", tag("summary", head), tag("pre", chunk.text))


def _section(section: ExplainedSection) -> Html:
    title = foreign(section.planned.title) if section.planned else "Beside all sections"
    empty = [] if section.calls or section.refusals else [tag("p", "Quoted; nothing was refused.")]
    return tag(
        "div",
        tag("h3", title),
        *(_call(call, number) for number, call in enumerate(section.calls, 1)),
        *map(_refusal, section.refusals),
        *empty,
    )


def _call(call: ModelCall, number: int) -> Html:
    tokens = f"{call.usage.input_tokens} + {call.usage.output_tokens} tokens"
    state = "from the cache" if call.cached else f"{call.error or call.finish}, {tokens}"
    messages = [
        part
        for role, content in call.messages
        for part in (tag("p", role, class_="label"), tag("pre", content))
    ]
    return tag(
        "details",
        tag("summary", f"Call {number}: {call.purpose}, {state}"),
        *messages,
        tag("p", "raw output", class_="label"),
        tag("pre", call.output),
    )


def _refusal(refusal: Refusal) -> Html:
    fate = "passed when written anew" if refusal.repaired else "not shown"
    quotes = [
        tag("li", foreign(chunk), ": ", tag("q", foreign(quote))) for chunk, quote in refusal.quotes
    ]
    head = tag("summary", f"Refused ({refusal.reason}): ", foreign(refusal.text))
    said = tag("p", foreign(refusal.detail), f" \u00b7 attempt {refusal.attempt}, {fate}")
    return tag("details", head, said, tag("ul", *quotes))


def _citation(citation: Citation) -> Html:
    where = ", ".join(map(str, citation.locators))
    link = [" ", external_link(citation.url)] if citation.url else []
    label = f"{citation.paper_id}, {KINDS[citation.document]}, {where}: "
    return tag("p", label, tag("q", foreign(citation.quote)), *link, class_="quiet")
