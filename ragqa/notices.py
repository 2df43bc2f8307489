"""The lines that the program itself says: a closed list of templates.

In: a code and what fills its template. Out: a `Notice`. A generator never writes one, and no
other line of an answer is the program's own. What fills a template is a count, a file state, a
name from the task list, a field of the manifest, a chat model's name, or a follow-up question as
it was understood (its words are those of the conversation); never text of a paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ragqa.records import Cell, Notice, NoticeCode

__all__ = ["TEMPLATES", "notice"]

TEMPLATES: Final[dict[NoticeCode, str]] = {
    "sources": "Listed papers: {counts}.",
    "no-text": "No text from the listed sources.",
    "not-stated": "The listed sources do not state this.",
    "fit": "{title} fits: its declared task is {declared}, which is what the question asks for.",
    "other-task": (
        "{title} is made for another task: its declared task is {declared}; "
        "the question asks for {asked}."
    ),
    "fit-not-established": "Whether {title} fits the question is not established: {why}.",
    "abstained": "The listed papers do not answer this question ({reason}).",
    "stale-index": "The index is older than its manifest. Run: ragqa rebuild {corpus}",
    "not-in-index": "{title} is listed but not in the index yet.",
    "paper-removed": "{title} was taken off the list and is not used.",
    "nothing-on-this": "The listed papers say nothing on this that could be verified.",
    "silent-papers": "Not answered by: {titles}.",
    "conflicting-evidence": (
        "What is quoted points in opposite directions: {first}, and {second}. "
        "Which of them holds is not decided here."
    ),
    "written-by-model": (
        "Written by {model}; every statement was checked against the quotes that it cites."
    ),
    "model-declined": "{model} found no answer to this in what the papers say nearest to it.",
    "model-refused": (
        "What {model} wrote on this did not pass the check of its quotes, and is not shown."
    ),
    "model-failed": "{model} gave nothing on this ({reason}); the papers are quoted instead.",
    "model-broke-off": "{model} broke off here ({reason}); what is shown was checked before.",
    "model-stopped": "{model} was not asked any further ({reason}); the rest is quoted.",
    "restated": "Understood as: {question}",
}
"""Code -> template. Papers without text, other states and reasons are spelt out by the caller."""


def notice(
    code: NoticeCode,
    fields: Mapping[str, str] = MappingProxyType({}),
    *,
    paper_id: str | None = None,
    cell: Cell | None = None,
) -> Notice:
    """Fill a template.

    :param code: Which template.
    :param fields: What fills the template; more than it needs is fine.
    :param paper_id: The paper it is about, if one.
    :param cell: The table's cell it stands in for, if one.
    :return: The notice.
    """
    text = TEMPLATES[code].format_map(fields)
    return Notice(code=code, text=text, paper_id=paper_id, cell=cell)
