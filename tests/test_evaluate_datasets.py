"""Datasets: what each format reads, and what is said, with file and line, of each mistake."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ragqa.errors import CorpusError, DatasetError
from ragqa.evaluate.datasets import FORMATS, load_dataset, resolve
from ragqa.evaluate.measures.evidence import by_annotator, found_by
from ragqa.evaluate.records import Dataset, Effect, Hit

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"

TEXT = "Blur is removed.\nWe ﬁnd 5 kernels. The naïve model fails; the model wins."
PAPERS = [
    {"paper_id": "a", "title": "On blur", "text": TEXT},
    {"paper_id": "b", "text": "Noise is added."},
]


def jsonl(path: Path, *records: object) -> None:
    """Write records, or lines as they are, one a line."""
    lines = [one if isinstance(one, str) else json.dumps(one) for one in records]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def refused(path: Path, **options: Any) -> tuple[str, ...]:
    """Return the mistakes that a dataset is refused for."""
    with pytest.raises(DatasetError) as caught:
        load_dataset(path, **options)
    return caught.value.problems


def problems(dataset: Dataset) -> list[tuple[str, Effect]]:
    """Return where each problem is, and what it leads to."""
    return [(str(problem.place), problem.effect) for problem in dataset.problems]


def question(**fields: object) -> dict[str, object]:
    """Return a question of the spans format."""
    return {"question_id": "q1", "question": "What is removed?", "answers": "blur", **fields}


def span(words: str, by: int = 0, **fields: object) -> dict[str, object]:
    """Return evidence in paper a, its offsets off by some characters."""
    start = TEXT.index(words) + by
    return {"paper_id": "a", "start": start, "end": start + len(words), "text": words, **fields}


# --- spans -------------------------------------------------------------------------------------


def spans(folder: Path, *questions: object, papers: list[Any] | None = None) -> Path:
    """Write a dataset of papers and questions."""
    jsonl(folder / "papers.jsonl", *(PAPERS if papers is None else papers))
    jsonl(folder / "questions.jsonl", *questions)
    return folder


def test_spans_reads_papers_and_questions(tmp_path: Path) -> None:
    one = question(evidence=[span("Blur"), span("model wins")], level=2, topic="é")
    two = question(
        question_id="q2", answerable=False, answers=[], paper_ids=["b"], choices=["x", "y"]
    )
    dataset = load_dataset(spans(tmp_path / "set", one, two))
    assert (dataset.name, dataset.format) == ("set", "spans")
    assert [paper.title for paper in dataset.papers] == ["On blur", "b"]
    assert dataset.papers[0].text == TEXT
    first, second = dataset.questions
    assert first.answers == ("blur",)
    assert [TEXT[part.start : part.end] for part in first.evidence] == ["Blur", "model wins"]
    assert first.relevant == {"a": 1}
    assert first.labels == {"level": "2", "topic": "é"}
    assert str(first.place) == "questions.jsonl:1"
    assert (second.answerable, second.paper_ids, second.choices) == (False, ("b",), ("x", "y"))
    assert second.gold_papers == frozenset()
    assert dataset.problems == ()


@pytest.mark.parametrize("by", [-1, 1, 7])
def test_offsets_that_are_off_are_reported_and_mended(tmp_path: Path, by: int) -> None:
    path = spans(tmp_path, question(evidence=[span("naïve model", by)]))
    dataset = load_dataset(path)
    assert problems(dataset) == [("questions.jsonl:1", "moved")]
    (part,) = dataset.questions[0].evidence
    assert TEXT[part.start : part.end] == "naïve model"
    start = TEXT.index("naïve")
    assert f"not at {start + by}-{start + by + 11}" in dataset.problems[0].text


def test_an_end_that_is_off_by_one_is_reported(tmp_path: Path) -> None:
    part = span("Blur")
    part["end"] = 5
    dataset = load_dataset(spans(tmp_path, question(evidence=[part])))
    assert problems(dataset) == [("questions.jsonl:1", "moved")]
    assert (dataset.questions[0].evidence[0].start, dataset.questions[0].evidence[0].end) == (0, 4)


def test_the_nearest_place_is_meant(tmp_path: Path) -> None:
    second = TEXT.rindex("model")
    part = {"paper_id": "a", "start": second - 2, "end": second + 3, "text": "model"}
    dataset = load_dataset(spans(tmp_path, question(evidence=[part])))
    assert dataset.questions[0].evidence[0].start == second


def test_evidence_that_stands_nowhere_stays_gold(tmp_path: Path) -> None:
    gone = {"paper_id": "a", "start": 0, "end": 5, "text": "Grass"}
    unknown = {"paper_id": "z", "start": 0, "end": 4, "text": "Blur"}
    dataset = load_dataset(
        spans(tmp_path, question(), question(question_id="q2", evidence=[gone, unknown]))
    )
    assert problems(dataset) == [
        ("questions.jsonl:1", "left-out"),
        ("questions.jsonl:2", "not-found"),
        ("questions.jsonl:2", "not-found"),
    ]
    assert "'Grass'" in dataset.problems[1].text
    assert "'z'" in dataset.problems[2].text
    assert not any(part.is_located for part in dataset.questions[1].evidence)
    assert dataset.questions[1].relevant == {"a": 1, "z": 1}


def test_evidence_without_offsets_or_without_words(tmp_path: Path) -> None:
    words = {"paper_id": "a", "text": "we find 5\nkernels"}
    offsets = {"paper_id": "a", "start": 0, "end": 4}
    beyond = {"paper_id": "b", "start": 0, "end": 400}
    dataset = load_dataset(spans(tmp_path, question(evidence=[words, offsets, beyond])))
    first, second, third = dataset.questions[0].evidence
    assert TEXT[first.start : first.end] == "We ﬁnd 5 kernels"
    assert second.text == "Blur"
    assert not third.is_located
    assert problems(dataset) == [("questions.jsonl:1", "not-found")]


def test_quotes_of_a_named_paper_are_evidence(tmp_path: Path) -> None:
    path = spans(tmp_path, question(paper_id="b", evidence_text=["noise", "grass"]))
    dataset = load_dataset(path)
    assert [part.start for part in dataset.questions[0].evidence] == [0, None]
    assert dataset.questions[0].relevant == {"b": 1}
    assert problems(dataset) == [("questions.jsonl:1", "not-found")]


def test_a_quote_is_looked_for_in_each_named_paper(tmp_path: Path) -> None:
    path = spans(tmp_path, question(paper_id=["a", "gone", "b"], evidence_text=["noise", "grass"]))
    dataset = load_dataset(path)
    found, lost = dataset.questions[0].evidence
    assert (found.paper_id, found.start, found.is_located) == ("b", 0, True)
    assert (lost.paper_id, lost.is_located) == ("a", False)
    assert dataset.questions[0].relevant == {"a": 1, "gone": 1, "b": 1}
    assert problems(dataset) == [("questions.jsonl:1", "not-found")] * 2  # grass, and the paper


LONG = "Größe naïve café 𝔸 façade.\n\n\nfin de siècle 𝔹 résumé über.\nsecond résumé, café."


@pytest.mark.parametrize(
    ("unit", "count"),
    [
        ("bytes of UTF-8", lambda text: len(text.encode())),
        ("units of UTF-16", lambda text: len(text.encode("utf-16-le")) // 2),
        ("after NFD normalisation", lambda text: len(unicodedata.normalize("NFD", text))),
        ("line ends as two", lambda text: len(text) + text.count("\n")),
    ],
)
def test_offsets_in_another_unit_are_named_once(
    tmp_path: Path, unit: str, count: Callable[[str], int]
) -> None:
    places = [LONG.index("siècle"), LONG.index("résumé"), LONG.rindex("résumé"), LONG.rindex("c")]
    ends = [place + length for place, length in zip(places, (6, 6, 6, 4), strict=True)]
    evidence = [
        {"paper_id": "p", "start": count(LONG[:at]), "end": count(LONG[:to]), "text": LONG[at:to]}
        for at, to in zip(places, ends, strict=True)
    ]
    papers = [{"paper_id": "p", "text": LONG}]
    dataset = load_dataset(spans(tmp_path, question(evidence=evidence), papers=papers))
    assert [part.start for part in dataset.questions[0].evidence] == places
    noted = [problem.text for problem in dataset.problems if problem.effect == "noted"]
    assert len(noted) == 1
    assert unit in noted[0]
    assert "4 of 4" in noted[0]
    assert [problem.effect for problem in dataset.problems].count("moved") == 4


def test_offsets_of_a_composed_text_in_a_decomposed_one(tmp_path: Path) -> None:
    text = unicodedata.normalize("NFD", LONG)
    places = [(LONG.index(word), word) for word in ("siècle", "über", "second")]
    evidence = [
        {"paper_id": "p", "start": at, "end": at + len(word), "text": word} for at, word in places
    ]
    papers = [{"paper_id": "p", "text": text}]
    dataset = load_dataset(spans(tmp_path, question(evidence=evidence), papers=papers))
    found = [text[part.start : part.end] for part in dataset.questions[0].evidence]
    assert found == [unicodedata.normalize("NFD", word) for _, word in places]
    assert any("after NFC normalisation" in problem.text for problem in dataset.problems)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_is_written_is_read_back(tmp_path: Path, data: st.DataObject) -> None:
    words = st.text(
        st.characters(exclude_categories=["Cs"]) | st.sampled_from("ab\u2028\x85\r\n"),
        min_size=1,
        max_size=40,
    ).map(lambda text: f"x{text}")
    texts = data.draw(st.lists(words, min_size=1, max_size=3))
    papers = [{"paper_id": f"p{at}", "text": text} for at, text in enumerate(texts)]
    questions = []
    for number in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(texts) - 1))
        end = data.draw(st.integers(1, len(texts[at])))
        piece = {"paper_id": f"p{at}", "start": 0, "end": end, "text": texts[at][:end]}
        asked = data.draw(words)
        questions.append(
            {"question_id": number, "question": asked, "answers": [asked], "evidence": [piece]}
        )
    folder = spans(tmp_path, *questions, papers=papers)
    dataset = load_dataset(folder)
    assert dataset.problems == ()
    assert [paper.text for paper in dataset.papers] == texts
    assert [item.text for item in dataset.questions] == [item["question"] for item in questions]
    for item in dataset.questions:
        (part,) = item.evidence
        assert texts[int(part.paper_id[1:])][part.start : part.end] == part.text
    assert load_dataset(folder) == dataset


# --- what is refused -----------------------------------------------------------------------------


def test_every_mistake_is_named_at_once_with_its_line(tmp_path: Path) -> None:
    path = spans(
        tmp_path,
        question(),
        '{"question_id": "q2", "question": ',
        "[1, 2]",
        question(question_id="q4", question=" … "),
        question(question_id="q5", question="x" * 10_001),
        {"question_id": "q6"},
        question(question_id="q7", answers=[["1"]]),
        question(question_id="q8", evidence={"paper_id": "a"}),
        question(question_id="q9", evidence=[span("Blur", start="0")]),
        question(question_id="q10", answerable="maybe"),
        question(question_id="", question="What?"),
        question(question_id="q12", paper_ids=["z"]),
        question(question_id="q13", evidence=["Blur"]),
        question(question_id="q14", evidence=[{"paper_id": "a"}]),
        question(question_id="q15", evidence=[span("Blur", text="")]),
        question(question_id="q16", evidence_text="Blur"),
        question(question_id="q17", question="half \ud800 of it?"),
        '{"question_id": "q18", "question": "Twice?", "question": "Twice!"}',
        question(question_id="q1"),
        '{"question_id": "q20", "question": NaN}',
        "[" * 100_000,
        '{"question_id": ' + "1" * 5000 + "}",
        question(question_id="q23", **{"half \udfff": 1}),
        papers=[*PAPERS, {"paper_id": "a", "text": "again"}, {"paper_id": "c"}, "null"],
    )
    said = refused(path)
    lines = [mistake.split(": ")[0] for mistake in said]
    wanted = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]
    assert lines == [
        "papers.jsonl:3",
        "papers.jsonl:4",
        "papers.jsonl:5",
        *(f"questions.jsonl:{line}" for line in wanted),
    ]
    by_line = dict(zip(lines, said, strict=True))
    assert "already used at papers.jsonl:1" in by_line["papers.jsonl:3"]
    assert "already used at questions.jsonl:1" in by_line["questions.jsonl:19"]
    assert "lone surrogate" in by_line["questions.jsonl:17"]
    assert "10001 characters" in by_line["questions.jsonl:5"]
    assert "does not exist" in by_line["questions.jsonl:12"]
    assert "given twice" in by_line["questions.jsonl:18"]
    for mistake in said:
        mistake.encode()  # whatever was wrong can be printed


def test_bytes_that_are_no_utf8_are_named_by_line(tmp_path: Path) -> None:
    path = spans(tmp_path, question())
    file = path / "questions.jsonl"
    file.write_bytes(file.read_bytes() + b'{"question_id": "q2", "question": "caf\xe9?"}\n')
    (mistake,) = refused(path)
    assert mistake.startswith("questions.jsonl:2: this is not UTF-8 (byte 0xe9)")


def test_blank_lines_and_a_byte_order_mark_are_no_mistakes(tmp_path: Path) -> None:
    path = spans(tmp_path, "\ufeff" + json.dumps(question()), "", "  ", question(question_id=2))
    dataset = load_dataset(path)
    assert [str(item.place) for item in dataset.questions] == [
        "questions.jsonl:1",
        "questions.jsonl:4",
    ]
    assert dataset.questions[1].question_id == "2"


@pytest.mark.parametrize(
    ("papers", "questions", "said"),
    [
        ([], [question()], "papers.jsonl:1"),
        (PAPERS, [], "questions.jsonl:1"),
    ],
)
def test_an_empty_dataset_is_refused(
    tmp_path: Path, papers: list[Any], questions: list[Any], said: str
) -> None:
    (mistake,) = refused(spans(tmp_path, *questions, papers=papers))
    assert mistake.startswith(said)
    assert "empty" in mistake


def test_questions_without_gold_are_named_beside_the_mean(tmp_path: Path) -> None:
    path = spans(
        tmp_path,
        question(evidence=[span("Blur")]),
        question(question_id="q2", answers=[]),
        question(question_id="q3"),
        question(question_id="q4", answers=None, answerable=False),
        question(question_id="q5", answerable=False, paper_id="a"),
    )
    dataset = load_dataset(path)
    assert problems(dataset) == [
        ("questions.jsonl:2", "left-out"),
        ("questions.jsonl:3", "left-out"),
        ("questions.jsonl:5", "noted"),
    ]
    assert "no gold at all" in dataset.problems[0].text
    assert "no evidence and no relevant papers" in dataset.problems[1].text


def test_a_paper_without_text_is_noted(tmp_path: Path) -> None:
    papers = [*PAPERS, {"paper_id": "c", "text": " "}]
    path = spans(tmp_path, question(evidence=[span("Blur")], paper_id="a"), papers=papers)
    assert problems(load_dataset(path)) == [("papers.jsonl:3", "noted")]


def test_the_hash_is_of_everything_that_was_read(tmp_path: Path) -> None:
    one = load_dataset(spans(tmp_path / "one", question())).sha256
    same = load_dataset(spans(tmp_path / "two", question())).sha256
    other = load_dataset(spans(tmp_path / "three", question(answers="Blur"))).sha256
    papers = [*PAPERS, {"paper_id": "c", "text": "c"}]
    more = load_dataset(spans(tmp_path / "four", question(), papers=papers)).sha256
    assert one == same
    assert len({one, other, more}) == 3
    (tmp_path / "one" / "notes.txt").write_text("not read", encoding="utf-8")
    assert load_dataset(tmp_path / "one").sha256 == one


def test_what_is_no_dataset_is_told_what_was_looked_for(tmp_path: Path) -> None:
    (mistake,) = refused(tmp_path)
    assert all(name in mistake for name in FORMATS)
    (mistake,) = refused(tmp_path, corpus=tmp_path)
    assert "beside a corpus" in mistake
    assert "own: " in mistake
    assert "beir: " not in mistake
    (mistake,) = refused(tmp_path / "gone")
    assert "no such file" in mistake
    (mistake,) = refused(spans(tmp_path / "set", question()), format="bier")
    assert "'bier'" in mistake
    assert all(name in mistake for name in FORMATS)


def test_a_named_format_reports_the_files_that_are_missing(tmp_path: Path) -> None:
    jsonl(tmp_path / "questions.jsonl", question())
    (mistake,) = refused(tmp_path, format="spans")
    assert mistake == f"{tmp_path}: not a spans folder: papers.jsonl is missing"


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("beir", "not a BEIR folder: corpus.jsonl, queries.jsonl, qrels/*.tsv are missing"),
        ("spans", "not a spans folder: papers.jsonl, questions.jsonl are missing"),
        ("litqa", "this is not a .jsonl file with question, ideal and distractors"),
        ("qasper", "this is not a .json or .jsonl file with full_text and qas"),
        ("pubmedqa", "this is not a .json file with QUESTION and CONTEXTS"),
    ],
)
def test_a_file_of_another_format_is_told_what_is_looked_for(
    tmp_path: Path, form: str, said: str
) -> None:
    for name in ("mine.csv", "mine.json", "mine.jsonl"):
        file = tmp_path / name
        file.write_text('{"question": "What?"}\n', encoding="utf-8")
        (mistake,) = refused(file, format=form)
        assert mistake.startswith(f"{file}: {said}")
    (tmp_path / "empty").mkdir()
    assert len(refused(tmp_path / "empty", format=form)) == 1


def test_a_folder_without_questions_of_ones_own(tmp_path: Path) -> None:
    (mistake,) = refused(tmp_path, format="own")
    assert "there is no such file in it: questions (.yaml" in mistake
    (tmp_path / "mine.txt").write_text("What?", encoding="utf-8")
    (mistake,) = refused(tmp_path / "mine.txt", format="own")
    assert "this is not questions (.yaml" in mistake


def test_what_cannot_be_read_as_asked_counts_no_mistakes(tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as caught:
        load_dataset(tmp_path / "gone.csv")
    said = f"{tmp_path / 'gone.csv'}: there is no such file or folder"
    assert str(caught.value) == f"the dataset cannot be read: {said}"
    assert caught.value.problems == (said,)


def test_a_split_of_what_has_none_is_refused(tmp_path: Path) -> None:
    folder = corpus(tmp_path / "own")
    jsonl(folder / "questions.jsonl", {"question": "What?"})
    for path in (folder, folder / "questions.jsonl", spans(tmp_path / "spans", question())):
        (mistake,) = refused(path, split="test")
        assert "has no splits" in mistake
        assert "leave --split (split= in Python) away" in mistake
    file = tmp_path / "qasper-dev-v0.3.json"
    file.write_text(json.dumps({"p": qasper_paper(*ANSWERS)}), encoding="utf-8")
    assert load_dataset(file, split="dev") == load_dataset(file, split="dev")
    (mistake,) = refused(file, split="train")
    assert "one file is named, so there is no split 'train' to choose" in mistake


# --- beir --------------------------------------------------------------------------------------


def beir(folder: Path, qrels: str = "", **splits: str) -> Path:
    """Write a BEIR dataset."""
    jsonl(
        folder / "corpus.jsonl",
        {"_id": "d1", "title": "Blur", "text": "It is removed.", "metadata": {"x": 1}},
        {"_id": "d2", "title": "", "text": "Noise."},
        {"_id": 3, "text": ""},
    )
    jsonl(
        folder / "queries.jsonl",
        {"_id": "q1", "text": "First?", "metadata": {"d1": [{"label": "SUPPORT"}], "by": "x"}},
        {"_id": "q2", "text": "Second?"},
        {"_id": "q3", "text": "Third?", "metadata": {}},
    )
    (folder / "qrels").mkdir()
    for name, text in {**({"train": qrels} if qrels else {}), **splits}.items():
        (folder / "qrels" / f"{name}.tsv").write_text(text, encoding="utf-8")
    return folder


HEADER = "query-id\tcorpus-id\tscore\n"


@pytest.mark.parametrize("header", ["", HEADER])
def test_beir_asks_what_its_split_judges(tmp_path: Path, header: str) -> None:
    dataset = load_dataset(beir(tmp_path / "set", f"{header}q3\td2\t2\nq1\td1\t1\nq1\td2\t0\n"))
    assert (dataset.name, dataset.format) == ("set", "beir")
    assert [paper.text for paper in dataset.papers] == ["Blur\nIt is removed.", "Noise.", ""]
    assert [paper.title for paper in dataset.papers] == ["Blur", "d2", "3"]
    assert [(item.question_id, dict(item.relevant)) for item in dataset.questions] == [
        ("q1", {"d1": 1}),
        ("q3", {"d2": 2}),
    ]
    assert problems(dataset) == [("corpus.jsonl:3", "noted")]


def test_labels_stay_labels(tmp_path: Path) -> None:
    dataset = load_dataset(beir(tmp_path, "q1\td1\t1\n"))
    (item,) = dataset.questions
    assert item.labels == {"d1": '[{"label": "SUPPORT"}]', "by": "x"}
    assert not any("SUPPORT" in paper.text for paper in dataset.papers)
    assert item.text == "First?"


def test_beir_chooses_a_split(tmp_path: Path) -> None:
    one, other = "q1\td1\t1\n", "q2\td2\t1\n"
    path = beir(tmp_path / "set", one, test=other)
    assert load_dataset(path).questions[0].question_id == "q2"
    train = load_dataset(path, split="train")
    assert (train.name, train.questions[0].question_id) == ("set-train", "q1")
    assert train.sha256 != load_dataset(path).sha256
    (mistake,) = refused(path, split="dev")
    assert "'dev'" in mistake
    assert "test, train" in mistake
    (mistake,) = refused(beir(tmp_path / "third", one, dev=other))
    assert "dev, train" in mistake
    (mistake,) = refused(beir(tmp_path / "none"))
    assert mistake.endswith("not a BEIR folder: qrels/*.tsv is missing")


def test_qrels_that_name_what_does_not_exist(tmp_path: Path) -> None:
    rows = "q1\td1\t1\nq1\tgone\t1\nq9\td1\t1\nq2\tgone\t0\nq2\td1\t0\nq3\t3\t1\nq3\t3\t1\n"
    dataset = load_dataset(beir(tmp_path, rows))
    assert problems(dataset) == [
        ("corpus.jsonl:3", "noted"),  # no text
        ("queries.jsonl:2", "left-out"),  # nothing relevant
        ("qrels/train.tsv:2", "not-found"),
        ("qrels/train.tsv:3", "left-out"),  # a query without words
        ("qrels/train.tsv:4", "noted"),
        ("qrels/train.tsv:6", "not-found"),  # its document has no text
        ("qrels/train.tsv:7", "noted"),  # twice
    ]
    assert dataset.questions[0].relevant == {"d1": 1, "gone": 1}  # the mean pays
    assert [item.question_id for item in dataset.questions] == ["q1", "q2", "q3"]


def test_qrels_that_cannot_be_read(tmp_path: Path) -> None:
    rows = "q1\td1\t1\nq1 d2 1\nq2\td1\thigh\nq1\td1\t2\nq2\t\t1\nq3\td1\t1.5\n"
    said = refused(beir(tmp_path, HEADER + rows))
    assert [mistake.split(": ")[0] for mistake in said] == [
        f"qrels/train.tsv:{line}" for line in (3, 4, 5, 6, 7)
    ]
    assert "already judged for this query at qrels/train.tsv:2" in said[2]


def test_a_query_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = beir(tmp_path, "q1\td1\t1\n")
    with (path / "queries.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"_id": "q2", "text": "Again?"}\n')
    (mistake,) = refused(path)
    assert mistake.startswith("queries.jsonl:4")
    assert "queries.jsonl:2" in mistake


def test_qrels_that_judge_nothing_are_empty(tmp_path: Path) -> None:
    (mistake,) = refused(beir(tmp_path, HEADER))
    assert mistake == "qrels/train.tsv:1: the split 'train' holds no judgement"


# --- qasper ------------------------------------------------------------------------------------


def annotation(**answer: object) -> dict[str, object]:
    """Return an annotator's answer as the release has it."""
    empty: dict[str, object] = {
        "unanswerable": False,
        "extractive_spans": [],
        "yes_no": None,
        "free_form_answer": "",
        "evidence": [],
        "highlighted_evidence": [],
    }
    return {"answer": {**empty, **answer}, "annotation_id": "x", "worker_id": "y"}


