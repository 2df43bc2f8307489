"""`ragqa.render` as HTML: nothing becomes markup, and what a citation opens is where it stands."""

from __future__ import annotations

import base64
import io
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pdfs
import pypdfium2
import pytest
from corpora import GARDEN, citation, source, standard_index
from doubles import HashedEmbedder
from hypothesis import given, settings
from hypothesis import strategies as st
from papers import ACL, needs_papers
from PIL import Image
from reportlab.pdfbase.pdfmetrics import stringWidth
from test_render import CODE, NASTY, PLAIN, URL, answer_with

from ragqa.api import Reader
from ragqa.chunk.sentences import split_sentences
from ragqa.errors import CitationError
from ragqa.parse import parse_pdf, parse_readme, parse_summary
from ragqa.records import Answer, Citation, Document, Run, Section, Statement
from ragqa.render import to_html
from ragqa.render.crops import MAX_PIXELS, Rect, _lines, quote_rects
from ragqa.render.diagram import Box, draw_flow
from ragqa.render.evidence import (
    MAX_PICTURE_BYTES,
    REMARKS,
    Evidence,
    NoPicture,
    Picture,
    _targets,
    collect,
)
from ragqa.render.words import AROUND, ContextLine, words_around

VOID = {"meta", "img", "br"}
SVG = {"svg", "title", "g", "rect", "text", "line", "polygon"}
MARK = (255, 233, 120)


