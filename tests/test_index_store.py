"""The store: what goes in comes out, in one canonical order, and nothing half-sound goes in."""

from __future__ import annotations

import hashlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from index_samples import DIMENSION, indexed, packed, paper, write_store

from ragqa.errors import (
    BuildError,
    CitationError,
    IndexDamagedError,
    IndexMismatchError,
    IndexStateError,
)
from ragqa.index.packing import pack_document, unpack_chunk, unpack_document
from ragqa.index.records import IndexedDocument
from ragqa.index.store import DocumentFacts, Store, rows_in
from ragqa.records import Chunk, Document, Page, Run, Sentence

FIRST = indexed("alpha", "One fact. Two facts", "Naïve Müller β-catenin. 深度", section="")
README = indexed("alpha", "A readme. Of lines", kind="readme")
SECOND = indexed("beta", "Another paper. It differs", "", "Last words")


def store_of(path: Path, *documents: IndexedDocument, papers: tuple[str, ...] = ()) -> Store:
    listed = papers or tuple(dict.fromkeys(item.paper.paper_id for item in documents))
    write_store(path, [paper(paper_id) for paper_id in listed], packed(documents))
    return Store(path)


@pytest.fixture
def store(tmp_path: Path):
    opened = store_of(tmp_path / "s", SECOND, README, FIRST, papers=("beta", "no-text", "alpha"))
    yield opened
    opened.close()


def test_documents_come_out_as_they_went_in(store):
    assert store.document("alpha", "pdf") == FIRST.document
    assert store.document("alpha", "readme") == README.document
    assert store.document("beta", "pdf") == SECOND.document


def test_what_was_packed_comes_out_as_it_went_in(store):
    sentences = 0
    for item in (FIRST, README, SECOND):
        made = pack_document(item)
        assert store.packed(*item.place) == (made.row, made.chunks, sentences)
        sentences += sum(len(chunk.sentences) for chunk in item.chunks)
        told = DocumentFacts(
            pages=len(item.document.pages), chunks=len(item.chunks), notes=item.document.notes
        )
        assert store.facts(*item.place) == told
    with pytest.raises(CitationError):
        store.packed("beta", "readme")


def test_rows_follow_paper_id_and_kind_not_arrival_or_listing(store):
    expected = [*FIRST.chunks, *README.chunks, *SECOND.chunks]
    assert store.chunks(range(len(expected))) == expected


def test_chunks_come_in_the_order_asked_also_repeated(store):
    first, *_, last = [*FIRST.chunks, *README.chunks, *SECOND.chunks]
    assert store.chunks(np.array([5, 0, 5])) == [last, first, last]
    assert store.chunks([]) == []


def test_papers_keep_the_listing_order_and_those_without_text(store):
    assert [item.paper_id for item in store.papers()] == ["beta", "no-text", "alpha"]
    assert store.paper("no-text") == paper("no-text")
    assert store.paper("gamma") is None
    assert store.kinds("no-text") == ()
    assert store.kinds("alpha") == ("pdf", "readme")


def test_missing_metadata_stays_missing(tmp_path):
    bare = replace(paper("bare"), url=None, github=None, summary=None)
    write_store(tmp_path / "s", [bare], [])
    store = Store(tmp_path / "s")
    assert store.papers() == (bare,)
    store.close()


def test_rows_of_papers_and_documents(store):
    assert store.rows_of(["beta"]).tolist() == [3, 4, 5]
    assert store.rows_of(["beta", "alpha", "gamma", "beta"]).tolist() == [0, 1, 2, 3, 4, 5]
    assert store.rows_of([]).dtype == np.int64
    assert store.rows_of(["gamma"]).tolist() == []
    assert store.document_rows("alpha", "readme") == range(2, 3)


def test_row_of_a_chunk(store):
    assert store.row_of(SECOND.chunks[2].chunk_id) == 5
    assert store.row_of("nobody") is None
    assert store.row_of("\ud800") is None


def test_keys_are_the_callers(store):
    assert store.keys() == {item.place: item.key for item in (FIRST, README, SECOND)}


def test_sentence_ranges_tile_all_sentences(store):
    counts = [len(chunk.sentences) for chunk in store.chunks(range(6))]
    ranges = store.sentence_ranges(range(6))
    assert (ranges[:, 1] - ranges[:, 0]).tolist() == counts
    assert ranges[0, 0] == 0 and (ranges[1:, 0] == ranges[:-1, 1]).all()
    assert store.sentence_ranges([4, 1]).tolist() == ranges[[4, 1]].tolist()
    assert store.sentence_ranges([]).shape == (0, 2)
    assert store.counts().sentences == ranges[-1, 1]


