"""`ragqa.generate.chat`: real clients against a server that hangs, dies, refuses and lies."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from doubles import save_babbler
from hypothesis import given
from hypothesis import strategies as st
from model_server import ModelServer, Said, Seen
from server import unused_port

from ragqa.errors import ModelError, OptionalDependencyError
from ragqa.generate import prompt
from ragqa.generate.chat import (
    Budget,
    ChatModel,
    ChatOptions,
    Prices,
    ResponseCache,
    Usage,
    course,
    load_chat_model,
)
from ragqa.generate.chat.failures import failure_of
from ragqa.generate.chat.loading import fingerprint_of
from ragqa.generate.chat.paying import estimate_tokens
from ragqa.generate.chat.secrets import Scrubber
from ragqa.generate.reading import MAX_OUTPUT, OutputReader, read_output

KEY = "sk-test-4f9a7c21d0b84e6fa1"
MESSAGES = (("system", "Be brief."), ("human", "How fast?"))
HELLO = Said(("Hel", "lo ", "there"))
OPTIONS = ChatOptions(first_s=0.8, stall_s=0.5, total_s=9, attempts=2)
PATIENT = replace(OPTIONS, first_s=9, stall_s=9, attempts=3)
TEXT = "Hello there"
PRICES = Prices(input=1e6, output=1e6)  # a USD a token, for easy sums


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "BACKOFF_S", 0.001)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    with ModelServer(HELLO) as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OLLAMA_HOST", running.host)
        yield running


@pytest.fixture(params=["openai:m", "ollama:m"])
def name(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


def model(name: Any = "openai:m", **given: Any) -> ChatModel:
    return ChatModel(name, **{"options": PATIENT, **given})


def failing(name: str, **given: Any) -> ModelError:
    with pytest.raises(ModelError) as caught:
        ChatModel(name, **{"options": OPTIONS, **given}).complete(MESSAGES)
    return caught.value


# What goes well.


def test_a_whole_output_with_its_counts(server: ModelServer, name: str) -> None:
    chat = model(name)
    reply = chat.complete(MESSAGES)
    assert (reply.text, reply.finish, reply.complete, reply.cached) == (TEXT, "stop", True, False)
    assert reply.usage == Usage(requests=1, input_tokens=11, output_tokens=7)
    assert chat.usage == reply.usage
    (seen,) = server.seen
    assert [each["content"] for each in seen.body["messages"]] == ["Be brief.", "How fast?"]
    assert [each["role"] for each in seen.body["messages"]] == ["system", "user"]
    assert seen.body["stream"] is True


def test_options_reach_the_server(server: ModelServer) -> None:
    options = replace(PATIENT, temperature=0.5, max_tokens=77)
    model("openai:m", options=options).complete(MESSAGES)
    model("ollama:m", options=options).complete(MESSAGES)
    openai, ollama = (seen.body for seen in server.seen)
    assert (openai["temperature"], openai["max_completion_tokens"]) == (0.5, 77)
    assert (ollama["options"]["temperature"], ollama["options"]["num_predict"]) == (0.5, 77)


def test_pieces_come_as_they_are_sent(server: ModelServer, name: str) -> None:
    stream = model(name).stream(MESSAGES)
    assert next(stream) == "Hel"
    assert (stream.reply.text, stream.reply.complete) == ("Hel", False)
    assert list(stream) == ["lo ", "there"]
    assert (stream.reply.text, stream.reply.complete) == (TEXT, True)
    assert stream.reply.usage.output_tokens == 7


def test_threads_share_a_model(server: ModelServer) -> None:
    chat = model()
    with ThreadPoolExecutor(8) as threads:
        replies = list(threads.map(lambda _: chat.complete(MESSAGES), range(16)))
    assert {reply.text for reply in replies} == {TEXT}
    assert chat.usage == Usage(requests=16, input_tokens=16 * 11, output_tokens=16 * 7)


def test_structured_output_is_asked_for_where_there_is_a_way(server: ModelServer) -> None:
    for name in ("openai:m", "ollama:m"):
        chat = model(name)
        assert chat.structured
        assert chat.complete(MESSAGES, schema=prompt.ANSWER_SCHEMA).text == TEXT
    openai, ollama = (seen.body for seen in server.seen)
    assert openai["response_format"]["type"] == "json_schema"
    assert openai["response_format"]["json_schema"]["schema"] == prompt.ANSWER_SCHEMA
    assert openai["response_format"]["json_schema"]["strict"] is True
    assert ollama["format"] == prompt.ANSWER_SCHEMA


def test_statements_come_out_of_a_structured_stream(server: ModelServer) -> None:
    statements = [{"text": "T.", "quotes": [{"chunk": "c1", "quote": word}]} for word in "ab"]
    raw = json.dumps({"statements": statements})
    server.say(Said(tuple(raw[start : start + 5] for start in range(0, len(raw), 5))))
    reader, counts = OutputReader(), []
    for piece in model().stream(MESSAGES, schema=prompt.ANSWER_SCHEMA):
        counts.append(len(reader.feed(piece)))
    assert sum(counts) == 2
    assert sum(counts[: len(counts) // 2 + 3]) == 1  # the first was there before the second


def test_a_server_that_does_not_know_an_option_is_asked_without(server: ModelServer) -> None:
    refuse = Said(status=400, body={"error": {"message": "unknown field response_format"}})
    server.say(refuse, HELLO)
    chat = model()
    reply = chat.complete(MESSAGES, schema=prompt.ANSWER_SCHEMA)
    assert (reply.text, reply.usage.requests) == (TEXT, 2)
    assert reply.usage.estimated
    chat.complete(MESSAGES, schema=prompt.ANSWER_SCHEMA)
    bodies = [seen.body for seen in server.seen]
    assert ["response_format" in body for body in bodies] == [True, False, False]
    assert ["stream_options" in body for body in bodies] == [True, False, False]


def test_calls_at_the_same_time_all_do_without_an_unknown_option(server: ModelServer) -> None:
    together = threading.Barrier(3, timeout=9)

    def by(seen: Seen) -> Said:
        if "response_format" not in seen.body:
            return HELLO
        together.wait()  # none is refused before each was sent
        return Said(status=400)

    server.say(Said(by=by))
    chat = model()
    with ThreadPoolExecutor(3) as threads:
        calls = [
            threads.submit(chat.complete, MESSAGES, schema=prompt.ANSWER_SCHEMA) for _ in range(3)
        ]
        assert [call.result().text for call in calls] == [TEXT] * 3


def test_a_request_that_is_refused_for_itself_keeps_the_options(server: ModelServer) -> None:
    server.say(Said(status=400), Said(status=400), HELLO)
    chat = model()
    with pytest.raises(ModelError):
        chat.complete(MESSAGES, schema=prompt.ANSWER_SCHEMA)
    chat.complete(MESSAGES, schema=prompt.ANSWER_SCHEMA)
    assert ["response_format" in seen.body for seen in server.seen] == [True, False, True]


def test_a_client_that_fails_after_its_first_words_is_not_asked_again(server: ModelServer) -> None:
    from langchain_core.messages import AIMessageChunk
    from langchain_core.outputs import ChatGenerationChunk
    from langchain_openai import ChatOpenAI

    class Stumbling(ChatOpenAI):
        def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
            yield ChatGenerationChunk(message=AIMessageChunk("Hel"))
            raise TypeError("'int' object is not subscriptable")

    shown: list[str] = []
    with pytest.raises(ModelError) as caught:
        shown.extend(model(Stumbling(model="m")).stream(MESSAGES, schema=prompt.ANSWER_SCHEMA))
    assert (caught.value.reason, shown) == ("bad-response", ["Hel"])


def test_any_langchain_model_will_do(server: ModelServer) -> None:
    from langchain_core.language_models.fake_chat_models import FakeListChatModel
    from langchain_openai import ChatOpenAI

    fake = ChatModel(FakeListChatModel(responses=["Hi."]), options=PATIENT)
    assert not fake.structured
    reply = fake.complete(MESSAGES, schema=prompt.ANSWER_SCHEMA)
    assert (reply.text, reply.model, reply.complete) == ("Hi.", "FakeListChatModel", True)
    assert reply.usage.estimated
    assert reply.usage.input_tokens > 0
    assert "".join(fake.stream(MESSAGES)) == "Hi."
    whole = ChatModel(ChatOpenAI(model="m2", disable_streaming=True), options=PATIENT)
    reply = whole.complete(MESSAGES, schema=prompt.ANSWER_SCHEMA)
    assert (reply.text, reply.model) == (TEXT, "ChatOpenAI:m2")
    assert reply.usage == Usage(requests=1, input_tokens=11, output_tokens=7)
    assert not server.seen[-1].body.get("stream")
    bound = ChatModel(ChatOpenAI(model="m2").bind(stop=["x"]), options=PATIENT)
    assert bound.complete(MESSAGES).text == TEXT
    assert server.seen[-1].body["stop"] == ["x"]


def test_the_callers_context_goes_along() -> None:
    """LangChain's tracing finds its run in a context variable."""
    from contextvars import ContextVar

    from langchain_core.language_models.fake_chat_models import FakeListChatModel

    run: ContextVar[str] = ContextVar("run", default="none")

    class Telling(FakeListChatModel):
        def _call(self, *args: Any, **kwargs: Any) -> str:
            return run.get()

    run.set("mine")
    assert (
        ChatModel(Telling(responses=[""], disable_streaming=True)).complete(MESSAGES).text == "mine"
    )


