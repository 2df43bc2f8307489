"""Papers -> `manifest.yaml`: fresh files, and edits that leave the rest of a file as it was.

In: papers, and for an edit the file. Out: the file, written atomically.

An edit changes only the lines of the entry it adds or removes: comments, order, quoting, line ends
and the byte order mark stay byte for byte. A comment at or left of the entry's dash stays, one
inside the entry goes with it. Invariant: what was written reads back as exactly the papers meant;
this is checked before the file is replaced, and where it fails nothing is written.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.nodes import Node, SequenceNode
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, FoldedScalarString

from ragqa._files import atomic_writer, sha256_bytes
from ragqa.errors import CorpusError, ManifestError, Problem
from ragqa.manifest.links import same_paper_key
from ragqa.manifest.reading import (
    MANIFEST_SCHEMA,
    MAX_MANIFEST_BYTES,
    Manifest,
    nearest,
    parse_manifest,
    read_text,
)
from ragqa.records import Paper

__all__ = ["add_paper", "remove_paper", "render_manifest", "save_manifest"]

_HEADER = """\
# The closed list of papers that ragqa answers from. Edit it freely, or: ragqa add, ragqa remove.
# Every key is described in README.md, section "The manifest (schema ragqa/manifest/1)".
"""
_WIDTH = 96  # columns of folded summaries: they stay readable in a diff
_DEFAULT_DASH = 2  # columns before the dash of an entry, in a file that has no entry yet


def _foldable(text: str) -> bool:
    """Return whether ``>-`` gives back this text: words and paragraphs, with nothing odd."""
    words = text.replace("\n\n", " ")
    return words.isprintable() and not re.search(r"^[ \n]|  |[ \n]$|\n | \n", text)


def _folded(text: str) -> str:
    """Mark where the lines of a folded text end: at the last space that fits `_WIDTH`."""
    folded = FoldedScalarString(text)
    folded.fold_pos = []
    start = 0  # of the line
    for space in re.finditer(r"[ \n]+", text):
        word_end = re.compile(r"[ \n]|$").search(text, space.end())
        if "\n" in space[0]:
            start = space.end()
        elif word_end is not None and word_end.start() - start > _WIDTH:
            folded.fold_pos.append(space.start())
            start = space.end()
    return cast("str", folded)


def _value(name: str, text: str) -> str:
    """Choose how a value is written."""
    if name == "summary" and len(text) > _WIDTH // 2 and _foldable(text):
        return _folded(text)
    return text if text.isprintable() else cast("str", DoubleQuotedScalarString(text))


def _values(paper: Paper) -> dict[str, str]:
    """Return what is written of a paper, in the order of the file."""
    values = {
        "id": paper.paper_id,
        "role": paper.role,
        "title": paper.title,
        "url": paper.url,
        "github": paper.github,
        "summary": paper.summary,
    }
    return {name: text for name, text in values.items() if text}


def _dump(value: object) -> str:
    """Write a value as YAML, breaking lines only where `_folded` says so."""
    yaml = YAML()
    yaml.width = MAX_MANIFEST_BYTES
    out = io.StringIO()
    yaml.dump(value, out)
    return out.getvalue()


def _entry(paper: Paper, dash: int) -> str:
    """Write one paper as a list entry whose dash stands in the given column."""
    values = {name: _value(name, text) for name, text in _values(paper).items()}
    return re.sub(r"^(?=.)", " " * dash, _dump([values]), flags=re.MULTILINE)


def _flow_entry(paper: Paper) -> str:
    """Write one paper on one line, for a list in brackets."""
    values = CommentedMap(_values(paper))
    values.fa.set_flow_style()
    return _dump(values).strip()


def _plain(paper: Paper) -> Paper:
    """Return a paper as it will be read back: what is empty is absent, and the id is a title."""
    return replace(
        paper,
        title=paper.title or paper.paper_id,
        url=paper.url or None,
        github=paper.github or None,
        summary=paper.summary or None,
    )


def _checked(text: str, papers: tuple[Paper, ...], path: Path) -> bytes:
    """Return the text's bytes if it reads back as these papers.

    :param text: The text of the whole file.
    :param papers: What it must read back as.
    :param path: The file, for an error.
    :return: The bytes to write.
    :raises ManifestError: A paper cannot be listed as it is.
    :raises CorpusError: The text would read back as something else.
    """
    read, _ = parse_manifest(text.removeprefix("\ufeff"), name=path)
    if read != papers:
        raise CorpusError(
            "this manifest cannot be edited without changing other entries",
            item=path,
            hint="Edit it by hand",
        )
    return text.encode("utf-8")


def _write(path: Path, data: bytes) -> None:
    """Write the file atomically."""
    try:
        with atomic_writer(path) as file:
            file.write(data)
    except OSError as error:
        raise CorpusError(
            f"the manifest cannot be written ({error.strerror})", item=path
        ) from error


def _encodable(papers: tuple[Paper, ...], path: Path) -> None:
    """Refuse lone surrogates, which no file can hold."""
    for paper in papers:
        try:
            "".join((paper.title, *paper.links, paper.summary or "")).encode("utf-8")
        except UnicodeEncodeError as error:
            said = f"{paper.paper_id!r} holds a character that no file can hold: {error.reason}"
            raise ManifestError(path, (Problem(line=None, text=said),)) from error


def render_manifest(papers: tuple[Paper, ...], *, name: str | Path = "manifest.yaml") -> bytes:
    """Write papers as the bytes of a fresh manifest; the same papers give the same bytes.

    :param papers: The papers; one without a title is given its id as title.
    :param name: What to call the file in an error.
    :return: The file's bytes.
    :raises ManifestError: A paper cannot be listed as it is (its id, a link, a control character).
    """
    papers = tuple(_plain(paper) for paper in papers)
    _encodable(papers, Path(name))
    entries = "\n".join(_entry(paper, _DEFAULT_DASH) for paper in papers)
    listed = f"\n{entries}" if papers else " []\n"
    text = f"{_HEADER}schema: {MANIFEST_SCHEMA}\npapers:{listed}"
    return _checked(text, papers, Path(name))


def save_manifest(path: str | Path, papers: tuple[Paper, ...]) -> None:
    """Write a fresh manifest, in place of any that is there.

    :param path: The file.
    :param papers: The papers.
    :raises ManifestError: A paper cannot be listed as it is.
    :raises CorpusError: The file cannot be written.
    """
    _write(Path(path), render_manifest(papers, name=path))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    """A manifest with what an edit needs."""

    path: Path
    bom: str
    text: str
    papers: tuple[Paper, ...]
    listed: SequenceNode | None

    def save(self, text: str, papers: tuple[Paper, ...]) -> Manifest:
        """Check and write the edited text."""
        data = _checked(self.bom + text, papers, self.path)
        _write(self.path, data)
        return Manifest(papers=papers, sha256=sha256_bytes(data))


def _load(path: Path) -> _Loaded:
    """Read a manifest for an edit."""
    text, _ = read_text(path)
    body = text.removeprefix("\ufeff")
    papers, listed = parse_manifest(body, name=path)
    bom = text[: len(text) - len(body)]
    return _Loaded(path=path, bom=bom, text=body, papers=papers, listed=listed)


def _line_start(text: str, index: int) -> int:
    """Return where the line of a character starts."""
    return max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1


def _entry_starts(text: str, listed: SequenceNode) -> list[int]:
    """Return where each entry's dash line starts, in a list written with dashes."""
    dash = listed.start_mark.column
    starts = []
    for node in listed.value:
        start = _line_start(text, node.start_mark.index)
        while start > 0 and not text.startswith("-", start + dash):
            start = _line_start(text, start - 1)
        starts.append(start)
    return starts


