"""Vectors: exact, one score per query and row whatever else is asked, and back bit for bit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from index_samples import write_sentences, write_vectors

from ragqa.errors import BuildError, IndexDamagedError, IndexMismatchError
from ragqa.index import integrity
from ragqa.index import rows as rows_module
from ragqa.index import vectors as vectors_module
from ragqa.index.integrity import FileGuard, describe_file
from ragqa.index.records import quantise, unit_rows
from ragqa.index.vectors import SentenceVectors, Vectors

GENERATOR = np.random.default_rng(7)


def unit(count: int, dimension: int) -> np.ndarray:
    rows = GENERATOR.standard_normal((count, dimension)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def vectors_of(path: Path, rows: np.ndarray) -> Vectors:
    write_vectors(path, [rows[:3], rows[3:]])
    return Vectors(path)


@pytest.fixture(scope="module")
def thousand(tmp_path_factory):
    rows = unit(1000, 48)
    return rows, vectors_of(tmp_path_factory.mktemp("v") / "v", rows)


def test_equals_brute_force(thousand):
    rows, vectors = thousand
    queries = unit(30, 48)
    exact = queries.astype(np.float64) @ rows.T.astype(np.float64)
    scores, found = vectors.search(queries, 10)
    assert (found == np.argsort(-exact, axis=1)[:, :10]).all()
    assert np.abs(scores - np.take_along_axis(exact, found, axis=1)).max() < 1e-6


def test_a_restriction_is_exact_and_moves_no_score(thousand):
    _, vectors = thousand
    query = unit(1, 48)
    every, order = vectors.search(query, 1000)
    score_of = dict(zip(order[0].tolist(), every[0].tolist(), strict=True))
    for size in (1, 2, 17, 500, 999):
        allowed = GENERATOR.choice(1000, size, replace=False)
        scores, found = vectors.search(query, 1000, allowed)
        kept = [row for row in order[0].tolist() if row in set(allowed.tolist())]
        assert found[0].tolist() == kept
        assert scores[0].tolist() == [score_of[row] for row in kept]


def test_scores_do_not_move_with_the_batch_the_threads_or_the_way_they_are_asked(thousand):
    _, vectors = thousand
    queries = unit(25, 48)
    scores, found = vectors.search(queries, 50)
    threads = faiss.omp_get_max_threads()
    try:
        for count in (1, 3):
            faiss.omp_set_num_threads(count)
            again, rows = vectors.search(queries, 50)
            assert again.tobytes() == scores.tobytes()
            assert (rows == found).all()
    finally:
        faiss.omp_set_num_threads(threads)
    for number, query in enumerate(queries):
        alone, _ = vectors.search(query[None], 50)
        assert alone[0].tobytes() == scores[number].tobytes()
        assert vectors.scores(query, found[number]).tobytes() == scores[number].tobytes()


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_ties_go_to_the_lower_row_at_any_k(data, tmp_path_factory):
    choices = unit(3, 8)
    picks = data.draw(st.lists(st.integers(0, 2), min_size=1, max_size=60))
    k = data.draw(st.integers(1, 70))
    vectors = vectors_of(tmp_path_factory.mktemp("t") / "v", choices[picks])
    scores, found = vectors.search(choices[:1], k)
    by_choice = vectors.scores(choices[0], np.arange(len(picks)))
    expected = sorted(range(len(picks)), key=lambda row: (-by_choice[row], row))
    assert found[0].tolist() == expected[:k]
    assert scores[0].tolist() == [by_choice[row] for row in expected[:k]]


def test_rows_come_back_bit_for_bit(thousand):
    rows, vectors = thousand
    wanted = np.array([999, 0, 3, 3])
    assert vectors.rows(wanted).tobytes() == rows[wanted].tobytes()
    assert vectors.rows(np.empty(0, dtype=np.int64)).shape == (0, 48)


def test_edges(thousand):
    _, vectors = thousand
    query = unit(2, 48)
    for k, rows, size in ((0, None, 0), (-1, None, 0), (5000, None, 1000), (5, [], 0), (5, [3], 1)):
        allowed = None if rows is None else np.array(rows, dtype=np.int64)
        scores, found = vectors.search(query, k, allowed)
        assert scores.shape == found.shape == (2, size)
        assert (scores.dtype, found.dtype) == (np.float32, np.int64)
    assert vectors.search(query[:0], 5)[0].shape == (0, 5)
    assert vectors.search(query, 5, np.array([3, 3]))[1].tolist() == [[3], [3]]


def test_an_empty_index_answers_with_nothing(tmp_path):
    write_vectors(tmp_path / "v", [])
    vectors = Vectors(tmp_path / "v")
    assert (vectors.count, vectors.dimension) == (0, 0)
    assert vectors.search(unit(1, 48), 5)[1].shape == (1, 0)


def test_wrong_questions_are_refused(thousand):
    _, vectors = thousand
    broken = unit(1, 48)
    broken[0, 3] = np.inf
    for query in (unit(1, 47), broken):
        with pytest.raises(IndexMismatchError, match=r"48 finite numbers"):
            vectors.search(query, 5)
    for row in (-1, 1000):
        with pytest.raises(IndexMismatchError, match=str(row)):
            vectors.scores(unit(1, 48)[0], np.array([5, row]))
        with pytest.raises(IndexMismatchError):
            vectors.rows(np.array([row]))
        with pytest.raises(IndexMismatchError):
            vectors.search(unit(1, 48), 5, np.array([row]))


@pytest.mark.parametrize(
    ("count", "width"), [(0, 0), *((n, m) for n in (0, 1, 2, 300) for m in (1, 5, 384))]
)
def test_the_file_is_the_one_that_faiss_writes(tmp_path, count, width):
    rows = unit(count, width)
    index = faiss.IndexFlatIP(width)
    index.add(rows)
    faiss.write_index(index, str(tmp_path / "whole"))
    write_vectors(tmp_path / "v", [rows[:2], rows[2:]])
    assert (tmp_path / "v").read_bytes() == (tmp_path / "whole").read_bytes()


@pytest.mark.parametrize("count", [0, 9, 10, 99_999, 10**9, 10**13])
def test_a_header_is_as_long_for_any_number_of_rows(count):
    for header in (rows_module._faiss_header, rows_module._numpy_header):
        assert len(header(count, 384)) == len(header(0, 384))


def test_the_sentences_file_is_the_one_that_numpy_writes(tmp_path):
    rows = quantise(unit(300, 16))
    np.save(tmp_path / "whole.npy", rows)
    write_sentences(tmp_path / "s", [rows[:7], rows[7:7], rows[7:]])
    assert (tmp_path / "s").read_bytes() == (tmp_path / "whole.npy").read_bytes()


def test_rows_of_another_width_are_refused(tmp_path):
    with pytest.raises(BuildError, match=r"differ in width"):
        write_vectors(tmp_path / "v", [unit(2, 5), unit(2, 6)])


def test_the_same_rows_give_the_same_bytes(tmp_path):
    rows = unit(20, 5)
    write_vectors(tmp_path / "a", [rows])
    write_vectors(tmp_path / "b", [rows[:7], rows[7:7], rows[7:]])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("content", [b"", b"IxFI", b"nonsense" * 40])
def test_what_faiss_cannot_read(tmp_path, content):
    (tmp_path / "v").write_bytes(content)
    with pytest.raises(IndexDamagedError):
        Vectors(tmp_path / "v")


LIMITED = """
import resource, sys
from pathlib import Path
import numpy as np
from ragqa.errors import BuildError
from ragqa.index.rows import vector_writer
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for count in (24_900, 25_000, 25_300, 26_000):  # rows of 4 bytes
    try:
        with vector_writer(Path(sys.argv[1])) as writer:
            writer.add(np.ones((count, 1), dtype=np.float32))
        print("written")
    except BuildError:
        print("refused")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_full_disk_is_noticed_to_the_byte(tmp_path):
    command = [sys.executable, "-c", LIMITED, tmp_path / "v"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["written", "refused", "refused", "refused"]


def test_an_index_of_another_kind(tmp_path):
    faiss.write_index(faiss.IndexFlatL2(4), str(tmp_path / "v"))
    with pytest.raises(IndexDamagedError, match=r"IndexFlatL2"):
        Vectors(tmp_path / "v")


def test_a_flipped_byte_is_found_where_it_is_read_and_only_there(tmp_path, monkeypatch):
    monkeypatch.setattr(integrity, "BLOCK_BYTES", 1024)
    path = tmp_path / "v"
    rows = unit(100, 16)  # 64 bytes a row, 16 rows a block
    write_vectors(path, [rows])
    entry = describe_file(path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    guard = FileGuard(path, entry)
    vectors = Vectors(path, guard)
    assert vectors.rows(np.array([0, 50])).tobytes() == rows[[0, 50]].tobytes()
    with pytest.raises(IndexDamagedError, match=r"ragqa rebuild"):
        vectors.rows(np.array([99]))
    with pytest.raises(IndexDamagedError):
        vectors.search(rows[:1], 5)
    guard.close()


def test_a_block_is_hashed_once_and_the_handle_closed_at_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(integrity, "BLOCK_BYTES", 1024)
    path = tmp_path / "s"
    rows = quantise(unit(500, 16))
    write_sentences(path, [rows])
    guard = FileGuard(path, describe_file(path))
    hashed = []
    once = guard._hash_block
    monkeypatch.setattr(guard, "_hash_block", lambda number: (hashed.append(number), once(number)))
    sentences = SentenceVectors(path, guard)
    sentences.rows(np.array([0, 1, 499]))
    sentences.rows(np.array([2, 498]))
    assert hashed == [0, 7]
    sentences.rows(np.arange(500))
    assert sorted(hashed) == list(range(8))
    assert guard._file.closed


@pytest.mark.parametrize("shape", [(0, 16), (0, 0), (1, 1), (7, 3)])
def test_sentences_come_back_bit_for_bit(tmp_path, shape):
    rows = GENERATOR.integers(-127, 128, shape).astype(np.int8)
    write_sentences(tmp_path / "s", [rows[:1], rows[1:]])
    sentences = SentenceVectors(tmp_path / "s")
    assert sentences.count == shape[0]
    assert (sentences.quantised(np.arange(shape[0])) == rows).all()
    with pytest.raises(IndexMismatchError):
        sentences.rows(np.array([shape[0]]))


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs Linux to see mappings")
def test_what_was_read_of_a_large_file_does_not_stay_in_memory(tmp_path, monkeypatch):
    rows = GENERATOR.integers(-127, 128, (40_000, 384)).astype(np.int8)
    write_sentences(tmp_path / "s", [rows])
    sentences, held = SentenceVectors(tmp_path / "s"), []
    wanted = np.arange(0, 40_000, 7)
    for limit in (1 << 28, 1 << 20):
        monkeypatch.setattr(vectors_module, "_HELD", limit)
        assert (sentences.quantised(wanted) == rows[wanted]).all()
        smaps = Path("/proc/self/smaps").read_text(encoding="utf-8")
        own = smaps.split(str(tmp_path / "s"))[-1].split("VmFlags")[0]
        held.append(int(own.split("Rss:")[1].split()[0]))
    assert held[0] > 10_000  # kB
    assert held[1] < 1_000


def test_sentences_are_an_ordinary_npy_file(tmp_path):
    rows = quantise(unit(9, 4))
    write_sentences(tmp_path / "s.npy", [rows])
    assert (np.load(tmp_path / "s.npy", allow_pickle=False) == rows).all()


def test_sentences_that_are_no_array_or_another(tmp_path):
    for content in (b"", b"\x93NUMPY", b"nonsense"):
        (tmp_path / "s").write_bytes(content)
        with pytest.raises(IndexDamagedError):
            SentenceVectors(tmp_path / "s")
    with (tmp_path / "s").open("wb") as file:
        np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(IndexDamagedError):
        SentenceVectors(tmp_path / "s")
    with (tmp_path / "s").open("wb") as file:
        np.save(file, np.zeros((2, 2), dtype=np.float32))
    with pytest.raises(IndexDamagedError, match=r"unknown kind"):
        SentenceVectors(tmp_path / "s")


finite = st.floats(-1, 1, width=32)


@given(arrays(np.float32, st.tuples(st.integers(0, 4), st.integers(1, 24)), elements=finite))
def test_quantised_rows_stay_within_the_stated_angle(raw):
    lengths = np.linalg.norm(raw.astype(np.float64), axis=1, keepdims=True)
    rows = np.divide(raw, lengths, out=np.zeros_like(raw), where=lengths > 1e-3).astype(np.float32)
    back = unit_rows(quantise(rows))
    for before, after in zip(rows.astype(np.float64), back.astype(np.float64), strict=True):
        if not before.any():
            assert not after.any()
            continue
        across = after - (after @ before) / (before @ before) * before
        bound = np.abs(before).max() * np.sqrt(len(before)) / 254
        assert np.linalg.norm(across) <= bound + 1e-5


def test_the_error_of_a_cosine_is_as_documented():
    rows, queries = unit(400, 384), unit(50, 384)
    error = np.abs(queries @ rows.T - queries @ unit_rows(quantise(rows)).T)
    assert np.quantile(error, 0.95) < 0.001


def test_a_search_leaves_the_threads_of_faiss_as_they_were(tmp_path):
    write_vectors(tmp_path / "v", [np.eye(4, dtype=np.float32)])
    vectors = Vectors(tmp_path / "v")
    before = faiss.omp_get_max_threads()
    try:
        faiss.omp_set_num_threads(3)
        vectors.search(np.eye(4, dtype=np.float32), 2)
        assert faiss.omp_get_max_threads() == 3
    finally:
        faiss.omp_set_num_threads(before)
