"""The audit of answers without gold papers: it is of the data, and its words are few."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from papers import DATA

from ragqa.evaluate import load_dataset

AUDIT = Path(__file__).parents[1] / "benchmarks" / "audit"
SETS = {
    "covidqa_gold_removed.jsonl": "covidqa",
    "evidence_inference_gold_removed.jsonl": "evidence-inference",
}
VERDICTS = {"answered", "partly", "not-answered", "not-read"}
QUESTIONS = {"self-contained", "needs-its-paper"}
WHERE = {"shown", "retrieved", "elsewhere"}
MISSES = {"unspecified", "other-subject", "other-aspect"}
MOST_WORDS = 20  # of a note: the reader's own, never a sentence of a paper


def records(name: str) -> list[dict[str, Any]]:
    lines = (AUDIT / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("name", SETS)
def test_a_record_says_what_it_must(name: str) -> None:
    found = records(name)
    assert len({record["question_id"] for record in found}) == len(found)
    for record in found:
        assert record["verdict"] in VERDICTS
        assert record["question"] in QUESTIONS
        has_span = record["verdict"] in {"answered", "partly"}
        assert has_span == ("paper_id" in record) == (record.get("where") in WHERE)
        assert (record["verdict"] == "not-answered") == (record.get("miss") in MISSES)
        unspecified = record.get("miss") == "unspecified"
        assert not unspecified or record["question"] == "needs-its-paper"
        assert len(record.get("note", "").split()) <= MOST_WORDS


def test_two_hundred_questions_were_read() -> None:
    found = records("covidqa_gold_removed.jsonl")
    assert sum(record["verdict"] != "not-read" for record in found) == 200


@pytest.mark.parametrize(("name", "dataset_name"), SETS.items())
def test_spans_are_of_other_papers(name: str, dataset_name: str) -> None:
    if not (DATA / dataset_name).is_dir():
        pytest.skip(f"no {dataset_name} in ../shared/data")
    dataset = load_dataset(DATA / dataset_name)
    texts = {paper.paper_id: paper.text for paper in dataset.papers}
    gold = {question.question_id: question.gold_papers for question in dataset.questions}
    for record in records(name):
        assert record["question_id"] in gold
        if "paper_id" in record:
            assert record["paper_id"] not in gold[record["question_id"]]
            span = texts[record["paper_id"]][record["start"] : record["end"]]
            assert span == span.strip() and len(span) > 20
