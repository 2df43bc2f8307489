"""HTML by construction: text is escaped unless it was made here.

In: element names, attributes and children. Out: `Html`. Invariant: a plain `str` never becomes an
element or an attribute, so a page is safe if every piece of it came through `tag`.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from urllib.parse import urlsplit

__all__ = ["Html", "external_link", "foreign", "tag", "whole_page"]

_VOID = frozenset({"br", "img", "link", "meta"})
_RAW = frozenset({"style"})  # its content is no markup, and is ours
_LINE_END = re.compile("\r\n?")
# What HTML forbids in a text: control characters but white space, lone surrogates, noncharacters.
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


class Html(str):
    """Markup that is safe to put into a page as it is."""

    __slots__ = ()


def tag(name: str, /, *children: str, **attributes: str | int | bool | None) -> Html:
    """Return an element.

    :param name: Its name; ours, never a foreign text.
    :param *children: Texts, which are escaped, and `Html`, which is not.
    :param **attributes: Its attributes, escaped; ``_`` stands for ``-``, one at the end is cut off;
        True gives an attribute without value, None and False none.
    :return: The element.
    """
    written = "".join(
        f" {_attribute(key)}" if value is True else f' {_attribute(key)}="{_text(str(value))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Html(f"<{name}{written}>")
    inner = "".join(children) if name in _RAW else "".join(map(_child, children))
    return Html(f"<{name}{written}>{inner}</{name}>")


def foreign(text: str) -> Html:
    """Return a text that others wrote: escaped, and isolated in its writing direction.

    :param text: Any text.
    :return: A ``bdi`` element.
    """
    return tag("bdi", text)


def external_link(link: str, label: str | None = None) -> Html:
    """Return a listed link, to be followed by hand and without telling where from.

    :param link: The link as the manifest has it.
    :param label: What is shown; the link itself if None.
    :return: An anchor; where it is no web link, its text alone.
    """
    shown = foreign(label or link)
    if not _is_web(link):
        return shown
    return tag("a", shown, href=link, rel="noopener noreferrer", target="_blank")


def whole_page(title: str, *, style: str, body: Html) -> str:
    """Return a page in one file, whose own policy forbids scripts, forms and every connection.

    :param title: Its title.
    :param style: Its style; ours, never a foreign text.
    :param body: Its ``body``.
    :return: Text that ends with a line feed; encode it as UTF-8.
    """
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(style)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content="ragqa"),
        tag("title", title),
        tag("style", style),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _policy(style: str) -> str:
    """Return what a page may do: show its own pictures and its own style, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _is_web(link: str) -> bool:
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def _child(child: str) -> str:
    return child if isinstance(child, Html) else _text(child)


def _text(text: str) -> str:
    flat = _LINE_END.sub("\n", text)
    return html.escape(_FORBIDDEN.sub("\ufffd", flat))


def _attribute(key: str) -> str:
    return key.rstrip("_").replace("_", "-")
