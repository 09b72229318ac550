"""The preloaded probe's functions for Python, in the order of probe_abi.h."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any

_COUNT = 26  # that this adapter knows of; a newer probe has more


def load() -> tuple[Callable[..., Any], ...] | None:
    """None without a probe, with one of an older version, and in an interpreter within the interpreter."""
    try:
        function = ctypes.PyDLL(None).trireme_probe_python
    except AttributeError:
        return None
    function.restype = ctypes.py_object
    made: tuple[Callable[..., Any], ...] | None = function()
    if made is not None and len(made) < _COUNT:
        sys.stderr.write(f"trireme: the preloaded probe has {len(made)} functions for Python, and its adapter needs {_COUNT}: "
                         "they are of two versions, so the tasks of this program are not told apart\n")
        return None
    return made
