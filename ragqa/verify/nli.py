"""An optional second opinion: a cross-encoder that judges whether quotes entail a statement.

In: a model's name or folder. Out: an `NLI`. sentence-transformers and torch are imported when one
is loaded, and by nothing else of the gate. Loading by name may download; a folder never does.
"""

from __future__ import annotations

import warnings
from typing import Any, Protocol

from ragqa.errors import ModelError

__all__ = ["NLI", "CrossEncoderNLI"]


class NLI(Protocol):
    """Judges entailment."""

    def entails(self, premise: str, hypothesis: str) -> float:
        """Return how likely a premise entails a hypothesis.

        :param premise: The quotes.
        :param hypothesis: The statement.
        :return: A probability in [0, 1].
        """
        ...


class CrossEncoderNLI:
    """A cross-encoder of sentence-transformers with a label for entailment.

    :param name: Its name on the hub, or a folder.
    :raises ModelError: It cannot be loaded, or none of its labels is ``entailment``.
    """

    def __init__(self, name: str) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                from sentence_transformers import CrossEncoder

                self._model: Any = CrossEncoder(name, device="cpu")
        except (OSError, ValueError, ImportError) as error:
            raise ModelError(
                "the entailment model cannot be loaded",
                reason="unknown-model",
                item=name,
                hint="Name a cross-encoder of sentence-transformers, or its folder.",
            ) from error
        self._label = self._find_label(name)

    def _find_label(self, name: str) -> int:
        labels: dict[int, str] = self._model.model.config.id2label
        found = [number for number, label in labels.items() if label.lower().startswith("entail")]
        if len(found) != 1:
            raise ModelError(
                "the model has no label for entailment",
                reason="unknown-model",
                item=name,
                hint=f"Its labels are: {', '.join(labels.values())}.",
            )
        return int(found[0])

    def entails(self, premise: str, hypothesis: str) -> float:
        """Return how likely a premise entails a hypothesis.

        :param premise: The quotes; what the model's window does not hold is cut off.
        :param hypothesis: The statement.
        :return: A probability in [0, 1].
        """
        scores = self._model.predict(
            [(premise, hypothesis)], apply_softmax=True, show_progress_bar=False
        )
        return float(scores[0][self._label])
