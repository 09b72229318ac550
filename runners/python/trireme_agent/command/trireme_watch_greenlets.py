"""Greenlets that a program switches itself, without a hub of Eventlet's or gevent's: each is a task, but for the scheduler that
the program made, which the probe finds out by where it sleeps (own_scheduler.h).

A trace function is one thread's, so each thread that starts later gets it too. Thread safety: any threads.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # Python 3.8 cannot make it
    Trace = Callable[[str, Any], Any]


def trace(switch_without_hub: Trace) -> Trace:
    """What is told of each switch. `switch_without_hub`: of the probe's builtins."""
    modules = sys.modules

    def switched(event: str, greenlets: Any) -> None:
        # None where it is not imported, or another thread is still at that.
        running = getattr(modules.get("asyncio.events"), "_get_running_loop", None)
        # Below a task of asyncio they are how that task waits, as SQLAlchemy has it.
        if running is None or running() is None:
            switch_without_hub(event, greenlets)

    return switched


def hook(greenlet: Any, switched: Trace) -> None:
    """`greenlet`: the module, just imported."""
    if not hasattr(greenlet, "settrace"):
        return
    kind: Any = threading.Thread
    run = kind._bootstrap_inner

    def trace_and_run(thread: Any) -> None:
        with contextlib.suppress(Exception):  # whoever started the thread waits for it to say that it runs
            trace_here()
        run(thread)

    def trace_here() -> None:
        if greenlet.gettrace() is None:  # else a hub has this thread, which a thread of Eventlet's may be only a part of
            greenlet.settrace(switched)

    kind._bootstrap_inner = trace_and_run
    trace_here()
