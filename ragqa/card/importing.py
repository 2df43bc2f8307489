"""A card -> a corpus folder: ``manifest.yaml`` and ``card.txt``, without losing anyone's edits.

In: a card, its bytes, a folder. Out: the two files, each written atomically, the manifest first.

Invariants: a manifest that a person edited is never overwritten unless asked; a paper that is
listed already keeps its id; importing the same card again writes nothing. Whether a manifest was
edited is seen by writing it anew from the ``card.txt`` beside it and comparing the bytes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ragqa._files import atomic_writer
from ragqa.card.reading import Card, parse_bytes
from ragqa.errors import CardError, CorpusError, ManifestError
from ragqa.manifest import (
    load_manifest,
    paper_id_for,
    render_manifest,
    same_paper_key,
)
from ragqa.records import Paper

__all__ = ["CARD_NAME", "MANIFEST_NAME", "Imported", "write_corpus"]

MANIFEST_NAME = "manifest.yaml"
"""The manifest's name in a corpus folder."""

CARD_NAME = "card.txt"
"""The card's name in a corpus folder: the bytes that were imported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did.

    :ivar papers: The papers that the folder's manifest lists now.
    :ivar wrote: Names of the files written; empty where all was there already.
    :ivar notes: What the user should know, one line each.
    """

    papers: tuple[Paper, ...]
    wrote: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def _keys(paper: Paper) -> list[str]:
    """Return by what a paper is known again: its link, then its title."""
    title = unicodedata.normalize("NFKC", paper.title).casefold()
    link = [f"link {same_paper_key(paper.url)}"] if paper.url else []
    return [*link, f"title {title}"]


def _with_ids_of(papers: Iterable[Paper], old: tuple[Paper, ...]) -> tuple[Paper, ...]:
    """Give papers that were listed before the ids they had; the others get free ones."""
    known: dict[str, str] = {}
    for paper in old:
        for key in _keys(paper):
            known.setdefault(key, paper.paper_id)
    papers = tuple(papers)
    kept: dict[int, str] = {}
    for rank in (0, 1):  # links decide before titles
        for at, paper in enumerate(papers):
            found = known.get(key) if (key := dict(enumerate(_keys(paper))).get(rank, "")) else None
            if at not in kept and found is not None and found not in kept.values():
                kept[at] = found
    taken = {paper.paper_id for paper in old} | set(kept.values())
    named = []
    for at, paper in enumerate(papers):
        fresh = paper.paper_id
        if at not in kept and fresh in taken:
            fresh = paper_id_for(title=paper.title, url=paper.url, taken=taken)
        taken.add(kept.get(at, fresh))
        named.append(replace(paper, paper_id=kept.get(at, fresh)))
    return tuple(named)


def _read(path: Path) -> bytes | None:
    """Return a file's bytes, or None where there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CorpusError(f"the file cannot be read ({error.strerror})", item=path) from error


def _write(path: Path, data: bytes) -> None:
    """Write a file atomically."""
    try:
        with atomic_writer(path) as file:
            file.write(data)
    except OSError as error:
        raise CorpusError(
            f"the corpus cannot be written ({error.strerror})",
            item=path,
            hint="Choose another folder, or make this one writable",
        ) from error


def _is_untouched(manifest: bytes, listed: tuple[Paper, ...], card: bytes | None) -> bool:
    """Return whether a manifest is byte for byte what the old card gives."""
    if card is None:
        return False
    try:
        old = parse_bytes(card, name=CARD_NAME).papers
        return render_manifest(_with_ids_of(old, listed)) == manifest
    except (CardError, ManifestError):
        return False


def _listed(path: Path, *, force: bool) -> tuple[Paper, ...]:
    """Return what the folder's manifest lists; with `force` a broken one lists nothing."""
    try:
        return load_manifest(path).papers
    except ManifestError:
        if force:
            return ()
        raise


def _refuse(directory: Path, what: str) -> CorpusError:
    """Say why nothing was written."""
    return CorpusError(
        what,
        item=directory,
        hint="Import the card into another folder, copy the changes by hand with ragqa add and "
        "ragqa remove, or repeat with --force to replace both files",
    )


def write_corpus(
    card: Card, card_text: bytes | str, directory: str | Path, *, force: bool = False
) -> Imported:
    """Write a corpus folder from a card.

    :param card: The card.
    :param card_text: What it was read from; written as ``card.txt`` byte for byte.
    :param directory: The folder; made if needed.
    :param force: Replace a manifest that was edited by hand.
    :return: What was done.
    :raises CorpusError: The folder holds an edited manifest or another card, or cannot be written.
    :raises ManifestError: The manifest there is broken, or the card lists what none may hold.
    """
    directory = Path(directory)
    data = card_text.encode("utf-8") if isinstance(card_text, str) else card_text
    manifest_path, card_path = directory / MANIFEST_NAME, directory / CARD_NAME
    manifest, old_card = _read(manifest_path), _read(card_path)
    if manifest is None:
        if old_card not in {None, data} and not force:
            raise _refuse(directory, "the folder already holds another card")
        listed: tuple[Paper, ...] = ()
    else:
        listed = _listed(manifest_path, force=force)
        if old_card == data and not force:
            return Imported(papers=listed, notes=("this card was imported before",))
    papers = _with_ids_of(card.papers, listed)
    fresh = render_manifest(papers, name=manifest_path)
    keep = manifest is not None and papers == listed and not force
    if not (keep or manifest is None or force) and not _is_untouched(manifest, listed, old_card):
        raise _refuse(directory, "the folder's manifest was edited since its card was imported")
    wrote = [] if keep or fresh == manifest else [MANIFEST_NAME]
    if wrote:
        _write(manifest_path, fresh)
    if old_card != data:
        _write(card_path, data)
        wrote.append(CARD_NAME)
    return Imported(papers=papers, wrote=tuple(wrote))
