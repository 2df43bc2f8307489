"""Measures of abstention against values made by hand and against scikit-learn."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from measured import abstained, answered, cite, dataset, gold, judge, question, row, said, total

from ragqa.evaluate.measures import risk_coverage
from ragqa.evaluate.records import GoldQuestion, Response, Row

RIGHT = said("right", cite("p", 0, 5))
WRONG = said("wrong", cite("x", 0, 5))
NAMES = ["AUROC", "AURC", "AbstainP", "AbstainR", "AnsweredRate", "FalseAnswerRate"]


def answerable(key: str) -> GoldQuestion:
    return question(key, evidence=(gold("p", 0, 9),))


# As-is: a right and sure, b wrong, c abstained on, u unanswerable yet answered, v abstained on.
# Gold-removed: a answered, b abstained on, c abstained on.
QUESTIONS = [
    *(answerable(key) for key in "abc"),
    *(question(key, answerable=False) for key in "uv"),
]
AS_IS: dict[str, Response | None] = {
    "a": answered(RIGHT, confidence=0.9),
    "b": answered(WRONG, confidence=0.7),
    "c": abstained(0.4),
    "u": answered(WRONG, confidence=0.8),
    "v": abstained(0.2),
}
REMOVED: dict[str, Response | None] = {
    "a": answered(WRONG, confidence=0.7),
    "b": abstained(0.1),
    "c": abstained(0.4),
}


def test_both_views_of_five_questions() -> None:
    totals = judge(NAMES, QUESTIONS, AS_IS, REMOVED).totals
    # answerable .9 .7 .4 against .8 .2 .7 .1 .4: 5 of 5; 3 and a tie with .7; 2 and a tie with .4
    assert totals["AUROC"] == total(pytest.approx((5 + 3.5 + 2.5) / 15), 8)
    # abstained on: c wrongly; v, b', c' rightly
    assert totals["AbstainP"] == total(3 / 4, 4, left_out=4)
    # unanswerable: u and a' answered; v, b', c' abstained on. Each question has one such row.
    assert totals["AbstainR"] == total(3 / 5, 5)
    assert totals["FalseAnswerRate"] == total(2 / 5, 5)
    assert totals["AnsweredRate"] == total(2 / 3, 3, left_out=2)


def test_risk_and_coverage_of_both_views() -> None:
    # Answered, by confidence: a right (.9), u wrong (.8), b and a' wrong (.7, .7); then those
    # abstained on, which show nothing: c, c' (.4), v (.2), b' (.1).
    rows = [row(key, response) for key, response in AS_IS.items()]
    rows += [row(key, response, "gold-removed") for key, response in REMOVED.items()]
    assert risk_coverage(dataset(*QUESTIONS), rows) == (
        (1 / 8, 0.0),
        (2 / 8, 1 / 2),
        (4 / 8, 3 / 4),
        (6 / 8, 5 / 6),
        (7 / 8, 6 / 7),
        (8 / 8, 7 / 8),
    )
    aurc = judge(["AURC"], QUESTIONS, AS_IS, REMOVED).totals["AURC"]
    assert aurc == total(pytest.approx(sum((n - 1) / n for n in range(1, 9)) / 8), 8)


def test_rows_of_equal_confidence_count_as_in_random_order() -> None:
    questions = [answerable(key) for key in "abcd"]
    statements = {"a": RIGHT, "b": RIGHT, "c": WRONG, "d": RIGHT}
    confidence = {"a": 0.9, "b": 0.5, "c": 0.5, "d": 0.5}
    responses = {key: answered(statements[key], confidence=confidence[key]) for key in "abcd"}
    orders = [("a", *rest) for rest in itertools.permutations("bcd")]
    expected = sum(
        sum(
            sum(statements[key] is WRONG for key in order[:n]) / n for n in range(1, 5)
        ) / 4
        for order in orders
    ) / len(orders)  # fmt: skip
    value = judge(["AURC"], questions, responses).totals["AURC"].value
    assert value == pytest.approx(expected)


def test_a_failed_row_is_never_a_right_abstention() -> None:
    without = judge(NAMES, QUESTIONS, AS_IS, REMOVED).totals
    failed = judge(NAMES, QUESTIONS, {**AS_IS, "v": None}, {**REMOVED, "a": None}).totals
    # answerable .9 .7 .4 against .8 .1 .4 and two that count as ordered wrongly: 3, 2, 1.5
    assert failed["AUROC"] == total(pytest.approx((3 + 2 + 1.5) / 15), 8, failed=2)
    assert failed["AbstainP"] == total(2 / 5, 5, failed=2, left_out=3)
    assert failed["AbstainR"] == total(2 / 5, 5, failed=2)
    assert failed["FalseAnswerRate"] == total(3 / 5, 5, failed=2)
    # v and a' come first and are wrong; then a right, u, b wrong; then c, c', b'
    mistakes = [1, 2, 2, 3, 4, 5, 6, 7]
    risks = [wrong / n for n, wrong in enumerate(mistakes, 1)]
    assert failed["AURC"] == total(pytest.approx(sum(risks) / 8), 8, failed=2)
    assert failed["AUROC"].value < without["AUROC"].value


def test_failing_where_it_should_have_abstained_gains_nothing() -> None:
    questions = [question("u", answerable=False), question("v", answerable=False)]
    given = {"u": None, "v": abstained()}
    totals = judge(["AbstainP", "AbstainR", "FalseAnswerRate"], questions, given).totals
    assert [each.value for each in totals.values()] == [1 / 2, 1 / 2, 1 / 2]


def test_no_value_where_there_is_nothing_to_tell_apart() -> None:
    only = judge(NAMES, [answerable("a")], {"a": answered(RIGHT)}).totals
    assert only["AUROC"] == only["AbstainP"] == only["AbstainR"] == total(None, 0, left_out=1)
    assert only["AURC"] == total(0.0, 1)
    unsure = answered(RIGHT, confidence=None)
    given = {**AS_IS, "a": unsure, "b": unsure, "c": abstained(None), "u": unsure}
    none = judge(NAMES, QUESTIONS, {**given, "v": abstained(None)}).totals
    assert none["AUROC"] == none["AURC"] == total(None, 0, left_out=5)
    assert none["AbstainP"] == total(1 / 2, 2, left_out=3)


def test_a_system_that_only_retrieves_has_an_auroc_and_no_threshold() -> None:
    given = {
        key: Response(hits=(), confidence=number)
        for key, number in zip("abcuv", (0.9, 0.8, 0.3, 0.4, 0.1), strict=True)
    }
    totals = judge(NAMES, QUESTIONS, given).totals
    assert totals["AUROC"] == total(pytest.approx(5 / 6), 5)
    for name in NAMES[1:]:
        assert totals[name] == total(None, 0, left_out=5)
    rows = [row(key, response) for key, response in given.items()]
    assert risk_coverage(dataset(*QUESTIONS), rows) == ()


@pytest.mark.parametrize("confidence", [None, math.nan, math.inf, -math.inf])
def test_a_confidence_that_is_none_gains_nothing(confidence: float | None) -> None:
    for key in AS_IS:
        response = answered(RIGHT, confidence=confidence)
        strange = judge(["AUROC", "AURC"], QUESTIONS, {**AS_IS, key: response}).totals
        failed = judge(["AUROC", "AURC"], QUESTIONS, {**AS_IS, key: None}).totals
        assert strange["AUROC"].value == failed["AUROC"].value
        assert strange["AURC"].value == failed["AURC"].value
        assert strange["AUROC"].failed == 0


def test_questions_without_gold_for_correct_are_left_out_of_the_risk() -> None:
    questions = [answerable("a"), question("no gold")]
    given = {"a": answered(RIGHT), "no gold": answered(RIGHT)}
    assert judge(["AURC"], questions, given).totals["AURC"] == total(0.0, 1, left_out=1)


def test_an_unanswerable_row_is_wrong_even_where_its_words_are_right() -> None:
    asked = question("a", answers=("red",), relevant={"p": 1}, paper_ids=("p",))
    rows = [row("a", answered("red")), row("a", answered("red", confidence=0.5), "gold-removed")]
    assert risk_coverage(dataset(asked), rows) == ((0.5, 0.0), (1.0, 0.5))


def test_statements_kept_back_below_the_threshold_count_where_they_are_covered() -> None:
    kept = Response(statements=(RIGHT,), abstained=True, confidence=0.3)
    rows = [row("a", answered(RIGHT)), row("b", kept)]
    questions = dataset(answerable("a"), answerable("b"))
    assert risk_coverage(questions, rows) == ((0.5, 0.0), (1.0, 0.0))
    shy = [row("a", answered(WRONG, confidence=0.2)), row("b", abstained(0.9))]
    assert risk_coverage(questions, shy) == ((0.5, 1.0), (1.0, 1.0))  # answered comes first


LEVELS = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0])  # few, so that there are ties
VERDICTS = st.lists(st.tuples(st.booleans(), st.booleans(), LEVELS), min_size=2, max_size=30)
Verdicts = list[tuple[bool, bool, float]]


def made(verdicts: Verdicts) -> tuple[list[GoldQuestion], list[Row]]:
    """Make questions and rows: whether answerable, whether right or abstained, how sure."""
    questions, rows = [], []
    for number, (is_answerable, good, confidence) in enumerate(verdicts):
        key = str(number)
        questions.append(answerable(key) if is_answerable else question(key, answerable=False))
        if good and not is_answerable:
            rows.append(row(key, abstained(confidence)))
        else:
            statement = RIGHT if good else WRONG
            rows.append(row(key, answered(statement, confidence=confidence)))
    return questions, rows


def responses(rows: Sequence[Row]) -> dict[str, Response | None]:
    return {each.question_id: each.response for each in rows}


@given(VERDICTS)
def test_auroc_is_that_of_scikit_learn(verdicts: Verdicts) -> None:
    from sklearn.metrics import roc_auc_score

    questions, rows = made(verdicts)
    value = judge(["AUROC"], questions, responses(rows)).totals["AUROC"].value
    labels = [is_answerable for is_answerable, _, _ in verdicts]
    if len(set(labels)) == 1:
        assert value is None
    else:
        scores = [confidence for _, _, confidence in verdicts]
        assert value == pytest.approx(roc_auc_score(labels, scores))


@given(VERDICTS)
def test_abstention_at_the_threshold_is_that_of_scikit_learn(verdicts: Verdicts) -> None:
    from sklearn.metrics import precision_score, recall_score

    questions, rows = made(verdicts)
    unanswerable = [not is_answerable for is_answerable, _, _ in verdicts]
    declined = [each.response is not None and bool(each.response.abstained) for each in rows]
    totals = judge(["AbstainP", "AbstainR"], questions, responses(rows)).totals
    precision, recall = totals["AbstainP"].value, totals["AbstainR"].value
    if any(declined):
        assert precision == pytest.approx(precision_score(unanswerable, declined))
    else:
        assert precision is None
    if any(unanswerable):
        assert recall == pytest.approx(recall_score(unanswerable, declined))
    else:
        assert recall is None


@given(VERDICTS)
def test_the_area_under_the_curve_is_the_mean_of_all_risks(verdicts: Verdicts) -> None:
    questions, rows = made(verdicts)
    order = sorted(
        (not (good and not is_answerable), confidence, not (good and is_answerable))
        for is_answerable, good, confidence in verdicts
    )[::-1]
    points = dict(risk_coverage(dataset(*questions), rows))
    # Naive: in a group of equals every row counts as the group's share of mistakes.
    groups = [list(group) for _, group in itertools.groupby(order, key=lambda each: each[:2])]
    shares = [sum(wrong for *_, wrong in group) / len(group) for group in groups for _ in group]
    risks = [sum(shares[:n]) / n for n in range(1, len(shares) + 1)]
    value = judge(["AURC"], questions, responses(rows)).totals["AURC"].value
    assert value == pytest.approx(sum(risks) / len(risks))
    ends = itertools.accumulate(map(len, groups))
    assert list(points) == [end / len(order) for end in ends]
    for coverage, risk in points.items():
        assert risk == pytest.approx(risks[round(coverage * len(order)) - 1])
