"""Eventlet's locks and queue, as points."""

from __future__ import annotations

from typing import Any

import eventlet.queue

from trireme_agent import probe, sync
from trireme_agent.backend import Backend


def would_wait(lock: Any) -> bool:
    """Whether acquire() of a patched Lock or RLock, or of a Semaphore, would let others run."""
    if hasattr(lock, "_is_owned") and lock._is_owned():
        return False
    semaphore = getattr(lock, "_block", lock)
    return semaphore.counter <= 0 or bool(semaphore._waiters)


class _Items(eventlet.queue.Queue):  # type: ignore[misc]  # Eventlet has no types
    """An eventlet.queue.Queue that records what goes in, for the task that puts it: where both sides wait, the hub moves
    the item. So an item is a pair: the number of that task, and what it put."""

    def __init__(self, number: int, size: int) -> None:
        self._number = number
        super().__init__(size or None)  # size 0 would be a channel

    def _put(self, item: tuple[int, Any]) -> None:
        probe.record_for(item[0], probe.SYNC, self._number, "put", len(self.queue) + 1)
        super()._put(item)


class Queue(sync.Queue):
    """eventlet.queue.Queue."""

    def __init__(self, backend: Backend, maxsize: int) -> None:
        super().__init__(backend, maxsize, _Items)

    async def _put(self, item: Any) -> None:
        pair = (probe.current_task(), item)
        if not self._queue.full():
            self._queue.put(pair)
            return
        with self._backend.waiting():
            self._queue.put(pair)

    async def _get(self) -> Any:
        if not self._queue.empty():
            _, item = self._queue.get()
        else:
            with self._backend.waiting():
                _, item = self._queue.get()
        probe.record(probe.SYNC, self.number, "get", self._queue.qsize())
        return item
