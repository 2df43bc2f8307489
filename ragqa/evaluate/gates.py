"""Gates: what a run must reach, else a build fails.

In: texts such as ``nDCG@10=0.70``, and runs. Out: what was missed. Invariant: a gate passes only
on a number that was measured and is good enough; one on a measure that is not there is missed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ragqa.errors import EvaluationError
from ragqa.evaluate.measures import parse_measures
from ragqa.evaluate.records import Run

__all__ = ["Gate", "check_gates", "parse_gate"]

_GATE = re.compile(r"(?P<what>.*?)\s*(?P<sign>>=|<=|=)\s*(?P<bound>[^<>=\s]+)\s*", re.DOTALL)
_EXAMPLES = 'Write "nDCG@10=0.70", "LatencyP95<=0.5" or "ragqa:AUROC>=0.9"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What one measure of one system must reach.

    :ivar text: The gate as it was written.
    :ivar measure: The measure's name.
    :ivar bound: The worst value that passes.
    :ivar is_floor: Whether lower values fail; else higher ones do.
    :ivar system: The system's name; None for the first one.
    """

    text: str
    measure: str
    bound: float
    is_floor: bool
    system: str | None = None


def parse_gate(text: str) -> Gate:
    """Read a gate.

    :param text: ``[SYSTEM:]MEASURE=BOUND``; ``>=`` or ``<=`` may stand for ``=``, which means the
        one that the measure's direction asks for.
    :return: The gate.
    :raises EvaluationError: It is no gate, its measure is unknown, or its sign is the wrong way.
    """
    found = _GATE.fullmatch(text.strip())
    if found is None or not found["what"]:
        raise _bad(text, "this is no gate")
    system, _, name = found["what"].rpartition(":")
    (measure,) = parse_measures([name.strip()])
    usual = ">=" if measure.higher_is_better else "<="
    if found["sign"] not in {"=", usual}:
        raise _bad(text, f"a better {measure.name} is {_direction(usual)}: this takes {usual}")
    return Gate(
        text=text.strip(),
        measure=measure.name,
        bound=_bound(found["bound"], text),
        is_floor=measure.higher_is_better,
        system=system.strip() or None,
    )


def _bad(text: str, why: str) -> EvaluationError:
    return EvaluationError(why, item=text, hint=_EXAMPLES)


def _direction(sign: str) -> str:
    return "higher" if sign == ">=" else "lower"


def _bound(number: str, text: str) -> float:
    try:
        bound = float(number)
    except ValueError as error:
        raise _bad(text, f"{number!r} is no number") from error
    if not math.isfinite(bound):
        raise _bad(text, f"{number!r} is no bound that a run can miss or reach")
    return bound


def check_gates(gates: Sequence[Gate], runs: Sequence[Run]) -> tuple[str, ...]:
    """Return which gates were missed.

    :param gates: The gates.
    :param runs: The runs, in the order in which they were asked for.
    :return: A line for each gate that does not pass; one that cannot be judged does not.
    """
    missed = (_missed(gate, runs) for gate in gates)
    return tuple(line for line in missed if line is not None)


def _missed(gate: Gate, runs: Sequence[Run]) -> str | None:
    run = next((run for run in runs if gate.system in {None, run.system}), None)
    if run is None:
        return f"{gate.text}: no such system was run"
    total = run.scores.totals.get(gate.measure)
    if total is None:
        return f"{gate.text}: {run.system} was not measured by {gate.measure}"
    if total.value is None:
        return f"{gate.text}: {run.system} has no {gate.measure}: no question could be judged"
    is_met = total.value >= gate.bound if gate.is_floor else total.value <= gate.bound
    if is_met:
        return None
    sign = ">=" if gate.is_floor else "<="
    return (
        f"{gate.text}: {run.system} has {gate.measure} {total.value:g}, not {sign} {gate.bound:g}"
    )
