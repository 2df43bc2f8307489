"""The life of a scripted server on loopback: it listens while its context lasts, no longer."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

__all__ = ["LoopbackServer"]


class LoopbackServer:
    """A server in a thread of its own; `host` is its HOST:PORT.

    `_mutex` guards what its handlers share. Once `_closing` is set, a handler that stalls ends.
    """

    def __init__(self, handler: type[BaseHTTPRequestHandler], host: str = "127.0.0.1") -> None:
        self._mutex = threading.Lock()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer((host, 0), handler)
        self._server.daemon_threads = False  # closing waits for them: no socket is left behind
        self.host = f"{host}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
