"""Counts of work: what a process read, wrote, imported, compiled and asked of its databases.

`counted` watches a block in this process, ``python tests/counted.py OUT VERB ...`` runs one command
of the command line and writes what it did to OUT as JSON. Python itself reports each file that it
opens and each process that it starts (audit events); native libraries' files show in `bytes_read`
and `bytes_written` only, which Linux counts for the whole process and its finished children, mapped
memory aside. What this module imports is not counted, hence it imports what a question needs.
"""

from __future__ import annotations

import os
import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Counts", "counted"]

_IO = "/proc/self/io"


class Counts:
    """What was done while it was watched.

    :ivar read: Path of each file opened for reading, as often as it was.
    :ivar written: Path of each file opened for writing, likewise.
    :ivar processes: Command of each process started.
    :ivar statements: Each statement that a database ran.
    :ivar patterns: Module that had each regular expression compiled, and the expression.
    :ivar modules: Modules imported.
    :ivar bytes_read: Bytes that went through read calls; -1 where the system does not count.
    :ivar bytes_written: Bytes that went through write calls; likewise.
    """

    def __init__(self) -> None:
        self.read: list[str] = []
        self.written: list[str] = []
        self.processes: list[str] = []
        self.statements: list[str] = []
        self.patterns: list[tuple[str, str]] = []
        self.modules: list[str] = []
        self.bytes_read = self.bytes_written = -1


_watching: list[Counts] = []


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    if event == "open":
        path, _mode, flags = arguments
        if isinstance(path, (str, bytes)):
            is_writing = flags & (os.O_WRONLY | os.O_RDWR)
            files = _watching[-1].written if is_writing else _watching[-1].read
            files.append(os.fsdecode(path))
    elif event == "subprocess.Popen":
        _watching[-1].processes.append(" ".join(map(os.fsdecode, arguments[1])))


def _connected(*arguments: Any, **options: Any) -> sqlite3.Connection:
    """Follow every database, also one that is opened before anything is watched."""
    database = _real_connect(*arguments, **options)
    database.set_trace_callback(_ran)
    return database


def _ran(statement: str) -> None:
    if _watching:
        _watching[-1].statements.append(statement)


def _compiled(pattern: Any, flags: int = 0) -> Any:
    if _watching:
        frame = sys._getframe(1)
        while frame.f_back is not None and frame.f_globals["__name__"].partition(".")[0] == "re":
            frame = frame.f_back
        _watching[-1].patterns.append((frame.f_globals["__name__"], str(pattern)))
    return _real_compile(pattern, flags)


_real_compile, re._compiler.compile = re._compiler.compile, _compiled
_real_connect, sqlite3.connect = sqlite3.connect, _connected
sys.addaudithook(_hear)


def _bytes() -> tuple[int, int]:
    try:
        with open(_IO, encoding="ascii") as file:  # noqa: PTH123 - pathlib is counted as well
            values = dict(line.split(": ") for line in file.read().splitlines())
    except OSError:
        return -1, -1
    return int(values["rchar"]), int(values["wchar"])


@contextmanager
def counted() -> Iterator[Counts]:
    """Watch a block; what it did can be read when it is over."""
    counts, modules, (read, written) = Counts(), set(sys.modules), _bytes()
    _watching.append(counts)
    try:
        yield counts
    finally:
        _watching.pop()
        now_read, now_written = _bytes()
        if read >= 0:
            counts.bytes_read, counts.bytes_written = now_read - read, now_written - written
        counts.modules = [name for name in sys.modules if name not in modules]


def _run(out: str, *arguments: str) -> int:
    sys.argv = ["ragqa", *arguments]
    code = 0
    with counted() as counts:
        from ragqa.cli import main

        try:
            main()
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 1
    import json

    with open(out, "w", encoding="utf-8") as file:  # noqa: PTH123
        json.dump(vars(counts), file)
    return code


if __name__ == "__main__":
    sys.exit(_run(*sys.argv[1:]))
