"""`ragqa.generate.extractive`: whole sentences, best first, once each, with what they point at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from corpora import document_of_sentences, scored
from hypothesis import given
from hypothesis import strategies as st

from ragqa.generate.extractive import extract
from ragqa.records import Chunk, Draft, ScoredSentence

SENTENCES = (
    "The network restores fine detail in small images.",
    "It was trained on twelve thousand photographs.",
    "Every photograph shows a quiet street.",
    "The photographs were taken by volunteers.",
)


def chunk_of(*sentences: str, paper_id: str = "p", between: str = " ") -> Chunk:
    return document_of_sentences(sentences, paper_id=paper_id, between=between)[1]


CHUNK = chunk_of(*SENTENCES)


def texts(drafts: Sequence[Draft]) -> list[str]:
    return [draft.text for draft in drafts]


APART = (
    "The network restores fine detail in small images.",
    "Rain fell on the harbour all day.",
    "Every photograph shows a quiet street.",
    "Gulls gathered along the pier.",
    "Tomatoes ripen in winter greenhouses.",
    "The boats left before dawn.",
    "Basil wilts when nights are cold.",
    "Fog hid the lighthouse until noon.",
)
FAR = chunk_of(*APART, between="\n")


def test_what_is_nearly_as_good_stands_in_reading_order() -> None:
    ranked = [scored(FAR, 4, 1.9), scored(FAR, 2, 1.5), scored(FAR, 0, 1.0)]
    assert texts(extract(ranked, limit=3)) == [APART[0], APART[2], APART[4]]
    assert texts(extract(ranked, limit=2)) == [APART[2], APART[4]]
    assert texts(extract(ranked, limit=1)) == [APART[4]]
    assert extract(ranked, limit=0) == ()
    assert extract([], limit=3) == ()


def test_the_best_stands_first_where_it_is_far_ahead() -> None:
    ranked = [scored(FAR, 4, 5.0), scored(FAR, 2, 3.5), scored(FAR, 0, 3.0)]
    assert texts(extract(ranked, limit=3)) == [APART[4], APART[0], APART[2]]


def test_the_best_three_stand_before_the_others() -> None:
    scores = (1.0, 1.1, 1.2, 1.3, 1.4, 1.5)
    ranked = [scored(FAR, at, score) for at, score in enumerate(scores)]
    assert texts(extract(ranked, limit=6)) == [*APART[3:6], *APART[:3]]


def test_a_paper_comes_twice_where_its_statements_are_of_both_kinds() -> None:
    other = chunk_of(*APART[6:], paper_id="a", between="\n")
    ranked = [scored(FAR, 4, 1.9), scored(FAR, 2, 1.8), scored(other, 0, 1.7), scored(FAR, 0, 1.0)]
    assert texts(extract(ranked, limit=6)) == [APART[2], APART[4], APART[6], APART[0]]


def test_what_is_far_behind_the_best_is_left_out() -> None:
    ranked = [scored(FAR, 2, 9.0), scored(FAR, 4, 6.5), scored(FAR, 0, 5.5)]
    assert texts(extract(ranked, limit=3)) == [APART[2], APART[4]]
    table = replace(CHUNK.sentences[2], quotable=False)
    chunk = replace(CHUNK, sentences=(*CHUNK.sentences[:2], table, CHUNK.sentences[3]))
    far = [scored(chunk, 2, 9.0), scored(chunk, 3, 1.0)]  # what is not quotable is not the best
    assert texts(extract(far, limit=3)) == [SENTENCES[3]]


def test_a_fourth_must_be_nearer_to_the_best_than_a_third() -> None:
    ranked = [scored(FAR, at, score) for at, score in ((0, 9.0), (2, 8.0), (4, 8.0), (6, 7.0))]
    assert len(extract(ranked, limit=6)) == 3
    assert len(extract([*ranked[:3], scored(FAR, 6, 7.8)], limit=6)) == 4


def test_papers_stand_in_the_order_of_their_best_sentence() -> None:
    other = chunk_of("Tomatoes ripen in winter.", "Basil wilts at night.", paper_id="a")
    parted = chunk_of("Tomatoes ripen in winter.", "Basil wilts.", paper_id="a", between="\n")
    ranked = [scored(CHUNK, 2, 3.0), scored(parted, 1, 2.9), scored(parted, 0, 2.8)]
    assert texts(extract(ranked, limit=3))[0] == SENTENCES[2]
    ranked = [scored(CHUNK, 2, 3.0), scored(other, 1, 3.1)]
    assert texts(extract(ranked, limit=3)) == ["Basil wilts at night.", SENTENCES[2]]


def test_neighbours_of_a_paragraph_are_one_statement() -> None:
    for scores in ((2.0, 1.5), (1.5, 2.0)):
        ranked = [scored(CHUNK, 2, scores[0]), scored(CHUNK, 3, scores[1])]
        assert texts(extract(ranked, limit=2)) == [f"{SENTENCES[2]} {SENTENCES[3]}"]
    assert texts(extract(ranked, limit=1)) == [SENTENCES[3]]  # one is asked for
    parted = chunk_of(*SENTENCES, between="\n")
    ranked = [scored(parted, 2, 2.0), scored(parted, 3, 1.5)]
    assert len(extract(ranked, limit=2)) == 2
    wide = chunk_of(f"Gulls {'flew and ' * 40}rested.", f"Boats {'came and ' * 40}left.")
    assert len(extract([scored(wide, 0), scored(wide, 1)], limit=2)) == 2


def test_a_sentence_between_two_statements_makes_them_one_where_they_overlap() -> None:
    chunk = chunk_of(
        "Twelve gulls were ringed.",
        "They flew far south.",
        "They came back soon.",
        "Nobody saw them go.",
    )
    ranked = [scored(chunk, 1, 3.0), scored(chunk, 3, 2.5), scored(chunk, 2, 2.0)]
    drafts = extract(ranked, limit=6)
    assert texts(drafts) == [chunk.text]


def test_what_is_not_quotable_is_passed_over() -> None:
    table = replace(CHUNK.sentences[2], quotable=False)
    chunk = replace(CHUNK, sentences=(*CHUNK.sentences[:2], table, CHUNK.sentences[3]))
    ranked = [scored(chunk, 2, 9.0), scored(chunk, 3, 1.0)]
    assert texts(extract(ranked, limit=2)) == [SENTENCES[3]]


def test_a_sentence_that_points_back_brings_the_one_before_as_one_quote() -> None:
    (draft,) = extract([scored(CHUNK, 1)], limit=1)
    assert draft.text == f"{SENTENCES[0]} {SENTENCES[1]}"
    (quote,) = draft.quotes
    assert (quote.start, quote.text) == (0, draft.text)


def test_what_is_quoted_as_an_antecedent_is_not_quoted_again() -> None:
    drafts = extract([scored(CHUNK, 0, 2.0), scored(CHUNK, 1, 1.0)], limit=2)
    assert texts(drafts) == [f"{SENTENCES[0]} {SENTENCES[1]}"]


def test_no_antecedent_over_a_table_or_at_the_start_or_where_it_gets_long() -> None:
    table = replace(CHUNK.sentences[0], quotable=False)
    chunk = replace(CHUNK, sentences=(table, *CHUNK.sentences[1:]))
    assert texts(extract([scored(chunk, 1)], limit=1)) == [SENTENCES[1]]
    first = chunk_of("It begins here and now.", "Nothing precedes it.")
    assert texts(extract([scored(first, 0)], limit=1)) == ["It begins here and now."]
    long = chunk_of("The network " + "restores detail and " * 60 + "rests.", SENTENCES[1])
    assert texts(extract([scored(long, 1)], limit=1)) == [SENTENCES[1]]


def test_an_equal_sentence_of_another_paper_is_a_second_citation() -> None:
    other = chunk_of(SENTENCES[0].replace(" in ", "  in "), "More.", paper_id="q")
    (draft,) = extract([scored(CHUNK, 0, 9.0), scored(other, 0, 8.0)], limit=5)
    assert [quote.chunk.paper_id for quote in draft.quotes] == ["p", "q"]
    assert draft.text == SENTENCES[0]


FLEW = "They flew far south to the coast of Africa."


def test_a_second_citation_has_all_words_of_the_statement() -> None:
    gulls = chunk_of("Gulls were ringed in May.", FLEW)
    for other, papers in (("Gulls were ringed in May.", ["p", "q"]), ("Terns were fed.", ["p"])):
        terns = chunk_of(other, FLEW, paper_id="q")
        (draft,) = extract([scored(gulls, 1, 9.0), scored(terns, 1, 8.0)], limit=5)
        assert draft.text == gulls.text
        assert [quote.chunk.paper_id for quote in draft.quotes] == papers
    short = chunk_of("Gulls were ringed in May.", paper_id="q")
    ranked = [scored(gulls, 0, 9.0), scored(short, 0, 8.8), scored(gulls, 1, 8.5)]
    (draft,) = extract(ranked, limit=5)  # it grows after it was found in the other paper
    assert [quote.text for quote in draft.quotes] == [draft.text] == [gulls.text]


def test_a_near_duplicate_is_left_out_and_adds_nothing() -> None:
    near = chunk_of("The network restores fine detail in very small images.", paper_id="q")
    (draft,) = extract([scored(CHUNK, 0, 9.0), scored(near, 0, 8.0)], limit=5)
    assert [quote.chunk.paper_id for quote in draft.quotes] == ["p"]


@pytest.mark.parametrize(
    "other",
    [
        "The network never restores fine detail in small images.",
        "The network restores fine detail in 3 of 40 small images.",
    ],
)
def test_like_words_that_say_otherwise_are_a_statement_of_their_own(other: str) -> None:
    first = chunk_of("The network restores fine detail in 30 small images.", paper_id="p")
    drafts = extract(
        [scored(first, 0, 9.0), scored(chunk_of(other, paper_id="q"), 0, 8.0)], limit=5
    )
    assert [len(draft.quotes) for draft in drafts] == [1, 1]


def test_what_a_longer_sentence_of_the_paper_holds_is_left_out() -> None:
    chunk = chunk_of(
        "Circulating irisin increased significantly in treated subjects [3].",
        "Rain fell.",
        "The main finding of our study is that circulating irisin was significantly increased in "
        "treated subjects, whatever their age.",
        between="\n",
    )
    ranked = [scored(chunk, 0, 9.0), scored(chunk, 2, 8.0)]
    assert len(extract(ranked, limit=5)) == 1
    elsewhere = chunk_of("Fog.", chunk.text.split("\n")[2], paper_id="q", between="\n")
    assert len(extract([ranked[0], scored(elsewhere, 1, 8.0)], limit=5)) == 2  # another paper says


def test_what_cannot_be_quoted_with_what_it_means_stands_behind() -> None:
    chunk = chunk_of("These were treated for a week.", "Fog.", "All mice lived on.", between="\n")
    assert texts(extract([scored(chunk, 0, 3.0), scored(chunk, 2, 1.5)], limit=1)) == [
        "All mice lived on."
    ]
    assert texts(extract([scored(chunk, 0, 3.0), scored(chunk, 2, 0.5)], limit=1)) == [
        "These were treated for a week."
    ]


def test_paper_and_cell_are_set() -> None:
    (draft,) = extract([scored(CHUNK, 0)], limit=1, paper_id="p", cell="input")
    assert (draft.paper_id, draft.cell) == ("p", "input")


PICKED = st.lists(
    st.tuples(st.sampled_from("pqr"), st.integers(0, 3), st.floats(-5, 5)), max_size=12
)


@given(PICKED, st.integers(0, 6), st.randoms())
def test_drafts_are_exact_few_and_do_not_depend_on_the_order_given(
    picked: list[tuple[str, int, float]], limit: int, random: object
) -> None:
    chunks = {name: chunk_of(*SENTENCES, paper_id=name) for name in "pqr"}
    given_: list[ScoredSentence] = [scored(chunks[p], at, score) for p, at, score in picked]
    drafts = extract(given_, limit=limit)
    assert len(drafts) <= limit
    assert bool(drafts) == bool(limit and given_)
    assert len(set(texts(drafts))) == len(drafts)
    for draft in drafts:
        assert draft.quotes[0].text == draft.text
        assert texts([draft])[0].endswith(".")
        for quote in draft.quotes:
            start = quote.start
            assert start is not None
            assert quote.chunk.text[start : start + len(quote.text)] == quote.text
    random.shuffle(given_)  # type: ignore[attr-defined]
    assert extract(given_, limit=limit) == drafts
