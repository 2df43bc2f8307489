"""A dataset -> an index: of the texts that it brings, or of the corpus that its questions are of.

In: a dataset, an embedder. Out: an index folder with a generation in force.
Invariants: the canonical text of a text that a dataset brings is that text itself, so gold
spans and citations count the same characters; what was made from the same text by the same stages
is taken over, from the index and from a run that was killed; a paper without text is listed and
has no chunk.

Papers are embedded one after the other. Sorting the chunks of many papers by length into larger
calls was measured and gains nothing (4.4k tokens per CPU second either way, packaged model).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ragqa._files import sha256_bytes
from ragqa.chunk import CHUNKER_VERSION, ChunkOptions, chunk_document
from ragqa.errors import DatasetError, EvaluationError, IndexStateError
from ragqa.evaluate.records import Dataset, GoldPaper
from ragqa.evaluate.runs import folder_name
from ragqa.index.generation import (
    Generation,
    find_document,
    open_generation,
    write_generation,
)
from ragqa.index.packing import PackedDocument, pack_document
from ragqa.index.records import IndexedDocument, Place, quantise
from ragqa.index.work import WorkShelf, load_finished
from ragqa.records import Document, DocumentKind, Paper

if TYPE_CHECKING:
    from ragqa.embed import Embedder

__all__ = [
    "TEXT_KIND",
    "Message",
    "PreparedIndex",
    "Progress",
    "check_chunking",
    "index_dataset",
    "index_hash",
    "prepare_index",
]

Progress = Callable[[int, int], None]
"""Told how many papers are done, and of how many."""

Message = Callable[[str], None]
"""Told, in a line, what takes time only once."""

TEXT_KIND: DocumentKind = "summary"
"""The kind that a dataset's texts are indexed as: one that has lines and no pages."""

_KEEP = 1  # generations: nobody rolls a dataset's index back
_NAME_CHARS = 40  # of a dataset's name in a folder's name
_NAME_DIGITS = 12  # hex digits of a hash in a folder's name
_LINE_END = re.compile(r"\r\n|\r|\n")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_WHERE_IT_IS = frozenset({"corpus", "embedder_name"})  # names of places, not of content


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedIndex:
    """An index that is up to date, and what it was made by.

    :ivar directory: The index folder.
    :ivar embedder: The embedder, loaded.
    :ivar chunking: How its chunks were cut.
    :ivar of_texts: Whether it is of a dataset's own texts: papers then have one text each.
    """

    directory: Path
    embedder: Embedder
    chunking: ChunkOptions
    of_texts: bool


def prepare_index(
    dataset: Dataset,
    work: Path,
    options: Mapping[str, object],
    *,
    index: Path | None = None,
    on_progress: Progress = lambda done, total: None,
    on_message: Message | None = None,
) -> PreparedIndex:
    """Make or open the index that a system needs.

    Systems with the same `chunk_tokens` and `embedder` share one.

    :param dataset: The dataset.
    :param work: Where indexes of datasets are kept.
    :param options: The system's options; of them ``chunk_tokens`` and ``embedder`` count.
    :param index: The index of a corpus; None for the one that `ragqa rebuild` makes.
    :param on_progress: Called after each paper, or document of a corpus.
    :param on_message: Told of one-time work, such as the export of a model.
    :return: The index, up to date, and its embedder.
    :raises EvaluationError: The options do not go with the dataset or the index.
    :raises DatasetError: The dataset's papers cannot be indexed.
    """
    check_chunking(dataset, options)
    tokens = options.get("chunk_tokens")
    if dataset.corpus is None:
        if index is not None:
            raise EvaluationError(
                "an index was named, and this dataset brings its texts",
                item=dataset.name,
                hint="Leave the index out; one is made of the texts",
            )
        embedder = _load(options.get("embedder"), on_message)
        chunking = _chunking(tokens)
        directory = work / "indexes" / _folder_name(dataset, embedder, chunking)
        index_dataset(dataset, directory, embedder, options=chunking, on_progress=on_progress)
        return PreparedIndex(
            directory=directory, embedder=embedder, chunking=chunking, of_texts=True
        )
    directory, embedder = _corpus_place(dataset, work, options.get("embedder"), index, on_message)
    _build_corpus(dataset.corpus, directory, embedder, on_progress, on_message)
    return PreparedIndex(
        directory=directory, embedder=embedder, chunking=ChunkOptions(), of_texts=False
    )


def check_chunking(dataset: Dataset, options: Mapping[str, object]) -> None:
    """Refuse to cut a corpus's papers otherwise than its index does.

    :param dataset: The dataset.
    :param options: The system's options.
    :raises EvaluationError: ``chunk_tokens`` is given for questions beside a corpus.
    """
    if dataset.corpus is not None and options.get("chunk_tokens") is not None:
        raise EvaluationError(
            "chunk_tokens cannot be set for questions beside a corpus",
            item=dataset.name,
            hint="Leave it out: a corpus has one index, as `ragqa rebuild` makes it",
        )


