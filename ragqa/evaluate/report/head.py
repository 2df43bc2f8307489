"""What a report begins and ends with: what was evaluated, and what is wrong with the dataset.

In: a dataset and runs. Out: sections. Invariant: nothing here differs when a run is repeated; what
a machine is belongs to the costs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from ragqa.evaluate.differences import leaves
from ragqa.evaluate.records import Dataset, Effect, Run, View
from ragqa.evaluate.report.blocks import (
    MISSING,
    Block,
    Column,
    Fold,
    Foreign,
    Items,
    Line,
    Para,
    Section,
    Table,
    clip,
    named,
)

__all__ = ["OF_THE_MACHINE", "configuration", "overview", "problems"]

OF_THE_MACHINE = frozenset({"machine"})
"""Keys of a run's description that belong beside its timings."""

_TOLD_ELSEWHERE = frozenset({
    "dataset", "key", "measures", "problems", "questions", "rows", "schema"
})  # fmt: skip

SHOWN_PROBLEMS = 20
"""Problems of a dataset that are shown; the rest is counted."""

_OPTIONS = ("depth", "limit")  # of a run, beside the views: what every reader must know

_HASH_DIGITS = 12  # of a SHA-256: enough to tell two apart by eye
_SHA256 = re.compile("(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_NOTHING: Line = ("",)  # of a cell whose value stands in another
_VALUE_CHARS = 200  # characters of an option that a table shows
_PROBLEM_CHARS = 400  # characters of a problem that a list shows

_EFFECTS: Mapping[Effect, str] = {
    "refused": "the dataset is not evaluated",
    "not-found": "the gold stays in the mean and can never be found",
    "moved": "gold was found elsewhere in its paper, and is used there",
    "left-out": "a measure cannot judge the question, and says so beside its mean",
    "noted": "nothing changes",
}


def overview(dataset: Dataset, runs: Sequence[Run]) -> Section:
    """Return what was evaluated on what.

    :param dataset: The dataset.
    :param runs: The runs.
    :return: The first section.
    """
    blocks: list[Block] = [_dataset(dataset)]
    if runs:
        blocks += [_systems(runs), Fold(line=("Configuration",), blocks=(configuration(runs),))]
    else:
        blocks.append(Para(line=("No system was run.",), kind="note"))
    return Section(name="overview", title="What was evaluated", blocks=tuple(blocks))


def problems(dataset: Dataset) -> Section:
    """Return what is wrong with a dataset, and what it leads to.

    :param dataset: The dataset.
    :return: A section; it says so where nothing is wrong.
    """
    return Section(
        name="problems", title="Problems of the dataset", blocks=tuple(_problems(dataset))
    )


def configuration(runs: Sequence[Run], *, of_the_machine: bool = False) -> Table:
    """Return what decides the runs' output; what is equal in all of them is told once.

    :param runs: The runs.
    :param of_the_machine: Whether to show what belongs beside timings, and nothing else.
    :return: A table; a row for each value that any of them has.
    """
    flat = [
        {
            key: value
            for name in sorted(run.about)
            if name not in _TOLD_ELSEWHERE and (name in OF_THE_MACHINE) == of_the_machine
            for key, value in leaves(name, run.about[name])
        }
        for run in runs
    ]
    names = sorted({key for each in flat for key in each})
    shared = [n for n in names if len(runs) > 1 and len({each.get(n) for each in flat}) == 1]
    own = runs if len(shared) < len(names) else ()
    rows = []
    for name in names:
        values = [each.get(name) for each in flat]
        all_of_them = [_value(values[0]) if name in shared else _NOTHING] if shared else []
        each_of_them = [_NOTHING if name in shared else _value(value) for value in values]
        rows.append(((Foreign(name),), *all_of_them, *each_of_them[: len(own)]))
    return Table(
        caption="Machine" if of_the_machine else "Configuration",
        columns=(
            _words("Value"),
            *([_words("All systems")] if shared else []),
            *(_name(run.system) for run in own),
        ),
        rows=tuple(rows),
    )


def _value(text: str | None) -> Line:
    if text is None:
        return (MISSING,)
    return (Foreign(clip(_SHA256.sub(lambda m: m[0][:_HASH_DIGITS], text), _VALUE_CHARS)),)


def _dataset(dataset: Dataset) -> Table:
    questions = dataset.questions
    answerable = sum(question.answerable for question in questions)
    facts: list[tuple[str, Line]] = [
        ("Dataset", (Foreign(dataset.name),)),
        ("Format", (Foreign(dataset.format),)),
        ("Questions", (f"{len(questions):,}",)),
        ("Answerable", (f"{answerable:,}",)),
        ("Unanswerable", (f"{len(questions) - answerable:,}",)),
        ("With gold papers", (f"{sum(bool(q.gold_papers) for q in questions):,}",)),
        ("With gold evidence", (f"{sum(bool(q.evidence) for q in questions):,}",)),
        ("With gold answers", (f"{sum(bool(q.answers) for q in questions):,}",)),
        ("Papers", ("those of the corpus" if dataset.corpus else f"{len(dataset.papers):,}",)),
        ("SHA-256", (f"{dataset.sha256[:_HASH_DIGITS]}",)),
    ]
    return Table(
        caption="Dataset",
        columns=(_words("What"), _words("Value")),
        rows=tuple(((name,), value) for name, value in facts),
    )


def _systems(runs: Sequence[Run]) -> Table:
    heads = (
        "Asked as they are", "Asked without gold papers", "Failed", "Answered", "Abstained",
        *(key.capitalize() for key in _OPTIONS),
    )  # fmt: skip
    return Table(
        caption="Systems, and how many questions each was asked",
        columns=(_words("System"), *(Column(line=(head,)) for head in heads)),
        rows=tuple(((named(run.system),), *_asked(run)) for run in runs),
    )


def _asked(run: Run) -> Iterator[Line]:
    views = Counter(row.view for row in run.rows)
    yield from ((f"{views[view]:,}",) for view in get_args(View))
    yield (f"{sum(row.response is None for row in run.rows):,}",)
    abstained = Counter(row.response.abstained for row in run.rows if row.response is not None)
    answers = bool(abstained[True] or abstained[False])
    yield from ((f"{abstained[each]:,}" if answers else MISSING,) for each in (False, True))
    told = run.about.get("options")
    options = told if isinstance(told, Mapping) else {}
    yield from (_value(_shown_option(options.get(key))) for key in _OPTIONS)


def _shown_option(value: object) -> str | None:
    """Return an option as a table shows it; None where it is not set."""
    return None if value is None else str(value)


def _problems(dataset: Dataset) -> Iterator[Block]:
    found = dataset.problems
    if not found:
        yield Para(line=("None was found.",))
        return
    counts = Counter(problem.effect for problem in found)
    effects: tuple[Effect, ...] = get_args(Effect)
    yield Table(
        caption="Problems by what they lead to",
        columns=(_words("Effect"), _words("What it means"), Column(line=("Problems",))),
        rows=tuple(
            ((each,), (_EFFECTS[each],), (f"{counts[each]:,}",)) for each in effects if counts[each]
        ),
    )
    shown = [(Foreign(clip(str(each), _PROBLEM_CHARS)),) for each in found[:SHOWN_PROBLEMS]]
    yield Items(lines=tuple(shown))
    if len(found) > SHOWN_PROBLEMS:
        yield Para(line=(f"And {len(found) - SHOWN_PROBLEMS:,} more.",))


def _words(text: str) -> Column:
    return Column(line=(text,), is_number=False)


def _name(system: str) -> Column:
    return Column(line=(named(system),), is_number=False)
