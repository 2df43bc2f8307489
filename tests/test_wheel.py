"""The wheel: built without a network, unpacked alone, and used as without a checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from email.parser import HeaderParser
from pathlib import Path

import pytest

import ragqa

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
CACHES = {"__pycache__", ".mypy_cache", ".ruff_cache"}
HEAVY = ("faiss", "langchain", "langchain_core", "numpy", "onnxruntime", "pypdf", "torch")
MAX_MODULES = 45  # that `import ragqa` may load; itself and 29 of the standard library are 30
MAX_CLI_MODULES = 130  # that the command's help may load; click and its standard library are 84

BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"


def run(*args: str | Path, cwd: Path, path: Path | None = None) -> str:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if path is not None:
        env["PYTHONPATH"] = str(path)
    done = subprocess.run(
        [sys.executable, "-P", *map(str, args)], cwd=cwd, env=env, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    return done.stdout.decode()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    return folder / run("-c", BUILD, folder, cwd=ROOT).splitlines()[-1]


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    folder = wheel.parent / "site"
    options = ("--no-deps", "--no-index", "--quiet", "--disable-pip-version-check")
    run("-m", "pip", "install", *options, "--target", folder, wheel, cwd=wheel.parent)
    return folder


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    (tmp_path / "ragqa.py").write_text("raise ImportError('the folder it runs in was searched')")
    return tmp_path


def test_it_holds_the_package_and_nothing_else(installed: Path) -> None:
    def files(folder: Path) -> set[str]:
        found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
        return {path.as_posix() for path in found if not CACHES & set(path.parts)}

    assert files(installed / "ragqa") == files(ROOT / "ragqa")
    assert {"plan/tasks.toml", "py.typed"} <= files(installed / "ragqa")
    tops = {path.name for path in installed.iterdir()}
    assert tops == {"bin", "ragqa", f"ragqa-{ragqa.__version__}.dist-info"}


def test_its_facts_are_those_of_the_project(installed: Path) -> None:
    facts = installed / f"ragqa-{ragqa.__version__}.dist-info"
    metadata = HeaderParser().parsestr((facts / "METADATA").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert metadata["Requires-Python"] == project["requires-python"]
    needs = [str(need) for need in metadata.get_all("Requires-Dist") or []]
    plain = {need for need in needs if "extra ==" not in need}
    assert plain == {need.replace("ruamel.yaml", "ruamel-yaml") for need in project["dependencies"]}
    assert (facts / "licenses" / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_it_is_the_wheel_that_runs(installed: Path, elsewhere: Path) -> None:
    code = "import ragqa.api, ragqa.plan.tasks as t; print(ragqa.__file__); print(t.known_tasks())"
    out = run("-c", code, cwd=elsewhere, path=installed)
    assert Path(out.splitlines()[0]).is_relative_to(installed)
    assert "super-resolution" in out


def test_every_public_name_can_be_imported(installed: Path, elsewhere: Path) -> None:
    code = "import ragqa; print(*[getattr(ragqa, name) and name for name in ragqa.__all__])"
    assert run("-c", code, cwd=elsewhere, path=installed).split() == list(ragqa.__all__)


def test_its_command_answers_for_itself(installed: Path, elsewhere: Path) -> None:
    out = run("-m", "ragqa", "--help", cwd=elsewhere, path=installed)
    assert "Start with: ragqa answer CARD" in " ".join(out.split())
    script = installed / "bin" / "ragqa"
    assert ragqa.__version__ in run(script, "--version", cwd=elsewhere, path=installed)


@pytest.mark.parametrize(
    ("module", "limit"), [("ragqa", MAX_MODULES), ("ragqa.cli", MAX_CLI_MODULES)]
)
def test_importing_it_is_light(installed: Path, elsewhere: Path, module: str, limit: int) -> None:
    code = f"import sys; n = set(sys.modules); import {module}; print(*(set(sys.modules) - n))"
    loaded = run("-c", code, cwd=elsewhere, path=installed).split()
    assert module in loaded
    assert len(loaded) <= limit, sorted(loaded)
    assert not {name.split(".")[0] for name in loaded} & set(HEAVY)


@pytest.mark.model
def test_it_answers_the_missions_card_from_its_summaries(installed: Path, elsewhere: Path) -> None:
    card = elsewhere / "corpus" / "upscaling" / "card.txt"
    card.parent.mkdir(parents=True)
    shutil.copyfile(ROOT / "corpus" / "upscaling" / "card.txt", card)
    out = run("-m", "ragqa", "answer", card, "--offline", "--json", cwd=elsewhere, path=installed)
    answer = json.loads(out)
    assert answer["schema"] == "ragqa/answer/1"
    assert [section["kind"] for section in answer["sections"]] == ["task", "workflow", "papers"]
    quoted = {
        citation["paper_id"]
        for section in answer["sections"]
        for statement in section["statements"]
        for citation in statement["citations"]
        if citation["document"] == "summary"
    }
    assert quoted == {"arxiv-2502.16025", "arxiv-2502.17093", "arxiv-2308.15462"}
    states = {source["paper_id"]: source["state"] for source in answer["sources"]}
    assert states["deblur-mssnet-l-gopro"] == "no-text"
