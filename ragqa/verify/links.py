"""Links in what is said: only listed ones may be shown."""

from __future__ import annotations

import re
from collections.abc import Collection

__all__ = ["unlisted_link"]

_LINK = re.compile(r"(?:https?://|www\.)[^\s<>()\[\]\"']+", re.IGNORECASE)
_TRAILING = ".,;:!?"


def unlisted_link(text: str, links: Collection[str]) -> str | None:
    """Find a link that is not listed.

    :param text: What is said.
    :param links: The listed links.
    :return: The first that is not among them; None where there is none.
    """
    for found in _LINK.findall(text):
        link: str = found.rstrip(_TRAILING)
        if link not in links:
            return link
    return None
