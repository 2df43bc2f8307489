"""What every embedder keeps: the packaged model, exported and unexported ones, and the double."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from doubles import HashedEmbedder, save_tiny_model

from ragqa.embed import Embedder, load_embedder
from ragqa.errors import EmbedderError

PROMPTS = {"query": "query: ", "passage": "passage: "}
KINDS = [
    "hashed",
    pytest.param("packaged", marks=pytest.mark.model),
    pytest.param("onnx-mean", marks=pytest.mark.slow),
    pytest.param("onnx-cls-prompts", marks=pytest.mark.slow),
    pytest.param("reference-dense", marks=pytest.mark.slow),
    pytest.param("reference-lasttoken", marks=pytest.mark.slow),
]
TEXTS = [
    "The network restores the image.",
    "Short.",
    "It was trained on 40 pairs; see the table.",
    "The network restores the image.",
    "A net (b) c",
]
ODD = [
    "",
    " ",
    "\n\t",
    "\x00\x01\x7f",
    "\ud800 lone",
    "🧪🧬 naïve Ω",
    "深度学习",
    "[SEP][PAD]",
    "e\u0301\u200b",
]


def _load(kind: str, folder: Path) -> Embedder:
    if kind == "hashed":
        return HashedEmbedder()
    if kind == "packaged":
        return load_embedder()
    runtime, pooling, *_ = kind.split("-")
    model = save_tiny_model(
        folder / kind,
        pooling="mean" if pooling == "dense" else pooling,
        dense=pooling == "dense",
        prompts=PROMPTS if kind.endswith("prompts") else None,
    )
    embedder = load_embedder(str(model), cache=folder / "cache")
    assert type(embedder).__name__ == {"onnx": "OnnxEmbedder"}.get(runtime, "ReferenceEmbedder")
    return embedder


@pytest.fixture(scope="module", params=KINDS)
def embedder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    return _load(request.param, tmp_path_factory.mktemp("models"))


def _unit(rows: np.ndarray) -> bool:
    return bool(np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5))


def test_vectors_are_float32_unit_rows_in_the_order_given(embedder: Embedder) -> None:
    spans = [[(0, len(text))] for text in TEXTS]
    queries, chunks = embedder.embed_queries(TEXTS), embedder.embed_chunks(TEXTS, spans)
    for rows in (queries, chunks.chunks, chunks.sentences):
        assert rows.shape == (len(TEXTS), embedder.dim)
        assert rows.dtype == np.float32
        assert _unit(rows)
    assert np.array_equal(chunks.chunks[0], chunks.chunks[3])
    alone = [embedder.embed_chunks([text], [[]]).chunks[0] for text in TEXTS]
    assert np.allclose(chunks.chunks, alone, atol=1e-5)
    assert not np.allclose(chunks.chunks[0], chunks.chunks[1], atol=1e-2)


def test_nothing_gives_no_rows(embedder: Embedder) -> None:
    assert embedder.embed_queries([]).shape == (0, embedder.dim)
    nothing = embedder.embed_chunks([], [])
    assert nothing.chunks.shape == nothing.sentences.shape == (0, embedder.dim)
    assert embedder.embed_chunks(["No sentences"], [[]]).sentences.shape == (0, embedder.dim)
    assert embedder.count_tokens([]) == []


def test_the_same_call_gives_the_same_bits(embedder: Embedder) -> None:
    spans = [[(0, 3), (3, len(text))] for text in TEXTS]
    first, second = (embedder.embed_chunks(TEXTS, spans) for _ in range(2))
    assert np.array_equal(first.chunks, second.chunks)
    assert np.array_equal(first.sentences, second.sentences)
    assert np.array_equal(embedder.embed_queries(TEXTS), embedder.embed_queries(TEXTS))


def test_a_vector_does_not_depend_on_the_texts_beside_it(embedder: Embedder) -> None:
    many = [f"image {'x ' * (number % 9)}of the network" for number in range(40)]
    spans = [[(0, 5), (5, len(text))] for text in many]
    together = embedder.embed_chunks(many, spans)
    for start in range(0, 40, 7):
        part = embedder.embed_chunks(many[start : start + 7], spans[start : start + 7])
        assert np.allclose(together.chunks[start : start + 7], part.chunks, atol=1e-5)
        assert np.allclose(
            together.sentences[2 * start : 2 * (start + 7)], part.sentences, atol=1e-5
        )
    assert np.allclose(
        embedder.embed_queries(many)[3], embedder.embed_queries(many[3:4])[0], atol=1e-5
    )


def test_odd_texts_are_embedded_like_any_other(embedder: Embedder) -> None:
    spans = [[(0, len(text))] for text in ODD]
    result = embedder.embed_chunks(ODD, spans)
    assert _unit(embedder.embed_queries(ODD))
    assert _unit(result.chunks)
    lengths = np.linalg.norm(result.sentences, axis=1)
    counted = np.array(embedder.count_tokens(ODD)) > 0
    assert np.allclose(lengths[counted], 1, atol=1e-5)
    assert not counted[:3].any()
    assert (result.sentences[~counted] == 0).all()


def test_sentences_come_flat_with_zeros_where_there_is_no_token(embedder: Embedder) -> None:
    texts = ["The image. A network.", "Nothing here.", "One  "]
    spans = [[(0, 10), (11, 21)], [], [(0, 3), (3, 5), (2, 2)]]
    rows = embedder.embed_chunks(texts, spans).sentences
    assert rows.shape == (5, embedder.dim)
    assert _unit(rows[:3])
    assert (rows[3:] == 0).all()
    assert not np.allclose(rows[0], rows[1], atol=1e-2)


def test_max_tokens_is_exactly_what_fits(embedder: Embedder) -> None:
    fits = "a " * embedder.max_tokens
    assert embedder.count_tokens([fits]) == [embedder.max_tokens]
    assert _unit(embedder.embed_chunks([fits], [[(0, 1)]]).chunks)
    with pytest.raises(EmbedderError, match="chunk 1 has .* tokens.*'a a a"):
        embedder.embed_chunks(["a", fits + "a"], [[], []])


def test_counts_are_never_truncated(embedder: Embedder) -> None:
    assert embedder.count_tokens(["a " * 5000, ""]) == [5000, 0]


def test_a_long_query_counts_by_its_first_tokens(embedder: Embedder) -> None:
    long = "a " * (embedder.max_tokens + 50)
    cut, longer = embedder.embed_queries([long, long + "network " * 30])
    assert np.array_equal(cut, longer)


@pytest.mark.parametrize("spans", [[[(0, 99)]], [[(-1, 2)]], [[(3, 2)]], []])
def test_spans_outside_of_their_chunk_are_refused(embedder: Embedder, spans: list) -> None:
    with pytest.raises(EmbedderError, match="span"):
        embedder.embed_chunks(["A chunk."], spans)


def test_it_says_what_it_is(embedder: Embedder) -> None:
    assert embedder.name
    assert len(embedder.fingerprint) >= 8
    assert embedder.max_tokens > 0
    assert isinstance(embedder.pooled_sentences, bool)
