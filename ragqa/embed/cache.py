"""Exported models on disk: found, checked, written whole or not at all.

In: a key. Out: an `Entry`, found or made, of an embedder or of another model.
Invariants: a folder that carries a key's name was complete when it was named; every file of it is
checked against its size and SHA-256 before use; only one process at a time writes a key.

::

    <root>/models/<key>/model.onnx  model.onnx.data  tokenizer.json  model.json (sealed, last)
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import platformdirs

from ragqa._files import read_json, sha256_bytes, sha256_file, sync_dir, write_json
from ragqa.embed.pooling import Pooling
from ragqa.errors import EmbedderError

__all__ = [
    "ENTRY_FORMAT",
    "ENV_CACHE",
    "GRAPH_FILE",
    "TOKENIZER_FILE",
    "Entry",
    "Progress",
    "Recipe",
    "RecipeT",
    "cache_roots",
    "exclusive",
    "find_entry",
    "find_or_make",
    "publish",
    "scratch",
    "writable_root",
]

ENTRY_FORMAT = 1
"""Raise it whenever the way from weights to vectors changes: old exports and indexes expire."""

ENV_CACHE = "RAGQA_CACHE"
"""Environment variable that names the cache folder."""

GRAPH_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
_META_FILE = "model.json"
_LOCK_SECONDS = 1800  # longer than any export; past it the other process is taken to hang

RecipeT = TypeVar("RecipeT")
"""What says how to use an export: a dataclass of JSON values, `Recipe` for embedders."""

_Made = TypeVar("_Made")

Progress = Callable[[str], None]
"""Takes one line about what is being done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How an exported graph's token states become vectors.

    :ivar fingerprint: Hex hash of weights, tokenizer and this recipe.
    :ivar dim: Length of a vector.
    :ivar window: The most tokens the model sees, special tokens and prompt included.
    :ivar pooling: How token states become one vector.
    :ivar query_prompt: What the model wants before a query.
    :ivar chunk_prompt: What it wants before a chunk.
    """

    fingerprint: str
    dim: int
    window: int
    pooling: Pooling
    query_prompt: str
    chunk_prompt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Generic[RecipeT]):
    """A complete exported model on disk.

    :ivar folder: Where its files are.
    :ivar recipe: How to use them.
    """

    folder: Path
    recipe: RecipeT


def cache_roots(cache: Path | None) -> list[Path]:
    """Return the folders that may hold exported models, best first.

    :param cache: The folder to use; without one ``RAGQA_CACHE``, else the user's cache folder.
    :return: That folder, then a private one in the temp folder if there is one already.
    """
    usual, private = _usual_root(cache), _temp_name()
    roots = [] if usual is None else [usual]
    return [*roots, private] if _is_private(private) else roots


def _usual_root(cache: Path | None) -> Path | None:
    named = os.environ.get(ENV_CACHE)
    root = cache or (Path(named) if named else Path(platformdirs.user_cache_dir("ragqa", False)))
    # With neither HOME nor a passwd entry the user's cache folder stays an unexpanded "~/..."
    return None if root.parts[:1] == ("~",) else root.absolute()


def find_entry(
    roots: list[Path], key: str, *, kind: type[RecipeT], say: Progress
) -> Entry[RecipeT] | None:
    """Find a complete exported model.

    :param roots: Where to look, in order.
    :param key: The model's key.
    :param kind: What its recipe is.
    :param say: Told about damaged entries.
    :return: The first intact entry, if any.
    """
    for root in roots:
        folder = root / "models" / key
        try:
            return Entry(folder=folder, recipe=kind(**_read_recipe(folder)))
        except (FileNotFoundError, NotADirectoryError) as error:
            if folder.is_dir():
                say(f"the exported model in {folder} is incomplete ({error.filename} is missing)")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            say(f"the exported model in {folder} cannot be used: {error}")
    return None


def find_or_make(
    key: str,
    kind: type[RecipeT],
    make: Callable[[Path], Entry[RecipeT] | _Made],
    *,
    cache: Path | None,
    say: Progress,
) -> Entry[RecipeT] | _Made:
    """Find an exported model, or make it unless another process just did.

    :param key: The model's key.
    :param kind: What its recipe is.
    :param make: Makes it in a cache folder; called once at most, while no other process does.
    :param cache: Where exports are kept; without one ``RAGQA_CACHE``, else the user's cache.
    :param say: Told what is found damaged, waited for, or kept elsewhere.
    :return: The entry, or whatever else was made.
    :raises EmbedderError: If nothing can be written.
    """
    entry = find_entry(cache_roots(cache), key, kind=kind, say=say)
    if entry is not None:
        return entry
    try:
        root = writable_root(cache, say=say)
        with exclusive(root, key, say=say):
            return find_entry([root], key, kind=kind, say=_ignore) or make(root)
    except OSError as error:
        raise EmbedderError(
            "the exported model cannot be written",
            item=error.filename or key,
            hint=f"Make room or name another folder with RAGQA_CACHE ({error.strerror or error})",
        ) from error


def _ignore(_: str) -> None:
    """Take a line and do nothing."""


def _read_recipe(folder: Path) -> dict[str, Any]:
    meta = read_json(folder / _META_FILE)
    if meta["seal"] != _seal(meta["recipe"], meta["files"]):
        raise ValueError(f"{_META_FILE} is not what was written")
    for name, (size, digest) in meta["files"].items():
        path = folder / name
        if path.stat().st_size != size or sha256_file(path) != digest:
            raise ValueError(f"{name} is not what was written")
    return dict(meta["recipe"])


def _seal(recipe: object, files: object) -> str:
    return sha256_bytes(json.dumps([ENTRY_FORMAT, recipe, files], sort_keys=True).encode())


def writable_root(cache: Path | None, *, say: Progress) -> Path:
    """Return a folder that exported models can be written into, made if needed.

    :param cache: The folder the caller named, if any.
    :param say: Told where the usual folder cannot be written.
    :return: The usual folder, or else a private one in the temp folder.
    :raises EmbedderError: If neither can be written.
    """
    usual = _usual_root(cache)
    if usual is not None and _can_write(usual):
        return usual
    try:
        private = _make_private()
    except OSError as error:
        raise EmbedderError(
            "no folder for the exported model can be written",
            item=usual,
            hint=f"Name one that can: {ENV_CACHE}=/some/folder",
        ) from error
    say(f"{usual or 'the cache folder'} cannot be written; the model is kept in {private} instead")
    return private


def _can_write(root: Path) -> bool:
    try:
        (root / "models").mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root / "models"):
            return True
    except OSError:
        return False


def _temp_name() -> Path:
    owner = str(os.getuid()) if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir()) / f"ragqa-{owner}"


def _is_private(path: Path) -> bool:
    """Whether a folder is the user's own and closed to others: nobody can slip a model into it."""
    try:
        status = path.lstat()
    except OSError:
        return False
    if not stat.S_ISDIR(status.st_mode):
        return False
    return not hasattr(os, "getuid") or (
        status.st_uid == os.getuid() and not status.st_mode & 0o077
    )


