"""`ragqa.evaluate.runs` and `coding`: a run's folder, its bytes, and folders that are none."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluated import Keyword, dataset
from hypothesis import given
from hypothesis import strategies as st

from ragqa.errors import EvaluationError
from ragqa.evaluate import about
from ragqa.evaluate.about import RunOptions, code_sha256, machine, run_key
from ragqa.evaluate.coding import (
    canonical,
    plain,
    row_from_dict,
    row_to_dict,
    settled,
    without_texts,
)
from ragqa.evaluate.harness import evaluate
from ragqa.evaluate.measures import all_measures, score
from ragqa.evaluate.records import Hit, Quoted, Response, Row, Run, Said
from ragqa.evaluate.runs import folder_name, is_timed, read_run, write_run
from ragqa.records import LineLocator, PageLocator

FILES = ["rows.jsonl", "run.json", "timings.json"]


def made(folder: Path) -> Run:
    data = dataset()
    return evaluate(data, Keyword.over(data), out=folder, remove_gold=True)


def test_a_run_reads_as_it_was_made(tmp_path: Path) -> None:
    run = made(tmp_path)
    assert sorted(path.name for path in tmp_path.glob("[!.]*")) == FILES
    assert read_run(tmp_path) == run
    assert [each["name"] for each in run.about["measures"]] == list(run.scores.totals)
    write_run(tmp_path / "copy", run, started="now")
    assert read_run(tmp_path / "copy") == run
    for name in FILES[:2]:
        assert (tmp_path / "copy" / name).read_bytes() == (tmp_path / name).read_bytes()


def test_nothing_but_timings_differs(tmp_path: Path) -> None:
    run = made(tmp_path / "a")
    slower = replace(run, timing=replace(run.timing, total_seconds=1e6, peak_memory=7))
    write_run(tmp_path / "b", slower, started="2000-01-01")
    for name in FILES[:2]:
        assert (tmp_path / "b" / name).read_bytes() == (tmp_path / "a" / name).read_bytes()
    said = (tmp_path / "a" / "run.json").read_text(encoding="utf-8")
    assert str(tmp_path) not in said
    assert str(Path.cwd()) not in said


def test_what_is_made_of_the_clock_is_known_by_its_name() -> None:
    data = dataset()
    run = evaluate(data, Keyword.over(data), measures=[m.name for m in all_measures()])
    without = score(all_measures(), data, run.rows)
    changed = {
        name
        for name, total in run.scores.totals.items()
        if total.value is not None and without.totals[name].value is None
    }
    assert changed == {"LatencyP50", "LatencyP95", "Throughput", "PeakMemory"}
    assert {name for name in run.scores.totals if is_timed(name)} == changed
    told = {each["name"]: each for each in run.about["measures"]}
    assert all("value" not in told[name] for name in changed)


def test_run_json(tmp_path: Path) -> None:
    made(tmp_path)
    about = json.loads((tmp_path / "run.json").read_bytes())
    assert about["schema"] == "ragqa/run/1"
    assert about["system"] == {"name": "keyword", "about": {"skill": 1, "weight": 0.3}}
    assert about["options"] == {"depth": 100, "limit": None, "remove_gold": True}
    assert about["rows"]["count"] == 11
    assert about["problems"][0]["file"] == "facts.jsonl"
    assert about["code_sha256"] == code_sha256()
    assert set(about["machine"]) >= {"processor", "cores", "python", "libraries", "platform"}
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_bytes().splitlines()]
    assert [row["view"] for row in rows[:3]] == ["as-is", "gold-removed", "as-is"]
    assert rows[0]["measures"]["nDCG@10"] == 1
    assert "measures" not in rows[1]


def test_without_timings_only_they_are_lost(tmp_path: Path) -> None:
    run = made(tmp_path)
    (tmp_path / "timings.json").unlink()
    left = read_run(tmp_path)
    assert left.timing is None
    assert left.rows == run.rows
    assert left.scores.totals["LatencyP95"].value is None
    assert left.scores.totals["nDCG@10"] == run.scores.totals["nDCG@10"]


def test_the_key_is_of_all_that_decides_the_rows() -> None:
    data, options = dataset(), RunOptions()
    keys = {
        run_key(data, {"a": 1}, options),
        run_key(dataset(7), {"a": 1}, options),
        run_key(data, {"a": 2}, options),
        run_key(data, {"a": 1}, replace(options, depth=9)),
        run_key(data, {"a": 1}, replace(options, remove_gold=True)),
        run_key(data, {"a": 1}, replace(options, limit=3)),
    }
    assert len(keys) == 6
    assert run_key(data, {"a": 1}, options) in keys


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "What else?"},
        {"question_id": "another"},
        {"paper_ids": ("paper-1",)},
        {"answerable": False},
        {"answers": ("another",)},
        {"choices": ()},
        {"relevant": {"paper-1": 1}},
        {"evidence": ()},
    ],
)
def test_the_key_is_of_the_questions_as_they_are_now(changes: dict[str, Any]) -> None:
    data = dataset()
    changed = replace(data.questions[0], **changes)
    other = replace(data, questions=(changed, *data.questions[1:]))
    assert run_key(other, {}, RunOptions()) != run_key(data, {}, RunOptions())
    labelled = replace(data.questions[0], labels={"seen": "in reports only"})
    same = replace(data, questions=(labelled, *data.questions[1:]))
    assert run_key(same, {}, RunOptions()) == run_key(data, {}, RunOptions())


def test_the_key_is_of_the_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    before = run_key(dataset(), {}, RunOptions())
    monkeypatch.setattr(about, "_LIBRARIES", ("pytest",))
    assert run_key(dataset(), {}, RunOptions()) != before


def test_a_machine_is_told_alike() -> None:
    assert machine() == machine()


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("bm25", "bm25"),
        ("ragqa(embedder='a/b', dense_weight=0.5)", "ragqa-embedder-a-b-dense_weight-0.5"),
        ("../..", "else"),
        ("", "else"),
        ("Größe", "Größe"),
    ],
)
def test_folder_names(name: str, folder: str) -> None:
    assert folder_name(name, default="else", most=40) == folder
    assert folder_name("abcdefghi. z", default="else", most=10) == "abcdefghi"


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="no whole run"):
        read_run(tmp_path / "nowhere")
    (tmp_path / "run.json").mkdir()
    with pytest.raises(EvaluationError, match="cannot be read"):
        read_run(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no JSON"),
        ("[]", "no run of ragqa's"),
        ('{"schema": "other/1"}', "no run of ragqa's"),
        ('{"schema": "ragqa/run/2"}', "another version"),
        ('{"schema": "ragqa/run/1"}', "KeyError"),
        ('{"schema": "ragqa/run/1", "rows": 3}', "TypeError"),
    ],
)
def test_a_foreign_run_json(tmp_path: Path, text: str, message: str) -> None:
    made(tmp_path)
    (tmp_path / "run.json").write_text(text, encoding="utf-8")
    with pytest.raises(EvaluationError, match=message) as caught:
        read_run(tmp_path)
    assert "--again" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"view": "as-is"', '"view": "upside-down"', "line 1: ValueError"),
        ('"question_id": "secret-id-0"', '"question_id": 3', "line 1: TypeError"),
        ('"error": null', '"error": "both"', "line 1: ValueError"),
        ('"hits": ', '"kits": ', "line 1: TypeError"),
        ('"view": ', "", "line 1: JSONDecodeError"),
        ('"score": 1.0', '"score": 2.0', "not what the run wrote"),
    ],
)
def test_a_damaged_row_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    made(tmp_path)
    path = tmp_path / "rows.jsonl"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(EvaluationError, match=message):
        read_run(tmp_path)


def test_lost_and_cut_files(tmp_path: Path) -> None:
    made(tmp_path)
    rows = tmp_path / "rows.jsonl"
    rows.write_bytes(rows.read_bytes()[:-40])
    with pytest.raises(EvaluationError, match="not what the run wrote"):
        read_run(tmp_path)
    rows.unlink()
    with pytest.raises(EvaluationError, match="rows.jsonl"):
        read_run(tmp_path)


@pytest.mark.parametrize("text", ["{", "{}", '{"schema": "ragqa/timings/9"}', "[]"])
def test_damaged_timings(tmp_path: Path, text: str) -> None:
    made(tmp_path)
    (tmp_path / "timings.json").write_text(text, encoding="utf-8")
    with pytest.raises(EvaluationError, match="timings.json"):
        read_run(tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    run = made(tmp_path / "a")
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(EvaluationError, match="cannot be written"):
        write_run(tmp_path / "file" / "b", run)


ANY_TEXT = st.text(st.characters(codec=None), max_size=12)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)
SPANS = st.none() | st.integers(0, 10**6)
LOCATORS = st.builds(PageLocator, page=SPANS, start=SPANS, end=SPANS) | st.builds(
    LineLocator, line_start=st.integers(1, 9), line_end=st.integers(1, 9)
)
HITS = st.builds(
    Hit,
    paper_id=ANY_TEXT,
    score=NUMBERS,
    start=SPANS,
    end=SPANS,
    document=st.sampled_from(["pdf", "readme", "summary", None]),
    text=ANY_TEXT,
)
QUOTED = st.builds(
    Quoted,
    paper_id=ANY_TEXT,
    quote=ANY_TEXT,
    start=SPANS,
    locators=st.lists(LOCATORS, max_size=2).map(tuple),
    verbatim=st.none() | st.booleans(),
)
SAID = st.builds(Said, text=ANY_TEXT, citations=st.lists(QUOTED, max_size=2).map(tuple))
RESPONSES = st.builds(
    Response,
    hits=st.none() | st.lists(HITS, max_size=7).map(tuple),
    statements=st.none() | st.lists(SAID, max_size=2).map(tuple),
    abstained=st.none() | st.booleans(),
    confidence=st.none() | NUMBERS,
    prompt_tokens=st.integers(0, 10**9),
    cost=NUMBERS,
)


@given(response=RESPONSES, view=st.sampled_from(["as-is", "gold-removed"]), question=ANY_TEXT)
def test_any_row_survives(response: Response, view: str, question: str) -> None:
    row = settled(Row(question_id=question, view=view, response=response))
    assert settled(row) == row
    line = canonical(row_to_dict(row)).encode(errors="backslashreplace")
    assert b"\n" not in line
    assert row_from_dict(json.loads(line)) == row
    if response.hits is not None:
        assert [hit.paper_id for hit in row.response.hits] == [h.paper_id for h in response.hits]
        for before, after in zip(response.hits, row.response.hits, strict=True):
            assert abs(before.score - after.score) <= max(5e-7, abs(before.score) * 1e-15)


def test_only_the_first_five_texts_are_kept() -> None:
    hits = tuple(Hit(paper_id=str(n), score=-n, start=n, end=n + 1, text="words") for n in range(8))
    kept = without_texts(Response(hits=hits))
    assert [hit.text for hit in kept.hits] == ["words"] * 5 + [""] * 3
    assert [replace(hit, text="") for hit in kept.hits] == [replace(h, text="") for h in hits]
    assert without_texts(Response()) == Response()


def test_plain() -> None:
    assert plain({"b": np.float32(0.5), "a": (np.int64(3), True, None, -1e-9)}) == {
        "b": 0.5,
        "a": [3, True, None, 0],
    }
    assert canonical(plain(-1e-9)) == "0.0"
    for wrong in (float("nan"), [float("inf")]):
        with pytest.raises(ValueError, match="finite"):
            plain(wrong)
    for odd in ({1: 2}, object(), {"a": Path()}, {1, 2}):
        with pytest.raises(TypeError):
            plain(odd)


def test_totals_are_the_same_on_disk(tmp_path: Path) -> None:
    run = made(tmp_path)
    totals = read_run(tmp_path).scores.totals
    assert {n: asdict(t) for n, t in totals.items()} == {
        n: asdict(t) for n, t in run.scores.totals.items()
    }
    for total in totals.values():
        assert total.value is None or total.value == round(total.value, 6)
