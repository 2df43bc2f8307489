"""`ragqa.batch`: one list of many cards' papers, each answer from its own, resumed not repeated."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cards import card_text, write_cards
from corpora import CountingEmbedder
from doubles import WordReranker

from ragqa.api import Corpus, Reader
from ragqa.batch import BatchOptions, BatchProgress, BatchReport, answer_cards, cards_in
from ragqa.batch.union import unite
from ragqa.errors import CardError, CorpusError
from ragqa.fetch import FetchOptions
from ragqa.records import Paper

OFFLINE = BatchOptions(fetch=FetchOptions(offline=True), jobs=1)


@pytest.fixture
def embedder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CountingEmbedder:
    """Put a counting embedder in the place of every model, in an empty folder."""
    counting = CountingEmbedder()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ragqa.embed.load_embedder", lambda name, **_: counting)
    return counting


def run(cards: Sequence[str | Path], **options: Any) -> BatchReport:
    return answer_cards(cards, "out", options=replace(OFFLINE, **options))


def card(name: str, papers: Sequence[int], question: str = "How do whales sing?") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(card_text(question, papers), encoding="utf-8")
    return path


def output(folder: str = "out") -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in Path(folder).iterdir() if p.name[0] != "."}


def cited(name: str) -> set[str]:
    value = json.loads(Path("out", f"{name}.json").read_text(encoding="utf-8"))
    statements = [s for section in value["sections"] for s in section["statements"]]
    citations = [c for s in statements for c in s["citations"]] + value["nearest"]
    return {citation["paper_id"] for citation in citations}


def sources(name: str) -> set[str]:
    value = json.loads(Path("out", f"{name}.json").read_text(encoding="utf-8"))
    return {source["title"] for source in value["sources"]}


# ---- one list


def paper(title: str, url: str | None = None, **fields: Any) -> Paper:
    return Paper(paper_id=fields.pop("paper_id", "x"), title=title, url=url, **fields)


def test_a_paper_of_two_cards_is_listed_once_and_shown_as_each_card_has_it() -> None:
    one = paper("Whales", "http://www.h.org/w.pdf", summary="They sing.")
    two = paper("About whales", "https://h.org/w.pdf/", summary="They do sing.", role="model")
    union = unite([[one], [two, paper("Other", "https://h.org/o.pdf")]])
    assert [p.paper_id for p in union.papers] == ["whales", "other"]
    assert (union.papers[0].title, union.papers[0].summary) == ("Whales", "They sing.")
    first, second = union.views
    assert first.papers == (replace(one, paper_id="whales"),)
    assert second.papers[0] == replace(two, paper_id="whales")
    assert not first.notes
    assert ["summary" in note for note in second.notes] == [True]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (paper("T", "https://h.org/1.pdf"), paper("T", "https://h.org/2.pdf")),
        (paper("T", "https://arxiv.org/abs/2502.16025v1"), paper("T", "https://arxiv.org/abs/2502.16025v2")),
        (paper("T", "https://h.org/1.pdf"), paper("T")),
        (paper("T", "https://h.org/1.pdf", github="https://github.com/o/a"),
         paper("T", "https://h.org/1.pdf", github="https://github.com/o/b")),
        (paper("T", github="https://github.com/o/a"), paper("T")),
    ],
)  # fmt: skip
def test_what_may_be_two_papers_stays_two(one: Paper, two: Paper) -> None:
    union = unite([[one], [two]])
    assert len(union.papers) == 2
    assert len({p.paper_id for p in union.papers}) == 2


def test_ids_stay_when_cards_come_and_go_or_change_places() -> None:
    one, two = paper("T", "https://h.org/1.pdf"), paper("T", "https://h.org/2.pdf")
    before = unite([[one], [two]]).papers
    ids = {p.url: p.paper_id for p in before}
    new = paper("T", "https://h.org/3.pdf")
    after = unite([[new], [two], [one]], before=before).papers
    assert {p.url: p.paper_id for p in after}.items() >= ids.items()
    assert len({p.paper_id for p in after}) == 3


def test_a_text_that_only_another_card_lists_is_said() -> None:
    one = paper("T", "https://h.org/1.pdf")
    two = replace(one, github="https://github.com/o/r", summary="S.")
    union = unite([[one], [two]])
    assert (union.papers[0].github, union.papers[0].summary) == (two.github, "S.")
    assert len(union.views[0].notes) == 2
    assert union.views[0].papers[0].links == ("https://h.org/1.pdf",)


# ---- a batch


def test_shared_papers_are_embedded_once(embedder: CountingEmbedder) -> None:
    cards = write_cards(Path("cards"), 12, papers=6)
    report = run(cards)
    chunks = embedder.taken()
    assert len(chunks) == len(set(chunks)) == 6  # a summary each, a chunk each
    assert len(report.rows) == 12
    assert {row.status for row in report.rows} <= {"answered", "abstained"}
    assert len([p for p in Corpus.open("corpus/out").papers if p.summary]) == 6


def test_each_card_is_answered_from_its_own_papers(embedder: CountingEmbedder) -> None:
    cards = [card("a.txt", [1]), card("b.txt", [9]), card("c.txt", [1, 9])]  # whales, all of them
    report = run(cards)
    ids = {p.title: p.paper_id for p in Corpus.open("corpus/out").papers}
    one, nine = ids["Paper 1 on whales"], ids["Paper 9 on whales"]
    assert cited("a") == {one}
    assert cited("b") == {nine}
    assert cited("c") == {one, nine}
    assert sources("a") == {"Model 1", "Paper 1 on whales"}
    assert [row.sources for row in report.rows] == [
        {"no-text": 1, "summary-only": 1},
        {"no-text": 1, "summary-only": 1},
        {"no-text": 1, "summary-only": 2},
    ]
    assert [m.kind for m in report.rows[0].missing] == ["readme", "pdf"]


def test_the_summary_is_the_report(embedder: CountingEmbedder) -> None:
    Path("bad|card.txt").write_text("no question here", encoding="utf-8")
    report = run([card("a.txt", [1]), "bad|card.txt", "none.txt"])
    value = json.loads(Path("out/summary.json").read_text(encoding="utf-8"))
    assert value == json.loads(json.dumps(report.to_dict()))
    assert value["schema"] == "ragqa/batch/1"
    assert value["counts"]["failed"] == 2
    assert [(row["name"], row["status"] == "failed") for row in value["rows"]] == [
        ("a", False), ("bad|card", True), ("none", True)
    ]  # fmt: skip
    assert "cannot be read" in value["rows"][2]["detail"]
    table = Path("out/summary.md").read_text(encoding="utf-8")
    assert table == report.to_markdown()
    assert "[a](a.md)" in table
    assert r"bad\|card" in table
    assert not Path("out/none.json").exists()


def test_all_cards_bad(embedder: CountingEmbedder) -> None:
    assert run(["none.txt"]).counts == {"failed": 1}
    assert not Path("corpus").exists()


def test_a_bug_met_by_one_card_stops_no_other(
    embedder: CountingEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Reader.answer_card

    def answer(self: Reader, one: Any, **options: Any) -> Any:
        if "boom" in one.question:
            raise ZeroDivisionError("of a kind")
        return real(self, one, **options)

    monkeypatch.setattr(Reader, "answer_card", answer)
    report = run([card("a.txt", [1], "boom?"), card("b.txt", [1])])
    assert report.rows[0].detail == "ZeroDivisionError: of a kind"
    assert report.rows[1].status != "failed"


# ---- again


def answered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Count the questions that are really answered."""
    asked: list[str] = []
    real = Reader.answer_card

    def answer(self: Reader, one: Any, **options: Any) -> Any:
        asked.append(one.question)
        return real(self, one, **options)

    monkeypatch.setattr(Reader, "answer_card", answer)
    return asked


