"""What is asked of Python in the middle of whatever the program does, by the probe or by what hooks the program's calls: an
error of the answer's own is nobody's but ours, and may not be raised there. But a signal handler of the program may run
meanwhile, and what it raises is meant for the program; so is what another thread has raised in this one.

Thread safety: any threads.
"""

from __future__ import annotations

import functools
import os
import signal
from _thread import get_native_id  # by name: green threads put another in its place
from collections.abc import Callable
from types import CodeType, FunctionType, MethodType
from typing import Any, TypeVar

T = TypeVar("T")
_OURS = os.path.dirname(os.path.dirname(__file__))


def answering(source: Callable[..., T], nothing: T) -> Callable[..., T]:
    """`source`, which answers `nothing` where it fails."""

    def answer(*args: Any) -> T:
        handlers = _codes_of_handlers()  # before: one may set another in its place and raise then
        try:
            return source(*args)
        except Exception as error:  # no other is ours: the rest of BaseException is what somebody else wants of this thread
            if _passed_through(error, handlers | _codes_of_handlers()) or _came_from_outside(error):
                raise
            return nothing

    return answer


def _codes_of_handlers() -> frozenset[CodeType]:
    """Of what Python calls for a signal, which it does in the main thread alone. Handlers in C raise KeyboardInterrupt."""
    if get_native_id() != os.getpid():
        return frozenset()
    codes = (_code_of(signal.getsignal(number)) for number in range(1, signal.NSIG))
    return frozenset(code for code in codes if code is not None)


def _code_of(handler: Any) -> CodeType | None:
    while isinstance(handler, functools.partial):
        handler = handler.func
    if callable(handler) and not isinstance(handler, (FunctionType, MethodType)):
        handler = type(handler).__call__
    if isinstance(handler, MethodType):
        handler = handler.__func__
    return handler.__code__ if isinstance(handler, FunctionType) else None


def _came_from_outside(error: BaseException) -> bool:
    """Whether it was raised in code of ours, which raises nothing but what Python has: by PyThreadState_SetAsyncExc(), or a
    handler that is written in C."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    ours = trace is not None and os.path.dirname(trace.tb_frame.f_code.co_filename).startswith(_OURS)
    return ours and type(error).__module__ != "builtins"


def _passed_through(error: BaseException, codes: frozenset[CodeType]) -> bool:
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code in codes:
            return True
        trace = trace.tb_next
    return False
