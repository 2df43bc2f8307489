"""A provider's stream, read in a thread of its own, so that waiting for it can end.

In: a function that opens a stream of LangChain messages. Out: `Piece`s, a `Failure`, or the end,
taken with a limit in seconds. Every provider is read through its synchronous stream: it is the one
that all of them have, and LangChain shares asynchronous clients between event loops, of which the
first one's end breaks the others.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any, Final

from ragqa.generate.chat.failures import Failure

__all__ = ["END", "End", "Item", "Piece", "Pump"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A message of a stream, as far as it matters here.

    :ivar text: Its words; empty where it holds thoughts or counts only.
    :ivar input_tokens: Tokens sent, as the provider reports them with this message.
    :ivar output_tokens: Tokens written, likewise.
    :ivar finish: Why the output ended, in the provider's word, if it did.
    """

    text: str
    input_tokens: int = 0
    output_tokens: int = 0
    finish: str | None = None

    @classmethod
    def of(cls, message: Any) -> Piece:  # noqa: ANN401 - a LangChain message
        """Return what matters of a message.

        :param message: A message or a chunk of one.
        :return: The piece.
        """
        usage = getattr(message, "usage_metadata", None) or {}
        metadata = getattr(message, "response_metadata", None) or {}
        ends = map(metadata.get, ("finish_reason", "stop_reason", "stopReason", "done_reason"))
        finish = next((str(end).lower() for end in ends if end), None)
        return cls(
            text=str(message.text),
            input_tokens=int(usage.get("input_tokens") or 0),
            output_tokens=int(usage.get("output_tokens") or 0),
            finish=finish,
        )


@dataclass(frozen=True, slots=True)
class End:
    """The stream came to its end."""


END: Final = End()
"""The one `End`."""

Item = Piece | Failure | End
"""What a pump gives."""


class Pump:
    """Reads one stream in a thread until it ends, fails or is stopped.

    :param open_stream: Opens the stream; called in the thread.
    :param fail: Makes a failure of whatever the stream raises.
    """

    def __init__(
        self, open_stream: Callable[[], Iterator[Any]], *, fail: Callable[[Exception], Failure]
    ) -> None:
        self._items: SimpleQueue[Item] = SimpleQueue()
        self._open_stream = open_stream
        self._fail = fail
        self._stopped = Event()
        context = contextvars.copy_context()  # LangChain's tracing goes by context
        # A daemon: a provider that hangs must not keep the program from ending.
        Thread(target=context.run, args=(self._run,), name="ragqa-chat", daemon=True).start()

    def take(self, seconds: float) -> Item | None:
        """Wait for the next item.

        :param seconds: How long at most.
        :return: The item; None where there was none in time.
        """
        try:
            return self._items.get(timeout=seconds)
        except Empty:
            return None

    def stop(self) -> None:
        """End the reading at the next message; a stream that hangs ends by its own time limit."""
        self._stopped.set()

    def _run(self) -> None:
        try:
            self._read()
            self._items.put(END)
        except Exception as error:  # noqa: BLE001 - it is told in the thread that waits
            self._items.put(self._fail(error))

    def _read(self) -> None:
        stream = self._open_stream()
        try:
            for message in stream:
                if self._stopped.is_set():
                    return
                self._items.put(Piece.of(message))
        finally:
            if callable(close := getattr(stream, "close", None)):
                close()
