"""A worker's replies on the wire: a document or an error as a line of JSON.

In: what became of a file. Out: a line, and the same back. Nothing is pickled.
"""

from __future__ import annotations

import json
from typing import Any

from ragqa.errors import ParseError
from ragqa.records import Document, Page, Run

__all__ = ["document_of", "encode_reply"]

_DOCUMENT_FIELDS = tuple(Document.__dataclass_fields__)


def encode_reply(reply: Document | ParseError) -> bytes:
    """Write what became of a file as a line of JSON.

    :param reply: Its document or error.
    :return: ASCII, with the line's end.
    """
    fields: dict[str, object]
    if isinstance(reply, ParseError):
        fields = {"what": reply.what, "item": reply.item, "hint": reply.hint}
        fields["reason"] = reply.reason
    else:
        fields = {name: getattr(reply, name) for name in _DOCUMENT_FIELDS}
        fields["pages"] = [(page.number, page.start, page.end) for page in reply.pages]
    return json.dumps(fields, separators=(",", ":")).encode("ascii") + b"\n"


def document_of(fields: dict[str, Any]) -> Document:
    """Return the document that was written as JSON.

    :param fields: Its values, read; they are used up.
    :return: The same document.
    :raises TypeError: They are of something else.
    :raises KeyError: One is missing.
    """
    pages = tuple(Page(number=n, start=start, end=end) for n, start, end in fields.pop("pages"))
    return Document(
        pages=pages,
        line_starts=tuple(fields.pop("line_starts")),
        runs=tuple(Run(*run) for run in fields.pop("runs")),
        breaks=tuple(fields.pop("breaks")),
        headings=tuple((start, end) for start, end in fields.pop("headings")),
        notes=tuple(fields.pop("notes")),
        **fields,
    )
