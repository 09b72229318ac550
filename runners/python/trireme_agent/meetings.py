"""Who meets whom at a socket: the names and stacks of the two, when the probe asks for them; and what the runtime itself
did about a second one, which the probe cannot see."""

from __future__ import annotations

import importlib
import os
import sys
import threading
from _thread import get_native_id
from json import dumps  # by name: a workload may put another in its place
from types import FrameType
from typing import Any

from trireme_agent import errors, probe
from trireme_agent.backend import Backend

_all_frames = sys._current_frames  # by name, too
_enumerate = threading.enumerate
_main_thread = threading.main_thread


# In the folder of what watched programs load.
_sources: Any = importlib.import_module("trireme_agent.command.trireme_sources")
_backend: Backend | None = None  # of the trial


def install(backend: Backend) -> None:
    """In the trial's process. The probe calls back in the thread that came second, inside the call that it makes."""
    global _backend
    _backend = backend

    def describe(task: int, thread: int) -> str | None:
        if task and backend.waits_no_more(task, thread):
            return None
        told = _members("", probe.current_task(), None, sys._getframe(1), backend)
        return told + "," + _members("other_", task, thread, None, backend)

    probe.set_stack_source(_sources.answering(describe, ""))


def note(action: str, direction: str, fd: int, message: str = "", waits: Any = None) -> None:
    """The runtime refused ("rejected") a second one, or dropped ("replaced") the first: `waits`, what the runtime has for it,
    or None. Called in the thread of both."""
    try:
        inode = os.fstat(fd).st_ino
    except OSError:
        return  # it is closed: then there is nothing to meet at
    told = dumps({"direction": direction, "fd": fd, "message": message})[:-1]
    if _backend is not None and (number := _backend.number_of(waits)):
        told += "," + _members("", probe.current_task(), None, sys._getframe(1), _backend)
        other = {"task": number, "process": os.getpid(), "thread": get_native_id(), "fd": fd}
        told += f',"other": {dumps(other)},' + _members("other_", number, None, None, _backend)
    probe.record_json(probe.SOCKET, inode, action, told + "}")


def _members(prefix: str, number: int, thread: int | None, frame: FrameType | None, backend: Backend) -> str:
    """`"name": ..., "stack": [...]`, of a task, or of a thread where the task has no number."""
    name, stack = "", []
    task = backend.live.get(number) if number else None
    if task is not None:
        name = task.name
    if frame is not None:
        stack = errors.shown_stack(frame)
    elif number:
        stray, stack = backend.parked_stack(number)
        name = name or stray
    if not stack and thread and thread != get_native_id():  # this one's is who asks, beside whom the other stands
        stack = errors.shown_stack(frame_of(thread))
    return f'"{prefix}name": {dumps(errors.text(name))}, "{prefix}stack": {dumps(stack)}'


def frame_of(native: int) -> FrameType | None:
    """What a native thread runs, where Python knows it."""
    for thread in _threads():
        if _native_id(thread) == native and thread.ident is not None:
            return _all_frames().get(thread.ident)
    return None


def _native_id(thread: threading.Thread) -> int | None:
    """Of a forked process the main thread goes by the number that its parent's had; the kernel's is the process's."""
    return os.getpid() if thread is _main_thread() else thread.native_id


def _threads() -> list[Any]:
    try:
        return list(_enumerate())
    except RuntimeError:  # the table changed
        return []
