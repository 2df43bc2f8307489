"""What this machine lets a process use."""

from __future__ import annotations

import os

__all__ = ["cores"]


def cores() -> int:
    """Return how many cores this process may use: a container may have fewer than the machine."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux
    return len(affinity(0)) if affinity else os.cpu_count() or 1
