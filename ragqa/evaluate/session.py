"""A whole evaluation: a dataset, some systems, their runs, comparisons and gates.

In: a dataset and which systems to run. Out: an `Evaluation`, and a folder with a run for each
system. Invariant: whatever is wrong with what was asked for
is found before the first question is asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ragqa.errors import EvaluationError
from ragqa.evaluate.about import DEPTH
from ragqa.evaluate.comparing import compare
from ragqa.evaluate.evidence import locate_evidence
from ragqa.evaluate.gates import Gate, check_gates, parse_gate
from ragqa.evaluate.harness import EvaluationProgress, evaluate
from ragqa.evaluate.indexing import prepare_index
from ragqa.evaluate.measures import (
    Measure,
    check_depth,
    default_measures,
    parse_measures,
    with_company,
)
from ragqa.evaluate.records import Comparison, Dataset, Run, System
from ragqa.evaluate.runs import folder_name
from ragqa.evaluate.systems import SystemSpec, check_system, open_system, parse_system

__all__ = [
    "Evaluation",
    "EvaluationOptions",
    "Listener",
    "Places",
    "Wanted",
    "check",
    "evaluate_systems",
]

SCHEMA = "ragqa/evaluation/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationOptions:
    """What is run, and how.

    :ivar measures: Names of measures; the dataset's usual ones if None. Gates add theirs.
    :ivar gates: Gates as text.
    :ivar remove_gold: Whether answerable questions are also asked without their gold papers.
    :ivar depth: Chunks to retrieve for each question.
    :ivar limit: Ask only so many questions, from the first; None for all.
    :ivar resume: Whether to take over what earlier calls left.
    """

    measures: tuple[str, ...] | None = None
    gates: tuple[str, ...] = ()
    remove_gold: bool = False
    depth: int = DEPTH
    limit: int | None = None
    resume: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Who is told how it goes.

    :ivar on_dataset: Told the dataset, its evidence located, before a question is asked.
    :ivar on_open: Told, while a system is opened, its name and how much is done of how much.
    :ivar on_progress: Told after each question.
    :ivar on_message: Told in a line what a user should know meanwhile.
    """

    on_dataset: Callable[[Dataset], None] = lambda dataset: None
    on_open: Callable[[str, int, int], None] = lambda system, done, total: None
    on_progress: Callable[[EvaluationProgress], None] = lambda progress: None
    on_message: Callable[[str], None] = lambda text: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where indexes are.

    :ivar work: The folder that systems keep their indexes in, shared by all evaluations.
    :ivar index: The index of a dataset beside a corpus; None for the usual one.
    """

    work: Path
    index: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was asked for, read.

    :ivar specs: The systems, each once.
    :ivar measures: The measures; None for a dataset's usual ones.
    :ivar gates: The gates.
    """

    specs: tuple[SystemSpec, ...]
    measures: tuple[Measure, ...] | None
    gates: tuple[Gate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What came of it.

    :ivar dataset: The dataset with its evidence located; under `limit`, the part that was asked,
        which says so in its name.
    :ivar folders: Where each run is, in the order of `runs`.
    :ivar runs: A run for each system, in the order asked for.
    :ivar comparisons: For each run but the first, its comparisons with the first.
    :ivar missed: A line for each gate that was missed.
    """

    dataset: Dataset
    folders: tuple[Path, ...]
    runs: tuple[Run, ...]
    comparisons: tuple[tuple[Comparison, ...], ...]
    missed: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values, schema ``ragqa/evaluation/1``."""
        return {
            "schema": SCHEMA,
            "dataset": {**self.runs[0].about["dataset"], "problems": len(self.dataset.problems)},
            "options": self.runs[0].about["options"],
            "systems": [
                {
                    "name": run.system,
                    "folder": folder.as_posix(),
                    "failed": sum(row.error is not None for row in run.rows),
                    "measures": {name: asdict(t) for name, t in run.scores.totals.items()},
                }
                for run, folder in zip(self.runs, self.folders, strict=True)
            ],
            "comparisons": [
                {"systems": [self.runs[0].system, run.system], **asdict(each)}
                for run, found in zip(self.runs[1:], self.comparisons, strict=True)
                for each in found
            ],
            "missed": list(self.missed),
        }


def evaluate_systems(
    dataset: Dataset,
    systems: Sequence[str],
    out: Path,
    *,
    places: Places,
    options: EvaluationOptions | None = None,
    listener: Listener | None = None,
) -> Evaluation:
    """Run systems over a dataset, and compare them with the first.

    :param dataset: The dataset.
    :param systems: The systems, as `parse_system` reads them.
    :param out: The folder of the runs, a folder for each system.
    :param places: Where indexes are.
    :param options: What is run, and how.
    :param listener: Who is told how it goes.
    :return: Runs, comparisons and missed gates.
    :raises EvaluationError: A system, measure or gate is unknown, options do not go with the
        dataset, or a folder cannot be written.
    :raises OptionalDependencyError: A system needs an extra that is not installed.
    """
    options = options or EvaluationOptions()
    asked = check(systems, options)
    folders = tuple(out / name for name in _folder_names(asked.specs))
    listener = listener or Listener()
    for spec in asked.specs:
        check_system(spec, dataset)
    session = _Session(asked, options, listener, places)
    dataset = session.located(dataset)
    listener.on_dataset(dataset)
    runs = [
        session.run(spec, dataset, folder)
        for spec, folder in zip(asked.specs, folders, strict=True)
    ]
    comparisons = tuple(compare(runs[0], run) for run in runs[1:])
    return Evaluation(
        dataset=_asked_part(dataset, options.limit),
        folders=folders,
        runs=tuple(runs),
        comparisons=comparisons,
        missed=check_gates(asked.gates, runs),
    )


def check(systems: Sequence[str], options: EvaluationOptions) -> Wanted:
    """Check what is asked for before anything is run.

    :param systems: The systems, as `parse_system` reads them.
    :param options: What is run, and how.
    :return: What was asked for, read.
    :raises EvaluationError: A system, measure or gate is unknown, a measure looks deeper than is
        retrieved, or there is no system.
    """
    specs = tuple(dict.fromkeys(systems))
    read = tuple({str(spec): spec for spec in map(parse_system, specs)}.values())
    if not read:
        raise EvaluationError("no system was named", hint="Name one, such as ragqa or bm25")
    names = [str(spec) for spec in read]
    gates = tuple(map(parse_gate, options.gates))
    unknown = [gate.text for gate in gates if gate.system not in {None, *names}]
    if unknown:
        raise EvaluationError(
            "a gate names a system that is not run",
            item=", ".join(unknown),
            hint=f"These are: {', '.join(names)}",
        )
    measures = None if options.measures is None else parse_measures(options.measures)
    gated = parse_measures([gate.measure for gate in gates])
    check_depth(dict.fromkeys((*(measures or ()), *gated)), options.depth)
    return Wanted(specs=read, measures=measures, gates=gates)


def _asked_part(dataset: Dataset, limit: int | None) -> Dataset:
    total = len(dataset.questions)
    if limit is None or limit >= total:
        return dataset
    name = f"{dataset.name} (first {limit} of {total} questions)"
    return replace(dataset, name=name, questions=dataset.questions[:limit])


def _embedder_of_index(spec: SystemSpec) -> dict[str, object]:
    """Return a system's embedder as an option; that of langchain is none of the index."""
    name = None if spec.name == "langchain" else spec.options.get("embedder")
    return {} if name is None else {"embedder": name}


def _folder_names(specs: Sequence[SystemSpec]) -> list[str]:
    """Return a folder's name for each system: its own as far as a file system takes it."""
    found: list[str] = []
    taken: set[str] = set()
    for spec in specs:
        usual = folder_name(str(spec), default="system")
        name, count = usual, 1
        while name.casefold() in taken:
            count += 1
            name = f"{usual}-{count}"
        taken.add(name.casefold())
        found.append(name)
    return found


class _Session:
    """One system's part of an evaluation."""

    def __init__(
        self, asked: Wanted, options: EvaluationOptions, listener: Listener, places: Places
    ) -> None:
        self._asked = asked
        self._options = options
        self._listener = listener
        self._places = places

    def located(self, dataset: Dataset) -> Dataset:
        """Return a dataset whose evidence is located; beside a corpus, its index is made first."""
        if dataset.corpus is None:
            return dataset
        spec = self._asked.specs[0]
        prepared = prepare_index(
            dataset,
            self._places.work,
            _embedder_of_index(spec),
            index=self._places.index,
            on_progress=lambda done, total: self._listener.on_open(str(spec), done, total),
            on_message=self._listener.on_message,
        )
        return locate_evidence(dataset, prepared.directory)

    def run(self, spec: SystemSpec, dataset: Dataset, folder: Path) -> Run:
        """Open a system, run it, and close it."""
        options, start = self._options, time.perf_counter()
        with self._opened(spec, dataset) as system:
            return evaluate(
                dataset,
                system,
                out=folder,
                measures=self._measures(dataset),
                remove_gold=options.remove_gold,
                depth=options.depth,
                limit=options.limit,
                resume=options.resume,
                prepare_seconds=time.perf_counter() - start,
                on_progress=self._listener.on_progress,
                on_message=self._listener.on_message,
            )

    @contextmanager
    def _opened(self, spec: SystemSpec, dataset: Dataset) -> Iterator[System]:
        system = open_system(
            spec,
            dataset,
            self._places.work,
            index=self._places.index,
            on_progress=lambda done, total: self._listener.on_open(str(spec), done, total),
            on_message=self._listener.on_message,
        )
        try:
            yield system
        finally:
            close = getattr(system, "close", None)
            if close is not None:
                close()

    def _measures(self, dataset: Dataset) -> list[str]:
        chosen = self._asked.measures
        if chosen is None:
            asked = replace(dataset, questions=dataset.questions[: self._options.limit])
            chosen = default_measures(
                asked, remove_gold=self._options.remove_gold, depth=self._options.depth
            )
        gated = parse_measures([gate.measure for gate in self._asked.gates])
        return list(dict.fromkeys(each.name for each in with_company((*chosen, *gated))))
