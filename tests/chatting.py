"""What tests of answers by chat models share: scripts for the model server, and what it was sent.

A `Claim` is a statement with its quote. `write` makes a reply of those claims whose quotes stand in
the chunks that the request shows, under their labels there, as a model would.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from model_server import Said, Seen

from ragqa.generate.chat import ChatOptions

__all__ = ["HASTY", "KEY", "OPTIONS", "Claim", "is_repair", "output", "shown", "told", "write"]

KEY = "sk-test-77c0ffee19d24b5fa0"
OPTIONS = ChatOptions(first_s=20, stall_s=20, total_s=60, attempts=2)
HASTY = ChatOptions(first_s=0.8, stall_s=0.5, total_s=9, attempts=2)
"""For servers that hang; a busy machine must not make others look so."""

_CHUNK = re.compile(r"Chunk (c\d+),[^\n]*\n(=====[^\n]*)\n(.*?)\n\2", re.DOTALL)


class Claim(NamedTuple):
    """A statement and the words that it quotes."""

    text: str
    quote: str


def told(seen: Seen) -> str:
    """Return all that a request says."""
    return "\n".join(message["content"] for message in seen.body["messages"])


def shown(seen: Seen) -> dict[str, str]:
    """Return the chunks that a request shows, with title and section, by label."""
    return {label: text for label, _, text in _CHUNK.findall(told(seen))}


def is_repair(seen: Seen) -> bool:
    """Say whether a request asks for one refused statement anew."""
    return "Why it was refused:" in told(seen)


def output(*claims: tuple[str, str, str]) -> str:
    """Return an output of statements: text, label, quote."""
    rows = [{"text": t, "quotes": [{"chunk": c, "quote": q}]} for t, c, q in claims]
    return json.dumps({"statements": rows})


def write(*claims: Claim, usual: Said | None = None, repairs: Sequence[Claim] = ()) -> Said:
    """Reply with the claims whose quotes are shown; repairs are claims of their own."""

    def by(seen: Seen) -> Said:
        chunks = shown(seen)
        wanted = repairs if is_repair(seen) else claims
        rows = [
            (claim.text, label, claim.quote)
            for claim in wanted
            for label, text in chunks.items()
            if claim.quote in text
        ]
        return replace(usual or Said(), pieces=tuple(re.findall(r".{1,40}", output(*rows))))

    return Said(by=by)
