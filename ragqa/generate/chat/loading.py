"""A chat model's name -> LangChain's object, and what can be known of such an object.

Invariants: keys and base URLs come from the environment, where the provider's own client looks for
them; the provider's own retries are off, so that requests are counted right.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, TypeAlias

from ragqa._files import sha256_bytes
from ragqa.errors import ModelError, OptionalDependencyError

__all__ = [
    "ChatOptions",
    "Model",
    "fingerprint_of",
    "is_pipeline",
    "load_chat_model",
    "name_of",
    "output_limit",
    "provider_of",
]

Model: TypeAlias = Any
"""A LangChain chat model, which cannot be named without importing it."""

_EXTRAS = {
    "anthropic": "langchain_anthropic",
    "huggingface": "langchain_huggingface",
    "ollama": "langchain_ollama",
    "openai": "langchain_openai",
}  # extra of ragqa, named as the provider is -> the module that it brings
_KEYS = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}
_PACKAGE = re.compile(r"pip install ([A-Za-z0-9_.-]+)")
_SERVERS = ("OPENAI_API_BASE", "OPENAI_BASE_URL", "OLLAMA_HOST", "ANTHROPIC_BASE_URL")
# Fields that say how a model is called, not what it answers.
_NO_MATTER = frozenset({
    "async_client_kwargs", "cache", "callbacks", "client_kwargs", "default_headers",
    "default_request_timeout", "disable_streaming", "max_retries", "metadata", "name",
    "request_timeout", "stream_chunk_timeout", "stream_usage", "streaming", "sync_client_kwargs",
    "tags", "verbose",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatOptions:
    """How a chat model is called.

    :ivar temperature: 0 for the same answer each time, as far as the model can; None to leave it to
        the model.
    :ivar max_tokens: The longest output, in tokens. A model that thinks before it answers needs
        more.
    :ivar first_s: Seconds to wait for the first token; a local model reads the prompt meanwhile.
    :ivar stall_s: Seconds without a token after which a stream counts as hung.
    :ivar total_s: Seconds that one request may take in all.
    :ivar attempts: Requests at most for one output.
    """

    temperature: float | None = 0.0
    max_tokens: int = 4096
    first_s: float = 120.0
    stall_s: float = 30.0
    total_s: float = 600.0
    attempts: int = 4

    @property
    def silence_s(self) -> float:
        """Return the longest silence that is waited for."""
        return max(self.first_s, self.stall_s)


def load_chat_model(name: str, *, options: ChatOptions | None = None) -> Model:
    """Open a chat model by name.

    :param name: ``PROVIDER:NAME``, such as ``ollama:qwen3`` or ``openai:gpt-4o-mini``.
    :param options: How it is called.
    :return: The LangChain chat model.
    :raises OptionalDependencyError: If the provider's package is not installed.
    :raises ModelError: If there is no such provider, or it refuses to open, mostly for want of a
        key.
    """
    provider, _, own = name.partition(":")
    if not provider or not own:
        raise ModelError(
            "a chat model is named by provider and model",
            reason="unknown-model",
            item=name,
            hint="Write ollama:qwen3, say",
        )
    package = _EXTRAS.get(provider)
    if package is not None and find_spec(package) is None:
        raise OptionalDependencyError(package.replace("_", "-"), extra=provider)
    from langchain.chat_models import init_chat_model

    # `from None` below: a provider's own error may hold a key, and would be shown as the cause.
    try:
        return init_chat_model(name, **_arguments(provider, options or ChatOptions()))
    except ImportError as error:
        found = _PACKAGE.search(str(error))
        raise ModelError(
            "the package of this model's provider is missing, or does not fit this LangChain",
            reason="unknown-model",
            item=name,
            hint=f"Run: pip install --upgrade {found[1]}" if found else None,
        ) from None
    except Exception as error:  # noqa: BLE001 - each provider has its own errors
        raise ModelError(
            f"the chat model cannot be opened ({type(error).__name__})",
            reason="unknown-model" if isinstance(error, ValueError | OSError) else "refused",
            item=name,
            hint=f"Check provider and name, and that {_key_of(provider)} is in the environment",
        ) from None


def _key_of(provider: str) -> str:
    """Return the name of a provider's key, where it is known."""
    return _KEYS.get(provider, "its key")


