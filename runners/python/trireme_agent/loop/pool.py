"""Pools of an event loop's tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from trireme_agent.backend import Backend
from trireme_agent.runtime import TaskPool
from trireme_agent.task import Task


class LoopPool(TaskPool):
    """Tasks that take a place of a semaphore first."""

    def __init__(self, backend: Backend, size: int) -> None:
        super().__init__(backend, size)
        self._places = asyncio.Semaphore(size)

    async def _submit(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> Task:
        task = self._backend.new_task(getattr(fn, "__name__", None))
        self._queue(task)
        self._backend.start(task, self._enter, (task, fn, args))
        return task

    async def _enter(self, task: Task, fn: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        async with self._places:
            return await self._placed(task, fn, args)