def index_dataset(
    dataset: Dataset,
    directory: Path,
    embedder: Embedder,
    *,
    options: ChunkOptions | None = None,
    on_progress: Progress = lambda done, total: None,
) -> Path:
    """Bring the index of a dataset's papers up to date; nothing is done twice.

    :param dataset: A dataset with papers.
    :param directory: The index folder; it is made if needed.
    :param embedder: What embeds the chunks.
    :param options: How large chunks shall be; None for the default.
    :param on_progress: Called after each paper.
    :return: The index folder.
    :raises DatasetError: A paper's id or text cannot be indexed; all of them are named.
    :raises IndexBusyError: Another process is building this index.
    :raises BuildError: The disk is full or refuses; what was finished is kept.
    """
    _check_papers(dataset)
    papers = tuple(Paper(paper_id=p.paper_id, title=p.title) for p in dataset.papers)
    chunking = options or ChunkOptions()
    fingerprint = _fingerprint(dataset.papers, embedder, chunking)
    if _is_current(directory, fingerprint):
        on_progress(len(papers), len(papers))
        return directory
    with ExitStack() as stack:
        shelf = stack.enter_context(WorkShelf(directory))
        build = _Build(shelf, _open_old(directory, stack), embedder, chunking)
        for done, paper in enumerate(papers, 1):
            build.finish(paper, dataset.papers[done - 1].text)
            on_progress(done, len(papers))
        write_generation(directory, build.documents(), papers, fingerprint=fingerprint, keep=_KEEP)
        shelf.clear()
    return directory


def index_hash(generation: Generation) -> str:
    """Return a hash of what an index holds and was made by, wherever it lies, whatever its number.

    :param generation: An open generation.
    :return: 64 hex digits.
    """
    made_by = {k: v for k, v in generation.meta.fingerprint.items() if k not in _WHERE_IT_IS}
    keys = sorted((*place, key) for place, key in generation.store.keys().items())
    return sha256_bytes(json.dumps([made_by, keys], sort_keys=True).encode())


def _load(name: object, on_message: Message | None) -> Embedder:
    from ragqa.embed import DEFAULT_EMBEDDER, load_embedder

    return load_embedder(DEFAULT_EMBEDDER if name is None else str(name), on_progress=on_message)


def _chunking(tokens: object) -> ChunkOptions:
    """Return the options of a target; sections shorter than it may stand alone, as by default."""
    default = ChunkOptions()
    if not isinstance(tokens, int):
        return default
    return ChunkOptions(target_tokens=tokens, min_tokens=min(tokens, default.min_tokens))


def _folder_name(dataset: Dataset, embedder: Embedder, chunking: ChunkOptions) -> str:
    """Return a folder for a dataset and the stages; changed papers are told by the fingerprint."""
    stages = "\0".join((dataset.name, CHUNKER_VERSION, repr(chunking), embedder.fingerprint))
    name = folder_name(dataset.name, default="dataset", most=_NAME_CHARS)
    return f"{name}-{sha256_bytes(stages.encode('utf-8', 'replace'))[:_NAME_DIGITS]}"


def _corpus_place(
    dataset: Dataset, work: Path, name: object, index: Path | None, on_message: Message | None
) -> tuple[Path, Embedder]:
    """Return where the index of a corpus is or shall be, and its embedder, loaded.

    An index that is there is never rebuilt by another embedder: it is somebody's to ask from.
    """
    from ragqa.api.index import default_index

    corpus = dataset.corpus or Path()
    directory = index or default_index(corpus)
    built_by = _built_by(directory)
    embedder = _load(built_by[0] if name is None and built_by else name, on_message)
    if built_by is None or built_by[1] == embedder.fingerprint:
        return directory, embedder
    if index is not None and name is not None:
        raise EvaluationError(
            f"the index was built by the embedder {built_by[0]}, not by {name}",
            item=index,
            hint="Name another folder, or leave the embedder out",
        )
    if name is None:  # the same name, another version of it: `ragqa rebuild` would do the same
        return directory, embedder
    return work / "indexes" / _folder_name(dataset, embedder, ChunkOptions()), embedder


def _built_by(directory: Path) -> tuple[str, str] | None:
    """Return the name and fingerprint of the embedder of an index, if there is one."""
    try:
        with open_generation(directory) as generation:
            made_by = generation.meta.fingerprint
            return made_by["embedder_name"], made_by["embedder"]
    except (IndexStateError, KeyError):
        return None


