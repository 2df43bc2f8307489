"""A model's name -> an `Embedder`: opened from the cache, or exported into it first.

In: a name. Out: an embedder that is ready. The one function here that users meet.
Invariant: an export that is found intact is opened without importing torch.
"""

from __future__ import annotations

from pathlib import Path

from ragqa.embed.base import Embedder
from ragqa.embed.cache import (
    Entry,
    Progress,
    cache_roots,
    exclusive,
    find_entry,
    scratch,
    writable_root,
)
from ragqa.embed.model import OnnxEmbedder
from ragqa.embed.source import DEFAULT_EMBEDDER, Source, resolve
from ragqa.errors import EmbedderError

__all__ = ["DEFAULT_EMBEDDER", "load_embedder"]


def load_embedder(
    name: str = DEFAULT_EMBEDDER,
    *,
    cache: Path | None = None,
    on_progress: Progress | None = None,
) -> Embedder:
    """Load an embedding model; the first time, export it.

    :param name: ``all-MiniLM-L6-v2`` for the packaged one, a sentence-transformers folder, or a
        name on the hub. A hub model is looked up once: what was exported stays in use.
    :param cache: Where exports are kept; without one ``RAGQA_CACHE``, else the user's cache.
    :param on_progress: Told each step in a line: what is exported, waited for, or found damaged.
    :return: The embedder.
    :raises EmbedderError: If it cannot be found, loaded, exported or written.
    """
    say = on_progress or _ignore
    source = resolve(name)
    entry = find_entry(cache_roots(cache), source.key, say=say)
    if entry is not None:
        return OnnxEmbedder(name, entry)
    try:
        return _first_time(source, writable_root(cache, say=say), say=say)
    except OSError as error:
        raise EmbedderError(
            "the exported model cannot be written",
            item=error.filename or name,
            hint=f"Make room or name another folder with RAGQA_CACHE ({error.strerror or error})",
        ) from error


def _ignore(_: str) -> None:
    """Take a line and do nothing."""


def _first_time(source: Source, root: Path, *, say: Progress) -> Embedder:
    """Export a model that the cache does not hold, unless another process just did."""
    with exclusive(root, source.key, say=say):
        entry = find_entry([root], source.key, say=_ignore)
        made = entry or _make(source, root, say=say)
    return OnnxEmbedder(source.name, made) if isinstance(made, Entry) else made


def _make(source: Source, root: Path, *, say: Progress) -> Entry | Embedder:
    """Load a model and export it; where that cannot be done, run it as it is."""
    from ragqa.embed.reference import ReferenceEmbedder, load_model, quiet

    say(f"preparing the embedding model {source.name}, once; this takes some seconds")
    with quiet():
        from ragqa.embed.export import ExportFailedError, export, not_exportable, timed

        with timed(say, "load"):
            model = load_model(source)
        reason = not_exportable(model)
        if reason is None:
            try:
                with scratch(root, source.key) as folder:
                    return export(model, folder, target=root / "models" / source.key, say=say)
            except ExportFailedError as error:
                reason = f"torch cannot export it ({error})"
        say(
            f"{source.name} is run by sentence-transformers, since {reason}: "
            "it starts slowly, and sentences cost a second pass"
        )
        return ReferenceEmbedder(source.name, model)
