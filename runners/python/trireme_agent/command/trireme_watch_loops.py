"""Tells the probe which asyncio task runs, on asyncio's own loops and on uvloop's.

Every task of a loop gets a coroutine around its own that says at each step that it runs, whatever class the task has. What
a loop registers for descriptors is seen where it calls epoll_ctl; uvloop hands some of that to the kernel by io_uring, so
that its tasks say themselves that they wait.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Coroutine
from typing import Any

TASK_END = 12  # enum trireme_event


class Loops:
    """The event loops that made tasks, and how their classes are told to say who runs."""

    def __init__(self, probe: Any, note: Callable[[str, str, int, str], None]) -> None:
        self.probe = probe
        self.note = note
        self.loops: list[Callable[[], Any]] = []  # weak references
        self.asyncio: Any = None

    def find(self, number: int) -> Any:
        """The task of that number that is not done, or None."""
        for task in self._pending(*[known() for known in self.loops]):
            if getattr(task.get_coro(), "trireme_task", 0) == number:
                return task
        return None

    def hook_asyncio(self, module: Any) -> None:
        self.asyncio = module.tasks
        self._hook_tasks(module.BaseEventLoop)

    def hook_selector(self, module: Any) -> None:
        self._hook_registrations(module.BaseSelectorEventLoop, "_add_", "_remove_")

    def hook_uvloop(self, module: Any) -> None:
        self._hook_tasks(module.Loop)
        self._hook_registrations(module.Loop, "add_", "remove_")
        for kind, direction in (("_SyncSocketReaderFuture", 0), ("_SyncSocketWriterFuture", 1)):
            self._hook_waits(getattr(module.loop, kind), direction)

    def _pending(self, *loops: Any) -> list[Any]:
        return [task for loop in loops if loop is not None for task in self.asyncio.all_tasks(loop)]

    def _hook_tasks(self, kind: Any) -> None:
        create, close, probe = kind.create_task, kind.close, self.probe

        def create_and_tell(loop: Any, coroutine: Any, **options: Any) -> Any:
            if isinstance(coroutine, Coroutine) and not isinstance(coroutine, Steps):
                coroutine = Steps(coroutine, probe)
            if not any(known() is loop for known in self.loops):
                self.loops[:] = [known for known in self.loops if known() is not None] + [weakref.ref(loop)]
            return create(loop, coroutine, **options)

        def close_and_tell(loop: Any) -> None:
            close(loop)
            for task in self._pending(loop):  # none of them will ever run again
                probe.record_for(getattr(task.get_coro(), "trireme_task", 0), TASK_END, 0, "cancelled", None)

        kind.create_task, kind.close = create_and_tell, close_and_tell

    def _hook_waits(self, kind: Any, direction: int) -> None:
        """`kind`: of the future that uvloop's coroutines await when a socket is not ready."""
        begin, wait_for = kind.__init__, self.probe.wait_for

        def begin_and_wait(future: Any, sock: Any, loop: Any) -> None:
            begin(future, sock, loop)
            wait_for(sock.fileno(), direction)

        kind.__init__ = begin_and_wait

    def _hook_registrations(self, kind: Any, add: str, remove: str) -> None:
        """Says when one task's callback for a descriptor silently goes for another's."""
        for direction, who in (("read", "reader"), ("write", "writer")):
            owners: weakref.WeakKeyDictionary[Any, dict[int, Any]] = weakref.WeakKeyDictionary()  # by loop and descriptor
            setattr(kind, add + who, self._noting_who_goes(getattr(kind, add + who), direction, owners))
            setattr(kind, remove + who, _forgetting(getattr(kind, remove + who), owners))

    def _noting_who_goes(self, add: Callable[..., Any], direction: str, owners: Any) -> Callable[..., Any]:
        def noted(loop: Any, file: Any, *rest: Any) -> Any:
            added = add(loop, file, *rest)
            fd = _descriptor(file)
            task = self.asyncio.current_task(loop)
            before = owners.setdefault(loop, {}).get(fd, _nobody)()
            if task is not None and before is not None and before is not task and not (before.done() or is_cancelled(before)):
                self.note("replaced", direction, fd, "")
            owners[loop][fd] = _nobody if task is None else weakref.ref(task)
            return added

        return noted


def _forgetting(remove: Callable[..., Any], owners: Any) -> Callable[..., Any]:
    def forgotten(loop: Any, file: Any) -> Any:
        owners.get(loop, {}).pop(_descriptor(file), None)
        return remove(loop, file)

    return forgotten


def is_cancelled(task: Any) -> bool:
    """Of a task that has not run since: it waits no more."""
    waiter = getattr(task, "_fut_waiter", None)
    return waiter is not None and bool(waiter.cancelled())


def _nobody() -> None:
    return None


def _descriptor(file: Any) -> int:
    return file if isinstance(file, int) else int(file.fileno())


class Steps(Coroutine):  # type: ignore[type-arg]  # Python 3.8 cannot subscript it
    """A coroutine that says at each of its steps that its task runs."""

    def __init__(self, coroutine: Any, probe: Any) -> None:
        self.trireme_task = probe.new_task()
        self.coroutine = coroutine
        self.probe = probe

    def __getattr__(self, name: str) -> Any:
        return getattr(self.coroutine, name)

    def send(self, value: Any) -> Any:
        before = self.probe.current_task()
        self.probe.set_task(self.trireme_task)
        try:
            return self.coroutine.send(value)
        except BaseException:  # its end: it waits for nothing any more
            self._tell_end("returned")
            raise
        finally:
            self.probe.set_task(before)

    def throw(self, kind: Any, value: Any = None, trace: Any = None) -> Any:
        before = self.probe.current_task()
        self.probe.set_task(self.trireme_task)
        try:
            return self.coroutine.throw(kind if value is None else value)
        except BaseException:
            self._tell_end("cancelled")
            raise
        finally:
            self.probe.set_task(before)
            del kind, value, trace  # the traceback of the exception has this frame: a cycle, never freed by counting

    def close(self) -> None:
        self.coroutine.close()
        self._tell_end("cancelled")

    def __await__(self) -> Any:
        return self.coroutine.__await__()

    def _tell_end(self, how: str) -> None:
        self.probe.record_for(self.trireme_task, TASK_END, 0, how, None)
