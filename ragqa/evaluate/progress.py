"""What an unfinished run has so far: a file that grows by a line for each question.

In: rows as they come. Out: the rows that an earlier call of the same run left. The first line
holds the run's key: rows of another run are never taken over. A line that a kill cut in half is
dropped, and its question asked again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from ragqa.errors import EvaluationError
from ragqa.evaluate.coding import canonical, row_from_dict, row_to_dict
from ragqa.evaluate.records import Row

__all__ = ["ProgressFile", "TimedRow", "alone", "unwritable"]

NAME = "progress.jsonl"
SCHEMA = "ragqa/progress/1"
_LOCK = ".run.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedRow:
    """A row with what it took.

    :ivar row: The row.
    :ivar seconds: What a user would have waited; None where it failed.
    :ivar wall: Seconds until it was done, with all that the harness did.
    """

    row: Row
    seconds: float | None
    wall: float


class ProgressFile:
    """The file, open for appending.

    :param folder: The run's folder; made if needed.
    :param key: The run's key.
    :param started: When the run started, ISO 8601; that of the earlier call where there was one.
    """

    def __init__(self, folder: Path, *, key: str, started: str) -> None:
        self.path = folder / NAME
        self.started = started
        self.before: tuple[TimedRow, ...] = ()
        self._key = key
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        """Read what is there, and open it behind its last whole line."""
        try:
            length = self._read()
            self._file = self.path.open("ab")
            self._file.truncate(length)
            if not length:
                head = {"schema": SCHEMA, "key": self._key, "started": self.started}
                self._write(head)
        except OSError as error:
            self._close()
            raise unwritable(self.path, error) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it; it stays."""
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            with suppress(OSError):  # a disk that is full refuses what is still to be written
                self._file.close()

    def remove(self) -> None:
        """Take the file away: its run is whole."""
        self.clear(self.path.parent)

    @staticmethod
    def clear(folder: Path) -> None:
        """Take away what an unfinished run left in a folder.

        :param folder: The run's folder.
        :raises EvaluationError: The folder cannot be written.
        """
        try:
            (folder / NAME).unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(folder, error) from error

    def append(self, asked: TimedRow) -> None:
        """Add a row; it is there even if the process is killed right after.

        :param asked: The row.
        :raises EvaluationError: It cannot be written.
        """
        value = {"row": row_to_dict(asked.row), "seconds": asked.seconds, "wall": asked.wall}
        try:
            self._write(value)
        except OSError as error:
            raise unwritable(self.path, error) from error

    def _write(self, value: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(canonical(value).encode(errors="backslashreplace") + b"\n")
            self._file.flush()

    def _read(self) -> int:
        """Take over what is there; return how many bytes of it are good."""
        data = self.path.read_bytes() if self.path.exists() else b""
        head, end, rest = data.partition(b"\n")
        value = _json(head)
        if not end or value.get("schema") != SCHEMA or value.get("key") != self._key:
            return 0
        self.started = str(value.get("started", self.started))
        length = len(head) + 1
        found = []
        for line in rest.split(b"\n")[:-1]:
            asked = _asked(line)
            if asked is None:
                break
            found.append(asked)
            length += len(line) + 1
        self.before = tuple(found)
        return length


def _json(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _asked(line: bytes) -> TimedRow | None:
    value = _json(line)
    try:
        return TimedRow(
            row=row_from_dict(value["row"]), seconds=value["seconds"], wall=float(value["wall"])
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def unwritable(path: Path, error: OSError, what: str = "run") -> EvaluationError:
    """Return what is raised where a folder cannot be written.

    :param path: The file or folder.
    :param error: What the system said.
    :param what: What was to be written.
    :return: The error.
    """
    return EvaluationError(
        f"the {what} cannot be written ({error.strerror})",
        item=path,
        hint="Free some space or choose another folder",
    )


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other processes out of a run's folder, and clear away what a killed one left.

    :param folder: The folder; made if needed.
    :yield: Nothing.
    :raises EvaluationError: Another process writes it, or it cannot be written.
    """
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / _LOCK)
        lock.acquire(timeout=0)
        for left in folder.glob(".*.part"):
            left.unlink(missing_ok=True)
    except Timeout as error:
        raise EvaluationError("another process is writing this run", item=folder) from error
    except OSError as error:
        raise unwritable(folder, error) from error
    try:
        yield
    finally:
        lock.release()
