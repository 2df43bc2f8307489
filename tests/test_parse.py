"""Stage 3: what the canonical text keeps, what it leaves out, and that every span leads back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pdfs
import pypdfium2
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from papers import ALL, FEW, needs_papers, params, parsed
from pypdf import PdfReader

from ragqa.chunk.sentences import split_sentences
from ragqa.errors import ParseError
from ragqa.parse import is_garbled, parse_pdf, parse_readme, parse_summary
from ragqa.parse.canonical import LIGATURES, canonical_document
from ragqa.parse.plain import readme_document
from ragqa.parse.raw import RawLine, RawPage, RawPdf
from ragqa.records import Document, LineLocator, PageLocator


def key(text: str) -> str:
    """Return a text's letters and digits, ligatures opened: what may never be lost or changed."""
    return "".join(c for part in text for c in LIGATURES.get(part, part) if c.isalnum())


def raw_pages(path: Path) -> list[str]:
    """Return each page's text as plain pypdfium2 gives it, without any of ragqa's reading."""
    with pypdfium2.PdfDocument(path) as pdf:
        return [pdf[n].get_textpage().get_text_range(errors="ignore") for n in range(len(pdf))]


def raw_span(document: Document, pages: list[str], start: int, end: int) -> str:
    """Return the raw text that a span's locators point at."""
    locators = document.locate(start, end)
    assert all(isinstance(locator, PageLocator) for locator in locators)
    return "".join(pages[at.page - 1][at.start : at.end] for at in locators)  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Document]:
    path = pdfs.paper(tmp_path_factory.mktemp("pdf") / "paper.pdf")
    return path, parse_pdf(path, paper_id="tiny")


# A generated paper


def test_sentences_of_a_paper_stand_in_its_text_in_order(paper: tuple[Path, Document]) -> None:
    text = paper[1].text
    found = [text.find(sentence) for sentence in pdfs.SENTENCES]
    assert -1 not in found
    assert found == sorted(found)


def test_running_heads_and_page_numbers_are_left_out(paper: tuple[Path, Document]) -> None:
    text = paper[1].text
    assert pdfs.RUNNING_HEAD not in text
    assert not re.search(r"\b10[1-4]\b", text)


def test_headings_are_found_whole_and_nothing_else_is(paper: tuple[Path, Document]) -> None:
    document = paper[1]
    assert [document.text[a:b] for a, b in document.headings] == [pdfs.TITLE, *pdfs.HEADINGS]


def test_hyphens_at_line_ends(paper: tuple[Path, Document]) -> None:
    text = paper[1].text
    assert "every single picture" in text  # unknown halves are joined
    assert "Our implementation runs" in text  # the joined word stands elsewhere
    assert "A state-of-the-art result" in text  # the compound stands elsewhere


def test_a_sentence_over_two_pages_has_a_locator_on_each(paper: tuple[Path, Document]) -> None:
    path, document = paper
    start = document.text.index(pdfs.CROSSING)
    end = start + len(pdfs.CROSSING)
    locators = document.locate(start, end)
    assert [at.page for at in locators if isinstance(at, PageLocator)] == [1, 2]
    assert key(raw_span(document, raw_pages(path), start, end)) == key(pdfs.CROSSING)


def test_the_document_says_what_it_is(paper: tuple[Path, Document]) -> None:
    document = paper[1]
    assert (document.paper_id, document.kind, len(document.sha256)) == ("tiny", "pdf", 64)
    assert [page.number for page in document.pages] == [1, 2, 3, 4]
    assert parse_pdf(paper[0], paper_id="tiny") == document


def test_columns_are_read_one_after_the_other(tmp_path: Path) -> None:
    document = parse_pdf(pdfs.two_columns(tmp_path / "a.pdf"), paper_id="x")
    assert document.text == " ".join(sentence for side in pdfs.COLUMNS for sentence in side)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_page_reads_like_an_upright_one(
    tmp_path: Path, paper: tuple[Path, Document], degrees: int
) -> None:
    document = parse_pdf(pdfs.rotated(tmp_path / "a.pdf", degrees=degrees), paper_id="tiny")
    assert document.text == paper[1].text
    assert document.headings == paper[1].headings


