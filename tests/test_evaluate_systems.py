"""Systems under test: specs, ragqa and the baselines over one index, objects, quotes looked up."""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import model_server
import pypdfium2
import pytest
from corpora import STANDARD, make_corpus
from doubles import HashedEmbedder, WordReranker
from hypothesis import given
from hypothesis import strategies as st

from ragqa.api import Reader
from ragqa.errors import CorpusError, EvaluationError, QuestionError
from ragqa.evaluate.quotes import QuoteSources, check_quotes
from ragqa.evaluate.records import (
    Dataset,
    GoldPaper,
    GoldQuestion,
    Hit,
    Place,
    Quoted,
    Response,
    Said,
    System,
)
from ragqa.evaluate.systems import (
    SYSTEMS,
    ObjectSystem,
    SystemSpec,
    measure_object,
    open_system,
    parse_system,
)
from ragqa.records import DocumentKind, LineLocator, Locator, PageLocator

WHALES, TOMATOES, IMAGES = "2001.03131", "a paper, with spaces", "images/β"
TEXTS = {
    WHALES: "On Whales\nWhales sing at low frequencies. Their songs travel far under water.",
    TOMATOES: "Tomatoes ripen slowly in cold winters. Tomatoes are watered at night in winter.",
    IMAGES: "A network enlarges low-resolution images. The network restores the fine detail.",
    "empty": "",
}
QUESTION = "At what frequencies do whales sing?"
NAMES = ("ragqa", "bm25", "dense")


def text_dataset() -> Dataset:
    papers = tuple(
        GoldPaper(paper_id=paper_id, title=paper_id, text=text) for paper_id, text in TEXTS.items()
    )
    return Dataset(name="small", format="test", sha256="0" * 64, questions=(), papers=papers)