class Outline(HTMLParser):
    """Elements with their attributes, and texts, of a page; a diagram's are kept apart."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.drawn: list[tuple[str, dict[str, str | None]]] = []
        self.odd: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        assert len({name for name, _ in attrs}) == len(attrs)
        if tag not in VOID:
            self.open.append(tag)
        (self.drawn if "svg" in self.open else self.tags).append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "svg" not in self.open and "style" not in self.open:
            self.texts.append(data)

    def handle_comment(self, data):
        self.odd.append(data)

    def handle_pi(self, data):
        self.odd.append(data)

    def unknown_decl(self, data):
        self.odd.append(data)


def evidence_of(answer: Answer, text: str) -> dict[Citation, Evidence]:
    """Return evidence that shows a text everywhere where a foreign text can stand."""
    lines = tuple(ContextLine(number=n, before=text, quote=text, after=text) for n in (1, 2))
    picture = Picture(page=3, png=b"\x89PNG", width=30, height=20)
    return {
        each: Evidence(lines=lines, pictures=(picture,), remark="too-many")
        for each in (*answer.citations, *answer.nearest)
    }


def page_with(text: str) -> str:
    answer = answer_with(text)
    return to_html(answer, evidence_of(answer, text))


def shown(text: str) -> str:
    """What a text must look like after it went through a page."""
    flat = re.sub("\r\n?", "\n", text)
    forbidden = "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
    return re.sub(forbidden, "\ufffd", flat)


def squeezed(texts: list[str]) -> str:
    return "".join("".join(texts).split())


def check_shown_as_it_is(text: str) -> None:
    page, plain = Outline(page_with(text)), Outline(page_with(PLAIN))
    assert (page.open, page.odd) == ([], [])
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in plain.tags]
    for (tag, found), (_, wanted) in zip(page.tags, plain.tags, strict=True):
        expected = {k: v and v.replace(PLAIN, shown(text)) for k, v in wanted.items()}
        assert found == expected, tag
    assert squeezed(page.texts) == squeezed(plain.texts).replace(
        PLAIN, "".join(shown(text).split())
    )
    assert {tag for tag, _ in page.drawn} <= SVG
    for tag, attributes in page.drawn:
        assert not [name for name in attributes if name.startswith("on") or "href" in name], tag


HOSTILE = [
    "<script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "' autofocus onfocus='alert(1)",
    "<svg/onload=alert(1)>",
    "</text></svg><iframe src=//evil.example>",
    "javascript:alert(1)",
    "<!-- -->",
    "<![CDATA[ x ]]>",
    "<?php x ?>",
    "&lt;script&gt; &#60;b&#62; &amp;amp; &notin; &#x3c;",
    "\x00<\x00script>",
    "\ud800<b>",
    "line one\r\nline two\rline three",
    "\u202eevil\u202c",
    "\ufffe\uffff\x85\x9f",
    "a" * 400,
    "\u6f22" * 90,
]


@pytest.mark.parametrize("text", [*NASTY, *HOSTILE])
def test_markup_is_shown_as_it_is(text: str) -> None:
    check_shown_as_it_is(text)


@settings(max_examples=100)
@given(
    st.text(
        st.sampled_from(list("<>&\"'=/!-?[]#;` \n\r\t\x00abox:")) | st.characters(),
        min_size=1,
        max_size=40,
    ).filter(lambda text: bool(text.strip()))
)
def test_any_text_is_shown_as_it_is(text: str) -> None:
    check_shown_as_it_is(text)


def test_a_page_is_encodable_and_in_english_with_its_headings_in_order() -> None:
    page = page_with("\ud800 x")
    page.encode("utf-8")
    tags = [tag for tag, _ in Outline(page).tags]
    assert '<html lang="en">' in page
    assert tags.count("h1") == tags.count("main") == tags.count("title") == 1
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h\d", tag)]
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))


def test_a_page_asks_for_nothing_from_outside() -> None:
    page = page_with(PLAIN)
    outline = Outline(page)
    assert not {"script", "link", "iframe", "object", "embed", "form", "base", "video"} & {
        tag for tag, _ in outline.tags
    }
    for tag, attributes in (*outline.tags, *outline.drawn):
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        assert (attributes.get("src") or "data:image/png;").startswith("data:image/png;")
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert not re.search(r"url\(|@import|@font-face|//", style)
    (policy,) = [
        a["content"] for t, a in outline.tags if t == "meta" and "http-equiv" in a and a["content"]
    ]
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy


def test_the_only_links_are_those_of_the_list() -> None:
    links = [a for t, a in Outline(page_with("http://evil.example")).tags if t == "a"]
    assert {a["href"] for a in links} == {URL, CODE}
    assert {a["rel"] for a in links} == {"noopener noreferrer"}


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "http://[", "x"]
)
def test_what_is_no_web_link_is_text(link: str) -> None:
    answer = replace(answer_with(PLAIN), sources=(source("p", "P", link), source("q", "Q")))
    page = to_html(answer)
    hrefs = {a["href"] for t, a in Outline(page).tags if t == "a"}
    assert hrefs == {URL}
    assert link in "".join(Outline(page).texts)


def test_every_mark_opens_a_citation_and_every_citation_has_a_mark() -> None:
    tags = Outline(page_with(PLAIN)).tags
    opened = {a["popovertarget"] for t, a in tags if t == "button"}
    panels = [a["id"] for t, a in tags if "popover" in a]
    assert opened == set(panels)
    assert len(panels) == len(set(panels)) == len(answer_with(PLAIN).citations) + 1
    assert all(a.get("aria-label") for t, a in tags if t == "button" and a["class"] == "mark")


def test_all_that_markdown_says_is_there() -> None:
    answer = answer_with(PLAIN)
    text = " ".join("".join(Outline(to_html(answer)).texts).split())
    for section in answer.sections:
        for item in (*section.statements, *section.notices):
            assert item.text in text
    for notice in answer.notices:
        assert notice.text in text
    assert "Nearest evidence (not an answer)" in text
    assert answer.to_html() == to_html(answer)


def test_an_abstention_says_so_first() -> None:
    answer = replace(
        answer_with(PLAIN), abstained=True, reason="no-match", sections=(), confidence=0.1
    )
    text = "".join(Outline(to_html(answer)).texts)
    assert text.index("Not answered") < text.index("Sources")
    assert "confidence 10%" in text


# The diagram


@given(st.lists(st.text(min_size=1, max_size=200), min_size=1, max_size=3), st.booleans())
def test_a_diagram_s_boxes_stand_apart_and_hold_their_lines(
    texts: list[str], stacked: bool
) -> None:
    boxes = [Box(head="Head", body=(text,)) for text in texts]
    drawn = Outline(draw_flow(boxes, title="x", stacked=stacked)).drawn
    frames = [_numbers(a, "x", "y", "width", "height") for t, a in drawn if t == "rect"]
    assert len(frames) == len(texts)
    for (x, y, w, h), (x2, y2, _, _) in zip(frames, frames[1:], strict=False):
        assert (y2 > y + h) if stacked else (x2 > x + w)
    places = [_numbers(a, "x", "y") for t, a in drawn if t == "text"]
    for x, y in places:
        assert any(fx < x < fx + w and fy < y < fy + h for fx, fy, w, h in frames)
    assert sum(t == "polygon" for t, _ in drawn) == len(texts) - 1


def _numbers(attributes: dict[str, str | None], *names: str) -> list[float]:
    return [float(attributes[name] or "") for name in names]


@pytest.mark.parametrize("word", ["i", "W", "x", "mild", "Restored", "4x", "is it", "A-B", "r"])
def test_a_diagram_breaks_lines_before_a_wide_font_leaves_its_box(
    tmp_path: Path, word: str
) -> None:
    pdfs.paper(tmp_path / "p.pdf")  # registers the fonts
    text = " ".join([word] * 40 + [word * 80])
    svg = draw_flow([Box(head=text, body=(text,))], title="x")
    for style, font in (("head", pdfs.BOLD), ("body", pdfs.BODY)):
        lines = re.findall(rf'class="{style}">([^<]*)<', svg)
        assert "".join("".join(lines).split()).startswith("".join(text.split())[:60])
        assert max(stringWidth(line, font, 13) for line in lines) <= 250 - 2 * 14


# Words around a quote


@given(st.text(st.sampled_from("ab \n"), min_size=1, max_size=900), st.data())
def test_words_around_are_the_text_around(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    document = Document(paper_id="p", kind="summary", sha256="", text=text, line_starts=(0,))
    if not text[start:end].strip():
        return
    lines = words_around(document, start, end)
    before = "".join(line.before for line in lines).removeprefix("\u2026 ")
    after = "".join(line.after for line in lines).removesuffix(" \u2026")
    assert "".join(line.quote for line in lines) == text[start:end]
    assert text[:start].endswith(before)
    assert text[end:].startswith(after)
    assert max(len(before), len(after)) <= AROUND
    assert len(before) < start or not lines[0].before.startswith("\u2026")


README = """\
# Tiny [Upscaler](https://example.org)

