"""The facades `Corpus`, `Index` and `Reader`: each method is one call into a stage.

::

    corpus = Corpus.open("corpus/upscaling")
    corpus.fetch()
    index = Index.build(corpus, "indexes/upscaling")      # index.report: what was done
    answer = Reader.open("indexes/upscaling").ask("How does AI restore detail?")
"""

from __future__ import annotations

from ragqa.api.corpus import Corpus
from ragqa.api.index import Index
from ragqa.api.reader import Reader

__all__ = ["Corpus", "Index", "Reader"]