@pytest.fixture(autouse=True)
def hashed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the tiny embedder in the place of every model, but where a test is of the model."""
    if "model" not in request.keywords:
        monkeypatch.setattr("ragqa.embed.load_embedder", lambda name, **_: HashedEmbedder())


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture(params=NAMES)
def system(request: pytest.FixtureRequest, work: Path) -> Iterator[System]:
    opened = opened_system(request.param, work)
    yield opened
    opened.close()  # type: ignore[attr-defined]


def opened_system(text: str, work: Path, dataset: Dataset | None = None) -> System:
    return open_system(parse_system(text), dataset or text_dataset(), work)


def respond(system: System, question: str = QUESTION, **options: object) -> Response:
    given = {"paper_ids": None, "depth": 10, **options}
    return system.respond(question, **given)[0]  # type: ignore[arg-type]


# Specs


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("ragqa", "ragqa"),
        (" bm25 ", "bm25"),
        ("ragqa()", "ragqa"),
        ("ragqa(embedder='x', dense_weight=1)", "ragqa(dense_weight=1.0, embedder='x')"),
        (
            'ragqa(\n candidates = 50,\n embedder = "a\'b",\n)',
            'ragqa(candidates=50, embedder="a\'b")',
        ),
        (
            "langchain(chunk_overlap=0, chunk_size=500)",
            "langchain(chunk_overlap=0, chunk_size=500)",
        ),
    ],
)
def test_a_system_has_one_name(text: str, canonical: str) -> None:
    spec = parse_system(text)
    assert str(spec) == canonical
    assert parse_system(canonical) == spec


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ragq", "bm25, dense, langchain, ragqa"),
        ("bm25(embedder='x')", "There are: chunk_tokens"),
        ("ragqa(dense_weight=2)", "a number from 0 to 1"),
        ("ragqa(dense_weight='0.5')", "a number from 0 to 1"),
        ("ragqa(dense_weight=True)", "a number from 0 to 1"),
        ("ragqa(dense_weight=-0.1)", "a number from 0 to 1"),
        ("ragqa(dense_weight=1e999)", "a number from 0 to 1"),
        ("ragqa(min_confidence=None)", "a number from 0 to 1"),
        ("ragqa(candidates=1.5)", "a whole number above 0"),
        ("ragqa(candidates=0)", "a whole number above 0"),
        ("ragqa(candidates=10**9)", "a whole number above 0"),
        ("ragqa(embedder='')", "in quotation marks"),
        ("ragqa(embedder=minilm)", "in quotation marks"),
        ("ragqa(embedder=__import__('os').getcwd())", "in quotation marks"),
        ("dense(chunk_tokens=1)", "16 or more"),
        ("ragqa(candidates=5, candidates=6)", "twice"),
        ("ragqa(0.5)", "NAME(option=value, ...)"),
        ("ragqa(**{'candidates': 5})", "NAME(option=value, ...)"),
        ("ragqa(", "NAME(option=value, ...)"),
        ("ragqa.x(candidates=5)", "NAME(option=value, ...)"),
        ("ragqa; bm25", "NAME(option=value, ...)"),
        ("", "NAME(option=value, ...)"),
        ("a\0b", "NAME(option=value, ...)"),
        ("(" * 5000, "NAME(option=value, ...)"),
    ],
)
def test_a_system_that_is_not_one_is_answered_with_what_there_is(text: str, said: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        parse_system(text)
    assert said in str(caught.value)


@given(st.text(string.ascii_lowercase + "()=,'\"0.5_ \\\n\ud800", max_size=30))
def test_any_text_is_a_system_or_an_evaluation_error(text: str) -> None:
    try:
        spec = parse_system(text)
    except EvaluationError:
        return
    assert parse_system(str(spec)) == spec


def test_every_system_of_the_table_can_be_written() -> None:
    assert set(SYSTEMS) == {"ragqa", "bm25", "dense", "langchain"}
    assert [parse_system(name) for name in SYSTEMS] == [SystemSpec(name=name) for name in SYSTEMS]


# ragqa, bm25, dense


def test_the_paper_that_answers_comes_first_with_its_span(system: System) -> None:
    response = respond(system)
    assert response.hits
    assert response.hits[0].paper_id == WHALES
    for hit in response.hits:
        assert TEXTS[hit.paper_id][hit.start : hit.end] == hit.text
        assert hit.document is None
    scores = [hit.score for hit in response.hits]
    assert scores == sorted(scores, reverse=True)


def test_a_restriction_to_papers_goes_through(system: System) -> None:
    response = respond(system, "Are tomatoes or images or whales here?", paper_ids=[TOMATOES])
    assert {hit.paper_id for hit in response.hits or ()} == {TOMATOES}
    cited = {c.paper_id for said in response.statements or () for c in said.citations}
    assert cited <= {TOMATOES}


def test_without_papers_there_is_nothing_to_find(system: System) -> None:
    response, seconds = system.respond(QUESTION, paper_ids=[], depth=10)
    assert response.hits == ()
    assert response.confidence == 0
    assert response.abstained is (True if system.name == "ragqa" else None)
    assert seconds == 0


def test_a_paper_without_text_gives_nothing(system: System) -> None:
    response = respond(system, paper_ids=["empty"])
    assert response.hits == ()
    assert not response.abstained or response.statements == ()


def test_depth_is_the_number_of_hits(system: System) -> None:
    question = "whales tomatoes network"
    assert len(respond(system, question, depth=2).hits or ()) == 2
    assert len(respond(system, question, depth=1).hits or ()) == 1


def test_the_same_question_has_the_same_response(system: System, work: Path) -> None:
    again = opened_system(system.name, work)
    assert respond(system) == respond(again) == respond(system)
    assert system.describe() == again.describe()


def test_the_baselines_only_retrieve(work: Path) -> None:
    for name in ("bm25", "dense"):
        response = respond(opened_system(name, work))
        assert (response.statements, response.abstained) == (None, None)
        assert response.confidence == (response.hits or ())[0].score


def test_bm25_finds_nothing_without_a_common_word(work: Path) -> None:
    response = respond(opened_system("bm25", work), "zebra")
    assert (response.hits, response.confidence) == ((), 0)


def test_an_index_without_any_text_gives_nothing(tmp_path: Path) -> None:
    empty = replace(text_dataset(), papers=(GoldPaper(paper_id="e", title="e", text=""),))
    for name in NAMES:
        response = respond(opened_system(name, tmp_path, empty))
        assert response.hits == ()
        assert response.abstained in (True, None)


def test_ragqa_says_what_its_reader_says(work: Path) -> None:
    opened = opened_system("ragqa(min_confidence=0)", work)
    response = respond(opened)
    (folder,) = (work / "indexes").iterdir()
    reader = Reader.open(folder, embedder=HashedEmbedder(), min_confidence=0)
    answer = reader.ask(QUESTION)
    assert response.statements
    assert [said.text for said in response.statements] == [s.text for s in answer.statements]
    assert response.confidence == answer.confidence
    assert not response.abstained
    for said in response.statements:
        for quoted in said.citations:
            assert TEXTS[quoted.paper_id][quoted.start : quoted.end] == quoted.quote
            assert quoted.locators
            assert quoted.verbatim is None
    scored = reader.retrieve(QUESTION, k=10)
    assert [hit.score for hit in response.hits or ()] == [item.score for item in scored]
    reader.close()


def test_ragqa_abstains_below_its_threshold(work: Path) -> None:
    response = respond(opened_system("ragqa(min_confidence=1)", work))
    assert response.abstained
    assert response.statements == ()
    assert response.hits


def test_the_options_of_ragqa_reach_the_retrieval(work: Path) -> None:
    def scores(options: str) -> list[float]:
        hits = respond(opened_system(f"ragqa({options})", work)).hits or ()
        return [hit.score for hit in hits]

    default = scores("")
    assert default == scores("dense_weight=0.5, sentence_share=0.5, candidates=200")
    for options in ("dense_weight=1", "sentence_share=0", "candidates=1"):
        assert scores(options) != default


def test_a_reranker_is_named_in_the_configuration(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def load(name: str, *, on_progress: Callable[[str], None], **_: object) -> WordReranker:
        on_progress(f"preparing {name}")
        return WordReranker("tomatoes")

    monkeypatch.setattr("ragqa.rerank.load.load_reranker", load)
    plain, none = opened_system("ragqa", work), opened_system("ragqa(reranker='none')", work)
    spec = parse_system("ragqa(reranker='w', reranker_weight=50, reranked=9)")
    found = open_system(spec, text_dataset(), work, on_message=said.append)
    about = json.loads(json.dumps(found.describe()))
    assert about["reranker"] == {"name": "word", "fingerprint": "word-tomatoes-48"}
    assert (about["options"]["reranker_weight"], about["options"]["reranked"]) == (50.0, 9)
    assert "preparing w" in said
    assert "reranker" not in plain.describe()
    first = [(respond(each).hits or ())[0].paper_id for each in (plain, none, found)]
    assert first == [WHALES, WHALES, TOMATOES]


def test_lexical_ragqa_ranks_as_bm25_does(work: Path) -> None:
    ranked = [
        [hit.paper_id for hit in respond(opened_system(name, work)).hits or ()]
        for name in (
            "ragqa(dense_weight=0, best_sentence_weight=0, paper_weight=0)",
            "bm25",
        )
    ]
    assert ranked[0][: len(ranked[1])] == ranked[1]


def test_chunk_tokens_decide_the_chunks(tmp_path: Path) -> None:
    text = " ".join(f"Whales of pod {n} sing at low frequencies all night." for n in range(30))
    dataset = replace(text_dataset(), papers=(GoldPaper(paper_id="w", title="w", text=text),))
    large, small = (
        len(respond(opened_system(name, tmp_path, dataset), depth=100).hits or ())
        for name in ("bm25", "bm25(chunk_tokens=20)")
    )
    assert 1 <= large < small


def test_a_question_that_cannot_be_asked_is_an_error_of_ragqa(work: Path) -> None:
    opened = opened_system("ragqa", work)
    with pytest.raises(QuestionError):
        respond(opened, " ?! ")
    with pytest.raises(CorpusError, match="not listed"):
        respond(opened, paper_ids=["unknown"])


def test_any_question_leaves_the_baselines_standing(work: Path) -> None:
    for name in ("bm25", "dense"):
        opened = opened_system(name, work)
        for question in ("", " ?! ", "\ud800", "x" * 20_000, 'AND OR ("*'):
            assert respond(opened, question).hits is not None
        assert respond(opened, paper_ids=["unknown"]).hits == ()


def test_describe_is_json_and_tells_systems_apart(work: Path, tmp_path: Path) -> None:
    first, other = opened_system("ragqa", work), opened_system("ragqa(dense_weight=1)", work)
    about = json.loads(json.dumps(first.describe()))
    assert about["system"] == "ragqa"
    assert about["options"]["min_confidence"] == 0.5
    assert about["options"]["dense_weight"] == 0.5
    assert about["options"]["chunks"]["target_tokens"] == 200
    assert about["embedder"] == {"name": "hashed", "fingerprint": "hashed-64-254"}
    assert first.describe() != other.describe()
    assert opened_system("ragqa", tmp_path).describe() == first.describe()  # wherever it lies
    changed = replace(text_dataset(), papers=text_dataset().papers[:2])
    assert opened_system("ragqa", tmp_path, changed).describe()["index"] != about["index"]


# A user's own object


class Own:
    """A user's own retriever, without an answer."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def retrieve(self, query: str, *, k: int, paper_ids: tuple[str, ...]) -> object:
        return list(self.reader.retrieve(query, k=k, paper_ids=paper_ids))


