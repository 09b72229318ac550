"""Exceptions in futures of concurrent.futures that nobody ever asked for: what failed there, failed unseen.

Who asks: result() and exception(), with or without a timeout, and add_done_callback(), which asyncio's futures ask by,
too. Who cancels gives up what comes of it, as Executor.map() does once one of its calls has failed. wait() alone does
not ask, as asyncio's does not; nor does a library that looks at each future and tells nobody what failed, as futurist's
executors do for their statistics.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable
from concurrent.futures import Future  # the one class, which every runtime has imported by now
from typing import Any
from weakref import WeakValueDictionary

Report = Callable[[Exception], None]

# Which look at each future, by module and qualified name.
_LOOKS_ONLY = {
    ("asyncio.futures", "_chain_future.<locals>._call_check_cancel"),  # of run_coroutine_threadsafe(): was it cancelled?
    ("futurist._futures", "_Gatherer._capture_stats"),
}
_LOOKING = {(module, name.rpartition(".")[2]) for module, name in _LOOKS_ONLY}  # as a frame says it

_failed: WeakValueDictionary[int, Future[Any]] = WeakValueDictionary()  # by id: a class of the workload's may not hash


class _Asking:
    """A method by which somebody asks. To look it up is to ask, so that no frame of ours is in the traceback."""

    def __init__(self, method: Any) -> None:
        self._method = method

    def __get__(self, future: Future[Any] | None, kind: type | None = None) -> Any:
        if future is not None and not _only_looks():
            _note_asked(future)
        return self._method.__get__(future, kind)


def _only_looks() -> bool:
    """REQUIRES: called by a method that was called by who is meant."""
    try:
        caller = sys._getframe(2)
    except ValueError:  # no function of Python's: a thread that begins with a call in C
        return False
    return (caller.f_globals.get("__name__"), caller.f_code.co_name) in _LOOKING


def watch(report: Report) -> None:
    """From now on each is reported as its future is freed; of those that live, report_living() does."""
    fail, call_back, free = Future.set_exception, Future.add_done_callback, getattr(Future, "__del__", None)

    def set_exception(self: Future[Any], exception: BaseException | None) -> None:
        if not _is_asked(self):
            _failed[id(self)] = self
        fail(self, exception)

    def add_done_callback(self: Future[Any], fn: Callable[[Future[Any]], object]) -> None:
        called = fn.func if isinstance(fn, functools.partial) else fn
        if (getattr(called, "__module__", ""), getattr(called, "__qualname__", "")) not in _LOOKS_ONLY:
            _note_asked(self)
        call_back(self, fn)

    def __del__(self: Future[Any]) -> None:
        _tell(self, report)
        if free is not None:
            free(self)

    future: Any = Future
    for name in ("result", "exception", "cancel"):
        setattr(future, name, _Asking(getattr(future, name)))
    future.set_exception, future.add_done_callback, future.__del__ = set_exception, add_done_callback, __del__


def report_living(report: Report) -> None:
    for reference in _failed.valuerefs():  # a list: other threads may fail meanwhile
        future = reference()
        if future is not None:
            _tell(future, report)


def _note_asked(future: Any) -> None:
    future._trireme_asked = True


def _is_asked(future: Future[Any]) -> bool:
    return bool(getattr(future, "_trireme_asked", False))


def _tell(future: Future[Any], report: Report) -> None:
    with contextlib.suppress(Exception):  # of a class of the workload's that lacks what it is made of
        error = future._exception
        if isinstance(error, Exception) and not _is_asked(future):
            _note_asked(future)
            report(error)
