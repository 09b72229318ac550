"""`rt.blocking`: the workload API without await, for a main that is a plain def."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trireme_agent.backend import Backend

# Calls that take a function of the workload, which may then be a plain def that waits.
_TAKES_FUNCTION = frozenset({"spawn", "spawn_after", "submit", "map", "http_server", "periodic"})
# What never waits and may be used from any thread, and what belongs to the calling thread.
_DIRECT = frozenset({"op", "observe", "outcome", "metric", "now", "local", "current_task", "cancel", "fileno", "done"})
_NOT_WRAPPED = frozenset({"Operation", "Local"})


class Driver:
    """How a call is made where the runtime blocks: its coroutine is run to its end."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def call(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = fn(*args, **kwargs)
        return self._backend.drive(result) if inspect.iscoroutine(result) else result

    def adapt(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """A function of the workload, as the API takes it."""
        return fn


class Proxy(AbstractContextManager[Any]):
    """An object of the API whose coroutines are run to their end."""

    def __init__(self, driver: Driver, target: Any) -> None:
        self._driver = driver
        self._target = target

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if not callable(value) or name in _DIRECT:
            return self._wrap_result(value) if name in _DIRECT and callable(value) else self._wrap(value)

        def call(*args: Any, **kwargs: Any) -> Any:
            taken = [self._take(name, arg) for arg in args]
            return self._wrap(self._driver.call(value, tuple(taken), kwargs))

        return call

    def __enter__(self) -> Any:
        return self._wrap(self._driver.call(self._target.__aenter__, (), {}))

    def __exit__(self, *exc: Any) -> Any:
        return self._driver.call(self._target.__aexit__, exc, {})

    def _take(self, name: str, arg: Any) -> Any:
        if isinstance(arg, Proxy):
            return arg._target
        is_function = name in _TAKES_FUNCTION and (inspect.isfunction(arg) or inspect.ismethod(arg))
        return self._driver.adapt(arg) if is_function and not inspect.iscoroutinefunction(arg) else arg

    def _wrap_result(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args, **kwargs: self._wrap(fn(*args, **kwargs))

    def _wrap(self, value: Any) -> Any:
        if type(value) in (list, tuple):
            return type(value)(map(self._wrap, value))
        ours = type(value).__module__.startswith("trireme_agent.") and type(value).__name__ not in _NOT_WRAPPED
        return Proxy(self._driver, value) if ours and not isinstance(value, Proxy) else value
