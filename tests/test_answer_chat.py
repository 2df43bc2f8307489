"""Answers by a chat model: real client, real server, and nothing unchecked in what comes out."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chatting import HASTY, KEY, OPTIONS, Claim, is_repair, output, shown, told, write
from corpora import GARDEN, assert_grounded, standard_index
from doubles import HashedEmbedder, save_babbler
from model_server import ModelServer, Said

from ragqa.answer.writing import MAX_FAILED_SECTIONS, MAX_REPAIRS
from ragqa.api import Reader
from ragqa.card import Card
from ragqa.errors import ModelError, QuestionError
from ragqa.generate.chat import Budget, ChatModel, ChatOptions, Prices, ResponseCache, course
from ragqa.manifest import load_manifest, save_manifest
from ragqa.records import Answer, Statement

TOMATOES = "Which tomatoes grew faster at night?"
FASTER = Claim("Tomatoes grew faster when they were watered at night.", GARDEN[4])
WATER = Claim("The watering schedule that is proposed saves half of the water.", GARDEN[2])
FAILS = Claim("The schedule fails when the greenhouse loses its heating.", GARDEN[5])
SLOWER = Claim("Tomatoes that were watered at night grew slower than the others.", GARDEN[4])
FABRICATED = Claim("Tomatoes grew faster at night.", "Watered tomatoes are simply the best of all.")
NOTHING = Said((output(),))
DEAD = Said(status=500)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "BACKOFF_S", 0.001)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModelServer]:
    with ModelServer(write(FASTER)) as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("RAGQA_CACHE", str(tmp_path / "cache"))
        yield running


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return standard_index(tmp_path_factory.mktemp("chat"))


Open = Callable[..., Reader]


@pytest.fixture
def opened(index: Path) -> Iterator[Open]:
    """Return a way to open the index with a model that asks the server."""
    readers: list[Reader] = []

    def open_it(*, on_nothing: str = "extractive", **given: Any) -> Reader:
        model = ChatModel("openai:m", **{"options": OPTIONS, **given})
        readers.append(
            Reader.open(index, embedder=HashedEmbedder(), min_confidence=0.0, model=model)
        )
        readers[-1].on_nothing = on_nothing  # type: ignore[assignment]
        return readers[-1]

    yield open_it
    for reader in readers:
        reader.close()


def texts(answer: Answer) -> list[str]:
    return [statement.text for statement in answer.statements]


def codes(answer: Answer) -> list[str]:
    said = (*answer.notices, *(item for section in answer.sections for item in section.notices))
    return [item.code for item in said if item.code.startswith(("model", "written", "restated"))]


def quoted(index: Path, question: str = TOMATOES) -> list[str]:
    """Return what is answered without a model."""
    reader = Reader.open(index, embedder=HashedEmbedder(), min_confidence=0.0)
    try:
        return texts(reader.ask(question))
    finally:
        reader.close()


# What passes, and what does not.


def test_an_answer_is_what_passed_in_the_order_of_the_model(
    server: ModelServer, opened: Open, index: Path
) -> None:
    server.say(write(WATER, FASTER, FAILS))
    seen: list[Statement] = []
    answer = opened().ask(TOMATOES, on_statement=seen.append)
    assert texts(answer) == [WATER.text, FASTER.text, FAILS.text]
    assert seen == list(answer.statements)
    assert [c.quote for c in answer.citations] == [WATER.quote, FASTER.quote, FAILS.quote]
    assert (answer.generator, codes(answer)) == ("openai:m", ["written-by-model"])
    assert answer.to_dict()["generator"] == "openai:m"
    assert len(server.seen) == 1
    assert_grounded(answer, index)


def test_the_model_sees_question_and_chunks_and_is_asked_for_the_schema(
    server: ModelServer, opened: Open
) -> None:
    opened().ask(TOMATOES, paper_ids=["garden"])
    (seen,) = server.seen
    assert TOMATOES in told(seen)
    assert [GARDEN[4] in text for text in shown(seen).values()] == [True]
    assert "Whales" not in told(seen)
    assert seen.body["response_format"]["json_schema"]["schema"]["required"] == ["statements"]


def test_what_does_not_pass_is_asked_for_once_more_alone(server: ModelServer, opened: Open) -> None:
    server.say(write(FASTER, SLOWER, FAILS, repairs=[WATER]))
    answer = opened().ask(TOMATOES)
    assert texts(answer) == [FASTER.text, WATER.text, FAILS.text]
    first, repair = server.seen
    assert not is_repair(first)
    assert SLOWER.text in told(repair)
    assert FAILS.text not in told(repair)


def test_a_repair_that_does_not_pass_is_not_repaired(server: ModelServer, opened: Open) -> None:
    server.say(write(FASTER, SLOWER, repairs=[replace_text(SLOWER, "Night made tomatoes slow.")]))
    answer = opened().ask(TOMATOES)
    assert texts(answer) == [FASTER.text]
    assert len(server.seen) == 2


def replace_text(claim: Claim, text: str) -> Claim:
    return Claim(text, claim.quote)


def test_repairs_of_a_section_have_an_end(server: ModelServer, opened: Open) -> None:
    wrong = [
        replace_text(SLOWER, f"Tomatoes grew {n} times faster at night.") for n in range(2, 12)
    ]
    server.say(write(*wrong))
    opened().ask(TOMATOES)
    assert len(server.seen) == 1 + MAX_REPAIRS


def test_what_was_said_is_not_said_again(server: ModelServer, opened: Open) -> None:
    twin = replace_text(FASTER, "Tomatoes grew faster when they were watered at night!")
    server.say(write(FASTER, twin, FAILS))
    assert texts(opened().ask(TOMATOES)) == [FASTER.text, FAILS.text]
    assert len(server.seen) == 1


@pytest.mark.parametrize("said", [
    Said((output(("Tomatoes grew faster at night.", "c1", "These words stand nowhere at all."),),)),
    Said(("banana banana banana " * 20,)),
    Said(("",)),
    Said(('{"statements": [{"text": "Tomatoes grew fas',)),
    Said((output(("Tomatoes grew faster.", "c99", GARDEN[4]),),)),
    Said(("Tomatoes grew faster at night, as everybody knows. [1]",)),
])  # fmt: skip
def test_where_nothing_passes_the_papers_are_quoted_or_nothing_is_said(
    server: ModelServer, opened: Open, index: Path, said: Said
) -> None:
    server.say(said)
    answer = opened().ask(TOMATOES)
    assert texts(answer) == quoted(index)
    assert (answer.generator, codes(answer)) == ("extractive", ["model-refused"])
    assert_grounded(answer, index)
    silent = opened(on_nothing="abstain").ask(TOMATOES)
    assert (silent.abstained, silent.reason) == (True, "nothing-verified")
    assert silent.sections == ()
    assert_grounded(silent, index)


class Sceptic:
    """An entailment model that believes nothing with a word in it."""

    def __init__(self, word: str) -> None:
        self.word = word

    def entails(self, premise: str, hypothesis: str) -> float:
        assert hypothesis not in premise
        return 0.1 if self.word in hypothesis else 0.9


def test_an_entailment_model_has_a_say(server: ModelServer, opened: Open) -> None:
    server.say(write(FASTER, FAILS))
    reader = opened()
    reader.nli = Sceptic("faster")
    assert texts(reader.ask(TOMATOES)) == [FAILS.text]
    assert "does not follow from its quotes" in told(server.seen[1])


def test_a_model_that_says_no_answer_makes_it_abstain(
    server: ModelServer, opened: Open, index: Path
) -> None:
    server.say(NOTHING)
    answer = opened().ask(TOMATOES)
    assert (answer.abstained, answer.reason) == (True, "model-declined")
    assert answer.nearest
    assert "the model found no answer" in answer.to_markdown()
    assert_grounded(answer, index)


def test_what_the_papers_are_far_from_is_sent_nowhere(server: ModelServer, opened: Open) -> None:
    reader = opened()
    reader.min_confidence = 1.0
    answer = reader.ask("Who won the cup final?")
    assert (answer.abstained, answer.reason) == (True, "low-confidence")
    assert not server.seen


def test_each_paper_is_asked_with_its_own_chunks_alone(server: ModelServer, opened: Open) -> None:
    server.say(write(FASTER))
    answer = opened().ask(TOMATOES, by_paper=True)
    assert [section.title for section in answer.sections] == ["Winter Gardens"]
    assert len(server.seen) == 3
    for seen in server.seen:
        assert len({text.split("\n")[0] for text in shown(seen).values()}) == 1


def test_a_model_without_structured_output_is_asked_for_lines(index: Path) -> None:
    from langchain_core.language_models import GenericFakeChatModel
    from langchain_core.messages import AIMessage

    lines = f"STATEMENT: {FASTER.text}\nQUOTE c1: {FASTER.quote}\n"
    model = GenericFakeChatModel(messages=iter([AIMessage(content=lines)]))
    reader = Reader.open(index, embedder=HashedEmbedder(), min_confidence=0.0, model=model)
    answer = reader.ask(TOMATOES, paper_ids=["garden"])
    assert texts(answer) == [FASTER.text]
    assert answer.generator == "GenericFakeChatModel"
    reader.close()


def test_a_paper_taken_off_the_list_is_sent_to_nobody(server: ModelServer, tmp_path: Path) -> None:
    folder = standard_index(tmp_path)
    manifest = tmp_path / "corpus" / "small" / "manifest.yaml"
    papers = load_manifest(manifest).papers
    save_manifest(manifest, tuple(paper for paper in papers if paper.paper_id != "garden"))
    model = ChatModel("openai:m", options=OPTIONS)
    reader = Reader.open(folder, embedder=HashedEmbedder(), min_confidence=0.0, model=model)
    reader.ask(TOMATOES)
    assert server.seen
    assert not [seen for seen in server.seen if GARDEN[4] in told(seen)]
    reader.close()


def test_a_page_says_whose_words_it_holds(server: ModelServer, opened: Open, index: Path) -> None:
    written = opened().ask(TOMATOES).to_html()
    assert "in the words of a chat model" in written
    server.say(Said(status=401))
    assert "in the words of a chat model" not in opened().ask(TOMATOES).to_html()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # torch and transformers warn about each other
def test_a_local_model_that_babbles_is_not_heard(index: Path, tmp_path: Path) -> None:
    options = ChatOptions(max_tokens=60, first_s=60, stall_s=60)
    model = ChatModel(f"huggingface:{save_babbler(tmp_path / 'babbler')}", options=options)
    reader = Reader.open(index, embedder=HashedEmbedder(), min_confidence=0.0, model=model)
    assert texts(reader.ask(TOMATOES, paper_ids=["garden"])) == quoted(index)[:1]
    reader.on_nothing = "abstain"
    explained = reader.explain(TOMATOES, paper_ids=["garden"])
    assert (explained.answer.abstained, explained.answer.reason) == (True, "nothing-verified")
    assert explained.calls[0].output
    reader.close()


# Servers that fail.


def test_what_was_checked_before_a_break_stays(server: ModelServer, opened: Open) -> None:
    whole = output((FASTER.text, "c1", FASTER.quote), (WATER.text, "c1", WATER.quote))
    cut = whole.index(WATER.text)
    pieces = (whole[:cut], whole[cut : cut + 9], whole[cut + 9 :])
    for said in (Said(pieces, drop_at=2, reset=True), Said(pieces, stall_at=2)):
        server.say(said)
        answer = opened(options=HASTY).ask(TOMATOES, paper_ids=["garden"])
        assert texts(answer) == [FASTER.text]
        assert codes(answer) == ["written-by-model", "model-broke-off"]


@pytest.mark.parametrize(("said", "reason"), [
    (DEAD, "server-error"),
    (Said(stall_at=-1), "timeout"),
    (Said(status=429, headers={"retry-after": "0"}), "rate-limited"),
    (Said(pieces=("x",), drop_at=0, reset=True), "connection"),
])  # fmt: skip
def test_a_model_that_fails_costs_the_prose_only(
    server: ModelServer, opened: Open, index: Path, said: Said, reason: str
) -> None:
    server.say(said)
    answer = opened(options=HASTY).ask(TOMATOES)
    assert texts(answer) == quoted(index)
    assert codes(answer) == ["model-failed"]
    assert f"({reason})" in answer.to_markdown()
    assert len(server.seen) == OPTIONS.attempts


def test_no_key_is_in_what_a_refusing_server_leads_to(server: ModelServer, opened: Open) -> None:
    server.say(Said(status=401, echo=True))
    answer = opened().ask(TOMATOES)
    assert codes(answer) == ["model-stopped", "model-failed"]
    everything = json.dumps(answer.to_dict()) + answer.to_markdown() + answer.to_html()
    assert KEY[:8] not in everything
    assert len(server.seen) == 1


# Cards: many sections, each its own request.

WATERING, LIMITS, COMPARE = (
    "How watering helps tomatoes",
    "What are the limitations",
    "Compare both",
)
PAPERS, WORKFLOW = "List relevant sources", "How the model works: input and output"


def ask_card(reader: Reader, *instructions: str, **given: Any) -> Answer:
    card = Card(question=TOMATOES, instructions=instructions, papers=reader.papers)
    return reader.answer_card(card, **given)


def test_every_section_of_running_text_is_written(
    server: ModelServer, opened: Open, index: Path
) -> None:
    server.say(write(FASTER, FAILS))
    answer = ask_card(opened(), WATERING, LIMITS, COMPARE)
    assert [section.kind for section in answer.sections] == ["answer", "limitations", "comparison"]
    for section in answer.sections:
        assert [statement.text for statement in section.statements] == [FASTER.text, FAILS.text]
    instructions = [WATERING, LIMITS, COMPARE]
    assert [i in told(seen) for i, seen in zip(instructions, server.seen, strict=True)] == [
        True
    ] * 3
    assert_grounded(answer, index)


def test_a_comparison_shows_chunks_of_every_paper(server: ModelServer, opened: Open) -> None:
    ask_card(opened(), COMPARE)
    (seen,) = server.seen
    assert len({text.split("\n")[0] for text in shown(seen).values()}) == 3


def test_a_cell_is_the_models_only_where_nothing_can_be_quoted(
    server: ModelServer, opened: Open, index: Path
) -> None:
    does = Claim("Whales sing at low frequencies.", "Whales sing at low frequencies.")
    server.say(write(does))
    quoting = Reader.open(index, embedder=HashedEmbedder(), min_confidence=0.0)
    extractive = ask_card(quoting, PAPERS)
    quoting.close()
    answer = ask_card(opened(), PAPERS)
    (before,), (after,) = extractive.sections, answer.sections
    assert set(before.statements) < set(after.statements)
    (new,) = set(after.statements) - set(before.statements)
    assert (new.text, new.paper_id, new.cell) == (does.text, "ocean", "why")
    assert len(server.seen) == len([n for n in before.notices if n.code == "not-stated"])
    assert not [n for n in after.notices if n.paper_id == "ocean"]


def test_the_other_sections_go_on_where_one_fails(server: ModelServer, opened: Open) -> None:
    server.say(write(FASTER), *[DEAD] * OPTIONS.attempts, write(FASTER))
    answer = ask_card(opened(), WATERING, LIMITS, COMPARE)
    first, second, third = answer.sections
    assert first.statements[0].text == third.statements[0].text == FASTER.text
    assert FAILS.quote in second.statements[0].text
    assert [item.code for item in second.notices] == ["model-failed"]


def test_a_finished_section_is_never_asked_again(
    server: ModelServer, opened: Open, tmp_path: Path
) -> None:
    cache = ResponseCache(tmp_path / "replies")
    server.say(write(FASTER, SLOWER, repairs=[WATER]), write(FASTER, SLOWER, repairs=[WATER]), DEAD)
    broken = ask_card(opened(cache=cache), WATERING, LIMITS, COMPARE)
    assert [bool(s.notices) for s in broken.sections] == [False, True, True]
    server.say(write(FASTER))
    again = ask_card(opened(cache=cache), WATERING, LIMITS, COMPARE)
    assert len(server.seen) == 2
    assert again.sections[0] == broken.sections[0]
    assert again.sections[1].statements[0].text == FASTER.text
    server.say(DEAD)
    assert ask_card(opened(cache=cache), WATERING, LIMITS, COMPARE) == again
    assert not server.seen


def test_a_dead_server_is_not_asked_for_every_section(server: ModelServer, opened: Open) -> None:
    server.say(DEAD)
    answer = ask_card(opened(), WATERING, LIMITS, COMPARE, "Why tomatoes", "Why night", "Why water")
    assert len(server.seen) == MAX_FAILED_SECTIONS * OPTIONS.attempts
    assert codes(answer).count("model-stopped") == 1
    assert all(section.statements for section in answer.sections)


@pytest.mark.parametrize("status", [401, 404])
def test_what_would_fail_again_is_not_tried_again(
    server: ModelServer, opened: Open, status: int
) -> None:
    server.say(Said(status=status))
    answer = ask_card(opened(), WATERING, LIMITS, COMPARE)
    assert len(server.seen) == 1
    assert codes(answer).count("model-stopped") == 1


def test_a_budget_ends_the_models_part_and_not_the_answer(
    server: ModelServer, opened: Open
) -> None:
    server.say(write(FASTER, usual=Said(usage=(1000, 1000))))
    prices = Prices(input=1.0, output=1.0)
    reader = opened(budget=Budget(0.0075), prices=prices)
    answer = ask_card(reader, WATERING, LIMITS, COMPARE)
    assert codes(answer) == ["written-by-model", "model-stopped", "model-failed"]
    assert "over-budget" in answer.to_markdown()
    assert reader.model is not None
    assert (reader.model.usage.cost or 0) <= 0.0075
    assert all(section.statements for section in answer.sections)


def test_too_many_chunks_for_a_model_are_fewer_the_second_time(
    server: ModelServer, opened: Open
) -> None:
    error = {"message": "maximum context length is 2", "code": "context_length_exceeded"}
    long = Said(status=400, body={"error": error})
    server.say(long, write(FASTER))
    assert texts(opened().ask(TOMATOES)) == [FASTER.text]
    first, second = server.seen
    assert 1 <= len(shown(second)) < len(shown(first))


def test_a_repair_that_is_too_long_costs_no_second_writing(
    server: ModelServer, opened: Open
) -> None:
    error = {"message": "maximum context length is 2", "code": "context_length_exceeded"}
    server.say(write(FASTER, SLOWER), Said(status=400, body={"error": error}))
    assert texts(opened().ask(TOMATOES)) == [FASTER.text]
    assert [is_repair(seen) for seen in server.seen] == [False, True]


# Follow-ups.


def test_a_follow_up_is_restated_before_anything_is_searched(
    server: ModelServer, opened: Open
) -> None:
    alone = "When do tomatoes that are watered at night fail?"
    server.say(write(FASTER), Said((alone,)), write(FAILS))
    talk = opened().conversation()
    talk.ask(TOMATOES)
    answer = talk.ask("And when do they fail?")
    _, restating, writing = server.seen
    assert FASTER.text in told(restating)
    assert alone in told(writing)
    assert "And when" not in told(writing)
    assert (answer.question, texts(answer)) == ("And when do they fail?", [FAILS.text])
    assert answer.notices[0].text == f"Understood as: {alone}"
    assert talk.turns == ((TOMATOES, FASTER.text), (alone, FAILS.text))


@pytest.mark.parametrize("said", [
    Said(("How does Monsanto help the tomatoes?",)),
    Said(("Do 37 tomatoes fail?",)),
    Said(("See evil.example.org for tomatoes?",)),
    Said(("",)),
    Said(status=401),
    Said(("And when do they fail?",)),
])  # fmt: skip
def test_a_follow_up_that_cannot_be_restated_is_asked_as_it_stands(
    server: ModelServer, opened: Open, said: Said
) -> None:
    server.say(write(FASTER), said, write(FAILS))
    talk = opened().conversation()
    talk.ask(TOMATOES)
    answer = talk.ask("And when do they fail?")
    assert "restated" not in codes(answer)
    assert "And when do they fail?" in told(server.seen[-1])


def test_a_follow_up_that_is_no_question_is_sent_nowhere(server: ModelServer, opened: Open) -> None:
    server.say(write(FASTER))
    talk = opened().conversation()
    talk.ask(TOMATOES)
    with pytest.raises(QuestionError):
        talk.ask(" ? ")
    assert len(server.seen) == 1


def test_without_a_model_a_conversation_asks_as_it_is_told(index: Path) -> None:
    reader = Reader.open(index, embedder=HashedEmbedder(), min_confidence=0.0)
    talk = reader.conversation()
    assert talk.ask(TOMATOES) == talk.ask(TOMATOES) == reader.ask(TOMATOES)
    reader.close()


# Event loops.


def test_asking_does_not_block_an_event_loop(server: ModelServer, opened: Open) -> None:
    server.say(write(FASTER, FAILS))
    reader = opened()
    seen: list[tuple[str, int]] = []

    async def ask() -> Answer:
        here = threading.get_ident()
        return await reader.aask(
            TOMATOES,
            on_statement=lambda said: seen.append((said.text, threading.get_ident() - here)),
        )

    answer = asyncio.run(ask())
    assert texts(answer) == [FASTER.text, FAILS.text]
    assert seen == [(FASTER.text, 0), (FAILS.text, 0)]


async def cancel_once_asked(reader: Reader, server: ModelServer) -> None:
    """Ask, and cancel the question as soon as the server has seen it."""
    task = asyncio.create_task(reader.aask(TOMATOES, paper_ids=["garden"]))
    while not server.seen and not task.done():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_cancelled_question_ends_the_models_work(server: ModelServer, opened: Open) -> None:
    whole = output((FASTER.text, "c1", FASTER.quote), (SLOWER.text, "c1", SLOWER.quote))
    server.say(Said(tuple(whole), gap_s=0.01))
    asyncio.run(cancel_once_asked(opened(), server))
    assert len(server.seen) == 1  # the refused statement is not repaired


def test_a_model_that_hangs_is_not_waited_for_once_cancelled(
    server: ModelServer, opened: Open
) -> None:
    server.say(*[Said(stall_at=-1)] * OPTIONS.attempts)
    asyncio.run(cancel_once_asked(opened(), server))
    assert len(server.seen) == 1  # and not once more for each attempt


# Opening.


def test_a_model_is_opened_when_it_is_needed_and_its_mistakes_are_told(
    server: ModelServer, index: Path
) -> None:
    reader = Reader.open(index, embedder=HashedEmbedder(), model="nonsense")
    with pytest.raises(ModelError, match="named by provider and model"):
        reader.ask(TOMATOES)
    reader.close()
    named = Reader.open(index, embedder=HashedEmbedder(), min_confidence=0.0, model="openai:m")
    assert not server.seen
    assert texts(named.ask(TOMATOES)) == texts(named.ask(TOMATOES)) == [FASTER.text]
    assert len(server.seen) == 1  # its replies are kept in the user's cache
    assert named.model is named.model
    named.close()
    none = Reader.open(index, embedder=HashedEmbedder(), model="none")
    assert none.model is None
    none.close()


def test_the_extractive_way_loads_nothing_of_a_chat_model(index: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, 'tests'); from doubles import HashedEmbedder;"
        "from ragqa.api import Reader;"
        f"r = Reader.open({str(index)!r}, embedder=HashedEmbedder(), min_confidence=0.0);"
        "assert r.ask('Which tomatoes grew faster at night?').statements;"
        "print([m for m in sys.modules if m.startswith(('langchain', 'openai',"
        " 'ragqa.generate.chat', 'ragqa.generate.prompt'))])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(out.stdout.replace("'", '"')) == []
