"""Parsing in worker processes: a hostile file costs its own time and nothing else.

In: requests. Out: for each, in the order given, its `Document` or a `ParseError`. pdfium and
pypdf can hang, eat all memory or crash on a file, so files are parsed by long-lived children
(``python -m ragqa.parse.worker``) that speak JSON lines over their standard streams. The parent
holds the clock and kills a child that is late; the child holds its own memory limit. After a
kill or a crash the next file goes to a fresh child.

Nothing is pickled, and a user's script needs no ``if __name__ == "__main__"`` guard. A child ends
when its input ends, also in the middle of a file, so none outlives its parent. Summaries have no
file and cannot hang: `parse_summary` takes them in the calling process.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Literal, TypeVar

from ragqa._machine import cores
from ragqa.errors import ParseError, ParseReason
from ragqa.parse import parse_pdf, parse_readme
from ragqa.parse.wire import document_of, encode_reply
from ragqa.records import Document

__all__ = ["Parse", "ParseLimits", "ParseRequest", "limit_memory", "parse_many", "work_many"]

# -P: the folder that it happens to run in is not searched for modules.
_COMMAND = (sys.executable, "-P", "-m", "ragqa.parse.worker")
_AHEAD = 4  # files a worker that may wait parsed, so a slow reader of results bounds the memory
_LOOK_UP_SECONDS = 0.5  # how long Ctrl-C may take at the worst
_MAX_REPLY = 1 << 28  # bytes; a longer document is debris
_GRACE = 2.0  # seconds an idle child has to end by itself before it is killed

T = TypeVar("T")
R = TypeVar("R")

Reply = Document | ParseError
"""What becomes of one request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseRequest:
    """One file to parse.

    :ivar paper_id: The paper.
    :ivar kind: Which text of it; decides the parser.
    :ivar path: The file.
    """

    paper_id: str
    kind: Literal["pdf", "readme"]
    path: Path


