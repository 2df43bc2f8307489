"""Real papers for tests, where they are at hand: ``../shared/data`` beside the repository."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from ragqa.parse import parse_pdf
from ragqa.records import Document

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
ACL = tuple(sorted(DATA.glob("acl2023/*.pdf")))
UDA = tuple(sorted(DATA.glob("uda/pdf/*.pdf")))
ALL = ACL + UDA
FEW = ACL[:1] + ACL[-1:] + UDA[1:2]
"""Three of them for the default run: two conference layouts."""

needs_papers = pytest.mark.skipif(not ALL, reason="no real papers in ../shared/data")


def params(few: tuple[Path, ...], rest: tuple[Path, ...]) -> list[object]:
    """Return pytest parameters: `few` in every run, those of `rest` not among them when slow."""
    return [
        pytest.param(path, id=path.stem[:24], marks=() if path in few else pytest.mark.slow)
        for path in rest
    ] or [pytest.param(Path("absent.pdf"), id="absent")]


@functools.cache
def parsed(path: Path) -> Document:
    """Parse a paper once a test run."""
    return parse_pdf(path, paper_id=path.stem.lower()[:40])
