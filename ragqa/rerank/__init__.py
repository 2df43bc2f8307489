"""A query and texts -> how well each text answers it, read together by a cross-encoder.

In: strings. Out: float32 logits, higher is better.

- Exported once, compared with the original, and kept beside the embedders' exports; from then on
  torch is not imported.
- A text that does not fit is cut, the query never below half of the window.

Why it is built so: docs/decisions/0008-rerankers.md.
"""

from __future__ import annotations

from ragqa.rerank.base import NO_RERANKER, PACKAGED_RERANKER, Reranker, Scores
from ragqa.rerank.load import load_reranker, reranker_named

__all__ = [
    "NO_RERANKER",
    "PACKAGED_RERANKER",
    "Reranker",
    "Scores",
    "load_reranker",
    "reranker_named",
]
