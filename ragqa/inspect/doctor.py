"""Is all as it should be? Libraries, embedder, corpus, index: a row for each check.

In: index folders. Out: a `Diagnosis`, schema ``ragqa/doctor/1``. Nothing is written or repaired;
each row that is not ok says what to do.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any, Literal

from ragqa.api.corpus import MANIFEST
from ragqa.embed.cache import Entry, Recipe, cache_roots, find_entry
from ragqa.embed.load import DEFAULT_EMBEDDER
from ragqa.embed.source import resolve
from ragqa.errors import EmbedderError, IndexStateError, RagqaError
from ragqa.index.generation import open_generation, verify_generation
from ragqa.index.layout import read_current
from ragqa.index.meta import Meta, read_meta
from ragqa.inspect.places import FileState, corpus_of, file_states
from ragqa.inspect.status import status_of
from ragqa.manifest import load_manifest

__all__ = ["SCHEMA", "Check", "CheckState", "Diagnosis", "examine"]

SCHEMA = "ragqa/doctor/1"
"""Name and version of the JSON form."""

CheckState = Literal["ok", "warn", "fail"]
"""How a check went: `warn` is worth knowing, `fail` keeps ragqa from working as it should."""

_LEFTOVERS = ("tmp-*", ".CURRENT.*", "work/part-*")  # of builds that were killed
_FILES: dict[FileState, tuple[CheckState, str]] = {
    "unfetched": ("warn", "Run `ragqa fetch`, or drop the file in by hand"),
    "missing": ("warn", "Run `ragqa fetch`, or put the file back"),
    "changed": ("fail", "It is not used. Put the locked file back, or run `ragqa fetch`"),
}
_NAMED = 5  # papers named in one row


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at.

    :ivar name: What.
    :ivar state: How it is.
    :ivar detail: What was found.
    :ivar hint: What to do; empty where it is ok.
    """

    name: str
    state: CheckState
    detail: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """All checks.

    :ivar checks: A row for each, in the order in which they were made.
    """

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Say whether no check failed."""
        return all(check.state != "fail" for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Return the checks as JSON values, schema ``ragqa/doctor/1``.

        :return: `ok` and `checks`.
        """
        return {"schema": SCHEMA, "ok": self.ok, "checks": [asdict(each) for each in self.checks]}


def examine(indexes: Sequence[str | Path] = ()) -> Diagnosis:
    """Check the environment, and indexes with the corpora that they were built from.

    :param indexes: The index folders.
    :return: A row for each check; what is wrong is a row, not an error.
    """
    checks = [*_libraries()]
    folders = [Path(index) for index in indexes]
    if not folders:
        checks.append(_embedder(DEFAULT_EMBEDDER, None))
    for folder in folders:
        checks += _index(folder)
    return Diagnosis(checks=tuple(checks))


def _libraries() -> Iterator[Check]:
    yield Check(name="python", state="ok", detail=f"{platform.python_version()}, ragqa {_own()}")
    found, absent = [], []
    for requirement in requires("ragqa") or ():
        if "extra ==" in requirement:
            continue
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            absent.append(name)
    if absent:
        hint = "Install ragqa again: pip install --force-reinstall ragqa"
        yield Check(name="libraries", state="fail", detail=f"missing: {absent}", hint=hint)
    else:
        yield Check(name="libraries", state="ok", detail=", ".join(found))


def _own() -> str:
    try:
        return version("ragqa")
    except PackageNotFoundError:
        return "(not installed)"


def _embedder(name: str, built_with: str | None) -> Check:
    """Look at the exported model, without exporting it."""
    said: list[str] = []
    try:
        entry = find_entry(cache_roots(None), resolve(name).key, kind=Recipe, say=said.append)
    except EmbedderError as error:
        hint = error.hint or "Install it, or build with another"
        return Check(name="embedder", state="fail", detail=str(error), hint=hint)
    if entry is None:
        return _not_exported(name, said)
    if built_with is not None and built_with != entry.recipe.fingerprint:
        detail = f"{name} is not the one that the index was built with"
        return Check(name="embedder", state="fail", detail=detail, hint="Run `ragqa rebuild`")
    return Check(name="embedder", state="ok", detail=f"{name} in {_shown(entry)}")


def _shown(entry: Entry[Recipe]) -> str:
    return str(entry.folder)


