"""Answer questions from a closed list of papers, and only from it.

The public names, in the order of the data's journey. Importing ragqa loads none of them: each is
loaded at its first use, so ``import ragqa`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ragqa.evaluate as evaluate
    from ragqa.api import Corpus, Index, Reader
    from ragqa.build import BuildReport
    from ragqa.card import Card, read_card
    from ragqa.errors import RagqaError
    from ragqa.fetch import FetchOptions, FetchReport
    from ragqa.records import Answer, Citation, Paper, Statement

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "BuildReport",
    "Card",
    "Citation",
    "Corpus",
    "FetchOptions",
    "FetchReport",
    "Index",
    "Paper",
    "RagqaError",
    "Reader",
    "Statement",
    "__version__",
    "evaluate",
    "read_card",
]

_HOME = {
    "Corpus": "ragqa.api",
    "Index": "ragqa.api",
    "Reader": "ragqa.api",
    "Card": "ragqa.card",
    "read_card": "ragqa.card",
    "Paper": "ragqa.records",
    "FetchOptions": "ragqa.fetch",
    "FetchReport": "ragqa.fetch",
    "BuildReport": "ragqa.build",
    "Answer": "ragqa.records",
    "Statement": "ragqa.records",
    "Citation": "ragqa.records",
    "RagqaError": "ragqa.errors",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute is any object
    if name == "evaluate":
        return import_module("ragqa.evaluate")
    if name not in _HOME:
        raise AttributeError(f"module 'ragqa' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
