"""Which threads of executors are idle: these are no leak."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class IdleThreads:
    """Threads say here that they are there, and when they run a function. Thread safety: any threads."""

    def __init__(self) -> None:
        self._idle: set[int] = set()

    def add(self) -> None:
        """What an executor's threads run first."""
        self._idle.add(threading.get_native_id())

    def run(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        thread = threading.get_native_id()
        self._idle.discard(thread)
        try:
            return fn(*args)
        finally:
            self._idle.add(thread)

    def native_ids(self) -> set[int]:
        return set(self._idle)
