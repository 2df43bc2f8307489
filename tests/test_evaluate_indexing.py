"""A dataset's texts as an index: character for character, never done twice, never a crash."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from corpora import STANDARD, CountingEmbedder, make_corpus
from doubles import HashedEmbedder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ragqa.chunk import ChunkOptions
from ragqa.embed.base import ChunkEmbeddings, Span
from ragqa.errors import DatasetError, EvaluationError, IndexBusyError
from ragqa.evaluate.indexing import TEXT_KIND, index_dataset, index_hash, prepare_index
from ragqa.evaluate.records import Dataset, GoldPaper
from ragqa.index.generation import Generation, open_generation
from ragqa.index.work import WorkShelf

TEXTS = {
    "2001.03131": "On Whales\nWhales sing at low frequencies. Their songs travel far under water.",
    "MED-10": "Tomatoes ripen slowly in winter.\r\n\r\nThey are watered at night in the cold.\r\n",
    "a paper, with spaces / and 'quotes'": "A network enlarges images. It restores fine detail.",
    "深度 β": "Depth maps are estimated from one image. Naïve baselines fail at that.",
}


def dataset_of(texts: dict[str, str], **changes: object) -> Dataset:
    papers = tuple(
        GoldPaper(paper_id=paper_id, title=paper_id, text=text) for paper_id, text in texts.items()
    )
    dataset = Dataset(name="small", format="test", sha256="0" * 64, questions=(), papers=papers)
    return replace(dataset, **changes)  # type: ignore[arg-type]


@contextmanager
def indexed(folder: Path, texts: dict[str, str]) -> Iterator[Generation]:
    with open_generation(index_dataset(dataset_of(texts), folder, HashedEmbedder())) as opened:
        yield opened


class DiesAfter(HashedEmbedder):
    """Embeds some papers and is then killed, as by Ctrl-C."""

    def __init__(self, papers: int) -> None:
        super().__init__()
        self.left = papers

    def embed_chunks(
        self, texts: Sequence[str], sentences: Sequence[Sequence[Span]]
    ) -> ChunkEmbeddings:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        return super().embed_chunks(texts, sentences)


def test_texts_are_indexed_character_for_character(tmp_path: Path) -> None:
    with indexed(tmp_path, TEXTS) as generation:
        assert [paper.paper_id for paper in generation.store.papers()] == list(TEXTS)
        for paper_id, text in TEXTS.items():
            document = generation.store.document(paper_id, TEXT_KIND)
            assert document.text == text
            for chunk in generation.store.chunks(generation.store.rows_of([paper_id])):
                assert text[chunk.start : chunk.end] == chunk.text


def test_a_span_is_located_on_its_lines_whatever_ends_them(tmp_path: Path) -> None:
    with indexed(tmp_path, TEXTS) as generation:
        document = generation.store.document("MED-10", TEXT_KIND)
        start = document.text.index("They")
        (at,) = document.locate(start, start + 4)
        assert str(at) == "line 3"


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=120),
        min_size=1,
        max_size=4,
    )
)
def test_any_ids_and_texts_can_be_indexed(
    tmp_path_factory: pytest.TempPathFactory, texts: dict[str, str]
) -> None:
    with indexed(tmp_path_factory.mktemp("any"), texts) as generation:
        assert [paper.paper_id for paper in generation.store.papers()] == list(texts)
        for paper_id, kind in generation.store.keys():
            assert generation.store.document(paper_id, kind).text == texts[paper_id]


def test_a_paper_without_text_is_listed_and_has_no_chunk(tmp_path: Path) -> None:
    with indexed(tmp_path, {"empty": "", "blank": " \n\t", "full": "Here stands a text."}) as found:
        assert [paper.paper_id for paper in found.store.papers()] == ["empty", "blank", "full"]
        assert found.store.kinds("empty") == found.store.kinds("blank") == ()
        assert found.meta.counts.chunks == 1


def test_a_dataset_of_empty_papers_is_an_index_without_chunks(tmp_path: Path) -> None:
    with indexed(tmp_path, {"empty": ""}) as found:
        assert (found.meta.counts.papers, found.meta.counts.chunks) == (1, 0)


def test_what_no_index_can_hold_is_named_all_at_once(tmp_path: Path) -> None:
    papers = (
        GoldPaper(paper_id="twice", title="", text="One."),
        GoldPaper(paper_id="twice", title="", text="Two."),
        GoldPaper(paper_id="", title="", text="Three."),
        GoldPaper(paper_id="half", title="", text="abc\ud83dd"),
        GoldPaper(paper_id="id\udc00", title="", text="Four."),
    )
    with pytest.raises(DatasetError) as caught:
        index_dataset(dataset_of({}, papers=papers), tmp_path / "i", HashedEmbedder())
    said = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 4
    assert "'twice' is there 2 times" in said
    assert "a paper has an empty id" in said
    assert "character 3 of the text of paper 'half'" in said
    assert "character 2 of the id" in said
    said.encode()  # the message itself can be written
    assert not (tmp_path / "i").exists()


def test_a_dataset_without_papers_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no paper"):
        index_dataset(dataset_of({}), tmp_path, HashedEmbedder())


def test_nothing_is_done_again(tmp_path: Path) -> None:
    embedder = CountingEmbedder()
    seen: list[tuple[int, int]] = []
    index_dataset(dataset_of(TEXTS), tmp_path, embedder, on_progress=lambda *at: seen.append(at))
    assert seen == [(n, 4) for n in range(1, 5)]
    assert embedder.taken()
    number = (tmp_path / "CURRENT").read_text()
    index_dataset(dataset_of(TEXTS), tmp_path, embedder, on_progress=lambda *at: seen.append(at))
    assert embedder.taken() == []
    assert (tmp_path / "CURRENT").read_text() == number
    assert seen[-1] == (4, 4)


def test_one_changed_paper_embeds_one_paper(tmp_path: Path) -> None:
    embedder = CountingEmbedder()
    index_dataset(dataset_of(TEXTS), tmp_path, embedder)
    embedder.taken()
    index_dataset(dataset_of({**TEXTS, "MED-10": "Another text."}), tmp_path, embedder)
    assert embedder.taken() == ["Another text."]


@pytest.mark.parametrize("change", ["options", "embedder", "title"])
def test_another_fingerprint_is_another_generation(tmp_path: Path, change: str) -> None:
    index_dataset(dataset_of(TEXTS), tmp_path, HashedEmbedder())
    embedder = HashedEmbedder(dim=32) if change == "embedder" else HashedEmbedder()
    options = ChunkOptions(target_tokens=16) if change == "options" else None
    dataset = dataset_of(TEXTS)
    if change == "title":
        dataset = replace(
            dataset, papers=(replace(dataset.papers[0], title="New"), *dataset.papers[1:])
        )
    index_dataset(dataset, tmp_path, embedder, options=options)
    assert (tmp_path / "CURRENT").read_text() == "gen-000002\n"


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragqa.index.work._FLUSH_SECONDS", -1.0)  # every paper is put aside at once
    with pytest.raises(KeyboardInterrupt):
        index_dataset(dataset_of(TEXTS), tmp_path / "killed", DiesAfter(3))
    embedder = CountingEmbedder()
    index_dataset(dataset_of(TEXTS), tmp_path / "killed", embedder)
    assert {text.split()[0] for text in embedder.taken()} == {"Depth"}
    index_dataset(dataset_of(TEXTS), tmp_path / "calm", HashedEmbedder())
    with open_generation(tmp_path / "killed") as one, open_generation(tmp_path / "calm") as other:
        assert index_hash(one) == index_hash(other)
        for name in (
            "store.sqlite",
            "vectors.faiss",
            "sentences.npy",
        ):  # tantivy's have random names
            assert one.meta.files[name] == other.meta.files[name]
    assert not (tmp_path / "killed" / "work").exists()


def test_a_damaged_index_is_made_anew(tmp_path: Path) -> None:
    index_dataset(dataset_of(TEXTS), tmp_path, HashedEmbedder())
    store = next(tmp_path.glob("gen-*/store.sqlite"))
    store.write_bytes(store.read_bytes()[:-100])
    with indexed(tmp_path, TEXTS) as generation:
        assert generation.number == 2


def test_two_runs_at_once_do_not_write_one_index(tmp_path: Path) -> None:
    with WorkShelf(tmp_path), pytest.raises(IndexBusyError):
        index_dataset(dataset_of(TEXTS), tmp_path, HashedEmbedder())


def test_the_hash_is_of_the_content_not_of_place_or_number(tmp_path: Path) -> None:
    def hash_of(folder: Path, texts: dict[str, str]) -> str:
        with indexed(folder, texts) as generation:
            return index_hash(generation)

    first = hash_of(tmp_path / "a", TEXTS)
    other = hash_of(tmp_path / "a", {**TEXTS, "MED-10": "Changed."})
    again = hash_of(tmp_path / "a", TEXTS)
    assert (tmp_path / "a" / "CURRENT").read_text() == "gen-000003\n"
    assert first == again == hash_of(tmp_path / "b" / "c", TEXTS) != other


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Put tiny embedders in the place of every model; return the names that were asked for."""
    names: list[str] = []

    def load(name: str, **_: object) -> HashedEmbedder:
        names.append(name)
        embedder = HashedEmbedder(dim=32 if name == "narrow" else 64)
        embedder.name = name
        return embedder

    monkeypatch.setattr("ragqa.embed.load_embedder", load)
    return names


