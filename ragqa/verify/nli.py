"""An optional second opinion: a cross-encoder that judges whether quotes entail a statement.

In: a model's name or folder. Out: an `NLI`. sentence-transformers and torch are imported when one
is loaded, and by nothing else of the gate.
"""

from __future__ import annotations

from typing import Protocol

__all__ = ["NLI"]


class NLI(Protocol):
    """Judges entailment."""

    def entails(self, premise: str, hypothesis: str) -> float:
        """Return how likely a premise entails a hypothesis.

        :param premise: The quotes.
        :param hypothesis: The statement.
        :return: A probability in [0, 1].
        """
        ...
