"""The tasks that ragqa knows by name, with the field's terms and everyday words for each.

Whether a model fits a question is decided between named tasks, because similarity cannot tell a
neighbour from the thing itself (on the mission's card the question is nearer to the model that
does *not* fit than lay questions are to models that do). The list is data, ``tasks.toml``: a task
that is not on it makes the decision "not established", never a wrong one.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

__all__ = ["Task", "are_kin", "known_tasks", "tasks_in"]


_LISTS = ("terms", "lay", "search", "near", "part_of")


@dataclass(frozen=True, kw_only=True)  # no slots: the patterns are compiled on first use
class Task:
    """One task.

    :ivar name: What notices call it.
    :ivar terms: Patterns of the field's terms, found in papers and in questions.
    :ivar lay: Patterns of everyday words, looked for in questions only.
    :ivar search: Terms added to a query for this task.
    :ivar near: Patterns that mark a sentence as being about the task without naming it.
    :ivar part_of: Names of wider tasks that hold it.
    """

    name: str
    terms: tuple[str, ...]
    lay: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    part_of: tuple[str, ...] = ()

    @cached_property
    def in_papers(self) -> re.Pattern[str]:
        """Return the pattern that finds the task in a paper."""
        return _compile(self.terms)

    @cached_property
    def in_questions(self) -> re.Pattern[str]:
        """Return the pattern that finds the task in a question."""
        return _compile(self.terms + self.lay)

    @cached_property
    def in_evidence(self) -> re.Pattern[str]:
        """Return the pattern that finds sentences about the task."""
        return _compile(self.terms + self.near)


def _compile(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(rf"\b(?:{pattern})" for pattern in patterns), re.IGNORECASE)


@cache
def known_tasks() -> tuple[Task, ...]:
    """Read the list of tasks, once.

    :return: Tasks in list order.
    """
    text = (Path(__file__).parent / "tasks.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)["task"]
    return tuple(
        Task(name=row["name"], **{key: tuple(row.get(key, ())) for key in _LISTS}) for row in rows
    )


def tasks_in(text: str, *, lay: bool = False) -> tuple[Task, ...]:
    """Find the tasks that a text names.

    :param text: A declared-task sentence, or a question.
    :param lay: Whether everyday words count, too: only for questions.
    :return: Tasks in list order.
    """
    return tuple(
        task
        for task in known_tasks()
        if (task.in_questions if lay else task.in_papers).search(text)
    )


def are_kin(one: Task, other: Task) -> bool:
    """Say whether two tasks cannot be told apart for sure, since one is a kind of the other.

    :param one: A task.
    :param other: Another.
    :return: True where one is the other, holds it, or is part of it.
    """
    return one is other or one.name in other.part_of or other.name in one.part_of