def test_systems_that_cut_and_embed_alike_share_an_index(tmp_path: Path, loaded: list[str]) -> None:
    folders = [
        prepare_index(dataset_of(TEXTS), tmp_path, options).directory
        for options in ({}, {"dense_weight": 0.1}, {"chunk_tokens": 50}, {"embedder": "narrow"})
    ]
    assert folders[0] == folders[1]
    assert len(set(folders)) == 3
    assert loaded[-1] == "narrow"


def test_the_name_of_a_dataset_is_no_path(tmp_path: Path, loaded: list[str]) -> None:
    for name in ("../../up", "/etc/x", "..", "a\0b", "x" * 5000, ""):
        prepared = prepare_index(dataset_of(TEXTS, name=name), tmp_path, {})
        assert prepared.directory.parent == tmp_path / "indexes"


def test_an_index_named_for_a_dataset_with_texts_is_an_error(
    tmp_path: Path, loaded: list[str]
) -> None:
    with pytest.raises(EvaluationError, match="brings its texts"):
        prepare_index(dataset_of(TEXTS), tmp_path, {}, index=tmp_path / "mine")


@pytest.fixture
def beside_corpus(tmp_path: Path) -> Dataset:
    corpus = make_corpus(tmp_path / "corpus" / "small", STANDARD)
    return dataset_of({}, corpus=corpus)


