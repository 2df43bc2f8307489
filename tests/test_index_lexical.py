"""BM25: checked by hand, the same whatever else is asked, and never surprised by a query."""

from __future__ import annotations

import math
import string
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from index_samples import write_lexical

from ragqa.errors import BuildError, IndexDamagedError, IndexStateError
from ragqa.index.lexical import MAX_QUERY_CHARS, MAX_QUERY_TERMS, Lexical

CORPUS = [
    ("p1", "red green blue"),
    ("p1", "red red red"),
    ("p2", "green blue yellow black white"),
    ("p2", "black"),
    ("p3", "red black red black blue"),
    ("p3", "white white"),
    ("p3", "red green blue"),
]
K1, B = 1.2, 0.75


def lexical_of(folder: Path, chunks: list[tuple[str, str]]) -> Lexical:
    folder.mkdir()
    write_lexical(folder, chunks)
    return Lexical(folder)


@pytest.fixture(scope="module")
def colours(tmp_path_factory):
    return lexical_of(tmp_path_factory.mktemp("l") / "l", CORPUS)


def bm25(query: str) -> dict[int, float]:
    """Score the corpus by the textbook formula; its texts are short enough to be exact."""
    texts = [text.split() for _, text in CORPUS]
    average = sum(map(len, texts)) / len(texts)
    scores: dict[int, float] = {}
    for term, times in Counter(query.split()).items():
        holding = sum(term in text for text in texts)
        idf = math.log(1 + (len(texts) - holding + 0.5) / (holding + 0.5))
        for row, text in enumerate(texts):
            if tf := text.count(term):
                weight = tf * (K1 + 1) / (tf + K1 * (1 - B + B * len(text) / average))
                scores[row] = scores.get(row, 0.0) + times * idf * weight
    return scores


@pytest.mark.parametrize(
    "query", ["red", "red black", "blue white black", "red red blue", "white absent", "yellow"]
)
def test_scores_are_bm25(colours, query):
    expected = bm25(query)
    scores, rows = colours.search(query, 10)
    assert sorted(rows.tolist()) == sorted(expected)
    assert scores.tolist() == pytest.approx([expected[row] for row in rows.tolist()], rel=1e-5)
    assert (np.diff(scores) <= 0).all()
    assert (scores.dtype, rows.dtype) == (np.float32, np.int64)


def test_ties_go_to_the_lower_row_at_any_k(tmp_path):
    texts = [("p", "same words"), ("p", "other"), ("q", "same words"), ("p", "same words")]
    lexical = lexical_of(tmp_path / "l", texts * 5)
    expected = [row for row in range(20) if row % 4 != 1]
    for k in range(1, 18):
        assert lexical.search("same", k)[1].tolist() == expected[:k]
    assert lexical.search("same", 3, ["q"])[1].tolist() == [2, 6, 10]


def test_a_restriction_removes_hits_and_moves_no_score(colours):
    scores, rows = colours.search("red blue black green", 10)
    for papers in (["p1"], ["p2", "p3"], ["p3", "nobody", "p3"], ["p1", "p2", "p3"]):
        kept = [number for number, row in enumerate(rows.tolist()) if CORPUS[row][0] in papers]
        inside, found = colours.search("red blue black green", 10, papers)
        assert found.tolist() == rows[kept].tolist()
        assert inside.tobytes() == scores[kept].tobytes()


@pytest.mark.parametrize("papers", [[], ["nobody"], ["P1"], ["p"], ["\ud800"], [""]])
def test_a_restriction_to_papers_without_chunks(colours, papers):
    scores, rows = colours.search("red", 10, papers)
    assert scores.shape == rows.shape == (0,)


words = st.lists(st.sampled_from("red green blue black white tin".split()), min_size=1, max_size=45)


@settings(max_examples=30, deadline=None)
@given(
    texts=st.lists(st.tuples(st.sampled_from("abc"), words), min_size=1, max_size=25),
    query=words,
    papers=st.sets(st.sampled_from("abc"), min_size=1),
    k=st.integers(1, 30),
)
def test_scores_do_not_move_with_k_the_restriction_or_the_word_order(
    tmp_path_factory, texts, query, papers, k
):
    chunks = [(paper_id, " ".join(text)) for paper_id, text in texts]
    lexical = lexical_of(tmp_path_factory.mktemp("l") / "l", chunks)
    scores, rows = lexical.search(" ".join(query), 100)
    some, found = lexical.search(" ".join(reversed(query)), k)
    assert found.tolist() == rows[:k].tolist()
    assert some.tobytes() == scores[:k].tobytes()
    kept = [number for number, row in enumerate(rows) if chunks[row][0] in papers][:k]
    inside, found = lexical.search(" ".join(query), k, sorted(papers))
    assert found.tolist() == rows[kept].tolist()
    assert inside.tobytes() == scores[kept].tobytes()


