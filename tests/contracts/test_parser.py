"""What every PDF backend must do, on the same generated files."""

from __future__ import annotations

import re
from pathlib import Path

import pdfs
import pytest

from ragqa.errors import ParseError
from ragqa.parse import pdfium, pypdf_text
from ragqa.parse.canonical import LIGATURES, canonical_document
from ragqa.parse.raw import PdfBackend, RawPdf

BACKENDS = {"pdfium": pdfium.read_pdf, "pypdf": pypdf_text.read_pdf}
HONEST = {
    "paper": pdfs.paper,
    "two columns": pdfs.two_columns,
    "turned": pdfs.rotated,
    "attachment": pdfs.attachment,
    "outline": pdfs.outline,
    "surrogates": pdfs.lone_surrogates,
    "two units": pdfs.astral,
    "right to left": pdfs.right_to_left,
    "image": pdfs.image_only,
}


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> PdfBackend:
    return BACKENDS[request.param]


@pytest.fixture(params=HONEST)
def honest(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return HONEST[request.param](tmp_path / "some.pdf")


def _words(pdf: RawPdf) -> list[list[str]]:
    """Return each page's words, sorted, without what the backends may tell apart."""
    pages = ("".join(LIGATURES.get(c, c) for c in page.text) for page in pdf.pages)
    joined = (re.sub(r"-?[\ufffe\x02]|-\s*\n", "", page) for page in pages)
    return [sorted(re.findall(r"\w+", page)) for page in joined]


def test_both_read_the_same_words(honest: Path) -> None:
    assert _words(pdfium.read_pdf(honest)) == _words(pypdf_text.read_pdf(honest))


def test_pages_are_numbered_from_one(backend: PdfBackend, honest: Path) -> None:
    pages = backend(honest).pages
    assert [page.number for page in pages] == list(range(1, pdfs.page_count(honest) + 1))


def test_lines_lie_in_the_page_in_order_and_hold_all_its_text(
    backend: PdfBackend, honest: Path
) -> None:
    for page in backend(honest).pages:
        edges = [0, *(edge for line in page.lines for edge in (line.start, line.end))]
        edges.append(len(page.text))
        assert edges == sorted(edges)
        assert all(line.start < line.end for line in page.lines)
        between = "".join(page.text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True))
        assert not between.strip()


def test_text_is_unicode_and_offsets_count_code_points(backend: PdfBackend, honest: Path) -> None:
    for page in backend(honest).pages:
        page.text.encode("utf-8")


def test_canonical_pages_tile_the_text(backend: PdfBackend, honest: Path) -> None:
    document = canonical_document(backend(honest), paper_id="x", sha256="")
    edges = [0, *(edge for page in document.pages for edge in (page.start, page.end))]
    edges.append(len(document.text))
    assert edges[::2] == edges[1::2]


def test_the_outline_and_notes_come_with_pypdf(tmp_path: Path) -> None:
    path = pdfs.outline(tmp_path / "a.pdf")
    assert pypdf_text.read_facts(path) == (pdfs.OUTLINE, ())
    assert pypdf_text.read_pdf(path).outline == pdfs.OUTLINE
    notes = pypdf_text.read_facts(pdfs.attachment(tmp_path / "b.pdf"))[1]
    assert notes == ("attachment not read: 'notes.txt'",)
    assert pypdf_text.read_facts(pdfs.truncated(tmp_path / "c.pdf")) == ((), ())


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (pdfs.encrypted, "encrypted"),
        (pdfs.html_as_pdf, "damaged-pdf"),
        (pdfs.zero_bytes, "damaged-pdf"),
    ],
)
def test_an_unreadable_file_has_its_reason(
    backend: PdfBackend, tmp_path: Path, make, reason: str
) -> None:
    with pytest.raises(ParseError) as caught:
        backend(make(tmp_path / "some.pdf"))
    assert caught.value.reason == reason


def test_a_truncated_file_is_an_error_or_a_part(backend: PdfBackend, tmp_path: Path) -> None:
    """pypdf rebuilds what it can of a broken file; nothing but a ParseError may come out."""
    try:
        pdf = backend(pdfs.truncated(tmp_path / "some.pdf"))
    except ParseError as error:
        assert error.reason == "damaged-pdf"
    else:
        assert len(pdf.pages) <= 4