def test_an_attachment_is_noted_and_not_read(tmp_path: Path, paper: tuple[Path, Document]) -> None:
    document = parse_pdf(pdfs.attachment(tmp_path / "a.pdf"), paper_id="tiny")
    assert document.text == paper[1].text
    assert document.notes == ("attachment not read: 'notes.txt'",)


def test_the_outline_makes_headings_of_plain_lines(tmp_path: Path) -> None:
    document = parse_pdf(pdfs.outline(tmp_path / "a.pdf"), paper_id="x")
    assert tuple(document.text[a:b] for a, b in document.headings) == pdfs.OUTLINE


# Text layers that lie


@pytest.mark.parametrize("how", pdfs.HIDDEN_KINDS)
def test_hidden_text_is_left_out_and_reported(tmp_path: Path, how: str) -> None:
    document = parse_pdf(pdfs.hidden_text(tmp_path / "a.pdf", how), paper_id="x")
    assert document.text == f"{pdfs.VISIBLE}\n{pdfs.MORE}"
    assert document.notes == (f"page 1: {len(pdfs.HIDDEN)} hidden character(s) left out",)
    assert not document.is_verbatim(0, len(document.text))
    assert document.is_verbatim(0, len(pdfs.VISIBLE))
    assert document.is_verbatim(len(pdfs.VISIBLE) + 1, len(document.text))


@pytest.mark.parametrize("how", pdfs.SHOWN_KINDS)
def test_odd_but_visible_text_stays(tmp_path: Path, how: str) -> None:
    document = parse_pdf(pdfs.hidden_text(tmp_path / "a.pdf", how), paper_id="x")
    assert document.text == f"{pdfs.VISIBLE}\n{pdfs.HIDDEN}\n{pdfs.MORE}"
    assert document.notes == ()


def test_lone_surrogates_are_removed_and_spans_stay_right(tmp_path: Path) -> None:
    path = pdfs.lone_surrogates(tmp_path / "a.pdf")
    document = parse_pdf(path, paper_id="x")
    document.text.encode("utf-8")
    assert document.text.startswith("We set the mark before each rule, and the mark behind it")
    last = pdfs.ENGLISH[-1]
    start = document.text.index(last)
    assert key(raw_span(document, raw_pages(path), start, start + len(last))) == key(last)


def test_letters_of_two_utf16_units_count_as_one(tmp_path: Path) -> None:
    path = pdfs.astral(tmp_path / "a.pdf")
    document = parse_pdf(path, paper_id="x")
    assert "Let \U0001d431 be a vector" in document.text
    last = pdfs.ENGLISH[-1]
    start = document.text.index(last)
    assert key(raw_span(document, raw_pages(path), start, start + len(last))) == key(last)


def test_right_to_left_text_comes_in_logical_order(tmp_path: Path) -> None:
    document = parse_pdf(pdfs.right_to_left(tmp_path / "a.pdf"), paper_id="x")
    assert document.text.startswith(pdfs.HEBREW)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (pdfs.zero_bytes, "empty-file"),
        (pdfs.html_as_pdf, "not-a-pdf"),
        (pdfs.truncated, "damaged-pdf"),
        (pdfs.encrypted, "encrypted"),
        (pdfs.image_only, "no-text-layer"),
        (pdfs.garbled, "garbled-text"),
        (lambda path: pdfs.garbled(path, how="consonants"), "garbled-text"),
        (lambda path: path, "damaged-pdf"),  # no such file
    ],
)
def test_each_useless_file_has_its_reason(tmp_path: Path, make, reason: str) -> None:
    path = make(tmp_path / "some.pdf")
    with pytest.raises(ParseError) as caught:
        parse_pdf(path, paper_id="x")
    assert caught.value.reason == reason
    assert "some.pdf" in str(caught.value)
    assert caught.value.hint


