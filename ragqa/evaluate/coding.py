"""Rows <-> JSON values, such that equal rows are equal bytes.

In: a `Row`, or what JSON gave for one. Out: the other. Invariants: floats have six decimals, keys
are sorted, fields that have their default are left out; ``row_from_dict(row_to_dict(row))`` is
`settled(row)`, and a settled row comes back as it is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, replace
from numbers import Integral, Real
from typing import Any

from ragqa.evaluate.records import Hit, Quoted, Response, Row, Said
from ragqa.records import LineLocator, Locator, PageLocator

__all__ = ["canonical", "plain", "row_from_dict", "row_to_dict", "settled", "without_texts"]

DECIMALS = 6  # of every float that is written: far below what any measure can resolve
_RECORDS = (Hit, Quoted, Said, LineLocator, PageLocator)
_DEFAULTS: Mapping[type, Sequence[tuple[str, Any]]] = {
    kind: tuple((each.name, each.default) for each in fields(kind))
    for kind in (Response, *_RECORDS)
}
SHOWN_HITS = 5  # hits of a row whose words are kept, for reports


_AS_THEY_ARE = frozenset({str, int, bool})  # looked at first: a run has a million such values


def canonical(value: Any) -> str:  # noqa: ANN401 - JSON is any value
    """Return a value as one line of JSON that depends on nothing but the value.

    :param value: JSON values, as `plain` gives them.
    :return: The line, without line feed.
    """
    return json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False)


def plain(value: Any) -> Any:  # noqa: ANN401 - JSON is any value
    """Return a value as JSON has it, with rounded floats.

    :param value: Mappings with string keys, sequences, numbers (NumPy's, too), strings, None.
    :return: The same in dicts, lists, ints, floats of six decimals.
    :raises TypeError: It holds something else.
    :raises ValueError: It holds a number that is not finite.
    """
    if value is None or type(value) in _AS_THEY_ARE:
        return value
    if type(value) is float:
        return rounded(value)
    if isinstance(value, str | bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return rounded(float(value))
    if isinstance(value, Mapping):
        return {_key(key): plain(value[key]) for key in value}
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _key(key: object) -> str:
    if isinstance(key, str):
        return key
    raise TypeError(f"{key!r} is no name for a JSON value")


def rounded(value: float) -> float:
    """Return a number with six decimals.

    :param value: The number.
    :return: It, rounded; never ``-0.0``.
    :raises ValueError: It is not finite.
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} is no finite number")
    return round(value, DECIMALS) + 0.0


def row_to_dict(row: Row) -> dict[str, Any]:
    """Return a row as JSON values.

    :param row: The row.
    :return: Its fields; those below it that have their default are left out.
    """
    return {
        "question_id": row.question_id,
        "view": row.view,
        "error": row.error,
        "response": None if row.response is None else _fields(row.response),
    }


def _fields(record: Any) -> dict[str, Any]:  # noqa: ANN401 - any of the records
    """Return a record's fields that differ from their defaults."""
    value = {}
    for name, default in _DEFAULTS[type(record)]:
        item = getattr(record, name)
        if default is MISSING or item != default:
            value[name] = _item(item)
    return value


def _item(item: Any) -> Any:  # noqa: ANN401 - any field of the records
    if isinstance(item, tuple):
        return [_item(each) for each in item]
    if isinstance(item, _RECORDS):
        return _fields(item)
    return plain(item)


def row_from_dict(value: Any) -> Row:  # noqa: ANN401 - what JSON gave
    """Return the row that a JSON value stands for.

    :param value: What `row_to_dict` gave; keys that it does not give are an error, but
        ``measures`` is not looked at.
    :return: The row.
    :raises TypeError: It is not a row's value.
    :raises ValueError: It is not a row's value.
    :raises KeyError: It lacks a field.
    """
    question_id, view, error = value["question_id"], value["view"], value["error"]
    if view not in {"as-is", "gold-removed"}:
        raise ValueError(f"{view!r} is no view")
    if not isinstance(question_id, str) or not isinstance(error, str | None):
        raise TypeError("an id and an error are strings")
    response = None if value["response"] is None else _response(value["response"])
    if (response is None) == (error is None):
        raise ValueError("a row has either a response or an error")
    return Row(question_id=question_id, view=view, response=response, error=error)


def _response(value: Mapping[str, Any]) -> Response:
    given = dict(value)
    if given.get("hits") is not None:
        given["hits"] = tuple(Hit(**each) for each in given["hits"])
    if given.get("statements") is not None:
        given["statements"] = tuple(_said(each) for each in given["statements"])
    return Response(**given)


def _said(value: Mapping[str, Any]) -> Said:
    citations = tuple(_quoted(each) for each in value.get("citations", ()))
    return Said(**{**value, "citations": citations})


def _quoted(value: Mapping[str, Any]) -> Quoted:
    locators = tuple(_locator(each) for each in value.get("locators", ()))
    return Quoted(**{**value, "locators": locators})


def _locator(value: Mapping[str, int]) -> Locator:
    return PageLocator(**value) if "page" in value else LineLocator(**value)


def settled(row: Row) -> Row:
    """Return a row as it is once it was written and read.

    :param row: A row of a system.
    :return: The same with rounded floats and plain numbers.
    :raises TypeError: It holds what cannot be written.
    :raises ValueError: It holds a number that is not finite.
    """
    return row_from_dict(json.loads(canonical(row_to_dict(row))))


def without_texts(response: Response) -> Response:
    """Return a response with the words of its first five hits only: reports show no others.

    :param response: The response.
    :return: The same; the other hits keep all but their words.
    """
    if response.hits is None:
        return response
    first, rest = response.hits[:SHOWN_HITS], response.hits[SHOWN_HITS:]
    return replace(response, hits=(*first, *(replace(hit, text="") for hit in rest)))
