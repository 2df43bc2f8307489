"""What was measured, as tables: a row a system, a column a measure.

In: runs and their comparisons. Out: tables, one for each group of measures. Invariant: a measure of
citations is shown only beside its company, as copying the best chunk games it; where the company
is missing, a note says so in its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ragqa.evaluate.records import Comparison, Dataset, Run, Total
from ragqa.evaluate.report.blocks import (
    MISSING,
    NAME_CHARS,
    Block,
    Column,
    Fold,
    Foreign,
    Items,
    Line,
    Para,
    Section,
    Small,
    Strong,
    Table,
    Term,
    clip,
    named,
    number,
    plural,
    signed,
)
from ragqa.evaluate.report.catalogue import (
    Group,
    company,
    describe,
    group_of,
    judges_rows,
    missing_company,
)

__all__ = [
    "ALPHA",
    "compared",
    "measure_names",
    "measure_tables",
    "measured",
    "shown_names",
]

ALPHA = 0.05
"""Two-sided p below which a difference is marked."""

_JOIN = "\u00a0"  # between what a narrow cell must not part; a plain blank in Markdown
_LEAST_P = 0.001  # below it three decimals show nothing
_TITLES: Mapping[tuple[Group, ...], str] = {
    ("retrieval",): "Retrieval",
    ("evidence",): "Evidence",
    ("answer", "citation"): "Answer and citation",
    ("abstention",): "Abstention",
    ("other",): "Other measures",
}


def measured(
    dataset: Dataset, runs: Sequence[Run], compared: Sequence[Mapping[str, Comparison]]
) -> Section:
    """Return the tables of all that does not differ when a run is repeated.

    :param dataset: The dataset.
    :param runs: The runs.
    :param compared: For each run but the first, its comparison with the first by measure.
    :return: A section.
    """
    blocks = [*measure_tables(dataset, runs, compared)]
    if not blocks:
        blocks.append(Para(line=("Nothing was measured.",)))
    if names := _told(runs):
        blocks.append(Fold(line=("What these measures say",), blocks=(_explained(names),)))
    return Section(name="measures", title="Measures", blocks=tuple(blocks))


def _told(runs: Sequence[Run]) -> list[str]:
    """Return the measures that tables show, costs apart."""
    unseen = _hidden(runs)[0] | set(_empty(runs))
    return [n for n in measure_names(runs) if n not in unseen and group_of(n) != "cost"]


def _empty(runs: Sequence[Run]) -> list[str]:
    """Return the measures that have no value in any run, costs apart."""
    known = {
        name for run in runs for name, total in run.scores.totals.items() if total.value is not None
    }
    return [n for n in measure_names(runs) if n not in known and group_of(n) != "cost"]


def measure_tables(
    dataset: Dataset, runs: Sequence[Run], compared: Sequence[Mapping[str, Comparison]]
) -> Iterator[Block]:
    """Give a table for each group of measures that was asked for, costs apart.

    :param dataset: The dataset.
    :param runs: The runs.
    :param compared: For each run but the first, its comparison with the first by measure.
    :yield: Tables, and notes that belong to them.
    """
    if any(compared):
        yield _legend(runs[0])
    hidden, why = _hidden(runs)
    told = _told(runs)
    for groups, title in _TITLES.items():
        shown = _of(groups, told)
        if shown:
            yield _Writer(dataset, runs, compared).table(title, shown)
        if hidden and "citation" in groups:
            yield Para(line=why, kind="note")
    if empty := _empty(runs):
        names = Foreign(", ".join(clip(name, NAME_CHARS) for name in empty))
        yield Para(line=("Without a value, as no question could be judged by them: ", names, "."))


def _of(groups: tuple[Group, ...], names: Sequence[str]) -> list[str]:
    """Return the measures of a table; where it has citations, their company comes first."""
    found = [name for name in names if group_of(name) in groups]
    if all(group_of(name) != "citation" for name in found):
        return found
    beside = [name for name in names if name in company()]
    return [*beside, *(name for name in found if name not in beside)]


def measure_names(runs: Sequence[Run]) -> list[str]:
    """Return the measures of all runs.

    :param runs: The runs.
    :return: Their names, each once, in the order asked for.
    """
    return list(dict.fromkeys(name for run in runs for name in run.scores.totals))


def shown_names(run: Run) -> list[str]:
    """Return the measures of single questions that may be shown.

    :param run: A run.
    :return: Their names; those of citations only where they have their company.
    """
    hidden, _ = _hidden((run,))
    return [name for name in run.scores.per_question if name not in hidden]


def compared(runs: Sequence[Run], comparisons: Sequence[Sequence[Comparison]]) -> Section | None:
    """Return every run beside the first, measure by measure.

    :param runs: The runs.
    :param comparisons: Of the first run with each other one, in order.
    :return: A section; None where nothing was compared.
    """
    hidden, _ = _hidden(runs)
    tables = [
        _comparison(runs[0], run, [each for each in found if _is_told(each, hidden)])
        for run, found in zip(runs[1:], comparisons, strict=False)
        if found
    ]
    if not tables:
        return None
    blocks: tuple[Block, ...] = (_legend(runs[0]), *tables)
    return Section(name="comparison", title="Comparison with the first system", blocks=blocks)


class _Writer:
    """Writes one table; numbers its footnotes in the order in which cells need them."""

    def __init__(
        self, dataset: Dataset, runs: Sequence[Run], compared: Sequence[Mapping[str, Comparison]]
    ) -> None:
        self._questions = len(dataset.questions)
        self._runs = runs
        self._compared = ({}, *compared)
        self._notes: dict[str, int] = {}

    def table(self, title: str, names: Sequence[str]) -> Table:
        silent = [run for run in self._runs if not _has_value(run, names)]
        rows = [
            ((named(run.system),), *self._row(n, names))
            for n, run in enumerate(self._runs)
            if run not in silent
        ]
        notes: list[Line] = [(f"{_mark(n)} {text}",) for text, n in self._notes.items()]
        if silent:
            who = ", ".join(clip(run.system, NAME_CHARS) for run in silent)
            notes.append(("Nothing that these measures judge is given by ", Foreign(who), "."))
        return Table(
            caption=title,
            columns=(
                Column(line=("System",), is_number=False),
                *(Column(line=(Term(clip(name, NAME_CHARS)),)) for name in names),
            ),
            rows=tuple(rows),
            notes=tuple(notes),
        )

    def _row(self, n: int, names: Sequence[str]) -> Iterator[Line]:
        against = self._compared[n] if n < len(self._compared) else {}
        run = self._runs[n]
        for name in names:
            total = run.scores.totals.get(name)
            if total is None or total.value is None:
                yield (MISSING,)
            elif judges_rows(name):
                yield self._cell(total, _counted(total, len(run.rows), "row"), against.get(name))
            else:
                note = _counted(total, self._questions, "question")
                yield self._cell(total, note, against.get(name))

    def _cell(self, total: Total, note: str, against: Comparison | None) -> Line:
        mark = f"{_JOIN}{_mark(self._notes.setdefault(note, len(self._notes) + 1))}" if note else ""
        value = f"{number(total.value)}{mark}"
        if against is None:
            return (value,)
        star = f"{_JOIN}*" if against.p_value < ALPHA else ""
        return (value, Small(f" ({signed(against.difference)}{star} {_interval(against)})"))


def _mark(number_of_note: int) -> str:
    return f"[{number_of_note}]"


def _has_value(run: Run, names: Sequence[str]) -> bool:
    totals = run.scores.totals
    return any(name in totals and totals[name].value is not None for name in names)


def _counted(total: Total, asked: int, what: str) -> str:
    """Return what a value is made of, where that is not simply all that was asked."""
    parts = []
    if total.count != asked or total.left_out:
        parts.append(f"over {plural(total.count, what)}")
    if total.left_out:
        parts.append(f"left out: {total.left_out:,} with nothing to judge")
    if total.failed:
        parts.append(f"failed: {total.failed:,}, counted with the measure's default")
    return "; ".join(parts)


def _legend(first: Run) -> Para:
    return Para(
        line=(
            "In parentheses: the difference to ", named(first.system),
            ", with its 95 % interval (paired bootstrap). * marks p < 0.05 in a paired "
            "randomisation test, two-sided, not corrected for the number of comparisons. Interval "
            "and test are computed separately, so they may disagree where a difference is on the "
            "edge.",
        ),
        kind="quiet",
    )  # fmt: skip


def _hidden(runs: Sequence[Run]) -> tuple[frozenset[str], Line]:
    """Return the measures that stand without their company in some run, and why they are hidden."""
    missing: dict[str, None] = {}
    for run in runs:
        missing |= dict.fromkeys(missing_company(run.scores.totals))
    if not missing:
        return frozenset(), ()
    hidden = [name for name in measure_names(runs) if group_of(name) == "citation"]
    line: Line = (
        "Not shown: ", Foreign(", ".join(hidden)),
        ". Copying the best chunk games measures of citations, so they are shown only beside "
        "correctness and coverage, and a run here has no value of ",
        Foreign(", ".join(missing)), ".",
    )  # fmt: skip
    return frozenset(hidden), line


def _explained(names: Sequence[str]) -> Items:
    lines = []
    for name in names:
        facts = describe(name)
        if facts is not None:
            better = "" if facts.higher_is_better else " Lower is better."
            words = f": {facts.title}. {facts.formula}.{better}"
            lines.append((Strong(name), words))
    return Items(lines=tuple(lines))


def _comparison(first: Run, second: Run, found: Sequence[Comparison]) -> Table:
    heads = ("Difference", "95 % interval", "p", "Won", "Lost", "Tied")
    return Table(
        caption=f"{second.system} against {first.system}",
        columns=(
            Column(line=("Measure",), is_number=False),
            Column(line=(named(first.system),)),
            Column(line=(named(second.system),)),
            *(Column(line=(head,)) for head in heads),
        ),
        rows=tuple(tuple(_compared_row(each)) for each in found),
        notes=(
            ("Means are over the questions that both were judged on. Won and lost count the "
             "questions on which the second is better and worse.",),
        ),
    )  # fmt: skip


def _compared_row(each: Comparison) -> Iterator[Line]:
    star = " *" if each.p_value < ALPHA else ""
    yield (named(each.measure),)
    yield (number(each.first),)
    yield (number(each.second),)
    yield (f"{signed(each.difference)}{star}",)
    yield (_interval(each),)
    yield (f"< {number(_LEAST_P)}" if each.p_value < _LEAST_P else number(each.p_value),)
    yield from ((f"{count:,}",) for count in (len(each.won), len(each.lost), each.tied))


def _is_told(each: Comparison, hidden: frozenset[str]) -> bool:
    """Say whether a comparison is shown: not that neither system used a language model."""
    is_nothing = group_of(each.measure) == "cost" and not (each.first or each.second)
    return each.measure not in hidden and not is_nothing


def _interval(each: Comparison) -> str:
    return f"[{signed(each.low)}, {signed(each.high)}]"