@settings(max_examples=20, deadline=None)
@given(texts=st.lists(st.tuples(st.sampled_from("abc"), words), max_size=25), query=words)
def test_two_builds_answer_alike(tmp_path_factory, texts, query):
    chunks = [(paper_id, " ".join(text)) for paper_id, text in texts]
    folder = tmp_path_factory.mktemp("l")
    first, second = lexical_of(folder / "a", chunks), lexical_of(folder / "b", chunks)
    for one, other in zip(
        first.search(" ".join(query), 9), second.search(" ".join(query), 9), strict=True
    ):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("patients with COVID-19 in 2020", "covid 19"),
        ("patients with covid 19", "COVID-19"),
        ("a p-value of 0.05", "0.05"),
        ("levels of TNF-α rose", "tnf α"),
        ("β-catenin", "β catenin"),
        ("Müller's naïve cells", "muller naive"),
        ("super-resolution networks", "network"),
        ("restoring images", "image restoration"),
        ("nitric oxide, NO", "NO"),
        ("vitamin A", "a"),
        ("CO₂ emissions", "co2"),
        ("深度学习", "深度学习"),
    ],
)
def test_scientific_words_are_found(tmp_path, text, query):
    lexical = lexical_of(tmp_path / "l", [("p", "something else entirely"), ("p", text)])
    assert lexical.search(query, 5)[1].tolist() == [1]


def test_a_query_is_never_syntax(colours):
    plain = colours.search("red black", 10)
    for query in (
        "red AND black",
        'red -black "',
        "(red OR +black",
        "red^9 black~2",
        "text:red* black",
        "NOT red /black/",
        "red TO black]",
        "red\x00black",
        "paper:red\nblack\\",
    ):
        spoken = colours.search(query, 10)
        assert spoken[1].tolist() == plain[1].tolist(), query
        assert spoken[0].tobytes() == plain[0].tobytes(), query


@settings(deadline=None)
@given(st.text(st.characters(), max_size=300))
def test_no_query_raises(colours, query):
    scores, rows = colours.search(query, 3, None)
    assert len(scores) == len(rows) <= 3
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("query", ["", " ", "?!", "absent", "\ud800", "🙂", string.punctuation])
def test_a_query_without_known_words_finds_nothing(colours, query):
    scores, rows = colours.search(query, 5)
    assert scores.shape == rows.shape == (0,)


def test_a_lone_surrogate_does_not_hide_the_words_beside_it(colours):
    assert colours.search("\ud800 yellow \udfff", 5)[1].tolist() == [2]


def test_long_queries_are_cut(colours):
    assert colours.search("x " * MAX_QUERY_CHARS + "red", 5)[1].size == 0
    assert colours.search("red " * MAX_QUERY_CHARS, 5)[1].size == 4


def test_of_many_terms_the_rarest_are_used(tmp_path):
    common = [f"c{number}" for number in range(100)]
    rare = [f"r{number}" for number in range(100)]
    lexical = lexical_of(tmp_path / "l", [("p", " ".join(common))] * 3 + [("p", " ".join(rare))])
    terms = [term for term, _ in lexical._terms(" ".join(common + rare + ["unknown"] * 50))]
    assert len(terms) == MAX_QUERY_TERMS
    assert set(rare) < set(terms)
    assert "unknown" not in terms


@pytest.mark.parametrize("k", [0, -5])
def test_nothing_wanted(colours, k):
    assert colours.search("red", k)[1].size == 0


def test_more_wanted_than_there_is(colours):
    assert colours.search("red", 10**9)[1].size == 4


def test_an_empty_index(tmp_path):
    lexical = lexical_of(tmp_path / "l", [])
    assert lexical.count == 0
    assert lexical.search("red", 5)[1].size == 0


def test_opening_and_asking_write_nothing_into_the_folder(tmp_path):
    folder = tmp_path / "l"
    lexical = lexical_of(folder, CORPUS)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    lexical.search("red", 5)
    Lexical(folder).search("red", 5)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert not [path for path in before if path.suffix == ".lock"]


def test_a_lock_that_lies_in_the_folder_is_left_alone(tmp_path):
    lexical_of(tmp_path / "l", CORPUS)
    (tmp_path / "l" / ".tantivy-meta.lock").mkdir()  # whoever opens it fails
    assert Lexical(tmp_path / "l").search("yellow", 5)[1].tolist() == [2]


def test_one_segment(tmp_path):
    chunks = [("p", f"word{number} and some more of them") for number in range(3000)]
    lexical = lexical_of(tmp_path / "l", chunks)
    assert lexical._searcher.num_segments == 1


def test_what_cannot_be_opened(tmp_path, monkeypatch):
    (tmp_path / "l").mkdir()
    with pytest.raises(IndexDamagedError):
        Lexical(tmp_path / "l")
    with pytest.raises(BuildError):
        write_lexical(tmp_path / "absent", CORPUS)
    write_lexical(tmp_path / "l", CORPUS)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    with pytest.raises(IndexStateError, match=r"TMPDIR"):
        Lexical(tmp_path / "l")


def test_weights_come_in_one_order_in_every_process(colours):
    weights = colours.content_weights("white red black yellow green blue absent")
    assert list(weights) == sorted(weights)
    assert len(weights) == 7
