"""`ragqa.render`: JSON as documented, and Markdown in which no text becomes markup."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from corpora import citation, source, statement
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from ragqa.notices import notice
from ragqa.records import Answer, LineLocator, PageLocator, Section, Statement
from ragqa.render import to_dict, to_markdown

URL, CODE = "https://papers.example.org/p.pdf", "https://github.com/example/p"
PLAIN = "Plainword"
"""Stands for any text: what is rendered around it is what must be rendered around any other."""


def answer_with(text: str) -> Answer:
    """Return an answer that shows a text everywhere where a foreign text can stand."""
    title = text
    said = replace(statement(text, url=URL), text=text)
    cells = tuple(
        Statement(text=text, citations=(citation(text, start=n),), paper_id="p", cell=cell)
        for n, cell in enumerate(("input", "model"), 5)
    )
    why = Statement(text=text, citations=(citation(text, start=9),), paper_id="p", cell="why")
    declared = {"title": title, "declared": "x", "asked": "y", "why": "z"}
    return Answer(
        question=text,
        abstained=False,
        reason=None,
        confidence=0.75,
        sections=(
            Section(title=text, kind="task", statements=(said,)),
            Section(
                title=text,
                kind="workflow",
                statements=cells,
                notices=(
                    notice("not-stated", paper_id="p", cell="output"),
                    notice("other-task", declared, paper_id="p"),
                ),
            ),
            Section(
                title=text,
                kind="papers",
                statements=(why,),
                notices=(notice("no-text", paper_id="q", cell="why"),),
            ),
        ),
        sources=(source("p", title, URL, CODE), source("q", title)),
        notices=(notice("paper-removed", {"title": title}),),
        nearest=(citation(text, start=20),),
        index="1-abc",
    )


def tokens(markdown: str) -> list[Token]:
    """Parse as GitHub does, but for bare links."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    return [
        leaf
        for token in parser.parse(markdown)
        for leaf in (token.children if token.type == "inline" else [token])
    ]


def shape(markdown: str) -> list[object]:
    """Return everything but the words: tags, links, raw HTML."""
    found: list[object] = []
    for token in tokens(markdown):
        is_text = token.type in {"text", "text_special", "fence"}
        content = "" if is_text else token.content
        item = (token.type, token.tag, tuple(sorted(token.attrs.items())), content)
        if not (is_text and found and found[-1] == item):  # escapes split a text
            found.append(item)
    return found


def words(markdown: str) -> list[str]:
    """Return the visible text of each block, diagrams decoded."""
    found = [""]
    for token in tokens(markdown):
        if token.type == "fence":
            found.append(re.sub(r"#(\d+);", lambda m: chr(int(m[1])), token.content))
        elif token.type in {"text", "code_inline"}:
            found[-1] += token.content
        elif token.nesting or token.type in {"html_inline", "softbreak", "hardbreak"}:
            found.append("")
    return [" ".join(block.split()) for block in found if block.strip()]


NASTY = [
    "# heading",
    "C #",
    "C# and F##",
    "1. first",
    "12) second",
    "- dash",
    "+ plus",
    "* star",
    "> quote",
    "=====",
    "-----",
    "***",
    "___",
    ":---:",
    "a | b | c",
    "`code` and ``more``",
    "```mermaid",
    "~~~",
    "~~gone~~",
    "[link](https://evil.example)",
    "![img](http://evil.example/x.png)",
    "[ref]: http://evil.example",
    "<b>bold</b>",
    "<script>alert(1)</script>",
    "<!-- hidden",
    "<https://evil.example>",
    "&lt;b&gt; &copy; &#35;",
    "*emphasis* __strong__ _x_",
    "\\*not\\*",
    "ends in backslash \\",
    "[1]",
    "[1][2]",
    "a\n\n# b",
    "a\n---\nb",
    "x --> y; end",
    'click "me" href',
    ']"] --> evil["',
    "%%{init: {}}%%",
    "subgraph x\nend",
    "#quot;#35;",
    "https://evil.example/x",
    "WWW.evil.example",
    "ftp://evil.example",
    "  spaces   inside  ",
    "\u201cquoted\u201d",
    "\u6587\u5b57",
    "a\u00a0b",
    "$x^2$ costs 5$",
    "<br>",
    "||",
    "\\|",
    "{{x}}",
    "@someone",
]


def check_shown_as_it_is(text: str) -> None:
    flat = " ".join(text.split())
    shown, plain = to_markdown(answer_with(text)), to_markdown(answer_with(PLAIN))
    assert shape(shown) == shape(plain)
    assert words(shown) == [block.replace(PLAIN, flat) for block in words(plain)]
    bare = re.sub(r"<https?://[^>]*>|```mermaid.*?```", "", shown, flags=re.DOTALL)
    assert not re.search(r"(?:https?|ftp)://|www\.", bare, re.IGNORECASE)


@pytest.mark.parametrize("text", NASTY)
def test_markup_is_shown_as_it_is(text: str) -> None:
    check_shown_as_it_is(text)


