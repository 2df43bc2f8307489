"""What one retrieval says about whether the papers answer: the signals of `confidence`.

In: the best chunks and sentences of a retrieval. Out: `Signals`. Invariants: what cannot be shown
is no evidence, so `sentence` and `coverage` are of chunks with a sentence that may be quoted, and
where there is none all signals are 0; a reranker moves none of them but its own.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["DEPTH", "Seen", "Signals", "signals_of"]

DEPTH = 10
"""Best chunks that signals look at."""

_COVERED_DEPTH = 5  # of these, whose words are looked at: further down all words are by chance

_ASKS = re.compile(
    r"[?\uff1f\u061f]|^\W*(?:what|which|who|whom|whose|when|where|why|how|is|are|was|were|do|does|did|has|have|had"
    r"|can|could|should|would|will|may|might|must|explain|describe|compare|list|summari[sz]e|tell"
    r"|give|show|define|name|find|discuss|outline|state)\b",
    re.IGNORECASE,
)
# "masks in schools" asks, too: taken for claims, the content words of covidqa's questions were
# answered for .58 of those whose gold papers were taken away, and for .22 as questions.
_STATES = re.compile(
    r"\.\W*$|\b(?:is|are|was|were|has|have|had|does|do|did|can|cannot|could|may|might|will|would|not)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What one retrieval says.

    :ivar sentence: Best cosine of the question and a sentence.
    :ivar coverage: Largest share of the weight of the question's content words that one of the
        best chunks has.
    :ivar lexical: Best BM25 score of a chunk, divided by the number of content words in the
        question.
    :ivar lead: How far the first chunk's score is ahead of the tenth's, or the last's where there
        are fewer: what answers stands out.
    :ivar concentration: Share of the best chunks that one paper has, less its share of all that
        were searched; 0 where only one was searched.
    :ivar is_claim: Whether the query is a claim, no question and no topic: its words are those of
        an answer.
    :ivar pool: log10 of the number of chunks searched: the best of many is better by chance.
    :ivar reranker: The reranker's best score of the chunks that it read, in its own unit; None
        without a reranker.
    """

    sentence: float = 0.0
    coverage: float = 0.0
    lexical: float = 0.0
    lead: float = 0.0
    concentration: float = 0.0
    is_claim: bool = False
    pool: float = 0.0
    reranker: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A ranked chunk, as far as signals look at it.

    :ivar paper_id: Its paper.
    :ivar score: The score it is ranked by, before any reranker.
    :ivar lexical: Its BM25 score.
    :ivar coverage: Share of the weight of the question's content words that it has.
    :ivar sentence: Best cosine of its sentences that may be quoted; None where it has none.
    """

    paper_id: str
    score: float
    lexical: float
    coverage: float
    sentence: float | None


def signals_of(
    query: str,
    seen: Sequence[Seen],
    *,
    words: int,
    searched: int,
    chunks_of: Callable[[str], int],
) -> Signals:
    """Look at the best chunks of a retrieval.

    :param query: What was asked.
    :param seen: The chunks, best first; those beyond the tenth do not count.
    :param words: How many content words the question has.
    :param searched: How many chunks were searched.
    :param chunks_of: Says how many of them a paper has.
    :return: The signals; zeros where nothing may be quoted.
    """
    best = seen[:DEPTH]
    sentences = [one.sentence for one in best if one.sentence is not None]
    if not sentences:
        return Signals()
    covered = [one.coverage for one in best[:_COVERED_DEPTH] if one.sentence is not None]
    paper_id, count = Counter(one.paper_id for one in best).most_common(1)[0]
    return Signals(
        sentence=max(sentences),
        coverage=max(covered, default=0.0),
        lexical=max(one.lexical for one in best) / max(words, 1),
        lead=best[0].score - best[-1].score,
        concentration=count / len(best) - chunks_of(paper_id) / searched,
        is_claim=not _ASKS.search(query) and _STATES.search(query) is not None,
        pool=math.log10(searched),
    )