@pytest.fixture
def reader(work: Path) -> Iterator[Reader]:
    opened_system("ragqa", work).close()  # type: ignore[attr-defined]
    folder = next(p for p in (work / "indexes").iterdir())
    opened = Reader.open(folder, embedder=HashedEmbedder(), min_confidence=0)
    yield opened
    opened.close()


def test_a_reader_is_a_system(reader: Reader) -> None:
    mine = measure_object(reader, name="mine", about={"why": "test"})
    response, seconds = mine.respond(QUESTION, paper_ids=None, depth=3)
    assert response.statements
    assert response.hits
    assert response.hits[0].paper_id == WHALES
    assert seconds > 0
    assert mine.describe() == {
        "system": "mine",
        "object": "ragqa.api.reader.Reader",
        "why": "test",
    }
    only = respond(mine, paper_ids=[TOMATOES])
    assert {hit.paper_id for hit in only.hits or ()} == {TOMATOES}
    assert respond(mine, paper_ids=[]) == Response(
        hits=(), statements=(), abstained=True, confidence=0.0
    )


def test_what_only_retrieves_does_not_answer(reader: Reader) -> None:
    response = respond(measure_object(Own(reader)))
    assert (response.statements, response.abstained) == (None, None)
    assert response.hits


def test_a_function_is_a_system() -> None:
    asked = []

    def mine(question: str, *, paper_ids: object, depth: int) -> Response:
        asked.append((question, paper_ids, depth))
        return Response(hits=(Hit(paper_id="p", score=1.0),))

    opened = measure_object(mine)
    assert opened.name.endswith("mine")
    assert respond(opened, paper_ids=["p"], depth=7).hits == (Hit(paper_id="p", score=1.0),)
    assert asked == [(QUESTION, ["p"], 7)]


