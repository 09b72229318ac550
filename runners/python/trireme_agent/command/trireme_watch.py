"""Tells the probe which task runs in a program that is watched from outside, as soon as it imports what has tasks.

Eventlet and gevent: every greenlet is one, by greenlet.settrace in each thread that gets a hub; of threads without one see
trireme_watch_greenlets.py. asyncio, with uvloop too:
see trireme_watch_loops.py. Without any of them a thread is a task, and nothing has to be told. Nothing here may change what
the program does: whatever cannot be hooked stays as it is, and is named to the probe as a WARNING `watch`.

Runs on every Python 3 that the program may be, so it uses nothing newer than 3.8 has.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType, ModuleType
from typing import Any

import trireme_builtins
import trireme_own_pairs
import trireme_watch_greenlets
import trireme_watch_loops
import trireme_watch_names
import trireme_watch_readers
from trireme_sources import answering
from trireme_watch_callbacks import place_of

WARNING, SOCKET = 10, 14  # enum trireme_event
_NOT_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep


# The parameters of eventlet.hubs.hub.BaseHub.add, as of every version that is in use.
_ADD = ("self", "evtype", "fileno", "cb", "tb", "mark_as_closed")

# Whose tasks run beside each other in one thread, and tell nobody when they switch.
_APART = "{} was imported: its tasks are not told apart, only its threads"
# As the probe says it (harness/probe/python.cc), which nobody there asks where ctypes is not to be had.
_WITHIN = "of interpreters within the interpreter only the threads are told apart, not the tasks"
_UNKNOWN = {name: _APART.format(name) for name in ("trio", "curio")}
_UNKNOWN.update(dict.fromkeys(("_interpreters", "_xxsubinterpreters"), _WITHIN))


class Probe:
    """Those of its builtins that are used here; probe_abi.h has all of them, in order."""

    def __init__(self, builtins: tuple[Callable[..., Any], ...]) -> None:
        self.record = builtins[1]
        self.record_json = builtins[2]
        self.record_for = builtins[3]
        self.record_json_for = builtins[4]
        self.new_operation = builtins[11]
        self.new_task = builtins[6]
        self.current_task = builtins[7]
        self.set_task = builtins[8]
        self.greenlet_trace = builtins[9]
        self.set_stack_source = builtins[12]
        self.wait_for = builtins[13]
        self.loop_waits = builtins[14]
        self.step = builtins[16]
        self.wait_standing = builtins[17]
        self.call_fails = builtins[19]
        self.switch_without_hub = builtins[21]
        self.set_reader_source = builtins[22]
        self.loop_runs = builtins[23]
        self.own_pairs = builtins[24]
        self.set_writer_source = builtins[25]


def install() -> None:
    """REQUIRES: called before anything else is imported."""
    builtins = trireme_builtins.load()
    if builtins is None:
        return  # started with another LD_PRELOAD, or an interpreter within the interpreter
    probe = Probe(builtins)
    watch = Watch(probe)
    probe.set_stack_source(answering(watch.describe, ""))
    probe.set_reader_source(answering(watch.loops.describe_reader, ""))
    probe.set_writer_source(answering(watch.loops.describe_writer, ""))
    wanted = os.environ.get("TRIREME_WATCH_LOCKS", "").split(",")
    if any(wanted):
        import trireme_watch_sync  # which nobody else pays for

        trireme_watch_sync.install(watch, "lock-order" in wanted, _frames)
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
            self._time.sleep(seconds)  # what the hub asked for
        finally:
            self._loop_waits(False)


class Watch:
    """An import hook, and what it learnt of the program's tasks."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        readers = trireme_watch_readers.SharedReaders(probe, _frames)
        self._note = answering(self.note, None)  # inside calls of the program
        self.loops = trireme_watch_loops.Loops(probe, self._note, readers)
        self._switched_by_program = trireme_watch_greenlets.trace(probe.switch_without_hub)
        self._hooks: dict[str, Callable[[Any], None]] = {
            "greenlet": lambda module: trireme_watch_greenlets.hook(module, self._switched_by_program),
            "eventlet.hubs.hub": self._hook_eventlet,
            "eventlet.hubs.poll": self._hook_sleep,
            "eventlet.hubs.selects": self._hook_sleep,
            "eventlet.support.greendns": self._hook_names,
            "eventlet.tpool": lambda module: trireme_own_pairs.hook_tpool(module, self.probe.own_pairs),
            "gevent.hub": self._hook_gevent,
            "gevent._socketcommon": self._hook_gevent_sockets,
            "asyncio.base_events": self.loops.hook_asyncio,
            "asyncio.selector_events": self.loops.hook_selector,
            "asyncio.streams": self.loops.hook_streams,
            "asyncio.unix_events": self.loops.hook_pipes,
            "uvloop": self.loops.hook_uvloop,
        }

    def hook_later(self, name: str, hook: Callable[[Any], None]) -> None:
        """Calls it with the module of that name as soon as that is imported, after what is called then already."""
        if name in sys.modules:
            hook(sys.modules[name])
            return
        first = self._hooks.get(name)

        def hook_both(module: Any) -> None:
            if first is not None:
                first(module)
            hook(module)

        self._hooks[name] = hook_both

    # sys.meta_path

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        if name in _UNKNOWN:
            self.probe.record(WARNING, 0, "watch", _UNKNOWN.pop(name))
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

    # Green threads

    def _hook_names(self, module: Any) -> None:
        trireme_watch_names.hook(module, self.probe.call_fails)

    def _hook_eventlet(self, module: Any) -> None:
        base, wait_for = module.BaseHub, self.probe.wait_for
        begin, add = base.__init__, base.add

        def begin_and_trace(hub: Any, *args: Any, **keywords: Any) -> None:
            begin(hub, *args, **keywords)
            self._trace(hub.greenlet)

        def note_refused(hub: Any, direction: str, fd: int, error: RuntimeError) -> None:
            listener = hub.listeners[direction].get(fd)
            if listener is not None:
                green = getattr(listener, "greenlet", None)
                self._note("rejected", direction, fd, str(error).partition(".")[0], green)

        # Some calls do not try before they wait.
        def add_and_note(hub: Any, direction: str, fd: int, ready: Any, gone: Any, closed: Any) -> Any:
            try:
                listener = add(hub, direction, fd, ready, gone, closed)
            except RuntimeError as error:
                note_refused(hub, direction, fd, error)
                raise
            wait_for(fd, direction == "write")
            return listener

        def add_whatever_and_note(hub: Any, direction: str, fd: int, *rest: Any) -> Any:
            try:
                listener = add(hub, direction, fd, *rest)
            except RuntimeError as error:
                note_refused(hub, direction, fd, error)
                raise
            wait_for(fd, direction == "write")
            return listener

        # Each wait of a task comes through here, and one that hands on any arguments costs half a microsecond more.
        known = add.__code__.co_varnames[: add.__code__.co_argcount] == _ADD
        base.__init__, base.add = begin_and_trace, add_and_note if known else add_whatever_and_note

    def _hook_sleep(self, module: Any) -> None:
        """A hub without descriptors sleeps instead of polling."""
        module.time = Sleeping(module.time, self.probe.loop_waits)

    def _hook_gevent(self, module: Any) -> None:
        begin = module.Hub.__init__

        def begin_and_trace(hub: Any, *args: Any, **keywords: Any) -> None:
            begin(hub, *args, **keywords)
            self._trace(hub)

        module.Hub.__init__ = begin_and_trace

    def _hook_gevent_sockets(self, module: Any) -> None:
        """Its loop registers a socket at its next turn only, and before that another green thread may come."""
        mixin, wait_for = module.SocketMixin, self.probe.wait_for
        wait = mixin._wait

        def tell_and_wait(sock: Any, watcher: Any, *rest: Any) -> Any:
            fd = sock.fileno()
            if fd >= 0:  # else it was closed, which is for gevent to say
                wait_for(fd, watcher is sock._write_event)
            return wait(sock, watcher, *rest)

        mixin._wait = tell_and_wait

    def _trace(self, hub: Any) -> None:
        """Tells from now on which green thread of this OS thread runs. The one of the hub is no task."""
        import greenlet

        probe = self.probe
        hub.trireme_task = 0
        if greenlet.gettrace() in (None, self._switched_by_program):
            greenlet.settrace(probe.greenlet_trace)
        elif greenlet.gettrace() is not probe.greenlet_trace:
            probe.record(WARNING, 0, "watch", "green threads are not told apart: another trace function is there")
        here = greenlet.getcurrent()  # it runs already, so that no switch will tell
        if getattr(here, "trireme_task", None) is None:
            here.trireme_task = probe.new_task()
            probe.set_task(here.trireme_task)

    def note(self, action: str, direction: str, fd: int, message: str, waits: Any = None) -> None:
        """`waits`: the task, transport or green thread of this thread that was there before; None: nobody knows."""
        try:
            inode = os.fstat(fd).st_ino
        except OSError:
            return
        value = {"direction": direction, "fd": fd, "message": message, **self._second(sys._getframe(1))}
        other = getattr(waits, "trireme_task", 0) or self.loops.number_of(waits)
        if other:
            name, stack = self.parked(other)
            where = {"task": other, "process": os.getpid(), "thread": threading.get_native_id(), "fd": fd}
            value.update(other=where, other_name=name, other_stack=stack)
        self.probe.record_json(SOCKET, inode, action, json.dumps(value))

    # Stacks

    def describe(self, task: int, thread: int) -> str | None:
        """The members of a SOCKET event; called by the probe in the thread that came second. None: `task` waits no more."""
        if self.loops.is_over(task, thread):
            return None
        name, stack = self.parked(task) if task else ("", [])
        asks_itself = thread == threading.get_native_id()
        if not stack and thread and not asks_itself:
            running, stack = self._running(thread)
            name = name or running
        elif asks_itself and not task:  # its stack is that of who asks
            name = threading.current_thread().name
        return json.dumps(dict(self._second(sys._getframe(1)), other_name=name, other_stack=stack))[1:-1]

    def _second(self, frame: FrameType) -> dict[str, Any]:
        """Of whoever came second, in whose thread this is."""
        name = self._name(self.probe.current_task()) or threading.current_thread().name
        return {"name": name, "stack": _frames(frame)}

    def _name(self, task: int) -> str:
        return self.parked(task)[0] if task else ""

    def parked(self, number: int) -> tuple[str, list[str]]:
        task = self.loops.find(number)
        if task is not None:
            name = answering(task.get_name, "")()  # a class of the program's own may have another
            return name if isinstance(name, str) and name else f"{type(task).__name__} {number}", _awaits(task.get_coro())
        stands, place = self.loops.reader(number)
        if stands:
            return stands, [place] if place else []
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
            lines.append(f"{place_of(code.co_filename)}:{frame.f_lineno or 0} in {code.co_name}")
        frame = frame.f_back
    return lines[::-1]


def _awaits(coroutine: Any) -> list[str]:
    lines = []
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame is not None and not frame.f_code.co_filename.startswith(_NOT_OURS):
            lines.append(f"{place_of(frame.f_code.co_filename)}:{frame.f_lineno or 0} in {frame.f_code.co_name}")
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)
    return lines


