"""Build and ask an index of a million chunks, and print what that costs, as JSON lines.

Run from the root of the project::

    python benchmarks/million.py INDEXES DATA [--chunks 100000] [--at FOLDER]

INDEXES is a folder of indexes of real papers by the packaged embedder (``ragqa evaluate`` keeps
them), DATA the folder of the datasets. Each chunk's vector is that of a real chunk plus noise that
has the covariance of the differences between real nearest neighbours, as much of it as makes the
nearest neighbours of what is generated as near as real ones. A text is real words in random order,
seven sentences a chunk and fifty chunks a paper. Papers are made one at a time as the ordinary
writer takes them, so what they take of memory is not counted with the build; what making them takes
of time is told apart. Then another process opens the index and asks the datasets' questions. A
million chunks take some 7 GB of disk and a quarter of an hour.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from ragqa.api.reader import Reader
from ragqa.embed import load_embedder
from ragqa.index import generation as writing
from ragqa.index.generation import Generation, open_generation, write_generation
from ragqa.index.layout import VECTORS, read_current
from ragqa.index.packing import PackedDocument, pack_document
from ragqa.index.records import IndexedDocument, quantise
from ragqa.index.vectors import Vectors
from ragqa.records import Chunk, Document, Page, Paper, Run, Sentence
from ragqa.retrieve.hybrid import Retriever

CHUNKS_A_PAPER = 50
SENTENCES, WORDS = 7, 19  # a chunk and a sentence: some 900 characters, as the real ones have
SEED = 3
ASKED = 200
WRITERS = {
    "StoreWriter": "store",
    "vector_writer": "vectors",
    "sentence_writer": "sentences",
    "LexicalWriter": "lexical",
}
STAGES = {
    "_write_shortlist": "shortlist",
    "_flush_and_describe": "flush and hash",
    "_prove_readable": "read back",
}
Floats = NDArray[np.float32]


def say(**values: object) -> None:
    """Print one line of figures."""
    print(json.dumps(values), flush=True)


def unit(rows: Floats) -> Floats:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def median_nearest(rows: Floats, queries: Floats) -> float:
    """Return the median cosine of some rows and their nearest other."""
    flat = faiss.IndexFlatIP(rows.shape[1])
    flat.add(rows)
    return float(np.median(flat.search(queries, 2)[0][:, 1]))


class Source:
    """Real chunks: their vectors, their words, and the noise that makes more of them."""

    def __init__(self, indexes: Path, count: int) -> None:
        vectors, words = [], []
        for folder in sorted(path for path in indexes.iterdir() if path.is_dir()):
            with open_generation(folder) as generation:
                rows = np.arange(generation.vectors.count)
                vectors.append(generation.vectors.rows(rows))
                texts = (chunk.text for chunk in generation.store.chunks(rows))
                words.extend(map(sys.intern, re.findall(r"\w[\w-]*", " ".join(texts))))
        self.vectors = np.concatenate(vectors)
        self.words = np.array(words, dtype=object)
        flat = faiss.IndexFlatIP(self.vectors.shape[1])
        flat.add(self.vectors)
        cosines, found = flat.search(self.vectors, 2)
        steps = self.vectors - self.vectors[found[:, 1]]
        width = np.eye(self.vectors.shape[1]) * 1e-6  # so that it can be factored
        self._noise = np.linalg.cholesky(np.cov(steps.T) + width).astype(np.float32)
        self.nearest = float(np.median(cosines[:, 1]))
        self.share = self._fit(max(2, count // len(self.vectors)))

    def near(self, rows: NDArray[np.int64], share: float, generator: np.random.Generator) -> Floats:
        """Return a vector near each of some real ones."""
        noise = generator.standard_normal((len(rows), self.vectors.shape[1]), dtype=np.float32)
        return unit(self.vectors[rows] + np.float32(share) * (noise @ self._noise.T))

    def _fit(self, copies: int) -> float:
        """Return how much noise makes the copies of one row as near as real neighbours are."""
        chosen = np.random.default_rng(SEED).choice(len(self.vectors), 100, replace=False)
        low, high = 0.05, 3.0
        for _ in range(8):
            middle = (low + high) / 2
            generator = np.random.default_rng(SEED)
            made = self.near(np.repeat(chosen, copies), middle, generator)
            if median_nearest(made, made[:: max(1, len(made) // 400)]) > self.nearest:
                low = middle
            else:
                high = middle
        return low


def documents(source: Source, count: int) -> Iterator[IndexedDocument]:
    """Make papers, one after the other."""
    generator = np.random.default_rng(SEED)
    table = generator.normal(0, 20, (4096, source.vectors.shape[1])).astype(np.int16)
    for number, vectors in enumerate(papers_vectors(source, count, generator)):
        around = np.repeat(quantise(vectors).astype(np.int16), SENTENCES, axis=0)
        around += table[generator.integers(0, len(table), len(around))]
        document, chunks = paper_text(f"paper-{number:06d}", source, len(vectors), generator)
        yield IndexedDocument(
            paper=Paper(paper_id=document.paper_id, title=f"Paper {number}"),
            document=document,
            chunks=chunks,
            chunk_vectors=vectors,
            sentence_vectors=np.clip(around, -127, 127).astype(np.int8),
            key=str(number),
        )


def papers_vectors(source: Source, count: int, generator: np.random.Generator) -> Iterator[Floats]:
    """Make the vectors of each paper, of a hundred at once, as small products are slow."""
    block = 100 * CHUNKS_A_PAPER
    for first in range(0, count, block):
        rows = np.arange(first, min(first + block, count)) % len(source.vectors)
        vectors = source.near(rows, source.share, generator)
        for start in range(0, len(rows), CHUNKS_A_PAPER):
            yield vectors[start : start + CHUNKS_A_PAPER].copy()


def paper_text(
    paper_id: str, source: Source, count: int, generator: np.random.Generator
) -> tuple[Document, tuple[Chunk, ...]]:
    """Make one paper's text and cut it."""
    chosen = generator.integers(0, len(source.words), (count * SENTENCES, WORDS))
    lines = [" ".join(words) + "." for words in source.words[chosen].tolist()]
    chunks, texts, start = [], [], 0
    for number in range(count):
        its_lines = lines[number * SENTENCES : (number + 1) * SENTENCES]
        text = " ".join(its_lines)
        ends = np.cumsum([len(line) + 1 for line in its_lines]) + start - 1
        starts = [start, *(ends[:-1] + 1).tolist()]
        chunks.append(
            Chunk(
                chunk_id=f"{paper_id}-{number}",
                paper_id=paper_id,
                document="pdf",
                start=start,
                end=start + len(text),
                text=text,
                section="Results",
                sentences=tuple(
                    Sentence(start=a, end=b) for a, b in zip(starts, ends.tolist(), strict=True)
                ),
            )
        )
        texts.append(text)
        start += len(text) + 1
    whole = "\n".join(texts)
    document = Document(
        paper_id=paper_id,
        kind="pdf",
        sha256="0" * 64,
        text=whole,
        pages=(Page(number=1, start=0, end=len(whole)),),
        runs=(Run(0, 0),),
    )
    return document, tuple(chunks)


