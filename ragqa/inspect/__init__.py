"""Looking without changing: what there is, what a citation points at, whether all is sound.

In: a corpus, an index, a citation. Out: `Status`, `Shown` and `Diagnosis`, each with a JSON form
(schemas ``ragqa/status/1``, ``ragqa/show/1``, ``ragqa/doctor/1``). Invariant: nothing is written.
"""

from __future__ import annotations

from ragqa.inspect.doctor import Check, Diagnosis, examine
from ragqa.inspect.show import Shown, show_citation
from ragqa.inspect.status import PaperStatus, Status, status_of

__all__ = [
    "Check",
    "Diagnosis",
    "PaperStatus",
    "Shown",
    "Status",
    "examine",
    "show_citation",
    "status_of",
]