def test_a_failing_object_fails_one_question() -> None:
    def broken(question: str, **_: object) -> Response:
        raise KeyError(question)

    with pytest.raises(EvaluationError, match="KeyError"):
        respond(ObjectSystem(broken, name="broken"))
    with pytest.raises(EvaluationError, match="returned str where Response"):
        respond(ObjectSystem(lambda question, **_: "yes", name="broken"))


def test_an_error_of_ragqa_stays_what_it_is(reader: Reader) -> None:
    with pytest.raises(QuestionError):
        respond(measure_object(reader), " ")


def test_an_object_that_gives_other_things_is_told() -> None:
    class Wrong:
        def ask(self, question: str, paper_ids: object) -> object:
            return "an answer"

    class Worse:
        def retrieve(self, query: str, k: int, paper_ids: object) -> object:
            return [("text", 1.0)]

    with pytest.raises(EvaluationError, match="ask returned str where Answer"):
        respond(measure_object(Wrong()))
    with pytest.raises(EvaluationError, match="retrieve returned tuple where ScoredChunk"):
        respond(measure_object(Worse()))
    with pytest.raises(EvaluationError, match="cannot be measured"):
        measure_object("neither")


# Quotes


def verdict(sources: QuoteSources, quoted: Quoted) -> bool | None:
    response = Response(statements=(Said(text="x", citations=(quoted,)),))
    checked = check_quotes(response, sources)
    assert checked.statements is not None
    return checked.statements[0].citations[0].verbatim


def test_every_quote_of_ragqa_is_where_it_says(work: Path) -> None:
    response = check_quotes(
        respond(opened_system("ragqa(min_confidence=0)", work)), QuoteSources(text_dataset())
    )
    found = [c.verbatim for said in response.statements or () for c in said.citations]
    assert found
    assert all(found)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"verbatim": False}, True),
        ({"start": 1}, False),
        ({"start": None}, False),
        ({"end": None}, False),
        ({"quote": "Tomatoes  ripen"}, False),
        ({"quote": "", "end": 0}, False),
        ({"start": -79, "end": -64}, False),
        ({"end": 10_000}, False),
        ({"paper_id": "unknown", "verbatim": True}, False),
    ],
)
def test_a_quote_of_a_text_is_its_span(changes: dict[str, object], expected: bool) -> None:
    quoted = Quoted(paper_id=TOMATOES, quote="Tomatoes ripen", start=0, end=14)
    sources = QuoteSources(text_dataset())
    assert verdict(sources, replace(quoted, **changes)) is expected  # type: ignore[arg-type]