NONE = annotation(unanswerable=True)
PARAGRAPHS = ["We remove blur.", "", "It has two parts."]


def qasper_paper(*answers: list[Any]) -> dict[str, object]:
    """Return a paper of the release."""
    return {
        "title": "On blur",
        "abstract": "Blur is removed.",
        "full_text": [
            {"section_name": "Method", "paragraphs": PARAGRAPHS},
            {"section_name": None, "paragraphs": ["It wins."]},
        ],
        "qas": [
            {"question": f"Question {n}?", "question_id": f"q{n}", "answers": given}
            for n, given in enumerate(answers)
        ],
        "figures_and_tables": [],
    }


def lists(records: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Return records as the object of lists that data-set hubs make of them."""
    keys = records[0] if records else {}
    return {key: [record[key] for record in records] for key in keys}


def hub_row(paper_id: str, paper: Mapping[str, Any]) -> dict[str, object]:
    """Return a paper as a row of a data-set hub."""
    asked = [{**one, "answers": lists(one["answers"])} for one in paper["qas"]]
    return {**paper, "id": paper_id, "full_text": lists(paper["full_text"]), "qas": lists(asked)}


ANSWERS = (
    [
        annotation(extractive_spans=["two", "parts"], evidence=[PARAGRAPHS[2]]),
        annotation(free_form_answer="Two of them.", evidence=[PARAGRAPHS[2], "It wins."]),
        NONE,
    ],
    [annotation(yes_no=True, evidence=["Blur is removed."]), annotation(yes_no=False)],
    [NONE, NONE, annotation(free_form_answer="One", evidence=["It wins."])],
    [annotation(yes_no=True, evidence=["FLOAT SELECTED: Table 1: figures"])],
)


def test_qasper_reads_the_release(tmp_path: Path) -> None:
    file = tmp_path / "qasper-dev-v0.3.json"
    file.write_text(json.dumps({"1909.1": qasper_paper(*ANSWERS)}), encoding="utf-8")
    dataset = load_dataset(file)
    assert (dataset.format, dataset.name) == ("qasper", "qasper-dev-v0.3")
    (paper,) = dataset.papers
    assert paper.title == "On blur"
    assert paper.text.split("\n\n") == [
        "On blur", "Blur is removed.", "Method", "We remove blur.", "It has two parts.", "It wins.",
    ]  # fmt: skip
    first, second, third, fourth = dataset.questions
    assert first.answers == ("two, parts", "Two of them.")
    assert [(part.annotator, paper.text[part.start : part.end]) for part in first.evidence] == [
        (0, "It has two parts."),
        (1, "It has two parts."),
        (1, "It wins."),
    ]
    assert (first.paper_ids, first.relevant, first.answerable) == (("1909.1",), {"1909.1": 1}, True)
    assert second.answers == ("Yes", "No")
    assert (third.answerable, third.relevant) == (False, {})  # two of three
    assert [part.is_located for part in fourth.evidence] == [False]
    assert problems(dataset) == [("qasper-dev-v0.3.json:1", "not-found")]
    assert "1 pieces of evidence are figures or tables" in dataset.problems[0].text
    assert "(q3)" in dataset.problems[0].text


@pytest.mark.parametrize("suffix", ["json", "jsonl"])
def test_qasper_reads_the_hubs_layout_as_the_same(tmp_path: Path, suffix: str) -> None:
    paper = qasper_paper(*ANSWERS)
    (tmp_path / "q.json").write_text(json.dumps({"1909.1": paper}), encoding="utf-8")
    row = hub_row("1909.1", paper)
    text = json.dumps(row) if suffix == "jsonl" else json.dumps([row])
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / f"q.{suffix}").write_text(text, encoding="utf-8")
    release, hub = load_dataset(tmp_path / "q.json"), load_dataset(tmp_path / "hub")
    assert hub.papers == release.papers
    assert [item.evidence for item in hub.questions] == [
        item.evidence for item in release.questions
    ]
    assert [item.answers for item in hub.questions] == [item.answers for item in release.questions]


def test_qasper_names_what_is_wrong(tmp_path: Path) -> None:
    odd = [
        [annotation(yes_no=True, evidence=["Not in it.", ""])],
        [annotation()],
        [],
    ]
    file = tmp_path / "q.json"
    file.write_text(json.dumps({"p": qasper_paper(*odd)}), encoding="utf-8")
    said = [(problem.effect, problem.text) for problem in load_dataset(file).problems]
    assert [effect for effect, _ in said] == ["not-found", "noted", "noted", "left-out", "left-out"]
    assert "'Not in it.'" in said[0][1]
    assert "empty paragraph" in said[1][1]
    assert "annotator 0 of the question 'q1' gives no answer" in said[2][1]

    broken = {"p": qasper_paper(), "r": {**qasper_paper(), "qas": {"question": ["x"], "y": []}}}
    twice = json.dumps(broken)[:-1] + ', "p": {"full_text": [], "qas": [{"question": 1}]}, "s": 1}'
    file.write_text(twice, encoding="utf-8")
    said = refused(file)
    assert any(mistake.startswith("q.json:2: 'qas' must be a list") for mistake in said)
    assert any("given twice, first at q.json:1" in mistake for mistake in said)
    assert any("'question' is the number 1" in mistake for mistake in said)

    file.write_text(json.dumps({"p": qasper_paper([{"answer": "two"}])}), encoding="utf-8")
    (mistake,) = refused(file)
    assert mistake == "q.json:1: 'answer' is the text 'two'; it must be an object"


def test_a_json_file_that_is_none_is_named_by_line(tmp_path: Path) -> None:
    file = tmp_path / "q.json"
    file.write_text('{"p": {\n"full_text": [],\n oops}}', encoding="utf-8")
    (mistake,) = refused(file)
    assert mistake.startswith("q.json:3: not valid JSON")
    file.write_bytes(b'{"p": {"full_text": [],\n"title": "\xff"}}')
    (mistake,) = refused(file)
    assert mistake.startswith("q.json:2: this is not UTF-8")


def test_a_folder_with_several_files_needs_a_split(tmp_path: Path) -> None:
    for name in ("qasper-train-v0.3", "qasper-dev-v0.3"):
        text = json.dumps({name: qasper_paper(*ANSWERS)})
        (tmp_path / f"{name}.json").write_text(text, encoding="utf-8")
    assert load_dataset(tmp_path, split="dev").papers[0].paper_id == "qasper-dev-v0.3"
    (mistake,) = refused(tmp_path)
    assert "qasper-dev-v0.3.json, qasper-train-v0.3.json" in mistake


# --- pubmedqa ----------------------------------------------------------------------------------


def test_pubmedqa_reads_abstracts_without_their_conclusions(tmp_path: Path) -> None:
    record = {
        "QUESTION": "Does it help?",
        "CONTEXTS": ["We asked 5.", "Three were better."],
        "LABELS": ["METHODS", "RESULTS"],
        "LONG_ANSWER": "It helps.",
        "final_decision": "yes",
        "YEAR": "2010",
    }
    file = tmp_path / "ori_pqal.json"
    file.write_text(json.dumps({"123": record, "124": {**record, "LONG_ANSWER": ""}}))
    dataset = load_dataset(file)
    assert dataset.format == "pubmedqa"
    paper = dataset.papers[0]
    assert (paper.paper_id, paper.title) == ("123", "123")  # the published title is the question
    assert paper.text == "We asked 5.\nThree were better."
    first, second = dataset.questions
    assert (first.text, first.answers, first.relevant) == (
        "Does it help?", ("It helps.",), {"123": 1},
    )  # fmt: skip
    assert first.labels["final_decision"] == "yes"
    assert (first.evidence, second.answers) == ((), ())
    assert problems(dataset) == [("ori_pqal.json:2", "left-out")]

    file.write_text(json.dumps({"1": {"QUESTION": "What?"}, "2": record, "3": ["CONTEXTS"]}))
    assert [mistake.split(": ")[0] for mistake in refused(file, format="pubmedqa")] == [
        "ori_pqal.json:1",
        "ori_pqal.json:3",
    ]


# --- litqa -------------------------------------------------------------------------------------


def litqa(**fields: object) -> dict[str, object]:
    """Return a multiple-choice question."""
    return {
        "id": "l1",
        "question": "How many kernels?",
        "ideal": "5",
        "distractors": ["6", "7", "8"],
        "sources": ["https://doi.org/10.1234/ABC"],
        "key-passage": "We find 5 kernels.",
        "canary": "not to be copied",
        "is_opensource": True,
        **fields,
    }


LIT_PAPERS = [{"paper_id": "10.1234/abc", "text": TEXT}, {"paper_id": "other", "text": "Other."}]


def test_litqa_reads_choices_beside_papers(tmp_path: Path) -> None:
    jsonl(tmp_path / "papers.jsonl", *LIT_PAPERS)
    many = [litqa(id=f"l{number}") for number in range(40)]
    jsonl(tmp_path / "litqa.jsonl", *many)
    dataset = load_dataset(tmp_path)
    assert dataset.format == "litqa"
    first = dataset.questions[0]
    assert (first.answers, sorted(first.choices)) == (("5",), ["5", "6", "7", "8"])
    assert {item.choices.index("5") for item in dataset.questions} == {0, 1, 2, 3}
    assert first.choices == load_dataset(tmp_path).questions[0].choices
    (part,) = first.evidence
    assert TEXT[part.start : part.end] == "We ﬁnd 5 kernels"
    assert first.relevant == {"10.1234/abc": 1}
    assert first.labels == {"is_opensource": "true"}
    assert dataset.problems == ()


def test_litqa_names_what_is_not_there(tmp_path: Path) -> None:
    jsonl(tmp_path / "papers.jsonl", *LIT_PAPERS)
    lines = [
        litqa(sources=["10.9/none", "other"]),
        litqa(id="l2", ideal="null", **{"key-passage": None}),
        litqa(id="l3", sources="https://doi.org/10.9999/gone"),
    ]
    jsonl(tmp_path / "litqa.jsonl", *lines)
    dataset = load_dataset(tmp_path / "litqa.jsonl")
    assert problems(dataset) == [
        ("litqa.jsonl:1", "not-found"),  # a source
        ("litqa.jsonl:1", "not-found"),  # the passage, in the other source
        ("litqa.jsonl:3", "not-found"),  # its only source, and so the passage
    ]
    first, second, _ = dataset.questions
    assert first.relevant == {"10.9/none": 1, "other": 1}
    assert (second.answerable, second.answers, len(second.choices)) == (False, (), 3)

    jsonl(tmp_path / "litqa.jsonl", litqa(distractors=["5"]), litqa(id="l2", distractors=[]))
    assert [mistake.split(": ")[0] for mistake in refused(tmp_path)] == [
        "litqa.jsonl:1",
        "litqa.jsonl:2",
    ]
    (tmp_path / "papers.jsonl").unlink()
    (mistake,) = refused(tmp_path)
    assert "there are no papers" in mistake
    assert "--corpus (corpus= in Python)" in mistake


# --- own ---------------------------------------------------------------------------------------

MANIFEST = """schema: ragqa/manifest/1
papers:
- id: deblur
  url: https://doi.org/10.1234/abc
- id: denoise
"""

OWN = """corpus: corpus
questions:
- question: What is removed?
  id: blur
  answer: yes
  papers: [deblur]
  evidence:
  - Blur is removed.
  - paper_id: denoise
    text: |
      Noise
      is added.
    document: readme
- question: What is added?
  evidence: {0}
  only: [denoise]
- question: Who won?
  answerable: no
"""


def corpus(folder: Path) -> Path:
    """Write a corpus folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.yaml").write_text(MANIFEST, encoding="utf-8")
    return folder


def own(path: Path, text: str) -> Path:
    """Write a questions file, and the corpus that it names beside it."""
    corpus(path.parent / "corpus")
    path.write_text(text, encoding="utf-8")
    return path


def test_own_reads_yaml_and_resolves_it(tmp_path: Path) -> None:
    path = own(tmp_path / "mine.yaml", OWN.format("[{paper_id: denoise}]"))
    dataset = load_dataset(path)
    assert (dataset.name, dataset.format, dataset.papers) == ("mine", "own", ())
    assert dataset.corpus == tmp_path / "corpus"
    first, second, third = dataset.questions
    assert [item.question_id for item in dataset.questions] == ["blur", "q2", "q3"]
    assert [str(item.place) for item in dataset.questions] == [
        "mine.yaml:3",
        "mine.yaml:14",
        "mine.yaml:17",
    ]
    assert first.answers == ("yes",)
    assert first.relevant == {"deblur": 1, "denoise": 1}
    assert (second.relevant, second.evidence, second.paper_ids) == (
        {"denoise": 1},
        (),
        ("denoise",),
    )
    assert not third.answerable
    documents = {
        ("deblur", "summary"): "Blur is removed.",
        ("deblur", "pdf"): "The blur is\nremoved.",
        ("denoise", "pdf"): "Noise is added.",
        ("denoise", "readme"): "Noise is added",
    }
    resolved = resolve(dataset, documents)
    assert [
        (part.paper_id, part.document, part.start, part.end)
        for part in resolved.questions[0].evidence
    ] == [("deblur", "pdf", 4, 19), ("denoise", "readme", 0, 14)]
    assert resolved.problems == dataset.problems
    assert resolve(resolved, {}).questions[0].evidence == resolved.questions[0].evidence


def test_resolve_names_what_is_not_found(tmp_path: Path) -> None:
    path = own(tmp_path / "mine.yaml", OWN.format("[{paper_id: denoise}]"))
    dataset = load_dataset(path)
    documents = {
        ("deblur", "pdf"): "Fog.",
        ("deblur", "summary"): "Blur is removed. Noise is added.",
    }
    resolved = resolve(dataset, documents)
    first, second = resolved.questions[0].evidence
    assert (first.document, first.start) == ("summary", 0)
    assert not second.is_located  # it was to be in a README
    assert problems(resolved) == [  # in order of lines, one for each cause
        ("mine.yaml:3", "not-found"),
        ("mine.yaml:14", "left-out"),
        ("mine.yaml:14", "not-found"),
    ]
    assert "'denoise' has no text in the index" in resolved.problems[0].text
    with_text = {**documents, ("denoise", "pdf"): "Noise is added."}
    first_told = resolve(dataset, with_text).problems[0]
    assert first_told.text.endswith("does not stand in the readme of 'denoise'")


def test_a_paper_that_is_not_there_is_told_once(tmp_path: Path) -> None:
    text = """- question: One?
  answer: a
  papers: [gone]
  evidence: [Words., More words.]
- question: Two?
  evidence:
  - {paper_id: lost, text: Words.}
  - {paper_id: lost, text: More words.}
- question: Three?
  paper_id: deblur
  evidence: Nowhere.
"""
    path = own(tmp_path / "mine.yaml", text)
    dataset = load_dataset(path, corpus=tmp_path / "corpus")
    resolved = resolve(dataset, {("deblur", "pdf"): "Blur."})
    told = [str(one) for one in resolved.problems if one.effect == "not-found"]
    unlisted = "which is not in the corpus (not-found)"
    assert told == [
        f"mine.yaml:3: the question names the paper 'gone', {unlisted}",
        f"mine.yaml:7: evidence names the paper 'lost', {unlisted}",
        "mine.yaml:9: evidence 'Nowhere.' does not stand in 'deblur' (not-found)",
    ]
    lines = [problem.place.line for problem in resolved.problems]
    assert lines == sorted(lines)
    unknown = [span("Blur", paper_id="z"), span("model", paper_id="z")]
    texts = load_dataset(spans(tmp_path / "set", question(evidence=unknown)))
    assert problems(texts) == [("questions.jsonl:1", "not-found")]


# Three papers, of which one has the words in its PDF over two lines, and one in other signs.
MANY = {
    ("a", "pdf"): "We use p < 0.05\nthroughout. Adam it is.",
    ("a", "summary"): "We use p < 0.05 throughout.",
    ("b", "pdf"): "We use p > 0.05 throughout. Adam it is.",
    ("c", "readme"): "Adam it is. Only here.",
}


def paperless(tmp_path: Path, *rows: str, more: str = "") -> Dataset:
    """Return the smallest dataset of one's own, resolved: questions and quotes, no papers."""
    manifest = "schema: ragqa/manifest/1\npapers: [{id: a}, {id: b}, {id: c}]\n"
    (tmp_path / "manifest.yaml").write_text(manifest, encoding="utf-8")
    path = tmp_path / "mine.csv"
    header = f"question,evidence{more}\n"
    path.write_text(header + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    loaded = load_dataset(path)
    assert loaded.problems == ()  # nothing is missing: the papers follow from the evidence
    return resolve(loaded, MANY)


def located(dataset: Dataset, at: int = 0) -> list[tuple[Any, ...]]:
    """Return where the evidence of a question stands."""
    parts = dataset.questions[at].evidence
    return [(one.annotator, one.paper_id, one.document, one.start, one.end) for one in parts]


def test_evidence_without_a_paper_names_its_paper(tmp_path: Path) -> None:
    dataset = paperless(tmp_path, "Which?,Only here.", "How?,We use p < 0.05 throughout.")
    assert located(dataset) == [(0, "c", "readme", 12, 22)]
    assert dataset.questions[0].relevant == {"c": 1}
    # The words are in b but for a sign, and in a but for white space: a is meant, and its PDF.
    assert located(dataset, 1) == [(0, "a", "pdf", 0, 26)]
    assert dataset.questions[1].gold_papers == {"a"}
    assert dataset.problems == ()
    folded = paperless(tmp_path, "How?,only HERE")  # nowhere as it is written
    assert located(folded) == [(0, "c", "readme", 12, 21)]


def test_the_same_from_yaml_json_and_jsonl(tmp_path: Path) -> None:
    wanted = paperless(tmp_path, "Which?,Only here.").questions[0]
    records = [
        {"question": "Which?", "evidence": "Only here."},
        {"question": "Which?", "evidence": [{"text": "Only here."}]},
    ]
    text = json.dumps(records)
    for name in ("mine.yaml", "mine.json"):
        (tmp_path / name).write_text(text, encoding="utf-8")
    jsonl(tmp_path / "mine.jsonl", *records)
    for name in ("mine.yaml", "mine.json", "mine.jsonl"):
        for one in resolve(load_dataset(tmp_path / name), MANY).questions:
            assert (one.evidence, one.relevant) == (wanted.evidence, wanted.relevant)


def test_evidence_that_several_papers_hold_is_found_in_any(tmp_path: Path) -> None:
    dataset = paperless(tmp_path, "Which?,Adam it is.")
    places = [("a", "pdf", 28, 39), ("b", "pdf", 28, 39), ("c", "readme", 0, 11)]
    assert located(dataset) == [(at, *place) for at, place in enumerate(places)]
    item = dataset.questions[0]
    assert item.relevant == {"a": 1, "b": 1, "c": 1}
    assert problems(dataset) == [("mine.csv:2", "noted")]
    assert "stands in 3 papers ('a', 'b', 'c')" in dataset.problems[0].text
    for paper_id, document, start, end in places:  # one of them is all that can be asked for
        hit = Hit(paper_id=paper_id, score=1.0, start=start, end=end, document=document)
        assert max(found_by([hit], evidence) for evidence in by_annotator(item)) == 1


def test_alternatives_of_two_quotes_are_combined(tmp_path: Path) -> None:
    texts = {("a", "pdf"): "One. Two.", ("b", "pdf"): "One. Two. Three."}
    record = {"question": "Which?", "evidence": ["One.", "Two.", "Three."]}
    paperless(tmp_path, "Which?,Adam it is.")
    jsonl(tmp_path / "mine.jsonl", record)
    parts = resolve(load_dataset(tmp_path / "mine.jsonl"), texts).questions[0].evidence
    by_reading = ["".join(p.paper_id for p in parts if p.annotator == n) for n in range(4)]
    assert by_reading == ["aab", "abb", "bab", "bbb"]
    assert all(part.is_located for part in parts)
    # With many, not every combination is one, but every place is in one.
    texts = {(f"p{n}", "pdf"): "One. Two. Three." for n in range(20)}
    parts = resolve(load_dataset(tmp_path / "mine.jsonl"), texts).questions[0].evidence
    assert len({part.annotator for part in parts}) == 20
    assert {(part.paper_id, part.text) for part in parts} == {
        (paper_id, words) for paper_id, _ in texts for words in record["evidence"]
    }


def test_evidence_without_a_paper_that_is_nowhere(tmp_path: Path) -> None:
    dataset = paperless(
        tmp_path, "Which?,Grass.,", "Which?,Only here.,a", "Which?,Adam it is.,b", more=",only"
    )
    assert [part.is_located for item in dataset.questions for part in item.evidence] == [
        False,
        False,
        True,
    ]
    assert [str(problem) for problem in dataset.problems] == [
        "mine.csv:2: evidence 'Grass.' is in none of the papers (not-found)",
        "mine.csv:3: evidence 'Only here.' is in none of the papers that it is asked of "
        "(not-found)",
    ]
    assert dataset.questions[0].relevant == {}
    assert dataset.questions[2].relevant == {"b": 1}  # of those that it is asked of, the only one


def test_resolve_looks_in_the_other_papers_of_the_question(tmp_path: Path) -> None:
    text = "- {question: Q?, papers: [deblur, denoise], evidence: [Noise is added.]}"
    path = own(tmp_path / "mine.yml", text)
    dataset = load_dataset(path, corpus=tmp_path / "corpus")
    documents = {("deblur", "pdf"): "Blur.", ("denoise", "pdf"): "Noise is added."}
    (part,) = resolve(dataset, documents).questions[0].evidence
    assert (part.paper_id, part.start) == ("denoise", 0)


def test_a_dataset_with_texts_needs_no_resolving(tmp_path: Path) -> None:
    dataset = load_dataset(spans(tmp_path, question(evidence=[span("Blur")])))
    assert resolve(dataset, {}) is dataset


RECORDS = [
    {"question": "What, exactly, is removed?", "id": "blur", "answer": "blur\nof motion"},
    {"question": "What is added?", "paper_id": "denoise", "evidence": 'the "noise"'},
    {"question": "Who won?", "answerable": "false"},
]


def test_own_reads_the_same_from_json_jsonl_and_csv(tmp_path: Path) -> None:
    folder = corpus(tmp_path)
    jsonl(folder / "a.jsonl", *RECORDS)
    (folder / "b.json").write_text(json.dumps(RECORDS), encoding="utf-8")
    columns = ["id", "question", "answer", "paper_id", "evidence", "answerable"]
    for name, separator in (("c", ","), ("d", ";")):
        written = io.StringIO()
        writer = csv.DictWriter(written, columns, delimiter=separator)
        writer.writeheader()
        writer.writerows(RECORDS)
        (folder / f"{name}.csv").write_text(written.getvalue(), encoding="utf-8", newline="")
    read = [load_dataset(folder / name) for name in ("a.jsonl", "b.json", "c.csv", "d.csv")]
    for dataset in read:
        assert dataset.corpus == folder
        first, second, third = dataset.questions
        assert (first.question_id, first.answers) == ("blur", ("blur\nof motion",))
        assert (second.relevant, second.evidence[0].text) == ({"denoise": 1}, 'the "noise"')
        assert not third.answerable
    lines = [[item.place.line for item in dataset.questions] for dataset in read]
    assert lines == [[1, 2, 3], [1, 2, 3], [2, 4, 5], [2, 4, 5]]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(
        st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('",;\n\r\u2028\x0b')),
        min_size=1,
        max_size=4,
    )
)
def test_what_a_csv_holds_is_read_back(tmp_path: Path, texts: list[str]) -> None:
    texts = [f"x{text}" for text in texts]
    written = io.StringIO(newline="")
    csv.writer(written).writerows([["question", "answer"], *([text, text] for text in texts)])
    path = corpus(tmp_path) / "q.csv"
    path.write_text(written.getvalue(), encoding="utf-8", newline="")
    dataset = load_dataset(path)
    assert [item.text for item in dataset.questions] == texts
    assert [item.answers for item in dataset.questions] == [(text,) for text in texts]


