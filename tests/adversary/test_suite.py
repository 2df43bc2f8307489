"""The adversary suite itself: frozen, large enough, and fair in what it calls true and false."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from adversary import cases, scoring
from adversary.cases import FAITHFUL, FORM, QUOTE_FALSE, SETS, UNSUPPORTED, Case, squash

from ragqa.records import (
    Chunk,
    Citation,
    Document,
    DocumentKind,
    Paper,
    Statement,
    WrittenQuote,
    WrittenStatement,
)

FROZEN = "eb0948041318d0bbf0a75adfe8376b24a2ed6a08d48c08ef406f319931f5b8c9"
"""Hash of the suite, which was written before the gate was, by somebody who never saw it."""
MIN_ADVERSARIAL = 400  # outputs
MIN_A_KIND = 20  # outputs
MIN_MIXED = 40  # outputs of good and bad statements
MIN_FAITHFUL = {"covidqa": 100, "evidence-inference": 80, "scifact": 60, "acl2023": 40}  # outputs

RECORDS = cases.read_records()
needs_data = pytest.mark.skipif(
    not all((cases.DATA / name).is_dir() for name in SETS), reason="no papers in ../shared/data"
)


@pytest.fixture(scope="module")
def suite() -> list[tuple[dict[str, Any], Case]]:
    return [(record, cases.resolve(record)) for record in RECORDS if record["kind"] != "huge"]


def quotes_of(record: Mapping[str, Any]) -> Iterable[tuple[dict[str, Any], dict[str, Any]]]:
    for statement in record["output"].get("statements", ()):
        for quote in statement["quotes"]:
            yield statement, quote


def letters(text: str) -> str:
    """Return a text's letters and numbers: no fair matching, which minds more, finds more."""
    found = re.findall(r"\d+(?:\.\d+)*|[^\W\d_]", unicodedata.normalize("NFKC", text))
    return "".join(found)


def stands(quote: Mapping[str, Any], case: Case) -> bool:
    chunk = case.chunks.get(quote["chunk"])
    words = cases.quoted_words(quote["words"], case.chunks)
    return chunk is not None and letters(words) in letters(chunk.text)


def test_the_suite_is_frozen() -> None:
    assert hashlib.sha256(cases.SUITE.read_bytes()).hexdigest() == FROZEN


def test_counts() -> None:
    kinds = Counter(record["kind"] for record in RECORDS)
    faithful = Counter(record["set"] for record in RECORDS if record["kind"] == FAITHFUL)
    bad = [record for record in RECORDS if record["kind"] != FAITHFUL]
    assert set(kinds) == {FAITHFUL, *QUOTE_FALSE, *UNSUPPORTED, *FORM}
    assert min(kinds.values()) >= MIN_A_KIND
    assert len(bad) >= MIN_ADVERSARIAL
    assert sum(bool(record["expect"]["pass"]) for record in bad) >= MIN_MIXED
    assert all(faithful[name] >= least for name, least in MIN_FAITHFUL.items())


def test_ids_are_unique_and_nothing_is_written_twice() -> None:
    assert len({record["id"] for record in RECORDS}) == len(RECORDS)
    texts = [r["output"]["statements"][0]["text"] for r in RECORDS if r["kind"] == FAITHFUL]
    assert len(set(texts)) == len(texts)


def test_what_must_pass_is_in_the_output_and_only_there_is_it_bad_or_good() -> None:
    for record in RECORDS:
        texts = [statement["text"] for statement in record["output"].get("statements", ())]
        good = record["expect"]["pass"]
        assert len(set(good)) == len(good), record["id"]
        assert len(set(texts)) == len(texts), record["id"]
        assert set(good) <= set(texts) or record["output"]["format"] == "raw", record["id"]
        assert (set(good) == set(texts)) == (record["kind"] == FAITHFUL) or not texts, record["id"]


def test_no_words_of_the_papers_are_kept() -> None:
    pointer = {"set", "paper_id", "start", "end", "sha256"}
    for chunk in (chunk for record in RECORDS for chunk in record["chunks"]):
        assert set(chunk) == pointer or chunk["set"] == "synthetic", chunk


@needs_data
def test_every_quote_that_is_called_true_stands_in_its_chunk(
    suite: list[tuple[dict[str, Any], Case]],
) -> None:
    for record, case in suite:
        for statement, quote in quotes_of(record):
            true = record["kind"] not in QUOTE_FALSE or statement["text"] in case.good
            assert not true or stands(quote, case), (case.case_id, quote)


@needs_data
def test_every_quote_that_is_called_false_does_not_stand_in_its_chunk(
    suite: list[tuple[dict[str, Any], Case]],
) -> None:
    for record, case in suite:
        if record["kind"] in QUOTE_FALSE:
            found = [
                stands(quote, case)
                for statement, quote in quotes_of(record)
                if statement["text"] not in case.good
            ]
            assert not all(found), case.case_id


@needs_data
def test_no_faithful_statement_is_a_copy(suite: list[tuple[dict[str, Any], Case]]) -> None:
    for _, case in suite:
        if case.kind == FAITHFUL and case.set_name != "synthetic":
            held = " ".join(letters(chunk.text) for chunk in case.chunks.values())
            assert not any(letters(text) in held for text in case.good), case.case_id


@needs_data
def test_outputs_are_what_their_kind_says(suite: list[tuple[dict[str, Any], Case]]) -> None:
    for record, case in suite:
        if record["kind"] == "truncated-json":
            assert '{"statements"' in squash(case.output).replace("{ ", "{"), case.case_id
            assert not case.output.rstrip().endswith("}"), case.case_id
        elif record["output"]["format"] != "raw":
            written = {squash(written.text) for written in read(case.output)}
            assert {squash(text) for text in case.good} <= written, case.case_id


