"""Cost curves: what an index of more and more chunks costs to build, to keep and to ask.

Run from the root of the project::

    python benchmarks/curves.py INDEXES DATA OUT [--sizes 1000,10000,100000,1000000]

INDEXES and DATA are those of ``million.py``, which is run once a size, in a process of its own. The
figures of a size are kept in OUT as JSON lines and not measured again; remove a file to measure it
anew. Out of them come ``curves.md``, a table with the exponent of the growth from one size to the
next (1 is proportional), and ``curves.svg`` and ``curves.png``. Embedding that many chunks is
computed: the packaged model's rate over some real chunks, times the chunks.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from million import SEED, say

from ragqa.embed import load_embedder
from ragqa.index.generation import open_generation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZES = (1_000, 10_000, 100_000)
MORE_THAN_LINEAR = 1.1  # an exponent above it is marked
RATED = 300  # chunks embedded to learn the rate
MILLION = Path(__file__).with_name("million.py")
# Told apart by those who confuse red and green, and by their markers.
COLOURS = ("#0069a3", "#b84e00", "#00785a", "#a03c78", "#202020", "#6a5a00", "#7a7a7a")
MARKERS = "osD^vPX"
Figures = Mapping[str, Any]
_DISK = "inferred: small files are written to memory, and at 5 GB writing waits for the disk."
WHY = {
    "the rest, vectors given": "above some size (decision 0010) there is a shortlist to train, "
    "which no smaller index has.",
    "of it: shortlist": "it has 4 x sqrt(n) groups, and each chunk is compared with each of them: "
    "n^1.5.",
    "shortlist": "its groups' centres are more and more beside the chunks' own bytes.",
    "open": "the lexical part and the shortlist are hashed when an index is opened, whatever its "
    "size, and the fixed cost beside that is small by now.",
    "first question": "its blocks of vectors and texts are hashed as they are first read, and "
    "above 64 MB that is not done when the index is opened.",
    "of it: BM25, p50": "inferred: common words' postings no longer fit the processor's cache.",
    "exact dense, instead": "inferred: the vectors no longer fit the processor's cache.",
    "of it: store": "it was written to memory while there was little of it, and waits for the disk "
    "at 5 GB of all files together; inferred, as is that the tree of chunk ids, which are hashes, "
    "outgrows SQLite's cache.",
    "of it: vectors": _DISK,
    "of it: sentences": _DISK,
    "of it: lexical": "tantivy indexes in threads of its own, and what is shown is the waiting for "
    "them: little as long as its buffer holds what comes.",
    "asking, own and mapped": "what the questions touch of the files stays mapped.",
}
"""Why a line grows more than linearly, where it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that is measured at each size.

    :ivar name: What it is.
    :ivar value: Finds it among a size's figures; None where a size has none.
    :ivar floor: What is below it is mostly noise or fixed cost, and gets no exponent.
    """

    name: str
    value: Callable[[Figures], float | None]
    floor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Lines of one unit.

    :ivar title: What they are about.
    :ivar unit: Of all of them.
    :ivar lines: The lines.
    """

    title: str
    unit: str
    lines: tuple[Line, ...]


def at(*path: str) -> Callable[[Figures], float | None]:
    """Return a look-up along some keys."""

    def value(figures: Figures) -> float | None:
        found: Any = figures
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
        return None if found is None or found == 0 else float(found)

    return value


def sum_of(*values: Callable[[Figures], float | None]) -> Callable[[Figures], float | None]:
    """Return the sum of what some look-ups find."""
    return lambda figures: sum(value(figures) or 0.0 for value in values) or None


def seconds(stage: str) -> Line:
    """Return a stage's line."""
    return Line(name=f"of it: {stage}", value=at("stages_s", stage), floor=0.1)


def own_peak(figures: Figures) -> float | None:
    """Return what a build took of memory beside what this benchmark held before it."""
    peak, held = at("peak_mb")(figures), both("before_build")(figures)
    return None if peak is None or held is None else peak - held


def disk(part: str) -> Line:
    """Return a part's line."""
    return Line(name=part, value=at("disk_mb", part), floor=0.1)


def both(moment: str) -> Callable[[Figures], float | None]:
    """Return memory at a moment, a process's own and what it has mapped of files."""
    return sum_of(at(moment, "anonymous_mb"), at(moment, "files_mb"))


