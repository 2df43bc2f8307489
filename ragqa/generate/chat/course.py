"""The course of one call: cache, budget, requests, retries, counts.

In: a model as its `Host`, and messages. Out: a `ReplyStream` of the output's pieces.
Invariant: a request is repeated only while nothing of its output has been handed out.
"""

from __future__ import annotations

import random
import time
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Protocol

from ragqa.errors import ModelError
from ragqa.generate.chat.failures import Failure, timed_out
from ragqa.generate.chat.loading import ChatOptions
from ragqa.generate.chat.paying import Usage, estimate_tokens
from ragqa.generate.chat.pump import End, Item, Piece, Pump
from ragqa.generate.prompt import Messages
from ragqa.generate.reading import MAX_OUTPUT

__all__ = ["BACKOFF_S", "MAX_PAUSE_S", "Course", "Host", "Reply", "ReplyStream"]

BACKOFF_S = 0.5
"""Seconds before the second request; each further pause is twice as long, and up to half as much
more by chance, so that many callers do not come back together."""

MAX_PAUSE_S = 60.0
"""The longest pause; a server that asks for more is not waited for."""

_GLANCE_S = 0.2  # how soon a cancelled call ends
_CUT = "cut"  # our own word for an output that was not read to its end
_COMPLETE = frozenset({"complete", "end_turn", "eos", "eos_token", "stop", "stop_sequence"})
"""Providers' words for an output that is all that the model had to say; there are more words for
one that is not, and new ones every year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a chat model wrote.

    :ivar text: The raw output.
    :ivar model: The model's name.
    :ivar finish: Why it ended, in the provider's word; ``cut`` where we stopped reading, or the
        stream is not at its end.
    :ivar usage: What it used, repeated requests included; nothing where it came from a cache.
    :ivar cached: Whether it came from a cache.
    """

    text: str
    model: str
    finish: str
    usage: Usage
    cached: bool = False

    @property
    def complete(self) -> bool:
        """Say whether the model wrote all that it had to say."""
        return self.finish in _COMPLETE


class Host(Protocol):
    """What a course needs of its model."""

    name: str
    options: ChatOptions

    def stored(self, messages: Messages, schema: object) -> str | None:
        """Return a cached output."""

    def store(self, messages: Messages, schema: object, text: str) -> None:
        """Cache a complete output."""

    def reserve(self, input_tokens: int) -> float:
        """Set a request's worst cost aside, in USD."""

    def settle(self, reserved: float, used: Usage) -> Usage:
        """Count a request; return what it used, with its cost."""

    def extras(self, schema: object, *, plain: bool = False) -> dict[str, Any]:
        """Return the options of a request; plain: without those that a server may not know."""

    def drop_extras(self) -> None:
        """Send plain options from now on."""

    def open_stream(self, messages: Messages, extras: Mapping[str, Any]) -> Iterator[Any]:
        """Send a request."""

    def failure(self, error: Exception) -> Failure:
        """Say what a provider's error means."""

    @property
    def says_when_done(self) -> bool:
        """Say whether its provider ends each output with a reason."""

    @property
    def is_local(self) -> bool:
        """Say whether there is no connection that could cut an output."""


@dataclass(slots=True)
class _Output:
    """One request's output so far."""

    parts: list[str] = field(default_factory=list)
    chars: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    finish: str | None = None
    touched: bool = False  # whether anything came at all

    def add(self, piece: Piece) -> str:
        """Add a piece and return what of its text is taken."""
        text = piece.text[: MAX_OUTPUT - self.chars]
        self.touched = True
        self.chars += len(text)
        if text:
            self.parts.append(text)
        self.input_tokens += piece.input_tokens
        self.output_tokens += piece.output_tokens
        self.finish = piece.finish or self.finish
        return text

    @property
    def text(self) -> str:
        return "".join(self.parts)


