"""`ragqa.cli`: every verb, its JSON, its exit code, and errors in one line that say what to do.

`run` calls the real entry point in this process, with the tiny embedder in the place of every
model; some tests start a real process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pdfs
import pytest
from click.testing import CliRunner
from command_line import Call, caller
from corpora import CARD, GARDEN, MODEL, STANDARD, build, make_corpus
from doubles import HashedEmbedder, WordReranker
from markdown_it import MarkdownIt

from ragqa.cli import cli
from ragqa.errors import RerankerError

TOMATOES = "Which tomatoes grew faster at night?"

Run = Call


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a way to call the command line in an empty folder."""
    return caller(tmp_path, monkeypatch, capsys)


@pytest.fixture
def built(run: Run) -> Run:
    """Return the same, with corpus/small built as indexes/small."""
    make_corpus(Path("corpus/small"), STANDARD)
    build(Path("corpus/small"), Path("indexes/small"))
    return run


def test_init(run: Run) -> None:
    value = run("init", "corpus/new", "--json").json("ragqa/corpus/1")
    assert (value["corpus"], value["papers"]) == ("corpus/new", [])
    assert "there is a corpus already" in run("init", "corpus/new").error()
    made = run("init", "corpus/other")
    assert (made.code, made.out) == (0, "")
    assert "ragqa add corpus/other" in made.err


def test_import(run: Run) -> None:
    Path("card.txt").write_text(CARD, encoding="utf-8")
    value = run("import", "card.txt", "corpus/a", "--json").json("ragqa/import/1")
    assert [paper["role"] for paper in value["papers"]] == ["model", "paper"]
    assert sorted(value["wrote"]) == ["card.txt", "manifest.yaml"]
    again = run("import", "card.txt", "corpus/a")
    assert (again.code, again.out) == (0, "")
    assert "2 papers; wrote nothing" in again.err
    assert "none.txt" in run("import", "none.txt", "corpus/b").error()
    Path("empty.txt").write_text("", encoding="utf-8")
    assert "empty.txt" in run("import", "empty.txt", "corpus/b").error()


def test_add_and_remove(run: Run) -> None:
    run("init", "c")
    sources = ["https://arxiv.org/abs/2502.16025", "https://github.com/example/code"]
    added = run("add", "c", *sources, "--json").json("ragqa/corpus/1")["added"]
    assert len(added) == 2
    pdfs.plain(Path("Winter Gardens.pdf"), GARDEN)
    one = run("add", "c", "Winter Gardens.pdf", "--id", "garden", "--model")
    assert (one.code, one.out) == (0, "")
    assert "listed garden: Winter Gardens" in one.err
    assert Path("c/pdf/garden.pdf").is_file()
    assert "already listed" in run("add", "c", sources[0]).error()
    assert "neither a link nor a file" in run("add", "c", "nothing").error()
    removed = run("remove", "c", "garden", "--json").json("ragqa/corpus/1")
    assert removed["removed"] == ["garden"]
    assert "no such paper" in run("remove", "c", "garden").error()
    assert "took" in run("remove", "c", added[0]).err
    assert run("add", "c", "a", "b", "--title", "T").code == 2


def test_fetch(run: Run) -> None:
    make_corpus(Path("c"), STANDARD)
    value = run("fetch", "c", "--offline", "--json").json("ragqa/fetch/1")
    assert {row["paper_id"] for row in value["rows"]} >= {MODEL, "garden"}
    table = run("fetch", "c", "--offline")
    assert (table.code, table.out) == (0, "")
    assert "garden" in table.err
    assert run("fetch", "c", "--locked").code == 0
    Path("c/pdf/garden.pdf").unlink()
    assert "garden (pdf)" in run("fetch", "c", "--locked").error()
    partly = run("fetch", "c", "--offline", "--json").json("ragqa/fetch/1")
    (row,) = (row for row in partly["rows"] if row["paper_id"] == "garden")
    assert row["reason"] == "offline"  # a row, and exit code 0
    assert "no such mirror" in run("fetch", "c", "--mirror", "nowhere").error()


