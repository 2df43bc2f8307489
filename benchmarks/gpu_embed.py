"""Embed the chunks of an index on a device, and print tokens/s and the share of the chip's limit.

Run from the root of the project, where there is a GPU::

    python benchmarks/gpu_embed.py INDEX [--device cuda] [--precision float16] [--chunks 20000]

INDEX is an index by the packaged embedder (``ragqa evaluate`` keeps some, ``ragqa rebuild`` makes
one); its chunks are taken again and again until there are enough. Prints one JSON object:

- ``tokens_per_s``: chunks and their sentences, from text to rows in this process's memory:
  tokenization, padding, copying and pooling included. Special tokens count, padding does not.
- ``flop_per_token``: matrix products of a BERT of these sizes, attention at the mean length:
  layers * (8 * hidden^2 + 4 * hidden * inner + 4 * length * hidden).
- ``limit_tflop_per_s``: the fastest matrix product of that precision measured on this device in
  this run, at the model's own shapes and at a large square one; ``share_of_limit`` is what the
  embedding makes of it. ``--peak`` gives the share of what the maker states, too.
- ``tokenizer_tokens_per_s``: the tokenizer alone, on all cores: the other limit.
- ``per_document_tokens_per_s``: fifty chunks a call, as a build does it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import torch

from ragqa.embed import load_embedder
from ragqa.embed.base import Span
from ragqa.embed.cache import Recipe, cache_roots, find_entry
from ragqa.embed.gpu import GPU_PRECISION
from ragqa.embed.lowered import least_cosine
from ragqa.embed.reference import load_model, quiet
from ragqa.embed.session import open_tokenizer
from ragqa.embed.source import DEFAULT_EMBEDDER, resolve
from ragqa.embed.torch_rows import BATCH_TOKENS, TorchRows
from ragqa.index.generation import open_generation

A_DOCUMENT = 50  # chunks: some 10,000 tokens, a paper of twelve pages
COMPARED = 200  # chunks
LARGE = {"cpu": 2048, "cuda": 8192}  # rows and columns of the large product

Chunks = tuple[list[str], list[list[Span]]]


def main() -> None:
    """Measure, and print."""
    options = _options()
    texts, spans = _chunks(options.index, options.chunks)
    source, cpu = resolve(DEFAULT_EMBEDDER), load_embedder()
    entry = find_entry(cache_roots(None), source.key, kind=Recipe, say=_say)
    if entry is None:
        sys.exit("the packaged model is not exported, though it was just opened")
    where = {"device": options.device, "precision": options.precision}
    with quiet():
        model, sizes = load_model(source, attention=None), _sizes(source)
    rows = TorchRows(source.name, entry, model, **where, batch_tokens=options.batch_tokens)
    tokenizer = open_tokenizer(entry.folder)
    lengths = [len(encoding) for encoding in tokenizer.encode_batch(texts)]
    some = texts[:COMPARED], spans[:COMPARED]
    cosine = least_cosine(cpu.embed_chunks(*some), rows.embed_chunks(*some))
    tokens = sum(lengths)
    _say(f"{len(texts)} chunks, {tokens} tokens; {options.repeat} runs each")
    rate = tokens / _median(lambda: rows.embed_chunks(texts, spans), options.repeat)
    single = tokens / _median(lambda: _by_document(rows, (texts, spans)), options.repeat)
    tokenized = tokens / _median(lambda: tokenizer.encode_batch(texts), options.repeat)
    flop = _flop_per_token(sizes, mean_length=tokens / len(texts))
    limit = _limit(sizes, options)
    print(
        json.dumps(
            {
                **_machine(options.device),
                **where,
                "batch_tokens": options.batch_tokens,
                "chunks": len(texts),
                "sentences": sum(map(len, spans)),
                "tokens": tokens,
                "least_cosine_to_cpu": round(cosine, 6),
                "tokens_per_s": round(rate),
                "per_document_tokens_per_s": round(single),
                "tokenizer_tokens_per_s": round(tokenized),
                "flop_per_token": round(flop),
                "tflop_per_s": round(rate * flop / 1e12, 3),
                "limit_tflop_per_s": round(limit / 1e12, 3),
                "share_of_limit": round(rate * flop / limit, 3),
                "share_of_peak": options.peak and round(rate * flop / 1e12 / options.peak, 3),
            }
        )
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--precision", default=GPU_PRECISION)
    parser.add_argument("--chunks", type=int, default=20_000)
    parser.add_argument("--batch-tokens", type=int, default=BATCH_TOKENS)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--peak", type=float, help="What the maker states, in TFLOP/s.")
    return parser.parse_args()


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _chunks(index: Path, count: int) -> Chunks:
    """Return chunks of an index, from the first again when it has too few."""
    with open_generation(index) as generation:
        there = range(min(count, generation.meta.counts.chunks))
        found = list(generation.store.chunks(there))
    taken = list(islice(cycle(found), count))
    spans = [[(s.start - c.start, s.end - c.start) for s in c.sentences] for c in taken]
    return [chunk.text for chunk in taken], spans


def _by_document(rows: Any, chunks: Chunks) -> None:  # noqa: ANN401
    texts, spans = chunks
    for start in range(0, len(texts), A_DOCUMENT):
        part = slice(start, start + A_DOCUMENT)
        rows.embed_chunks(texts[part], spans[part])


def _median(work: Callable[[], object], repeat: int) -> float:
    """Return the median seconds of a piece of work, after one run that does not count."""
    work()
    taken = []
    for _ in range(repeat):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def _sizes(source: Any) -> Any:  # noqa: ANN401
    return load_model(source)[0].auto_model.config


def _flop_per_token(sizes: Any, *, mean_length: float) -> float:  # noqa: ANN401
    hidden, inner = sizes.hidden_size, sizes.intermediate_size
    attention = 4 * mean_length * hidden
    return float(sizes.num_hidden_layers * (8 * hidden**2 + 4 * hidden * inner + attention))


def _limit(sizes: Any, options: argparse.Namespace) -> float:  # noqa: ANN401
    """Return the most floating point operations a second of a matrix product on the device."""
    rows, hidden, inner = options.batch_tokens, sizes.hidden_size, sizes.intermediate_size
    large = LARGE.get(options.device, 2048)
    shapes = [(rows, hidden, hidden), (rows, hidden, inner), (rows, inner, hidden), (large,) * 3]
    return max(_product(shape, options) for shape in shapes)


def _product(shape: tuple[int, int, int], options: argparse.Namespace) -> float:
    m, k, n = shape
    kind = {"device": options.device, "dtype": getattr(torch, options.precision)}
    left, right = torch.randn(m, k, **kind), torch.randn(k, n, **kind)
    calls = max(1, int((2e13 if options.device == "cuda" else 2e10) / (2 * m * k * n)))

    def work() -> None:
        for _ in range(calls):
            torch.mm(left, right)
        if options.device == "cuda":
            torch.cuda.synchronize()

    return 2 * m * k * n * calls / _median(work, options.repeat)


def _machine(device: str) -> dict[str, object]:
    chip = torch.cuda.get_device_name() if device == "cuda" else platform.processor() or "cpu"
    return {"chip": chip, "cores": os.cpu_count(), "torch": torch.__version__}


if __name__ == "__main__":
    main()
