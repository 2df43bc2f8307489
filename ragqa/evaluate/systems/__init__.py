"""Systems under test: a spec -> something that is ready to be asked.

``ragqa``, ``bm25`` and ``dense`` share an index of a dataset where they cut and embed it alike;
``langchain`` is the stock pipeline of others. A user's own object is a system by `measure_object`.
"""

from __future__ import annotations

from pathlib import Path

from ragqa.evaluate.indexing import Message, Progress, check_chunking, prepare_index
from ragqa.evaluate.records import Dataset, System
from ragqa.evaluate.systems.objects import ObjectSystem, measure_object
from ragqa.evaluate.systems.spec import SYSTEMS, SystemSpec, parse_system

__all__ = [
    "SYSTEMS",
    "ObjectSystem",
    "SystemSpec",
    "check_system",
    "measure_object",
    "open_system",
    "parse_system",
]


def check_system(spec: SystemSpec, dataset: Dataset) -> None:
    """Check what can be checked of a system before anything is made or loaded.

    :param spec: The system.
    :param dataset: What it will be asked about.
    :raises EvaluationError: The options do not go with the dataset or with each other.
    :raises OptionalDependencyError: The system needs an extra that is not installed.
    """
    check_chunking(dataset, spec.options)
    if spec.name == "langchain":
        from ragqa.evaluate.systems.langchain import check_langchain

        check_langchain(spec)


def open_system(
    spec: SystemSpec,
    dataset: Dataset,
    work: Path,
    *,
    index: Path | None = None,
    on_progress: Progress = lambda done, total: None,
    on_message: Message | None = None,
) -> System:
    """Make or open what a system needs, so that all that follows is question time.

    :param spec: The system.
    :param dataset: What it will be asked about.
    :param work: Where indexes of datasets are kept between runs.
    :param index: The index of a corpus; None for the one that `ragqa rebuild` makes.
    :param on_progress: Called after each paper that was indexed, with how many there are.
    :param on_message: Told of one-time work, such as the export of a model.
    :return: The system; where it has a method `close`, that closes its files.
    :raises EvaluationError: The options do not go with the dataset or the index.
    :raises DatasetError: The dataset's papers cannot be indexed.
    :raises OptionalDependencyError: The system needs an extra that is not installed.
    """
    if spec.name == "langchain" and dataset.corpus is None:
        return _open_langchain(spec, dataset, work, None, on_progress, on_message)
    options = {} if spec.name == "langchain" else spec.options
    prepared = prepare_index(
        dataset, work, options, index=index, on_progress=on_progress, on_message=on_message
    )
    if spec.name == "langchain":
        return _open_langchain(spec, dataset, work, prepared.directory, on_progress, on_message)
    from ragqa.evaluate.systems.baselines import Bm25System, DenseSystem
    from ragqa.evaluate.systems.ragqa import RagqaSystem

    if spec.name == "ragqa":
        return RagqaSystem(spec, prepared, on_message=on_message)
    return Bm25System(spec, prepared) if spec.name == "bm25" else DenseSystem(spec, prepared)


def _open_langchain(
    spec: SystemSpec,
    dataset: Dataset,
    work: Path,
    index: Path | None,
    on_progress: Progress,
    on_message: Message | None,
) -> System:
    """Open the stock pipeline; the index of a corpus is where its chunks are located."""
    from ragqa.embed import DEFAULT_EMBEDDER
    from ragqa.evaluate.systems.langchain import open_langchain

    name = str(spec.options.get("embedder", DEFAULT_EMBEDDER))
    return open_langchain(
        spec,
        dataset,
        work,
        embedder_name=name,
        index=index,
        on_progress=on_progress,
        on_message=on_message or (lambda line: None),
    )
