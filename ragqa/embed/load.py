"""A model's name -> an `Embedder`: opened from the cache, or exported into it first.

In: a name. Out: an embedder that is ready. The one function here that users meet.
Invariant: an export that is found intact is opened without importing torch.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ragqa.embed.base import Embedder
from ragqa.embed.cache import Entry, Progress, Recipe, find_or_make
from ragqa.embed.model import OnnxEmbedder
from ragqa.embed.source import DEFAULT_EMBEDDER, Source, resolve

if TYPE_CHECKING:
    from ragqa.embed.device import Device

__all__ = ["DEFAULT_EMBEDDER", "load_embedder"]


def load_embedder(
    name: str = DEFAULT_EMBEDDER,
    *,
    cache: Path | None = None,
    on_progress: Progress | None = None,
    device: Device = "cpu",
) -> Embedder:
    """Load an embedding model; the first time, export it.

    :param name: ``all-MiniLM-L6-v2`` for the packaged one, a sentence-transformers folder, or a
        name on the hub. A hub model is looked up once: what was exported stays in use.
    :param cache: Where exports are kept; without one ``RAGQA_CACHE``, else the user's cache.
    :param on_progress: Told each step in a line: what is exported, waited for, or found damaged.
    :param device: Where chunks are embedded, as `choose_device` says; queries stay on the CPU.
    :return: The embedder.
    :raises EmbedderError: If it cannot be found, loaded, exported or written.
    """
    say = on_progress or (lambda _: None)
    source = resolve(name)

    def make(root: Path) -> Entry[Recipe] | Embedder:
        return _make(source, root, say=say)

    made = find_or_make(source.key, Recipe, make, cache=cache, say=say)
    embedder = OnnxEmbedder(name, made) if isinstance(made, Entry) else made
    if device == "cpu":
        return embedder
    entry = made if isinstance(made, Entry) else None
    return _on_device(source, entry, embedder, device=device, say=say)


def _on_device(
    source: Source,
    entry: Entry[Recipe] | None,
    embedder: Embedder,
    *,
    device: Device,
    say: Progress,
) -> Embedder:
    """Have an embedder's chunks embedded elsewhere, or in lower precision."""
    from ragqa.embed.bfloat16 import BFLOAT16, BFloat16States
    from ragqa.embed.lowered import LoweredEmbedder

    if device == "cuda":
        from ragqa.embed.gpu import GPU_PRECISION, open_rows

        opened = partial(open_rows, source, entry, device=device, precision=GPU_PRECISION, say=say)
        return LoweredEmbedder(embedder, rows=GPU_PRECISION, opened=opened)
    if entry is None or not isinstance(embedder, OnnxEmbedder):
        return embedder  # there is no graph that OpenVINO could run
    lowered = embedder.with_chunks_run_by(
        BFloat16States(source.name, entry.folder, window=entry.recipe.window)
    )
    return LoweredEmbedder(embedder, rows=BFLOAT16, opened=lambda: lowered)


def _make(source: Source, root: Path, *, say: Progress) -> Entry[Recipe] | Embedder:
    """Load a model and export it; where that cannot be done, run it as it is."""
    from ragqa.embed.reference import ReferenceEmbedder, load_model, quiet

    say(f"preparing the embedding model {source.name}, once; this takes some seconds")
    with quiet():
        from ragqa.embed.export import attempt, export, not_exportable, timed

        with timed(say, "load"):
            model = load_model(source)
        made = not_exportable(model) or attempt(root, source.key, partial(export, model, say=say))
        if isinstance(made, Entry):
            return made
        say(
            f"{source.name} is run by sentence-transformers, since {made}: "
            "it starts slowly, and sentences cost a second pass"
        )
        return ReferenceEmbedder(source.name, model)
