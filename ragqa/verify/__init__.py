"""Stage 9: is each quote really there, and does it carry its statement? Keep, or drop with a code.

In: a draft of the extractive generator (`verify`) or a statement that a chat model wrote
(`verify_written`), and the documents of the index. Out: a `Statement` whose citations have been
located, or a `Drop`. The documents are read again from the index: what a generator or retriever
held in memory is not believed. Nothing is repaired here and no quote is ever altered.
"""

from __future__ import annotations

from ragqa.verify.drafted import verify
from ragqa.verify.drops import Drop, DropReason
from ragqa.verify.nli import NLI
from ragqa.verify.written import verify_written

__all__ = ["NLI", "Drop", "DropReason", "verify", "verify_written"]
