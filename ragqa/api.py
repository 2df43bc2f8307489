"""The facades `Corpus`, `Index` and `Reader`: each method is one call into a stage.

::

    corpus = Corpus.open("corpus/upscaling")
    corpus.fetch()
    index = Index.build(corpus, "indexes/upscaling")      # index.report: what was done
    answer = Reader.open("indexes/upscaling").ask("How does AI restore detail?")
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ragqa.answer import Context, answer_plan, check_question
from ragqa.errors import CorpusError, IndexMismatchError
from ragqa.index.generation import Generation, open_generation, rollback
from ragqa.manifest import (
    Manifest,
    add_paper,
    load_manifest,
    paper_id_for,
    parse_source,
    remove_paper,
    save_manifest,
)
from ragqa.notices import notice
from ragqa.plan.sections import plan_card, plan_question
from ragqa.records import Answer, Notice, Paper, Role
from ragqa.retrieve.confidence import DEFAULT_MIN_CONFIDENCE
from ragqa.retrieve.hybrid import Retriever

if TYPE_CHECKING:
    from ragqa.build import BuildProgress, BuildReport
    from ragqa.card import Card, Imported
    from ragqa.embed import Embedder
    from ragqa.fetch import FetchOptions, FetchProgress, FetchReport

__all__ = ["Corpus", "Index", "Reader"]

MANIFEST = "manifest.yaml"


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
        :raises CorpusError: It is listed already, or the file is missing or cannot be copied.
        """
        if file is not None and not file.is_file():
            raise CorpusError("there is no such file", item=file)
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
        name = title or (file.stem if links is None else (url or github or source))
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


class Index:
    """A folder of generations; the one in force answers.

    :param directory: The index folder.
    :param report: How it was just built, if it was.
    """

    def __init__(self, directory: Path, *, report: BuildReport | None = None) -> None:
        self.directory = directory
        self.report = report

    @classmethod
    def build(
        cls,
        corpus: Corpus,
        directory: str | Path,
        *,
        embedder: str | None = None,
        jobs: int = 0,
        on_progress: Callable[[BuildProgress], None] | None = None,
        on_message: Callable[[str], None] | None = None,
    ) -> Index:
        """Bring an index up to date with a corpus; unchanged documents are taken over.

        :param corpus: The corpus.
        :param directory: The index folder; it is made if needed.
        :param embedder: Name or folder of the embedding model; None for the packaged one.
        :param jobs: Worker processes for parsing; 0 for one a core.
        :param on_progress: Called after each document.
        :param on_message: Told of one-time work, such as the export of the model.
        :return: The index; its `report` has a row for every document.
        :raises BuildError: No space or no permission; the old generation stays in force.
        """
        from ragqa.build import build_index
        from ragqa.embed import DEFAULT_EMBEDDER, load_embedder

        model = load_embedder(embedder or DEFAULT_EMBEDDER, on_progress=on_message)
        report = build_index(
            corpus.directory,
            Path(directory),
            embedder=model,
            jobs=jobs,
            on_progress=on_progress or (lambda progress: None),
        )
        return cls(Path(directory), report=report)

    def rollback(self) -> int:
        """Put the generation before the one in force in force again.

        :return: Its number.
        :raises IndexMissingError: There is no earlier one.
        """
        return int(rollback(self.directory).name.removeprefix("gen-"))


