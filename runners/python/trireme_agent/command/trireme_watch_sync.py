"""Lets `--checks deadlock,lock-order` see the locks, queues and futures of a watched program, of threads and what is imported
later.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trireme_watch_locks
import trireme_watch_queues
from trireme_watch_orders import Orders
from trireme_watch_waits import Waits


def install(watch: Any, orders: bool, frames: Callable[[Any], list[str]]) -> None:
    """`watch`: of trireme_watch.py. REQUIRES: nothing is imported yet that makes locks when it is."""
    waits = Waits(watch.probe, watch.parked, frames)
    taken = trireme_watch_locks.Taken(waits, Orders(watch.probe, trireme_watch_locks.place) if orders else None)
    trireme_watch_locks.hook(taken)
    watch.hook_later("queue", lambda module: trireme_watch_queues.hook_queues(module, waits))
    running: set[int] = set()
    watch.hook_later("concurrent.futures._base", lambda module: trireme_watch_queues.hook_futures(module, waits, running))
    watch.hook_later("concurrent.futures.thread", lambda module: trireme_watch_queues.hook_pools(module, waits, running))