def _entry_end(text: str, start: int, limit: int, dash: int) -> int:
    """Return where an entry's own lines end: before blank lines and comments that follow it."""
    end = start
    position = start
    for line in re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$", text[start:limit]):
        position += len(line)
        bare = line.lstrip(" ")
        outside = bare.startswith("#") and len(line) - len(bare) <= dash
        if line.strip() and not outside:
            end = position
    return end


def _spans(text: str, listed: SequenceNode) -> list[tuple[int, int]]:
    """Return the span of each entry's lines, in a list written with dashes."""
    starts = _entry_starts(text, listed)
    last = _line_start(text, listed.end_mark.index) if listed.end_mark.column == 0 else len(text)
    limits = [*starts[1:], max(last, starts[-1])]
    dash = listed.start_mark.column
    return [
        (start, _entry_end(text, start, limit, dash))
        for start, limit in zip(starts, limits, strict=True)
    ]


def _newline(text: str) -> str:
    """Return the line end that a file uses."""
    found = re.search(r"\r\n|\r|\n", text)
    return found[0] if found else "\n"


def _insert(text: str, at: int, block: str) -> str:
    """Insert lines at a line start, in the file's own line ends."""
    newline = _newline(text)
    before = text[:at]
    if before and not before.endswith(("\n", "\r")):
        before += newline
    return before + block.replace("\n", newline) + text[at:]


