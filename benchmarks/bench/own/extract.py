"""Text of PDFs, by ragqa and by the libraries below it. Arguments: how, then the files.

``many``: `parse_many`, a worker a core, their start included. ``one``: `parse_pdf` in this process.
``pypdf`` and ``pdfium``: each page's text and nothing else. Prints pages and seconds; imports are
not counted, but those of the workers are.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pypdf
import pypdfium2

from ragqa.parse import parse_pdf
from ragqa.parse.worker import ParseRequest, parse_many
from ragqa.records import Document


def many(paths: Sequence[Path]) -> int:
    """Parse in workers; return how many pages."""
    requests = [ParseRequest(paper_id=path.stem, kind="pdf", path=path) for path in paths]
    return sum(_pages(document) for _, document in parse_many(requests))


def _pages(document: object) -> int:
    if not isinstance(document, Document):
        raise SystemExit(f"a file cannot be parsed: {document}")
    return len(document.pages)


def one(paths: Sequence[Path]) -> int:
    """Parse in this process."""
    return sum(len(parse_pdf(path, paper_id=path.stem).pages) for path in paths)


def by_pypdf(paths: Sequence[Path]) -> int:
    """Take each page's text by pypdf."""
    count = 0
    for path in paths:
        for page in pypdf.PdfReader(path).pages:
            page.extract_text()
            count += 1
    return count


def by_pdfium(paths: Sequence[Path]) -> int:
    """Take each page's text by pdfium."""
    count = 0
    for path in paths:
        pdf = pypdfium2.PdfDocument(path)
        for page in pdf:
            text = page.get_textpage()
            text.get_text_range()
            text.close()
            page.close()
            count += 1
        pdf.close()
    return count


WAYS: dict[str, Callable[[Sequence[Path]], int]] = {
    "many": many,
    "one": one,
    "pypdf": by_pypdf,
    "pdfium": by_pdfium,
}


def main() -> None:
    """Time one way."""
    paths = [Path(name) for name in sys.argv[2:]]
    began = time.perf_counter()
    pages = WAYS[sys.argv[1]](paths)
    seconds = time.perf_counter() - began
    print(json.dumps({"pages": pages, "seconds": seconds, "rate": pages / seconds}))


if __name__ == "__main__":
    main()
