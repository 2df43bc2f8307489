"""`ragqa.evaluate.systems.langchain` and `.stock`: LangChain's own classes over a tiny model."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pdfs
import pytest
from corpora import STANDARD, Text, build, make_corpus
from doubles import save_tiny_model

from ragqa.embed.reference import quiet
from ragqa.errors import EmbedderError, EvaluationError, OptionalDependencyError
from ragqa.evaluate.locating import fold
from ragqa.evaluate.records import Dataset, GoldPaper, Response
from ragqa.evaluate.systems import langchain as module
from ragqa.evaluate.systems.langchain import LangChainSystem, open_langchain
from ragqa.evaluate.systems.spec import parse_system
from ragqa.evaluate.systems.stock import ChunkFinder, VectorShelf
from ragqa.index.generation import open_generation

pytest.importorskip("langchain_community", reason="needs the extra langchain-stock")
pytest.importorskip("langchain_huggingface", reason="needs the extra langchain-stock")

PAPERS = {
    "whales": "Whales sing at low frequencies.\n\nTheir songs travel hundreds of kilometres. " * 4,
    "tomatoes": "Tomatoes ripen in cold greenhouses.\n\nWatering at night helps them grow. " * 4,
    "streets": "Quiet streets have gardens behind every house. The gates stay open. " * 4,
    "empty": "",
}
SPEC = parse_system("langchain(chunk_size=60, chunk_overlap=20)")
ACL = Path(__file__).parents[2] / "shared" / "data" / "acl2023"


def dataset_of(texts: dict[str, str], corpus: Path | None = None) -> Dataset:
    papers = tuple(GoldPaper(paper_id=key, title=key, text=text) for key, text in texts.items())
    return Dataset(name="d", format="f", sha256="0", questions=(), papers=papers, corpus=corpus)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def system(model: Path, work: Path) -> LangChainSystem:
    return open_langchain(SPEC, dataset_of(PAPERS), work, embedder_name=str(model))


def ask(system: LangChainSystem, depth: int = 5, papers: list[str] | None = None) -> Response:
    return system.respond("Do gates stay open?", paper_ids=papers, depth=depth)[0]


def test_hits_are_spans_of_the_papers_best_first(system: LangChainSystem) -> None:
    response = ask(system, depth=8)
    hits = response.hits or ()
    assert len(hits) == 8
    assert all(PAPERS[h.paper_id][h.start : h.end] == h.text and h.text for h in hits)
    assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)
    assert response.statements is None and response.abstained is None
    assert response.confidence == pytest.approx(1 / (1 - hits[0].score))


def test_it_is_what_a_script_from_a_tutorial_gives(system: LangChainSystem, model: Path) -> None:
    with quiet():
        from langchain_community.vectorstores import FAISS
        from langchain_core.documents import Document
        from langchain_huggingface import HuggingFaceEmbeddings
        from langchain_text_splitters import RecursiveCharacterTextSplitter

        splitter = RecursiveCharacterTextSplitter(chunk_size=60, chunk_overlap=20)
        documents = [Document(page_content=t, metadata={"of": p}) for p, t in PAPERS.items()]
        chunks = splitter.split_documents(documents)
        store = FAISS.from_documents(chunks, HuggingFaceEmbeddings(model_name=str(model)))
    expected = store.similarity_search_with_score("Do gates stay open?", k=len(chunks))
    hits = ask(system, depth=len(chunks)).hits or ()
    assert system.describe()["chunks"] == len(hits) == len(chunks)
    np.testing.assert_allclose([-h.score for h in hits], [d for _, d in expected], atol=1e-5)
    # places of the same words are equally near: their order among themselves is nobody's
    assert [h.text for h in hits][:4] == [c.page_content for c, _ in expected][:4]
    assert sorted((h.paper_id, h.text) for h in hits) == sorted(
        (c.metadata["of"], c.page_content) for c in chunks
    )


@pytest.mark.parametrize("allowed", [["whales"], ["streets", "tomatoes"], ["empty", "whales"]])
@pytest.mark.parametrize("depth", [1, 3, 1000])
def test_a_restriction_gives_what_an_index_of_the_allowed_papers_alone_gives(
    system: LangChainSystem, model: Path, tmp_path: Path, allowed: list[str], depth: int
) -> None:
    texts = {key: text for key, text in PAPERS.items() if key in allowed}
    alone = open_langchain(SPEC, dataset_of(texts), tmp_path, embedder_name=str(model))
    found, expected = ask(system, depth, allowed).hits or (), ask(alone, depth).hits or ()
    assert [(h.paper_id, h.start, h.end) for h in found] == [
        (h.paper_id, h.start, h.end) for h in expected
    ]
    assert len(found) == min(depth, alone.describe()["chunks"])
    np.testing.assert_allclose([h.score for h in found], [h.score for h in expected], atol=1e-5)


@pytest.mark.parametrize(("papers", "depth"), [([], 5), (["empty"], 5), (["other"], 5), (None, 0)])
def test_nothing_to_search_gives_no_hits(
    system: LangChainSystem, papers: list[str] | None, depth: int
) -> None:
    response = ask(system, depth, papers)
    assert response.hits == () and response.confidence == 0


def test_papers_without_any_text(model: Path, tmp_path: Path) -> None:
    system = open_langchain(SPEC, dataset_of({"p": ""}), tmp_path, embedder_name=str(model))
    assert ask(system).hits == ()
    assert system.describe()["chunks"] == 0


def test_it_says_what_decides_its_output(system: LangChainSystem, model: Path) -> None:
    about = system.describe()
    assert json.loads(json.dumps(about)) == about
    assert about["papers"] == 3 and about["chunks_not_located"] == 0
    assert about["versions"]["langchain-community"] and about["unit_vectors"]
    assert (about["chunk_size"], about["chunk_overlap"]) == (60, 20)
    assert system.name == str(SPEC)


def many() -> Dataset:
    """Return papers of some 200 chunks: two blocks."""
    return dataset_of(
        {f"p{n}": f"Paper {n} is about {n} things that happen. " * 15 for n in range(12)}
    )


def test_an_interrupted_embedding_goes_on_where_it_was(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_langchain(SPEC, many(), tmp_path, embedder_name=str(model), on_progress=interrupt)
    first = list(tmp_path.rglob("*.npy"))
    assert len(first) == 1
    with quiet():
        from langchain_huggingface import HuggingFaceEmbeddings
    embedded: list[int] = []
    stock = HuggingFaceEmbeddings.embed_documents

    def counting(self: HuggingFaceEmbeddings, texts: list[str]) -> list[list[float]]:
        embedded.append(len(texts))
        return stock(self, texts)

    monkeypatch.setattr(HuggingFaceEmbeddings, "embed_documents", counting)
    told: list[tuple[int, int]] = []
    system = open_langchain(
        SPEC,
        many(),
        tmp_path,
        embedder_name=str(model),
        on_progress=lambda done, total: told.append((done, total)),
    )
    chunks = system.describe()["chunks"]
    assert sum(embedded) == chunks - 128
    assert told[0] == (128, chunks) and told[-1] == (chunks, chunks)
    embedded.clear()
    again = open_langchain(SPEC, many(), tmp_path, embedder_name=str(model))
    assert not embedded
    assert ask(again) == ask(system)
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or np.load(path, allow_pickle=False).dtype == np.float32


def test_lone_surrogates_are_replaced_and_told(model: Path, tmp_path: Path) -> None:
    text = "The mark \ud835 stands before \udc00 the rule. " * 5
    told: list[str] = []
    system = open_langchain(
        SPEC,
        dataset_of({"odd": text, "fine": PAPERS["whales"]}),
        tmp_path,
        embedder_name=str(model),
        on_message=told.append,
    )
    assert system.describe()["papers_with_lone_surrogates"] == ["odd"]
    assert len(told) == 1 and "odd" in told[0]
    hits = system.respond("What \ud835 stands?", paper_ids=["odd"], depth=99)[0].hits or ()
    assert hits and all(h.start is not None and h.end is not None for h in hits)
    spans = [text[h.start : h.end] for h in hits]
    assert [s.replace("\ud835", "\ufffd").replace("\udc00", "\ufffd") for s in spans] == [
        h.text for h in hits
    ]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("pdfs")
    texts = {
        **STANDARD,
        "tiny": Text(title="Pictures", pdf=pdfs.paper(folder / "paper.pdf").read_bytes()),
        "marks": Text(title="M", pdf=pdfs.lone_surrogates(folder / "marks.pdf").read_bytes()),
        "locked": Text(title="Locked", pdf=pdfs.encrypted(folder / "locked.pdf").read_bytes()),
    }
    build(make_corpus(folder / "corpus", texts), folder / "index")
    return folder / "corpus", folder / "index"


def test_chunks_of_pdfs_are_located_in_the_canonical_text(
    corpus: tuple[Path, Path], model: Path, tmp_path: Path
) -> None:
    folder, index = corpus
    told: list[str] = []
    system = open_langchain(
        parse_system("langchain(chunk_size=200, chunk_overlap=40)"),
        dataset_of({}, folder),
        tmp_path,
        embedder_name=str(model),
        index=index,
        on_message=told.append,
    )
    about = system.describe()
    assert list(about["papers_left_out"]) == ["locked"]
    assert about["papers_without_pdf"] == ["ocean", "tiny-upscaler"]
    assert any("locked" in line for line in told) and any("ocean" in line for line in told)
    hits = ask(system, 999).hits or ()
    assert {h.paper_id for h in hits} == {"garden", "tiny", "marks"}
    assert {h.document for h in hits} == {"pdf"}
    assert sum(h.start is None for h in hits) == about["chunks_not_located"]
    with open_generation(index) as generation:
        text = generation.store.document("garden", "pdf").text
    garden = [h for h in hits if h.paper_id == "garden"]
    assert garden
    for hit in garden:
        assert fold(text[hit.start : hit.end]) == fold(hit.text)


def test_what_it_says_of_itself_changes_with_the_words(model: Path, tmp_path: Path) -> None:
    # the questions' hash is not of a corpus's PDFs, and sizes and counts can stay as they are
    told = [
        open_langchain(SPEC, dataset_of({"p": text}), tmp_path, embedder_name=str(model)).describe()
        for text in ("Whales sing.", "Whales ring.", "Whales sing.")
    ]
    assert told[0] == told[2] != told[1]


def test_a_corpus_needs_its_index(corpus: tuple[Path, Path], model: Path, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="index"):
        open_langchain(SPEC, dataset_of({}, corpus[0]), tmp_path, embedder_name=str(model))


def test_an_overlap_as_long_as_a_chunk_is_refused(model: Path, tmp_path: Path) -> None:
    spec = parse_system("langchain(chunk_size=200)")
    with pytest.raises(EvaluationError, match="chunk_overlap=200"):
        open_langchain(spec, dataset_of(PAPERS), tmp_path, embedder_name=str(model))


def test_a_missing_package_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(module._PACKAGES, "no_such_module", "no-such-package")
    with pytest.raises(OptionalDependencyError, match=r"no-such-package.*langchain-stock"):
        open_langchain(SPEC, dataset_of(PAPERS), tmp_path, embedder_name="all-MiniLM-L6-v2")


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text("[]", encoding="utf-8")
    with pytest.raises(EmbedderError):
        open_langchain(SPEC, dataset_of(PAPERS), tmp_path / "w", embedder_name=str(tmp_path))


def test_importing_it_loads_no_heavy_library() -> None:
    code = (
        "import sys, ragqa.evaluate.systems.langchain\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'langchain_community',"
        " 'langchain_core', 'pypdf'}\n"
        "print(heavy & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "set()", done.stderr


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[VectorShelf]:
    yield VectorShelf(tmp_path / "shelf", ["recipe"])


ROWS = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_a_shelf_gives_back_what_it_was_given(shelf: VectorShelf, tmp_path: Path) -> None:
    assert shelf.load(["a", "b"]) is None
    shelf.save(["a", "b"], ROWS)
    np.testing.assert_array_equal(shelf.load(["a", "b"]), ROWS)
    assert shelf.load(["b", "a"]) is None
    assert VectorShelf(tmp_path / "shelf", ["another"]).load(["a", "b"]) is None


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", b"not an array"])
def test_a_damaged_block_is_not_used(shelf: VectorShelf, tmp_path: Path, damage: bytes) -> None:
    shelf.save(["a", "b"], ROWS)
    (path,) = (tmp_path / "shelf").iterdir()
    path.write_bytes(damage)
    assert shelf.load(["a", "b"]) is None


@pytest.mark.parametrize(
    "rows", [ROWS[:1], ROWS.astype(np.float64), ROWS * np.float32("nan"), np.array([{}, {}])]
)
def test_a_block_of_another_shape_or_of_objects_is_not_used(
    shelf: VectorShelf, tmp_path: Path, rows: np.ndarray
) -> None:
    shelf.save(["a", "b"], ROWS)
    (path,) = (tmp_path / "shelf").iterdir()
    np.save(path, rows, allow_pickle=True)
    assert shelf.load(["a", "b"]) is None


def test_a_shelf_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(EvaluationError, match="cannot be kept"):
        VectorShelf(tmp_path / "file" / "shelf", []).save(["a"], ROWS[:1])


TEXT = (
    "The first stage restores fine detail from small pictures. "
    "The second stage refines the picture until every edge looks natural to a human reader. "
    "Our implementation runs on an ordinary laptop. We collect photographs of quiet streets."
)


def test_a_chunk_with_other_line_ends_and_hyphens_is_found_whole() -> None:
    words = "The sec-\nond stage re\ufb01nes\nthe picture until"
    assert ChunkFinder(TEXT).place(words) == (
        58,
        58 + len("The second stage refines the picture until"),
    )


def test_a_page_head_inside_a_chunk_does_not_hide_it() -> None:
    words = f"{TEXT[58:145]}\nProceedings of Pictures 7\n{TEXT[145:]}"
    assert ChunkFinder(TEXT).place(words) == (58, len(TEXT))


def test_a_page_head_before_a_chunk_is_left_out_of_its_span() -> None:
    head = "Proceedings of the Ninth Workshop on Small Pictures and Streets, volume 12 of 14\n"
    place = ChunkFinder(TEXT).place(head + TEXT)
    assert place == (0, len(TEXT))


@pytest.mark.parametrize(
    "words", ["", "  \n--", "Nothing of the kind stands there.", "\u00e9" * 80]
)
def test_what_does_not_stand_there_has_no_place(words: str) -> None:
    assert ChunkFinder(TEXT).place(words) is None


def test_ends_that_stand_far_apart_are_no_place() -> None:
    words = f"{TEXT[:60]} and so {TEXT[-70:]}"
    assert ChunkFinder(TEXT[:80] + "Other things. " * 40 + TEXT[-90:]).place(words) is None


def test_of_two_places_of_the_same_words_the_next_chunk_takes_the_second() -> None:
    again = "The same words stand here twice. "
    text = again + "Between them is something else altogether, and rather long. " + again
    finder = ChunkFinder(text)
    assert finder.place(again) == (0, len(again))
    assert finder.place("Between them is something else altogether, and rather long.") is not None
    assert finder.place(again) == (len(text) - len(again), len(text))


@pytest.mark.slow
@pytest.mark.skipif(not ACL.is_dir(), reason="needs the development data")
def test_nearly_all_chunks_of_real_two_column_papers_are_located(
    model: Path, tmp_path: Path
) -> None:
    files = sorted(ACL.glob("*.pdf"))[:3]
    texts = {f"p{n}": Text(title=f"P{n}", pdf=path.read_bytes()) for n, path in enumerate(files)}
    build(make_corpus(tmp_path / "corpus", texts), tmp_path / "index")
    about = open_langchain(
        parse_system("langchain"),
        dataset_of({}, tmp_path / "corpus"),
        tmp_path / "work",
        embedder_name=str(model),
        index=tmp_path / "index",
    ).describe()
    assert about["papers"] == 3 and about["chunks"] > 200
    assert about["chunks_not_located"] <= 0.01 * about["chunks"]


@pytest.mark.model
@pytest.mark.slow
def test_the_packaged_model_finds_what_is_meant(tmp_path: Path) -> None:
    system = open_langchain(
        parse_system("langchain"), dataset_of(PAPERS), tmp_path, embedder_name="all-MiniLM-L6-v2"
    )
    response, seconds = system.respond(
        "How far can marine mammals be heard?", paper_ids=None, depth=9
    )
    assert seconds > 0
    assert response.hits is not None and response.hits[0].paper_id == "whales"
    assert [h.paper_id for h in response.hits] != []
