"""A report in a real browser: Chromium opens the file from disk, with no network to be had."""

from __future__ import annotations

import base64
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from evaluations import dataset_of, run_of, timing_of
from test_browser import (
    BROWSER,
    DRIVER,
    PLANTED,
    _Trap,
    browser,
    contrast,
    press,
    size,
    trap,
    visit,
)

from ragqa.evaluate.comparing import compare
from ragqa.evaluate.records import Run
from ragqa.evaluate.report import to_html
from ragqa.evaluate.report.plots import FONT_SIZE

__all__ = ["browser", "trap"]  # fixtures

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (BROWSER and DRIVER), reason="no Chromium with its driver is installed"),
]


@pytest.fixture(scope="module")
def page() -> str:
    dataset = dataset_of(10, f"{PLANTED} and a word of {'many' * 150} letters")
    names = ("one", "two", f"three {PLANTED}")
    ranks = ((3, None, 9), (0, 1, 2), (1, 0, 9))
    runs = [
        run_of(dataset, name, ranks=each, timing=timing_of(dataset), error=PLANTED)
        for name, each in zip(names, ranks, strict=True)
    ]
    return to_html(dataset, runs, [compare(runs[0], run) for run in runs[1:]])


def unfold(browser: Any) -> None:
    browser.execute_script("document.querySelectorAll('details').forEach(each => each.open = true)")


def without_choices(run: Run) -> Run:
    """Return a run without what only a dataset with choices is judged by."""
    scores = run.scores
    totals = {name: each for name, each in scores.totals.items() if not name.startswith("Choice")}
    return replace(run, scores=replace(scores, totals=totals))


def test_nothing_runs_and_nothing_is_asked_for(browser: Any, tmp_path: Path, page: str) -> None:
    visit(browser, tmp_path, page)
    unfold(browser)
    assert browser.title.startswith("Evaluation on ")
    assert browser.get_log("browser") == []  # what the policy forbids would be told here
    assert _Trap.asked == []


@pytest.mark.parametrize("width", [400, 1200])
def test_nothing_overflows_but_tables_in_their_boxes(
    browser: Any, tmp_path: Path, page: str, width: int
) -> None:
    visit(browser, tmp_path, page)
    size(browser, width)
    unfold(browser)
    outside = browser.execute_script("""
    const wide = document.documentElement.clientWidth;
    return [...document.querySelectorAll("body *")].filter(each => {
        const box = each.getBoundingClientRect();
        return box.width && (box.right > wide + 1 || box.left < -1) && !each.closest(".scroll");
    }).map(each => each.outerHTML.slice(0, 120));
    """)
    assert outside == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_eleven_measures_with_intervals_fit_a_screen(browser: Any, tmp_path: Path) -> None:
    dataset = dataset_of(40)
    runs = [
        without_choices(run_of(dataset, name, ranks=each))
        for name, each in (("one", (9, 9, None)), ("two with a long name", (0, 0, None)))
    ]
    page = to_html(dataset, runs, [compare(*runs)])
    assert page.count("\u00a0* [") >= 8
    visit(browser, tmp_path, page)
    size(browser, 1200)
    columns, wide, room = browser.execute_script("""
    const box = document.querySelector(".scroll[aria-label='Answer and citation']");
    return [box.querySelectorAll("thead th").length, box.scrollWidth, box.clientWidth];
    """)
    assert columns == 12  # the system, and eleven measures of it
    assert wide <= room


def test_captions_are_whole_on_a_phone_however_far_a_table_is_scrolled(
    browser: Any, tmp_path: Path, page: str
) -> None:
    visit(browser, tmp_path, page)
    size(browser, 400)
    unfold(browser)
    boxes = browser.execute_script("""
    return [...document.querySelectorAll(".scroll")].flatMap(box => [0, 1e5].map(far => {
        box.scrollLeft = far;
        const [out, caption] = [box, box.querySelector("caption")].map(
            each => each.getBoundingClientRect());
        return [out.left, caption.left, caption.right, out.right, box.scrollLeft];
    }));
    """)
    assert any(scrolled for *_, scrolled in boxes)
    for left, caption_left, caption_right, right, _ in boxes:
        assert left - 1 <= caption_left < caption_right <= right + 1


def test_a_plot_can_be_read_on_a_phone(browser: Any, tmp_path: Path, page: str) -> None:
    visit(browser, tmp_path, page)
    size(browser, 400)
    scales = browser.execute_script("""
    return [...document.querySelectorAll(".plot svg")].map(
        svg => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width);
    """)
    assert scales
    assert min(scales) * FONT_SIZE >= 10  # pixels


def test_plots_are_drawn_in_their_colours(browser: Any, tmp_path: Path, page: str) -> None:
    visit(browser, tmp_path, page)
    size(browser, 1200)
    drawn = browser.execute_script("""
    return [...document.querySelectorAll(".plot svg")].map(svg => [
        svg.getBoundingClientRect().height,
        new Set([...svg.querySelectorAll("path")]
            .filter(each => getComputedStyle(each).fill === "none")
            .map(each => getComputedStyle(each).stroke)).size,
    ]);
    """)
    assert len(drawn) == 3
    for height, colours in drawn:
        assert height > 200
        assert colours >= 4  # three systems and the grid


def test_a_folded_question_opens_by_keyboard(browser: Any, tmp_path: Path, page: str) -> None:
    from selenium.webdriver.common.keys import Keys

    visit(browser, tmp_path, page)
    browser.execute_script("document.querySelector('#worst ~ details summary').focus()")
    press(browser, Keys.ENTER)
    assert browser.execute_script("return document.querySelector('#worst ~ details').open")


def test_what_is_folded_is_printed(browser: Any, tmp_path: Path, page: str) -> None:
    """Printed for real, and read back: what a media query says is not yet what a printer gets."""
    visit(browser, tmp_path, page)
    folded = browser.execute_script(
        'return [...document.querySelectorAll("details .quote")].map(each => each.textContent)'
    )
    printed = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", {})["data"])
    with pypdfium2.PdfDocument(printed) as document:
        text = letters("".join(sheet.get_textpage().get_text_range() for sheet in document))
    assert folded
    for quote in map(letters, folded):  # one may go on behind a page's end, and its neighbour's
        assert quote[:20] in text
        assert quote[-20:] in text


def letters(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKC", text) if char.isalnum())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_report_stands_out_in_light_and_dark(
    browser: Any, tmp_path: Path, page: str, scheme: str
) -> None:
    visit(browser, tmp_path, page)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    unfold(browser)
    pairs = browser.execute_script("""
    const behind = each => {
        for (; each; each = each.parentElement) {
            const colour = getComputedStyle(each).backgroundColor;
            if (colour !== "rgba(0, 0, 0, 0)") return colour;
        }
    };
    return ["h1", ".quiet", ".note", "td", "th", "a", "mark", ".side", ".small", "figcaption"]
        .map(name => document.querySelector(name))
        .map(each => [getComputedStyle(each).color, behind(each), each.outerHTML.slice(0, 60)]);
    """)
    for colour, behind, shown in pairs:
        assert contrast(colour, behind) >= 4.5, shown  # WCAG 2 AA
