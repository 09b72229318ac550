"""What outlived the workload: tasks, timers, native threads, descriptors, child processes."""

from __future__ import annotations

import _socket
import contextlib
import errno
import os
import posix
import resource
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from trireme_agent import creations, errors, probe, processes, recorder
from trireme_agent.backend import Backend
from trireme_agent.streams import descriptors
from trireme_agent.task import Task

_PROBES_OWN = "trireme-watch"  # the probe's threads that look at the loops


class Census:
    """Taken once before the workload and again after it: what is there now and was not there then."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._threads = set(processes.thread_ids())
        self._descriptors = _descriptors()
        self._processes = set(processes.children())
        self.unseen: list[dict[str, Any]] = []  # the kinds that the last look could not take in, and why

    def take(self, main: Task) -> dict[str, list[dict[str, Any]]]:
        """By kind, empty kinds left out. Raises nothing: the workload may have taken away what looking needs."""
        found: dict[str, list[dict[str, Any]]] = {}
        looks: dict[str, Callable[[], list[dict[str, Any]]]] = {
            "tasks": lambda: self._tasks(main),
            # Those of tasks that live are theirs.
            "timers": lambda: [] if found.get("tasks") else [{"name": name} for name in self._backend.timers()],
            "threads": self._native_threads,
            "descriptors": self._open_descriptors,
            "processes": self._children,
        }
        self.unseen = []
        for kind, look in looks.items():
            try:
                found[kind] = _with_room(look)
            except OSError as error:
                self.unseen.append({"name": kind, "reason": errors.message(OSError(error.strerror or error))})
            except Exception as error:
                reason = f"{errors.class_name(type(error))}: {errors.message(error)}"
                self.unseen.append({"name": kind, "reason": reason})
        return {kind: entries for kind, entries in found.items() if entries}

    def _tasks(self, main: Task) -> list[dict[str, Any]]:
        tasks = [task for task in list(self._backend.live.values()) if task is not main]
        ours = [{"name": task.name, "path": task.path, "task": task.number, "waits": task.kind} for task in tasks]
        return ours + [{"name": name, "path": "", "task": 0, "waits": None} for name in self._backend.strays()]

    def _native_threads(self) -> list[dict[str, Any]]:
        """Threads that no task of the census stands for."""
        of_tasks = {getattr(task.native, "thread", 0) for task in list(self._backend.live.values())}
        names = {getattr(thread, "native_id", None): thread.name for thread in threading.enumerate()}
        left = set(processes.thread_ids()) - self._threads - self._backend.own_threads() - of_tasks
        found = [{"name": names.get(number) or thread_name(number), "thread": number} for number in sorted(left)]
        return [thread for thread in found if thread["name"] != _PROBES_OWN]

    def _open_descriptors(self) -> list[dict[str, Any]]:
        own = self._backend.own_descriptors() | _of_multiprocessing()
        stacks = creations.stacks()
        entries = []
        for fd, target in sorted(_descriptors().items()):
            if fd in own or self._descriptors.get(fd) == target:
                continue
            what, path = descriptors.maker(fd)
            entry = {"name": what or _kind(target, fd), "fd": fd, "target": target, "path": path}
            stack = stacks.get(fd) or creations.of_file(target)
            entries.append(entry | ({"stack": stack} if stack else {}))
        return entries

    def _children(self) -> list[dict[str, Any]]:
        left = [pid for pid in processes.children() if pid not in self._processes and not processes.is_zombie(pid)]
        left = [pid for pid in left if not processes.is_of_multiprocessing(pid)]
        return [{"name": processes.command(pid), "pid": pid} for pid in left]


def _of_multiprocessing() -> set[int]:
    """The pipes whose ends tell its tracker of resources and its fork server that this process is gone: kept until then."""
    tracker = getattr(sys.modules.get("multiprocessing.resource_tracker"), "_resource_tracker", None)
    fork_server = getattr(sys.modules.get("multiprocessing.forkserver"), "_forkserver", None)
    kept = (getattr(tracker, "_fd", None), getattr(fork_server, "_forkserver_alive_fd", None))
    return {fd for fd in kept if fd is not None}


def _listens(fd: int) -> bool:
    sock = _socket.socket(fileno=fd)
    try:
        return bool(sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ACCEPTCONN))
    except OSError:  # of a family that has no such option
        return False
    finally:
        sock.detach()


def _with_room(look: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """To look takes descriptors: where there are no more, those between the soft limit and the hard one."""
    try:
        return look()
    except OSError as error:
        if error.errno != errno.EMFILE:
            raise
    with _raised_limit():
        return look()


@contextlib.contextmanager
def _raised_limit() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def record(found: dict[str, list[dict[str, Any]]]) -> None:
    for kind, entries in found.items():
        probe.record_json(probe.CENSUS, 0, kind, recorder.to_json(entries))


def thread_name(number: int) -> str:
    return processes.read(f"/proc/self/task/{number}/comm").strip() or str(number)


def _descriptors() -> dict[int, str]:
    found = {}
    for name in posix.listdir("/proc/self/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            pass  # that of the listing itself
    return found


def _kind(target: str, fd: int) -> str:
    """`socket` or `pipe`, whose number says nothing; `anon_inode:[eventpoll]` and the like in full."""
    if target.startswith("anon_inode:"):
        return target
    if target.startswith("socket:") and _listens(fd):
        return "listening socket"
    return target.partition(":")[0] if ":" in target else "file"