def test_a_corpus_has_its_default_index_built_when_missing_or_stale(
    tmp_path: Path, loaded: list[str], beside_corpus: Dataset
) -> None:
    first = prepare_index(beside_corpus, tmp_path / "work", {})
    assert first.directory.resolve() == (tmp_path / "indexes" / "small").resolve()
    assert not first.of_texts
    prepare_index(beside_corpus, tmp_path / "work", {})
    assert (first.directory / "CURRENT").read_text() == "gen-000001\n"
    make_corpus(tmp_path / "corpus" / "small", {"garden": STANDARD["garden"]})
    prepare_index(beside_corpus, tmp_path / "work", {})
    assert (first.directory / "CURRENT").read_text() == "gen-000002\n"


def test_a_corpus_index_is_opened_with_the_embedder_that_built_it(
    tmp_path: Path, loaded: list[str], beside_corpus: Dataset
) -> None:
    index = tmp_path / "mine"
    prepare_index(beside_corpus, tmp_path, {"embedder": "narrow"}, index=index)
    assert prepare_index(beside_corpus, tmp_path, {}, index=index).embedder.name == "narrow"


def test_another_embedder_never_takes_the_place_of_a_users_index(
    tmp_path: Path, loaded: list[str], beside_corpus: Dataset
) -> None:
    default = prepare_index(beside_corpus, tmp_path / "work", {}).directory
    other = prepare_index(beside_corpus, tmp_path / "work", {"embedder": "narrow"}).directory
    assert other.parent == tmp_path / "work" / "indexes"
    assert (default / "CURRENT").read_text() == "gen-000001\n"
    with pytest.raises(EvaluationError, match="built by the embedder"):
        prepare_index(beside_corpus, tmp_path, {"embedder": "narrow"}, index=default)


def test_chunk_tokens_do_not_go_with_a_corpus(
    tmp_path: Path, loaded: list[str], beside_corpus: Dataset
) -> None:
    with pytest.raises(EvaluationError, match="chunk_tokens"):
        prepare_index(beside_corpus, tmp_path, {"chunk_tokens": 50})
