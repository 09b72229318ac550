"""Who meets whom at a socket, in words: the names and Python stacks of the two threads, when the probe asks for them.

Suppressions match these frames, so that what is known of the standard library's own threads is left alone.
"""

from __future__ import annotations

import json
import os
import sys
from _thread import get_native_id
from types import FrameType

_OWN = os.path.dirname(os.path.abspath(__file__)) + os.sep


def describe(task: int, thread: int) -> str:
    """Called by the probe in the thread that came second, inside the call that it makes."""
    name, _ = _thread(get_native_id())
    other_name, other = _thread(thread)
    told = {"name": name, "stack": _frames(sys._getframe(1)), "other_name": other_name, "other_stack": _frames(other)}
    return json.dumps(told)[1:-1]


def _thread(native: int) -> tuple[str, FrameType | None]:
    """Nothing of a thread of another process, or one that Python does not know."""
    module = sys.modules.get("threading")  # never imported from here: Eventlet patches what comes after it
    for thread in list(getattr(module, "_active", {}).values()):
        if getattr(thread, "native_id", None) == native:
            return thread.name, sys._current_frames().get(thread.ident)
    return "", None


def _frames(frame: FrameType | None) -> list[str]:
    """Outermost first, without our own."""
    lines = []
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(_OWN):
            library = file.rfind(f"{os.sep}lib{os.sep}python3")
            lines.append(f"{file[library + 1 :]}:{frame.f_lineno or 0} in {frame.f_code.co_name}")
        frame = frame.f_back
    return lines[::-1]
