"""The most memory that this process held during a stretch of work.

In: two calls, before and after. Out: bytes. On Linux the kernel's high-water mark of resident
memory is set back before, so the number is that of the stretch; elsewhere, and where the kernel
does not let us, it is the mark of the whole process so far, which is never lower.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

__all__ = ["peak_memory", "reset_peak_memory"]

_PROC = Path("/proc/self")
_RESET_MARK = "5"  # proc(5): sets VmHWM back to what is held now
_MARK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


def reset_peak_memory() -> bool:
    """Set the high-water mark back to what is held now.

    :return: Whether the system can do that.
    """
    try:
        (_PROC / "clear_refs").write_text(_RESET_MARK, encoding="ascii")
    except OSError:
        return False
    return True


def peak_memory() -> int | None:
    """Return the high-water mark.

    :return: Bytes; None where the system does not tell.
    """
    try:
        found = _MARK.search((_PROC / "status").read_text(encoding="utf-8"))
    except OSError:
        found = None
    return int(found[1]) * 1024 if found else _usage()


def _usage() -> int | None:
    try:
        import resource
    except ImportError:  # Windows has none
        return None
    mark = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(mark if sys.platform == "darwin" else mark * 1024)
