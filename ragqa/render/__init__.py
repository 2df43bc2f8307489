"""Stage 11: an `Answer` -> Markdown, JSON, or one HTML page with pictures of the pages cited.

::

    markdown   for a terminal, a README, a chat
    values     JSON, schema ragqa/answer/1
    page       one self-contained HTML file, for a browser: to share

Invariants: a quote is never altered, only escaped; no text of a paper, question or manifest
becomes markup; the only links are the manifest's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ragqa.render.markdown import to_markdown
from ragqa.render.values import SCHEMA, to_dict

if TYPE_CHECKING:
    from ragqa.render.page import to_html

__all__ = ["SCHEMA", "to_dict", "to_html", "to_markdown"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute is any object
    """Load the page at its first use: most answers are printed or stored."""
    if name != "to_html":
        raise AttributeError(f"module 'ragqa.render' has no attribute {name!r}")
    from ragqa.render.page import to_html

    return to_html
