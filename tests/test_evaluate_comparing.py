"""`ragqa.evaluate.comparing` and `gates`: hand-made cases, an exact oracle, coverage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from evaluated import Keyword, dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from ragqa.errors import EvaluationError
from ragqa.evaluate.comparing import (
    RESAMPLES,
    comparable,
    compare,
    interval,
    p_value,
    question_diff,
)
from ragqa.evaluate.gates import check_gates, parse_gate
from ragqa.evaluate.harness import evaluate
from ragqa.evaluate.records import Hit, Response, Row, Run, Scores, Total

Values = Sequence[float | None]


def run_of(
    values: Mapping[str, Values],
    *,
    system: str = "s",
    sha256: str = "a" * 64,
    first: int = 0,
    lower: Sequence[str] = (),
    responses: Sequence[Response | str] | None = None,
) -> Run:
    """Return a run with these values of questions ``q<first>``, ``q<first + 1>``, ..."""
    count = len(next(iter(values.values())))
    ids = tuple(f"q{number}" for number in range(first, first + count))
    given = responses or [Response(hits=())] * count
    rows = tuple(
        Row(question_id=question, error=each)
        if isinstance(each, str)
        else Row(question_id=question, response=each)
        for question, each in zip(ids, given, strict=True)
    )
    about: dict[str, Any] = {
        "dataset": {"name": "d", "sha256": sha256},
        "measures": [{"name": name, "higher_is_better": name not in lower} for name in values],
        "questions": [
            {"question_id": question, "text": f"{question}?", "gold_papers": ["gold", "other"]}
            for question in ids
        ],
    }
    totals = {name: Total(value=1.0, count=count) for name in values}
    scores = Scores(
        question_ids=ids,
        per_question={name: tuple(column) for name, column in values.items()},
        totals=totals,
    )
    return Run(system=system, about=about, rows=rows, scores=scores)


def test_by_hand() -> None:
    (found,) = compare(run_of({"m": [0, 0.5, 1, 1]}), run_of({"m": [1, 0.5, 1, 0.5]}))
    assert (found.first, found.second, found.difference) == (0.625, 0.75, 0.125)
    assert (found.won, found.lost, found.tied) == (("q0",), ("q3",), 2)
    # flips of +1 and -0.5: sums 1.5, 0.5, -0.5, -1.5; three of four are as far from 0 as 0.5,
    # and of each side two: twice the smaller side's share, at most 1
    assert found.p_value == 1
    assert found.low < found.difference < found.high


def test_a_measure_that_is_better_lower() -> None:
    first, second = ({"m": [1.0, 2.0, 3.0]}, {"m": [0.0, 2.0, 4.0]})
    (found,) = compare(run_of(first, lower=["m"]), run_of(second, lower=["m"]))
    assert (found.won, found.lost) == (("q0",), ("q2",))
    changes = question_diff(run_of(first, lower=["m"]), run_of(second, lower=["m"]), "m")
    assert [(change.question_id, change.won) for change in changes] == [("q0", True), ("q2", False)]


def test_only_questions_that_both_judged() -> None:
    first = run_of({"m": [1, None, 0, 0.25]})
    second = run_of({"m": [0, 0, None, 0.75]}, first=0)
    (found,) = compare(first, second)
    assert (found.first, found.second) == (0.625, 0.375)
    (shifted,) = compare(first, run_of({"m": [1, 1, 1]}, first=3))
    assert (shifted.first, shifted.second, shifted.won) == (0.25, 1, ("q3",))
    assert compare(first, run_of({"m": [1, 1, 1]}, first=9)) == ()


def test_equal_runs() -> None:
    same = run_of({"m": [0.1, 0.2, 0.7]})
    (found,) = compare(same, same)
    assert (found.difference, found.low, found.high, found.p_value) == (0, 0, 0, 1)
    assert (found.won, found.lost, found.tied) == ((), (), 3)
    assert question_diff(same, same, "m") == ()
    (shifted,) = compare(same, run_of({"m": [0.2, 0.3, 0.8]}))
    assert (shifted.low, shifted.high) == (0.1, 0.1)
    (single,) = compare(run_of({"m": [0.0]}), run_of({"m": [1.0]}))
    assert (single.low, single.high, single.p_value) == (1, 1, 1)


def test_the_other_way_round() -> None:
    chosen = np.random.default_rng(5)
    one, other = ({"m": chosen.integers(0, 3, 40).tolist()} for _ in range(2))
    (there,), (back,) = compare(run_of(one), run_of(other)), compare(run_of(other), run_of(one))
    assert there.difference == -back.difference
    assert (there.won, there.lost, there.tied) == (back.lost, back.won, back.tied)
    assert there.p_value == pytest.approx(back.p_value, abs=0.02)
    assert there.low == pytest.approx(-back.high, abs=0.05)
    assert compare(run_of(one), run_of(other)) == (there,)


def exact(differences: Sequence[float]) -> float:
    """Return the p-value by trying every choice of signs."""
    observed = sum(differences)
    sums = [
        sum(sign * each for sign, each in zip(signs, differences, strict=True))
        for signs in product((1, -1), repeat=len(differences))
    ]
    sides = [
        sum(each >= observed - 1e-9 for each in sums),
        sum(each <= observed + 1e-9 for each in sums),
    ]
    return min(1, 2 * min(sides) / len(sums))


@settings(max_examples=25)
@given(st.lists(st.sampled_from([-1, -0.5, -0.25, 0, 0, 0.25, 0.5, 1]), min_size=1, max_size=8))
def test_p_is_exact_for_few(differences: list[float]) -> None:
    assert p_value(np.array(differences, float)) == pytest.approx(exact(differences))


def test_p_is_near_exact_for_many() -> None:
    differences = np.array([1.0] * 13 + [-1.0] * 5)
    # a sign test: 2 * P(at least 13 of 18 heads)
    heads = sum(__import__("math").comb(18, k) for k in range(13, 19)) / 2**18
    assert p_value(differences) == pytest.approx(2 * heads, abs=0.015)
    assert p_value(np.ones(400)) == pytest.approx(2 / (RESAMPLES + 1))


@pytest.mark.slow
def test_the_interval_covers() -> None:
    """Of 400 samples of 60 differences, some 95 % of the intervals hold the true mean."""
    chosen = np.random.default_rng(7)
    values = np.array([-1, -0.37, 0, 0, 0, 0.37, 1])
    weights = np.array([1, 2, 6, 6, 6, 4, 3]) / 28
    truth = float(values @ weights)
    covered = 0
    for _ in range(400):
        low, high = interval(chosen.choice(values, 60, p=weights))
        covered += low <= truth <= high
    assert 0.91 <= covered / 400 <= 0.98


def test_many_questions_take_seconds_not_minutes() -> None:
    chosen = np.random.default_rng(3)
    names = [f"m{number}" for number in range(3)]
    one, other = ({name: chosen.random(809).tolist() for name in names} for _ in range(2))
    found = compare(run_of(one), run_of(other))
    assert [each.measure for each in found] == names
    assert all(each.low <= each.difference <= each.high for each in found)


def test_mistakes() -> None:
    run = run_of({"m": [1.0], "n": [1.0]})
    with pytest.raises(EvaluationError, match="different datasets"):
        compare(run, run_of({"m": [1.0]}, sha256="b" * 64))
    with pytest.raises(EvaluationError, match="They have: m, n"):
        compare(run, run, ["m", "AUROC"])
    with pytest.raises(EvaluationError, match="AUROC"):
        question_diff(run, run, "AUROC")
    assert comparable(run, run_of({"n": [1.0], "o": [0.0]})) == ("n",)
    assert [each.measure for each in compare(run, run, ["n", "m"])] == ["n", "m"]


def hit(paper: str) -> Hit:
    return Hit(paper_id=paper, score=1.0, text=f"words of {paper}")


def test_what_changed_and_why() -> None:
    first = run_of(
        {"m": [1, 0.5, 0, 1, 0.2]},
        responses=[
            Response(hits=(hit("gold"), hit("other"))),
            Response(hits=(hit("a"), hit("a"), hit("gold"))),
            "it broke",
            Response(hits=(hit("gold"),)),
            Response(hits=(hit("a"),)),
        ],
    )
    second = run_of(
        {"m": [0, 1, 1, 1, 0.1]},
        responses=[
            Response(hits=(hit("b"),), statements=(), abstained=True),
            Response(hits=(hit("gold"),)),
            Response(hits=(hit("other"),)),
            Response(hits=(hit("gold"),)),
            Response(hits=(hit("a"),)),
        ],
    )
    changes = question_diff(first, second, "m")
    assert [change.question_id for change in changes] == ["q0", "q2", "q1", "q4"]
    lost, found, better, same = changes
    assert (lost.won, lost.difference, lost.first.gold_ranks) == (
        False,
        -1,
        {"gold": 1, "other": 2},
    )
    assert lost.second.abstained
    assert lost.second.first_text == "words of b"
    assert lost.why == (
        "the second abstained; best gold paper: rank 1, then not found; first paper: gold, then b"
    )
    assert found.why == (
        "the first failed: it broke; best gold paper: not found, then rank 1; "
        "first paper: none, then other"
    )
    assert better.why == "best gold paper: rank 2, then rank 1; first paper: a, then gold"
    assert same.why == "the same papers first"
    assert lost.to_dict()["second"]["first_paper"] == "b"


class Answers(Keyword):
    """Answers from any paper where it is given some."""

    def respond(
        self, question: str, *, paper_ids: Sequence[str] | None, depth: int
    ) -> tuple[Response, float]:
        response, seconds = super().respond(question, paper_ids=paper_ids, depth=depth)
        if paper_ids is None:
            return response, seconds
        said = (self._said(paper_ids[0]),)
        return replace(response, statements=said, abstained=False), seconds


def test_what_is_told_is_of_the_view_that_was_judged() -> None:
    data = dataset()
    bold = evaluate(data, Answers.over(data), remove_gold=True)
    good = evaluate(data, Keyword.over(data), remove_gold=True)
    changes = question_diff(bold, good, "FalseAnswerRate")
    assert len(changes) == 5
    first = changes[0]
    assert first.won
    assert first.first.abstained is False
    assert first.second.abstained is True
    assert first.why == "the second abstained"
    assert first.second.gold_ranks == {}


def test_real_runs() -> None:
    data = dataset()
    good = evaluate(data, Keyword.over(data))
    bad = evaluate(data, Keyword.over(data, failing=frozenset({"zinc"})))
    found = {each.measure: each for each in compare(good, bad)}
    assert found["nDCG@10"].lost == ("secret-id-0",)
    assert found["nDCG@10"].difference == -0.2
    assert "LatencyP95" not in found
    (change,) = question_diff(good, bad, "nDCG@10")
    assert change.first.gold_ranks == {"paper-0": 1}
    assert "the second failed: ValueError: no idea about ['zinc']" in change.why


@pytest.mark.parametrize(
    ("text", "system", "measure", "bound", "is_floor"),
    [
        ("nDCG@10=0.70", None, "nDCG@10", 0.7, True),
        (" nDCG@10 >= .7 ", None, "nDCG@10", 0.7, True),
        ("ragqa:AUROC>=.9", "ragqa", "AUROC", 0.9, True),
        ("LatencyP95<=0.5", None, "LatencyP95", 0.5, False),
        ("LatencyP95=1e-1", None, "LatencyP95", 0.1, False),
        ("ragqa(min_confidence=0.3):R@5=1", "ragqa(min_confidence=0.3)", "R@5", 1, True),
        ("dense(embedder='a:b'): RR=0", "dense(embedder='a:b')", "RR", 0, True),
    ],
)
def test_gates_are_read(
    text: str, system: str | None, measure: str, bound: float, is_floor: bool
) -> None:
    gate = parse_gate(text)
    assert (gate.system, gate.measure, gate.bound) == (system, measure, bound)
    assert gate.is_floor == is_floor
    assert gate.text == text.strip()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nDCG@10", "no gate"),
        ("=0.7", "no gate"),
        ("", "no gate"),
        ("nDCG@10>0.7", "no gate"),
        ("nDCG@10=much", "'much' is no number"),
        ("nDCG@10=nan", "no bound"),
        ("nDCG@10=inf", "no bound"),
        ("nDCG@10<=0.7", "this takes >="),
        ("LatencyP95>=0.7", "this takes <="),
        ("Goodness=0.7", "Goodness"),
        ("ragqa:=0.7", "cannot be read"),
    ],
)
def test_bad_gates(text: str, message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        parse_gate(text)


def test_gates_pass_and_fail() -> None:
    data = dataset()
    run = evaluate(data, Keyword.over(data), measures=["nDCG@10", "R@5", "LatencyP95"])
    other = replace(run, system="other")
    passing = ["nDCG@10=1", "nDCG@10>=0.999999", "LatencyP95<=100", "other:R@5=0.5"]
    assert check_gates([parse_gate(text) for text in passing], [run, other]) == ()
    failing = {
        "nDCG@10=1.000001": "keyword has nDCG@10 1, not >= 1",
        "LatencyP95<=0.0000001": "keyword has LatencyP95",
        "nobody:R@5=0": "no such system",
        "RR=0": "not measured by RR",
    }
    missed = check_gates([parse_gate(text) for text in failing], [run, other])
    assert len(missed) == len(failing)
    for line, (text, said) in zip(missed, failing.items(), strict=True):
        assert line.startswith(f"{text}: ")
        assert said in line


def test_a_gate_on_nothing_is_missed() -> None:
    run = evaluate(dataset(), Keyword.over(dataset()), measures=["TokenF1"])
    empty = replace(
        run, scores=replace(run.scores, totals={"TokenF1": Total(value=None, count=0, left_out=6)})
    )
    (line,) = check_gates([parse_gate("TokenF1=0")], [empty])
    assert "no question could be judged" in line
