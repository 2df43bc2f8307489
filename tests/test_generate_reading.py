"""`ragqa.generate.reading`: what chat models write, whole and in pieces, usable and not."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragqa.generate.objects import decode
from ragqa.generate.reading import (
    MAX_OUTPUT,
    MAX_QUOTES,
    MAX_STATEMENTS,
    OutputReader,
    read_output,
    read_question,
)
from ragqa.records import WrittenQuote, WrittenStatement


def statement(text: str, *quotes: tuple[str, str]) -> WrittenStatement:
    return WrittenStatement(
        text=text, quotes=tuple(WrittenQuote(chunk=chunk, text=words) for chunk, words in quotes)
    )


def as_json(statements: Sequence[WrittenStatement], **options: int) -> str:
    items = [
        {"text": s.text, "quotes": [{"chunk": q.chunk, "quote": q.text} for q in s.quotes]}
        for s in statements
    ]
    return json.dumps({"statements": items}, **options)  # type: ignore[arg-type]


def as_text(statements: Sequence[WrittenStatement]) -> str:
    lines = []
    for each in statements:
        lines.append(f"STATEMENT: {each.text}")
        lines += [f"QUOTE {quote.chunk}: {quote.text}" for quote in each.quotes]
    return "\n".join(lines) + "\n"


def in_pieces(raw: str, cuts: Sequence[int]) -> tuple[tuple[WrittenStatement, ...], bool]:
    reader = OutputReader()
    found: list[WrittenStatement] = []
    edges = [0, *sorted(cut % (len(raw) + 1) for cut in cuts), len(raw)]
    for start, end in zip(edges, edges[1:], strict=False):
        found += reader.feed(raw[start:end])
    found += reader.close()
    return tuple(found), reader.declined


TWO = (
    statement("The cell has 3 pores.", ("c1", 'we saw "3 pores" {sic}'), ("c2", "pores: three")),
    statement("It grew 40 % faster.", ("c3", "growth rose by 40 %\\,")),
)


@pytest.mark.parametrize(
    "raw",
    [
        as_json(TWO),
        as_json(TWO, indent=2),
        f"```json\n{as_json(TWO, indent=1)}\n```\nHope this helps {{really}}!",
        f"Sure! Here {{it}} is, as [asked]:\n{as_json(TWO)}",
        f'<think>Maybe {{"text": "no", "quotes": []}}\nSTATEMENT: no</think>{as_json(TWO)}',
        f"<thinking>\nSTATEMENT: no\n</thinking>\n{as_text(TWO)}",
        f"<b>a < b</b> {as_json(TWO)}",
        as_json(TWO)[len('{"statements": ') : -1],  # a bare list
        "\n".join(as_json([each])[len('{"statements": [') : -2] for each in TWO),  # JSON lines
        as_json(TWO).replace('}], "', "}],,").replace("}]}", "},]}"),  # commas too many
        as_json(TWO).replace('", "', '" "').replace("}, {", "} {"),  # commas too few
        as_json(TWO)[:-2],  # the last brackets are missing
        as_json(TWO)[:-2] + "}}",
        as_json(TWO).replace('"text"', '"Statement"').replace('"quote"', '"text"'),
        as_json(TWO).replace('"c1"', '"[C1]"').replace('"c3"', '" c3 "'),
        as_text(TWO),
        as_text(TWO).strip(),
        as_text(TWO).replace("\n", "\r\n"),
        as_text(TWO).replace("QUOTE", "\n\n- **Quote").replace("c3:", "[C3]**:"),
        as_text(TWO).replace("STATEMENT:", "\n**Statement 1:**") + "\nThat is all.\n",
        as_text(TWO).replace("growth rose", "growth\nrose"),
        as_text(TWO).replace("c2: pores: three", 'c2: "pores: three"'),
        f"Statement: here is the JSON:\n{as_json(TWO)}",
        f"```\n{as_text(TWO)}```",
        f"Sure:\n```text\n{as_text(TWO)}```\nHope this helps!",
    ],
)  # fmt: skip
def test_two_statements_however_they_are_written(raw: str) -> None:
    found = [each for each in read_output(raw) if each.quotes]
    assert tuple(found) == TWO


def test_statements_come_as_soon_as_they_are_complete() -> None:
    raw = as_json(TWO)
    reader = OutputReader()
    seen = {index: reader.feed(letter) for index, letter in enumerate(raw)}
    given = {index: found for index, found in seen.items() if found}
    assert [raw[index - 1 : index + 1] for index in given] == ["]}", "]}"]
    assert [each for found in given.values() for each in found] == list(TWO)
    assert not reader.close()


def test_a_block_is_complete_when_the_next_one_begins() -> None:
    reader = OutputReader()
    first, second = as_text(TWO[:1]), as_text(TWO[1:])
    assert not reader.feed(first)
    assert reader.feed(second) == [TWO[0]]
    assert reader.close() == [TWO[1]]


@given(st.integers(0, len(as_json(TWO)) - 1))
def test_a_cut_object_is_never_half_a_statement(size: int) -> None:
    found = read_output(as_json(TWO)[:size])
    assert found == TWO[: len(found)]
    whole = as_json(TWO)[:size].count("}]}")
    assert len(found) == min(whole, 2)


@pytest.mark.parametrize(
    ("raw", "declined"),
    [
        ('{"statements": []}', True),
        ('```\n{"statements":[ ]}\n```', True),
        ("NO ANSWER", True),
        ("**No answer.**\n", True),
        ("There is no answer to this.", False),
        ("", False),
        ('{"statements": ', False),
        ("lorem ipsum", False),
        (as_json(TWO) + "\nNO ANSWER", False),
        ("<think>NO ANSWER", False),
    ],
)
def test_declining_is_told_from_babble(raw: str, declined: bool) -> None:
    reader = OutputReader()
    reader.feed(raw)
    reader.close()
    assert reader.declined is declined


def test_what_is_too_long_is_absent_and_never_shortened() -> None:
    long = "long words " * 200
    fine = ("c1", "fine")
    assert not read_output(as_json([statement(long, fine)]))
    assert not read_output(as_text([statement(long.strip(), fine)]))
    expected = (statement("Short.", fine),)
    both = [statement("Short.", ("c2", long.strip()), fine)]
    assert read_output(as_json(both)) == expected
    assert read_output(as_text(both)) == expected
    broken = as_text(both).replace("long words", "long\nwords")
    assert read_output(broken) == expected


@pytest.mark.parametrize("words", [
    'It works "only" in mice.', 'It is called "fast".', 'A 3" pipe leaks.', 'It is "slow"',
])  # fmt: skip
def test_what_has_unescaped_quotation_marks_is_absent_and_never_shortened(words: str) -> None:
    quotes = '[{"chunk": "c1", "quote": "%s"}, {"chunk": "c2", "quote": "q"}]'
    row = f'{{"text": "%s", "quotes": {quotes}}}'
    assert not read_output(row % (words, "fine"))
    assert set(read_output(row % ("Fine.", words))) <= {statement("Fine.", ("c2", "q"))}


def test_a_model_that_repeats_itself_is_read_once() -> None:
    assert read_output(as_json(TWO * 30)) == TWO
    assert read_output(as_text(TWO * 30) + as_json(TWO)) == TWO


def test_there_are_never_more_than_the_caps() -> None:
    many = [statement(f"S{n}.", *[("c1", f"w{m}") for m in range(20)]) for n in range(90)]
    for raw in (as_json(many), as_text(many)):
        found = read_output(raw)
        assert len(found) == MAX_STATEMENTS
        assert {len(each.quotes) for each in found} == {MAX_QUOTES}
        assert found[3].text == "S3."


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (r"\beta and \frac{1}{2} of \alpha", r"\beta and \frac{1}{2} of \alpha"),
        (r"a \"b\" \\ \/ \n", 'a "b" \\ / \n'),
        (r"\u00e9 \ud83d\ude00 \ud83d x \ude00", "\u00e9 \U0001f600 \ufffd x \ufffd"),
        ("raw \n line", "raw \n line"),
        (r"\u12 \ ", r"\u12 \ "),
    ],
)
def test_strings_are_decoded_as_far_as_they_can(raw: str, said: str) -> None:
    assert decode(raw) == said


SHARDS = st.lists(
    st.sampled_from([
        "{", "}", "[", "]", '"', "\\", ":", ",", "\n", "<think>", "</think>", "<", "STATEMENT: ",
        "QUOTE c1: ", "NO ANSWER", '{"text": "T.", "quotes": [{"chunk": "c1", "quote": "q"}]}',
        '"statements": [', '"text"', '"chunk"', '"quote"', "words", "\ud800", "\x00", " " * 300,
        "- **", "x" * 1500, "\\u", "\r",
    ])
    | st.text(max_size=20),
    max_size=30,
).map("".join)  # fmt: skip


@given(SHARDS, st.lists(st.integers(0, 10_000), max_size=12))
@settings(max_examples=300)
def test_pieces_change_nothing_and_nothing_is_raised(raw: str, cuts: list[int]) -> None:
    whole = in_pieces(raw, [])
    assert whole[0] == read_output(raw)
    assert in_pieces(raw, cuts) == whole
    assert in_pieces(raw, range(len(raw))) == whole
    for each in whole[0]:
        (each.text + "".join(quote.text for quote in each.quotes)).encode()


LETTERS = st.characters(codec="utf-8", exclude_characters="\b\f")
TEXTS = st.text(LETTERS, min_size=1, max_size=60).filter(lambda text: text == text.strip())


@given(
    st.lists(
        st.builds(
            statement,
            TEXTS,
            st.tuples(st.sampled_from(["c1", "c2"]), TEXTS),
            st.tuples(st.sampled_from(["c3", "c12"]), TEXTS),
        ),
        max_size=4,
    ),
    st.booleans(),
    TEXTS.filter(lambda text: not set(text) & set("{}<:")),
)
def test_any_json_is_read_as_written(
    statements: list[WrittenStatement], escaped: bool, chatter: str
) -> None:
    raw = as_json(statements, ensure_ascii=escaped)
    once = tuple(dict.fromkeys(statements))
    assert read_output(raw) == once
    assert read_output(f"{chatter}\n```json\n{raw}\n```") == once


class Lines:
    """Counts the lines of Python that run, which no other load on the machine changes."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, frame: object, event: str, arg: object) -> Lines:
        self.count += 1
        return self


