"""Card batches with a chat model: a server that fails loses no finished section and no card."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cards import card_text
from chatting import HASTY, KEY, OPTIONS, Claim, told, write
from doubles import HashedEmbedder
from model_server import ModelServer, Said, Seen

from ragqa.batch import BatchOptions, BatchReport, answer_cards
from ragqa.fetch import FetchOptions
from ragqa.generate.chat import ChatModel, ChatOptions, ResponseCache, course

TESTS = str(Path(__file__).parent)
QUESTION = "How do {0} change with {1}?"
FAILING = [
    Said(status=500),
    Said(status=429, headers={"retry-after": "0"}),
    Said(stall_at=-1),
    Said(("{", '"statements"'), drop_at=1, reset=True),
]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModelServer]:
    with ModelServer(GOOD) as running:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("ragqa.embed.load_embedder", lambda name, **_: HashedEmbedder())
        monkeypatch.setattr(course, "BACKOFF_S", 0.001)
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("RAGQA_CACHE", str(tmp_path / "cache"))
        yield running


def claim(first: str, second: str, number: int) -> Claim:
    quote = f"We study how {first} change with {second} in region {number}."
    return Claim(f"The study is about how {first} change with {second} in region {number}.", quote)


CLAIMS = (claim("tomatoes", "greenhouses", 0), claim("whales", "songs", 1))
GOOD = write(*CLAIMS)


def cards() -> list[Path]:
    found = []
    for number, (first, second) in enumerate((("tomatoes", "greenhouses"), ("whales", "songs"))):
        text = card_text(QUESTION.format(first, second), [number]).replace(
            "3. List relevant",
            f"3. How {first} change.\n4. What the limitations are.\n5. List relevant",
        )
        found.append(Path(f"{first}.txt"))
        found[-1].write_text(text, encoding="utf-8")
    return found


def run(*, options: ChatOptions = OPTIONS, **given: Any) -> BatchReport:
    model = ChatModel("openai:m", options=options, cache=ResponseCache("replies"))
    how = BatchOptions(fetch=FetchOptions(offline=True), jobs=1, **{"model": model, **given})
    return answer_cards(cards(), "out", options=how)


def written(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(Path("out", f"{name}.json").read_text(encoding="utf-8"))
    return value


def test_a_batch_is_written_once_and_taken_over_after_that(server: ModelServer) -> None:
    report = run()
    assert [row.status for row in report.rows] == ["answered", "answered"]
    assert not any(row.unfinished for row in report.rows)
    assert {written("tomatoes")["generator"], written("whales")["generator"]} == {"openai:m"}
    asked = len(server.seen)
    assert asked >= 4
    before = {path.name: path.read_bytes() for path in Path("out").glob("*.*")}
    again = run()
    assert (again.reused, len(server.seen)) == (2, asked)
    assert before == {path.name: path.read_bytes() for path in Path("out").glob("*.*")}


def test_each_card_is_written_from_its_own_papers(server: ModelServer) -> None:
    run()
    for seen in server.seen:
        assert ("tomatoes" in told(seen)) != ("whales" in told(seen))


@pytest.mark.parametrize("failing", FAILING, ids=["500", "429", "hung", "dead"])
def test_a_server_that_fails_midway_loses_nothing_and_is_asked_for_the_rest_only(
    server: ModelServer, failing: Said
) -> None:
    run()
    whole = [_request(seen) for seen in server.seen]
    right = {name: written(name) for name in ("tomatoes", "whales")}
    Path("replies/replies.sqlite").unlink()
    for path in Path("out").iterdir():
        path.unlink()
    finished = 3
    server.say(*[GOOD] * finished, failing)
    broken = run(options=HASTY)
    assert [row.status for row in broken.rows] == ["answered", "answered"]
    assert broken.rows[-1].unfinished
    assert "openai:m" in broken.rows[-1].detail
    assert all(section["statements"] or section["notices"]
               for name in right for section in written(name)["sections"])  # fmt: skip
    server.say(GOOD)
    mended = run()
    assert not any(row.unfinished for row in mended.rows)
    assert [_request(seen) for seen in server.seen] == whole[finished:]
    assert {name: written(name) for name in right} == right
    server.say(GOOD)
    assert run().reused == 2
    assert not server.seen


def _request(seen: Seen) -> str:
    return json.dumps(seen.body["messages"])


def test_another_model_or_none_answers_again(server: ModelServer) -> None:
    run()
    assert run(model=None).reused == 0
    assert written("tomatoes")["generator"] == "extractive"
    assert run(model=None).reused == 2
    assert run(on_nothing="abstain").reused == 0


def test_what_a_batch_leaves_on_disk_has_no_key(server: ModelServer, tmp_path: Path) -> None:
    server.say(Said(status=401, echo=True))
    assert all(row.unfinished for row in run().rows)
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or KEY[:8].encode() not in path.read_bytes(), path


def test_a_killed_run_pays_for_nothing_twice(server: ModelServer) -> None:
    """The process dies while the server hangs: what was written before it comes from the cache."""
    cards()
    finished = 3
    server.say(*[GOOD] * finished, Said(stall_at=-1))
    code = (
        f"import sys; sys.path.insert(0, {TESTS!r});"
        "import ragqa.embed; from doubles import HashedEmbedder;"
        "ragqa.embed.load_embedder = lambda name, **_: HashedEmbedder();"
        "from ragqa.cli import main; main()"
    )
    command = [sys.executable, "-c", code, "answer", "tomatoes.txt", "whales.txt", "--offline"]
    command += ["--out", "out", "--model", "openai:m"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while len(server.seen) <= finished:
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    asked = [_request(seen) for seen in server.seen[:finished]]
    server.say(GOOD)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "2 cards: 2 answered" in done.stderr
    assert server.seen
    assert not {_request(seen) for seen in server.seen} & set(asked)
