"""Waits of native threads that a cancellation or a deadline can end.

Whatever waits, waits on something that a canceller can end: a socket on poll() beside the task's own eventfd, a queue,
event, condition, semaphore, join or sleep on a waiter lock that the canceller may release. Only a threading.Lock has no
such thing, nor has a socket where no eventfd can be opened: these look every 20 ms.
"""

from __future__ import annotations

import errno
import math
import os
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep  # by name: a workload may put others in their place
from typing import Any, ClassVar, NoReturn

import trireme
from trireme_agent.backend import Backend, TaskStopped
from trireme_agent.task import Task

LOOK = 0.02  # seconds between looks where nothing can wake a waiter
SPARES = 4  # eventfds kept for tasks to come: few, since a limit of descriptors counts them too


class DeadlineReached(TimeoutError):
    """What travels inside an rt.timeout whose time has come."""

    def __init__(self, deadline: ThreadDeadline) -> None:
        super().__init__(f"{deadline.seconds} seconds are over")
        self.deadline = deadline


class ThreadDeadline:
    """rt.timeout: once its time has come, the next wait of its task raises DeadlineReached."""

    def __init__(self, backend: WaitingBackend, seconds: float) -> None:
        self._backend = backend
        self.seconds = seconds
        self.at = 0.0
        self.delivered = False
        self._task: Task | None = None

    def due(self) -> bool:
        return self.pending() and monotonic() >= self.at

    def pending(self) -> bool:
        return not self.delivered

    async def expire(self) -> None:
        self.deliver()

    def deliver(self) -> NoReturn:
        self.delivered = True
        raise DeadlineReached(self)

    def left(self) -> float | None:
        return None if self.delivered else self.at - monotonic()

    async def __aenter__(self) -> None:
        self.at = monotonic() + self.seconds
        self._task = self._backend.current()
        if self._task is not None:
            self._task.deadlines.append(self)

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._task is not None:
            self._task.deadlines.remove(self)
        if isinstance(error, DeadlineReached) and error.deadline is self:
            raise trireme.TimeoutExpired(f"{self.seconds} seconds") from error


class Wakeup:
    """How a canceller reaches a task's thread. Thread safety: any threads may call request(), the task's own the rest.

    The waker is called under the lock, so that it is never called once armed() is left.

    Where each connection is a task, most tasks end soon: the next one takes the eventfd of one that ended. It may still be
    readable then, as it may be for its first task once a wait ended by itself; whoever waits looks why it was woken.
    """

    descriptors: ClassVar[set[int]] = set()  # the eventfds that are open now
    _spare: ClassVar[list[int]] = []  # those of them that no task has

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waker: Callable[[], None] | None = None
        self._eventfd = -1

    def request(self, task: Task) -> None:
        with self._lock:
            task.cancel_requested = True
            if self._waker is not None:
                self._waker()
                self._waker = None

    @contextmanager
    def armed(self, waker: Callable[[], None]) -> Iterator[None]:
        with self._lock:
            self._waker = waker
        try:
            yield
        finally:
            with self._lock:
                self._waker = None

    def eventfd(self) -> int | None:
        """None where the process may open no more: what a thread waits for needs none."""
        if self._eventfd < 0:
            with suppress(IndexError):
                self._eventfd = self._spare.pop()
        if self._eventfd < 0:
            try:
                self._eventfd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
            except OSError as error:
                if error.errno not in (errno.EMFILE, errno.ENFILE):
                    raise
                return None
            self.descriptors.add(self._eventfd)
        return self._eventfd

    def close(self) -> None:
        fd, self._eventfd = self._eventfd, -1
        if fd >= 0 and len(self._spare) < SPARES:
            self._spare.append(fd)
        elif fd >= 0:
            self.descriptors.discard(fd)
            os.close(fd)

    @classmethod
    def forget_spares(cls) -> None:
        """In a forked child: they are its parent's, whose tasks it would wake, or whose wake-ups it would take."""
        while cls._spare:
            fd = cls._spare.pop()
            cls.descriptors.discard(fd)
            os.close(fd)


os.register_at_fork(after_in_child=Wakeup.forget_spares)


class _Here(threading.local):
    task: Task | None = None


