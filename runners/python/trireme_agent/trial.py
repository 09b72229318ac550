"""One trial: what the forked process does from its first line to os._exit.

Its exit: records, then the exit handlers (atexit) of the program, flushed output, and os._exit, so that non-daemon
threads that leaked cannot hold it up. After a leak the exit handlers are left out too: they wait for what leaked.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import posix
import random
import sys
import threading
from atexit import _ncallbacks, _run_exitfuncs  # by name, as what follows: a workload may put others in their place
from collections.abc import Callable, Iterator
from gc import collect
from typing import Any, NoReturn

import trireme
from trireme_agent import (
    census,
    creations,
    ending,
    errors,
    gil,
    meetings,
    output,
    own_pairs,
    probe,
    processes,
    recorder,
    stacks,
    unasked,
    unawaited,
    unraisable,
    workload,
)
from trireme_agent.backend import Backend
from trireme_agent.runtime import Runtime
from trireme_agent.task import Task

_GRACE = 0.5  # seconds that the workload's tasks may take to end after main
_FIRST_PAUSE = 0.0005


def run(
    backend: Backend,
    message: dict[str, Any],
    descriptors: list[int],
    environment: dict[str, Any],
    main: Callable[..., Any] | str,
) -> NoReturn:
    """Runs a trial in this process, which was forked for it. `main`: the function, or the path to load it from."""
    status = 1
    try:
        _enter_process(message, descriptors, backend)
        trial = _Trial(backend, message, environment, descriptors[3:])
        stacks.install(descriptors[2], backend)
        trial.run(main)
        status = 0
    except BaseException as error:
        output.show(error)
    finally:
        ending.leave(status)


def _enter_process(message: dict[str, Any], descriptors: list[int], backend: Backend) -> None:
    posix.setsid()
    null = posix.open("/dev/null", posix.O_RDWR)
    for source, target in ((null, 0), (descriptors[0], 1), (descriptors[1], 2)):
        posix.dup2(source, target)
    posix.close(null)
    posix.close(descriptors[0])
    posix.close(descriptors[1])
    posix.chdir(message["directory"])
    os.environ["TRIREME_HISTORY"] = message["history"]
    if message.get("temporary"):
        os.environ["TMPDIR"] = message["temporary"]
        if tempfile := sys.modules.get("tempfile"):
            tempfile.tempdir = None  # type: ignore[attr-defined]  # it may know another one already
    os.environ["PYTHONHASHSEED"] = "0"
    if message.get("memory"):
        _limit_memory(message["memory"])
    backend.make_own()
    error = probe.attach(message["history"])
    if error:
        raise OSError(error, os.strerror(error), message["history"])
    os.register_at_fork(after_in_child=recorder.inherit)


def _limit_memory(size: int) -> None:
    import resource

    size += processes.reserved_memory()
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = size if hard == resource.RLIM_INFINITY else min(size, hard)  # whoever started us may allow less
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


class _Trial:
    def __init__(
        self, backend: Backend, message: dict[str, Any], environment: dict[str, Any], hold: list[int]
    ) -> None:
        self._backend = backend
        self._hold = hold
        self._message = message
        self._environment = environment
        self._over = threading.Lock()
        self._recorded = False
        self._process = posix.getpid()
        backend.abort = self._abort

    def run(self, main: Callable[..., Any] | str) -> None:
        message = self._message
        backend = self._backend
        own_pairs.install()
        unraisable.watch(self._reporting("unraisable"))
        backend.enter()
        backend.has_task_faults = probe.point("", "", 0) != 0
        meetings.install(backend)
        creations.install()
        unawaited.watch()
        unasked.watch(self._reporting("never-retrieved"))
        random.seed(message["inputs"])
        self._census = census.Census(backend)
        begin = {key: message.get(key) for key in ("seed", "inputs", "params")}
        begin |= {"runtime": backend.name, "environment": self._environment}
        probe.record_json(probe.BEGIN, 0, "", recorder.to_json(begin))
        self._rt = Runtime(backend, message["seed"], message["inputs"], self._environment["interpreter"])
        self._task = backend.adopt(Task(backend, None, None))
        backend.live[self._task.number] = self._task
        self._await_limits()
        try:
            backend.run(self._main(main), self._task)
        except BaseException as error:
            self._end_without_runtime(error)

    def _reporting(self, where: str) -> Callable[[Exception], None]:
        """What is made after the end, by exit handlers, or in a forked child is no doing of the trial."""

        def report(error: Exception) -> None:
            if not self._recorded and not ending.is_child(self._process):
                self._backend.report(where, error)

        return report

    def _await_limits(self) -> None:
        """`hold` of the protocol. The runtime has what it needs by now, and no task or loop is held up by it."""
        if not self._hold:
            return
        told, go = self._hold
        posix.write(told, b"h")
        posix.read(go, 1)
        posix.close(told)
        posix.close(go)

    def _end_without_runtime(self, error: BaseException) -> NoReturn:
        """The workload broke what its tasks run on (closed the loop's descriptors, say), with main ended or not."""
        if ending.is_child(self._task.process):
            ending.leave_child(error)
        if self._recorded:
            raise error
        if self._task.outcome is None:
            self._task.finish("raised", None, error)
            self._forget(self._task)
        else:
            self._backend.report("loop", error)
        self._record_end(self._look())
        ending.leave(0)

    async def _main(self, main: Callable[..., Any] | str) -> None:
        backend, task = self._backend, self._task
        with contextlib.suppress(GeneratorExit):  # of a future that main waited for: Python closed body(), which ended it
            await backend.body(task, self._call, (main,))
        self._forget(task)
        found = await self._look_for_the_rest()
        self._record_end(found)
        if not found:
            _run_exitfuncs()
        elif _ncallbacks():
            output.say("trireme: what is registered with atexit was not run: it may wait for what outlived the workload")
        ending.leave(0)

    async def _call(self, main: Callable[..., Any] | str) -> None:
        if isinstance(main, str):
            with gil.watched(), _loading():
                main = workload.load(main)
        if inspect.iscoroutinefunction(main):
            await main(self._rt, self._message["params"])
            return
        result = await self._backend.run_plain(main, (self._rt, self._message["params"]))
        if inspect.iscoroutine(result):  # a decorated main does not look like the coroutine function that it is
            await result
        elif inspect.isgenerator(result) or inspect.isasyncgen(result):
            raise TypeError(f"main returned a generator, so nothing of it ran: {result.__name__}")

    def _forget(self, main: Task) -> None:
        """What main raised is in the end of the trial."""
        with contextlib.suppress(ValueError):
            self._backend.unjoined.remove(main)  # in place: other threads may add theirs meanwhile

    def _look(self) -> dict[str, list[dict[str, Any]]]:
        found = self._census.take(self._task)
        return found | ({"unseen": self._census.unseen} if self._census.unseen else {})

    async def _look_for_the_rest(self) -> dict[str, list[dict[str, Any]]]:
        """What outlived the workload and its grace."""
        collect()  # what nobody holds any more is no leak, and tasks whose exception nobody took speak up
        found = self._look()
        waited, pause = 0.0, _FIRST_PAUSE
        while found and waited < _GRACE:
            with contextlib.suppress(BaseException):  # main was cancelled, or a timeout of it came, after its end
                await self._backend.pause(pause)
            waited, pause = waited + pause, min(2 * pause, _GRACE / 10)
            found = self._look()
        return found

    def _record_end(self, found: dict[str, list[dict[str, Any]]]) -> None:
        backend, task = self._backend, self._task
        unasked.report_living(self._reporting("never-retrieved"))
        self._over.acquire()
        self._recorded = True
        for other in backend.unjoined:
            if not other.joined and other.error is not None:
                probe.record_json_for(other.number, probe.EXCEPTION, 0, "task", errors.to_json(other.error))
                output.show(other.error)
        census.record(found)
        gil.record()
        if backend.unsupported is not None:
            _record_end(task, "unsupported", backend.unsupported)
        elif task.error is not None:
            output.show(task.error)
            _record_end(task, "raised", task.error)
        elif task.outcome == "cancelled":
            _record_end(task, "raised", trireme.Cancelled("main was cancelled"))
        else:
            probe.record_json_for(task.number, probe.END, 0, "returned", "null")

    def _abort(self, how: str, error: BaseException) -> NoReturn:
        if ending.is_child(self._task.process):
            ending.leave_child(error)
        self._over.acquire()
        _record_end(self._task, how, error)
        ending.leave(0)


@contextlib.contextmanager
def _loading() -> Iterator[None]:
    """So that a trial that hangs as it loads its workload says so."""
    probe.record(probe.WAIT, 0, "load", None)
    try:
        yield
    finally:
        probe.record(probe.WAKE, 0, "load", None)


def _record_end(task: Task, how: str, error: BaseException) -> None:
    probe.record_json_for(task.number, probe.END, 0, how, errors.to_json(error))
