"""The documents say what the program does: docs/cli.md, the README's code, all that is named."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

from ragqa.cli import cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TOLD = "\n".join(
    (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CONTRIBUTING.md")
)
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_FENCE = re.compile(r"^```(?P<kind>\w*)[^\n]*\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)
_SHELLS = {"sh", "bash", "shell", "console"}
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)\s]*)?\)")


def blocks(kind: str) -> list[tuple[int, str]]:
    """Return the README's fenced blocks of a kind with the line that each starts on."""
    return [
        (README.count("\n", 0, found.start("code")), found["code"])
        for found in _FENCE.finditer(README)
        if found["kind"] == kind
    ]


def commands() -> list[str]:
    """Return what a reader is told to type: lines of shell blocks, and code in running text."""
    lines = [
        line.removeprefix("$ ").strip()
        for found in _FENCE.finditer(TOLD)
        if found["kind"] in _SHELLS
        for line in found["code"].replace("\\\n", " ").splitlines()
    ]
    return [*lines, *_SPAN.findall(_FENCE.sub("", TOLD))]


def verbs(command: click.Command = cli) -> Iterator[click.Command]:
    if isinstance(command, click.Group):
        for verb in command.commands.values():
            yield verb
            yield from verbs(verb)


def script(name: str) -> ModuleType:
    """Load a script of docs/, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def make_cli() -> ModuleType:
    return script("make_cli")


def test_the_page_of_the_command_line_is_up_to_date(make_cli: ModuleType) -> None:
    assert make_cli.PAGE.read_text(encoding="utf-8") == make_cli.page(), "run: make docs"


def test_the_page_of_measures_is_up_to_date() -> None:
    module = script("make_evaluation")
    assert module.PAGE.read_text(encoding="utf-8") == module.page(), "run: make docs"


def test_that_page_has_every_verb_and_option(make_cli: ModuleType) -> None:
    page = make_cli.page()
    assert {verb.name for verb in verbs()} == set(re.findall(r"^## ragqa (.+)$", page, re.M))
    for verb in verbs():
        section = page.split(f"\n## ragqa {verb.name}\n")[1].split("\n## ")[0]
        for param in verb.params:
            if isinstance(param, click.Option):
                assert re.search(rf"^- `.*{param.opts[-1]}\b.*`: \w", section, re.M), param.opts
            else:
                assert param.make_metavar(click.Context(verb)).strip("[]") in section


@pytest.mark.parametrize(
    ("args", "code"),
    [(["--help"], 0), (["ask", "Why?", "--index", "nowhere"], 1), (["no-such-verb"], 2)],
)
def test_the_exit_codes_are_those_of_that_page(
    make_cli: ModuleType, tmp_path: Path, args: list[str], code: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "ragqa", *args], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == code
    assert f"\n- `{code}`: " in make_cli.page()
    if code == 1:
        assert len(done.stderr.decode().splitlines()) == 1


def test_every_make_target_that_is_named_exists() -> None:
    rules = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    named = {
        word
        for command in commands()
        if re.match(r"make( |$)", command)
        for word in shlex.split(command, comments=True)[1:]
        if "=" not in word and not word.startswith("-")
    }
    assert named <= set(rules)


def test_every_verb_and_option_that_is_named_exists() -> None:
    known = {verb.name: verb for verb in verbs()}
    for command in commands():
        if not (found := re.match(r"ragqa +([a-z][\w-]*)(.*)", command)):
            continue
        assert found[1] in known, command
        options = {opt for param in known[found[1]].params for opt in param.opts} | {"--help"}
        assert set(re.findall(r"(?<!\S)--[a-z][\w-]*", found[2])) <= options, command


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_file_that_is_linked_exists(page: Path) -> None:
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    for target in _LINK.findall(text):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection but to this machine."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError("tests make no connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.model
@pytest.mark.skipif(not blocks("python"), reason="the README shows no Python code")
@pytest.mark.usefixtures("no_network")
def test_the_readmes_python_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("card.txt", "manifest.yaml"):
        (tmp_path / "corpus" / "upscaling").mkdir(parents=True, exist_ok=True)
        source = ROOT / "corpus" / "upscaling" / name
        shutil.copyfile(source, tmp_path / "corpus" / "upscaling" / name)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "readme"}
    for line, code in blocks("python"):  # the blocks are one session: later ones use earlier names
        exec(compile("\n" * line + code, "README.md", "exec"), names)
