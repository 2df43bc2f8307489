"""What a provider's client raises -> a `ModelError`, and whether and when to ask again.

Providers' errors are told apart by HTTP status, by LangChain's classes and by the names of their
own, since no client is imported here. Nothing of them is kept: they may hold keys.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from ragqa.errors import ModelError, ModelReason
from ragqa.generate.chat.secrets import Scrubber

__all__ = ["Failure", "failure_of", "timed_out"]

_BY_STATUS: dict[int, ModelReason] = {
    401: "refused",
    402: "refused",
    403: "refused",
    404: "unknown-model",
    408: "timeout",
    409: "server-error",
    413: "too-long",
    425: "server-error",
    429: "rate-limited",
    504: "timeout",
}
_TOO_LONG = ("context_length_exceeded", "context length", "context window", "prompt is too long")
_NOTHING = "no generation chunks were returned"  # LangChain, where a stream ends before it began
_CONNECTION = ("connect", "transport", "network", "protocolerror", "readerror", "writeerror")
_WHAT: dict[ModelReason, str] = {
    "unknown-model": "there is no such chat model",
    "refused": "the chat model's server refuses the request",
    "rate-limited": "the chat model's server takes no more requests for now",
    "timeout": "the chat model did not answer in time",
    "connection": "the connection to the chat model failed",
    "server-error": "the chat model's server failed",
    "bad-response": "the chat model's reply cannot be used",
    "too-long": "the question and its chunks are too long for the chat model",
    "over-budget": "the budget does not allow another request",
}
_HINT: dict[ModelReason, str] = {
    "unknown-model": "Check the model's name, and that its server has it",
    "refused": "Check that the provider's key is in the environment, is valid and may be charged",
    "rate-limited": "Try again later",
    "timeout": "Try again, or allow it more time (--model-timeout)",
    "connection": "Check that its server runs, and the base URL in the environment",
    "server-error": "Try again later",
    "bad-response": "Check that its server speaks this provider's protocol",
    "too-long": "Give it fewer chunks, or take a model with a longer context",
    "over-budget": "Allow a higher cost",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One request that failed.

    :ivar error: What to raise if no other request is made.
    :ivar wait_s: How long the server asks to wait, in seconds, if it does.
    :ivar may_be_options: Whether the server may have refused an option, not the request.
    :ivar costs: Whether the server may have worked on it nevertheless.
    """

    error: ModelError
    wait_s: float | None = None
    may_be_options: bool = False
    costs: bool = False


def failure_of(error: Exception, *, name: str, scrub: Scrubber) -> Failure:
    """Say what a provider's error means.

    :param error: Whatever its client raised.
    :param name: The model's name.
    :param scrub: Hides keys in what the error says.
    :return: The failure.
    """
    status = _status(error)
    said = str(getattr(error, "message", None) or error)
    reason = _reason(error, status, said.lower())
    # What a server says of a key that it refuses may hold the key in any disguise.
    shown = "" if reason == "refused" else scrub(said)
    what = _WHAT[reason] + (f" (HTTP {status})" if status else f" ({type(error).__name__})")
    return Failure(
        error=ModelError(
            f"{what}: {shown}" if shown else what, reason=reason, item=name, hint=_HINT[reason]
        ),
        wait_s=_retry_after(error),
        may_be_options=reason == "bad-response"
        and (status in {400, 422} or isinstance(error, TypeError)),
        costs=reason == "timeout",
    )


def timed_out(seconds: float, *, name: str) -> Failure:
    """Return the failure of a request after which nothing came.

    :param seconds: How long was waited.
    :param name: The model's name.
    :return: The failure.
    """
    error = ModelError(
        f"nothing came from the chat model for {seconds:.3g} s",
        reason="timeout",
        item=name,
        hint=_HINT["timeout"],
    )
    return Failure(error=error, costs=True)


def _status(error: Exception) -> int | None:
    """Return the HTTP status, from the error, its response or a body sent in mid-stream."""
    body = getattr(error, "body", None)
    candidates = (
        getattr(error, "status_code", None),
        getattr(getattr(error, "response", None), "status_code", None),
        body.get("code") if isinstance(body, Mapping) else None,
    )
    numbers = (int(str(each)) for each in candidates if re.fullmatch(r"\d{3}", str(each)))
    return next((number for number in numbers if 400 <= number < 600), None)


def _reason(error: Exception, status: int | None, said: str) -> ModelReason:
    names = [each.__name__.lower() for each in type(error).__mro__]
    code = str(getattr(error, "code", "")).lower()
    if "contextoverflowerror" in names or _is_too_long(status, f"{code} {said}"):
        return "too-long"
    if code == "insufficient_quota":
        return "refused"
    if status is not None:
        return _BY_STATUS.get(status, "server-error" if status >= 500 else "bad-response")
    if any("timeout" in name for name in names):
        return "timeout"
    if said == _NOTHING or any(part in name for part in _CONNECTION for name in names):
        return "connection"
    return "server-error" if "apierror" in names else "bad-response"


def _is_too_long(status: int | None, said: str) -> bool:
    return status in {None, 400, 413, 422} and any(words in said for words in _TOO_LONG)


def _retry_after(error: Exception) -> float | None:
    """Return how many seconds the server asks to wait."""
    headers: Any = getattr(getattr(error, "response", None), "headers", None)
    if headers is None or not callable(getattr(headers, "get", None)):
        return None
    if (wait := _number(headers.get("retry-after-ms"))) is not None:
        return wait / 1000
    asked = headers.get("retry-after")
    return _number(asked) if _number(asked) is not None else _until(asked)


def _number(text: object) -> float | None:
    try:
        value = float(str(text))
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _until(date: object) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(str(date)).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
