"""Rules of the house that no other tool checks, or that must hold also where it is not run."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import ragqa.errors
from ragqa.cli import cli
from ragqa.errors import RagqaError

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "ragqa").rglob("*.py"))
MAX_MODULE_LINES = 400
LONGER = dict.fromkeys(
    ("ragqa/records.py", "ragqa/evaluate/records.py"), "fields and what they mean, hardly any code"
)
Defined = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def public(node: ast.Module | ast.ClassDef) -> Iterator[Defined]:
    """Find the public functions, classes and methods of a module or class."""
    for child in node.body:
        if isinstance(child, Defined) and not child.name.startswith("_"):
            yield child
            if isinstance(child, ast.ClassDef):
                yield from public(child)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_module_says_what_it_is(path: Path) -> None:
    module = tree(path)
    assert ast.get_docstring(module)
    without = [node.name for node in public(module) if not ast.get_docstring(node)]
    assert not without
    if name_of(path) not in LONGER:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_MODULE_LINES


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_module_lists_its_public_names(path: Path) -> None:
    module = tree(path)
    own = {node.name for node in public(module) if node in module.body} - {"main"}
    listed = [
        ast.literal_eval(node.value)
        for node in module.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    assert len(listed) == 1 or not own
    if listed:
        assert listed[0] == sorted(listed[0], key=lambda name: sort_key(name))
        assert len(set(listed[0])) == len(listed[0])


def sort_key(name: str) -> tuple[int, str]:
    """Sort as the linter does: constants, classes, the rest."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2, name)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_module_does_not_print_assert_or_put_off(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for node in ast.walk(tree(path)):
        assert not isinstance(node, ast.Assert), f"assert in line {node.lineno}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print", f"print in line {node.lineno}"
    assert not re.search(r"\b(?:TODO|FIXME|XXX|HACK)\b", text)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_broad_except_gives_its_reason_or_raises_again(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = "BaseException" if node.type is None else ast.unparse(node.type)
        if not re.search(r"\b(?:Base)?Exception\b", caught):
            continue
        again = isinstance(node.body[-1], ast.Raise)
        reason = re.search(r"# noqa: BLE001 - \w.{10,}", lines[node.lineno - 1])
        assert again or reason, f"line {node.lineno}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_silenced_rule_has_a_code_and_the_first_of_its_kind_a_reason(path: Path) -> None:
    told: set[str] = set()
    for line in path.read_text(encoding="utf-8").splitlines():
        if not re.search(r"#\s*noqa|#\s*type:\s*ignore", line):
            continue
        match = re.search(r"noqa: ([A-Z]+\d+)( - \w)?|type: ignore\[([\w, -]+)\](\s+# \w)?", line)
        assert match, line
        code, reason = match[1] or match[3], match[2] or match[4]
        assert reason or code in told, line
        told.add(code)


def drawn() -> dict[str, tuple[str, str]]:
    """Read the tree of errors.py: name -> (parent, what it means)."""
    found: dict[str, tuple[str, str]] = {}
    above: list[tuple[int, str]] = []
    for line in (ragqa.errors.__doc__ or "").splitlines():
        match = re.fullmatch(r"([ │├└─]*)(\w*Error)\s*(.*)", line)
        if match:
            depth = len(match[1])
            above = [pair for pair in above if pair[0] < depth]
            found[match[2]] = (above[-1][1] if above else "Exception", match[3])
            above.append((depth, match[2]))
    return found


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    classes = {RagqaError}
    waiting = [RagqaError]
    while waiting:
        waiting = [below for each in waiting for below in each.__subclasses__()]
        classes.update(waiting)
    own = {each for each in classes if each.__module__ == "ragqa.errors"}
    tree_drawn = drawn()
    assert set(tree_drawn) == {each.__name__ for each in own}
    for each in own:
        parent, means = tree_drawn[each.__name__]
        assert each.__base__ is not None
        assert parent == each.__base__.__name__
        assert each is RagqaError or means
        assert each.__name__ in ragqa.errors.__all__
    assert classes == own, "an error that leaves a public function stands in errors.py"


def test_errors_are_one_line_and_say_what_to_do() -> None:
    error = RagqaError("it failed", item=Path("x"), hint="Do this")
    assert str(error) == "it failed: x. Do this"
    assert str(RagqaError("it failed")) == "it failed"


def tracked() -> list[Path]:
    try:
        out = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout")
    return [ROOT / name for name in out.stdout.decode().split("\0") if name]


MACHINE = re.compile(r"(?<![\w.\-:/\\<>])(?:/(?:home|Users|root|work|mnt)/\w|[A-Z]:\\+Users\\)")
"""A path of somebody's machine."""


def test_no_path_of_a_machine_is_in_a_tracked_file() -> None:
    wrong = []
    for path in tracked():
        if not path.is_file() or path.suffix in {".pdf", ".png", ".sqlite"}:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        wrong += [f"{name_of(path)}: {match[0]}" for match in MACHINE.finditer(text)]
    assert not wrong


def test_that_rule_itself() -> None:
    somebody = "ada/data"
    for found in (f"see /home/{somebody}", f'"/work/{somebody}"', f"(/root/{somebody})"):
        assert MACHINE.search(found)
    for harmless in ("https://example.org/home/ada", "a/work/b", "the /home page"):
        assert not MACHINE.search(harmless)


def test_every_command_is_in_the_documentation() -> None:
    page = ROOT / "docs" / "cli.md"
    if not page.is_file():
        pytest.skip("docs/cli.md is not written yet")
    text = page.read_text(encoding="utf-8")
    for name, command in cli.commands.items():
        assert isinstance(command, click.Command)
        assert command.help, name
        assert f"ragqa {name}" in text
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.opts[0] in text, f"{name} {parameter.opts[0]}"


def test_every_dependency_is_justified() -> None:
    page = ROOT / "docs" / "decisions" / "0002-dependencies.md"
    if not page.is_file():
        pytest.skip("docs/decisions/0002-dependencies.md is not written yet")
    text = page.read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [name for names in project["optional-dependencies"].values() for name in names]
    for line in (*project["dependencies"], *extras):
        name = re.split(r"[\[<>=~! ;]", line)[0]
        assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text), name
