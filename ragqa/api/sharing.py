"""An answer as a file to share: what its citations open, gathered from index and corpus.

In: an answer, the store of its index, the corpus folder. Out: one HTML page. Invariant: a PDF is
shown only where its bytes are those that were indexed.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ragqa._files import sha256_file
from ragqa.errors import ManifestError
from ragqa.manifest import load_lock
from ragqa.records import Answer, Document
from ragqa.render import to_html
from ragqa.render.evidence import NoPicture, collect

if TYPE_CHECKING:
    from ragqa.index.store import Store

__all__ = ["share"]

_LOCK = "manifest.lock"


def share(answer: Answer, *, store: Store, corpus: Path) -> str:
    """Return an answer as one self-contained HTML page.

    :param answer: The answer.
    :param store: The index that gave it.
    :param corpus: The corpus folder, where its PDFs are looked for.
    :return: The page.
    """
    evidence = collect(
        (*answer.citations, *answer.nearest),
        document_of=lambda citation: store.document(citation.paper_id, citation.document),
        pdf_of=partial(_pdf_of, corpus),
    )
    return to_html(answer, evidence)


def _pdf_of(corpus: Path, document: Document) -> Path | NoPicture:
    """Find the PDF that a document was parsed from, by the lock, or say why it cannot be shown."""
    try:
        entry = load_lock(corpus / _LOCK).get(document.paper_id, "pdf")
        path = corpus / entry.path if entry else None
        if path is None or not path.is_file():
            return "no-file"
        return path if sha256_file(path) == document.sha256 else "changed-file"
    except (ManifestError, OSError):  # a damaged lock, or a file that may not be read
        return "no-file"
