"""The card that this project was made for, answered with the packaged model.

The summaries are on the card itself; the README of the recommended model comes from a mirror that
is no part of the project, so tests that need it are skipped where it is absent.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from corpora import assert_grounded

from ragqa.api import Corpus, Index, Reader
from ragqa.card import read_card
from ragqa.chunk.sentences import split_sentences
from ragqa.fetch import FetchOptions
from ragqa.index.generation import open_generation
from ragqa.parse import parse_readme
from ragqa.records import Answer, LineLocator, Section

pytestmark = pytest.mark.model

ROOT = Path(__file__).parents[1]
CARD = ROOT / "corpus" / "upscaling" / "card.txt"
MIRROR = ROOT.parent / "shared" / "data" / "seed" / "mirror"
UNLISTED = MIRROR / "raw.githubusercontent.com" / "NVlabs" / "FeatSharp" / "HEAD" / "README.md"
README = MIRROR / "raw.githubusercontent.com" / "kky7" / "MSSNet" / "HEAD" / "README.md"
MODEL = "deblur-mssnet-l-gopro"
LISTED = {
    "https://cg.postech.ac.kr/Research/MSSNet/MSSNet.pdf",
    "https://github.com/kky7/MSSNet",
    "http://arxiv.org/pdf/2502.16025v1.pdf",
    "http://arxiv.org/pdf/2502.17093v1.pdf",
    "http://arxiv.org/pdf/2308.15462v1.pdf",
}
LINK = re.compile(r"(?:https?|ftp)\\?://[^\s<>\"()\[\]]+|www\\?\.[^\s<>\"()\[\]]+", re.IGNORECASE)
needs_mirror = pytest.mark.skipif(not README.is_file(), reason="the mirror is not there")


@dataclass(frozen=True)
class Answered:
    """An answer with all that it can be checked against."""

    answer: Answer
    index: Path
    markdown: str
    value: dict[str, Any]

    def section(self, kind: str) -> Section:
        """Return the section of a kind."""
        (found,) = (section for section in self.answer.sections if section.kind == kind)
        return found


def answered(folder: Path, mirror: Path | None) -> Answered:
    corpus, _ = Corpus.from_card(CARD, folder / "corpus" / "upscaling")
    corpus.fetch(FetchOptions(mirror=mirror, offline=True))
    index = folder / "indexes" / "upscaling"
    Index.build(corpus, index, jobs=1)
    reader = Reader.open(index)
    answer = reader.answer_card(read_card(CARD))
    reader.close()
    return Answered(answer, index, answer.to_markdown(), answer.to_dict())


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answered]:
    """The card with nothing but what stands on it."""
    folder = tmp_path_factory.mktemp("alone")
    yield answered(folder, None)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answered]:
    """The card with the README of the recommended model."""
    folder = tmp_path_factory.mktemp("mirrored")
    yield answered(folder, MIRROR)
    shutil.rmtree(folder)


@pytest.fixture(params=["alone", pytest.param("mirrored", marks=needs_mirror)])
def either(request: pytest.FixtureRequest) -> Answered:
    """Return each of the two."""
    found: Answered = request.getfixturevalue(request.param)
    return found


def test_three_sections_each_statement_cited_and_true(either: Answered) -> None:
    assert [section.kind for section in either.answer.sections] == ["task", "workflow", "papers"]
    assert not either.answer.abstained
    assert_grounded(either.answer, either.index)
    assert len(either.answer.statements) >= 4
    for section in either.answer.sections:
        assert section.statements or section.notices


def test_every_listed_paper_is_named_with_its_links(either: Answered) -> None:
    sources = {source.paper_id: source for source in either.answer.sources}
    assert {link for source in sources.values() for link in source.links} == LISTED
    for source in sources.values():
        assert source.title in either.markdown.replace("\\", "")
        assert all(f"<{link}>" in either.markdown for link in source.links)
    papers = either.section("papers")
    said = [item.paper_id for item in (*papers.statements, *papers.notices)]
    assert sorted(said) == sorted(sources)


def test_no_link_that_the_card_does_not_list(either: Answered) -> None:
    assert set(LINK.findall(either.markdown)) <= LISTED
    assert set(LINK.findall(json.dumps(either.value))) <= LISTED
    assert "drive.google" not in either.markdown  # it stands in a summary, and is no listed link


def test_the_task_is_the_user_s_own(either: Answered) -> None:
    task = either.section("task")
    assert any(re.search(r"resol|upsampl|detail", statement.text) for statement in task.statements)


def test_no_text_of_the_model_is_said_so(alone: Answered) -> None:
    codes = {notice.code for notice in alone.section("task").notices}
    assert codes == {"fit-not-established"}
    workflow = alone.section("workflow")
    assert workflow.statements == ()
    assert {(n.paper_id, n.code) for n in workflow.notices} == {(MODEL, "no-text")}
    states = {source.paper_id: source.state for source in alone.answer.sources}
    assert states.pop(MODEL) == "no-text"
    assert set(states.values()) == {"summary-only"}


@needs_mirror
def test_the_recommended_model_is_named_as_made_for_another_task(mirrored: Answered) -> None:
    task = mirrored.section("task")
    (said,) = (notice for notice in task.notices if notice.paper_id == MODEL)
    assert said.code == "other-task"
    assert "image deblurring" in said.text
    assert "super-resolution" in said.text
    quoted = [c for s in task.statements for c in s.citations if c.paper_id == MODEL]
    assert any("blur" in citation.quote.lower() for citation in quoted)


@needs_mirror
def test_the_readme_is_cited_by_line(mirrored: Answered) -> None:
    lines = README.read_text(encoding="utf-8").splitlines()
    cited = [c for c in mirrored.answer.citations if c.document == "readme"]
    assert cited
    for citation in cited:
        assert (citation.paper_id, citation.url) == (MODEL, "https://github.com/kky7/MSSNet")
        (locator,) = citation.locators
        assert isinstance(locator, LineLocator)
        said = "\n".join(lines[locator.line_start - 1 : locator.line_end])
        for word in re.findall(r"\w+", citation.quote):
            assert word in said
        assert re.search(rf"README, lines? {locator.line_start}\b", mirrored.markdown)


@needs_mirror
def test_nothing_of_the_unlisted_file_is_used(mirrored: Answered) -> None:
    unlisted = parse_readme(UNLISTED, paper_id="unlisted")
    with open_generation(mirrored.index) as generation:
        store = generation.store
        held = [store.document(paper_id, kind) for paper_id, kind in store.keys()]
        indexed = " ".join(" ".join(document.text.split()) for document in held)
    assert {document.sha256 for document in held}.isdisjoint({unlisted.sha256})
    shown = " ".join((mirrored.markdown.replace("\\", "") + json.dumps(mirrored.value)).split())
    spans = split_sentences(unlisted, 0, len(unlisted.text))
    sentences = {" ".join(unlisted.text[span.start : span.end].split()) for span in spans}
    card = " ".join(CARD.read_text(encoding="utf-8").split())
    own = {s for s in sentences if len(s.split()) >= 4 and s not in card}
    assert len(own) >= 5
    for sentence in own:
        assert sentence not in shown
        assert sentence not in indexed
    assert "NVlabs" not in shown
