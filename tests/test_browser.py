"""The HTML answer in a real browser: Chromium opens the file from disk, with no network to be had.

Skipped where there is no Chromium with its driver; ``.ci/run`` installs them where it can.
"""

from __future__ import annotations

import http.server
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pdfs
import pytest
from corpora import source
from test_render import answer_with
from test_render_html import HOSTILE, evidence_of, gather, span_of

from ragqa.parse import parse_pdf
from ragqa.records import Answer, Citation, Section, Statement
from ragqa.render import to_html
from ragqa.render.evidence import Evidence

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (BROWSER and DRIVER), reason="no Chromium with its driver is installed"),
]
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run"
    " --disable-background-networking --disable-component-update --disable-sync"
    " --disable-features=NetworkTimeServiceQuerying"
).split()
PLANTED = "<script>document.title='ran'</script><img src=x onerror=\"document.title='ran'\">"


class _Trap(http.server.BaseHTTPRequestHandler):
    """Counts what asks, but for the browser's own errands (the time, updates)."""

    asked: list[str] = []
    own = ("google.com", "googleapis.com", "gvt1.com")

    def do_GET(self) -> None:
        if not (self.headers["Host"] or "").split(":")[0].endswith(self.own):
            self.asked.append(self.path)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def trap() -> Iterator[str]:
    """A server on loopback to which every name in the browser leads; no request may reach it."""
    _Trap.asked.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Trap)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, trap: str) -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER or ""
    profile = tmp_path_factory.mktemp("profile")
    rules = f"MAP * {trap}, EXCLUDE 127.0.0.1"
    for flag in (*FLAGS, f"--user-data-dir={profile}", f"--host-resolver-rules={rules}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


def paged(folder: Path) -> tuple[Answer, dict[Citation, Evidence]]:
    """Return an answer with pictures of pages, and what its citations open."""
    path = pdfs.paper(folder / "p.pdf")
    document = parse_pdf(path, paper_id="p")
    quotes = (pdfs.SENTENCES[0], pdfs.CROSSING)
    cited = [span_of(document, quote) for quote in quotes]
    evidence = {each: gather(path, each.quote) for each in cited}
    statements = tuple(Statement(text=each.quote, citations=(each,)) for each in cited)
    answer = replace(
        answer_with("Plain words."),
        sections=(
            Section(title="Answer", kind="answer", statements=statements),
            *answer_with("Plain words that go on for a while. " * 8).sections,
        ),
        sources=(source("p", pdfs.TITLE, "https://example.org/" + "long-" * 30), source("q", "Q")),
        nearest=(),
    )
    return answer, evidence


def visit(browser: Any, folder: Path, page: str, name: str = "answer.html") -> None:
    """Open a page from disk, with what was logged before cleared away."""
    file = folder / name
    file.write_text(page, encoding="utf-8")
    for log in ("browser", "performance"):
        browser.get_log(log)
    browser.get(file.as_uri())


def asked_for(browser: Any) -> list[str]:
    """Return every address that the page asked for."""
    import json

    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]


def size(browser: Any, width: int, height: int = 900) -> None:
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def opened(browser: Any) -> list[str]:
    found: list[str] = browser.execute_script(
        "return [...document.querySelectorAll(':popover-open')].map(each => each.id)"
    )
    return found


def press(browser: Any, *keys: str) -> None:
    from selenium.webdriver import ActionChains

    for key in keys:
        ActionChains(browser).send_keys(key).perform()


def test_nothing_is_asked_for_but_the_file_itself(browser: Any, tmp_path: Path) -> None:
    visit(browser, tmp_path, to_html(*paged(tmp_path)))
    size(browser, 1200)
    for button in browser.find_elements("css selector", "main section .mark"):
        browser.execute_script("arguments[0].click()", button)
    shown = browser.execute_script(
        "return [...document.images].map(each => each.complete && each.naturalWidth > 0)"
    )
    assert shown == [True] * 3
    asked = asked_for(browser)
    assert [url for url in asked if not url.startswith("data:image/png;")] == [
        (tmp_path / "answer.html").as_uri()
    ]
    assert browser.get_log("browser") == []  # nothing was refused by the page's policy either
    assert _Trap.asked == []


def test_the_trap_works(browser: Any, tmp_path: Path) -> None:
    visit(browser, tmp_path, "<!DOCTYPE html><img src=http://papers.example.org/x.png>")
    assert "http://papers.example.org/x.png" in asked_for(browser)
    assert "/x.png" in _Trap.asked
    _Trap.asked.clear()


def test_the_policy_forbids_what_would_slip_through(browser: Any, tmp_path: Path) -> None:
    page = to_html(*paged(tmp_path)).replace("</main>", PLANTED + "</main>")
    page = page.replace(
        "</main>", "<img src=http://papers.example.org/y.png><style>h1{color:red}</style></main>"
    )
    visit(browser, tmp_path, page)
    assert browser.title != "ran"
    assert _Trap.asked == []
    refused = " ".join(entry["message"] for entry in browser.get_log("browser"))
    for directive in ("img-src", "style-src"):
        assert directive in refused
    colour = browser.execute_script("return getComputedStyle(document.querySelector('h1')).color")
    assert colour != "rgb(255, 0, 0)"


