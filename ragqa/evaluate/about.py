"""What a run is made of, known before a question is asked: the beginnings of ``run.json``.

In: a dataset, what a system says of itself, options. Out: JSON values, and the run's key.
Invariant: runs that share a key have the same rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ragqa._files import sha256_bytes
from ragqa.evaluate.coding import canonical
from ragqa.evaluate.records import Dataset, GoldQuestion

__all__ = ["DEPTH", "SCHEMA", "RunOptions", "code_sha256", "machine", "run_about", "run_key"]

DEPTH = 100
"""Chunks that are retrieved for each question if nothing else is said: R@100 is the usual limit."""

SCHEMA = "ragqa/run/1"
"""The form of ``run.json``."""

_LIBRARIES = (
    "faiss-cpu", "ir-measures", "langchain-core", "numpy", "onnxruntime", "pypdfium2",
    "pytrec-eval-terrier", "scikit-learn", "scipy", "sentence-transformers", "tantivy",
    "tokenizers", "torch",
)  # fmt: skip
"""What can change a number that a run holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What decides a run beside its dataset and its system.

    :ivar depth: Chunks retrieved for each question.
    :ivar remove_gold: Whether questions are also asked without their gold papers.
    :ivar limit: How many of the dataset's questions are asked, from the first; None for all.
    """

    depth: int = DEPTH
    remove_gold: bool = False
    limit: int | None = None


@cache
def code_sha256() -> str:
    """Return the hash of ragqa's own source files, which a version number does not tell apart.

    :return: 64 hex digits.
    """
    root = Path(__file__).parents[1]
    files = sorted(root.rglob("*.py"), key=lambda path: path.relative_to(root).as_posix())
    lines = [f"{path.relative_to(root).as_posix()} {_hash(path)}" for path in files]
    return sha256_bytes("\n".join(lines).encode())


def _hash(path: Path) -> str:
    return sha256_bytes(path.read_bytes().replace(b"\r\n", b"\n"))


def machine() -> dict[str, Any]:
    """Return what a run is made on: system, processor, cores, Python, libraries that matter.

    :return: JSON values that stay the same on one machine.
    """
    import os
    import platform

    return {
        "system": platform.system(),
        "platform": platform.platform(),
        "processor": _processor() or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "libraries": dict(_libraries()),
    }


def _processor() -> str:
    """Return the processor's name as Linux tells it; `platform` gives none there."""
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    names = [line.partition(":")[2] for line in told.splitlines() if line.startswith("model name")]
    return names[0].strip() if names else ""


def _libraries() -> Iterator[tuple[str, str]]:
    for name in _LIBRARIES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def run_key(dataset: Dataset, about: Mapping[str, Any], options: RunOptions) -> str:
    """Return what two runs share if and only if their rows must be the same.

    :param dataset: The dataset.
    :param about: What the system says of itself, as JSON values.
    :param options: The options.
    :return: 64 hex digits; they change with ragqa's own code and the libraries' versions, too.
    """
    decides = [
        dataset.sha256,
        [_gold(question) for question in dataset.questions],
        about,
        asdict(options),
        version("ragqa"),
        code_sha256(),
        dict(_libraries()),
    ]
    return sha256_bytes(canonical(decides).encode(errors="backslashreplace"))


def _gold(question: GoldQuestion) -> list[Any]:
    """Return what is asked and by what it is judged: a program may have changed what was read."""
    return [
        question.question_id,
        question.text,
        question.paper_ids,
        question.answerable,
        question.answers,
        question.choices,
        dict(question.relevant),
        [asdict(item) for item in question.evidence],
    ]


def run_about(
    dataset: Dataset, system: str, about: Mapping[str, Any], options: RunOptions
) -> dict[str, Any]:
    """Return what is known of a run before a question is asked.

    :param dataset: The dataset.
    :param system: The system's name.
    :param about: What it says of itself, as JSON values.
    :param options: The options.
    :return: The beginnings of ``run.json``.
    """
    return {
        "schema": SCHEMA,
        "ragqa": version("ragqa"),
        "code_sha256": code_sha256(),
        "key": run_key(dataset, about, options),
        "dataset": {
            "name": dataset.name,
            "format": dataset.format,
            "sha256": dataset.sha256,
            "questions": len(dataset.questions),
        },
        "system": {"name": system, "about": about},
        "options": asdict(options),
        "questions": [
            {
                "question_id": question.question_id,
                "text": question.text,
                "gold_papers": sorted(question.gold_papers),
            }
            for question in dataset.questions[: options.limit]
        ],
        "problems": [
            {"file": p.place.file, "line": p.place.line, "text": p.text, "effect": p.effect}
            for p in dataset.problems
        ],
        "machine": machine(),
    }
