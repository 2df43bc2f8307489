"""`ragqa.evaluate.harness`: what a system is given, what is kept, what is asked again."""

from __future__ import annotations

import gc
import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from evaluated import Keyword, dataset

from ragqa.errors import EvaluationError
from ragqa.evaluate.harness import EvaluationProgress, evaluate
from ragqa.evaluate.memory import peak_memory, reset_peak_memory
from ragqa.evaluate.progress import ProgressFile, alone
from ragqa.evaluate.records import Dataset, Hit, Response, Run
from ragqa.evaluate.runs import read_run
from ragqa.evaluate.systems import measure_object

CHILD = Path(__file__).parent / "faults" / "evaluate_child.py"
SAME = ("rows.jsonl", "run.json")


def run_of(folder: Path | None = None, data: Dataset | None = None, **options: Any) -> Run:
    data = data or dataset()
    return evaluate(data, Keyword.over(data), out=folder, **options)


def bytes_of(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in SAME]


def bytes_of_fresh(folder: Path, data: Dataset) -> list[bytes]:
    run_of(folder, data)
    return bytes_of(folder)


def test_no_label_reaches_a_system() -> None:
    data = dataset()
    system = Keyword.over(data)
    evaluate(data, system, remove_gold=True, depth=7)
    texts = {question.text for question in data.questions}
    warm_up, *asked = system.heard
    assert warm_up[0] not in texts
    assert warm_up[1] is None
    assert {question for question, _, _ in asked} == texts
    assert {depth for _, _, depth in asked} == {7}
    assert "secret" not in repr(system.heard)
    for question in data.questions:
        views = [papers for text, papers, _ in asked if text == question.text]
        assert views[0] is None
        if question.answerable:
            left = [p.paper_id for p in data.papers if p.paper_id not in question.gold_papers]
            assert views[1:] == [tuple(left)]
        else:
            assert views[1:] == []


def test_questions_of_their_own_papers() -> None:
    data = dataset()
    first, second, *_ = data.questions
    narrow = replace(first, paper_ids=("paper-0",))
    wide = replace(second, paper_ids=("paper-3", "paper-1", "paper-2"))
    data = replace(data, questions=(narrow, wide))
    system = Keyword.over(data)
    run = evaluate(data, system, remove_gold=True)
    assert [papers for _, papers, _ in system.heard[1:]] == [
        ("paper-0",),
        (),
        ("paper-3", "paper-1", "paper-2"),
        ("paper-3", "paper-2"),
    ]
    nothing = run.rows[1].response
    assert nothing is not None
    assert (nothing.hits, nothing.abstained) == ((), True)


def test_rows_and_measures() -> None:
    run = run_of(remove_gold=True)
    assert [(row.question_id, row.view) for row in run.rows[:3]] == [
        ("secret-id-0", "as-is"),
        ("secret-id-0", "gold-removed"),
        ("secret-id-1", "as-is"),
    ]
    assert run.scores.totals["nDCG@10"].value == 1
    assert run.scores.totals["nDCG@10"].left_out == 1
    assert run.scores.totals["QuoteAccuracy"].value == 1
    assert run.timing is not None
    assert len(run.timing.seconds) == len(run.rows) == 11
    assert run.timing.total_seconds >= run.timing.prepare_seconds > 0
    assert run.timing.peak_memory is None or run.timing.peak_memory > 10**6


def test_what_a_system_says_of_its_own_quotes_is_not_believed() -> None:
    data = dataset()

    class Liar(Keyword):
        def respond(self, question: str, **options: Any) -> tuple[Response, float]:
            response, seconds = super().respond(question, **options)
            said = tuple(
                replace(
                    each,
                    citations=tuple(
                        replace(c, quote="made up", verbatim=True) for c in each.citations
                    ),
                )
                for each in response.statements or ()
            )
            return replace(response, statements=said), seconds

    run = evaluate(data, Liar.over(data))
    assert run.scores.totals["QuoteAccuracy"].value == 0


