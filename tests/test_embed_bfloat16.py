"""Chunks in bfloat16: the same space as float32, and rows that nothing beside them moves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ragqa.embed import DEFAULT_EMBEDDER, Embedder, load_embedder
from ragqa.embed.bfloat16 import BFloat16States, has_bfloat16, is_installed
from ragqa.embed.cache import Recipe, cache_roots, find_entry
from ragqa.embed.source import resolve
from ragqa.errors import EmbedderError

TEXTS = [
    "The virus binds the ACE2 receptor of its host cell. It enters the lung.",
    "In 41 patients, median age was 49.0 years (IQR 41.0-58.0).",
    "Upsampling by a factor of 4 keeps edges sharp.",
    "Upsampling by a factor of 2 keeps edges sharp.",
    " ".join(f"Layer {number} maps a feature to its residual." for number in range(12)),
]
SPANS = [[(0, 51), (52, 71)], [(0, 58)], [(0, 46)], [(0, 46)], []]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("fpu avx2 avx512_bf16 sse", True),
        ("fpu amx_bf16 amx_tile", True),
        ("fpu avx2 avx512_vnni avx512_bf1", False),
        ("", False),
    ],
)
def test_the_cpus_flags_are_read(
    tmp_path: Path, flags: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.system", lambda: "Linux")
    told = tmp_path / "cpuinfo"
    told.write_text(f"processor\t: 0\nmodel name\t: avx512_bf16\nflags\t\t: {flags}\n", "utf-8")
    assert has_bfloat16(told) is expected
    assert not has_bfloat16(tmp_path / "nothing")


def test_a_graph_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    with pytest.raises(EmbedderError, match="--device cpu"):
        list(BFloat16States("some model", tmp_path, window=256)([[1, 2]]))


def test_without_openvino_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openvino", None)
    with pytest.raises(EmbedderError, match="--device cpu"):
        list(BFloat16States("some model", tmp_path, window=256)([[1, 2]]))


@pytest.fixture(scope="module")
def exact() -> Embedder:
    return load_embedder(DEFAULT_EMBEDDER)


@pytest.fixture(scope="module")
def lower(exact: Embedder) -> Embedder:
    if not (is_installed() and has_bfloat16()):
        pytest.skip("OpenVINO is not installed, or this CPU does not multiply in bfloat16")
    return load_embedder(DEFAULT_EMBEDDER, device="cpu-bfloat16")


@pytest.mark.model
def test_rows_are_of_the_same_space(exact: Embedder, lower: Embedder) -> None:
    assert (lower.rows, exact.rows) == ("bfloat16", "float32")
    assert lower.fingerprint == exact.fingerprint
    ours, theirs = (embedder.embed_chunks(TEXTS, SPANS) for embedder in (lower, exact))
    assert float(np.min(np.sum(ours.chunks * theirs.chunks, axis=1))) > 0.9995
    assert float(np.min(np.sum(ours.sentences * theirs.sentences, axis=1))) > 0.9995


@pytest.mark.model
def test_queries_are_not_lowered(exact: Embedder, lower: Embedder) -> None:
    assert np.array_equal(lower.embed_queries(TEXTS), exact.embed_queries(TEXTS))


@pytest.mark.model
def test_a_row_does_not_depend_on_its_neighbours(lower: Embedder) -> None:
    together = lower.embed_chunks(TEXTS * 3, SPANS * 3).chunks
    alone = [lower.embed_chunks([text], [[]]).chunks[0] for text in TEXTS]
    assert np.array_equal(together, np.array(alone * 3))


@pytest.mark.model
def test_every_length_is_padded_by_itself(exact: Embedder, lower: Embedder) -> None:
    texts = [" ".join(["virus"] * count) for count in range(1, 40)]
    texts.append(" ".join(["virus"] * (lower.max_tokens)))
    together = lower.embed_chunks(texts, [[]] * len(texts)).chunks
    backwards = lower.embed_chunks(texts[::-1], [[]] * len(texts)).chunks[::-1]
    assert np.array_equal(together, backwards)
    expected = exact.embed_chunks(texts, [[]] * len(texts)).chunks
    assert float(np.min(np.sum(together * expected, axis=1))) > 0.9995


@pytest.mark.model
def test_a_text_without_tokens_and_no_text_at_all(lower: Embedder) -> None:
    assert lower.embed_chunks([], []).chunks.shape == (0, lower.dim)
    rows = lower.embed_chunks(["", TEXTS[0]], [[], []]).chunks
    assert np.array_equal(rows[1:], lower.embed_chunks(TEXTS[:1], [[]]).chunks)


@pytest.mark.model
@pytest.mark.usefixtures("lower")
def test_a_model_that_fails_is_an_error_and_the_next_call_works(exact: Embedder) -> None:
    entry = find_entry(cache_roots(None), resolve(exact.name).key, kind=Recipe, say=print)
    assert entry is not None
    states = BFloat16States("some model", entry.folder, window=256)
    with pytest.raises(EmbedderError, match="some model"):
        list(states([[1] * 2000]))  # more positions than the model has
    assert len(list(states([[101, 2023, 102]]))) == 1
