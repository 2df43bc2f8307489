"""The shortlist: it proposes rows, and leaves scores, ties and restrictions as they are."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from index_samples import answers, indexed, packed, paper, write, write_vectors

from ragqa.errors import BuildError, IndexDamagedError, IndexMismatchError
from ragqa.index import generation as writing
from ragqa.index import integrity, proposing, reading, shortlist
from ragqa.index.generation import (
    load_document,
    open_generation,
    verify_generation,
    write_generation,
)
from ragqa.index.meta import _checksum, read_meta
from ragqa.index.proposing import write_shortlist
from ragqa.index.shortlist import Shortlist, is_exact, open_shortlist
from ragqa.index.vectors import Vectors

GENERATOR = np.random.default_rng(11)
COUNT, WIDTH = 4000, 24


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def uniform(count: int = COUNT) -> np.ndarray:
    return unit(GENERATOR.standard_normal((count, WIDTH)))


def clustered(count: int = COUNT) -> np.ndarray:
    centres = uniform(60)
    noise = GENERATOR.standard_normal((count, WIDTH)) / 8
    return unit(centres[GENERATOR.integers(0, 60, count)] + noise)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Let the shortlist begin where test data ends, and leave the disk in peace."""
    monkeypatch.setattr(shortlist, "EXACT_BELOW", 1)
    monkeypatch.setattr(os, "fsync", lambda _fd: None)


def opened(folder: Path, rows: np.ndarray, looked_at: int = 0) -> Vectors:
    """Return vectors with a shortlist; one that looks at so many groups where that is given."""
    write_vectors(folder / "v", [rows])
    write_shortlist(folder / "s", Vectors(folder / "v"))
    if looked_at:
        index = faiss.read_index(str(folder / "s"))
        index.nprobe = looked_at
        faiss.write_index(index, str(folder / "s"))
    return Vectors(folder / "v", None, open_shortlist(folder / "s"))


@pytest.fixture(scope="module")
def rows():
    return clustered()


