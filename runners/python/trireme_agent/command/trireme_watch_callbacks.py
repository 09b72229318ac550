"""Callbacks that a program gives an asyncio loop for what it reads (add_reader): the loop calls them only when something is
there, so that the probe sees nobody wait. So each is a task of its own, as which no code runs and which waits for as long as
the loop has it.

What the thread of that loop reads itself is its own affair: a callback may only wake the task that reads, or leave it to
others of the same loop. Of two tasks that want the loop's one callback trireme_watch_loops.py tells. Thread safety: any
threads.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any, NamedTuple

TASK_END = 12  # enum trireme_event

# An attribute of a loop: the number of the task for each descriptor.
_NUMBERS = "trireme_callbacks"


class Standing(NamedTuple):
    handle: weakref.ref[Any]
    loop: weakref.ref[Any]
    name: str


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
        handle, probe, before = handles_in_selector(loop, fd)[0], self._probe, self._probe.current_task()
        # Green threads have a loop as their hub, and say for themselves that they wait.
        if handle is None or getattr(callback, "__module__", "") == "eventlet.hubs.asyncio":
            return
        number = probe.new_task()
        name = f"callback {getattr(callback, '__qualname__', type(callback).__name__)}"
        self._known[number] = Standing(weakref.ref(handle, lambda _: self._end(number)), weakref.ref(loop), name)
        self._numbers_of(loop)[fd] = number
        probe.set_task(number)
        try:
            probe.wait_standing(fd)
        finally:
            probe.set_task(before)

    def _end(self, number: int) -> None:
        if self._known.pop(number, None) is not None:
            self._probe.record_for(number, TASK_END, 0, "cancelled", None)

    def name(self, number: int) -> str:
        """Of the callback that this task stands for; "" where it stands for none."""
        known = self._known.get(number)
        return "" if known is None else known.name

    def is_over(self, number: int) -> bool:
        """Of a task that stands for a callback: its loop does not call it, or runs in this thread."""
        known = self._known.get(number)
        if known is None:
            return False
        handle, loop = known.handle(), known.loop()
        if handle is None or handle.cancelled() or loop is None:
            return True
        runs_in = loop._thread_id  # None: in none
        return runs_in is None or runs_in == threading.get_ident()

    def stands_beside(self, number: int, thread: int) -> bool:
        """Whether this task stands for a callback that comes while something else of its `thread` waits."""
        return number in self._known and thread == threading.get_native_id()


def handles_in_selector(loop: Any, fd: int) -> tuple[Any, Any]:
    """What a loop of asyncio's own has for the descriptor, to read and to write."""
    registered = loop._selector.get_map() if loop._selector is not None else None  # None: it is closed
    key = registered.get(fd) if registered is not None else None
    handles = getattr(key, "data", None)
    return handles if type(handles) is tuple and len(handles) == 2 else (None, None)  # a test may have put in its own