def test_an_answer_may_be_a_number_or_a_truth_value(tmp_path: Path) -> None:
    folder = corpus(tmp_path)
    written = ["42", "1.50", "1e5", "-3", "true", "false"]
    read = ("42", "1.50", "1e5", "-3", "Yes", "No")
    lines = [f'{{"question": "Q?", "answer": {one}}}' for one in written]
    jsonl(folder / "a.jsonl", *lines)
    (folder / "b.json").write_text(f"[{', '.join(lines)}]", encoding="utf-8")
    yaml = "".join(f"- {{question: Q?, answer: {one}}}\n" for one in written)
    (folder / "c.yaml").write_text(yaml, encoding="utf-8")
    rows = "".join(f"Q?,{one}\n" for one in [*written[:4], "TRUE", "False"])
    (folder / "d.csv").write_text(f"question,answer\n{rows}", encoding="utf-8")
    for name in ("a.jsonl", "b.json", "c.yaml", "d.csv"):
        answers = [item.answers for item in load_dataset(folder / name).questions]
        assert answers == [(one,) for one in read], name
    quoted = '[{question: true, answer: ["true", 7]}, {question: Q?, answer: yes}]'
    (folder / "c.yaml").write_text(quoted, encoding="utf-8")
    first, second = load_dataset(folder / "c.yaml").questions
    assert (first.text, type(first.text), first.answers) == ("true", str, ("true", "7"))
    assert second.answers == ("yes",)
    jsonl(folder / "a.jsonl", '{"question": "Q?", "answer": NaN}')
    (mistake,) = refused(folder / "a.jsonl")
    assert mistake.startswith("a.jsonl:1: 'answer' is the number nan")


