"""Which raw characters of a page cannot be seen by its reader.

Text can be planted in a PDF so that programs read it and people do not. It is judged on pdfium's
page objects, recursing into forms: invisible render mode, near-zero size or opacity, outside the
page, or the colour of bare paper with nothing painted beneath. Only on a page that has such an
object are characters looked at one by one, since that costs five times the extraction.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import pypdfium2.raw as pdfium

__all__ = ["Handle", "hidden_spans"]

_MIN_SIZE = 1.0  # points, effective; the smallest print in real papers is about 3
_MIN_ALPHA = 16  # of 255
_PAPER = 242  # a colour channel from here on counts as white: 5 % grey on white is unreadable
_MAX_DEPTH = 8  # nested forms; deeper is not made by honest producers
_FILLED_MODES = (-1, 0, 2, 4, 6)  # PDF 32000-1, table 106; -1 where pdfium does not know
_STROKED_MODES = (1, 2, 5, 6)  # in the modes 3 and 7 nothing is painted

# What pdfium writes its answers to. Made once: to make them anew for each object cost as much time
# as the calls. pdfium itself must not be used by two threads at a time.
_CHANNELS = (ctypes.c_uint(), ctypes.c_uint(), ctypes.c_uint(), ctypes.c_uint())
_EDGES = (ctypes.c_float(), ctypes.c_float(), ctypes.c_float(), ctypes.c_float())
_FOUND = pdfium.FS_MATRIX()

Ink = tuple[int, int, int, int]  # red, green, blue, alpha; 0-255
Handle: TypeAlias = Any
"""An object of pypdfium2 or of the C library beneath, neither of which is typed."""

Box = tuple[float, float, float, float]  # left, bottom, right, top in points


class _Matrix(NamedTuple):
    """An affine map, as PDF writes it."""

    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 1.0
    e: float = 0.0
    f: float = 0.0

    def then(self, other: _Matrix) -> _Matrix:
        """Return the map that applies self first and `other` second."""
        return _Matrix(
            self.a * other.a + self.b * other.c,
            self.a * other.b + self.b * other.d,
            self.c * other.a + self.d * other.c,
            self.c * other.b + self.d * other.d,
            self.e * other.a + self.f * other.c + other.e,
            self.e * other.b + self.f * other.d + other.f,
        )

    def apply(self, box: Box) -> Box:
        """Return the smallest upright box around a mapped box."""
        left, right = sorted((self.a * box[0], self.a * box[2]))
        bottom, top = sorted((self.d * box[1], self.d * box[3]))
        if self.b or self.c:
            low, high = sorted((self.c * box[1], self.c * box[3]))
            left, right = left + low, right + high
            low, high = sorted((self.b * box[0], self.b * box[2]))
            bottom, top = bottom + low, top + high
        return left + self.e, bottom + self.f, right + self.e, top + self.f


_UPRIGHT = _Matrix()  # page space itself; most text stands in no form


def hidden_spans(
    page: Handle,
    textpage: Handle,
    length: int,
    to_unit: Sequence[int],
) -> tuple[tuple[int, int], ...]:
    """Return the raw spans that a reader of the page cannot see.

    :param page: An open pypdfium2 page.
    :param textpage: Its open text page.
    :param length: Length of the page's raw text, code points.
    :param to_unit: Text index in UTF-16 units of each code point.
    :return: Sorted, disjoint spans ``[start, end)``.
    """
    hidden = _hidden_objects(page)
    if not hidden:
        return ()
    flags = [_object_of(textpage, unit) in hidden for unit in to_unit[:length]]
    return tuple(_spans(flags))


def _object_of(textpage: Handle, unit: int) -> int | None:
    char = pdfium.FPDFText_GetCharIndexFromTextIndex(textpage.raw, unit)
    if char < 0 or pdfium.FPDFText_IsGenerated(textpage.raw, char) == 1:
        return None
    handle = pdfium.FPDFText_GetTextObject(textpage.raw, char)
    return _address(handle) if handle else None


def _spans(flags: Sequence[bool]) -> Iterator[tuple[int, int]]:
    start = None
    for index, flag in enumerate(flags):
        if flag and start is None:
            start = index
        elif not flag and start is not None:
            yield start, index
            start = None
    if start is not None:
        yield start, len(flags)


def _hidden_objects(page: Handle) -> frozenset[int]:
    crop = page.get_cropbox(fallback_ok=True)
    painted = _Painted()
    hidden: set[int] = set()
    for handle, kind, matrix in _objects(page.raw, _UPRIGHT, 0):
        if kind != pdfium.FPDF_PAGEOBJ_TEXT:
            painted.add(handle, kind, matrix)
        elif _is_hidden(handle, matrix, crop, painted):
            hidden.add(_address(handle))
    return frozenset(hidden)


class _Painted:
    """What was painted so far that is not white; measured only when white text comes."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Handle, int, _Matrix]] = []
        self._boxes: list[Box] = []

    def add(self, handle: Handle, kind: int, matrix: _Matrix) -> None:
        """Note an object that is no text."""
        self._waiting.append((handle, kind, matrix))

    def touches(self, box: Box) -> bool:
        """Say whether something stands behind a box."""
        self._boxes.extend(
            _bounds(handle, matrix)
            for handle, kind, matrix in self._waiting
            if not (kind == pdfium.FPDF_PAGEOBJ_PATH and _is_white_path(handle))
        )
        self._waiting.clear()
        return not all(_is_outside(box, other) for other in self._boxes)


