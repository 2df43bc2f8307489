"""`ragqa.verify`: what passes is cited exactly, and whatever was changed is dropped with a code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from corpora import document_of_sentences
from hypothesis import assume, given
from hypothesis import strategies as st

from ragqa.records import Chunk, Document, DocumentKind, Draft, DraftQuote, Paper, Statement
from ragqa.verify import Drop, verify

SENTENCES = (
    "The network restores detail.",
    "It runs on a laptop.",
    "The network restores detail.",
    "Code is at https://github.com/example/p and nowhere else.",
    "Data is at www.evil.example, they say.",
)
DOCUMENT, CHUNK = document_of_sentences(SENTENCES)
PAPER = Paper(
    paper_id="p",
    title="P",
    url="https://papers.example.org/p.pdf",
    github="https://github.com/example/p",
)


def check(
    draft: Draft, *, documents: Mapping[DocumentKind, Document] | None = None, paper: Paper = PAPER
) -> Statement | Drop:
    held = documents or {"pdf": DOCUMENT}
    return verify(draft, document_of=lambda _, kind: held[kind], paper_of=lambda _: paper)


def draft(text: str, *, chunk: Chunk = CHUNK, start: int | None = None) -> Draft:
    return Draft(text=text, quotes=(DraftQuote(chunk=chunk, text=text, start=start),))


def reason(result: Statement | Drop) -> str:
    assert isinstance(result, Drop), result
    return result.reason


def test_a_quote_that_is_there_is_cited_exactly() -> None:
    result = check(draft(SENTENCES[1]))
    assert isinstance(result, Statement)
    (citation,) = result.citations
    assert DOCUMENT.text[citation.start : citation.end] == citation.quote == SENTENCES[1]
    assert citation.locators == DOCUMENT.locate(citation.start, citation.end)
    assert (citation.paper_id, citation.document, citation.url) == ("p", "pdf", PAPER.url)
    assert citation.chunk_id == CHUNK.chunk_id


def test_the_claimed_place_decides_between_equal_quotes() -> None:
    second = DOCUMENT.text.rindex(SENTENCES[0])
    for start, found in ((None, 0), (0, 0), (second, second), (7, 0), (-3, 0), (10**6, 0)):
        result = check(draft(SENTENCES[0], start=start))
        assert isinstance(result, Statement)
        assert result.citations[0].start == found


def test_paper_and_cell_are_kept() -> None:
    result = check(replace(draft(SENTENCES[1]), paper_id="p", cell="output"))
    assert isinstance(result, Statement)
    assert (result.paper_id, result.cell) == ("p", "output")


@pytest.mark.parametrize(
    ("kind", "paper", "url"),
    [
        ("readme", PAPER, PAPER.github),
        ("summary", PAPER, PAPER.url),
        ("summary", replace(PAPER, url=None), PAPER.github),
        ("pdf", replace(PAPER, url=None, github=None), None),
    ],
)
def test_a_citation_links_what_is_listed(kind: DocumentKind, paper: Paper, url: str | None) -> None:
    document, chunk = document_of_sentences(SENTENCES, kind=kind)
    result = check(draft(SENTENCES[1], chunk=chunk), documents={kind: document}, paper=paper)
    assert isinstance(result, Statement)
    assert result.citations[0].url == url


def test_without_a_quote() -> None:
    assert reason(check(Draft(text="Trust me.", quotes=()))) == "no-quote"


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_an_empty_quote_is_none(text: str) -> None:
    assert reason(check(draft(text))) == "quote-not-found"


def test_a_chunk_that_is_not_the_index_s() -> None:
    forged = replace(CHUNK, text=CHUNK.text.replace("restores", "destroys"))
    assert reason(check(draft("The network destroys detail.", chunk=forged))) == "chunk-changed"
    moved = replace(CHUNK, start=1, end=CHUNK.end + 1)
    assert reason(check(draft(SENTENCES[1], chunk=moved))) == "chunk-changed"


def test_a_quote_of_another_chunk_of_the_document() -> None:
    half = replace(CHUNK, end=28, text=CHUNK.text[:28])
    assert isinstance(check(draft(SENTENCES[0], chunk=half)), Statement)
    assert reason(check(draft(SENTENCES[1], chunk=half))) == "quote-not-found"
    start = DOCUMENT.text.rindex(SENTENCES[0])
    result = check(draft(SENTENCES[0], chunk=half, start=start))
    assert reason(result) == "quote-not-found"


def test_a_quote_over_something_left_out() -> None:
    document, chunk = document_of_sentences(SENTENCES, breaks=(10,))
    held: dict[DocumentKind, Document] = {"pdf": document}
    assert reason(check(draft(SENTENCES[0], chunk=chunk), documents=held)) == "not-verbatim"
    assert isinstance(check(draft(SENTENCES[1], chunk=chunk), documents=held), Statement)


def test_a_link_that_is_not_listed() -> None:
    assert isinstance(check(draft(SENTENCES[3])), Statement)
    other = replace(PAPER, github="https://github.com/example/other")
    assert reason(check(draft(SENTENCES[3]), paper=other)) == "unlisted-link"
    assert reason(check(draft(SENTENCES[4]))) == "unlisted-link"


def test_a_statement_in_other_words() -> None:
    other = replace(draft(SENTENCES[1]), text="It does not run on a laptop.")
    assert reason(check(other)) == "unsupported"
    spaced = replace(draft(SENTENCES[1]), text=" It runs\n on a laptop. ")
    assert isinstance(check(spaced), Statement)


def test_one_bad_quote_drops_the_statement() -> None:
    good, bad = draft(SENTENCES[1]).quotes[0], draft("It runs on two laptops.").quotes[0]
    both = Draft(text=SENTENCES[1], quotes=(good, bad))
    assert reason(check(both)) == "quote-not-found"


@given(st.data())
def test_a_quote_changed_in_any_character_never_passes(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(SENTENCES))
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + data.draw(st.characters()) + text[at + 1 :]
    assume(changed not in CHUNK.text)
    start = data.draw(st.none() | st.integers(-5, len(CHUNK.text) + 5))
    assert reason(check(draft(changed, start=start))) == "quote-not-found"


@given(
    st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=5),
    st.integers(0, 40),
    st.integers(1, 40),
    st.none() | st.integers(-10, 60),
    st.sets(st.integers(1, 60), max_size=3),
)
def test_what_passes_is_the_text_of_its_span(
    sentences: list[str], low: int, length: int, start: int | None, breaks: set[int]
) -> None:
    document, chunk = document_of_sentences(sentences, breaks=tuple(sorted(breaks)))
    text = document.text[low : low + length]
    result = check(draft(text, chunk=chunk, start=start), documents={"pdf": document})
    if isinstance(result, Drop):
        assert not text.strip() or result.reason in {"not-verbatim", "unlisted-link"}
        return
    for citation in result.citations:
        assert document.text[citation.start : citation.end] == citation.quote == text
        assert document.is_verbatim(citation.start, citation.end)
        assert chunk.start <= citation.start < citation.end <= chunk.end
