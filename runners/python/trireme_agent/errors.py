"""Exceptions as the history keeps them: raw class, family, errno, message and stack."""

from __future__ import annotations

import errno
import os
import sys
from json import dumps  # by name, as what follows: a workload may put others in their place
from traceback import walk_stack, walk_tb
from types import CodeType, FrameType, TracebackType
from typing import Any

_AGENT = os.path.dirname(os.path.abspath(__file__)) + os.sep
_LIBRARY = f"lib{os.sep}python3"

# Families by errno, for every OSError; the classes below are looked at first.
_BY_ERRNO = {
    errno.ETIMEDOUT: "timeout",
    errno.ECONNRESET: "reset",
    errno.ECONNABORTED: "reset",
    errno.ECONNREFUSED: "refused",
    errno.EPIPE: "broken-pipe",
    errno.ESHUTDOWN: "broken-pipe",
    errno.EADDRINUSE: "address-in-use",
    errno.EMFILE: "resource",
    errno.ENFILE: "resource",
    errno.ENOMEM: "resource",
    errno.ENOBUFS: "resource",
    errno.ENOSPC: "resource",
}

# Families by class, the most derived class first; names, so that nothing is imported to compare with.
_BY_CLASS = {
    "trireme.TimeoutExpired": "timeout",
    "trireme.Cancelled": "cancelled",
    "TimeoutError": "timeout",
    "asyncio.exceptions.TimeoutError": "timeout",
    "concurrent.futures._base.TimeoutError": "timeout",
    "eventlet.timeout.Timeout": "timeout",
    "queue.Empty": "timeout",
    "queue.Full": "timeout",
    "subprocess.TimeoutExpired": "timeout",
    "trireme_agent.backend.TaskStopped": "cancelled",
    "asyncio.exceptions.CancelledError": "cancelled",
    "concurrent.futures._base.CancelledError": "cancelled",
    "greenlet.GreenletExit": "cancelled",
    "ConnectionResetError": "reset",
    "ConnectionAbortedError": "reset",
    "ConnectionRefusedError": "refused",
    "BrokenPipeError": "broken-pipe",
    "EOFError": "end-of-stream",
    "http.client.IncompleteRead": "end-of-stream",
    "MemoryError": "resource",
    "RecursionError": "resource",
    "ValueError": "value",
    "TypeError": "value",
    "LookupError": "value",
    "ArithmeticError": "value",
    "AssertionError": "value",
}


def class_name(kind: type[BaseException]) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else text(f"{kind.__module__}.{kind.__qualname__}")


def family(error: BaseException) -> str:
    for kind in type(error).__mro__:
        found = _BY_CLASS.get(class_name(kind))
        if found is not None:
            return found
    number = _errno(error)
    if number in _BY_ERRNO:
        return _BY_ERRNO[number]
    if isinstance(error, RuntimeError) and "can't start new thread" in message(error):
        return "resource"
    return "other"


def _errno(error: BaseException) -> int | None:
    number = error.errno if isinstance(error, OSError) else None
    return number if type(number) is int else None  # anything may be put there


def is_agents(file: str) -> bool:
    return file.startswith(_AGENT)


def place(file: str) -> str:
    return text(_place(file))


def _place(file: str) -> str:
    """A file as findings show it: below the workload's folder by its path there, a library's from lib/python on (so
    that the harness knows it is one), else by its name."""
    folder = sys.path[0] + os.sep if sys.path else os.sep
    if file.startswith(folder):
        return file[len(folder) :]
    library = file.rfind(os.sep + _LIBRARY)
    return file[library + 1 :] if library >= 0 else os.path.basename(file)


def stack(trace: TracebackType | None) -> list[str]:
    """Where it was raised, outermost first; the agent's own frames are left out unless there are no others."""
    frames = [(frame.f_code, line) for frame, line in walk_tb(trace)]
    shown = [pair for pair in frames if not is_agents(pair[0].co_filename)] or frames
    return [f"{place(code.co_filename)}:{line} in {text(code.co_name)}" for code, line in shown]


def frame_stack(frame: FrameType | None, agents: bool = True) -> list[str]:
    """A running frame and its callers, outermost first; without the agent's own unless asked for; nothing of none."""
    if frame is None:  # walk_stack() would take its caller's
        return []
    frames = [(at.f_code, line) for at, line in walk_stack(frame) if agents or not is_agents(at.f_code.co_filename)]
    return [f"{place(code.co_filename)}:{line} in {text(code.co_name)}" for code, line in reversed(frames)]


def shown_stack(frame: FrameType | None) -> list[str]:
    """The same without the agent's own frames, unless there is nothing else."""
    return frame_stack(frame, agents=False) or frame_stack(frame)


def callable_name(function: Any) -> str:
    """As its definition names it."""
    name = getattr(function, "__qualname__", None)
    return text(name) if isinstance(name, str) else type(function).__name__


def own_place(frame: FrameType | None) -> str:
    """Where the workload's own code is that a frame was called from, however deep; "" where none of it is there."""
    while frame is not None:
        code = frame.f_code
        known = _own_frames.get((id(code), frame.f_lasti)) or _describe_frame(code, frame)
        if known[1]:
            return known[1]
        frame = frame.f_back
    return ""


# What is asked of a place again costs little: locks ask each time that they are taken. By the code's id, for its hash is
# that of all it does; the code is kept, so that nothing else gets its id.
_own_frames: dict[tuple[int, int], tuple[CodeType, str]] = {}
_MOST_OWN_FRAMES = 4096


def _describe_frame(code: CodeType, frame: FrameType) -> tuple[CodeType, str]:
    file = code.co_filename
    shown = ""
    if not is_agents(file) and not file.startswith("<frozen ") and not place(file).startswith(_LIBRARY):
        shown = f"{place(file)}:{frame.f_lineno} in {text(code.co_name)}"
    if len(_own_frames) >= _MOST_OWN_FRAMES:
        _own_frames.clear()
    return _own_frames.setdefault((id(code), frame.f_lasti), (code, shown))


def text(value: str) -> str:
    """Text that UTF-8 can hold: a lone surrogate as its escape, as the probe has it."""
    return value.encode("utf-8", "backslashreplace").decode()


def message(error: BaseException) -> str:
    """What it says; code of the workload's own may fail to say it."""
    try:
        return text(str(error))
    except BaseException as failure:
        return f"its __str__ raised {class_name(type(failure))}"


def describe(error: BaseException) -> dict[str, Any]:
    return {
        "error": class_name(type(error)),
        "family": family(error),
        "errno": _errno(error),
        "message": message(error),
        "stack": stack(error.__traceback__),
    }


def to_json(error: BaseException) -> str:
    return dumps(describe(error))