def _objects(
    container: Handle, matrix: _Matrix, depth: int
) -> Iterator[tuple[Handle, int, _Matrix]]:
    """Yield every drawn object with its kind and the map to page space, in painting order."""
    count, get = (
        (pdfium.FPDFPage_CountObjects, pdfium.FPDFPage_GetObject)
        if depth == 0
        else (pdfium.FPDFFormObj_CountObjects, pdfium.FPDFFormObj_GetObject)
    )
    for index in range(count(container)):
        handle = get(container, index)
        kind = pdfium.FPDFPageObj_GetType(handle)
        if kind == pdfium.FPDF_PAGEOBJ_FORM and depth < _MAX_DEPTH:
            yield from _objects(handle, _matrix(handle).then(matrix), depth + 1)
        else:
            yield handle, kind, matrix


def _is_hidden(handle: Handle, matrix: _Matrix, crop: Box, painted: _Painted) -> bool:
    inks = _inks(handle, pdfium.FPDFTextObj_GetTextRenderMode(handle))
    if all(ink[3] < _MIN_ALPHA for ink in inks) or _effective_size(handle, matrix) < _MIN_SIZE:
        return True
    box = _bounds(handle, matrix)
    return _is_outside(box, crop) or (all(map(_is_white, inks)) and not painted.touches(box))


def _is_white_path(handle: Handle) -> bool:
    return _is_white(_colour(pdfium.FPDFPageObj_GetFillColor, handle))


def _inks(handle: Handle, mode: int) -> list[Ink]:
    """Return what a text is painted with: its fill, its outline, both, or nothing."""
    inks = [_colour(pdfium.FPDFPageObj_GetFillColor, handle)] if mode in _FILLED_MODES else []
    if mode in _STROKED_MODES:
        inks.append(_colour(pdfium.FPDFPageObj_GetStrokeColor, handle))
    return inks


def _colour(get: Callable[..., int], handle: Handle) -> Ink:
    """Return a colour; opaque black where none is set."""
    if not get(handle, *_CHANNELS):
        return 0, 0, 0, 255
    red, green, blue, alpha = _CHANNELS
    return red.value, green.value, blue.value, alpha.value


def _is_white(ink: Ink) -> bool:
    return min(ink[:3]) >= _PAPER


def _effective_size(handle: Handle, matrix: _Matrix) -> float:
    size = _EDGES[0]
    if not pdfium.FPDFTextObj_GetFontSize(handle, size):
        return _MIN_SIZE
    full = _matrix(handle)
    if matrix is not _UPRIGHT:
        full = full.then(matrix)
    return float(abs(size.value) * max(abs(full.c), abs(full.d)))


def _matrix(handle: Handle) -> _Matrix:
    found = _FOUND
    if not pdfium.FPDFPageObj_GetMatrix(handle, found):
        return _Matrix()
    return _Matrix(found.a, found.b, found.c, found.d, found.e, found.f)


def _bounds(handle: Handle, matrix: _Matrix) -> Box:
    if not pdfium.FPDFPageObj_GetBounds(handle, *_EDGES):
        return 0.0, 0.0, 0.0, 0.0
    left, bottom, right, top = _EDGES
    box = (left.value, bottom.value, right.value, top.value)
    return box if matrix is _UPRIGHT else matrix.apply(box)


def _is_outside(box: Box, crop: Box) -> bool:
    return box[2] < crop[0] or box[0] > crop[2] or box[3] < crop[1] or box[1] > crop[3]


def _address(handle: Handle) -> int:
    return ctypes.cast(handle, ctypes.c_void_p).value or 0
