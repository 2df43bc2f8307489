"""A drawing of matplotlib's as elements of a page.

In: SVG as matplotlib writes it. Out: `Html` made by `tag`. Style attributes, which a page's policy
forbids, become attributes of their own; metadata and style sheets go; what is named carries the
figure's name, so that several drawings stand on one page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from ragqa.render.markup import Html, tag

__all__ = ["inline"]

_ELEMENTS = frozenset({"svg", "g", "path", "defs", "use", "clipPath", "rect"})
_LINK = "{http://www.w3.org/1999/xlink}href"
_REFERENCE = re.compile(r"#([\w.-]+)")
_KEPT = frozenset(
    {"d", "transform", "x", "y", "width", "height", "viewBox", "clip-path", "style", _LINK}
)


def inline(svg: bytes, *, name: str, label: str) -> Html:
    """Return a drawing to stand in a page.

    :param svg: The drawing, as matplotlib's SVG backend writes it with texts as paths.
    :param name: What tells its names from those of other drawings.
    :param label: What it shows, for those who do not see it.
    :return: An ``svg`` element.
    """
    root = ElementTree.fromstring(svg)
    named = {match for each in root.iter() for match in _references(each)}
    drawn = [_element(each, name, named) for each in root]
    box = root.get("viewBox", "")
    return tag(
        "svg", tag("title", label), *drawn, viewBox=box, role="img", aria_label=label,
        stroke_linejoin="round", stroke_linecap="butt",
    )  # fmt: skip


def _element(element: ElementTree.Element, name: str, named: set[str]) -> Html:
    kind = element.tag.rpartition("}")[2]
    if kind not in _ELEMENTS:
        return Html("")
    attributes = dict(_attributes(element, name))
    if element.get("id") in named:
        attributes["id"] = f"{name}-{element.get('id')}"
    return tag(kind, *(_element(each, name, named) for each in element), **attributes)


def _attributes(element: ElementTree.Element, name: str) -> Iterator[tuple[str, str]]:
    for key, value in element.attrib.items():
        if key == "style":
            for part in filter(None, value.split(";")):
                style, _, wanted = part.partition(":")
                yield style.strip(), _renamed(wanted.strip(), name)
        elif key in _KEPT:
            yield "href" if key == _LINK else key, _renamed(value, name)


def _renamed(value: str, name: str) -> str:
    """Return a value whose reference, if it is one, leads into the same drawing."""
    if value.startswith(("#", "url(#")) and not re.fullmatch("#[0-9a-fA-F]{3,8}", value):
        return _REFERENCE.sub(rf"#{name}-\1", value)
    return value


def _references(element: ElementTree.Element) -> Iterator[str]:
    for key in (_LINK, "clip-path"):
        yield from _REFERENCE.findall(element.get(key, ""))
