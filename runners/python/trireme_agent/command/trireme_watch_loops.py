"""Tells the probe which asyncio task runs, on asyncio's own loops and on uvloop's.

Every task of a loop gets a coroutine around its own that says at each step that it runs, whatever class the task has. What
a loop registers for descriptors is seen where it calls epoll_ctl; uvloop hands some of that to the kernel by io_uring, so
that its tasks say themselves that they wait.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Coroutine
from typing import Any

import trireme_own_pairs
import trireme_watch_unseen
from trireme_watch_callbacks import Callbacks, as_reader, as_writer, handles_in_selector
from trireme_watch_readers import SharedReaders, descriptor
from trireme_watch_transports import Transports

TASK_END = 12  # enum trireme_event
# An attribute of a loop: which task registered each descriptor last.
_OWNERS = "trireme_owners_to_"


class Loops:
    """The event loops that made tasks, and how their classes are told to say who runs."""

    def __init__(self, probe: Any, note: trireme_watch_unseen.Note, readers: SharedReaders) -> None:
        self.probe = probe
        self.readers = readers
        self.transports = Transports(probe)
        self.callbacks = Callbacks(probe)
        self.note = note
        self.loops: list[Callable[[], Any]] = []  # weak references
        self.asyncio: Any = None

    def find(self, number: int) -> Any:
        """The task of that number that is not done, or None."""
        for task in self._pending(*[known() for known in self.loops]):
            if getattr(task.get_coro(), "trireme_task", 0) == number:
                return task
        return None

    def number_of(self, waits: Any) -> int:
        """Of a task, or of what stands for a transport; 0 of anything else."""
        if waits is None:
            return 0
        coroutine = waits.get_coro() if hasattr(waits, "get_coro") else None
        return getattr(coroutine, "trireme_task", 0) or self.transports.number_of(waits)

    def reader(self, number: int) -> tuple[str, str]:
        """Of the transport or the callback that this task stands for: its name, and where a callback is defined; else ""."""
        return self.transports.name(number) or self.callbacks.name(number), self.callbacks.place(number)

    def describe_reader(self, number: int) -> str:
        """Called by the probe in the thread of a loop that spins."""
        return as_reader(*self.reader(number))

    def describe_writer(self, fd: int) -> str:
        """As describe_reader(), of what that loop has for the descriptor to write."""
        return as_writer(*self.callbacks.writer(fd))

    def is_over(self, number: int, thread: int) -> bool:
        """Of a task that waited in that thread: it waits no more, or not for anything that the one who asks takes away."""
        if self.transports.is_over(number) or self.callbacks.is_over(number, thread):
            return True
        task = self.find(number) if number else None
        return task is not None and trireme_watch_unseen.is_cancelled(task)

    def hook_asyncio(self, module: Any) -> None:
        self.asyncio = module.tasks
        self._hook_tasks(module.BaseEventLoop)
        self._hook_run(module.BaseEventLoop)

    def hook_selector(self, module: Any) -> None:
        trireme_own_pairs.hook(module.BaseSelectorEventLoop, self.probe.own_pairs)
        trireme_watch_unseen.hook_sendall(module.BaseSelectorEventLoop, self.probe.wait_for)
        self._hook_registrations(module.BaseSelectorEventLoop, "_add_", _stands_in_selector)
        trireme_watch_unseen.hook_loop(module.BaseSelectorEventLoop, self.note)
        self.transports.hook_selector(module)
        self.callbacks.hook(module.BaseSelectorEventLoop)

    def hook_pipes(self, module: Any) -> None:
        self.transports.hook_pipes(module)

    def hook_streams(self, module: Any) -> None:
        trireme_watch_unseen.hook_streams(module.StreamReader, self.note)

    def hook_uvloop(self, module: Any) -> None:
        self._hook_tasks(module.Loop)
        self._hook_run(module.Loop)
        self._hook_registrations(module.Loop, "add_", _stands)
        self._hook_removals(module.Loop)
        self.readers.hook(module.Loop)
        self.callbacks.hook_uvloop(module.Loop)
        self.callbacks.hook_writers_of_uvloop(module.Loop)
        self.transports.hook_uvloop(module.Loop)
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

    def _hook_run(self, kind: Any) -> None:
        """Callbacks of a loop that has no tasks hold it too; what its thread does when it has ended holds nothing."""
        run, loop_runs = kind.run_forever, self.probe.loop_runs

        def tell_and_run(loop: Any) -> None:
            loop_runs(True)
            try:
                run(loop)
            finally:
                loop_runs(False)

        kind.run_forever = tell_and_run

    def _hook_waits(self, kind: Any, direction: int) -> None:
        """`kind`: of the future that uvloop's coroutines await when a socket is not ready."""
        begin, wait_for = kind.__init__, self.probe.wait_for

        def begin_and_wait(future: Any, sock: Any, loop: Any) -> None:
            begin(future, sock, loop)
            wait_for(sock.fileno(), direction)

        kind.__init__ = begin_and_wait

    def _hook_registrations(self, kind: Any, add: str, stands: Callable[..., bool]) -> None:
        """Says when one task's callback for a descriptor silently goes for another's."""
        for direction, who in (("read", "reader"), ("write", "writer")):
            setattr(kind, add + who, self._noting_who_goes(getattr(kind, add + who), direction, stands))

    def _noting_who_goes(self, add: Callable[..., Any], direction: str, stands: Callable[..., bool]) -> Callable[..., Any]:
        current_task, place = self.asyncio.current_task, _OWNERS + direction

        def noted(loop: Any, file: Any, *rest: Any) -> Any:
            fd = file if type(file) is int else descriptor(file)
            task = current_task(loop)
            owners = getattr(loop, place, None)
            before = None if owners is None else owners.get(fd)
            owner = None if before is None else before()
            if owner is task and owner is not None:
                return add(loop, file, *rest)
            goes = owner is not None and task is not None and stands(loop, fd, direction) and not _is_over(owner)
            added = add(loop, file, *rest)
            if goes:
                self.note("replaced", direction, fd, "", owner)
            if owners is None:
                owners = {}
                setattr(loop, place, owners)
            owners[fd] = None if task is None else weakref.ref(task)
            return added

        return noted

    def _hook_removals(self, kind: Any) -> None:
        """Of a loop that cannot be asked what it has a callback for."""
        for direction, who in (("read", "reader"), ("write", "writer")):
            name = f"remove_{who}"
            setattr(kind, name, _forgetting(getattr(kind, name), _OWNERS + direction))


def _forgetting(remove: Callable[..., Any], place: str) -> Callable[..., Any]:
    def forgotten(loop: Any, file: Any) -> Any:
        owners = getattr(loop, place, None)
        if owners is not None:
            owners.pop(descriptor(file), None)
        return remove(loop, file)

    return forgotten


def _stands_in_selector(loop: Any, fd: int, direction: str) -> bool:
    return handles_in_selector(loop, fd)[0 if direction == "read" else 1] is not None


def _stands(loop: Any, fd: int, direction: str) -> bool:
    """The same of a loop whose removals are hooked."""
    return True


def _is_over(task: Any) -> bool:
    return bool(task.done()) or trireme_watch_unseen.is_cancelled(task)


@Coroutine.register
class Steps:
    """A coroutine that says at each of its steps that its task runs."""

    def __init__(self, coroutine: Any, probe: Any) -> None:
        self.trireme_task = probe.new_task()
        self.coroutine = coroutine
        self.probe = probe
        self.send = probe.step(self.trireme_task, coroutine.send)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.coroutine, name)

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
