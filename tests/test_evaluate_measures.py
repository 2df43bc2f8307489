"""Measures of retrieval, evidence, answers, citations and cost against values made by hand."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace

import pytest
from measured import (
    abstained,
    answered,
    cite,
    dataset,
    gold,
    hits,
    judge,
    one,
    question,
    retrieved,
    row,
    said,
    total,
)

from ragqa.errors import EvaluationError
from ragqa.evaluate.measures import curve_measure, parse_measures, recall_curve, score
from ragqa.evaluate.records import Evidence, Hit, Response, Timing

# --- retrieval -----------------------------------------------------------------------------------

# Ranked papers: b, x, a. Relevant: a (grade 1), b (grade 2), c (grade 1, not found).
RANKED = question("q", relevant={"a": 1, "b": 2, "c": 1})
FOUND = retrieved("b", "b", "x", "b", "a", "x")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        # gains 2 at rank 1, 1 at rank 3; best possible 2, 1, 1 at ranks 1 to 3
        ("nDCG@10", (2 + 1 / 2) / (2 + 1 / math.log2(3) + 1 / 2)),
        ("nDCG@1", 1.0),
        ("nDCG@2", 2 / (2 + 1 / math.log2(3))),
        ("nDCG", (2 + 1 / 2) / (2 + 1 / math.log2(3) + 1 / 2)),
        ("R@1", 1 / 3),
        ("R@2", 1 / 3),
        ("R@3", 2 / 3),
        ("R@20", 2 / 3),
        ("RR", 1.0),
        # precision 1/1 at b, 2/3 at a, 0 for c
        ("AP", (1 + 2 / 3) / 3),
        ("AP@2", 1 / 3),
        ("P@1", 1.0),
        ("P@2", 0.5),
        ("P@5", 2 / 5),
        ("Success@1", 1.0),
    ],
)
def test_papers_are_ranked_by_their_best_hit(name: str, value: float) -> None:
    assert one(name, RANKED, FOUND) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "value"),
    [("RR", 1 / 3), ("RR@3", 1 / 3), ("RR@2", 0.0), ("Success@2", 0.0), ("Success@3", 1.0)],
)
def test_the_first_relevant_paper_at_rank_three(name: str, value: float) -> None:
    response = retrieved("x", "x", "y", "x", "a")
    assert one(name, RANKED, response) == pytest.approx(value)


def test_a_question_without_relevant_papers_is_left_out_and_a_failed_one_is_not() -> None:
    questions = [
        RANKED,
        question("failed", relevant={"a": 1}),
        question("empty", relevant={"a": 1}),
        question("unjudged"),
    ]
    given = {"q": FOUND, "failed": None, "empty": retrieved(), "unjudged": FOUND}
    scores = judge(["RR", "R@3"], questions, given)
    assert scores.question_ids == ("q", "failed", "empty", "unjudged")
    assert scores.per_question["RR"] == (1.0, 0.0, 0.0, None)
    assert scores.totals["RR"] == total(1 / 3, 3, failed=1, left_out=1)
    assert scores.totals["R@3"] == total(pytest.approx(2 / 9), 3, failed=1, left_out=1)


def test_a_system_that_does_not_retrieve_has_no_retrieval_measures() -> None:
    questions = [RANKED, question("failed", relevant={"a": 1}, evidence=(gold("a", 0, 9),))]
    given = {"q": answered("x", hits=None), "failed": None}
    scores = judge(["RR", "EvidenceHit@5"], questions, given)
    assert scores.totals["RR"] == scores.totals["EvidenceHit@5"] == total(None, 0, left_out=2)
    assert scores.per_question["RR"] == (None, None)


def test_a_system_that_only_ever_fails_does_not_escape_by_it() -> None:
    questions = [RANKED, question("u", answerable=False)]
    names = ["RR", "Correct", "AnsweredRate", "AbstainR", "FalseAnswerRate", "AUROC", "AURC"]
    scores = judge(names, questions, {"q": None, "u": None})
    assert [scores.totals[name].value for name in names] == [0, 0, 0, 0, 1, 0, 1]


def test_papers_of_an_unanswerable_question_are_not_looked_for() -> None:
    scores = judge(
        ["nDCG@10"],
        [RANKED, question("u", relevant={"a": 1}, answerable=False)],
        {"q": retrieved("b", "a", "c"), "u": retrieved("z")},
    )
    assert scores.totals["nDCG@10"] == total(1.0, 1, left_out=1)


def test_what_ids_look_like_does_not_matter() -> None:
    strange = ["", "a b", "\t", "é\ud800", "q0"]
    asked = question("\n", relevant={"a b": 1, "\t": 1})
    assert one("AP", asked, retrieved(*strange)) == pytest.approx((1 / 2 + 2 / 3) / 2)


# --- evidence ------------------------------------------------------------------------------------

# Two annotators: the first has p[10, 20) and p[40, 50), the second q[0, 5) and one not located.
SPANS = question(
    "q",
    evidence=(gold("p", 10, 20), gold("p", 40, 50), gold("q", 0, 5, 1), gold("q", None, None, 1)),
)


@pytest.mark.parametrize(
    ("found", "hit", "recall"),
    [
        ([("p", 0, 10), ("p", 20, 40)], 0.0, 0.0),  # spans that touch share no character
        ([("p", 19, 20)], 1.0, 1 / 2),
        ([("p", 19, 41)], 1.0, 1.0),  # one hit over both
        ([("q", 0, 100)], 1.0, 1 / 2),  # the one not located stays in the denominator
        ([("r", 10, 20), ("p", None, None), ("p", 5, 6)], 0.0, 0.0),
        ([("r", 0, 1), ("r", 0, 1), ("p", 10, 11), ("p", 49, 60)], 1.0, 1 / 2),  # 4th is cut off
        ([], 0.0, 0.0),
    ],
)
def test_evidence_by_spans(
    found: list[tuple[str, int | None, int | None]], hit: float, recall: float
) -> None:
    assert one("EvidenceHit@3", SPANS, retrieved(*found)) == hit
    assert one("EvidenceR@3", SPANS, retrieved(*found)) == recall


def test_evidence_that_is_nowhere_to_be_found_stays_in_the_mean() -> None:
    questions = [question("q", evidence=(gold("p", None, None),)), SPANS_LIKE, question("none")]
    given = {key: retrieved(("p", 0, 100)) for key in ("q", "s", "none")}
    scores = judge(["EvidenceHit@1", "EvidenceR@1"], questions, given)
    assert scores.totals["EvidenceHit@1"] == total(0.5, 2, left_out=1)
    assert scores.totals["EvidenceR@1"] == total(0.5, 2, left_out=1)


SPANS_LIKE = question("s", evidence=(gold("p", 10, 20), gold("p", 10, 20)))  # one span, twice


def test_documents_of_a_paper_are_told_apart() -> None:
    evidence = Evidence(paper_id="p", text="", start=0, end=9, document="pdf")
    asked = question("q", evidence=(evidence,))
    for document, value in (("pdf", 1.0), ("readme", 0.0), (None, 1.0)):
        found = Hit(paper_id="p", score=1.0, start=0, end=9, document=document)
        assert one("EvidenceHit@1", asked, Response(hits=(found,))) == value


def test_evidence_of_an_unanswerable_question_is_not_looked_at() -> None:
    asked = question("q", evidence=(gold("p", 0, 9),), answerable=False)
    response = answered(said("x", cite("p", 0, 9)), hits=hits(("p", 0, 9)))
    for name in ("EvidenceHit@1", "EvidenceR@1", "AnswerHit@1", "CitationF1"):
        assert one(name, asked, response) is None


def test_a_curve_of_evidence_and_one_of_papers() -> None:
    rows = [row("q", retrieved(("x", 0, 9), ("p", 0, 9), ("p", 15, 16)))]
    assert curve_measure(dataset(SPANS)) == "EvidenceHit"
    assert recall_curve(dataset(SPANS), rows, (1, 2, 3)) == ((1, 0.0), (2, 0.0), (3, 1.0))
    papers = dataset(question("q", relevant={"p": 1, "y": 1}))
    assert curve_measure(papers) == "R"
    assert recall_curve(papers, rows, (1, 2, 3)) == ((1, 0.0), (2, 0.5), (3, 0.5))
    assert recall_curve(papers, [row("q", answered("x", hits=None))], (1, 2)) == ()


# --- answers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "value"), [(1, 0.0), (2, 1.0), (3, 1.0)])
def test_an_answer_hit_is_looked_for_in_the_first_statements(n: int, value: float) -> None:
    response = answered(
        said("no citation"), said("x", cite("p", 0, 5), cite("p", 44, 46)), said("y")
    )
    assert one(f"AnswerHit@{n}", SPANS, response) == value
    assert one(f"AnswerHit@{n}", SPANS, abstained()) == 0.0


@pytest.mark.parametrize(
    ("answers", "text", "f1", "contained"),
    [
        # common: twelve weeks (2); 2 * 2 / (5 + 2)
        (("twelve weeks",), "It lasted for twelve weeks.", 4 / 7, 1.0),
        # articles, case and punctuation do not count: 'heart-rate' is 'heartrate' on both sides
        (("The heart-rate",), "a Heart-Rate!", 1.0, 1.0),
        # not one after the other: common 2, answer 3, gold 2
        (("twelve weeks",), "twelve long weeks", 4 / 5, 0.0),
        # whole words only
        (("cat",), "category", 0.0, 0.0),
        # the best of several: 'blue' 2 * 1 / (2 + 1)
        (("red", "blue"), "blue sky", 2 / 3, 1.0),
        # a repeated word counts as often as both have it: 2 * 1 / (1 + 2)
        (("no no",), "no", 2 / 3, 0.0),
        # gold without words is no gold
        (("the", "sky"), "blue sky", 2 / 3, 1.0),
        (("sky",), "the", 0.0, 0.0),
    ],
)
def test_words_of_answers(answers: tuple[str, ...], text: str, f1: float, contained: float) -> None:
    asked = question("q", answers=answers)
    assert one("TokenF1", asked, answered(text)) == pytest.approx(f1)
    assert one("Containment", asked, answered(text)) == contained
    assert one("TokenF1", asked, abstained()) == one("Containment", asked, abstained()) == 0.0


def test_statements_are_joined_before_words_are_compared() -> None:
    asked = question("q", answers=("twelve weeks",))
    assert one("Containment", asked, answered("For twelve", "weeks.")) == 1.0


def test_yes_and_no_are_not_looked_for() -> None:
    assert one("Containment", question("q", answers=("No.",)), answered("no effect")) is None
    both = question("q", answers=("yes", "it does"))
    assert one("Containment", both, answered("yes")) == 0.0
    assert one("Containment", both, answered("yes it does")) == 1.0
    assert one("TokenF1", question("q", answers=("No.",)), answered("no effect")) == 2 / 3
    assert one("TokenF1", question("q", answers=("the",)), answered("the")) is None


CHOICES = question(
    "q", choices=("it rises", "it falls fast", "neither"), answers=("It falls fast",)
)


@pytest.mark.parametrize(
    ("text", "accuracy", "precision"),
    [
        ("Then it falls.", 1.0, 1.0),  # shares 1/2, 2/3, 0
        ("It rises.", 0.0, 0.0),  # 1, 1/3, 0
        ("Neither, it rises.", 0.0, None),  # 1, 1/3, 1: a tie
        ("Nobody knows.", 0.0, None),
    ],
)
def test_a_choice_is_read_from_the_answer(
    text: str, accuracy: float, precision: float | None
) -> None:
    assert one("ChoiceAccuracy", CHOICES, answered(text)) == accuracy
    assert one("ChoicePrecision", CHOICES, answered(text)) == precision
    assert one("Correct", CHOICES, answered(text)) == accuracy


def test_choices_without_the_right_one_are_not_judged() -> None:
    asked = question("q", choices=("a dog", "cats"), answers=("birds",))
    assert one("ChoiceAccuracy", asked, answered("cats")) is None
    assert one("ChoiceAccuracy", CHOICES, abstained()) == 0.0
    assert one("ChoicePrecision", CHOICES, abstained()) is None


def test_right_follows_from_the_strictest_gold() -> None:
    here, there = said("red", cite("p", 12, 14)), said("red", cite("p", 0, 5))
    evidence = {"evidence": (gold("p", 10, 20),), "relevant": {"p": 1}, "answers": ("red",)}
    by_evidence = question("q", **evidence)
    assert one("Correct", by_evidence, answered(here)) == 1.0
    assert one("Correct", by_evidence, answered(there)) == 0.0
    by_paper = question("q", relevant={"p": 1}, answers=("blue",))
    assert one("Correct", by_paper, answered(there)) == 1.0
    assert one("Correct", by_paper, answered(said("blue", cite("r", 0, 5)))) == 0.0
    # asked of p alone, citing p says nothing
    of_p = question("q", relevant={"p": 1}, answers=("blue",), paper_ids=("p",))
    assert one("Correct", of_p, answered(there)) == 0.0
    assert one("Correct", of_p, answered("blue")) == 1.0
    assert one("Correct", question("q"), answered(there)) is None
    assert one("Correct", by_evidence, abstained()) == 0.0


def test_a_right_abstention_is_paid() -> None:
    asked = question("q", answerable=False)
    assert one("Correct", asked, abstained()) == 1.0
    assert one("Correct", asked, answered("red")) == 0.0
    assert one("Correct", asked, None) == 0.0


def test_statements_of_a_system_that_abstained_are_not_shown() -> None:
    right = said("red", cite("p", 12, 14))
    response = Response(statements=(right,), abstained=True)
    asked = question("q", evidence=(gold("p", 10, 20),), answers=("red",))
    for name in ("Correct", "AnswerHit@1", "TokenF1", "Containment", "CitationF1"):
        assert one(name, asked, response) == 0.0
    assert one("QuoteAccuracy", asked, response) is None


def test_a_system_that_only_retrieves_has_no_answers_to_judge() -> None:
    asked = question("q", evidence=(gold("p", 10, 20),), answers=("red",))
    names = ["Correct", "AnswerHit@1", "TokenF1", "CitationF1", "QuoteAccuracy", "AnsweredRate"]
    scores = judge(names, [asked], {"q": retrieved("p", confidence=0.5)})
    assert set(scores.totals.values()) == {total(None, 0, left_out=1)}


# --- citations -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cited", "precision", "recall"),
    [
        ([("p", 10, 12), ("p", 45, 46), ("p", 60, 70), ("x", 0, 9)], 2 / 4, 2 / 2),
        ([("p", 10, 12)], 1.0, 1 / 2),
        ([("p", 10, 12), ("p", 10, 12), ("p", 60, 70)], 1 / 2, 1 / 2),  # a span counts once
        ([("q", 0, 9), ("p", None, None)], 1 / 2, 1 / 2),
        ([("x", 0, 9)], 0.0, 0.0),
        ([], 0.0, 0.0),
    ],
)
def test_citations_against_gold_spans(
    cited: list[tuple[str, int | None, int | None]], precision: float, recall: float
) -> None:
    response = answered(*(said("x", cite(*span)) for span in cited), "nothing cited")
    total_of_both = precision + recall
    f1 = 2 * precision * recall / total_of_both if total_of_both else 0.0
    assert one("CitationP", SPANS, response) == precision
    assert one("CitationR", SPANS, response) == recall
    assert one("CitationF1", SPANS, response) == pytest.approx(f1)


def test_the_annotator_with_the_best_f1_decides_all_three() -> None:
    # Cited: p[0, 9), p[20, 29), p[40, 49). First annotator: those three and seven more, P = 1,
    # R = .3, F1 = 6/13. Second: the first of them alone, P = 1/3, R = 1, F1 = 1/2.
    first = tuple(gold("p", start, start + 5) for start in range(0, 200, 20))
    asked = question("q", evidence=(*first, gold("p", 0, 5, 1)))
    response = answered(said("x", *(cite("p", start, start + 9) for start in (0, 20, 40))))
    assert one("CitationF1", asked, response) == pytest.approx(1 / 2)
    assert one("CitationP", asked, response) == pytest.approx(1 / 3)
    assert one("CitationR", asked, response) == 1.0


def test_quotes_and_coverage() -> None:
    questions = [question(key) for key in ("some", "none", "abstained", "failed")]
    given = {
        # 1 of 3 citations verbatim; 2 of 4 statements with a citation
        "some": answered(
            said("x", cite("p", 0, 1), cite("p", 1, 2, None)), said("y", cite("p", 2, 3, False)),
            "z", "w",
        ),
        "none": answered("z"),
        "abstained": abstained(),
        "failed": None,
    }  # fmt: skip
    scores = judge(["QuoteAccuracy", "CitationCoverage"], questions, given)
    assert scores.per_question["QuoteAccuracy"] == (1 / 3, None, None, 0.0)
    assert scores.totals["QuoteAccuracy"] == total(1 / 6, 2, failed=1, left_out=2)
    assert scores.per_question["CitationCoverage"] == (1 / 2, 0.0, None, 0.0)
    assert scores.totals["CitationCoverage"] == total(pytest.approx(1 / 6), 3, 1, 1)


# --- cost ----------------------------------------------------------------------------------------

COSTS = ["LatencyP50", "LatencyP95", "Throughput", "PeakMemory"]


def test_costs() -> None:
    questions = [question(key) for key in "abcdef"]
    given = {key: answered("x", prompt_tokens=10, completion_tokens=5, cost=0.5) for key in "abcd"}
    given |= {"e": None, "f": answered("x", cost=math.nan)}
    removed = {"a": answered("x", prompt_tokens=999, cost=999.0)}
    # e failed, f was taken over from an interrupted run, the last is a gold-removed row
    seconds = (1.0, 2.0, 3.0, 4.0, 50.0, None, 99.0)
    timing = Timing(seconds=seconds, prepare_seconds=7, total_seconds=120, peak_memory=2**30)
    names = [*COSTS, "TokensPerQuestion", "CostPerQuestion"]
    totals = judge(names, questions, given, removed, timing).totals
    assert totals["LatencyP50"] == total(2.5, 4, left_out=2)
    # position .95 * 3 = 2.85 between the third and the fourth
    assert totals["LatencyP95"] == total(pytest.approx(3.85), 4, left_out=2)
    assert totals["Throughput"] == total(4 / 10, 4, left_out=2)
    assert totals["PeakMemory"] == total(2.0**30, 6)
    assert totals["TokensPerQuestion"] == total(4 * 15 / 5, 5, left_out=1)
    assert totals["CostPerQuestion"] == total(0.5, 4, left_out=2)


@pytest.mark.parametrize("seconds", [(None,), (math.nan,), (math.inf,), (0.0,)])
def test_costs_that_are_not_known(seconds: tuple[float | None]) -> None:
    timing = Timing(seconds=seconds, prepare_seconds=0, total_seconds=0)
    totals = judge(COSTS, [question("q")], {"q": answered("x")}, timing=timing).totals
    assert totals["Throughput"] == totals["PeakMemory"] == total(None, 0, left_out=1)
    timed = total(0.0, 1) if seconds == (0.0,) else total(None, 0, left_out=1)
    assert totals["LatencyP50"] == totals["LatencyP95"] == timed
    untimed = judge(COSTS, [question("q")], {"q": answered("x")}).totals
    assert set(untimed.values()) == {total(None, 0, left_out=1)}


# --- rows that do not fit ------------------------------------------------------------------------


def test_every_row_that_does_not_fit_is_named_at_once() -> None:
    questions = dataset(question("a"), question("b"), question("u", answerable=False))
    rows = [row(key, abstained()) for key in ("a", "a", "u", "z")]
    rows.append(row("u", abstained(), "gold-removed"))
    with pytest.raises(EvaluationError) as caught:
        score(parse_measures(["Correct"]), questions, rows)
    for told in ("no row: b", "several rows: a", "not in the dataset: z", "no gold to remove: u"):
        assert told in str(caught.value)
    timing = Timing(seconds=(1.0,), prepare_seconds=0, total_seconds=0)
    with pytest.raises(EvaluationError, match="1 timings, 2 rows"):
        score((), dataset(question("a")), rows[:2], timing)


def test_no_questions_no_values() -> None:
    scores = judge(["RR", "AUROC", "AURC", "AbstainP", "LatencyP50", "TokenF1"], [], {})
    assert set(scores.totals.values()) == {total(None, 0)}


def test_importing_measures_imports_nothing_heavy() -> None:
    code = (
        "import sys, ragqa.evaluate.measures;"
        "print([m for m in ('ir_measures', 'scipy', 'sklearn', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_mean_does_not_depend_on_the_order_of_its_sum() -> None:
    # .1 + .2 + .3 is not .3 + .2 + .1 when added one after the other
    shares = {
        str(n): answered(*[said("x", cite("p", 0, 1))] * n, *["y"] * (10 - n)) for n in (1, 2, 3)
    }
    means = [
        judge(["CitationCoverage"], [question(key) for key in order], shares).totals
        for order in ("123", "321")
    ]
    assert means[0] == means[1]


def test_a_citation_whose_words_are_not_there_points_nowhere() -> None:
    asked = question("q", evidence=(gold("a", 10, 20),))
    for verbatim, value in ((True, 1.0), (None, 1.0), (False, 0.0)):
        response = answered(said("x", cite("a", 12, 18, verbatim=verbatim)))
        assert one("AnswerHit@1", asked, response) == value
        assert one("CitationF1", asked, response) == value
        assert one("Correct", asked, response) == value


def test_citations_without_a_place_are_told_apart_by_their_words() -> None:
    right, no_place = cite("p", 10, 20), cite("p", None, None, verbatim=False)
    other = replace(no_place, quote="other words")
    asked = question("q", evidence=(gold("p", 10, 20),))
    assert one("CitationP", asked, answered(said("s", right, no_place, no_place))) == 1 / 2
    assert one("CitationP", asked, answered(said("s", right, no_place, other))) == 1 / 3
    assert one("CitationP", asked, answered(said("s", right, replace(right, quote="?")))) == 1
