"""A quote on the picture of its page: pdfium draws, boxes of the quote's characters are marked.

In: a PDF, a page, and which raw characters the quote has. Out: PNG crops around the quote, one for
each place it stands in (a sentence that runs on in the next column has two). Invariant: a crop is
given only where the page's own text at these offsets is the quote.

Drawing a page runs foreign content, so this happens in a child process with limits, like parsing:
``python -m ragqa.render.crops`` reads a JSON line a page and answers with one.
"""

from __future__ import annotations

import base64
import ctypes
import io
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import pypdfium2
import pypdfium2.raw as pdfium

from ragqa.parse.hidden import Handle
from ragqa.parse.pdfium import page_text

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Crop", "Rect", "Target", "draw_crops", "quote_rects"]

MAX_PIXELS = 900
"""Width and height of a crop at most: sharp on a page that is read at some 600 CSS pixels."""

_SCALE = 2.0  # pixels a point: 144 dpi, so 10 point text is sharp at 1.3 times its printed size
_SIDE, _ABOVE = 26.0, 34.0  # points shown around the quote: the column's edge, some three lines
_MIN_WIDTH = 240.0  # points: a column, so that a short quote is not shown alone
_MARK = (255, 233, 120)  # multiplied with the page: black stays black, white turns this yellow
_STEP = 100  # steps a point in which pdfium, which gives whole numbers, tells positions
_FAR = 3.0  # heights of a line; a larger gap between two lines starts another crop
_MAX_CROPS = 4  # of one page; a quote in more pieces is debris, and shown as one crop
_MIN_SAME = 0.95  # share of characters that must be the quote's; ligatures and hyphens differ
_COLOURS = 64  # of the palette: text and line drawings look the same, at half the size


class Rect(NamedTuple):
    """A rectangle on the page as it is shown: points from its upper left corner, y downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def joined(self, other: Rect) -> Rect:
        """Return the smallest rectangle around both."""
        return Rect(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The part of a quote that stands on one page.

    :ivar path: The PDF.
    :ivar page: Page number, from 1.
    :ivar offsets: Where its characters are in the page's raw text; white space left out.
    :ivar text: These characters.
    """

    path: str
    page: int
    offsets: tuple[int, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """A picture of a part of a page, with a quote marked.

    :ivar png: The file.
    :ivar width: Pixels.
    :ivar height: Pixels.
    """

    png: bytes
    width: int
    height: int


def draw_crops(target: Target) -> tuple[Crop, ...]:
    """Draw what of a quote stands on one page.

    :param target: Which.
    :return: Crops in reading order; none where the page's text is not the quote's.
    """
    document = pypdfium2.PdfDocument(target.path)
    try:
        page = document[target.page - 1]
        rects = quote_rects(page, target)
        return tuple(_draw(page, group) for group in _places(rects))
    finally:
        document.close()


def quote_rects(page: Handle, target: Target) -> list[Rect]:
    """Return where a quote's lines stand on the page as it is shown.

    :param page: An open pdfium page.
    :param target: The quote on it.
    :return: A rectangle a line; none where the page's text is not the quote's.
    """
    textpage = page.get_textpage()
    try:
        text, to_unit = page_text(textpage)
        if not _is_there(text, target):
            return []
        boxes = [_char_rect(page, textpage, to_unit[at]) for at in target.offsets]
    finally:
        textpage.close()
    return list(_lines([box for box in boxes if box is not None]))


def _is_there(text: str, target: Target) -> bool:
    """Say whether the raw characters are the quote's, ligatures counted as their letters."""
    if not target.offsets or max(target.offsets) >= len(text):
        return False
    pairs = zip(target.offsets, target.text, strict=True)
    same = sum(text[at] == letter or "\ufb00" <= text[at] <= "\ufb06" for at, letter in pairs)
    return same >= _MIN_SAME * len(target.offsets)


def _char_rect(page: Handle, textpage: Handle, unit: int) -> Rect | None:
    char = pdfium.FPDFText_GetCharIndexFromTextIndex(textpage.raw, unit)
    box = pdfium.FS_RECTF()
    if char < 0 or not pdfium.FPDFText_GetLooseCharBox(textpage.raw, char, box):
        return None
    x1, y1 = _on_screen(page, box.left, box.top)
    x2, y2 = _on_screen(page, box.right, box.bottom)
    return Rect(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))


def _on_screen(page: Handle, x: float, y: float) -> tuple[float, float]:
    """Return a page's point as it is shown: turned, and counted from the upper left."""
    width, height = page.get_size()
    across, down = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDF_PageToDevice(
        page.raw, 0, 0, round(width * _STEP), round(height * _STEP), 0, x, y, across, down
    )
    return across.value / _STEP, down.value / _STEP


