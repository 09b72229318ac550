"""`rt`: the workload API, the same on every runtime."""

from __future__ import annotations

import inspect
import math
import numbers
import random
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from time import monotonic  # by name: a workload may put another in its place
from typing import Any

import trireme
from trireme_agent import errors, network, probe, recorder, sync
from trireme_agent.backend import Address, Backend, HttpServer
from trireme_agent.blocking import Proxy
from trireme_agent.streams import Datagram, Listener, Stream, descriptors
from trireme_agent.task import Task


def _must_be_callable(fn: Any, verb: str) -> None:
    """Said where it is handed in: the task that would call it has no line of the workload on its stack."""
    if inspect.iscoroutine(fn):
        given = f"{fn.__name__}()"
        fn.close()  # it is told here, once: not again as a coroutine that was never awaited
        raise TypeError(f"{verb} takes a function and its arguments, not a coroutine: {given[:-2]}, not {given}")
    if not callable(fn):
        raise TypeError(f"{verb} takes a function and its arguments, not a value of type {type(fn).__name__}")


def _must_run(fn: Any, verb: str) -> None:
    """Where nobody takes what the call gives."""
    _must_be_callable(fn, verb)
    if inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn):
        raise TypeError(f"{verb} takes a function, not one with a yield in it, of which a call runs nothing")


def _must_be_seconds(value: Any, verb: str) -> None:
    if not isinstance(value, numbers.Real):
        raise TypeError(f"{verb} takes a number of seconds, not a value of type {type(value).__name__}")
    if not math.isfinite(value):  # some runtimes would wait for ever, some not at all
        raise ValueError(f"{verb} takes a finite number of seconds, not {value}")


def _task_name(fn: Callable[..., Any], name: str | None) -> str | None:
    if name is not None and not isinstance(name, str):
        raise TypeError(f"a task's name is a text, not a value of type {type(name).__name__}")
    return name or getattr(fn, "__name__", None)


