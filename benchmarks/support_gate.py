"""The support gate on SciFact's labelled claims: what passes as the word threshold moves.

    python benchmarks/support_gate.py DATA [--half 0|1]

DATA is the folder with `scifact/`. Each claim with evidence is a statement, the evidence sentences
of one abstract its quotes. Abstracts are split in two halves by a hash of their id: lists and
thresholds were fitted on half 0; half 1 is for reporting.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ragqa.records import Chunk, Document, Page, Paper, Statement, WrittenQuote, WrittenStatement
from ragqa.verify import content, verify_written
from ragqa.wording.words import sentences

THRESHOLDS = (0.0, 0.1, 0.2, 0.24, 0.3, 0.34, 0.38, 0.5, 1.0)


@dataclass(frozen=True)
class Claim:
    text: str
    label: str
    quotes: tuple[str, ...]
    document: Document
    title: str


def claims(data: Path, half: int) -> Iterator[Claim]:
    corpus = {row["_id"]: row for row in _rows(data / "scifact" / "corpus.jsonl")}
    for row in _rows(data / "scifact" / "queries.jsonl"):
        for paper_id, evidence in row["metadata"].items():
            if int(hashlib.sha256(paper_id.encode()).hexdigest(), 16) % 2 != half:
                continue
            text = corpus[paper_id]["text"]
            spans = sentences(text)
            wanted = sorted({n for each in evidence for n in each["sentences"]})
            if wanted[-1] < len(spans):
                quotes = tuple(text[slice(*spans[n])] for n in wanted)
                page = Page(number=1, start=0, end=len(text))
                document = Document(
                    paper_id=paper_id, kind="pdf", sha256="0" * 64, text=text, pages=(page,)
                )
                label, title = evidence[0]["label"], corpus[paper_id]["title"]
                yield Claim(row["text"], label, quotes, document, title)


def _rows(path: Path) -> list[dict]:  # type: ignore[type-arg]
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def outcome(claim: Claim) -> str:
    document = claim.document
    chunk = Chunk(
        chunk_id="c", paper_id=document.paper_id, document="pdf", start=0,
        end=len(document.text), text=document.text,
    )  # fmt: skip
    result = verify_written(
        WrittenStatement(
            text=claim.text,
            quotes=tuple(WrittenQuote(chunk="c1", text=quote) for quote in claim.quotes),
        ),
        chunks={"c1": chunk},
        document_of=lambda *_: document,
        paper_of=lambda paper_id: Paper(paper_id=paper_id, title=claim.title),
    )
    return "passes" if isinstance(result, Statement) else result.reason


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--half", type=int, default=1, choices=(0, 1))
    arguments = parser.parse_args()
    found = list(claims(arguments.data, arguments.half))
    usual = content.MAX_UNCOVERED
    print("threshold  SUPPORT passes  CONTRADICT passes")
    for threshold in THRESHOLDS:
        content.MAX_UNCOVERED = threshold
        counts = {label: Counter(outcome(c) for c in found if c.label == label)
                  for label in ("SUPPORT", "CONTRADICT")}  # fmt: skip
        shares = [each["passes"] / each.total() for each in counts.values()]
        print(f"{threshold:9.2f}  {shares[0]:14.3f}  {shares[1]:17.3f}")
        if threshold == usual:
            for label, each in counts.items():
                print(f"           {label} ({each.total()}): {dict(each.most_common())}")


if __name__ == "__main__":
    main()
