"""Pools and offloaded calls of native threads, on concurrent.futures."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trireme_agent.runtime import TaskPool
from trireme_agent.task import Task

if TYPE_CHECKING:
    from trireme_agent.backends.threading import ThreadingBackend


class ThreadPool(TaskPool):
    """A ThreadPoolExecutor. join() shuts it down; the next submit() makes another one."""

    def __init__(self, backend: ThreadingBackend, size: int) -> None:
        super().__init__(backend, size)
        self._threads = backend
        self._executor: concurrent.futures.ThreadPoolExecutor | None = None

    def full(self) -> bool:
        """Whether what is not started yet has to wait for a place."""
        return sum(1 for task in self._tasks if task.started and not task.done()) >= self._size

    async def _submit(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> Task:
        if self._executor is None:
            self._executor = concurrent.futures.ThreadPoolExecutor(self._size, initializer=self._threads.idle.add)
        task = self._threads.new_task(getattr(fn, "__name__", None))
        task.native.pool = self
        self._executor.submit(self._threads.idle.run, self._threads.run_here, (task, fn, args))
        return task

    async def join(self) -> None:
        await super().join()
        if self._executor is not None:
            self._executor.shutdown(wait=True)
            self._executor = None
