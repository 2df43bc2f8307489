"""Writes the vectors of a new generation row by row: FAISS's file of chunks, numpy's of sentences.

In: rows in canonical order, some at a time. Out: the files that `ragqa.index.vectors` reads.
Invariants: the bytes are those that FAISS and numpy write of all rows at once; no row is held.

Either file is a header with the number of rows in it, and the rows. The header is written when
the number is known, over one of the same length: FAISS's numbers have a fixed width, and numpy
leaves room for 21 digits.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import faiss
import numpy as np
from numpy.typing import NDArray

from ragqa.errors import BuildError
from ragqa.index.locking import build_errors

__all__ = ["RowWriter", "sentence_writer", "vector_writer"]

_COUNT_BYTES = 8  # of the number of components before them, the last thing in FAISS's header


class RowWriter:
    """Writes rows of one width; as a context manager it completes the file.

    :param path: The file.
    :param header: Number and width of rows -> what stands before them.
    :param dtype: Type of a component.
    :raises BuildError: The disk is full or refuses.
    """

    def __init__(
        self,
        path: Path,
        header: Callable[[int, int], bytes],
        dtype: type[np.float32] | type[np.int8],
    ) -> None:
        self._path, self._header, self._dtype = path, header, dtype
        self._count, self._width = 0, -1
        with build_errors(path):
            self._file = path.open("wb")

    @property
    def width(self) -> int:
        """Return the width of a row; 0 where nothing was added."""
        return max(self._width, 0)

    def add(self, rows: NDArray[np.float32] | NDArray[np.int8]) -> None:
        """Write some rows.

        :param rows: ``(n, width)``.
        :raises BuildError: They are wider or narrower than others, or the disk is full or refuses.
        """
        if self._width < 0:
            self._width = rows.shape[1]
            self._write_header()
        if rows.shape[1] != self._width:
            raise BuildError(
                "the vectors of the documents differ in width",
                item=sorted({self._width, rows.shape[1]}),
                hint="Embed all documents with one embedder",
            )
        with build_errors(self._path):
            self._file.write(np.ascontiguousarray(rows, dtype=self._dtype).data)
        self._count += len(rows)

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with build_errors(self._path), self._file:  # closing writes, too
            if kind is None:
                self._file.seek(0)
                self._write_header()

    def _write_header(self) -> None:
        header = self._header(self._count, self.width)
        if len(header) != len(self._header(0, self.width)):
            raise BuildError(
                "the vectors of the index are too many for their file", item=self._path
            )
        with build_errors(self._path):
            self._file.write(header)


def vector_writer(path: Path) -> RowWriter:
    """Return a writer of chunk vectors, float32, in the file of an exact FAISS index.

    :param path: The file.
    :return: The writer.
    :raises BuildError: The disk is full or refuses.
    """
    return RowWriter(path, _faiss_header, np.float32)


def sentence_writer(path: Path) -> RowWriter:
    """Return a writer of sentence vectors, int8 by `ragqa.index.records.quantise`, as ``.npy``.

    :param path: The file.
    :return: The writer.
    :raises BuildError: The disk is full or refuses.
    """
    return RowWriter(path, _numpy_header, np.int8)


def _faiss_header(count: int, width: int) -> bytes:
    """Return what FAISS writes before the rows of an ``IndexFlatIP``.

    FAISS itself writes it, of an index that was told how many rows it has and holds none; so what
    ends the header, the number of components that follow, says 0 and is put right here. A test
    holds that to whole files that FAISS wrote, and each build opens what it wrote.
    """
    empty = faiss.IndexFlatIP(width)
    empty.ntotal = count
    header: bytes = faiss.serialize_index(empty).tobytes()
    return header[:-_COUNT_BYTES] + (count * width).to_bytes(_COUNT_BYTES, "little")


def _numpy_header(count: int, width: int) -> bytes:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|i1", "fortran_order": False, "shape": (count, width)}
    )
    return header.getvalue()
