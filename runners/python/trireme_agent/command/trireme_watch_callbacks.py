"""Callbacks that a program gives a loop of asyncio or uvloop for what it reads (add_reader): the loop calls them only when
something is there, so that the probe sees nobody wait. So each is a task of its own, as which no code runs and which waits
for as long as the loop has it.

What the thread of that loop reads itself is its own affair: a callback may only wake the task that reads, or leave it to
others of the same loop. But two callbacks for two copies of one descriptor are two readers. Of two tasks that want the
loop's one callback trireme_watch_loops.py tells. Thread safety: any threads.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

TASK_END = 12  # enum trireme_event

# An attribute of a loop: the number of the task for each descriptor; of uvloop's, whose handles cannot be asked for, what
# stands for the handle.
_NUMBERS = "trireme_callbacks"


class Standing(NamedTuple):
    handle: weakref.ref[Any]
    loop: weakref.ref[Any]
    name: str
    place: str
    runs_elsewhere: Callable[[Any], bool]


class Registered:
    """What a loop of uvloop has a callback for: gone when it has it no more."""

    def cancelled(self) -> bool:
        return False


class Callbacks:
    def __init__(self, probe: Any) -> None:
        self._probe = probe
        self._known: dict[int, Standing] = {}  # by the number of its task

    def hook(self, kind: Any) -> None:
        """`kind`: asyncio's loop with a selector."""
        add = kind.add_reader

        def add_and_note(loop: Any, file: Any, callback: Any, *args: Any) -> Any:
            added = add(loop, file, callback, *args)
            self._note(loop, file if type(file) is int else file.fileno(), callback)
            return added

        kind.add_reader = add_and_note

    def hook_uvloop(self, kind: Any) -> None:
        add, remove, close = kind.add_reader, kind.remove_reader, kind.close

        def add_and_note(loop: Any, file: Any, callback: Any, *args: Any) -> Any:
            added = add(loop, file, callback, *args)
            registered, fd = Registered(), file if type(file) is int else file.fileno()
            vars(loop).setdefault(_NUMBERS, {})[fd] = registered
            self._stand(fd, registered, loop, callback, _uvloop_runs_elsewhere)
            return added

        def remove_and_end(loop: Any, file: Any) -> Any:
            removed, registered = remove(loop, file), vars(loop).get(_NUMBERS)
            if registered:
                registered.pop(file if type(file) is int else file.fileno(), None)
            return removed

        def close_and_end(loop: Any) -> None:
            close(loop)
            vars(loop).pop(_NUMBERS, None)

        kind.add_reader, kind.remove_reader, kind.close = add_and_note, remove_and_end, close_and_end

    def _numbers_of(self, loop: Any) -> dict[int, int]:
        """By descriptor. From the first one on the loop says what it removes: those without callbacks, whose every wait ends
        with remove_reader(), pay nothing."""
        kept = vars(loop)
        found: dict[int, int] | None = kept.get(_NUMBERS)
        if found is None:
            numbers: dict[int, int] = {}
            kept[_NUMBERS] = found = numbers
            remove, here = type(loop).remove_reader, weakref.ref(loop)

            # Whoever has called it may hold the handle for a while, and what is read next would be looked at.
            def remove_and_end(file: Any) -> Any:
                removed = remove(here(), file)
                if numbers:
                    self._end(numbers.pop(file if type(file) is int else file.fileno(), 0))
                return removed

            kept["remove_reader"] = remove_and_end
        return found

    def _note(self, loop: Any, fd: int, callback: Any) -> None:
        handle = handles_in_selector(loop, fd)[0]
        # Green threads have a loop as their hub, and say for themselves that they wait.
        if handle is None or getattr(callback, "__module__", "") == "eventlet.hubs.asyncio":
            return
        self._numbers_of(loop)[fd] = self._stand(fd, handle, loop, callback, _asyncio_runs_elsewhere)

    def _stand(self, fd: int, handle: Any, loop: Any, callback: Any, runs_elsewhere: Callable[[Any], bool]) -> int:
        """The number of the task that does, as long as the handle is there."""
        probe, before = self._probe, self._probe.current_task()
        number: int = probe.new_task()
        callback = _bare(callback)
        name = f"callback {getattr(callback, '__qualname__', type(callback).__name__)}"
        ends = weakref.ref(handle, lambda _: self._end(number))
        self._known[number] = Standing(ends, weakref.ref(loop), name, _definition(callback), runs_elsewhere)
        probe.set_task(number)
        try:
            probe.wait_standing(fd, True)
        finally:
            probe.set_task(before)
        return number

    def _end(self, number: int) -> None:
        if self._known.pop(number, None) is not None:
            self._probe.record_for(number, TASK_END, 0, "cancelled", None)

    def name(self, number: int) -> str:
        """Of the callback that this task stands for; "" where it stands for none."""
        known = self._known.get(number)
        return "" if known is None else known.name

    def place(self, number: int) -> str:
        """Where that callback is defined; "" of one that is no Python code."""
        known = self._known.get(number)
        return "" if known is None else known.place

    def is_over(self, number: int, thread: int) -> bool:
        """Of what waits in that thread, while the current task comes: it is a callback that its loop does not call any more,
        or nothing that the one who comes takes anything from: beside a callback, other code of its loop's thread."""
        known, asks = self._known.get(number), self._known.get(self._probe.current_task())
        if known is None:
            return asks is not None and thread == threading.get_native_id()
        handle, loop = known.handle(), known.loop()
        if handle is None or handle.cancelled() or loop is None:
            return True
        # Of two callbacks of one loop, for two copies of a descriptor, either is called.
        return not known.runs_elsewhere(loop) and (asks is None or asks.loop() is not loop)


def as_reader(name: str, place: str) -> str:
    """What the probe's reader source answers (probe_abi.h): the members of one of a USAGE event's descriptors."""
    return json.dumps({"reader": name, "place": place})[1:-1] if name else ""


def _bare(callback: Any) -> Any:
    while isinstance(callback, functools.partial):
        callback = callback.func
    return callback


def _definition(callback: Any) -> str:
    code = getattr(callback, "__code__", None) or getattr(type(callback).__call__, "__code__", None)
    return f"{place_of(code.co_filename)}:{code.co_firstlineno} in {code.co_name}" if code is not None else ""


def place_of(file: str) -> str:
    """Of a file of Python's or its packages without what comes before them."""
    library = file.rfind(f"{os.sep}lib{os.sep}python3")
    return file[library + 1 :] if library >= 0 else file


def _asyncio_runs_elsewhere(loop: Any) -> bool:
    """Than in this thread, one of asyncio's own."""
    return loop._thread_id not in (None, threading.get_ident())  # None: it runs in none


def _uvloop_runs_elsewhere(loop: Any) -> bool:
    """The same of one of uvloop's."""
    return loop.is_running() and sys.modules["asyncio.events"]._get_running_loop() is not loop


def handles_in_selector(loop: Any, fd: int) -> tuple[Any, Any]:
    """What a loop of asyncio's own has for the descriptor, to read and to write."""
    registered = loop._selector.get_map() if loop._selector is not None else None  # None: it is closed
    key = registered.get(fd) if registered is not None else None
    handles = getattr(key, "data", None)
    return handles if type(handles) is tuple and len(handles) == 2 else (None, None)  # a test may have put in its own