def test_an_empty_password_is_none(tmp_path: Path, paper: tuple[Path, Document]) -> None:
    document = parse_pdf(pdfs.encrypted(tmp_path / "a.pdf", password=""), paper_id="tiny")
    assert document.text == paper[1].text


def test_where_pdfium_fails_pypdf_is_asked(tmp_path: Path, monkeypatch) -> None:
    path = pdfs.paper(tmp_path / "a.pdf")

    def blind(path: Path) -> RawPdf:
        return RawPdf(backend="pdfium", pages=(RawPage(number=1, text="", lines=()),))

    monkeypatch.setattr("ragqa.parse.pdfium.read_pdf", blind)
    document = parse_pdf(path, paper_id="x")
    assert pdfs.SENTENCES[0] in document.text
    assert any("pypdf" in note for note in document.notes)


def test_pypdf_is_not_trusted_where_pdfium_saw_hidden_text(tmp_path: Path) -> None:
    words = (pdfs.HIDDEN,) * 12
    path = pdfs.mapped(tmp_path / "a.pdf", words, lambda c: "0020" if c == " " else "e000", mode=3)
    with pytest.raises(ParseError) as caught:
        parse_pdf(path, paper_id="x")
    assert caught.value.reason in ("garbled-text", "no-text-layer")


def test_garbled_text_is_told_from_english_and_formulas() -> None:
    assert not is_garbled(" ".join(pdfs.ENGLISH))
    assert not is_garbled("x_1 = \u03b1 + \u03b2, \u2211 k \u2264 n")
    assert not is_garbled("\u4e2d\u6587\u8bba\u6587" * 50)
    assert is_garbled("\ue001\ue002 \ue003\ue004")
    assert is_garbled("bcdf ghjk lmnp qrst " * 10)


# Properties of the canonical text, on raw pages that no reader would make

_ALPHABET = st.sampled_from(
    "abcdefgXYZ0189  \t.,-(%\u2010\xad\u200b\ufb01\ufb03\u00e9\u05d0\ud835\x02\x00\ufeff\u3000"
    "\U0001d431"
)
_LINE_TEXT = st.text(_ALPHABET, min_size=1, max_size=24)


@st.composite
def raw_pdfs(draw: st.DrawFn) -> RawPdf:
    """Draw pages of lines of every look, with hyphens and hidden spans anywhere."""
    pages = []
    for number in range(1, draw(st.integers(1, 5)) + 1):
        text, lines = "", []
        for row in range(draw(st.integers(0, 7))):
            body, hyphen = draw(_LINE_TEXT), draw(st.booleans())
            start = len(text)
            text += body + ("\ufffe" if hyphen else "\r\n")
            end = start + len(body) + hyphen
            size = draw(st.sampled_from([0.0, 9.0, 10.0, 14.0]))
            bold = draw(st.booleans())
            lines.append(RawLine(start, end, size, 400, bold, 800.0 - 13 * row, hyphen))
        cuts = sorted(draw(st.sets(st.integers(0, max(1, len(text))), max_size=4)))
        hidden = tuple(zip(cuts[::2], cuts[1::2], strict=False))
        pages.append(RawPage(number=number, text=text, lines=tuple(lines), hidden=hidden))
    return RawPdf(backend="drawn", pages=tuple(pages))


def _raw_of(document: Document, pdf: RawPdf) -> Iterator[tuple[str, RawPage, int]]:
    for page in document.pages:
        for at in range(page.start, page.end):
            yield document.text[at], pdf.pages[page.number - 1], document.raw_offset(at)


