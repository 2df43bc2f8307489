"""`--model` and `ragqa explain` at the command line: what is paid, what is shown, and no key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from chatting import KEY, Claim, output, told, write
from command_line import Call, caller
from corpora import GARDEN, STANDARD, build, make_corpus, statement
from model_server import ModelServer, Said

from ragqa.api.chat import open_model
from ragqa.cli.chatting import show_statement
from ragqa.generate.chat import course

TOMATOES = "Which tomatoes grew faster at night?"
FASTER = Claim("Tomatoes grew faster when they were watered at night.", GARDEN[4])
SLOWER = Claim("Tomatoes that were watered at night grew slower than the others.", GARDEN[4])
WATER = Claim("The watering schedule that is proposed saves half of the water.", GARDEN[2])
GARDEN_CARD = f"""A user has asked the following question:
"Which tomatoes grew faster at night?"

1. How watering helps tomatoes.
2. What are the limitations.

### Related Papers:
Model: Winter Gardens
Paper: https://papers.example.org/garden.pdf
Summary: {GARDEN[4]} {GARDEN[5]}

Answer:
"""
LEAK = "sk-test"  # how the key begins


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModelServer]:
    with ModelServer(write(FASTER)) as running:
        monkeypatch.setattr(course, "BACKOFF_S", 0.001)
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("RAGQA_CACHE", str(tmp_path / "cache"))
        yield running


@pytest.fixture
def run(
    server: ModelServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Call:
    call = caller(tmp_path, monkeypatch, capsys)
    make_corpus(Path("corpus/small"), STANDARD)
    build(Path("corpus/small"), Path("indexes/small"))
    return call


ASK = ("ask", TOMATOES, "--min-confidence", "0", "--model", "openai:m")


def test_an_answer_is_printed_once_and_a_second_run_costs_nothing(
    run: Call, server: ModelServer
) -> None:
    first = run(*ASK)
    assert first.out.count(FASTER.text) == 1
    assert "openai:m: 1 requests, 11 tokens sent, 7 written" in first.err
    assert FASTER.text not in first.err  # it is no terminal
    again = run(*ASK)
    assert again.out == first.out
    assert "openai:m: 0 requests" in again.err
    assert len(server.seen) == 1
    value = run(*ASK, "--json").json("ragqa/answer/1")
    assert value["generator"] == "openai:m"


def test_a_limit_of_the_cost(
    run: Call, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("ask", TOMATOES, "--max-cost", "1").code == 2
    assert run("ask", TOMATOES, "--nli", "folder").code == 2
    assert "needs the model's prices" in run(*ASK, "--max-cost", "1").error()
    monkeypatch.setenv("RAGQA_PRICES", "1,1")
    stopped = run(*ASK, "--max-cost", "0.000001")
    assert "over-budget" in stopped.out
    assert not server.seen
    paid = run(*ASK, "--max-cost", "1")
    assert FASTER.text in paid.out
    assert ", 0.0000 USD" in paid.err


def test_a_model_that_cannot_be_opened_is_told_in_a_line(run: Call) -> None:
    assert "named by provider and model" in run("ask", TOMATOES, "--model", "gpt").error()


def test_a_hung_model_is_left_alone_in_time(
    run: Call, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("ask", TOMATOES, "--model-timeout", "1").code == 2
    assert run(*ASK, "--model-timeout", "0").code == 2
    server.say(Said(stall_at=-1))
    found = run(*ASK, "--model-timeout", "0.3")
    assert found.code == 0
    assert "gave nothing on this (timeout)" in found.out
    assert "nothing came from the chat model for 0.3 s: openai:m. Try again" in found.err
    assert len(server.seen) == 4


def test_why_a_server_refuses_is_told_with_what_to_do(run: Call, server: ModelServer) -> None:
    server.say(Said(status=401, echo=True))
    found = run(*ASK)
    assert "refuses the request (HTTP 401): openai:m. Check that the provider's key" in found.err
    assert LEAK not in found.err
    server.say(write(FASTER))
    assert "refuses" not in run(*ASK).err


def test_a_missing_key_is_named(run: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    assert "OPENAI_API_KEY" in run(*ASK).error()


def test_what_cannot_be_explained_is_told_with_what_to_do(run: Call) -> None:
    assert "ragqa ask --json --out FILE" in run("explain", "absent.json").error()


def test_a_longer_patience_is_one_for_the_whole_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    model = open_model("openai:m", first_s=900)
    assert model is not None
    assert (model.options.first_s, model.options.total_s) == (900, 1800)


def test_on_nothing(run: Call, server: ModelServer) -> None:
    server.say(write(SLOWER))
    quoted = run(*ASK, "--json").json("ragqa/answer/1")
    assert (quoted["abstained"], quoted["generator"]) == (False, "extractive")
    silent = run(*ASK, "--on-nothing", "abstain", "--json").json("ragqa/answer/1")
    assert silent["reason"] == "nothing-verified"
    assert SLOWER.text not in json.dumps(silent)


def test_an_explanation_holds_all_that_happened(run: Call, server: ModelServer) -> None:
    server.say(write(FASTER, SLOWER, repairs=[WATER]))
    run(*ASK, "--explain", "why.json")
    run(*ASK, "--explain", "why.html")
    value = json.loads(Path("why.json").read_text(encoding="utf-8"))
    assert value["schema"] == "ragqa/explanation/1"
    assert [s["queries"] for s in value["plan"]["sections"]] == [[TOMATOES]]
    (search,) = value["searches"]
    assert [found["rank"] for found in search["found"]] == [1, 2, 3]
    assert search["found"][0]["locators"][0]["page"] == 1
    assert {"sentence", "pool"} <= set(search["signals"])
    (section,) = value["sections"]
    writing, repairing = section["calls"]
    assert [writing["purpose"], repairing["purpose"]] == ["write", "repair"]
    sent = [m["content"] for m in server.seen[0].body["messages"]]
    assert [m["content"] for m in writing["messages"]] == sent
    assert SLOWER.text in writing["output"]
    (refusal,) = section["refusals"]
    assert (refusal["reason"], refusal["text"]) == ("other-direction", SLOWER.text)
    assert refusal["repaired"] is True
    assert refusal["detail"] in told(server.seen[1])
    assert value["usage"]["requests"] == 2
    assert [s["text"] for s in value["answer"]["sections"][0]["statements"]] == [
        FASTER.text,
        WATER.text,
    ]
    page = Path("why.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in unescape(page)
    assert "<script" not in page
    for text in (SLOWER.text, FASTER.text, refusal["reason"], sent[0].split("\n")[0]):
        assert text in unescape(re.sub(r"</?bdi>", "", page))


def test_what_a_model_plants_is_shown_as_text(run: Call, server: ModelServer) -> None:
    planted = "<script>alert(1)</script><img src=https://evil.example.org/x.png> Tomatoes grew."
    server.say(write(Claim(planted, FASTER.quote)), Said((f"</pre>{planted}",)))
    run(*ASK, "--explain", "why.html", "--html", "--out", "answer.html")
    page = Path("why.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
    assert "<img" not in page
    assert page.count("<pre>") == page.count("</pre>")
    answer = Path("answer.html").read_text(encoding="utf-8")
    assert "alert(1)" not in answer
    assert "evil.example.org" not in answer


def test_explain_asks_again_from_the_cache_and_says_whether_it_is_the_same(
    run: Call, server: ModelServer
) -> None:
    Path("a.json").write_text(run(*ASK, "--json").out, encoding="utf-8")
    same = run("explain", "a.json", "--min-confidence", "0", "--html", "a.html")
    assert len(server.seen) == 1
    assert "the answer is the same as in a.json" in same.err
    assert "write: stop (cache)" in same.out
    assert f"cited: garden pdf p. 1: {FASTER.quote}" in same.out
    assert Path("a.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    cautious = run("explain", "a.json", "--min-confidence", "1")
    assert "another than in a.json: abstained, reason, sections, notices" in cautious.err


def test_explain_of_every_way_of_asking_finds_the_same_answer(
    run: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ragqa.api.opened.DEFAULT_MIN_CONFIDENCE", 0.0)
    for question in (
        ["ask", TOMATOES],
        ["ask", TOMATOES, "--by-paper"],
        ["ask", "What is a zebra?"],
    ):
        Path("b.json").write_text(run(*question, "--json").out, encoding="utf-8")
        value = run("explain", "b.json", "--json").json("ragqa/explanation/1")
        assert value["differences"] == [], question
        assert value["usage"] is None
    text = run("explain", "b.json")
    assert text.out.startswith("search: ")
    assert "the answer is the same as in b.json" in text.err


def test_explain_says_what_is_not_the_same(run: Call) -> None:
    value = json.loads(run("ask", TOMATOES, "--json").out)
    value["confidence"] = 0.123
    Path("c.json").write_text(json.dumps(value), encoding="utf-8")
    assert "another than in c.json: confidence" in run("explain", "c.json").err
    Path("d.json").write_text("{}", encoding="utf-8")
    assert "no answer of ragqa" in run("explain", "d.json").error()
    Path("e.json").write_bytes(b"\xff{")
    assert "cannot be read" in run("explain", "e.json").error()


def test_a_card_is_written_and_explained(run: Call, server: ModelServer) -> None:
    Path("garden.txt").write_text(GARDEN_CARD, encoding="utf-8")
    args = ("answer", "garden.txt", "--offline", "--model", "openai:m", "--json")
    answered = run(*args)
    value = json.loads(answered.out)
    assert value["generator"] == "openai:m"
    assert [section["kind"] for section in value["sections"]] == ["answer", "limitations"]
    assert FASTER.text in [s["text"] for s in value["sections"][0]["statements"]]
    Path("card.json").write_text(answered.out, encoding="utf-8")
    asked = len(server.seen)
    again = run("explain", "card.json", "--index", "indexes/garden", "--json").json(
        "ragqa/explanation/1"
    )
    assert again["differences"] == []
    assert len(again["sections"]) == 2
    assert len(server.seen) == asked


def test_statements_are_shown_as_they_pass_where_somebody_looks_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = statement("Tomatoes\x1b[31m grew.")
    show_statement(said)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    show_statement(said)
    out, err = capsys.readouterr()
    assert (out, err) == ("", "  Tomatoes [31m grew.\n")


def test_no_key_is_in_any_output(
    run: Call, server: ModelServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither where the server refuses and echoes it, nor where the model writes it."""
    leaking = output((f"Tomatoes need {KEY} at night.", "c1", f"{KEY} is what tomatoes need"))
    shown = ""
    for number, said in enumerate((Said(status=401, echo=True), Said(status=500, echo=True),
                                   Said((leaking,)), Said((f"Sure! Bearer {KEY}",)))):  # fmt: skip
        server.say(said)
        for form in ((), ("--json",), ("--html",), ("--explain", f"{number}.json"),
                     ("--explain", f"{number}.html")):  # fmt: skip
            ran = run(*ASK, *form)
            shown += ran.out + ran.err
        assert KEY in json.dumps(dict(server.seen[0].headers))
    assert "openai:m" in shown
    assert LEAK not in shown
    assert LEAK not in caplog.text
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or LEAK.encode() not in path.read_bytes(), path