@pytest.fixture(scope="module", params=["exact", "shortlist"])
def vectors(request, tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "shortlist":
        return opened(folder, rows)
    write_vectors(folder / "v", [rows])
    return Vectors(folder / "v")


def recall(found: np.ndarray, exact: np.ndarray) -> float:
    return np.mean([len({*a} & {*b}) / len(b) for a, b in zip(found, exact, strict=True)])


# --- what holds for both kinds ---


def test_most_of_the_best_are_found(vectors, rows):
    queries = unit(rows[:100] + uniform(100))
    exact = np.argsort(-(queries @ rows.T), axis=1)
    for k, least in ((10, 0.97), (200, 0.94)):
        assert recall(vectors.search(queries, k)[1], exact[:, :k]) >= least


def test_scores_are_the_one_score_of_query_and_row(vectors):
    queries = uniform(20)
    scores, found = vectors.search(queries, 50)
    for query, its_scores, its_rows in zip(queries, scores, found, strict=True):
        assert vectors.scores(query, its_rows).tobytes() == its_scores.tobytes()
        again, same = vectors.search(query[None], 50)
        assert (again[0].tobytes(), same[0].tolist()) == (its_scores.tobytes(), its_rows.tolist())
        assert its_rows.tolist() == its_rows[np.lexsort((its_rows, -its_scores))].tolist()


def test_a_restriction_moves_no_score_and_lets_nothing_else_in(vectors):
    query = uniform(1)
    score_of = vectors.scores(query[0], np.arange(COUNT))
    for size in (1, 3, 250, 2000, COUNT - 1):
        allowed = GENERATOR.permutation(COUNT)[:size]
        scores, found = vectors.search(query, 40, allowed)
        assert found.shape == (1, min(size, 40))
        assert set(found[0].tolist()) <= set(allowed.tolist())
        assert scores[0].tolist() == score_of[found[0]].tolist()


def test_edges(vectors):
    query = uniform(2)
    for k, allowed, size in ((0, None, 0), (-1, None, 0), (9999, None, COUNT), (5, [], 0)):
        chosen = None if allowed is None else np.array(allowed, dtype=np.int64)
        scores, found = vectors.search(query, k, chosen)
        assert scores.shape == found.shape == (2, size)
        assert (scores.dtype, found.dtype) == (np.float32, np.int64)
    assert vectors.search(query, 5, np.array([3, 3]))[1].tolist() == [[3], [3]]
    assert vectors.search(query[:0], 5)[0].shape == (0, 5)


def test_wrong_questions_are_refused(vectors):
    broken = uniform(1)
    broken[0, 3] = np.nan
    for query in (broken, uniform(1)[:, 1:]):
        with pytest.raises(IndexMismatchError, match=r"24 finite numbers"):
            vectors.search(query, 5)
    with pytest.raises(IndexMismatchError, match=str(COUNT)):
        vectors.search(uniform(1), 5, np.array([1, COUNT]))


def test_threads_and_companions_change_nothing(vectors):
    queries = uniform(40)
    scores, found = vectors.search(queries, 20)
    before = faiss.omp_get_max_threads()
    with ThreadPoolExecutor(4) as pool:
        every = list(pool.map(lambda query: vectors.search(query[None], 20), queries))
    assert np.concatenate([s for s, _ in every]).tobytes() == scores.tobytes()
    assert (np.concatenate([r for _, r in every]) == found).all()
    assert faiss.omp_get_max_threads() == before


# --- the shortlist alone ---


@settings(max_examples=30, deadline=None)
@given(chosen=st.sets(st.integers(0, 299), min_size=1), k=st.integers(1, 40))
def test_a_restriction_never_leaks_a_row(chosen, k, tmp_path_factory):
    listed = open_shortlist(_three_hundred(tmp_path_factory))
    allowed = np.array(sorted(chosen), dtype=np.int64)
    proposed = listed.propose(uniform(1)[0], k, allowed)
    assert set(proposed.tolist()) <= chosen
    assert proposed.tolist() == sorted(set(proposed.tolist()))


def _three_hundred(factory) -> Path:
    folder = factory.getbasetemp() / "300"
    if not folder.exists():
        folder.mkdir()
        opened(folder, uniform(300))
    return folder / "s"


@pytest.mark.parametrize("size", [500, 2000, 3500])
def test_a_restriction_is_searched_as_well_as_everything(tmp_path, rows, size):
    """Few of the groups near a query hold allowed rows, so more of them are looked at."""
    listed = opened(tmp_path, rows, looked_at=32)
    queries = unit(rows[:60] + uniform(60))
    at_random = np.sort(GENERATOR.choice(COUNT, size, replace=False))
    for allowed in (at_random, np.arange(size)):
        exact = np.argsort(-(queries @ rows[allowed].T), axis=1)[:, :10]
        assert recall(listed.search(queries, 10, allowed)[1], allowed[exact]) >= 0.95


@pytest.mark.parametrize("make", [clustered, uniform])
def test_the_recall_that_is_told_is_what_others_find_too(tmp_path, make):
    data = make()
    write_vectors(tmp_path / "v", [data])
    told = write_shortlist(tmp_path / "s", Vectors(tmp_path / "v"))
    listed = Vectors(tmp_path / "v", None, open_shortlist(tmp_path / "s"))
    assert (told.at_10 >= 0.98 and told.at_200 >= 0.95) or told.looked_at == told.centres
    noise = uniform(300)
    queries = unit(0.6 * data[-300:] + 0.8 * noise)
    exact = np.argsort(-(queries @ data.T), axis=1)
    for k, claimed in ((10, told.at_10), (200, told.at_200)):
        found = recall(listed.search(queries, k)[1], exact[:, :k])
        assert abs(found - claimed) < 0.02, k


def test_less_is_looked_at_where_rows_are_clustered(tmp_path):
    looked_at = []
    for name, data in (("c", clustered()), ("u", uniform())):
        write_vectors(tmp_path / name, [data])
        looked_at.append(write_shortlist(tmp_path / "s", Vectors(tmp_path / name)).looked_at)
    assert looked_at[0] < looked_at[1]


def test_equal_vectors_count_as_found_whichever_they_are(tmp_path):
    same = np.repeat(uniform(3), 400, axis=0)
    write_vectors(tmp_path / "v", [same])
    told = write_shortlist(tmp_path / "s", Vectors(tmp_path / "v"))
    assert (told.at_10, told.at_200) == (1, 1)
    listed = Vectors(tmp_path / "v", None, open_shortlist(tmp_path / "s"))
    scores, found = listed.search(same[:1], 100)
    assert len(set(scores[0].tolist())) == 1
    assert found[0].tolist() == sorted(found[0].tolist())
    assert found.max() < 400


def test_rows_without_direction_do_no_harm(tmp_path):
    data = clustered(1000)
    data[::10] = 0
    listed = opened(tmp_path, data)
    assert not np.isin(listed.search(data[1:2], 50)[1], np.arange(0, 1000, 10)).any()


def test_where_too_few_are_proposed_all_are_compared(tmp_path, rows):
    listed = opened(tmp_path, rows, looked_at=1)
    queries = uniform(20)
    own = open_shortlist(tmp_path / "s")
    assert any(len(own.propose(query, 200)) < 200 for query in queries)  # a group has some 16 rows
    assert (listed.search(queries, 200)[0] == Vectors(tmp_path / "v").search(queries, 200)[0]).all()


def test_few_rows_are_compared_and_many_are_not(tmp_path, rows, monkeypatch):
    """Work counted: the rows that a search compares exactly."""
    listed = opened(tmp_path, rows)
    compared, real = [], listed.scores
    monkeypatch.setattr(listed, "scores", lambda q, r: (compared.append(len(r)), real(q, r))[1])
    monkeypatch.setattr(shortlist, "EXACT_BELOW", 1500)
    for k, allowed in (
        (10, None),
        (200, None),
        (201, None),
        (10, np.arange(1499)),
        (10, np.arange(1500)),
    ):
        listed.search(uniform(1), k, allowed)
    assert compared == [110, 300, COUNT, 1499, 110]


def test_where_it_begins():
    assert not is_exact(1)
    assert is_exact(0)
    assert is_exact(10**7, 201)


def test_the_same_rows_give_the_same_bytes_with_any_number_of_threads(tmp_path, rows):
    write_vectors(tmp_path / "v", [rows])
    before, written = faiss.omp_get_max_threads(), []
    try:
        for threads in (1, 2, 3, 1):
            faiss.omp_set_num_threads(threads)
            told = write_shortlist(tmp_path / "s", Vectors(tmp_path / "v"))
            written.append((told, (tmp_path / "s").read_bytes()))
    finally:
        faiss.omp_set_num_threads(before)
    assert all(one == written[0] for one in written)


@pytest.mark.parametrize("content", [b"", b"IwSq", b"nonsense" * 40])
def test_what_faiss_cannot_read(tmp_path, content):
    (tmp_path / "s").write_bytes(content)
    with pytest.raises(IndexDamagedError):
        open_shortlist(tmp_path / "s")


def test_another_kind_and_other_vectors(tmp_path, rows):
    write_vectors(tmp_path / "other", [rows[:50]])
    with pytest.raises(IndexDamagedError, match=r"IndexFlatIP"):
        open_shortlist(tmp_path / "other")
    opened(tmp_path, rows)
    with pytest.raises(IndexDamagedError, match=r"other vectors"):
        Vectors(tmp_path / "other", None, open_shortlist(tmp_path / "s"))


def test_a_disk_that_refuses(tmp_path, rows):
    write_vectors(tmp_path / "v", [rows[:300]])
    with pytest.raises(BuildError, match=r"shortlist"):
        write_shortlist(tmp_path / "missing" / "s", Vectors(tmp_path / "v"))


# --- in a generation ---

WORDS = "cells divide grow mice run stars burn slowly brightly never rest alone".split()
DOCUMENTS = tuple(
    indexed(
        f"p{number}", *(" ".join(GENERATOR.choice(WORDS, 5)) for _ in range(GENERATOR.integers(9)))
    )
    for number in range(30)
)
QUERIES = ("cells divide", "mice", "stars and cells and mice", "absent")


@pytest.fixture
def index(tmp_path):
    write(tmp_path / "index", *DOCUMENTS)
    return tmp_path / "index"


def test_the_meta_file_tells_of_it_and_its_hash_is_kept(index):
    content = json.loads((index / "gen-000001" / "meta.json").read_text())
    assert (content["schema"], content["search"]) == ("ragqa/index/2", "shortlist")
    assert content["shortlist"]["at_10"] == content["recall_at_10"] >= 0.98
    assert "shortlist.faiss" in {check.path.name for check in verify_generation(index)}
    meta = read_meta(index / "gen-000001")
    assert meta.shortlist is not None
    assert meta.shortlist.at_10 == meta.recall_at_10
    assert meta.shortlist.looked_at <= meta.shortlist.centres


def test_an_index_below_the_limit_has_none_and_goes_on_without(index, tmp_path, monkeypatch):
    monkeypatch.setattr(shortlist, "EXACT_BELOW", 10_000)
    write(tmp_path / "plain", *DOCUMENTS)
    content = json.loads((tmp_path / "plain" / "gen-000001" / "meta.json").read_text())
    assert (content["schema"], content["search"]) == ("ragqa/index/1", "exact")
    assert "shortlist" not in content
    assert not (tmp_path / "plain" / "gen-000001" / "shortlist.faiss").exists()
    monkeypatch.setattr(shortlist, "EXACT_BELOW", 1)  # as an old generation that has grown large
    with open_generation(tmp_path / "plain") as plain, open_generation(index) as listed:
        assert answers(plain, QUERIES) == answers(listed, QUERIES)
    assert len(answers(plain, ())) == 0


def test_its_files_are_checked_in_small_blocks(index, tmp_path, monkeypatch):
    lengths = {entry.block_bytes for entry in read_meta(index / "gen-000001").files.values()}
    assert lengths == {integrity.SMALL_BLOCK_BYTES}
    monkeypatch.setattr(integrity, "SMALL_BLOCK_BYTES", 1 << 10)
    monkeypatch.setattr(writing, "SMALL_BLOCK_BYTES", 1 << 10)
    write(tmp_path / "fine", *DOCUMENTS)
    monkeypatch.setattr(reading, "_HASHED_AT_OPEN", 0)
    assert not any(check.problem for check in verify_generation(tmp_path / "fine"))
    vectors = tmp_path / "fine" / "gen-000001" / "vectors.faiss"
    flipped(vectors, -1)
    with open_generation(tmp_path / "fine") as generation:
        last = generation.vectors.count - 1
        assert generation.vectors.rows(np.arange(3)).shape == (3, 16)
        with pytest.raises(IndexDamagedError):
            generation.vectors.rows(np.array([last]))
    assert [c.path.name for c in verify_generation(tmp_path / "fine") if c.problem] == [
        "vectors.faiss"
    ]


def test_a_meta_file_that_tells_no_length_of_blocks(tmp_path, monkeypatch):
    """As versions wrote it that had one length only."""
    monkeypatch.setattr(shortlist, "EXACT_BELOW", 10_000)
    write(tmp_path, *DOCUMENTS)
    path = tmp_path / "gen-000001" / "meta.json"
    content = json.loads(path.read_text())
    del content["checksum"]
    for entry in content["files"].values():
        assert entry.pop("block_bytes") == integrity.BLOCK_BYTES
    path.write_text(json.dumps({**content, "checksum": _checksum(content)}))
    with open_generation(tmp_path) as generation:
        assert answers(generation, QUERIES)
    assert not any(check.problem for check in verify_generation(tmp_path))


def test_an_incremental_build_has_the_same_one(tmp_path):
    write(tmp_path / "grown", *DOCUMENTS[5:])
    papers = [paper(item.paper.paper_id) for item in DOCUMENTS]
    with open_generation(tmp_path / "grown") as old:
        reused = [load_document(old, item.place) for item in DOCUMENTS[5:]]
        every = sorted([*packed(DOCUMENTS[:5]), *reused], key=lambda item: item.place)
        write_generation(tmp_path / "grown", every, papers, fingerprint={})
    write_generation(tmp_path / "fresh", packed(DOCUMENTS), papers, fingerprint={})
    with (
        open_generation(tmp_path / "grown") as grown,
        open_generation(tmp_path / "fresh") as fresh,
    ):
        assert grown.meta.files["shortlist.faiss"] == fresh.meta.files["shortlist.faiss"]
        assert grown.meta.shortlist == fresh.meta.shortlist
        assert answers(grown, QUERIES) == answers(fresh, QUERIES)


def missing(path: Path) -> None:
    path.unlink()


def shorter(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flipped(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("hashed_at_open", [64 << 20, 0], ids=["small", "large"])
@pytest.mark.parametrize(
    "harm", [missing, shorter, *(partial(flipped, place=place) for place in (5, 40, 500, -1))]
)
def test_damage_is_found_when_it_is_opened(index, harm, hashed_at_open, monkeypatch):
    monkeypatch.setattr(reading, "_HASHED_AT_OPEN", hashed_at_open)
    harm(index / "gen-000001" / "shortlist.faiss")
    with pytest.raises(IndexDamagedError, match=r"ragqa rebuild"):
        open_generation(index)
    assert [check.path.name for check in verify_generation(index) if check.problem] == [
        "shortlist.faiss"
    ]


def test_one_that_was_not_written_to_its_end_is_never_put_in_force(tmp_path, monkeypatch):
    real = writing.write_shortlist

    def lossy(path, vectors):
        told = real(path, vectors)
        os.truncate(path, path.stat().st_size // 2)
        return told

    monkeypatch.setattr(writing, "write_shortlist", lossy)
    with pytest.raises(BuildError, match=r"read back"):
        write(tmp_path, *DOCUMENTS)
    assert not list(tmp_path.glob("gen-*"))


def test_it_answers_while_its_generation_is_removed(index):
    with open_generation(index) as generation:
        expected = answers(generation, QUERIES)
        write(index, *DOCUMENTS[:3])
        write(index, *DOCUMENTS[:3])
        assert not (index / "gen-000001").exists()
        assert answers(generation, QUERIES) == expected


def test_what_is_measured_is_what_searches(tmp_path, rows, monkeypatch):
    """A shortlist that finds nothing does not pass: it looks at more, in the end at all."""
    write_vectors(tmp_path / "v", [rows[:500]])
    real = Shortlist.propose
    monkeypatch.setattr(Shortlist, "propose", lambda *args, **options: real(*args, **options)[:1])
    told = proposing.write_shortlist(tmp_path / "s", Vectors(tmp_path / "v"))
    assert told.looked_at == told.centres
    assert told.at_10 <= 0.1
