"""Links in what is said: only listed ones may be shown."""

from __future__ import annotations

import re
from collections.abc import Collection

__all__ = ["any_unlisted_link", "unlisted_link", "without_links"]

_LINK = re.compile(r"(?:https?://|www\.)[^\s<>()\[\]\"']+", re.IGNORECASE)
_SCHEME = re.compile(r"\b(?:[a-z][a-z0-9+.-]{1,15}://|mailto:|hxxps?:|tel:)\S+", re.IGNORECASE)
_HOST = re.compile(
    r"(?<![\w.@-])(?:[\w.+-]+@)?(?:[a-z0-9-]+\.)+(?:com|org|net|io|ai|co|dev|app|info|biz|edu"
    r"|gov|eu|uk|de"
    r"|fr|ru|cn|jp|xyz|site|online|link|click|example|test|invalid|ly|me|to|cc|tk|top|shop|store)\b"
    r"(?:[/?#:][^\s<>()]*)?",
    re.IGNORECASE,
)
_NUMBERS = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?:/\S*)?(?!\.?\d)")
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


def any_unlisted_link(text: str, links: Collection[str]) -> str | None:
    """Find a link that is not listed, also one that only looks like one.

    :param text: What a model says: a host alone, an address of mail or a masked scheme count.
    :param links: The listed links.
    :return: The first that is not among them; None where there is none.
    """
    known = {_bare(link) for link in links}
    rest = text
    for pattern in (_LINK, _SCHEME, _HOST, _NUMBERS):
        for match in pattern.finditer(rest):
            link = match.group().rstrip(_TRAILING)
            if link not in links and _bare(link) not in known:
                return link
        rest = pattern.sub(" ", rest)
    return None


def without_links(text: str) -> str:
    """Leave a text's links out.

    :param text: What is said.
    :return: The rest, whose words can be checked.
    """
    return _LINK.sub(" ", text)


def _bare(link: str) -> str:
    return re.sub(r"^(?:https?://)?(?:www\.)?", "", link, flags=re.IGNORECASE).rstrip("/")