def _build_corpus(
    corpus: Path,
    directory: Path,
    embedder: Embedder,
    on_progress: Progress,
    on_message: Message | None,
) -> None:
    from ragqa.build import build_index

    report = build_index(
        corpus,
        directory,
        embedder=embedder,
        on_progress=lambda progress: on_progress(progress.done, progress.total),
    )
    if report.changed and on_message is not None:
        on_message(f"{directory}: generation {report.generation} written, as the corpus is now")


def _fingerprint(
    papers: Sequence[GoldPaper], embedder: Embedder, options: ChunkOptions
) -> dict[str, str]:
    """Return what the index is made from and by, under the names that a reader looks for.

    The hash of all papers stands where a corpus has that of its manifest; there is no corpus.
    """
    listed = json.dumps([(p.paper_id, p.title, p.text) for p in papers])
    return {
        "manifest": sha256_bytes(listed.encode()),
        "chunker": CHUNKER_VERSION,
        "options": repr(options),
        "embedder": embedder.fingerprint,
        "embedder_name": embedder.name,
    }


def _is_current(directory: Path, fingerprint: Mapping[str, str]) -> bool:
    try:
        with open_generation(directory) as generation:
            return dict(generation.meta.fingerprint) == fingerprint
    except IndexStateError:
        return False


def _open_old(directory: Path, stack: ExitStack) -> Generation | None:
    """Open what is in force, to take from; a missing or damaged index is built anew."""
    try:
        return stack.enter_context(open_generation(directory))
    except IndexStateError:
        return None


class _Build:
    """Makes documents, or takes them from where they were made before.

    :param shelf: What a killed run had finished; open.
    :param old: The generation in force, if there is one.
    :param embedder: What embeds the chunks.
    :param options: How large chunks shall be.
    """

    def __init__(
        self,
        shelf: WorkShelf,
        old: Generation | None,
        embedder: Embedder,
        options: ChunkOptions,
    ) -> None:
        self._shelf, self._old = shelf, old
        self._embedder, self._options = embedder, options
        self._reused: dict[Place, bool] = {}

    def finish(self, paper: Paper, text: str) -> None:
        """Have the paper's document, if it has text, in the old generation or on the shelf."""
        if not text.strip():
            return
        key, place = self._key(text), (paper.paper_id, TEXT_KIND)
        reused = self._old is not None and find_document(self._old, place, key) is not None
        if not reused and self._shelf.find(place, key) is None:
            self._shelf.add(self._make(paper, text, key))
        self._reused[place] = reused

    def documents(self) -> Iterator[PackedDocument]:
        """Load what is finished, one document after the other, in canonical order."""
        return load_finished(self._old, self._shelf, self._reused)

    def _key(self, text: str) -> str:
        """Return a hash of the text and of every stage that it passes through."""
        stages = (text, CHUNKER_VERSION, repr(self._options), self._embedder.fingerprint)
        return sha256_bytes("\0".join(stages).encode())

    def _make(self, paper: Paper, text: str, key: str) -> PackedDocument:
        document = Document(
            paper_id=paper.paper_id,
            kind=TEXT_KIND,
            sha256=sha256_bytes(text.encode()),
            text=text,
            line_starts=(0, *(match.end() for match in _LINE_END.finditer(text))),
        )
        limit, count = self._embedder.max_tokens, self._embedder.count_tokens
        chunks = chunk_document(document, count, max_tokens=limit, options=self._options)
        spans = [[(s.start - c.start, s.end - c.start) for s in c.sentences] for c in chunks]
        vectors = self._embedder.embed_chunks([chunk.text for chunk in chunks], spans)
        return pack_document(
            IndexedDocument(
                paper=paper,
                document=document,
                chunks=chunks,
                chunk_vectors=vectors.chunks,
                sentence_vectors=quantise(vectors.sentences),
                key=key,
            )
        )


def _check_papers(dataset: Dataset) -> None:
    problems = list(_problems(dataset.papers))
    if problems:
        raise DatasetError(dataset.name, tuple(problems))


def _problems(papers: Sequence[GoldPaper]) -> Iterator[str]:
    """Yield what no index can hold: all of it, so that it can be mended at once."""
    if not papers:
        yield "it brings no paper to index"
    for paper_id, count in Counter(paper.paper_id for paper in papers).items():
        if count > 1:
            yield f"paper {paper_id!r} is there {count} times"
        if not paper_id:
            yield "a paper has an empty id"
    for paper in papers:
        for name, value in (("id", paper.paper_id), ("title", paper.title), ("text", paper.text)):
            found = _LONE_SURROGATE.search(value)
            if found:
                yield (
                    f"character {found.start()} of the {name} of paper {paper.paper_id!r} is half"
                    f" a surrogate pair ({found[0]!a}), which no file can hold"
                )
