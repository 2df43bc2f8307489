"""A run as a folder: ``run.json``, ``rows.jsonl``, ``timings.json``.

In: a `Run`. Out: the folder, and the `Run` again. Everything that differs when a run is repeated
(seconds, memory, the time of day, and the measures made of them) stands in ``timings.json``; the
other two files are then the same bytes, as they hold no clock, no path, and rows in the order of
the dataset. ``run.json`` is written last and holds the hash of ``rows.jsonl``: where it is there,
the run is whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ragqa._files import atomic_writer, read_json, sha256_bytes, write_json
from ragqa.errors import EvaluationError
from ragqa.evaluate.about import SCHEMA
from ragqa.evaluate.coding import canonical, plain, row_from_dict, row_to_dict
from ragqa.evaluate.progress import unwritable
from ragqa.evaluate.records import Row, Run, Scores, Timing, Total

__all__ = [
    "folder_name",
    "is_timed",
    "read_run",
    "set_aside",
    "started_of",
    "with_scores",
    "write_run",
]

TIMINGS_SCHEMA = "ragqa/timings/1"
RUN, ROWS, TIMINGS = "run.json", "rows.jsonl", "timings.json"
BEFORE = "before"
VERDICTS = "verdicts.jsonl"
"""Of a judge, where one was asked for."""

_FAMILY = "ragqa/run/"
_REPEAT = "Run `ragqa evaluate` with --again, or name another folder"
MAX_NAME = 80
"""Characters of a folder's name."""

_UNSAFE = re.compile(r"[^\w.+-]+")  # in a folder's name


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What ``timings.json`` holds."""

    timing: Timing | None = None
    measures: Mapping[str, Total] = field(default_factory=dict)


def with_scores(
    about: Mapping[str, Any], rows: Sequence[Row], scores: Scores, better: Mapping[str, bool]
) -> dict[str, Any]:
    """Return what ``run.json`` says once all is measured.

    :param about: What was known before.
    :param rows: The rows.
    :param scores: What was made of them.
    :param better: For each measure, whether higher is better.
    :return: The whole of ``run.json``; the totals of timed measures are not in it.
    """
    data = _rows_bytes(rows, scores)
    failed = sum(row.error is not None for row in rows)
    return {
        **about,
        "measures": [
            {
                "name": name,
                "higher_is_better": better.get(name, True),
                "per_question": name in scores.per_question,
                **({"timed": True} if is_timed(name) else asdict(total)),
            }
            for name, total in scores.totals.items()
        ],
        "rows": {"count": len(rows), "failed": failed, "sha256": sha256_bytes(data)},
    }


def is_timed(measure: str) -> bool:
    """Say whether a measure is made of the clock or of memory, and so differs each time.

    :param measure: Its name.
    :return: True for those that ``run.json`` does not hold.
    """
    return measure.startswith(("Latency", "Throughput", "PeakMemory", "Prepare"))


def write_run(folder: Path, run: Run, *, started: str = "") -> None:
    """Write a run's folder.

    :param folder: Where; made if needed. An earlier run in it is replaced.
    :param run: The run, with all of ``run.json`` in its `about`.
    :param started: When it started, ISO 8601; empty where it is not known.
    :raises EvaluationError: The folder cannot be written.
    """
    totals = run.scores.totals.items()
    timed = [{"name": name, **asdict(total)} for name, total in totals if is_timed(name)]
    timing = None if run.timing is None else plain(asdict(run.timing))
    try:
        (folder / RUN).unlink(missing_ok=True)  # until all is there, nothing is
        with atomic_writer(folder / ROWS) as file:
            file.write(_rows_bytes(run.rows, run.scores))
        write_json(
            folder / TIMINGS,
            {
                "schema": TIMINGS_SCHEMA,
                "started": started,
                "timing": timing,
                "measures": timed,
            },
        )
        with atomic_writer(folder / RUN) as file:
            text = json.dumps(run.about, ensure_ascii=False, indent=1, sort_keys=True)
            file.write(text.encode(errors="backslashreplace") + b"\n")
    except OSError as error:
        raise unwritable(folder, error) from error


def set_aside(folder: Path) -> Path:
    """Move a whole run to where the one before it is kept; what was kept there goes.

    :param folder: The run's folder.
    :return: ``before/NAME`` beside it.
    :raises EvaluationError: A folder cannot be written.
    """
    kept = folder.parent / BEFORE / folder.name
    try:
        kept.mkdir(parents=True, exist_ok=True)
        (kept / RUN).unlink(missing_ok=True)
        for name in (
            VERDICTS,
            TIMINGS,
            ROWS,
            RUN,
        ):  # the run is whole there when it is here no more
            if (folder / name).exists():
                (folder / name).replace(kept / name)
            else:
                (kept / name).unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(kept, error) from error
    return kept


def folder_name(name: str, *, default: str, most: int = MAX_NAME) -> str:
    """Return a name as far as a file system takes it.

    :param name: Any name.
    :param default: What is taken where nothing of it is left.
    :param most: Characters that it has at most.
    :return: Letters, digits and ``_.+-``, neither ``.`` nor ``-`` at its ends.
    """
    return _UNSAFE.sub("-", name).strip("-.")[:most].rstrip("-.") or default


def started_of(folder: Path) -> str:
    """Return when the run in a folder started.

    :param folder: The run's folder.
    :return: ISO 8601; empty where it is not known.
    """
    try:
        return str(read_json(folder / TIMINGS)["started"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _rows_bytes(rows: Sequence[Row], scores: Scores) -> bytes:
    """Return ``rows.jsonl``: a row's own measures stand in it, as those of as-is rows do."""
    place = {question: number for number, question in enumerate(scores.question_ids)}
    lines = []
    for row in rows:
        value = row_to_dict(row)
        number = place.get(row.question_id)
        if row.view == "as-is" and number is not None:
            value["measures"] = {
                name: values[number] for name, values in scores.per_question.items()
            }
        lines.append(canonical(value) + "\n")
    return "".join(lines).encode(errors="backslashreplace")


