"""One run of a batch in a process of its own, to be killed; run as a script.

Usage: batch_child.py CARDS MIRROR: answers CARDS into ``out`` of the current folder, with a small
deterministic embedder, and prints how many answers were there already.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from doubles import HashedEmbedder

import ragqa.embed
from ragqa.batch import BatchOptions, answer_cards, cards_in
from ragqa.fetch import FetchOptions


def main(cards: Path, mirror: Path) -> None:
    ragqa.embed.load_embedder = lambda name, **_: HashedEmbedder()
    options = BatchOptions(fetch=FetchOptions(offline=True, mirror=mirror), jobs=1)
    report = answer_cards(cards_in([cards]), "out", options=options)
    sys.stdout.write(f"{report.reused}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
