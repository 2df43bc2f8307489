"""`manifest.yaml` -> `Manifest`: every mistake of the file at once, each with its line.

In: a file that a person edits. Out: its papers, in order, or one `ManifestError`.

The file is read as a tree of YAML nodes and never turned into Python objects, so a tag can
construct nothing, an alias is never copied out, and every value has a position. Invariants of a
`Manifest`: ids are unique and good file names; no two papers have the same link; links are
http(s). What is accepted without a word: ``title: 2001`` and other unquoted scalars are text as
they are written; ``null`` and empty values are absent; a paper without a title is shown by its id;
``papers:`` without entries is an empty list.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from ragqa._files import sha256_bytes
from ragqa.errors import CorpusError, ManifestError, Problem
from ragqa.manifest.links import check_github, check_id, check_link, same_paper_key
from ragqa.records import Paper, Role

__all__ = [
    "MANIFEST_SCHEMA",
    "MAX_MANIFEST_BYTES",
    "Manifest",
    "check_text",
    "load_manifest",
    "nearest",
    "parse_manifest",
    "read_text",
]

MANIFEST_SCHEMA = "ragqa/manifest/1"
"""The only format that this version reads and writes."""

MAX_MANIFEST_BYTES = 16 * 1024 * 1024
"""Bytes: some 10,000 papers with summaries; read at 2 MB/s (500 papers, 0.6 MB: 0.25 s)."""

_ROOT_KEYS = ("schema", "papers")
_PAPER_KEYS = ("id", "role", "title", "url", "github", "summary")
_ROLES: tuple[Role, ...] = ("model", "paper")
_TEXT_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "value", "merge")
)
_NULL_TAG = "tag:yaml.org,2002:null"
_SHOWN_CHARS = 60  # of an offending value; a message stays readable in one line

_Node = TypeVar("_Node", bound=Node)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The closed list of papers of a corpus.

    :ivar papers: The papers, in the order of the file.
    :ivar sha256: Hash of the file's bytes, hex.
    """

    papers: tuple[Paper, ...]
    sha256: str

    def get(self, paper_id: str) -> Paper | None:
        """Return the paper with this id, or None.

        :param paper_id: The id.
        :return: The paper, if it is listed.
        """
        return next((paper for paper in self.papers if paper.paper_id == paper_id), None)


