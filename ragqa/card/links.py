"""Links as people write them in a card: bare, in Markdown, in angle brackets, with a full stop.

In: a field's value. Out: the link in it and the words around it. Invariant: a link found here is
text from the card, not yet checked; `ragqa.manifest.check_link` decides whether it may be listed.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ragqa.manifest.links import MAX_LINK_CHARS, complete_link

__all__ = ["FoundLink", "find_link", "plain_text"]

_MARKDOWN = re.compile(
    r"!?\[(?P<text>[^\[\]]*)\]\(\s*<?(?P<url>[^\s()<>]*(?:\([^\s()]*\)[^\s()<>]*)*)>?[^()]*\)"
)
_BARE = re.compile(r"https?://[^\s<>\"“”«»`]+", re.IGNORECASE)
_TRAILING = ".,;:!?'’*|"


class FoundLink(NamedTuple):
    """A link in a value.

    :ivar url: The link.
    :ivar around: The words that stand for it or around it.
    :ivar more: How many further links the value holds.
    """

    url: str
    around: str
    more: int


def _trimmed(url: str) -> str:
    """Take off punctuation that ends the sentence and not the link."""
    while url and len(url) <= MAX_LINK_CHARS:  # a longer one is refused anyway
        last = url[-1]
        unopened = last in ")]}" and url.count(last) > url.count("([{"[")]}".index(last)])
        if last not in _TRAILING and not unopened:
            break
        url = url[:-1]
    return url


def _completed(value: str) -> str | None:
    """Return a link that is written without https://, or a bare arXiv id, as a link."""
    word = _trimmed(value.strip(" <>*_`"))
    link = complete_link(word)
    return link if link != word else None


def find_link(value: str) -> FoundLink | None:
    """Find the first link in a value.

    :param value: The value, or a line.
    :return: The link; None where there is none.
    """
    marked = _MARKDOWN.search(value)
    bare = list(_BARE.finditer(value))
    if marked is not None and (not bare or marked.start() <= bare[0].start()):
        url = _completed(marked["url"]) or marked["url"]
        inside = sum(marked.start() <= one.start() < marked.end() for one in bare)
        if _BARE.match(url):
            around = f"{value[: marked.start()]}{marked['text']}{value[marked.end() :]}"
            return FoundLink(url, _words(_BARE.sub("", around)), len(bare) - inside)
    if bare:
        url = _trimmed(bare[0][0])
        end = bare[0].start() + len(url)
        return FoundLink(url, _words(value[: bare[0].start()] + value[end:]), len(bare) - 1)
    url = _completed(value) or ""
    return FoundLink(url, "", 0) if url else None


def _words(text: str) -> str:
    """Return what is left of a line without its link, without bullets and brackets."""
    text = re.sub(r"^\s*(?:[-*+•–·]|\(?\d{1,3}[.):])\s+", "", text)
    return re.sub(r"\s+", " ", text.replace("<>", "").replace("()", "")).strip(" *_:：,;-–—<>|.")


def plain_text(value: str) -> str:
    """Take Markdown off a title: links keep their text, emphasis around the whole goes.

    :param value: The title as written.
    :return: The title on one line.
    """
    text = _MARKDOWN.sub(lambda found: found["text"], value)
    text = re.sub(r"\s+", " ", text).strip()
    whole = re.fullmatch(r"(\*\*|__|\*|_|`)(.+)\1", text)
    return whole[2].strip() if whole and whole[1] not in whole[2] else text
