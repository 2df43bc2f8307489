"""The cards for "fit or no fit": they are what their README says, and the rule keeps its word."""

from __future__ import annotations

import pytest
from fit_card_set import HALVES, OUTCOMES, cards, judged, listed, wrong
from papers import needs_papers


def test_there_are_enough_cards_of_every_kind() -> None:
    assert len(cards()) >= 44
    assert sum(card.lay for card in cards()) >= 20
    assert sum(card.near for card in cards()) >= 20
    expected = [outcome for card in cards() for outcome in card.models.values()]
    assert set(expected) == set(OUTCOMES)
    assert any(set(card.models.values()) == {"fits", "another-task"} for card in cards())
    assert {paper.kind for paper in listed().values()} == {
        *("summary", "readme", "pdf", "file", "none")
    }


def test_a_card_is_of_one_half_and_the_first_two_halves_are_alike() -> None:
    halves = [{listed()[paper_id].half for paper_id in card.models} for card in cards()]
    assert all(len(half) == 1 for half in halves)
    dev, unseen = (sum({half} == found for found in halves) for half in HALVES[:2])
    assert 0.8 < dev / unseen < 1.25
    used = {paper_id for card in cards() for paper_id in card.models}
    assert used == set(listed())


def test_questions_are_asked_once_of_a_half() -> None:
    keys = [(card.question, listed()[next(iter(card.models))].half) for card in cards()]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("half", HALVES)
def test_what_is_said_is_quoted(half: str) -> None:
    for result in judged(half, real=False):
        if result.fit.outcome != "not-established":
            assert result.fit.evidence is not None


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("outcome", ["fits", "another-task"])
def test_nothing_is_said_wrongly_any_more(half: str, outcome: str) -> None:
    assert wrong(list(judged(half, real=False)), outcome) == []


@needs_papers
@pytest.mark.slow
@pytest.mark.parametrize("half", HALVES[:2])
def test_nothing_is_said_wrongly_of_real_papers(half: str) -> None:
    results = [result for result in judged(half) if result.paper.kind == "file"]
    assert len(results) >= 20
    assert wrong(results, "fits") == wrong(results, "another-task") == []