def lines_run(raw: str) -> int:
    counted, before = Lines(), sys.gettrace()
    sys.settrace(counted)
    try:
        read_output(raw)
    finally:
        sys.settrace(before)
    return counted.count


@pytest.mark.parametrize(
    ("unit", "then"),
    [
        *((unit, "") for unit in (
            "{", "[", '{"a":', '"', "\\", "<", "<think>", "{ ", "STATEMENT: a\n", "QUOTE c1: a\n",
            "\n", "*", '{"text": "a", "quotes": [', "a\n", '{"a', "x", "}{",
            '{"text":"a","quotes":[{}]}',
        )),
        ('{"a":', "]"),
        ('{"a":' + "[" * 9, '{"chunk":"c1","quote":"q"}'),
    ],
)  # fmt: skip
def test_work_is_linear_in_the_output(unit: str, then: str) -> None:
    def raw(size: int) -> str:
        return unit * (size // len(unit)) + then * (size // len(then) if then else 0)

    assert lines_run(raw(16_000)) < 12 * lines_run(raw(2000)) + 400


@pytest.mark.parametrize("unit", ["{", '{"a":', "<think", "** ", "STATEMENT: a\nb\n"])
def test_a_megabyte_of_anything_is_read(unit: str) -> None:
    raw = unit * (MAX_OUTPUT // len(unit)) + as_json(TWO)
    assert len(read_output(raw)) <= MAX_STATEMENTS


def test_nothing_behind_the_limit_is_read() -> None:
    assert not read_output(" " * MAX_OUTPUT + as_json(TWO))


@pytest.mark.parametrize(
    ("raw", "question"),
    [
        ("How large is it?", "How large is it?"),
        ("\n**Question:** How large is it?\nMore.", "How large is it?"),
        ('<think>hm\nhm</think>\n"How large is it?"', "How large is it?"),
        ("Standalone question: How large is it?", "How large is it?"),
        ("hm\nhm\n</think>\nHow large is it?", "How large is it?"),
        ("<think>never ends", None),
        ("---\n...", None),
        ("", None),
        ("a" * 1001, None),
    ],
)
def test_a_restated_question(raw: str, question: str | None) -> None:
    assert read_question(raw) == question


@given(SHARDS)
def test_reading_a_question_never_raises(raw: str) -> None:
    found = read_question(raw)
    assert found is None or found.strip()