Parse = Callable[[ParseRequest], Reply]
"""Has a file parsed by a worker process, and waits for it; safe to use from several threads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseLimits:
    """What one file may cost.

    :ivar seconds: Wall-clock time from request to answer. pdfium needs about 5 ms a page; the
        default leaves room for 1000 pages of pypdf, which takes over where pdfium's text is bad.
    :ivar memory_bytes: Address space of a worker, where the platform can limit it. Parsing the
        papers of the design's figures took 165 MB of it, 50 MB of them resident.
    """

    seconds: float = 120.0
    memory_bytes: int = 2 << 30


def parse_many(
    requests: Sequence[ParseRequest], *, jobs: int = 0, limits: ParseLimits = ParseLimits()
) -> Iterator[tuple[ParseRequest, Document | ParseError]]:
    """Parse files in worker processes.

    Closing the iterator, or an exception at its reader, ends the workers at once.

    :param requests: The files.
    :param jobs: How many workers; 0 for one a core.
    :param limits: What one file may cost.
    :return: Each request with its document or error, in the order of `requests`.
    """
    return _parse_many(requests, jobs or cores(), limits, _COMMAND)


def work_many(
    items: Sequence[T],
    work: Callable[[T, Parse], R],
    *,
    jobs: int = 0,
    limits: ParseLimits = ParseLimits(),
) -> Generator[tuple[T, R]]:
    """Do something with each item, which may be to parse files, ahead of the reader.

    Closing the iterator, or an exception at its reader, ends the workers at once, and what is at
    work in this process when it is done.

    :param items: What to work on.
    :param work: Called with an item and a function that has a file parsed by a worker process, in
        one of several threads. What it raises, the iterator raises when that item is due.
    :param jobs: How many threads, and at most as many worker processes; 0 for one a core.
    :param limits: What one file may cost.
    :return: Each item with what became of it, in the order of `items`.
    """
    return _work_many(items, work, jobs or cores(), limits, _COMMAND)


def _parse_many(
    requests: Sequence[ParseRequest], jobs: int, limits: ParseLimits, command: Sequence[str]
) -> Iterator[tuple[ParseRequest, Reply]]:
    return _work_many(requests, lambda request, parse: parse(request), jobs, limits, command)


def _work_many(
    items: Sequence[T],
    work: Callable[[T, Parse], R],
    jobs: int,
    limits: ParseLimits,
    command: Sequence[str],
) -> Generator[tuple[T, R]]:
    jobs = max(1, min(jobs, len(items)))
    workers = [_Worker(command, limits) for _ in range(jobs)]
    idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
    for worker in workers:
        idle.put(worker)

    def parse(request: ParseRequest) -> Reply:
        worker = idle.get()
        try:
            return worker.parse(request)
        finally:
            idle.put(worker)

    pool = ThreadPoolExecutor(jobs, thread_name_prefix="ragqa-parse")
    try:
        left = iter(items)
        waiting = deque(
            (item, pool.submit(work, item, parse)) for item in islice(left, jobs * _AHEAD)
        )
        while waiting:
            yield _next(waiting)
            waiting.extend((item, pool.submit(work, item, parse)) for item in islice(left, 1))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.close()
        pool.shutdown()


def _next(waiting: deque[tuple[T, Future[R]]]) -> tuple[T, R]:
    """Wait for the oldest result, looking up now and then.

    A signal that comes just before a wait without end begins is not acted on before that wait is
    over: of 60 interrupted runs one went on for minutes.
    """
    item, future = waiting.popleft()
    while not future.done():
        wait_for([future], timeout=_LOOK_UP_SECONDS)
    return item, future.result()


class _Worker:
    """One child process, started when it is needed and again after it died."""

    def __init__(self, command: Sequence[str], limits: ParseLimits) -> None:
        self._command = [*command, str(limits.memory_bytes)]
        self._seconds = limits.seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()  # start and close must not cross
        self._is_closed = False

    def parse(self, request: ParseRequest) -> Reply:
        """Have one file parsed; never raises for what the file does.

        A child that dies at its first file died of it; one that had others before is replaced
        and the file tried again, so what becomes of a file depends on that file alone.
        """
        try:
            is_used = self._start()
        except OSError as error:
            return _failure(request, "crashed", "the parser cannot be started", str(error))
        reply, is_late = self._ask(request)
        if reply is not None and not is_late:
            return reply
        end = self._stop(grace=0.0 if is_late else _GRACE)
        if reply is not None:
            return reply  # it came while the clock struck; only the child is lost
        if is_late:
            hint = f"The limit is {self._seconds:g} s; leave the file out or raise the limit"
            return _failure(request, "too-slow", "parsing took too long", hint)
        if is_used:
            return self.parse(request)
        return _failure(request, "crashed", f"the parser died of the file ({end})", _SAVE_AGAIN)

    def _ask(self, request: ParseRequest) -> tuple[Reply | None, bool]:
        """Return the child's answer, if it gave one, and whether its time was up."""
        child = self._child
        if child is None:  # closed meanwhile
            return None, False
        late = threading.Event()
        timer = threading.Timer(self._seconds, _kill_late, (child, late))
        timer.start()
        line = _exchange(child, _encode_request(request))
        timer.cancel()
        timer.join()
        return _decode_reply(line), late.is_set()

    def _start(self) -> bool:
        """Start a child unless one lives; say whether it has had files before."""
        with self._lock:
            if self._is_closed:
                raise OSError("the parser was closed")
            if self._child is not None and self._child.poll() is None:
                return True
        self._stop(grace=0.0)
        with self._lock:
            if self._is_closed:
                raise OSError("the parser was closed")
            self._child = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
            )
        return False

    def _stop(self, *, grace: float) -> str:
        """End the child; return what it died of, as words."""
        with self._lock:
            child, self._child = self._child, None
        if child is None:
            return "closed"
        if child.stdin is not None:
            _close_quietly(child.stdin)
        try:
            code = child.wait(grace)
        except subprocess.TimeoutExpired:
            child.kill()
            code = child.wait()
        if child.stdout is not None:
            _close_quietly(child.stdout)
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def close(self) -> None:
        """End the child for good; a file that it is at is given up."""
        with self._lock:
            self._is_closed = True
            if self._child is not None:
                self._child.kill()
        self._stop(grace=_GRACE)


