"""How a system under test is written: ``ragqa``, or ``ragqa(dense_weight=0.7, embedder='x')``.

In: that text. Out: a `SystemSpec`, checked. Invariants: ``parse_system(str(spec)) == spec``; values
are Python literals and nothing is ever run; whatever is unknown is answered with what there is.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ragqa.errors import EvaluationError

__all__ = ["SYSTEMS", "SystemSpec", "Value", "parse_system"]

Value = str | int | float
"""What an option may be."""


class _Option(NamedTuple):
    """What an option takes.

    :ivar words: That, in words.
    :ivar types: The types it may be written in; the last is what it becomes.
    :ivar fits: Whether a value of these types is sensible.
    """

    words: str
    types: tuple[type, ...]
    fits: Callable[[Any], bool]


def _between(low: float, high: float) -> Callable[[Value], bool]:
    return lambda value: not isinstance(value, str) and low <= value <= high


_MIN_CHUNK_TOKENS = 16  # a sentence; a smaller chunk is a crumb that no embedder can place
_MANY = 1_000_000_000  # of anything; larger numbers overflow in libraries
_SHARE = _Option("a number from 0 to 1", (int, float), _between(0, 1))
_WEIGHT = _Option("a number, 0 or more", (int, float), _between(0, _MANY))
_COUNT = _Option("a whole number above 0", (int,), _between(1, _MANY))
_OVERLAP = _Option("a whole number, 0 or more", (int,), _between(0, _MANY))
_CHUNK_TOKENS = _Option(
    f"a whole number, {_MIN_CHUNK_TOKENS} or more", (int,), _between(_MIN_CHUNK_TOKENS, _MANY)
)
_MODEL = _Option("the name or folder of a model, in quotation marks", (str,), bool)

SYSTEMS: Mapping[str, Mapping[str, _Option]] = {
    "ragqa": {
        "best_sentence_weight": _WEIGHT,
        "candidates": _COUNT,
        "chunk_tokens": _CHUNK_TOKENS,
        "dense_weight": _SHARE,
        "embedder": _MODEL,
        "looked_into": _COUNT,
        "min_confidence": _SHARE,
        "model": _MODEL,
        "paper_weight": _WEIGHT,
        "reranked": _COUNT,
        "reranker": _MODEL,
        "reranker_weight": _WEIGHT,
        "sentence_share": _SHARE,
    },
    "bm25": {"chunk_tokens": _CHUNK_TOKENS},
    "dense": {"chunk_tokens": _CHUNK_TOKENS, "embedder": _MODEL},
    "langchain": {"chunk_overlap": _OVERLAP, "chunk_size": _COUNT, "embedder": _MODEL},
}
"""Every system that has a name, and its options by theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemSpec:
    """Which system, in which configuration.

    :ivar name: One of `SYSTEMS`.
    :ivar options: The options that were given, by name; what is not given has its default.
    """

    name: str
    options: Mapping[str, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return it as it is written: options by name, so that one system has one name."""
        given = ", ".join(f"{name}={value!r}" for name, value in sorted(self.options.items()))
        return f"{self.name}({given})" if given else self.name


def parse_system(text: str) -> SystemSpec:
    """Read a system as a user writes it.

    :param text: ``NAME`` or ``NAME(option=value, ...)`` with literal values.
    :return: The system.
    :raises EvaluationError: It cannot be read, or there is no such system, option or value.
    """
    name, keywords = _read(text)
    options = SYSTEMS.get(name)
    if options is None:
        raise _unknown("system", name, SYSTEMS)
    given: dict[str, Value] = {}
    for key, node in keywords:
        if key not in options:
            raise _unknown(f"option of the system {name}", key, options)
        if key in given:
            raise EvaluationError("an option is given twice", item=f"{key} in {text}")
        given[key] = _value(key, node, options[key])
    return SystemSpec(name=name, options=given)


def _read(text: str) -> tuple[str, list[tuple[str, ast.expr]]]:
    """Return the name and the options' expressions of ``NAME`` or ``NAME(option=value, ...)``."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _unreadable(text) from error
    if isinstance(tree, ast.Name):
        return tree.id, []
    if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name) or tree.args:
        raise _unreadable(text)
    keywords = [(item.arg, item.value) for item in tree.keywords if item.arg is not None]
    if len(keywords) < len(tree.keywords):
        raise _unreadable(text)
    return tree.func.id, keywords


def _value(name: str, node: ast.expr, option: _Option) -> Value:
    try:
        value: Any = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        value = None
    # True is an int to Python, and no number to anybody who writes an option
    if isinstance(value, bool) or not isinstance(value, option.types) or not option.fits(value):
        raise EvaluationError(
            f"the option {name} of a system has a value that it cannot have",
            item=ast.unparse(node),
            hint=f"It takes {option.words}",
        )
    fitting: Value = option.types[-1](value)
    return fitting


def _unknown(what: str, name: str, known: Mapping[str, object]) -> EvaluationError:
    return EvaluationError(
        f"there is no such {what}", item=name, hint="There are: " + ", ".join(sorted(known))
    )


def _unreadable(text: str) -> EvaluationError:
    return EvaluationError(
        "a system cannot be read",
        item=text,
        hint="Write its name, or NAME(option=value, ...), with texts in quotation marks",
    )
