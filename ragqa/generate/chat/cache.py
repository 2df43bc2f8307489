"""Replies kept on disk, so that the same request is paid for once.

In: what decides a reply. Out: the reply's text, or nothing. One SQLite file in a folder of the
caller's; any number of threads and processes may share it. Only complete outputs are kept, under
hashes: no key, no prompt and no model name is in the file.
Invariant: a cache that cannot be used costs requests and nothing else. A damaged file is set aside
under another name, a row that is not what was written is no row.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from ragqa._files import sha256_bytes
from ragqa.generate.prompt import PROMPT_VERSION, Messages

__all__ = ["ResponseCache"]

_FILE = "replies.sqlite"
_WAIT_S = 10.0  # for another process that writes; a write takes milliseconds
_SIDES = ("", "-wal", "-shm")
_TABLE = """
create table if not exists replies (
    key text primary key, text text not null, sha256 text not null
) without rowid
"""


class ResponseCache:
    """Keeps complete outputs by what was asked.

    :param folder: Where; made if needed.
    :param on_problem: Told, in one line, where the cache cannot be used or was damaged.
    """

    def __init__(
        self, folder: Path | str, *, on_problem: Callable[[str], None] = lambda line: None
    ) -> None:
        self.path = Path(folder) / _FILE
        self._on_problem = on_problem

    @staticmethod
    def key(messages: Messages, *, model: str, options: object) -> str:
        """Return what a reply is kept under.

        :param messages: What is sent.
        :param model: Name and fingerprint of the model.
        :param options: What else decides the reply; JSON-ready.
        :return: 64 hex digits.
        """
        recipe = [PROMPT_VERSION, messages, model, options]
        return sha256_bytes(json.dumps(recipe, sort_keys=True).encode())

    def get(self, key: str) -> str | None:
        """Return a kept output.

        :param key: From `key`.
        :return: The output; None where there is none, or the cache cannot be used.
        """
        rows = self._run("select text, sha256 from replies where key = ?", (key,))
        text, digest = rows[0] if rows else (None, None)
        if not isinstance(text, str) or sha256_bytes(_encoded(text)) != digest:
            return None
        return text

    def put(self, key: str, text: str) -> None:
        """Keep a complete output; one that is there already is replaced.

        :param key: From `key`.
        :param text: The output.
        """
        row = (key, text, sha256_bytes(_encoded(text)))
        self._run("insert or replace into replies values (?, ?, ?)", row)

    def _run(self, statement: str, values: tuple[str, ...]) -> list[Any]:
        try:
            return self._try(statement, values)
        except sqlite3.OperationalError as error:  # locked, read-only, no space: the file is fine
            self._on_problem(f"the cache of replies cannot be used: {self.path}: {error}")
        except sqlite3.DatabaseError:
            return self._again(statement, values)
        except (OSError, UnicodeError) as error:
            self._on_problem(f"the cache of replies cannot be used: {self.path}: {error}")
        return []

    def _again(self, statement: str, values: tuple[str, ...]) -> list[Any]:
        try:
            self._set_aside()
            return self._try(statement, values)
        except (sqlite3.Error, OSError) as error:
            self._on_problem(f"the cache of replies cannot be used: {self.path}: {error}")
            return []

    def _try(self, statement: str, values: tuple[str, ...]) -> list[Any]:
        with self._open() as connection, connection:
            return connection.execute(statement, values).fetchall()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.path, timeout=_WAIT_S)) as connection:
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = normal")
            connection.execute(_TABLE)
            yield connection

    def _set_aside(self) -> None:
        """Rename a damaged file; another process may have done so already."""
        from filelock import FileLock

        with FileLock(f"{self.path}.lock", timeout=_WAIT_S):
            if self._is_sound():
                return
            number = 1
            while (aside := self.path.with_name(f"{_FILE}.damaged-{number}")).exists():
                number += 1
            for side in _SIDES:
                file = Path(f"{self.path}{side}")
                if file.exists():
                    file.rename(f"{aside}{side}")
            self._on_problem(f"the cache of replies was damaged and is set aside: {aside}")

    def _is_sound(self) -> bool:
        try:
            with self._open() as connection:
                return connection.execute("pragma quick_check").fetchall() == [("ok",)]
        except sqlite3.DatabaseError:
            return False


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")
