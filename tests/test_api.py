"""The public face: `import ragqa`, `Corpus`, `Index`, `Reader`, as the README promises it."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pdfs
import pytest
from corpora import (
    CARD,
    GARDEN,
    MODEL,
    STANDARD,
    Text,
    assert_grounded,
    build,
    make_corpus,
    standard_index,
)
from doubles import HashedEmbedder, WordReranker

import ragqa
from ragqa.api import Corpus, Index, Reader
from ragqa.api.asked import AskedQuestion
from ragqa.embed import FloatMatrix
from ragqa.errors import (
    CardError,
    CorpusError,
    EmbedderError,
    IndexDamagedError,
    IndexMissingError,
    ManifestError,
    QuestionError,
    RagqaError,
)
from ragqa.fetch import FetchOptions
from ragqa.manifest import load_manifest
from ragqa.records import Answer, Paper
from ragqa.retrieve.hybrid import RetrieveOptions

TOMATOES = "Which tomatoes grew faster at night?"


@pytest.fixture(autouse=True)
def hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the tiny embedder in the place of every model."""
    monkeypatch.setattr("ragqa.embed.load_embedder", lambda name, **_: HashedEmbedder())


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return standard_index(tmp_path)


@pytest.fixture
def reader(index: Path) -> Iterator[Reader]:
    opened = Reader.open(index, min_confidence=0.0)
    yield opened
    opened.close()


def corpus_of(index: Path) -> Corpus:
    return Corpus.open(index.parents[1] / "corpus" / "small")


def ask(index: Path, question: str = TOMATOES, **options: object) -> Answer:
    opened = Reader.open(index, min_confidence=0.0)
    try:
        answer = opened.ask(question, **options)  # type: ignore[arg-type]
        assert_grounded(answer, index)
        return answer
    finally:
        opened.close()


def test_importing_ragqa_loads_nothing() -> None:
    code = "import sys; before = set(sys.modules); import ragqa; print(set(sys.modules) - before)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    loaded = {str(name) for name in ast.literal_eval(out.stdout)}
    assert {name for name in loaded if name.split(".")[0] == "ragqa"} == {"ragqa"}
    foreign = {name for name in loaded if name.split(".")[0] not in sys.stdlib_module_names}
    assert foreign == {"ragqa"}
    assert not loaded & {"json", "pathlib", "asyncio", "dataclasses", "importlib.metadata"}


def test_the_public_names_are_what_can_be_imported() -> None:
    assert list(ragqa.__all__) == sorted(set(ragqa.__all__))
    for name in ragqa.__all__:
        assert getattr(ragqa, name) is not None
    assert dir(ragqa) == sorted(ragqa.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        ragqa.nonsense  # noqa: B018 - the look-up is the test


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(ragqa.__file__).read_text(encoding="utf-8"))
    seen = {
        alias.name: f"{node.module}"
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == ragqa._HOME
    assert {*seen, "__version__", "evaluate"} == set(ragqa.__all__)
    assert ragqa.evaluate.__name__ == "ragqa.evaluate"
    for name, home in seen.items():
        assert getattr(ragqa, name).__module__.startswith(home)


def test_the_journey_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_corpus(Path("corpus/small"), STANDARD)
    corpus = ragqa.Corpus.open("corpus/small")
    assert len(corpus.fetch(FetchOptions(offline=True)).rows) >= 2
    index = ragqa.Index.build(corpus, "indexes/small")
    assert index.report is not None
    assert index.report.changed
    reader = ragqa.Reader.open("indexes/small", min_confidence=0.0)
    answer = reader.ask(TOMATOES)
    assert not answer.abstained
    assert "Tomatoes" in answer.statements[-1].citations[0].quote
    assert answer.to_markdown().startswith("# Which tomatoes")
    assert json.dumps(answer.to_dict()).startswith('{"schema": "ragqa/answer/1"')
    reader.close()


def test_progress_and_messages_are_passed_on(tmp_path: Path) -> None:
    corpus = Corpus.open(make_corpus(tmp_path / "c", STANDARD))
    seen: list[object] = []
    Index.build(corpus, tmp_path / "i", jobs=1, on_progress=seen.append)
    assert len(seen) == 4


def test_init_makes_an_empty_corpus_once(tmp_path: Path) -> None:
    assert Corpus.init(tmp_path / "new" / "c").papers == ()
    with pytest.raises(CorpusError, match="there is a corpus already"):
        Corpus.init(tmp_path / "new" / "c")


def test_opening_what_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RagqaError, match="Run: ragqa init"):
        Corpus.open(tmp_path / "nowhere")
    with pytest.raises(IndexMissingError, match="ragqa rebuild"):
        Reader.open(tmp_path / "nowhere")
    with pytest.raises(IndexMissingError):
        Index(tmp_path / "nowhere").rollback()


