"""asyncio's locks, conditions, events, semaphores and queues as points, and the RLock that it lacks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from trireme_agent.backend import Backend
from trireme_agent.task import Task


class Coordination:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def _point(self, kind: str, call: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        return await self._backend.point(kind, self._wait, call, *args)

    async def _wait(self, call: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        with self._backend.waiting():
            return await call(*args)


class Lock(Coordination):
    """asyncio.Lock or asyncio.Semaphore."""

    def __init__(self, backend: Backend, lock: Any, kind: str) -> None:
        super().__init__(backend)
        self._lock = lock
        self._kind = kind

    async def acquire(self) -> bool:
        await self._backend.point(self._kind, self._acquire)
        return True

    async def _acquire(self) -> None:
        if not self._lock.locked():
            await self._lock.acquire()
            return
        with self._backend.waiting():
            await self._lock.acquire()

    def release(self) -> None:
        self._lock.release()

    async def __aenter__(self) -> Lock:
        await self.acquire()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.release()


class RLock(Lock):
    """A lock that its owner may acquire again."""

    _owner: Task | None = None
    _count = 0

    async def _acquire(self) -> None:
        me = self._backend.current()
        if self._owner is None or self._owner is not me:
            await super()._acquire()
            self._owner = me
        self._count += 1

    def release(self) -> None:
        if self._owner is not self._backend.current():
            raise RuntimeError("cannot release un-acquired lock")
        self._count -= 1
        if self._count == 0:
            self._owner = None
            self._lock.release()


class Condition(Lock):
    """asyncio.Condition."""

    def __init__(self, backend: Backend) -> None:
        self._condition = asyncio.Condition()
        super().__init__(backend, self._condition, "lock")

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


class Event(Coordination):
    """asyncio.Event."""

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        self._event = asyncio.Event()

    async def wait(self) -> None:
        await self._backend.point("event", self._wait_set)

    async def _wait_set(self) -> None:
        if not self._event.is_set():
            with self._backend.waiting():
                await self._event.wait()

    def set(self) -> None:
        self._event.set()

    def clear(self) -> None:
        self._event.clear()

    def is_set(self) -> bool:
        return self._event.is_set()


class Queue(Coordination):
    """asyncio.Queue."""

    def __init__(self, backend: Backend, maxsize: int) -> None:
        super().__init__(backend)
        self._queue: asyncio.Queue[Any] = asyncio.Queue(maxsize)

    async def put(self, item: Any) -> None:
        await self._backend.point("queue-put", self._put, item)

    async def _put(self, item: Any) -> None:
        if not self._queue.full():
            self._queue.put_nowait(item)
            return
        with self._backend.waiting():
            await self._queue.put(item)

    async def get(self) -> Any:
        return await self._backend.point("queue-get", self._get)

    async def _get(self) -> Any:
        if not self._queue.empty():
            return self._queue.get_nowait()
        with self._backend.waiting():
            return await self._queue.get()

    def qsize(self) -> int:
        return self._queue.qsize()

    def empty(self) -> bool:
        return self._queue.empty()

    def full(self) -> bool:
        return self._queue.full()