def test_answers_of_the_other_formats_may_be_numbers(tmp_path: Path) -> None:
    dataset = load_dataset(spans(tmp_path / "s", question(answers=[5, 0.5, True])))
    assert dataset.questions[0].answers == ("5", "0.5", "Yes")
    jsonl(tmp_path / "l" / "papers.jsonl", *LIT_PAPERS)
    jsonl(tmp_path / "l" / "litqa.jsonl", litqa(ideal=5, distractors=[6, 7.5]))
    (item,) = load_dataset(tmp_path / "l").questions
    assert (item.answers, sorted(item.choices)) == (("5",), ["5", "6", "7.5"])


@pytest.mark.parametrize("written", ["0", '"0"', "false", '"No"'])
def test_answerable_may_be_written_as_a_number(tmp_path: Path, written: str) -> None:
    folder = corpus(tmp_path)
    jsonl(folder / "a.jsonl", f'{{"question": "Q?", "answerable": {written}}}')
    assert not load_dataset(folder / "a.jsonl").questions[0].answerable
    (folder / "b.csv").write_text("question,answerable\nQ?,0\nR?,1\n", encoding="utf-8")
    flags = [item.answerable for item in load_dataset(folder / "b.csv").questions]
    assert flags == [False, True]
    jsonl(folder / "a.jsonl", '{"question": "Q?", "answerable": 2}')
    (mistake,) = refused(folder / "a.jsonl")
    assert mistake.startswith("a.jsonl:1: 'answerable' is the number 2; it must be true or false")