@pytest.mark.parametrize("fault", ["raise", "nan", "not-a-pair", "foreign", "surrogate"])
def test_a_failing_question_is_a_row(fault: str, tmp_path: Path) -> None:
    data = dataset()

    class Failing(Keyword):
        def respond(self, question: str, *, paper_ids: Sequence[str] | None, depth: int) -> Any:
            if "iron" in question:
                match fault:
                    case "raise":
                        raise RuntimeError("one\nline")
                    case "surrogate":
                        raise RuntimeError("a \ud800 lone one")
                    case "nan":
                        return Response(hits=(Hit(paper_id="a", score=float("nan")),)), 0.1
                    case "not-a-pair":
                        return None
                    case "foreign" if paper_ids is not None:
                        return Response(hits=(Hit(paper_id="paper-1", score=1),)), 0.1
            return super().respond(question, paper_ids=paper_ids, depth=depth)

    seen: list[EvaluationProgress] = []
    system = Failing.over(data)
    run = evaluate(data, system, out=tmp_path, remove_gold=True, on_progress=seen.append)
    failed = [row for row in run.rows if row.error is not None]
    assert {row.question_id for row in failed} == {"secret-id-1"}
    assert len(failed) == (1 if fault == "foreign" else 2)
    assert all("\n" not in row.error and row.response is None for row in failed)
    assert seen[-1].failed == len(failed)
    assert (seen[0].done, seen[-1].done, seen[-1].total) == (0, 11, 11)
    assert run.about["rows"]["failed"] == len(failed)
    assert read_run(tmp_path) == run
    if fault == "foreign":
        assert "papers that it was not given: paper-1" in str(failed[0].error)
    else:
        assert run.scores.totals["nDCG@10"].failed == 1
        assert run.scores.totals["nDCG@10"].value == 0.8


def test_an_interrupt_stops_and_keeps(tmp_path: Path) -> None:
    data = dataset()
    calls = 0

    class Interrupted(Keyword):
        def respond(self, question: str, **options: Any) -> tuple[Response, float]:
            nonlocal calls
            calls += 1
            if calls == 5:
                raise KeyboardInterrupt
            return super().respond(question, **options)

    with pytest.raises(KeyboardInterrupt):
        evaluate(data, Interrupted.over(data), out=tmp_path)
    assert not (tmp_path / "run.json").exists()
    seen: list[EvaluationProgress] = []
    again = Interrupted.over(data)
    run = evaluate(data, again, out=tmp_path, on_progress=seen.append)
    assert seen[0].reused == seen[0].done == 3
    assert len(again.heard) == 1 + 3  # the warm-up and what was left
    calm = run_of(tmp_path / "calm", data)
    assert run.rows == calm.rows
    assert bytes_of(tmp_path) == bytes_of(tmp_path / "calm")
    assert None not in run.timing.seconds
    assert sorted(path.name for path in tmp_path.glob("[!.]*.json*")) == [
        "rows.jsonl",
        "run.json",
        "timings.json",
    ]


def test_a_finished_run_is_not_asked_again(tmp_path: Path) -> None:
    data = dataset()
    run = run_of(tmp_path, data)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.json*")}
    silent = Keyword.over(data)
    assert evaluate(data, silent, out=tmp_path) == run
    assert silent.heard == []
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.json*")} == before
    evaluate(data, silent, out=tmp_path, resume=False)
    assert len(silent.heard) == 7


def test_other_measures_take_no_question(tmp_path: Path) -> None:
    data = dataset()
    run_of(tmp_path, data)
    silent = Keyword.over(data)
    run = evaluate(data, silent, out=tmp_path, measures=["R@5", "LatencyP95"])
    assert silent.heard == []
    assert list(run.scores.totals) == ["R@5", "LatencyP95"]
    assert run.scores.totals["LatencyP95"].value > 0
    assert read_run(tmp_path) == run
    assert json.loads((tmp_path / "timings.json").read_bytes())["started"]
    fresh = run_of(tmp_path / "fresh", data, measures=["R@5", "LatencyP95"])
    assert bytes_of(tmp_path) == bytes_of(tmp_path / "fresh")
    assert fresh.rows == run.rows


def test_a_kill_while_other_measures_are_written_loses_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = dataset()
    run_of(tmp_path, data)

    def dies(folder: Path, run: Run, **_: Any) -> None:
        (folder / "run.json").unlink()
        (folder / "rows.jsonl").unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ragqa.evaluate.harness.write_run", dies)
        with pytest.raises(KeyboardInterrupt):
            run_of(tmp_path, data, measures=["R@5"])
    silent = Keyword.over(data)
    evaluate(data, silent, out=tmp_path, measures=["R@5"])
    assert silent.heard == []
    run_of(tmp_path / "calm", data, measures=["R@5"])
    assert bytes_of(tmp_path) == bytes_of(tmp_path / "calm")
    assert not (tmp_path / "progress.jsonl").exists()


@pytest.mark.parametrize(
    "change", ["system", "depth", "remove_gold", "limit", "dataset", "nothing"]
)
def test_only_the_same_run_is_taken_over(tmp_path: Path, change: str) -> None:
    data = dataset()
    run_of(tmp_path, data)
    other = Keyword.over(data, skill=2 if change == "system" else 1)
    options: dict[str, dict[str, Any]] = {
        "depth": {"depth": 3},
        "remove_gold": {"remove_gold": True},
        "limit": {"limit": 2},
    }
    if change == "dataset":
        data = replace(data, sha256="0" * 64)
    told: list[str] = []
    before = bytes_of(tmp_path)
    run = evaluate(data, other, out=tmp_path, on_message=told.append, **options.get(change, {}))
    assert bool(other.heard) == (change != "nothing")
    kept = tmp_path.parent / "before" / tmp_path.name
    assert [str(kept) in line for line in told] == ([] if change == "nothing" else [True])
    assert kept.exists() == (change != "nothing")
    if change != "nothing":  # what was there can be compared with
        assert bytes_of(kept) == before
        assert read_run(kept).system
    if change == "limit":
        assert len(run.rows) == 2
        assert run.about["options"]["limit"] == 2
        assert run.scores.question_ids == ("secret-id-0", "secret-id-1")


