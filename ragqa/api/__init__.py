"""The facades `Corpus`, `Index` and `Reader`: each method is one call into a stage.

::

    corpus = Corpus.open("corpus/upscaling")
    corpus.fetch()
    index = Index.build(corpus, "indexes/upscaling")      # index.report: what was done
    answer = Reader.open("indexes/upscaling").ask("How does AI restore detail?")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ragqa.api.corpus import Corpus
    from ragqa.api.index import Index
    from ragqa.api.reader import Reader

__all__ = ["Corpus", "Index", "Reader"]

_HOME = {name: f"ragqa.api.{name.lower()}" for name in __all__}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute is any object
    """Load a facade at its first use: who asks needs neither lists nor builds."""
    if name not in _HOME:
        raise AttributeError(f"module 'ragqa.api' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