def _arguments(provider: str, options: ChatOptions) -> dict[str, Any]:
    """Return the options as a provider's class names them."""
    given: dict[str, Any] = {}
    if options.temperature is not None:
        given["temperature"] = options.temperature
    if provider == "huggingface":
        # A local pipeline: temperature 0 is "no sampling" there, and it has no network to wait for.
        sampling = {} if given.get("temperature") == 0 else given
        return {**sampling, "do_sample": bool(sampling), "max_new_tokens": options.max_tokens}
    if provider == "ollama":
        given["num_predict"] = options.max_tokens
        return {**given, "client_kwargs": {"timeout": options.silence_s}}
    given |= {"max_tokens": options.max_tokens, "timeout": options.silence_s, "max_retries": 0}
    return {**given, "stream_usage": True} if provider == "openai" else given


def provider_of(model: Model) -> str:
    """Return whose model an object is.

    :param model: A LangChain chat model, bare or with bound options.
    :return: ``openai``, ``ollama``..., by the package of its class or of one that it extends; empty
        where that is none of LangChain's provider packages.
    """
    for each in type(_bare(model)).__mro__:
        package = each.__module__.partition(".")[0]
        if package.startswith("langchain_") and package != "langchain_core":
            return package.removeprefix("langchain_")
    return ""


def is_pipeline(model: Model) -> bool:
    """Say whether a model is a local pipeline of Hugging Face.

    :param model: A LangChain chat model.
    :return: False for all that asks a server.
    """
    inner = type(getattr(_bare(model), "llm", None)).__name__
    return provider_of(model) == "huggingface" and "Pipeline" in inner


def name_of(model: Model) -> str:
    """Return a model object's name.

    :param model: A LangChain chat model, bare or with bound options.
    :return: Its class and, where it says so, the model's own name.
    """
    bare = _bare(model)
    names = (getattr(bare, field, None) for field in ("model_name", "model", "model_id"))
    own = next((name for name in names if isinstance(name, str) and name), None)
    return f"{type(bare).__name__}:{own}" if own else type(bare).__name__


def output_limit(model: Model) -> int | None:
    """Return how many tokens a model may write at most.

    :param model: A LangChain chat model, bare or with bound options.
    :return: What it was given; None where it has no limit.
    """
    bound, bare = getattr(model, "kwargs", {}), _bare(model)
    names = ("max_tokens", "num_predict", "max_new_tokens", "max_output_tokens")
    limits = (bound.get(name) or getattr(bare, name, None) for name in names)
    return next((n for n in limits if isinstance(n, int) and n > 0), None)


def fingerprint_of(model: Model) -> str:
    """Return a hash of what decides a model's output: its class, its plain options, its server.

    :param model: A LangChain chat model.
    :return: 64 hex digits; keys are not in it.
    """
    bare = _bare(model)
    inner = getattr(bare, "llm", None)  # Hugging Face's options are those of the model inside
    recipe = [
        name_of(model),
        *(
            {key: value for key, value in getattr(each, "__dict__", {}).items() if _matters(key)}
            for each in (bare, inner)
        ),
        getattr(model, "kwargs", {}) if model is not bare else {},
        {name: os.environ.get(name) for name in _SERVERS},
    ]
    return sha256_bytes(json.dumps(recipe, sort_keys=True, default=_plain).encode())


def _matters(field: str) -> bool:
    is_key = field.endswith(("api_key", "api_token"))
    return field not in _NO_MATTER and not field.startswith("_") and not is_key


def _plain(value: object) -> str:
    """Return what stands for a client or a key: nothing of its own."""
    return type(value).__name__


def _bare(model: Model) -> Model:
    while hasattr(model, "bound"):  # a model with bound options
        model = model.bound
    return model
