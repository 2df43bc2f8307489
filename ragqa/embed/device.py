"""Where chunks are embedded: on the CPU, in float32 or bfloat16, or on a GPU that torch can use.

In: what the caller wants, and the machine. Out: a `Device`.
Invariants: torch is imported only where a GPU is to be seen, or where one was asked for by name;
what was asked for by name is had, or is an error.
"""

from __future__ import annotations

import importlib.metadata
import os
import sys
from pathlib import Path
from typing import Literal, TypeAlias

from ragqa.embed import bfloat16
from ragqa.errors import EmbedderError

__all__ = ["DEVICES", "ENV_DEVICE", "Device", "choose_device", "gpu_in_sight", "missed_speed"]

Device: TypeAlias = Literal["cpu", "cpu-bfloat16", "cuda"]
"""``cuda`` is torch's name of a GPU, of AMD's cards, too."""

DEVICES = ("auto", "cpu", "cpu-bfloat16", "cuda")
"""What a caller may want."""

ENV_DEVICE = "RAGQA_DEVICE"
"""Environment variable that says what a build shall use where its caller does not."""

# The driver's files: NVIDIA's on Linux, a Windows driver's inside of WSL 2, and AMD's
_NODES = ("dev/nvidia[0-9]*", "dev/dxg", "dev/kfd")
_WINDOWS_DRIVER = Path("System32") / "nvcuda.dll"
_HIDDEN = ("", "-1", "NoDevFiles")  # values of CUDA_VISIBLE_DEVICES that leave no device


def choose_device(wanted: str | None = None) -> Device:
    """Decide where a build embeds its chunks.

    :param wanted: ``cpu``; ``cpu-bfloat16``; ``cuda``; ``auto`` for a GPU if there is one, else the
        CPU, in bfloat16 where it multiplies in that and OpenVINO is installed; None for what
        ``RAGQA_DEVICE`` says, else ``auto``.
    :return: The device.
    :raises EmbedderError: If there is no such word, or not what was asked for.
    """
    word = wanted or os.environ.get(ENV_DEVICE) or "auto"
    if word not in DEVICES:
        raise EmbedderError(
            "there is no such device", item=repr(word), hint=f"Say one of: {', '.join(DEVICES)}"
        )
    if word == "cpu":
        return "cpu"
    if word == "auto":
        return "cuda" if gpu_in_sight() and _unusable() is None else _best_of_cpu()
    if word == "cpu-bfloat16":
        return _bfloat16()
    problem = _unusable()
    if problem is None:
        return "cuda"
    raise EmbedderError(
        "torch cannot use a GPU here",
        item=problem,
        hint="Install a driver and a torch with CUDA, or use the CPU: --device cpu",
    )


def _best_of_cpu() -> Device:
    return "cpu-bfloat16" if bfloat16.is_installed() and bfloat16.has_bfloat16() else "cpu"


def _bfloat16() -> Device:
    if not bfloat16.is_installed():
        raise EmbedderError(
            "chunks are embedded in bfloat16 by OpenVINO, which is not installed",
            hint="Run `pip install 'ragqa[fast]'`, or embed in float32: --device cpu",
        )
    if not bfloat16.has_bfloat16():
        raise EmbedderError(
            "this CPU does not multiply in bfloat16", hint="Embed in float32: --device cpu"
        )
    return "cpu-bfloat16"


def missed_speed(device: Device) -> str | None:
    """Say what would embed faster here, where there is such a thing.

    :param device: Where a build embeds.
    :return: One line; None where nothing is missed.
    """
    if device != "cpu" or bfloat16.is_installed() or not bfloat16.has_bfloat16():
        return None
    return "this CPU embeds about twice as fast in bfloat16: `pip install 'ragqa[fast]'`"


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
