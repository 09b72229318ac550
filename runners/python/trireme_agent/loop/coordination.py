"""asyncio's queue as a point, and the RLock that asyncio lacks."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from trireme_agent import sync
from trireme_agent.backend import Backend
from trireme_agent.task import Task


class ReentrantLock:
    """As much of a threading.RLock as the tasks of a loop need."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._lock = asyncio.Lock()
        self._owner: Task | None = None
        self._count = 0

    def _is_owned(self) -> bool:
        return self._owner is not None and self._owner is self._backend.current()

    def would_wait(self) -> bool:
        return not self._is_owned() and would_wait(self._lock)

    async def acquire(self) -> None:
        if not self._is_owned():
            await self._lock.acquire()
            self._owner = self._backend.current()
        self._count += 1

    def release(self) -> None:
        self._count -= 1
        if self._count == 0:
            self._owner = None
            self._lock.release()


def would_wait(lock: Any) -> bool:
    """Whether acquire() would: an asyncio.Lock that is free may have been promised to another."""
    if isinstance(lock, ReentrantLock):
        return lock.would_wait()
    if lock.locked():
        return True
    waiters: Any = lock._waiters if isinstance(lock, asyncio.Lock) else None
    return bool(waiters) and not all(waiter.cancelled() for waiter in waiters)


class RelockingCondition(asyncio.Condition):
    """An asyncio.Condition whose wait() gets the lock again in relocking()."""

    def __init__(self, backend: Backend, lock: asyncio.Lock) -> None:
        super().__init__(lock)
        acquire = lock.acquire

        async def lock_again() -> Literal[True]:
            with backend.relocking():
                return await acquire()

        self.acquire = lock_again  # type: ignore[method-assign]  # as the class itself sets it


class _Items(sync.Items, asyncio.Queue[Any]):
    def __init__(self, number: int, size: int) -> None:
        self.number = number
        super().__init__(size)

    def _init(self, maxsize: int) -> None:
        super()._init(maxsize)
        self.queue = self._queue  # type: ignore[attr-defined]  # not in the stubs


class Queue(sync.Queue):
    """asyncio.Queue."""

    def __init__(self, backend: Backend, maxsize: int) -> None:
        super().__init__(backend, maxsize, _Items)

    async def _put(self, item: Any) -> None:
        if not self._queue.full():
            self._queue.put_nowait(item)
            return
        with self._backend.waiting():
            await self._queue.put(item)

    async def _get(self) -> Any:
        if not self._queue.empty():
            return self._queue.get_nowait()
        with self._backend.waiting():
            return await self._queue.get()
