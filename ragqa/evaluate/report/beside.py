"""One question with its gold and what systems gave for it, side by side.

In: a question and rows. Out: blocks. Invariant: what is marked as gold shares characters with gold
evidence, in the characters that the dataset counts in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ragqa.evaluate.measures import papers_in_order
from ragqa.evaluate.records import Evidence, GoldQuestion, Hit, Response, Row
from ragqa.evaluate.report.blocks import (
    NAME_CHARS,
    Block,
    Foreign,
    Inline,
    Items,
    Line,
    Mark,
    Para,
    Side,
    Strong,
    clip,
    named,
    number,
    plural,
)

__all__ = [
    "LINE_CHARS",
    "SHOWN_HITS",
    "TEXT_CHARS",
    "gist",
    "given_side",
    "gold_side",
]

SHOWN_HITS = 5
"""Hits of a question that are shown; the rest is counted."""

TEXT_CHARS = 1200
"""Characters of a chunk or of evidence that are shown: a chunk of the usual size, whole."""

LINE_CHARS = 300
"""Characters of a question, an answer or an error that are shown in a line."""

_SHOWN_EVIDENCE = 10  # stretches of gold: some datasets mark every sentence of a paper


def gist(question: GoldQuestion, row: Row | None) -> str:
    """Say in a few words how a question went.

    :param question: The question.
    :param row: The system's as-is row; None where it was not asked.
    :return: Ours but for an error's words.
    """
    if row is None:
        return "not asked"
    if row.response is None:
        return f"failed: {clip(row.error or 'no reason given', LINE_CHARS)}"
    parts = [*_ranks(question, row.response)]
    if row.response.abstained is not None:
        parts.append("abstained" if row.response.abstained else "answered")
    return ", ".join(parts) or "nothing to compare"


def _ranks(question: GoldQuestion, response: Response) -> Iterator[str]:
    hits = response.hits
    if hits is None:
        return
    if question.gold_papers:
        ranked = papers_in_order(hits)
        ranks = [n for n, paper in enumerate(ranked, 1) if paper in question.gold_papers]
        yield f"gold paper at rank {ranks[0]}" if ranks else "gold paper not retrieved"
    if question.evidence:
        places = [n for n, hit in enumerate(hits, 1) if _holds(hit, question.evidence)]
        yield f"gold evidence in hit {places[0]}" if places else "gold evidence in no hit"


def gold_side(question: GoldQuestion) -> Side:
    """Return what the dataset knows about a question.

    :param question: The question.
    :return: Its gold evidence and papers.
    """
    blocks: list[Block] = []
    evidence, relevant = question.evidence, question.relevant
    for item in evidence[:_SHOWN_EVIDENCE]:
        blocks.append(
            Para(line=(Strong(clip(item.paper_id, NAME_CHARS) or "no paper named"), _located(item)))
        )
        blocks.append(Para(line=(Foreign(clip(item.text, TEXT_CHARS)),), kind="quote"))
    if len(evidence) > _SHOWN_EVIDENCE:
        blocks.append(Para(line=(f"And {len(evidence) - _SHOWN_EVIDENCE:,} more.",)))
    if relevant:
        graded = sorted(relevant.items(), key=lambda each: (-each[1], each[0]))
        names = [f"{clip(paper, NAME_CHARS)} (grade {grade})" for paper, grade in graded]
        blocks.append(Para(line=("Relevant papers: ", Foreign(clip(", ".join(names), TEXT_CHARS)))))
    if not blocks:
        blocks.append(Para(line=("The dataset names no papers and no evidence.",)))
    return Side(title="Gold", blocks=tuple(blocks))


def given_side(question: GoldQuestion, row: Row | None, *, system: str) -> Side:
    """Return what a system gave for a question.

    :param question: The question.
    :param row: The system's row; None where it was not asked.
    :param system: The system's name.
    :return: Its answer, or why there is none, and its first hits.
    """
    title = f"What {clip(system, NAME_CHARS)} gave"
    return Side(title=title, blocks=tuple(_given(question, row)))


def _located(item: Evidence) -> str:
    """Say where evidence stands, or that nothing can find it."""
    if not item.is_located:
        return ", not located in the paper's text"
    return f", characters {item.start} to {item.end}"


def _given(question: GoldQuestion, row: Row | None) -> Iterator[Block]:
    if row is None or row.response is None:
        yield Para(line=(Foreign(gist(question, row)),), kind="note")
        return
    response = row.response
    yield from _answer(response)
    hits = response.hits
    if hits is None:
        return
    if not hits:
        yield Para(line=("Nothing was retrieved.",))
    for rank, hit in enumerate(hits[:SHOWN_HITS], 1):
        yield Para(line=_hit_head(question, hit, rank))
        yield Para(line=_hit_text(question, hit), kind="quote")
    if len(hits) > SHOWN_HITS:
        yield Para(line=(f"And {plural(len(hits) - SHOWN_HITS, 'hit')} more.",))


def _answer(response: Response) -> Iterator[Block]:
    sure = "" if response.confidence is None else f", confidence {number(response.confidence)}"
    if response.abstained:
        yield Para(line=(f"It abstained{sure}.",))
    elif response.statements is not None:
        yield Para(line=(f"It answered{sure}:",))
        lines = [(Foreign(clip(said.text, TEXT_CHARS)),) for said in response.statements]
        yield Items(lines=tuple(lines)) if lines else Para(line=("Nothing.",))


def _hit_head(question: GoldQuestion, hit: Hit, rank: int) -> Line:
    gold = ""
    if _holds(hit, question.evidence):
        gold = ", holds gold evidence"
    elif hit.paper_id in question.gold_papers:
        gold = ", of a gold paper"
    return (f"{rank}. ", named(hit.paper_id), f", score {number(hit.score)}{gold}")


def _hit_text(question: GoldQuestion, hit: Hit) -> Line:
    """Return a hit's words with what of them is gold marked, as far as they are shown."""
    text = hit.text
    if not text.strip():
        return ("The system gave no text.",)
    if hit.start is None or hit.end is None or hit.end - hit.start != len(text):
        return (Foreign(clip(text, TEXT_CHARS)),)
    pieces: list[Inline] = []
    at = 0
    for low, high in _stretches(hit, question.evidence):
        if low >= TEXT_CHARS:
            break
        pieces += [Foreign(text[at:low]), Mark(text[low : min(high, TEXT_CHARS)])]
        at = high
    if at < TEXT_CHARS:
        pieces.append(Foreign(text[at:TEXT_CHARS]))
    more = [" \u2026"] if len(text) > TEXT_CHARS else []
    return (*(each for each in pieces if isinstance(each, str) or each.text), *more)


def _stretches(hit: Hit, evidence: Sequence[Evidence]) -> list[tuple[int, int]]:
    """Return where in a hit's text gold evidence is: ascending, apart from each other."""
    start, merged = hit.start or 0, list[tuple[int, int]]()
    found = sorted(
        (max(0, item.start - start), min(len(hit.text), item.end - start))
        for item in evidence
        if item.start is not None and item.end is not None and _holds(hit, (item,))
    )
    for low, high in found:
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def _holds(hit: Hit, evidence: Sequence[Evidence]) -> bool:
    return any(item.overlaps(hit.paper_id, hit.document, hit.start, hit.end) for item in evidence)