def test_a_response_without_statements_is_left_as_it_is() -> None:
    for response in (Response(), Response(statements=())):
        assert check_quotes(response, QuoteSources(text_dataset())) == response


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("quotes") / "corpus" / "small"
    make_corpus(folder, STANDARD)
    return replace(text_dataset(), papers=(), corpus=folder)


def cited(paper_id: str, document: DocumentKind | None, quote: str, *locators: Locator) -> Quoted:
    return Quoted(
        paper_id=paper_id, document=document, quote=quote, start=0, end=1, locators=locators
    )


def page_span(corpus: Dataset, words: str) -> PageLocator:
    """Find some words on the first page of the garden's PDF, in pdfium's own text."""
    assert corpus.corpus is not None
    with pypdfium2.PdfDocument(corpus.corpus / "pdf" / "garden.pdf") as document:
        page = document[0]
        textpage = page.get_textpage()
        text = str(textpage.get_text_range())
        textpage.close()
        page.close()
    start = text.index(words)
    return PageLocator(page=1, start=start, end=start + len(words))


def test_a_quote_of_a_pdf_is_at_its_place_on_its_page(corpus: Dataset) -> None:
    words = "tomatoes ripen in cold greenhouses"
    at = page_span(corpus, words)
    sources = QuoteSources(corpus)
    assert verdict(sources, cited("garden", "pdf", words, at))
    halves = replace(at, end=at.start + 8), replace(at, start=at.start + 8)
    assert verdict(sources, cited("garden", "pdf", words, *halves))
    assert verdict(sources, cited("garden", "pdf", "tomatoes-ripen in\ncold greenhouses", at))
    for wrong in (
        cited("garden", "pdf", "tomatoes ripen in warm greenhouses", at),
        cited("garden", "pdf", words, replace(at, start=at.start + 1, end=at.end + 1)),
        cited("garden", "pdf", words, replace(at, page=2)),
        cited("garden", "pdf", words, replace(at, page=0)),
        cited("garden", "pdf", words, replace(at, end=10**9)),
        cited("garden", "pdf", words, at, replace(at, page=9)),
        cited("garden", "pdf", words, LineLocator(line_start=1, line_end=1)),
        cited("garden", "pdf", words),
        cited("garden", "pdf", "...", at),
        cited("garden", "readme", words, at),
        cited("garden", None, words, at),
        cited("ocean", "pdf", words, at),
        cited("nobody", "pdf", words, at),
    ):
        assert verdict(sources, wrong) is False


def test_a_quote_of_a_readme_or_summary_is_on_its_lines(corpus: Dataset) -> None:
    sources = QuoteSources(corpus)
    words = "It takes a low-resolution image as its input"
    line = LineLocator(line_start=5, line_end=5)
    assert verdict(sources, cited("tiny-upscaler", "readme", words, line))
    song = "Whales sing at low frequencies."
    assert verdict(sources, cited("ocean", "summary", song, LineLocator(line_start=1, line_end=1)))
    for wrong in (
        cited("tiny-upscaler", "readme", words, LineLocator(line_start=3, line_end=3)),
        cited("tiny-upscaler", "readme", words, LineLocator(line_start=0, line_end=5)),
        cited("tiny-upscaler", "readme", words, LineLocator(line_start=5, line_end=500)),
        cited("tiny-upscaler", "readme", words + " not", line),
        cited("tiny-upscaler", "readme", words),
        cited("tiny-upscaler", "summary", words, line),
        cited("ocean", "readme", song, line),
    ):
        assert verdict(sources, wrong) is False