def test_papers_are_added_and_removed(tmp_path: Path) -> None:
    corpus = Corpus.init(tmp_path / "c")
    corpus.add(Paper(paper_id="one", title="One", url="https://papers.example.org/1.pdf"))
    link = corpus.add_source("https://arxiv.org/abs/2502.16025", role="paper")
    code = corpus.add_source("https://github.com/example/two", title="Two", role="model")
    plain = corpus.add_source("http://127.0.0.1:8080/a/On-Gardens.pdf", role="paper")
    assert (plain.paper_id, plain.title) == ("on-gardens", "On-Gardens")
    corpus.remove("on-gardens")
    assert [paper.paper_id for paper in corpus.papers] == ["one", link.paper_id, code.paper_id]
    assert corpus.papers[2] == code
    assert (code.github, code.url, code.role) == ("https://github.com/example/two", None, "model")
    corpus.remove("one")
    assert "one" not in {paper.paper_id for paper in corpus.papers}
    with pytest.raises(CorpusError, match="no such paper"):
        corpus.remove("one")


def test_a_local_file_is_taken_in_and_answers_at_once(tmp_path: Path) -> None:
    corpus = Corpus.init(tmp_path / "corpus" / "c")
    file = pdfs.plain(tmp_path / "Winter Gardens.pdf", GARDEN)
    paper = corpus.add_source(str(file), role="paper")
    assert (paper.title, paper.links) == ("Winter Gardens", ())
    built = Index.build(corpus, tmp_path / "indexes" / "c", jobs=1)
    assert built.report is not None
    assert built.report.counts == {"built": 1}
    answer = ask(tmp_path / "indexes" / "c")
    assert {(c.paper_id, c.url) for c in answer.citations} == {(paper.paper_id, None)}


def test_a_file_that_cannot_be_taken_in_is_said_so(tmp_path: Path) -> None:
    corpus = Corpus.init(tmp_path / "c")
    with pytest.raises(CorpusError, match="no such file"):
        corpus.add(Paper(paper_id="x", title="X"), file=tmp_path / "none.pdf")
    with pytest.raises(CorpusError, match="neither a link nor a file"):
        corpus.add_source("not a link", role="paper")
    for make, part in ((pdfs.zero_bytes, "empty"), (pdfs.html_as_pdf, "a web page")):
        with pytest.raises(CorpusError, match=part):
            corpus.add_source(str(make(tmp_path / "bad.pdf")), role="paper")
    assert corpus.papers == ()
    (tmp_path / "c" / "pdf").write_text("in the way", encoding="utf-8")
    file = pdfs.plain(tmp_path / "x.pdf", GARDEN)
    with pytest.raises(CorpusError, match="cannot be copied") as caught:
        corpus.add_source(str(file), role="paper")
    assert "\n" not in str(caught.value)


def test_a_question_for_a_paper_is_answered_from_it(index: Path) -> None:
    for paper_id in STANDARD:
        answer = ask(index, paper_ids=[paper_id])
        assert {c.paper_id for c in answer.citations} == {paper_id}


