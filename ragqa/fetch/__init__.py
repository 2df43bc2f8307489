"""Papers -> verified files on disk.

In: a manifest's `Paper`s and the corpus folder that they belong to. Out: ``pdf/<paper_id>.pdf``
and ``readme/<paper_id>.md`` there, the facts about each in ``manifest.lock``, and a `FetchReport`
with a row for every file wanted.

A file is looked for in this order: on disk as the lock has it, dropped in by hand, in a mirror,
on the network. Invariants: nothing that the manifest does not list is ever opened or asked for; a
file takes its name only when it is complete and is what it should be; what was good before stays
when something fails; one paper's failure is a row, never a stop.
"""

from ragqa.fetch.report import (
    FetchOptions,
    FetchProgress,
    FetchReport,
    FetchRow,
    FetchStatus,
    LocalFile,
)
from ragqa.fetch.run import fetch_papers, local_files

__all__ = [
    "FetchOptions",
    "FetchProgress",
    "FetchReport",
    "FetchRow",
    "FetchStatus",
    "LocalFile",
    "fetch_papers",
    "local_files",
]