def test_rebuild(run: Run) -> None:
    make_corpus(Path("corpus/small"), STANDARD)
    value = run("rebuild", "corpus/small", "--json").json("ragqa/build/1")
    assert (value["index"], value["generation"], value["changed"]) == ("indexes/small", 1, True)
    assert value["counts"] == {"built": 3}
    again = run("rebuild", "corpus/small", "--jobs", "1")
    assert (again.code, again.out) == (0, "")
    assert "unchanged" in again.err
    other = run("rebuild", "corpus/small", "--index", "elsewhere", "--json").json("ragqa/build/1")
    assert other["index"] == "elsewhere"
    assert "ragqa init" in run("rebuild", "nowhere").error()
    assert run("rebuild", "corpus/small", "--jobs", "-1").code == 2


def test_an_interrupted_build_says_what_is_kept_and_goes_on(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed, calls = HashedEmbedder.embed_chunks, []

    def interrupted(self: HashedEmbedder, *arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return embed(self, *arguments)

    monkeypatch.setattr(HashedEmbedder, "embed_chunks", interrupted)
    monkeypatch.setattr("ragqa.build.run._TOGETHER", 1)  # a call for each document
    make_corpus(Path("corpus/small"), STANDARD)
    ran = run("rebuild", "corpus/small")
    assert ran.code == 130
    last = ran.err.strip().split("\n")[-1]
    assert last == "stopped; 1 of 3 documents are kept; the same command goes on where it was"
    assert run("rebuild", "corpus/small", "--json").json("ragqa/build/1")["counts"] == {"built": 3}
    assert len(calls) == 4


def test_rollback(built: Run) -> None:
    assert "no earlier generation" in built("rebuild", "corpus/small", "--rollback").error()
    built("remove", "corpus/small", "ocean")
    built("rebuild", "corpus/small")
    back = built("rebuild", "corpus/small", "--rollback", "--json").json("ragqa/rollback/1")
    assert back["generation"] == 1
    built("rebuild", "corpus/small")
    assert "generation" in built("rebuild", "corpus/small", "--rollback").err


def test_a_bad_file_is_a_row_and_no_failure(run: Run) -> None:
    bad = pdfs.truncated(Path("bad.pdf"))
    run("init", "c")
    run("add", "c", str(bad))
    ran = run("rebuild", "c")
    assert ran.code == 0
    assert "bad" in ran.err
    value = run("rebuild", "c", "--json").json("ragqa/build/1")
    assert {row["status"] for row in value["rows"]} <= {"failed", "skipped"}


def test_ask(built: Run) -> None:
    value = built("ask", TOMATOES, "--min-confidence", "0", "--json").json("ragqa/answer/1")
    assert (value["question"], value["abstained"]) == (TOMATOES, False)
    cited = {c["paper_id"] for s in value["sections"][0]["statements"] for c in s["citations"]}
    assert "garden" in cited
    shown = built("ask", TOMATOES, "--min-confidence", "0", "--index", "indexes/small")
    assert shown.code == 0
    assert shown.out.startswith(f"# {TOMATOES}\n")
    assert "grew faster" in shown.out
    assert MarkdownIt().parse(shown.out)[0].tag == "h1"


def test_ask_for_papers(built: Run) -> None:
    for papers in (("ocean",), ("ocean", MODEL)):
        named = [part for paper in papers for part in ("--paper", paper)]
        value = built("ask", TOMATOES, *named, "--min-confidence", "0", "--json").json(
            "ragqa/answer/1"
        )
        statements = value["sections"][0]["statements"]
        assert {c["paper_id"] for s in statements for c in s["citations"]} == set(papers)
    line = built("ask", TOMATOES, "--paper", "basil").error()
    assert "basil" in line
    assert "garden" in line


def test_ask_many(built: Run, tmp_path: Path) -> None:
    questions = [TOMATOES, "?!", "How does the model take its input?", TOMATOES]
    (tmp_path / "plain.txt").write_text("\n\n".join(questions) + "\r\n", encoding="utf-8")
    lines = [json.dumps({"question": q, "id": n}) for n, q in enumerate(questions)]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines), encoding="utf-8")
    options = ("--min-confidence", "0", "--json")
    one = built("ask", TOMATOES, *options).json("ragqa/answer/1")
    for name in ("plain.txt", "rows.jsonl"):
        call = built("ask", "--from", str(tmp_path / name), *options)
        assert call.code == 0
        rows = [json.loads(line) for line in call.out.splitlines()]
        assert [row["question"] for row in rows] == questions
        assert [row["status"] for row in rows] == ["answered", "failed", "answered", "answered"]
        assert (rows[0]["answer"], rows[1]["answer"]) == (one, None)
        assert "empty" in rows[1]["detail"]
        assert "4 questions: 0 abstained, 3 answered, 1 failed" in call.err


