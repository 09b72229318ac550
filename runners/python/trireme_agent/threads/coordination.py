"""The standard library's locks, conditions, events, semaphores and queues, with waits that can be ended."""

from __future__ import annotations

import queue
import threading
from typing import Any

from trireme_agent import sync
from trireme_agent.threads.waiting import WaitingBackend


class InterruptibleCondition(threading.Condition):
    """threading.Condition whose wait() raises when its task is cancelled or a deadline comes.

    Of a notification and a cancellation, the first one counts. A notification that comes too late for its waiter goes
    to another one: else the item of a queue would lie there and a getter sleep beside it.
    """

    def __init__(self, backend: WaitingBackend, lock: Any = None) -> None:
        super().__init__(lock)
        self._backend = backend

    def wait(self, timeout: float | None = None) -> bool:
        if not self._is_owned():  # type: ignore[attr-defined]
            raise RuntimeError("cannot wait on un-acquired lock")
        waiter = threading.Lock()
        waiter.acquire()
        waiters = self._waiters  # type: ignore[attr-defined]
        waiters.append(waiter)
        saved = self._release_save()  # type: ignore[attr-defined]
        stopped = True
        try:
            stopped = self._backend.park(waiter, timeout)
        finally:
            self._acquire_restore(saved)  # type: ignore[attr-defined]
            notified = waiter not in waiters
            if not notified:
                waiters.remove(waiter)
            elif stopped:
                self.notify()
        if stopped or not notified:
            self._backend.check(self._backend.current())
        return notified


class InterruptibleSemaphore(threading.Semaphore):
    def __init__(self, backend: WaitingBackend, value: int) -> None:
        super().__init__(value)
        self._cond = InterruptibleCondition(backend, threading.Lock())


class InterruptibleEvent(threading.Event):
    def __init__(self, backend: WaitingBackend) -> None:
        super().__init__()
        self._cond = InterruptibleCondition(backend, threading.Lock())


class InterruptibleQueue(sync.Items, queue.Queue[Any]):
    def __init__(self, backend: WaitingBackend, number: int, maxsize: int) -> None:
        self.number = number
        super().__init__(maxsize)
        self.not_empty = InterruptibleCondition(backend, self.mutex)
        self.not_full = InterruptibleCondition(backend, self.mutex)


class Event(sync.Event):
    """threading.Event. One thread at a time changes it, so that the history has set() and clear() in their order."""

    def __init__(self, backend: WaitingBackend) -> None:
        super().__init__(backend, InterruptibleEvent(backend))
        self._changes = threading.Lock()

    def set(self) -> None:
        with self._changes:
            super().set()

    def clear(self) -> None:
        with self._changes:
            super().clear()


class Queue(sync.Queue):
    """queue.Queue."""

    def __init__(self, backend: WaitingBackend, maxsize: int) -> None:
        super().__init__(backend, maxsize, lambda number, size: InterruptibleQueue(backend, number, size))

    async def _put(self, item: Any) -> None:
        self._queue.put(item)

    async def _get(self) -> Any:
        return self._queue.get()
