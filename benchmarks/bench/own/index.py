"""The index of a dataset, brought up to date. Arguments: dataset, work folder of evaluations.

Prints the index folder. With two more arguments, files, the chunks' texts go to the first as JSON,
their vectors to the second.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from ragqa.evaluate import load_dataset
from ragqa.evaluate.indexing import prepare_index
from ragqa.index.generation import open_generation


def main() -> None:
    """Index, and write what is asked for."""
    dataset = load_dataset(Path(sys.argv[1]))
    folder = prepare_index(dataset, Path(sys.argv[2]), {}).directory
    with open_generation(folder) as generation:
        rows = np.arange(generation.vectors.count)
        if len(sys.argv) > 4:
            texts = [chunk.text for chunk in generation.store.chunks(rows)]
            Path(sys.argv[3]).write_text(json.dumps(texts), encoding="utf-8")
            np.save(Path(sys.argv[4]), generation.vectors.rows(rows))
    print(json.dumps({"index": str(folder.resolve()), "chunks": len(rows)}))


if __name__ == "__main__":
    main()
