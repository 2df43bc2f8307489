"""The environment that the peers run in: made by the bench, apart from ragqa's own.

In: requirements. Out: the path of an interpreter. Invariants: torch is installed first, as it is in
ragqa's; what one peer cannot be installed for costs that peer's rows, never the others'; a folder
is made once for the same requirements.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from benchmarks.bench.running import say

__all__ = ["PEERS", "Environment", "InstallError", "make_environment"]

_FOLDER = Path(__file__).parent.parent
TORCH = "torch==2.13.0"
PEERS = {
    "langchain": _FOLDER / "requirements-langchain.txt",
    "paperqa": _FOLDER / "requirements-paperqa.txt",
}
"""Each peer's pinned requirements."""

_STAMP = "made.json"
_SHOWN = 200  # characters of pip's last words
_TOLD = (
    "torch",
    "sentence-transformers",
    "transformers",
    "langchain-core",
    "langchain-community",
    "langchain-huggingface",
    "langchain-text-splitters",
    "paper-qa",
    "pypdf",
    "faiss-cpu",
    "numpy",
)
_VERSIONS = """
import json, sys
from importlib.metadata import PackageNotFoundError, version
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        pass
print(json.dumps(found))
"""


class InstallError(RuntimeError):
    """A peer cannot be installed; the message says why."""


class Environment:
    """An environment for peers, with what of it could be installed.

    :param folder: Its folder.
    :param failed: For each peer that is not there, why.
    """

    def __init__(self, folder: Path, failed: dict[str, str]) -> None:
        self.folder = folder
        self.failed = failed

    @property
    def python(self) -> Path:
        """Return its interpreter."""
        return interpreter(self.folder)

    def versions(self) -> dict[str, str]:
        """Return the versions of what decides the figures."""
        command = [str(self.python), "-c", _VERSIONS, *_TOLD]
        found: dict[str, str] = json.loads(subprocess.check_output(command, text=True))
        return found


def interpreter(folder: Path) -> Path:
    """Return the interpreter of a virtual environment."""
    windows = folder / "Scripts" / "python.exe"
    return windows if sys.platform == "win32" else folder / "bin" / "python"


def make_environment(folder: Path) -> Environment:
    """Make the peers' environment, or take the one that is there.

    :param folder: Where; one that somebody else made is used as it is.
    :return: The environment.
    :raises InstallError: Not even the interpreter and torch could be installed.
    """
    stamp = folder / _STAMP
    wanted = _wanted()
    if stamp.exists():
        made = json.loads(stamp.read_text(encoding="utf-8"))
        if made["wanted"] == wanted and not made["failed"]:
            return Environment(folder, made["failed"])
    elif interpreter(folder).exists():
        return Environment(folder, {})  # --peers names one that the user made
    failed = _install(folder)
    stamp.write_text(json.dumps({"wanted": wanted, "failed": failed}) + "\n", encoding="utf-8")
    return Environment(folder, failed)


def _wanted() -> str:
    content = b"".join(path.read_bytes() for path in PEERS.values())
    return sha256(content + TORCH.encode() + sys.version.encode()).hexdigest()


def _install(folder: Path) -> dict[str, str]:
    """Install torch, then each peer; return what failed."""
    say(f"making {folder} for the peers: some minutes, once")
    if not (folder / _STAMP).exists():
        shutil.rmtree(folder, ignore_errors=True)  # a making that was cut off
    _run([sys.executable, "-m", "venv", str(folder)], "venv")
    # A stamp of nothing: what is cut off from here on is taken up, not thrown away
    (folder / _STAMP).write_text('{"wanted": "", "failed": {}}\n', encoding="utf-8")
    _run([*_pip(folder), TORCH], TORCH)
    failed = {}
    for peer, requirements in PEERS.items():
        say(f"  {peer}")
        try:
            _run([*_pip(folder), TORCH, "-r", str(requirements)], peer)
        except InstallError as error:
            failed[peer] = str(error)
            say(f"  {error}")
    return failed


def _pip(folder: Path) -> list[str]:
    flags = ["--quiet", "--disable-pip-version-check", "--no-input"]
    return [str(interpreter(folder)), "-m", "pip", "install", *flags]


def _run(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise InstallError(f"{what} cannot be installed: {last[-1][:_SHOWN]}")
