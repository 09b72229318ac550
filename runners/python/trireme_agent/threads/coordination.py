"""The standard library's locks, conditions, events, semaphores and queues, with waits that can be ended."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

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


class InterruptibleQueue(queue.Queue[Any]):
    def __init__(self, backend: WaitingBackend, maxsize: int) -> None:
        super().__init__(maxsize)
        self.not_empty = InterruptibleCondition(backend, self.mutex)
        self.not_full = InterruptibleCondition(backend, self.mutex)


class Coordination:
    """What the wrappers below share: calls become points."""

    def __init__(self, backend: WaitingBackend) -> None:
        self._backend = backend

    async def _point(self, kind: str, function: Callable[..., Any], *args: Any) -> Any:
        return await self._backend.point(kind, _call, function, *args)


async def _call(function: Callable[..., Any], *args: Any) -> Any:
    return function(*args)


class Lock(Coordination):
    """threading.Lock or RLock."""

    def __init__(self, backend: WaitingBackend, lock: Any) -> None:
        super().__init__(backend)
        self._lock = lock

    async def acquire(self) -> bool:
        await self._point("lock", self._backend.acquire, self._lock)
        return True

    def release(self) -> None:
        self._lock.release()

    async def __aenter__(self) -> Lock:
        await self.acquire()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.release()


class Semaphore(Coordination):
    def __init__(self, backend: WaitingBackend, value: int) -> None:
        super().__init__(backend)
        self._semaphore = InterruptibleSemaphore(backend, value)

    async def acquire(self) -> bool:
        await self._point("semaphore", self._semaphore.acquire)
        return True

    def release(self) -> None:
        self._semaphore.release()

    async def __aenter__(self) -> Semaphore:
        await self.acquire()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.release()


class Condition(Coordination):
    def __init__(self, backend: WaitingBackend) -> None:
        super().__init__(backend)
        self._lock = threading.RLock()
        self._condition = InterruptibleCondition(backend, self._lock)

    async def acquire(self) -> bool:
        await self._point("lock", self._backend.acquire, self._lock)
        return True

    def release(self) -> None:
        self._condition.release()

    async def wait(self) -> None:
        await self._point("condition", self._condition.wait)

    async def wait_for(self, predicate: Callable[[], bool]) -> bool:
        while not predicate():
            await self.wait()
        return True

    def notify(self, count: int = 1) -> None:
        self._condition.notify(count)

    def notify_all(self) -> None:
        self._condition.notify_all()

    async def __aenter__(self) -> Condition:
        await self.acquire()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.release()


class Event(Coordination):
    def __init__(self, backend: WaitingBackend) -> None:
        super().__init__(backend)
        self._event = InterruptibleEvent(backend)

    async def wait(self) -> None:
        await self._point("event", self._event.wait)

    def set(self) -> None:
        self._event.set()

    def clear(self) -> None:
        self._event.clear()

    def is_set(self) -> bool:
        return self._event.is_set()


class Queue(Coordination):
    def __init__(self, backend: WaitingBackend, maxsize: int) -> None:
        super().__init__(backend)
        self._queue = InterruptibleQueue(backend, maxsize)

    async def put(self, item: Any) -> None:
        await self._point("queue-put", self._queue.put, item)

    async def get(self) -> Any:
        return await self._point("queue-get", self._queue.get)

    def qsize(self) -> int:
        return self._queue.qsize()

    def empty(self) -> bool:
        return self._queue.empty()

    def full(self) -> bool:
        return self._queue.full()
