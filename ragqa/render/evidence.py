"""What a citation opens: the words around its quote, and the page's picture with it marked.

In: citations, the documents they point into, and where the PDFs are. Out: an `Evidence` for each.
Invariants: words come from the document only if the span there is the quote; a picture comes from
a file only if its hash is the document's. Whatever is missing is a remark, never an error: an
answer without pictures is an answer.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from ragqa.errors import CitationError
from ragqa.records import Citation, Document, PageLocator
from ragqa.render.words import ContextLine, words_around

if TYPE_CHECKING:
    from ragqa.render.crops import Target

__all__ = ["MAX_PICTURE_BYTES", "REMARKS", "Evidence", "NoPicture", "Picture", "collect"]

MAX_PICTURE_BYTES = 8_000_000
"""All PNG files of one HTML file together: with base64's third more it still goes into a mail."""

NoPicture = Literal["no-file", "changed-file", "not-on-page", "not-drawn", "too-many", "unresolved"]
"""Why a citation of a PDF has no picture of its page."""

REMARKS: Final[Mapping[NoPicture, str]] = MappingProxyType(
    {
        "no-file": "No picture of the page: the PDF was not in the corpus folder.",
        "changed-file": "No picture of the page: the PDF is not the file that was indexed.",
        "not-on-page": "No picture of the page: the quote could not be found on its picture.",
        "not-drawn": "No picture of the page: it could not be drawn within its limits.",
        "too-many": (
            "No picture of the page: the pictures of this file have reached "
            f"{MAX_PICTURE_BYTES // 1_000_000} MB."
        ),
        "unresolved": "The words around it are not shown: the index has changed since.",
    }
)
"""What is said in place of a picture."""

_SECONDS = 30.0  # for one page; pdfium draws an ordinary one in some 50 ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture of a part of a page.

    :ivar page: Page number, from 1.
    :ivar png: The file.
    :ivar width: Pixels.
    :ivar height: Pixels.
    """

    page: int
    png: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one citation opens.

    :ivar lines: Its quote with the words around it.
    :ivar pictures: The pages it stands on, in order.
    :ivar remark: Why there is no picture, or not all of them.
    """

    lines: tuple[ContextLine, ...] = ()
    pictures: tuple[Picture, ...] = ()
    remark: NoPicture | None = None


def collect(
    citations: Iterable[Citation],
    *,
    document_of: Callable[[Citation], Document],
    pdf_of: Callable[[Document], Path | NoPicture],
    max_bytes: int = MAX_PICTURE_BYTES,
) -> dict[Citation, Evidence]:
    """Gather what citations open.

    :param citations: The citations, in the order in which pictures are drawn.
    :param document_of: Gives a citation's document; may raise `CitationError`.
    :param pdf_of: Gives a document's file if it is there and unchanged, else why not.
    :param max_bytes: Of all pictures together; later ones are left out.
    :return: An entry for each citation.
    """
    found: dict[Citation, Evidence] = {}
    room = max_bytes
    with _Artist() as artist:
        for citation in dict.fromkeys(citations):
            document = _resolved(citation, document_of)
            if document is None:
                found[citation] = Evidence(remark="unresolved")
                continue
            lines = words_around(document, citation.start, citation.end)
            pictures, remark = _pictures(citation, document, pdf_of, artist, room)
            room -= sum(len(picture.png) for picture in pictures)
            found[citation] = Evidence(lines=lines, pictures=pictures, remark=remark)
    return found


def _resolved(citation: Citation, document_of: Callable[[Citation], Document]) -> Document | None:
    try:
        document = document_of(citation)
    except CitationError:
        return None
    is_there = document.text[citation.start : citation.end] == citation.quote
    return document if is_there else None


def _pictures(
    citation: Citation,
    document: Document,
    pdf_of: Callable[[Document], Path | NoPicture],
    artist: _Artist,
    room: int,
) -> tuple[tuple[Picture, ...], NoPicture | None]:
    """Draw the pages of one citation; pictures without room are not kept."""
    if document.kind != "pdf":
        return (), None
    path = pdf_of(document)
    if not isinstance(path, Path):
        return (), path
    pictures: list[Picture] = []
    remark: NoPicture | None = None
    for target in _targets(citation, document, path):
        if room <= 0:
            return tuple(pictures), "too-many"
        drawn = artist.draw(target)
        if isinstance(drawn, str):
            remark = drawn
        elif sum(len(picture.png) for picture in drawn) > room:
            room, remark = 0, "too-many"
        else:
            room -= sum(len(picture.png) for picture in drawn)
            pictures.extend(drawn)
    return tuple(pictures), remark


def _targets(citation: Citation, document: Document, path: Path) -> Iterator[Target]:
    """Yield the part of a citation on each page it touches, character by character."""
    from ragqa.render.crops import Target

    pages = {page.number: page for page in document.pages}
    for locator in citation.locators:
        page = pages.get(locator.page) if isinstance(locator, PageLocator) else None
        if page is None:
            continue
        low, high = max(citation.start, page.start), min(citation.end, page.end)
        places = [at for at in range(low, high) if not document.text[at].isspace()]
        yield Target(
            path=os.fspath(path.absolute()),
            page=page.number,
            offsets=tuple(document.raw_offset(at) for at in places),
            text="".join(document.text[at] for at in places),
        )


class _Artist:
    """Draws pages in a child process: one that hangs or dies costs its own picture only."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._drawn: dict[Target, tuple[Picture, ...] | NoPicture] = {}

    def __enter__(self) -> _Artist:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def draw(self, target: Target) -> tuple[Picture, ...] | NoPicture:
        """Return the pictures of a target, or why there are none."""
        if target not in self._drawn:
            self._drawn[target] = self._draw(target)
        return self._drawn[target]

    def _draw(self, target: Target) -> tuple[Picture, ...] | NoPicture:
        line = self._exchange(json.dumps(asdict(target)).encode("ascii") + b"\n")
        try:
            crops = json.loads(line)
        except ValueError:  # the child died or was killed
            self._stop()
            return "not-drawn"
        if crops is None:
            return "not-drawn"
        pictures = tuple(
            Picture(page=target.page, png=base64.b64decode(png), width=width, height=height)
            for png, width, height in crops
        )
        return pictures or "not-on-page"

    def _exchange(self, line: bytes) -> bytes:
        from threading import Timer

        try:
            child = self._child = self._child or _start()
        except OSError:
            return b""
        if child.stdin is None or child.stdout is None:
            return b""
        timer = Timer(_SECONDS, child.kill)
        timer.start()
        try:
            child.stdin.write(line)
            child.stdin.flush()
            return child.stdout.readline()
        except OSError:  # it is dead
            return b""
        finally:
            timer.cancel()

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.communicate()


def _start(command: Sequence[str] = ("-P", "-m", "ragqa.render.crops")) -> subprocess.Popen[bytes]:
    """Start a child that imports what this process would."""
    path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    return subprocess.Popen(
        [sys.executable, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path},
    )
