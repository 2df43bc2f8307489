"""Explain an answer: plan, searches, prompts, raw outputs, refusals, citations.

In: an `Answer` with the plan and the context that made it. Out: an `Explanation`, as JSON or as
one HTML page. Invariant: it is told what happened, nothing is asked again; no key is in it.
"""

from __future__ import annotations

from ragqa.explain.collecting import explain
from ragqa.explain.records import ExplainedSection, Explanation, Found, Search
from ragqa.explain.values import SCHEMA

__all__ = ["SCHEMA", "ExplainedSection", "Explanation", "Found", "Search", "explain"]