def _make_private() -> Path:
    path = _temp_name()
    path.mkdir(mode=0o700, exist_ok=True)
    if not _is_private(path):  # somebody else made it first
        path = Path(tempfile.mkdtemp(prefix="ragqa-"))
    (path / "models").mkdir(exist_ok=True)
    return path


@contextmanager
def exclusive(root: Path, key: str, *, say: Progress) -> Iterator[None]:
    """Keep other processes from exporting the same model meanwhile.

    :param root: A cache folder that can be written.
    :param key: The model's key.
    :param say: Told if another process has to be waited for.
    :yield: Nothing.
    :raises EmbedderError: If the other process does not finish.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(root / "models" / f".{key}.lock")
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say("another process is exporting this model; waiting for it")
            lock.acquire(timeout=_LOCK_SECONDS)
    except Timeout as error:
        raise EmbedderError(
            f"another process has been exporting this model for {_LOCK_SECONDS} s",
            item=lock.lock_file,
            hint="Stop that process and try again",
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def scratch(root: Path, key: str) -> Iterator[Path]:
    """Make a folder to build an entry in; call it only inside `exclusive`.

    Folders that a killed export left behind are removed first.

    :param root: A cache folder that can be written.
    :param key: The model's key.
    :yield: An empty folder, removed at the end unless it was published.
    """
    models = root / "models"
    for left in models.glob(f".{key}.*.part"):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(dir=models, prefix=f".{key}.", suffix=".part"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(folder: Path, recipe: RecipeT, *, target: Path) -> Entry[RecipeT]:
    """Seal a built folder and give it its name; a damaged entry of that name goes.

    :param folder: The folder from `scratch`, with every file of the model in it.
    :param recipe: How to use them.
    :param target: The name: ``<root>/models/<key>``.
    :return: The entry.
    """
    files = {}
    for path in sorted(folder.iterdir()):
        with path.open("rb+") as file:
            os.fsync(file.fileno())
        files[path.name] = [path.stat().st_size, sha256_file(path)]
    fields = asdict(recipe)  # type: ignore[call-overload]  # a dataclass; no type says so
    seal = _seal(fields, files)
    write_json(folder / _META_FILE, {"recipe": fields, "files": files, "seal": seal})
    folder.chmod(0o755)  # mkdtemp gives 0700; a shared cache serves others too
    damaged = folder.with_suffix(".old.part")  # a name that `scratch` sweeps after a crash here
    if target.exists():
        target.rename(damaged)
    folder.rename(target)
    sync_dir(target.parent)
    shutil.rmtree(damaged, ignore_errors=True)
    return Entry(folder=target, recipe=recipe)
