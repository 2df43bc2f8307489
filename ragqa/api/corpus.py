"""`Corpus`: a closed list of papers and their files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ragqa.errors import CorpusError, FetchError
from ragqa.manifest import (
    Manifest,
    add_paper,
    load_manifest,
    paper_id_for,
    parse_source,
    remove_paper,
    save_manifest,
)
from ragqa.manifest.links import last_step
from ragqa.records import Paper, Role

if TYPE_CHECKING:
    from ragqa.card import Imported
    from ragqa.fetch import FetchOptions, FetchProgress, FetchReport

__all__ = ["MANIFEST", "Corpus"]

MANIFEST = "manifest.yaml"
"""Name of the list in a corpus folder."""


class Corpus:
    """A folder with a closed list of papers and their files.

    :param directory: The folder; it must hold ``manifest.yaml``.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @classmethod
    def open(cls, directory: str | Path) -> Corpus:
        """Open a corpus and check its manifest.

        :param directory: The corpus folder.
        :return: The corpus.
        :raises ManifestError: The manifest is missing or has mistakes; all are reported.
        """
        corpus = cls(Path(directory))
        load_manifest(corpus.manifest_path)
        return corpus

    @classmethod
    def init(cls, directory: str | Path) -> Corpus:
        """Make an empty corpus.

        :param directory: The folder; it is made if needed.
        :return: The corpus.
        :raises CorpusError: It holds a manifest already.
        """
        corpus = cls(Path(directory))
        if corpus.manifest_path.exists():
            raise CorpusError(
                "there is a corpus already", item=directory, hint="Add papers with `ragqa add`"
            )
        save_manifest(corpus.manifest_path, ())
        return corpus

    @classmethod
    def from_card(
        cls, card: str | Path, directory: str | Path, *, force: bool = False
    ) -> tuple[Corpus, Imported]:
        """Import a question card: its papers become the manifest.

        :param card: The card's file.
        :param directory: The corpus folder; it is made if needed.
        :param force: Overwrite a manifest that differs from the card.
        :return: The corpus, and what the import did, with notes on what was merged or odd.
        :raises CardError: The card cannot be read or has no question.
        :raises CorpusError: The folder holds a different manifest and `force` is not set.
        """
        from ragqa.card import read_card, write_corpus

        parsed = read_card(card)
        imported = write_corpus(parsed, Path(card).read_bytes(), directory, force=force)
        return cls(Path(directory)), replace(imported, notes=(*parsed.notes, *imported.notes))

    @property
    def manifest_path(self) -> Path:
        """Return where the manifest is."""
        return self.directory / MANIFEST

    @property
    def manifest(self) -> Manifest:
        """Return the manifest as it is on disk now."""
        return load_manifest(self.manifest_path)

    @property
    def papers(self) -> tuple[Paper, ...]:
        """Return the listed papers, in order."""
        return self.manifest.papers

    def add(self, paper: Paper, *, file: Path | None = None) -> None:
        """List a paper.

        :param paper: The paper.
        :param file: A local PDF of it, copied into the corpus and locked.
        :raises CorpusError: It is listed already, or the file is missing, no PDF, or cannot be
            copied.
        """
        if file is not None:
            _check_pdf(file)
        add_paper(self.manifest_path, paper)
        if file is not None:
            self._take_in(paper, file)

    def _take_in(self, paper: Paper, file: Path) -> None:
        from ragqa.fetch import FetchOptions, fetch_papers

        target = self.directory / "pdf" / f"{paper.paper_id}.pdf"
        try:
            target.parent.mkdir(exist_ok=True)
            if not target.exists() or not target.samefile(file):
                shutil.copyfile(file, target)
        except OSError as error:
            raise CorpusError(
                f"the paper is listed, but its file cannot be copied ({error.strerror})",
                item=file,
                hint=f"Copy it to {target} and run `ragqa fetch`",
            ) from error
        fetch_papers((paper,), self.directory, options=FetchOptions(offline=True))

    def add_source(
        self, source: str, *, title: str | None = None, paper_id: str | None = None, role: Role
    ) -> Paper:
        """List a paper by a link or a local file.

        :param source: A link of a PDF, an arXiv page or a GitHub repository, or a PDF's path.
        :param title: Its title; the link's or file's last part if None.
        :param paper_id: Its id; made from link or title if None.
        :param role: Recommended model or related paper.
        :return: The paper as it is listed now.
        :raises CorpusError: It is listed already, or is neither a link nor a file.
        """
        links, file = parse_source(source), Path(source)
        if links is None and not file.is_file():
            raise CorpusError(
                "neither a link nor a file", item=source, hint="Give https://... or a PDF's path"
            )
        url = links.url if links else None
        github = links.github if links else None
        link = url or github or source
        name = title or (file.stem if links is None else last_step(link) or link)
        taken = [paper.paper_id for paper in self.papers]
        chosen = paper_id or paper_id_for(title=name, url=url or github, taken=taken)
        paper = Paper(paper_id=chosen, title=name, role=role, url=url, github=github)
        self.add(paper, file=None if links else file)
        return paper

    def remove(self, paper_id: str) -> None:
        """Take a paper off the list; it is not cited again, also before the next build.

        :param paper_id: Its id.
        :raises CorpusError: It is not listed.
        """
        remove_paper(self.manifest_path, paper_id)

    def fetch(
        self,
        options: FetchOptions | None = None,
        *,
        on_progress: Callable[[FetchProgress], None] | None = None,
    ) -> FetchReport:
        """Have every listed file on disk, verified.

        :param options: How to fetch.
        :param on_progress: Told of bytes that came and rows that are done.
        :return: A row for every file; one paper's failure is a row, never a stop.
        """
        from ragqa.fetch import fetch_papers

        return fetch_papers(self.papers, self.directory, options=options, on_progress=on_progress)


def _check_pdf(file: Path) -> None:
    """Refuse a file that is no PDF before it is listed."""
    from ragqa.fetch.content import check_content

    if not file.is_file():
        raise CorpusError("there is no such file", item=file)
    try:
        check_content(file, "pdf", item=str(file))
    except FetchError as error:
        raise CorpusError(error.what, item=file, hint="Give the paper's PDF itself") from error
    except OSError as error:
        raise CorpusError(f"the file cannot be read ({error.strerror})", item=file) from error
