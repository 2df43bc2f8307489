"""What holds for every measure, whatever a system gives."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from measured import dataset, gold, question

from ragqa.evaluate.measures import (
    all_measures,
    parse_measures,
    recall_curve,
    risk_coverage,
    score,
)
from ragqa.evaluate.records import (
    Dataset,
    Evidence,
    GoldQuestion,
    Hit,
    Quoted,
    Response,
    Row,
    Said,
    Scores,
    Timing,
    Total,
)

MEASURES = all_measures()
few = settings(max_examples=30, deadline=None)  # drawing a whole run takes some ms
SEEN = [each for each in MEASURES if each.group in {"retrieval", "evidence"}]
BOTH_VIEWS = {"AUROC", "AURC", "AbstainP"}  # counted in rows
PAPERS = st.sampled_from(["p", "q", "r", "s"])
WORDS = st.lists(st.sampled_from(["red", "blue", "no", "the", "sky", "is"]), max_size=4)
TEXTS = WORDS.map(" ".join)
SPANS = st.one_of(
    st.just((None, None)),
    st.tuples(st.integers(0, 30), st.integers(1, 9)).map(lambda pair: (pair[0], sum(pair))),
)


@st.composite
def hit(draw: st.DrawFn) -> Hit:
    start, end = draw(SPANS)
    return Hit(paper_id=draw(PAPERS), score=draw(st.floats()), start=start, end=end)


@st.composite
def statement(draw: st.DrawFn) -> Said:
    def citation() -> Quoted:
        start, end = draw(SPANS)
        verbatim = draw(st.sampled_from([True, False, None]))
        return Quoted(paper_id=draw(PAPERS), quote="", start=start, end=end, verbatim=verbatim)

    citations = tuple(citation() for _ in range(draw(st.integers(0, 2))))
    return Said(text=draw(TEXTS), citations=citations)


@st.composite
def evidence(draw: st.DrawFn) -> Evidence:
    return gold(draw(PAPERS), *draw(SPANS), annotator=draw(st.integers(0, 1)))


@st.composite
def asked(draw: st.DrawFn, key: str) -> GoldQuestion:
    return question(
        key,
        answers=tuple(draw(st.lists(TEXTS, max_size=2))),
        evidence=tuple(draw(st.lists(evidence(), max_size=3))),
        relevant=draw(st.dictionaries(PAPERS, st.integers(1, 3), max_size=3)),
        paper_ids=tuple(draw(st.lists(PAPERS, max_size=2, unique=True))),
        answerable=draw(st.sampled_from([True, True, False])),
        choices=tuple(draw(st.lists(TEXTS, max_size=3))),
    )


CONFIDENCES = st.sampled_from([0.0, 0.25, 0.5, 1.0, None, math.nan, math.inf])
RESPONSES = st.one_of(
    st.none(),
    st.builds(
        Response,
        hits=st.one_of(st.none(), st.lists(hit(), max_size=6).map(tuple)),
        statements=st.one_of(st.none(), st.lists(statement(), max_size=3).map(tuple)),
        abstained=st.sampled_from([True, False, None]),
        confidence=CONFIDENCES,
        prompt_tokens=st.integers(0, 9),
        cost=st.sampled_from([0.0, 0.5, math.nan]),
    ),
)
Run = tuple[Dataset, tuple[Row, ...], Timing]


@st.composite
def runs(draw: st.DrawFn, min_size: int = 0) -> Run:
    """Draw questions, the rows of both views, and their timing."""
    count = draw(st.integers(min_size, 5))
    questions = [draw(asked(f"q{number}")) for number in range(count)]
    rows = [Row(question_id=each.question_id, response=draw(RESPONSES)) for each in questions]
    rows += [
        Row(question_id=each.question_id, view="gold-removed", response=draw(RESPONSES))
        for each in questions
        if each.answerable and draw(st.booleans())
    ]
    known = st.sampled_from([None, 0.0, 0.5, 2.0, math.nan])
    seconds = tuple(draw(known) for _ in rows)
    timing = Timing(seconds=seconds, prepare_seconds=0, total_seconds=0, peak_memory=7)
    return dataset(*questions), tuple(rows), timing


def numbers(scores: Scores) -> dict[str, float | None]:
    return {name: each.value for name, each in scores.totals.items()}


@few
@given(runs())
def test_values_are_in_bounds_and_every_question_is_accounted_for(run: Run) -> None:
    samples, rows, _ = run
    scores = score(MEASURES, *run)
    assert list(scores.totals) == [measure.name for measure in MEASURES]
    for measure in MEASURES:
        found: Total = scores.totals[measure.name]
        there = len(rows) if measure.name in BOTH_VIEWS else len(samples.questions)
        assert found.count + found.left_out == there
        assert 0 <= found.failed <= found.count
        assert (found.value is None) == (found.count == 0)
        values = [*scores.per_question.get(measure.name, ()), found.value]
        for value in values:
            if value is not None:
                assert measure.low <= value
                assert value <= (math.inf if measure.high is None else measure.high)
                assert math.isfinite(value)
        if measure.name in scores.per_question:
            column = scores.per_question[measure.name]
            assert len(column) == len(samples.questions)
            assert found.left_out == sum(value is None for value in column)
    for coverage, risk in risk_coverage(samples, rows):
        assert 0 < coverage <= 1
        assert 0 <= risk <= 1


@few
@given(runs(), st.randoms(use_true_random=False))
def test_order_does_not_matter(run: Run, random: Random) -> None:
    samples, rows, timing = run
    order = random.sample(range(len(rows)), len(rows))
    shuffled = replace(
        samples, questions=tuple(random.sample(samples.questions, len(samples.questions)))
    )
    rows_too = [rows[number] for number in order]
    timing_too = replace(timing, seconds=tuple(timing.seconds[number] for number in order))
    before, after = score(MEASURES, *run), score(MEASURES, shuffled, rows_too, timing_too)
    assert before.totals == after.totals  # to the last digit
    for name, column in before.per_question.items():
        moved = dict(zip(after.question_ids, after.per_question[name], strict=True))
        assert column == tuple(moved[key] for key in before.question_ids)
    assert risk_coverage(samples, rows) == risk_coverage(shuffled, rows_too)


def renamed_papers(response: Response | None, names: Mapping[str, str]) -> Response | None:
    if response is None:
        return None
    given_hits, statements = response.hits, response.statements
    return replace(
        response,
        hits=given_hits
        and tuple(replace(each, paper_id=names[each.paper_id]) for each in given_hits),
        statements=statements
        and tuple(
            replace(
                each,
                citations=tuple(replace(c, paper_id=names[c.paper_id]) for c in each.citations),
            )
            for each in statements
        ),
    )


def renamed(asked: GoldQuestion, names: Mapping[str, str]) -> GoldQuestion:
    return replace(
        asked,
        question_id=f"no {asked.question_id}",
        evidence=tuple(replace(each, paper_id=names[each.paper_id]) for each in asked.evidence),
        relevant={names[paper]: grade for paper, grade in asked.relevant.items()},
        paper_ids=tuple(names[paper] for paper in asked.paper_ids),
    )


@few
@given(runs(), st.permutations(["p", "q", "r", "s"]))
def test_ids_do_not_matter(run: Run, other: list[str]) -> None:
    samples, rows, timing = run
    names = dict(zip("pqrs", other, strict=True))
    questions = tuple(renamed(each, names) for each in samples.questions)
    rows_too = [
        replace(
            each,
            question_id=f"no {each.question_id}",
            response=renamed_papers(each.response, names),
        )
        for each in rows
    ]
    after = score(MEASURES, replace(samples, questions=questions), rows_too, timing)
    before = score(MEASURES, *run)
    assert before.totals == after.totals
    assert before.per_question == after.per_question


@few
@given(runs(min_size=1), st.data())
def test_a_question_that_fails_makes_nothing_better(run: Run, data: st.DataObject) -> None:
    samples, rows, timing = run
    number = data.draw(st.integers(0, len(rows) - 1))
    broken = [*rows[:number], replace(rows[number], response=None), *rows[number + 1 :]]
    # What the system gives at all is judged on the whole run: one other row still shows it.
    assume(gives(rows) == gives(broken))
    before, after = score(MEASURES, *run), score(MEASURES, samples, broken, timing)
    for measure in MEASURES:
        if measure.group == "cost":
            continue  # what a failed question cost is not known
        old, new = before.totals[measure.name].value, after.totals[measure.name].value
        if old is not None and new is not None:
            gain = new - old if measure.higher_is_better else old - new
            assert gain <= 1e-12, measure.name
        assert old is None or new is not None, measure.name


def gives(rows: Sequence[Row]) -> tuple[bool, ...]:
    there = [each.response for each in rows if each.response is not None]
    return (
        bool(there),
        any(each.hits is not None for each in there),
        any(each.statements is not None for each in there),
        any(each.abstained is not None for each in there),
        any(each.confidence is not None and math.isfinite(each.confidence) for each in there),
    )


MONOTONE = ["EvidenceHit", "EvidenceR", "R", "Success", "RR", "AP", "AnswerHit"]


@pytest.mark.parametrize("base", MONOTONE)
@few
@given(run=runs(min_size=1))
def test_looking_deeper_never_lowers(base: str, run: Run) -> None:
    samples, rows, _ = run
    measures = parse_measures([f"{base}@{depth}" for depth in (1, 2, 3, 5, 1000)])
    columns = score(measures, samples, rows).per_question.values()
    for values in zip(*columns, strict=True):
        known = [value for value in values if value is not None]
        assert known == sorted(known)
        assert len(known) in {0, len(measures)}


@few
@given(
    st.lists(evidence(), min_size=1, max_size=4),
    st.dictionaries(PAPERS, st.integers(1, 3), min_size=1),
    st.lists(hit(), max_size=6),
    st.data(),
)
def test_one_more_good_hit_at_the_end_never_lowers(
    spans: list[Evidence], relevant: dict[str, int], found: list[Hit], data: st.DataObject
) -> None:
    sample = dataset(question("q", evidence=tuple(spans), relevant=relevant))
    good = [Hit(paper_id=e.paper_id, score=0, start=e.start, end=e.end) for e in spans]
    good += [Hit(paper_id=paper, score=0) for paper in relevant]
    more = [*found, data.draw(st.sampled_from(good))]
    before, after = (
        score(SEEN, sample, [Row(question_id="q", response=Response(hits=tuple(hits)))])
        for hits in (found, more)
    )
    for measure in SEEN:
        (old,), (new,) = before.per_question[measure.name], after.per_question[measure.name]
        assert old is not None and new is not None
        assert new >= old - 1e-12, measure.name


@few
@given(runs(min_size=1))
def test_the_curve_is_the_measure_at_each_depth(run: Run) -> None:
    samples, rows, _ = run
    for depth, value in recall_curve(samples, rows, (1, 3, 10)):
        name = "EvidenceHit" if any(q.answerable and q.evidence for q in samples.questions) else "R"
        measures = parse_measures([f"{name}@{depth}"])
        assert numbers(score(measures, samples, rows))[f"{name}@{depth}"] == value


@few
@given(runs())
def test_one_measure_does_not_depend_on_the_others(run: Run) -> None:
    together = score(MEASURES, *run)
    for measure in MEASURES:
        assert score([measure], *run).totals[measure.name] == together.totals[measure.name]


@few
@given(runs())
def test_false_answers_and_right_abstentions_share_the_unanswerable_rows(run: Run) -> None:
    samples, rows, timing = run
    decided = [
        each
        if each.response is None
        else replace(each, response=replace(each.response, abstained=bool(each.response.abstained)))
        for each in rows
    ]
    totals = score(MEASURES, samples, decided, timing).totals
    wrong, right = totals["FalseAnswerRate"], totals["AbstainR"]
    assert wrong.count == right.count
    if wrong.value is not None and right.value is not None:
        assert wrong.value == pytest.approx(1 - right.value)


@few
@given(runs())
def test_citation_f1_lies_between_precision_and_recall(run: Run) -> None:
    found = score(MEASURES, *run).per_question
    for precision, recall, f1 in zip(
        found["CitationP"], found["CitationR"], found["CitationF1"], strict=True
    ):
        if precision is not None and recall is not None and f1 is not None:
            assert min(precision, recall) - 1e-12 <= f1 <= max(precision, recall) + 1e-12
