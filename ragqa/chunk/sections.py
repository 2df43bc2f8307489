"""Headings -> sections, and which of them are the bibliography.

In: a document with its headings. Out: sections that tile the text from start to end. The
bibliography is kept in the document but not chunked: its lines match every query by their titles
and state nothing. So is a checklist that a venue binds in with the paper ("ACL 2023 Responsible NLP
Checklist"): its questions match every question, and are not the paper's words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ragqa.parse.headings import BIBLIOGRAPHY
from ragqa.records import Document

__all__ = ["SectionSpan", "sections"]

_NUMBER = re.compile(r"^(?:(?:\d{1,2}|[A-Z]|[IVX]{1,4})(?:\.\d{1,2}){0,3}[.:]?)\s+")
_YEAR = re.compile(r"\b(?:19|20)\d\d[a-z]?\b")
_CHARS_PER_YEAR = 260  # a reference has a year every 100-250 characters, running text far fewer
_MIN_REFERENCES = 3  # years: fewer say nothing


class SectionSpan(NamedTuple):
    """A section's span and title.

    :ivar start: First character, that of its heading where it has one.
    :ivar end: One past the last.
    :ivar title: The heading's text; empty before the first heading.
    :ivar is_left_out: Whether it holds references or a publisher's checklist.
    """

    start: int
    end: int
    title: str
    is_left_out: bool


def sections(document: Document) -> tuple[SectionSpan, ...]:
    """Cut a document at its headings.

    :param document: The document.
    :return: Sections in order, tiling ``[0, len(document.text))``.
    """
    return tuple(_sections(document))


def _sections(document: Document) -> Iterator[SectionSpan]:
    heads = [(0, 0), *document.headings] if _has_preamble(document) else [*document.headings]
    ends = [start for start, _ in heads[1:]] + [len(document.text)]
    in_bibliography = in_checklist = False
    for (start, head_end), end in zip(heads, ends, strict=True):
        title = document.text[start:head_end]
        body = document.text[head_end:end]
        name = _NUMBER.sub("", title).strip(" .:").lower()
        in_bibliography = name in BIBLIOGRAPHY or (in_bibliography and _is_references(body))
        in_checklist = name.endswith("checklist") or (in_checklist and not _ends_checklist(name))
        yield SectionSpan(start, end, title, in_bibliography or in_checklist)


def _ends_checklist(name: str) -> bool:
    return name.startswith(("appendi", "supplement"))


def _has_preamble(document: Document) -> bool:
    return not document.headings or document.headings[0][0] > 0


def _is_references(text: str) -> bool:
    years = len(_YEAR.findall(text))
    return years >= _MIN_REFERENCES and years * _CHARS_PER_YEAR >= len(text)
