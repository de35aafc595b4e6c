"""Memory that a training frees and asks for again at every step.

glibc maps large blocks afresh and gives them back when they are freed, so that every tensor of a step is zeroed and
faulted in page by page, which costs most where other processes do the same.
"""

from __future__ import annotations

import ctypes

# malloc.h
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def keep_freed_memory() -> bool:
    """Let this process keep what it frees, for the next step; says whether the C library could be told (glibc only).

    For processes that repeat the same allocations; the process then holds the most that it ever needed.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    # A threshold of -1 is the largest number there is: nothing is ever given back.
    return all([mallopt(_M_MMAP_MAX, 0), mallopt(_M_TRIM_THRESHOLD, -1), mallopt(_M_TOP_PAD, 256 << 20)])
