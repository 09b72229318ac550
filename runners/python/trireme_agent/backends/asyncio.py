"""Tasks are asyncio.Tasks of one event loop: they switch only where they await."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Generator, Iterator
from concurrent.futures.thread import ThreadPoolExecutor
from contextlib import suppress
from sys import _current_frames  # by name: a workload may put another in its place
from types import FrameType, TracebackType
from typing import Any, TypeVar

import trireme
from trireme_agent import network, probe, sync
from trireme_agent.backend import Address, Backend, Correspondence, TaskStopped
from trireme_agent.blocking import Driver
from trireme_agent.idle import IdleThreads
from trireme_agent.loop import coordination, datagrams, inspection, readers
from trireme_agent.loop.pool import LoopPool
from trireme_agent.loop.timeouts import LoopDeadline
from trireme_agent.loop.workers import LoopDriver, Worker, run_in_worker
from trireme_agent.task import Task

T = TypeVar("T")


class _Here(threading.local):
    """What is true of the calling thread."""

    task: Task | None = None
    in_loop = False  # it runs the loop


class Steps(Coroutine[Any, Any, None]):
    """A coroutine that says which task runs at each of its steps, and that none does after it."""

    def __init__(self, here: _Here, task: Task | None, coroutine: Coroutine[Any, Any, None]) -> None:
        self._here = here
        self._task = task
        self.number = task.number if task is not None else probe.new_task()
        self._coroutine = coroutine

    def __getattr__(self, name: str) -> Any:
        """What asyncio shows of a coroutine: its name, its frame."""
        return getattr(self._coroutine, name)

    def send(self, value: Any) -> Any:
        self._here.task = self._task
        probe.set_task(self.number)
        try:
            return self._coroutine.send(value)
        finally:
            self._here.task = None
            probe.set_task(0)

    def throw(self, kind: Any, value: Any = None, trace: TracebackType | None = None) -> Any:
        self._here.task = self._task
        probe.set_task(self.number)
        try:
            return self._coroutine.throw(kind if value is None else value)
        finally:
            self._here.task = None
            probe.set_task(0)
            del kind, value, trace  # the traceback of the exception has this frame: a cycle, which counting never frees

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, None]:
        return self._coroutine.__await__()


class AsyncioBackend(Backend):
    name = "asyncio"
    model = "async"
    loop: asyncio.AbstractEventLoop
    _main: asyncio.Task[Any] | None = None

    def __init__(self) -> None:
        super().__init__()
        self.here = _Here()
        self._idle = IdleThreads()
        self.at_work: set[Worker] = set()  # those whose plain function is in no call; of the loop's thread

    @classmethod
    def prepare(cls) -> None:
        """All of it is in the standard library, but for HTTP, which is imported here so that no trial has to."""
        readers.watch_classes()
        with suppress(trireme.Unsupported):  # http_server and http_request say so
            _http()

    def environment(self) -> dict[str, Any]:
        versions = {}
        try:
            import h11

            versions["h11"] = str(getattr(h11, "__version__", ""))
        except ModuleNotFoundError:
            pass  # http_server and http_request say so
        return {"patched": False, "hub": None, "backend": "selector", "versions": versions}

    def enter(self) -> None:
        super().enter()
        self.loop = asyncio.SelectorEventLoop()
        asyncio.set_event_loop(self.loop)
        self.loop.set_exception_handler(inspection.reporting(self))
        self.loop.set_task_factory(self._make_task)
        readers.watch(self.loop)
        self.here.in_loop = True
        executor = ThreadPoolExecutor(thread_name_prefix="asyncio", initializer=self._idle.add)
        self.loop.set_default_executor(executor)  # as asyncio makes it, but that the census knows its threads

    def run(self, main: Coroutine[Any, Any, None], task: Task) -> None:
        task.native = self._main = self.loop.create_task(self.steps(task, main), name=task.name)
        self.loop.run_until_complete(task.native)

    def own_threads(self) -> set[int]:
        return self._idle.native_ids()

    def parked(self) -> Iterator[tuple[str, list[str]]]:
        ours = {id(task.native): task for task in list(self.live.values())}
        for native in asyncio.all_tasks(self.loop):
            task = ours.get(id(native))
            name = f"{task.path} {task.name}" if task is not None else native.get_name()
            yield name, inspection.await_stack(native.get_coro(), agents=False) or inspection.await_stack(native.get_coro())

    def parked_stack(self, number: int) -> tuple[str, list[str]]:
        native = self._native(number)
        if native is None:
            return readers.name(number), []
        return native.get_name(), inspection.await_stack(native.get_coro(), agents=False)

    def number_of(self, waits: Any) -> int:
        if isinstance(waits, asyncio.Task):
            waits = waits.get_coro()
        return waits.number if isinstance(waits, Steps) else readers.number_of(waits)

    def waits_no_more(self, number: int, thread: int) -> bool:
        native = self._native(number)
        return readers.is_over(number, thread) or (native is not None and readers.is_cancelled(native))

    def _native(self, number: int) -> asyncio.Task[Any] | None:
        """The asyncio.Task that has not ended and goes by that number."""
        for native in asyncio.all_tasks(self.loop):
            steps = native.get_coro()
            if isinstance(steps, Steps) and steps.number == number:
                return native
        return None

    def plain_frame(self) -> FrameType | None:
        worker = task.native if (task := self.current()) is not None else None
        return _current_frames().get(worker.ident) if isinstance(worker, Worker) else None

    def strays(self) -> list[str]:
        ours = {id(task.native) for task in list(self.live.values())} | {id(self._main)}
        return [task.get_name() for task in asyncio.all_tasks(self.loop) if id(task) not in ours]

    def timers(self) -> list[str]:
        return inspection.timers(self.loop)

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    # Tasks.

    def current(self) -> Task | None:
        return self.here.task

    def start(self, task: Task, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        task.native = self.loop.create_task(self.steps(task, self.body(task, fn, args)), name=task.name)

    def steps(self, task: Task | None, coroutine: Coroutine[Any, Any, None]) -> Steps:
        return Steps(self.here, task, coroutine)

    def _make_task(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        """A task factory: those that the workload or asyncio itself makes are numbered, too."""
        steps = coroutine if isinstance(coroutine, Steps) else self.steps(None, coroutine)
        return asyncio.Task(steps, loop=loop, **options)

    def cancel(self, task: Task) -> None:
        task.cancel_requested = True
        if not task.started or task.native is None:
            return
        if self.here.in_loop:
            task.native.cancel()
        else:
            self.loop.call_soon_threadsafe(lambda: task.native.cancel())  # a worker may have ended by then

    def driver(self) -> Driver:
        return LoopDriver(self)

    async def run_plain(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        return await run_in_worker(self, fn, args)

    def ended(self, task: Task) -> None:
        super().ended(task)
        for future in task.locals.pop(0, {}).values():
            if not future.done():
                future.set_result(None)

    async def wait_task(self, task: Task) -> None:
        if task.outcome is None:
            future = task.locals.setdefault(0, {}).setdefault("ended", self.loop.create_future())
            with self.waiting():
                await asyncio.shield(future)

    async def deliver(self, task: Task) -> None:
        """What is pending is raised by the loop, at the next step."""
        if task.cancel_requested:
            task.cancel_requested = False
            if isinstance(task.native, Worker):
                raise asyncio.CancelledError  # no call was under way that asyncio could cancel
            await asyncio.sleep(0)
        for deadline in task.deadlines:
            if isinstance(deadline, LoopDeadline) and deadline.due():
                await deadline.expire()

    def is_stop(self, error: BaseException) -> bool:
        return isinstance(error, (asyncio.CancelledError, TaskStopped))

    async def sleep(self, seconds: float) -> None:
        with self.waiting():
            await asyncio.sleep(seconds)

    async def checkpoint(self) -> None:
        await asyncio.sleep(0)

    async def settle(self) -> None:
        """No plain function runs, the loop has nothing to run and no descriptor is ready, twice."""
        quiet = 0
        self.settling += 1
        try:
            while quiet < 2:
                await asyncio.sleep(0.001 if self.at_work else 0)
                quiet = quiet + 1 if self._is_quiet() else 0
        finally:
            self.settling -= 1

    def _is_quiet(self) -> bool:
        return not self.at_work and inspection.due(self.loop) < self.settling and not inspection.has_events(self.loop)

    def timeout(self, seconds: float) -> LoopDeadline:
        return LoopDeadline(self, seconds)

    # Coordination.

    async def take(self, lock: Any) -> None:
        if coordination.would_wait(lock):
            with self.waiting():
                await lock.acquire()
        else:
            await lock.acquire()

    async def wait_in(self, call: Callable[[], Any]) -> None:
        with self.waiting():
            await call()

    def lock(self) -> sync.Lock:
        return sync.Lock(self, asyncio.Lock())

    def rlock(self) -> sync.OwnedLock:
        lock = coordination.ReentrantLock(self)
        return sync.OwnedLock(self, lock, "rlock", lock._is_owned)

    def semaphore(self, value: int) -> sync.Semaphore:
        return sync.Semaphore(self, asyncio.Semaphore(value), value)

    def condition(self) -> sync.Condition:
        lock = asyncio.Lock()
        return sync.Condition(self, coordination.RelockingCondition(self, lock), lock, lock.locked)

    def event(self) -> sync.Event:
        return sync.Event(self, asyncio.Event())

    def queue(self, maxsize: int) -> coordination.Queue:
        return coordination.Queue(self, maxsize)

    def pool(self, size: int) -> LoopPool:
        return LoopPool(self, size)

    # Streams.

    def listen(self, address: Address) -> socket.socket:
        return network.listening(_socket(address), address)

    async def accept(self, listener: socket.socket) -> socket.socket:
        with self.waiting():
            sock, _ = await self.loop.sock_accept(listener)
        return network.no_delay(sock)

    async def connect(self, address: Address) -> socket.socket:
        sock = _socket(address)
        try:
            with self.waiting():
                await self.loop.sock_connect(sock, address)
            return network.no_delay(sock)
        except BaseException:
            sock.close()
            raise

    def socketpair(self) -> tuple[socket.socket, socket.socket]:
        one, other = socket.socketpair()
        one.setblocking(False)
        other.setblocking(False)
        return one, other

    def dup(self, sock: socket.socket) -> socket.socket:
        copy = sock.dup()
        copy.setblocking(False)
        return copy

    async def recv(self, sock: socket.socket, size: int) -> bytes:
        try:
            return sock.recv(size)
        except BlockingIOError:
            with self.waiting():
                return await self.loop.sock_recv(sock, size)

    async def send_all(self, sock: socket.socket, data: bytes) -> None:
        with self.waiting():
            await self.loop.sock_sendall(sock, data)

    def datagram(self, address: Address) -> socket.socket:
        return network.bound(_socket(address, socket.SOCK_DGRAM), address)

    async def recv_from(self, sock: socket.socket, size: int) -> tuple[bytes, Any]:
        try:
            return sock.recvfrom(size)
        except BlockingIOError:
            with self.waiting():
                return await datagrams.recv_from(self.loop, sock, size)

    async def send_to(self, sock: socket.socket, data: bytes, address: Address) -> None:
        with self.waiting():
            await datagrams.send_to(self.loop, sock, data, address)

    # Services.

    async def http_request(self, method: str, url: str, body: bytes | None) -> trireme.Response:
        http = _http()
        with self.waiting():
            response: trireme.Response = await http.request(method, url, body)
        return response

    async def http_server(self, handler: Callable[[trireme.Request], Any], service: Task) -> Any:
        return await _http().LoopHttpServer.make(self, handler, service)

    # Outside.

    async def offload(self, fn: Callable[..., T], args: tuple[Any, ...]) -> T:
        with self.waiting():
            result: T = await asyncio.to_thread(self._idle.run, probe.served(fn), args)
        return result

    async def subprocess(self, argv: list[str], stdin: bytes | None) -> trireme.Completed:
        pipe = subprocess.PIPE
        source = pipe if stdin is not None else subprocess.DEVNULL
        with self.waiting():
            process = await asyncio.create_subprocess_exec(*argv, stdin=source, stdout=pipe, stderr=pipe)
            try:
                out, err = await process.communicate(stdin)
                if process.stdin is not None:
                    with suppress(OSError):  # of input that was not read, which communicate() has let go of
                        await process.stdin.wait_closed()
            except BaseException:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
                raise
        assert process.returncode is not None
        return trireme.Completed(process.returncode, out, err)

    async def resolve(self, host: str) -> list[str]:
        # What loop.getaddrinfo does, on a thread that the census knows.
        found = await self.offload(socket.getaddrinfo, (host, None, 0, socket.SOCK_STREAM))
        return network.addresses(found)

    correspondences = [
        Correspondence("rt.spawn", "loop.create_task", "runs when its parent next awaits"),
        Correspondence("rt.spawn_after", "ours", "a task that sleeps first; loop.call_later takes no coroutine"),
        Correspondence("Task.join", "a Future set at the end", "as awaiting the asyncio.Task, but cancels only the waiter"),
        Correspondence("Task.cancel", "asyncio.Task.cancel", "cooperative: CancelledError where it awaits"),
        Correspondence("rt.gather", "ours", "asyncio.gather raises at once and cancels nothing"),
        Correspondence("rt.sleep", "asyncio.sleep"),
        Correspondence("rt.checkpoint", "asyncio.sleep(0)"),
        Correspondence("rt.settle", "ours", "no plain function computes, the loop has nothing ready and no descriptor is"),
        Correspondence("rt.local", "ours", "a ContextVar would be inherited by the tasks that a task spawns"),
        Correspondence("rt.pool", "asyncio.Semaphore around each task", "submit never waits"),
        Correspondence("Pool.map", "ours", "asyncio.gather keeps the order, too"),
        Correspondence("Pool.join", "ours"),
        Correspondence("rt.lock", "asyncio.Lock"),
        Correspondence("rt.rlock", "ours", "over asyncio.Lock: asyncio has no RLock"),
        Correspondence("rt.semaphore", "asyncio.Semaphore"),
        Correspondence("rt.condition", "asyncio.Condition"),
        Correspondence("rt.event", "asyncio.Event"),
        Correspondence("rt.queue", "asyncio.Queue"),
        Correspondence("rt.timeout", "asyncio.timeout", "ours on 3.10, which has none; cooperative"),
        Correspondence("rt.listen, rt.connect", "loop.sock_accept, loop.sock_connect"),
        Correspondence("Stream.recv", "loop.sock_recv", "a second reader silently replaces the first"),
        Correspondence("Stream.send_all", "loop.sock_sendall"),
        Correspondence("Datagram.recv_from", "loop.sock_recvfrom", "ours on 3.10, which has none"),
        Correspondence("Datagram.send_to", "loop.sock_sendto", "ours on 3.10, which has none"),
        Correspondence("rt.http_server", "asyncio.start_server", "parsed by h11; close() lets requests under way go on"),
        Correspondence("rt.http_request", "asyncio.open_connection", "parsed by h11; one connection a request"),
        Correspondence("rt.periodic", "ours"),
        Correspondence("rt.offload", "asyncio.to_thread", "runs on when its waiter is cancelled"),
        Correspondence("rt.subprocess", "asyncio.create_subprocess_exec, communicate", "killed with its waiter"),
        Correspondence("rt.resolve", "socket.getaddrinfo in the loop's executor", "as loop.getaddrinfo"),
    ]


def _http() -> Any:
    try:
        from trireme_agent.loop import http
    except ModuleNotFoundError as error:
        if error.name != "h11":
            raise
        raise trireme.Unsupported(f"h11 is not installed: {sys.executable} -m pip install h11") from None
    return http


def _socket(address: Address, kind: int = socket.SOCK_STREAM) -> socket.socket:
    sock = socket.socket(network.family(address), kind)
    sock.setblocking(False)
    return sock


BACKEND = AsyncioBackend