class WaitingBackend(Backend):
    """A backend whose tasks block native threads."""

    deadlines_end_relocking = False

    def __init__(self) -> None:
        super().__init__()
        self.here = _Here()

    def current(self) -> Task | None:
        return self.here.task

    def wakeup(self, task: Task) -> Wakeup:
        wakeup: Wakeup = task.native.wakeup
        return wakeup

    def cancel(self, task: Task) -> None:
        self.wakeup(task).request(task)

    async def deliver(self, task: Task) -> None:
        self.check(task)

    def check(self, task: Task | None) -> None:
        """Raises what is pending in the current task, the outermost deadline first."""
        if task is None:
            return
        if task.cancel_requested:
            task.cancel_requested = False
            raise TaskStopped
        for deadline in task.deadlines:
            if isinstance(deadline, ThreadDeadline) and deadline.due():
                deadline.deliver()

    def is_stop(self, error: BaseException) -> bool:
        return isinstance(error, TaskStopped)

    def timeout(self, seconds: float) -> ThreadDeadline:
        return ThreadDeadline(self, seconds)

    def remaining(self, task: Task, timeout: float | None) -> float | None:
        """Seconds until the next deadline or the end of `timeout`; None: there is none."""
        now = monotonic()
        ends = [d.at - now for d in task.deadlines if isinstance(d, ThreadDeadline) and not d.delivered]
        if timeout is not None:
            ends.append(timeout)
        return max(0.0, min(ends)) if ends else None

    def park(self, waiter: threading.Lock, timeout: float | None = None) -> bool:
        """Waits until `waiter`, which is held, is released, or the time or a deadline is over.

        True when a canceller ended the wait: then check() raises.
        """
        task = self.current()
        if task is None:
            waiter.acquire(True, -1 if timeout is None else timeout)
            return False
        stopped = []
        with self.waiting(), self.wakeup(task).armed(lambda: stopped.append(_release(waiter))):
            if task.cancel_requested:
                return True
            left = self.remaining(task, timeout)
            waiter.acquire(True, -1 if left is None else min(left, threading.TIMEOUT_MAX))
        return any(stopped)

    def wait_fd(self, fd: int, events: int) -> None:
        """Waits until a descriptor is ready, or raises what ends the wait."""
        task = self.current()
        if fd < 0:  # another thread closed the socket after the call that would have had to wait
            self.check(task)
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        poller = select.poll()
        poller.register(fd, events)
        if task is None:
            poller.poll()
            return
        wakeup = self.wakeup(task)
        eventfd = wakeup.eventfd()
        if eventfd is not None:
            poller.register(eventfd, select.POLLIN)
        with self.waiting(), wakeup.armed(lambda: os.eventfd_write(eventfd, 1) if eventfd is not None else None):
            while True:
                self.check(task)
                left = self.remaining(task, None if eventfd is not None else LOOK)
                ready = dict(poller.poll(None if left is None else math.ceil(left * 1000)))
                if eventfd is not None and ready.pop(eventfd, 0):
                    with suppress(BlockingIOError):
                        os.eventfd_read(eventfd)
                elif ready:
                    return

    async def wait_in(self, call: Callable[[], Any]) -> None:
        """What waits says so by itself: park()."""
        call()

    async def take(self, lock: Any) -> None:
        if lock.acquire(False):
            return
        if isinstance(lock, threading.Semaphore):
            lock.acquire()
            return
        task = self.current()
        with self.waiting():
            while True:
                self.check(task)
                left = self.remaining(task, LOOK) if task is not None else None
                if lock.acquire(True, -1 if left is None else left):
                    if task is None or not task.cancel_requested:
                        return
                    lock.release()  # it was stopped before the lock was given back, and must not keep it from others

    async def sleep(self, seconds: float) -> None:
        end = monotonic() + seconds
        waiter = threading.Lock()
        waiter.acquire()
        while (left := end - monotonic()) > 0:
            self.park(waiter, left)
            self.check(self.current())

    async def checkpoint(self) -> None:
        sleep(0)


def _release(waiter: threading.Lock) -> bool:
    """False: whom it waited for was faster."""
    try:
        waiter.release()
    except RuntimeError:
        return False
    return True
