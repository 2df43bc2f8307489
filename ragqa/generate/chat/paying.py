"""What chat models use and cost, and a limit to it.

Prices are the user's: ragqa has no list of them, as it would be out of date.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock

from ragqa.errors import ModelError

__all__ = ["ENV_PRICES", "Budget", "Prices", "Usage", "estimate_tokens"]

ENV_PRICES = "RAGQA_PRICES"
"""Environment variable with the prices: ``INPUT,OUTPUT`` in USD per million tokens."""

_BYTES_A_TOKEN = 3  # English has about 4: an estimate is rather too high, as a budget needs it
_MESSAGE_TOKENS = 8  # role and separators of one message
_MILLION = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What a model costs.

    :ivar input: USD for a million tokens sent.
    :ivar output: USD for a million tokens written.
    """

    input: float
    output: float

    @classmethod
    def parse(cls, text: str) -> Prices:
        """Read prices as a user writes them.

        :param text: ``INPUT,OUTPUT``, such as ``0.15,0.60``.
        :return: The prices.
        :raises ModelError: If it is anything else.
        """
        try:
            values = [float(part) for part in text.split(",")]
        except ValueError:
            values = []
        if len(values) != 2 or not all(math.isfinite(v) and v >= 0 for v in values):
            raise ModelError(
                "prices cannot be read",
                reason="over-budget",
                item=text,
                hint="Write USD per million tokens sent and written, such as 0.15,0.60",
            )
        return cls(input=values[0], output=values[1])

    @classmethod
    def from_environment(cls) -> Prices | None:
        """Read the prices in ``RAGQA_PRICES``.

        :return: The prices; None where there are none.
        :raises ModelError: If they cannot be read.
        """
        text = os.environ.get(ENV_PRICES)
        return cls.parse(text) if text else None

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """Return what tokens cost.

        :param input_tokens: Tokens sent.
        :param output_tokens: Tokens written.
        :return: USD.
        """
        return (self.input * input_tokens + self.output * output_tokens) / _MILLION


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one call or many used.

    :ivar requests: Requests sent, failed ones and repeated ones included.
    :ivar input_tokens: Tokens sent.
    :ivar output_tokens: Tokens written.
    :ivar estimated: Whether any of the token counts is ours, because the provider gave none.
    :ivar cost: USD; None where prices are not known.
    """

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False
    cost: float | None = None

    def __add__(self, other: Usage) -> Usage:
        """Return what both used together."""
        costs = [usage.cost for usage in (self, other) if usage.cost is not None]
        return Usage(
            requests=self.requests + other.requests,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            estimated=self.estimated or other.estimated,
            cost=sum(costs) if costs else None,
        )


class Budget:
    """A limit to what calls may cost together; safe to share between threads.

    A request is let through only if it fits at its worst: the longest output that the model may
    write. What it did not use is given back. Tokens of the input are estimated, rather too many.

    :param max_cost: USD.
    :raises ModelError: If it is no amount.
    """

    def __init__(self, max_cost: float) -> None:
        if not max_cost >= 0:  # also not a number, to which nothing would be too much
            raise ModelError(
                "a budget is an amount from 0 on",
                reason="over-budget",
                item=max_cost,
                hint="Give it in USD, such as 0.50",
            )
        self.max_cost = max_cost
        self._spent = 0.0
        self._reserved = 0.0
        self._lock = Lock()

    @property
    def spent(self) -> float:
        """Return what was spent, in USD."""
        return self._spent

    def reserve(self, cost: float, *, name: str) -> None:
        """Set the worst cost of a request aside, before it is sent.

        :param cost: USD.
        :param name: The model's name.
        :raises ModelError: If it does not fit.
        """
        with self._lock:
            taken = self._spent + self._reserved
            if taken + cost > self.max_cost:
                raise ModelError(
                    f"a request may cost {cost:.2g} USD, and of {self.max_cost:.2g} USD "
                    f"{taken:.2g} are spent or set aside",
                    reason="over-budget",
                    item=name,
                    hint="Allow a higher cost",
                )
            self._reserved += cost

    def settle(self, reserved: float, *, spent: float) -> None:
        """Replace what was set aside by what a request did cost.

        :param reserved: What was set aside, in USD.
        :param spent: What it cost, in USD.
        """
        with self._lock:
            self._reserved -= reserved
            self._spent += spent


def estimate_tokens(texts: Iterable[str]) -> int:
    """Estimate how many tokens some texts have.

    :param texts: The texts, each a message of its own.
    :return: Tokens, rather too many.
    """
    sizes = [len(text.encode("utf-8", "replace")) for text in texts]
    return sum(_MESSAGE_TOKENS + math.ceil(size / _BYTES_A_TOKEN) for size in sizes)