def test_a_file_that_is_gone_or_no_pdf_holds_no_quote(tmp_path: Path) -> None:
    folder = make_corpus(tmp_path / "corpus" / "small", STANDARD)
    dataset = replace(text_dataset(), papers=(), corpus=folder)
    words = "tomatoes ripen in cold greenhouses"
    at = page_span(dataset, words)
    (folder / "pdf" / "garden.pdf").write_bytes(b"%PDF-1.7 broken")
    (folder / "readme" / "tiny-upscaler.md").unlink()
    sources = QuoteSources(dataset)
    line = LineLocator(line_start=1, line_end=1)
    assert verdict(sources, cited("garden", "pdf", words, at)) is False
    assert verdict(sources, cited("tiny-upscaler", "readme", "Tiny Upscaler", line)) is False


def test_ragqa_over_a_corpus_quotes_pages_and_lines(tmp_path: Path, corpus: Dataset) -> None:
    opened = open_system(
        parse_system("ragqa(min_confidence=0)"), corpus, tmp_path, index=tmp_path / "index"
    )
    sources = QuoteSources(corpus)
    kinds = set()
    for question in ("How do tomatoes ripen?", "What does the Tiny Upscaler take?", QUESTION):
        response = check_quotes(respond(opened, question), sources)
        for said in response.statements or ():
            kinds |= {quoted.document for quoted in said.citations}
            assert all(quoted.verbatim for quoted in said.citations)
        assert {hit.document for hit in response.hits or ()} <= {"pdf", "readme", "summary"}
    assert kinds == {"pdf", "readme", "summary"}


# Real data


SCIFACT = Path(__file__).resolve().parents[2] / "shared" / "data" / "scifact"


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.skipif(not SCIFACT.exists(), reason="no SciFact in ../shared/data")
def test_real_claims_find_their_abstracts(tmp_path: Path) -> None:
    """Forty claims over their own abstracts and as many others; the right one first.

    A floor, not an expectation: when this was written they found 33, 35 and 31.
    """
    dataset = _some_of_scifact(40)
    for name, least in (("bm25", 0.75), ("dense", 0.75), ("ragqa", 0.75)):
        opened = opened_system(name, tmp_path, dataset)
        sources = QuoteSources(dataset)
        found = quotes = 0
        for question in dataset.questions:
            response = check_quotes(respond(opened, question.text), sources)
            first = (response.hits or ())[0].paper_id
            found += first in question.gold_papers
            quoted = [c for said in response.statements or () for c in said.citations]
            assert all(c.verbatim for c in quoted)
            quotes += len(quoted)
        assert (quotes > 0) == (name == "ragqa")
        assert found >= least * len(dataset.questions), name


def _some_of_scifact(count: int) -> Dataset:
    lines = (SCIFACT / "qrels" / "train.tsv").read_text(encoding="utf-8").splitlines()[1:]
    relevant: dict[str, dict[str, int]] = {}
    for question_id, paper_id, grade in (line.split("\t") for line in lines):
        relevant.setdefault(question_id, {})[paper_id] = int(grade)
    with (SCIFACT / "queries.jsonl").open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    questions = tuple(
        GoldQuestion(
            question_id=row["_id"],
            text=row["text"],
            place=Place(file="queries.jsonl", line=at),
            relevant=relevant[row["_id"]],
        )
        for at, row in enumerate(rows, 1)
        if row["_id"] in relevant
    )[:count]
    gold = {paper_id for question in questions for paper_id in question.relevant}
    with (SCIFACT / "corpus.jsonl").open(encoding="utf-8") as file:
        texts = {row["_id"]: f"{row['title']}\n{row['text']}" for row in map(json.loads, file)}
    others = [paper_id for paper_id in texts if paper_id not in gold][: len(gold)]
    papers = tuple(
        GoldPaper(paper_id=paper_id, title=paper_id, text=texts[paper_id])
        for paper_id in (*sorted(gold), *others)
    )
    return replace(text_dataset(), questions=questions, papers=papers)


def test_a_chat_model_answers_and_is_named_in_the_configuration(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with model_server.ModelServer(model_server.Said(('{"statements": []}',))) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
        monkeypatch.setenv("RAGQA_CACHE", str(tmp_path / "cache"))
        system = opened_system("ragqa(min_confidence=0, model='openai:m')", work)
        assert not server.seen  # nothing is paid for before a question is asked
        response, _ = system.respond("Which tomatoes grew faster?", paper_ids=None, depth=3)
        assert response.abstained
        assert len(server.seen) == 1
        about = dict(system.describe())
    assert about["model"]["name"] == "openai:m"
    assert "sk-test" not in repr(about)