def test_litqa_beside_a_corpus_knows_papers_by_their_links(tmp_path: Path) -> None:
    folder = corpus(tmp_path / "set")
    jsonl(folder / "litqa.jsonl", litqa(sources=["10.1234/abc", "denoise"]))
    dataset = load_dataset(folder)
    assert (dataset.format, dataset.corpus, dataset.problems) == ("litqa", folder, ())
    assert dataset.questions[0].relevant == {"deblur": 1, "denoise": 1}
    documents = {("denoise", "pdf"): TEXT, ("deblur", "pdf"): "x"}
    (part,) = resolve(dataset, documents).questions[0].evidence
    assert (part.paper_id, part.document, TEXT[part.start : part.end]) == (
        "denoise",
        "pdf",
        "We ﬁnd 5 kernels",
    )


def test_own_finds_its_corpus_and_its_file(tmp_path: Path) -> None:
    folder = corpus(tmp_path / "set")
    jsonl(folder / "questions.jsonl", *RECORDS)
    assert load_dataset(folder).corpus == folder
    moved = tmp_path / "q.jsonl"
    jsonl(moved, *RECORDS)
    (mistake,) = refused(moved)
    assert "names no corpus: give one with --corpus (corpus= in Python)" in mistake
    assert load_dataset(moved, corpus=folder).corpus == folder
    with pytest.raises(CorpusError):
        load_dataset(moved, corpus=tmp_path)
    one = load_dataset(moved, corpus=folder).sha256
    manifest = folder / "manifest.yaml"
    manifest.write_text(MANIFEST + "- id: third\n", encoding="utf-8")
    assert load_dataset(moved, corpus=folder).sha256 == one  # other papers, the same questions


