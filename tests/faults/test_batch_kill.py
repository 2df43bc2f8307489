"""A batch of 200 cards that is killed ten times ends with the bytes of one that never was."""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pdfs
import pytest
from cards import TOPICS, write_cards

from ragqa._files import sha256_file
from ragqa.errors import RagqaError
from ragqa.index.generation import verify_generation

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")

SEED = 20261123


def start(folder: Path, cards: Path, mirror: Path) -> subprocess.Popen[str]:
    script = Path(__file__).with_name("batch_child.py")
    folder.mkdir(exist_ok=True)
    command = [sys.executable, str(script), str(cards), str(mirror)]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)


def finish(folder: Path, cards: Path, mirror: Path) -> int:
    """Run to the end; return how many answers were there already."""
    with start(folder, cards, mirror) as child:
        out, _ = child.communicate()
    assert child.returncode == 0
    return int(out)


def outputs(folder: Path) -> dict[str, bytes]:
    """Return the visible files; a generation's number is left out of them.

    A build that dies after its generation has its name and before it is put in force uses a
    number up, so the number is the one thing that history may change.
    """
    found = {p.name: p.read_bytes() for p in (folder / "out").iterdir() if p.name[0] != "."}
    number = re.compile(rb'("index": ")\d+-')
    trimmed = {name: number.sub(rb"\1N-", data) for name, data in found.items()}
    value = json.loads(trimmed["summary.json"])
    for row in value["rows"]:
        row["files"] = sorted(row["files"])  # hashes of files that hold the number
    return {**trimmed, "summary.json": json.dumps(value).encode()}


def summary(folder: Path) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads((folder / "out" / "summary.json").read_bytes())
    except FileNotFoundError:
        return {"rows": []}
    return value


def kill(folder: Path, cards: Path, mirror: Path, *, rows: int, delay_s: float) -> int:
    """Kill a run once the summary has so many rows, and a moment later; return the rows left."""
    with start(folder, cards, mirror) as child:
        while child.poll() is None and len(summary(folder)["rows"]) < rows:
            time.sleep(0.002)
        time.sleep(delay_s)
        child.kill()
    assert child.returncode == -signal.SIGKILL
    return len(summary(folder)["rows"])


def check_nothing_is_half_written(folder: Path) -> None:
    """Check that each visible file is whole, and what the summary names is there as it says."""
    out = folder / "out"
    for path in out.glob("[!.]*.json") if out.is_dir() else ():
        assert json.loads(path.read_bytes())["schema"] in {"ragqa/answer/1", "ragqa/batch/1"}
    for path in out.glob("[!.]*.md") if out.is_dir() else ():
        assert path.read_bytes().endswith(b"\n")
    for row in summary(folder)["rows"]:
        for name, sha256 in row["files"].items():
            assert sha256_file(out / name) == sha256
    try:
        checks = verify_generation(folder / "indexes" / "out")
    except RagqaError as error:
        assert "there is no index" in str(error)
    else:
        assert not [check for check in checks if check.problem]


def make_inputs(folder: Path, count: int) -> tuple[Path, Path]:
    """Write cards over 60 papers, every third with a PDF in a mirror, and three bad cards."""
    cards, mirror = folder / "cards", folder / "mirror"
    write_cards(cards, count - 3, papers=60, seed=SEED)
    (cards / "bad-1.txt").write_text("there is no question", encoding="utf-8")
    (cards / "bad-2.txt").write_bytes(bytes(range(256)) * 9)
    (cards / "bad-3.txt").write_text("", encoding="utf-8")
    host = mirror / "papers.example.org"
    host.mkdir(parents=True)
    for number in range(0, 60, 3):
        first, second, third = TOPICS[number % len(TOPICS)]
        pdfs.plain(
            host / f"{number}.pdf",
            ["# Abstract", f"Region {number} has {first}, {second} and {third}."]
            + [f"In year {year} the {first} of region {number} were counted." for year in range(9)],
        )
    return cards, mirror


def survive(folder: Path, *, count: int, kills: int) -> None:
    chosen = random.Random(SEED)
    cards, mirror = make_inputs(folder, count)
    assert finish(folder / "calm", cards, mirror) == 0
    early = kills // 3  # while it reads, fetches and builds; the others while it answers
    targets = [0] * early + sorted(chosen.sample(range(4, count - 20), kills - early))
    for target in targets:
        delay_s = chosen.uniform(0.2, 1.5) if not target else chosen.uniform(0, 0.03)
        left = kill(folder / "killed", cards, mirror, rows=target, delay_s=delay_s)
        assert left >= target
        check_nothing_is_half_written(folder / "killed")
    assert finish(folder / "killed", cards, mirror) >= left - 3  # bad cards are read again
    killed, calm = outputs(folder / "killed"), outputs(folder / "calm")
    assert killed.keys() == calm.keys()
    assert [name for name in calm if killed[name] != calm[name]] == []
    assert len(summary(folder / "killed")["rows"]) == count
    assert not list((folder / "killed" / "out").glob(".*.part"))


@pytest.mark.slow
def test_200_cards_survive_being_killed_ten_times(tmp_path: Path) -> None:
    survive(tmp_path, count=200, kills=10)
