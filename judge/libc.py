"""The C library, for calls of the kernel that Python's own library does not have. Not here: which ones."""

from __future__ import annotations

import ctypes
import os


def load_libc() -> ctypes.CDLL:
    """The C library of this process; what its calls leave in errno is kept."""
    return ctypes.CDLL(None, use_errno=True)


def check_status(status: int) -> int:
    """What a call has just returned. Raises OSError if it failed, which it says by a number below 0."""
    if status < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return status
