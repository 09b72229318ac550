"""The zygote: loads one workload, then forks a process for each trial that the engine asks for."""

from __future__ import annotations

import platform
import posix
import random
import signal
import sys
import threading
from collections.abc import Callable
from gc import collect, freeze  # by name, as what follows: a workload may put others in their place
from posix import fork, pidfd_open
from select import POLLIN, poll
from time import monotonic_ns
from typing import Any

import trireme
from trireme_agent import backends, channel, gil, output, probe, processes, workload
from trireme_agent.backend import Backend


class Zygote:
    """One runner of the protocol. Everything it does after load() uses posix alone: its process may be patched."""

    def __init__(self, control: channel.Channel) -> None:
        self._control = control
        self._backend: Backend | None = None
        self._main: Callable[..., Any] | str = ""
        self._environment: dict[str, Any] = {}
        self._broken = False

    def serve(self) -> int:
        """Returns the exit status once the engine has gone."""
        while True:
            try:
                packet = self._control.receive()
            except channel.ProtocolError as error:
                return self._refuse("protocol", str(error))
            except OSError:
                return 1
            if packet is None:
                return 0
            message, descriptors = packet
            try:
                if not self._handle(message, descriptors):
                    return 1
            finally:
                for fd in descriptors:
                    posix.close(fd)

    def _handle(self, message: dict[str, Any], descriptors: list[int]) -> bool:
        """False: the conversation is over."""
        try:
            if message["type"] == "load" and self._backend is None:
                self._load(message, descriptors)
            elif message["type"] == "trial" and self._backend is not None and (
                len(descriptors) == (5 if message.get("hold") else 3)
            ):
                self._trial(message, descriptors)
            else:
                self._refuse("protocol", f"unexpected message {message['type']!r}")
                return False
        except (KeyError, TypeError) as error:
            self._refuse("protocol", f"a message lacks or mistakes a member: {error}")
            return False
        except OSError as error:
            output.say(f"trireme agent: {error}")
            return False
        return True

    def _refuse(self, reason: str, text: str, line: int = 0) -> int:
        try:
            self._control.send({"type": "refused", "reason": reason, "message": text, "line": line})
        except OSError:
            pass  # nobody is left to be told
        return 1

    def _load(self, message: dict[str, Any], descriptors: list[int]) -> None:
        for fd in descriptors[:1]:
            posix.dup2(fd, 1)
            posix.dup2(fd, 2)
        if message.get("version") != channel.VERSION:
            self._refuse("protocol", f"this agent speaks version {channel.VERSION}, not {message.get('version')}")
            return
        if not probe.preloaded:
            self._refuse("protocol", "the probe library is not preloaded (LD_PRELOAD)")
            return
        try:
            backend = self._make_backend(message["runtime"])
            path = message["workload"]
            self._import_the_rest()
            with gil.watched():
                self._main = path if message.get("isolation") == "process" else workload.load(path)
        except workload.Refused as error:
            self._refuse(error.reason, str(error), error.line)
            return
        except trireme.Unsupported as error:
            self._refuse("unsupported", str(error))
            return
        self._backend = backend
        self._environment = _environment(backend)
        collect()
        freeze()
        answer = {"version": channel.VERSION, "pid": posix.getpid(), "environment": self._environment}
        self._control.send({"type": "ready", **answer, "threads": _threads()})

    def _make_backend(self, runtime: str) -> Backend:
        kind = backends.load(runtime)
        with gil.watched():
            kind.prepare()
            backend = kind()
        if gil.came_back():
            raise trireme.Unsupported(f"{gil.culprit()} turns the GIL of this free-threaded Python on")
        return backend

    def _import_the_rest(self) -> None:
        """What a trial needs, so that its process does not have to import it: before the workload may change it."""
        from trireme_agent import trial

        self._run_trial = trial.run
        random.Random("")  # from 3.13 on the first text that seeds one imports a module

    def _trial(self, message: dict[str, Any], descriptors: list[int]) -> None:
        assert self._backend is not None
        output.flush()
        try:
            pid = fork()
        except OSError as error:
            self._control.send({"type": "failed", "message": f"cannot fork a process for the trial: {error.strerror}"})
            return
        if pid == 0:
            self._control.close()
            self._run_trial(self._backend, message, descriptors, self._environment, self._main)
        pidfd = pidfd_open(pid)
        try:
            self._control.send({"type": "started", "pid": pid}, [pidfd])
            self._wait(pid, pidfd)
        finally:
            posix.close(pidfd)

    def _wait(self, pid: int, pidfd: int) -> None:
        """Until the trial's process has ended; ends it when the engine goes away meanwhile."""
        poller = poll()
        poller.register(pidfd, POLLIN)
        poller.register(self._control.fileno(), 0)  # only that it was closed
        while pidfd not in dict(poller.poll()):
            posix.kill(pid, signal.SIGKILL)
            poller.unregister(self._control.fileno())
        _, status, usage = posix.wait4(pid, 0)
        end = monotonic_ns()
        orphans = processes.end_orphans()
        ended = {"pid": pid, "status": status, "user": usage.ru_utime, "system": usage.ru_stime}
        self._control.send({"type": "ended", **ended, "rss": usage.ru_maxrss * 1024, "time": end, "orphans": orphans})


def _environment(backend: Backend) -> dict[str, Any]:
    own = backend.environment()
    build = "t" if gil.FREE_THREADED else ""
    return {
        "runtime": backend.name,
        "model": backend.model,
        "interpreter": f"{sys.version_info.major}.{sys.version_info.minor}{build}",
        **own,
        "gil": not gil.FREE_THREADED or gil.came_back(),
        "versions": {"python": platform.python_version(), **own["versions"]},
    }


def _threads() -> list[str]:
    """Names of the native threads beside the main one."""
    names = {getattr(thread, "native_id", None): thread.name for thread in threading.enumerate()}
    others = [number for number in processes.thread_ids() if number != posix.getpid()]
    return [names.get(number) or processes.read(f"/proc/self/task/{number}/comm").strip() for number in others]
