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
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, NamedTuple

TASK_END = 12  # enum trireme_event

# An attribute of a loop: the number of the task for each descriptor; of uvloop's, whose handles cannot be asked for, what
# stands for the handle.
_NUMBERS = "trireme_callbacks"
# And, of uvloop's, what it calls for each descriptor to write: name and place.
_WRITERS = "trireme_writers"

_RUNTIMES = ("asyncio.", "eventlet.hubs.")  # whose own callbacks are nobody's to name


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

    def hook_writers_of_uvloop(self, kind: Any) -> None:
        """A callback to write is no task that waits, since the loop calls it whenever there is room."""
        add, remove = kind.add_writer, kind.remove_writer

        def add_and_note(loop: Any, file: Any, callback: Any, *args: Any) -> Any:
            added = add(loop, file, callback, *args)
            fd = file if type(file) is int else file.fileno()
            vars(loop).setdefault(_WRITERS, {})[fd] = _described(callback)
            return added

        def remove_and_forget(loop: Any, file: Any) -> Any:
            removed, writers = remove(loop, file), vars(loop).get(_WRITERS)
            if writers:
                writers.pop(file if type(file) is int else file.fileno(), None)
            return removed

        kind.add_writer, kind.remove_writer = add_and_note, remove_and_forget

    def writer(self, fd: int) -> tuple[str, str]:
        """Name and place of what the loop that runs in this thread calls when there is room to write; "" of nothing, and of
        asyncio's own, behind which a task or transport stands."""
        events = sys.modules.get("asyncio.events")
        loop = events._get_running_loop() if events is not None else None
        if loop is None:
            return "", ""
        if getattr(loop, "_selector", None) is None:
            known: tuple[str, str] = getattr(loop, _WRITERS, {}).get(fd, ("", ""))
            return known
        handle = handles_in_selector(loop, fd)[1]
        callback = None if handle is None or handle.cancelled() else handle._callback
        return ("", "") if callback is None or _module_of(callback).startswith(_RUNTIMES) else _described(callback)

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
        if handle is None or _module_of(callback) == "eventlet.hubs.asyncio":
            return
        self._numbers_of(loop)[fd] = self._stand(fd, handle, loop, callback, _asyncio_runs_elsewhere)

    def _stand(self, fd: int, handle: Any, loop: Any, callback: Any, runs_elsewhere: Callable[[Any], bool]) -> int:
        """The number of the task that does, as long as the handle is there."""
        probe, before = self._probe, self._probe.current_task()
        number: int = probe.new_task()
        ends = weakref.ref(handle, lambda _: self._end(number))
        self._known[number] = Standing(ends, weakref.ref(loop), *_described(callback), runs_elsewhere)
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


def as_writer(name: str, place: str) -> str:
    """The same of its writer source."""
    return json.dumps({"writer": name, "place": place})[1:-1] if name else ""


def _bare(callback: Any) -> Any:
    while isinstance(callback, functools.partial):
        callback = callback.func
    return callback


def _module_of(callback: Any) -> str:
    """Of a function; "" of an object that is one of the program's own."""
    callback = _bare(callback)
    module = callback.__module__ if isinstance(callback, (FunctionType, MethodType)) else ""
    return module if type(module) is str else ""


def _described(callback: Any) -> tuple[str, str]:
    """What a callback is called, and where it is defined; "" of one that is no Python code. Objects of the program's own are
    asked nothing: their attributes may be code of its own, that fails."""
    callback = _bare(callback)
    if isinstance(callback, (FunctionType, MethodType, BuiltinFunctionType)):
        function, name = getattr(callback, "__func__", callback), callback.__qualname__
    else:
        function, name = type(callback).__call__, type(callback).__qualname__
    code = function.__code__ if isinstance(function, FunctionType) else None
    place = "" if code is None else f"{place_of(code.co_filename)}:{code.co_firstlineno} in {code.co_name}"
    return f"callback {name}", place


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
