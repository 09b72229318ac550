"""rt.timeout on an event loop: asyncio.timeout, and the same by hand on 3.10, which has none."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import trireme
from trireme_agent.loop.workers import Worker
from trireme_agent.task import Task

if TYPE_CHECKING:
    from trireme_agent.backends.asyncio import AsyncioBackend


class _Timeout:
    """As much of asyncio.Timeout as rt.timeout needs: for 3.10, and for tasks whose function runs in a worker thread."""

    def __init__(self, seconds: float, worker: Worker | None) -> None:
        self._seconds = seconds
        self._expired = False
        self.missed = False  # it is yet to be raised, at a point: no call was told
        self._task: asyncio.Task[Any] | Worker | None = worker
        self._handle: asyncio.Handle | None = None

    def expired(self) -> bool:
        return self._expired

    def reschedule(self, _: float) -> None:
        """Expires soon."""
        self._cancel_timer()
        self._handle = asyncio.get_running_loop().call_soon(self._expire)

    async def __aenter__(self) -> None:
        self._task = self._task or asyncio.current_task()
        self._handle = asyncio.get_running_loop().call_later(self._seconds, self._expire)

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._cancel_timer()
        if self._expired and not self.missed and isinstance(error, asyncio.CancelledError):
            raise TimeoutError from error

    def _cancel_timer(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _expire(self) -> None:
        self._handle = None
        self._expired = True
        if isinstance(self._task, Worker):
            self.missed = not self._task.expire(self)
        elif self._task is not None:
            self._task.cancel()


class LoopDeadline:
    """rt.timeout: CancelledError inside, trireme.TimeoutExpired at the end of the block."""

    def __init__(self, backend: AsyncioBackend, seconds: float) -> None:
        self._backend = backend
        self._seconds = seconds
        self._at = 0.0
        self._rushed = False
        self._timeout: Any = None
        self._task: Task | None = None

    def due(self) -> bool:
        """Its time came while the task computed, so that it has not been told yet."""
        if isinstance(self._timeout, _Timeout) and self._timeout.missed:
            return True
        return self.pending() and self._backend.loop.time() >= self._at

    def pending(self) -> bool:
        return not self._rushed and not self._timeout.expired()

    def left(self) -> float | None:
        return None if self._timeout.expired() else self._at - self._backend.loop.time()

    async def expire(self) -> None:
        """Raises CancelledError, by way of the loop."""
        if isinstance(self._timeout, _Timeout) and self._timeout.missed:
            self._timeout.missed = False
            raise asyncio.CancelledError
        self._rushed = True
        self._timeout.reschedule(min(self._at, self._backend.loop.time()))
        await asyncio.sleep(0)

    async def __aenter__(self) -> None:
        self._at = self._backend.loop.time() + self._seconds
        self._task = self._backend.current()
        worker = self._task.native if self._task is not None and isinstance(self._task.native, Worker) else None
        if sys.version_info >= (3, 11) and worker is None:
            self._timeout = asyncio.timeout(self._seconds)
        else:
            self._timeout = _Timeout(self._seconds, worker)
        await self._timeout.__aenter__()
        if self._task is not None:
            self._task.deadlines.append(self)

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if self._task is not None:
            self._task.deadlines.remove(self)
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError:
            if not self._timeout.expired():
                raise
            raise trireme.TimeoutExpired(f"{self._seconds} seconds") from error
