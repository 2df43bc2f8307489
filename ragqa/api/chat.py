"""Opening a chat model as a user names it, and the gate's second opinion.

Invariant: importing this module loads no code of chat models; each function does so when it is
called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ragqa.embed import Embedder
    from ragqa.generate.chat import ChatModel, ChatOptions
    from ragqa.verify import NLI

__all__ = ["open_model", "open_nli", "similarity_by"]

_REPLIES = "replies"  # folder of the user's cache


def open_model(
    model: Any,  # noqa: ANN401 - a LangChain chat model cannot be named without importing it
    *,
    max_cost: float | None = None,
    first_s: float | None = None,
    on_problem: Callable[[str], None] = lambda line: None,
) -> ChatModel | None:
    """Open a chat model as a user names it, with replies kept in the user's cache.

    :param model: ``PROVIDER:NAME``, a LangChain chat model, a `ChatModel`, which is taken as it
        is, or None or ``none`` for none.
    :param max_cost: What it may cost in all, in USD; None for no limit.
    :param first_s: Seconds to wait for its first token; None for the usual patience.
    :param on_problem: Told where the cache cannot be used.
    :return: The model, if there shall be one.
    :raises ModelError: It cannot be opened, or has a limit to its cost and no prices.
    :raises OptionalDependencyError: The provider's package is not installed.
    """
    if model is None or model == "none":
        return None
    from ragqa.generate.chat import Budget, ChatModel, ChatOptions, ResponseCache

    if isinstance(model, ChatModel):
        return model
    folder = _cache_folder()
    return ChatModel(
        model,
        options=_patient(ChatOptions(), first_s),
        budget=None if max_cost is None else Budget(max_cost),
        cache=ResponseCache(folder, on_problem=on_problem) if folder else None,
    )


def _patient(options: ChatOptions, first_s: float | None) -> ChatOptions:
    """Return the options with another patience for the first token, which a whole request has."""
    if first_s is None:
        return options
    return replace(options, first_s=first_s, total_s=max(options.total_s, 2 * first_s))


def _cache_folder() -> Path | None:
    from ragqa.embed.cache import cache_roots

    return next((root / _REPLIES for root in cache_roots(None)), None)


def open_nli(nli: NLI | str | None) -> NLI | None:
    """Load an entailment model as a user names it.

    :param nli: Name on the hub or folder of a cross-encoder with a label for entailment, an `NLI`,
        which is taken as it is, or None.
    :return: The model, if there shall be one.
    :raises ModelError: It cannot be loaded, or has no label for entailment.
    """
    if not isinstance(nli, str):
        return nli
    from ragqa.verify.nli import CrossEncoderNLI

    return CrossEncoderNLI(nli)


def similarity_by(embedder: Embedder) -> Callable[[str, Sequence[str]], float]:
    """Return how near statements are to their quotes, by an embedder.

    :param embedder: The embedder.
    :return: A function of a statement and its quotes; a cosine in [-1, 1].
    """

    def similarity(text: str, quotes: Sequence[str]) -> float:
        rows = embedder.embed_queries([text, " ".join(quotes)])
        return float(rows[0] @ rows[1])

    return similarity
