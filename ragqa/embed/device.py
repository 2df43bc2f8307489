"""Where chunks are embedded: on the CPU, or on a GPU that torch can use.

In: what the caller wants, and the machine. Out: ``cpu`` or ``cuda``.
Invariants: torch is imported only where a GPU is to be seen, or where one was asked for by name;
what was asked for by name is had, or is an error.
"""

from __future__ import annotations

import importlib.metadata
import os
import sys
from pathlib import Path
from typing import Literal, TypeAlias

from ragqa.errors import EmbedderError

__all__ = ["DEVICES", "ENV_DEVICE", "Device", "choose_device", "gpu_in_sight"]

Device: TypeAlias = Literal["cpu", "cuda"]
"""torch's names of devices; AMD's cards are ``cuda`` there, too."""

DEVICES = ("auto", "cpu", "cuda")
"""What a caller may want."""

ENV_DEVICE = "RAGQA_DEVICE"
"""Environment variable that says what a build shall use where its caller does not."""

# The driver's files: NVIDIA's on Linux, a Windows driver's inside of WSL 2, and AMD's
_NODES = ("dev/nvidia[0-9]*", "dev/dxg", "dev/kfd")
_WINDOWS_DRIVER = Path("System32") / "nvcuda.dll"
_HIDDEN = ("", "-1", "NoDevFiles")  # values of CUDA_VISIBLE_DEVICES that leave no device


def choose_device(wanted: str | None = None) -> Device:
    """Decide where a build embeds its chunks.

    :param wanted: ``cpu``; ``cuda``; ``auto`` for a GPU if there is one; None for what
        ``RAGQA_DEVICE`` says, else ``auto``.
    :return: The device.
    :raises EmbedderError: If there is no such word, or no GPU where one was asked for.
    """
    word = wanted or os.environ.get(ENV_DEVICE) or "auto"
    if word not in DEVICES:
        raise EmbedderError(
            "there is no such device", item=repr(word), hint=f"Say one of: {', '.join(DEVICES)}"
        )
    if word == "cpu" or (word == "auto" and not gpu_in_sight()):
        return "cpu"
    problem = _unusable()
    if problem is None:
        return "cuda"
    if word == "auto":
        return "cpu"
    raise EmbedderError(
        "torch cannot use a GPU here",
        item=problem,
        hint="Install a driver and a torch with CUDA, or use the CPU: --device cpu",
    )


def gpu_in_sight(root: Path = Path("/")) -> bool:
    """Guess whether torch could use a GPU, without importing it: that takes a second or more.

    :param root: Where the file system starts.
    :return: False where the driver's files are missing, its devices are hidden from this process,
        or torch was built for the CPU alone.
    """
    if os.environ.get("CUDA_VISIBLE_DEVICES", "all").strip() in _HIDDEN:
        return False
    if importlib.metadata.version("torch").endswith("+cpu"):
        return False
    if sys.platform == "win32":
        return (Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / _WINDOWS_DRIVER).is_file()
    return any(any(root.glob(pattern)) for pattern in _NODES)


def _unusable() -> str | None:
    """Return why torch cannot use a GPU; None if it can."""
    from ragqa.embed.reference import quiet

    with quiet():  # it warns of drivers that are too old
        import torch

        if torch.cuda.is_available():
            return None
    with_cuda = torch.version.cuda or torch.version.hip
    return f"torch {torch.__version__} " + ("finds none" if with_cuda else "has no CUDA")
