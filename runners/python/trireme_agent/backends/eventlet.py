"""Tasks are green threads of one native thread: they switch only where they wait.

The standard library is patched by prepare(), in place: what this file and others import of it is green from then on.
"""

from __future__ import annotations

import contextlib
import http.client
import importlib
import os
import posix
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Coroutine, Iterator
from gc import get_objects  # by name: a workload may put another in its place
from typing import Any, TypeVar

import trireme
from trireme_agent import errors, meetings, network, probe, sync
from trireme_agent.backend import Address, Backend, Correspondence, TaskStopped
from trireme_agent.task import Task

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # that Eventlet is deprecated is why this program exists
    try:
        import eventlet
        import eventlet.debug
        import eventlet.green.socket
        import eventlet.green.thread
        import eventlet.hubs
        import eventlet.hubs.hub
        import eventlet.queue
        import eventlet.semaphore
        import eventlet.tpool
        import eventlet.wsgi
        import greenlet

        from trireme_agent.green import coordination, hub_sleep
        from trireme_agent.green.http import WsgiServer
        from trireme_agent.green.pool import GreenTaskPool
        from trireme_agent.green.tpool_pair import TpoolPair
    except ModuleNotFoundError as error:
        if error.name not in ("eventlet", "greenlet"):
            raise
        eventlet = None

T = TypeVar("T")
names: Any = importlib.import_module("trireme_agent.command.trireme_watch_names")


class GreenDeadline:
    """rt.timeout: an eventlet.Timeout over the block."""

    def __init__(self, backend: EventletBackend, seconds: float) -> None:
        self._backend = backend
        self._seconds = seconds
        self._timeout: Any = None
        self._at = 0.0
        self._task: Task | None = None

    def due(self) -> bool:
        return self.pending() and bool(eventlet.hubs.get_hub().clock() >= self._at)

    def pending(self) -> bool:
        return bool(self._timeout.pending)

    async def expire(self) -> None:
        self._timeout.cancel()
        raise self._timeout

    def left(self) -> float | None:
        return self._at - eventlet.hubs.get_hub().clock() if self._timeout.pending else None

    async def __aenter__(self) -> None:
        self._at = eventlet.hubs.get_hub().clock() + self._seconds
        self._timeout = eventlet.Timeout(self._seconds)
        self._task = self._backend.current()
        if self._task is not None:
            self._task.deadlines.append(self)

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._timeout.cancel()
        if self._task is not None:
            self._task.deadlines.remove(self)
        if error is self._timeout:
            raise trireme.TimeoutExpired(f"{self._seconds} seconds") from error


