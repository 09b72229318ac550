"""What carries orders and outcomes between the processes of a test suite works in a patched process as in any other.

It serves the suite, not the program under test, and it does not bear to be green. execnet, under pytest-xdist, reads a
pipe and writes another from several threads, and Eventlet refuses a second green thread that writes to one descriptor.
subunit.run asks the file it writes to whether it is text by read(0), which on the write end of a pipe waits for ever
where os.fdopen is Eventlet's. stestr's controller asks select() about each byte that its workers print, which costs a
turn of the hub. So these three, and nothing that runs in the tests, use what was there before the patch.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

_RUNNER = "subunit.run"


def finisher(name: str) -> Callable[[ModuleType], None] | None:
    """What is to be done with the module of this name once it was imported, in a patched process."""
    return {
        "execnet.gateway_base": _free_execnet,
        "xdist.dsession": _free_session,
        "stestr.test_processor": _free_stestr,
    }.get(name)


def free_subunit() -> None:
    """REQUIRES: the standard library is patched."""
    green = os.fdopen

    def fdopen(fd: int, *args: Any, **kwargs: Any) -> Any:
        caller = sys._getframe(1).f_globals
        spec = caller.get("__spec__")
        if _RUNNER in (caller.get("__name__"), getattr(spec, "name", None)):
            return open(fd, *args, **kwargs)
        return green(fd, *args, **kwargs)

    os.fdopen = fdopen


def _free_execnet(module: ModuleType) -> None:
    """Threads of this model are native: pytest-xdist asks for it, so that tests run in the main thread and nowhere else."""
    model = getattr(module, "MainThreadOnlyExecModel", None)
    if model is None:
        return
    threading, thread = _original("threading"), _original("_thread")
    model.queue = property(lambda self: _original("queue"))
    model.subprocess = property(lambda self: _native_subprocess())
    model.start = lambda self, func, args=(): thread.start_new_thread(func, args)
    model.get_ident = lambda self: thread.get_ident()
    model.sleep = lambda self, delay: _original("time").sleep(delay)
    model.fdopen = lambda self, fd, mode, bufsize=1, closefd=True: open(fd, mode, bufsize, encoding="utf-8", closefd=closefd)
    model.Lock = model.RLock = lambda self: threading.RLock()
    model.Event = lambda self: threading.Event()


def _free_session(module: Any) -> None:
    """The controller waits here for what those threads put in."""
    queue = _original("queue")
    module.Queue, module.Empty = queue.Queue, queue.Empty


def _free_stestr(module: Any) -> None:
    """Of a process that starts workers and runs no test: a thread for each reads what it tells."""
    module.subprocess = _native_subprocess()
    suites: Any = importlib.import_module("testtools.testsuite")
    suites.threading, suites.Queue = _original("threading"), _original("queue").Queue
    stream: Any = importlib.import_module("subunit.v2")
    stream.select = _original("select")


def _native_subprocess() -> Any:
    subprocess = _original("subprocess")
    subprocess.os, subprocess.threading = _original("os"), _original("threading")
    return subprocess


def _original(name: str) -> Any:
    from eventlet.patcher import original

    return original(name)
