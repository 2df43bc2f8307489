"""`ragqa.build`: incremental, exact, and safe to be killed, on real corpora and real indexes."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pdfs
import pytest
from corpora import (
    GARDEN,
    MODEL,
    OCEAN,
    STANDARD,
    CountingEmbedder,
    Text,
    assert_grounded,
    build,
    make_corpus,
    standard_index,
)
from doubles import HashedEmbedder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ragqa.api import Reader
from ragqa.build import BuildProgress, BuildRow, build_index
from ragqa.build.making import Cut
from ragqa.embed.base import ChunkEmbeddings, Span
from ragqa.errors import (
    BuildError,
    IndexBusyError,
    IndexDamagedError,
    IndexMismatchError,
    ManifestError,
    RagqaError,
)
from ragqa.index.generation import open_generation
from ragqa.index.packing import PackedDocument
from ragqa.index.work import WorkShelf
from ragqa.manifest import save_manifest
from ragqa.parse import worker as parse_worker
from ragqa.parse.worker import work_many
from ragqa.records import Answer
from ragqa.render import to_dict

CHILD = Path(__file__).parent / "build_child.py"
MOON = "The moon has no wind. Its dust stays where it fell."
QUESTIONS = ("Which tomatoes grew faster at night?", "How far do the songs of whales travel?")


class Bench:
    """A corpus that is edited, and its index."""

    def __init__(self, folder: Path) -> None:
        self.corpus = folder / "corpus" / "small"
        self.index = folder / "indexes" / "small"
        self.embedder = CountingEmbedder()
        self.texts = dict(STANDARD)
        self.report = self.rebuild()

    def rebuild(self, **changed: Text | None) -> object:
        """Change papers, taking off those that are None, and build."""
        names = {name.replace("_", "-"): text for name, text in changed.items()}
        self.texts = {n: t for n, t in {**self.texts, **names}.items() if t is not None}
        make_corpus(self.corpus, self.texts)
        self.embedder.taken()
        self.report = build(self.corpus, self.index, self.embedder)
        return self.report

    def rows(self) -> dict[str, str]:
        """Return paper (kind) -> status."""
        return {f"{r.paper_id} {r.kind}": r.status for r in self.report.rows}

    def ask(self, question: str) -> Answer:
        """Ask, and check what every answer promises."""
        answer = ask(self.index, question)
        assert_grounded(answer, self.index)
        return answer


def ask(index: Path, question: str) -> Answer:
    reader = Reader.open(index, embedder=HashedEmbedder(), min_confidence=0.0)
    try:
        return reader.ask(question)
    finally:
        reader.close()


def cited(answer: Answer) -> set[str]:
    return {citation.paper_id for citation in answer.citations}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_first_build_reports_every_document(bench: Bench) -> None:
    assert bench.rows() == {
        f"{MODEL} readme": "built",
        "garden pdf": "built",
        "ocean summary": "built",
    }
    assert (bench.report.changed, bench.report.generation) == (True, 1)
    pages = {row.paper_id: row.pages for row in bench.report.rows}
    assert pages == {MODEL: 0, "garden": 1, "ocean": 0}
    assert len(bench.embedder.embedded) == sum(row.chunks for row in bench.report.rows) == 3
    assert cited(bench.ask(QUESTIONS[0])) >= {"garden"}


def test_building_again_does_no_work(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("something was parsed")

    monkeypatch.setattr("ragqa.build.making.parse_readme", never)
    monkeypatch.setattr("ragqa.build.making.parse_summary", never)
    monkeypatch.setattr("ragqa.parse.worker.subprocess.Popen", never)
    before = {path: path.stat().st_mtime_ns for path in bench.index.rglob("gen-*/**/*")}
    bench.rebuild()
    assert set(bench.rows().values()) == {"reused"}
    assert bench.embedder.taken() == []
    assert (bench.report.changed, bench.report.generation) == (False, 1)
    assert {path: path.stat().st_mtime_ns for path in bench.index.rglob("gen-*/**/*")} == before


def test_rows_of_another_precision_are_embedded_anew_and_found_by_the_same_queries(
    bench: Bench,
) -> None:
    told = open_generation(bench.index).meta.fingerprint
    assert "embedder_rows" not in told
    bench.embedder.rows = "float16"
    bench.rebuild()
    assert set(bench.rows().values()) == {"built"}
    changed = open_generation(bench.index).meta.fingerprint
    assert changed == {**told, "embedder_rows": "float16"}
    assert cited(bench.ask(QUESTIONS[0])) >= {"garden"}
    bench.rebuild()
    assert set(bench.rows().values()) == {"reused"}


def test_adding_a_paper_embeds_that_paper_only(bench: Bench) -> None:
    bench.rebuild(moon=Text(summary=MOON))
    assert {name for name, status in bench.rows().items() if status == "built"} == {"moon summary"}
    assert bench.embedder.taken() == [MOON]
    assert (bench.report.generation, bench.report.removed) == (2, ())
    assert "moon" in cited(bench.ask("Why does dust on the moon stay where it fell?"))


def test_changing_a_paper_embeds_that_paper_only(bench: Bench) -> None:
    bench.rebuild(garden=Text(title="Winter Gardens", pdf=("Basil wilts in the cold night.",)))
    assert {name for name, status in bench.rows().items() if status == "built"} == {"garden pdf"}
    assert bench.embedder.taken() == ["Basil wilts in the cold night."]
    assert not any("omatoes" in c.quote for c in bench.ask(QUESTIONS[0]).citations)


def test_an_edited_summary_is_a_changed_document(bench: Bench) -> None:
    bench.rebuild(
        ocean=Text(title="Songs of the Ocean", summary="Dolphins click when they hunt at night.")
    )
    assert bench.embedder.taken() == ["Dolphins click when they hunt at night."]
    assert "Dolphins click when they hunt at night." in [
        s.text for s in bench.ask("Do dolphins click when they hunt?").statements
    ]
    assert not any("hales" in c.quote for c in bench.ask(QUESTIONS[1]).citations)


def test_removing_a_paper_leaves_nothing_of_it(bench: Bench) -> None:
    bench.rebuild(garden=None)
    assert bench.embedder.taken() == []
    assert bench.report.removed == ("garden (pdf)",)
    assert (bench.report.changed, bench.report.generation) == (True, 2)
    answer = bench.ask(QUESTIONS[0])
    assert "garden" not in {source.paper_id for source in answer.sources}
    assert "tomato" not in json.dumps(to_dict(answer)["sections"]).lower()


def test_an_edited_title_costs_no_embedding_and_is_shown(bench: Bench) -> None:
    bench.rebuild(garden=Text(title="Gardens in January", pdf=GARDEN))
    assert bench.embedder.taken() == []
    assert set(bench.rows().values()) == {"reused"}
    assert (bench.report.changed, bench.report.generation) == (True, 2)
    titles = {source.paper_id: source.title for source in bench.ask(QUESTIONS[0]).sources}
    assert titles["garden"] == "Gardens in January"


def test_a_bad_pdf_is_a_row_and_the_rest_is_built(bench: Bench, tmp_path: Path) -> None:
    broken = pdfs.truncated(tmp_path / "broken.pdf").read_bytes()
    bench.rebuild(bad=Text(title="Bad", pdf=broken), empty=Text(title="Nothing listed"))
    rows = {row.paper_id: row for row in bench.report.rows}
    assert rows["bad"].status == "failed"
    assert rows["bad"].reason in {"damaged-pdf", "no-text-layer", "no-text"}
    assert rows["bad"].detail
    assert rows["empty"] == BuildRow(
        paper_id="empty",
        kind=None,
        status="skipped",
        detail="the manifest lists no text of it",
    )
    assert bench.report.counts == {"reused": 3, "failed": 1, "skipped": 1}
    states = {source.paper_id: source.state for source in bench.ask(QUESTIONS[0]).sources}
    assert (states["bad"], states["empty"], states["garden"]) == ("no-text", "no-text", "full-text")


def test_a_bad_pdf_does_not_make_every_build_a_change(bench: Bench) -> None:
    bench.rebuild(bad=Text(title="Bad", pdf=b"%PDF-1.4 no more than that"))
    assert bench.report.generation == 2
    bench.rebuild()
    assert (bench.report.changed, bench.report.generation) == (False, 2)


def test_a_paper_that_went_bad_leaves_the_index(bench: Bench) -> None:
    bench.rebuild(garden=Text(title="Winter Gardens", pdf=b"%PDF-1.4 no more than that"))
    assert bench.rows()["garden pdf"] == "failed"
    assert bench.report.removed == ("garden (pdf)",)
    assert "garden" not in cited(bench.ask(QUESTIONS[0]))


def test_what_is_not_fetched_is_skipped(tmp_path: Path) -> None:
    texts = {"far": Text(title="Far", readme="# Far away"), **STANDARD}
    corpus = make_corpus(tmp_path / "c", texts)
    (corpus / "readme" / "far.md").unlink()
    report = build(corpus, tmp_path / "i")
    row = next(row for row in report.rows if row.paper_id == "far")
    assert (row.kind, row.status) == ("readme", "skipped")
    assert "ragqa fetch" in row.detail


def test_rows_and_progress_are_complete(tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path / "c", STANDARD)
    seen: list[BuildProgress] = []
    report = build_index(
        corpus, tmp_path / "i", embedder=HashedEmbedder(), jobs=2, on_progress=seen.append
    )
    assert [row.paper_id for row in report.rows] == list(STANDARD)
    assert [p.done for p in seen] == [1, 2, 3, 3]
    assert {p.total for p in seen} == {3}
    assert [p.stage for p in seen] == ["build", "build", "build", "write"]
    assert seen[-2].pages == 1
    as_json = json.loads(json.dumps(report.to_dict()))
    assert as_json["schema"] == "ragqa/build/1"
    assert as_json["counts"] == {"built": 3}
    assert [row["paper_id"] for row in as_json["rows"]] == list(STANDARD)


def test_an_empty_corpus_gives_an_index_that_abstains(tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path / "c", {})
    report = build(corpus, tmp_path / "i")
    assert (report.rows, report.generation) == ((), 1)
    assert not build(corpus, tmp_path / "i").changed
    answer = ask(tmp_path / "i", "Is anybody there?")
    assert (answer.abstained, answer.reason) == (True, "no-sources")


POOL = (
    OCEAN,
    "Tomatoes ripen slowly. Water them at night.",
    "A network enlarges a small image. Its texture is restored.",
    "Whales and tomatoes share little. Both need water at night.",
)


@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.none() | st.sampled_from(POOL)),
        min_size=2,
        max_size=5,
    )
)
def test_any_history_answers_like_a_fresh_build(steps: list[tuple[str, str | None]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts: dict[str, Text] = {}
        for paper_id, summary in steps:
            texts[paper_id] = Text(summary=summary)
            texts = {key: text for key, text in texts.items() if text.summary}
            build(make_corpus(folder / "corpus" / "c", texts), folder / "indexes" / "grown")
        build(folder / "corpus" / "c", folder / "indexes" / "fresh")
        grown, fresh = (everything(folder / "indexes" / name) for name in ("grown", "fresh"))
        assert grown == fresh


def everything(index: Path) -> list[object]:
    """Return all that an index answers, scores and spans included."""
    found: list[object] = []
    for question in (*QUESTIONS, "water at night", "zebra"):
        reader = Reader.open(index, embedder=HashedEmbedder(), min_confidence=0.0)
        found.append(reader._context().retriever.retrieve(question, k=50))
        answer = reader.ask(question)
        assert_grounded(answer, index)
        found.append(replace(answer, index=""))
        reader.close()
    return found


def test_a_killed_build_loses_no_answer_and_little_work(tmp_path: Path) -> None:
    corpus, old = tmp_path / "corpus" / "small", tmp_path / "indexes" / "old"
    texts = {"ocean": STANDARD["ocean"], MODEL: STANDARD[MODEL]}
    build(make_corpus(corpus, texts), old)
    before = ask(old, QUESTIONS[1])
    added = {f"new-{n}": Text(summary=f"Fact {n} is about tomatoes and whales.") for n in range(2)}
    make_corpus(corpus, {**texts, **added})
    out = subprocess.run(
        [sys.executable, CHILD, "crash", corpus, tmp_path / "indexes", old],
        capture_output=True,
        check=True,
        text=True,
    )
    *crashed, finished = json.loads(out.stdout)
    assert [row["code"] for row in crashed] == [9] * 5  # two taken over, two built, one write
    assert finished["code"] == 0
    expected = everything(Path(finished["index"]))
    for row in crashed:
        index = Path(row["index"])
        assert ask(index, QUESTIONS[1]).statements == before.statements
        embedder = CountingEmbedder()
        report = build(corpus, index, embedder)
        kept = min(max(0, row["step"] - 2), 2)  # what is told of is kept
        assert len(embedder.taken()) == 2 - kept
        assert report.counts == {"reused": 2, "built": 2}
        assert not (index / "work").exists()
        assert everything(index) == expected


def test_damaged_work_of_a_killed_build_is_done_again(bench: Bench) -> None:
    (bench.index / "work" / "part-1").mkdir(parents=True)
    (bench.index / "work" / "part-1" / "CURRENT").write_text("gen-000009\n", encoding="utf-8")
    (bench.index / "work" / "part-2").mkdir()
    bench.rebuild(moon=Text(summary=MOON))
    assert bench.report.counts == {"reused": 3, "built": 1}
    assert not (bench.index / "work").exists()


def test_a_second_build_at_the_same_time_is_refused(bench: Bench) -> None:
    refused: list[str] = []

    def interrupt(progress: BuildProgress) -> None:
        with pytest.raises(IndexBusyError) as caught:
            build(bench.corpus, bench.index)
        refused.append(str(caught.value))
        assert cited(ask(bench.index, QUESTIONS[0])) >= {"garden"}

    make_corpus(bench.corpus, {**STANDARD, "moon": Text(summary=MOON)})
    report = build_index(
        bench.corpus, bench.index, embedder=HashedEmbedder(), on_progress=interrupt
    )
    assert len(refused) == 5  # at each document, and at the write
    assert all("\n" not in line and "Try again" in line for line in refused)
    assert report.counts == {"reused": 3, "built": 1}
    assert not build(bench.corpus, bench.index).changed


def test_a_reader_goes_on_while_newer_indexes_land(bench: Bench) -> None:
    reader = Reader.open(bench.index, embedder=HashedEmbedder(), min_confidence=0.0)
    before = reader.ask(QUESTIONS[1])
    for n in range(3):
        bench.rebuild(moon=Text(summary=f"{MOON} So said {n} people."))
    after = reader.ask(QUESTIONS[1])
    assert after.statements == before.statements
    assert {notice.code for notice in after.notices} >= {"stale-index", "not-in-index"}
    reader.close()


@pytest.mark.parametrize("size", [1, 3000])
def test_a_full_disk_is_one_line_and_the_old_index_answers(bench: Bench, size: int) -> None:
    before = ask(bench.index, QUESTIONS[0])
    make_corpus(bench.corpus, {**STANDARD, "moon": Text(summary=MOON)})
    out = subprocess.run(
        [sys.executable, CHILD, "limit", bench.corpus, bench.index, str(size)],
        capture_output=True,
        check=True,
        text=True,
    )
    said = json.loads(out.stdout)
    assert said
    assert "\n" not in said
    assert "stays in force" in said
    after = ask(bench.index, QUESTIONS[0])
    assert after.statements == before.statements
    assert bench.rebuild(moon=Text(summary=MOON)).changed
    assert not list(bench.index.glob("tmp-*"))


def file_for_index(index: Path) -> None:
    index.write_text("in the way", encoding="utf-8")


def file_for_parent(index: Path) -> None:
    index.parent.rmdir()
    index.parent.write_text("in the way", encoding="utf-8")


def folder_for_lock(index: Path) -> None:
    (index / ".build.lock").mkdir(parents=True)


def folder_for_current(index: Path) -> None:
    (index / "CURRENT" / "inside").mkdir(parents=True)


@pytest.mark.parametrize(
    "block", [file_for_index, file_for_parent, folder_for_lock, folder_for_current]
)
def test_a_place_that_cannot_be_written_is_one_line(
    tmp_path: Path, block: Callable[[Path], None]
) -> None:
    corpus = make_corpus(tmp_path / "c", {"ocean": Text(summary=OCEAN)})
    index = tmp_path / "indexes" / "i"
    index.parent.mkdir()
    block(index)
    with pytest.raises(BuildError) as caught:
        build(corpus, index)
    assert "\n" not in str(caught.value)
    assert "choose a folder" in str(caught.value)


def test_a_file_in_the_way_of_the_work_folder_is_no_harm(bench: Bench) -> None:
    (bench.index / "work").write_text("in the way", encoding="utf-8")
    assert bench.rebuild(moon=Text(summary=MOON)).counts["built"] == 1


def test_a_corpus_without_a_manifest_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(RagqaError) as caught:
        build(tmp_path / "nowhere", tmp_path / "i")
    assert "manifest.yaml" in str(caught.value)
    assert not (tmp_path / "i").exists()


def test_a_manifest_with_mistakes_changes_nothing(bench: Bench) -> None:
    wrong = "schema: ragqa/manifest/1\npapers: [{idd: x}]\n"
    (bench.corpus / "manifest.yaml").write_text(wrong, encoding="utf-8")
    with pytest.raises(ManifestError, match="manifest.yaml"):
        build(bench.corpus, bench.index)
    with open_generation(bench.index) as generation:
        assert generation.number == 1


def test_another_embedder_is_refused_when_asking_and_rebuilt(bench: Bench) -> None:
    other = CountingEmbedder(dim=32)
    reader = Reader.open(bench.index, embedder=other)
    with pytest.raises(IndexMismatchError) as caught:
        reader.ask(QUESTIONS[0])
    assert "ragqa rebuild" in str(caught.value)
    reader.close()
    report = build(bench.corpus, bench.index, other)
    assert report.counts == {"built": 3}
    assert len(other.taken()) == 3
    again = Reader.open(bench.index, embedder=other, min_confidence=0.0)
    assert "garden" in cited(again.ask(QUESTIONS[0]))
    again.close()


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x55
    path.write_bytes(bytes(data))


def test_any_damaged_file_is_found_and_rebuilt(bench: Bench) -> None:
    bench.rebuild(garden=Text(title="Winter Gardens", summary=" ".join(GARDEN)))
    before = replace(ask(bench.index, QUESTIONS[0]), index="")
    folder = bench.index / "gen-000002"
    names = [path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file()]
    assert len(names) >= 5
    for name in names:
        current = max(bench.index.glob("gen-*"))
        damaged = next(iter(sorted(current.glob(f"{name.parent}/*{name.suffix}"))), None)
        assert damaged is not None
        flip(damaged)
        with pytest.raises(IndexDamagedError) as caught:
            ask(bench.index, QUESTIONS[0])
        assert "ragqa rebuild" in str(caught.value)
        assert build(bench.corpus, bench.index).counts == {"built": 3}
        assert replace(ask(bench.index, QUESTIONS[0]), index="") == before


@pytest.mark.parametrize("name", ["store.sqlite", "vectors.faiss", "sentences.npy"])
def test_damage_that_opening_does_not_see_is_rebuilt_too(
    bench: Bench, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ragqa.index.reading._HASHED_AT_OPEN", 0)  # as in an index of 64 MB
    flip(bench.index / "gen-000001" / name)
    report = build(bench.corpus, bench.index)
    assert report.counts == {"built": 3}
    assert cited(ask(bench.index, QUESTIONS[0])) >= {"garden"}


def test_a_changed_corpus_path_is_noticed(tmp_path: Path) -> None:
    index = standard_index(tmp_path)
    moved = (tmp_path / "corpus" / "small").rename(tmp_path / "corpus" / "other")
    assert build(moved, index).changed
    save_manifest(moved / "manifest.yaml", ())
    answer = ask(index, QUESTIONS[0])
    assert (answer.abstained, answer.reason) == (True, "no-sources")
    assert {source.state for source in answer.sources} == {"removed"}


# --- a few documents at a time, and no thread left behind ---


def many(count: int) -> dict[str, Text]:
    return {
        f"p{n:03}": Text(summary=f"Fact {n} is about whales. It is true.") for n in range(count)
    }


def left_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("ragqa-parse")]


class Observer(HashedEmbedder):
    """Looks at how much a build holds whenever it embeds; fails or stops it when told to."""

    def __init__(self, *, error: BaseException | None = None, at: int = 0) -> None:
        super().__init__()
        self.error, self.at = error, at
        self.calls, self.threads = 0, set[str]()
        self.most = {Cut: 0, PackedDocument: 0}

    def embed_chunks(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]]
    ) -> ChunkEmbeddings:
        """Look, and embed."""
        self.calls += 1
        self.threads.add(threading.current_thread().name)
        if self.calls == self.at and self.error is not None:
            raise self.error
        alive = gc.get_objects()
        for kind in self.most:
            found = sum(type(each) is kind for each in alive)
            self.most[kind] = max(self.most[kind], found)
        return super().embed_chunks(texts, sentences)


def test_what_is_held_does_not_grow_with_the_papers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.fsync", lambda _fd: None)
    monkeypatch.setattr("ragqa.index.work._FLUSH_BYTES", 6_000)  # of some documents, not of all
    monkeypatch.setattr("ragqa.build.run._TOGETHER", 1)
    held = []
    for count in (12, 24):
        corpus = make_corpus(tmp_path / f"c{count}", many(count))
        embedder = Observer()
        report = build_index(corpus, tmp_path / f"i{count}", embedder=embedder, jobs=1)
        assert report.counts == {"built": count}
        assert embedder.threads == {threading.main_thread().name}
        assert embedder.most[Cut] <= parse_worker._AHEAD + 2
        held.append(embedder.most[PackedDocument])
    assert 1 < held[0] < 12
    assert held[1] <= held[0] + 1
    assert not left_threads()


def test_a_build_in_many_parts_answers_like_one_in_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.fsync", lambda _fd: None)
    corpus = make_corpus(tmp_path / "corpus" / "c", many(9))
    together = CountingEmbedder()
    build(corpus, tmp_path / "indexes" / "whole", together)
    assert together.calls == 1  # so few chunks are embedded in one call
    open_parts: list[int] = []
    real = WorkShelf.load

    def load(self: WorkShelf, place: tuple[str, str]) -> PackedDocument:
        document = real(self, place)
        open_parts.append(len(self._open))
        return document

    monkeypatch.setattr("ragqa.index.work._FLUSH_BYTES", 0)
    monkeypatch.setattr("ragqa.build.run._TOGETHER", 1)
    monkeypatch.setattr(WorkShelf, "load", load)
    build(corpus, tmp_path / "indexes" / "parts")
    assert len(open_parts) == 9
    assert max(open_parts) <= 4
    for name in ("store.sqlite", "vectors.faiss", "sentences.npy"):
        whole, parts = (
            (tmp_path / "indexes" / index / "gen-000001" / name).read_bytes()
            for index in ("whole", "parts")
        )
        assert whole == parts, name


def test_a_small_build_makes_no_part(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("something was put aside")

    monkeypatch.setattr("ragqa.index.work.WorkShelf.flush", never)
    assert bench.rebuild(moon=Text(summary=MOON)).counts["built"] == 1


@pytest.mark.parametrize("error", [ZeroDivisionError("model"), KeyboardInterrupt()], ids=repr)
def test_an_embedder_that_fails_ends_the_build_and_loses_nothing(
    tmp_path: Path, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ragqa.build.run._TOGETHER", 1)
    corpus = make_corpus(tmp_path / "c", many(12))
    with pytest.raises(type(error)):
        build(corpus, tmp_path / "i", Observer(error=error, at=8))
    assert not left_threads()
    embedder = CountingEmbedder()
    assert build(corpus, tmp_path / "i", embedder).counts == {"built": 12}
    assert len(embedder.taken()) == 12 - 7
    assert not (tmp_path / "i" / "work").exists()


@pytest.mark.parametrize("at", [3, 5], ids=["build", "write"])
def test_an_interrupt_while_it_is_told_of_progress(tmp_path: Path, at: int) -> None:
    corpus = make_corpus(tmp_path / "c", {**many(3), "garden": Text(pdf=GARDEN)})
    told = []

    def interrupt(progress: BuildProgress) -> None:
        told.append(progress)
        if len(told) == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_index(corpus, tmp_path / "i", embedder=HashedEmbedder(), on_progress=interrupt)
    assert not left_threads()
    assert not list(tmp_path.glob("i/gen-*"))
    embedder = CountingEmbedder()
    seen: list[BuildProgress] = []
    report = build_index(corpus, tmp_path / "i", embedder=embedder, on_progress=seen.append)
    assert report.counts == {"built": 4}
    assert len(embedder.taken()) == max(0, 4 - at)
    assert seen[-1].reused == min(at, 4)


def test_what_a_thread_raises_ends_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(document: object, *_: object, **__: object) -> None:
        raise ZeroDivisionError(document)

    monkeypatch.setattr("ragqa.build.making.chunk_document", failing)
    corpus = make_corpus(tmp_path / "c", many(12))
    with pytest.raises(ZeroDivisionError):
        build(corpus, tmp_path / "i")
    assert not left_threads()


def test_a_reader_that_stops_ends_the_work() -> None:
    done: list[int] = []
    numbers = list(range(1000))
    results = work_many(numbers, lambda number, _: done.append(number), jobs=2)
    assert [item for item, _ in (next(results), next(results))] == [0, 1]
    results.close()
    assert not left_threads()
    assert len(done) <= 2 * parse_worker._AHEAD + 2
