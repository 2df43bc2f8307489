"""Measures of what an answer costs: time, memory, tokens, money.

In: a run's as-is rows and their timing. Out: totals, and values for each question for what does not
differ between runs. Invariants: failed rows cost nothing known and are left out; gold-removed rows
are not looked at, so that a figure does not depend on whether there are any.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ragqa.evaluate.measures.bench import Bench, is_finite
from ragqa.evaluate.measures.family import Family, Measure, each
from ragqa.evaluate.records import GoldQuestion, Response, Total

__all__ = ["COST"]

_TIMED = (
    "Time is what a user would have waited for one question, as the system tells it: index and "
    "models are loaded, and nothing else runs. It differs between runs and machines: compare "
    "within one run, on an idle machine, and never gate a build on small differences. "
    "Gold-removed rows and failed ones are left out; one taken over from an interrupted run "
    "counts with what it took then."
)
_MODEL = (
    "As the model's provider counts it; 0 for systems without a language model. Gold-removed rows "
    "are not counted and failed rows are left out, as what they cost is not known: read it beside "
    "the number of failures."
)


def _timed(reduce: Callable[[list[float]], float | None]) -> Callable[[Bench], Total]:
    def overall(bench: Bench) -> Total:
        known = sorted(seconds for seconds in bench.seconds if seconds is not None)
        value = reduce(known) if known else None
        count = 0 if value is None else len(known)
        return Total(value=value, count=count, left_out=len(bench.seconds) - count)

    return overall


def _median(seconds: list[float]) -> float:
    return float(np.quantile(seconds, 0.5))


def _slow(seconds: list[float]) -> float:
    return float(np.quantile(seconds, 0.95))


def _rate(seconds: list[float]) -> float | None:
    total = math.fsum(seconds)
    return len(seconds) / total if total > 0 else None


def _memory(bench: Bench) -> Total:
    asked = len(bench.questions)
    if bench.peak_memory is None or not asked:
        return Total(value=None, count=0, left_out=asked)
    return Total(value=float(bench.peak_memory), count=asked)


def _tokens(question: GoldQuestion, response: Response, measure: Measure) -> float:
    return float(response.prompt_tokens + response.completion_tokens)


def _dollars(question: GoldQuestion, response: Response, measure: Measure) -> float | None:
    return float(response.cost) if is_finite(response.cost) else None


COST = (
    Family(
        base="LatencyP50",
        title="median latency, in seconds",
        group="cost",
        formula="50th percentile of seconds a question, linear between neighbours",
        source="ragqa; quantiles of type 7 (Hyndman & Fan, The American Statistician 50, 1996)",
        description="Half of the questions are answered within it. " + _TIMED,
        needs="response",
        high=None,
        default=None,
        higher_is_better=False,
        overall=_timed(_median),
    ),
    Family(
        base="LatencyP95",
        title="95th percentile of latency, in seconds",
        group="cost",
        formula="95th percentile of seconds a question, linear between neighbours",
        source="ragqa; quantiles of type 7 (Hyndman & Fan, The American Statistician 50, 1996)",
        description="Nineteen of twenty questions are answered within it. With fewer than some "
        "hundred questions it hangs on a handful of them. " + _TIMED,
        needs="response",
        high=None,
        default=None,
        higher_is_better=False,
        overall=_timed(_slow),
    ),
    Family(
        base="Throughput",
        title="questions a second",
        group="cost",
        formula="questions timed / sum of their seconds",
        source="ragqa",
        description="Questions a second where one is asked after the other; a server that answers "
        "several at once does better. " + _TIMED,
        needs="response",
        high=None,
        default=None,
        overall=_timed(_rate),
    ),
    Family(
        base="PeakMemory",
        title="peak memory, in bytes",
        group="cost",
        formula="most memory that the process held while questions were asked",
        source="ragqa; maximum resident set size",
        description="The most memory that the whole process held, the harness and the index "
        "included; memory-mapped files count as far as they were read. It differs between runs "
        "and machines, and a process that measured another system before may still hold some of "
        "its memory. It has no value where the system does not tell.",
        needs="response",
        high=None,
        default=None,
        higher_is_better=False,
        overall=_memory,
    ),
    Family(
        base="TokensPerQuestion",
        title="language model tokens a question",
        group="cost",
        formula="mean of tokens sent and tokens written",
        source="ragqa",
        description="Tokens that a question sends to a language model and has written by it. "
        + _MODEL,
        needs="response",
        high=None,
        default=None,
        higher_is_better=False,
        values=each(_tokens),
    ),
    Family(
        base="CostPerQuestion",
        title="cost a question, in US dollars",
        group="cost",
        formula="mean of what a question's tokens cost",
        source="ragqa",
        description="What a language model's tokens cost. " + _MODEL,
        needs="response",
        high=None,
        default=None,
        higher_is_better=False,
        values=each(_dollars),
    ),
)
"""LatencyP50, LatencyP95, Throughput, PeakMemory, TokensPerQuestion, CostPerQuestion."""