def test_what_is_not_there_is_said(store):
    with pytest.raises(CitationError, match=r"beta readme"):
        store.document("beta", "readme")
    with pytest.raises(CitationError):
        store.document_rows("gamma", "pdf")
    with pytest.raises(IndexMismatchError, match=r"6"):
        store.chunks([0, 6])
    with pytest.raises(IndexMismatchError, match=r"-1"):
        store.sentence_ranges([-1])


def test_more_rows_than_a_statement_takes(tmp_path):
    many = indexed("many", *(f"Fact {number}" for number in range(1201)))
    store = store_of(tmp_path / "s", many)
    assert store.chunks(range(1200, -1, -1)) == list(reversed(many.chunks))
    store.close()


def test_a_text_is_stored_once(tmp_path):
    marker = "Sufficiently peculiar words"
    store_of(tmp_path / "s", indexed("alpha", f"{marker}. And more")).close()
    assert (tmp_path / "s").read_bytes().count(marker.encode()) == 1


def test_reading_changes_no_byte_and_leaves_no_file(tmp_path, store):
    before = hashlib.sha256((tmp_path / "s").read_bytes()).digest()
    store.chunks(range(6))
    assert hashlib.sha256((tmp_path / "s").read_bytes()).digest() == before
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_the_same_documents_give_the_same_bytes(tmp_path):
    store_of(tmp_path / "a", FIRST, README, SECOND, papers=("alpha", "beta")).close()
    store_of(tmp_path / "b", SECOND, README, FIRST, papers=("alpha", "beta")).close()
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_threads_read_the_same(store):
    expected = store.chunks(range(6))
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda n: store.chunks([n % 6])[0], range(400)))
    assert results == [expected[number % 6] for number in range(400)]


def test_a_closed_store_says_so(store):
    store.close()
    with pytest.raises(IndexStateError, match=r"closed"):
        store.row_of("nobody")


