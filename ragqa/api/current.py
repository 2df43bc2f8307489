"""The list of papers as the manifest has it now, beside an index that may be older."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ragqa._files import sha256_file
from ragqa.answer.context import Context, Listing
from ragqa.notices import notice
from ragqa.records import Notice, Paper

if TYPE_CHECKING:
    from ragqa.index.reading import Generation
    from ragqa.manifest import Manifest

__all__ = ["CurrentList", "restricted"]

_MANIFEST = "manifest.yaml"  # `Corpus` knows it, too, and brings a reader of YAML with it


class CurrentList:
    """What may be used of one generation.

    :param generation: An open generation.
    :param directory: The index folder.
    """

    def __init__(self, generation: Generation, directory: Path) -> None:
        self._generation = generation
        self._directory = directory
        self._as_built: Listing | None = None

    @property
    def corpus(self) -> Path:
        """Return the corpus's folder: relative where it lies below the current folder."""
        recorded = self._generation.meta.fingerprint.get("corpus", "")
        corpus, here = (self._directory.resolve() / recorded).resolve(), Path.cwd()
        return corpus.relative_to(here) if corpus.is_relative_to(here) else corpus

    def read(self) -> Manifest | None:
        """Read the manifest where it is not the one that the index was built from.

        :return: The manifest; None where the index's own papers are those that are listed.
        :raises ManifestError: The manifest has mistakes.
        """
        if "corpus" not in self._generation.meta.fingerprint:
            return None  # an index of texts, not of a corpus
        path = self.corpus / _MANIFEST
        if not path.is_file():
            return None
        if sha256_file(path) == self._generation.meta.fingerprint.get("manifest"):
            return None
        from ragqa.manifest import load_manifest

        return load_manifest(path)

    def listing(self, current: Manifest | None) -> Listing:
        """Return the papers that may be used; gone through once while the manifest is unchanged.

        :param current: What `read` gave.
        :return: The listed papers, and how much of each the index holds.
        """
        store = self._generation.store
        if current is not None:
            return Listing(store, current.papers)
        if self._as_built is None:
            self._as_built = Listing(store, store.papers())
        return self._as_built

    def warnings(self, current: Manifest | None) -> list[Notice]:
        """Return what is to be said of an index that is older than its manifest.

        :param current: What `read` gave.
        :return: Notices; none where the index is up to date.
        """
        if current is None:
            return []
        known = {paper.paper_id for paper in self._generation.store.papers()}
        missing = [
            notice("not-in-index", {"title": paper.title}, paper_id=paper.paper_id)
            for paper in current.papers
            if paper.paper_id not in known
        ]
        return [notice("stale-index", {"corpus": str(self.corpus)}), *missing]


def restricted(context: Context, papers: Sequence[Paper]) -> Context:
    """Return a context in which only some papers are listed, as they stand here.

    :param context: The context.
    :param papers: The papers.
    :return: Another context over the same index.
    """
    ids = {None, *(paper.paper_id for paper in papers)}
    warnings = tuple(item for item in context.warnings if item.paper_id in ids)
    listing = Listing(context.store, tuple(papers), with_removed=False)
    return replace(context, listing=listing, warnings=warnings)
