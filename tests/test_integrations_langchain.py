"""`ragqa.integrations.langchain`: real chains over a real index, with a fake chat model."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from corpora import GARDEN, MODEL, STANDARD, Text, build, make_corpus, standard_index
from doubles import HashedEmbedder
from langchain_core.documents import Document
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import BaseMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import ConfigurableField, RunnableLambda, RunnablePassthrough

from ragqa.api import Corpus, Reader
from ragqa.errors import CorpusError, QuestionError
from ragqa.index.generation import open_generation
from ragqa.integrations.langchain import RagqaRetriever, as_runnable
from ragqa.records import LineLocator, PageLocator

TOMATOES = "Which tomatoes grew faster at night?"
WHALES = "How far do the songs of whales travel under water?"


class ListeningChatModel(FakeListChatModel):
    """Answers from a list and keeps what it was sent."""

    heard: list[str] = []

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        self.heard.append("\n".join(str(message.content) for message in messages))
        return super()._generate(messages, *args, **kwargs)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return standard_index(tmp_path)


@pytest.fixture
def reader(index: Path) -> Iterator[Reader]:
    opened = Reader.open(index, embedder=HashedEmbedder(), min_confidence=0.0)
    yield opened
    opened.close()


def chunk_texts(index: Path) -> set[str]:
    with open_generation(index) as generation:
        return {
            chunk.text
            for paper in generation.store.papers()
            for chunk in generation.store.chunks(generation.store.rows_of([paper.paper_id]))
        }


def papers_of(documents: list[Document]) -> set[str]:
    return {document.metadata["paper_id"] for document in documents}


def test_a_document_is_a_chunk_with_all_that_a_citation_needs(reader: Reader, index: Path) -> None:
    found = RagqaRetriever(reader=reader, k=20).invoke(TOMATOES)
    assert {document.page_content for document in found} == chunk_texts(index)
    assert [document.metadata["rank"] for document in found] == list(range(1, len(found) + 1))
    scores = [document.metadata["score"] for document in found]
    assert scores == sorted(scores, reverse=True)
    listed = {paper.paper_id: paper for paper in reader.papers}
    with open_generation(index) as generation:
        for document in found:
            facts = document.metadata
            kind = facts["document"]
            text = generation.store.document(facts["paper_id"], kind)
            assert text.text[facts["start"] : facts["end"]] == document.page_content
            parts = [
                PageLocator(**locator) if kind == "pdf" else LineLocator(**locator)
                for locator in facts["locators"]
            ]
            assert tuple(parts) == text.locate(facts["start"], facts["end"])
            assert facts["url"] == listed[facts["paper_id"]].link_of(kind)
            assert facts["title"] == listed[facts["paper_id"]].title
            assert document.id == facts["chunk_id"]
            assert generation.store.row_of(facts["chunk_id"]) is not None
    best = found[0]
    assert best.metadata["paper_id"] == "garden"
    assert best.metadata["section"] == "1 Results"
    assert json.loads(best.model_dump_json())["metadata"] == best.metadata


def test_a_readme_is_linked_to_its_repository_and_a_summary_to_nothing(reader: Reader) -> None:
    found = RagqaRetriever(reader=reader, k=20).invoke(WHALES)
    urls = {document.metadata["document"]: document.metadata["url"] for document in found}
    assert urls == {
        "pdf": "https://papers.example.org/garden.pdf",
        "readme": f"https://github.com/example/{MODEL}",
        "summary": None,
    }


def test_k_and_papers_restrict(reader: Reader) -> None:
    assert len(RagqaRetriever(reader=reader, k=2).invoke(TOMATOES)) == 2
    only = RagqaRetriever(reader=reader, k=20, paper_ids=("ocean", MODEL))
    assert papers_of(only.invoke(TOMATOES)) == {"ocean", MODEL}
    with pytest.raises(CorpusError, match="not listed"):
        RagqaRetriever(reader=reader, paper_ids=("nobody",)).invoke(TOMATOES)
    with pytest.raises(QuestionError):
        RagqaRetriever(reader=reader).invoke("  ")
    assert RagqaRetriever(reader=reader, k=0).invoke(TOMATOES) == []


def test_papers_can_be_chosen_per_call(reader: Reader) -> None:
    retriever = RagqaRetriever(reader=reader, k=20).configurable_fields(
        paper_ids=ConfigurableField(id="paper_ids")
    )
    assert papers_of(retriever.invoke(TOMATOES)) == set(STANDARD)
    chosen = {"configurable": {"paper_ids": ("ocean",)}}
    assert papers_of(retriever.invoke(TOMATOES, chosen)) == {"ocean"}


def test_a_paper_taken_off_the_list_is_not_retrieved(reader: Reader, index: Path) -> None:
    retriever = RagqaRetriever(reader=reader, k=20)
    assert "garden" in papers_of(retriever.invoke(TOMATOES))
    Corpus.open(index.parents[1] / "corpus" / "small").remove("garden")
    assert papers_of(retriever.invoke(TOMATOES)) == {"ocean", MODEL}
    (best,) = reader.retrieve(TOMATOES, k=1)  # it takes no place of another, either
    assert best.chunk.paper_id != "garden"


def test_a_chain_gives_the_model_retrieved_chunks_and_nothing_else(
    reader: Reader, index: Path
) -> None:
    def join(documents: list[Document]) -> str:
        return "\x1e".join(document.page_content for document in documents)

    model = ListeningChatModel(responses=["At night [garden]."])
    prompt = ChatPromptTemplate.from_messages(
        [("system", "Use only this:\x1d{context}\x1d"), ("human", "{question}")]
    )
    retriever = RagqaRetriever(reader=reader, k=2)
    chain = (
        {"context": retriever | RunnableLambda(join), "question": RunnablePassthrough()}
        | prompt
        | model
        | StrOutputParser()
    )
    assert chain.invoke(TOMATOES) == "At night [garden]."
    (heard,) = model.heard
    _, context, question = heard.split("\x1d")
    assert set(context.split("\x1e")) <= chunk_texts(index)
    assert GARDEN[4] in context
    assert question.strip() == TOMATOES


def test_batch_and_async_give_what_single_calls_give(reader: Reader) -> None:
    retriever = RagqaRetriever(reader=reader, k=3)
    answering = as_runnable(reader)
    questions = [TOMATOES, WHALES, "What does the network output?"] * 4

    async def both() -> tuple[list[Document], dict[str, Any], list[dict[str, Any]]]:
        return (
            await retriever.ainvoke(WHALES),
            await answering.ainvoke(WHALES),
            await answering.abatch(questions),
        )

    documents, answer, answers = asyncio.run(both())
    assert documents == retriever.invoke(WHALES)
    assert answer == answering.invoke(WHALES)
    singles = [answering.invoke(question) for question in questions]
    assert answers == answering.batch(questions) == singles
    assert retriever.batch(questions) == [retriever.invoke(question) for question in questions]


def test_a_batch_on_a_cold_reader_loads_one_embedder(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []

    def load(name: str, **_: object) -> HashedEmbedder:
        loaded.append(name)
        time.sleep(0.2)  # long enough for every other thread to come here, if it can
        return HashedEmbedder()

    monkeypatch.setattr("ragqa.embed.load_embedder", load)
    reader = Reader.open(index)
    as_runnable(reader).batch([TOMATOES, WHALES] * 8)
    assert loaded == ["hashed"]
    reader.close()


def test_the_runnable_answers_in_a_chain_and_an_abstention_stays_visible(
    tmp_path: Path, reader: Reader
) -> None:
    def headline(answer: dict[str, Any]) -> str:
        if answer["abstained"]:
            return f"no answer ({answer['reason']})"
        return "\n".join(statement["text"] for statement in answer["sections"][0]["statements"])

    chain = as_runnable(reader, paper_ids=["garden"]) | RunnableLambda(headline)
    assert GARDEN[4] in chain.invoke(TOMATOES)
    reader.min_confidence = 1.0
    assert chain.invoke(TOMATOES) == "no answer (low-confidence)"
    answer = as_runnable(reader).invoke(TOMATOES)
    assert answer["schema"] == "ragqa/answer/1"
    assert answer["sections"] == []
    assert answer["nearest"]
    with pytest.raises(QuestionError):
        chain.invoke(" ")


def test_a_reader_retrieves_and_locates(reader: Reader) -> None:
    found = reader.retrieve(TOMATOES, k=3)
    assert [scored.rank for scored in found] == [1, 2, 3]
    assert {s.chunk.paper_id for s in reader.retrieve(TOMATOES, paper_ids=["ocean"])} == {"ocean"}
    assert reader.retrieve(TOMATOES, k=0) == reader.retrieve(TOMATOES, k=-1) == ()
    (locator,) = reader.locate(found[0].chunk)
    assert isinstance(locator, PageLocator)
    assert [paper.paper_id for paper in reader.papers] == list(STANDARD)


def test_without_any_text_nothing_is_retrieved(tmp_path: Path) -> None:
    build(make_corpus(tmp_path / "c", {"silent": Text(title="Silent")}), tmp_path / "i")
    reader = Reader.open(tmp_path / "i", embedder=HashedEmbedder())
    assert RagqaRetriever(reader=reader).invoke(TOMATOES) == []
    reader.close()


def test_asking_without_the_integration_loads_no_langchain() -> None:
    code = (
        "import sys, ragqa, ragqa.api, ragqa.build, ragqa.cli, ragqa.integrations\n"
        "print(sorted(name for name in sys.modules if name.startswith('langchain')))\n"
        "import ragqa.integrations.langchain\n"
        "print('langchain_core.retrievers' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert out.stdout.split() == ["[]", "True"]