class EventletBackend(Backend):
    name = "eventlet"
    model = "green"
    hub = "epolls"  # as Eventlet names it
    correspondences: list[Correspondence]

    @classmethod
    def prepare(cls) -> None:
        if eventlet is None:
            raise trireme.Unsupported(f"eventlet is not installed: {sys.executable} -m pip install eventlet")
        os.environ["EVENTLET_HUB"] = cls.hub  # for the hubs of other threads
        eventlet.hubs.use_hub(cls.hub)
        hub_sleep.tell()
        if "eventlet.support.greendns" in sys.modules:  # as it is where dnspython is installed
            names.hook(sys.modules["eventlet.support.greendns"], probe.call_fails)
        eventlet.monkey_patch()
        eventlet.tpool.tworker = _noting_its_hub(eventlet.tpool.tworker)
        base = eventlet.hubs.hub.BaseHub
        base.add = _noting_who_waits(base.add)

    def environment(self) -> dict[str, Any]:
        hub = type(self.this_hub()).__module__
        versions = {"eventlet": eventlet.__version__, "greenlet": greenlet.__version__}
        patched = eventlet.patcher.is_monkey_patched("socket")
        return {"patched": patched, "hub": hub.rpartition(".")[2], "backend": None, "versions": versions}

    def make_own(self) -> None:
        self._tpool_pair = TpoolPair()

    def enter(self) -> None:
        super().enter()
        eventlet.hubs.use_hub(self.hub)  # the zygote's hub shares its epoll descriptor with every trial
        hub = self.this_hub()
        hub.greenlet.trireme_task = 0  # it is no task
        for name in ("squelch_timer_exception", "squelch_generic_exception", "squelch_exception"):
            setattr(hub, name, self._reporting(getattr(hub, name)))
        greenlet.settrace(probe.greenlet_trace)

    def _reporting(self, squelch: Callable[..., None]) -> Callable[..., None]:
        """The hub's own way with an exception that reached it, recorded first."""

        def report(*args: Any) -> None:
            error = args[-1][1]
            if not isinstance(error, greenlet.GreenletExit):
                self.report("hub", error)
            squelch(*args)

        return report

    def run(self, main: Coroutine[Any, Any, None], task: Task) -> None:
        task.native = greenlet.getcurrent()
        probe.loop_waits(True)  # a loop from the start: main may hold it before the hub has run once
        probe.loop_waits(False)
        self._enter_task(task)
        self.drive(main)

    def own_descriptors(self) -> set[int]:
        pipes = (eventlet.tpool._rsock, eventlet.tpool._wsock)
        hubs = [values["hub"] for values in list(_tpool_hubs.values()) if "hub" in values]
        own = {pipe.fileno() for pipe in pipes if pipe is not None}
        return own.union(self._tpool_pair.descriptors(), *map(self.descriptors_of, hubs))

    def own_threads(self) -> set[int]:
        return {thread.native_id for thread in eventlet.tpool._threads} - _busy

    def parked(self) -> Iterator[tuple[str, list[str]]]:
        for found in self._greenlets():
            if found and not found.dead and found.gr_frame is not None:
                task = getattr(found, "trireme", None)
                name = f"{task.path} {task.name}" if task is not None else f"{type(found).__name__} without a task"
                yield name, errors.shown_stack(found.gr_frame)

    def parked_stack(self, number: int) -> tuple[str, list[str]]:
        for found in self._greenlets():
            if found and getattr(found, "trireme_task", 0) == number:
                return type(found).__name__, errors.frame_stack(found.gr_frame, agents=False)
        return "", []

    def _greenlets(self) -> list[greenlet.greenlet]:
        """With main's, which the collector does not list: it is older than the trial, and frozen."""
        natives = [task.native for task in list(self.live.values()) if isinstance(task.native, greenlet.greenlet)]
        return list({id(each): each for each in natives + _objects_of(greenlet.greenlet)}.values())

    def strays(self) -> list[str]:
        """Green threads by eventlet.spawn, and patched threads; others by spawn_n are bare greenlets, as the runtime's own are.

        Until 3.12 a patched thread is such a bare greenlet, from 3.13 on a green thread by eventlet.spawn.
        """
        found = _objects_of(eventlet.greenthread.GreenThread)
        green = [each for each in found if each and not each.dead and getattr(each, "trireme", None) is None]
        counted = {eventlet.green.thread.get_ident(each) for each in green}
        bare = [thread for thread in _patched_threads() if thread.ident not in counted]
        return ["GreenThread"] * len(green) + [thread.name for thread in bare]

    def timers(self) -> list[str]:
        hub = self.this_hub()
        pending = [timer.tpl for _, timer in [*hub.timers, *hub.next_timers] if timer.pending and hasattr(timer, "tpl")]
        # That of a green thread which was cancelled before it began stays, and starts nothing.
        live = [call for call in pending if not getattr(getattr(call[0], "__self__", None), "dead", False)]
        return [_timer_name(function, arguments) for function, arguments, _ in live]

    async def pause(self, seconds: float) -> None:
        eventlet.sleep(seconds)

    # The hub.

    @staticmethod
    def this_hub() -> Any:
        """That of this thread; made if there is none."""
        return eventlet.hubs.get_hub()

    def descriptors_of(self, hub: Any) -> set[int]:
        """What a hub opened for itself."""
        return {hub.poll.fileno()}

    def has_events(self, hub: Any) -> bool:
        """Whether the hub has something to run beside its timers."""
        return bool(hub.poll.poll(0))

    # Tasks.

    def current(self) -> Task | None:
        return getattr(greenlet.getcurrent(), "trireme", None)

    def _enter_task(self, task: Task | None) -> None:
        here = greenlet.getcurrent()
        here.trireme = task
        here.trireme_task = task.number if task is not None else 0
        probe.set_task(here.trireme_task)

    def start(self, task: Task, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        task.native = eventlet.spawn(self.run_here, task, fn, args)
        task.native.trireme_task = task.number  # before it first runs: the probe numbers what has none

    def run_here(self, task: Task, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        """Runs a task in this green thread, to its end; a full GreenPool runs it inside another task's."""
        outer = self.current()
        task.native = greenlet.getcurrent()
        self._enter_task(task)
        try:
            self.drive(self.body(task, fn, args))
        finally:
            self._enter_task(outer)

    def ended(self, task: Task) -> None:
        super().ended(task)
        for event in task.locals.pop(0, {}).values():
            event.send()

    def cancel(self, task: Task) -> None:
        if not task.started or task.native is greenlet.getcurrent():
            task.cancel_requested = True  # noticed when it starts, or at its next call
        else:
            eventlet.kill(task.native)

    async def wait_task(self, task: Task) -> None:
        if task.outcome is None:
            event = task.locals.setdefault(0, {}).setdefault("ended", eventlet.Event())
            with self.waiting():
                event.wait()

    async def deliver(self, task: Task) -> None:
        if task.cancel_requested:
            task.cancel_requested = False
            raise greenlet.GreenletExit
        while any(deadline.due() for deadline in task.deadlines):
            eventlet.sleep(0)  # the hub raises it here

    def is_stop(self, error: BaseException) -> bool:
        return isinstance(error, (greenlet.GreenletExit, TaskStopped))

    async def sleep(self, seconds: float) -> None:
        with self.waiting():
            eventlet.sleep(seconds)

    async def checkpoint(self) -> None:
        eventlet.sleep(0)

    async def settle(self) -> None:
        """The hub has nothing to run and no descriptor is ready, twice."""
        hub = self.this_hub()
        quiet = 0
        self.settling += 1
        try:
            while quiet < 2:
                eventlet.sleep(0)
                quiet = quiet + 1 if self._is_quiet(hub) else 0
        finally:
            self.settling -= 1

    def _is_quiet(self, hub: Any) -> bool:
        now = hub.clock()
        due = sum(1 for at, timer in [*hub.timers, *hub.next_timers] if at <= now and not timer.called)
        return due < self.settling and not self.has_events(hub)

    def timeout(self, seconds: float) -> GreenDeadline:
        return GreenDeadline(self, seconds)

    # Coordination.

    async def take(self, lock: Any) -> None:
        """Never by acquire(False), which overtakes those that wait; Eventlet's blocking one does not."""
        if coordination.would_wait(lock):
            with self.waiting():
                lock.acquire()
        else:
            lock.acquire()

    async def wait_in(self, call: Callable[[], Any]) -> None:
        with self.waiting():
            call()

    def lock(self) -> sync.Lock:
        return sync.Lock(self, threading.Lock())

    def rlock(self) -> sync.OwnedLock:
        lock: Any = threading.RLock()
        return sync.OwnedLock(self, lock, "rlock", lock._is_owned)

    def semaphore(self, value: int) -> sync.Semaphore:
        return sync.Semaphore(self, eventlet.semaphore.Semaphore(value), value)

    def condition(self) -> sync.Condition:
        lock: Any = threading.RLock()
        return sync.thread_condition(self, threading.Condition(lock), lock)

    def event(self) -> sync.Event:
        return sync.Event(self, threading.Event())

    def queue(self, maxsize: int) -> coordination.Queue:
        return coordination.Queue(self, maxsize)

    def pool(self, size: int) -> Any:
        return GreenTaskPool(self, size)

    # Streams.

    def listen(self, address: Address) -> Any:
        return network.listening(socket.socket(network.family(address)), address)

    async def accept(self, listener: Any) -> Any:
        with self.waiting():
            return network.no_delay(listener.accept()[0])

    async def connect(self, address: Address) -> Any:
        sock = socket.socket(network.family(address))
        try:
            with self.waiting():
                sock.connect(address)
            return network.no_delay(sock)
        except BaseException:
            sock.close()
            raise

    def socketpair(self) -> tuple[Any, Any]:
        one, other = socket.socketpair()
        return one, other

    def dup(self, sock: Any) -> Any:
        return sock.dup()

    async def recv(self, sock: Any, size: int) -> bytes:
        try:
            data: bytes = sock.fd.recv(size)  # GreenSocket.fd is the socket below it, which never blocks
        except OSError:  # nothing there yet, or an error, of which Eventlet makes what it will
            with self.waiting():
                data = sock.recv(size)
        return data

    async def send_all(self, sock: Any, data: bytes) -> None:
        with self.waiting():
            sock.sendall(data)

    def datagram(self, address: Address) -> Any:
        return network.bound(socket.socket(network.family(address), socket.SOCK_DGRAM), address)

    async def recv_from(self, sock: Any, size: int) -> tuple[bytes, Any]:
        try:
            received: tuple[bytes, Any] = sock.fd.recvfrom(size)  # as recv() above
        except OSError:
            with self.waiting():
                received = sock.recvfrom(size)
        return received

    async def send_to(self, sock: Any, data: bytes, address: Address) -> None:
        with self.waiting():
            sock.sendto(data, address)

    # Services.

    async def http_request(self, method: str, url: str, body: bytes | None) -> trireme.Response:
        with self.waiting():
            return network.fetch(http.client.HTTPConnection, method, url, body)

    async def http_server(self, handler: Callable[[trireme.Request], Any], service: Task) -> WsgiServer:
        return WsgiServer(self, handler, service)

    # Outside.

    async def offload(self, fn: Callable[..., T], args: tuple[Any, ...]) -> T:
        with self.waiting():
            result: T = eventlet.tpool.execute(_run_busy, probe.served(fn), args)
        return result

    async def subprocess(self, argv: list[str], stdin: bytes | None) -> trireme.Completed:
        pipe = subprocess.PIPE
        source = pipe if stdin is not None else subprocess.DEVNULL
        with self.waiting(), subprocess.Popen(argv, stdin=source, stdout=pipe, stderr=pipe) as process:
            feeder = None
            try:
                if process.stdin is not None:
                    feeder = eventlet.spawn(_feed, process.stdin, stdin)
                    process.stdin = None  # communicate() would close it
                out, err = process.communicate()
                if feeder is not None:
                    feeder.wait()
            except BaseException:
                if feeder is not None:
                    feeder.kill()
                process.kill()
                raise
        return trireme.Completed(process.returncode, out, err)

    async def resolve(self, host: str) -> list[str]:
        with self.waiting():
            found = socket.getaddrinfo(host, None, 0, socket.SOCK_STREAM)
        return network.addresses(found)


def _feed(pipe: Any, data: bytes) -> None:
    """Writes a program's input, of which it need not read all, as communicate() does. The patched os.write, by which
    Eventlet's own communicate() and pipes write, tries again after EPIPE, for ever and without a pause."""
    left = memoryview(data)
    with contextlib.suppress(BrokenPipeError), pipe:
        while left:
            try:
                left = left[posix.write(pipe.fileno(), left) :]
            except BlockingIOError:
                eventlet.hubs.trampoline(pipe.fileno(), write=True)


# What eventlet.hubs keeps for each thread of tpool, by native id: a hub, once a patched call has waited in it.
_tpool_hubs: dict[int, dict[str, Any]] = {}


def _noting_its_hub(worker: Callable[[], None]) -> Callable[[], None]:
    """The body of a thread of tpool: that it waits for the next function is no leak, so its hub's epoll is none."""

    def run() -> None:
        thread = eventlet.patcher.original("threading").get_native_id()
        _tpool_hubs[thread] = eventlet.hubs._threadlocal.__dict__
        try:
            worker()
        finally:
            del _tpool_hubs[thread]

    return run


def _noting_who_waits(add: Callable[..., Any]) -> Callable[..., Any]:
    """A hub's add(): who calls it waits, unless another green thread of this hub waits for the same already."""

    def noted(hub: Any, direction: str, fd: int, *rest: Any) -> Any:
        try:
            listener = add(hub, direction, fd, *rest)
        except RuntimeError as error:
            if fd in hub.listeners[direction]:
                # Who waits the probe has told, with the stacks of both: a socket is read before it is waited for.
                meetings.note("rejected", direction, fd, str(error).partition(".")[0])
            raise
        probe.wait_for(fd, 0 if direction == "read" else 1)  # some calls do not try before they wait
        return listener

    return noted


_busy: set[int] = set()  # native ids of threads of tpool that run a function


def _run_busy(fn: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    thread = eventlet.patcher.original("threading").get_native_id()
    _busy.add(thread)
    try:
        return fn(*args)
    finally:
        _busy.discard(thread)


def _objects_of(kind: type) -> list[Any]:
    """Never asks an object for its class: that of a proxy or of a workload's own may raise."""
    return [each for each in get_objects() if issubclass(type(each), kind)]


def _patched_threads() -> list[threading.Thread]:
    """Those that live, without what only stands for the main thread, before a fork or after it, or for a green thread."""
    stand_ins = ("_MainThread", "_DummyThread")  # by name: Eventlet keeps an unpatched copy of the module, with its own
    return [each for each in threading.enumerate() if type(each).__name__ not in stand_ins]


def _timer_name(function: Callable[..., Any], arguments: tuple[Any, ...]) -> str:
    """What it calls; a green thread that it starts is named by its function."""
    started = [each for each in arguments if callable(each) and not isinstance(each, greenlet.greenlet)]
    if isinstance(getattr(function, "__self__", None), greenlet.greenlet):
        return errors.callable_name(started[0]) if started else "sleep of a green thread"
    return errors.callable_name(function)


EventletBackend.correspondences = [
    Correspondence("rt.spawn", "eventlet.spawn", "GreenThread; runs when its parent next waits"),
    Correspondence("rt.spawn_after", "ours", "a task that sleeps first, as eventlet.spawn_after does"),
    Correspondence("Task.join", "eventlet.event.Event sent at the end", "as GreenThread.wait"),
    Correspondence("Task.cancel", "GreenThread.kill", "cooperative: raises GreenletExit where it waits, and switches to it"),
    Correspondence("rt.gather", "ours", "GreenPile yields results in order, too"),
    Correspondence("rt.sleep", "eventlet.sleep"),
    Correspondence("rt.checkpoint", "eventlet.sleep(0)"),
    Correspondence("rt.settle", "ours", "the hub has no timer due and no descriptor ready"),
    Correspondence("rt.local", "ours", "patched threading.local is per green thread, which a full GreenPool shares"),
    Correspondence("rt.pool", "eventlet.GreenPool", "submit waits while it is full; from inside a full pool it runs in place"),
    Correspondence("Pool.map", "GreenPool.spawn, then results in order", "as GreenPool.imap"),
    Correspondence("Pool.join", "ours", "GreenPool.waitall must not be called from inside the pool"),
    Correspondence("rt.lock", "threading.Lock, patched", "eventlet.lock.Lock"),
    Correspondence("rt.rlock", "threading.RLock, patched"),
    Correspondence("rt.semaphore", "eventlet.semaphore.Semaphore"),
    Correspondence("rt.condition", "threading.Condition, patched"),
    Correspondence("rt.event", "threading.Event, patched", "eventlet.event.Event cannot be cleared"),
    Correspondence("rt.queue", "eventlet.queue.Queue", "without limit is None: size 0 is a channel"),
    Correspondence("rt.timeout", "eventlet.Timeout", "cooperative: raised by the hub where the task waits"),
    Correspondence("rt.listen, rt.connect", "eventlet.green.socket", "one reader and one writer a descriptor"),
    Correspondence("Stream.recv", "GreenSocket.recv"),
    Correspondence("Stream.send_all", "GreenSocket.sendall"),
    Correspondence("Datagram.recv_from", "GreenSocket.recvfrom"),
    Correspondence("Datagram.send_to", "GreenSocket.sendto", "waits until it may write, then sends"),
    Correspondence("rt.http_server", "eventlet.wsgi.server", "close() lets requests under way go on"),
    Correspondence("rt.http_request", "http.client.HTTPConnection, patched", "one connection a request"),
    Correspondence("rt.periodic", "ours"),
    Correspondence("rt.offload", "eventlet.tpool.execute", "runs on when its waiter is killed"),
    Correspondence("rt.subprocess", "subprocess.Popen.communicate, patched", "killed with its waiter; input by posix.write"),
    Correspondence("rt.resolve", "socket.getaddrinfo, patched", "blocks the hub unless dnspython is installed"),
]

BACKEND = EventletBackend