![badge](https://example.org/b.svg)

It takes a **small picture** and
gives a large one. It was
trained at night.

## Usage

Run it twice.
"""


def test_a_readme_s_lines_have_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(README, encoding="utf-8")
    document = parse_readme(path, paper_id="p")
    start = document.text.index("It takes")
    end = document.text.index("one.") + 4
    lines = words_around(document, start, end)
    raw = README.splitlines()
    for line in lines:
        said = line.before + line.quote + line.after
        for word in re.findall(r"\w+", said):
            assert word in raw[(line.number or 0) - 1]
    assert [line.number for line in lines if line.quote.strip()] == [5, 6]
    assert {line.number for line in lines} >= {1, 5, 6, 7}


def test_a_summary_is_one_numbered_line() -> None:
    document = parse_summary("First words. The quote stands here. Last words.", paper_id="p")
    start = document.text.index("The quote")
    (line,) = words_around(document, start, start + len("The quote stands here."))
    assert line == ContextLine(
        number=1, before="First words. ", quote="The quote stands here.", after=" Last words."
    )


# Pictures of pages


def span_of(document: Document, quote: str) -> Citation:
    """Return a citation of a text's first occurrence."""
    start = document.text.index(quote)
    end = start + len(quote)
    return replace(
        citation(quote, start=start),
        document=document.kind,
        locators=document.locate(start, end),
    )


def rects_of(path: Path, quote: str, number: int = 1) -> list[Rect]:
    """Return where a quote's lines stand on a page."""
    document = parse_pdf(path, paper_id="p")
    targets = _targets(span_of(document, quote), document, path)
    (target,) = (each for each in targets if each.page == number)
    with pypdfium2.PdfDocument(path) as pdf:
        return quote_rects(pdf[number - 1], target)


def gather(
    path: Path, quote: str, *, max_bytes: int = MAX_PICTURE_BYTES, document: Document | None = None
) -> Evidence:
    parsed = document or parse_pdf(path, paper_id="p")
    cited = span_of(parsed, quote)
    found = collect(
        [cited], document_of=lambda _: parsed, pdf_of=lambda _: path, max_bytes=max_bytes
    )
    return found[cited]


def image_of(picture: Picture) -> Image.Image:
    image = Image.open(io.BytesIO(picture.png)).convert("RGB")
    assert image.size == (picture.width, picture.height)
    assert max(image.size) <= MAX_PIXELS
    return image


def marked(image: Image.Image) -> tuple[int, int, int, int]:
    """Return the box of the marked pixels."""
    away = np.abs(np.asarray(image).astype(int) - MARK).sum(axis=2)
    rows, columns = np.nonzero(away < 24)
    assert len(rows)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def test_boxes_are_where_the_text_was_set(tmp_path: Path) -> None:
    path = pdfs.two_columns(tmp_path / "p.pdf")
    for column, sentences in enumerate(pdfs.COLUMNS):
        for sentence in sentences:
            rects = rects_of(path, sentence)
            wanted = _set_by_reportlab(sentences, column, sentence)
            assert len(rects) == len(wanted)
            for rect, (left, right, baseline) in zip(rects, wanted, strict=True):
                assert rect.left == pytest.approx(left, abs=1)
                assert rect.right == pytest.approx(right, abs=1)
                assert baseline <= rect.bottom <= baseline + 4
                assert baseline - 13 <= rect.top <= baseline - 6


def _set_by_reportlab(
    sentences: tuple[str, ...], column: int, sentence: str
) -> list[tuple[float, float, float]]:
    """Return left, right and baseline of the lines that `two_columns` set a sentence on."""
    text = " ".join(sentences)
    first = text.index(sentence)
    found, at = [], 0
    for row, line in enumerate(pdfs.wrap(text, 36)):
        start = text.index(line, at)
        at = start + len(line)
        low, high = max(first, start), min(first + len(sentence), at)
        if low < high:
            left = pdfs.MARGIN + column * 250
            before = stringWidth(line[: low - start], pdfs.BODY, 10)
            width = stringWidth(line[low - start : high - start], pdfs.BODY, 10)
            found.append((left + before, left + before + width, 90.0 + 13 * row))
    return found


def test_a_picture_has_the_quote_marked_and_the_page_around_it(tmp_path: Path) -> None:
    path = pdfs.plain(tmp_path / "p.pdf", GARDEN)
    (picture,) = gather(path, GARDEN[4]).pictures
    image = image_of(picture)
    left, top, right, bottom = marked(image)
    assert 0 < left < right < image.width
    assert 0 < top < bottom < image.height
    width = stringWidth(GARDEN[4], pdfs.BODY, 10)
    assert (right - left) * (width + 2 * 26) / image.width == pytest.approx(width, rel=0.03)
    inside = image.crop((left, top, right, bottom)).convert("L").getextrema()
    assert inside[0] < 90  # the words are still dark
    assert len(picture.png) < 60_000


def test_a_quote_on_two_pages_has_two_pictures(tmp_path: Path) -> None:
    evidence = gather(pdfs.paper(tmp_path / "p.pdf"), pdfs.CROSSING)
    assert [picture.page for picture in evidence.pictures] == [1, 2]
    assert evidence.remark is None
    for picture in evidence.pictures:
        marked(image_of(picture))


def test_a_quote_over_two_columns_has_a_picture_of_each(tmp_path: Path) -> None:
    path = pdfs.two_columns(tmp_path / "p.pdf")
    quote = " ".join((pdfs.COLUMNS[0][-1], pdfs.COLUMNS[1][0]))
    pictures = gather(path, quote).pictures
    assert [picture.page for picture in pictures] == [1, 1]
    assert all(picture.height < 300 for picture in pictures)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_page_is_marked_where_it_reads(tmp_path: Path, degrees: int) -> None:
    upright, turned = pdfs.paper(tmp_path / "a.pdf"), tmp_path / "b.pdf"
    pdfs.rotated(turned, degrees=degrees)
    for sentence in (pdfs.SENTENCES[0], pdfs.SENTENCES[1], pdfs.SENTENCES[3]):
        wanted, found = rects_of(upright, sentence), rects_of(turned, sentence)
        assert len(wanted) == len(found) >= 1
        for one, other in zip(wanted, found, strict=True):
            assert other == pytest.approx(one, abs=0.6)
    (picture,) = gather(turned, pdfs.SENTENCES[1]).pictures
    box = marked(image_of(picture))
    (level,) = gather(upright, pdfs.SENTENCES[1]).pictures
    assert box == pytest.approx(marked(image_of(level)), abs=3)


def test_ligatures_hyphens_and_letters_of_two_units_do_not_shift_a_mark(tmp_path: Path) -> None:
    path = pdfs.paper(tmp_path / "p.pdf")
    for sentence in pdfs.SENTENCES[:4]:
        document = parse_pdf(path, paper_id="p")
        cited = span_of(document, sentence)
        assert len(rects_of(path, sentence)) == len(_raw_lines(document, cited, path))


def _raw_lines(document: Document, cited: Citation, path: Path) -> list[str]:
    (locator,) = cited.locators
    with pypdfium2.PdfDocument(path) as pdf:
        raw = pdf[0].get_textpage().get_text_range()[locator.start : locator.end]  # type: ignore[union-attr]
    return [line for line in re.split("[\r\n\ufffe]+", raw) if line.strip()]


def test_no_picture_where_the_page_says_something_else(tmp_path: Path) -> None:
    path = pdfs.plain(tmp_path / "p.pdf", GARDEN)
    document = parse_pdf(path, paper_id="p")
    shifted = replace(document, runs=tuple(Run(run.start, run.raw + 7) for run in document.runs))
    evidence = gather(path, GARDEN[4], document=shifted)
    assert (evidence.pictures, evidence.remark) == ((), "not-on-page")
    assert evidence.lines


@pytest.mark.parametrize("make", [pdfs.truncated, pdfs.encrypted, pdfs.html_as_pdf])
def test_a_page_that_cannot_be_drawn_costs_its_own_picture(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    good = pdfs.plain(tmp_path / "good.pdf", GARDEN)
    document = parse_pdf(good, paper_id="p")
    bad = make(tmp_path / "bad.pdf")
    first, second = span_of(document, GARDEN[2]), span_of(document, GARDEN[4])
    files = iter([bad, good])
    found = collect([first, second], document_of=lambda _: document, pdf_of=lambda _: next(files))
    assert found[first].remark == "not-drawn"
    assert len(found[second].pictures) == 1


def test_a_child_that_hangs_is_killed_and_the_next_page_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ragqa.render import evidence

    path = pdfs.plain(tmp_path / "p.pdf", GARDEN)
    start, children = evidence._start, []

    def hang_once(*command: str):
        idle = ("-c", "import time; time.sleep(600)")
        child = start(idle) if not children else start()
        children.append(child)
        return child

    monkeypatch.setattr(evidence, "_start", hang_once)
    monkeypatch.setattr(evidence, "_SECONDS", 0.5)
    assert gather(path, GARDEN[2]).remark == "not-drawn"
    monkeypatch.setattr(evidence, "_SECONDS", 30.0)
    assert gather(path, GARDEN[2]).remark is None
    assert len(children) == 2
    assert all(child.poll() is not None for child in children)


def test_pictures_beyond_the_limit_are_left_out_and_said_so(tmp_path: Path) -> None:
    path = pdfs.plain(tmp_path / "p.pdf", GARDEN)
    document = parse_pdf(path, paper_id="p")
    cited = [span_of(document, GARDEN[n]) for n in (1, 2, 4)]
    whole = collect(cited, document_of=lambda _: document, pdf_of=lambda _: path)
    sizes = [len(whole[each].pictures[0].png) for each in cited]
    found = collect(
        cited, document_of=lambda _: document, pdf_of=lambda _: path, max_bytes=sum(sizes[:2])
    )
    assert [len(found[each].pictures) for each in cited] == [1, 1, 0]
    assert found[cited[2]].remark == "too-many"
    assert found[cited[2]].lines
    assert found[cited[0]] == whole[cited[0]]


def test_a_citation_that_no_longer_resolves_shows_its_quote_alone(tmp_path: Path) -> None:
    document = parse_summary("First words. The quote stands here.", paper_id="p")
    good = span_of(document, "The quote stands here.")
    wrong = replace(good, quote="Something else here...")

    def gone(_: Citation) -> Document:
        raise CitationError("gone")

    def no_file(_: Document) -> NoPicture:
        return "no-file"

    found = collect([wrong], document_of=lambda _: document, pdf_of=no_file)
    assert found[wrong] == Evidence(remark="unresolved")
    assert collect([good], document_of=gone, pdf_of=no_file)[good].remark == "unresolved"
    statement = Statement(text=wrong.quote, citations=(wrong,))
    answer = replace(
        answer_with(PLAIN), sections=(Section(title="T", kind="answer", statements=(statement,)),)
    )
    page = to_html(answer, found)
    assert REMARKS["unresolved"] in page
    assert "<mark><bdi>Something else here...</bdi></mark>" in page


def test_a_tall_letter_does_not_swallow_the_next_line() -> None:
    """As some formula fonts have them: a box from the line above to the line below."""
    first = [Rect(60.0 + 10 * n, 100.0, 70.0 + 10 * n, 110.0) for n in range(20)]
    tall = Rect(260.0, 85.0, 290.0, 130.0)
    second = [Rect(60.0 + 10 * n, 118.0, 70.0 + 10 * n, 128.0) for n in range(10)]
    assert list(_lines([*first, tall, *second])) == [
        Rect(60.0, 100.0, 290.0, 110.0),
        Rect(60.0, 118.0, 160.0, 128.0),
    ]
    backwards = list(_lines(first[::-1]))  # as some scripts run
    assert backwards == [Rect(60.0, 100.0, 260.0, 110.0)]


@pytest.mark.slow
@needs_papers
def test_marks_on_real_papers_hold_the_words_of_the_quote() -> None:
    """Judged by pdfium's other way: what text lies inside of a rectangle."""
    same = [_marks_hold(path) for path in ACL]
    right, count = sum(r for r, _ in same), sum(n for _, n in same)
    assert count > 200
    assert right >= 0.98 * count


def _marks_hold(path: Path) -> tuple[int, int]:
    """Return in how many of some sentences the marks hold exactly its letters, and how many."""
    document = parse_pdf(path, paper_id="p")
    spans = split_sentences(document, 0, len(document.text))
    whole = [each for each in spans if each.quotable and document.is_verbatim(each.start, each.end)]
    right = count = 0
    with pypdfium2.PdfDocument(path) as pdf:
        for span in whole[:: len(whole) // 20]:
            for target in _targets(
                span_of(document, document.text[span.start : span.end]), document, path
            ):
                page = pdf[target.page - 1]
                height, textpage = page.get_height(), page.get_textpage()
                found = [
                    textpage.get_text_bounded(
                        r.left - 0.2, height - r.bottom + 2, r.right + 0.2, height - r.top - 2
                    )
                    for r in quote_rects(page, target)
                ]
                count += 1
                right += _letters("".join(found)) == _letters(target.text)
    return right, count


def _letters(text: str) -> str:
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", text))


# The reader


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return standard_index(tmp_path_factory.mktemp("html"))


TOMATOES = "Which tomatoes grew faster when they were watered at night?"


def page_of(index: Path, question: str = TOMATOES) -> str:
    reader = Reader.open(index, embedder=HashedEmbedder(), min_confidence=0)
    try:
        return reader.to_html(reader.ask(question))
    finally:
        reader.close()


def test_a_reader_shows_words_and_pages(index: Path) -> None:
    page = page_of(index)
    data = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert data
    for each in data:
        Image.open(io.BytesIO(base64.b64decode(each))).verify()
    assert f"<mark>{GARDEN[4]}</mark>" in page
    assert GARDEN[5].split()[1] in page  # the sentence after it
    assert "No picture" not in page
    assert str(index.parent) not in page
    assert page_of(index) == page


def test_a_file_that_is_gone_or_changed_is_said_so(index: Path) -> None:
    pdf = index.parents[1] / "corpus" / "small" / "pdf" / "garden.pdf"
    data = pdf.read_bytes()
    try:
        pdf.unlink()
        assert REMARKS["no-file"] in page_of(index)
        pdf.write_bytes(data + b"\n")
        page = page_of(index)
        assert REMARKS["changed-file"] in page
        assert "data:image" not in page
        assert f"<mark>{GARDEN[4]}</mark>" in page
    finally:
        pdf.write_bytes(data)
