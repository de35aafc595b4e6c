"""Keeps the memory that a training frees, because the next step allocates the same sizes again.

By default glibc returns large blocks to the system when they are freed. Then every tensor of every step is zeroed and
faulted in page by page. That is slow, most of all if other processes do the same.
"""

from __future__ import annotations

import ctypes

# malloc.h
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def keep_freed_memory() -> bool:
    """Let this process keep the memory that it frees. Returns whether that worked (glibc only).

    For processes that repeat the same allocations. The process then always holds the most that it ever needed.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    # A threshold of -1 is the largest possible one: no memory is ever returned.
    return all([mallopt(_M_MMAP_MAX, 0), mallopt(_M_TRIM_THRESHOLD, -1), mallopt(_M_TOP_PAD, 256 << 20)])
