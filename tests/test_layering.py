"""The code keeps to `layers.toml`, and the table to the code."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TABLE = tomllib.loads((Path(__file__).parent / "layers.toml").read_text(encoding="utf-8"))
PARTS: dict[str, dict[str, object]] = TABLE["part"]
BOTTOM: list[str] = TABLE["bottom"]
EXCEPTIONS = {(row["from"], row["to"]): row["why"] for row in TABLE["exception"]}
HEAVY = {
    "torch", "transformers", "sentence_transformers", "langchain", "langchain_core",
    "langchain_text_splitters", "requests", "pypdf", "onnx", "onnxscript", "rich",
}  # fmt: skip
"""Never imported at the top of a module: 40 ms to 12 s each."""


@dataclass(frozen=True)
class Import:
    """One import of a ragqa module by another."""

    place: str
    part: str
    target: str

    @property
    def target_part(self) -> str:
        """Return the part that is imported."""
        return self.target.split(".")[0]

    @property
    def is_allowed(self) -> bool:
        """Say whether the table allows it."""
        if self.part == self.target_part:
            return True
        if any(used_by(self, exception) for exception in EXCEPTIONS):
            return True
        return self.part in PARTS and self.target_part in (*BOTTOM, *may(self.part))


def used_by(found: Import, exception: tuple[str, str]) -> bool:
    part, target = exception
    return found.part == part and (found.target == target or found.target.startswith(f"{target}."))


def may(part: str) -> list[str]:
    listed = PARTS[part]["may"]
    assert isinstance(listed, list)
    return listed


def part_of(path: Path) -> str:
    """Return which part a file of ragqa/ belongs to."""
    return path.relative_to(ROOT / "ragqa").parts[0].removesuffix(".py")


def imports(source: str, *, place: str, part: str) -> Iterator[Import]:
    """Find every import of ragqa in a file, also in functions; ``.`` names a relative one."""
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = ["." * node.level + (node.module or "")]
        for name in names:
            if name.startswith(".") or name.split(".")[0] == "ragqa":
                target = name.removeprefix("ragqa").removeprefix(".") or "ragqa"
                yield Import(f"{place}:{node.lineno}", part, target)


def files() -> list[Path]:
    return sorted((ROOT / "ragqa").rglob("*.py"))


def all_imports() -> list[Import]:
    return [
        found
        for path in files()
        for found in imports(
            path.read_text(encoding="utf-8"),
            place=path.relative_to(ROOT).as_posix(),
            part=part_of(path),
        )
    ]


def test_every_part_has_a_row() -> None:
    assert {part_of(path) for path in files()} == set(PARTS)


def test_rows_point_downwards() -> None:
    wrong = [
        f"{part} (level {row['level']}) may import {target} (level {PARTS[target]['level']})"
        for part, row in PARTS.items()
        for target in may(part)
        if PARTS[target]["level"] >= row["level"]  # type: ignore[operator]
        and (part, target) not in EXCEPTIONS
    ]
    assert not wrong
    assert {PARTS[part]["level"] for part in BOTTOM} == {0}


def test_every_import_is_allowed() -> None:
    wrong = [
        f"{found.place} imports ragqa.{found.target}: not in the row `{found.part}` of layers.toml"
        for found in all_imports()
        if not found.is_allowed
    ]
    assert not wrong, "\n".join(wrong)


def test_every_permission_is_needed() -> None:
    found = all_imports()
    used = {(each.part, each.target_part) for each in found}
    idle = [f"{part} -> {to}" for part in PARTS for to in may(part) if (part, to) not in used]
    idle += [
        f"exception {exception}"
        for exception in EXCEPTIONS
        if not any(used_by(each, exception) for each in found)
    ]
    assert not idle, f"layers.toml allows what nothing needs: {idle}"
    assert all(len(why) > 20 for why in EXCEPTIONS.values())


def test_nothing_in_ragqa_imports_the_root_or_relatively() -> None:
    wrong = [
        each.place for each in all_imports() if each.target in {"ragqa", "."} or not each.target
    ]
    assert not wrong


def top_level(source: str) -> Iterator[str]:
    """Find what importing a file imports: not in functions, not under TYPE_CHECKING."""
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]
        waiting.extend(ast.iter_child_nodes(node))


def test_heavy_libraries_are_imported_where_they_are_used() -> None:
    wrong = {
        path.relative_to(ROOT).as_posix(): sorted(found)
        for path in files()
        if part_of(path) != "integrations"  # which nothing imports
        and (found := HEAVY & set(top_level(path.read_text(encoding="utf-8"))))
    }
    assert not wrong


@pytest.mark.parametrize(
    ("part", "source", "allowed"),
    [
        ("parse", "from ragqa.chunk import chunk_document", False),
        ("parse", "def f():\n    import ragqa.index.store", False),
        ("parse", "if TYPE_CHECKING:\n    from ragqa.build import BuildReport", False),
        ("parse", "from ragqa.records import Document", True),
        ("parse", "from ragqa.parse.raw import x", True),
        ("parse", "import ragqa", False),
        ("parse", "from ragqa import Reader", False),
        ("chunk", "from ragqa.parse.headings import x", True),
        ("chunk", "from ragqa.parse.pdfium import x", False),
        ("retrieve", "from ragqa.index.store import Store", True),
        ("retrieve", "import ragqa.plan.fit", False),
    ],
)
def test_the_rule_itself(part: str, source: str, allowed: bool) -> None:
    (found,) = imports(source, place="x.py", part=part)
    assert found.is_allowed is allowed
