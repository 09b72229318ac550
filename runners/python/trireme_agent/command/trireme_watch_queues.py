"""The queues, futures and thread pools of the standard library, as trireme_watch_waits.py sees them.

Thread safety: any threads.
"""

from __future__ import annotations

import functools
import sys
import weakref
from typing import Any

from trireme_watch_locks import caller, place
from trireme_watch_waits import Facts, Holder, Wait, Waits


def hook_queues(module: Any, waits: Waits) -> None:
    """`module`: queue."""
    kind = module.Queue
    begin, put, get = kind.__init__, kind.put, kind.get

    @functools.wraps(begin)
    def begin_and_tell(self: Any, maxsize: int = 0) -> None:
        begin(self, maxsize)
        frame = caller(sys._getframe(1), (kind.__module__,))
        self.trireme_made = place(frame.f_code, frame.f_lineno)

    @functools.wraps(put)
    def wait_for_room(self: Any, item: Any, block: bool = True, timeout: float | None = None) -> None:
        waits.wait(Wait("queue-put", self, _of_queue, timeout is not None or not block), put, self, item, block, timeout)

    @functools.wraps(get)
    def wait_for_item(self: Any, block: bool = True, timeout: float | None = None) -> Any:
        return waits.wait(Wait("queue-get", self, _of_queue, timeout is not None or not block), get, self, block, timeout)

    kind.__init__, kind.put, kind.get = begin_and_tell, wait_for_room, wait_for_item
    plain = module.SimpleQueue
    if isinstance(plain, type) and plain.__module__ == "_queue":
        module.SimpleQueue = _simple(plain, waits)


def _simple(plain: Any, waits: Waits) -> type:
    """Its class is C's, which nothing can be put into."""
    get_item = plain.get

    class SimpleQueue(plain):  # type: ignore[misc]  # whichever class the interpreter has
        @functools.wraps(get_item)
        def get(self, block: bool = True, timeout: float | None = None) -> Any:
            entry = Wait("queue-get", self, _of_queue, timeout is not None or not block, blocks=True)
            return waits.wait(entry, get_item, self, block, timeout)

    SimpleQueue.__module__, SimpleQueue.__qualname__ = plain.__module__, plain.__qualname__
    return SimpleQueue


def _of_queue(queue: Any) -> Facts:
    size = getattr(queue, "maxsize", 0)
    return Facts("queue", getattr(queue, "trireme_made", ""), size if isinstance(size, int) else 0, (), queue.qsize())


# Futures. An attribute of each: whose it is, and which task does it.
_POOL, _WORKER = "trireme_pool", "trireme_worker"


def hook_futures(module: Any, waits: Waits, running: set[int]) -> None:
    """`module`: concurrent.futures._base. `running`: the threads of pools that are at a job, see hook_pools()."""
    kind = module.Future

    def waiting(call: Any) -> Any:
        @functools.wraps(call)
        def wait_for_end(self: Any, timeout: float | None = None) -> Any:
            if self.done():
                return call(self, timeout)
            return waits.wait(_wait_for(self, timeout is not None, running), call, self, timeout)

        return wait_for_end

    kind.result, kind.exception = waiting(kind.result), waiting(kind.exception)


def _wait_for(future: Any, timed: bool, running: set[int]) -> Wait:
    """For who does it, or for a place in the pool where nobody does yet; else for anybody."""
    pool = getattr(future, _POOL, lambda: None)()
    if pool is None:
        return Wait("event", future, lambda _: Facts("event"), timed)
    wait = Wait("pool-place", pool, None, timed)
    wait.target = lambda: getattr(future, _WORKER, 0)
    wait.facts = lambda pool: _of_pool(pool, running)
    return wait


def _of_pool(pool: Any, running: set[int]) -> Facts:
    workers = {getattr(thread, "trireme_task", 0) for thread in list(pool._threads)}
    busy = [Holder(number, "", True) for number in sorted(workers) if number in running]
    return Facts("pool", getattr(pool, "trireme_made", ""), pool._max_workers, busy)


def hook_pools(module: Any, waits: Waits, running: set[int]) -> None:
    """`module`: concurrent.futures.thread."""
    kind, item = module.ThreadPoolExecutor, module._WorkItem
    begin, submit, run = kind.__init__, kind.submit, item.run

    @functools.wraps(begin)
    def begin_and_tell(self: Any, *args: Any, **keywords: Any) -> None:
        begin(self, *args, **keywords)
        frame = caller(sys._getframe(1), (kind.__module__,))
        self.trireme_made = place(frame.f_code, frame.f_lineno)

    @functools.wraps(submit)
    def submit_and_tell(self: Any, *args: Any, **keywords: Any) -> Any:
        future = submit(self, *args, **keywords)
        setattr(future, _POOL, weakref.ref(self))
        return future

    @functools.wraps(run)
    def tell_and_run(self: Any, *args: Any) -> None:
        number = waits.current()
        setattr(self.future, _WORKER, number)
        running.add(number)
        try:
            run(self, *args)
        finally:
            running.discard(number)

    kind.__init__, kind.submit, item.run = begin_and_tell, submit_and_tell, tell_and_run