def test_bad_questions_are_refused(reader: Reader) -> None:
    with pytest.raises(QuestionError, match="empty"):
        reader.ask("  ")
    with pytest.raises(QuestionError, match="100,000"):
        reader.ask("x" * 100_000)
    with pytest.raises(CorpusError, match="Listed are: tiny-upscaler, garden, ocean") as caught:
        reader.ask(TOMATOES, paper_ids=["garden", "basil"])
    assert "basil" in str(caught.value)


def test_a_fresh_index_has_nothing_to_say_of_itself(index: Path) -> None:
    answer = ask(index)
    assert [notice.code for notice in answer.notices] == ["sources"]
    assert answer.index.startswith("1-")


def test_a_paper_taken_off_the_list_is_never_cited_again(index: Path) -> None:
    reader = Reader.open(index, min_confidence=0.0)
    assert "garden" in {c.paper_id for c in reader.ask(TOMATOES).citations}
    corpus_of(index).remove("garden")
    for answer in (reader.ask(TOMATOES), ask(index)):  # an open reader notices, too
        assert "garden" not in {c.paper_id for c in (*answer.citations, *answer.nearest)}
        assert {"stale-index", "paper-removed"} <= {notice.code for notice in answer.notices}
        assert {s.paper_id: s.state for s in answer.sources}["garden"] == "removed"
    with pytest.raises(CorpusError):
        reader.ask(TOMATOES, paper_ids=["garden"])
    reader.close()
    build(corpus_of(index).directory, index)
    assert [notice.code for notice in ask(index).notices] == ["sources"]


def test_a_paper_that_is_listed_and_not_indexed_is_named(index: Path) -> None:
    corpus_of(index).add(Paper(paper_id="late", title="The Late Paper"))
    answer = ask(index)
    (missing,) = (notice for notice in answer.notices if notice.code == "not-in-index")
    assert (missing.paper_id, missing.text) == (
        "late",
        "The Late Paper is listed but not in the index yet.",
    )
    assert {s.paper_id: s.state for s in answer.sources}["late"] == "no-text"
    assert ask(index, paper_ids=["late"]).abstained


