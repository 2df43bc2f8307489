"""Stage 8 without any LLM: choose, order and quote whole sentences.

In: scored sentences of retrieved chunks. Out: drafts for `verify`. Sentences are taken best first;
one that says what a taken one says adds its citation at most; one that stands beside a taken one
in its paragraph makes one statement with it. The first three statements are the best three, and
the best stands first where it is far ahead; then come the further ones. Among each of these,
papers stand in the order of their best sentence, and a paper's statements in reading order. A
sentence that points back is quoted with what it points to (see `standalone`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from ragqa.generate.sameness import same_words, say_the_same
from ragqa.generate.standalone import is_understood, quote_start, says_something
from ragqa.records import Cell, Chunk, Draft, DraftQuote, ScoredSentence

__all__ = ["extract"]

_MAX_BEHIND = 3.0  # score units behind the best sentence; further back stands other matter
_FIRST_STATEMENTS = 3
# Score units behind the best: nearly as good, so that reading order decides; and how far what is
# taken beyond the first three may be. Both: covidqa and evidence-inference, see docs/LOG.md,
# "The answer itself".
_NEARLY = 1.0
_MAX_BEHIND_FURTHER = 1.5
_NOT_ALONE = 2.0  # score units: costs no gold sentence (.586 of covidqa's answers with and without)
_MAX_JOINED_CHARS = 600  # characters: neighbours that make one statement must stay readable


@dataclass(slots=True)
class _Taken:
    """A statement in the making: its sentences, best first, and the span that is quoted.

    `twins` have the same words in other texts.
    """

    sentences: list[ScoredSentence]
    start: int
    end: int
    twins: list[_Taken] = field(default_factory=list)

    @property
    def best(self) -> ScoredSentence:
        return self.sentences[0]

    @property
    def chunk(self) -> Chunk:
        return self.best.chunk

    @property
    def text(self) -> str:
        return self.chunk.slice(self.start, self.end)


def extract(
    sentences: Sequence[ScoredSentence],
    *,
    limit: int,
    paper_id: str | None = None,
    cell: Cell | None = None,
) -> tuple[Draft, ...]:
    """Choose the sentences that answer.

    :param sentences: Scored sentences, in any order; those that are not quotable or say nothing are
        passed over.
    :param limit: How many statements at most; with 1, also how many sentences (that which it
        points back to aside).
    :param paper_id: Set on every draft, for a table.
    :param cell: Set on every draft, for a table.
    :return: Drafts in the order of the answer; fewer where the rest is far behind the best.
    """
    ranked = sorted(_quotable(sentences), key=_rank)
    taken: list[_Taken] = []
    for candidate in ranked:
        behind = _MAX_BEHIND if len(taken) < _FIRST_STATEMENTS else _MAX_BEHIND_FURTHER
        if candidate.score < ranked[0].score - behind:
            break
        _take(taken, candidate, limit)
    return tuple(_draft(statement, paper_id, cell) for statement in _in_order(taken))


def _rank(scored: ScoredSentence) -> tuple[float, str, str, int]:
    chunk = scored.chunk
    return -scored.score, chunk.paper_id, chunk.document, scored.sentence.start


def _quotable(sentences: Sequence[ScoredSentence]) -> Iterator[ScoredSentence]:
    """Yield what may be quoted, as far as it can be near the best.

    What cannot be quoted together with what it means stands behind the others.
    """
    best = -math.inf
    for scored in sorted((s for s in sentences if s.sentence.quotable), key=_rank):
        if scored.score < best - _MAX_BEHIND:
            return
        if says_something(scored.text):
            is_alone = is_understood(scored.chunk, _index(scored))
            fair = scored if is_alone else replace(scored, score=scored.score - _NOT_ALONE)
            best = max(best, fair.score)
            yield fair


def _index(scored: ScoredSentence) -> int:
    start = scored.sentence.start
    return next(i for i, s in enumerate(scored.chunk.sentences) if s.start == start)


def _take(taken: list[_Taken], candidate: ScoredSentence, limit: int) -> None:
    """Add a sentence to what is taken: as a second citation, to a neighbour, or by itself."""
    new = _quoted(candidate)
    said = next((one for one in taken if _is_said(one, candidate)), None)
    if said is not None:
        if _adds_source(said, new):
            said.twins.append(new)
        return
    if len(taken) == limit == 1:
        return  # one sentence is asked for, not one with its neighbours
    beside = [one for one in taken if _can_join(one, new)]
    if beside:
        _join(beside[0], new)
        for one in [one for one in beside[1:] if _can_join(beside[0], one)]:
            _join(beside[0], one)
            taken.remove(one)
    elif len(taken) < limit:
        taken.append(new)


def _join(one: _Taken, other: _Taken) -> None:
    one.sentences.extend(other.sentences)
    one.start, one.end = min(one.start, other.start), max(one.end, other.end)
    one.twins.clear()  # they have a part of it only


def _is_said(one: _Taken, candidate: ScoredSentence) -> bool:
    if one.chunk.chunk_id == candidate.chunk.chunk_id and (
        one.start <= candidate.sentence.start and candidate.sentence.end <= one.end
    ):
        return True  # as what another one points back to
    is_own = one.chunk.paper_id == candidate.chunk.paper_id
    return any(say_the_same(s.text, candidate.text, loosely=is_own) for s in one.sentences)


def _adds_source(one: _Taken, new: _Taken) -> bool:
    """Say whether all that is quoted stands in a text that is not cited yet, word for word."""
    places = {(taken.chunk.paper_id, taken.chunk.document) for taken in (one, *one.twins)}
    place = (new.chunk.paper_id, new.chunk.document)
    return place not in places and same_words(one.text, new.text)


def _quoted(candidate: ScoredSentence) -> _Taken:
    start = quote_start(candidate.chunk, _index(candidate))
    return _Taken([candidate], start, candidate.sentence.end)


def _can_join(one: _Taken, new: _Taken) -> bool:
    """Say whether two quotes overlap, or follow each other in a paragraph and stay short."""
    if _overlap(one, new):
        return True
    if one.chunk.chunk_id != new.chunk.chunk_id or one.twins:
        return False
    first, second = sorted(((one.start, one.end), (new.start, new.end)))
    between = one.chunk.slice(first[1], second[0])
    return between in ("", " ") and second[1] - first[0] <= _MAX_JOINED_CHARS


def _overlap(one: _Taken, other: _Taken) -> bool:
    is_near = one.chunk.chunk_id == other.chunk.chunk_id
    return is_near and one.start < other.end and other.start < one.end


def _in_order(taken: Sequence[_Taken]) -> Iterator[_Taken]:
    first, further = taken[:_FIRST_STATEMENTS], taken[_FIRST_STATEMENTS:]
    scores = [one.best.score for one in first]
    lead = 1 if len(first) > 1 and scores[0] - scores[1] > _NEARLY else 0
    for block in (first[:lead], first[lead:], further):
        papers = [one.chunk.paper_id for one in block]
        yield from sorted(block, key=lambda one: _reading_order(papers, one))


def _reading_order(papers: Sequence[str], one: _Taken) -> tuple[int, str, int]:
    return papers.index(one.chunk.paper_id), one.chunk.document, one.start


def _draft(one: _Taken, paper_id: str | None, cell: Cell | None) -> Draft:
    quotes = tuple(
        DraftQuote(chunk=taken.chunk, text=taken.text, start=taken.start)
        for taken in (one, *one.twins)
    )
    return Draft(text=one.text, quotes=quotes, paper_id=paper_id, cell=cell)
