"""What a language model said about answers: beside the measures, and never one of them.

In: runs and their verdicts. Out: a section. Invariant: who judged, by which prompt, and how many
answers have no readable verdict stands beside every share.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from ragqa.evaluate.judge import JudgeSummary, Verdict, summarise
from ragqa.evaluate.judge import Mark as Said
from ragqa.evaluate.records import Dataset, Run
from ragqa.evaluate.report.blocks import (
    MISSING,
    Column,
    Line,
    Para,
    Section,
    Table,
    named,
    number,
)

__all__ = ["judged"]

_HEADS: Mapping[Said, str] = {
    "correct": "Correct",
    "partly": "Partly",
    "wrong": "Wrong",
    "abstained": "Abstained",
    "no-answer": "System failed",
    "unreadable": "Unreadable",
    "failed": "Judge failed",
}
_MARKS: tuple[Said, ...] = get_args(Said)


def judged(
    dataset: Dataset, runs: Sequence[Run], verdicts: Sequence[Sequence[Verdict]]
) -> Section | None:
    """Return what a language model said about the runs' answers.

    :param dataset: The dataset.
    :param runs: The runs.
    :param verdicts: Of each run, in order; none for one that was not judged.
    :return: A section; None where there is no verdict.
    :raises EvaluationError: Verdicts of one run are of two models or two prompts.
    """
    found = [
        (run, summarise(dataset, given))
        for run, given in zip(runs, verdicts, strict=False)
        if given
    ]
    if not found:
        return None
    words = (
        "A language model's verdicts differ from model to model and from day to day: they are no "
        "measure, and nothing above depends on them. A share has two values where some verdicts "
        "are missing: if none of those were correct, and if all were.",
    )
    heads = (*(_HEADS[mark] for mark in _MARKS), "Not judged", "Share correct")
    table = Table(
        caption="Verdicts of a language model",
        columns=(
            *(Column(line=(head,), is_number=False) for head in ("System", "Judge", "Prompt")),
            *(Column(line=(head,)) for head in heads),
        ),
        rows=tuple(tuple(_row(run, summary)) for run, summary in found),
    )
    blocks = (Para(line=words, kind="note"), table)
    return Section(name="judged", title="Verdicts of a language model", blocks=blocks)


def _row(run: Run, summary: JudgeSummary) -> Iterator[Line]:
    yield (named(run.system),)
    yield (named(summary.model or MISSING),)
    yield (named(summary.prompt_version or MISSING),)
    yield from ((f"{summary.counts[mark]:,}",) for mark in _MARKS)
    yield (f"{summary.left_out:,}",)
    low, high = number(summary.low), number(summary.high)
    yield (low if low == high else f"{low} to {high}",)
