"""A judge's verdicts: records, their file, and what they come to.

In: verdicts as they come. Out: a ``verdicts.jsonl`` of them, and a `JudgeSummary`. Invariants: a
file only grows; what a kill cut in half at its end is dropped; a verdict is taken over only for
the same question, answer, gold, prompt and model; nothing is dropped from a count.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import IO, Any, Literal, Self, get_args

from ragqa.errors import EvaluationError
from ragqa.evaluate.records import Dataset, View

__all__ = [
    "JudgeSummary",
    "Mark",
    "Verdict",
    "VerdictFile",
    "read_verdicts",
    "summarise",
    "verdict_from_dict",
    "verdict_to_dict",
]

Mark = Literal["correct", "partly", "wrong", "abstained", "no-answer", "unreadable", "failed"]
"""A verdict in a word.

`correct`, `partly`, `wrong`: the model's. `abstained`: the system declined, and `no-answer`: the
system failed; neither is sent to the model. `unreadable`: the model's reply holds no one verdict.
`failed`: the model gave no reply.
"""

_SHOWN = 80  # characters of a wrong value in an error
_FROM_MODEL = frozenset({"correct", "partly", "wrong", "unreadable"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a model said about one answer.

    :ivar question_id: The question.
    :ivar view: How it was asked.
    :ivar mark: The verdict.
    :ivar model: The model's name.
    :ivar prompt_version: Which prompt it was given.
    :ivar sha256: Hash of all that it was given: question, gold, answer and prompt; hex.
    :ivar reply: Its reply, word for word; empty where there is none.
    :ivar error: What failed, as the error's type and HTTP status; never its text, which may hold a
        key. None where nothing did.
    :ivar prompt_tokens: Tokens sent, where the model says so.
    :ivar completion_tokens: Tokens it wrote.
    """

    question_id: str
    view: View
    mark: Mark
    model: str
    prompt_version: str
    sha256: str
    reply: str = ""
    error: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSummary:
    """What all verdicts of one model over one run come to.

    :ivar model: The model's name; None without verdicts.
    :ivar prompt_version: Which prompt it was given; None without verdicts.
    :ivar counts: How many verdicts there are of each mark, all marks included.
    :ivar total: How many verdicts there are.
    :ivar left_out: Questions that were not judged: unanswerable, without gold, or not answered at
        all by a system that only retrieves.
    :ivar low: Share of `correct` among all verdicts, if none that is missing were correct; None
        without verdicts.
    :ivar high: The same if every `unreadable` and `failed` one were correct.
    :ivar prompt_tokens: Tokens sent.
    :ivar completion_tokens: Tokens written.
    """

    model: str | None
    prompt_version: str | None
    counts: Mapping[Mark, int]
    total: int
    left_out: int
    low: float | None
    high: float | None
    prompt_tokens: int
    completion_tokens: int


def summarise(dataset: Dataset, verdicts: Sequence[Verdict]) -> JudgeSummary:
    """Count verdicts.

    :param dataset: The dataset.
    :param verdicts: The verdicts of one model over one run.
    :return: The counts, and between what bounds the share of correct answers lies.
    :raises EvaluationError: They are of two models or two prompts.
    """
    makers = {(verdict.model, verdict.prompt_version) for verdict in verdicts}
    if len(makers) > 1:
        raise EvaluationError(
            "verdicts of several models or prompts cannot be counted together", item=sorted(makers)
        )
    model, prompt_version = next(iter(makers), (None, None))
    found = Counter(verdict.mark for verdict in verdicts)
    total, judged = len(verdicts), {verdict.question_id for verdict in verdicts}
    unknown = found["unreadable"] + found["failed"]
    return JudgeSummary(
        model=model,
        prompt_version=prompt_version,
        counts={mark: found[mark] for mark in get_args(Mark)},
        total=total,
        left_out=sum(q.question_id not in judged for q in dataset.questions),
        low=found["correct"] / total if total else None,
        high=(found["correct"] + unknown) / total if total else None,
        prompt_tokens=sum(verdict.prompt_tokens for verdict in verdicts),
        completion_tokens=sum(verdict.completion_tokens for verdict in verdicts),
    )


