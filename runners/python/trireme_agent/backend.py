"""What every runtime supplies, and Point: the one place where a task may wait."""

from __future__ import annotations

import contextlib
import inspect
import threading
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any, NoReturn, Protocol, TypeVar

import trireme
from trireme_agent import ending, errors, probe
from trireme_agent.blocking import Driver
from trireme_agent.task import Task

T = TypeVar("T")
Address = Any  # opaque to workloads: (host, port), or the path of a Unix socket


@dataclass(frozen=True)
class Correspondence:
    """One line of a runtime's table: what a feature of the workload API really is there."""

    feature: str
    api: str  # the runtime's own, or "ours"
    remarks: str = ""


class Deadline(Protocol):
    """An open `rt.timeout` of a task."""

    def due(self) -> bool:
        """Its time has come and it has not been delivered yet."""

    def pending(self) -> bool:
        """It has not been delivered yet."""

    async def expire(self) -> None:
        """Delivers it now, whatever the time is, in the current task, whose it is."""

    def left(self) -> float | None:
        """Seconds until it ends what its task waits for; None when it has been delivered."""


class TaskStopped(BaseException):
    """What travels in a cancelled task where the runtime has no exception for it. Not an Exception, as elsewhere."""


class Suspended(BaseException):
    """A coroutine of the workload waited for what is not rt's, on a runtime that blocks."""


class Socket(Protocol):
    """The part of socket.socket that streams use without waiting."""

    def fileno(self) -> int: ...
    def shutdown(self, how: int) -> None: ...
    def close(self) -> None: ...
    def getsockname(self) -> Any: ...


class Pool(Protocol):
    async def submit(self, fn: Callable[..., Any], *args: Any) -> Task: ...
    async def map(self, fn: Callable[..., Any], items: Any) -> list[Any]: ...
    async def join(self) -> None: ...