def read_run(folder: str | Path) -> Run:
    """Read a run's folder.

    :param folder: The folder.
    :return: The run; without timing where ``timings.json`` was taken away.
    :raises EvaluationError: There is no whole run in it, it is damaged, or a newer ragqa wrote it.
    """
    folder = Path(folder)
    about = _about(folder)
    try:
        data = (folder / ROWS).read_bytes()
    except OSError as error:
        raise _damaged(folder / ROWS, str(error.strerror)) from error
    rows, measured = _read_rows(folder / ROWS, data)
    kept = _read_timings(folder / TIMINGS)
    try:
        if sha256_bytes(data) != about["rows"]["sha256"]:
            raise _damaged(folder / ROWS, "it is not what the run wrote")
        scores = _scores(about["measures"], rows, measured, kept.measures)
        name = about["system"]["name"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(folder / RUN, f"{type(error).__name__}: {error}") from error
    return Run(system=name, about=about, rows=rows, scores=scores, timing=kept.timing)


def _damaged(path: Path, why: str) -> EvaluationError:
    return EvaluationError(f"the run is damaged ({why})", item=path, hint=_REPEAT)


def _about(folder: Path) -> dict[str, Any]:
    path = folder / RUN
    try:
        about = read_json(path)
    except FileNotFoundError as error:
        raise EvaluationError(
            "there is no whole run", item=folder, hint="Name a folder that holds a run.json"
        ) from error
    except OSError as error:
        raise EvaluationError(
            f"the run cannot be read ({error.strerror})", item=path, hint=_REPEAT
        ) from error
    except ValueError as error:
        raise _damaged(path, "it is no JSON") from error
    schema = about.get("schema") if isinstance(about, dict) else None
    if schema == SCHEMA:
        return dict(about)
    if isinstance(schema, str) and schema.startswith(_FAMILY):
        raise EvaluationError(
            "another version of ragqa wrote this run", item=f"{path} ({schema})", hint=_REPEAT
        )
    raise EvaluationError("this is no run of ragqa's", item=path, hint=_REPEAT)


def _read_rows(path: Path, data: bytes) -> tuple[tuple[Row, ...], list[Mapping[str, Any]]]:
    rows, measured = [], []
    for number, line in enumerate(data.split(b"\n")[:-1], start=1):
        try:
            value = json.loads(line)
            rows.append(row_from_dict(value))
            measured.append(value.get("measures", {}))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _damaged(path, f"line {number}: {type(error).__name__}: {error}") from error
    return tuple(rows), measured


def _scores(
    measures: Sequence[Mapping[str, Any]],
    rows: Sequence[Row],
    measured: Sequence[Mapping[str, float | None]],
    timed: Mapping[str, Total],
) -> Scores:
    pairs = zip(rows, measured, strict=True)
    asked = [(row.question_id, values) for row, values in pairs if row.view == "as-is"]
    totals = {}
    for each in measures:
        known = {key: each[key] for key in ("value", "count", "failed", "left_out") if key in each}
        given = Total(**known) if "count" in known else Total(value=None, count=0)
        totals[each["name"]] = timed.get(each["name"], given)
    return Scores(
        question_ids=tuple(question for question, _ in asked),
        per_question={
            each["name"]: tuple(values[each["name"]] for _, values in asked)
            for each in measures
            if each["per_question"]
        },
        totals=totals,
    )


def _read_timings(path: Path) -> _Kept:
    try:
        value = read_json(path)
        if value["schema"] != TIMINGS_SCHEMA:
            raise ValueError(f"its schema is {value['schema']!r}")
        timing = value["timing"]
        totals = {
            each["name"]: Total(**{key: each[key] for key in each if key != "name"})
            for each in value["measures"]
        }
        if timing is not None:
            timing = Timing(**{**timing, "seconds": tuple(timing["seconds"])})
    except FileNotFoundError:
        return _Kept()
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error
    return _Kept(timing=timing, measures=totals)
