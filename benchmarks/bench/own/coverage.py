"""Which share of the words ragqa embeds. Arguments: an index folder.

Prints the share of all words of the canonical texts, and of those outside of what is left out on
purpose: bibliographies, and checklists that a venue binds in. No chunk is longer than the
model's window.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from ragqa.chunk.sections import sections
from ragqa.index.generation import open_generation


def main() -> None:
    """Count words."""
    words = covered = listed = 0
    with open_generation(Path(sys.argv[1])) as generation:
        store = generation.store
        for paper_id, kind in store.keys():
            document = store.document(paper_id, kind)
            chunks = store.chunks(store.document_rows(paper_id, kind))
            marks = bytearray(len(document.text))
            for section in sections(document):
                if section.is_left_out:
                    marks[section.start : section.end] = b"\2" * (section.end - section.start)
            for chunk in chunks:
                marks[chunk.start : chunk.end] = b"\1" * (chunk.end - chunk.start)
            for word in re.finditer(r"\w+", document.text):
                here = set(marks[word.start() : word.end()])
                words += 1
                covered += here == {1}
                listed += here == {2}
    print(
        json.dumps({
            "coverage": round(covered / words, 4),
            "outside_left_out": round(covered / (words - listed), 4),
            "words": words,
        })
    )  # fmt: skip


if __name__ == "__main__":
    main()