class Backend(ABC):
    """One runtime. The order of calls: prepare() before any other import, then in each trial's process make_own(), enter(),
    run().

    Methods that may wait are coroutines; where the runtime blocks they never suspend. They are called through point()
    and bracket what really waits with waiting().
    """

    name: str
    model: str
    correspondences: list[Correspondence]
    deadlines_end_relocking = True  # what has waited for a condition may be stopped before it has the lock again

    def __init__(self) -> None:
        self.live: dict[int, Task] = {}
        self.unjoined: list[Task] = []  # raised; asked for at the end of the trial
        self.settling = 0
        self.has_task_faults = False  # the plan of the trial stops tasks at points
        self.unsupported: BaseException | None = None
        self.abort: Callable[[str, BaseException], NoReturn]  # ends the trial's process; set by the trial

    # The life of the backend.

    @classmethod
    @abstractmethod
    def prepare(cls) -> None:
        """Imports the runtime and patches. Raises trireme.Unsupported when it is not installed."""

    @abstractmethod
    def environment(self) -> dict[str, Any]:
        """hub, backend, patched and versions."""

    def make_own(self) -> None:
        """Before the probe attaches: what the runtime makes for itself then is no connection of the workload's, and suffers no
        fault."""

    def enter(self) -> None:
        """In the trial's process, after the fork."""

        def hook(args: threading.ExceptHookArgs) -> None:
            if args.exc_value is not None and args.exc_type is not SystemExit:
                self.report("thread", args.exc_value)
            threading.__excepthook__(args)

        threading.excepthook = hook

    @abstractmethod
    def run(self, main: Coroutine[Any, Any, None], task: Task) -> None:
        """Runs the main task to its end."""

    def own_descriptors(self) -> set[int]:
        """Descriptors that are ours or the runtime's own and no leak of the workload."""
        return set()

    def own_threads(self) -> set[int]:
        """Native ids of idle threads of the runtime's executors."""
        return set()

    def parked(self) -> Iterator[tuple[str, list[str]]]:
        """Path, name and stack of each task, where the stacks of native threads do not say whose they are."""
        return iter(())

    def waits_no_more(self, number: int, thread: int) -> bool:
        """Of a task that the probe saw wait for a descriptor in that thread: it was told to stop, but has not run since."""
        return False

    def number_of(self, waits: Any) -> int:
        """Of the task that the runtime knows as this, rt's or not; 0 where it is none."""
        return 0

    def parked_stack(self, number: int) -> tuple[str, list[str]]:
        """Name and stack of the task of that number, rt's or not, where no native thread's stack shows it."""
        return "", []

    def plain_frame(self) -> FrameType | None:
        """What the current task's plain function runs, where it runs in a thread of its own."""
        return None

    def strays(self) -> list[str]:
        """Names of the runtime's own tasks that live and were not made by rt: no native threads."""
        return []

    def timers(self) -> list[str]:
        """What the runtime's own timers that nobody cancelled would call."""
        return []

    @abstractmethod
    async def pause(self, seconds: float) -> None:
        """Lets other tasks run for a while: for the census, no task of the workload."""

    # Tasks.

    @abstractmethod
    def current(self) -> Task | None:
        """The task that runs in this thread now."""

    @abstractmethod
    def start(self, task: Task, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        """Starts body(task, fn, args)."""

    @abstractmethod
    def cancel(self, task: Task) -> None:
        """Stops a task that has not ended."""

    @abstractmethod
    async def wait_task(self, task: Task) -> None: ...

    @abstractmethod
    async def deliver(self, task: Task) -> None:
        """Raises what is pending in the current task: a cancellation, or a deadline that is due."""

    @abstractmethod
    def is_stop(self, error: BaseException) -> bool:
        """Whether this is what cancellation raises."""

    def spawn(self, fn: Callable[..., Any], args: tuple[Any, ...], name: str | None, parent: Task | None = None) -> Task:
        task = self.new_task(name, parent)
        try:
            self.start(task, fn, args)
        except BaseException:  # there is no thread to be had, for one: it ends before it began
            task.finish("cancelled")
            raise
        return task

    def new_task(self, name: str | None, parent: Task | None = None) -> Task:
        parent = parent or self.current()
        if parent is None:
            raise RuntimeError("rt.spawn was called outside the tasks of the trial")
        task = self.adopt(Task(self, parent, name))
        self.live[task.number] = task
        return task

    def adopt(self, task: Task) -> Task:
        """Gives a new task what the backend keeps of it."""
        return task

    def ended(self, task: Task) -> None:
        self.live.pop(task.number, None)
        if isinstance(task.error, trireme.Unsupported):
            self.unsupported = task.error
        elif task.error is not None:
            self.unjoined.append(task)

    async def body(self, task: Task, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        """What every task runs. Raises nothing but what ends the trial."""
        task.started = True
        try:
            if task.cancel_requested:
                task.cancel_requested = False
                raise TaskStopped
            result = fn(*args)
            if inspect.iscoroutine(result):
                result = await result
        except BaseException as error:
            if isinstance(error, Suspended):
                raise
            stopped = isinstance(error, TaskStopped) or self.is_stop(error)
            self._finish(task, "cancelled" if stopped else "raised", None, None if stopped else error)
        else:
            self._finish(task, "returned", result, None)

    def _finish(self, task: Task, outcome: str, result: Any, error: BaseException | None) -> None:
        try:
            if ending.is_child(task.process) and self.ends_child(task):
                ending.leave_child(error)
            task.finish(outcome, result, error)
        except BaseException as late:  # a trace function or a signal handler of the workload raised here
            if task.outcome is None:
                task.finish("raised", None, error or late)

    def ends_child(self, task: Task) -> bool:
        """Whether a forked child ends with this task, which began before the fork: it has a copy of every task."""
        return task.parent is None

    def drive(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine that never suspends. One that does ends the trial."""
        try:
            coroutine.send(None)
        except StopIteration as stop:
            result: T = stop.value
        else:
            at = _innermost(coroutine)
            self.abort("suspended", Suspended(f"{at} waits for what is not rt's, which {self.name} cannot run"))
        return result

    def driver(self) -> Driver:
        """How rt.blocking makes a call."""
        return Driver(self)

    async def run_plain(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Runs a plain function that uses rt.blocking, as the current task."""
        return fn(*args)

    # Point.

    async def point(self, kind: str, call: Callable[..., Awaitable[T]], *args: Any, what: int | None = None) -> T:
        """The one place where a task may wait: every API call that may do so is a point of kind `kind`.

        `what` is the number of what it may wait for. Point numbers the call, notices cancellation and deadlines, and keeps
        what the task is in. Points inside a point (a request made of sends and receives) are part of it.
        """
        task = self.current()
        if task is None or task.kind is not None:
            return await call(*args)
        task.ordinal += 1
        task.kind, task.what = kind, what
        try:
            if self.has_task_faults:
                await self._suffer(task)
            if task.cancel_requested or task.deadlines:
                await self.deliver(task)
            return await call(*args)
        finally:
            task.kind = task.what = None

    async def _suffer(self, task: Task) -> None:
        """A fault of the plan may stop the current task at the point that it has come to."""
        struck = probe.point(task.path, task.name, task.ordinal)
        if struck == 1:
            self.cancel(task)  # delivered as any other
        elif struck == 2:
            for deadline in reversed(task.deadlines):
                if deadline.pending():
                    await deadline.expire()
                    return
            raise trireme.TimeoutExpired("by a fault of the plan")

    def begin_wait(self, ends: bool = True) -> Task | None:
        """The current task really waits from now on, until end_wait(); None when there is no task, or it waits already.

        `ends`: whether its deadlines end this wait.
        """
        task = self.current()
        if task is None or task.blocked:
            return None
        task.blocked = True
        if ends and (left := _time_left(task)) is not None:
            probe.record(probe.DEADLINE, task.ordinal, task.kind or "other", left)
        probe.record(probe.WAIT, task.ordinal, task.kind or "other", task.what)
        return task

    def time_left(self) -> int | None:
        """In how many nanoseconds a wait of the current task ends by itself; None: it does not."""
        task = self.current()
        return None if task is None else _time_left(task)

    def end_wait(self, task: Task | None) -> None:
        if task is not None and task.blocked:
            task.blocked = False
            probe.record(probe.WAKE, task.ordinal, task.kind or "other", None)

    @contextlib.contextmanager
    def waiting(self, ends: bool = True) -> Iterator[None]:
        task = self.begin_wait(ends)
        try:
            yield
        finally:
            self.end_wait(task)

    @contextlib.contextmanager
    def relocking(self) -> Iterator[None]:
        """The current task waited for a condition, and gets its lock again: from here on it waits for that."""
        task = self.current()
        if task is not None:
            self.end_wait(task)
            task.kind = "lock"
        with self.waiting(self.deadlines_end_relocking):
            yield

    # What the API is made of; runtime.py calls each through point().

    @abstractmethod
    async def sleep(self, seconds: float) -> None: ...

    @abstractmethod
    async def checkpoint(self) -> None: ...

    @abstractmethod
    async def settle(self) -> None: ...

    @abstractmethod
    def timeout(self, seconds: float) -> contextlib.AbstractAsyncContextManager[None]: ...

    @abstractmethod
    async def take(self, lock: Any) -> None:
        """Acquires a lock or semaphore of the runtime."""

    @abstractmethod
    async def wait_in(self, call: Callable[[], Any]) -> None:
        """Makes a call of the runtime that waits."""

    @abstractmethod
    def lock(self) -> Any: ...

    @abstractmethod
    def rlock(self) -> Any: ...

    @abstractmethod
    def semaphore(self, value: int) -> Any: ...

    @abstractmethod
    def condition(self) -> Any: ...

    @abstractmethod
    def event(self) -> Any: ...

    @abstractmethod
    def queue(self, maxsize: int) -> Any: ...

    @abstractmethod
    def pool(self, size: int) -> Pool: ...

    @abstractmethod
    def listen(self, address: Address) -> Socket:
        """A listening socket; never waits."""

    @abstractmethod
    async def accept(self, listener: Any) -> Socket: ...

    @abstractmethod
    async def connect(self, address: Address) -> Socket: ...

    @abstractmethod
    def socketpair(self) -> tuple[Socket, Socket]: ...

    @abstractmethod
    def dup(self, sock: Any) -> Socket: ...

    @abstractmethod
    async def recv(self, sock: Any, size: int) -> bytes: ...

    @abstractmethod
    async def send_all(self, sock: Any, data: bytes) -> None: ...

    @abstractmethod
    def datagram(self, address: Address) -> Socket:
        """A datagram socket with that address; never waits."""

    @abstractmethod
    async def recv_from(self, sock: Any, size: int) -> tuple[bytes, Any]:
        """A datagram, and what its socket calls who sent it."""

    @abstractmethod
    async def send_to(self, sock: Any, data: bytes, address: Address) -> None: ...

    @abstractmethod
    async def http_request(self, method: str, url: str, body: bytes | None) -> trireme.Response: ...

    @abstractmethod
    async def http_server(self, handler: Callable[[trireme.Request], Any], service: Task) -> HttpServer: ...

    @abstractmethod
    async def offload(self, fn: Callable[..., T], args: tuple[Any, ...]) -> T: ...

    @abstractmethod
    async def subprocess(self, argv: list[str], stdin: bytes | None) -> trireme.Completed: ...

    @abstractmethod
    async def resolve(self, host: str) -> list[str]: ...

    def report(self, where: str, error: BaseException) -> None:
        """An exception that nobody caught, wherever the runtime put it."""
        if isinstance(error, trireme.Unsupported):
            self.unsupported = error
        else:
            probe.record_json(probe.EXCEPTION, 0, where, errors.to_json(error))


class HttpServer(Protocol):
    address: Address
    url: str

    def close(self) -> None: ...


def _time_left(task: Task) -> int | None:
    left = [seconds for deadline in task.deadlines if (seconds := deadline.left()) is not None]
    return int(max(0.0, min(left)) * 1e9) if left else None


def _innermost(coroutine: Any) -> str:
    """Where a suspended coroutine waits: the workload's own innermost frame."""
    shown = "the workload"
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame is not None and not errors.is_agents(frame.f_code.co_filename):
            at = f"{errors.place(frame.f_code.co_filename)}:{frame.f_lineno} in {frame.f_code.co_name}"
            if getattr(coroutine, "cr_frame", None) is not None and not _is_library(frame.f_code.co_filename):
                shown = at
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)
    return shown


def _is_library(file: str) -> bool:
    return file.startswith((contextlib.__file__.rsplit("/", 1)[0],)) or "site-packages" in file