def test_ask_many_in_words(built: Run, tmp_path: Path) -> None:
    file = tmp_path / "questions.txt"
    file.write_text(f"{TOMATOES}\n...\n", encoding="utf-8")
    shown = built("ask", "--from", str(file), "--min-confidence", "0")
    assert shown.code == 0
    assert shown.out.strip() == built("ask", TOMATOES, "--min-confidence", "0").out.strip()
    assert "failed: '...': the question is empty" in shown.err
    file.write_text("...\n", encoding="utf-8")
    assert built("ask", "--from", str(file)).code == 1


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        ((), "--from", 2),
        (("Why?", "--from", "questions.txt"), "--from", 2),
        (("--from", "questions.txt", "--out", "a.md"), "--out", 2),
        (("--from", "questions.txt", "--html"), "--html", 2),
        (("--from", "nowhere.txt"), "nowhere.txt", 1),
        (("--from", "broken.jsonl"), "broken.jsonl:2", 1),
    ],
)
def test_ask_many_refuses(
    built: Run, tmp_path: Path, arguments: tuple[str, ...], said: str, code: int
) -> None:
    (tmp_path / "questions.txt").write_text("Why?\n", encoding="utf-8")
    (tmp_path / "broken.jsonl").write_text('{"question": "Why?"}\n{"text": 3}\n', encoding="utf-8")
    named = [str(tmp_path / a) if "." in a and not a.startswith("-") else a for a in arguments]
    call = built("ask", *named)
    assert call.code == code
    assert said in call.err


def test_ask_each_paper(built: Run) -> None:
    options = ("--by-paper", "--min-confidence", "0", "--json")
    value = built("ask", TOMATOES, *options).json("ragqa/answer/1")
    assert len(value["sections"]) > 1
    for section in value["sections"]:
        cited = {c["paper_id"] for s in section["statements"] for c in s["citations"]}
        assert len(cited) == 1


def test_an_abstention_is_a_result(built: Run) -> None:
    value = built("ask", TOMATOES, "--min-confidence", "1", "--json").json("ragqa/answer/1")
    assert (value["abstained"], value["reason"]) == (True, "low-confidence")
    assert built("ask", TOMATOES, "--min-confidence", "1").code == 0


def test_questions_that_are_none(built: Run) -> None:
    assert "empty" in built("ask", "").error()
    assert "empty" in built("ask", " ?! ").error()
    line = built("ask", "why " * 25_000).error()
    assert "10,000" in line
    assert len(line) < 300


def test_an_index_that_is_missing_or_not_named(run: Run) -> None:
    assert "ragqa rebuild" in run("ask", TOMATOES).error()
    assert "there is no index" in run("ask", TOMATOES, "--index", "nowhere").error()
    for name in ("a", "b"):
        make_corpus(Path("corpus") / name, {"ocean": STANDARD["ocean"]})
        run("rebuild", f"corpus/{name}")
    line = run("ask", TOMATOES).error()
    assert "indexes/a" in line
    assert "--index" in line


def test_a_damaged_index(built: Run) -> None:
    vectors = Path("indexes/small/gen-000001/vectors.faiss")
    vectors.write_bytes(vectors.read_bytes()[:-1])
    assert "ragqa rebuild" in built("ask", TOMATOES).error()
    assert built("rebuild", "corpus/small").code == 0
    assert built("ask", TOMATOES).code == 0


