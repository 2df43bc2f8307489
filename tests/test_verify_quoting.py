"""`ragqa.verify.quoting`: exact under the normalisation, with the way back; whole words only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.verify.quoting import find_quote, is_evidence, normalise


@pytest.mark.parametrize(
    ("quote", "text", "found"),
    [
        ("a   b\nc", "x a b c y", "a b c"),
        (
            '"smart" and don\'t',
            "so \u201csmart\u201d and don\u2019t",
            "\u201csmart\u201d and don\u2019t",
        ),
        ("1990-1995", "in 1990\u20131995 they", "1990\u20131995"),
        ("efficient find", "an e\ufb03cient \ufb01nd", "e\ufb03cient \ufb01nd"),
        ("na\u00efve model", "the nai\u0308ve model", "nai\u0308ve model"),
        ("exam-\nple here", "an example here", "example here"),
        ("soft hyphen", "a soft hy\u00adphen", "soft hy\u00adphen"),
        ('"the end"', "this is the end of it", "the end"),
    ],
)
def test_what_is_written_in_another_way_is_found(quote: str, text: str, found: str) -> None:
    span = find_quote(quote, text)
    assert span is not None
    assert text[span[0] : span[1]] == found


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("effective in adults", "it was ineffective in adults"),
        ("significant effect", "a non-significant effect"),
        ("5% of patients", "it was 12.5% of patients"),
        ("reduced by 12", "it was reduced by 12.5 points"),
        ("reduced by 12", "it was reduced by 12%"),
        ("10 of them", "some -10 of them"),
        ("the cat", "the category"),
        ("The cat", "the cat"),
        ("a b", "a, b"),
        ("a ... c", "a b c"),
        ("102 cells", "10\u00b2 cells"),
        ("", "anything"),
        ("   ", "anything at all"),
    ],
)
def test_what_is_not_there_is_not_found(quote: str, text: str) -> None:
    assert find_quote(quote, text) is None


def test_the_first_whole_occurrence_counts() -> None:
    assert find_quote("the cat", "the category and the cat") == (17, 24)


@given(st.text())
def test_every_character_of_a_normal_form_came_from_somewhere(text: str) -> None:
    normal = normalise(text)
    assert len(normal.offsets) == len(normal.text) + 1
    assert list(normal.offsets) == sorted(normal.offsets)
    assert normalise(normal.text.strip()).text == normal.text.strip()


@given(st.text(alphabet="ab \n\u2013-'\u2019\ufb01", min_size=1), st.data())
def test_a_span_of_whole_words_is_found_where_its_words_are(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    span = find_quote(text[start:end], text)
    if span is not None:
        found = normalise(text[span[0] : span[1]]).text.strip()
        assert found.strip(" '") == normalise(text[start:end]).text.strip(" '")


def test_short_quotes_are_no_evidence() -> None:
    assert is_evidence("reduced the pain")
    assert not is_evidence("a b c d")
    assert not is_evidence("antidisestablishmentarianism")
