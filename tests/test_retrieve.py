"""`ragqa.retrieve`: ranked exactly, restricted mechanically, the same every time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from corpora import Text, build, make_corpus
from doubles import HashedEmbedder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ragqa.index.generation import Generation, open_generation
from ragqa.records import Chunk
from ragqa.retrieve.confidence import DEFAULT_MIN_CONFIDENCE, confidence
from ragqa.retrieve.hybrid import RetrieveOptions, Retriever, Signals
from ragqa.retrieve.words import ContentWords

TWINS = "Equal words stand in both of these papers here."
TEXTS = {
    "whales": Text(summary="Whales sing at low frequencies. Their songs travel far under water."),
    "tomatoes": Text(summary="Tomatoes ripen slowly in winter. They are watered at night."),
    "images": Text(summary="A network enlarges low-resolution images. It restores fine detail."),
    "twin-a": Text(summary=TWINS),
    "twin-b": Text(summary=TWINS),
    "silent": Text(title="Has no text"),
    "long": Text(
        readme="\n\n".join(
            f"# Part {n}\n\n" + f"Sentence about topic {n} and about stones. " * 20
            for n in range(12)
        )
    ),
}
QUERY = "How far do whales sing under water?"


@pytest.fixture(scope="module")
def generation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generation]:
    folder = tmp_path_factory.mktemp("retrieve")
    build(make_corpus(folder / "c", TEXTS), folder / "i")
    with open_generation(folder / "i") as opened:
        yield opened


@pytest.fixture(scope="module")
def retriever(generation: Generation) -> Retriever:
    return Retriever(generation, HashedEmbedder())


def test_the_best_chunk_comes_first(retriever: Retriever) -> None:
    for query, paper_id in (
        (QUERY, "whales"),
        ("When are tomatoes watered?", "tomatoes"),
        ("enlarges low-resolution images", "images"),
    ):
        assert retriever.retrieve(query).chunks[0].chunk.paper_id == paper_id


def test_ranks_and_scores_are_in_order(retriever: Retriever) -> None:
    found = retriever.retrieve(QUERY, k=8).chunks
    assert [scored.rank for scored in found] == list(range(1, 9))
    scores = [scored.score for scored in found]
    assert scores == sorted(scores, reverse=True)
    assert len({scored.row for scored in found}) == len(found)


def test_scores_are_those_of_the_index(retriever: Retriever, generation: Generation) -> None:
    vector = HashedEmbedder().embed_queries([QUERY])[0]
    for scored in retriever.retrieve(QUERY, k=50).chunks:
        row = generation.vectors.rows(np.array([scored.row]))[0]
        assert scored.dense == pytest.approx(float(row @ vector), abs=1e-5)
        assert -1.001 <= scored.dense <= 1.001
        assert generation.store.row_of(scored.chunk.chunk_id) == scored.row
    with_term = {s.chunk.paper_id for s in retriever.retrieve(QUERY, k=50).chunks if s.lexical}
    assert with_term == {"whales", "tomatoes"}  # which "are watered": words are stemmed


def test_equal_texts_are_ranked_by_row(retriever: Retriever) -> None:
    found = retriever.retrieve(TWINS, k=2).chunks
    assert [scored.chunk.paper_id for scored in found] == ["twin-a", "twin-b"]
    assert found[0].score == found[1].score


def test_the_same_question_has_the_same_answer(retriever: Retriever) -> None:
    assert retriever.retrieve(QUERY, k=9) == retriever.retrieve(QUERY, k=9)


def test_sentences_are_those_of_the_chunks(retriever: Retriever) -> None:
    found = retriever.retrieve(QUERY, k=3)
    expected = [(s.chunk.chunk_id, x.start) for s in found.chunks for x in s.chunk.sentences]
    assert [(s.chunk.chunk_id, s.sentence.start) for s in found.sentences] == expected
    best = max(found.sentences, key=lambda s: s.score)
    assert "Whales sing" in best.text or "under water" in best.text


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from([*TEXTS, "unknown"]), unique=True),
    st.sampled_from([QUERY, TWINS, "stones and topic 3", "zebra", "a"]),
    st.integers(1, 40),
)
def test_a_restriction_gives_those_papers_only_and_all_of_them(
    retriever: Retriever, generation: Generation, papers: list[str], query: str, k: int
) -> None:
    found = retriever.retrieve(query, k=k, paper_ids=papers)
    assert {scored.chunk.paper_id for scored in found.chunks} <= set(papers)
    assert {scored.chunk.paper_id for scored in found.sentences} <= set(papers)
    assert len(found.chunks) == min(k, len(generation.store.rows_of(papers)))


def test_no_restriction_searches_everything(retriever: Retriever, generation: Generation) -> None:
    assert len(retriever.retrieve("stones", k=99).chunks) == generation.meta.counts.chunks
    assert retriever.retrieve("stones", paper_ids=[]).chunks == ()
    assert retriever.retrieve("stones", paper_ids=["silent"]).chunks == ()


@pytest.mark.parametrize(
    "query",
    [
        "AND OR NOT",
        '"unbalanced',
        "field:value (",
        "*",
        "~^\\",
        "\u0000",
        "\ud800",
        "",
        " ",
        "a" * 5000,
    ],
)
def test_any_query_is_plain_text(retriever: Retriever, query: str) -> None:
    found = retriever.retrieve(query, k=3)
    assert len(found.chunks) == 3
    assert all(math.isfinite(scored.score) for scored in found.chunks)


def test_an_empty_index_finds_nothing(tmp_path: Path) -> None:
    build(make_corpus(tmp_path / "c", {}), tmp_path / "i")
    with open_generation(tmp_path / "i") as empty:
        assert Retriever(empty, HashedEmbedder()).retrieve(QUERY).chunks == ()


@given(
    st.builds(
        Signals,
        **{f.name: st.floats(-1, 10) for f in fields(Signals)},
    )
)
def test_confidence_is_a_probability(signals: Signals) -> None:
    assert 0.0 <= confidence(signals) <= 1.0
    assert 0.0 < DEFAULT_MIN_CONFIDENCE < 1.0


def test_ranking_alone_gives_the_same_chunks(retriever: Retriever) -> None:
    for papers in (None, ["whales", "long"], [], ["silent"]):
        found = retriever.retrieve(QUERY, k=7, paper_ids=papers)
        assert retriever.rank(QUERY, k=7, paper_ids=papers) == found.chunks


def test_a_restriction_to_all_papers_is_none(retriever: Retriever) -> None:
    assert retriever.retrieve(QUERY, paper_ids=list(TEXTS)) == retriever.retrieve(QUERY)
    with_text = [paper_id for paper_id in TEXTS if paper_id != "silent"]
    assert retriever.retrieve(QUERY, paper_ids=with_text) == retriever.retrieve(QUERY)


def test_a_whole_answer_in_one_sentence_beats_its_words_in_many(tmp_path: Path) -> None:
    """Both have every word of the question; one of them in one sentence."""
    texts = {
        "scattered": Text(
            summary="Enzymes fold in water. Heat is no friend of theirs. They split sugar."
        ),
        "together": Text(
            summary="Enzymes split sugar in heat and water. Nobody knew why. It was chance."
        ),
    }
    build(make_corpus(tmp_path / "c", texts), tmp_path / "i")
    with open_generation(tmp_path / "i") as opened:
        by_sentence, by_chunk = (
            Retriever(opened, HashedEmbedder(), options).retrieve("enzymes split sugar heat water")
            for options in (
                RetrieveOptions(),
                RetrieveOptions(best_sentence_weight=0, paper_weight=0),
            )
        )
    assert by_sentence.chunks[0].chunk.paper_id == "together"
    first, second = by_sentence.chunks[:2]
    before = {scored.chunk.paper_id: scored.score for scored in by_chunk.chunks}
    gap = before["together"] - before["scattered"]
    assert first.score - second.score > gap


def test_what_is_looked_into_stands_before_the_rest(generation: Generation) -> None:
    for looked_into in (1, 3, 50):
        options = RetrieveOptions(looked_into=looked_into)
        plain = RetrieveOptions(best_sentence_weight=0, paper_weight=0)
        ranked, before = (
            Retriever(generation, HashedEmbedder(), each).retrieve(QUERY, k=50)
            for each in (options, plain)
        )
        rows, rows_before = ([c.row for c in found.chunks] for found in (ranked, before))
        assert sorted(rows[:looked_into]) == sorted(rows_before[:looked_into])
        assert rows[looked_into:] == rows_before[looked_into:]
        scores = [scored.score for scored in ranked.chunks]
        assert scores == sorted(scores, reverse=True)
        read = {s.chunk.chunk_id for s in ranked.sentences}
        assert read == {c.chunk.chunk_id for c in ranked.chunks if c.chunk.sentences}


@given(
    shares=st.lists(st.sampled_from(["whales", "sing", "water", "stones", "zebra"]), unique=True)
)
def test_a_share_of_words_grows_with_the_words(generation: Generation, shares: list[str]) -> None:
    words = ContentWords(generation.lexical, "whales sing water stones zebra")
    found = [words.share(words.read(chunk_of(" ".join(shares[:n]))).words) for n in range(6)]
    assert found == sorted(found)
    assert 0 <= found[0] <= found[-1] <= 1
    assert found[-1] == pytest.approx(1) or len(shares) < 5


def chunk_of(text: str) -> Chunk:
    return Chunk(chunk_id="c", paper_id="p", document="summary", start=0, end=len(text), text=text)
