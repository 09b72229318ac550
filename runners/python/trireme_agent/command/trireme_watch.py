"""Tells the probe which task runs in a program that is watched from outside, as soon as it imports what has tasks.

Eventlet: every greenlet is one, by greenlet.settrace in each thread that gets a hub. asyncio: every Task of a loop whose
create_task is asyncio's own. Without either a thread is a task, and nothing has to be told. Nothing here may change what
the program does: whatever cannot be hooked stays as it is, and is named to the probe as a WARNING `watch`.

Runs on every Python 3 that the program may be, so it uses nothing newer than 3.8 has.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType, ModuleType
from typing import Any

WARNING, TASK_END, SOCKET = 10, 12, 14  # enum trireme_event
_NOT_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep


# Whose tasks run beside each other in one thread, and tell nobody when they switch.
_UNKNOWN = {"uvloop", "gevent", "trio", "curio"}


class Probe:
    """Those of its builtins that are used here; probe_abi.h has all of them, in order."""

    def __init__(self, builtins: tuple[Callable[..., Any], ...]) -> None:
        self.record = builtins[1]
        self.record_json = builtins[2]
        self.record_for = builtins[3]
        self.new_task = builtins[6]
        self.current_task = builtins[7]
        self.set_task = builtins[8]
        self.greenlet_trace = builtins[9]
        self.set_stack_source = builtins[12]
        self.wait_for = builtins[13]
        self.loop_waits = builtins[14]


def install() -> None:
    """REQUIRES: called before anything else is imported."""
    try:
        function = ctypes.PyDLL(None).trireme_probe_python
    except AttributeError:
        return  # started with another LD_PRELOAD
    function.restype = ctypes.py_object
    probe = Probe(function())
    watch = Watch(probe)
    probe.set_stack_source(watch.describe)
    sys.meta_path.insert(0, watch)


class Sleeping:
    """The module `time` for a hub, which says when it sleeps that its loop waits."""

    def __init__(self, time: Any, loop_waits: Callable[[bool], Any]) -> None:
        self._time = time
        self._loop_waits = loop_waits

    def __getattr__(self, name: str) -> Any:
        return getattr(self._time, name)

    def sleep(self, seconds: float) -> None:
        self._loop_waits(True)
        try:
            self._time.sleep(seconds)
        finally:
            self._loop_waits(False)


class Watch:
    """An import hook, and what it learnt of the program's tasks."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        self.loops: list[Callable[[], Any]] = []  # weak references to the event loops that made tasks
        self._hooks: dict[str, Callable[[Any], None]] = {
            "eventlet.hubs.hub": self._hook_hubs,
            "eventlet.hubs.poll": self._hook_sleep,
            "eventlet.hubs.selects": self._hook_sleep,
            "asyncio.base_events": self._hook_asyncio,
        }

    # sys.meta_path

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        if name in _UNKNOWN:
            _UNKNOWN.remove(name)
            text = f"{name} was imported: its tasks are not told apart, only its threads"
            self.probe.record(WARNING, 0, "watch", text)
        hook = self._hooks.pop(name, None)
        if hook is None:
            return None
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target) if finder is not self and hasattr(finder, "find_spec") else None
            if spec is not None:
                return self._with_hook(spec, name, hook)
        return None

    def _with_hook(self, spec: Any, name: str, hook: Callable[[Any], None]) -> Any:
        execute = spec.loader.exec_module

        def execute_and_hook(module: ModuleType) -> None:
            execute(module)
            try:
                hook(module)
            except Exception as error:  # another version of it than those that this was written for
                self.probe.record(WARNING, 0, "watch", f"the tasks of {name} are not seen: {error!r}")

        try:
            spec.loader.exec_module = execute_and_hook
        except AttributeError:
            self.probe.record(WARNING, 0, "watch", f"the tasks of {name} are not seen: its loader cannot be hooked")
        return spec

    # Eventlet

    def _hook_hubs(self, module: Any) -> None:
        import greenlet

        base, probe = module.BaseHub, self.probe
        begin, add = base.__init__, base.add

        def begin_and_trace(hub: Any, *args: Any, **keywords: Any) -> None:
            begin(hub, *args, **keywords)
            hub.greenlet.trireme_task = 0  # it is no task
            if greenlet.gettrace() is None:
                greenlet.settrace(probe.greenlet_trace)
            elif greenlet.gettrace() is not probe.greenlet_trace:
                probe.record(WARNING, 0, "watch", "green threads are not told apart: another trace function is there")
            here = greenlet.getcurrent()  # it runs already, so that no switch will tell
            if getattr(here, "trireme_task", None) is None:
                here.trireme_task = probe.new_task()
                probe.set_task(here.trireme_task)

        def add_and_note(hub: Any, direction: str, fd: int, *rest: Any) -> Any:
            try:
                listener = add(hub, direction, fd, *rest)
            except RuntimeError as error:
                if fd in hub.listeners[direction]:
                    self._note("rejected", direction, fd, str(error).partition(".")[0])
                raise
            probe.wait_for(fd, 0 if direction == "read" else 1)  # some calls do not try before they wait
            return listener

        base.__init__, base.add = begin_and_trace, add_and_note

    def _hook_sleep(self, module: Any) -> None:
        """A hub without descriptors sleeps instead of polling."""
        module.time = Sleeping(module.time, self.probe.loop_waits)

    def _note(self, action: str, direction: str, fd: int, message: str) -> None:
        try:
            inode = os.fstat(fd).st_ino
        except OSError:
            return
        value = {"direction": direction, "fd": fd, "message": message}
        self.probe.record_json(SOCKET, inode, action, json.dumps(value))

    # asyncio

    def _hook_asyncio(self, module: Any) -> None:
        import weakref
        from collections.abc import Coroutine

        base, probe, loops = module.BaseEventLoop, self.probe, self.loops
        create = base.create_task

        class Steps(Coroutine):  # type: ignore[type-arg]
            """A coroutine that says at each of its steps that its task runs."""

            def __init__(self, coroutine: Any) -> None:
                self.trireme_task = probe.new_task()
                self.coroutine = coroutine

            def __getattr__(self, name: str) -> Any:
                return getattr(self.coroutine, name)

            def send(self, value: Any) -> Any:
                before = probe.current_task()
                probe.set_task(self.trireme_task)
                try:
                    return self.coroutine.send(value)
                except BaseException:  # its end: it waits for nothing any more
                    probe.record_for(self.trireme_task, TASK_END, 0, "returned", None)
                    raise
                finally:
                    probe.set_task(before)

            def throw(self, kind: Any, value: Any = None, trace: Any = None) -> Any:
                before = probe.current_task()
                probe.set_task(self.trireme_task)
                try:
                    return self.coroutine.throw(kind if value is None else value)
                finally:
                    probe.set_task(before)
                    del kind, value, trace  # the traceback of the exception has this frame: a cycle, never freed by counting

            def close(self) -> None:
                self.coroutine.close()
                probe.record_for(self.trireme_task, TASK_END, 0, "cancelled", None)

            def __await__(self) -> Any:
                return self.coroutine.__await__()

        def create_and_tell(loop: Any, coroutine: Any, **options: Any) -> Any:
            if loop._task_factory is None and isinstance(coroutine, Coroutine):
                coroutine = Steps(coroutine)
            if not any(known() is loop for known in loops):
                loops[:] = [known for known in loops if known() is not None] + [weakref.ref(loop)]
            return create(loop, coroutine, **options)

        base.create_task = create_and_tell

    # Stacks

    def describe(self, task: int, thread: int) -> str:
        """The members of a SOCKET event; called by the probe in the thread that came second."""
        name, stack = self._parked(task) if task else ("", [])
        if not stack and thread:
            name, stack = self._running(thread)
        here = threading.current_thread().name
        told = {"name": self._name(self.probe.current_task()) or here, "stack": _frames(sys._getframe(1))}
        return json.dumps(dict(told, other_name=name, other_stack=stack))[1:-1]

    def _name(self, task: int) -> str:
        return self._parked(task)[0] if task else ""

    def _parked(self, number: int) -> tuple[str, list[str]]:
        for loop in [known() for known in self.loops]:
            if loop is None:
                continue
            for task in sys.modules["asyncio"].all_tasks(loop):
                steps = task.get_coro()
                if getattr(steps, "trireme_task", 0) == number:
                    return task.get_name(), _awaits(steps)
        if "greenlet" in sys.modules:
            import gc

            kind = sys.modules["greenlet"].greenlet
            for found in gc.get_objects():
                if issubclass(type(found), kind) and found and getattr(found, "trireme_task", 0) == number:
                    return f"{type(found).__name__} {number}", _frames(found.gr_frame)
        return "", []

    def _running(self, native: int) -> tuple[str, list[str]]:
        for thread in list(getattr(threading, "_active", {}).values()):
            if getattr(thread, "native_id", None) == native:
                return thread.name, _frames(sys._current_frames().get(thread.ident))
        return "", []


def _frames(frame: FrameType | None) -> list[str]:
    """Outermost first, without our own."""
    lines = []
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith(_NOT_OURS):
            lines.append(f"{_place(code.co_filename)}:{frame.f_lineno or 0} in {code.co_name}")
        frame = frame.f_back
    return lines[::-1]


def _awaits(coroutine: Any) -> list[str]:
    lines = []
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame is not None:
            lines.append(f"{_place(frame.f_code.co_filename)}:{frame.f_lineno or 0} in {frame.f_code.co_name}")
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)
    return lines


def _place(file: str) -> str:
    library = file.rfind(f"{os.sep}lib{os.sep}python3")
    return file[library + 1 :] if library >= 0 else file
