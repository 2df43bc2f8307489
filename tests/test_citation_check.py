"""`citation_check`: it passes what is right and names each way in which a citation can be wrong."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pdfs
import pypdfium2
import pytest
from citation_check import Evidence, check_answers, squash
from pypdf import PdfReader, PdfWriter

LINK = "https://papers.example.org/garden.pdf"
CODE = "https://github.com/example/garden"
FIRST, LAST = "Tomatoes ripen in cold green-", "houses when they are watered at night."
README = "# Garden\n\nWater the tomatoes\nat night, never at noon.\n\nMore to come."
SUMMARY = "Whales sing.\nTheir songs travel far."


@pytest.fixture
def papers(tmp_path: Path) -> dict[str, Evidence]:
    """Return a paper whose sentence crosses a page, with a README, and one with a summary."""
    writer = PdfWriter()
    for number, line in enumerate((FIRST, LAST, "A third page about whales.")):
        writer.append(PdfReader(pdfs.plain(tmp_path / f"{number}.pdf", (line,))))
    writer.write(tmp_path / "garden.pdf")
    (tmp_path / "README.md").write_text(README, encoding="utf-8")
    garden = Evidence(
        pdf=tmp_path / "garden.pdf", readme=tmp_path / "README.md", links=(LINK, CODE)
    )
    return {"garden": garden, "ocean": Evidence(summary=SUMMARY)}


def locator(path: Path, page: int, words: str) -> dict[str, int]:
    with pypdfium2.PdfDocument(path) as document:
        textpage = document[page - 1].get_textpage()
        start = textpage.get_text_range().index(words)
        textpage.close()
    return {"page": page, "start": start, "end": start + len(words)}


def citation(quote: str, locators: list[dict[str, int]], **fields: Any) -> dict[str, Any]:
    standard = {"paper_id": "garden", "document": "pdf", "url": LINK, "start": 7}
    return {**standard, "quote": quote, "end": 7 + len(quote), "locators": locators, **fields}


@pytest.fixture
def answer(papers: dict[str, Evidence]) -> dict[str, Any]:
    """Return an answer with a citation of each kind, all of them right."""
    pdf = papers["garden"].pdf
    assert pdf is not None
    crossing = citation(
        "Tomatoes ripen in cold greenhouses when they are watered at night.",
        [locator(pdf, 1, FIRST), locator(pdf, 2, LAST)],
    )
    code = citation(
        "Water the tomatoes at night, never at noon.",
        [{"line_start": 3, "line_end": 4}], document="readme", url=CODE,
    )  # fmt: skip
    near = citation(
        "Their songs travel far.",
        [{"line_start": 2, "line_end": 2}], document="summary", url=None, paper_id="ocean",
    )  # fmt: skip
    statements = [{"text": c["quote"], "citations": [c]} for c in (crossing, code)]
    return {
        "question": "When are tomatoes watered?",
        "sections": [{"title": "Answer", "statements": statements, "notices": []}],
        "notices": [{"code": "sources", "text": "Listed papers: 2."}],
        "sources": [{"paper_id": "garden", "links": [LINK, CODE]}],
        "nearest": [near],
    }


def test_a_right_answer_passes(answer: dict[str, Any], papers: dict[str, Evidence]) -> None:
    tally = check_answers([answer], papers)
    assert tally.wrong == []
    assert (tally.citations, tally.in_pdf, tally.nearest) == (3, 1, 1)
    assert tally.pypdf_share == 1.0
    assert str(tally).startswith("3 citations (1 of them nearest evidence), 1 in PDFs; 0 wrong")


def first(answer: dict[str, Any], number: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = answer["sections"][0]["statements"][number]["citations"][0]
    return found


def requote(found: dict[str, Any], quote: str) -> None:
    found |= {"quote": quote, "end": found["start"] + len(quote)}


def shift(found: dict[str, Any], at: int, by: int) -> None:
    found["locators"][at]["start"] += by
    found["locators"][at]["end"] += by


SPOILS = {
    "a letter was changed": (
        lambda a: requote(first(a), first(a)["quote"].replace("cold", "gold")),
        "does not stand on these pages",
    ),
    "a word was left out": (
        lambda a: requote(first(a), first(a)["quote"].replace("cold ", "")),
        "does not stand on these pages",
    ),
    "the end of the quote is gone": (
        lambda a: requote(first(a), first(a)["quote"][:-10]),
        "has offsets of other text",
    ),
    "offsets are one off": (lambda a: shift(first(a), 0, 1), "has offsets of other text"),
    "a page too few": (lambda a: first(a)["locators"].pop(), "does not stand on these pages"),
    "another page": (
        lambda a: first(a)["locators"][1].update(page=3),
        "does not stand on these pages",
    ),
    "pages in the wrong order": (
        lambda a: first(a)["locators"].reverse(),
        "page numbers that cannot be",
    ),
    "a page that is not there": (
        lambda a: first(a)["locators"][1].update(page=4),
        "page numbers that cannot be",
    ),
    "a span of another length": (lambda a: first(a).update(end=9), "not as long as its span"),
    "an empty quote": (lambda a: requote(first(a), " \u2013 "), "quotes nothing"),
    "a link of nobody": (lambda a: first(a).update(url="https://evil.example.org"), "links to"),
    "a paper that is not listed": (lambda a: first(a).update(paper_id="x"), "no listed paper"),
    "a text that is not there": (
        lambda a: first(a, 1).update(document="summary"),
        "cites a summary that is not there",
    ),
    "a line too few": (
        lambda a: first(a, 1)["locators"][0].update(line_end=3),
        "does not stand on these lines",
    ),
    "a line too many": (
        lambda a: first(a, 1)["locators"][0].update(line_end=5),
        "names a line that it does not touch",
    ),
    "a line that is not there": (
        lambda a: first(a, 1)["locators"][0].update(line_end=9),
        "line numbers that cannot be",
    ),
    "nearest evidence is checked, too": (
        lambda a: requote(a["nearest"][0], "Their songs travel fast."),
        "does not stand on these lines",
    ),
    "a source's link is not listed": (
        lambda a: a["sources"][0]["links"].append("https://evil.example.org"),
        "source links to",
    ),
    "a statement says a link": (
        lambda a: a["sections"][0]["statements"][0].update(text="See www.evil.example.org."),
        "says the link",
    ),
}


@pytest.mark.parametrize(("spoil", "said"), SPOILS.values(), ids=SPOILS)
def test_each_way_to_be_wrong_is_named(
    answer: dict[str, Any], papers: dict[str, Evidence], spoil: Any, said: str
) -> None:
    spoilt = deepcopy(answer)
    spoil(spoilt)
    wrong = check_answers([answer, spoilt], papers).wrong
    assert len(wrong) == 1
    assert said in wrong[0]


def test_what_pypdf_cannot_find_is_listed(
    answer: dict[str, Any], papers: dict[str, Evidence], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("citation_check._pypdf_pages", lambda path: ("Toma toes", "no", "text"))
    tally = check_answers([answer], papers)
    assert (tally.wrong, tally.pypdf_share) == ([], 0.0)
    assert "not by pypdf: garden" in str(tally)


def test_letters_and_digits_are_compared_and_nothing_else() -> None:
    assert squash("of\ufb01ce-\r\nhours, 24 %") == "officehours24"
    assert squash("re\u0301sume\u0301") == squash("r\u00e9sum\u00e9") != "resume"
