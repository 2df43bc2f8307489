"""Names of measures, the choice for a dataset, and the company that citations keep."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from measured import answered, cite, dataset, gold, judge, question, said

from ragqa.errors import EvaluationError
from ragqa.evaluate.measures import (
    Measure,
    all_measures,
    default_measures,
    parse_measures,
    with_company,
)
from ragqa.evaluate.measures.names import FAMILIES
from ragqa.evaluate.records import GoldQuestion

COST = ["LatencyP50", "LatencyP95", "Throughput", "PeakMemory", "TokensPerQuestion",
        "CostPerQuestion"]  # fmt: skip


def names(measures: tuple[Measure, ...]) -> list[str]:
    return [measure.name for measure in measures]


def test_names_are_read_in_order_and_once() -> None:
    asked = ["AP", "nDCG@10", "RR", "RR@10", "EvidenceHit@5", "CitationF1", "AP", "AURC"]
    found = parse_measures(asked)
    assert names(found) == ["AP", "nDCG@10", "RR", "RR@10", "EvidenceHit@5", "CitationF1", "AURC"]
    assert [measure.cutoff for measure in found] == [None, 10, None, 10, 5, None, None]
    assert parse_measures(()) == ()


def test_all_bad_names_are_reported_at_once() -> None:
    bad = {
        "ndcg@5": "did you mean nDCG@5?",
        "MRR": "did you mean RR?",
        "Recall@7": "did you mean R@7?",
        "EvidenceHits": "did you mean EvidenceHit@5",
        "zzz": "'zzz': unknown",
        "": "'': unknown",
        "R": "it needs a cutoff, as R@20",
        "P@0": "from 1 to 1000",
        "P@01": "from 1 to 1000",
        "P@1001": "from 1 to 1000",
        "AP@-1": "from 1 to 1000",
        "AP@": "from 1 to 1000",
        "AP@\u0665": "from 1 to 1000",
        "TokenF1@3": "it has no cutoff, use TokenF1",
    }
    with pytest.raises(EvaluationError) as caught:
        parse_measures([*bad, "RR"])
    message = str(caught.value)
    assert message.startswith(f"{len(bad)} measure(s) cannot be read")
    for name, told in bad.items():
        assert f"{name!r}: " in message
        assert told in message
    assert "'RR'" not in message
    assert "\n" not in message


@given(st.text(max_size=12))
def test_any_name_is_read_or_refused(name: str) -> None:
    try:
        (measure,) = parse_measures([name])
    except EvaluationError:
        return
    assert measure.name == name


@pytest.mark.parametrize("measure", all_measures(), ids=lambda measure: measure.name)
def test_a_measure_tells_all_about_itself(measure: Measure) -> None:
    assert parse_measures([measure.name]) == (measure,)
    for field in dataclasses.fields(measure):
        value = getattr(measure, field.name)
        if isinstance(value, str):
            assert value == " ".join(value.split()) and value, field.name
    assert measure.description.endswith(".")
    assert "left out" in measure.description or measure.base in {"PeakMemory", "AUROC"}
    assert len(measure.description) > 150
    worst = measure.low if measure.higher_is_better else measure.high
    assert measure.default == worst if measure.group != "cost" else measure.default is None
    assert measure.low == 0 and measure.high in {None, 1.0}


def test_names_and_titles_are_distinct() -> None:
    found = all_measures()
    for field in ("name", "title", "description"):
        assert len({getattr(measure, field) for measure in found}) == len(found) == len(FAMILIES)
    groups = list(dict.fromkeys(measure.group for measure in found))
    assert groups == ["retrieval", "evidence", "answer", "citation", "abstention", "cost"]
    for family in FAMILIES.values():
        assert (family.values is None) != (family.overall is None)


def chosen(*questions: GoldQuestion, remove_gold: bool = False) -> list[str]:
    found = names(default_measures(dataset(*questions), remove_gold=remove_gold))
    assert found[-len(COST) :] == COST
    return found[: -len(COST)]


ANYWAY = ["QuoteAccuracy", "CitationCoverage", "AnsweredRate"]
ABSTENTION = ["FalseAnswerRate", "AbstainP", "AbstainR", "AUROC", "AURC"]
RETRIEVAL = ["nDCG@10", "R@20", "RR", "AP"]


def test_defaults_are_what_the_gold_allows() -> None:
    assert chosen(question("q")) == ANYWAY
    assert chosen(question("q"), remove_gold=True) == ANYWAY
    papers = question("q", relevant={"p": 1})
    assert chosen(papers) == [*RETRIEVAL, "Correct", *ANYWAY]
    assert chosen(papers, remove_gold=True) == [*RETRIEVAL, "Correct", *ANYWAY, *ABSTENTION]
    both = (papers, question("u", answerable=False))
    assert chosen(*both) == [*RETRIEVAL, "Correct", *ANYWAY, *ABSTENTION]
    words = question("q", answers=("red",))
    assert chosen(words) == ["Correct", "TokenF1", "Containment", *ANYWAY]
    assert chosen(question("q", answers=("no",))) == ["TokenF1", *ANYWAY]
    choices = question("q", answers=("red",), choices=("red", "blue"))
    assert chosen(choices)[3:5] == ["ChoiceAccuracy", "ChoicePrecision"]


def test_defaults_with_evidence_in_one_paper() -> None:
    evidence = {"evidence": (gold("p", 0, 9),), "relevant": {"p": 1}}
    expected = ["EvidenceHit@5", "EvidenceR@20", "Correct", "AnswerHit@1", "AnswerHit@3",
                "CitationP", "CitationR", "CitationF1", *ANYWAY]  # fmt: skip
    assert chosen(question("q", **evidence)) == [*RETRIEVAL, *expected]
    # asked of its one paper: there are no papers to rank
    assert chosen(question("q", **evidence, paper_ids=("p",))) == expected


def test_defaults_where_nothing_can_be_answered() -> None:
    expected = ["Correct", *ANYWAY[:2], "FalseAnswerRate", "AbstainP", "AbstainR"]
    assert chosen(question("u", answerable=False)) == expected


@pytest.mark.parametrize(
    ("asked", "added"),
    [
        (["CitationF1"], ["Correct", "CitationCoverage", "AnsweredRate"]),
        (["QuoteAccuracy", "AnsweredRate"], ["Correct", "CitationCoverage"]),
        (["CitationCoverage"], ["Correct", "AnsweredRate"]),
        (["nDCG@10", "TokenF1"], []),
        ([], []),
    ],
)
def test_citation_measures_are_never_alone(asked: list[str], added: list[str]) -> None:
    assert names(with_company(parse_measures(asked))) == [*asked, *added]


def test_company_that_is_there_is_not_doubled() -> None:
    once = with_company(parse_measures(["CitationP"]))
    assert with_company(once) == once


def test_copying_the_first_chunk_shows_in_the_company() -> None:
    # One question answers to the copied chunk, three are unanswerable, and one has other evidence.
    questions = [
        question("a", evidence=(gold("p", 0, 9),)),
        question("b", evidence=(gold("x", 0, 9),)),
        *(question(f"u{n}", answerable=False) for n in range(3)),
    ]
    copied = answered(said("copied", cite("p", 0, 9)))
    measures = with_company(parse_measures(["QuoteAccuracy"]))
    totals = judge(names(measures), questions, {each.question_id: copied for each in questions})
    values = {name: each.value for name, each in totals.totals.items()}
    assert values == {
        "QuoteAccuracy": 1.0,
        "Correct": 1 / 5,
        "CitationCoverage": 1.0,
        "AnsweredRate": 1.0,
    }


def test_the_table_of_measures_can_be_written_as_json() -> None:
    for measure in all_measures():
        again = json.loads(json.dumps(dataclasses.asdict(measure), allow_nan=False))
        assert Measure(**again) == measure
        assert not any(isinstance(v, float) and math.isnan(v) for v in again.values())
