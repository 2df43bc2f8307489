"""A reranker's name -> where it comes from, and the key its export is kept under.

In: the name as the user gave it. Out: a `Source`. Imports nothing heavy and asks no network.
Invariant: files that changed since an export lead to another key.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ragqa._files import sha256_file
from ragqa.embed.source import PACKAGED_SHA256, Source, cache_key, listing, model_folder
from ragqa.errors import RerankerError
from ragqa.rerank.base import PACKAGED_RERANKER

__all__ = ["PACKED_FILE", "resolve"]

PACKED_FILE = Path(__file__).with_name("minilm.safetensors")
"""What the packaged reranker has beyond the weights of the packaged embedder."""

_CONFIG_FILE = "config.json"
_FORMAT = 1  # raise it whenever the way from weights to scores changes: old exports expire


def resolve(name: str) -> Source:
    """Find out where a reranker comes from.

    :param name: ``minilm`` for the packaged one, a folder, or a name on the hub.
    :return: Its source.
    :raises EmbedderError: If it can only be a folder and there is none.
    :raises RerankerError: If the folder holds no model, or this build no packaged one.
    """
    if name == PACKAGED_RERANKER:
        return _packaged()
    folder = model_folder(name)
    if folder is None:
        return Source(name=name, location=name, key=_key(name, ["hub", name]))
    if not (folder / _CONFIG_FILE).is_file():
        raise RerankerError(
            f"this folder has no {_CONFIG_FILE}, so it is no cross-encoder",
            item=folder,
            hint="Save it with CrossEncoder(...).save_pretrained(folder)",
        )
    return Source(
        name=name,
        location=folder,
        key=_key(folder.name, ["folder", str(folder), listing(folder)]),
    )


def _packaged() -> Source:
    if not PACKED_FILE.is_file():
        raise RerankerError(
            "the packaged reranker is not in this build of ragqa",
            item=PACKAGED_RERANKER,
            hint="Name a cross-encoder's folder, or one on the hub",
        )
    identity = ["packaged", PACKAGED_SHA256, sha256_file(PACKED_FILE)]
    return Source(
        name=PACKAGED_RERANKER, location=PACKED_FILE, key=_key(PACKAGED_RERANKER, identity)
    )


def _key(name: str, identity: Sequence[object]) -> str:
    return cache_key(f"rerank-{name}", ["reranker", _FORMAT, *identity])