@settings(max_examples=150, deadline=None)
@given(raw_pdfs())
def test_every_character_maps_to_the_one_it_came_from(pdf: RawPdf) -> None:
    document = canonical_document(pdf, paper_id="x", sha256="")
    for char, page, raw in _raw_of(document, pdf):
        if not char.isspace():
            came_from = page.text[raw]
            is_line_end = char == "-" and came_from == "\ufffe"
            assert char == came_from or char in LIGATURES.get(came_from, "") or is_line_end
            assert not any(low <= raw < high for low, high in page.hidden)


@settings(max_examples=100, deadline=None)
@given(raw_pdfs())
def test_pages_tile_the_text_and_runs_are_sorted(pdf: RawPdf) -> None:
    document = canonical_document(pdf, paper_id="x", sha256="")
    edges = [0, *(edge for page in document.pages for edge in (page.start, page.end))]
    edges.append(len(document.text))
    assert edges[::2] == edges[1::2]
    assert [page.number for page in document.pages] == [page.number for page in pdf.pages]
    starts = [run.start for run in document.runs]
    assert starts == sorted(set(starts))
    assert starts[0] == 0
    assert list(document.breaks) == sorted(set(document.breaks))


@settings(max_examples=150, deadline=None)
@given(raw_pdfs(), st.randoms(use_true_random=False))
def test_spans_without_a_break_have_exactly_their_raw_letters(pdf: RawPdf, random: Random) -> None:
    document = canonical_document(pdf, paper_id="x", sha256="")
    assume(document.text.strip())
    pages = [page.text for page in pdf.pages]
    for _ in range(12):
        start = random.randrange(len(document.text))
        end = random.randrange(start + 1, len(document.text) + 1)
        text = document.text[start:end]
        cuts_ligature = any(
            0 < at < len(document.text) and document.raw_offset(at) == document.raw_offset(at - 1)
            for at in (start, end)
        )
        if text.strip() and not cuts_ligature and document.is_verbatim(start, end):
            assert key(raw_span(document, pages, start, end)) == key(text)


@settings(max_examples=100, deadline=None)
@given(raw_pdfs())
def test_canonical_text_is_clean_and_headings_lie_in_it(pdf: RawPdf) -> None:
    document = canonical_document(pdf, paper_id="x", sha256="")
    assert not re.search(
        r"[\x00-\x09\x0b-\x1f\xad\u200b\ufb00-\ufb06\ufeff\ud800-\udfff]", document.text
    )
    assert not re.search(r"\s\s|^\s", document.text)
    document.text.encode("utf-8")
    flat = [edge for span in document.headings for edge in span]
    assert flat == sorted(flat)
    assert all(0 <= edge <= len(document.text) for edge in flat)


# READMEs and summaries

TARGET = "TARGETxq"
_PIECES = st.one_of(
    st.sampled_from(
        f"[a [b] c]({TARGET}/x)|[a](https://{TARGET}.org)|![alt]({TARGET}.png)|<https://{TARGET}.io>"
        f"|https://{TARGET}.io/a_b|[![i]({TARGET})]({TARGET})|<a href='{TARGET}'>|</a>"
        f"|www.{TARGET}.org"
        f"|[t]({TARGET} 'title')|\n\n<img\nsrc='{TARGET}'>|[l\nm]({TARGET})|b <!-- {TARGET} -->"
        f"|mailto:{TARGET}@b.c|\n\n[r]: {TARGET}\n\n|[x](<{TARGET} y>)|[p]({TARGET}(1))"
        f"|[q](javascript:{TARGET})".split("|")
    ),
    st.sampled_from(["*b*", "**c**", "`d`", "_e_", "# ", "\n", "\n\n", "> ", "- ", "1. ", "  \n"]),
    st.sampled_from(
        ["| a | b |\n|---|---|\n| ", " | ", " |\n", "```\n", "\\", "\r\n", "\r", "&amp;"]
    ),
    st.text("abc XYZ019.", min_size=1, max_size=12),
)
_MARKDOWN = st.lists(_PIECES, max_size=14).map(" ".join)


