"""The locks, conditions, semaphores, events and joins of threading, as trireme_watch_waits.py and trireme_watch_orders.py see
them.

A lock of the program's is one of ours around the real one, which does all that a lock does; what is added is who has it.
Locks that C code made, or that were made before this was loaded, are not seen. Eventlet puts its own in their place where
it patches threading, see trireme_watch_green.py. Thread safety: any threads.
"""

from __future__ import annotations

import _thread
import functools
import sys
import threading
from collections.abc import Callable
from typing import Any

from trireme_watch_callbacks import place_of
from trireme_watch_orders import Orders
from trireme_watch_waits import Facts, Holder, Wait, Waits

_NEVER = -1


class Use:
    """How the locks that were made at one place are given back."""

    __slots__ = ("by_holder", "by_others")

    def __init__(self) -> None:
        self.by_holder = self.by_others = False


class Taken:
    """Who has a lock: what Lock, RLock and the locks of other modules have in common."""

    def __init__(self, waits: Waits, orders: Orders | None) -> None:
        self.waits = waits
        self.orders = orders
        self._uses: dict[Any, Use] = {}

    def made(self, lock: Any, frame: Any) -> None:
        """By the code of that frame."""
        lock.trireme_made = frame.f_code, frame.f_lineno
        lock.trireme_use = self._use(*lock.trireme_made)
        lock.trireme_taken = None
        lock.trireme_number = 0

    def _use(self, code: Any, line: int) -> Use:
        return self._uses.setdefault((code, line), Use())

    def took(self, lock: Any, code: Any, line: int, surely: bool, kept: bool = True) -> None:
        """`kept`: it would have waited for ever, so whoever has it keeps what else it has."""
        number = self.waits.current()
        lock.trireme_taken = (number, code, line, surely)
        if self.orders is not None and not lock.trireme_use.by_others:
            self.orders.took(number, lock, code, line, kept)

    def gives(self, lock: Any) -> None:
        """Before it is free."""
        taken = lock.trireme_taken
        if taken is None:
            return
        lock.trireme_taken = None
        use = lock.trireme_use
        if taken[0] == self.waits.current():
            use.by_holder = True
        else:
            use.by_others = True
        if self.orders is not None:
            self.orders.gave(taken[0], lock)

    def facts(self, lock: Any) -> Facts:
        taken, use, made = lock.trireme_taken, lock.trireme_use, lock.trireme_made
        holders = []
        if taken is not None:
            number, code, line, surely = taken
            surely = surely or (use.by_holder and not use.by_others)
            if surely or not use.by_others:
                holders.append(Holder(number, place(code, line), surely))
        return Facts(lock.trireme_kind, place(*made), 1, holders)


def caller(frame: Any, modules: tuple[str, ...]) -> Any:
    """Who called from outside of those modules and our own."""
    while frame.f_back is not None:
        name = str(frame.f_globals.get("__name__"))
        if name not in modules and not name.startswith("trireme_watch"):
            break
        frame = frame.f_back
    return frame


def place(code: Any, line: int) -> str:
    return "" if code is None else f"{place_of(code.co_filename)}:{line} in {code.co_name}"


def locks(taken: Taken) -> tuple[type, type]:
    """The classes that are Lock and RLock from now on."""
    waits = taken.waits
    allocate, allocate_rlock = _thread.allocate_lock, _thread.RLock
    frame_of = sys._getframe

    class Common:
        __slots__ = ("__weakref__", "_lock", "trireme_made", "trireme_number", "trireme_taken", "trireme_use")

        _lock: Any
        trireme_kind: str
        trireme_taken: Any

        def __init__(self, lock: Any, frame: Any) -> None:
            self._lock = lock
            taken.made(self, frame)

        def __repr__(self) -> str:
            return repr(self._lock)

        def __reduce__(self) -> Any:
            return self._lock.__reduce__()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._lock, name)

        def _await(self) -> bool:
            acquire = self._lock.acquire
            return bool(acquire(False) or waits.wait(Wait("lock", self, taken.facts, False, blocks=True), acquire))

        def _at_fork_reinit(self) -> None:
            self._lock._at_fork_reinit()
            self.trireme_taken = None

    class Lock(Common):
        __slots__ = ()
        trireme_kind = "lock"

        def __init__(self) -> None:
            super().__init__(allocate(), frame_of(1))

        def acquire(self, blocking: bool = True, timeout: float = _NEVER) -> bool:
            for_ever = bool(blocking) and timeout == _NEVER
            if not (self._await() if for_ever else self._lock.acquire(blocking, timeout)):
                return False
            frame = frame_of(1)
            taken.took(self, frame.f_code, frame.f_lineno, False, for_ever)
            return True

        acquire_lock = acquire

        def release(self) -> None:
            taken.gives(self)
            self._lock.release()

        release_lock = release

        def locked(self) -> bool:
            return bool(self._lock.locked())

        locked_lock = locked

        def __enter__(self) -> bool:
            self._await()
            try:
                frame = frame_of(1)
                taken.took(self, frame.f_code, frame.f_lineno, True)
            except BaseException:  # of a signal handler: whoever was to leave again does not come in
                self._lock.release()
                raise
            return True

        def __exit__(self, *_: object) -> None:
            taken.gives(self)
            self._lock.release()

    class RLock(Common):
        __slots__ = ("_depth",)
        trireme_kind = "rlock"

        def __init__(self, *args: Any, **keywords: Any) -> None:
            super().__init__(allocate_rlock(*args, **keywords), frame_of(1))
            self._depth = 0

        def acquire(self, blocking: bool = True, timeout: float = _NEVER) -> bool:
            return self._acquire(frame_of(1), blocking, timeout)

        def _acquire(self, frame: Any, blocking: bool, timeout: float) -> bool:
            for_ever = bool(blocking) and timeout == _NEVER
            if not (self._await() if for_ever else self._lock.acquire(blocking, timeout)):
                return False
            self._depth += 1
            if self._depth == 1:
                taken.took(self, frame.f_code, frame.f_lineno, True, for_ever)
            return True

        def release(self) -> None:
            if self._lock._is_owned():
                self._depth -= 1
                if self._depth == 0:
                    taken.gives(self)
            self._lock.release()

        def __enter__(self) -> bool:
            return self._acquire(frame_of(1), True, _NEVER)

        def __exit__(self, *_: object) -> None:
            self.release()

        # What a Condition does with it.

        def _is_owned(self) -> bool:
            return bool(self._lock._is_owned())

        def _release_save(self) -> Any:
            depth = self._depth
            if self._lock._is_owned():
                self._depth = 0
                taken.gives(self)
            return self._lock._release_save(), depth

        def _acquire_restore(self, state: Any) -> None:
            state, depth = state
            waits.wait(Wait("lock", self, taken.facts, False, blocks=True), self._lock._acquire_restore, state)
            self._depth = depth
            frame = frame_of(1)
            taken.took(self, frame.f_code, frame.f_lineno, True)

        def _at_fork_reinit(self) -> None:
            super()._at_fork_reinit()
            self._depth = 0

    Lock.__name__ = Lock.__qualname__ = "lock"
    Lock.__module__ = RLock.__module__ = "_thread"
    RLock.__qualname__ = "RLock"
    return Lock, RLock


