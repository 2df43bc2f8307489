"""Reports: a dataset, runs and comparisons -> Markdown and one self-contained HTML page.

In: what the harness gives. Out: ``report.md`` and ``report.html``, or tables for a terminal.
Invariants: all that differs when a run is repeated stands in the last section, "Cost", so that
everything before it is the same bytes; a measure has three decimals, a latency is in milliseconds
and memory in MB of 10^6 bytes; no text of a dataset, a system or a run becomes markup.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ragqa._files import atomic_writer
from ragqa.evaluate.progress import unwritable
from ragqa.evaluate.records import Comparison, Dataset, Run
from ragqa.evaluate.report.blocks import Section

if TYPE_CHECKING:
    from ragqa.evaluate.judge import Verdict

__all__ = ["HTML", "MARKDOWN", "WORST", "summary_table", "to_html", "to_markdown", "write_report"]

MARKDOWN, HTML = "report.md", "report.html"
"""Names of a report's two forms in its folder."""

WORST = 20
"""How many of the worst questions are shown unless told otherwise."""

_Comparisons = Sequence[Sequence[Comparison]]
_Verdicts = Sequence[Sequence["Verdict"]]


def write_report(
    folder: Path,
    dataset: Dataset,
    runs: Sequence[Run],
    comparisons: _Comparisons = (),
    *,
    verdicts: _Verdicts = (),
    worst: int = WORST,
) -> tuple[Path, Path]:
    """Write a report in both forms.

    :param folder: Where; made if needed. An earlier report in it is replaced.
    :param dataset: The dataset.
    :param runs: Runs of it; the others are told beside the first.
    :param comparisons: Of the first run with each other one, in order.
    :param verdicts: Of a language model on each run, in order, where it was asked.
    :param worst: How many of the worst questions are shown.
    :return: The Markdown and the HTML file.
    :raises EvaluationError: The folder cannot be written.
    """
    sections = _sections(dataset, runs, comparisons, verdicts, worst)
    from ragqa.evaluate.report.markdown import write_markdown
    from ragqa.evaluate.report.page import write_page

    title = _title(dataset)
    paths = folder / MARKDOWN, folder / HTML
    texts = write_markdown(title, sections), write_page(title, sections)
    try:
        for path, text in zip(paths, texts, strict=True):
            with atomic_writer(path) as file:
                file.write(text.encode("utf-8"))
    except OSError as error:
        raise unwritable(folder, error, "report") from error
    return paths


def to_markdown(
    dataset: Dataset,
    runs: Sequence[Run],
    comparisons: _Comparisons = (),
    *,
    verdicts: _Verdicts = (),
    worst: int = WORST,
) -> str:
    """Return a report as Markdown.

    :param dataset: The dataset.
    :param runs: Runs of it; the others are told beside the first.
    :param comparisons: Of the first run with each other one, in order.
    :param verdicts: Of a language model on each run, in order, where it was asked.
    :param worst: How many of the worst questions are shown.
    :return: Text that ends with a line feed; it can be encoded as UTF-8.
    """
    from ragqa.evaluate.report.markdown import write_markdown

    return write_markdown(_title(dataset), _sections(dataset, runs, comparisons, verdicts, worst))


def to_html(
    dataset: Dataset,
    runs: Sequence[Run],
    comparisons: _Comparisons = (),
    *,
    verdicts: _Verdicts = (),
    worst: int = WORST,
) -> str:
    """Return a report as one self-contained HTML file.

    :param dataset: The dataset.
    :param runs: Runs of it; the others are told beside the first.
    :param comparisons: Of the first run with each other one, in order.
    :param verdicts: Of a language model on each run, in order, where it was asked.
    :param worst: How many of the worst questions are shown.
    :return: A whole page that ends with a line feed; it can be encoded as UTF-8.
    """
    from ragqa.evaluate.report.page import write_page

    return write_page(_title(dataset), _sections(dataset, runs, comparisons, verdicts, worst))


def summary_table(dataset: Dataset, runs: Sequence[Run], comparisons: _Comparisons = ()) -> str:
    """Return the tables of a report alone, for a terminal.

    :param dataset: The dataset.
    :param runs: Runs of it; the others are told beside the first.
    :param comparisons: Of the first run with each other one, in order.
    :return: Markdown that ends with a line feed.
    """
    from ragqa.evaluate.report.cost import time_table
    from ragqa.evaluate.report.markdown import write_markdown
    from ragqa.evaluate.report.tables import measure_tables

    blocks = tuple(measure_tables(dataset, runs, _by_measure(comparisons)))
    times = (time_table(runs),) if runs else ()
    section = Section(name="measures", title="Measures", blocks=(*blocks, *times))
    return write_markdown(_title(dataset), [section])


def _title(dataset: Dataset) -> str:
    return f"Evaluation on {dataset.name}"


def _sections(
    dataset: Dataset,
    runs: Sequence[Run],
    comparisons: _Comparisons,
    verdicts: _Verdicts,
    worst: int,
) -> list[Section]:
    from ragqa.evaluate.report.cost import cost
    from ragqa.evaluate.report.curves import curves
    from ragqa.evaluate.report.head import overview, problems
    from ragqa.evaluate.report.judged import judged
    from ragqa.evaluate.report.tables import compared, measured
    from ragqa.evaluate.report.worst import changes, failures
    from ragqa.evaluate.report.worst import worst as worst_questions

    sections = (
        overview(dataset, runs),
        measured(dataset, runs, _by_measure(comparisons)),
        compared(runs, comparisons),
        curves(dataset, runs),
        worst_questions(dataset, runs, count=worst),
        changes(dataset, runs, comparisons),
        failures(dataset, runs),
        problems(dataset),
        judged(dataset, runs, verdicts) if verdicts else None,
        cost(runs),
    )
    return [section for section in sections if section is not None]


def _by_measure(comparisons: _Comparisons) -> list[Mapping[str, Comparison]]:
    return [{each.measure: each for each in found} for found in comparisons]
