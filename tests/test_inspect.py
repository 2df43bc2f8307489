"""`ragqa.inspect`: status, show and doctor tell what is there, and change nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pdfs
import pytest
from corpora import GARDEN, MODEL, OCEAN, STANDARD, Text, build, make_corpus, standard_index
from doubles import HashedEmbedder

from ragqa.api import Corpus, Reader
from ragqa.card import parse_card
from ragqa.errors import CitationError, CorpusError, IndexMissingError
from ragqa.index.generation import open_generation
from ragqa.inspect import Diagnosis, examine, show_citation, status_of
from ragqa.records import Answer, PageLocator, Paper

TOMATOES = "Which tomatoes grew faster at night?"
CORPUS, INDEX = Path("corpus/small"), Path("indexes/small")


@pytest.fixture(autouse=True)
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work beside the standard corpus and its index; what looks must not write."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ragqa.embed.load_embedder", lambda name, **_: HashedEmbedder())
    standard_index(tmp_path)
    yield


def on_disk() -> dict[str, str]:
    files = (p for p in Path().rglob("*") if p.is_file())
    return {str(p): sha256(p.read_bytes()).hexdigest() for p in files}


def ask(question: str = TOMATOES) -> Answer:
    reader = Reader.open(INDEX, min_confidence=0.0)
    try:
        return reader.ask(question)
    finally:
        reader.close()


# ---- status


@pytest.mark.parametrize("place", [CORPUS, INDEX])
def test_status_counts_what_there_is(place: Path) -> None:
    before = on_disk()
    found = status_of(place)
    assert (found.corpus, found.stale) == (str(CORPUS), ())
    assert found.index is not None
    assert (found.index.directory, found.index.generation) == (str(INDEX), 1)
    assert (found.index.papers, found.index.documents, found.pages) == (3, 3, 1)
    assert {p.paper_id: p.state for p in found.papers} == {
        MODEL: "readme-only", "garden": "full-text", "ocean": "summary-only"
    }  # fmt: skip
    assert [(f.kind, f.state) for p in found.papers for f in p.files] == [
        ("readme", "usable"), ("pdf", "usable")
    ]  # fmt: skip
    assert found.index.age_s >= 0
    assert found.index.size > 0
    assert on_disk() == before
    value = json.loads(json.dumps(found.to_dict()))
    assert value["schema"] == "ragqa/status/1"
    assert value["states"] == {"readme-only": 1, "full-text": 1, "summary-only": 1}
    assert value["files"] == {"usable": 2}


def test_status_without_an_index() -> None:
    make_corpus(Path("corpus/new"), {"ocean": STANDARD["ocean"]})
    found = status_of("corpus/new")
    assert (found.index, found.pages, found.papers[0].state) == (None, 0, "no-text")
    with pytest.raises(IndexMissingError):
        status_of("corpus/new", index="indexes/new")
    with pytest.raises(CorpusError, match="ragqa init"):
        status_of("nowhere")


def test_status_of_an_index_without_its_corpus() -> None:
    CORPUS.rename("elsewhere")
    found = status_of(INDEX)
    assert (found.corpus, found.stale) == (None, ())
    assert len(found.papers) == 3


def test_status_tells_files_that_are_not_as_locked() -> None:
    (CORPUS / "pdf/garden.pdf").write_bytes(b"%PDF-mine")
    (CORPUS / f"readme/{MODEL}.md").unlink()
    Corpus.open(CORPUS).add(Paper(paper_id="late", title="L", url="https://h.invalid/l.pdf"))
    found = status_of(CORPUS)
    states = {f.paper_id: f.state for p in found.papers for f in p.files}
    assert states == {MODEL: "missing", "garden": "changed", "late": "unfetched"}
    assert any("manifest was changed" in line for line in found.stale)


def test_status_tells_what_a_rebuild_would_change() -> None:
    texts = {
        MODEL: STANDARD[MODEL],
        "garden": Text(title="G", pdf=[*GARDEN, "New lines at the end."]),
        "new": Text(title="New", summary=OCEAN),
    }
    make_corpus(CORPUS, texts)
    found = status_of(INDEX)
    assert "garden pdf: changed since" in found.stale
    assert any(line.startswith("new summary: not in the index") for line in found.stale)
    assert "ocean: taken off the list" in found.stale
    assert {p.paper_id: p.state for p in found.papers}["ocean"] == "removed"
    build(CORPUS, INDEX)
    assert status_of(INDEX).stale == ()


# ---- show


def test_show_a_citation_of_an_answer_by_each_of_its_names() -> None:
    citation = ask().citations[0]
    assert citation.document == "pdf"
    before = on_disk()
    span = f"{citation.paper_id}:{citation.document}:{citation.start}-{citation.end}"
    found = show_citation(span, INDEX)
    assert on_disk() == before
    assert (found.quote, found.locators) == (citation.quote, citation.locators)
    assert isinstance(found.locators[0], PageLocator)
    assert (found.title, found.file, found.chunk_id) == (
        "Winter Gardens",
        "same",
        citation.chunk_id,
    )
    assert "".join(line.quote for line in found.lines).split() == citation.quote.split()
    assert any(len(line.before) + len(line.after) > 20 for line in found.lines)
    chunk = show_citation(citation.chunk_id, INDEX)
    assert citation.quote in chunk.quote
    assert chunk.file == "same"
    value = json.loads(json.dumps(found.to_dict()))
    assert value["schema"] == "ragqa/show/1"


def test_show_counts_citations_as_the_markdown_does() -> None:
    text = (
        '"How can I enlarge images in winter?"\n'
        "1. Name the task.\n2. The workflow (input, output).\n"
        "3. List papers with links.\n4. Limitations?\n"
    )
    reader = Reader.open(INDEX, min_confidence=0.0)
    card = parse_card(f"Question: {text}", name="card")
    answer = reader.answer_card(card, papers=reader.papers)
    reader.close()
    Path("answer.json").write_text(json.dumps(answer.to_dict()), encoding="utf-8")
    listed = answer.to_markdown().split("## Citations")[1]
    numbered = re.findall(r"^(\d+)\. (.*?), (?:PDF|README|summary), (.*?): “(.*?)”", listed, re.M)
    assert len(numbered) > 3
    for number, title, where, quote in numbered:
        found = show_citation(f"answer.json#{number}", INDEX)
        assert found.title == title
        assert ", ".join(map(str, found.locators)) == where
        assert re.sub(r"\W", "", found.quote) == re.sub(r"\W", "", quote)
        assert found.file == "same"
    with pytest.raises(CitationError, match=f"has {len(numbered)} citations"):
        show_citation(f"answer.json#{len(numbered) + 1}", INDEX)


def test_show_tells_a_file_that_changed_or_went() -> None:
    citation = ask().citations[0]
    pdfs.plain(CORPUS / "pdf/garden.pdf", ["Other words."])
    assert show_citation(citation.chunk_id, INDEX).file == "changed"
    (CORPUS / "pdf/garden.pdf").unlink()
    found = show_citation(citation.chunk_id, INDEX)
    assert (found.file, found.path) == ("no-file", None)
    CORPUS.rename("elsewhere")
    assert show_citation(citation.chunk_id, INDEX).file == "no-file"


@pytest.mark.parametrize("kind", ["readme", "summary"])
def test_show_lines_of_texts(kind: str) -> None:
    paper_id = MODEL if kind == "readme" else "ocean"
    found = show_citation(f"{paper_id}:{kind}:0-5", INDEX)
    assert str(found.locators[0]) == "line 1"
    assert found.file == "same"


@pytest.mark.parametrize(
    ("citation", "said"),
    [
        ("nonsense", "no such chunk"),
        ("garden:pdf:5-5", "characters"),
        ("garden:pdf:0-99999999", "characters"),
        ("garden:readme:0-5", "no such text"),
        ("nobody:pdf:0-5", "no such text"),
        ("none.json#1", "cannot be read"),
        ("bad.json#1", "no answer"),
        ("answer.json#0", "citations"),
        ("answer.json#x", "citations"),
        ("answer.json#", "citations"),
        ("\x00#1", "no answer"),
    ],
)
def test_a_citation_that_does_not_resolve(citation: str, said: str) -> None:
    Path("bad.json").write_text('{"a": 1}', encoding="utf-8")
    Path("answer.json").write_text(json.dumps(ask().to_dict()), encoding="utf-8")
    with pytest.raises(CitationError, match=said):
        show_citation(citation, INDEX)


def test_an_answer_of_another_index_is_found_out() -> None:
    Path("answer.json").write_text(json.dumps(ask().to_dict()), encoding="utf-8")
    make_corpus(CORPUS, {**STANDARD, "garden": Text(title="G", pdf=["Tomatoes. " * 60])})
    build(CORPUS, INDEX)
    with pytest.raises(CitationError, match="other words|characters"):
        show_citation("answer.json#1", INDEX)


# ---- doctor


def rows(found: Diagnosis, state: str) -> list[str]:
    return [f"{c.name}: {c.detail}" for c in found.checks if c.state == state]


def failures() -> list[str]:
    """Return what fails besides the embedder, which here is a stand-in that no cache holds."""
    return [row for row in rows(examine([INDEX]), "fail") if not row.startswith("embedder")]


def test_doctor_finds_nothing_wrong() -> None:
    before = on_disk()
    found = examine([INDEX])
    assert failures() == []
    assert on_disk() == before
    assert any("files as written" in row for row in rows(found, "ok"))
    assert any("2 of 2 listed files as locked" in row for row in rows(found, "ok"))
    assert all(check.hint for check in found.checks if check.state != "ok")
    value = json.loads(json.dumps(found.to_dict()))
    assert (value["schema"], value["ok"]) == ("ragqa/doctor/1", found.ok)


def test_doctor_finds_the_embedder_missing_without_making_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGQA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    (row,) = (c for c in examine().checks if c.name == "embedder")
    assert row.state in {"warn", "ok"}  # a private cache in the temp folder counts, too
    assert not (tmp_path / "cache").exists()


def test_doctor_finds_every_damaged_file() -> None:
    with open_generation(INDEX) as generation:
        files = sorted(generation.meta.files)
    for name in files:
        path = INDEX / "gen-000001" / name
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]) if whole else b"x")
        assert any(name in row for row in failures()), name
        path.write_bytes(whole)
    assert failures() == []


@pytest.mark.parametrize("name", ["CURRENT", "gen-000001/meta.json"])
def test_doctor_finds_an_index_that_cannot_be_read(name: str) -> None:
    (INDEX / name).write_text("{", encoding="utf-8")
    assert len(failures()) == 1
    (INDEX / name).unlink()
    assert len(failures()) == 1


def test_doctor_tells_files_leftovers_and_staleness() -> None:
    (CORPUS / "pdf/garden.pdf").write_bytes(b"%PDF-mine")
    (CORPUS / f"readme/{MODEL}.md").unlink()
    (CORPUS / "pdf/.garden.pdf.part").write_bytes(b"half")
    (INDEX / "tmp-dead").mkdir()
    Corpus.open(CORPUS).remove("ocean")
    found = examine([INDEX])
    assert [row for row in failures() if "changed: garden (pdf)" in row]
    warned = " ".join(rows(found, "warn"))
    for part in ("missing: tiny-upscaler (readme)", "tmp-dead", "half fetched", "stale:"):
        assert part in warned


def test_doctor_tells_a_manifest_with_mistakes() -> None:
    (CORPUS / "manifest.yaml").write_text("papers: 7\n", encoding="utf-8")
    assert len(failures()) == 1
    (CORPUS / "manifest.yaml").unlink()
    assert failures() == []
    assert any("not there any more" in row for row in rows(examine([INDEX]), "warn"))


@pytest.mark.model
def test_doctor_knows_the_real_embedder() -> None:
    from ragqa.embed.load import load_embedder

    build(CORPUS, INDEX, load_embedder())
    assert examine([INDEX]).ok