def test_a_stale_index(built: Run) -> None:
    built("remove", "corpus/small", "garden")
    built("add", "corpus/small", "https://papers.example.org/new.pdf", "--title", "A New Paper")
    value = built("ask", TOMATOES, "--min-confidence", "0", "--json").json("ragqa/answer/1")
    said = {notice["code"]: notice["text"] for notice in value["notices"]}
    assert said["stale-index"].endswith("Run: ragqa rebuild corpus/small")
    assert said["not-in-index"].startswith("A New Paper")
    assert said["paper-removed"].startswith("Winter Gardens")
    assert '"paper_id": "garden"' not in json.dumps(value["sections"])
    command = said["stale-index"].split("Run: ragqa ")[1].split()
    assert built(*command).code == 0
    value = built("ask", TOMATOES, "--json").json("ragqa/answer/1")
    assert "stale-index" not in {notice["code"] for notice in value["notices"]}


def test_answer(run: Run) -> None:
    Path("mine.txt").write_text(CARD, encoding="utf-8")
    mirror = Path("mirror/raw.githubusercontent.com/example/tiny-upscaler/HEAD/README.md")
    mirror.parent.mkdir(parents=True)
    mirror.write_text(STANDARD[MODEL].readme or "", encoding="utf-8")
    options = ("--mirror", "mirror", "--offline")
    value = run("answer", "mine.txt", *options, "--json").json("ragqa/answer/1")
    assert [section["kind"] for section in value["sections"]] == ["task", "workflow", "papers"]
    assert Path("corpus/mine/manifest.yaml").is_file()
    shown = run("answer", "mine.txt", *options)
    assert shown.code == 0
    assert "```mermaid" in shown.out
    written = run("answer", "mine.txt", *options, "--out", "out")
    assert (written.code, written.out) == (0, "")
    assert Path("out/mine.md").read_text(encoding="utf-8") == shown.out
    assert json.loads(Path("out/mine.json").read_text(encoding="utf-8")) == value
    assert run("answer", "mine.txt", "mine.txt").code == 2
    assert "none.txt" in run("answer", "none.txt").error()


def test_html(built: Run) -> None:
    asked = ("ask", TOMATOES, "--min-confidence", "0", "--html")
    shown = built(*asked)
    assert shown.code == 0
    assert shown.out.startswith("<!DOCTYPE html>\n<html lang=")
    assert "data:image/png;base64," in shown.out
    written = built(*asked, "--out", "new/answer.html")
    assert (written.code, written.out) == (0, "")
    assert Path("new/answer.html").read_text(encoding="utf-8") == shown.out
    Path("file").touch()
    assert "file" in built(*asked, "--out", "file/answer.html").error()


def test_html_of_a_card(run: Run) -> None:
    Path("mine.txt").write_text(CARD, encoding="utf-8")
    shown = run("answer", "mine.txt", "--offline", "--html")
    assert "<svg" in shown.out
    assert run("answer", "mine.txt", "--offline", "--html", "--out", "out").code == 0
    assert Path("out/mine.html").read_text(encoding="utf-8") == shown.out
    assert sorted(path.suffix for path in Path("out").iterdir()) == [".html", ".json", ".md"]


