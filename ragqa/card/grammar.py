"""What one line of a card is: a heading, a field, a list item, a question's introduction.

In: a line. Out: what it can be. Which of these counts is decided by the context, in `parsing`.

Invariant: only the start of a line is looked at, so a field's name inside a sentence is text.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

__all__ = [
    "FieldLine",
    "FieldName",
    "Item",
    "SectionName",
    "closing_quotes",
    "field_of",
    "heading_of",
    "is_absent",
    "is_boilerplate",
    "is_list_intro",
    "is_rule",
    "item_of",
    "question_of",
    "section_of",
    "unquoted",
]

SectionName = Literal["question", "instructions", "model", "paper", "answer"]
"""Which part of a card a heading opens."""

FieldName = Literal["title", "url", "github", "summary", "other"]
"""Which value of a paper a line holds; ``other`` is known and not kept (authors, year)."""

_MAX_HEADING_CHARS = 80  # a longer line is a sentence
_MAX_INTRO_CHARS = 200  # a line that introduces a question or a list

_MAX_QUOTE_PAIRS = 3  # around a question; two are seen where one is Markdown

_ADJECTIVE = (
    r"(?:recommended|suggested|related|relevant|provided|given|listed|available|selected|"
    r"candidate|supporting|scientific|research|academic|key|further|reference)"
)
_SECTIONS: tuple[tuple[SectionName, re.Pattern[str]], ...] = (
    (
        "model",
        re.compile(
            rf"(?:(?:the |your )?(?:{_ADJECTIVE} )+(?:(?:ai|ml|ai/ml) )?(?:models?|tools?)"
            r"|(?:(?:ai|ml|ai/ml) )?(?:models|tools))(?: (?:and|&) (?:models|tools|papers))?"
        ),
    ),
    (
        "paper",
        re.compile(
            rf"(?:the |your )?(?:{_ADJECTIVE} )*"
            r"(?:papers|publications|works|literature|articles|references|readings?|studies)"
            rf"|(?:{_ADJECTIVE} )+(?:paper|publication|work|article)"
        ),
    ),
    ("question", re.compile(r"(?:the )?(?:user(?:['’]?s)? )?(?:question|query)")),
    (
        "instructions",
        re.compile(
            r"(?:the |your )?(?:instructions?|tasks?|steps|guidelines|requirements"
            r"|what to (?:do|explain|answer))"
        ),
    ),
    ("answer", re.compile(r"(?:the |your |final )?(?:answer|response)")),
)

_FIELDS: dict[FieldName, str] = {
    "title": r"model(?: name)?|(?:paper )?title|name",
    "url": r"paper(?: (?:link|url))?|link|url|pdf|arxiv|doi",
    "github": r"git ?hub(?: (?:link|url|repo|repository))?|(?:source )?code|repo|repository",
    "summary": r"summary|abstract|description|tl;?dr",
    "other": r"authors?|year|date|published|venue|journal|conference|licen[cs]e|tags|keywords|"
    r"categor(?:y|ies)|citations?|score|rank",
}
_BULLET = r"(?:[-*+•–·]|\(?\d{1,3}[.):])\s+"
_FIELD = re.compile(
    rf"\s*(?:{_BULLET})?(?P<mark>[*_]{{0,3}})(?P<label>{'|'.join(_FIELDS.values())})"
    r"(?: ?\([^()]{0,40}\))?(?:(?P=mark))?\s*[:：](?:(?P=mark))?\s*(?P<value>.*)",
    re.IGNORECASE,
)
_ITEM = re.compile(
    r"(?P<indent>\s*)(?:[*_]{2})?(?:step )?"
    r"(?:\(?(?P<number>\d{1,3})[.):](?=[\s*_])|(?P<bullet>[-*+•–·])(?=\s))(?:[*_]{2})?\s*(?P<text>\S.*)",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    r"[\s#>*_-]*(?:(?P<named>(?:the )?(?:user(?:['’]?s)? )?(?:question|query|q))"
    r"|[^:：\"“«„]*\b(?:asks?|asked|asking|question|query|wants to know)\b[^:：?\"“«„]*)"
    r"\s*[*_]*[:：]\s*[*_]*\s*(?P<value>.*)",
    re.IGNORECASE,
)
_LIST_INTRO = re.compile(
    r"[\s*_]*(?:based on|using|given|from|with|now|please|explain|answer|describe|write|address)\b"
    r".*[:：][\s*_]*",
    re.IGNORECASE,
)
_BOILERPLATE = re.compile(
    r"\W*(?:(?:use|using|rely on|refer to|cite)\W+only\b|only use\b|you are an? "
    r"|(?:please )?(?:do not|don['’]t|never) (?:refer|use|cite|rely)\b)",
    re.IGNORECASE,
)
_RULE = re.compile(r"\s*(?:[-=*_~]{3,}|`{3,}\w*)\s*")
_ABSENT = re.compile(
    r"(?:n/?a|none|null|nil|not (?:available|given|provided|applicable)|unavailable|unknown|tba|tbd"
    r"|[-–—?./]*)\.?",
    re.IGNORECASE,
)
_QUOTES = {
    '"': '"', "“": "”", "”": "”", "„": "“”", "«": "»", "»": "«", "‹": "›", "›": "‹",
    "'": "'", "‘": "’", "‚": "‘’", "「": "」", "『": "』", "`": "`'", "＂": "＂",
}  # fmt: skip


class FieldLine(NamedTuple):
    """A line that starts with a field's name.

    :ivar name: Which value it holds.
    :ivar label: The name as written, in lower case.
    :ivar value: What follows the colon.
    """

    name: FieldName
    label: str
    value: str


class Item(NamedTuple):
    """A line that starts with a number or a bullet.

    :ivar indent: Spaces before it.
    :ivar number: The number; None for a bullet.
    :ivar text: What follows.
    """

    indent: int
    number: int | None
    text: str


def heading_of(line: str) -> str | None:
    """Return the text of a line that is marked as a heading (``#``, or wholly bold).

    :param line: The line.
    :return: The text without marks and colon; None where the line is no marked heading.
    """
    bare = line.strip()
    found = re.fullmatch(r"#{1,6}\s*([^#].*?)\s*#*|(?:\*\*|__)([^*_]+)(?:\*\*|__)\s*[:：]?", bare)
    if found is None or len(bare) > _MAX_HEADING_CHARS:
        return None
    return (found[1] or found[2]).strip(" *_:：")


def section_of(line: str) -> tuple[SectionName, bool] | None:
    """Return which section a line opens, if the line is nothing but its title.

    :param line: The line.
    :return: The section, and whether the line is marked as a heading or ends in a colon.
    """
    bare = line.strip()
    if len(bare) > _MAX_HEADING_CHARS:
        return None
    heading = heading_of(line)
    title = bare if heading is None else heading
    title = re.sub(r"\s*\((?:\d+|s)\)$", "", title.strip(" *_=:：").casefold())
    title = re.sub(r"\s+", " ", title)
    if heading is not None:  # a numbered line without marks is a list's
        title = re.sub(r"^\(?\d{1,2}[.)]\s+", "", title)
    for name, pattern in _SECTIONS:
        if pattern.fullmatch(title):
            return name, heading is not None or bare.endswith((":", "："))
    return None


def field_of(line: str) -> FieldLine | None:
    """Return the field that a line starts with.

    :param line: The line; a bullet or number and emphasis before the name are allowed.
    :return: The field, or None.
    """
    found = _FIELD.fullmatch(line)
    if found is None:
        return None
    label = found["label"].lower()
    name = next(name for name, pattern in _FIELDS.items() if re.fullmatch(pattern, label))
    return FieldLine(name, label, found["value"].strip())


def item_of(line: str) -> Item | None:
    """Return the list item that a line starts.

    :param line: The line.
    :return: The item, or None.
    """
    found = _ITEM.fullmatch(line)
    if found is None:
        return None
    number = int(found["number"]) if found["number"] else None
    return Item(len(found["indent"]), number, found["text"].strip())


def question_of(line: str, *, strict: bool = False) -> str | None:
    """Return what follows a question's introduction.

    :param line: The line.
    :param strict: Whether only ``Question: x``, ``... question: "x"`` and a line that ends in the
        colon are introductions, and not a sentence like ``the question is: x``.
    :return: What stands after the colon, empty where the question is on the next line; None where
        the line introduces no question.
    """
    found = _QUESTION.match(line[:_MAX_INTRO_CHARS])
    if found is None:
        return None
    value = line[found.start("value") :].strip()
    named = found["named"] is not None or not value or closing_quotes(value)
    return None if strict and not named else value


def is_list_intro(line: str) -> bool:
    """Return whether a line announces a list of instructions.

    :param line: The line.
    :return: Whether it is like ``Based on the following models, explain:``.
    """
    return len(line) <= _MAX_INTRO_CHARS and _LIST_INTRO.fullmatch(line) is not None


def is_boilerplate(line: str) -> bool:
    """Return whether a line tells a language model how to behave.

    :param line: The line.
    :return: Whether it is like ``Use only the provided papers`` or ``You are an AI scientist``.
    """
    return _BOILERPLATE.match(line) is not None


def is_rule(line: str) -> bool:
    """Return whether a line only separates (a rule, a fence).

    :param line: The line.
    :return: Whether it can be read as a blank line.
    """
    return _RULE.fullmatch(line) is not None


def is_absent(value: str) -> bool:
    """Return whether a field's value says that there is none.

    :param value: The value.
    :return: Whether it is empty, ``N/A``, ``-``, ``None`` and the like.
    """
    return _ABSENT.fullmatch(value.strip(" *_`")) is not None


def unquoted(text: str) -> str:
    """Take the quotes off a question that is quoted as a whole.

    :param text: The text.
    :return: The text without emphasis and its outer quotes.
    """
    bare = text.strip(" \t\n*_>")
    for _ in range(_MAX_QUOTE_PAIRS):
        if len(bare) < 2 or bare[-1] not in _QUOTES.get(bare[0], ""):
            break
        inner = bare[1:-1]
        at = inner.find(bare[-1])
        if at > 0 and not inner[at - 1].isspace() and bare[0] == bare[-1]:
            return bare  # "A" or "B": the first closes before the end
        bare = inner.strip()
    return bare


def closing_quotes(text: str) -> str:
    """Return what may close the quote that a text opens with; empty where it opens none.

    :param text: The text.
    :return: The closing characters.
    """
    return _QUOTES.get(text.strip(" \t*_>")[:1], "")