def _not_exported(name: str, said: Sequence[str]) -> Check:
    roots = [root for root in cache_roots(None) if _can_be_made(root)]
    if not roots:
        detail = f"{name} is not exported, and no cache folder can be written"
        hint = "Name a folder that can be written: RAGQA_CACHE=/some/folder"
        return Check(name="embedder", state="fail", detail=detail, hint=hint)
    detail = "; ".join(said) or f"{name} is not exported yet"
    hint = "Nothing: the next build or question exports it, in about 20 s"
    return Check(name="embedder", state="warn", detail=detail, hint=hint)


def _can_be_made(root: Path) -> bool:
    there = next(folder for folder in (root, *root.parents) if folder.exists())
    return os.access(there, os.W_OK | os.X_OK)


def _index(folder: Path) -> Iterator[Check]:
    name = f"index {folder}"
    try:
        checks = verify_generation(folder)
        meta = read_meta(folder / read_current(folder))
    except (IndexStateError, OSError) as error:
        hint = (error.hint if isinstance(error, RagqaError) else None) or "Run `ragqa rebuild`"
        yield Check(name=name, state="fail", detail=str(error), hint=hint)
        yield from _leftovers(folder)
        return
    wrong = [check for check in checks if check.problem]
    for check in wrong:
        hint = "Run `ragqa rebuild`, or `ragqa rebuild --rollback`"
        yield Check(name=name, state="fail", detail=f"{check.path}: {check.problem}", hint=hint)
    if not wrong:
        detail = f"generation {meta.number}, {len(checks)} files as written, {meta.size:,} bytes"
        yield Check(name=name, state="ok", detail=detail)
        yield from _opens(folder, name)
    yield _made_with(meta)
    embedder = meta.fingerprint.get("embedder_name", DEFAULT_EMBEDDER)
    yield _embedder(embedder, meta.fingerprint.get("embedder"))
    yield from _leftovers(folder)
    yield from _corpus(folder, meta, is_sound=not wrong)


def _opens(folder: Path, name: str) -> Iterator[Check]:
    try:
        open_generation(folder).close()
    except IndexStateError as error:
        yield Check(name=name, state="fail", detail=str(error), hint="Run `ragqa rebuild`")


def _made_with(meta: Meta) -> Check:
    other = []
    for name, built in meta.made_with.items():
        try:
            now = version(name)
        except PackageNotFoundError:
            now = "missing"
        if now != built:
            other.append(f"{name} {built}, now {now}")
    if not other:
        return Check(name="made with", state="ok", detail="the libraries that are installed")
    hint = "Nothing, while questions are answered; else run `ragqa rebuild`"
    return Check(name="made with", state="warn", detail="; ".join(other), hint=hint)


def _leftovers(folder: Path) -> Iterator[Check]:
    left = sorted(path.name for pattern in _LEFTOVERS for path in folder.glob(pattern))
    if left:
        hint = "Nothing: the next `ragqa rebuild` uses or removes them"
        detail = f"left by a build that was killed: {_some(left)}"
        yield Check(name=f"leftovers {folder}", state="warn", detail=detail, hint=hint)


def _corpus(folder: Path, meta: Meta, *, is_sound: bool) -> Iterator[Check]:
    corpus = corpus_of(folder, meta)
    if corpus is None:
        hint = "Nothing, if it was moved away on purpose: the index answers without it"
        yield Check(name="corpus", state="warn", detail="it is not there any more", hint=hint)
        return
    name = f"corpus {corpus}"
    try:
        papers = load_manifest(corpus / MANIFEST).papers
        states = file_states(papers, corpus)
        stale = status_of(folder).stale if is_sound else ()
    except RagqaError as error:
        yield Check(name=name, state="fail", detail=str(error), hint=error.hint or "Correct it")
        return
    good = sum(file.state == "usable" for file in states)
    detail = f"{len(papers)} papers, {good} of {len(states)} listed files as locked"
    yield Check(name=name, state="ok", detail=detail)
    for state, (how, hint) in _FILES.items():
        found = [f"{file.paper_id} ({file.kind})" for file in states if file.state == state]
        if found:
            yield Check(name=name, state=how, detail=f"{state}: {_some(found)}", hint=hint)
    if stale:
        hint = f"Run: ragqa rebuild {corpus}"
        yield Check(name=name, state="warn", detail=f"stale: {_some(stale)}", hint=hint)
    parts = sorted(path.name for path in corpus.glob("*/.*.part"))
    if parts:
        hint = "Nothing: the next `ragqa fetch` resumes them"
        yield Check(name=name, state="warn", detail=f"half fetched: {_some(parts)}", hint=hint)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"