@settings(max_examples=200, deadline=None)
@given(_MARKDOWN)
def test_no_link_target_reaches_the_text(raw: str) -> None:
    document = readme_document(raw, paper_id="x", sha256="")
    assert TARGET not in document.text


def _check_lines(raw: str) -> None:
    document = readme_document(raw, paper_id="x", sha256="")
    lines = re.split(r"\r\n|\r|\n", raw)
    assert len(document.line_starts) == len(lines)
    for sentence in split_sentences(document, 0, len(document.text)):
        (at,) = document.locate(sentence.start, sentence.end)
        assert isinstance(at, LineLocator)
        if document.is_verbatim(sentence.start, sentence.end):
            told = key("".join(lines[at.line_start - 1 : at.line_end]))
            assert key(document.text[sentence.start : sentence.end]) in told


@settings(max_examples=200, deadline=None)
@given(_MARKDOWN)
@example(
    "![alt](TARGETxq.png) | a | b |\n|---|---|\n|  | a | b |\n|---|---|\n|  \n\n[r]: TARGETxq\n\n"
    " [a [b] c](TARGETxq/x)"
)
def test_lines_of_a_readme_hold_what_is_cited_on_them(raw: str) -> None:
    _check_lines(raw)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_a_readme(raw: str) -> None:
    _check_lines(raw)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("See [our page](https://a.b) now.", "See our page now."),
        (
            "**Bold** and `code` and _it_, snake_case stays.",
            "Bold and code and it, snake_case stays.",
        ),
        ("one<br>two", "one two"),
        ("a\\*b\\* \\[c\\]", "a*b* [c]"),
        ("first  \nsecond\\\nthird\nfourth", "first\nsecond\nthird fourth"),
        ("Title\n=====\nBody of it.", "Title\nBody of it."),
        ("```\ncode\n```\n\n    code\n\nText.", "Text."),
        ("| a | a |\n|---|---|\n| a | b |", "a\na\na\nb"),
        ("> quoted\n> text\n\n- item\n- more", "quoted text\nitem\nmore"),
        ("<div>\n<a\nhref='x'>shown</a>\n</div>\n\nNext.", "shown\nNext."),
        ("text [1] and (2) stay", "text [1] and (2) stay"),
    ],
)
def test_markup_is_left_out_and_text_stays(raw: str, text: str) -> None:
    assert readme_document(raw, paper_id="x", sha256="").text == text


def test_a_sentence_with_a_link_is_no_quote() -> None:
    raw = "Read all of [our paper](https://a.b/c) before you start. The rest of it is plain text."
    document = readme_document(raw, paper_id="x", sha256="")
    linked, free = split_sentences(document, 0, len(document.text))
    assert (linked.quotable, free.quotable) == (False, True)


