"""What every reranker keeps: the double, exported ones, and one that is run as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from doubles import WordReranker, save_tiny_cross_encoder

from ragqa.rerank import Reranker, load_reranker

KINDS = [
    "word",
    pytest.param("onnx", marks=pytest.mark.slow),
    pytest.param("onnx-notypes", marks=pytest.mark.slow),
    pytest.param("reference-dense", marks=pytest.mark.slow),
]
QUERY = "which network?"
TEXTS = ["The network restores it.", "Short.", "a b c d e", "The network restores it.", "a (b) c d"]
ODD = ["", " ", "\n\t", "\x00\x01\x7f", "\ud800 lone", "🧪🧬 naïve Ω", "深度学习", "[SEP][PAD]"]


def _load(kind: str, folder: Path) -> Reranker:
    if kind == "word":
        return WordReranker()
    model = save_tiny_cross_encoder(
        folder / kind, types="notypes" not in kind, dense="dense" in kind
    )
    reranker = load_reranker(str(model), cache=folder / "cache")
    runtime = "OnnxReranker" if kind.startswith("onnx") else "ReferenceReranker"
    assert type(reranker).__name__ == runtime
    return reranker


@pytest.fixture(scope="module", params=KINDS)
def reranker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reranker:
    return _load(request.param, tmp_path_factory.mktemp("models"))


def test_scores_are_float32_in_the_order_given(reranker: Reranker) -> None:
    scores = reranker.score(QUERY, TEXTS)
    assert scores.shape == (len(TEXTS),)
    assert scores.dtype == np.float32
    assert scores[0] == pytest.approx(scores[3], abs=1e-4)
    assert len({round(float(score), 3) for score in scores}) == len(TEXTS) - 1
    backwards = reranker.score(QUERY, TEXTS[::-1])
    assert np.allclose(scores, backwards[::-1], atol=1e-4)


def test_nothing_gives_no_scores(reranker: Reranker) -> None:
    nothing = reranker.score(QUERY, [])
    assert (nothing.shape, nothing.dtype) == ((0,), np.float32)


def test_the_same_call_gives_the_same_bits(reranker: Reranker) -> None:
    assert np.array_equal(reranker.score(QUERY, TEXTS), reranker.score(QUERY, TEXTS))


def test_a_score_does_not_depend_on_the_texts_beside_it(reranker: Reranker) -> None:
    many = [f"image {'x ' * (number % 9)}of the network" for number in range(30)]
    together = reranker.score(QUERY, many)
    for start in range(0, 30, 7):
        part = many[start : start + 7]
        assert np.allclose(together[start : start + 7], reranker.score(QUERY, part), atol=1e-4)


def test_odd_texts_and_queries_have_scores(reranker: Reranker) -> None:
    for query in (QUERY, *ODD):
        assert np.isfinite(reranker.score(query, ODD)).all()


def test_a_long_text_counts_by_its_first_tokens(reranker: Reranker) -> None:
    long = "a " * 100
    cut, longer = reranker.score(QUERY, [long, long + "network " * 30])
    assert cut == pytest.approx(longer, abs=1e-5)


def test_a_long_query_leaves_half_of_the_window_to_the_text(reranker: Reranker) -> None:
    long = "b " * 100
    cut = reranker.score(long, TEXTS)
    assert np.allclose(cut, reranker.score(long + "network " * 30, TEXTS), atol=1e-5)
    assert abs(float(cut[0] - cut[1])) > 1e-3
    full = ["a " * 100, "the " * 100]
    assert abs(float(np.subtract(*reranker.score(long, full)))) > 1e-3 or isinstance(
        reranker, WordReranker
    )


def test_query_and_text_are_told_apart(reranker: Reranker) -> None:
    one, other = reranker.score("image a b", ["network"]), reranker.score("network", ["image a b"])
    assert abs(float(one[0] - other[0])) > 1e-5


def test_it_says_what_it_is(reranker: Reranker) -> None:
    assert reranker.name
    assert len(reranker.fingerprint) >= 8
