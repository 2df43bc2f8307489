"""Warm questions. Arguments: an index folder, a JSON file of questions, how many do not count.

Prints the milliseconds of each `Reader.ask` but for the first ones, embedding of the question and
checked answer included.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from ragqa.api.reader import Reader


def main() -> None:
    """Ask and time."""
    questions = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    reader = Reader.open(Path(sys.argv[1]))
    taken = []
    for question in questions:
        began = time.perf_counter()
        reader.ask(question)
        taken.append((time.perf_counter() - began) * 1e3)
    print(json.dumps({"milliseconds": taken[int(sys.argv[3]) :]}))


if __name__ == "__main__":
    main()