def test_questions_changed_by_a_program_are_asked_again(tmp_path: Path) -> None:
    data = dataset()
    run_of(tmp_path, data)
    fewer = replace(data, questions=data.questions[2:])
    with pytest.warns(UserWarning, match="held a run of another dataset.questions"):
        assert len(run_of(tmp_path, fewer).rows) == len(fewer.questions)
    other_gold = replace(
        data, questions=tuple(replace(each, relevant={"paper-0": 1}) for each in data.questions)
    )
    with pytest.warns(UserWarning, match="held a run"):
        found = run_of(tmp_path, other_gold).scores
    assert found.per_question == run_of(data=other_gold).scores.per_question


@pytest.mark.parametrize("damage", ["half-line", "no-end", "garbage", "empty", "other-key"])
def test_progress_that_is_damaged(tmp_path: Path, damage: str) -> None:
    data = dataset()

    class Stops(Keyword):
        def respond(self, question: str, **options: Any) -> tuple[Response, float]:
            if "salt" in question:
                raise KeyboardInterrupt
            return super().respond(question, **options)

    with pytest.raises(KeyboardInterrupt):
        evaluate(data, Stops.over(data), out=tmp_path)
    path = tmp_path / "progress.jsonl"
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    assert len(lines) == 4
    damaged, kept = {
        "half-line": (whole + whole[-100:-1], 3),
        "no-end": (whole[:-1], 2),
        "garbage": (b"".join([*lines[:2], b"{]\n", *lines[2:]]), 1),
        "empty": (b"", 0),
        "other-key": (whole.replace(b'"key": "', b'"key": "x', 1), 0),
    }[damage]
    path.write_bytes(damaged)
    system = Keyword.over(data)
    evaluate(data, system, out=tmp_path)
    assert len(system.heard) == 1 + 6 - kept
    run_of(tmp_path / "calm", data)
    assert bytes_of(tmp_path) == bytes_of(tmp_path / "calm")


def test_bad_requests(tmp_path: Path) -> None:
    data = dataset()
    system = Keyword.over(data, skill=object())
    with pytest.raises(EvaluationError, match="JSON values"):
        evaluate(data, system)
    fine = Keyword.over(data)
    with pytest.raises(EvaluationError, match="Goodness"):
        evaluate(data, fine, measures=["Goodness"])
    with pytest.raises(EvaluationError, match="depth"):
        evaluate(data, fine, depth=0)
    with pytest.raises(EvaluationError, match=r"the 5 that are retrieved: EvidenceR@20, R@6\."):
        evaluate(data, fine, depth=5, measures=["EvidenceR@20", "R@6", "R@5", "AnswerHit@9"])
    with pytest.raises(EvaluationError, match="limit"):
        evaluate(data, fine, limit=0)
    assert fine.heard == []
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(EvaluationError, match="cannot be written"):
        evaluate(data, fine, out=tmp_path / "file" / "run")
    with alone(tmp_path / "busy"), pytest.raises(EvaluationError, match="another process"):
        evaluate(data, fine, out=tmp_path / "busy")


def test_more_hits_than_asked_for_are_not_looked_at() -> None:
    class Floods(Keyword):
        def respond(
            self, question: str, *, paper_ids: Sequence[str] | None, depth: int
        ) -> tuple[Response, float]:
            return super().respond(question, paper_ids=paper_ids, depth=99)

    data = dataset()
    plain, flooding = Keyword.over(data), Floods.over(data)
    assert evaluate(data, flooding, depth=2).rows == evaluate(data, plain, depth=2).rows


def test_usual_measures_look_as_deep_as_is_retrieved() -> None:
    names = list(run_of(depth=5).scores.totals)
    assert names[:6] == ["nDCG@5", "R@5", "RR", "AP", "EvidenceHit@5", "EvidenceR@5"]
    assert list(run_of(depth=20).scores.totals)[:2] == ["nDCG@10", "R@20"]


