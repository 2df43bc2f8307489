"""`ragqa.generate.standalone`: what a reader understands alone, and what says nothing."""

from __future__ import annotations

import pytest
from corpora import document_of_sentences

from ragqa.generate.standalone import is_understood, points_back, quote_start, says_something

POINTS_BACK = (
    "It was trained on twelve thousand photographs.",
    "These patients were followed for a year.",
    "However, at twelve hours the mean values exceeded the range.",
    "In both of these epidemics, the virus came from bats.",
    "For this purpose, swabs were taken from 424 children.",
    "None of these descendants approaches its parent.",
    "The latter was not tested.",
    "By doing so, the model keeps its speed.",
    "Moreover, they were older.",
    "Similarly, childhood tuberculosis is common.",
    "To address this, stories were collected.",
    "To tackle this problem, we split the sequence.",
    "For supervised evaluations on MS MARCO, it reaches 42.6.",
    "Our method is also compatible with them.",
    "Most of them were women.",
    "Its replication is slow.",
    "It is used to treat fever.",
    "Such drift was never seen.",
)
STANDS_ALONE = (
    "It is well known that smoking harms the lungs.",
    "It has been shown that CD40L changes T cells.",
    "This study investigated school programmes.",
    "This randomised, controlled trial had two arms.",
    "In this work, we propose a network.",
    "Those who smoke are ill more often.",
    "Moreover, compound 1 was toxic.",
    "In addition, the drug lowered the pressure.",
    "In its course, the pandemic of 1918 was different.",
    "At the same time, hospitals were full.",
    "In contrast to mice, rats were healthy.",
    "Instead of bread, rats were fed with oats.",
    "Rather than oats, rats had bread.",
    "Thus far, no rat was ill.",
    "Itching was common.",
    "Thistles grow on the bank.",
    "Both drugs and diets were tried.",
    "To address this, we introduce a new dataset.",
    "To tackle this problem, we propose a network.",
    "To this end, this paper proposes a probe.",
    "To assess safety, we counted events.",
)


@pytest.mark.parametrize("text", POINTS_BACK)
def test_what_points_back(text: str) -> None:
    assert points_back(text)


@pytest.mark.parametrize("text", STANDS_ALONE)
def test_what_stands_alone(text: str) -> None:
    assert not points_back(text)


@pytest.mark.parametrize(
    "text",
    [
        "Does the model grasp metaphors?",
        "\u8be5\u6a21\u578b\u597d\u5417\uff1f",  # Is this model good?
        "RQ1: Which parts are important?",
        "Figure 1 shows an example story.",
        "Table III shows the average scores of the models.",
        "Details about the compared models are summarized in Table 1.",
        "Results are shown in Table 2.",
        "Task statistics can be found in the Table 2.",
        "Algorithm A lists the steps.",
        "In this section, we show the results of our system.",
        "Abbreviations: SD, standard deviation; CI, interval.",
        "Device 3 Query Key Figure 2: The goal is to share them.",
        "SIMLM 42.9 Table 5: Performance on the dev set.",
        "to-onset) distribution and the time until death.",
        "Autoregressive grammatical error correction.",
    ],
)
def test_what_says_nothing(text: str) -> None:
    assert not says_something(text)


@pytest.mark.parametrize(
    "text",
    [
        "Figure 1 shows that the dose raised the pressure.",
        "Table 2 reports a mean of 3.4 mmol.",
        "As Figure 2 shows, the dose mattered.",
        "In this section, we find 12 mistakes.",
        "The gene (see Table 5) is long.",
        "All 12 deaths are listed in Table 2.",
        "A higher dose was used in the second group.",
        "Body weight was higher in the supplement group.",
        "Oxidative stress was reduced in supplemented mice.",
        "The algorithm then provides better estimates.",
        "Table salt also contains iodine.",
        "It has two parts: 1) lessons, 2) a visit.",
        "a) The first group was fed with bread.",
        "Rain stops play.",
        "\u6df1\u5ea6\u5b66\u4e60\u6a21\u578b\u8868\u73b0\u5f88\u597d\u3002",  # Models do well.
        "\u0633\u0642\u0637 \u0627\u0644\u0645\u0637\u0631.",  # Rain fell.
        "We propose NewNet.",
    ],
)
def test_what_says_something(text: str) -> None:
    assert says_something(text)


def quoted(at: int, *sentences: str, between: str = " ") -> str:
    _, chunk = document_of_sentences(sentences, between=between)
    return chunk.slice(quote_start(chunk, at), chunk.sentences[at].end)


ONE, TWO, THREE = "Twelve gulls were ringed.", "They flew far south.", "They came back in May."


def test_the_sentence_before_is_brought_and_the_one_before_it() -> None:
    assert quoted(1, ONE, TWO) == f"{ONE} {TWO}"
    assert quoted(2, ONE, TWO, THREE) == f"{ONE} {TWO} {THREE}"
    assert quoted(2, "Fog hid the sea.", ONE, TWO) == f"{ONE} {TWO}"
    assert quoted(3, ONE, TWO, TWO, THREE) == f"{TWO} {TWO} {THREE}"  # two, and no more
    assert quoted(0, TWO, THREE) == TWO


def test_what_is_brought_says_something_and_is_near() -> None:
    assert quoted(1, ONE, TWO, between="\n") == f"{ONE}\n{TWO}"
    assert quoted(1, ONE, "However, fog came soon.", between="\n") == "However, fog came soon."
    assert quoted(1, "Where did the gulls go?", TWO) == TWO
    assert quoted(1, "Gulls " + "flew and flew and " * 60 + "rested.", TWO) == TWO


def test_whether_a_quote_names_what_it_speaks_of() -> None:
    _, chunk = document_of_sentences((ONE, TWO, "However, fog came."))
    assert [is_understood(chunk, at) for at in range(3)] == [True, True, True]
    _, cut = document_of_sentences((TWO, ONE, "However, fog came."))
    assert [is_understood(cut, at) for at in range(3)] == [False, True, True]
