"""Chunk vectors (FAISS, exact) and sentence vectors (int8 rows, memory-mapped) of one generation.

In: the files that `ragqa.index.rows` wrote. Out: scores, higher is better, and rows back bit for
bit.
Invariants: the score of a query and a row is one number, whatever else is asked with it: it does
not move with the restriction, the number of queries, the number of threads, or a shortlist. Ties
go to the lower row. Without a shortlist every row is compared: recall is 1 by construction. With
one, a search among many rows compares those that it proposes.

One FAISS kernel gives every score (`compute_distance_subset`). `IndexFlatIP.search` changes to
another with more than one query, and its scores then differ in the last bits (measured, 1.15);
its heap also keeps the higher row of a tie.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from ragqa.errors import IndexMismatchError
from ragqa.index.integrity import FileGuard, damaged
from ragqa.index.records import unit_rows
from ragqa.index.shortlist import Shortlist, is_exact, one_thread

__all__ = ["SentenceVectors", "Vectors"]

_FLOAT_BYTES = 4
_HELD = 1 << 28  # bytes of sentence vectors that may stay in memory: those of 100,000 chunks


class Vectors:
    """Searches the chunk vectors of one generation; safe to use from several threads.

    :param path: The file, which is mapped, not read.
    :param guard: Checks what is used of the file before it is; None where that was done.
    :param shortlist: What proposes rows of a large index; None where all are compared.
    :raises IndexDamagedError: It is not what FAISS can read, or not an exact index, or the
        shortlist is of other vectors.
    """

    def __init__(
        self, path: Path, guard: FileGuard | None = None, shortlist: Shortlist | None = None
    ) -> None:
        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise damaged("the vectors cannot be opened", path) from error
        if not isinstance(index, faiss.IndexFlatIP):
            raise damaged(f"the vectors are of an unknown kind ({type(index).__name__})", path)
        if shortlist is not None and shortlist.shape != (index.ntotal, index.d):
            raise damaged("the shortlist is of other vectors", path)
        self._index: Any = index
        self._guard, self._shortlist = guard, shortlist
        self._header = path.stat().st_size - index.ntotal * index.d * _FLOAT_BYTES

    @property
    def count(self) -> int:
        """Return the number of rows."""
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        """Return the width of a row."""
        return int(self._index.d)

    def search(
        self, queries: NDArray[np.float32], k: int, rows: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the best rows for each query.

        :param queries: ``(n, dim)`` float32, unit rows.
        :param k: How many rows are wanted.
        :param rows: The rows to choose from; None for all.
        :return: ``(n, m)`` float32 inner products and ``(n, m)`` int64 rows, best first, ties by
            the lower row; ``m`` is ``k``, or fewer where there are no more. With a shortlist some
            of the best may be missing, see `ragqa.index.meta.Meta.recall_at_10`.
        :raises IndexMismatchError: The queries are of another width or not finite, or a row is
            not in this index.
        """
        allowed = None if rows is None else _ascending(self._known(rows))
        size = self.count if allowed is None else len(allowed)
        wanted = min(max(k, 0), size)
        scores = np.empty((len(queries), wanted), dtype=np.float32)
        found = np.empty((len(queries), wanted), dtype=np.int64)
        for number, query in enumerate(queries):
            compared = self._compared(query, wanted, allowed)
            every = self.scores(query, compared)
            best = _best(every, wanted)
            scores[number], found[number] = every[best], compared[best]
        return scores, found

    def _compared(
        self, query: NDArray[np.float32], wanted: int, allowed: NDArray[np.int64] | None
    ) -> NDArray[np.int64]:
        """Return the rows to compare, ascending; all where the shortlist has too few."""
        size = self.count if allowed is None else len(allowed)
        if self._shortlist is not None and not is_exact(size, wanted):
            proposed = self._shortlist.propose(self._vector(query), wanted, allowed)
            if len(proposed) >= wanted:
                return proposed
        return np.arange(self.count) if allowed is None else allowed

    def scores(self, query: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the scores of given rows: the same numbers as `search` gives.

        :param query: ``(dim,)`` float32, a unit vector.
        :param rows: ``(m,)`` int64, in any order.
        :return: ``(m,)`` float32 inner products, in the order asked.
        :raises IndexMismatchError: The query is of another width or not finite, or a row is not
            in this index.
        """
        labels = self._known(rows)
        scores = np.empty(len(labels), dtype=np.float32)
        if not len(labels):
            return scores
        vector = self._vector(query)
        self._check(labels)
        with one_thread():
            self._index.compute_distance_subset(
                1,
                faiss.swig_ptr(vector),
                len(labels),
                faiss.swig_ptr(scores),
                faiss.swig_ptr(labels),
            )
        return scores

    def check(self, rows: NDArray[np.int64]) -> None:
        """Hash what holds some rows, as far as that was not done yet.

        :param rows: ``(m,)`` int64, in any order.
        :raises IndexDamagedError: It is not what was written.
        :raises IndexMismatchError: A row is not in this index.
        """
        self._check(self._known(rows))

    def rows(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return vectors as they were written, bit for bit.

        :param rows: ``(m,)`` int64, in any order.
        :return: ``(m, dim)`` float32.
        :raises IndexMismatchError: A row is not in this index.
        """
        labels = self._known(rows)
        if not len(labels):
            return np.empty((0, self.dimension), dtype=np.float32)
        self._check(labels)
        vectors: NDArray[np.float32] = self._index.reconstruct_batch(labels)
        return vectors

    def _vector(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
        vector = np.ascontiguousarray(query, dtype=np.float32)
        if vector.shape != (self.dimension,) or not np.isfinite(vector).all():
            raise IndexMismatchError(
                f"a query vector must be {self.dimension} finite numbers",
                item=vector.shape,
                hint="Ask with the embedder that the index was built with",
            )
        return vector

    def _known(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return _known(rows, self.count)

    def _check(self, rows: NDArray[np.int64]) -> None:
        if self._guard is not None:
            length = self.dimension * _FLOAT_BYTES
            self._guard.check_spans(self._header + rows * length, length)


class SentenceVectors:
    """Reads the sentence vectors of one generation, mapped: only the rows asked for are read.

    :param path: The file.
    :param guard: Checks what is used of the file before it is; None where that was done.
    :raises IndexDamagedError: It is not an array of int8 rows.
    """

    def __init__(self, path: Path, guard: FileGuard | None = None) -> None:
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise damaged("the sentence vectors cannot be opened", path) from error
        if array.dtype != np.int8 or array.ndim != 2:
            raise damaged("the sentence vectors are of an unknown kind", path)
        self._header = path.stat().st_size - array.size
        self._array, self._guard, self._mapped = array, guard, None
        if array.size:  # nothing cannot be mapped
            with path.open("rb") as file:
                self._mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._array = np.ndarray(array.shape, np.int8, self._mapped, self._header)

    @property
    def count(self) -> int:
        """Return the number of rows."""
        return len(self._array)

    def check(self, rows: NDArray[np.int64]) -> None:
        """Hash what holds some rows, as far as that was not done yet.

        :param rows: ``(m,)`` int64, in any order.
        :raises IndexDamagedError: It is not what was written.
        :raises IndexMismatchError: A row is not in this index.
        """
        self._check(_known(rows, self.count))

    def quantised(self, rows: NDArray[np.int64]) -> NDArray[np.int8]:
        """Return rows as they were written, bit for bit.

        :param rows: ``(m,)`` int64, in any order.
        :return: ``(m, dim)`` int8.
        :raises IndexMismatchError: A row is not in this index.
        """
        labels = _known(rows, self.count)
        self._check(labels)
        rows_read: NDArray[np.int8] = self._array[labels]
        self._forget()
        return rows_read

    def _check(self, labels: NDArray[np.int64]) -> None:
        if self._guard is not None:
            width = self._array.shape[1]
            self._guard.check_spans(self._header + labels * width, width)

    def _forget(self) -> None:
        """Give back the memory that the system mapped around what was read, 64 kB a place.

        It stays in the system's cache of files. Of a million chunks the process would hold 2.7 GB
        of it after some hundred questions; giving it back takes 2 ms a question.
        """
        mapped = self._mapped
        if mapped is not None and len(mapped) > _HELD and hasattr(mapped, "madvise"):
            mapped.madvise(mmap.MADV_DONTNEED)  # Windows has none

    def rows(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return rows as unit vectors.

        :param rows: ``(m,)`` int64, in any order.
        :return: ``(m, dim)`` float32, unit rows; zero for a sentence without tokens.
        :raises IndexMismatchError: A row is not in this index.
        """
        return unit_rows(self.quantised(rows))


def _known(rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    labels = np.ascontiguousarray(rows, dtype=np.int64)
    if labels.size and not 0 <= labels.min() <= labels.max() < count:
        raise IndexMismatchError(
            f"a row is not one of the {count} of this index",
            item=int(labels.min()) if labels.min() < 0 else int(labels.max()),
            hint="Ask the index that the row came from",
        )
    return labels


def _ascending(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each row once, ascending; a store's rows are so already, and sorting takes longer."""
    return rows if (rows[1:] > rows[:-1]).all() else np.unique(rows)


def _best(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Return where the `k` best scores stand, best first, ties by position."""
    if not k:
        return np.empty(0, dtype=np.int64)
    threshold = np.partition(scores, len(scores) - k)[len(scores) - k]
    candidates = np.flatnonzero(scores >= threshold)
    order = np.argsort(-scores[candidates], kind="stable")
    return candidates[order][:k]
