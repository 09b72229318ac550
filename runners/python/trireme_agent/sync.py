"""What tasks wait for, as the history keeps it: probe_abi.h, "What tasks wait for".

Here is the part of the workload's locks, semaphores, conditions, events and queues that is the same on every runtime:
each has a number, makes its calls points, and records what they did. What really waits belongs to the runtime: its own
lock or event, and `take` and `wait_in` of its backend.

What gives something to others is recorded before the call that does it, what takes something after the call that did: at
no place of the history have more been taken than there were. Nothing is recorded of a call that raises. Thread safety:
any threads.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from json import dumps  # by name: a workload may put another in its place
from sys import _getframe
from typing import Any

from trireme_agent import errors, probe
from trireme_agent.backend import Backend

_record = probe.record
_SYNC = probe.SYNC


def made(backend: Backend, kind: str, size: int = 0) -> int:
    """The number of something that a task made, recorded."""
    number = probe.new_operation()
    place = errors.own_place(_getframe(1)) or errors.own_place(backend.plain_frame())
    probe.record_json(_SYNC, number, "new", f'{{"kind": "{kind}", "size": {size}, "place": {dumps(place)}}}')
    return number


class Waited:
    """Something with a number."""

    def __init__(self, backend: Backend, kind: str, size: int = 0) -> None:
        self._backend = backend
        self.number = made(backend, kind, size)


class Acquirable(Waited):
    """What `async with` acquires and releases."""

    point: str  # the kind of one that waits for it

    def __init__(self, backend: Backend, kind: str, size: int, lock: Any) -> None:
        super().__init__(backend, kind, size)
        self._lock = lock

    async def acquire(self) -> bool:
        await self._backend.point(self.point, self._backend.take, self._lock, what=self.number)
        _record(_SYNC, self.number, "acquire", None)
        return True

    def release(self) -> None:
        _record(_SYNC, self.number, "release", None)
        self._lock.release()

    async def __aenter__(self) -> Any:
        await self.acquire()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.release()


class Semaphore(Acquirable):
    """Anyone may release it at any time."""

    point = "semaphore"

    def __init__(self, backend: Backend, semaphore: Any, size: int) -> None:
        super().__init__(backend, "semaphore", size, semaphore)


class Lock(Acquirable):
    """A lock that any task may release, once for each time that it was acquired."""

    point = "lock"

    def __init__(self, backend: Backend, lock: Any, kind: str = "lock") -> None:
        super().__init__(backend, kind, 1, lock)
        # One for each acquire that is recorded and not released. Asking the lock itself would not do: of two threads that
        # release it once too often, both may find it locked.
        self._held: list[None] = []

    async def acquire(self) -> bool:
        await self._backend.point("lock", self._backend.take, self._lock, what=self.number)
        left = self._backend.time_left()
        _record(_SYNC, self.number, "acquire", self._caller() if left is None else left)
        self._held.append(None)
        return True

    def _caller(self) -> str | None:
        """Where the workload takes it."""
        place = errors.own_place(_getframe(2)) or errors.own_place(self._backend.plain_frame())
        return place or None

    def release(self) -> None:
        try:
            self._held.pop()
        except IndexError:
            raise RuntimeError("release unlocked lock") from None
        _record(_SYNC, self.number, "release", None)
        self._lock.release()


class OwnedLock(Lock):
    """A lock that only the task that has it may release. Only its owner can change what `owned` says to it."""

    def __init__(self, backend: Backend, lock: Any, kind: str, owned: Callable[[], bool]) -> None:
        super().__init__(backend, lock, kind)
        self._owned = owned

    def release(self) -> None:
        self._check_owned("release")
        super().release()

    def _check_owned(self, action: str) -> None:
        if not self._owned():
            raise RuntimeError(f"cannot {action} un-acquired lock")


class Condition(OwnedLock):
    """A condition of the runtime and its lock."""

    def __init__(self, backend: Backend, condition: Any, lock: Any, owned: Callable[[], bool]) -> None:
        """`condition` gets its lock again in relocking()."""
        super().__init__(backend, lock, "condition", owned)
        self._condition = condition

    async def wait(self) -> None:
        await self._backend.point("condition", self._wait, what=self.number)

    async def _wait(self) -> None:
        self._check_owned("wait on")
        levels = len(self._held)
        self._held.clear()
        _record(_SYNC, self.number, "wait", None)
        try:
            await self._backend.wait_in(self._condition.wait)
        finally:  # a cancelled one has the lock again, too
            if self._owned():
                for _ in range(levels):
                    _record(_SYNC, self.number, "acquire", None)
                    self._held.append(None)

    async def wait_for(self, predicate: Callable[[], bool]) -> bool:
        while not predicate():
            await self.wait()
        return True

    def notify(self, count: int = 1) -> None:
        self._check_owned("notify on")
        _record(_SYNC, self.number, "notify", None)
        self._condition.notify(count)

    def notify_all(self) -> None:
        self._check_owned("notify on")
        _record(_SYNC, self.number, "notify", None)
        self._condition.notify_all()


def thread_condition(backend: Backend, condition: Any, lock: Any) -> Condition:
    """Over a threading.Condition, patched or not, and its RLock."""
    restore = condition._acquire_restore

    def lock_again(state: Any) -> None:
        with backend.relocking():
            restore(state)

    condition._acquire_restore = lock_again
    return Condition(backend, condition, lock, lock._is_owned)


class Event(Waited):
    """An event of the runtime."""

    def __init__(self, backend: Backend, event: Any) -> None:
        super().__init__(backend, "event")
        self._event = event

    async def wait(self) -> None:
        await self._backend.point("event", self._wait, what=self.number)
        _record(_SYNC, self.number, "passed", None)

    async def _wait(self) -> None:
        if not self._event.is_set():
            await self._backend.wait_in(self._event.wait)

    def set(self) -> None:
        _record(_SYNC, self.number, "set", None)
        self._event.set()

    def clear(self) -> None:
        _record(_SYNC, self.number, "clear", None)
        self._event.clear()

    def is_set(self) -> bool:
        if not self._event.is_set():
            return False
        _record(_SYNC, self.number, "passed", None)
        return True


class Queue(Waited):
    """A queue of the runtime, which records what it puts and gets: see Items."""

    def __init__(self, backend: Backend, maxsize: int, make: Callable[[int, int], Any]) -> None:
        """`make` gets the number of the queue and how many items it takes, 0 for no limit."""
        size = max(maxsize, 0)
        super().__init__(backend, "queue", size)
        self._queue = make(self.number, size)

    async def put(self, item: Any) -> None:
        await self._backend.point("queue-put", self._put, item, what=self.number)

    async def get(self) -> Any:
        return await self._backend.point("queue-get", self._get, what=self.number)

    _put: Callable[[Any], Awaitable[None]]
    _get: Callable[[], Awaitable[Any]]

    def qsize(self) -> int:
        return int(self._queue.qsize())

    def empty(self) -> bool:
        return bool(self._queue.empty())

    def full(self) -> bool:
        return bool(self._queue.full())


class Items:
    """Mixed into a runtime's class of queues: it calls these at the moment when an item goes in or out, in the task that
    puts or gets it, with what lock it has."""

    number: int
    queue: Any

    def _put(self, item: Any) -> None:
        _record(_SYNC, self.number, "put", len(self.queue) + 1)
        super()._put(item)  # type: ignore[misc]  # of the class it is mixed into

    def _get(self) -> Any:
        item = super()._get()  # type: ignore[misc]  # the same
        _record(_SYNC, self.number, "get", len(self.queue))
        return item
