"""A scripted HTTP server on loopback: real sockets, one list of replies a path.

Use it as a context manager: ``server.on("/a.pdf", Reply(...), Reply(...))`` answers the first
request with the first reply and so on; the last one is repeated. ``server.seen`` records every
request with its headers, so that tests count work instead of measuring time.
"""

from __future__ import annotations

import re
import socket
import struct
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

import pytest
from loopback import LoopbackServer

from ragqa.fetch import download, net

__all__ = ["Reply", "ScriptedServer", "Seen", "hurry", "unused_port"]

_RANGE = re.compile(r"bytes=(\d+)-\Z")


@dataclass(frozen=True)
class Seen:
    """One request as it came."""

    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    """What one request gets.

    `length` is the Content-Length that is claimed (None: the true one; -1: none is sent).
    `cut_after` bytes of the body are sent, then the connection is closed (with `reset`, broken).
    `stall_after` bytes of the body are sent, then nothing until the server is closed; -1 stalls
    before the status line. `drip_s` waits so long after each single byte. `ranges` answers Range
    (with If-Range), `conditional` answers If-None-Match and If-Modified-Since. `endless` sends the
    body over and over until the client goes; `raw` is sent in place of any HTTP reply.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    cut_after: int | None = None
    reset: bool = False
    stall_after: int | None = None
    drip_s: float = 0.0
    ranges: bool = False
    conditional: bool = False
    endless: bool = False
    raw: bytes | None = None

    def for_request(self, asked: Mapping[str, str]) -> Reply:
        """Return the reply that these request headers make of it."""
        etag, date = self.headers.get("ETag"), self.headers.get("Last-Modified")
        tag, since = asked.get("If-None-Match"), asked.get("If-Modified-Since")
        same = tag == etag if tag else since is not None and since == date
        if self.conditional and same:
            return Reply(status=304, headers=self.headers)
        found = _RANGE.match(asked.get("Range", ""))
        valid = asked.get("If-Range") in {None, etag, date}
        if not (self.ranges and found and valid):
            return self
        start, size = int(found[1]), len(self.body)
        if start >= size:
            return Reply(status=416, headers={"Content-Range": f"bytes */{size}"})
        placed = {**self.headers, "Content-Range": f"bytes {start}-{size - 1}/{size}"}
        return Reply(
            status=206,
            body=self.body[start:],
            headers=placed,
            cut_after=self.cut_after,
            reset=self.reset,
            stall_after=self.stall_after,
        )


class ScriptedServer(LoopbackServer):
    """The server; `url(path)` is a link to it, `host` its HOST:PORT."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.seen: list[Seen] = []
        self.busiest = 0  # the most requests that were being answered at one time
        self._open = 0
        self._script: dict[str, list[Reply]] = defaultdict(list)
        super().__init__(self._handler(), host)

    def on(self, path: str, *replies: Reply) -> str:
        """Script a path anew; return its link."""
        self._script[path] = list(replies)
        return self.url(path)

    def url(self, path: str) -> str:
        """Return a link to a path of this server."""
        return f"http://{self.host}{path}"

    def count(self, path: str | None = None) -> int:
        """Return how many requests came, for one path or in all."""
        return sum(path in {None, each.path} for each in self.seen)

    def asked(self, path: str) -> list[Mapping[str, str]]:
        """Return the headers of each request for a path."""
        return [each.headers for each in self.seen if each.path == path]

    def _next(self, path: str, headers: Mapping[str, str]) -> Reply:
        with self._mutex:
            self.seen.append(Seen(path, headers))
            replies = self._script.get(path)
            if not replies:
                return Reply(status=404, body=b"no such file")
            return replies.pop(0) if len(replies) > 1 else replies[0]

    def _count_open(self, change: int) -> None:
        with self._mutex:
            self._open += change
            self.busiest = max(self.busiest, self._open)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10  # a handler never outlives its test

            def do_GET(self) -> None:
                headers = dict(self.headers.items())
                reply = outer._next(self.path, headers).for_request(headers)
                with suppress(ConnectionError):  # the client may go at any time
                    outer._send(self, reply)

            def log_message(self, *_: object) -> None:
                return

        return Handler

    def _send(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        handler.close_connection = True
        self._count_open(1)
        if reply.stall_after == -1:
            self._closing.wait()
            return
        if reply.raw is not None:
            self._count_open(-1)
            handler.wfile.write(reply.raw)
            return
        handler.send_response(reply.status)
        length = len(reply.body) if reply.length is None else reply.length
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        if length >= 0 and reply.status != 304:
            handler.send_header("Content-Length", str(length))
        handler.send_header("Connection", "close")
        if not reply.body:
            self._count_open(-1)
        handler.end_headers()
        if reply.body:
            self._send_body(handler, reply)

    def _send_body(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        stops = [n for n in (reply.cut_after, reply.stall_after) if n is not None]
        body = reply.body[: min(stops, default=len(reply.body))]
        for byte in body[:-1] if reply.drip_s else b"":
            handler.wfile.write(bytes([byte]))
            if self._closing.wait(reply.drip_s):
                return
        while reply.endless and not self._closing.is_set():
            handler.wfile.write(body)
        self._count_open(-1)  # before the client can know that it has everything
        handler.wfile.write(body[-1:] if reply.drip_s else body)
        handler.wfile.flush()
        if reply.stall_after is not None:
            self._closing.wait()
        if reply.reset:
            handler.connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            handler.connection.close()


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the politeness out of the fetch: no pause between requests, short back-off."""
    monkeypatch.setattr(net, "PAUSE_S", 0.0)
    monkeypatch.setattr(download, "BACKOFF_S", 0.01)


def unused_port() -> int:
    """Return a port on 127.0.0.1 that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