_SAVE_AGAIN = (
    "It is damaged, hostile or far too large: save it again with another program or leave it out"
)


def _failure(request: ParseRequest, reason: ParseReason, what: str, hint: str) -> ParseError:
    return ParseError(what, reason=reason, item=request.path.name, hint=hint)


def _kill_late(child: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    child.kill()


def _exchange(child: subprocess.Popen[bytes], line: bytes) -> bytes:
    """Send a line and return the answer; what is no whole line means that the child died."""
    if child.stdin is None or child.stdout is None:
        return b""
    try:
        child.stdin.write(line)
        child.stdin.flush()
        return child.stdout.readline(_MAX_REPLY)
    except (OSError, ValueError):  # a broken pipe, or closed by close()
        return b""


def _close_quietly(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except OSError:  # what was not flushed was meant for a child that is gone
        return


def _environment() -> dict[str, str]:
    """Return an environment in which the child imports what this process would."""
    path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    return {**os.environ, "PYTHONPATH": path}


def _encode_request(request: ParseRequest) -> bytes:
    fields = {
        "paper_id": request.paper_id,
        "kind": request.kind,
        "path": os.fspath(request.path.absolute()),
    }
    return json.dumps(fields).encode("ascii") + b"\n"


def _decode_reply(line: bytes) -> Reply | None:
    """Return what a worker answered; None where it is no answer."""
    try:
        fields = json.loads(line)
        return ParseError(**fields) if "reason" in fields else document_of(fields)
    except (ValueError, TypeError, KeyError):
        return None


def main(memory_bytes: int) -> None:
    """Answer requests until the input ends: the life of a child.

    :param memory_bytes: Limit of the address space.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which then kills us
    requests, replies = _private_streams()
    limit_memory(memory_bytes)
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read_lines, args=(requests, lines), daemon=True).start()
    while True:
        request = json.loads(lines.get())
        request["path"] = Path(request["path"])
        reply, is_sound = _parse(ParseRequest(**request))
        replies.write(encode_reply(reply))
        replies.flush()
        if not is_sound:
            os._exit(1)  # the reading thread holds a lock that an orderly exit would wait for


def _private_streams() -> tuple[IO[bytes], IO[bytes]]:
    """Take standard input and output for the protocol alone; a library's prints go nowhere."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    return requests, replies


def limit_memory(count: int) -> None:
    """Limit this process's address space, where the platform can.

    :param count: Bytes.
    """
    if sys.platform == "win32":
        return  # there is no such limit; the clock alone holds
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    soft = count if hard == resource.RLIM_INFINITY else min(count, hard)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # pdfium aborts where memory ends


def _read_lines(requests: IO[bytes], lines: queue.SimpleQueue[bytes]) -> None:
    """Pass requests on; at the input's end leave at once, for the parent is gone or done."""
    for line in requests:
        lines.put(line)
    os._exit(0)


def _parse(request: ParseRequest) -> tuple[Reply, bool]:
    """Return the reply, and whether this process may go on."""
    parser = parse_pdf if request.kind == "pdf" else parse_readme
    try:
        return parser(request.path, paper_id=request.paper_id), True
    except ParseError as error:
        return error, True
    except MemoryError:
        what = "parsing needs more memory than is allowed"
        return _failure(request, "crashed", what, _SAVE_AGAIN), False
    except Exception as error:  # noqa: BLE001 - whatever a library raises costs this file only
        what = f"the parser failed with {type(error).__name__}"
        return _failure(request, "crashed", what, _SAVE_AGAIN), True


if __name__ == "__main__":
    main(int(sys.argv[1]))
