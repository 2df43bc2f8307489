"""How many questions a second each stage of asking does alone, and all of them together.

    python benchmarks/ask_many.py INDEX QUESTIONS.jsonl [--count 100] [--runs 3]

INDEX is an index folder, QUESTIONS.jsonl has a ``question`` (or ``text``) a line. Every stage runs
over all questions at once, the results of those before it at hand; then `Reader.ask_many` runs, and
`Reader.ask` one by one; the best of some runs counts, after one that does not. Prints one line of
JSON: questions a second of each, the slowest stage, and `ask_many` as a share of that.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from ragqa.answer import answer_plan, check_question
from ragqa.api import Reader
from ragqa.plan.sections import plan_question
from ragqa.retrieve.candidates import find_candidates

BATCH = 16  # questions embedded at once, as `ask_many` does


def stages(reader: Reader, questions: list[str]) -> dict[str, Callable[[], Any]]:
    """Return the stages, each as a function of nothing; those before it were done once."""
    context = reader._context()
    retriever, generation, paper_ids = context.retriever, reader._generation, context.with_text()
    count = retriever._options.candidates
    vectors = retriever.embed(questions)
    found = {
        each: find_candidates(generation, each, vector, count=count, paper_ids=paper_ids)
        for each, vector in vectors.items()
    }

    def embed() -> None:
        for first in range(0, len(questions), BATCH):
            retriever.embed(questions[first : first + BATCH])

    def search() -> None:
        for each, vector in vectors.items():
            find_candidates(generation, each, vector, count=count, paper_ids=paper_ids)

    def rank() -> None:
        for each, candidates in found.items():
            retriever._rank(each, candidates)

    prepared = []
    for each in questions:
        searched = reader._context()
        searched.find([each], paper_ids)
        prepared.append((plan_question(each), searched))

    def answer() -> None:
        for plan, searched in prepared:
            answer_plan(plan, searched)

    return {"embed": embed, "search": search, "rank": rank, "answer": answer}


def rate(work: Callable[[], Any], questions: int, runs: int) -> float:
    """Return questions a second, of the best run after one that does not count."""
    times = []
    for _ in range(runs + 1):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return round(questions / min(times[1:]), 1)


def main() -> None:
    """Measure, and print a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    lines = options.questions.read_text(encoding="utf-8").splitlines()[: options.count]
    rows = [json.loads(line) for line in lines]
    questions = [check_question(row.get("question") or row["text"]) for row in rows]
    reader = Reader.open(options.index)
    rates = {
        name: rate(work, len(questions), options.runs)
        for name, work in stages(reader, questions).items()
    }
    many = rate(lambda: reader.ask_many(questions), len(questions), options.runs)
    single = rate(lambda: [reader.ask(each) for each in questions], len(questions), options.runs)
    slowest = min(rates, key=rates.__getitem__)
    row = {
        "questions": len(questions),
        "stages_per_s": rates,
        "slowest": slowest,
        "ask_many_per_s": many,
        "ask_per_s": single,
        "ratio": round(many / rates[slowest], 3),
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main()