# What goes wrong.


def test_a_server_that_never_answers(server: ModelServer, name: str) -> None:
    server.say(Said(stall_at=-1))
    error = failing(name)
    assert (error.reason, error.retryable, len(server.seen)) == ("timeout", True, 2)


def test_a_server_that_answers_the_second_time(server: ModelServer, name: str) -> None:
    server.say(Said(stall_at=-1), HELLO)
    reply = model(name, options=OPTIONS).complete(MESSAGES)
    assert (reply.text, reply.usage.requests) == (TEXT, 2)
    assert reply.usage.estimated  # nobody knows what the first request cost


@pytest.mark.parametrize(
    ("breaks", "reason"),
    [
        (replace(HELLO, stall_at=1), "timeout"),
        (replace(HELLO, drop_at=1), "connection"),
        (replace(HELLO, drop_at=1, reset=True), "connection"),
    ],
)
def test_an_output_that_breaks_off(
    server: ModelServer, name: str, breaks: Said, reason: str
) -> None:
    server.say(breaks, HELLO)
    held = model(name, options=OPTIONS).complete(MESSAGES)
    assert (held.text, held.usage.requests) == (TEXT, 2)  # nothing of the first had been shown
    server.say(breaks)
    chat = model(name, options=OPTIONS)
    stream, shown = chat.stream(MESSAGES), []
    with pytest.raises(ModelError) as caught:
        shown.extend(stream)
    assert caught.value.reason == reason
    assert len(server.seen) == 1  # a second output would not go on where this one broke off
    assert (stream.reply.text, stream.reply.complete) == ("Hel", False)
    assert chat.usage.requests == 1
    assert chat.usage.estimated


