"""A build that dies at any step leaves the old generation, or the new one, answering."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")

CRASHED, KILLED = 9, -9


def crashes(folder: Path, stride: int, last: int, kills: int) -> dict[str, Any]:
    script = Path(__file__).with_name("crash_child.py")
    command = [sys.executable, script, folder, str(stride), str(last), str(kills)]
    environment = {**os.environ, "TMPDIR": str(folder)}  # a dead build leaves links behind there
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def check(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        assert not row["failed"], row
        assert (row["number"], row["who"]) in {(2, "old"), (3, "new")}, row
        assert row["next"] and not row["left"] and row["kept"] == 2, row


def test_a_crash_at_some_steps_and_at_each_of_the_last(tmp_path):
    result = crashes(tmp_path, 40, 14, 1)
    rows = result["rows"]
    check(rows)
    stepped = [row for row in rows if row["at"].startswith("step")]
    assert {row["code"] for row in stepped} == {CRASHED}
    # Both sides of the swap were met, and once the new one answers it goes on to.
    numbers = [row["number"] for row in stepped]
    assert numbers == sorted(numbers) and set(numbers) == {2, 3}


@pytest.mark.slow
def test_a_crash_at_every_step(tmp_path):
    result = crashes(tmp_path, 1, 0, 40)
    check(result["rows"])
    codes = [row["code"] for row in result["rows"]]
    assert codes[: len(result["steps"])] == [CRASHED] * len(result["steps"])
    assert KILLED in codes
    numbers = [row["number"] for row in result["rows"][: len(result["steps"])]]
    assert numbers == sorted(numbers) and set(numbers) == {2, 3}
