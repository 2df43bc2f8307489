"""Generated question cards over generated papers, for tests of many cards."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

__all__ = ["TOPICS", "card_text", "write_cards"]

TOPICS = (
    ("tomatoes", "greenhouses", "water"),
    ("whales", "songs", "oceans"),
    ("upscaling", "images", "texture"),
    ("deblurring", "photographs", "motion"),
    ("translation", "sentences", "grammar"),
    ("bridges", "steel", "storms"),
    ("glaciers", "ice", "valleys"),
    ("sparrows", "nests", "cities"),
)
"""What the generated papers are about: three words each."""


def summary_of(number: int) -> str:
    """Return the summary of one generated paper."""
    first, second, third = TOPICS[number % len(TOPICS)]
    return (
        f"We study how {first} change with {second} in region {number}. "
        f"We propose method {number}, which measures {third} around {first}. "
        f"Method {number} fails where {third} is missing."
    )


def card_text(question: str, papers: Sequence[int], *, model: str = "") -> str:
    """Return a card that lists generated papers by their numbers."""
    related = "\n".join(
        f"Model: Paper {number} on {TOPICS[number % len(TOPICS)][0]}\n"
        f"Paper: https://papers.example.org/{number}.pdf\n"
        f"Summary: {summary_of(number)}\n"
        for number in papers
    )
    named = model or f"Model {papers[0]}" if papers else "Model"
    return (
        "You are an AI scientist.\n\nA user has asked the following question:\n"
        f'"{question}"\n\n'
        "Based on the following recommended models, explain:\n\n"
        "1. What task the user is trying to perform.\n"
        "2. How the model(s) would work in a workflow (input → model → output).\n"
        "3. List relevant papers and tools (with links).\n\n"
        "### Recommended AI Models:\n"
        f"Model: {named}\nGitHub: https://github.com/example/{named.replace(' ', '-').lower()}\n\n"
        f"### Related Papers:\n{related}\nAnswer:\n"
    )


def write_cards(folder: Path, count: int, *, papers: int, seed: int = 0) -> list[Path]:
    """Write cards whose papers overlap; every tenth asks for what no paper is about."""
    chosen = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(count):
        own = sorted(chosen.sample(range(papers), k=min(papers, 4)))
        first, second, _ = TOPICS[own[0] % len(TOPICS)]
        question = f"How do {first} depend on {second}, and what is measured (card {number})?"
        path = folder / f"card-{number:03d}.txt"
        path.write_text(card_text(question, own), encoding="utf-8")
        paths.append(path)
    return paths