def test_slow_is_not_hung(server: ModelServer, name: str) -> None:
    server.say(Said(tuple("abcdefgh"), gap_s=0.09))
    assert model(name, options=OPTIONS).complete(MESSAGES).text == "abcdefgh"
    assert len(server.seen) == 1


def test_a_drip_ends_with_the_whole_time(server: ModelServer) -> None:
    server.say(Said(tuple("a" * 500), gap_s=0.02))
    error = failing("openai:m", options=replace(OPTIONS, total_s=0.4, attempts=1))
    assert (error.reason, len(server.seen)) == ("timeout", 1)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    paused: list[float] = []

    class Impatient(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            paused.append(timeout or 0.0)
            return False

    monkeypatch.setattr(course, "Event", Impatient)
    return paused


def limited(**headers: str) -> Said:
    return Said(
        status=429, headers={name.replace("_", "-"): text for name, text in headers.items()}
    )


def test_retry_after_is_heeded(server: ModelServer, pauses: list[float]) -> None:
    in_a_while = formatdate(time.time() + 20, usegmt=True)
    server.say(limited(Retry_After="7"), limited(retry_after_ms="1500"), HELLO)
    assert model().complete(MESSAGES).text == TEXT
    assert pauses == [7, 1.5]
    server.say(limited(Retry_After=in_a_while), limited(Retry_After="soon"), HELLO)
    assert model().complete(MESSAGES).text == TEXT
    assert 15 < pauses[2] <= 20
    assert pauses[3] < 0.01
    assert len(server.seen) == 3


def test_a_server_that_wants_too_much_patience(server: ModelServer, pauses: list[float]) -> None:
    server.say(limited(Retry_After="3600"))
    assert failing("openai:m").reason == "rate-limited"
    assert (len(server.seen), pauses) == (1, [])


def test_pauses_grow(
    server: ModelServer, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "BACKOFF_S", 8.0)
    server.say(Said(status=503))
    failing("openai:m", options=replace(OPTIONS, attempts=6))
    assert len(pauses) == 5
    for number, pause in enumerate(pauses):
        assert min(60, 8 * 2**number) <= pause <= min(60, 12 * 2**number)


@pytest.mark.parametrize(
    ("said", "reason", "requests"),
    [
        (Said(status=500), "server-error", 3),
        (Said(status=529), "server-error", 3),
        (Said(status=429), "rate-limited", 3),
        (Said(status=504), "timeout", 3),
        (Said(status=401), "refused", 1),
        (Said(status=403), "refused", 1),
        (Said(status=404), "unknown-model", 1),
        (Said(status=413), "too-long", 1),
        (Said(status=429, body={"error": {"code": "insufficient_quota"}}), "refused", 1),
        (
            Said(status=400, body={"error": {"message": "x", "code": "context_length_exceeded"}}),
            "too-long",
            1,
        ),
        (Said(raw=b'data: {"choices": [{"del'), "connection", 3),
        (Said(raw=b'data: {"choices": [{"del\n\n'), "bad-response", 1),
        (Said(raw=b"<html>busy</html>"), "connection", 3),
        (Said(raw=b""), "connection", 3),
        (Said(raw=b"data: [DONE]\n\n"), "connection", 3),
        (Said(raw=b'data: {"error": {"message": "busy", "code": 503}}\n\n'), "server-error", 3),
        (Said(raw=b'data: {"error": {"message": "busy"}}\n\n'), "server-error", 3),
    ],
)
def test_each_failure_has_its_reason(
    server: ModelServer, said: Said, reason: str, requests: int
) -> None:
    server.say(said)
    error = failing("openai:m", options=replace(PATIENT, attempts=3))
    assert (error.reason, len(server.seen)) == (reason, requests)
    assert error.item == "openai:m"
    assert error.hint


def test_ollama_failures(server: ModelServer) -> None:
    for said, reason in [
        (Said(status=404), "unknown-model"),
        (Said(status=500), "server-error"),
        (Said(("a",), finish=None), "connection"),
    ]:
        server.say(said)
        assert failing("ollama:m").reason == reason


def test_two_errors_and_then_an_answer(server: ModelServer, name: str) -> None:
    server.say(Said(status=500), Said(status=500), HELLO)
    reply = model(name).complete(MESSAGES)
    assert reply.text == TEXT
    assert reply.usage == Usage(requests=3, input_tokens=11, output_tokens=7)
    server.say(Said(status=500), HELLO)
    assert list(model(name).stream(MESSAGES)) == ["Hel", "lo ", "there"]


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{unused_port()}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OLLAMA_HOST", f"http://127.0.0.1:{unused_port()}")
    assert failing("openai:m").reason == "connection"
    assert failing("ollama:m").reason == "connection"


def test_a_megabyte_is_cut(server: ModelServer, tmp_path: Path) -> None:
    server.say(Said(("x" * 300_000,) * 6))
    cache = ResponseCache(tmp_path)
    reply = model(cache=cache).complete(MESSAGES)
    assert (len(reply.text), reply.finish, reply.complete) == (MAX_OUTPUT, "cut", False)
    assert reply.usage.requests == 1
    model(cache=cache).complete(MESSAGES)
    assert len(server.seen) == 2


@pytest.mark.parametrize("finish", ["length", "content_filter", "a new word"])
def test_an_output_that_is_not_all_is_not_kept(
    server: ModelServer, tmp_path: Path, finish: str
) -> None:
    server.say(replace(HELLO, finish=finish))
    for count in (1, 2):
        reply = model(cache=ResponseCache(tmp_path)).complete(MESSAGES)
        assert (reply.text, reply.complete, len(server.seen)) == (TEXT, False, count)


def test_an_output_that_may_have_been_cut_is_not_kept(tmp_path: Path) -> None:
    from langchain_core.language_models.fake_chat_models import FakeListChatModel

    chat = model(FakeListChatModel(responses=["one", "two"]), cache=ResponseCache(tmp_path))
    assert [chat.complete(MESSAGES).text for _ in range(2)] == ["one", "two"]


def test_an_empty_output_is_not_kept(server: ModelServer, tmp_path: Path) -> None:
    server.say(Said((" \n",)), HELLO)
    texts = [model(cache=ResponseCache(tmp_path)).complete(MESSAGES).text for _ in range(3)]
    assert texts == [" \n", TEXT, TEXT]
    assert len(server.seen) == 2


def test_counts_are_estimated_where_there_are_none(server: ModelServer, name: str) -> None:
    server.say(replace(HELLO, usage=None))
    usage = model(name).complete(MESSAGES).usage
    assert usage.estimated
    assert usage.input_tokens == estimate_tokens(["Be brief.", "How fast?"])
    assert usage.output_tokens == estimate_tokens([TEXT])


def test_closing_a_stream_counts_what_came(server: ModelServer) -> None:
    server.say(replace(HELLO, stall_at=1))
    budget = Budget(1e9)
    chat = model(budget=budget, prices=PRICES)
    stream = chat.stream(MESSAGES)
    assert next(stream) == "Hel"
    stream.close()
    assert list(stream) == []
    assert chat.usage.cost == chat.usage.input_tokens + estimate_tokens(["Hel"]) == budget.spent
    assert not stream.reply.complete


def test_a_stream_that_is_left_to_itself_gives_its_budget_back(server: ModelServer) -> None:
    server.say(replace(HELLO, stall_at=1))
    budget = Budget(5000)
    stream = model(prices=PRICES, budget=budget).stream(MESSAGES)
    assert next(stream) == "Hel"
    del stream
    budget.reserve(5000 - budget.spent, name="m")


def test_a_cancelled_call_waits_no_longer(server: ModelServer) -> None:
    chat, cancelled = model(options=replace(PATIENT, first_s=99)), threading.Event()

    def by(seen: Seen) -> Said:
        cancelled.set()
        return Said(stall_at=-1)

    server.say(Said(by=by))
    with pytest.raises(CancelledError):
        chat.complete(MESSAGES, cancelled=cancelled)
    assert chat.usage.requests == len(server.seen) == 1


def test_a_cancelled_call_does_not_pause(server: ModelServer) -> None:
    cancelled = threading.Event()

    def by(seen: Seen) -> Said:
        cancelled.set()
        return limited(Retry_After="50")

    server.say(Said(by=by))
    with pytest.raises(CancelledError):
        next(model().stream(MESSAGES, cancelled=cancelled))
    with pytest.raises(CancelledError):
        model().complete(MESSAGES, cancelled=cancelled)
    assert len(server.seen) == 1


# Keys.


def places_of(error: BaseException) -> str:
    shown = [repr(error), str(error), *traceback.format_exception(error), repr(vars(error))]
    return "\n".join(shown)


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
def test_a_key_that_is_echoed_is_nowhere(
    server: ModelServer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    status: int,
) -> None:
    server.say(Said(status=status, echo=True))
    chat = model(cache=ResponseCache(tmp_path), options=OPTIONS)
    with caplog.at_level(logging.DEBUG), pytest.raises(ModelError) as caught:
        chat.complete(MESSAGES)
    assert f"Bearer {KEY}" in server.seen[0].headers["authorization"]
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    shown = places_of(error) + repr(chat) + repr(chat.stream(MESSAGES).reply) + repr(chat.usage)
    out = "".join(capfd.readouterr()) + caplog.text
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for start in range(0, len(KEY) - 8, 4):
        assert KEY[start : start + 8] not in shown + out
        assert KEY[start : start + 8].encode() not in kept


def test_an_output_with_the_key_is_not_kept(server: ModelServer, tmp_path: Path) -> None:
    server.say(Said((f"Your key is {KEY[:12]}", KEY[12:])))
    model(cache=ResponseCache(tmp_path)).complete(MESSAGES)
    model(cache=ResponseCache(tmp_path)).complete(MESSAGES)
    assert len(server.seen) == 2
    for path in tmp_path.iterdir():
        assert b"sk-test" not in path.read_bytes()


def test_a_key_in_the_object_is_known(server: ModelServer) -> None:
    from langchain_openai import ChatOpenAI

    own = "nonstandard.own.value"
    headers = {"X-Extra": "a-second-thing-to-hide"}
    given = ChatOpenAI(model="m", api_key=own, default_headers=headers, max_retries=0)  # type: ignore[arg-type]
    body = {"error": {"message": f"no: {own} / a-second-thing-to-hide / fine"}}
    server.say(Said(status=400, body=body))
    with pytest.raises(ModelError) as caught:
        ChatModel(given, options=OPTIONS).complete(MESSAGES)
    text = places_of(caught.value)
    assert own not in text
    assert "a-second-thing" not in text
    assert "fine" in text
    wrapped = given.bind(stop=["x"], extra_headers={"Anything": "a-third-thing"})
    hide = ChatModel(wrapped, options=OPTIONS).hide
    assert hide(f"{own} a-second-thing-to-hide a-third-thing") == "[hidden] [hidden] [hidden]"


def test_what_is_no_secret_is_not_hidden(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from langchain_openai import ChatOpenAI

    monkeypatch.setenv("SOME_AUTH_URL", "https://auth.example.org/v3")
    headers = {"Accept": "application/json", "HTTP-Referer": "https://us.example.org"}
    chat = ChatModel(ChatOpenAI(model="m", default_headers=headers), options=OPTIONS)
    text = "See https://example.org for applications."
    assert chat.hide(text) == text
    assert chat.hide("auth.example.org/v3") == "[hidden]"


SECRETS = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\"'"), min_size=8
)