class Reader:
    """Answers questions from one generation of an index; open it once, ask often.

    :param generation: An open generation.
    :param directory: The index folder.
    :param embedder: The embedder that it was built with; loaded at the first question if None.
    :param min_confidence: Below it a question is not answered.
    """

    def __init__(
        self,
        generation: Generation,
        directory: Path,
        *,
        embedder: Embedder | None = None,
        min_confidence: float = DEFAULT_MIN_CONFIDENCE,
    ) -> None:
        self._generation = generation
        self._directory = directory
        self._embedder = embedder
        self.min_confidence = min_confidence

    @classmethod
    def open(
        cls,
        directory: str | Path,
        *,
        embedder: Embedder | None = None,
        min_confidence: float = DEFAULT_MIN_CONFIDENCE,
    ) -> Reader:
        """Open the index for asking.

        :param directory: The index folder.
        :param embedder: The embedder that it was built with; loaded when needed if None.
        :param min_confidence: Below it a question is not answered, in [0, 1].
        :return: The reader; it goes on with its generation while newer ones are built.
        :raises IndexMissingError: There is no index.
        :raises IndexDamagedError: A file of it is not what was written.
        """
        directory = Path(directory)
        return cls(
            open_generation(directory),
            directory,
            embedder=embedder,
            min_confidence=min_confidence,
        )

    def close(self) -> None:
        """Close the index's files."""
        self._generation.close()

    def ask(self, question: str, *, paper_ids: Sequence[str] = ()) -> Answer:
        """Answer a question from the listed papers, or abstain.

        :param question: The question.
        :param paper_ids: Papers to restrict the answer to; empty for all.
        :return: A checked answer.
        :raises QuestionError: The question is empty or far too long.
        :raises CorpusError: A paper is not listed.
        """
        context = self._context()
        for paper_id in paper_ids:
            context.paper(paper_id)
        plan = plan_question(check_question(question), paper_ids=paper_ids)
        return answer_plan(plan, context, index=self.fingerprint)

    def answer_card(self, card: Card) -> Answer:
        """Answer a question card, one section for each of its instructions.

        :param card: The card; its papers must be those of the index.
        :return: A checked answer.
        :raises CorpusError: A paper of the card is not listed.
        """
        context = self._context()
        papers = [context.paper(paper.paper_id) for paper in card.papers]
        plan = plan_card(check_question(card.question), card.instructions, papers)
        return answer_plan(plan, context, index=self.fingerprint)

    @property
    def fingerprint(self) -> str:
        """Return what names this state of the index: generation number and manifest hash."""
        meta = self._generation.meta
        return f"{meta.number}-{meta.fingerprint.get('manifest', '')[:12]}"

    def _context(self) -> Context:
        store = self._generation.store
        current = self._current_manifest()
        papers = store.papers() if current is None else current.papers
        listed = {paper.paper_id for paper in papers}
        return Context(
            store=store,
            retriever=Retriever(self._generation, self._load_embedder()),
            papers=papers,
            removed=tuple(p for p in store.papers() if p.paper_id not in listed),
            warnings=tuple(self._stale(current)),
            min_confidence=self.min_confidence,
        )

    def _corpus_dir(self) -> Path:
        return self._directory / self._generation.meta.fingerprint.get("corpus", "")

    def _current_manifest(self) -> Manifest | None:
        """Return the manifest where it is not the one that the index was built from."""
        path = self._corpus_dir() / MANIFEST
        if not path.is_file():
            return None
        from ragqa._files import sha256_file

        if sha256_file(path) == self._generation.meta.fingerprint.get("manifest"):
            return None
        return load_manifest(path)

    def _stale(self, current: Manifest | None) -> list[Notice]:
        if current is None:
            return []
        known = {paper.paper_id for paper in self._generation.store.papers()}
        missing = [
            notice("not-in-index", {"title": paper.title}, paper_id=paper.paper_id)
            for paper in current.papers
            if paper.paper_id not in known
        ]
        corpus = os.path.normpath(self._corpus_dir())
        return [notice("stale-index", {"corpus": corpus}), *missing]

    def _load_embedder(self) -> Embedder:
        if self._embedder is None:
            from ragqa.embed import load_embedder

            self._embedder = load_embedder(self._generation.meta.fingerprint["embedder_name"])
        built_with = self._generation.meta.fingerprint.get("embedder")
        if built_with != self._embedder.fingerprint:
            raise IndexMismatchError(
                "the index was built by another embedder, or another version of it",
                item=self._directory,
                hint="Run `ragqa rebuild`",
            )
        return self._embedder
