"""Corpora to measure on: of real papers, and of many more cut from them.

In: PDFs. Out: corpus folders, made by ragqa's own commands, offline. Invariant: the same PDFs give
the same corpora, so what is measured again is measured on the same.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["CUT_PAGES", "cut_papers", "make_corpus", "ragqa", "replace_paper"]

CUT_PAGES = 8  # of a cut paper; a short paper of a conference


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
    """Cut papers from real ones: windows over all of their pages, no two alike.

    :param folder: Where to write them.
    :param pdfs: Real papers.
    :param count: How many papers to cut.
    :return: The files, ``paper-000.pdf`` and so on.
    """
    paths = [folder / f"paper-{number:03d}.pdf" for number in range(count)]
    if all(path.exists() for path in paths):
        return paths
    from pypdf import PdfReader, PdfWriter

    folder.mkdir(parents=True, exist_ok=True)
    pages = [page for pdf in pdfs for page in PdfReader(pdf).pages]
    for number, path in enumerate(paths):
        start = number * len(pages) // count
        writer = PdfWriter()
        for page in (pages * 2)[start : start + CUT_PAGES]:
            writer.add_page(page)
        aside = path.with_suffix(".part")
        writer.write(aside)
        aside.replace(path)
    return paths


def _do(*arguments: str | Path) -> None:
    done = subprocess.run(ragqa(*arguments), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ragqa {arguments[0]}: {(done.stderr or done.stdout).strip()}")
