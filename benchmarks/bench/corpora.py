"""Corpora to measure on: of real papers, and of many more cut from them.

In: PDFs. Out: corpus folders, made by ragqa's own commands, offline. Invariant: the same PDFs give
the same corpora, so what is measured again is measured on the same.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["CUT_PAGES", "cut_papers", "make_corpus", "ragqa", "replace_paper", "windows"]

CUT_PAGES = 8
"""Pages of a cut paper: those of a short one at a conference."""

_SEED = 7  # of the order in which papers are cut


def ragqa(*arguments: str | Path) -> list[str]:
    """Return the command that runs a verb of ragqa in this environment."""
    return [sys.executable, "-m", "ragqa", *map(str, arguments)]


def make_corpus(folder: Path, pdfs: Sequence[Path]) -> Path:
    """Make a corpus of local files, whatever was there before.

    :param folder: The corpus folder.
    :param pdfs: The files.
    :return: The folder.
    :raises RuntimeError: ragqa refuses.
    """
    shutil.rmtree(folder, ignore_errors=True)
    _do("init", folder)
    _do("add", folder, *pdfs)
    return folder


def replace_paper(corpus: Path, paper_id: str, pdf: Path) -> None:
    """Put another file in the place of a paper's, and have it locked.

    :param corpus: The corpus folder.
    :param paper_id: The paper.
    :param pdf: The new file.
    :raises RuntimeError: ragqa refuses.
    """
    shutil.copyfile(pdf, corpus / "pdf" / f"{paper_id}.pdf")
    _do("fetch", corpus, "--offline")


def cut_papers(folder: Path, pdfs: Sequence[Path], count: int) -> list[Path]:
    """Cut papers from real ones: a first page and a window over the ones after it, no two alike.

    Each has its pages from one paper alone, as what a paper ends with (a venue's checklist) would
    swallow the beginning of another.

    :param folder: Where to write them.
    :param pdfs: Real papers.
    :param count: How many papers to cut.
    :return: The files, ``paper-000.pdf`` and so on.
    :raises RuntimeError: The real papers have too few pages.
    """
    paths = [folder / f"paper-{number:03d}.pdf" for number in range(count)]
    if all(path.exists() for path in paths):
        return paths
    from pypdf import PdfReader, PdfWriter

    readers = [PdfReader(pdf) for pdf in pdfs]
    cuts = windows([len(reader.pages) for reader in readers])
    if len(cuts) < count:
        raise RuntimeError(f"{len(cuts)} papers can be cut from the real ones, {count} are needed")
    folder.mkdir(parents=True, exist_ok=True)
    for path, (paper, pages) in zip(paths, cuts, strict=False):
        writer = PdfWriter()
        for page in pages:
            writer.add_page(readers[paper].pages[page])
        aside = path.with_suffix(".part")
        writer.write(aside)
        aside.replace(path)
    return paths


def windows(lengths: Sequence[int]) -> list[tuple[int, tuple[int, ...]]]:
    """Return all cuts there are, mixed: a paper's number and which of its pages, from 0.

    :param lengths: Pages of each real paper.
    """
    found = [
        (paper, (0, *range(start, start + CUT_PAGES - 1)))
        for paper, length in enumerate(lengths)
        for start in range(1, length - CUT_PAGES + 2)
    ]
    random.Random(_SEED).shuffle(found)
    return found


def _do(*arguments: str | Path) -> None:
    done = subprocess.run(ragqa(*arguments), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ragqa {arguments[0]}: {(done.stderr or done.stdout).strip()}")