def test_a_full_disk_is_told_and_keeps_what_was_asked(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="only POSIX limits the size of files")
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    data = dataset()

    class Fills(Keyword):
        def respond(
            self, question: str, *, paper_ids: Sequence[str] | None, depth: int
        ) -> tuple[Response, float]:
            if "gold" in question:
                size = (tmp_path / "progress.jsonl").stat().st_size
                resource.setrlimit(resource.RLIMIT_FSIZE, (size + 9, usual[1]))
            return super().respond(question, paper_ids=paper_ids, depth=depth)

    try:
        with pytest.raises(EvaluationError, match="cannot be written"):
            evaluate(data, Fills.over(data), out=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    again = Keyword.over(data)
    evaluate(data, again, out=tmp_path)
    assert len(again.heard) == 1 + len(data.questions) - 2  # the warm-up, and what was not kept
    assert bytes_of(tmp_path) == bytes_of_fresh(tmp_path / "fresh", data)


def test_progress_that_cannot_be_opened_leaves_no_file_open(tmp_path: Path) -> None:
    if not Path("/dev/null").exists():
        pytest.skip("this system has no file that cannot be cut")
    (tmp_path / "progress.jsonl").symlink_to("/dev/null")
    with pytest.raises(EvaluationError, match="cannot be written"):
        run_of(tmp_path)
    gc.collect()  # a file left open would warn here


def test_a_run_repeated_elsewhere_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "deep/er/b"):
        run_of(tmp_path / name, remove_gold=True)
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "deep/er/b")


def test_a_run_in_memory_is_the_one_on_disk(tmp_path: Path) -> None:
    on_disk, in_memory = run_of(tmp_path), run_of()
    assert on_disk.rows == in_memory.rows
    assert on_disk.about == in_memory.about
    assert on_disk.scores.per_question == in_memory.scores.per_question


def test_peak_memory_is_that_of_the_stretch() -> None:
    if not reset_peak_memory():
        pytest.skip("this system does not reset its mark")
    before = peak_memory()
    block = bytearray(64 << 20)
    after = peak_memory()
    assert after - before > 60 << 20
    del block
    reset_peak_memory()
    assert peak_memory() < after - (30 << 20)


def start(folder: Path, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(CHILD), str(folder), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def rows_there(folder: Path) -> int:
    path = folder / "progress.jsonl"
    return path.read_bytes().count(b"\n") - 1 if path.exists() else -1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_run_that_is_killed_ends_with_the_same_bytes(tmp_path: Path) -> None:
    count, killed, calm = 60, tmp_path / "killed", tmp_path / "calm"
    for target in (0, 7, 31, 80):
        with start(killed, count) as child:
            while child.poll() is None and rows_there(killed) < target:
                time.sleep(0.001)
            child.kill()
        assert child.returncode == -signal.SIGKILL
        assert rows_there(killed) >= target
        assert not (killed / "run.json").exists()
    left = rows_there(killed)
    with start(killed, count) as child:
        asked, _ = child.communicate()
    assert child.returncode == 0
    assert int(asked) == 1 + (2 * count - 1) - left
    with start(calm, count) as child:
        child.communicate()
    assert bytes_of(killed) == bytes_of(calm)
    assert read_run(killed).about["rows"]["failed"] > 0
    assert not list(killed.glob("*.part")) + list(killed.glob("progress*"))


def test_progress_file_is_flushed_by_the_row(tmp_path: Path) -> None:
    data = dataset()
    counts: list[int] = []

    def look(progress: EvaluationProgress) -> None:
        counts.append(rows_there(tmp_path))

    evaluate(data, Keyword.over(data), out=tmp_path, on_progress=look)
    assert counts == list(range(7))
    ProgressFile.clear(tmp_path)


def test_an_object_that_does_not_tell_what_it_is_is_asked_again(tmp_path: Path) -> None:
    data = dataset()
    for about, times in ((None, 2), ({"version": 1}, 1)):
        asked: list[str] = []

        def answer(question: str, *, asked: list[str] = asked, **_: Any) -> Response:
            asked.append(question)
            return Response(hits=())

        out = tmp_path / str(times)
        for _ in range(2):
            evaluate(data, measure_object(answer, name="mine", about=about), out=out)
        questions = [question.text for question in data.questions]
        assert [asked.count(question) for question in questions] == [times] * len(questions)


def test_a_run_that_fails_throughout_is_told(tmp_path: Path) -> None:
    def broken(question: str) -> Response:  # it takes no papers
        return Response()

    with pytest.warns(UserWarning, match="every question failed, the first with: .*paper_ids"):
        run = evaluate(dataset(), measure_object(broken, name="broken"))
    assert all(row.error for row in run.rows)


def test_evidence_beside_a_corpus_that_was_not_looked_up_is_refused(tmp_path: Path) -> None:
    data = replace(dataset(), corpus=tmp_path, papers=())
    with pytest.raises(EvaluationError, match="locate_evidence"):
        evaluate(data, Keyword.over(dataset()))
