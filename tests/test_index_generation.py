"""Generations: incremental answers like fresh, readers go on, damage is found, writers exclude."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from index_samples import FINGERPRINT, answers, embed, indexed, packed, paper, write

from ragqa.errors import (
    BuildError,
    CitationError,
    IndexBusyError,
    IndexDamagedError,
    IndexMismatchError,
    IndexMissingError,
    IndexStateError,
    RagqaError,
)
from ragqa.index import integrity, reading
from ragqa.index.generation import (
    load_document,
    open_generation,
    rollback,
    verify_generation,
    write_generation,
)
from ragqa.index.meta import read_meta, write_meta
from ragqa.index.packing import PackedDocument, pack_document
from ragqa.index.records import IndexedDocument
from ragqa.index.rows import RowWriter

ALPHA = indexed("alpha", "Cells divide. Cells grow", "Mice run. Cells rest")
BETA = indexed("beta", "Cells divide. Cells grow", "Stars burn")
BETA_README = indexed("beta", "Install it. Run it", kind="readme", section="")
GAMMA = indexed("gamma", "Mice sleep. Stars shine", "", "Cells divide")
SLOW = pytest.mark.slow
QUERIES = ("cells divide", "mice", "stars and cells and mice", "absent")


def said(directory: Path) -> list[object]:
    with open_generation(directory) as generation:
        return answers(generation, QUERIES)


def same_record(one: PackedDocument, other: PackedDocument) -> bool:
    for field in fields(PackedDocument):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, np.ndarray):
            if (a.dtype, a.shape, a.tobytes()) != (b.dtype, b.shape, b.tobytes()):
                return False
        elif a != b:
            return False
    return True


@pytest.fixture(autouse=True)
def no_flushing(monkeypatch):
    """Leave the disk in peace: no test here cuts the power, and builds are twice as fast."""
    monkeypatch.setattr(os, "fsync", lambda _fd: None)


@pytest.fixture
def index(tmp_path):
    write(tmp_path / "index", ALPHA, BETA, BETA_README)
    return tmp_path / "index"


# --- what is written ---


def test_the_folder_is_as_documented(index):
    assert (index / "CURRENT").read_text() == "gen-000001\n"
    parts = {path.name for path in (index / "gen-000001").iterdir()}
    assert parts == {"store.sqlite", "vectors.faiss", "sentences.npy", "lexical", "meta.json"}
    meta = json.loads((index / "gen-000001" / "meta.json").read_text())
    assert meta["schema"] == "ragqa/index/1"
    assert meta["fingerprint"] == FINGERPRINT
    assert meta["counts"] == {"papers": 2, "documents": 3, "chunks": 5, "sentences": 9}
    assert (meta["search"], meta["recall_at_10"], meta["dimension"]) == ("exact", 1.0, 16)
    assert not list(index.glob("tmp-*"))


def test_what_was_written_is_loaded_bit_for_bit(index):
    with open_generation(index) as generation:
        for item in (ALPHA, BETA, BETA_README):
            assert same_record(load_document(generation, item.place), pack_document(item))
        with pytest.raises(CitationError):
            load_document(generation, ("alpha", "readme"))


def test_a_document_without_chunks_is_kept_and_loaded(tmp_path):
    bare = replace(
        ALPHA,
        chunks=(),
        chunk_vectors=ALPHA.chunk_vectors[:0],
        sentence_vectors=ALPHA.sentence_vectors[:0],
    )
    write(tmp_path, bare)
    with open_generation(tmp_path) as generation:
        assert same_record(load_document(generation, bare.place), pack_document(bare))
        assert generation.vectors.search(embed(["cells"]), 5)[1].shape == (1, 0)


@pytest.mark.parametrize("papers", [[], [paper("alpha")]])
def test_an_index_without_any_document(tmp_path, papers):
    write_generation(tmp_path, [], papers, fingerprint={})
    with open_generation(tmp_path) as generation:
        assert generation.store.papers() == tuple(papers)
        assert generation.vectors.search(embed(["cells"]), 5)[1].shape == (1, 0)
        assert generation.lexical.search("cells", 5)[1].size == 0
        assert generation.store.rows_of(["alpha"]).size == 0


def test_documents_are_taken_one_at_a_time(tmp_path):
    papers, most = [paper(f"p{number:03}") for number in range(40)], 0

    def alive():
        return sum(type(each) is PackedDocument for each in gc.get_objects())

    gc.collect()
    before = alive()  # of other tests

    def documents():
        nonlocal most
        for item in papers:
            yield pack_document(indexed(item.paper_id, "Cells divide. Cells grow", "Mice run"))
            most = max(most, alive() - before)

    write_generation(tmp_path / "a", documents(), papers, fingerprint={})
    assert 1 <= most <= 2  # the one that was just written, and none or one before it
    with open_generation(tmp_path / "a") as generation:
        assert generation.meta.counts.documents == 40


def test_documents_out_of_order_are_refused(tmp_path):
    papers = [paper("alpha"), paper("beta")]
    for documents in ((BETA, ALPHA), (BETA_README, BETA), (ALPHA, ALPHA)):
        with pytest.raises(BuildError, match=r"order"):
            write_generation(tmp_path, map(pack_document, documents), papers, fingerprint={})
    assert not list(tmp_path.glob("*-*"))


VOCABULARY = st.lists(
    st.sampled_from("cells divide grow mice run stars burn slowly".split()), min_size=1, max_size=6
).map(" ".join)
TEXTS = st.lists(VOCABULARY, min_size=0, max_size=4)
PLACES = st.tuples(st.sampled_from(["a", "b", "c", "d"]), st.sampled_from(["pdf", "readme"]))
STEPS = st.lists(
    st.dictionaries(PLACES, st.none() | TEXTS, min_size=1, max_size=4), min_size=1, max_size=4
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # the flushing stays off
)
@given(steps=STEPS, queries=st.lists(VOCABULARY, min_size=1, max_size=2))
def test_an_incremental_build_answers_like_a_fresh_one(tmp_path_factory, steps, queries):
    """Each step adds, changes (texts) or removes (None) documents; the rest is reused."""
    folder = tmp_path_factory.mktemp("g")
    wanted: dict[tuple[str, str], IndexedDocument] = {}
    write(folder / "grown")
    for step in steps:
        for (paper_id, kind), texts in step.items():
            wanted.pop((paper_id, kind), None)
            if texts is not None:
                wanted[paper_id, kind] = indexed(paper_id, *texts, kind=kind)
        papers = [paper(name) for name in sorted({place[0] for place in wanted})]
        with open_generation(folder / "grown") as old:
            keys = old.store.keys()
            documents = (
                load_document(old, place) if keys.get(place) == item.key else pack_document(item)
                for place, item in sorted(wanted.items())
            )
            write_generation(folder / "grown", documents, papers, fingerprint={})
    write_generation(folder / "fresh", packed(wanted.values()), papers, fingerprint={})
    with open_generation(folder / "grown") as grown, open_generation(folder / "fresh") as fresh:
        assert answers(grown, queries) == answers(fresh, queries)
        assert grown.meta.counts == fresh.meta.counts
        for name in ("store.sqlite", "vectors.faiss", "sentences.npy"):
            assert grown.meta.files[name] == fresh.meta.files[name], name


def test_unsound_input_leaves_what_was_in_force(index):
    before = said(index)
    doubled = replace(ALPHA, chunk_vectors=ALPHA.chunk_vectors * 2)
    narrow = indexed("gamma", "Mice", dimension=8)
    for documents, papers in (
        ([doubled], [paper("alpha")]),
        ([ALPHA, ALPHA], [paper("alpha")]),
        ([ALPHA, narrow], [paper("alpha"), paper("gamma")]),
        ([ALPHA], []),
        ([ALPHA], [replace(paper("alpha"), title="\ud800")]),
    ):
        with pytest.raises(BuildError):
            write_generation(index, map(pack_document, documents), papers, fingerprint={})
    assert said(index) == before
    assert sorted(path.name for path in index.iterdir() if path.is_dir()) == ["gen-000001"]


def test_an_error_of_the_documents_passes_and_changes_nothing(index):
    before = said(index)

    def failing():
        yield pack_document(GAMMA)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_generation(index, failing(), [paper("gamma")], fingerprint={})
    assert said(index) == before
    write(index, GAMMA)  # the lock is free again
    assert said(index) != before


# --- generations come and go ---


def test_old_generations_are_removed_and_the_last_two_kept(index):
    for number in range(2, 5):
        write(index, ALPHA, GAMMA)
        folders = sorted(path.name for path in index.glob("*-*"))
        assert folders == [f"gen-{number - 1:06d}", f"gen-{number:06d}"]


@pytest.mark.parametrize("keep", [0, 1, 3])
def test_keep(index, keep):
    for _ in range(4):
        write(index, ALPHA, keep=keep)
    assert len(list(index.glob("gen-*"))) == max(keep, 1)
    assert said(index)


@pytest.mark.parametrize("hashed_at_open", [64 << 20, 0], ids=["small", "large"])
def test_a_reader_goes_on_while_its_generation_is_removed(index, monkeypatch, hashed_at_open):
    expected = said(index)
    monkeypatch.setattr(reading, "_HASHED_AT_OPEN", hashed_at_open)
    with open_generation(index) as generation:
        write(index, GAMMA)
        write(index, GAMMA)
        assert not (index / "gen-000001").exists()
        assert answers(generation, QUERIES) == expected
        with ThreadPoolExecutor(4) as pool:
            every = list(pool.map(lambda _: answers(generation, QUERIES), range(8)))
        assert every == [expected] * 8
        assert same_record(load_document(generation, BETA_README.place), pack_document(BETA_README))


def test_readers_open_while_generations_land(index):
    with ThreadPoolExecutor(2) as pool:
        builds = pool.submit(lambda: [write(index, ALPHA, BETA, BETA_README) for _ in range(12)])
        opened = 0
        while not builds.done():
            with open_generation(index) as generation:
                assert generation.store.paper("beta") is not None
                opened += 1
        builds.result()
    assert opened > 0


def test_an_open_that_is_overtaken_tries_again(index, monkeypatch):
    real, calls = reading.read_meta, []

    def overtaken(folder):
        calls.append(folder.name)
        if len(calls) == 1:
            monkeypatch.setattr(reading, "read_meta", real)
            write(index, GAMMA)
            write(index, GAMMA)
        return real(folder)

    monkeypatch.setattr(reading, "read_meta", overtaken)
    with open_generation(index) as generation:
        assert generation.number == 3
    assert calls == ["gen-000001"]


def test_a_closed_generation_says_so_and_closes_twice(index):
    generation = open_generation(index)
    generation.close()
    generation.close()
    with pytest.raises(IndexStateError, match=r"closed"):
        generation.store.papers()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux to count handles")
def test_handles_are_closed(index):
    handles = Path("/proc/self/fd")
    before = len(list(handles.iterdir()))
    for _ in range(3):
        open_generation(index)  # dropped without being closed
        with open_generation(index) as generation:
            answers(generation, QUERIES)
        del generation  # and with it the mapping of the vectors
    assert len(list(handles.iterdir())) <= before


# --- rollback ---


def test_rollback_goes_back_one_generation_and_no_further(index):
    first = said(index)
    write(index, GAMMA)
    assert said(index) != first
    assert rollback(index) == index / "gen-000001"
    assert said(index) == first
    with pytest.raises(IndexMissingError, match=r"no earlier generation"):
        rollback(index)
    assert said(index) == first


def test_a_build_after_a_rollback_replaces_what_was_rolled_back_from(index):
    first = said(index)
    write(index, GAMMA)
    rollback(index)
    write(index, GAMMA, ALPHA)
    assert sorted(path.name for path in index.glob("gen-*")) == ["gen-000001", "gen-000003"]
    rollback(index)
    assert said(index) == first


def test_rollback_refuses_a_damaged_generation(index):
    write(index, GAMMA)
    now = said(index)
    victim = index / "gen-000001" / "store.sqlite"
    victim.write_bytes(victim.read_bytes()[:-1])
    with pytest.raises(IndexDamagedError, match=r"earlier generation is damaged"):
        rollback(index)
    assert said(index) == now


def test_rollback_mends_a_damaged_current(index):
    first = said(index)
    write(index, GAMMA)
    (index / "gen-000002" / "meta.json").unlink()
    with pytest.raises(IndexDamagedError):
        open_generation(index)
    rollback(index)
    assert said(index) == first
    (index / "CURRENT").write_text("garbage")
    (index / "gen-000002").rename(index / "elsewhere")
    rollback(index)
    assert said(index) == first


def test_rollback_of_nothing(tmp_path):
    with pytest.raises(IndexMissingError):
        rollback(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()


# --- two writers ---


def test_a_second_writer_is_told_at_once(index):
    before = said(index)
    refused = []

    def documents():
        yield pack_document(GAMMA)
        for attempt in (lambda: write(index, ALPHA), lambda: rollback(index)):
            with ThreadPoolExecutor(1) as pool, pytest.raises(IndexBusyError) as caught:
                pool.submit(attempt).result()
            refused.append(str(caught.value))
        assert said(index) == before  # it can be asked meanwhile

    write_generation(index, documents(), [paper("gamma")], fingerprint={})
    assert len(refused) == 2
    assert said(index) != before


def test_a_second_process_is_told_at_once(index):
    script = (
        "import sys; from pathlib import Path\n"
        "from ragqa.index.generation import write_generation\n"
        "from ragqa.errors import IndexBusyError\n"
        "try: write_generation(Path(sys.argv[1]), [], [], fingerprint={})\n"
        "except IndexBusyError: sys.exit(7)\n"
    )
    codes = []

    def documents():
        codes.append(subprocess.run([sys.executable, "-c", script, str(index)]).returncode)
        yield pack_document(GAMMA)

    write_generation(index, documents(), [paper("gamma")], fingerprint={})
    codes.append(subprocess.run([sys.executable, "-c", script, str(index)]).returncode)
    assert codes == [7, 0]


# --- what a power cut may not reorder ---


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux to name a handle")
def test_everything_is_flushed_before_it_is_named(index, monkeypatch):
    done: list[tuple[str, str]] = []

    def note(action, path):
        done.append((action, Path(path).name))

    def fsync(fd):
        note("flush", Path(f"/proc/self/fd/{fd}").readlink())

    for name in ("rename", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda old, new, *, r=real: (r(old, new), note("name", new))[0]
        )
    monkeypatch.setattr(os, "fsync", fsync)
    folder = write(index, GAMMA)
    named, swapped = done.index(("name", folder.name)), done.index(("name", "CURRENT"))
    flushed = {name for action, name in done[:named] if action == "flush"}
    with open_generation(index) as generation:
        files = {Path(name).name for name in generation.meta.files}
    assert files | {"lexical"} <= flushed
    assert any(name.startswith("tmp-") for name in flushed)  # the generation's own folder
    assert done[named + 1] == ("flush", index.name)
    assert done[swapped - 1][0] == "flush"  # CURRENT's new content
    assert done[swapped + 1] == ("flush", index.name)


# --- damage ---


def all_files(index: Path) -> list[str]:
    return sorted(str(path.relative_to(index)) for path in index.rglob("*") if path.is_file())


def test_a_flipped_byte_in_any_file_is_found_at_open(index):
    checked = 0
    for name in all_files(index):
        path = index / name
        content = path.read_bytes()
        for position in sorted({0, len(content) // 3, len(content) // 2, len(content) - 1}):
            if name == ".lock" or not content:
                continue
            altered = bytearray(content)
            altered[position] ^= 0x01
            path.write_bytes(altered)
            with pytest.raises(IndexStateError) as caught:
                open_generation(index)
            assert "ragqa rebuild" in str(caught.value)
            checked += 1
        path.write_bytes(content)
    assert checked > 30
    assert said(index)


@pytest.mark.parametrize("action", ["truncate", "empty", "remove", "lengthen", "folder"])
def test_a_truncated_or_missing_file_is_found_at_open(index, action, monkeypatch):
    monkeypatch.setattr(reading, "_HASHED_AT_OPEN", 0)  # also where nothing is hashed at open
    for name in all_files(index):
        path = index / name
        content = path.read_bytes()
        if name == ".lock" or not content:
            continue
        if action in {"remove", "folder"}:
            path.unlink()
            if action == "folder":
                path.mkdir()
        else:
            cut = {"truncate": content[:-2], "empty": b"", "lengthen": content + b"x"}[action]
            path.write_bytes(cut)
        with pytest.raises(IndexStateError):
            open_generation(index).close()
        if action == "folder":
            path.rmdir()
        path.write_bytes(content)
    assert said(index)


def test_a_large_index_is_checked_block_by_block_as_it_is_read(index, monkeypatch):
    monkeypatch.setattr(reading, "_HASHED_AT_OPEN", 0)
    for name in ("store.sqlite", "vectors.faiss", "sentences.npy"):
        path = index / "gen-000001" / name
        content = path.read_bytes()
        altered = bytearray(content)
        altered[-1] ^= 0x80
        path.write_bytes(altered)
        with open_generation(index) as generation, pytest.raises(IndexDamagedError, match=name):
            generation.store.papers()
            generation.vectors.search(embed(["cells"]), 1)
            generation.sentences.rows(np.arange(9))
        path.write_bytes(content)
    # tantivy is never let near a damaged file; this one it would not even have noticed.
    victim = next((index / "gen-000001" / "lexical").glob("*.store"))
    altered = bytearray(victim.read_bytes())
    altered[0] ^= 0x80
    victim.write_bytes(altered)
    with pytest.raises(IndexDamagedError, match=r"lexical"):
        open_generation(index)


def test_files_larger_than_a_block(tmp_path, monkeypatch):
    monkeypatch.setattr(integrity, "BLOCK_BYTES", 256)
    write(tmp_path, ALPHA, BETA, GAMMA)
    expected = said(tmp_path)
    monkeypatch.setattr(reading, "_HASHED_AT_OPEN", 0)
    assert said(tmp_path) == expected
    with open_generation(tmp_path) as generation:
        assert len(generation.meta.files["store.sqlite"].blocks) > 50


def test_verify_names_every_damaged_file(index):
    assert {check.problem for check in verify_generation(index)} == {None}
    folder = index / "gen-000001"
    (folder / "store.sqlite").write_bytes(b"short")
    (folder / "sentences.npy").unlink()
    content = bytearray((folder / "vectors.faiss").read_bytes())
    content[50] ^= 1
    (folder / "vectors.faiss").write_bytes(content)
    problems = {check.path.name: check.problem for check in verify_generation(index)}
    assert problems["vectors.faiss"] == "altered"
    assert "5 bytes instead of" in problems["store.sqlite"]
    assert "No such file" in problems["sentences.npy"]
    assert sum(problem is not None for problem in problems.values()) == 3


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "names no generation"),
        (b"gen-000009\n", "is missing"),
        (b"../index/gen-000001", "names no generation"),
        (b"gen-000001/../gen-000001\n", "names no generation"),
        (b"/etc", "names no generation"),
        (b"gen-1\n", "names no generation"),
        (b"gen-000001\n\n", "names no generation"),
        (b"\xff\xfe", "names no generation"),
        ("gen-٠٠٠٠٠١".encode(), "names no generation"),
        (b"gen-000001" * 10**5, "names no generation"),
    ],
)
def test_a_garbled_current(index, content, what):
    (index / "CURRENT").write_bytes(content)
    with pytest.raises(IndexDamagedError, match=what):
        open_generation(index)
    write(index, ALPHA)  # a rebuild mends it
    with open_generation(index) as generation:
        assert generation.number == 2


def test_a_missing_index(tmp_path, index):
    for directory in (tmp_path / "absent", tmp_path, index / "CURRENT"):
        for action in (open_generation, verify_generation):
            with pytest.raises(IndexMissingError, match=r"ragqa rebuild"):
                action(directory)
    (index / "CURRENT").unlink()
    with pytest.raises(IndexMissingError):
        open_generation(index)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"{}", b"\xff", b"[" * 100_000, b'{"schema": "ragqa/index/1"}'],
)
def test_a_garbled_meta_file(index, content):
    (index / "gen-000001" / "meta.json").write_bytes(content)
    with pytest.raises(IndexDamagedError):
        open_generation(index)
    with pytest.raises(IndexDamagedError):
        verify_generation(index)


def test_an_unknown_format(index):
    path = index / "gen-000001" / "meta.json"
    path.write_text(path.read_text().replace("ragqa/index/1", "ragqa/index/3"))
    with pytest.raises(IndexMismatchError, match=r"ragqa/index/3"):
        open_generation(index)


def test_files_that_do_not_belong_together(index):
    folder = index / "gen-000001"
    meta = read_meta(folder)
    for changed in ({"chunks": 4}, {"sentences": 10}):
        write_meta(folder, replace(meta, counts=replace(meta.counts, **changed)))
        with pytest.raises(IndexDamagedError, match=r"belong together"):
            open_generation(index)
    write_meta(folder, meta)
    assert said(index)


def test_what_cannot_be_read_back_is_never_put_in_force(index, monkeypatch):
    before = said(index)
    # a disk that loses rows and does not say so
    monkeypatch.setattr(RowWriter, "add", lambda self, rows: None)
    with pytest.raises(BuildError, match=r"read back"):
        write(index, GAMMA)
    assert said(index) == before
    assert [path.name for path in index.glob("*-*")] == ["gen-000001"]


def test_a_generation_under_the_name_of_another(index):
    (index / "gen-000001").rename(index / "gen-000005")
    (index / "CURRENT").write_text("gen-000005\n")
    with pytest.raises(IndexDamagedError, match=r"gen-000005"):
        open_generation(index)


def test_what_dead_builds_left_is_removed(index):
    (index / "tmp-dead" / "lexical").mkdir(parents=True)
    (index / "tmp-dead" / "store.sqlite").write_bytes(b"half")
    (index / ".CURRENT.abc.part").write_bytes(b"gen-0")
    (index / "notes.txt").write_text("a user's own file")
    write(index, GAMMA)
    names = sorted(path.name for path in index.iterdir() if path.name != ".lock")
    assert names == ["CURRENT", "gen-000001", "gen-000002", "notes.txt"]


# --- a disk that refuses ---


LIMITED = """
import resource, sys
from pathlib import Path
from index_samples import indexed, write
from ragqa.errors import BuildError
long = indexed("long", *(f"Word{n} of many. And {n} more" for n in range(400)))
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    write(Path(sys.argv[1]), long)
except BuildError as error:
    print("BuildError", "in force" in str(error), error)
