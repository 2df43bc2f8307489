"""`ragqa.evaluate.report`: says what was measured, the same each time, whatever the texts hold."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from evaluations import WORDS, dataset_of, hand_run, run_of, timing_of
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from test_render_html import HOSTILE, Outline, shown

from ragqa.errors import EvaluationError
from ragqa.evaluate.comparing import compare
from ragqa.evaluate.judge import Verdict
from ragqa.evaluate.measures import recall_curve, risk_coverage
from ragqa.evaluate.records import Comparison, Dataset, Response, Row, Run, Scores, Total
from ragqa.evaluate.report import cost as cost_module
from ragqa.evaluate.report import curves as curves_module
from ragqa.evaluate.report import summary_table, to_html, to_markdown, write_report
from ragqa.evaluate.report.blocks import Foreign, clip, number, signed
from ragqa.evaluate.report.cost import latency_edges
from ragqa.evaluate.report.curves import curves
from ragqa.evaluate.report.plots import Axis, Curve, draw_curves, draw_histogram, keys
from ragqa.evaluate.report.worst import worst_places

DRAWN = {"svg", "title", "g", "path", "defs", "use", "clippath", "rect", "line"}
COST = {"markdown": "\n## Cost\n", "html": 'aria-labelledby="cost"'}
RANKS = (3, None, 9, 1, 0), (0, 1, 0, 9)
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")


def compared(runs: list[Run]) -> list[tuple[Comparison, ...]]:
    return [compare(runs[0], run) for run in runs[1:]]


def small(text: str = "plain") -> tuple[Dataset, list[Run], list[tuple[Comparison, ...]]]:
    """Return an evaluation with everything in it, and a text everywhere."""
    dataset = dataset_of(10, text)
    about = {"options": {text: text}, "machine": {"python": text}}
    ids = tuple(question.question_id for question in dataset.questions)
    one, other = (replace(scores, question_ids=ids) for scores in plain_scores())
    timing = timing_of(dataset)
    runs = [
        run_of(dataset, text, ranks=RANKS[0], error=text, about=about, scores=one),
        run_of(dataset, f"{text} 2", ranks=RANKS[1], timing=timing, scores=other),
    ]
    found = Comparison(
        measure="nDCG@10", first=0.4, second=0.5, difference=0.1, low=0.02, high=0.2, p_value=0.012,
        won=ids[:3], lost=ids[3:4], tied=4,
    )  # fmt: skip
    return dataset, runs, [(found,)]


@cache
def plain_scores() -> tuple[Scores, ...]:
    """Return the scores of the two runs, which must not depend on the text."""
    return tuple(run_of(dataset_of(10), ranks=ranks).scores for ranks in RANKS)


@cache
def plain_forms() -> tuple[str, str]:
    return everything("plain")


def everything(text: str) -> tuple[str, str]:
    dataset, runs, comparisons = small(text)
    verdicts = [[verdict(runs[0].rows[0].question_id, model=text)]]
    return (
        to_markdown(dataset, runs, comparisons, verdicts=verdicts),
        to_html(dataset, runs, comparisons, verdicts=verdicts),
    )


def verdict(question: str, *, model: str = "m", mark: str = "correct") -> Verdict:
    return Verdict(
        question_id=question, view="as-is", mark=mark, model=model, prompt_version="1", sha256=""
    )  # fmt: skip


# Tables


def test_a_table_is_what_it_should_be() -> None:
    dataset = dataset_of(4)
    runs = [
        hand_run(
            dataset,
            "bm25",
            {
                "nDCG@10": Total(value=0.68951, count=4),
                "Empty": Total(value=None, count=0, left_out=4),
                "Mine": Total(value=12.0, count=4),
            },
        ),
        hand_run(
            dataset,
            "ragqa",
            {
                "nDCG@10": Total(value=0.7, count=3, failed=1, left_out=1),
                "Mine": Total(value=None, count=0, left_out=4),
            },
        ),
    ]  # fmt: skip
    against = Comparison(
        measure="nDCG@10", first=0.69, second=0.7, difference=0.0104, low=-0.0004, high=0.03,
        p_value=0.04, won=("a",), lost=(), tied=3,
    )  # fmt: skip
    text = summary_table(dataset, runs, [[against]])
    tables = text.split("## Measures\n\n")[1].split("**Time and memory**")[0]
    assert tables == (
        "In parentheses: the difference to bm25, with its 95 % interval (paired bootstrap). "
        "* marks p < 0.05 in a paired randomisation test, two-sided, not corrected for the number "
        "of comparisons. Interval and test are computed separately, so they may disagree where a "
        "difference is on the edge.\n\n"
        "**Retrieval**\n\n"
        "| System | nDCG@10 |\n|---|---:|\n"
        "| bm25 | 0.690 |\n"
        "| ragqa | 0.700 [1] (+0.010 * [0.000, +0.030]) |\n\n"
        "- [1] over 3 questions; left out: 1 with nothing to judge; "
        "failed: 1, counted with the measure's default\n\n"
        "**Other measures**\n\n"
        "| System | Mine |\n|---|---:|\n| bm25 | 12.000 |\n\n"
        "- Nothing that these measures judge is given by ragqa.\n\n"
        "Without a value, as no question could be judged by them: Empty.\n\n"
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.7426, "0.743"), (-0.0001, "0.000"), (1.0, "1.000"), (None, "\u2013"), (12.5, "12.500")],
)
def test_numbers_have_three_decimals(value: float | None, expected: str) -> None:
    assert number(value) == expected


def test_differences_have_a_sign_unless_they_are_nothing() -> None:
    assert [signed(x) for x in (0.01, -0.01, 0.0004, -0.0004)] == [
        "+0.010", "-0.010", "0.000", "0.000",
    ]  # fmt: skip


@given(st.text(), st.integers(1, 50))
def test_what_is_clipped_is_a_beginning_and_says_so(text: str, limit: int) -> None:
    flat = " ".join(text.split())
    found = clip(text, limit)
    if len(flat) > limit:
        assert found.endswith(" \u2026")
        assert flat.startswith(found.removesuffix(" \u2026"))
        assert len(found) <= limit + 2


CITED = {"CitationP": Total(value=0.9, count=4), "QuoteAccuracy": Total(value=1.0, count=4)}
COMPANY = {
    "Correct": Total(value=0.5, count=4),
    "CitationCoverage": Total(value=0.6, count=4),
    "AnsweredRate": Total(value=0.7, count=4),
}


def test_citations_stand_beside_correctness_and_coverage() -> None:
    dataset = dataset_of(4)
    text = to_markdown(dataset, [hand_run(dataset, "a", {**CITED, **COMPANY})])
    (head,) = [line for line in text.splitlines() if "CitationP |" in line]
    assert all(name in head for name in COMPANY)
    assert "Not shown" not in text


@pytest.mark.parametrize("name", COMPANY)
@pytest.mark.parametrize("instead", [None, Total(value=None, count=0, left_out=4)])
def test_citations_are_not_shown_alone(name: str, instead: Total | None) -> None:
    dataset = dataset_of(4)
    company = {key: total for key, total in COMPANY.items() if key != name}
    totals = {**CITED, **company, **({name: instead} if instead else {})}
    other = hand_run(dataset, "b", {**CITED, **COMPANY})
    runs = [other, hand_run(dataset, "a", totals)]
    against = Comparison(
        measure="CitationP", first=0, second=1, difference=1, low=1, high=1, p_value=0, won=(),
        lost=(), tied=0,
    )  # fmt: skip
    for text in (
        to_markdown(dataset, runs, [[against]]),
        to_html(dataset, runs, [[against]]),
        summary_table(dataset, runs, [[against]]),
    ):
        assert text.count("CitationP") == 1
        said = text[text.index("Not shown") :][:400]
        assert all(each in said for each in (*CITED, name, "Copying the best chunk"))
        assert "0.900" not in text


def test_citations_of_the_worst_questions_need_company_too() -> None:
    dataset = dataset_of(4)
    run = run_of(dataset, ranks=(9,))
    assert "CitationP 0.000" in to_markdown(dataset, [run])
    totals = {key: total for key, total in run.scores.totals.items() if key != "Correct"}
    alone = replace(run, scores=replace(run.scores, totals=totals))
    assert "CitationP 0.000" not in to_markdown(dataset, [alone])


def test_correctness_and_coverage_come_before_citations() -> None:
    dataset = dataset_of(4)
    text = to_markdown(dataset, [hand_run(dataset, "a", {**CITED, **COMPANY})])
    wanted = "| System | Correct | CitationCoverage | AnsweredRate | CitationP | QuoteAccuracy |"
    assert wanted in text.splitlines()


def test_what_is_made_of_rows_is_counted_in_rows_and_all_of_them_need_no_note() -> None:
    dataset = dataset_of(4)
    totals = {
        "AbstainR": Total(value=0.5, count=4),
        "AbstainP": Total(value=0.5, count=3, left_out=4),
        "AUROC": Total(value=0.6, count=7),
        "AURC": Total(value=0.7, count=7, failed=1),
    }
    run = hand_run(dataset, "a", totals)
    asked_twice = [replace(row, view="gold-removed") for row in run.rows[:3]]
    text = summary_table(dataset, [replace(run, rows=(*run.rows, *asked_twice))])
    assert "| a | 0.500 | 0.500 [1] | 0.600 | 0.700 [2] |" in text
    assert "- [1] over 3 rows; left out: 4 with nothing to judge\n" in text
    assert "- [2] failed: 1, counted with the measure's default\n" in text


def test_names_of_measures_break_between_their_words_only() -> None:
    dataset = dataset_of(4)
    totals = {**CITED, **COMPANY, "nDCG@10": Total(value=0.5, count=4)}
    page = to_html(dataset, [hand_run(dataset, "a", totals)])
    assert "<bdi>Citation<wbr/>Coverage</bdi>" in page
    assert "<bdi>nDCG@10</bdi>" in page


def test_a_system_that_only_retrieves_hides_nothing() -> None:
    dataset = dataset_of(4)
    nothing = dict.fromkeys((*CITED, *COMPANY), Total(value=None, count=0, left_out=4))
    runs = [hand_run(dataset, "a", {**CITED, **COMPANY}), hand_run(dataset, "b", nothing)]
    assert "Not shown" not in to_markdown(dataset, runs)


def test_comparisons_tell_the_intervals_and_what_was_won() -> None:
    dataset, runs, comparisons = small()
    text = to_markdown(dataset, runs, comparisons)
    row = "| nDCG@10 | 0.400 | 0.500 | +0.100 * | [+0.020, +0.200] | 0.012 | 3 | 1 | 4 |"
    assert row in text.splitlines()
    assert "### plain 2 won 3 questions against plain by nDCG@10" in text
    went = (
        "| plain:1 | plain | 0.431: gold paper at rank 4, gold evidence in hit 4, answered "
        "| 1.000: gold paper at rank 1, gold evidence in hit 1, answered |"
    )
    assert went in text.splitlines()
    assert "| plain:2 | plain | 0.000: failed: plain | 0.631: " in text


# The same each time


def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from test_evaluate_report import small\n"
        "from ragqa.evaluate.report import write_report\n"
        "write_report(pathlib.Path(sys.argv[2]), *small())\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    written = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        subprocess.run(
            [sys.executable, "-c", code, str(Path(__file__).parent), str(folder)],
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        written.append([(folder / name).read_bytes() for name in ("report.md", "report.html")])
    assert written[0] == written[1]


def test_only_the_costs_differ_when_a_run_is_repeated() -> None:
    dataset = dataset_of(10)
    texts = []
    for seconds, python in ((0.01, "3.11"), (0.5, "3.12")):
        run = run_of(dataset, timing=timing_of(dataset, seconds), about={"machine": python})
        texts.append((to_markdown(dataset, [run]), to_html(dataset, [run])))
    for one, other, mark in zip(*texts, COST.values(), strict=True):
        assert one != other
        assert one.split(mark)[0] == other.split(mark)[0]
        assert one.count(mark) == 1
        assert "3.11" in one.split(mark)[1]


def test_a_plot_is_the_same_whatever_the_user_s_style_is() -> None:
    import matplotlib as mpl

    curve = Curve(label="a", xs=(0.1, 0.5, 1.0), ys=(0.2, 0.4, 0.3))
    axes = {"x": Axis(title="x"), "y": Axis(title="y")}
    plain = draw_curves([curve], **axes)
    with mpl.rc_context({"font.size": 30, "svg.fonttype": "none", "axes.facecolor": "red"}):
        before = dict(mpl.rcParams)
        assert draw_curves([curve], **axes) == plain
        assert dict(mpl.rcParams) == before


# Hostile texts


@cache
def drawing() -> bytes:
    return draw_curves(
        [Curve(label="a", xs=(0, 1), ys=(0, 1))], x=Axis(title="x"), y=Axis(title="y")
    )


def blocks_of(text: str) -> list[tuple[str, str]]:
    return [(token.type, token.tag) for token in MARKDOWN.parse(text)]


def spans_of(text: str) -> list[str]:
    inline = [token for token in MARKDOWN.parse(text) if token.type == "inline"]
    return [each.type for token in inline for each in token.children or () if each.type != "text"]


def check_nothing_is_markup(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:  # no foreign text enters a plot, and they are slow
        patch.setattr(curves_module, "draw_curves", lambda *_, **__: drawing())
        patch.setattr(cost_module, "draw_histogram", lambda *_, **__: drawing())
        markdown, page = everything(text)
    wanted, plain = plain_forms()
    assert blocks_of(markdown) == blocks_of(wanted)
    odd = {"text", "softbreak", "text_special", "strong_open", "strong_close"}
    assert set(spans_of(markdown)) <= odd
    found, expected = Outline(page), Outline(plain)
    assert (found.open, found.odd) == ([], [])
    assert {tag for tag, _ in found.drawn} <= DRAWN
    strip = {"mark", "bdi", "b"}  # what is right or marked depends on the words
    assert [t for t, _ in found.tags if t not in strip] == [
        t for t, _ in expected.tags if t not in strip
    ]
    check_attributes(found)
    page.encode("utf-8")
    markdown.encode("utf-8")
    assert " ".join(shown(text)[:40].split()) in " ".join("".join(found.texts).split())


def check_attributes(outline: Outline) -> None:
    for tag, attributes in (*outline.tags, *outline.drawn):
        for name, value in attributes.items():
            assert not name.startswith("on"), tag
            assert name != "style", tag
            assert name not in {"src", "srcset", "action", "xlink:href"}, tag
            if name == "href":
                assert (value or "").startswith("#"), tag
            if "url(" in (value or "") and name == "clip-path":
                assert (value or "").startswith("url(#"), tag


MARKUP = [
    "| a | b |",
    "`code` and ``more``",
    "**bold** _it_ ~~no~~ [x](http://evil.example) ![i](http://evil.example)",
    "# head",
    "- item",
    "1. item",
    "> said",
    "=====",
    "http://evil.example www.evil.example a@evil.example @name",
    "$x$ &amp; \\| \\",
    "x" * 10_000,
    "\u2066\u202e\u2067 gnirts \u05d0\u05d1",
    "1",
    "+0.1",
]


@pytest.mark.parametrize("text", [*HOSTILE, *MARKUP])
def test_no_text_becomes_markup(text: str) -> None:
    check_nothing_is_markup(text)


@settings(max_examples=15)
@given(
    st.text(
        st.sampled_from(list("<>&\"'=/!-?[]()#*_|\\;`~ \n\r\t\x00\u202eabox:1.@"))
        | st.characters(),
        min_size=1,
        max_size=30,
    ).filter(lambda text: bool(shown(text).strip()))
)
@example("\ud800 <b>")
def test_no_random_text_becomes_markup(text: str) -> None:
    check_nothing_is_markup(text)


def test_no_direction_of_a_text_goes_on_after_it() -> None:
    markdown, page = everything("a\u202eb\u2067c")
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", markdown)
    flat = re.sub(r"<(bdi)>[^<]*</\1>|<(title|caption|h1|h2|p|option)[^>]*>[^<]*</\2>", "", page)
    flat = re.sub(r'aria-label="[^"]*"', "", flat)
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", flat)


def test_a_page_asks_for_nothing_and_runs_nothing() -> None:
    page = everything("plain")[1]
    outline = Outline(page)
    assert not {"script", "link", "iframe", "object", "embed", "form", "base", "img", "button"} & {
        tag for tag, _ in outline.tags
    }
    check_attributes(outline)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert not re.search(r"url\(|@import|@font-face|//", style)
    (policy,) = [a["content"] or "" for t, a in outline.tags if a.get("http-equiv")]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )


def test_a_page_is_well_made() -> None:
    page = everything("plain")[1]
    outline = Outline(page)
    tags = [tag for tag, _ in outline.tags]
    assert '<html lang="en">' in page
    assert tags.count("h1") == tags.count("main") == tags.count("title") == 1
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h\d", tag)]
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))
    both = (*outline.tags, *outline.drawn)
    ids = [a["id"] for _, a in both if "id" in a]
    assert len(ids) == len(set(ids))
    linked = {(a["href"] or "")[1:] for _, a in both if "href" in a}
    clipped = {v[5:-1] for _, a in both if (v := a.get("clip-path"))}
    assert linked | clipped <= set(ids)
    assert tags.count("table") == tags.count("caption") == tags.count("thead")
    assert all(a.get("scope") in {"row", "col"} for tag, a in outline.tags if tag == "th")
    boxes = [a for _, a in outline.tags if a.get("class") == "scroll"]
    assert len(boxes) == tags.count("table")
    assert all(a["tabindex"] == "0" and a["aria-label"] and a["role"] == "region" for a in boxes)
    assert all(
        a.get("aria-label") or a.get("aria-hidden") for tag, a in outline.drawn if tag == "svg"
    )


# Plots


def points(svg: bytes, colour: str) -> list[tuple[float, float]]:
    """Return where the longest line of a colour has its corners."""
    paths = re.findall(rf'<path d="([^"]*)"[^>]*stroke: {colour}', svg.decode())
    longest = max(paths, key=len)
    numbers = re.findall(r"[ML] ([\d.-]+) ([\d.-]+)", longest)
    return [(float(x), float(y)) for x, y in numbers]


@settings(max_examples=20)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_a_line_goes_through_its_points(ys: list[float]) -> None:
    xs = tuple(float(n) for n in range(len(ys)))
    curve = Curve(label="a", xs=xs, ys=tuple(ys))
    other = Curve(label="b", xs=(0.0, xs[-1]), ys=(0.0, 1.0))
    svg = draw_curves([curve, other], x=Axis(title="x"), y=Axis(title="y", low=0, high=1))
    colours = [key.colour for key in keys(["a", "b"])]
    (left, bottom), (right, top) = points(svg, colours[1])
    found = points(svg, colours[0])
    assert len(found) == len(ys)
    for (x, y), wanted_x, wanted_y in zip(found, xs, ys, strict=True):
        assert (x - left) / (right - left) == pytest.approx(wanted_x / xs[-1], abs=1e-4)
        assert (y - bottom) / (top - bottom) == pytest.approx(wanted_y, abs=1e-4)


def test_a_histogram_has_a_step_for_each_bin() -> None:
    svg = draw_histogram([1, 2, 5, 10], [[4, 0, 2]], x=Axis(title="ms"))
    heights = [y for _, y in points(svg, keys(["a"])[0].colour)]
    floor = max(heights)
    steps = [floor - y for y in heights]
    assert max(steps) > 0
    assert {round(step / max(steps), 3) for step in steps} == {0.0, 0.5, 1.0}


def test_many_systems_are_drawn_differently() -> None:
    drawn = {(key.colour, key.dashes) for key in keys([str(n) for n in range(30)])}
    assert len(drawn) == 30


def test_curves_have_what_the_measures_gave() -> None:
    dataset, runs, _ = small()
    section = curves(dataset, runs)
    assert section is not None
    recall, risk = section.blocks
    (points_found,) = [recall_curve(dataset, runs[1].rows, [1, 2, 3, 5])]
    cells = [(row[0][0], row[2][0]) for row in recall.table.rows]
    assert cells == [(f"{k}", number(value)) for k, value in points_found]
    last = [row[2][0] for row in risk.table.rows][-1]
    assert last == number(risk_coverage(dataset, runs[1].rows)[-1][1])
    assert [key.label for key in recall.keys] == ["plain", "plain 2"]


def test_a_legend_has_only_what_is_drawn_and_the_words_have_the_rest() -> None:
    dataset, runs, _ = small()
    unsure = [
        replace(row, response=row.response and replace(row.response, confidence=None))
        for row in runs[0].rows
    ]
    section = curves(dataset, [replace(runs[0], rows=tuple(unsure)), runs[1]])
    assert section is not None
    recall, risk = section.blocks
    assert [key.label for key in recall.keys] == ["plain", "plain 2"]
    assert "Without a curve" not in "".join(recall.words)
    assert risk.keys == recall.keys[1:]  # of the same colour in both plots
    assert risk.words[1:] == (" Without a curve: ", Foreign("plain"), ".")
    assert len(risk.table.columns) == 2
    assert risk.table.rows[-1][1][0] == number(risk_coverage(dataset, runs[1].rows)[-1][1])


def test_without_matplotlib_there_are_numbers_and_a_word_on_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(curves_module, "can_draw", lambda: False)
    dataset, runs, _ = small()
    section = curves(dataset, runs)
    assert section is not None
    assert [getattr(block, "draw", "") for block in section.blocks[:2]] == [None, None]
    assert "Plots need matplotlib" in to_markdown(dataset, runs)


def test_a_run_that_does_not_fit_says_why_it_has_no_curve() -> None:
    dataset, runs, _ = small()
    broken = replace(runs[0], rows=runs[0].rows[1:])
    text = to_markdown(dataset, [broken, runs[1]])
    assert "No curve of plain: " in text
    assert "EvidenceHit" in text.split("## Curves")[1].split("## Worst")[0]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50))
def test_every_latency_is_in_a_bin(latencies: list[float]) -> None:
    edges = latency_edges(latencies)
    assert len(edges) >= 2
    assert list(edges) == sorted(set(edges))
    assert max(latencies) < edges[-1]
    assert edges[0] <= min(latencies) or edges[0] == 0.1


# Costs


def test_costs_are_in_milliseconds_and_megabytes() -> None:
    dataset = dataset_of(10)
    text = to_markdown(dataset, [run_of(dataset, timing=timing_of(dataset, 0.01))])
    cost = text.split(COST["markdown"])[1]
    (row,) = [line for line in cost.splitlines() if line.startswith("| one | ")]
    assert row == "| one | 55.0 | 95.5 | 55.0 | 100.0 | 18.2 | 1.5 | 0.6 | 250 |"
    bins = re.findall(r"^\| (\d+) to (\d+) \| (\d+) \|$", cost, re.MULTILINE)
    assert [tuple(map(int, each)) for each in bins] == [
        (10, 20, 1), (20, 50, 3), (50, 100, 5), (100, 200, 1),
    ]  # fmt: skip


def test_times_are_told_of_questions_and_systems_and_of_this_machine() -> None:
    dataset = dataset_of(10)
    timing = timing_of(dataset)
    some = replace(timing, seconds=(None, *timing.seconds[1:]))
    one, two, less = (
        run_of(dataset, name, timing=each)
        for name, each in (("one", timing), ("two", timing), ("less", some))
    )
    for runs, wanted in (
        ([one], "How long 10 questions took, on"),
        ([one, two], "How long 10 questions took with each of 2 systems, on"),
        ([one, two, less], "How long 9 to 10 questions took with each of 3 systems, on"),
    ):
        assert wanted in to_markdown(dataset, runs)
    assert "Times hold for this machine at the time of the run" in to_markdown(dataset, [one])


DIGITS = "0123456789abcdef" * 4


def configured(*options: dict[str, object]) -> list[str]:
    dataset = dataset_of(2)
    runs = [
        run_of(dataset, f"s{n}", ranks=(0,), about={"options": each})
        for n, each in enumerate(options)
    ]
    text = to_markdown(dataset, runs)
    table = text.split("**Configuration**\n\n")[1].split("\n\n")[0].splitlines()
    return [table[0], *table[2:]]


def test_what_all_systems_share_is_told_once() -> None:
    assert configured({"a": 1, "b": 2}, {"a": 1, "b": 3}, {"a": 1}) == [
        "| Value | All systems | s0 | s1 | s2 |",
        "| options.a | 1 |  |  |  |",
        "| options.b |  | 2 | 3 | \u2013 |",
    ]
    assert configured({"a": 1}, {"a": 1}) == ["| Value | All systems |", "| options.a | 1 |"]
    assert configured({"a": 1}, {"a": 2}) == ["| Value | s0 | s1 |", "| options.a | 1 | 2 |"]
    assert configured({"a": 1}) == ["| Value | s0 |", "| options.a | 1 |"]


def test_hashes_have_twelve_digits_and_are_compared_by_all() -> None:
    other = DIGITS[:-1] + "0"
    assert configured({"a": DIGITS, "b": [DIGITS]}, {"a": other, "b": [DIGITS]})[1:] == [
        "| options.a |  | 0123456789ab | 0123456789ab |",
        '| options.b | \\["0123456789ab"\\] |  |  |',
    ]
    dataset = dataset_of(2)
    page = to_html(dataset, [run_of(dataset, about={"options": {"a": DIGITS}})])
    assert "0123456789ab<" in page
    assert DIGITS[:13] not in page


def test_tokens_and_money_are_told_where_a_model_was_used() -> None:
    dataset = dataset_of(2)
    run = run_of(dataset, ranks=(0,))
    assert "Language models" not in to_markdown(dataset, [run])
    rows = tuple(
        replace(row, response=replace(row.response, prompt_tokens=700, cost=0.25))
        for row in run.rows
        if row.response
    )
    assert "| one | 1,400 | 0 | 0.5000 |" in to_markdown(dataset, [replace(run, rows=rows)])


def test_verdicts_stand_apart_with_their_judge() -> None:
    dataset, runs, comparisons = small()
    ids = [row.question_id for row in runs[0].rows]
    found = [verdict(ids[0]), verdict(ids[1], mark="wrong"), verdict(ids[2], mark="failed")]
    text = to_markdown(dataset, runs, comparisons, verdicts=[(), found])
    row = "| plain 2 | m | 1 | 1 | 0 | 1 | 0 | 0 | 0 | 1 | 7 | 0.333 to 0.667 |"
    assert row in text
    assert "differ from model to model and from day to day" in text
    assert "Verdicts" not in to_markdown(dataset, runs, comparisons)


# The worst questions


def test_the_worst_come_first_and_the_perfect_not_at_all() -> None:
    dataset = dataset_of(4)
    first = run_of(dataset, ranks=(0, 2, 9, 9))
    assert worst_places(dataset, [first], count=20) == [2, 3, 1]
    assert worst_places(dataset, [first], count=1) == [2]
    assert worst_places(dataset, [], count=3) == []


def test_what_another_system_does_better_comes_first() -> None:
    dataset = dataset_of(4)
    first = run_of(dataset, ranks=(9, 9, 9, 9))
    other = run_of(dataset, "other", ranks=(9, 9, 0, 2))
    assert worst_places(dataset, [first, other], count=20) == [2, 3, 0, 1]
    fold = to_markdown(dataset, [first, other]).split("\n### ")
    shown_folds = [each for each in fold if "**Gold**" in each]
    assert ["**What other gave**" in each for each in shown_folds] == [True, True, False, False]


def test_a_question_is_shown_with_gold_beside_hits() -> None:
    dataset = dataset_of(10)
    text = to_markdown(dataset, [run_of(dataset, ranks=(1,))])
    part = text.split("## Worst questions")[1].split("\n### ")[1]
    assert part.startswith("plain:1: **plain**\n")
    assert "Gold answers: plain; trained on frames" in part
    assert "**plain p0**, characters 9 to 32" in part
    assert "1\\. plain p1, score 1.000\n" in part
    assert "2\\. plain p0, score 0.500, holds gold evidence" in part
    assert "plain 0. **The network was trained** on frames" in part
    assert "5\\. plain p4" in part
    assert "6\\. plain p5" not in part
    assert "And 2 hits more." in part
    assert "It answered, confidence 0.500:" in part
    assert (
        "gold paper at rank 2, gold evidence in hit 2, answered. **Missed:** nDCG@10 0.631" in part
    )


def test_an_abstention_and_a_failure_are_told_in_place_of_an_answer() -> None:
    dataset = dataset_of(2)
    run = run_of(dataset, ranks=(9, None))
    rows = (
        replace(run.rows[0], response=Response(hits=(), statements=(), abstained=True)),
        run.rows[1],
    )
    text = to_markdown(dataset, [replace(run, rows=rows)])
    assert "It abstained." in text
    assert "Nothing was retrieved." in text
    assert "> **Note:** failed: ParseError: broken" in text


def test_answers_to_what_nothing_answers_are_listed_the_surest_first() -> None:
    dataset = dataset_of(10)
    run = run_of(dataset, ranks=(0,))
    gone = Row(question_id="plain q0", view="gold-removed", response=run.rows[1].response)
    text = to_markdown(dataset, [replace(run, rows=(*run.rows, gone))])
    part = text.split("though nothing there answers: 3 in all**")[1].split("\n\n")[1]
    asked = [line.split(" | ")[2:4] for line in part.splitlines()[2:]]
    sure = [float(confidence) for _, confidence in asked]
    assert sure == sorted(sure, reverse=True)
    assert sorted(kind for kind, _ in asked) == [
        "gold papers removed", "unanswerable", "unanswerable",
    ]  # fmt: skip


# Sizes and shapes


@pytest.mark.parametrize("count", [0, 1, 7])
def test_any_number_of_systems(count: int, tmp_path: Path) -> None:
    dataset = dataset_of(6)
    runs = [run_of(dataset, f"s{n}", ranks=(n, 0, 9)) for n in range(count)]
    markdown, page = write_report(tmp_path / "out", dataset, runs, compared(runs) if runs else ())
    text = markdown.read_text(encoding="utf-8")
    assert text.startswith("# Evaluation on plain\n\n## What was evaluated\n")
    assert ("No system was run" in text) == (count == 0)
    assert all(f"| s{n} |" in text for n in range(count))
    assert ("Not timed: " in text) == (count > 0)
    assert Outline(page.read_text(encoding="utf-8")).open == []


def test_a_run_that_failed_throughout_is_reported() -> None:
    dataset = dataset_of(150)
    run = run_of(dataset, ranks=(None,))
    text = to_markdown(dataset, [run])
    assert "one: 150 failed" in text
    assert text.count("| ParseError: broken |") == 100
    assert "And 50 more." in text
    assert "| one | 150 | 0 | 150 | \u2013 | \u2013 | 12 | \u2013 |" in text


def test_a_thousand_questions_are_counted_and_twenty_shown() -> None:
    dataset = dataset_of(1000, problems=300)
    runs = [run_of(dataset, "a", ranks=(9, 0))]
    text = to_markdown(dataset, runs)
    assert text.count("**Gold**") == 20
    assert "| noted | nothing changes | 300 |" in text
    assert text.count("- plain:") == 20
    assert "And 280 more." in text
    assert len(text) < 100_000


def test_as_many_of_the_worst_are_shown_as_are_asked_for() -> None:
    dataset = dataset_of(10)
    runs = [run_of(dataset, ranks=(9,))]
    for count, found in ((0, 0), (3, 3), (50, 8)):
        assert to_markdown(dataset, runs, worst=count).count("**Gold**") == found


def test_a_run_of_some_questions_is_reported_by_those() -> None:
    dataset = dataset_of(10)
    part = replace(dataset, questions=dataset.questions[:4])
    text = to_markdown(dataset, [run_of(part, ranks=(9, 0))])
    assert "## Curves" in text
    assert "No curve" not in text


def test_an_empty_dataset_is_reported() -> None:
    dataset = replace(dataset_of(0), problems=())
    text = to_markdown(dataset, [])
    assert "| Questions | 0 |" in text
    assert "None was found." in text


def test_a_report_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    dataset = dataset_of(3)
    (tmp_path / "report.md").write_text("old", encoding="utf-8")
    write_report(tmp_path, dataset, [run_of(dataset)])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.md"]
    assert WORDS[:20] in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(EvaluationError, match="report cannot be written"):
        write_report(tmp_path / "file" / "sub", dataset_of(1), [])
