"""The questions to look at first: where the first system did worst, with gold beside what it gave.

In: a dataset and runs. Out: sections on the worst questions, on what was answered though nothing
there answers it, on failures, and on questions won and lost. Invariant: a question is judged by
the same measures that the tables show; nothing new is computed here but an order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ragqa.evaluate.records import Comparison, Dataset, GoldQuestion, Row, Run
from ragqa.evaluate.report.beside import (
    LINE_CHARS,
    TEXT_CHARS,
    gist,
    given_side,
    gold_side,
)
from ragqa.evaluate.report.blocks import (
    MISSING,
    Block,
    Column,
    Fold,
    Foreign,
    Inline,
    Items,
    Line,
    Para,
    Section,
    Side,
    Sides,
    Strong,
    Table,
    clip,
    named,
    number,
    plural,
)
from ragqa.evaluate.report.catalogue import headlines, tells_of_answers
from ragqa.evaluate.report.tables import shown_names

__all__ = ["changes", "failures", "worst", "worst_places"]

_SHOWN_FAILURES = 100  # of a system: more have the same few causes; all are in the run's rows
_SHOWN_CHANGES = 50  # of a comparison, either way, in dataset order
_SHOWN_ANSWERED = 20  # of what was answered wrongly, the surest first


def worst(dataset: Dataset, runs: Sequence[Run], *, count: int) -> Section:
    """Return the worst questions of the first system, gold and retrieved side by side.

    :param dataset: The dataset.
    :param runs: The runs; the first is looked at, and the others say where it lost.
    :param count: How many questions are shown.
    :return: A section; it says so where nothing went wrong.
    """
    places = worst_places(dataset, runs, count=count)
    names = headlines(runs[0].scores.per_question) if runs else []
    if not places:
        said = "No question was judged as missed." if runs else "No system was run."
        blocks: tuple[Block, ...] = (Para(line=(said,)),)
    else:
        blocks = (_how(runs, names), *(_Shower(dataset, runs).show(place) for place in places))
    if runs:
        blocks = (*blocks, *_answered(dataset, runs[0]))
    return Section(name="worst", title="Worst questions", blocks=blocks)


def worst_places(dataset: Dataset, runs: Sequence[Run], *, count: int) -> list[int]:
    """Return where in the dataset the first system's worst questions stand.

    :param dataset: The dataset.
    :param runs: The runs.
    :param count: How many at most.
    :return: Numbers of the run's questions, from 0: those on which it loses most to another system
        first, then those on which it is worst; none on which nothing is missing, and none that
        should not be answered, as abstention has a table of its own.
    """
    if not runs:
        return []
    names = headlines(runs[0].scores.per_question)
    found = []
    answerable = {q.question_id for q in dataset.questions if q.answerable}
    for place, question in enumerate(runs[0].scores.question_ids):
        value = _mean(_values(runs[0], names, place).values())
        if question in answerable and value is not None and value < 1:
            loss = max((_loss(runs[0], run, names, place) for run in runs[1:]), default=0.0)
            found.append((-round(max(loss, 0.0), 9), round(value, 9), place))
    return [place for _, _, place in sorted(found)[:count]]


def failures(dataset: Dataset, runs: Sequence[Run]) -> Section | None:
    """Return the questions that failed, with their errors.

    :param dataset: The dataset.
    :param runs: The runs.
    :return: A section; None where nothing failed.
    """
    blocks = tuple(block for run in runs for block in _failed(dataset, run))
    return Section(name="failures", title="Failed questions", blocks=blocks) if blocks else None


def changes(
    dataset: Dataset, runs: Sequence[Run], comparisons: Sequence[Sequence[Comparison]]
) -> Section | None:
    """Return the questions that each system won and lost against the first, and how each went.

    :param dataset: The dataset.
    :param runs: The runs.
    :param comparisons: Of the first run with each other one, in order.
    :return: A section; None where nothing was won or lost.
    """
    names = headlines(runs[0].scores.per_question) if runs else []
    blocks = tuple(
        block
        for run, found in zip(runs[1:], comparisons, strict=False)
        for each in found
        if each.measure in names
        for block in _Changes(dataset, runs[0], run, each).blocks()
    )
    if not blocks:
        return None
    return Section(name="changes", title="Questions won and lost", blocks=blocks)


class _Changes:
    """Shows the questions that one comparison decided."""

    def __init__(self, dataset: Dataset, first: Run, second: Run, found: Comparison) -> None:
        self._questions = {question.question_id: question for question in dataset.questions}
        self._runs = (first, second)
        self._rows = (_as_is(first), _as_is(second))
        self._found = found

    def blocks(self) -> Iterator[Block]:
        first, second = (run.system for run in self._runs)
        for verb, ids in (("won", self._found.won), ("lost", self._found.lost)):
            if not ids:
                continue
            said = (
                Foreign(second), f" {verb} {plural(len(ids), 'question')} against ",
                Foreign(first), " by ", Foreign(self._found.measure),
            )  # fmt: skip
            rest = len(ids) - _SHOWN_CHANGES
            more = (Para(line=(f"And {rest:,} more.",)),) if rest > 0 else ()
            yield Fold(line=said, blocks=(self._table(verb, ids[:_SHOWN_CHANGES]), *more))

    def _table(self, verb: str, ids: Sequence[str]) -> Table:
        systems = [named(run.system) for run in self._runs]
        heads: tuple[Inline, ...] = ("Place", "Question", *systems)
        known = [self._questions[each] for each in ids if each in self._questions]
        rows = [
            (
                (Foreign(str(question.place)),),
                (Foreign(clip(question.text, LINE_CHARS)),),
                *(self._went(question, n) for n in (0, 1)),
            )
            for question in known
        ]
        return _texts(f"Questions {verb} by {self._found.measure}", heads, rows)

    def _went(self, question: GoldQuestion, n: int) -> Line:
        scores = self._runs[n].scores
        values = scores.per_question.get(self._found.measure, ())
        value = dict(zip(scores.question_ids, values, strict=False)).get(question.question_id)
        row = self._rows[n].get(question.question_id)
        return (number(value), ": ", Foreign(gist(question, row)))


def _how(runs: Sequence[Run], names: Sequence[str]) -> Para:
    order = "with the largest loss against another system first, then " if len(runs) > 1 else ""
    return Para(
        line=(
            "Of ", named(runs[0].system), f": {order}by the mean of ",
            Foreign(", ".join(names)), " on the question as it is, lowest first.",
        ),
        kind="quiet",
    )  # fmt: skip


class _Shower:
    """Shows questions with all that is needed to see what went wrong."""

    def __init__(self, dataset: Dataset, runs: Sequence[Run]) -> None:
        self._runs = runs
        self._questions = {question.question_id: question for question in dataset.questions}
        self._rows = [_as_is(run) for run in runs]

    def show(self, place: int) -> Fold:
        first = self._runs[0]
        key = first.scores.question_ids[place]
        question = self._questions[key]
        rival = self._rival(place)
        shown = [0] if rival is None else [0, rival]
        said: Line = (Foreign(str(question.place)), ": ", Strong(clip(question.text, LINE_CHARS)))
        blocks = (
            Items(lines=tuple(self._facts(question, place))),
            Sides(sides=(gold_side(question), *(self._given(question, n) for n in shown))),
        )
        return Fold(line=said, blocks=blocks)

    def _rival(self, place: int) -> int | None:
        """Return the system that does best where the first does worse, if one does."""
        names = headlines(self._runs[0].scores.per_question)
        losses = [
            (_loss(self._runs[0], run, names, place), -n) for n, run in enumerate(self._runs[1:], 1)
        ]
        loss, n = max(losses, default=(0.0, 0))
        return -n if loss > 0 else None

    def _facts(self, question: GoldQuestion, place: int) -> Iterator[Line]:
        yield ("Question ", named(question.question_id))
        if not question.answerable:
            yield ("The dataset says that its papers do not answer it.",)
        for label, texts in (("Gold answers: ", question.answers), ("Choices: ", question.choices)):
            if texts:
                joined = "; ".join(clip(text, LINE_CHARS) for text in texts)
                yield (label, Foreign(clip(joined, TEXT_CHARS)))
        for n, run in enumerate(self._runs):
            row = self._rows[n].get(question.question_id)
            went: Line = (named(run.system), ": ", Foreign(gist(question, row)))
            yield went if row is None or row.response is None else (*went, *_missed(run, place))

    def _given(self, question: GoldQuestion, n: int) -> Side:
        row = self._rows[n].get(question.question_id)
        return given_side(question, row, system=self._runs[n].system)


def _missed(run: Run, place: int) -> Iterator[Inline]:
    """Say by which measures that tables show, too, a question is not perfect."""
    values = _values(run, [name for name in shown_names(run) if tells_of_answers(name)], place)
    known = {name: value for name, value in values.items() if value is not None}
    missed = [f"{name} {number(value)}" for name, value in known.items() if value < 1]
    if missed:
        yield from (". ", Strong("Missed: "), Foreign(", ".join(missed)))
    elif known:
        yield ". Nothing was missed"


def _answered(dataset: Dataset, run: Run) -> Iterator[Block]:
    """Give what was answered though nothing that was there answers it, the surest first."""
    questions = {question.question_id: question for question in dataset.questions}
    found = [
        (questions[row.question_id], row, row.response)
        for row in run.rows
        if row.response is not None
        and row.response.abstained is False
        and row.question_id in questions
        and (row.view == "gold-removed" or not questions[row.question_id].answerable)
    ]
    if not found:
        return
    found.sort(key=lambda each: -(each[2].confidence or 0.0))  # else in dataset order: it is stable
    rows = [
        (
            (Foreign(str(question.place)),),
            (Foreign(clip(question.text, LINE_CHARS)),),
            ("gold papers removed" if row.view == "gold-removed" else "unanswerable",),
            (MISSING if response.confidence is None else number(response.confidence),),
            (Foreign(clip(" ".join(s.text for s in response.statements or ()), LINE_CHARS)),),
        )
        for question, row, response in found[:_SHOWN_ANSWERED]
    ]
    yield _texts(
        f"Answered by {run.system} though nothing there answers: {len(found):,} in all",
        ("Place", "Question", "Asked", "Confidence", "Answer"),
        rows,
    )


def _failed(dataset: Dataset, run: Run) -> Iterator[Block]:
    places = {question.question_id: str(question.place) for question in dataset.questions}
    failed = [row for row in run.rows if row.response is None]
    if not failed:
        return
    rows = [
        (
            (Foreign(places.get(row.question_id, MISSING)),),
            (named(row.question_id),),
            (row.view,),
            (Foreign(clip(row.error or "no reason given", LINE_CHARS)),),
        )
        for row in failed[:_SHOWN_FAILURES]
    ]
    yield _texts(
        f"{run.system}: {len(failed):,} failed", ("Place", "Question", "Asked", "Error"), rows
    )
    if len(failed) > _SHOWN_FAILURES:
        yield Para(line=(f"And {len(failed) - _SHOWN_FAILURES:,} more.",))


def _texts(caption: str, heads: Sequence[Inline], rows: Sequence[tuple[Line, ...]]) -> Table:
    columns = tuple(Column(line=(head,), is_number=False) for head in heads)
    return Table(caption=caption, columns=columns, rows=tuple(rows))


def _as_is(run: Run) -> Mapping[str, Row]:
    return {row.question_id: row for row in run.rows if row.view == "as-is"}


def _values(run: Run, names: Sequence[str], place: int) -> dict[str, float | None]:
    found = run.scores.per_question
    return {name: found[name][place] for name in names if name in found}


def _loss(first: Run, other: Run, names: Sequence[str], place: int) -> float:
    """Return by how much another system is better on a question, by the mean of measures."""
    mine, theirs = _values(first, names, place), _values(other, names, place)
    differences = [
        their - mine_value
        for name, mine_value in mine.items()
        if mine_value is not None and (their := theirs.get(name)) is not None
    ]
    return sum(differences) / len(differences) if differences else 0.0


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