class Clock:
    """Adds up seconds by name, and keeps the peak of memory at the end of each part."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.peak_mb: dict[str, int] = {}

    @contextmanager
    def running(self, name: str) -> Iterator[None]:
        """Add what a block takes."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began

    def wrap(self, name: str, stage: Callable[..., Any]) -> Callable[..., Any]:
        """Return a stage of the writer that is timed."""

        def timed(*arguments: Any) -> Any:  # noqa: ANN401 - whatever the stage takes and gives
            try:
                with self.running(name):
                    return stage(*arguments)
            finally:
                self.peak_mb[name] = peak_mb()

        return timed

    def figures(self) -> dict[str, float]:
        """Return the seconds, to two places."""
        return {name: round(taken, 2) for name, taken in self.seconds.items()}


class TimedWriter:
    """One of the writer's parts, timed from its opening to its completion."""

    def __init__(self, name: str, clock: Clock, make: Callable[..., Any], *arguments: Any) -> None:  # noqa: ANN401
        self._name, self._clock = name, clock
        with clock.running(name):
            self._real = make(*arguments)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._real, name)

    def add(self, *arguments: Any) -> None:  # noqa: ANN401
        with self._clock.running(self._name):
            self._real.add(*arguments)

    def __enter__(self) -> TimedWriter:
        self._real.__enter__()
        return self

    def __exit__(self, *arguments: Any) -> None:  # noqa: ANN401
        self._clock.wrap(self._name, self._real.__exit__)(*arguments)


