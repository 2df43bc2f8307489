"""Manifest -> index, the stages in order: the file to read first.

::

    manifest ── local files, READMEs, summaries
       │  wants                          which documents, by which key
       │  parse   (worker processes)     file -> Document
       │  chunk   (threads)              Document -> Chunks
       │  embed   (the caller's thread)  Chunks -> vectors
       └─ index                          all of it -> a new generation, swapped in at once

The stages run at once, a few documents ahead of each other, and what is finished is written in
canonical order, one document at a time: memory does not grow with the number of papers. A
document whose bytes and stages are unchanged is taken over from the generation in force, so a
second build does no work and adding one paper embeds one paper. What a killed build had finished
lies in ``work/`` and is taken over, too. One bad paper is a row of the report; the old generation
answers until the new one is complete.
"""

from ragqa.build.records import BuildProgress, BuildReport, BuildRow, BuildStatus
from ragqa.build.run import build_index

__all__ = ["BuildProgress", "BuildReport", "BuildRow", "BuildStatus", "build_index"]