@given(SECRETS, st.text(max_size=300), st.text(max_size=300))
def test_no_known_secret_passes(secret: str, before: str, after: str) -> None:
    scrub = Scrubber([secret])
    shown = scrub(f"{before}{secret}{after}")
    assert secret not in shown.replace("[hidden]", "")
    assert len(shown) <= 203
    assert shown.isprintable()
    assert scrub.finds_in(f"{before}{secret}{after}")


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: {}.",
        "headers: {{'Authorization': 'Bearer {}'}}",
        '{{"api_key": "{}"}}',
        "https://user:{}@host/v1",
        "x-api-key={}",
        "password: {}",
    ],
)
def test_what_looks_like_a_key_is_hidden(text: str) -> None:
    for secret in ("sk-proj-abcDEF123456789", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"):
        assert secret[:12] not in Scrubber([])(text.format(secret))


def test_what_a_server_says_is_kept_readable() -> None:
    said = "Model qwen3:8b not found, max_tokens 4096 is too\n\x1b[31mlarge"
    assert Scrubber(["none"])(said) == "Model qwen3:8b not found, max_tokens 4096 is too [31mlarge"


def test_foreign_errors_are_sorted_by_what_they_are() -> None:
    class ReadTimeout(Exception): ...

    class WithResponse(Exception):
        response = type("R", (), {"status_code": 418, "headers": {"retry-after": "nan"}})()

    scrub = Scrubber([])
    for error, reason in [
        (ReadTimeout(), "timeout"),
        (TimeoutError(), "timeout"),
        (ConnectionResetError(), "connection"),
        (WithResponse(), "bad-response"),
        (RuntimeError("odd"), "bad-response"),
        (ValueError("prompt is too long: 9000 tokens"), "too-long"),
    ]:
        failure = failure_of(error, name="m", scrub=scrub)
        assert (failure.error.reason, failure.wait_s) == (reason, None)


# Money.


def test_prices_give_costs(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGQA_PRICES", "0.5, 2")
    chat = model()
    assert chat.complete(MESSAGES).usage.cost == pytest.approx((11 * 0.5 + 7 * 2) / 1e6)
    chat.complete(MESSAGES)
    assert chat.usage.cost == pytest.approx(2 * (11 * 0.5 + 7 * 2) / 1e6)


@pytest.mark.parametrize("text", ["1", "a,b", "1,-1", "1,2,3", "nan,1", "inf,1"])
def test_prices_that_are_none(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGQA_PRICES", text)
    with pytest.raises(ModelError, match="prices cannot be read"):
        Prices.from_environment()


def test_a_budget_needs_prices(server: ModelServer) -> None:
    with pytest.raises(ModelError, match="needs the model's prices") as caught:
        model(budget=Budget(1.0))
    assert caught.value.reason == "over-budget"
    assert model(budget=Budget(0.0), prices=Prices(input=0, output=0)).complete(MESSAGES).text


@pytest.mark.parametrize("amount", [float("nan"), -0.01])
def test_a_budget_is_an_amount(amount: float) -> None:
    with pytest.raises(ModelError, match="from 0 on"):
        Budget(amount)


def test_a_budget_goes_by_the_limit_of_the_model_that_is_given(server: ModelServer) -> None:
    from langchain_openai import ChatOpenAI

    free, chat = Prices(input=1, output=0), ChatOpenAI(model="m")
    with pytest.raises(ModelError, match="max_tokens"):
        model(chat, budget=Budget(1e9), prices=PRICES)
    assert model(chat, budget=Budget(1e9), prices=free).complete(MESSAGES).text == TEXT
    with pytest.raises(ModelError, match="set aside"):
        model(chat.bind(max_tokens=9000), budget=Budget(9000), prices=PRICES).complete(MESSAGES)
    assert len(server.seen) == 1


def test_a_request_that_may_not_fit_is_not_sent(server: ModelServer) -> None:
    worst = estimate_tokens(["Be brief.", "How fast?"]) + 100
    options = replace(PATIENT, max_tokens=100)
    with pytest.raises(ModelError) as caught:
        model(options=options, prices=PRICES, budget=Budget(worst - 1)).complete(MESSAGES)
    assert (caught.value.reason, caught.value.retryable, server.seen) == ("over-budget", False, [])
    budget = Budget(worst + 18)
    chat = model(options=options, prices=PRICES, budget=budget)
    chat.complete(MESSAGES)
    assert budget.spent == 18
    chat.complete(MESSAGES)  # what the first did not use was given back
    with pytest.raises(ModelError, match="budget|USD"):
        chat.complete(MESSAGES)
    assert len(server.seen) == 2


def test_a_budget_holds_between_threads_and_models(server: ModelServer) -> None:
    server.say(replace(HELLO, gap_s=0.05))
    options = replace(PATIENT, max_tokens=100)
    worst = estimate_tokens(["Be brief.", "How fast?"]) + 100
    budget = Budget(3 * worst)
    chats = [model(options=options, prices=PRICES, budget=budget) for _ in range(2)]

    def ask(number: int) -> str:
        try:
            return chats[number % 2].complete(MESSAGES).text
        except ModelError as error:
            return error.reason

    with ThreadPoolExecutor(10) as threads:
        said = list(threads.map(ask, range(10)))
    assert set(said) == {TEXT, "over-budget"}
    assert budget.spent == 18 * said.count(TEXT) <= budget.max_cost
    assert len(server.seen) == said.count(TEXT)


def test_failed_requests_give_their_budget_back(server: ModelServer) -> None:
    server.say(Said(status=500))
    budget = Budget(5000)
    with pytest.raises(ModelError, match="server failed"):
        model(prices=PRICES, budget=budget).complete(MESSAGES)
    assert budget.spent == 0
    budget.reserve(5000, name="m")  # nothing is left set aside


# The cache.


def test_the_same_request_is_sent_once(server: ModelServer, tmp_path: Path, name: str) -> None:
    first = model(name, cache=ResponseCache(tmp_path)).complete(MESSAGES)
    chat = model(name, cache=ResponseCache(str(tmp_path)))
    again = chat.complete(MESSAGES)
    assert (again.text, again.cached, again.complete) == (first.text, True, True)
    assert again.usage == Usage() == chat.usage
    assert list(chat.stream(MESSAGES)) == [TEXT]
    assert len(server.seen) == 1


def test_another_request_is_another(
    server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from langchain_openai import ChatOpenAI

    cache = ResponseCache(tmp_path)
    model(cache=cache).complete(MESSAGES)
    others = [
        lambda: model(cache=cache).complete(MESSAGES[:1]),
        lambda: model("openai:m2", cache=cache).complete(MESSAGES),
        lambda: model(cache=cache).complete(MESSAGES, schema=prompt.ANSWER_SCHEMA),
        lambda: model(cache=cache, options=replace(PATIENT, temperature=1.0)).complete(MESSAGES),
        lambda: model(cache=cache, options=replace(PATIENT, max_tokens=9)).complete(MESSAGES),
        lambda: model(ChatOpenAI(model="m"), cache=cache).complete(MESSAGES),
        lambda: model(ChatOpenAI(model="m", extra_body={"a": 1}), cache=cache).complete(MESSAGES),
        lambda: model(ChatOpenAI(model="m").bind(stop=["a"]), cache=cache).complete(MESSAGES),
    ]
    for count, other in enumerate(others, 2):
        assert not other().cached
        assert other().cached
        assert len(server.seen) == count
    monkeypatch.setenv("OPENAI_API_KEY", "another-key-same-answers")
    assert model(cache=cache).complete(MESSAGES).cached
    monkeypatch.setattr("ragqa.generate.chat.cache.PROMPT_VERSION", "other")
    assert not model(cache=cache).complete(MESSAGES).cached


@pytest.mark.parametrize("damage", [b"", b"not a database at all" * 500, None])
def test_a_damaged_cache_is_set_aside(
    server: ModelServer, tmp_path: Path, damage: bytes | None
) -> None:
    told: list[str] = []
    cache = ResponseCache(tmp_path, on_problem=told.append)
    for number in range(5):
        cache.put(f"{number}", "y" * 40_000)
    model(cache=cache).complete(MESSAGES)
    whole = cache.path.read_bytes()
    for side in ("-wal", "-shm"):
        Path(f"{cache.path}{side}").unlink(missing_ok=True)
    cache.path.write_bytes(whole[:9000] + b"\xff" * 150_000 if damage is None else damage)
    assert model(cache=cache).complete(MESSAGES).text == TEXT
    assert model(cache=cache).complete(MESSAGES).cached
    assert len(server.seen) == 2
    aside = list(tmp_path.glob("*.damaged-*"))
    assert len(aside) == len(told) == (0 if damage == b"" else 1)  # an empty file is an empty cache


def test_a_row_that_is_not_what_was_written_is_none(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path)
    cache.put("a", "one")
    cache.put("b", "two \ud800")
    with sqlite3.connect(cache.path) as connection:
        connection.execute("update replies set text = 'another' where key = 'a'")
    connection.close()
    assert cache.get("a") is None
    assert cache.get("b") is None
    assert cache.get("c") is None


@pytest.mark.parametrize("place", ["a file", "a folder of its name"])
def test_a_cache_that_cannot_be_written_costs_requests_only(
    server: ModelServer, tmp_path: Path, place: str
) -> None:
    told: list[str] = []
    cache = ResponseCache(tmp_path / "cache", on_problem=told.append)
    if place == "a file":
        (tmp_path / "cache").write_text("", encoding="utf-8")
    else:
        cache.path.mkdir(parents=True)
    assert model(cache=cache).complete(MESSAGES).text == TEXT
    assert told
    assert all("cannot be used" in line for line in told)


WRITER = """
import sys
from ragqa.generate.chat import ResponseCache
cache = ResponseCache(sys.argv[1], on_problem=lambda line: sys.exit(line))
for number in range(40):
    cache.put(f"{sys.argv[2]}-{number}", "text")
    cache.put(f"both-{number}", f"text {number}")
"""


def test_two_processes_share_a_cache(tmp_path: Path) -> None:
    children = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name]) for name in "ab"
    ]
    assert [child.wait(60) for child in children] == [0, 0]
    cache = ResponseCache(tmp_path)
    assert all(cache.get(f"{name}-{number}") == "text" for name in "ab" for number in range(40))
    assert all(cache.get(f"both-{number}") == f"text {number}" for number in range(40))


def test_options_of_a_model_inside_of_another_count() -> None:
    from langchain_core.language_models.fake_chat_models import FakeListChatModel

    class Inner:
        def __init__(self, beams: int) -> None:
            self.pipeline_kwargs = {"num_beams": beams}

    class Outer(FakeListChatModel):
        llm: Any

    one, other, same = (Outer(responses=[""], llm=Inner(beams)) for beams in (1, 2, 1))
    assert fingerprint_of(one) == fingerprint_of(same) != fingerprint_of(other)


def test_the_cache_holds_hashes_and_outputs_only(server: ModelServer, tmp_path: Path) -> None:
    model(cache=ResponseCache(tmp_path)).complete(MESSAGES)
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert TEXT.encode() in content
    for absent in (KEY, "How fast", "openai", "127.0.0.1"):
        assert absent.encode() not in content


# Opening.


def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.endswith("_API_KEY"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("gpt-4o", "Write ollama:qwen3"),
        ("", "Write ollama:qwen3"),
        (":", "Write ollama:qwen3"),
        ("nosuch:model", "Check provider and name"),
        ("openai:m", "OPENAI_API_KEY is in the environment"),
        ("groq:m", "pip install --upgrade langchain-groq"),
    ],
)
def test_a_model_that_cannot_be_opened(
    name: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_key(monkeypatch)
    with pytest.raises(ModelError, match=hint) as caught:
        load_chat_model(name)
    assert not caught.value.retryable


@pytest.mark.parametrize("provider", ["anthropic", "huggingface", "ollama", "openai"])
def test_a_missing_package_is_named_with_its_extra(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, f"langchain_{provider}", None)
    with pytest.raises(OptionalDependencyError, match=rf"ragqa\[{provider}\]"):
        load_chat_model(f"{provider}:m")


def test_nothing_heavy_is_imported_before_a_model_is_opened() -> None:
    code = (
        "import sys; import ragqa.generate.chat, ragqa.generate.prompt, ragqa.generate.reading;"
        "heavy = {'langchain', 'langchain_core', 'openai', 'httpx', 'torch', 'pydantic'};"
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# A local model of Hugging Face.


@pytest.fixture(scope="module")
def babbler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_babbler(tmp_path_factory.mktemp("babbler"))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # torch and transformers warn about each other
def test_a_babbling_local_model_says_nothing_usable(babbler: Path) -> None:
    chat = ChatModel(
        f"huggingface:{babbler}", options=ChatOptions(max_tokens=60, first_s=60, stall_s=60)
    )
    chunk = prompt.label_chunks([], titles={})
    messages = prompt.answer("How fast?", chunk, structured=chat.structured)
    assert not chat.structured
    with ThreadPoolExecutor(2) as threads:
        replies = list(threads.map(lambda _: chat.complete(messages), range(2)))
    assert replies[0].text == replies[1].text
    assert replies[0].text
    assert not read_output(replies[0].text)
    assert replies[0].usage.output_tokens > 0
