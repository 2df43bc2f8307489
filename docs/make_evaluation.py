"""Write the measures' part of docs/evaluation.md from their registry: ``make docs``.

In: the measures of `ragqa.evaluate.measures` as they are, and the page. Out: the page with
everything below its mark written anew, a paragraph and the facts of each measure. Nothing is
written twice; ``tests/test_docs.py`` fails where the page is not what this would write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from ragqa.evaluate.measures import Measure, all_measures

__all__ = ["PAGE", "page"]

PAGE = Path(__file__).with_name("evaluation.md")
"""What is written."""

_MARK = "<!-- Below: docs/make_evaluation.py writes it from the measures. To do so: make docs -->\n"
_GROUPS = {
    "retrieval": "Retrieval: are the right papers found?",
    "evidence": "Evidence: do the chunks hold it?",
    "answer": "Answers: are they right?",
    "citation": "Citations: do they point at the evidence, word for word?",
    "abstention": "Abstention: does it know what it does not know?",
    "cost": "Cost: what does a question take?",
}


def page() -> str:
    """Return the page as the program would have it now.

    :return: Markdown that ends with a line feed.
    """
    head = PAGE.read_text(encoding="utf-8").partition(_MARK)[0]
    return head + _MARK + "\n" + "\n".join(_measures()).rstrip() + "\n"


def _measures() -> Iterator[str]:
    ordered = sorted(all_measures(), key=lambda measure: list(_GROUPS).index(measure.group))
    for group, measures in groupby(ordered, key=lambda measure: measure.group):
        yield f"### {_GROUPS[group]}\n"
        for measure in measures:
            yield from _measure(measure)


def _measure(measure: Measure) -> Iterator[str]:
    high = "∞" if measure.high is None else f"{measure.high:g}"
    failed = "left out" if measure.default is None else f"{measure.default:g}"
    better = "higher" if measure.higher_is_better else "lower"
    yield f"**`{measure.name}`**: {_escape(measure.title)}. {_escape(measure.description)}\n"
    yield (
        f"*{_escape(measure.formula)}*; {measure.low:g} to {high}, {better} is better; a failed "
        f"question: {failed}. Source: {_escape(measure.source)}.\n"
    )


def _escape(text: str) -> str:
    return re.sub(r"([<>*_`\[\]])", r"\\\1", text)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