def hook(taken: Taken) -> None:
    """Threading's, for whatever is imported from now on."""
    module: Any = threading  # they are functions before Python 3.13
    module.Lock, module.RLock = locks(taken)
    waits = taken.waits
    _hook_waits(waits)
    _hook_threads(taken)


def _plain(kind: str) -> Callable[[Any], Facts]:
    return lambda what: Facts(kind)


def _hook_waits(waits: Waits) -> None:
    condition, event, semaphore = threading.Condition, threading.Event, threading.Semaphore
    wait, wait_set, acquire = condition.wait, event.wait, semaphore.acquire
    of_condition, of_event, of_semaphore = _plain("condition"), _plain("event"), _plain("semaphore")

    @functools.wraps(wait)
    def wait_notified(self: Any, timeout: float | None = None) -> bool:
        return bool(waits.wait(Wait("condition", self, of_condition, timeout is not None), wait, self, timeout))

    @functools.wraps(wait_set)
    def wait_until_set(self: Any, timeout: float | None = None) -> bool:
        if self.is_set():
            return wait_set(self, timeout)
        return bool(waits.wait(Wait("event", self, of_event, timeout is not None), wait_set, self, timeout))

    @functools.wraps(acquire)
    def acquire_permit(self: Any, blocking: bool = True, timeout: float | None = None) -> bool:
        timed = timeout is not None or not blocking
        return bool(waits.wait(Wait("semaphore", self, of_semaphore, timed), acquire, self, blocking, timeout))

    condition.wait = wait_notified  # type: ignore[method-assign]  # replaced for this one object, to tell of its waits
    event.wait = wait_until_set  # type: ignore[method-assign]  # for this one event, to tell of its waits
    semaphore.acquire = semaphore.__enter__ = acquire_permit  # type: ignore[method-assign]  # to tell who waits for it


def _hook_threads(taken: Taken) -> None:
    kind: Any = threading.Thread
    waits = taken.waits
    start, join, run = kind.start, kind.join, kind._bootstrap_inner

    @functools.wraps(start)
    def start_and_tell(thread: Any) -> None:
        if not hasattr(thread, "trireme_task"):  # else it was started already, which start() says
            thread.trireme_task = waits.task_starts(waits.current(), thread.name)
        start(thread)

    @functools.wraps(run)
    def tell_and_run(thread: Any) -> None:
        number = getattr(thread, "trireme_task", 0)
        if number:
            waits.adopt(number)
        else:
            thread.trireme_task = waits.current()
        try:
            run(thread)
        finally:
            waits.thread_ends()
            if taken.orders is not None:
                taken.orders.task_ends(thread.trireme_task)

    @functools.wraps(join)
    def join_and_tell(thread: Any, timeout: float | None = None) -> None:
        wait = Wait("join", thread, None, timeout is not None)
        wait.target = lambda: getattr(thread, "trireme_task", 0)
        waits.wait(wait, join, thread, timeout)
        if taken.orders is not None and not thread.is_alive():
            taken.orders.joined(waits.current(), getattr(thread, "trireme_task", 0))

    kind.start, kind.join, kind._bootstrap_inner = start_and_tell, join_and_tell, tell_and_run
