"""`ragqa.generate.extractive`: whole sentences, best first, once each, with what they point at."""

from __future__ import annotations

from dataclasses import replace

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


def texts(drafts: tuple[Draft, ...]) -> list[str]:
    return [draft.text for draft in drafts]


def test_the_best_are_taken_and_put_in_reading_order() -> None:
    ranked = [scored(CHUNK, 3, 1.5), scored(CHUNK, 0, 1.0), scored(CHUNK, 2, 1.9)]
    assert texts(extract(ranked, limit=2)) == [SENTENCES[2], SENTENCES[3]]
    assert texts(extract(ranked, limit=1)) == [SENTENCES[2]]
    assert extract(ranked, limit=0) == ()
    assert extract([], limit=3) == ()


def test_what_is_far_behind_the_best_is_left_out() -> None:
    ranked = [scored(CHUNK, 2, 9.0), scored(CHUNK, 3, 6.5), scored(CHUNK, 0, 5.5)]
    assert texts(extract(ranked, limit=3)) == [SENTENCES[2], SENTENCES[3]]
    table = replace(CHUNK.sentences[2], quotable=False)
    chunk = replace(CHUNK, sentences=(*CHUNK.sentences[:2], table, CHUNK.sentences[3]))
    far = [scored(chunk, 2, 9.0), scored(chunk, 3, 1.0)]  # what is not quotable is not the best
    assert texts(extract(far, limit=3)) == [SENTENCES[3]]


def test_papers_stand_in_the_order_of_their_best_sentence() -> None:
    other = chunk_of("Tomatoes ripen in winter.", "Basil wilts at night.", paper_id="a")
    ranked = [scored(CHUNK, 2, 3.0), scored(other, 1, 2.0), scored(other, 0, 1.0)]
    assert texts(extract(ranked, limit=3)) == [
        SENTENCES[2],
        "Tomatoes ripen in winter.",
        "Basil wilts at night.",
    ]


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


def test_no_antecedent_over_a_paragraph_or_a_table_or_at_the_start() -> None:
    parted = chunk_of(*SENTENCES, between="\n")
    assert texts(extract([scored(parted, 1)], limit=1)) == [SENTENCES[1]]
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


def test_a_near_duplicate_is_left_out_and_adds_nothing() -> None:
    near = chunk_of("The network restores fine detail in very small images.", paper_id="q")
    (draft,) = extract([scored(CHUNK, 0, 9.0), scored(near, 0, 8.0)], limit=5)
    assert [quote.chunk.paper_id for quote in draft.quotes] == ["p"]


def test_the_same_words_denied_are_not_a_second_citation() -> None:
    denied = chunk_of("The network never restores fine detail in small images.", paper_id="q")
    drafts = extract([scored(CHUNK, 0, 9.0), scored(denied, 0, 8.0)], limit=5)
    assert all(quote.chunk.paper_id == "p" for draft in drafts for quote in draft.quotes)


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
        for quote in draft.quotes:
            start = quote.start
            assert start is not None
            assert quote.chunk.text[start : start + len(quote.text)] == quote.text
    random.shuffle(given_)  # type: ignore[attr-defined]
    assert extract(given_, limit=limit) == drafts
