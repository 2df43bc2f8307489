"""The shortlist of one generation: which rows of a large index a search compares exactly.

In: a query. Out: rows, the likely best, in no order and without scores that count.
Invariants: it proposes and never scores, so scores and ties are those of the exact vectors and
only recall is approximate; what is proposed is always a row that was allowed; it is a function of
the vectors alone, whatever the number of threads, so that an incremental build has the same one.

It is FAISS's inverted file (IVF) over 8-bit rows: each row is kept with the nearest of some
thousand centres, and a query looks at the rows of its nearest ones. What else was measured is in
decision 0010.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from ragqa.index.integrity import damaged

__all__ = [
    "EXACT_BELOW",
    "MOST",
    "Recall",
    "Shortlist",
    "is_exact",
    "one_thread",
    "open_shortlist",
]

_faiss: Any = faiss  # its own types do not know what it adds to its classes at import

EXACT_BELOW = 100_000  # rows: comparing all takes 14-17 ms, of the 20 ms a question may take
MOST = 200  # rows asked for: what the retriever takes, and what recall is measured for
_SPARE = 100  # rows proposed beyond those asked for, as 8 bits order them nearly right


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """What a shortlist finds of what an exact search finds.

    :ivar centres: How many groups the rows are in.
    :ivar looked_at: How many of them a query looks at.
    :ivar at_10: Share of the 10 best rows that is found, in [0, 1].
    :ivar at_200: The same for the 200 best.
    :ivar queries: How many queries that was measured with.
    """

    centres: int
    looked_at: int
    at_10: float
    at_200: float
    queries: int


def is_exact(rows: int, wanted: int = 0) -> bool:
    """Say whether every row is to be compared.

    :param rows: How many rows there are to choose from.
    :param wanted: How many are asked for.
    :return: False where a shortlist is worth its while, and was measured for as many.
    """
    return rows < EXACT_BELOW or wanted > MOST


class Shortlist:
    """Proposes rows of one generation; safe to use from several threads.

    :param index: FAISS's index, an ``IndexIVFScalarQuantizer``.
    """

    def __init__(self, index: Any) -> None:  # noqa: ANN401 - FAISS's types are not Python's
        self._index = index

    @property
    def shape(self) -> tuple[int, int]:
        """Return how many rows it has, and their width."""
        return int(self._index.ntotal), int(self._index.d)

    @property
    def centres(self) -> int:
        """Return how many groups the rows are in."""
        return int(self._index.nlist)

    def propose(
        self,
        query: NDArray[np.float32],
        wanted: int,
        rows: NDArray[np.int64] | None = None,
        *,
        looked_at: int = 0,
    ) -> NDArray[np.int64]:
        """Return rows that are likely to be among the best.

        A restriction leaves fewer rows in each group, so that more of them are looked at.

        :param query: ``(dim,)`` float32, finite.
        :param wanted: How many best rows are asked for.
        :param rows: ``(m,)`` int64, ascending: the rows to choose from; None for all.
        :param looked_at: How many groups a query looks at; 0 for what the build found right.
        :return: Rows, ascending; mostly some more than asked for, and seldom fewer.
        """
        groups = looked_at or int(self._index.nprobe)
        if rows is None:
            options = _faiss.SearchParametersIVF(nprobe=groups)
        else:
            groups = min(self.centres, math.ceil(groups * self._index.ntotal / max(len(rows), 1)))
            allowed = _faiss.IDSelectorBitmap(_bits(rows, self._index.ntotal))
            options = _faiss.SearchParametersIVF(nprobe=groups, sel=allowed)
        with one_thread():
            _, found = self._index.search(query[None], wanted + _SPARE, params=options)
        proposed: NDArray[np.int64] = np.sort(found[0][found[0] >= 0])
        return proposed


def open_shortlist(path: Path) -> Shortlist:
    """Open the shortlist of a generation.

    :param path: The file, which is mapped, not read. It must have been hashed: FAISS may crash on
        a damaged one.
    :return: The shortlist.
    :raises IndexDamagedError: It is not what FAISS can read, or of another kind.
    """
    try:
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    except (RuntimeError, MemoryError) as error:
        raise damaged("the shortlist cannot be opened", path) from error
    if not isinstance(index, faiss.IndexIVFScalarQuantizer):
        raise damaged(f"the shortlist is of an unknown kind ({type(index).__name__})", path)
    return Shortlist(index)


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep FAISS from waking threads that one query gives nothing to do; they wait by spinning.

    On 2 cores beside others the wait was 16 ms a call, and the work half of one (measured, 1.15).
    The setting is the calling thread's own.

    :yield: Nothing.
    """
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _bits(rows: NDArray[np.int64], count: int) -> NDArray[np.uint8]:
    chosen = np.zeros(count, dtype=bool)
    chosen[rows] = True
    return np.packbits(chosen, bitorder="little")
