"""The command line, called in this process as a user calls it, with the tiny embedder."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from doubles import HashedEmbedder

from ragqa.cli import main

__all__ = ["Call", "Ran", "caller"]


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    def json(self, schema: str) -> dict[str, Any]:
        """Return stdout, which must be one JSON object of this schema and nothing else."""
        assert self.code == 0, self.err
        value = json.loads(self.out)
        assert value["schema"] == schema
        return dict(value)

    def error(self) -> str:
        """Return the one line of an error that ragqa raised on purpose."""
        assert self.code == 1, (self.out, self.err)
        assert self.out == ""
        line = self.err.strip().split("\n")[-1]
        assert line.startswith("ragqa: ")
        assert "Traceback" not in self.err
        return line


Call = Callable[..., Ran]


def caller(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    """Return a way to call the real entry point in a folder."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr("ragqa.embed.load_embedder", lambda name, **_: HashedEmbedder())

    def call(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["ragqa", *arguments])
        code = 0
        capsys.readouterr()
        try:
            main()
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 0
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return call