@pytest.mark.parametrize("text", [PLANTED, *HOSTILE])
def test_what_is_planted_in_titles_and_quotes_does_not_run(
    browser: Any, tmp_path: Path, text: str
) -> None:
    answer = answer_with(text)
    page = to_html(answer, evidence_of(answer, text)).replace(
        "default-src 'none'", "default-src * 'unsafe-inline' 'unsafe-eval'"
    )  # so that escaping alone has to hold
    visit(browser, tmp_path, page)
    assert browser.title != "ran"
    script = """
    const odd = [...document.querySelectorAll("script, iframe, object, embed, form")];
    const bad = [...document.querySelectorAll("*")].filter(
        each => [...each.attributes].some(a => a.name.startsWith("on")));
    const links = [...document.links].map(each => each.href);
    return [odd.length, bad.length, [...new Set(links)].sort()];
    """
    assert browser.execute_script(script) == [
        0, 0, ["https://github.com/example/p", "https://papers.example.org/p.pdf"],
    ]  # fmt: skip


def test_citations_open_and_close_by_keyboard(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    visit(browser, tmp_path, to_html(*paged(tmp_path)))
    size(browser, 1200)
    press(browser, Keys.TAB)
    focused = browser.switch_to.active_element
    assert focused.get_attribute("class") == "mark"
    assert "p. 1" in (focused.get_attribute("aria-label") or "")
    assert opened(browser) == []
    press(browser, Keys.ENTER)
    assert opened(browser) == ["c1"]
    panel = browser.find_element("css selector", "#c1")
    assert pdfs.SENTENCES[0] in panel.text
    assert panel.find_element("tag name", "img").is_displayed()
    press(browser, Keys.TAB)
    assert browser.switch_to.active_element.text == "Close"
    press(browser, Keys.ENTER)
    assert opened(browser) == []
    press(browser, Keys.SPACE)
    assert opened(browser) == ["c1"]  # the focus went back to the mark
    press(browser, Keys.ESCAPE)
    assert opened(browser) == []


@pytest.mark.parametrize("width", [400, 1200])
def test_nothing_overflows(browser: Any, tmp_path: Path, width: int) -> None:
    visit(browser, tmp_path, to_html(*paged(tmp_path)))
    size(browser, width)
    script = """
    const wide = document.documentElement.clientWidth;
    return [...document.querySelectorAll("body *")].filter(each => {
        const box = each.getBoundingClientRect();
        return box.width && (box.right > wide + 1 || box.left < -1)
            && getComputedStyle(each).clipPath === "none" && !each.closest("thead");
    }).map(each => each.outerHTML.slice(0, 120));
    """
    assert browser.execute_script(script) == []
    for number in (1, 2):
        browser.execute_script(f"document.getElementById('c{number}').showPopover()")
        assert browser.execute_script(script) == []
        panel = "document.getElementById('c" + str(number) + "')"
        assert browser.execute_script(f"return {panel}.scrollWidth <= {panel}.clientWidth")
    page = browser.execute_script("return document.documentElement.scrollWidth")
    assert page <= width


def test_the_words_of_a_diagram_stay_in_their_boxes(browser: Any, tmp_path: Path) -> None:
    for text in ("Plain words that go on for a while. " * 6, "W" * 100, "\u6f22\u5b57" * 50):
        visit(browser, tmp_path, to_html(answer_with(text)))
        for width in (400, 1200):
            size(browser, width)
            outside = browser.execute_script("""
            return [...document.querySelectorAll("g.box text")].filter(each => {
                const word = each.getBoundingClientRect();
                const box = each.parentNode.querySelector("rect").getBoundingClientRect();
                return word.width && (word.right > box.right || word.left < box.left
                    || word.bottom > box.bottom || word.top < box.top);
            }).map(each => each.textContent);
            """)
            assert outside == []
            shown = browser.execute_script("""
            return [...document.querySelectorAll("svg")].filter(
                each => each.getBoundingClientRect().width).map(each => each.className.baseVal)
            """)
            assert set(shown) == {"flow" if width == 1200 else "flow stacked"}


def test_what_is_printed_has_every_quote_and_picture(browser: Any, tmp_path: Path) -> None:
    answer, evidence = paged(tmp_path)
    visit(browser, tmp_path, to_html(answer, evidence))
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        images = browser.find_elements("tag name", "img")
        assert len(images) == 3
        assert all(image.is_displayed() for image in images)
        text = " ".join(browser.find_element("tag name", "body").text.split())
        for quote in (pdfs.SENTENCES[0], pdfs.CROSSING):
            assert text.count(quote) == 2  # as a statement, and among the words around it
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(browser: Any, tmp_path: Path, scheme: str) -> None:
    visit(browser, tmp_path, to_html(*paged(tmp_path)))
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    pairs = browser.execute_script("""
    document.getElementById("c1").showPopover();
    const behind = each => {
        for (; each; each = each.parentElement) {
            const colour = getComputedStyle(each).backgroundColor;
            if (colour !== "rgba(0, 0, 0, 0)") return colour;
        }
    };
    return ["h1", ".facts", ".notice", ".mark", "td", "th", "a", "#c1 mark", "#c1", "figcaption"]
        .map(name => document.querySelector(name))
        .map(each => [getComputedStyle(each).color, behind(each), each.outerHTML.slice(0, 60)]);
    """)
    for colour, behind, shown in pairs:
        assert contrast(colour, behind) >= 4.5, shown  # WCAG 2 AA


def contrast(one: str, other: str) -> float:
    """Return the contrast of two CSS colours by WCAG 2: from 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(each) / 255 for each in colour.split("(")[1].rstrip(")").split(",")[:3]]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return sum(share * x for share, x in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
