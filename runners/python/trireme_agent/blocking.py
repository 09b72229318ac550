"""`rt.blocking`: the workload API without await, for a main that is a plain def.

Where the runtime blocks, a call is its coroutine run to its end. On an event loop the plain functions run in worker
threads, one a task, and each call is a coroutine that the loop runs for its thread.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import trireme
from trireme_agent.backend import Backend
from trireme_agent.task import Task

_PLAIN = (int, float, str, bytes, bool, type(None), trireme.Response, trireme.Request, trireme.Completed)
_TAKES_FUNCTION = frozenset({"spawn", "spawn_after", "submit", "map", "http_server", "periodic"})


class Proxy(AbstractContextManager[Any]):
    """An object of the API whose coroutines are run to their end."""

    def __init__(self, driver: Driver, target: Any) -> None:
        self._driver = driver
        self._target = target

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if not callable(value):
            return self._driver.wrap(value)

        def call(*args: Any, **kwargs: Any) -> Any:
            adapt = self._driver.adapt if name in _TAKES_FUNCTION else self._driver.unwrap
            result = self._driver.call(value, *map(adapt, args), **kwargs)
            return self._driver.wrap(result)

        return call

    def __enter__(self) -> Any:
        return self._driver.wrap(self._driver.call(self._target.__aenter__))

    def __exit__(self, *exc: Any) -> Any:
        return self._driver.call(self._target.__aexit__, *exc)


class Driver:
    """How a blocking call is made on a runtime that blocks."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def call(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        result = fn(*args, **kwargs)
        return self._backend.drive(result) if inspect.iscoroutine(result) else result

    def adapt(self, value: Any) -> Any:
        """An argument of a call that takes a function of the workload."""
        return self.unwrap(value)

    def unwrap(self, value: Any) -> Any:
        return value._target if isinstance(value, Proxy) else value

    def wrap(self, value: Any) -> Any:
        if isinstance(value, _PLAIN) or not type(value).__module__.startswith("trireme_agent"):
            if type(value) in (list, tuple):
                return type(value)(map(self.wrap, value))
            return value
        return value if isinstance(value, Proxy) else Proxy(self, value)


class LoopDriver(Driver):
    """How a blocking call is made from a worker thread of an event loop."""

    def __init__(self, backend: Any) -> None:
        super().__init__(backend)
        self._loop: asyncio.AbstractEventLoop = backend.loop
        self._here = backend.here

    def call(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        task: Task | None = self._here.task
        return asyncio.run_coroutine_threadsafe(self._in_loop(task, fn, args, kwargs), self._loop).result()

    async def _in_loop(self, task: Task | None, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        result = fn(*args, **kwargs)
        return await result if inspect.iscoroutine(result) else result

    def adapt(self, value: Any) -> Any:
        if not inspect.isfunction(value) and not inspect.ismethod(value):
            return self.unwrap(value)

        async def in_thread(*args: Any) -> Any:
            return await self.run(value, *args)

        in_thread.__name__ = value.__name__
        return in_thread

    async def run(self, fn: Callable[..., Any], *args: Any) -> Any:
        raise NotImplementedError


class Blocking(Proxy):
    """`rt.blocking` itself."""
