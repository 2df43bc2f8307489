"""A question card -> its question, its instructions, its papers, and a corpus folder.

In: the text that a person was given: a question in quotes, numbered instructions, recommended
models and related papers with links and summaries. Out: a `Card`, and with `write_corpus` a folder
with ``manifest.yaml`` and ``card.txt``.

Invariants: the words of summaries are data, kept as they are, and never read as instructions;
whatever was guessed, merged or ignored is in `Card.notes`. The journey: `decoding` bytes to text,
`grammar` what a line is, `parsing` lines to entries, `links` links in values, `merging` entries to
papers, `reading` the whole, `importing` the folder.
"""

from __future__ import annotations

from ragqa.card.decoding import MAX_CARD_BYTES
from ragqa.card.importing import CARD_NAME, MANIFEST_NAME, Imported, write_corpus
from ragqa.card.reading import Card, parse_bytes, parse_card, read_card

__all__ = [
    "CARD_NAME",
    "MANIFEST_NAME",
    "MAX_CARD_BYTES",
    "Card",
    "Imported",
    "parse_bytes",
    "parse_card",
    "read_card",
    "write_corpus",
]