def _with_first(text: str, paper: Paper) -> str:
    """Add the first entry below a ``papers:`` that has none (empty, ``[]`` or ``null``)."""
    block = _entry(paper, _DEFAULT_DASH)
    line = re.compile(r"^(papers[ \t]*:)(?:[ \t]*(?:\[\s*\]|null|~))?", re.MULTILINE)
    found = line.search(text)
    if found is None:
        return text
    text = text[: found.end(1)] + text[found.end() :]
    end = re.compile(r"\r\n|\r|\n|$").search(text, found.end(1))
    return _insert(text, end.end() if end else len(text), block)


def _with_added(loaded: _Loaded, paper: Paper) -> str:
    """Return the text with one more entry at the end of the list."""
    text, listed = loaded.text, loaded.listed
    if listed is None or not listed.value:
        return _with_first(text, paper)
    if listed.flow_style:
        at = listed.value[-1].end_mark.index
        return f"{text[:at]}, {_flow_entry(paper)}{text[at:]}"
    spans = _spans(text, listed)
    block = _entry(paper, listed.start_mark.column)
    spaced = len(spans) > 1 and not text[spans[-2][1] : spans[-1][0]].strip(" \t\r\n")
    if spaced and spans[-2][1] < spans[-1][0]:
        block = f"\n{block}"
    return _insert(text, spans[-1][1], block)


def _flow_without(text: str, items: list[Node], listed: SequenceNode, at: int) -> str:
    """Return the text without one entry of a list in brackets."""
    if len(items) == 1:
        return f"{text[: listed.start_mark.index]}[]{text[listed.end_mark.index :]}"
    if at + 1 < len(items):
        return text[: items[at].start_mark.index] + text[items[at + 1].start_mark.index :]
    return text[: items[at - 1].end_mark.index] + text[items[at].end_mark.index :]


def _without(loaded: _Loaded, listed: SequenceNode, at: int) -> str:
    """Return the text without one entry."""
    text = loaded.text
    if listed.flow_style:
        return _flow_without(text, listed.value, listed, at)
    start, end = _spans(text, listed)[at]
    blank = re.compile(r"(?:[ \t]*(?:\r\n|\r|\n))*").match(text, end)
    return text[:start] + text[blank.end() if blank else end :]


def add_paper(path: str | Path, paper: Paper) -> Manifest:
    """Add a paper at the end of a manifest; everything else in the file stays as it is.

    :param path: The file.
    :param paper: The paper.
    :return: The new manifest.
    :raises CorpusError: It is already listed, or the file is missing or cannot be written.
    :raises ManifestError: The file has mistakes, or the paper cannot be listed as it is.
    """
    loaded = _load(Path(path))
    key = same_paper_key(paper.url) if paper.url else None
    for listed in loaded.papers:
        same_link = key is not None and listed.url and same_paper_key(listed.url) == key
        if listed.paper_id == paper.paper_id or same_link:
            raise CorpusError(
                f"this paper is already listed in {path}",
                item=listed.paper_id,
                hint="Edit its entry, or remove it first",
            )
    render_manifest((paper,), name=path)  # names what is wrong with the paper itself
    return loaded.save(_with_added(loaded, paper), (*loaded.papers, _plain(paper)))


def remove_paper(path: str | Path, paper_id: str) -> Manifest:
    """Take a paper off a manifest; everything else in the file stays as it is.

    :param path: The file.
    :param paper_id: Which paper.
    :return: The new manifest.
    :raises CorpusError: No such paper is listed, or the file is missing or cannot be written.
    :raises ManifestError: The file has mistakes.
    """
    loaded = _load(Path(path))
    ids = [paper.paper_id for paper in loaded.papers]
    if paper_id not in ids or loaded.listed is None:
        hint = nearest(paper_id, ids).lstrip("; ").capitalize()
        raise CorpusError(
            f"no such paper in {path}",
            item=paper_id,
            hint=hint or f"Listed are: {', '.join(ids) or 'none'}",
        )
    at = ids.index(paper_id)
    kept = loaded.papers[:at] + loaded.papers[at + 1 :]
    return loaded.save(_without(loaded, loaded.listed, at), kept)