@settings(max_examples=150)
@given(
    st.text(
        st.sampled_from(list("#*_`~[]()<>|\\!&;:$@.-+=\"'{}% \t\n19ab/"))
        | st.characters(exclude_categories=["C"]),
        min_size=1,
        max_size=40,
    ).filter(lambda text: text.strip())
)
def test_any_text_is_shown_as_it_is(text: str) -> None:
    check_shown_as_it_is(text)


def test_a_diagram_holds_only_harmless_characters() -> None:
    for text in NASTY:
        markdown = to_markdown(answer_with(text))
        (fence,) = re.findall(r"```mermaid\n(.*?)```", markdown, re.DOTALL)
        head, *boxes, flow = fence.strip().split("\n")
        assert (head, flow) == ("flowchart LR", "  input --> model --> output")
        assert [box.split("[")[0].strip() for box in boxes] == ["input", "model", "output"]
        for box in boxes:
            assert re.fullmatch(r'  \w+\["(?:[\w .,-]|#\d+;|<br>)*"\]', box), box


def test_a_long_quote_is_clipped_in_a_diagram_and_nowhere_else() -> None:
    text = "word " * 60
    markdown = to_markdown(answer_with(text.strip()))
    fence = re.findall(r"```mermaid\n(.*?)```", markdown, re.DOTALL)[0]
    assert fence.count("word") == 60 + 2 * 18  # the title, and twice 90 characters
    assert "\u201c" + text.strip() + "\u201d" in markdown


def test_every_mark_has_a_citation_and_every_citation_a_mark() -> None:
    markdown = to_markdown(answer_with(PLAIN))
    body, listed = markdown.split("## Citations\n")
    marks = {int(mark) for mark in re.findall(r"\[(\d+)\]", body)}
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", listed, re.MULTILINE)]
    assert marks == set(numbers)
    assert numbers == list(range(1, len(numbers) + 1))


def test_links_are_the_listed_ones_only() -> None:
    markdown = to_markdown(answer_with("[x](https://evil.example) <https://evil.example>"))
    hrefs = {token.attrs["href"] for token in tokens(markdown) if token.type == "link_open"}
    assert hrefs == {URL, CODE}


def test_an_answer_shows_itself() -> None:
    answer = answer_with(PLAIN)
    assert answer.to_markdown() == to_markdown(answer)
    assert answer.to_dict() == to_dict(answer)
    assert answer.to_markdown().endswith("\n")


def test_an_abstention_shows_its_reason_and_marks_what_is_near() -> None:
    answer = Answer(
        question="Why?",
        abstained=True,
        reason="low-confidence",
        confidence=0.1,
        sections=(),
        sources=(source("p", "Title"),),
        notices=(notice("abstained", {"reason": "nothing is near"}),),
        nearest=(citation("Near it."),),
    )
    markdown = to_markdown(answer)
    assert "do not answer this question (nothing is near)" in " ".join(words(markdown))
    assert "Nearest evidence (not an answer)" in markdown
    assert to_dict(answer)["reason"] == "low-confidence"


def test_json_is_exactly_as_documented() -> None:
    spans = (PageLocator(page=3, start=1, end=9), LineLocator(line_start=2, line_end=4))
    quoted = replace(citation("A quote.", url=URL, start=7), locators=spans)
    answer = Answer(
        question="Why?",
        abstained=False,
        reason=None,
        confidence=2 / 3,
        sections=(
            Section(
                title="T",
                kind="workflow",
                statements=(
                    Statement(text="A quote.", citations=(quoted,), paper_id="p", cell="input"),
                    Statement(text="A quote.", citations=(quoted,)),
                ),
                notices=(notice("no-text", paper_id="p", cell="model"),),
            ),
        ),
        sources=(source("p", "Title", URL),),
        notices=(notice("sources", {"counts": "1 with full text"}),),
        nearest=(),
        index="1-abc",
    )
    shown = {
        "paper_id": "p",
        "document": "pdf",
        "locators": [{"page": 3, "start": 1, "end": 9}, {"line_start": 2, "line_end": 4}],
        "start": 7,
        "end": 15,
        "quote": "A quote.",
        "url": URL,
        "chunk_id": "p-7",
    }
    assert json.loads(json.dumps(to_dict(answer))) == {
        "schema": "ragqa/answer/1",
        "question": "Why?",
        "abstained": False,
        "reason": None,
        "confidence": 0.6667,
        "sections": [
            {
                "title": "T",
                "kind": "workflow",
                "statements": [
                    {"text": "A quote.", "citations": [shown], "paper_id": "p", "cell": "input"},
                    {"text": "A quote.", "citations": [shown]},
                ],
                "notices": [
                    {
                        "code": "no-text",
                        "text": "No text from the listed sources.",
                        "paper_id": "p",
                        "cell": "model",
                    }
                ],
            }
        ],
        "notices": [{"code": "sources", "text": "Listed papers: 1 with full text."}],
        "sources": [
            {
                "paper_id": "p",
                "title": "Title",
                "role": "paper",
                "links": [URL],
                "documents": ["pdf"],
                "state": "full-text",
            }
        ],
        "nearest": [],
        "index": "1-abc",
        "generator": "extractive",
    }