PARTS = ("vectors", "sentences", "store", "lexical", "shortlist")
PANELS = (
    Panel(
        title="Build",
        unit="s",
        lines=(
            Line(name="embedding (computed)", value=at("embedding_s"), floor=0.3),
            Line(name="the rest, vectors given", value=at("written_s"), floor=0.3),
            *map(seconds, ("store", "vectors", "sentences", "lexical", "shortlist")),
        ),
    ),
    Panel(
        title="Disk",
        unit="MB",
        lines=(
            Line(name="all", value=sum_of(*(at("disk_mb", p) for p in PARTS)), floor=0.1),
            *map(disk, PARTS),
        ),
    ),
    Panel(
        title="Asking",
        unit="ms",
        lines=(
            Line(name="open", value=at("open_ms"), floor=20),
            Line(name="first question", value=at("first_ms"), floor=20),
            Line(name="warm answer, p50", value=at("answer_ms", "p50"), floor=0.1),
            Line(name="warm answer, p95", value=at("answer_ms", "p95"), floor=0.1),
            Line(name="of it: BM25, p50", value=at("parts_ms", "lexical", "p50"), floor=0.2),
            Line(name="of it: dense, p50", value=at("parts_ms", "dense", "p50"), floor=0.2),
            Line(name="exact dense, instead", value=at("exact_dense_ms"), floor=0.2),
        ),
    ),
    Panel(
        title="Memory",
        unit="MB",
        lines=(
            Line(name="build, peak", value=own_peak, floor=1),
            Line(name="asking, own and mapped", value=both("after_answers"), floor=1),
            Line(name="of it: own", value=at("after_answers", "anonymous_mb"), floor=1),
        ),
    ),
)


def measure(indexes: Path, data: Path, size: int, kept: Path) -> Figures:
    """Measure one size, or read what was measured."""
    if not kept.exists():
        say(measuring=size)
        with tempfile.TemporaryDirectory(dir=kept.parent) as at_folder:
            ran = subprocess.run(
                [sys.executable, MILLION, indexes, data, "--chunks", str(size), "--at", at_folder],
                stdout=subprocess.PIPE, text=True, check=True,
            )  # fmt: skip
        aside = kept.with_suffix(".part")
        aside.write_text(ran.stdout, encoding="utf-8")
        aside.replace(kept)
    return joined(kept)


def joined(path: Path) -> dict[str, Any]:
    """Return the figures of some JSON lines as one record."""
    found: dict[str, Any] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        found |= json.loads(line)
    return found


def rate(indexes: Path, kept: Path) -> float:
    """Return how many real chunks the packaged model embeds in a second, sentences included."""
    if not kept.exists():
        texts, spans = some_chunks(indexes)
        embedder = load_embedder()
        embedder.embed_chunks(texts[:8], spans[:8])
        began = time.perf_counter()
        embedder.embed_chunks(texts, spans)
        taken = time.perf_counter() - began
        tokens = sum(embedder.count_tokens(texts))
        values = {
            "chunks_a_second": round(len(texts) / taken, 2),
            "tokens_a_second": round(tokens / taken),
            "tokens_a_chunk": round(tokens / len(texts)),
            "embedded": len(texts),
            "load": round(os.getloadavg()[0], 1),
        }
        kept.write_text(json.dumps(values) + "\n", encoding="utf-8")
    return float(joined(kept)["chunks_a_second"])


def some_chunks(indexes: Path) -> tuple[list[str], list[list[tuple[int, int]]]]:
    """Return some real chunks, drawn from all indexes alike, and their sentences."""
    chunks = []
    for folder in sorted(path for path in indexes.iterdir() if path.is_dir()):
        with open_generation(folder) as generation:
            rows = np.arange(generation.meta.counts.chunks)
            chunks.extend(generation.store.chunks(rows))
    drawn = np.random.default_rng(SEED).choice(len(chunks), RATED, replace=False)
    chosen = [chunks[number] for number in drawn.tolist()]
    spans = [[(s.start - c.start, s.end - c.start) for s in c.sentences] for c in chosen]
    return [chunk.text for chunk in chosen], spans


def exponents(line: Line, rows: Sequence[Figures]) -> list[float | None]:
    """Return how fast a line grows from each size to the next: the power of the size."""
    found: list[float | None] = []
    for before, after in pairwise(rows):
        low, high = line.value(before), line.value(after)
        if low is None or high is None or low < line.floor:
            found.append(None)
            continue
        found.append(math.log(high / low) / math.log(after["chunks"] / before["chunks"]))
    return found


