"""Where words stand in a text: exactly, then as letters and digits alone."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ragqa.evaluate.locating import TextIndex, fold, locate

TEXT = "We ﬁnd that state-of-\nthe-art naïve models “fail”; the ﬁndings (p < 0.05) hold."


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("that", "that"),
        ("find that state-of-the-art", "ﬁnd that state-of-\nthe-art"),
        ("NAÏVE", "naïve"),
        (unicodedata.normalize("NFD", "naïve"), "naïve"),
        ('"fail"', "fail"),
        ("the findings", "the ﬁndings"),
        ("P<0.05", "p < 0.05"),
        ("  models   fail ", "models “fail"),
    ],
)
def test_words_are_found_whatever_their_signs(words: str, found: str) -> None:
    span = locate(TEXT, words)
    assert span is not None
    assert TEXT[slice(*span)] == found


@pytest.mark.parametrize(
    "words",
    ["", " \n", "...", "±", "models failed", "naive", "ind that", "fidings", "we find this"],
)
def test_what_differs_in_a_letter_or_has_none_is_not_found(words: str) -> None:
    # "ind that": half of a ligature is no letter of the text
    assert locate(TEXT, words) is None


def test_an_accent_belongs_to_its_letter() -> None:
    decomposed = unicodedata.normalize("NFD", "un café noir")
    assert locate(decomposed, "CAFÉ") == (3, 8)
    assert locate(decomposed, "CAFE") is None
    assert locate("각", "가") is None
    assert locate(unicodedata.normalize("NFD", "각"), "각") == (0, 3)


def test_the_nearest_place_is_taken() -> None:
    text = "ab. ab. ab. ab."
    assert locate(text, "ab") == (0, 2)
    assert [locate(text, "ab", near=near) for near in (0, 3, 7, 99)] == [
        (0, 2), (4, 6), (8, 10), (12, 14),
    ]  # fmt: skip
    assert locate(text, "ab", near=2) == (0, 2)  # as near as the next: the earlier
    assert locate(text, "AB", near=7) == (8, 10)
    assert locate(text, "AB", near=-5) == (0, 2)


def test_exact_goes_before_folded_and_whole_words_before_parts() -> None:
    assert locate("Art. The art.", "art") == (9, 12)
    assert locate("Start of art", "art") == (9, 12)
    assert locate("Start", "art") == (2, 5)
    assert locate("START OF ART", "art") == (9, 12)
    assert locate("Start of art", "art", near=2) == (2, 5)


def test_all_places_are_yielded_in_order() -> None:
    index = TextIndex("aaa Aa")  # white space does not matter: "a A" is one of them
    assert list(index.find("aa")) == [(0, 2), (1, 3)]
    assert list(index.find("AA")) == [(0, 2), (1, 3), (2, 5), (4, 6)]
    assert list(index.find("b")) == list(index.find("-")) == []


words = st.text(
    st.sampled_from("abcXYZ019 éßﬁαжẞ中가\u0301\u00ad-–—\n\t“”.,½Ⅳ²ñÅ"), min_size=1, max_size=60
)


def _cut(data: st.DataObject, text: str) -> tuple[int, int]:
    """Draw a span that has a letter or digit and leaves each letter its accents."""
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    assume(fold(text[start:end]))
    assume(not unicodedata.combining(text[start]))
    assume(end == len(text) or not unicodedata.combining(text[end]))
    return start, end


@given(text=words, data=st.data())
def test_what_is_cut_out_is_found_where_it_was(text: str, data: st.DataObject) -> None:
    start, end = _cut(data, text)
    cut = text[start:end]
    assert locate(text, cut, near=start) == (start, end)
    first = locate(text, cut)
    assert first is not None
    assert text[slice(*first)] == cut


@given(text=words, data=st.data())
def test_what_is_cut_out_and_set_anew_is_found(text: str, data: st.DataObject) -> None:
    start, end = _cut(data, text)
    cut = text[start:end]
    for white in (" ", "\n", "-"):
        cut = cut.replace(white, data.draw(st.sampled_from(["", " ", "\r\n", "-\n", " – "])))
    form = data.draw(st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
    cut = unicodedata.normalize(form, cut)
    case = data.draw(st.sampled_from([str.lower, str.upper, str.swapcase, str.casefold]))
    cut = case(cut)
    signs = next(at for at, char in enumerate(text[start:end]) if fold(char))
    span = locate(text, cut, near=start + signs)  # a place starts with a letter
    assert span is not None
    found = text[slice(*span)]
    assert found == cut or fold(found) == fold(cut)
    if cut not in text:  # else it may stand exactly elsewhere
        assert start <= span[0] < span[1] <= end


@given(text=words, other=words, near=st.none() | st.integers(-5, 70))
def test_nothing_is_found_that_does_not_stand_there(
    text: str, other: str, near: int | None
) -> None:
    span = locate(text, other, near=near)
    if span is not None:
        start, end = span
        assert 0 <= start < end <= len(text)
        assert fold(text[start:end]) == fold(other)


@given(text=words)
def test_a_prepared_text_gives_what_a_fresh_one_gives(text: str) -> None:
    index = TextIndex(text)
    for other in (text, text[1:], text.upper(), text[::2]):
        assert index.locate(other) == locate(text, other)
        assert list(index.find(other)) == list(TextIndex(text).find(other))
