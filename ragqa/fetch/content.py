"""Is a file what it should be? Looks at its first bytes only.

In: a file and what it is wanted as. Out: nothing, or a `FetchError` that names what is there
instead. A PDF is not parsed here: that it opens is the parser's business.
"""

from __future__ import annotations

import re
from pathlib import Path

from ragqa.errors import FetchError
from ragqa.manifest import FileKind

__all__ = ["check_content"]

HEAD_BYTES = (
    1024  # readers accept `%PDF-` anywhere in the first 1024 bytes (PDF 1.7, annex H.3.4.1)
)
_PAGE = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head)\b",
    re.IGNORECASE | re.DOTALL,
)
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_TITLE_BYTES = 16384  # where a page's title is looked for, to name it
_TITLE_CHARS = 80  # how much of it is shown
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def check_content(path: Path, kind: FileKind, *, item: str) -> None:
    """Check that a file is what it is wanted as.

    :param path: The file.
    :param kind: What it should be: a PDF, or a text.
    :param item: Its link or name, for the message.
    :raises FetchError: ``empty-file``, ``html-instead-of-pdf`` (a web page, also where a README
        is wanted), ``not-a-pdf`` or ``not-text``.
    :raises OSError: If the file cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(_TITLE_BYTES)
    head = start[:HEAD_BYTES]
    wanted = "a PDF" if kind == "pdf" else "a README"
    if not head:
        raise FetchError(
            "the file is empty",
            reason="empty-file",
            item=item,
            hint="Check the link, or drop the file in by hand",
        )
    if _PAGE.match(start):
        raise FetchError(
            f"a web page{_title(start)} came instead of {wanted}",
            reason="html-instead-of-pdf",
            item=item,
            hint="Open the link in a browser, save the file itself and drop it in by hand",
        )
    if kind == "pdf" and b"%PDF-" not in head:
        raise FetchError(
            "this is not a PDF",
            reason="not-a-pdf",
            item=item,
            hint="Check that the link leads to the PDF itself, or drop it in by hand",
        )
    if kind == "readme" and b"\0" in head and not head.startswith(_UTF16):
        raise FetchError(
            "this README is not text",
            reason="not-text",
            item=item,
            hint="Check the repository's link",
        )


def _title(start: bytes) -> str:
    found = _TITLE.search(start)
    words = " ".join(found[1].decode("utf-8", "replace").split()) if found else ""
    shown = "".join(c for c in words if c.isprintable())[:_TITLE_CHARS]
    return f" ({shown!r})" if shown else ""