def test_a_stale_index_says_what_to_run(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus_of(index).add(Paper(paper_id="late", title="The Late Paper"))
    monkeypatch.chdir(tmp_path)
    (stale,) = (n for n in ask(Path("indexes/small")).notices if n.code == "stale-index")
    assert stale.text.endswith("Run: ragqa rebuild corpus/small")


def test_a_manifest_with_mistakes_is_an_error_not_a_guess(index: Path) -> None:
    corpus_of(index).manifest_path.write_text("papers: 7\n", encoding="utf-8")
    with pytest.raises(ManifestError):
        ask(index)


def test_an_index_without_its_corpus_still_answers(tmp_path: Path, index: Path) -> None:
    (tmp_path / "corpus").rename(tmp_path / "elsewhere")
    assert not ask(index).abstained


def test_rollback_puts_the_earlier_index_in_force(index: Path) -> None:
    corpus = corpus_of(index)
    make_corpus(
        corpus.directory, {**STANDARD, "garden": Text(title="G", summary="Basil wilts at night.")}
    )
    build(corpus.directory, index)
    assert ask(index).index.startswith("2-")
    assert Index(index).rollback() == 1
    assert ask(index).index.startswith("1-")
    with pytest.raises(IndexMissingError, match="no earlier generation"):
        Index(index).rollback()


def test_a_damaged_index_is_an_error_with_a_way_out(index: Path) -> None:
    store = index / "gen-000001" / "store.sqlite"
    store.write_bytes(store.read_bytes()[:-100])
    with pytest.raises(IndexDamagedError, match="ragqa rebuild"):
        Reader.open(index)


def test_a_card_becomes_a_corpus_and_an_answer(tmp_path: Path) -> None:
    (tmp_path / "card.txt").write_text(CARD, encoding="utf-8")
    directory = tmp_path / "corpus" / "card"
    corpus, imported = Corpus.from_card(tmp_path / "card.txt", directory)
    assert [paper.role for paper in imported.papers] == ["model", "paper"]
    assert load_manifest(directory / "manifest.yaml").papers == imported.papers
    readme = directory / "readme" / f"{imported.papers[0].paper_id}.md"
    readme.parent.mkdir()
    readme.write_text(STANDARD[MODEL].readme or "", encoding="utf-8")
    corpus.fetch(FetchOptions(offline=True))
    Index.build(corpus, tmp_path / "i", jobs=1)
    reader = Reader.open(tmp_path / "i")
    answer = reader.answer_card(ragqa.read_card(tmp_path / "card.txt"))
    assert_grounded(answer, tmp_path / "i")
    assert [section.kind for section in answer.sections] == ["task", "workflow", "papers"]
    assert "fit" in {notice.code for notice in answer.sections[0].notices}
    corpus.remove(imported.papers[1].paper_id)
    with pytest.raises(CorpusError, match="not listed"):
        reader.answer_card(ragqa.read_card(tmp_path / "card.txt"))
    reader.close()


def test_a_card_does_not_overwrite_an_edited_manifest(tmp_path: Path) -> None:
    (tmp_path / "card.txt").write_text(CARD, encoding="utf-8")
    corpus, _ = Corpus.from_card(tmp_path / "card.txt", tmp_path / "c")
    corpus.add(Paper(paper_id="mine", title="Mine"))
    _, again = Corpus.from_card(tmp_path / "card.txt", tmp_path / "c")
    assert again.wrote == ()
    edited = CARD.replace("Songs of the Ocean", "Songs of the Sea")
    (tmp_path / "card.txt").write_text(edited, encoding="utf-8")
    with pytest.raises(CorpusError, match="edited"):
        Corpus.from_card(tmp_path / "card.txt", tmp_path / "c")
    assert "mine" in {paper.paper_id for paper in corpus.papers}
    Corpus.from_card(tmp_path / "card.txt", tmp_path / "c", force=True)
    assert "mine" not in {paper.paper_id for paper in corpus.papers}


def test_a_card_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(CardError):
        Corpus.from_card(tmp_path / "none.txt", tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_a_reader_retrieves_as_it_is_told(index: Path) -> None:
    def scores(options: RetrieveOptions | None) -> list[float]:
        opened = Reader.open(index, retrieval=options)
        found = [item.score for item in opened.retrieve(TOMATOES)]
        opened.close()
        return found

    assert scores(None) == scores(RetrieveOptions())
    assert scores(RetrieveOptions(dense_weight=0.0)) != scores(None)


def test_a_reader_takes_a_reranker_or_its_name(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str | None] = []
    word = WordReranker("whales")

    def named(name: str | None, **_: object) -> WordReranker | None:
        asked.append(name)
        return None if name == "none" else word

    monkeypatch.setattr("ragqa.rerank.reranker_named", named)

    def ranked(reranker: WordReranker | str | None) -> list[str]:
        options = RetrieveOptions(reranker_weight=9.0)
        opened = Reader.open(index, retrieval=options, reranker=reranker, min_confidence=0.0)
        assert asked in ([], ["word"])  # loaded at the first question, not before
        found = [item.chunk.paper_id for item in opened.retrieve(TOMATOES)]
        answer = opened.ask(TOMATOES)
        assert_grounded(answer, index)
        opened.close()
        return found

    plain = ranked(None)
    assert plain[0] == "garden"
    assert asked == []
    assert ranked(word)[0] == "ocean"
    assert asked == []
    assert ranked("word")[0] == "ocean"
    assert asked == ["word"]
    assert ranked("none") == plain
    assert len(word.asked) == 2 * 1


def test_each_paper_answers_on_its_own(reader: Reader) -> None:
    whole = reader.ask(TOMATOES)
    answer = reader.ask(TOMATOES, by_paper=True)
    assert answer.sections
    titles = {paper.title: paper.paper_id for paper in reader.papers}
    for section in answer.sections:
        assert section.statements
        assert {c.paper_id for s in section.statements for c in s.citations} == {
            titles[section.title]
        }
    silent = [said.text for said in answer.notices if said.code == "silent-papers"]
    named = {title for title in titles if any(title in text for text in silent)}
    answering = {section.title for section in answer.sections}
    with_text = {source.title for source in answer.sources if source.documents}
    assert answering | named == with_text
    assert not answering & named
    assert {c.paper_id for c in whole.citations} <= {titles[title] for title in answering}
    one = reader.ask(TOMATOES, paper_ids=[titles[answer.sections[0].title]], by_paper=True)
    assert one.statements == answer.sections[0].statements


def test_where_no_paper_answers_on_its_own_there_is_an_abstention(reader: Reader) -> None:
    reader.min_confidence = 0.5
    answer = reader.ask("Which treaty ended the war of 1812?", by_paper=True)
    assert answer.abstained
    assert answer.sections == ()
    assert not [said for said in answer.notices if said.code == "silent-papers"]
    assert answer.nearest


def tallied(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return a list that grows with the batches of queries that are embedded."""
    asked: list[list[str]] = []
    embed = HashedEmbedder.embed_queries

    def counting(embedder: HashedEmbedder, texts: Sequence[str]) -> FloatMatrix:
        asked.append(list(texts))
        return embed(embedder, texts)

    monkeypatch.setattr(HashedEmbedder, "embed_queries", counting)
    return asked


def test_many_questions_have_the_answers_that_each_has_alone(reader: Reader) -> None:
    questions = [TOMATOES, " ", "What does the model take?", "x" * 2_000, TOMATOES, "Whales?"] * 7
    for options in ({}, {"by_paper": True}, {"paper_ids": ("garden",)}):
        told: list[AskedQuestion] = []
        rows = reader.ask_many(iter(questions), on_answer=told.append, **options)
        assert told == list(rows)
        assert [row.question for row in rows] == questions
        for row in rows:
            if row.question.strip():
                assert row.answer is not None
                alone = reader.ask(row.question, **options).to_dict()
                assert json.dumps(row.to_dict()["answer"]) == json.dumps(alone)
                assert row.status == ("abstained" if row.answer.abstained else "answered")
            else:
                assert (row.status, row.answer) == ("failed", None)
                assert isinstance(row.error, QuestionError)


def test_many_questions_are_embedded_in_batches_each_once(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = tallied(monkeypatch)
    questions = [f"Which tomatoes grew {n} times faster?" for n in range(40)]
    reader.ask_many(questions)
    assert [len(batch) for batch in asked] == [16, 16, 8]
    assert [query for batch in asked for query in batch] == questions
    reader.ask("How many tomatoes were there?")  # nothing is expected any more
    assert asked[3:] == [["How many tomatoes were there?"]]


def test_many_questions_whose_batch_cannot_be_embedded_fail_alone(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed = HashedEmbedder.embed_queries

    def refusing(embedder: HashedEmbedder, texts: Sequence[str]) -> FloatMatrix:
        if any("whales" in text for text in texts):
            raise EmbedderError("the model failed")
        return embed(embedder, texts)

    monkeypatch.setattr(HashedEmbedder, "embed_queries", refusing)
    rows = reader.ask_many([TOMATOES, "Do whales sing?", TOMATOES])
    assert [row.status for row in rows] == ["answered", "failed", "answered"]
    assert "the model failed" in str(rows[1].error)


def test_no_question_and_no_such_paper(reader: Reader) -> None:
    assert reader.ask_many([]) == ()
    with pytest.raises(CorpusError):
        reader.ask_many([TOMATOES], paper_ids=("nowhere",))
