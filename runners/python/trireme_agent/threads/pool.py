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
    """A ThreadPoolExecutor. join() shuts it down and puts another in its place."""

    def __init__(self, backend: ThreadingBackend, size: int) -> None:
        super().__init__(backend, size)
        self._threads = backend
        self._queued: dict[int, Task] = {}  # that no thread has taken; who pops a task decides what becomes of it
        self._executor = self._make()

    def _make(self) -> concurrent.futures.ThreadPoolExecutor:
        """Starts no thread yet."""
        return concurrent.futures.ThreadPoolExecutor(self._size, initializer=self._threads.idle.add)

    def full(self) -> bool:
        """Whether what is not started yet has to wait for a place."""
        return sum(1 for task in list(self._tasks.values()) if task.started and not task.done()) >= self._size

    async def _submit(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> Task:
        task = self._threads.new_task(getattr(fn, "__name__", None))
        task.native.pool = self
        self._queue(task)
        self._queued[task.number] = task
        try:
            self._executor.submit(self._run, task, fn, args)
        except RuntimeError:  # there is no thread to be had; it is queued all the same, for those that are there
            if self._queued.pop(task.number, None) is not None:
                task.finish("cancelled")
                raise
        return task

    def _run(self, task: Task, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        """Unless its submitter was told that it cannot be run."""
        if self._queued.pop(task.number, None) is not None:
            self._threads.idle.run(self._threads.run_here, (task, self._placed, (task, fn, args)))

    async def join(self) -> None:
        await super().join()
        executor, self._executor = self._executor, self._make()
        executor.shutdown(wait=True)
