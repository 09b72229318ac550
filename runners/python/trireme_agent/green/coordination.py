"""Patched locks, conditions and events, and Eventlet's semaphore and queue, as points."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import eventlet.queue

from trireme_agent.backend import Backend


class Lock:
    """A patched threading.Lock or RLock, or an eventlet Semaphore."""

    def __init__(self, backend: Backend, lock: Any, kind: str = "lock") -> None:
        self._backend = backend
        self._lock = lock
        self._kind = kind

    async def acquire(self) -> bool:
        await self._backend.point(self._kind, self._acquire)
        return True

    async def _acquire(self) -> None:
        if not self._lock.acquire(False):
            with self._backend.waiting():
                self._lock.acquire()

    def release(self) -> None:
        self._lock.release()

    async def __aenter__(self) -> Lock:
        await self.acquire()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.release()


class Condition(Lock):
    """A patched threading.Condition."""

    def __init__(self, backend: Backend) -> None:
        self._condition = threading.Condition()
        super().__init__(backend, self._condition)

    async def wait(self) -> None:
        await self._backend.point("condition", self._wait)

    async def _wait(self) -> None:
        with self._backend.waiting():
            self._condition.wait()

    async def wait_for(self, predicate: Callable[[], bool]) -> bool:
        while not predicate():
            await self.wait()
        return True

    def notify(self, count: int = 1) -> None:
        self._condition.notify(count)

    def notify_all(self) -> None:
        self._condition.notify_all()


class Event:
    """A patched threading.Event: eventlet.event.Event cannot be cleared."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._event = threading.Event()

    async def wait(self) -> None:
        await self._backend.point("event", self._wait)

    async def _wait(self) -> None:
        if not self._event.is_set():
            with self._backend.waiting():
                self._event.wait()

    def set(self) -> None:
        self._event.set()

    def clear(self) -> None:
        self._event.clear()

    def is_set(self) -> bool:
        return self._event.is_set()


class Queue:
    """eventlet.queue.Queue, whose size 0 would be a channel: None is no limit."""

    def __init__(self, backend: Backend, maxsize: int) -> None:
        self._backend = backend
        self._queue = eventlet.queue.Queue(maxsize if maxsize > 0 else None)

    async def put(self, item: Any) -> None:
        await self._backend.point("queue-put", self._put, item)

    async def _put(self, item: Any) -> None:
        if not self._queue.full():
            self._queue.put(item)
            return
        with self._backend.waiting():
            self._queue.put(item)

    async def get(self) -> Any:
        return await self._backend.point("queue-get", self._get)

    async def _get(self) -> Any:
        if not self._queue.empty():
            return self._queue.get()
        with self._backend.waiting():
            return self._queue.get()

    def qsize(self) -> int:
        return int(self._queue.qsize())

    def empty(self) -> bool:
        return bool(self._queue.empty())

    def full(self) -> bool:
        return bool(self._queue.full())
