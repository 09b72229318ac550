"""`rt.blocking`: the workload API without await, for a main that is a plain def."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trireme_agent.backend import Backend

# Calls that take a function of the workload, which may then be a plain def that waits: where it stands, and its name. What
# else they are given, be it a function, goes to that one as it is.
_FUNCTIONS: dict[str, tuple[int, str]] = {
    "spawn": (0, "fn"),
    "spawn_after": (1, "fn"),
    "submit": (0, "fn"),
    "map": (0, "fn"),
    "http_server": (0, "handler"),
    "periodic": (1, "fn"),
}
# What never waits and may be used from any thread, and what belongs to the calling thread.
_DIRECT = frozenset({"op", "observe", "outcome", "metric", "now", "local", "current_task", "cancel", "fileno", "done"})
_NOT_WRAPPED = frozenset({"Operation", "Local"})


def _is_plain(value: Any) -> bool:
    """Whether it can be called and may wait. What it would be wrong to hand in goes on as it is, for the call to say so."""
    if not callable(value) or inspect.isgeneratorfunction(value) or inspect.isasyncgenfunction(value):
        return False
    return not inspect.iscoroutinefunction(value) and not inspect.iscoroutinefunction(type(value).__call__)


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
            place, keyword = _FUNCTIONS.get(name, (None, None))
            taken = tuple(self._take(arg, at == place) for at, arg in enumerate(args))
            named = {key: self._take(arg, key == keyword) for key, arg in kwargs.items()}
            return self._wrap(self._driver.call(value, taken, named))

        return call

    def __enter__(self) -> Any:
        return self._wrap(self._driver.call(self._target.__aenter__, (), {}))

    def __exit__(self, *exc: Any) -> Any:
        return self._driver.call(self._target.__aexit__, exc, {})

    def _take(self, arg: Any, is_function: bool) -> Any:
        if isinstance(arg, Proxy):
            return arg._target
        return self._driver.adapt(arg) if is_function and _is_plain(arg) else arg

    def _wrap_result(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args, **kwargs: self._wrap(fn(*args, **kwargs))

    def _wrap(self, value: Any) -> Any:
        if type(value) in (list, tuple):
            return type(value)(map(self._wrap, value))
        ours = type(value).__module__.startswith("trireme_agent.") and type(value).__name__ not in _NOT_WRAPPED
        return Proxy(self._driver, value) if ours and not isinstance(value, Proxy) else value
