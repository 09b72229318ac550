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
        async def placed() -> Any:
            await self._backend.point("pool", self._enter)
            try:
                result = fn(*args)
                return await result if asyncio.iscoroutine(result) else result
            finally:
                self._places.release()

        return self._backend.spawn(placed, (), getattr(fn, "__name__", None))

    async def _enter(self) -> None:
        with self._backend.waiting():
            await self._places.acquire()
