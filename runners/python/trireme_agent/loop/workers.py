"""Plain functions on an event loop: each runs in a worker thread of its own, on behalf of its task.

Each call that it makes of the API is a coroutine that the loop runs as that task. A cancellation or a deadline reaches
the call that is under way, or else the next one.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import inspect
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trireme_agent import ending, probe
from trireme_agent.blocking import Driver
from trireme_agent.task import Task

if TYPE_CHECKING:
    from trireme_agent.backends.asyncio import AsyncioBackend
    from trireme_agent.loop.timeouts import _Timeout


class Worker:
    """The thread that a task's plain function runs in; a task's `native` while it does."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.thread = 0  # native id
        self.ident = 0
        self.call: asyncio.Task[Any] | None = None  # the one under way
        self.told = False  # that call was, of a cancellation or a deadline
        self.deadline: _Timeout | None = None  # what it was told of, unless of a cancellation
        self.missed = False  # a cancellation told no call

    def begin(self, call: asyncio.Task[Any] | None) -> None:
        self.call, self.told, self.deadline = call, False, None

    def cancel(self) -> None:
        """A cancellation counts before a deadline that the call was told of: that one is due again."""
        if not self._tell():
            self.missed = True
            return
        self.task.cancel_requested = False  # that delivers it
        if self.deadline is not None:
            self.deadline.missed, self.deadline = True, None

    def expire(self, deadline: _Timeout) -> bool:
        """Whether the call learns of the deadline: one that was told before is not told again."""
        if self.told or not self._tell():
            return False
        self.deadline = deadline
        return True

    def _tell(self) -> bool:
        # asyncio would tell a call that is at a step of its own when that waits next, which it may never do.
        if self.call is None or self.call is asyncio.current_task() or not self.call.cancel():
            return False
        self.told = True
        return True

    def leave(self, call: asyncio.Task[Any]) -> None:
        if self.call is call:  # the thread may have begun another meanwhile
            self.call = None


async def run_in_worker(backend: AsyncioBackend, fn: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """Runs `fn` in a thread of its own. REQUIRES: called in a task, which waits for it."""
    task = backend.current()
    assert task is not None
    outer, worker = task.native, Worker(task)
    # What it raised is carried as a value: a future takes no StopIteration, and one that raises GeneratorExit closes the
    # coroutines that wait for it.
    ended: asyncio.Future[tuple[Any, BaseException | None]] = backend.loop.create_future()

    def body() -> None:
        worker.thread, worker.ident = threading.get_native_id(), threading.get_ident()
        backend.here.task = task
        probe.set_task(task.number)
        result, raised = None, None
        try:
            result = fn(*args)
        except BaseException as error:
            raised = error
        if ending.is_child(task.process):  # which has this thread and no loop
            ending.leave_child(raised)
        probe.set_task(0)
        backend.here.task = None
        backend.loop.call_soon_threadsafe(ended.set_result, (result, raised))

    task.native = worker
    backend.at_work.add(worker)
    kind, task.kind = task.kind, None  # what the function calls are points of their own
    threading.Thread(target=body, name=task.name).start()
    try:
        result, raised = await ended
    finally:
        task.native, task.kind = outer, kind
        backend.at_work.discard(worker)
    if worker.missed and task.cancel_requested:  # the function made no call since: the next is what goes on after it
        outer.cancel()
    if raised is not None:
        raise raised
    return result


class LoopDriver(Driver):
    """How a worker thread makes a call."""

    def __init__(self, backend: AsyncioBackend) -> None:
        super().__init__(backend)
        self._asyncio = backend

    def call(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        task = self._asyncio.here.task
        worker = task.native if task is not None and isinstance(task.native, Worker) else None
        result: concurrent.futures.Future[Any] = concurrent.futures.Future()

        async def in_loop() -> None:
            if worker is not None:  # not before: one that is cancelled before its first step would never be made
                worker.begin(asyncio.current_task())
            try:
                value = fn(*args, **kwargs)
                value = await value if inspect.iscoroutine(value) else value
            except BaseException as error:
                answer(result.set_exception, error)
            else:
                answer(result.set_result, value)

        def answer(give: Callable[[Any], None], what: Any) -> None:
            if worker is not None:
                self._asyncio.at_work.add(worker)
            give(what)

        def start() -> None:
            call = self._asyncio.loop.create_task(self._asyncio.steps(task, in_loop()))
            if worker is not None:
                self._asyncio.at_work.discard(worker)
                call.add_done_callback(lambda _: worker.leave(call))
            call.add_done_callback(unstarted)

        def unstarted(_: asyncio.Task[Any]) -> None:
            # Of a task that the workload cancels before its first step nothing runs, not even what handles that.
            if not result.done():
                answer(result.set_exception, asyncio.CancelledError())

        self._asyncio.loop.call_soon_threadsafe(start)
        return result.result()

    def adapt(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        async def in_thread(*args: Any) -> Any:
            return await run_in_worker(self._asyncio, fn, args)

        if not hasattr(fn, "__name__"):  # a task of it has no name elsewhere either
            return functools.partial(in_thread)
        in_thread.__name__ = fn.__name__
        return in_thread
