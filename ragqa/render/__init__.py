"""Stage 11: an `Answer` -> Markdown, JSON, or one HTML page with pictures of the pages cited.

::

    markdown   for a terminal, a README, a chat
    values     JSON, schema ragqa/answer/1
    page       one self-contained HTML file, for a browser: to share

Invariants: a quote is never altered, only escaped; no text of a paper, question or manifest
becomes markup; the only links are the manifest's.
"""

from __future__ import annotations

from ragqa.render.markdown import to_markdown
from ragqa.render.page import to_html
from ragqa.render.values import SCHEMA, to_dict

__all__ = ["SCHEMA", "to_dict", "to_html", "to_markdown"]
