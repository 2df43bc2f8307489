"""What servers of papers do wrong: one row each, for the tests and for the table in docs/LOG.md.

A `Misbehaviour` is a script of replies to one link and what its row must say. Where a script goes
on with good replies, the fetch shall get over it. `watch` runs one twice: in an empty corpus, and
as a refresh of a corpus that has the file already, which must then keep it.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from server import Reply, ScriptedServer

from ragqa._files import sha256_file
from ragqa.fetch import FetchOptions, FetchRow, fetch_papers, local_files
from ragqa.records import Paper

__all__ = ["FILE", "MISBEHAVIOURS", "NEW", "TOO_SMALL", "Misbehaviour", "Watched", "watch"]

OLD = b"%PDF-1.7\n" + b"the good old file " * 500 + b"\n%%EOF\n"
NEW = b"%PDF-1.7\n" + bytes(range(256)) * 400 + b"\n%%EOF\n"
LOGIN = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Who are you?</body></html>"
LIMITS = FetchOptions(timeout_s=0.25, retries=1, max_bytes=1 << 20)
TAG = {"ETag": '"1"'}
CUT = Reply(body=NEW, headers=TAG, cut_after=40_000, ranges=True)
REST = {"Content-Range": f"bytes 40000-{len(NEW) - 1}/{len(NEW)}"}
FILE = Path("pdf/a.pdf")


@dataclass(frozen=True, kw_only=True)
class Misbehaviour:
    """One script; `paths` are further paths that it needs, `reason` None where it is got over."""

    name: str
    replies: Sequence[Reply]
    reason: str | None
    paths: Mapping[str, Reply] = field(default_factory=dict)


def _one(name: str, reason: str | None, *replies: Reply, **paths: Reply) -> Misbehaviour:
    named = {f"/{path}": reply for path, reply in paths.items()}
    return Misbehaviour(name=name, replies=replies, reason=reason, paths=named)


def _to(target: str) -> Reply:
    return Reply(302, headers={"Location": target})


def _gzip(body: bytes) -> Reply:
    return Reply(body=gzip.compress(body), headers={"Content-Encoding": "gzip"})


def _length(said: str) -> Reply:
    return Reply(body=NEW, length=-1, headers={"Content-Length": said})


_WHOLE = Reply(body=NEW)
_HOUR = {"Retry-After": "3600"}
_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

MISBEHAVIOURS = (
    _one("503, Retry-After an hour", "rate-limited", Reply(503, headers=_HOUR)),
    _one("503, Retry-After nonsense", "http-error", Reply(503, headers={"Retry-After": "x"})),
    _one("503 once, Retry-After 0", None, Reply(503, headers={"Retry-After": "0"}), _WHOLE),
    _one("429, Retry-After an hour", "rate-limited", Reply(429, headers=_HOUR)),
    _one("429 that stays", "rate-limited", Reply(429)),
    _one("500 that stays", "http-error", Reply(500)),
    _one("403", "forbidden", Reply(403, body=LOGIN)),
    _one("404", "not-found", Reply(404, body=LOGIN)),
    _one("418", "http-error", Reply(418)),
    _one("204, no content", "http-error", Reply(204)),
    _one("no reply, connection closed", "connection", Reply(raw=b"")),
    _one("no HTTP at all", "connection", Reply(raw=b"220 ftp ready\r\n" * 9)),
    _one("a header of 100 kB", "connection", Reply(body=NEW, headers={"X": "x" * 100_000})),
    _one("200 headers", "connection", Reply(body=NEW, headers={f"X-{n}": "x" for n in range(200)})),
    _one("cut at the same byte, always", "incomplete", Reply(body=NEW, cut_after=40_000)),
    _one("cut once, then resumed", None, CUT, Reply(body=NEW, headers=TAG, ranges=True)),
    _one("reset midway, always", "connection", Reply(body=NEW, cut_after=40_000, reset=True)),
    _one("stalled before the status line", "timeout", Reply(stall_after=-1)),
    _one("stalled before the body", "timeout", Reply(body=NEW, stall_after=0)),
    _one("stalled midway", "timeout", Reply(body=NEW, stall_after=40_000)),
    _one("a byte now and then", "timeout", Reply(body=NEW, drip_s=0.05)),
    _one("Content-Length too large", "incomplete", Reply(body=NEW, length=len(NEW) + 9)),
    _one("Content-Length nonsense", None, _length("?")),
    _one("Content-Length negative", None, _length("-5")),
    _one("broken chunks", "connection", Reply(raw=_CHUNKED + b"ZZ\r\nx")),
    _one("chunks that end early", "connection", Reply(raw=_CHUNKED + b"400\r\n%PDF-1.7")),
    _one("resume: another range", "incomplete", CUT,
         Reply(206, body=b"x" * 99, headers=TAG | {"Content-Range": f"bytes 0-98/{len(NEW)}"})),
    _one("resume: no Content-Range", "incomplete", CUT, Reply(206, body=b"x" * 99, headers=TAG)),
    _one("resume: changed ETag", "incomplete", CUT,
         Reply(206, body=NEW[40_000:], headers=REST | {"ETag": '"2"'})),
    _one("resume: other bytes, whole", None, CUT, Reply(body=NEW, headers={"ETag": '"2"'})),
    _one("resume: 416, always", "incomplete", CUT, Reply(416)),
    _one("206 that was not asked for", "incomplete", Reply(206, body=NEW, headers=REST)),
    _one("304 that was not asked for", "redirect", Reply(304)),
    _one("redirect loop", "redirect", _to("/x.pdf")),
    _one("redirect loop over two links", "redirect", _to("/other"), other=_to("/x.pdf")),
    _one("redirect without a target", "redirect", Reply(302)),
    _one("redirect to file:", "redirect", _to("file:///etc/hostname")),
    _one("redirect to ftp:", "redirect", _to("ftp://127.0.0.1/x.pdf")),
    _one("redirect to data:", "redirect", _to("data:application/pdf,%25PDF-1.7")),
    _one("redirect with a password", "redirect", _to("http://me:secret@127.0.0.1/x.pdf")),
    _one("redirect to a login page", "html-instead-of-pdf", _to("/login"), login=Reply(body=LOGIN)),
    _one("login page", "html-instead-of-pdf", Reply(body=LOGIN)),
    _one("login page said to be a PDF", "html-instead-of-pdf",
         Reply(body=LOGIN, headers={"Content-Type": "application/pdf"})),
    _one("gzip that was not asked for", None, _gzip(NEW)),
    _one("gzip of a login page", "html-instead-of-pdf", _gzip(LOGIN)),
    _one("gzip that is none", "connection", Reply(body=NEW, headers={"Content-Encoding": "gzip"})),
    _one("gzip bomb, 1 GB in 1 MB", "too-large",
         Reply(body=gzip.compress(bytes(1 << 20)) * 1000, headers={"Content-Encoding": "gzip"})),
    _one("endless body", "too-large", Reply(body=NEW, length=-1, endless=True)),
    _one("too large by Content-Length", "too-large", Reply(body=NEW, length=1 << 40)),
    _one("zero bytes", "empty-file", Reply()),
    _one("zero bytes, no length", "empty-file", Reply(length=-1)),
    _one("a picture", "not-a-pdf", Reply(body=b"\x89PNG\r\n\x1a\n" + bytes(999))),
)  # fmt: skip
"""Everything that is scripted, from the status line to the last byte."""

TOO_SMALL = _one("Content-Length too small", None, Reply(body=NEW, length=50_000))
"""What HTTP cannot tell from a shorter file: it is fetched, and said to be another than before."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What a misbehaviour led to."""

    fresh: FetchRow
    refreshed: FetchRow
    requests: int
    seconds: float
    kept: bool


