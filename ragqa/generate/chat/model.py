"""`ChatModel`: a LangChain chat model with everything of the leash around it.

In: messages. Out: text, at once or as it comes.
Safe to share between threads: what it counts is locked, and each call has its own state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from threading import Event, Lock
from typing import Any

from ragqa.errors import ModelError
from ragqa.generate.chat.cache import ResponseCache
from ragqa.generate.chat.course import Course, Reply, ReplyStream
from ragqa.generate.chat.failures import Failure, failure_of
from ragqa.generate.chat.loading import (
    ChatOptions,
    Model,
    fingerprint_of,
    is_pipeline,
    load_chat_model,
    name_of,
    output_limit,
    provider_of,
)
from ragqa.generate.chat.paying import Budget, Prices, Usage
from ragqa.generate.chat.secrets import Scrubber, known_secrets
from ragqa.generate.prompt import Messages

__all__ = ["ChatModel"]

_SAY_WHEN_DONE = frozenset({"anthropic", "ollama", "openai"})  # a stream without a reason was cut
_STRUCTURED = frozenset({"anthropic", "ollama", "openai"})  # providers whose option we know


class ChatModel:
    """Calls a chat model with limits, retries, counts, a budget and a cache.

    A model given as an object keeps its own retries and time limits, inside of ours.

    :param model: A LangChain chat model, or ``PROVIDER:NAME``.
    :param options: How it is called.
    :param prices: What it costs; without them ``RAGQA_PRICES`` counts.
    :param budget: A limit to the cost; it can be shared by several models.
    :param cache: Where replies are kept.
    :ivar last_error: What whoever writes answers met last, without keys; None where nothing failed.
    :raises ModelError: If it cannot be opened, or a budget for it cannot be kept.
    :raises OptionalDependencyError: If the provider's package is not installed.
    """

    def __init__(
        self,
        model: Model | str,
        *,
        options: ChatOptions | None = None,
        prices: Prices | None = None,
        budget: Budget | None = None,
        cache: ResponseCache | None = None,
    ) -> None:
        self.options = options or ChatOptions()
        self._limit: int | None
        if isinstance(model, str):
            self.name, self._limit = model, self.options.max_tokens
            self._model: Model = load_chat_model(model, options=self.options)
        else:
            self.name, self._limit = name_of(model), output_limit(model)
            self._model = model
        self._identity = f"{self.name} {fingerprint_of(self._model)}"
        self._provider = provider_of(self._model)
        self._prices = prices or Prices.from_environment()
        self._budget, self._cache = budget, cache
        self._scrub = Scrubber(known_secrets(self._model))
        self._no_extras = False
        self._usage = Usage()
        self.last_error: ModelError | None = None
        self._lock = Lock()
        self.is_local = is_pipeline(self._model)
        # A local pipeline is one tokenizer and one model, which are not safe to share.
        self._turn: AbstractContextManager[Any] = Lock() if self.is_local else nullcontext()
        if budget is not None:
            self._check_budget()

    def _check_budget(self) -> None:
        """Refuse a budget that cannot be kept."""
        if self._prices is None:
            raise ModelError(
                "a budget needs the model's prices",
                reason="over-budget",
                item=self.name,
                hint="Set RAGQA_PRICES to USD per million tokens sent and written, or to 0,0",
            )
        if self._limit is None and self._prices.output:
            raise ModelError(
                "a budget needs a limit to the model's output",
                reason="over-budget",
                item=self.name,
                hint="Give the model max_tokens",
            )

    def __repr__(self) -> str:
        """Return the class and the model's name, without anything that may hold a key."""
        return f"{type(self).__name__}({self.name!r})"

    @property
    def fingerprint(self) -> str:
        """Return a hash of what decides its outputs: model, server, options, prompts."""
        called = [self.options.temperature, self._limit]
        return ResponseCache.key((), model=self._identity, options=called)

    @property
    def usage(self) -> Usage:
        """Return what all calls used together."""
        return self._usage

    @property
    def structured(self) -> bool:
        """Say whether JSON should be asked for: the provider can hold the model to a schema."""
        return self._provider in _STRUCTURED

    def hide(self, text: str) -> str:
        """Return a text without keys, for whatever is shown of a call.

        :param text: Any text.
        :return: The same, with what stands for each key of the model and of the environment.
        """
        return self._scrub.hide(text)

    def complete(
        self,
        messages: Messages,
        *,
        schema: Mapping[str, Any] | None = None,
        cancelled: Event | None = None,
    ) -> Reply:
        """Wait for the whole output.

        :param messages: What is sent.
        :param schema: JSON schema of the output, if it shall have one; a provider that has no such
            option is left to the prompt.
        :param cancelled: Once set, the call ends with `CancelledError`, even while it waits.
        :return: The reply.
        :raises ModelError: If there is no output: the last reason, after all retries.
        """
        course = Course(self, messages, schema=schema, hold=True, cancelled=cancelled)
        stream = ReplyStream(course)
        try:
            for _ in stream:
                pass  # nothing is handed out while it is held
        finally:
            stream.close()
        return stream.reply

    def stream(
        self,
        messages: Messages,
        *,
        schema: Mapping[str, Any] | None = None,
        cancelled: Event | None = None,
    ) -> ReplyStream:
        """Hand the output out as it comes.

        :param messages: What is sent.
        :param schema: As in `complete`.
        :param cancelled: As in `complete`.
        :return: Pieces of text; iterating raises `ModelError` where the output breaks off, and
            `ReplyStream.reply` has what came until then.
        """
        return ReplyStream(Course(self, messages, schema=schema, hold=False, cancelled=cancelled))

    # What a `Course` needs.

    @property
    def says_when_done(self) -> bool:
        """Say whether the provider ends each output with a reason."""
        return self._provider in _SAY_WHEN_DONE

    def stored(self, messages: Messages, schema: object) -> str | None:
        """Return a cached output.

        :param messages: What would be sent.
        :param schema: The schema that would be asked for.
        :return: The output, if it is there.
        """
        return self._cache.get(self._key(messages, schema)) if self._cache else None

    def store(self, messages: Messages, schema: object, text: str) -> None:
        """Cache a complete output, unless a key stands in it.

        :param messages: What was sent.
        :param schema: The schema that was asked for.
        :param text: The output.
        """
        if self._cache and not self._scrub.finds_in(text):
            self._cache.put(self._key(messages, schema), text)

    def _key(self, messages: Messages, schema: object) -> str:
        called = [self.options.temperature, self._limit, schema]
        return ResponseCache.key(messages, model=self._identity, options=called)

    def reserve(self, input_tokens: int) -> float:
        """Set a request's worst cost aside.

        :param input_tokens: Tokens to send, estimated.
        :return: USD; 0 without a budget.
        :raises ModelError: If it does not fit the budget.
        """
        if self._budget is None or self._prices is None:
            return 0.0
        worst = self._prices.cost(input_tokens, self._limit or 0)
        self._budget.reserve(worst, name=self.name)
        return worst

    def settle(self, reserved: float, used: Usage) -> Usage:
        """Count a request.

        :param reserved: What was set aside for it, in USD.
        :param used: What it used.
        :return: The same, with its cost.
        """
        if self._prices is not None:
            cost = self._prices.cost(used.input_tokens, used.output_tokens)
            used = used + Usage(cost=cost)
            if self._budget is not None:
                self._budget.settle(reserved, spent=cost)
        with self._lock:
            self._usage += used
        return used

    def extras(self, schema: object, *, plain: bool = False) -> dict[str, Any]:
        """Return the options beyond the usual ones: structured output, counts in a stream.

        :param schema: The schema that is asked for, if any.
        :param plain: Whether to leave out what a server may not know.
        :return: LangChain's keyword arguments.
        """
        counts = self._provider == "openai" and bool(getattr(self._model, "stream_usage", None))
        if plain or self._no_extras:
            return {"stream_usage": False} if counts else {}
        return _structured(self._provider, self._model, schema) if schema is not None else {}

    def drop_extras(self) -> None:
        """Send no more options that the server may not know."""
        self._no_extras = True

    def open_stream(self, messages: Messages, extras: Mapping[str, Any]) -> Iterator[Any]:
        """Send a request.

        :param messages: What is sent.
        :param extras: Its options, from `extras`.
        :yield: LangChain's messages.
        """
        with self._turn:
            yield from self._model.stream(list(messages), **extras)

    def failure(self, error: Exception) -> Failure:
        """Say what a provider's error means.

        :param error: Whatever its client raised.
        :return: The failure, without keys.
        """
        return failure_of(error, name=self.name, scrub=self._scrub)


def _structured(provider: str, model: Model, schema: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return a provider's option for structured output."""
    if provider == "openai":
        # In the body rather than as LangChain's option, whose stream ends with a second copy of
        # the output and raises where the output was cut.
        asked = {"name": schema.get("title", "output"), "strict": True, "schema": schema}
        form = {"type": "json_schema", "json_schema": asked}
        own = getattr(model, "extra_body", None) or {}
        return {"extra_body": {**own, "response_format": form}}
    if provider == "ollama":
        return {"format": schema}
    if provider == "anthropic":
        return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}
    return {}
