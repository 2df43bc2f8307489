"""What two runs differ in beside their rows: configuration, code, machine.

In: what two ``run.json`` say. Out: the values that differ, each under the path that it stands at.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["leaves", "what_differs"]

_MATTERS = ("dataset", "system", "options", "ragqa", "code_sha256", "machine")
_ABSENT = "–"


def what_differs(
    first: Mapping[str, Any], second: Mapping[str, Any]
) -> tuple[tuple[str, str, str], ...]:
    """Return what differs in what two runs are made of.

    :param first: One run's `about`.
    :param second: The other's.
    :return: Path, the first's value, the second's, sorted by path.
    """
    one, other = (
        {path: value for name in _MATTERS for path, value in leaves(name, about.get(name))}
        for about in (first, second)
    )
    return tuple(
        (path, one.get(path, _ABSENT), other.get(path, _ABSENT))
        for path in sorted(one.keys() | other.keys())
        if one.get(path) != other.get(path)
    )


def leaves(name: str, value: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON is any value
    """Yield the leaves of a JSON value, each with its path.

    :param name: The value's own name.
    :param value: The value.
    :yield: Paths such as ``system.about.options.depth``, and values as text.
    """
    if isinstance(value, Mapping) and value:
        for key in sorted(value, key=str):
            yield from leaves(f"{name}.{key}", value[key])
    elif isinstance(value, str):
        yield name, value
    else:
        yield name, json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