def test_own_names_each_mistake_by_line(tmp_path: Path) -> None:
    text = """- question: One?
  papers: [gone]
  evidence: Words.
  answr: x
- question: Two?
  evidence:
  - Words of nobody.
- question: Three?
  answer: a
  answers: b
- question: Four?
  only: nowhere
- question: Five?
  paper_id: deblur
  evidence:
  - document: pdf
  - paper_id: deblur
    text: "..."
  - paper_id: deblur
    text: x
    document: pfd
- question: Six?
  answerable: perhaps
- just text
- question: Seven?
  question: Eight?
- question: ''
- id: q1
  question: Nine?
"""
    path = own(tmp_path / "mine.yaml", text)
    said = refused(path, corpus=tmp_path / "corpus")
    assert [mistake.split(": ")[0] for mistake in said] == [
        f"mine.yaml:{line}" for line in (4, 9, 11, 16, 18, 21, 23, 24, 26, 27, 28)
    ]
    assert said[0] == "mine.yaml:4: unknown key 'answr'; did you mean 'answer'?"
    assert "did you mean 'pdf'?" in said[5]
    assert "already used at mine.yaml:1" in said[-1]

    path.write_text("\n".join(text.splitlines()[:3]), encoding="utf-8")
    dataset = load_dataset(path, corpus=tmp_path / "corpus")
    assert problems(dataset) == [("mine.yaml:2", "not-found")]


