"""Lets `--checks deadlock,lock-order` see the locks, queues and futures of a watched program, of threads and what is imported
later.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trireme_watch_locks
import trireme_watch_queues
from trireme_watch_async import AsyncWaits
from trireme_watch_green import GreenWaits
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
    tasks = AsyncWaits(taken, watch.loops)
    watch.hook_later("asyncio.base_events", tasks.hook_tasks)
    watch.hook_later("asyncio.locks", tasks.hook_locks)
    watch.hook_later("asyncio.queues", tasks.hook_queues)
    watch.hook_later("asyncio.timeouts", tasks.hook_timeouts)
    green = GreenWaits(taken)
    watch.hook_later("eventlet.hubs.hub", green.hook_hub)
    watch.hook_later("eventlet.semaphore", green.hook_semaphores)
    watch.hook_later("eventlet.lock", green.hook_lock)
    watch.hook_later("eventlet.queue", green.hook_queues)
    watch.hook_later("eventlet.event", green.hook_events)
    watch.hook_later("eventlet.greenthread", green.hook_threads)
    watch.hook_later("eventlet.timeout", green.hook_timeouts)