def nearest(word: str, words: Iterable[str]) -> str:
    """Suggest what may have been meant.

    :param word: What was written.
    :param words: What may be written.
    :return: ``; did you mean 'x'?``, or nothing where no word is near.
    """
    close = get_close_matches(word[:_SHOWN_CHARS], list(words), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _shown(value: str) -> str:
    """Quote an offending value, shortened, with what cannot be printed escaped."""
    return repr(value if len(value) <= _SHOWN_CHARS else value[: _SHOWN_CHARS - 3] + "...")


def check_text(text: str, *, one_line: bool) -> str | None:
    """Say what is wrong with a title or summary.

    :param text: The text.
    :param one_line: Whether it may not hold a line break.
    :return: What is wrong, as the end of a sentence; None where the text is good.
    """
    allowed = "\t" if one_line else "\t\n"
    for char in text:
        if unicodedata.category(char) in {"Cc", "Cs"} and char not in allowed:
            what = "a line break" if char == "\n" else f"the control character {char!r}"
            return f"holds {what}; remove it"
    return None


@dataclass(slots=True)
class _Reader:
    """Collects the mistakes of one file while its nodes are read."""

    text: str
    problems: list[tuple[int, str]] = field(default_factory=list)
    """Index of the character, and what is wrong there."""
    breaks: list[int] = field(default_factory=list)
    """Index after each line break, filled when the first line number is asked for."""

    def line(self, index: int) -> int:
        """Return the line of a character, from 1, as an editor counts lines."""
        if not self.breaks:
            self.breaks = [0, *(found.end() for found in re.finditer(r"\r\n|\r|\n", self.text))]
        return bisect_right(self.breaks, index)

    def wrong(self, node: Node, text: str) -> None:
        """Note a mistake where a node starts."""
        self.problems.append((node.start_mark.index, text))

    def report(self) -> tuple[Problem, ...]:
        """Return the mistakes in file order."""
        in_order = sorted(self.problems, key=lambda problem: problem[0])
        return tuple(Problem(line=self.line(index), text=text) for index, text in in_order)

    def compose(self) -> Node | None:
        """Read the YAML into nodes; None where that fails or the file is empty."""
        try:
            node = YAML(typ="safe", pure=True).compose(self.text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            said = error.problem or error.context or "it cannot be read"
            self.problems.append((0 if mark is None else mark.index, f"not valid YAML: {said}"))
        except ReaderError as error:
            at = self.text.find(chr(error.character)) if isinstance(error.character, int) else 0
            self.problems.append((max(at, 0), f"not valid YAML: {error.reason}"))
        except (YAMLError, ValueError, OverflowError) as error:
            self.problems.append((0, f"not valid YAML: {str(error).splitlines()[0]}"))
        except RecursionError:
            self.problems.append((0, "not a manifest: it is nested far too deeply"))
        else:
            if node is None:
                self.problems.append((0, f"the file is empty; it needs schema: {MANIFEST_SCHEMA}"))
            return cast("Node | None", node)
        return None

    def expect(self, node: Node, kind: type[_Node], where: str, wanted: str) -> _Node | None:
        """Return the node if it is of the kind wanted, else note a mistake."""
        if isinstance(node, kind):
            return node
        self.wrong(node, f"{where} must be {wanted}, not {_kind_of(node)}")
        return None

    def fields(self, node: MappingNode, keys: tuple[str, ...], where: str) -> dict[str, Node]:
        """Return a mapping's values by key; unknown and repeated keys are mistakes."""
        found: dict[str, Node] = {}
        first: dict[str, int] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, ScalarNode) else _kind_of(key)
            if name in first:
                line = self.line(first[name])
                self.wrong(key, f"{where}: {_shown(name)} is given twice, first on line {line}")
            elif name not in keys:
                known = ", ".join(keys)
                hint = nearest(name, keys) or f"; known are {known}"
                self.wrong(key, f"{where}: unknown key {_shown(name)}{hint}")
            else:
                found[name] = value
            first.setdefault(name, key.start_mark.index)
        return found

    def scalar(self, node: Node | None, name: str) -> str | None:
        """Return a value's text as it is written; None where it is absent or wrong."""
        if node is None:
            return None
        scalar = self.expect(node, ScalarNode, name, "text")
        if scalar is None or scalar.tag == _NULL_TAG:
            return None
        if scalar.tag not in _TEXT_TAGS:
            self.wrong(scalar, f"{name} has the YAML tag {_shown(str(scalar.tag))}; remove the tag")
            return None
        text = cast("str", scalar.value)
        if scalar.style in {"|", ">"} and name != "summary":
            text = text.rstrip("\n")  # the block style adds it, nobody meant it
        wrong = check_text(text, one_line=name != "summary")
        if wrong is not None:
            self.wrong(scalar, f"{name} {wrong}")
        return text or None


def _kind_of(node: Node) -> str:
    """Name a node's kind for a person."""
    if isinstance(node, MappingNode):
        return "keys and values"
    return "a list" if isinstance(node, SequenceNode) else "a single value"


def _is_null(node: Node) -> bool:
    """Return whether a node is an absent value."""
    return isinstance(node, ScalarNode) and node.tag == _NULL_TAG


class _Papers:
    """Reads the entries and what must hold between them."""

    def __init__(self, reader: _Reader) -> None:
        self._reader = reader
        self._ids: dict[str, int] = {}
        self._links: dict[str, tuple[int, str]] = {}

    def read(self, node: Node) -> Paper | None:
        """Read one entry; None where it has no usable id."""
        reader = self._reader
        entry = reader.expect(node, MappingNode, "a paper", "keys and values (- id: ...)")
        if entry is None:
            return None
        nodes = reader.fields(entry, _PAPER_KEYS, "this paper")
        texts = {key: reader.scalar(nodes.get(key), key) for key in _PAPER_KEYS}
        self._check_id(entry, nodes.get("id"), texts["id"])
        self._check_links(nodes, texts)
        role = texts["role"] or "paper"
        if role not in _ROLES:
            hint = nearest(role, _ROLES) or "; it is 'model' or 'paper'"
            reader.wrong(nodes["role"], f"unknown role {_shown(role)}{hint}")
        paper_id = texts["id"] or ""
        return Paper(
            paper_id=paper_id,
            title=texts["title"] or paper_id,
            role="model" if role == "model" else "paper",
            url=texts["url"],
            github=texts["github"],
            summary=texts["summary"],
        )

    def _check_id(self, entry: MappingNode, node: Node | None, paper_id: str | None) -> None:
        """Note an id that is missing, bad, or used before."""
        reader = self._reader
        if node is None or _is_null(node) or (isinstance(node, ScalarNode) and not node.value):
            reader.wrong(node or entry, "this paper has no id; add a line like  id: my-paper")
        if node is None or paper_id is None:
            return
        wrong = check_id(paper_id)
        if wrong is not None:
            reader.wrong(node, f"the id {_shown(paper_id)} {wrong}")
        elif paper_id in self._ids:
            line = reader.line(self._ids[paper_id])
            reader.wrong(node, f"the id {paper_id!r} is already used on line {line}")
        self._ids.setdefault(paper_id, node.start_mark.index)

    def _check_links(self, nodes: dict[str, Node], texts: dict[str, str | None]) -> None:
        """Note links that are none, and a paper that was listed before under another id."""
        url, github = texts["url"], texts["github"]
        if github is not None and (wrong := check_github(github)) is not None:
            self._reader.wrong(nodes["github"], f"github {_shown(github)} {wrong}")
        if url is None:
            return
        wrong = check_link(url)
        if wrong is not None:
            self._reader.wrong(nodes["url"], f"url {_shown(url)} {wrong}")
            return
        index, paper_id = self._links.setdefault(
            same_paper_key(url), (nodes["url"].start_mark.index, texts["id"] or "")
        )
        if index != nodes["url"].start_mark.index and paper_id != texts["id"]:
            line = self._reader.line(index)
            named = f" as {paper_id!r}" if paper_id else ""
            said = f"this paper is already listed on line {line}{named}; keep one of them"
            self._reader.wrong(nodes["url"], said)


def _root(reader: _Reader) -> SequenceNode | None:
    """Check the outermost keys; return the node of the list of papers, if it has entries."""
    node = reader.compose()
    root = reader.expect(node, MappingNode, "a manifest", "keys and values") if node else None
    if root is None:
        return None
    nodes = reader.fields(root, _ROOT_KEYS, "manifest")
    schema = reader.scalar(nodes.get("schema"), "schema")
    if schema != MANIFEST_SCHEMA:
        said = "is missing" if schema is None else f"{_shown(schema)} is unknown"
        where = nodes.get("schema", root)
        reader.wrong(where, f"the schema {said}; this version reads {MANIFEST_SCHEMA!r}")
    papers = nodes.get("papers")
    if papers is None:
        reader.wrong(root, "'papers' is missing; an empty list is written  papers: []")
    if papers is None or _is_null(papers):
        return None
    return reader.expect(papers, SequenceNode, "papers", "a list")


def parse_manifest(text: str, *, name: object) -> tuple[tuple[Paper, ...], SequenceNode | None]:
    """Read the text of a manifest.

    :param text: The text, without a byte order mark.
    :param name: What to call it in an error.
    :return: The papers, and the node of their list (None where it has no entries).
    :raises ManifestError: It has mistakes; all of them are named.
    """
    reader = _Reader(text)
    listed = _root(reader)
    papers = _Papers(reader)
    read = [papers.read(node) for node in (listed.value if listed else ())]
    if reader.problems:
        raise ManifestError(name, reader.report())
    return tuple(paper for paper in read if paper is not None), listed


def read_text(path: Path) -> tuple[str, bytes]:
    """Read a manifest's bytes and decode them.

    :param path: The file.
    :return: The text, with a byte order mark where the file has one, and the bytes.
    :raises CorpusError: The file is missing or cannot be read.
    :raises ManifestError: It is too large or not UTF-8.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_MANIFEST_BYTES + 1)
    except FileNotFoundError as error:
        raise CorpusError(
            "there is no manifest", item=path, hint=f"Run: ragqa init {path.parent}"
        ) from error
    except OSError as error:
        raise CorpusError(f"the manifest cannot be read ({error.strerror})", item=path) from error
    if len(data) > MAX_MANIFEST_BYTES:
        text = f"the file is larger than {MAX_MANIFEST_BYTES} bytes; split the corpus"
        raise ManifestError(path, (Problem(line=None, text=text),))
    try:
        return data.decode("utf-8"), data
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        text = "this is not UTF-8; save the file as UTF-8"
        raise ManifestError(path, (Problem(line=line, text=text),)) from error


def load_manifest(path: str | Path) -> Manifest:
    """Read and check a manifest.

    :param path: The file.
    :return: Its papers and hash.
    :raises CorpusError: The file is missing or cannot be read.
    :raises ManifestError: It has mistakes; all of them are named.
    """
    text, data = read_text(Path(path))
    papers, _ = parse_manifest(text.removeprefix("\ufeff"), name=path)
    return Manifest(papers=papers, sha256=sha256_bytes(data))