def test_a_file_that_is_no_store(tmp_path):
    (tmp_path / "s").write_bytes(b"not a database" * 100)
    store = Store(tmp_path / "s")
    with pytest.raises(IndexDamagedError, match=r"ragqa rebuild"):
        store.papers()
    store.close()
    with pytest.raises(IndexDamagedError):
        Store(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()


def test_a_path_with_the_characters_of_a_link(tmp_path):
    odd = tmp_path / "50% off? #1"
    odd.mkdir()
    store = store_of(odd / "s", FIRST)
    assert store.chunks([0])[0] == FIRST.chunks[0]
    store.close()


def surrogate_in_text() -> IndexedDocument:
    return replace(FIRST, document=replace(FIRST.document, text=FIRST.document.text + "\ud800"))


def surrogate_in_section() -> IndexedDocument:
    chunk = replace(FIRST.chunks[0], section="\udcff")
    return replace(FIRST, chunks=(chunk, *FIRST.chunks[1:]))


@pytest.mark.parametrize("make", [surrogate_in_text, surrogate_in_section])
def test_a_lone_surrogate_fails_cleanly(tmp_path, make):
    with pytest.raises(BuildError):
        store_of(tmp_path / "s", make())


@pytest.mark.parametrize(
    ("papers", "documents"),
    [
        (("alpha", "alpha"), (FIRST,)),
        (("alpha",), (FIRST, FIRST)),
        (("beta",), (FIRST,)),
        (("alpha", "gamma"), (FIRST, replace(SECOND, chunks=FIRST.chunks))),
    ],
    ids=["paper listed twice", "document twice", "paper not listed", "foreign chunks"],
)
def test_what_must_be_unique_or_listed(tmp_path, papers, documents):
    with pytest.raises(BuildError):
        store_of(tmp_path / "s", *documents, papers=papers)


def test_a_chunk_id_used_twice(tmp_path):
    twin = replace(FIRST.chunks[1], chunk_id=FIRST.chunks[0].chunk_id)
    with pytest.raises(BuildError, match=r"chunk_id"):
        store_of(tmp_path / "s", replace(FIRST, chunks=(FIRST.chunks[0], twin)))


def broken() -> dict[str, IndexedDocument]:
    first, second = FIRST.chunks
    long = FIRST.chunk_vectors * 2
    nan = FIRST.chunk_vectors.copy()
    nan[0, 0] = np.nan
    outside = replace(first, sentences=(Sentence(start=0, end=999),))
    return {
        "text differs": replace(FIRST, chunks=(replace(first, text="other"), second)),
        "span outside": replace(FIRST, chunks=(first, replace(second, end=10_000))),
        "sentence outside": replace(FIRST, chunks=(outside, second)),
        "other paper": replace(FIRST, chunks=(replace(first, paper_id="beta"), second)),
        "paper and document": replace(FIRST, paper=paper("beta")),
        "too few vectors": replace(FIRST, chunk_vectors=FIRST.chunk_vectors[:1]),
        "too few sentences": replace(FIRST, sentence_vectors=FIRST.sentence_vectors[:1]),
        "doubles": replace(FIRST, chunk_vectors=FIRST.chunk_vectors.astype(np.float64)),
        "float sentences": replace(
            FIRST, sentence_vectors=FIRST.sentence_vectors.astype(np.float32)
        ),
        "not unit": replace(FIRST, chunk_vectors=long),
        "not a number": replace(FIRST, chunk_vectors=nan),
        "widths": replace(FIRST, sentence_vectors=FIRST.sentence_vectors[:, 1:]),
    }


@pytest.mark.parametrize("name", broken())
def test_an_unsound_document_is_refused(name):
    with pytest.raises(BuildError, match=r"cannot be indexed .*alpha pdf"):
        pack_document(broken()[name])


def test_a_zero_chunk_vector_is_sound():
    pack_document(replace(FIRST, chunk_vectors=np.zeros((2, DIMENSION), dtype=np.float32)))


offsets = st.integers(min_value=-(2**40), max_value=2**40)
pairs = st.lists(st.tuples(offsets, offsets), max_size=20)


@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
    runs=pairs,
    headings=pairs,
    breaks=st.lists(offsets, max_size=9),
    notes=st.lists(st.text(max_size=9), max_size=3),
    kind=st.sampled_from(["pdf", "readme", "summary"]),
)
def test_any_document_survives_packing(text, runs, headings, breaks, notes, kind):
    document = Document(
        paper_id="p",
        kind=kind,
        sha256="00",
        text=text,
        pages=tuple(Page(number=n, start=a, end=b) for n, (a, b) in enumerate(headings)),
        line_starts=tuple(breaks),
        runs=tuple(Run(*run) for run in runs),
        breaks=tuple(breaks),
        headings=tuple(headings),
        notes=tuple(notes),
    )
    item = replace(indexed("p", "x"), document=document, chunks=(), key="k")
    item = replace(
        item,
        chunk_vectors=item.chunk_vectors[:0],
        sentence_vectors=item.sentence_vectors[:0],
    )
    assert unpack_document(("p", kind), pack_document(item).row) == document


@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60),
    cuts=st.lists(st.integers(min_value=0, max_value=60), max_size=12),
    quotable=st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_any_chunk_survives_packing(text, cuts, quotable):
    edges = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    chunk = Chunk(
        chunk_id="c",
        paper_id="p",
        document="pdf",
        start=0,
        end=len(text),
        text=text,
        sentences=tuple(
            Sentence(start=a, end=b, quotable=flag)
            for a, b, flag in zip(edges, edges[1:], quotable, strict=False)
        ),
    )
    item = IndexedDocument(
        paper=paper("p"),
        document=Document(paper_id="p", kind="pdf", sha256="00", text=text),
        chunks=(chunk,),
        chunk_vectors=np.zeros((1, 2), dtype=np.float32),
        sentence_vectors=np.zeros((len(chunk.sentences), 2), dtype=np.int8),
        key="k",
    )
    packed = pack_document(item)
    assert unpack_chunk(("p", "pdf"), packed.chunks[0], text) == chunk


def test_the_file_is_plain_sqlite(tmp_path):
    store_of(tmp_path / "s", FIRST).close()
    database = sqlite3.connect(tmp_path / "s")
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    database.close()


def test_the_key_of_one_document(store):
    assert store.key("alpha", "readme") == README.key
    with pytest.raises(CitationError):
        store.key("no-text", "pdf")


def test_whether_a_restriction_leaves_anything_out(store):
    assert store.is_all_of(["beta", "alpha"])
    assert store.is_all_of(["alpha", "beta", "no-text", "unknown"])
    assert not store.is_all_of(["alpha", "no-text"])
    assert not store.is_all_of([])


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 5)), max_size=20))
def test_rows_of_ranges_come_one_range_after_the_other(pairs):
    ranges = [(first, first + length) for first, length in pairs]
    assert rows_in(ranges).tolist() == [row for low, high in ranges for row in range(low, high)]
