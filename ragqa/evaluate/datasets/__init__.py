"""Datasets: a folder or file that others wrote -> `Dataset`, checked, or one `DatasetError`.

In: BEIR folders, papers with spans, QASPER, PubMedQA, LitQA-style multiple choice, one's own
questions beside a corpus. Out: questions with gold, and papers or a corpus. What stops an
evaluation is raised, all of it at once, each mistake with file and line; what does not is in
`Dataset.problems` with what it leads to. Nothing is dropped without a word.

A format is one module; `FORMATS` is the order in which they are looked for.
"""

from __future__ import annotations

from pathlib import Path

from ragqa.evaluate.datasets import beir, litqa, own, pubmedqa, qasper, spans
from ragqa.evaluate.datasets.checking import assemble
from ragqa.evaluate.datasets.resolving import resolve
from ragqa.evaluate.datasets.source import Format, Request, unreadable
from ragqa.evaluate.records import Dataset

__all__ = ["FORMATS", "load_dataset", "resolve"]

# The most telling first: a LitQA file may lie beside papers.jsonl; any JSONL may be one's own.
_FORMATS: tuple[Format, ...] = (beir, litqa, spans, qasper, pubmedqa, own)

FORMATS = tuple(one.NAME for one in _FORMATS)
"""Names of the formats, in the order in which they are looked for."""

_BESIDE_A_CORPUS: tuple[Format, ...] = (litqa, own)


def load_dataset(
    path: str | Path,
    *,
    format: str | None = None,
    split: str | None = None,
    corpus: str | Path | None = None,
) -> Dataset:
    """Read and check a dataset.

    :param path: Its folder or file.
    :param format: One of `FORMATS`; None finds it out.
    :param split: Which part of it, where it has several: a qrels file's name without ``.tsv``, or
        a word of a file's name. None takes the only one, else a BEIR folder's ``test``.
    :param corpus: The corpus folder that questions without papers are asked of.
    :return: The dataset. Of questions beside a corpus, `resolve` locates the evidence.
    :raises DatasetError: It is none, or has mistakes; all of them are named.
    :raises CorpusError: The corpus has no manifest, or it cannot be read.
    :raises ManifestError: The corpus's manifest has mistakes.
    """
    path = Path(path)
    request = Request(path=path, split=split, corpus=None if corpus is None else Path(corpus))
    try:
        one = _chosen(request, format)
        reading, draft = one.read(request)
    except OSError as error:
        raise unreadable(path, f"it cannot be read ({error.strerror})") from error
    whole = path.resolve()
    stem = whole.stem if whole.is_file() else whole.name
    return assemble(draft, reading, name=f"{stem}{draft.suffix}", form=one.NAME)


def _chosen(request: Request, name: str | None) -> Format:
    """Return the format that was asked for, or the first that matches."""
    path = request.path
    if not path.exists():
        raise unreadable(path, "there is no such file or folder")
    if name is not None:
        named = next((one for one in _FORMATS if one.NAME == name), None)
        if named is None:
            known = ", ".join(FORMATS)
            raise unreadable(path, f"there is no format {name!r}; there are: {known}")
        return named
    offered = _FORMATS if request.corpus is None else _BESIDE_A_CORPUS
    for one in offered:
        if one.matches(path):
            return one
    looked = "; ".join(f"{one.NAME}: {one.LOOKS_FOR}" for one in offered)
    kind = "dataset" if request.corpus is None else "dataset of questions beside a corpus"
    raise unreadable(path, f"this is no known {kind}; looked for {looked}")
