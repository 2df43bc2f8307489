"""`ragqa evaluate` and `ragqa compare`: output, exit codes, files, resumption, on real systems."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import Call, caller
from corpora import STANDARD, make_corpus
from doubles import HashedEmbedder
from evaluated import dataset
from markdown_it import MarkdownIt

from ragqa.errors import EvaluationError
from ragqa.evaluate.datasets import load_dataset
from ragqa.evaluate.records import Dataset
from ragqa.evaluate.runs import read_run
from ragqa.evaluate.session import EvaluationOptions, Listener, Places, check, evaluate_systems

SAME = ("run.json", "rows.jsonl")


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    """Return a way to call the command line in an empty folder."""
    return caller(tmp_path, monkeypatch, capsys)


def write_facts(folder: Path, count: int = 6) -> Path:
    """Write the small dataset in the format of papers beside questions with spans."""
    data = dataset(count)
    folder.mkdir(parents=True)
    papers = [{"paper_id": p.paper_id, "title": p.title, "text": p.text} for p in data.papers]
    questions: list[dict[str, Any]] = [
        {
            "question_id": q.question_id,
            "question": q.text,
            "answers": list(q.answers),
            "answerable": q.answerable,
            "evidence": [
                {"paper_id": e.paper_id, "start": e.start, "end": e.end, "text": e.text}
                for e in q.evidence
            ],
        }
        for q in data.questions
    ]
    for name, items in (("papers", papers), ("questions", questions)):
        lines = "".join(json.dumps(item) + "\n" for item in items)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    return folder


@pytest.fixture
def facts(call: Call) -> str:
    return str(write_facts(Path("facts")))


def test_tables_and_files(call: Call, facts: str) -> None:
    ran = call("evaluate", facts, "--system", "ragqa", "--system", "bm25", "--remove-gold")
    assert ran.code == 0, ran.err
    assert MarkdownIt().enable("table").parse(ran.out)[0].tag == "h1"
    assert "| ragqa |" in ran.out
    assert "| bm25 |" in ran.out
    assert "wrote runs/facts/report.md" in ran.err
    names = {
        path.relative_to("runs/facts").as_posix() for path in Path("runs/facts").rglob("[!.]*.*")
    }
    assert names == {
        "report.md",
        "report.html",
        *(f"{system}/{name}" for system in ("ragqa", "bm25") for name in (*SAME, "timings.json")),
    }
    run = read_run(Path("runs/facts/ragqa"))
    assert run.about["dataset"]["questions"] == 6
    assert len(run.rows) == 11
    assert run.scores.totals["QuoteAccuracy"].value in {1, None}


def test_a_second_call_asks_nothing(call: Call, facts: str) -> None:
    call("evaluate", facts, "--system", "bm25")
    before = {p: p.read_bytes() for p in Path("runs/facts/bm25").glob("*.json*")}
    again = call("evaluate", facts, "--system", "bm25")
    assert "bm25: 6 rows as before, not asked again" in again.err
    assert {p: p.read_bytes() for p in Path("runs/facts/bm25").glob("*.json*")} == before
    anew = call("evaluate", facts, "--system", "bm25", "--again")
    assert "as before" not in anew.err
    assert (
        Path("runs/facts/bm25/timings.json").read_bytes()
        != before[Path("runs/facts/bm25/timings.json")]
    )


@pytest.mark.parametrize("system", ["ragqa", "bm25", "dense"])
def test_repeated_elsewhere_it_is_the_same_bytes(call: Call, facts: str, system: str) -> None:
    call("evaluate", facts, "--system", system, "--remove-gold")
    shutil.copytree(facts, "other/place/facts")
    ran = call(
        "evaluate", "other/place/facts", "--system", system, "--remove-gold",
        "--out", "deep/er", "--work", "elsewhere",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    for name in SAME:
        one, other = Path(f"runs/facts/{system}/{name}"), Path(f"deep/er/{system}/{name}")
        assert one.read_bytes() == other.read_bytes()
        assert str(Path.cwd()) not in one.read_text(encoding="utf-8")
    reports = [Path(place, "report.md").read_text("utf-8") for place in ("runs/facts", "deep/er")]
    parts = [re.split(r"^## Cost", report, flags=re.MULTILINE)[0] for report in reports]
    assert parts[0] == parts[1]


def test_json(call: Call, facts: str) -> None:
    ran = call("evaluate", facts, "--system", "bm25", "--system", "dense", "--json")
    assert ran.code == 0, ran.err
    value = json.loads(ran.out)
    assert value["schema"] == "ragqa/evaluation/1"
    assert [each["name"] for each in value["systems"]] == ["bm25", "dense"]
    assert value["systems"][0]["measures"]["nDCG@10"]["count"] == 5
    assert value["systems"][0]["folder"] == "runs/facts/bm25"
    assert all(each["systems"] == ["bm25", "dense"] for each in value["comparisons"])
    (ranked,) = (each for each in value["comparisons"] if each["measure"] == "RR")
    assert ranked["second"] - ranked["first"] == pytest.approx(ranked["difference"])
    assert value["missed"] == []


def test_a_missed_gate_exits_with_three(call: Call, facts: str) -> None:
    arguments = ["evaluate", facts, "--system", "bm25", "--system", "dense"]
    fine = call(*arguments, "--fail-under", "nDCG@10=0", "--fail-under", "dense:R@3=0.0")
    assert fine.code == 0, fine.err
    missed = call(*arguments, "--fail-under", "nDCG@10=1.1", "--fail-under", "dense:LatencyP50<=0")
    assert missed.code == 3
    lines = [line for line in missed.err.splitlines() if line.startswith("missed: ")]
    assert [line.split(": ")[1] for line in lines] == ["nDCG@10=1.1", "dense:LatencyP50<=0"]
    assert "| bm25 |" in missed.out  # the table is shown all the same
    read = call(*arguments, "--measure", "RR", "--fail-under", "R@4=2")
    assert read.code == 3  # a gate brings its measure
    nothing = call("evaluate", facts, "--system", "bm25", "--fail-under", "TokenF1=0")
    assert nothing.code == 3
    assert "no question could be judged" in nothing.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--system", "bm52"], "bm25"),
        (["--measure", "Goodness"], "Goodness"),
        (["--fail-under", "nDCG@10"], "no gate"),
        (["--fail-under", "bm25:RR=0"], "a system that is not run"),
        (["--limit", "0"], "0 is not in the range"),
        (["--depth", "0"], "0 is not in the range"),
    ],
)
def test_usage(call: Call, facts: str, arguments: list[str], message: str) -> None:
    ran = call("evaluate", facts, *arguments)
    assert ran.code == 2
    assert message in " ".join(ran.err.split())
    assert not Path("runs").exists()


def test_limit(call: Call, facts: str) -> None:
    ran = call("evaluate", facts, "--system", "bm25", "--limit", "2")
    assert ran.code == 0, ran.err
    assert "first 2 of 6 questions" in ran.out
    assert "first 2 of 6 questions" in Path("runs/facts/report.md").read_text("utf-8")
    run = read_run(Path("runs/facts/bm25"))
    assert (len(run.rows), run.about["options"]["limit"]) == (2, 2)
    whole = call("evaluate", facts, "--system", "bm25")
    assert "as before" not in whole.err
    assert len(read_run(Path("runs/facts/bm25")).rows) == 6


def test_systems_with_options_have_folders_of_their_own(call: Call, facts: str) -> None:
    names = ["dense", "dense(chunk_tokens=32)", "dense( chunk_tokens = 32 )"]
    chosen = [part for name in names for part in ("--system", name)]
    ran = call("evaluate", facts, *chosen, "--json")
    assert ran.code == 0, ran.err
    folders = [each["folder"] for each in json.loads(ran.out)["systems"]]
    assert folders == ["runs/facts/dense", "runs/facts/dense-chunk_tokens-32"]


def test_a_bad_dataset(call: Call, facts: str) -> None:
    path = Path(facts, "questions.jsonl")
    path.write_text(path.read_text("utf-8") + "{\n" * 14, encoding="utf-8")
    ran = call("evaluate", facts)
    assert ran.code == 1
    assert ran.out == ""
    assert "questions.jsonl:7" in ran.err
    assert "Traceback" not in ran.err
    assert ran.err.strip().splitlines()[-1].startswith("ragqa: ")
    assert call("evaluate", "nowhere").code == 1


def test_problems_are_told(call: Call, facts: str) -> None:
    path = Path(facts, "questions.jsonl")
    items = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for number in range(13):
        odd = {**items[0], "question_id": f"odd-{number}", "question": f"What is odd {number}?"}
        odd["evidence"] = [{"paper_id": "paper-0", "start": 0, "end": 9, "text": "not in there"}]
        items.append(odd)
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
    ran = call("evaluate", facts, "--system", "bm25", "--limit", "2")
    assert ran.code == 0, ran.err
    assert "facts, not-found: 13" in ran.err
    assert "  and 3 more" in ran.err
    assert ran.err.count("questions.jsonl:") >= 10


def test_questions_beside_a_corpus(call: Call) -> None:
    make_corpus(Path("corpus/small"), STANDARD)
    questions = [
        {
            "question": "Which tomatoes grew faster at night?",
            "papers": ["garden"],
            "evidence": ["Tomatoes that were watered at night grew faster than the others."],
        },
        {"question": "How far do whales sing?", "evidence": [{"paper_id": "ocean", "text": "no"}]},
        {"question": "What is the price of gold?", "answerable": False},
    ]
    lines = "".join(json.dumps(each) + "\n" for each in questions)
    Path("mine.jsonl").write_text(lines, encoding="utf-8")
    arguments = ["--corpus", "corpus/small", "--system", "ragqa", "--system", "bm25"]
    ran = call("evaluate", "mine.jsonl", *arguments, "--remove-gold")
    assert ran.code == 0, ran.err
    assert Path("indexes/small/CURRENT").exists()
    assert ran.err.count("mine.jsonl:2") == 1  # located once, for all systems
    run = read_run(Path("runs/mine/ragqa"))
    assert [row.error for row in run.rows] == [None] * 5
    asked = [(row.question_id, row.view) for row in run.rows]
    assert [view for _, view in asked] == ["as-is", "gold-removed"] * 2 + ["as-is"]
    for row in run.rows:
        gold = {"garden"} if row is run.rows[1] else set()
        assert not gold & {hit.paper_id for hit in row.response.hits}
    assert run.scores.totals["EvidenceHit@5"].value == 0.5
    assert run.scores.totals["QuoteAccuracy"].value == 1


def test_an_interrupt_says_how_to_go_on(
    call: Call, facts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ragqa.evaluate.session.evaluate_systems", interrupted)
    ran = call("evaluate", facts)
    assert ran.code == 130
    assert "goes on where it was" in ran.err


def test_compare(call: Call, facts: str) -> None:
    call("evaluate", facts, "--system", "bm25", "--system", "dense(chunk_tokens=16)")
    names = ["runs/facts/bm25", "runs/facts/dense-chunk_tokens-16"]
    ran = call("compare", *names)
    assert ran.code == 0, ran.err
    assert ran.out.startswith(f"# A: {names[0]} (bm25), B: {names[1]} (dense(chunk_tokens=16))\n")
    assert "| system.name | bm25 | dense(chunk_tokens=16) |" in ran.out
    one = call("compare", *names, "--measure", "RR").out
    assert "| RR |" in one
    assert "| nDCG@10 |" not in one
    assert "95 % interval" in ran.out
    value = json.loads(call("compare", *names, "--measure", "RR", "--json").out)
    assert value["schema"] == "ragqa/comparison/1"
    assert [each["measure"] for each in value["comparisons"]] == ["RR"]
    assert len(value["changes"]) == len(
        value["comparisons"][0]["won"] + value["comparisons"][0]["lost"]
    )
    same = call("compare", names[0], names[0])
    assert "No question differs in nDCG@10" in same.out
    assert "Nothing differs in what the runs are made of." in same.out
    assert "They have:" in call("compare", *names, "--measure", "AUROC").err
    assert call("compare", *names, "--measure", "AUROC").code == 1
    gone = call("compare", names[0], "runs/facts")
    assert (gone.code, gone.out) == (1, "")
    assert "no whole run" in gone.err


def test_a_judge_that_cannot_be_opened_stops_before_any_question(call: Call, facts: str) -> None:
    ran = call("evaluate", facts, "--judge", "nonsense")
    assert ran.code == 1
    assert "provider" in ran.err
    assert not Path("runs").exists()


@pytest.mark.parametrize("verb", ["evaluate", "compare"])
def test_help_is_fast(verb: str) -> None:
    code = (
        "import sys; sys.argv = ['ragqa', sys.argv[1], '--help']\n"
        "import ragqa.cli\n"
        "try: ragqa.cli.main()\n"
        "finally:\n"
        "    heavy = {'numpy', 'scipy', 'faiss', 'torch', 'langchain', 'matplotlib',\n"
        "             'ir_measures', 'sklearn', 'rich', 'ragqa.evaluate'} & sys.modules.keys()\n"
        "    assert not heavy, heavy\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, verb], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "Example" in ran.stdout


def test_no_system_is_run_where_another_one_cannot_be(call: Call, facts: str) -> None:
    pytest.importorskip("langchain_community", reason="needs the extra langchain-stock")
    make_corpus(Path("corpus/small"), STANDARD)
    Path("mine.jsonl").write_text('{"question": "How do plants grow?"}', encoding="utf-8")
    beside = load_dataset("mine.jsonl", corpus="corpus/small")
    places = Places(work=Path("work"))
    for data, system, message in (
        (load_dataset(facts), "langchain(chunk_size=100)", "share more than they hold"),
        (beside, "dense(chunk_tokens=50)", "chunk_tokens cannot be set"),
    ):
        with pytest.raises(EvaluationError, match=message):
            evaluate_systems(data, ["bm25", system], Path("out"), places=places)
    assert not Path("out").exists()


def test_the_embedder_of_langchain_is_none_of_the_index(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("langchain_community", reason="needs the extra langchain-stock")
    make_corpus(Path("corpus/small"), STANDARD)
    Path("mine.jsonl").write_text('{"question": "How do plants grow?"}', encoding="utf-8")
    beside = load_dataset("mine.jsonl", corpus="corpus/small")
    names: list[str] = []

    def load(name: str, **_: Any) -> HashedEmbedder:
        names.append(name)
        return HashedEmbedder()

    def stop(_: Dataset) -> None:
        raise InterruptedError

    monkeypatch.setattr("ragqa.embed.load_embedder", load)
    with pytest.raises(InterruptedError):
        evaluate_systems(
            beside,
            ["langchain(embedder='x')"],
            Path("out"),
            places=Places(work=Path("work")),
            listener=Listener(on_dataset=stop),
        )
    assert names and "x" not in names


def test_the_same_in_python(call: Call, facts: str) -> None:
    told: list[str] = []
    listener = Listener(
        on_dataset=lambda data: told.append(data.name),
        on_progress=lambda progress: told.append(progress.system),
    )
    done = evaluate_systems(
        load_dataset(facts),
        ["bm25", "dense"],
        Path("out"),
        places=Places(work=Path("work")),
        options=EvaluationOptions(measures=("RR",), gates=("RR=2",), depth=5),
        listener=listener,
    )
    assert [run.system for run in done.runs] == ["bm25", "dense"]
    assert [len(found) for found in done.comparisons] == [1]
    assert told[0] == "facts"
    assert told.count("bm25") == told.count("dense") == 7
    assert len(done.missed) == 1
    assert read_run(done.folders[1]) == done.runs[1]
    with pytest.raises(EvaluationError, match="no system"):
        check([], EvaluationOptions())
    for deep in (
        EvaluationOptions(measures=("R@20",), depth=5),
        EvaluationOptions(gates=("R@20=0.5",), depth=5),
    ):
        with pytest.raises(EvaluationError, match=r"the 5 that are retrieved: R@20\."):
            check(["bm25"], deep)