def number(value: float | None) -> str:
    """Return a figure with about three digits."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(rows: Sequence[Figures], rated: Figures) -> str:
    """Return all panels as Markdown."""
    sizes = [row["chunks"] for row in rows]
    head = ["", *(f"{size:,}" for size in sizes)]
    head += [f"{a:,} to {b:,}" for a, b in pairwise(sizes)]
    out = [
        "<!-- written by benchmarks/curves.py -->",
        "# Cost curves",
        "",
        f"Chunks: real vectors with fitted noise, generated text (`benchmarks/million.py`); "
        f"{rows[0]['cores']} cores, {rows[0]['machine']}. Load when each size began: "
        f"{', '.join(str(row['load']) for row in rows)}. Embedding is computed from "
        f"{rated['chunks_a_second']} real chunks ({rated['tokens_a_second']:,} tokens) a second.",
        "",
        "The columns at the right say with which power of the number of chunks a figure grows: 1 "
        "is proportional, 0 not at all; **bold** is more than linear. None stands where the "
        "smaller figure is mostly fixed cost or noise. Disk and memory are in powers of 1000; a "
        "build's memory is what it takes beside what the benchmark itself holds. The making of the "
        "papers is not in the build's time; what tantivy's threads do meanwhile is not, either. "
        "Times are those of a machine under the load given: exponents of times are as good as "
        "the loads are equal.",
        "",
        "![Cost curves](curves.png)",
        "",
        f"| {' | '.join(head)} |",
        f"|---{'|---:' * (len(head) - 1)}|",
    ]
    for panel in PANELS:
        out.append(f"| **{panel.title}, {panel.unit}** {'|' * len(head)}")
        for line in panel.lines:
            cells = [number(line.value(row)) for row in rows]
            cells += [power(each) for each in exponents(line, rows)]
            out.append(f"| {line.name} | {' | '.join(cells)} |")
    out += [f"| **recall@10** | {' | '.join(str(r['recall_at_10']) for r in rows)} "
            f"{'| ' * (len(rows) - 1)}|", ""]  # fmt: skip
    return "\n".join([*out, *reasons(rows)])


def reasons(rows: Sequence[Figures]) -> list[str]:
    """Return a line for each thing that grows more than linearly anywhere: why it does."""
    grown = [
        line.name
        for panel in PANELS
        for line in panel.lines
        if any(each is not None and each > MORE_THAN_LINEAR for each in exponents(line, rows))
    ]
    said = [f"- *{name}*: {WHY.get(name, 'not explained yet.')}" for name in grown]
    return ["More than linear, and why:", "", *said, ""] if said else []


def power(exponent: float | None) -> str:
    """Return an exponent as a table shows it."""
    if exponent is None:
        return ""
    return f"**{exponent:.2f}**" if exponent > MORE_THAN_LINEAR else f"{exponent:.2f}"


def draw(rows: Sequence[Figures], path: Path) -> None:
    """Draw the panels, both axes logarithmic, as PNG and SVG."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({"font.size": 10, "svg.hashsalt": "ragqa"})
        figure = Figure(figsize=(13, 8.6), layout="constrained")
        for axes, panel in zip(figure.subplots(2, 2).flat, PANELS, strict=True):
            draw_panel(axes, panel, rows)
        figure.suptitle("What an index costs, by its number of chunks (grey: proportional)")
        figure.savefig(path.with_suffix(".png"), dpi=100)
        figure.savefig(path.with_suffix(".svg"), metadata={"Date": None})


def draw_panel(axes: Axes, panel: Panel, rows: Sequence[Figures]) -> None:
    """Draw one panel and, in grey, what proportional growth is."""
    from matplotlib.ticker import LogLocator

    sizes = [row["chunks"] for row in rows]
    lowest, highest = math.inf, 0.0
    for line, colour, marker in zip(panel.lines, COLOURS, MARKERS, strict=False):
        points = [(size, line.value(row)) for size, row in zip(sizes, rows, strict=True)]
        known = [(size, value) for size, value in points if value is not None]
        if not known:
            continue
        style = "--" if line.name.startswith("of it") else "-"
        axes.plot(*zip(*known, strict=True), style, color=colour, marker=marker, markersize=5,
                  linewidth=1.6, label=line.name)  # fmt: skip
        lowest = min(lowest, *(value for _, value in known))
        highest = max(highest, *(value for _, value in known))
    axes.set(xscale="log", yscale="log", xlabel="chunks", ylabel=panel.unit, title=panel.title)
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    step = 10 ** (math.log10(highest / lowest) / 3)
    for start in (lowest * step**n for n in range(-12, 4)):
        axes.plot(sizes, [start * size / sizes[0] for size in sizes], color="#e4e4e4",
                  linewidth=0.8, zorder=0)  # fmt: skip
    axes.set_ylim(lowest / 1.6, highest * 1.6)
    axes.yaxis.set_major_locator(LogLocator(subs=(1,) if highest / lowest > 100 else (1, 2, 5)))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=9, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))


def main() -> None:
    """Measure what is not measured yet, then write the table and the drawing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("indexes", type=Path, help="folder of indexes of real papers")
    parser.add_argument("data", type=Path, help="folder of the datasets")
    parser.add_argument("out", type=Path, help="where the figures are kept")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="chunks, with commas")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    sizes = sorted({int(size) for size in options.sizes.split(",")})
    chunks_a_second = rate(options.indexes, options.out / "embedding.jsonl")
    rows = [
        {
            **measure(options.indexes, options.data, size, options.out / f"{size}.jsonl"),
            "embedding_s": size / chunks_a_second,
        }
        for size in sizes
    ]
    text = table(rows, joined(options.out / "embedding.jsonl"))
    (options.out / "curves.md").write_text(text, encoding="utf-8")
    draw(rows, options.out / "curves")
    say(**{name: str(options.out / f"curves.{name}") for name in ("md", "png", "svg")})


if __name__ == "__main__":
    main()