def watch(case: Misbehaviour, folder: Path) -> Watched:
    """Meet a misbehaviour in an empty corpus, and where the file is there already."""
    empty, full = folder / "empty", folder / "full"
    for corpus in (empty, full):
        corpus.mkdir(parents=True)
    with ScriptedServer() as server:
        listed = Paper(paper_id="a", title="A", url=server.on("/x.pdf", Reply(body=OLD)))
        fetch_papers([listed], full, options=LIMITS)
        before = sha256_file(full / FILE)
        asked = server.count()
        started = time.monotonic()
        fresh = _fetch(case, server, listed, empty)
        seconds, requests = time.monotonic() - started, server.count() - asked
        refreshed = _fetch(case, server, listed, full)
        usable = local_files([listed], full)
        kept = bool(usable) and usable[0].sha256 == before == sha256_file(full / FILE)
    return Watched(fresh=fresh, refreshed=refreshed, requests=requests, seconds=seconds, kept=kept)


def _fetch(case: Misbehaviour, server: ScriptedServer, listed: Paper, corpus: Path) -> FetchRow:
    server.on("/x.pdf", *case.replies)
    for path, reply in case.paths.items():
        server.on(path, reply)
    options = FetchOptions(
        timeout_s=LIMITS.timeout_s,
        retries=LIMITS.retries,
        max_bytes=LIMITS.max_bytes,
        refresh=True,
    )
    (row,) = fetch_papers([listed], corpus, options=options).rows
    return row