def verdict_to_dict(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as JSON values.

    :param verdict: The verdict.
    :return: All its fields, by name.
    """
    return asdict(verdict)


def verdict_from_dict(value: object) -> Verdict:
    """Return the verdict that `verdict_to_dict` made JSON values of.

    :param value: What JSON gave.
    :return: The verdict.
    :raises EvaluationError: It is no verdict.
    """
    if not isinstance(value, dict) or set(value) != {item.name for item in fields(Verdict)}:
        raise EvaluationError("this is no verdict", item=str(value)[:_SHOWN])
    for name, given in value.items():
        kind = int if name.endswith("_tokens") else str
        if not isinstance(given, kind) and not (name == "error" and given is None):
            raise EvaluationError(f"the {name} of a verdict has a wrong type", item=given)
    for name, known in (("mark", get_args(Mark)), ("view", get_args(View))):
        if value[name] not in known:
            raise EvaluationError(f"there is no such {name} of a verdict", item=value[name])
    return Verdict(**value)


def read_verdicts(file: Path) -> tuple[Verdict, ...]:
    """Read a ``verdicts.jsonl``; a line that a kill cut in half at its end is not read.

    :param file: The file.
    :return: Its verdicts, in file order: a failed one may be followed by another try.
    :raises EvaluationError: It cannot be read, or a line is no verdict.
    """
    try:
        lines = file.read_bytes().split(b"\n")[:-1]
    except OSError as error:
        raise _unusable(file, error) from error
    verdicts = []
    for number, line in enumerate(lines, 1):
        try:
            verdicts.append(verdict_from_dict(json.loads(line)))
        except (ValueError, EvaluationError) as error:
            raise EvaluationError(
                f"a line of the verdicts cannot be read ({error})",
                item=f"{file}:{number}",
                hint="Remove the line to have its answer judged again",
            ) from error
    return tuple(verdicts)


class VerdictFile:
    """A file of verdicts that grows as they come; without a file, nothing is kept.

    :param file: The file; made, with its folder, if needed.
    """

    def __init__(self, file: Path | None) -> None:
        self._path = file
        self._file: IO[bytes] | None = None
        self._known: dict[tuple[str, ...], Verdict] = {}

    def __enter__(self) -> Self:
        """Read what is there, and open it behind its last whole line."""
        if self._path is None:
            return self
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch()
            self._known = {_key(verdict): verdict for verdict in read_verdicts(self._path)}
            self._file = self._path.open("ab")
            self._file.truncate(self._path.read_bytes().rfind(b"\n") + 1)
        except OSError as error:
            raise _unusable(self._path, error) from error
        return self

    def __exit__(self, *_: object) -> None:
        """Close it; it stays."""
        if self._file is not None:
            self._file.close()

    def get(self, case: Verdict) -> Verdict | None:
        """Return the earlier verdict of the same model on the same answer.

        :param case: Any verdict on that answer.
        :return: The one that is kept; None where there is none, or none that the model gave.
        """
        verdict = self._known.get(_key(case))
        return verdict if verdict is not None and verdict.mark in _FROM_MODEL else None

    def add(self, verdict: Verdict) -> None:
        """Write a verdict, unless it is there.

        :param verdict: The verdict.
        :raises EvaluationError: The disk is full or refuses.
        """
        if self._file is None or self._known.get(_key(verdict)) == verdict:
            return
        self._known[_key(verdict)] = verdict
        line = json.dumps(
            verdict_to_dict(verdict), sort_keys=True
        )  # ASCII: a reply may be anything
        try:
            self._file.write(line.encode() + b"\n")
            self._file.flush()
        except OSError as error:
            raise _unusable(Path(self._file.name), error) from error


def _key(verdict: Verdict) -> tuple[str, ...]:
    head = (verdict.question_id, verdict.view, verdict.model)
    return (*head, verdict.prompt_version, verdict.sha256)


def _unusable(file: Path, error: OSError) -> EvaluationError:
    return EvaluationError(f"the verdicts cannot be kept there ({error.strerror})", item=file)
