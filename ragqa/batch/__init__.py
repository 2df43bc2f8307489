"""Many question cards -> an answer each, over one shared corpus and index, and a summary.

In: cards, and the folder for the answers. Out: ``NAME.md`` and ``NAME.json`` a card, and
``summary.md`` and ``summary.json`` (schema ``ragqa/batch/1``).

A paper that several cards list is listed once in the shared manifest, so it is fetched, parsed and
embedded once; each card is answered from its own papers only. A card that lies beside a
``manifest.yaml`` keeps that corpus. Invariants: one bad card is a row, never a stop; every file is
written whole or not at all; what a killed run had answered is not answered again. `union` makes
one list of the cards' papers, `run` does the work, `report` says what was done.
"""

from __future__ import annotations

from ragqa.batch.report import BatchProgress, BatchReport, BatchRow, CardStatus, MissingText
from ragqa.batch.run import BatchOptions, answer_cards, cards_in

__all__ = [
    "BatchOptions",
    "BatchProgress",
    "BatchReport",
    "BatchRow",
    "CardStatus",
    "MissingText",
    "answer_cards",
    "cards_in",
]