def test_a_misspelt_column_is_told_once(tmp_path: Path) -> None:
    path = corpus(tmp_path) / "typo.csv"
    rows = "".join(f"What is {n}?,deblur,Blur.,x\n" for n in range(3))
    path.write_text(f"qestion,paper_id,evidense,notes\n{rows},deblur,Blur.,x\n", encoding="utf-8")
    assert refused(path) == (
        "typo.csv:1: unknown column 'qestion'; did you mean 'question'?",
        "typo.csv:1: unknown column 'evidense'; did you mean 'evidence'?",
        "typo.csv:5: 'question' is missing; it must be text",  # which is a mistake of its own
    )
    path.write_text(f"question,paper_id,evidence,question_type\n{rows}", encoding="utf-8")
    dataset = load_dataset(path)
    assert problems(dataset) == [("typo.csv:1", "noted")]
    assert dataset.problems[0].text.startswith("unknown column 'question_type'; known are id,")


@pytest.mark.parametrize("suffix", ["json", "jsonl", "yaml"])
def test_unknown_keys_are_told_once_each(tmp_path: Path, suffix: str) -> None:
    records = [{"question": f"{n}?", "only": "deblur", "page": n, "source": "x"} for n in range(3)]
    records[1]["evidense"] = records[2]["evidense"] = [{"paper_id": "deblur"}]
    path = corpus(tmp_path) / f"q.{suffix}"

    def write() -> None:
        lines = [json.dumps(record) for record in records]
        whole = f"[{(',' + chr(10)).join(lines)}]"
        text = "\n".join(lines) if suffix == "jsonl" else whole
        path.write_text(text, encoding="utf-8")

    write()
    said = f"q.{suffix}:2: unknown key 'evidense', in 2 places; did you mean 'evidence'?"
    assert refused(path) == (said,)
    for record in records:
        record.pop("evidense", None)
    write()
    dataset = load_dataset(path)
    told = [str(p) for p in dataset.problems if p.effect == "noted"]
    assert len(told) == 2
    assert told[0].startswith(f"q.{suffix}:1: unknown key 'page', in 3 places; known are id,")
    assert told[1].startswith(f"q.{suffix}:1: unknown key 'source', in 3 places; known are id,")