"""

READ_ONLY = """
import os, sys
from pathlib import Path
from index_samples import answers, indexed, write
from ragqa.errors import BuildError
from ragqa.index.generation import open_generation, rollback
from ragqa.index import lexical
import filelock
index = Path(sys.argv[1])
open_generation(index).close()  # everything is imported while root may read it
if os.getuid() == 0:
    os.setuid(65534)  # root may write anywhere
with open_generation(index) as generation:
    assert answers(generation, ["cells divide"])
for action in (lambda: write(index, indexed("alpha", "Cells")), lambda: rollback(index)):
    try:
        action()
    except BuildError as error:
        print("BuildError", error)
"""


def run(script: str, *arguments: object) -> str:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
@pytest.mark.parametrize(
    "limit",
    [0, pytest.param(3_000, marks=SLOW), pytest.param(20_000, marks=SLOW), 26_400],
)
def test_a_full_disk_leaves_what_was_in_force(index, limit):
    before = said(index)
    assert run(LIMITED, index, limit).startswith("BuildError")
    assert said(index) == before
    assert not list(index.glob("tmp-*")) and not list(index.glob(".CURRENT.*"))
    assert [path.name for path in index.glob("gen-*")] == ["gen-000001"]
    assert run(LIMITED, index, 10**8) == ""
    assert said(index) != before


@pytest.mark.skipif(sys.platform == "win32", reason="needs the rights of POSIX")
def test_a_read_only_folder_can_be_asked_but_not_written():
    with tempfile.TemporaryDirectory() as name:  # outside of pytest's folders, private to root
        Path(name).chmod(0o755)
        index = Path(name) / "index"
        write(index, ALPHA, BETA)
        write(index, ALPHA, BETA)
        before = said(index)
        folders = [index, *(path for path in index.rglob("*") if path.is_dir())]
        try:
            for folder in folders:
                folder.chmod(0o555)
            (index / ".lock").unlink()
            said_there = run(READ_ONLY, index)
        finally:
            for folder in folders:
                folder.chmod(0o755)
        assert said_there.count("BuildError") == 2
        assert said(index) == before


def test_every_error_is_of_the_tree(tmp_path):
    (tmp_path / "file").write_text("")
    for action in (
        lambda: open_generation(tmp_path / "file"),
        lambda: verify_generation(tmp_path / "file" / "x"),
        lambda: rollback(tmp_path / "file"),
        lambda: write(tmp_path / "file", ALPHA),
        lambda: write(tmp_path / "file" / "x", ALPHA),
    ):
        with pytest.raises(RagqaError):
            action()