class Local:
    """An attribute namespace per task."""

    def __init__(self, backend: Backend) -> None:
        object.__setattr__(self, "_backend", backend)

    def _values(self) -> dict[str, Any]:
        backend: Backend = object.__getattribute__(self, "_backend")
        task = backend.current()
        if task is None:
            raise RuntimeError("rt.local() was used outside the tasks of the trial")
        return task.locals.setdefault(id(self), {})

    def __getattr__(self, name: str) -> Any:
        try:
            return self._values()[name]
        except KeyError:
            raise AttributeError(f"this task has set no {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self._values()[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self._values()[name]
        except KeyError:
            raise AttributeError(f"this task has set no {name!r}") from None


class Runtime:
    """The first argument of a workload's main."""

    def __init__(self, backend: Backend, seed: str, inputs: str, interpreter: str) -> None:
        self._backend = backend
        self._inputs = inputs
        self.seed = int(seed, 0)
        self.runtime = backend.name
        self.model = backend.model
        self.interpreter = interpreter
        self.op = recorder.Operation
        self._locals: list[Local] = []  # never freed, so that an id names one for ever

    @property
    def blocking(self) -> Any:
        """The same API in blocking form, for a main that is a plain def."""
        return Proxy(self._backend.driver(), self)

    # Tasks.

    def spawn(self, fn: Callable[..., Any], *args: Any, name: str | None = None) -> Task:
        _must_run(fn, "rt.spawn")
        return self._backend.spawn(fn, args, _task_name(fn, name))

    def spawn_after(self, delay: float, fn: Callable[..., Any], *args: Any, name: str | None = None) -> Task:
        async def later() -> Any:
            await self.sleep(delay)
            result = fn(*args)
            return await result if hasattr(result, "__await__") else result

        _must_be_seconds(delay, "rt.spawn_after")
        _must_run(fn, "rt.spawn_after")
        return self._backend.spawn(later, (), _task_name(fn, name))

    async def gather(self, *tasks: Task) -> list[Any]:
        """Results in argument order; raises the first exception in that order after all have ended."""
        for task in tasks:
            if not isinstance(task, Task):
                raise TypeError(f"rt.gather takes the tasks of rt.spawn, not a value of type {type(task).__name__}")
        for task in tasks:
            await task.wait_ended()
        return await _results(tasks)

    async def sleep(self, seconds: float) -> None:
        _must_be_seconds(seconds, "rt.sleep")
        await self._backend.point("sleep", self._backend.sleep, seconds)

    async def checkpoint(self) -> None:
        """Lets others run, and notices cancellation and deadlines."""
        await self._backend.point("checkpoint", self._backend.checkpoint)

    async def settle(self) -> None:
        """Returns when every other task of the trial is blocked."""
        await self._backend.point("settle", self._backend.settle)

    def current_task(self) -> Task:
        task = self._backend.current()
        if task is None:
            raise RuntimeError("rt.current_task() was called outside the tasks of the trial")
        return task

    def local(self) -> Local:
        made = Local(self._backend)
        self._locals.append(made)
        return made

    def pool(self, size: int) -> Any:
        return self._backend.pool(size)

    # Coordination.

    def lock(self) -> Any:
        return self._backend.lock()

    def rlock(self) -> Any:
        return self._backend.rlock()

    def semaphore(self, value: int = 1) -> Any:
        return self._backend.semaphore(value)

    def condition(self) -> Any:
        return self._backend.condition()

    def event(self) -> Any:
        return self._backend.event()

    def queue(self, maxsize: int = 0) -> Any:
        return self._backend.queue(maxsize)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[None]:
        """A deadline over the whole block, which ends it with trireme.TimeoutExpired."""
        _must_be_seconds(seconds, "rt.timeout")
        return self._backend.timeout(seconds)

    # Streams.

    async def listen(self, host: str = "127.0.0.1", port: int = 0, *, path: str | None = None) -> Listener:
        """Listens on a TCP port, or on the Unix socket `path` where one is given."""
        return Listener(self._backend, self._backend.listen(path or (host, port)), path)

    async def connect(self, address: Address) -> Stream:
        if isinstance(address, list):  # what JSON made of a tuple
            address = tuple(address)
        return Stream(self._backend, await self._backend.point("connect", self._backend.connect, address))

    async def socketpair(self) -> tuple[Stream, Stream]:
        one, other = (Stream(self._backend, end) for end in self._backend.socketpair())
        one.record_pair(other)
        return one, other

    async def datagram(self, address: Address = None) -> Datagram:
        """A datagram endpoint at that address, or on a port of its own of 127.0.0.1; a text is the path of a Unix socket."""
        where = tuple(address or ("127.0.0.1", 0)) if not isinstance(address, str) else address
        return Datagram(self._backend, self._backend.datagram(where), address if isinstance(address, str) else None)

    # Services.

    async def http_server(self, handler: Callable[[trireme.Request], Any]) -> HttpServer:
        """Serves HTTP/1.1 on a port of its own; `handler` gets a Request and returns a Response.

        The server counts as one spawn of its maker; the task of its k-th connection is the server's k-th spawn.
        """
        _must_run(handler, "rt.http_server")
        service = self._backend.new_task("http-server")
        try:
            return await self._backend.http_server(handler, service)
        except BaseException:
            if service.outcome is None:
                service.finish("cancelled")
            raise

    async def http_request(self, method: str, url: str, body: bytes | None = None) -> trireme.Response:
        network.must_be_request(method, url, body)
        return await self._backend.point("http", self._backend.http_request, method, url, body)

    async def websocket_server(self, handler: Callable[..., Any]) -> Any:
        raise trireme.Unsupported("rt.websocket_server is not available yet")

    async def websocket_connect(self, url: str) -> Any:
        raise trireme.Unsupported("rt.websocket_connect is not available yet")

    def periodic(self, interval: float, fn: Callable[[], Any]) -> Task:
        """Calls `fn` every `interval` seconds until it is cancelled. A call that takes longer skips ticks."""

        _must_be_seconds(interval, "rt.periodic")
        _must_run(fn, "rt.periodic")

        async def tick() -> None:
            due = monotonic() + interval
            while True:
                await self.sleep(max(0.0, due - monotonic()))
                result = fn()
                if hasattr(result, "__await__"):
                    await result
                due += interval
                late = monotonic() - due
                if late > 0:
                    due += interval * (late // interval + 1)

        return self._backend.spawn(tick, (), f"periodic {getattr(fn, '__name__', '')}".rstrip())

    def workers(self, count: int, fn: Callable[..., Any]) -> Any:
        raise trireme.Unsupported("rt.workers is not available yet")

    # Outside.

    async def offload(self, fn: Callable[..., Any], *args: Any) -> Any:
        """Runs a blocking function on another native thread."""
        _must_be_callable(fn, "rt.offload")
        return await self._backend.point("offload", self._backend.offload, fn, args)

    async def subprocess(self, argv: Iterable[str], stdin: bytes | None = None) -> trireme.Completed:
        words = list(argv)
        if not words:
            raise ValueError("rt.subprocess(): names no program")
        return await self._backend.point("subprocess", self._backend.subprocess, words, stdin)

    async def resolve(self, host: str) -> list[str]:
        """The addresses of a host, each once."""
        return await self._backend.point("resolve", self._backend.resolve, host)

    # Recording.

    def observe(self, key: str, value: Any) -> None:
        recorder.record(probe.OBSERVE, 0, key, value)

    def outcome(self, name: str) -> None:
        probe.record(probe.OUTCOME, 0, name, None)

    def metric(self, name: str, value: float, unit: str = "") -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError(f"a metric is a number, not a value of type {type(value).__name__}")
        probe.record_json(probe.METRIC, 0, name, recorder.to_json([value, unit]))

    # About.

    def __getattr__(self, name: str) -> Any:
        """Asked for what there is not."""
        from difflib import get_close_matches

        close = get_close_matches(name, [known for known in dir(type(self)) if not known.startswith("_")], 1)
        raise AttributeError(f"rt has no '{name}'" + (f": did you mean '{close[0]}'?" if close else ""))

    @property
    def random(self) -> random.Random:
        """Seeded by the trial's inputs and the task's path: the same numbers on every runtime."""
        return self.current_task().random_source(self._inputs)

    def now(self) -> float:
        """Seconds on a clock that never goes back."""
        return monotonic()


async def _results(tasks: Iterable[Task]) -> list[Any]:
    results = []
    first: BaseException | None = None
    for task in tasks:
        try:
            results.append(await task.join())
        except BaseException as error:
            first = first or error
    if first is not None:
        raise first
    return results


async def _end(tasks: Iterable[Task]) -> None:
    """Cancels them and waits for their end. What stops the waiting task meanwhile comes out after that."""
    for task in tasks:
        if not task.done():
            task.cancel()
    stop: BaseException | None = None
    for task in tasks:
        while not task.done():
            try:
                await task.wait_ended()
            except BaseException as error:
                stop = error
    if stop is not None:
        raise stop


class TaskPool(sync.Waited):
    """What the pools of all runtimes share: map, join over what was submitted, and what is recorded of places."""

    def __init__(self, backend: Backend, size: int) -> None:
        if size < 1:
            raise ValueError(f"rt.pool({size}): a pool has at least one place, or nothing submitted to it would ever run")
        super().__init__(backend, "pool", size)
        self._size = size
        self._tasks: dict[int, Task] = {}  # that have not ended, and maybe some that have

    async def submit(self, fn: Callable[..., Any], *args: Any) -> Task:
        _must_be_callable(fn, "pool.submit")
        for number, task in list(self._tasks.items()):
            if task.done():
                self._tasks.pop(number, None)
        task = await self._backend.point("pool", self._submit, fn, args, what=self.number)
        self._tasks[task.number] = task
        return task

    async def _submit(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> Task:
        raise NotImplementedError

    def _queue(self, task: Task) -> None:
        """A new task waits for a place from now on: until it takes one, or ends without."""
        task.kind, task.submitted = "pool-place", errors.own_place(sys._getframe(1))
        probe.record_for(task.number, probe.WAIT, 0, task.kind, self.number)

    async def _placed(self, task: Task, fn: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """What a task of the pool runs once it has its place."""
        task.kind = None
        probe.record(probe.WAKE, 0, "pool-place", None)
        probe.record(probe.SYNC, self.number, "acquire", None)
        try:
            result = fn(*args)
            return await result if inspect.iscoroutine(result) else result
        finally:
            probe.record(probe.SYNC, self.number, "release", None)

    async def map(self, fn: Callable[..., Any], items: Iterable[Any]) -> list[Any]:
        """Results in the order of the items; raises the first exception in that order after all have ended.

        One that is stopped ends its tasks first: they work on what its caller is about to let go of.
        """
        tasks: list[Task] = []
        try:
            for item in items:
                tasks.append(await self.submit(fn, item))
            for task in tasks:
                await task.wait_ended()
        except BaseException:
            await _end(tasks)
            raise
        return await _results(tasks)

    async def join(self) -> None:
        """Returns when everything submitted has ended; the exceptions stay with their tasks."""
        for task in list(self._tasks.values()):
            await self._backend.point("pool-join", self._backend.wait_task, task, what=self.number)


__all__ = ["Runtime", "TaskPool", "descriptors"]