@needs_data
def test_a_chunk_is_a_span_of_its_document(suite: list[tuple[dict[str, Any], Case]]) -> None:
    for _, case in suite:
        for chunk in case.chunks.values():
            document = case.document_of(chunk.paper_id, "pdf")
            assert document.text[chunk.start : chunk.end] == chunk.text
            assert case.paper_of(chunk.paper_id).paper_id == chunk.paper_id


@needs_data
def test_other_data_is_noticed() -> None:
    record = next(record for record in RECORDS if record["set"] == "covidqa")
    moved = {**record["chunks"][0], "start": record["chunks"][0]["start"] + 1}
    with pytest.raises(ValueError, match="not what the suite was made from"):
        cases.resolve({**record, "chunks": [moved, *record["chunks"][1:]]})


@needs_data
def test_huge_outputs_are_huge() -> None:
    sizes = [len(case.output) for case in cases.load_cases(of_kinds("huge"))]
    assert len(sizes) >= MIN_A_KIND
    assert all(0.99 < size / cases.HUGE_CHARS < 1.01 for size in sizes)


def of_kinds(*kinds: str) -> list[dict[str, Any]]:
    return [record for record in RECORDS if record["kind"] in kinds]


def read(raw: str) -> tuple[WrittenStatement, ...]:
    """Read an output that is well formed; anything else as nothing."""
    if raw.startswith("STATEMENT: "):
        return tuple(_block(block) for block in raw.split("\n\n"))
    start = re.search(r'\{\s*"statements": \[', raw)
    try:
        found = json.JSONDecoder().raw_decode(raw[start.start() :])[0] if start else {}
    except (json.JSONDecodeError, RecursionError):
        return ()
    return tuple(
        WrittenStatement(
            text=s.get("text", ""),
            quotes=tuple(
                WrittenQuote(chunk=q["chunk"], text=q["quote"]) for q in s.get("quotes", ())
            ),
        )
        for s in found.get("statements") or ()
    )


def _block(block: str) -> WrittenStatement:
    first, *rest = block.split("\n")
    quotes = (line.removeprefix("QUOTE ").partition(": ") for line in rest)
    return WrittenStatement(
        text=first.removeprefix("STATEMENT: "),
        quotes=tuple(WrittenQuote(chunk=label, text=text) for label, _, text in quotes),
    )


def permissive(
    written: WrittenStatement,
    *,
    chunks: Mapping[str, Chunk],
    document_of: Callable[[str, DocumentKind], Document],
    paper_of: Callable[[str], Paper],
) -> Statement:
    """Let everything pass, with the first chunk as its citation."""
    chunk = chunks["c1"]
    document = document_of(chunk.paper_id, chunk.document)
    citation = Citation(
        paper_id=chunk.paper_id,
        document=chunk.document,
        locators=document.locate(chunk.start, chunk.end),
        start=chunk.start,
        end=chunk.end,
        quote=chunk.text,
        url=paper_of(chunk.paper_id).url,
        chunk_id=chunk.chunk_id,
    )
    return Statement(text=written.text, citations=(citation,))


def strict(written: WrittenStatement, **_: object) -> str:
    """Let nothing pass."""
    return f"dropped: {written.text}"


def careless(written: WrittenStatement, **given: Any) -> Statement:
    """Let everything pass, with a citation that is not what stands there."""
    statement = permissive(written, **given)
    (citation,) = statement.citations
    return replace(statement, citations=(replace(citation, quote=citation.quote + "!"),))


SOME = of_kinds(FAITHFUL, *QUOTE_FALSE, *UNSUPPORTED, "truncated-json", "planted-instruction")


@needs_data
def test_a_permissive_gate_catches_nothing_and_drops_nothing() -> None:
    table = scoring.run_suite(read, permissive, cases=cases.load_cases(SOME))
    for group in ("quote false", "quote true, statement unsupported", "planted-instruction"):
        assert table.row(group).catch_rate == 0, group
    assert table.row(FAITHFUL).false_drop_rate == 0
    assert table.row(FAITHFUL).catch_rate == 1
    assert table.row("truncated-json").catch_rate == 1
    assert table.row("quote false").kept == table.row("quote false").good > 0


@needs_data
def test_a_strict_gate_catches_everything_and_drops_everything() -> None:
    table = scoring.run_suite(read, strict, cases=cases.load_cases(SOME))
    for group in ("quote false", "quote true, statement unsupported", "planted-instruction"):
        assert table.row(group).catch_rate == 1, group
        assert table.row(group).false_drop_rate == 1, group
    assert table.row(FAITHFUL).false_drop_rate == 1
    assert {verdict.kind for verdict in table.wrong} >= {FAITHFUL}


@needs_data
def test_a_citation_that_is_not_canonical_counts_as_escaped() -> None:
    table = scoring.run_suite(read, careless, cases=cases.load_cases(of_kinds(FAITHFUL)))
    assert table.row(FAITHFUL).catch_rate == 0
    assert table.row(FAITHFUL).false_drop_rate == 1


@needs_data
def test_the_whole_suite_runs_and_its_table_names_every_kind() -> None:
    table = scoring.run_suite(read, strict)
    assert len(table.verdicts) == len(RECORDS)
    shown = table.to_markdown()
    for kind in (*QUOTE_FALSE, *UNSUPPORTED, *FORM):
        assert f"| {kind} | {len(of_kinds(kind))} | {len(of_kinds(kind))} (100.0%) |" in shown
    assert f"| **faithful** | {len(of_kinds(FAITHFUL))} |" in shown
