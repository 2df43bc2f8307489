"""A reranker's name -> a `Reranker`: opened from the cache, or exported into it first.

In: a name. Out: a reranker that is ready. The one function here that users meet.
Invariant: an export that is found intact is opened without importing torch.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ragqa.embed.cache import Entry, Progress, find_or_make
from ragqa.embed.source import Source
from ragqa.rerank.base import NO_RERANKER, Reranker, reranker_errors
from ragqa.rerank.model import OnnxReranker, PairRecipe
from ragqa.rerank.source import resolve

__all__ = ["load_reranker", "reranker_named"]


def load_reranker(
    name: str, *, cache: Path | None = None, on_progress: Progress | None = None
) -> Reranker:
    """Load a cross-encoder; the first time, export it.

    :param name: ``minilm`` for the packaged one, a cross-encoder's folder, or a name on the hub.
        A hub model is looked up once: what was exported stays in use.
    :param cache: Where exports are kept; without one ``RAGQA_CACHE``, else the user's cache.
    :param on_progress: Told each step in a line: what is exported, waited for, or found damaged.
    :return: The reranker.
    :raises RerankerError: If it cannot be found, loaded, exported or written, or if it gives a pair
        more than one score.
    """
    say = on_progress or (lambda _: None)
    with reranker_errors():
        source = resolve(name)

        def make(root: Path) -> Entry[PairRecipe] | Reranker:
            return _make(source, root, say=say)

        made = find_or_make(source.key, PairRecipe, make, cache=cache, say=say)
    return OnnxReranker(name, made) if isinstance(made, Entry) else made


def reranker_named(
    name: str | None, *, cache: Path | None = None, on_progress: Progress | None = None
) -> Reranker | None:
    """Load the reranker of a name that may mean none.

    :param name: As `load_reranker` takes it; None or ``none`` for no reranker.
    :param cache: As `load_reranker` takes it.
    :param on_progress: As `load_reranker` takes it.
    :return: The reranker, if there shall be one.
    :raises RerankerError: As `load_reranker` raises it.
    """
    if name is None or name == NO_RERANKER:
        return None
    return load_reranker(name, cache=cache, on_progress=on_progress)


def _make(source: Source, root: Path, *, say: Progress) -> Entry[PairRecipe] | Reranker:
    """Load a model and export it; where that cannot be done, run it as it is."""
    from ragqa.embed.reference import quiet

    say(f"preparing the reranker {source.name}, once; this takes some seconds")
    with quiet():
        from ragqa.embed.export import attempt, timed
        from ragqa.rerank.export import export, not_exportable
        from ragqa.rerank.reference import ReferenceReranker, load_cross_encoder

        with timed(say, "load"):
            model = load_cross_encoder(source)
        made = not_exportable(model) or attempt(root, source.key, partial(export, model, say=say))
        if isinstance(made, Entry):
            return made
        say(f"{source.name} is run by sentence-transformers, since {made}: it starts slowly")
        return ReferenceReranker(source.name, model)
