"""Keeping keys out of whatever is shown or kept.

In: what a provider's error says. Out: one short line without a key. What is known to be secret goes
by its value, what only looks like it by its shape; rather too much goes than too little.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["Scrubber", "known_secrets"]

_HIDDEN = "[hidden]"
_SECRET_NAME = re.compile(r"key|token|secret|passw|credential|auth(?!or(?!iz))", re.IGNORECASE)
_HEADERS = frozenset({"default_headers", "extra_headers"})  # may hold a key under any name
_OPEN = frozenset({"accept", "content-type", "http-referer", "referer", "user-agent", "x-title"})
_WRAPPED = frozenset({"bound", "llm"})  # fields of LangChain's that hold another model
_MIN_SECRET = 8  # characters; shorter ones, such as "none" for a local server, are words
_MAX_READ = 4000  # characters of an error's text that are looked at
_MAX_SHOWN = 200  # characters of it that are shown
_SHAPES = (
    re.compile(r"\b(?:bearer|basic)[\s:]+\S+", re.IGNORECASE),
    re.compile(
        r"(?:api[_-]?key|(?:access|auth)[_-]?token|secret|passw(?:or)?d|authorization)"
        r"[\"']?\s{0,3}[:=]\s{0,3}[\"']?[^\s\"',;}]+",
        re.IGNORECASE,
    ),
    re.compile(r"\b(?:sk|pk|rk|hf|gsk|xai|ghp|key|AIza)[-_]?[A-Za-z0-9*][\w*-]{7,}"),
    re.compile(r"(?<=://)[^/\s@]+(?=@)"),
    re.compile(r"(?=[^\s]{0,200}?\d)[A-Za-z0-9_+=/.~-]{32,}"),
)


class Scrubber:
    """Hides secrets in a text.

    :param secrets: Values known to be secret.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        # A key that was cut or has something behind it is known by how it begins.
        starts = sorted({_start(secret) for secret in secrets if len(secret) >= _MIN_SECRET})
        known = "|".join(map(re.escape, starts))
        self._known = re.compile(rf"(?:{known})[^\s\"']*") if known else None

    def __call__(self, text: str) -> str:
        """Return a text as one short line without secrets.

        :param text: Any text.
        :return: At most 200 characters.
        """
        clean = text[:_MAX_READ]
        for pattern in (self._known, *_SHAPES):
            clean = pattern.sub(_HIDDEN, clean) if pattern else clean
        line = " ".join("".join(c if c.isprintable() else " " for c in clean).split())
        return line if len(line) <= _MAX_SHOWN else line[:_MAX_SHOWN].rstrip() + "..."

    def hide(self, text: str) -> str:
        """Return a whole text without the values known to be secret.

        :param text: Any text, such as a raw output that is shown for inspection.
        :return: The same, with what stands for each of them.
        """
        return text if self._known is None else self._known.sub(_HIDDEN, text)

    def finds_in(self, text: str) -> bool:
        """Say whether a text holds a value known to be secret.

        :param text: Any text.
        :return: True where one stands in it, or begins in it.
        """
        return self._known is not None and self._known.search(text) is not None


def _start(secret: str) -> str:
    """Return how a secret begins; a link's scheme says nothing of it."""
    own = secret.partition("://")[2]
    return (own if len(own) >= _MIN_SECRET else secret)[:_MIN_SECRET]


def known_secrets(model: Any) -> Iterator[str]:  # noqa: ANN401 - a LangChain model
    """Yield what must never be shown: keys of the environment and of a model object.

    :param model: A LangChain chat model.
    :yield: Values, in no order.
    """
    yield from _within(os.environ)
    yield from _within(getattr(model, "__dict__", {}))


def _within(fields: Mapping[str, Any]) -> Iterator[str]:
    """Yield secrets of an object's fields, and of those of the model that it wraps."""
    for name, value in fields.items():
        if callable(reveal := getattr(value, "get_secret_value", None)):
            yield str(reveal())
        elif isinstance(value, str) and _SECRET_NAME.search(name):
            yield value
        elif name in _HEADERS and isinstance(value, Mapping):
            yield from (str(each) for key, each in value.items() if key.lower() not in _OPEN)
        elif name == "kwargs" and isinstance(value, Mapping):
            yield from _within(value)
        elif name in _WRAPPED:
            yield from _within(getattr(value, "__dict__", {}))