def test_a_reranker_by_name(built: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[WordReranker] = []

    def load(name: str, *, on_progress: Callable[[str], None], **_: object) -> WordReranker:
        if name != "whales":
            raise RerankerError("there is no such model folder", item=name, hint="Name another")
        on_progress(f"preparing the reranker {name}")
        loaded.append(WordReranker(name))
        return loaded[-1]

    monkeypatch.setattr("ragqa.rerank.load.load_reranker", load)
    asked = ("ask", TOMATOES, "--min-confidence", "0", "--json")
    plain = built(*asked).json("ragqa/answer/1")
    assert built(*asked, "--reranker", "none").json("ragqa/answer/1") == plain
    ran = built(*asked, "--reranker", "whales")
    assert ran.json("ragqa/answer/1")["sections"]
    assert [query for query, _ in loaded[0].asked] == [TOMATOES]
    assert "preparing the reranker whales" in ran.err
    assert "no such model folder: else. Name another" in built(*asked, "--reranker", "else").error()
    Path("mine.txt").write_text(CARD, encoding="utf-8")
    card = ("answer", "mine.txt", "--offline", "--json")
    for options in ((), ("--out", "out")):
        ran = built(*card, *options, "--reranker", "whales")
        assert (ran.code, ran.err.count("preparing the reranker whales")) == (0, 1)
        assert loaded[-1].asked
    assert built("answer", "mine.txt", "--offline", "--reranker", "else").error()
    many = built(*card[:2], "mine.txt", *card[2:], "--out", "many", "--reranker", "whales")
    rows = many.json("ragqa/batch/1")["rows"]
    assert {row["reranker"] for row in rows} == {"word-whales-48"}


def test_answer_many_cards(run: Run) -> None:
    Path("cards").mkdir()
    for name in ("one", "two"):
        Path("cards", f"{name}.txt").write_text(CARD, encoding="utf-8")
    Path("cards/bad.txt").write_text("no card", encoding="utf-8")
    value = run("answer", "cards", "--offline", "--out", "out", "--json").json("ragqa/batch/1")
    assert [row["name"] for row in value["rows"]] == ["bad", "one", "two"]
    assert value["counts"]["failed"] == 1
    assert json.loads(Path("out/summary.json").read_text(encoding="utf-8")) == value
    again = run("answer", "cards", "--offline", "--out", "out")
    assert (again.code, again.out) == (0, "")
    assert "2 as before, not answered again" in again.err
    assert "no question" in again.err
    assert not Path("corpus/one").exists()
    assert run("answer", "cards").code == 2
    assert run("answer", "cards/bad.txt", "none.txt", "--offline", "--out", "o").code == 1


def test_status_show_and_doctor(built: Run) -> None:
    for place in ("corpus/small", "indexes/small"):
        value = built("status", place, "--json").json("ragqa/status/1")
        assert value["states"] == {"full-text": 1, "readme-only": 1, "summary-only": 1}
        assert "generation 1" in built("status", place).out
    citation = built("ask", TOMATOES, "--min-confidence", "0", "--json").json("ragqa/answer/1")[
        "sections"
    ][0]["statements"][0]["citations"][0]
    value = built("show", citation["chunk_id"], "--json").json("ragqa/show/1")
    assert citation["quote"] in value["quote"]
    span = "{paper_id}:{document}:{start}-{end}".format(**citation)
    assert citation["quote"] in built("show", span).out
    assert "no such chunk" in built("show", "nonsense").error()
    Path("indexes/small/gen-000001/vectors.faiss").write_bytes(b"damaged")
    ran = built("doctor", "--json")
    assert (ran.code, json.loads(ran.out)["ok"]) == (1, False)
    table = built("doctor")
    assert (table.code, table.out) == (1, "")
    assert "vectors.faiss" in table.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("ask",),
        ("ask", "q", "--min-confidence", "2"),
        ("ask", "q", "--nonsense"),
        ("init",),
        ("add", "c"),
        ("answer",),
        ("rebuild", "c", "--jobs", "many"),
    ],
)
def test_wrong_usage(run: Run, arguments: tuple[str, ...]) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "Usage:" in ran.err


def test_every_verb_has_help_and_json() -> None:
    assert set(cli.commands) >= {
        "init", "import", "add", "remove", "fetch", "rebuild", "ask", "answer"
    }  # fmt: skip
    for name, command in cli.commands.items():
        assert isinstance(command, click.Command)
        result = CliRunner().invoke(cli, [name, "--help"])
        assert result.exit_code == 0
        assert "--json" in result.output
        assert command.help
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, (name, parameter.name)


def process(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ragqa", *arguments], capture_output=True, text=True, **options
    )


def test_a_real_process(tmp_path: Path) -> None:
    made = process("init", "c", "--json", cwd=tmp_path)
    assert made.returncode == 0
    assert json.loads(made.stdout)["schema"] == "ragqa/corpus/1"
    failed = process("init", "c", cwd=tmp_path)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.count("\n") == 1
    assert process("nonsense", cwd=tmp_path).returncode == 2


def test_text_beyond_ascii_where_the_terminal_has_none(tmp_path: Path) -> None:
    (tmp_path / "card.txt").write_text(CARD, encoding="utf-8")
    plain = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    ran = process("import", "card.txt", "c", "--json", cwd=tmp_path, env=plain)
    assert "Traceback" not in ran.stderr
    assert ran.returncode == 0
