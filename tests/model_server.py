"""A scripted chat model server on loopback: OpenAI's and Ollama's protocol, real sockets.

Use it as a context manager. Each request takes the next `Said` of the script; the last one is
repeated. ``server.seen`` records every request, so that tests count work and measure no time.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from loopback import LoopbackServer

__all__ = ["ModelServer", "Said", "Seen"]


@dataclass(frozen=True)
class Said:
    """What one request gets.

    `pieces` are sent one event each, `gap_s` apart. `stall_at` sends so many pieces and then
    nothing until the server is closed (-1: not even a status line); `drop_at` sends so many and
    closes the connection (with `reset`, breaks it). `raw` is the event stream's body in place of
    the pieces. `status` other than 200 sends `body` instead; `echo` puts the request's headers
    into it. Without `usage` none is reported. `by` makes the whole reply from the request.
    """

    pieces: tuple[str, ...] = ()
    usage: tuple[int, int] | None = (11, 7)
    finish: str | None = "stop"
    gap_s: float = 0.0
    stall_at: int | None = None
    drop_at: int | None = None
    reset: bool = False
    raw: bytes | None = None
    status: int = 200
    body: Mapping[str, Any] = field(default_factory=lambda: {"error": {"message": "no"}})
    headers: Mapping[str, str] = field(default_factory=dict)
    echo: bool = False
    by: Callable[[Seen], Said] | None = None


@dataclass(frozen=True)
class Seen:
    """One request as it came; names of headers are in small letters."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]


class ModelServer(LoopbackServer):
    """The server; `url` is what OPENAI_BASE_URL takes, `host` what OLLAMA_HOST takes."""

    def __init__(self, *script: Said) -> None:
        self.seen: list[Seen] = []
        self.script = list(script)
        super().__init__(self._handler())
        self.host = f"http://{self.host}"
        self.url = f"{self.host}/v1"

    def say(self, *script: Said) -> None:
        """Script it anew and forget what was seen."""
        with self._mutex:
            self.script, self.seen = list(script), []

    def _next(self, seen: Seen) -> Said:
        with self._mutex:
            self.seen.append(seen)
            said = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        return said.by(seen) if said.by else said

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10  # a handler never outlives its test

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                headers = {name.lower(): text for name, text in self.headers.items()}
                seen = Seen(self.path, headers, body)
                with suppress(ConnectionError):  # the client may go at any time
                    outer._send(self, seen, outer._next(seen))

            def log_message(self, *_: object) -> None:
                return

        return Handler

    def _send(self, handler: BaseHTTPRequestHandler, seen: Seen, said: Said) -> None:
        handler.close_connection = True
        if said.stall_at == -1:
            self._closing.wait()
        elif said.status != 200:
            body: dict[str, Any] = dict(said.body)
            if said.echo:
                body["error"] = {"message": f"bad headers: {seen.headers}", "param": seen.headers}
            self._whole(handler, said, json.dumps(body).encode())
        elif seen.path == "/api/chat":
            self._stream(handler, said, _ollama(said), "application/x-ndjson")
        elif seen.body.get("stream"):
            self._stream(handler, said, _events(seen, said), "text/event-stream")
        else:
            self._whole(handler, said, json.dumps(_completion(said)).encode())

    def _whole(self, handler: BaseHTTPRequestHandler, said: Said, body: bytes) -> None:
        handler.send_response(said.status)
        for name, value in said.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(body)

    def _stream(
        self, handler: BaseHTTPRequestHandler, said: Said, lines: Iterator[bytes], kind: str
    ) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Connection", "close")  # the end of the body is the connection's
        handler.end_headers()
        for number, line in enumerate(lines):
            if number == said.drop_at:
                if said.reset:
                    option = struct.pack("ii", 1, 0)
                    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, option)
                    handler.connection.close()
                return
            if number == said.stall_at:
                self._closing.wait()
                return
            handler.wfile.write(line)
            handler.wfile.flush()
            if said.gap_s and self._closing.wait(said.gap_s):
                return


def _events(seen: Seen, said: Said) -> Iterator[bytes]:
    if said.raw is not None:
        yield said.raw
        return
    for piece in said.pieces:
        yield _event([{"index": 0, "delta": {"role": "assistant", "content": piece}}])
    if said.finish is not None:
        yield _event([{"index": 0, "delta": {}, "finish_reason": said.finish}])
    if said.usage and (seen.body.get("stream_options") or {}).get("include_usage"):
        yield _event([], usage=_usage(said))
    yield b"data: [DONE]\n\n"


def _event(choices: list[dict[str, Any]], **more: Any) -> bytes:
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    return f"data: {json.dumps({**chunk, 'choices': choices, **more})}\n\n".encode()


def _usage(said: Said) -> dict[str, int]:
    sent, written = said.usage or (0, 0)
    return {"prompt_tokens": sent, "completion_tokens": written, "total_tokens": sent + written}


def _completion(said: Said) -> dict[str, Any]:
    message = {"role": "assistant", "content": "".join(said.pieces)}
    whole = {"id": "1", "object": "chat.completion", "created": 0, "model": "m"}
    choices = [{"index": 0, "message": message, "finish_reason": said.finish}]
    usage = {"usage": _usage(said)} if said.usage else {}
    return {**whole, "choices": choices, **usage}


def _ollama(said: Said) -> Iterator[bytes]:
    base = {"model": "m", "created_at": "2026-01-01T00:00:00Z"}
    for piece in said.pieces:
        message = {"role": "assistant", "content": piece}
        yield json.dumps({**base, "message": message, "done": False}).encode() + b"\n"
    end: dict[str, Any] = {**base, "message": {"role": "assistant", "content": ""}, "done": True}
    sent, written = said.usage or (None, None)
    counts = {"prompt_eval_count": sent, "eval_count": written} if said.usage else {}
    if said.finish is not None:
        yield json.dumps({**end, "done_reason": said.finish, **counts}).encode() + b"\n"