def peak_mb() -> int:
    """Return the most memory that this process has held since `forget_peak`, in MB."""
    try:
        text = Path("/proc/self/status").read_text(encoding="ascii")
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000
    return int(text.partition("VmHWM:")[2].split()[0]) * 1024 // 10**6


def forget_peak() -> None:
    """Begin to measure the peak anew, where the system can."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def packed(source: Source, count: int, clock: Clock) -> Iterator[PackedDocument]:
    """Make papers as the writer wants them, and say how much of the time is the making."""
    made = documents(source, count)
    while True:
        with clock.running("made here"):
            item = next(made, None)
        if item is None:
            return
        with clock.running("packing"):
            document = pack_document(item)
        yield document


def build(source: Source, folder: Path, count: int) -> None:
    """Write the index and say what each stage took."""
    clock, embedder = Clock(), load_embedder()
    for name, part in WRITERS.items():
        setattr(writing, name, partial(TimedWriter, part, clock, getattr(writing, name)))
    for name, part in STAGES.items():
        setattr(writing, name, clock.wrap(part, getattr(writing, name)))
    papers = [
        Paper(paper_id=f"paper-{number:06d}", title=f"Paper {number}")
        for number in range(-(-count // CHUNKS_A_PAPER))
    ]
    fingerprint = {"embedder": embedder.fingerprint, "embedder_name": embedder.name}
    forget_peak()
    held, began = memory(), time.perf_counter()
    whole = write_generation(folder, packed(source, count, clock), papers, fingerprint=fingerprint)
    taken = time.perf_counter() - began
    made = clock.seconds.pop("made here", 0.0)
    with Generation(whole) as generation:
        files = {name: entry.size for name, entry in generation.meta.files.items()}
        shortlist = generation.meta.shortlist
    by_part: dict[str, float] = {}
    for name, size in files.items():
        part = name.split("/")[0].split(".")[0]
        by_part[part] = round(by_part.get(part, 0) + size / 1e6, 3)
    say(
        generated_s=round(made, 2),
        written_s=round(taken - made, 2),
        stages_s=clock.figures(),
        disk_mb=by_part,
        meta_mb=round((whole / "meta.json").stat().st_size / 1e6, 3),
        before_build=held,
        peak_mb=peak_mb(),
        peak_after_mb=clock.peak_mb,
        shortlist=None if shortlist is None else str(shortlist),
    )


def questions(data: Path) -> list[str]:
    """Return some questions of each dataset, mixed."""
    found: list[list[str]] = []
    for path in sorted([*data.glob("*/questions.jsonl"), *data.glob("*/queries.jsonl")]):
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        found.append([line.get("question") or line.get("text") for line in lines][::3])
    mixed = [text for texts in zip_longest(*found) for text in texts if text]
    if not mixed:
        raise SystemExit(f"there are no questions in {data}")
    return mixed


def memory() -> dict[str, int]:
    """Return this process's memory in MB: its own, and what it has mapped of files."""
    try:
        text = Path("/proc/self/smaps_rollup").read_text(encoding="ascii")
    except FileNotFoundError:
        return {}
    size = {line.split()[0]: int(line.split()[1]) // 1000 for line in text.splitlines()[1:]}
    return {"anonymous_mb": size["Anonymous:"], "files_mb": size["Rss:"] - size["Anonymous:"]}


def milliseconds(work: Callable[[str], object], texts: list[str]) -> dict[str, float]:
    """Return how long some questions take."""
    taken = []
    for text in texts:
        began = time.perf_counter()
        work(text)
        taken.append((time.perf_counter() - began) * 1e3)
    return {f"p{p}": round(float(np.quantile(taken, p / 100)), 2) for p in (50, 95)}


def ask(folder: Path, data: Path) -> None:
    """Open the index, ask, and compare with exact search."""
    texts = questions(data)
    warm, texts = texts[ASKED : 2 * ASKED], texts[:ASKED]
    embedder = load_embedder()
    say(before=memory())
    began = time.perf_counter()
    generation = open_generation(folder)
    opened = time.perf_counter() - began
    retriever = Retriever(generation, embedder)
    began = time.perf_counter()
    retriever.retrieve(texts[0])
    first = time.perf_counter() - began
    say(open_ms=round(opened * 1e3, 1), first_ms=round(first * 1e3, 1), after_first=memory())
    for text in warm:
        retriever.retrieve(text)
    vectors = embedder.embed_queries(texts)
    rows = generation.vectors.search(vectors[:1], 200)[1][0]
    say(
        retrieve_ms=milliseconds(lambda text: retriever.retrieve(text), texts),
        parts_ms={
            "embed": milliseconds(lambda text: embedder.embed_queries([text]), texts)["p50"],
            "lexical": milliseconds(lambda text: generation.lexical.search(text, 200), texts),
            "200 chunks": milliseconds(lambda _: generation.store.chunks(rows), texts[:20])["p50"],
            "dense": dense_ms(generation, vectors),
        },
        after=memory(),
    )
    reader = Reader(generation, folder, embedder=embedder)
    reader.ask(warm[0])
    say(answer_ms=milliseconds(reader.ask, texts[:100]), after_answers=memory())
    compare(generation, folder, retriever, texts)


def dense_ms(generation: Generation, vectors: Floats) -> dict[str, float]:
    taken = []
    for vector in vectors:
        began = time.perf_counter()
        generation.vectors.search(vector[None], 200)
        taken.append((time.perf_counter() - began) * 1e3)
    return {f"p{p}": round(float(np.quantile(taken, p / 100)), 2) for p in (50, 95)}


def compare(generation: Generation, folder: Path, retriever: Retriever, texts: list[str]) -> None:
    """Say how much of what an exact search finds is found, and what that changes in the end."""
    listed, vectors = generation.vectors, load_embedder().embed_queries(texts)
    exact = Vectors(folder / read_current(folder) / VECTORS)
    began = time.perf_counter()
    best = exact.search(vectors, 200)[1]
    exact_ms = (time.perf_counter() - began) * 1e3 / len(vectors)
    found = {k: listed.search(vectors, k)[1] for k in (10, 200)}
    recall = {
        f"recall_at_{k}": round(float(np.mean([
            len({*a} & {*b}) / k for a, b in zip(rows.tolist(), best[:, :k].tolist(), strict=True)
        ])), 4)
        for k, rows in found.items()
    }  # fmt: skip
    some = texts[:60]
    ranked = [[hit.row for hit in retriever.rank(text)] for text in some]
    generation.vectors = exact
    same = [[hit.row for hit in retriever.rank(text)] for text in some]
    share = np.mean([len({*a} & {*b}) / 10 for a, b in zip(ranked, same, strict=True)])
    say(**recall, exact_dense_ms=round(exact_ms, 1), same_final_10=round(float(share), 4))


def main() -> None:
    """Build, then ask from another process."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("indexes", type=Path, help="folder of indexes of real papers")
    parser.add_argument("data", type=Path, help="folder of the datasets")
    parser.add_argument("--chunks", type=int, default=1_000_000)
    parser.add_argument("--at", type=Path, help="where to keep the index")
    parser.add_argument("--ask", action="store_true", help="ask what lies there, build nothing")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = options.at or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if options.ask:
            ask(folder, options.data)
            return
        say(
            machine=platform.machine(),
            cores=os.cpu_count(),
            load=round(os.getloadavg()[0], 1),
            python=platform.python_version(),
            chunks=options.chunks,
        )
        source = Source(options.indexes, options.chunks)
        say(real_chunks=len(source.vectors), nearest=source.nearest, noise=source.share)
        build(source, folder, options.chunks)
        arguments = [options.indexes, options.data, "--at", folder, "--ask"]
        subprocess.run([sys.executable, __file__, *map(str, arguments)], check=True)


if __name__ == "__main__":
    main()