def test_what_is_answered_is_not_answered_again(
    embedder: CountingEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answered(monkeypatch)
    cards = write_cards(Path("cards"), 4, papers=6)
    assert run(cards).reused == 0
    before = output()
    embedder.taken()
    assert run(cards).reused == 4
    assert (len(asked), embedder.taken(), output()) == (4, [], before)


def test_html_is_one_more_file_that_is_made_once(
    embedder: CountingEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answered(monkeypatch)
    cards = [card("a.txt", [1]), card("b.txt", [2])]
    run(cards)
    assert not [name for name in output() if name.endswith(".html")]
    report = run(cards, html=True)
    assert report.reused == 0
    assert {name for name in output() if name.endswith(".html")} == {"a.html", "b.html"}
    assert output()["a.html"].startswith(b"<!DOCTYPE html>")
    assert run(cards, html=True).reused == run(cards).reused == 2
    Path("out/a.html").unlink()
    assert run(cards, html=True).reused == 1
    assert len(asked) == 5


@pytest.mark.parametrize("what", ["card", "json", "md", "gone", "version", "summary"])
def test_what_is_not_the_same_is_answered_again(
    embedder: CountingEmbedder, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    cards = write_cards(Path("cards"), 3, papers=6)
    run(cards)
    before = output()
    asked = answered(monkeypatch)
    if what == "card":
        cards[1].write_text(cards[1].read_text(encoding="utf-8") + "\n", encoding="utf-8")
    elif what == "json":
        Path("out/card-001.json").write_text("{}", encoding="utf-8")
    elif what == "md":
        Path("out/card-001.md").write_text("half", encoding="utf-8")
    elif what == "gone":
        Path("out/card-001.md").unlink()
    elif what == "summary":
        Path("out/summary.json").write_text('{"rows": 7', encoding="utf-8")
    else:
        monkeypatch.setattr("ragqa.batch.run.version", lambda name: "9.9")
    run(cards)
    assert len(asked) == (3 if what in {"version", "summary"} else 1)
    after = output()
    if what not in {"card", "version"}:
        assert after == before


def test_another_reranker_answers_again(
    embedder: CountingEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []

    def load(name: str, **_: object) -> WordReranker:
        loaded.append(name)
        return WordReranker(name)

    monkeypatch.setattr("ragqa.rerank.load.load_reranker", load)
    asked = answered(monkeypatch)
    cards = [card("a.txt", [1]), card("b.txt", [2])]
    assert {row.reranker for row in run(cards).rows} == {""}
    assert run(cards, reranker="none").reused == 2
    report = run(cards, reranker="whales")
    assert (report.reused, {row.reranker for row in report.rows}) == (0, {"word-whales-48"})
    assert run(cards, reranker="whales").reused == 2
    assert run(cards, reranker="songs").reused == 0
    assert run(cards).reused == 0
    assert len(asked) == 8
    assert loaded == ["whales", "whales", "songs"]


def test_another_index_answers_again(
    embedder: CountingEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards = write_cards(Path("cards"), 3, papers=6)
    run(cards)
    asked = answered(monkeypatch)
    run([*cards, card("new.txt", [40])])
    assert len(asked) == 4  # the index holds more now


def test_an_index_made_anew_with_the_same_number_is_another(
    embedder: CountingEmbedder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import shutil

    cards = [card("a.txt", [1])]
    run(cards)
    readme = Path("corpus/out/readme/model-1.md")
    readme.parent.mkdir(exist_ok=True)
    readme.write_text("# Model 1\n\nIt sings like whales do.\n", encoding="utf-8")
    shutil.rmtree("indexes/out")
    asked = answered(monkeypatch)
    (row,) = run(cards).rows
    assert row.index.startswith("1-")
    assert len(asked) == 1


# ---- what a person made stays


def test_a_corpus_made_by_hand_is_not_overwritten(embedder: CountingEmbedder) -> None:
    Corpus.init("corpus/out")
    report = run([card("a.txt", [1])])
    assert report.counts == {"failed": 1}
    assert "by hand" in report.rows[0].detail
    assert Corpus.open("corpus/out").papers == ()


def test_an_edited_corpus_is_not_overwritten(embedder: CountingEmbedder) -> None:
    run([card("a.txt", [1])])
    Corpus.open("corpus/out").add(Paper(paper_id="mine", title="Mine"))
    assert run(["a.txt"]).counts == {"failed": 1}
    assert "mine" in {p.paper_id for p in Corpus.open("corpus/out").papers}


def test_a_card_beside_a_manifest_keeps_its_corpus(embedder: CountingEmbedder) -> None:
    own, _ = Corpus.from_card(card("x.txt", [1]), "corpus/own")
    assert own.papers
    report = run(["corpus/own/card.txt", card("b.txt", [9])])
    assert [row.name for row in report.rows] == ["own", "b"]
    assert Path("indexes/own/CURRENT").is_file()
    assert {p.title for p in Corpus.open("corpus/out").papers} == {"Model 9", "Paper 9 on whales"}
    assert run(["corpus/own/card.txt", "b.txt"]).reused == 2


def test_names_are_unique_and_not_the_summarys(embedder: CountingEmbedder) -> None:
    cards = [card("x/a.txt", [1]), card("y/a.txt", [9]), card("summary.txt", [1])]
    assert [row.name for row in run(cards).rows] == ["a", "a-2", "summary-2"]


def test_two_runs_exclude_each_other(embedder: CountingEmbedder) -> None:
    tried: list[str] = []

    def again(progress: BatchProgress) -> None:
        if not tried:
            with pytest.raises(CorpusError, match="another run") as caught:
                run(["a.txt"])
            tried.append(str(caught.value))

    answer_cards([card("a.txt", [1])], "out", options=OFFLINE, on_progress=again)
    assert tried


def test_answers_that_cannot_be_written(embedder: CountingEmbedder) -> None:
    Path("out").write_text("in the way", encoding="utf-8")
    with pytest.raises(CorpusError, match="cannot be written"):
        run([card("a.txt", [1])])


def test_progress_tells_each_stage_to_its_end(embedder: CountingEmbedder) -> None:
    told: list[BatchProgress] = []
    answer_cards(
        write_cards(Path("cards"), 3, papers=6), "out", options=OFFLINE, on_progress=told.append
    )
    for stage in ("fetch", "build", "answer"):
        steps = [p for p in told if p.stage == stage]
        assert steps[-1].done == steps[-1].total
        assert [p.done for p in steps] == sorted(p.done for p in steps)


def test_a_folder_stands_for_its_cards(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "README.md"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    assert [p.name for p in cards_in([tmp_path, tmp_path / "a.txt"])] == ["a.txt", "b.txt"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(CardError, match="holds no card"):
        cards_in([tmp_path / "empty"])


def test_readers_are_closed(embedder: CountingEmbedder, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[int] = []
    real = Reader.close
    monkeypatch.setattr(Reader, "close", lambda self: (closed.append(1), real(self))[1])
    run([card("a.txt", [1])])
    assert closed