class Course:
    """One call.

    :param host: The model.
    :param messages: What is sent.
    :param schema: JSON schema of the output, where one is asked for.
    :param hold: Whether the output is handed out by `reply` only, so that any request of the call
        can be repeated.
    :param cancelled: Once set, the call ends with `CancelledError`, even while it waits.
    """

    def __init__(
        self,
        host: Host,
        messages: Messages,
        *,
        schema: object,
        hold: bool,
        cancelled: Event | None = None,
    ) -> None:
        self._host = host
        self._messages = messages
        self._schema = schema
        self._extras = host.extras(schema)
        self._hold = hold
        self._cancelled = cancelled or Event()
        self._output = _Output()
        self._usage = Usage()
        self._cached = self._shown = self._done = False

    @property
    def reply(self) -> Reply:
        """Return the output, as far as it came."""
        finish = (self._output.finish or "stop") if self._done else _CUT
        return Reply(
            text=self._output.text,
            model=self._host.name,
            finish=finish,
            usage=self._usage,
            cached=self._cached,
        )

    def pieces(self) -> Generator[str, None, None]:
        """Go through the call.

        :yield: Pieces of the output, as they come.
        :raises ModelError: If no output can be had, or no more of it.
        """
        stored = self._host.stored(self._messages, self._schema)
        if stored is not None:
            self._output.add(Piece(text=stored))
            self._cached = self._done = True
            if not self._hold and stored:
                yield stored
            return
        yield from self._requests()
        self._done = self._output.finish != _CUT
        if self._is_worth_keeping:
            self._host.store(self._messages, self._schema, self._output.text)

    @property
    def _is_worth_keeping(self) -> bool:
        """Say whether to cache the output: nothing but white space would be found again forever."""
        sure = self._output.finish is not None or self._host.is_local
        return sure and self.reply.complete and bool(self._output.text.strip())

    def _requests(self) -> Generator[str, None, None]:
        attempt, plain = 1, self._host.extras(self._schema, plain=True)
        dropped = False
        while failure := (yield from self._request()):
            if failure.may_be_options and not self._shown and self._extras != plain:
                self._extras, dropped = plain, True
                continue
            pause = self._pause(failure, attempt)
            if pause is None:
                raise failure.error
            self._cancelled.wait(pause)
            attempt += 1
        if dropped:  # they were what the server refused, and not this request
            self._host.drop_extras()

    def _pause(self, failure: Failure, attempt: int) -> float | None:
        """Return how long to wait before the next request; None for no other request."""
        if not failure.error.retryable or self._shown or attempt >= self._host.options.attempts:
            return None
        backoff = BACKOFF_S * 2 ** (attempt - 1) * (1 + random.random() / 2)
        pause = max(failure.wait_s or 0.0, min(backoff, MAX_PAUSE_S))
        return pause if pause <= MAX_PAUSE_S else None

    def _request(self) -> Generator[str, None, Failure | None]:
        """Send one request and read its output."""
        if self._cancelled.is_set():
            raise CancelledError
        reserved = self._host.reserve(self._input_tokens())
        self._output = _Output()
        pump = Pump(
            lambda: self._host.open_stream(self._messages, self._extras), fail=self._host.failure
        )
        failure: Failure | None = None
        try:
            failure = yield from self._read(pump)
        finally:
            pump.stop()
            worked = failure is None or failure.costs or self._output.touched
            self._usage += self._host.settle(reserved, self._used(worked=worked))
        return failure

    def _read(self, pump: Pump) -> Generator[str, None, Failure | None]:
        options = self._host.options
        end = time.monotonic() + options.total_s
        patience = options.first_s
        while True:
            wait = max(0.0, min(patience, end - time.monotonic()))
            item = self._take(pump, wait)
            if item is None:
                return timed_out(
                    patience if wait == patience else options.total_s, name=self._host.name
                )
            if isinstance(item, Failure):
                return item
            if isinstance(item, End):
                return self._check_end()
            text = self._output.add(item)
            if text and not self._hold:
                self._shown = True
                yield text
            if self._output.chars >= MAX_OUTPUT:
                self._output.finish = _CUT
                return None
            patience = options.stall_s

    def _take(self, pump: Pump, seconds: float) -> Item | None:
        """Return the next item, if it comes in time."""
        end = time.monotonic() + seconds
        while not self._cancelled.is_set():
            left = end - time.monotonic()
            item = pump.take(max(0.0, min(left, _GLANCE_S)))
            if item is not None or left <= _GLANCE_S:
                return item
        raise CancelledError

    def _check_end(self) -> Failure | None:
        """Refuse a stream that just stops: where the server died, no error is raised."""
        if self._output.finish is not None or not self._host.says_when_done:
            return None
        error = ModelError(
            "the chat model's reply ended in the middle",
            reason="connection",
            item=self._host.name,
            hint="Try again",
        )
        return Failure(error=error, costs=True)

    def _input_tokens(self) -> int:
        return estimate_tokens(content for _, content in self._messages)

    def _used(self, *, worked: bool) -> Usage:
        """Return what a request used, estimated where the provider does not say."""
        output = self._output
        if not worked:
            return Usage(requests=1)
        written = estimate_tokens([output.text]) if output.chars else 0
        return Usage(
            requests=1,
            input_tokens=output.input_tokens or self._input_tokens(),
            output_tokens=output.output_tokens or written,
            estimated=not (output.input_tokens and output.output_tokens),
        )


class ReplyStream(Iterator[str]):
    """The pieces of an output, as they come; one that is left to itself ends the call.

    :param course: The call.
    """

    def __init__(self, course: Course) -> None:
        self._course = course
        self._pieces = course.pieces()

    @property
    def reply(self) -> Reply:
        """Return what came so far; its `complete` is false until the end."""
        return self._course.reply

    def __next__(self) -> str:
        """Return the next piece.

        :return: Some text.
        :raises ModelError: If no output can be had, or no more of it.
        """
        return next(self._pieces)

    def close(self) -> None:
        """End the call; the rest of the output is neither read nor waited for."""
        self._pieces.close()