@pytest.mark.parametrize(
    "unit",
    ["[", "[x](", "![", "<", "`", "<a ", "*a", "_a", "[![a](", "<!--", "- ", ">", "a|\n",
     "[a]: b\n", "\\", "<p>\n\n", "[a](b)", "[[a](b)", "http://", "<script "],
)  # fmt: skip
def test_hostile_markdown_comes_to_an_end(unit: str) -> None:
    raw = unit * (20_000 // len(unit))
    _ = readme_document(raw, paper_id="x", sha256="").text


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["[", "![", "<!--", "[![a](", "[[a](b)", "a|\n", "<p>\n\n", "a\n"])
def test_more_hostile_markdown_comes_to_an_end(unit: str) -> None:
    _ = readme_document(unit * (200_000 // len(unit)), paper_id="x", sha256="").text


def test_readme_file(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_bytes(b"\xef\xbb\xbf# Upscaler\r\n\r\nIt makes small pictures \xff large again.\r\n")
    document = parse_readme(path, paper_id="x")
    assert document.text == "Upscaler\nIt makes small pictures large again."
    assert document.headings == ((0, 8),)
    start = document.text.index("It")
    assert str(document.locate(start, start + 10)[0]) == "line 3"


@pytest.mark.parametrize("data", [b"", b"   \n", b"![only](pictures.png)\n", None])
def test_a_readme_without_text_has_its_reason(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "README.md"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ParseError) as caught:
        parse_readme(path, paper_id="x")
    assert caught.value.reason == "no-text"


def test_summary() -> None:
    document = parse_summary("It restores pictures.\nFast and small.\n\nMore.", paper_id="x")
    assert document.text == "It restores pictures. Fast and small.\nMore."
    assert str(document.locate(0, len(document.text))[0]) == "lines 1-4"
    with pytest.raises(ParseError):
        parse_summary(" \n ", paper_id="x")


# Real papers: the way back, checked without ragqa's own reader


@needs_papers
@pytest.mark.parametrize("path", params(FEW, ALL))
def test_every_verbatim_sentence_of_a_real_paper_stands_at_its_locators(path: Path) -> None:
    document, pages = parsed(path), raw_pages(path)
    sentences = split_sentences(document, 0, len(document.text))
    verbatim = [s for s in sentences if document.is_verbatim(s.start, s.end)]
    assert len(verbatim) > 0.99 * len(sentences)
    assert all(document.is_verbatim(s.start, s.end) for s in sentences if s.quotable)
    for s in verbatim:
        assert key(raw_span(document, pages, s.start, s.end)) == key(document.text[s.start : s.end])


@needs_papers
@pytest.mark.slow
def test_pypdf_finds_the_same_sentences_on_the_same_pages(record_testsuite_property) -> None:
    """An independent reader agrees; what it misses is mostly order around formulas and floats."""
    found = total = 0
    for path in ALL:
        document = parsed(path)
        pages = [key(page.extract_text()) for page in PdfReader(path).pages]
        for s in split_sentences(document, 0, len(document.text)):
            if s.quotable:
                locators = document.locate(s.start, s.end)
                numbers = [at.page for at in locators if isinstance(at, PageLocator)]
                total += 1
                found += _stands_on(key(document.text[s.start : s.end]), pages, numbers)
    record_testsuite_property("found by pypdf", f"{found} of {total}")
    assert found >= 0.97 * total


def _stands_on(letters: str, pages: list[str], numbers: list[int]) -> bool:
    """Say whether letters stand on a page, or split over the end of one and the next."""
    if len(numbers) == 1:
        return letters in pages[numbers[0] - 1]
    first, last = pages[numbers[0] - 1], pages[numbers[-1] - 1]
    return any(letters[:cut] in first and letters[cut:] in last for cut in range(1, len(letters)))


@needs_papers
@pytest.mark.parametrize("path", params(FEW, ALL))
def test_furniture_of_a_real_paper_is_gone(path: Path) -> None:
    """Page numbers stand alone at page ends in the raw text and nowhere in the canonical one."""
    document = parsed(path)
    ends = [document.text[page.start : page.end].rstrip()[-40:] for page in document.pages]
    numbers = [re.search(r"\n(\d{1,5})$", end) for end in ends]
    assert sum(number is not None for number in numbers) <= 1


def test_a_heading_set_in_bold_before_its_sentence_is_a_line_of_its_own(tmp_path: Path) -> None:
    from reportlab.pdfgen.canvas import Canvas

    path = tmp_path / "run-in.pdf"
    canvas = Canvas(str(path))
    body = "The crossover operator swaps two words of a pair of candidates, chosen at random."
    for top in (760, 640):
        text = canvas.beginText(72, top)
        text.setFont("Helvetica-Bold", 10)
        text.textOut("Fitness function ")
        text.setFont("Helvetica", 10)
        text.textLine("Fitness functions are metrics of translations.")
        for _ in range(5):
            text.textLine(body)
        canvas.drawText(text)
    canvas.save()
    document = parse_pdf(path, paper_id="p")
    assert [document.text[low:high] for low, high in document.headings] == ["Fitness function"] * 2
    assert "\nFitness functions are metrics of translations. The crossover" in document.text