def test_a_near_miss_is_no_label(tmp_path: Path) -> None:
    one = question(evidense=[span("Blur")], level=2)
    assert refused(spans(tmp_path, one)) == (
        "questions.jsonl:1: unknown key 'evidense'; did you mean 'evidence'?",
    )


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.yaml", "- question: [\n", "a.yaml:2: not valid YAML"),
        ("b.yaml", "", "b.yaml:1: this is nothing"),
        ("c.yaml", "- &a {question: x?}\n- *a\n", "c.yaml:1: an alias"),
        ("d.yaml", "questions: x\n", "d.yaml:1: 'questions' is the text 'x'"),
        ("e.csv", "question,id\nWhat?\n", "e.csv:2: the row has 1 cells; the header has 2"),
        ("f.csv", 'question\n"What?" x\n', "f.csv:2: not valid CSV"),
        ("g.csv", "question,question\nWhat?,Who?\n", "g.csv:1: the column 'question'"),
        ("h.json", "7", "h.json:1: this is the number 7"),
        ("i.jsonl", "[]", "i.jsonl:1: this is a list"),
        ("j.csv", "id\nx\n", "j.csv:1: the column 'question' is missing; there are: 'id'"),
        ("l.yaml", "- question: x\n- question: a\x07b\n", "l.yaml:2: not valid YAML"),
        ("m.yaml", "[" * 600, "m.yaml:1: not valid YAML"),
        ("n.json", '[{"question": "x?"}, 7]', "n.json:2: this is the number 7"),
        ("o.json", '[{"question": "x?"}, {"question": "", "id": 2}]', "o.json:2: the question is"),
        ("p.jsonl", '{"question": "x?", "answer": " "}', "p.jsonl:1: an answer is empty"),
        ("k.yaml", "[]", "k.yaml:1: the dataset is empty: it has no questions"),
    ],
)
def test_files_that_hold_no_questions(tmp_path: Path, name: str, text: str, said: str) -> None:
    mistakes = refused(own(tmp_path / name, text), corpus=tmp_path / "corpus")
    assert any(mistake.startswith(said) for mistake in mistakes), mistakes


# --- the development sets ------------------------------------------------------------------------

shared = pytest.mark.skipif(not DATA.is_dir(), reason="the development data is not here")


@shared
@pytest.mark.parametrize(
    ("name", "questions", "papers", "evidence"),
    [("scifact", 809, 5183, 0), ("covidqa", 507, 40, 507), ("evidence-inference", 145, 60, 219)],
)
def test_the_development_sets_have_no_problems(
    name: str, questions: int, papers: int, evidence: int
) -> None:
    dataset = load_dataset(DATA / name)
    assert (len(dataset.questions), len(dataset.papers)) == (questions, papers)
    assert dataset.problems == ()
    texts = {paper.paper_id: paper.text for paper in dataset.papers}
    located = [part for item in dataset.questions for part in item.evidence]
    assert len(located) == evidence
    assert all(texts[part.paper_id][part.start : part.end] == part.text for part in located)


@shared
def test_the_pdf_set_is_read_beside_a_corpus(tmp_path: Path) -> None:
    path = DATA / "uda" / "questions.jsonl"
    named = {json.loads(line)["paper_id"] for line in path.read_text("utf-8").splitlines()}
    papers = "".join(f"- id: '{paper_id}'\n" for paper_id in sorted(named))
    manifest = f"schema: ragqa/manifest/1\npapers:\n{papers}"
    (tmp_path / "manifest.yaml").write_text(manifest, encoding="utf-8")
    dataset = load_dataset(DATA / "uda", corpus=tmp_path)
    assert len(dataset.questions) == 13
    assert [problem.effect for problem in dataset.problems] == ["left-out"] * 11
    assert all(item.relevant for item in dataset.questions)
