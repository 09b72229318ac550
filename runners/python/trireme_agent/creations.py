"""Where the sockets and files were made that are open at the end of a trial.

Python's audit events tell of each socket object before it exists and of each file before it is opened, whoever asks for
them; what has no such event (os.pipe, descriptors of extension modules) has no stack.
"""

from __future__ import annotations

import os
import sys
import weakref
from types import CodeType, FrameType
from typing import Any

from trireme_agent import errors

_FRAMES = 12  # of a stack, innermost
_FILES = 4096  # paths remembered; of further ones the stack is not known

Stack = tuple[tuple[CodeType, int], ...]

_sockets: weakref.WeakKeyDictionary[Any, Stack] = weakref.WeakKeyDictionary()
_files: dict[str, Stack] = {}
_get_frame = sys._getframe  # by name: a workload may put another in its place


def install() -> None:
    """In the trial's process: an audit hook stays for ever."""
    sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    try:
        if event == "socket.__new__":
            _sockets[arguments[0]] = _stack()
        elif event == "open" and isinstance(arguments[0], (str, bytes)) and len(_files) < _FILES:
            _files[os.path.abspath(os.fsdecode(arguments[0]))] = _stack()
    except Exception:  # whatever this raised would be raised by the call that is watched
        pass


def _stack() -> Stack:
    """Of the caller of the call that raised the event, innermost first: what formatting it needs, and no more."""
    frames: list[tuple[CodeType, int]] = []
    frame: FrameType | None = _get_frame(2)
    while frame is not None and len(frames) < _FRAMES:
        frames.append((frame.f_code, frame.f_lineno))
        frame = frame.f_back
    return tuple(frames)


def stacks() -> dict[int, list[str]]:
    """By descriptor, of the sockets that are open now, outermost first."""
    found = {}
    for reference in _sockets.keyrefs():  # a list: other threads may make sockets meanwhile
        sock = reference()
        if sock is None:
            continue
        try:
            fd, stack = sock.fileno(), _sockets.get(sock)
        except Exception:  # a class of the workload's
            continue
        if fd >= 0 and stack is not None:
            found[fd] = shown(stack)
    return found


def of_file(path: str) -> list[str]:
    """Where the file was last opened."""
    return shown(_files.get(path, ()))


def shown(stack: Stack) -> list[str]:
    own = [pair for pair in stack if not errors.is_agents(pair[0].co_filename)]
    return [f"{errors.place(code.co_filename)}:{line} in {errors.text(code.co_name)}" for code, line in reversed(own)]
