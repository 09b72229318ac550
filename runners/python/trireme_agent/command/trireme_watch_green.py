"""Eventlet's semaphores, queues, events and joined green threads, as trireme_watch_waits.py and trireme_watch_orders.py see
them; where threading is patched, its locks are these. Thread safety: any threads.
"""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Callable
from typing import Any

from trireme_watch_locks import Taken, Use, caller, place
from trireme_watch_waits import Facts, Wait, get_ident

# Whose code is not that of who takes a lock.
_AROUND = ("threading", "eventlet.semaphore", "eventlet.lock", "eventlet.green.threading", "eventlet.green.thread")
_ALLOCATORS = ("eventlet.green.thread", "eventlet.green.threading")
_QUEUES = ("eventlet.queue", "eventlet.green.Queue")
# Where threading makes a lock to signal by, which has no holder: one for who waits for a condition, or for a thread's end.
_SIGNALS = ("wait", "_set_tstate_lock", "_set_sentinel", "_make_thread_handle", "__thread_body")


class GreenWaits:
    def __init__(self, taken: Taken) -> None:
        self._taken = taken
        self._waits = taken.waits
        self._hubs: list[tuple[int, Callable[[], Any]]] = []  # by thread; weak references
        self._waits.idle.append(self._is_idle)

    def hook_semaphores(self, module: Any) -> None:
        """`module`: eventlet.semaphore."""
        kind = module.Semaphore
        begin, enter = kind.__init__, kind.__enter__
        taken = self._taken
        kind.trireme_kind, kind.trireme_taken, kind.trireme_number = "lock", None, 0
        kind.trireme_made, kind.trireme_use, kind.trireme_size = (None, 0), Use(), 0

        @functools.wraps(begin)
        def begin_and_tell(self: Any, value: Any = 1) -> None:
            begin(self, value)
            maker = caller(sys._getframe(1), _ALLOCATORS)
            taken.made(self, caller(maker, _AROUND))
            signals = maker.f_globals.get("__name__") in _AROUND and maker.f_code.co_name in _SIGNALS
            self.trireme_size = 0 if signals else self.counter

        kind.__init__ = begin_and_tell
        self._hook_acquire(kind)
        self._hook_release(kind)

        @functools.wraps(enter)
        def enter_and_tell(self: Any) -> Any:
            entered = enter(self)
            held = self.trireme_taken
            if held is not None:
                self.trireme_taken = (*held[:3], True)
            return entered

        kind.__enter__ = enter_and_tell

    def hook_lock(self, module: Any) -> None:
        """`module`: eventlet.lock."""
        self._hook_release(module.Lock)

    def _hook_acquire(self, kind: Any) -> None:
        taken, waits, acquire = self._taken, self._waits, kind.acquire

        @functools.wraps(acquire)
        def acquire_and_tell(self: Any, blocking: bool = True, timeout: float | None = None) -> Any:
            timed = timeout not in (None, -1)
            if blocking and (self.counter <= 0 or self._waiters):
                what = "lock" if self.trireme_size == 1 else "semaphore"
                entry = Wait(what, self, functools.partial(_of_semaphore, taken), timed, blocks=False)
                got = waits.wait(entry, acquire, self, blocking, timeout)
            else:
                got = acquire(self, blocking, timeout)
            if got and self.trireme_size == 1:
                frame = caller(sys._getframe(1), _AROUND)
                taken.took(self, frame.f_code, frame.f_lineno, False, blocking and not timed)
            return got

        kind.acquire = acquire_and_tell

    def _hook_release(self, kind: Any) -> None:
        taken, release = self._taken, kind.release

        @functools.wraps(release)
        def release_and_tell(self: Any, blocking: bool = True) -> Any:
            taken.gives(self)
            return release(self, blocking)

        kind.release = release_and_tell

    def hook_queues(self, module: Any) -> None:
        """`module`: eventlet.queue."""
        kind, waits = module.LightQueue, self._waits
        begin, put, get = kind.__init__, kind.put, kind.get

        @functools.wraps(begin)
        def begin_and_tell(self: Any, *args: Any, **keywords: Any) -> None:
            begin(self, *args, **keywords)
            frame = caller(sys._getframe(1), _QUEUES)
            self.trireme_made = place(frame.f_code, frame.f_lineno)

        @functools.wraps(put)
        def wait_for_room(self: Any, item: Any, block: bool = True, timeout: float | None = None) -> Any:
            entry = Wait("queue-put", self, _of_queue, timeout is not None or not block, blocks=False)
            return waits.wait(entry, put, self, item, block, timeout)

        @functools.wraps(get)
        def wait_for_item(self: Any, block: bool = True, timeout: float | None = None) -> Any:
            entry = Wait("queue-get", self, _of_queue, timeout is not None or not block, blocks=False)
            return waits.wait(entry, get, self, block, timeout)

        kind.__init__, kind.put, kind.get = begin_and_tell, wait_for_room, wait_for_item

    def hook_events(self, module: Any) -> None:
        """`module`: eventlet.event."""
        kind, waits = module.Event, self._waits
        wait = kind.wait

        @functools.wraps(wait)
        def wait_sent(self: Any, timeout: float | None = None) -> Any:
            if self.ready():
                return wait(self, timeout)
            entry = Wait("event", self, lambda _: Facts("event"), timeout is not None, blocks=False)
            return waits.wait(entry, wait, self, timeout)

        kind.wait = wait_sent

    def hook_threads(self, module: Any) -> None:
        """`module`: eventlet.greenthread."""
        kind, waits, orders = module.GreenThread, self._waits, self._taken.orders
        begin, main, wait = kind.__init__, kind.main, kind.wait

        @functools.wraps(begin)
        def begin_and_tell(self: Any, parent: Any) -> None:
            begin(self, parent)
            if orders is not None:
                self.trireme_task = waits.probe.new_task()
                waits.task_starts(waits.current(), f"{kind.__name__} {self.trireme_task}", self.trireme_task)

        @functools.wraps(main)
        def run_and_tell(self: Any, *args: Any) -> Any:
            try:
                return main(self, *args)
            finally:
                if orders is not None:
                    orders.task_ends(self.trireme_task)

        @functools.wraps(wait)
        def wait_for_end(self: Any) -> Any:
            if self.dead:
                return wait(self)
            entry = Wait("join", self, None, False, blocks=False)
            entry.target = lambda: getattr(self, "trireme_task", 0)
            try:
                return waits.wait(entry, wait, self)
            finally:
                if orders is not None and self.dead:
                    orders.joined(waits.current(), self.trireme_task)

        kind.__init__, kind.wait = begin_and_tell, wait_for_end
        kind.main = run_and_tell

    def hook_timeouts(self, module: Any) -> None:
        """`module`: eventlet.timeout."""
        kind, waits = module.Timeout, self._waits
        start, cancel = kind.start, kind.cancel

        @functools.wraps(start)
        def start_and_tell(self: Any) -> None:
            start(self)
            if self.seconds is not None:
                self.trireme_task = waits.current()
                waits.limit(self.trireme_task, 1)

        @functools.wraps(cancel)
        def cancel_and_tell(self: Any) -> None:
            waits.limit(self.__dict__.pop("trireme_task", 0), -1)
            cancel(self)

        kind.start, kind.cancel = start_and_tell, cancel_and_tell

    def hook_hub(self, module: Any) -> None:
        """`module`: eventlet.hubs.hub."""
        kind, hubs = module.BaseHub, self._hubs
        run = kind.run

        @functools.wraps(run)
        def run_and_tell(self: Any, *args: Any, **keywords: Any) -> Any:
            hubs[:] = [known for known in hubs if known[1]() is not None]
            hubs.append((get_ident(), weakref.ref(self)))
            return run(self, *args, **keywords)

        kind.run = run_and_tell

    def _is_idle(self, ident: int) -> bool:
        for thread, known in list(self._hubs):
            hub = known()
            if thread != ident or hub is None:
                continue
            timers = [timer for _, timer in [*hub.timers, *hub.next_timers] if not timer.called]
            return not timers and not any(hub.listeners.values())
        return False


def _of_semaphore(taken: Taken, semaphore: Any) -> Facts:
    if semaphore.trireme_size == 1:
        return taken.facts(semaphore)
    return Facts("semaphore", place(*semaphore.trireme_made), max(semaphore.trireme_size, 1), ())


def _of_queue(queue: Any) -> Facts:
    size = queue.maxsize
    return Facts("queue", getattr(queue, "trireme_made", ""), size if isinstance(size, int) else 0, (), queue.qsize())
