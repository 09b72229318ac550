"""Pools of green threads."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import eventlet

from trireme_agent.runtime import TaskPool
from trireme_agent.task import Task

if TYPE_CHECKING:
    from trireme_agent.backends.eventlet import EventletBackend


class GreenTaskPool(TaskPool):
    """A GreenPool: submit() waits while it is full; from inside a full pool it runs the function in place."""

    def __init__(self, backend: EventletBackend, size: int) -> None:
        super().__init__(backend, size)
        self._green = backend
        self._pool = eventlet.GreenPool(size)

    async def _submit(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> Task:
        task = self._green.new_task(getattr(fn, "__name__", None))
        full = self._pool.sem.locked()
        if full and eventlet.getcurrent() in self._pool.coroutines_running:
            self._run_in_place(task, fn, args)
            return task
        self._queue(task)
        try:
            with self._green.waiting() if full or self._pool.sem._waiters else nullcontext():
                self._pool.spawn(self._green.run_here, task, self._placed, (task, fn, args))
        except BaseException:
            if not task.started:
                task.finish("cancelled")
            raise
        return task

    def _run_in_place(self, task: Task, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        """It takes no place: who submits it has one, and waits for its end."""
        submitter = self._green.current()
        if submitter is not None:
            submitter.kind, submitter.what = "join", task.number
        with self._green.waiting():
            self._pool.spawn(self._green.run_here, task, fn, args)
