"""Chat models on a leash: any LangChain chat model, with limits, counts and a budget.

In: messages of `ragqa.generate.prompt`. Out: raw text for `ragqa.generate.reading`.
Invariants: LangChain and a provider's client are imported when a model is loaded, not before; keys
come from the environment and are in no error, cache or repr; only `ModelError` and
`OptionalDependencyError` leave; each request that is sent is counted.
"""

from __future__ import annotations

from ragqa.generate.chat.cache import ResponseCache
from ragqa.generate.chat.course import Reply, ReplyStream
from ragqa.generate.chat.loading import ChatOptions, load_chat_model
from ragqa.generate.chat.model import ChatModel
from ragqa.generate.chat.paying import Budget, Prices, Usage

__all__ = [
    "Budget",
    "ChatModel",
    "ChatOptions",
    "Prices",
    "Reply",
    "ReplyStream",
    "ResponseCache",
    "Usage",
    "load_chat_model",
]
