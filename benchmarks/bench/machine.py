"""The machine that the figures are of, and how busy it is with other work.

In: what the operating system tells. Out: facts for the head of the table.
Invariant: what cannot be found out is left out, never guessed.
"""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["Machine", "busy_seconds", "busy_share", "cores", "read_machine"]

_FLAGS = {  # as Linux names them, x86 and Arm: what matrix products are made of
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx_vnni": "AVX-VNNI",
    "avx512_vnni": "AVX-512 VNNI",
    "avx512_bf16": "AVX-512 BF16",
    "amx_int8": "AMX int8",
    "amx_bf16": "AMX BF16",
    "asimddp": "Arm dot product",
    "i8mm": "Arm int8 matrices",
    "sve": "SVE",
    "bf16": "Arm BF16",
}
_INT8 = frozenset({"avx_vnni", "avx512_vnni", "amx_int8", "asimddp", "i8mm"})
_PACKAGES = (
    "ragqa",
    "numpy",
    "onnxruntime",
    "tokenizers",
    "faiss-cpu",
    "tantivy",
    "pypdfium2",
    "pypdf",
)
_WORK = (0, 1, 2, 5, 6)  # columns of /proc/stat: user, nice, system, irq, softirq


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the figures depend on besides the code.

    :ivar cpu: The processor's name.
    :ivar cores: How many this process may use.
    :ivar flags: Instruction sets that matter, as the operating system names them.
    :ivar memory_gb: Memory in 10^9 bytes; None where it is not told.
    :ivar system: The operating system.
    :ivar versions: Python and libraries of ragqa's environment.
    """

    cpu: str
    cores: int
    flags: tuple[str, ...]
    memory_gb: float | None
    system: str
    versions: dict[str, str]

    @property
    def has_int8(self) -> bool:
        """Say whether the processor multiplies and adds bytes in one instruction."""
        return not _INT8.isdisjoint(self.flags)

    @property
    def instruction_sets(self) -> str:
        """Return the instruction sets by their usual names."""
        return ", ".join(_FLAGS[flag] for flag in self.flags) or "not told"


def read_machine() -> Machine:
    """Return the facts of this machine and of ragqa's environment."""
    info = _cpu_info()
    told = set(info.get("flags", info.get("Features", "")).split())
    return Machine(
        cpu=_cpu_name(info),
        cores=cores(),
        flags=tuple(flag for flag in _FLAGS if flag in told),
        memory_gb=_memory_gb(),
        system=f"{platform.system()} {platform.release()} ({platform.machine()})",
        versions={"Python": platform.python_version(), **_versions()},
    )


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def busy_seconds() -> float | None:
    """Return the core-seconds that the whole machine has worked since it started, if told."""
    try:
        line = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
    except OSError:
        return None
    ticks = [int(value) for value in line.split()[1:]]
    return sum(ticks[column] for column in _WORK) / os.sysconf("SC_CLK_TCK")


def busy_share(seconds: float = 1.0) -> float | None:
    """Return which share of all cores is at work while this process sleeps.

    :param seconds: How long to look.
    :return: From 0 to 1; None where the system does not tell.
    """
    before, began = busy_seconds(), time.perf_counter()
    time.sleep(seconds)
    after, took = busy_seconds(), time.perf_counter() - began
    if before is None or after is None:
        return None
    return min(1.0, (after - before) / (took * (os.cpu_count() or 1)))


def _cpu_info() -> dict[str, str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in text.split("\n\n")[0].splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def _cpu_name(info: dict[str, str]) -> str:
    name = info.get("model name") or platform.processor() or "unknown processor"
    numbers = [f"{key} {info[key]}" for key in ("cpu family", "model") if key in info]
    return f"{name} ({', '.join(numbers)})" if numbers else name


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1)
    except (AttributeError, OSError, ValueError):
        return None


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
