"""Tasks are native threads: preempted anywhere, blocked in the kernel."""

from __future__ import annotations

import concurrent.futures
import functools
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from subprocess import DEVNULL, PIPE, Popen
from time import sleep  # by name: a workload may put another in its place
from typing import Any, TypeVar

import trireme
from trireme_agent import errors, meetings, network, probe, sync
from trireme_agent.backend import Address, Correspondence
from trireme_agent.idle import IdleThreads
from trireme_agent.task import Task
from trireme_agent.threads import coordination, sockets
from trireme_agent.threads.http import ThreadHttpServer
from trireme_agent.threads.pool import ThreadPool
from trireme_agent.threads.waiting import WaitingBackend, Wakeup

T = TypeVar("T")


class ThreadState:
    """What a task of this backend keeps of its thread."""

    def __init__(self, backend: ThreadingBackend) -> None:
        self.wakeup = Wakeup()
        self.ended = coordination.InterruptibleEvent(backend)
        self.thread = 0  # native id, once it runs
        self.pool: ThreadPool | None = None


class ThreadingBackend(WaitingBackend):
    name = "threading"
    model = "native"

    @classmethod
    def prepare(cls) -> None:
        pass  # all of it is in the standard library

    def __init__(self) -> None:
        super().__init__()
        self.idle = IdleThreads()
        # Starts no thread yet. As many as are asked for: a thread that blocks would not queue behind others either.
        self._executor = concurrent.futures.ThreadPoolExecutor(256, "offload", self.idle.add)

    def environment(self) -> dict[str, Any]:
        return {"patched": False, "hub": None, "backend": None, "versions": {}}

    def run(self, main: Coroutine[Any, Any, None], task: Task) -> None:
        self._run(task, lambda: self.drive(main))

    def own_descriptors(self) -> set[int]:
        return set(Wakeup.descriptors)

    def own_threads(self) -> set[int]:
        return self.idle.native_ids()

    def parked(self) -> Iterator[tuple[str, list[str]]]:
        """Those of the threads say not which task is whose."""
        for task in list(self.live.values()):
            stack = errors.shown_stack(meetings.frame_of(task.native.thread))
            if stack:
                yield f"{task.path} {task.name}", stack

    async def pause(self, seconds: float) -> None:
        sleep(seconds)

    # Tasks.

    def adopt(self, task: Task) -> Task:
        task.native = ThreadState(self)
        return task

    def start(self, task: Task, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        threading.Thread(target=self.run_here, args=(task, fn, args), name=task.name).start()

    def run_here(self, task: Task, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        """Runs a task in this thread, to its end."""
        self._run(task, lambda: self.drive(self.body(task, fn, args)))

    def _run(self, task: Task, run: Callable[[], None]) -> None:
        task.native.thread = threading.get_native_id()
        self.here.task = task
        probe.set_task(task.number)
        try:
            run()
        finally:
            probe.set_task(0)
            self.here.task = None
            task.native.wakeup.close()

    def ends_child(self, task: Task) -> bool:
        """No other thread is in it."""
        return True

    def ended(self, task: Task) -> None:
        super().ended(task)
        task.native.ended.set()

    async def wait_task(self, task: Task) -> None:
        task.native.ended.wait()

    async def settle(self) -> None:
        """Two looks a millisecond apart at which every other task is in a wait, and no thread of them has run between.

        A thread that was woken but waits for the GIL is in its wait too; it gets the GIL while this one sleeps.
        """
        me = self.current()
        with self.waiting():
            before = None
            while True:
                self.check(me)
                now = self._look(me)
                if now is not None and now == before:
                    return
                before = now
                sleep(0.001)

    def _look(self, me: Task | None) -> list[tuple[int, int, str]] | None:
        """What the threads of the other tasks have run so far; None when one of them is not blocked."""
        seen = []
        for task in list(self.live.values()):
            if task is me or task.kind == "settle":
                continue
            if not task.started:
                if task.native.pool is None or not task.native.pool.full():
                    return None
                continue
            ran = _thread_ran(task.native.thread)
            if not task.blocked or ran is None:
                return None
            seen.append((task.number, task.ordinal, ran))
        return seen

    # Coordination.

    def lock(self) -> sync.Lock:
        return sync.Lock(self, threading.Lock())

    def rlock(self) -> sync.OwnedLock:
        lock: Any = threading.RLock()
        return sync.OwnedLock(self, lock, "rlock", lock._is_owned)

    def semaphore(self, value: int) -> sync.Semaphore:
        return sync.Semaphore(self, coordination.InterruptibleSemaphore(self, value), value)

    def condition(self) -> sync.Condition:
        lock: Any = threading.RLock()
        return sync.thread_condition(self, coordination.InterruptibleCondition(self, lock), lock)

    def event(self) -> coordination.Event:
        return coordination.Event(self)

    def queue(self, maxsize: int) -> coordination.Queue:
        return coordination.Queue(self, maxsize)

    def pool(self, size: int) -> ThreadPool:
        return ThreadPool(self, size)

    # Streams.

    def listen(self, address: Address) -> sockets.TaskSocket:
        return sockets.listen(self, address)

    async def accept(self, listener: sockets.TaskSocket) -> sockets.TaskSocket:
        return listener.accept_task()

    async def connect(self, address: Address) -> sockets.TaskSocket:
        return sockets.connect(self, address)

    def socketpair(self) -> tuple[sockets.TaskSocket, sockets.TaskSocket]:
        one, other = socket.socketpair()
        return sockets.TaskSocket.adopt(self, one), sockets.TaskSocket.adopt(self, other)

    def dup(self, sock: sockets.TaskSocket) -> sockets.TaskSocket:
        return sock.dup()

    async def recv(self, sock: sockets.TaskSocket, size: int) -> bytes:
        return sock.recv(size)

    async def send_all(self, sock: sockets.TaskSocket, data: bytes) -> None:
        sock.sendall(data)

    def datagram(self, address: Address) -> sockets.TaskSocket:
        return sockets.datagram(self, address)

    async def recv_from(self, sock: sockets.TaskSocket, size: int) -> tuple[bytes, Any]:
        return sock.recvfrom(size)

    async def send_to(self, sock: sockets.TaskSocket, data: bytes, address: Address) -> None:
        sock.send_to(data, address)

    # Services.

    async def http_request(self, method: str, url: str, body: bytes | None) -> trireme.Response:
        return network.fetch(functools.partial(sockets.HttpConnection, self), method, url, body)

    async def http_server(self, handler: Callable[[trireme.Request], Any], service: Task) -> ThreadHttpServer:
        return ThreadHttpServer(self, handler, service)

    # Outside.

    async def offload(self, fn: Callable[..., T], args: tuple[Any, ...]) -> T:
        future = self._executor.submit(self.idle.run, probe.served(fn), args)
        ended = coordination.InterruptibleEvent(self)
        future.add_done_callback(lambda _: ended.set())
        ended.wait()
        result: T = future.result()
        return result

    async def subprocess(self, argv: list[str], stdin: bytes | None) -> trireme.Completed:
        source = PIPE if stdin is not None else DEVNULL
        process = Popen(argv, stdin=source, stdout=PIPE, stderr=PIPE)
        try:
            out, err = await self.offload(process.communicate, (stdin,))
        except BaseException:
            process.kill()  # which ends communicate() too, and so its thread
            process.wait()
            raise
        return trireme.Completed(process.returncode, out, err)

    async def resolve(self, host: str) -> list[str]:
        found = await self.offload(socket.getaddrinfo, (host, None, 0, socket.SOCK_STREAM))
        return network.addresses(found)

    correspondences = [
        Correspondence("rt.spawn", "threading.Thread(...).start()", "not daemon"),
        Correspondence("rt.spawn_after", "ours", "a thread that sleeps first; threading.Timer has no result"),
        Correspondence("Task.join", "threading.Event set at the end", "Thread.join gives no result and cannot be ended"),
        Correspondence("Task.cancel", "ours", "cooperative: noticed at the next API call, or in the one that waits"),
        Correspondence("rt.gather", "ours", "concurrent.futures.wait for executors"),
        Correspondence("rt.sleep", "lock acquire with a timeout", "time.sleep cannot be ended by cancel()"),
        Correspondence("rt.checkpoint", "time.sleep(0)", "lets go of the GIL"),
        Correspondence("rt.settle", "ours", "every thread in a wait and without processor time, twice"),
        Correspondence("rt.local", "ours", "threading.local belongs to a worker thread, which pools use again"),
        Correspondence("rt.pool", "concurrent.futures.ThreadPoolExecutor", "submit never waits"),
        Correspondence("Pool.map", "Executor.submit, then results in order"),
        Correspondence("Pool.join", "Executor.shutdown(wait=True)"),
        Correspondence("rt.lock", "threading.Lock", "a blocked acquire notices cancel and deadlines every 20 ms"),
        Correspondence("rt.rlock", "threading.RLock", "as rt.lock"),
        Correspondence("rt.semaphore", "threading.Semaphore"),
        Correspondence("rt.condition", "threading.Condition"),
        Correspondence("rt.event", "threading.Event"),
        Correspondence("rt.queue", "queue.Queue"),
        Correspondence("rt.timeout", "ours", "cooperative: a TimeoutError subclass, raised by the call that waits"),
        Correspondence("rt.listen, rt.connect", "socket.socket", "waits in poll beside the task's eventfd"),
        Correspondence("Stream.recv", "socket.recv(MSG_DONTWAIT), then poll"),
        Correspondence("Stream.send_all", "socket.send(MSG_DONTWAIT), then poll"),
        Correspondence("Datagram.recv_from", "socket.recvfrom(MSG_DONTWAIT), then poll"),
        Correspondence("Datagram.send_to", "socket.sendto(MSG_DONTWAIT), then poll"),
        Correspondence("rt.http_server", "http.server.ThreadingHTTPServer", "close() lets requests under way go on"),
        Correspondence("rt.http_request", "http.client.HTTPConnection", "one connection a request"),
        Correspondence("rt.periodic", "ours", "threading.Timer runs once"),
        Correspondence("rt.offload", "concurrent.futures.ThreadPoolExecutor.submit", "runs on when its waiter is cancelled"),
        Correspondence("rt.subprocess", "subprocess.Popen.communicate in an executor", "killed with its waiter"),
        Correspondence("rt.resolve", "socket.getaddrinfo in an executor", "runs on when its waiter is cancelled"),
    ]


def _thread_ran(thread: int) -> str | None:
    """How long a sleeping thread has run and how often; None when it is not asleep, or gone."""
    folder = f"/proc/self/task/{thread}/"
    try:
        with open(folder + "stat", "rb") as stat, open(folder + "schedstat", "rb") as schedstat:
            state = stat.read().rpartition(b")")[2].split()[0]
            return schedstat.read().decode() if state in b"SD" else None
    except OSError:
        return None


BACKEND = ThreadingBackend