def _lines(boxes: Sequence[Rect]) -> Iterator[Rect]:
    """Join the boxes of characters that follow one another on a line.

    A line is as high as most of its characters: some formula fonts reach into the next one.
    """
    line: list[Rect] = []
    for box in boxes:
        if line and not _is_beside(line[-1], box):
            yield _line(line)
            line = []
        line.append(box)
    if line:
        yield _line(line)


def _line(boxes: Sequence[Rect]) -> Rect:
    top, bottom = median(box.top for box in boxes), median(box.bottom for box in boxes)
    return reduce(Rect.joined, boxes)._replace(top=top, bottom=bottom)


def _is_beside(last: Rect, box: Rect) -> bool:
    height = min(last.bottom - last.top, box.bottom - box.top)
    overlap = min(last.bottom, box.bottom) - max(last.top, box.top)
    gap = max(box.left - last.right, last.left - box.right)  # either way: some scripts run left
    return overlap > height / 2 and gap < _FAR * max(height, 1.0)


def _places(rects: Sequence[Rect]) -> list[list[Rect]]:
    """Split lines where they jump, as from the foot of a column to the head of the next."""
    groups: list[list[Rect]] = []
    for rect in rects:
        if groups and not _is_far(groups[-1][-1], rect):
            groups[-1].append(rect)
        else:
            groups.append([rect])
    return groups if len(groups) <= _MAX_CROPS else [list(rects)]


def _is_far(one: Rect, other: Rect) -> bool:
    gap = max(other.top - one.bottom, one.top - other.bottom)
    return gap > _FAR * max(one.bottom - one.top, other.bottom - other.top)


def _draw(page: Handle, marks: Sequence[Rect]) -> Crop:
    view = _view(page, marks)
    across, down = view.right - view.left, view.bottom - view.top
    scale = min(_SCALE, (MAX_PIXELS - 1) / across, (MAX_PIXELS - 1) / down)
    width, height = page.get_size()
    cut = (view.left, height - view.bottom, width - view.right, view.top)
    bitmap = page.render(scale=scale, crop=cut, draw_annots=False, rev_byteorder=True)
    image = bitmap.to_pil().convert("RGB")
    for mark in marks:
        corners = (
            round((mark.left - view.left) * scale) - 1,
            round((mark.top - view.top) * scale),
            round((mark.right - view.left) * scale) + 1,
            round((mark.bottom - view.top) * scale),
        )
        _mark(image, corners)
    return Crop(png=_png(image), width=image.width, height=image.height)


def _view(page: Handle, marks: Sequence[Rect]) -> Rect:
    """Return the part of the page that is shown: the quote and some of what is around it."""
    width, height = page.get_size()
    around = reduce(Rect.joined, marks)
    side = max(_SIDE, (_MIN_WIDTH - (around.right - around.left)) / 2)
    left, right = max(0.0, around.left - side), min(width, around.right + side)
    top, bottom = max(0.0, around.top - _ABOVE), min(height, around.bottom + _ABOVE)
    return Rect(left, top, max(right, left + 1), max(bottom, top + 1))


def _mark(image: Image, corners: tuple[int, int, int, int]) -> None:
    from PIL import Image, ImageChops

    left, top, right, bottom = corners
    inside = (max(0, left), max(0, top), min(image.width, right), min(image.height, bottom))
    if inside[0] >= inside[2] or inside[1] >= inside[3]:
        return
    part = image.crop(inside)
    image.paste(ImageChops.multiply(part, Image.new("RGB", part.size, _MARK)), inside[:2])


def _png(image: Image) -> bytes:
    file = io.BytesIO()
    image.quantize(_COLOURS).save(file, "PNG", optimize=True)
    return file.getvalue()


def main() -> None:
    """Answer requests until the input ends: the life of the child process."""
    from ragqa.parse.worker import limit_memory

    limit_memory(MAX_MEMORY)
    for line in sys.stdin.buffer:
        request: dict[str, Any] = json.loads(line)
        request["offsets"] = tuple(request["offsets"])
        try:
            crops = draw_crops(Target(**request))
        except (pypdfium2.PdfiumError, MemoryError, OSError, ValueError, IndexError):
            reply = None
        else:
            reply = [[base64.b64encode(c.png).decode(), c.width, c.height] for c in crops]
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


MAX_MEMORY = 2 << 30
"""Bytes of address space of the child, where the platform can limit it; as for parsing."""

if __name__ == "__main__":
    main()
