"""The locks, conditions, semaphores, events, queues and awaited tasks of asyncio, as trireme_watch_waits.py and
trireme_watch_orders.py see them; uvloop's tasks use the same.

A task that waits leaves its loop to others, which is why whether that loop has anything left to do is asked of the loop.
Thread safety: any threads.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from trireme_watch_locks import Taken, Use, caller, place
from trireme_watch_waits import Facts, Wait

_LOCKS = ("asyncio.locks", "asyncio.mixins")


class AsyncWaits:
    def __init__(self, taken: Taken, loops: Any) -> None:
        """`loops`: of trireme_watch_loops.py."""
        self._taken = taken
        self._waits = taken.waits
        self._loops = loops
        self._joins: dict[int, Wait] = {}
        self._waits.more.append(self._awaited)
        self._waits.idle.append(self._is_idle)

    def _entered(self, kind: str, facts: Callable[[Any], Facts], call: Any) -> Any:
        """`call`, a coroutine function of an object that tasks wait for."""
        waits = self._waits

        @functools.wraps(call)
        async def wait(self: Any, *args: Any) -> Any:
            number = waits.current()
            outer = waits.enter(number, Wait(kind, self, facts, False, blocks=False))
            try:
                return await call(self, *args)
            finally:
                waits.leave(number, outer)

        return wait

    def hook_locks(self, module: Any) -> None:
        """`module`: asyncio.locks."""
        self._hook_lock(module.Lock)
        module.Condition.wait = self._entered("condition", _plain("condition"), module.Condition.wait)
        module.Event.wait = self._entered("event", _plain("event"), module.Event.wait)
        module.Semaphore.acquire = self._entered("semaphore", _plain("semaphore"), module.Semaphore.acquire)

    def _hook_lock(self, kind: Any) -> None:
        taken, waits = self._taken, self._waits
        begin, acquire, release = kind.__init__, kind.acquire, kind.release
        wait = self._entered("lock", taken.facts, acquire)
        kind.trireme_kind, kind.trireme_taken, kind.trireme_number = "lock", None, 0
        kind.trireme_made, kind.trireme_use = (None, 0), Use()  # of a class of the program's that makes itself otherwise

        @functools.wraps(begin)
        def begin_and_tell(self: Any, *args: Any, **keywords: Any) -> None:
            begin(self, *args, **keywords)
            taken.made(self, caller(sys._getframe(1), _LOCKS))

        @functools.wraps(acquire)
        async def acquire_and_tell(self: Any) -> Any:
            frame = sys._getframe(1)
            surely = frame.f_code.co_name == "__aenter__"
            frame = caller(frame, _LOCKS)
            code, line = frame.f_code, frame.f_lineno
            del frame
            got = await (wait(self) if self.locked() else acquire(self))
            taken.took(self, code, line, surely, not waits.timed.get(waits.current()))
            return got

        @functools.wraps(release)
        def release_and_tell(self: Any) -> None:
            if self.locked():
                taken.gives(self)
            release(self)

        kind.__init__, kind.acquire, kind.release = begin_and_tell, acquire_and_tell, release_and_tell

    def hook_queues(self, module: Any) -> None:
        """`module`: asyncio.queues."""
        kind = module.Queue
        begin = kind.__init__

        @functools.wraps(begin)
        def begin_and_tell(self: Any, *args: Any, **keywords: Any) -> None:
            begin(self, *args, **keywords)
            frame = caller(sys._getframe(1), ("asyncio.queues",))
            self.trireme_made = place(frame.f_code, frame.f_lineno)

        kind.__init__ = begin_and_tell
        kind.put = self._entered("queue-put", _of_queue, kind.put)
        kind.get = self._entered("queue-get", _of_queue, kind.get)

    def hook_timeouts(self, module: Any) -> None:
        """`module`: asyncio.timeouts."""
        kind, waits = module.Timeout, self._waits
        come, go = kind.__aenter__, kind.__aexit__

        @functools.wraps(come)
        async def come_and_tell(self: Any) -> Any:
            entered = await come(self)
            self.trireme_task = waits.current()
            waits.limit(self.trireme_task, 1)
            return entered

        @functools.wraps(go)
        async def go_and_tell(self: Any, *error: Any) -> Any:
            waits.limit(self.trireme_task, -1)
            return await go(self, *error)

        kind.__aenter__, kind.__aexit__ = come_and_tell, go_and_tell

    def hook_tasks(self, module: Any) -> None:
        """`module`: asyncio.base_events, whose loops number their tasks already."""
        orders, waits = self._taken.orders, self._waits
        create = module.BaseEventLoop.create_task

        @functools.wraps(create)
        def create_and_tell(loop: Any, coroutine: Any, **options: Any) -> Any:
            task = create(loop, coroutine, **options)
            number = self._loops.number_of(task)
            waits.begin()  # who awaits a task enters nothing
            if number and orders is not None:
                waits.task_starts(waits.current(), _named(sys._getframe(1)) or str(task.get_name()), number)
            return task

        module.BaseEventLoop.create_task = create_and_tell

    # Asked by the thread that looks

    def _awaited(self) -> dict[int, Wait]:
        """The tasks that wait for the end of another one."""
        joins: dict[int, Wait] = {}
        for loop in [known() for known in self._loops.loops]:
            for task in self._loops.asyncio.all_tasks(loop) if loop is not None else ():
                number, awaited = self._loops.number_of(task), _awaited_by(task)
                if not number or not self._loops.number_of(awaited):
                    continue
                before = self._joins.get(number)
                if before is None or before.what is not awaited:
                    before = Wait("join", awaited, None, False, blocks=False)
                    before.target = functools.partial(self._loops.number_of, awaited)
                    before.thread = before.native = 0
                joins[number] = before
        self._joins = joins
        return joins

    def _is_idle(self, ident: int) -> bool:
        """Nothing but another thread, or what it reads from itself, wakes the loop of that thread."""
        for loop in [known() for known in self._loops.loops]:
            if loop is None or getattr(loop, "_thread_id", None) != ident or not hasattr(loop, "_selector"):
                continue
            timers = any(not handle.cancelled() for handle in list(loop._scheduled))
            own = loop._ssock.fileno()
            files = [key.fd for key in list(loop._selector.get_map().values()) if key.fd != own]
            return not loop._ready and not timers and not files
        return False


def _named(frame: Any) -> str:
    """Before Python 3.12 asyncio.create_task() names the task after the loop made it."""
    made_by_asyncio = sys.version_info < (3, 12) and frame.f_globals.get("__name__") == "asyncio.tasks"
    return str(frame.f_locals.get("name") or "") if made_by_asyncio else ""


def _awaited_by(task: Any) -> Any:
    future = getattr(task, "_fut_waiter", None)
    for child in getattr(future, "_children", ()):  # of gather()
        if not child.done():
            return child
    return future


def _plain(kind: str) -> Callable[[Any], Facts]:
    return lambda what: Facts(kind)


def _of_queue(queue: Any) -> Facts:
    return Facts("queue", getattr(queue, "trireme_made", ""), max(queue.maxsize, 0), (), queue.qsize())
