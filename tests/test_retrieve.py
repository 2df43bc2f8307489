"""`ragqa.retrieve`: ranked exactly, restricted mechanically, the same every time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from corpora import Text, build, make_corpus
from doubles import HashedEmbedder, WordReranker
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ragqa.retrieve.words
from ragqa.index.generation import Generation, open_generation
from ragqa.index.lexical import Lexical
from ragqa.index.store import Store
from ragqa.records import Chunk, Sentence
from ragqa.retrieve.candidates import Candidates
from ragqa.retrieve.confidence import DEFAULT_MIN_CONFIDENCE, confidence
from ragqa.retrieve.hybrid import RetrieveOptions, Retriever
from ragqa.retrieve.reranking import reranked_scores, window, z_scores
from ragqa.retrieve.signals import Seen, Signals, signals_of
from ragqa.retrieve.words import ChunksAtHand, ContentWords, terms_of

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


def test_a_chunk_is_read_and_taken_apart_once(
    generation: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, analysed = [], []
    chunks, terms = Store.chunks, Lexical.content_terms

    def reading(store: Store, rows: Sequence[int]) -> list[Chunk]:
        read.extend(rows)
        return chunks(store, rows)

    def analysing(lexical: Lexical, text: str) -> frozenset[str]:
        analysed.append(text)
        return terms(lexical, text)

    monkeypatch.setattr(Store, "chunks", reading)
    monkeypatch.setattr(Lexical, "content_terms", analysing)
    retriever = Retriever(generation, HashedEmbedder())
    queries = ("stones in water", "whales sing", "which whales sing in water?")
    for query in queries:
        retriever.retrieve(query)
    assert sorted(read) == sorted(set(read))
    assert Counter(analysed)[queries[0]] == 1
    texts = [f"{c.section} {c.text}" for c in chunks(generation.store, read)]
    assert Counter(analysed) >= Counter(texts)
    assert len(analysed) == len(queries) + len(texts) + sum(
        len(c.sentences) for c in chunks(generation.store, read)
    )


def test_few_chunks_stay_at_hand(generation: Generation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ragqa.retrieve.words, "_AT_HAND", 2)
    at_hand = ChunksAtHand(generation)
    rows = np.array([1, 0, 1, 3, 2])
    for _ in range(2):
        found = at_hand.read(rows)
        assert [each.chunk for each in found] == generation.store.chunks(rows)
    assert list(at_hand._kept) == [3, 2]


def test_what_has_no_sentence_has_its_own_cosine() -> None:
    found = Candidates(
        searched=4,
        rows=np.arange(4),
        dense=np.array([0.1, 0.2, 0.3, 0.4], np.float32),
        lexical=np.zeros(4, np.float32),
        sentence_cosines=np.array([-0.5, 0.9, 0.7], np.float32),
        ranges=np.array([[0, 0], [0, 2], [2, 2], [2, 3]]),
    )
    assert found.best_cosines().tolist() == np.array([0.1, 0.9, 0.3, 0.7], np.float32).tolist()
    none = replace(found, sentence_cosines=np.empty(0, np.float32), ranges=np.zeros((4, 2), int))
    assert none.best_cosines().tolist() == found.dense.tolist()


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


class Opposite(HashedEmbedder):
    """Embeds a query as the opposite of what it says, so that every cosine is 0 or less."""

    def embed_queries(self, texts: Sequence[str]) -> np.ndarray:
        """Embed queries."""
        return -super().embed_queries(texts)


@pytest.mark.parametrize("looked_into", [1, 3, 8])
def test_what_was_looked_into_scores_no_less_than_the_rest(
    generation: Generation, looked_into: int
) -> None:
    options = RetrieveOptions(looked_into=looked_into)
    for query in ("stones", "sentence about topic", "zebra", TWINS):
        found = Retriever(generation, Opposite(), options).rank(query, k=99)
        scores = [scored.score for scored in found]
        assert scores == sorted(scores, reverse=True)


def seen(paper_id: str = "p", **values: float | None) -> Seen:
    usual: dict[str, float | None] = {"score": 1, "lexical": 2, "coverage": 0.5, "sentence": 0.4}
    return Seen(paper_id=paper_id, **{**usual, **values})  # type: ignore[arg-type]


def signals(chunks: list[Seen], query: str = "Why?", *, searched: int = 20) -> Signals:
    return signals_of(query, chunks, words=2, searched=searched, chunks_of=lambda _: 5)


def test_signals_are_of_the_best_chunks() -> None:
    table = seen("t", score=9, lexical=6, coverage=1.0, sentence=None)
    first = [seen(score=8 - n, sentence=n / 10, coverage=n / 10) for n in range(4)]
    last = seen("q", score=2, lexical=8, sentence=0.9, coverage=0.9)
    found = signals([table, *first, *[last] * 5, seen(lexical=99, sentence=1, score=-9)])
    assert found == Signals(
        sentence=0.9,
        coverage=0.3,
        lexical=4,
        lead=7,
        concentration=pytest.approx(0.25),
        pool=pytest.approx(math.log10(20)),
    )
    assert signals([table, table]) == signals([]) == Signals()
    assert signals([seen()], searched=5).lead == signals([seen()], searched=5).concentration == 0


@pytest.mark.parametrize(
    ("query", "is_claim"),
    [
        ("Masks reduce transmission in schools.", True),
        ("Aspirin is no cure", True),
        ("State of the art (SOTA) models can fail.", False),  # "state ..." asks
        ("masks in schools", False),
        ("Do masks reduce transmission?", False),
        ("Masks reduce transmission?", False),
        ("Explain how masks work.", False),
        ("\u53e3\u7f69\u6709\u7528\u5417\uff1f", False),
        ("", False),
    ],
)
def test_only_what_states_something_is_a_claim(query: str, is_claim: bool) -> None:
    assert signals([seen()], query).is_claim is is_claim


@given(
    shares=st.lists(st.sampled_from(["whales", "sing", "water", "stones", "zebra"]), unique=True)
)
def test_a_share_of_words_grows_with_the_words(generation: Generation, shares: list[str]) -> None:
    words = ContentWords(generation.lexical, "whales sing water stones zebra")
    chunks = [chunk_of(" ".join(shares[:n])) for n in range(6)]
    found = [words.share(words.read(terms_of(each, generation.lexical)).words) for each in chunks]
    assert found == sorted(found)
    assert 0 <= found[0] <= found[-1] <= 1
    assert found[-1] == pytest.approx(1) or len(shares) < 5


def chunk_of(text: str) -> Chunk:
    return Chunk(chunk_id="c", paper_id="p", document="summary", start=0, end=len(text), text=text)


# A reranker


def reranked(generation: Generation, word: str, **options: float) -> tuple[Retriever, WordReranker]:
    reranker = WordReranker(word, window=400)
    chosen = RetrieveOptions(**options)  # type: ignore[arg-type]
    return Retriever(generation, HashedEmbedder(), chosen, reranker=reranker), reranker


def test_a_reranker_reads_the_best_chunks_once_a_query(generation: Generation) -> None:
    retriever, reranker = reranked(generation, "topic", reranked=5)
    plain = Retriever(generation, HashedEmbedder()).retrieve(QUERY, k=5)
    found = retriever.retrieve(QUERY, k=3)
    assert retriever.rank(QUERY, k=9)[:3] == found.chunks
    retriever.retrieve(QUERY, k=20)
    ((query, windows),) = reranker.asked
    assert query == QUERY
    assert len(windows) == 5
    for text, scored in zip(windows, plain.chunks, strict=True):
        assert text in scored.chunk.text
        inside = [s for s in plain.sentences if s.chunk.chunk_id == scored.chunk.chunk_id]
        assert max(inside, key=lambda s: s.score).text in text


def test_without_a_reranker_there_is_no_signal_of_one(generation: Generation) -> None:
    plain = Retriever(generation, HashedEmbedder()).retrieve(QUERY)
    assert plain.signals.reranker is None
    retriever, reranker = reranked(generation, "tomatoes")
    found = retriever.retrieve(QUERY)
    ((_, windows),) = reranker.asked
    assert found.signals.reranker == pytest.approx(reranker.score(QUERY, windows).max())


def test_nothing_to_read_asks_no_reranker(generation: Generation) -> None:
    retriever, reranker = reranked(generation, "x")
    assert retriever.retrieve(QUERY, paper_ids=["silent"]).chunks == ()
    off, unread = reranked(generation, "x", reranked=0)
    assert off.retrieve(QUERY) == Retriever(generation, HashedEmbedder()).retrieve(QUERY)
    assert reranker.asked == unread.asked == []


@pytest.mark.parametrize("depth", [1, 3, 12, 500])
def test_what_was_read_stands_first_and_the_rest_as_before(
    generation: Generation, depth: int
) -> None:
    plain = Retriever(generation, HashedEmbedder()).retrieve(QUERY, k=50)
    found = reranked(generation, "tomatoes", reranked=depth)[0].retrieve(QUERY, k=50)
    rows, before = ([c.row for c in each.chunks] for each in (found, plain))
    assert sorted(rows[:depth]) == sorted(before[:depth])
    assert rows[depth:] == before[depth:]
    assert [c.score for c in found.chunks[depth:]] == [c.score for c in plain.chunks[depth:]]
    scores = [c.score for c in found.chunks]
    assert scores == sorted(scores, reverse=True)
    assert [c.rank for c in found.chunks] == list(range(1, len(rows) + 1))


def test_the_weight_of_a_reranker_decides(generation: Generation) -> None:
    plain = Retriever(generation, HashedEmbedder()).retrieve(QUERY, k=9)
    none = reranked(generation, "tomatoes", reranker_weight=0.0)[0].retrieve(QUERY, k=9)
    assert [c.row for c in none.chunks] == [c.row for c in plain.chunks]
    assert none.chunks == plain.chunks
    most = reranked(generation, "tomatoes", reranker_weight=50.0)[0].retrieve(QUERY, k=9)
    assert plain.chunks[0].chunk.paper_id == "whales"
    assert most.chunks[0].chunk.paper_id == "tomatoes"


def test_sentences_gain_half_of_what_their_chunk_gains(generation: Generation) -> None:
    plain = Retriever(generation, HashedEmbedder()).retrieve(QUERY, k=9)
    found = reranked(generation, "tomatoes")[0].retrieve(QUERY, k=9)
    chunks, sentences = (
        [
            {(s.chunk.chunk_id, getattr(s, "sentence", None)): s.score for s in scored}
            for scored in pair
        ]
        for pair in ((plain.chunks, found.chunks), (plain.sentences, found.sentences))
    )
    gained = {place[0]: chunks[1][place] - chunks[0][place] for place in chunks[0]}
    assert max(gained.values()) - min(gained.values()) > 0.1
    for (chunk_id, sentence), score in sentences[0].items():
        gain = sentences[1][chunk_id, sentence] - score
        assert gain == pytest.approx(gained[chunk_id] / 2, abs=1e-4)


_NUMBERS = st.lists(st.integers(-40, 40), min_size=1, max_size=12)


@given(_NUMBERS, st.data(), st.sampled_from([0.0, 0.5, 1.0, 3.0]), st.booleans())
def test_reranked_scores_order_by_both(
    steps: list[int], data: st.DataObject, weight: float, has_rest: bool
) -> None:
    count = len(steps)
    more = data.draw(st.lists(st.integers(-40, 40), min_size=count, max_size=count))
    scores, raw = (np.array(each, np.float32) / 4 for each in (steps, more))
    floor = float(scores.min()) if has_rest else None
    mixed = reranked_scores(scores, raw, weight=weight, floor=floor)
    assert mixed.dtype == np.float32
    assert floor is None or (mixed >= floor).all()
    both = z_scores(scores.astype(np.float64)) + weight * z_scores(raw.astype(np.float64))
    for i in range(count):
        for j in range(count):
            if both[i] > both[j] + 1e-4:
                assert mixed[i] > mixed[j]
    if not weight:
        assert np.allclose(mixed, scores, atol=1e-4)


@given(st.integers(1, 40), st.floats(-9, 9, width=32))
def test_equal_scores_leave_the_order_to_the_reranker(count: int, value: float) -> None:
    """Rounding gives most equal float32 values a standard deviation of some 1e-8."""
    equal = np.full(count, value, np.float32)
    assert not z_scores(equal).any()
    raw = np.arange(count, dtype=np.float32)
    mixed = reranked_scores(equal, raw, weight=1.0, floor=None)
    assert np.allclose(mixed - equal, z_scores(raw), atol=1e-5)


def test_a_window_is_the_best_sentence_and_those_around_it() -> None:
    text = "One is. Two is. Three is. Four is."
    spans = [(0, 7), (8, 15), (16, 25), (26, 34)]
    chunk = replace(
        chunk_of(text),
        sentences=tuple(Sentence(start=start, end=end) for start, end in spans),
    )
    assert window(chunk, [1, 9, 2, 3]) == "One is. Two is. Three is."
    assert window(chunk, [9, 1, 2, 3]) == "One is. Two is."
    assert window(chunk, [1, 1, 2, 3]) == "Three is. Four is."
    assert window(chunk_of(text), []) == text
