"""One writer at a time, and the system's refusals as errors of ragqa.

In: an index's folder. Out: a lock that is held, or `IndexBusyError`. The lock is the system's own,
so it ends with its process, however that ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ragqa.errors import BuildError, IndexBusyError

__all__ = ["REFUSED", "build_errors", "writer_lock"]

REFUSED = (
    "Free some space or choose a folder that can be written; "
    "the index that was there before stays in force"
)
"""What to do where the system refuses to write."""


@contextmanager
def writer_lock(directory: Path, name: str) -> Iterator[None]:
    """Hold a lock of an index.

    :param directory: The index; it is made if needed.
    :param name: The lock's file in it.
    :yield: Nothing.
    :raises IndexBusyError: Another process, or another caller in this one, holds it.
    :raises BuildError: The folder cannot be written.
    """
    from filelock import FileLock, Timeout  # asyncio's parts: not for who only asks

    with build_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        lock = FileLock(directory / name)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise IndexBusyError(
                "another process is writing this index",
                item=directory,
                hint="Try again when it is done; it can be asked meanwhile",
            ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def build_errors(directory: Path) -> Iterator[None]:
    """Turn what the system refuses into a `BuildError`.

    :param directory: The index that is written.
    :yield: Nothing.
    :raises BuildError: In place of an OSError.
    """
    try:
        yield
    except (OSError, NotImplementedError) as error:
        raise BuildError(
            f"the index cannot be written ({error})",
            item=directory,
            hint=REFUSED,
        ) from error
