"""`ragqa.answer.conflict`: papers that contradict each other are named, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest
from corpora import Text, build, context_of, make_corpus
from hypothesis import given
from hypothesis import strategies as st

from ragqa.answer import answer_plan
from ragqa.answer.conflict import conflicts, contradict
from ragqa.index.generation import open_generation
from ragqa.plan.sections import plan_by_paper, plan_question
from ragqa.records import Citation, LineLocator, Statement

OPPOSED = (
    (
        "Antiretroviral therapy increases rates of tuberculosis across all strata.",
        "Antiretroviral therapy was associated with a reduction in the rates of tuberculosis "
        "across all strata.",
    ),
    (
        "Vitamin D supplements reduced the incidence of asthma attacks.",
        "Vitamin D supplements had no effect on the incidence of asthma attacks in adults.",
    ),
    (
        "Current use of the medication was associated with an increased risk of heart attacks.",
        "Current use of the medication was not associated with an increased risk of heart attacks.",
    ),
    (
        "Vitamin D supplements reduced the incidence of asthma attacks.",
        "Vitamin D supplements didn't reduce the incidence of asthma attacks in adults.",
    ),
    (
        "Mortality was higher with citrate than with heparin.",
        "Mortality was lower with citrate than with heparin.",
    ),
    (
        "Chronic sleep loss improves spatial memory in young rats.",
        "In young rats, chronic sleep loss impaired spatial memory.",
    ),
)
NOT_OPPOSED = (
    # The same, said the other way round.
    (
        "Mortality was higher with citrate than with heparin.",
        "Mortality was lower with heparin than with citrate.",
    ),
    # Another thing goes down.
    (
        "Exercise increased muscle strength in older women with arthritis.",
        "Exercise in older women with arthritis reduced joint pain.",
    ),
    # Another outcome is not affected.
    (
        "Pioglitazone use was associated with an increased risk of prostate cancer.",
        "Pioglitazone use was not associated with bladder cancer risk.",
    ),
    # An aim states nothing.
    (
        "We aimed to test whether zinc supplements reduce the duration of colds in children.",
        "Zinc supplements did not reduce the duration of colds in children.",
    ),
    (
        "Zinc supplements may reduce the duration of colds in children.",
        "Zinc supplements did not reduce the duration of colds in children.",
    ),
    # Another time.
    (
        "Zinc supplements reduced the duration of colds after 2 weeks.",
        "Zinc supplements did not reduce the duration of colds after 12 months.",
    ),
    # Both deny it, and both affirm it.
    (
        "Zinc supplements did not reduce the duration of colds.",
        "The duration of colds was not affected by zinc supplements.",
    ),
    (
        "Zinc supplements reduced the duration of colds.",
        "The duration of colds was reduced by zinc supplements in a trial.",
    ),
    # A sentence that says both says neither.
    (
        "Zinc supplements reduced the duration of colds but increased nausea in children.",
        "Zinc supplements did not reduce the duration of colds in children.",
    ),
    ("Rain fell on the harbour.", "Rain did not fall."),
)


@pytest.mark.parametrize(("first", "second"), OPPOSED)
def test_what_contradicts(first: str, second: str) -> None:
    assert contradict(first, second)
    assert contradict(second, first)


@pytest.mark.parametrize(("first", "second"), NOT_OPPOSED)
def test_what_does_not(first: str, second: str) -> None:
    assert not contradict(first, second)
    assert not contradict(second, first)


def statement(text: str, *papers: str) -> Statement:
    citations = tuple(
        Citation(
            paper_id=paper,
            document="summary",
            locators=(LineLocator(line_start=1, line_end=1),),
            start=0,
            end=len(text),
            quote=text,
            url=None,
            chunk_id="c",
        )
        for paper in papers
    )
    return Statement(text=text, citations=citations)


def test_two_papers_are_held_against_each_other_and_none_against_itself() -> None:
    up, down = OPPOSED[1]
    rain = statement("It rained for a week.", "r")
    assert list(conflicts([statement(up, "p"), rain, statement(down, "q")])) == [(0, 2)]
    assert list(conflicts([statement(f"Gulls fly. {up}", "p"), statement(down, "q")])) == [(0, 1)]
    assert list(conflicts([statement(up, "p"), statement(down, "p")])) == []
    assert list(conflicts([statement(up, "p", "q"), statement(down, "q")])) == []
    assert list(conflicts([])) == []


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_two_texts_can_be_asked_about(first: str, second: str) -> None:
    assert contradict(first, second) == contradict(second, first)
    assert not contradict(first, first)


def test_an_answer_says_where_its_papers_contradict_each_other(tmp_path: Path) -> None:
    up, down = OPPOSED[1]
    texts = {
        "one": Text(title="Asthma North", summary=f"{up} Trials were small."),
        "two": Text(title="Asthma South", summary=f"{down} Follow-up was long."),
        "rain": Text(title="Rain", summary="Rain fell on the harbour all day long."),
    }
    build(make_corpus(tmp_path / "c", texts), tmp_path / "i")
    question = "What of vitamin D supplements and the incidence of asthma attacks?"
    with open_generation(tmp_path / "i") as generation:
        context = context_of(generation)
        answer = answer_plan(plan_question(question), context)
        by_paper = answer_plan(plan_by_paper(question, context.papers), context)
    (said,) = (n.text for n in answer.sections[0].notices if n.code == "conflicting-evidence")
    places = {title: n for n, s in enumerate(answer.statements, 1) for title in _title(s, texts)}
    assert f"statement {places['Asthma North']} (Asthma North)" in said
    assert f"statement {places['Asthma South']} (Asthma South)" in said
    assert said in answer.to_markdown()
    (said,) = (n.text for n in by_paper.notices if n.code == "conflicting-evidence")
    assert "Asthma North" in said
    assert "Asthma South" in said


def _title(statement: Statement, texts: dict[str, Text]) -> list[str]:
    return [texts[citation.paper_id].title for citation in statement.citations]
