"""Who waits for what in a watched program: what `--checks deadlock` asks for.

Whoever is about to wait enters that here and leaves when the wait is over; nothing is recorded of it. A thread of ours looks
a few times a second at the waits that have lasted a while. When the same ones were there at two looks, it records them as
one SYNC `snapshot` (probe_abi.h), with who holds what they wait for and the stacks. So a lock that is soon given back costs
no record, and what is recorded was true at one moment: the snapshot is taken in one thread, and what makes a wait or its
holder different is done by the waiter and the holder before they go on.

Locks that are given to others to release are signals: who took one last need not be who gives it back. So a task that waits
for what it holds itself is believed to only where a `with` holds it, or where such locks were always released by who took
them. Thread safety: any threads.
"""

from __future__ import annotations

import _thread
import ctypes
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

TASK_START, SYNC, WARNING = 11, 24, 10  # enum trireme_event
_EVERY = 0.25  # seconds
_PATIENCE = 0.5  # seconds: a wait that ends before is nobody's trouble
_MOST_TASKS = 48  # of a snapshot
_MOST_FRAMES = 24  # of a stack, the innermost
_MOST_SNAPSHOTS = 2000
_OWN_THREAD = b"trireme-watch"  # kOwnThreadName of the probe

# By name: green threads put others in their place.
get_ident, get_native_id, _monotonic = _thread.get_ident, _thread.get_native_id, time.monotonic


_allocate = _thread.allocate_lock


def _allocates() -> Any:
    return getattr(threading, "_allocate_lock", None)


class Holder(NamedTuple):
    number: int
    place: str
    surely: bool  # it gives it back itself


class Facts(NamedTuple):
    """Of what is waited for."""

    kind: str
    place: str = ""
    size: int = 0
    holders: Iterable[Holder] = ()
    items: int = 0


class Wait:
    __slots__ = ("blocks", "facts", "kind", "native", "since", "target", "thread", "timed", "what")

    def __init__(
        self, kind: str, what: Any, facts: Callable[[Any], Facts] | None, timed: bool, blocks: bool | None = None
    ) -> None:
        self.kind = kind  # of the WAIT, in probe_abi.h
        self.what = what
        self.facts = facts  # None: `target` says it
        self.target: Callable[[], int] | None = None  # the task that is waited for
        self.timed = timed
        # The whole thread, and not one of its tasks; None: as the locks of threading do.
        self.blocks = _allocates() is _allocate if blocks is None else blocks
        self.thread, self.native = get_ident(), get_native_id()
        self.since = _monotonic()


class Waits:
    def __init__(self, probe: Any, parked: Callable[[int], tuple[str, list[str]]], frames: Callable[[Any], list[str]]) -> None:
        self.probe = probe
        self._current_task = probe.current_task
        self._parked = parked
        self._frames = frames
        self._local: Any = _thread._local()
        self._threads: dict[int, int] = {}  # the number of each thread, by its identity
        self._left: set[int] = set()  # the numbers of threads that a fork left behind in the parent
        self.now: dict[int, Wait] = {}
        self.more: list[Callable[[], dict[int, Wait]]] = []  # waits that nobody enters, by who looks for them
        self.idle: list[Callable[[int], bool]] = []  # whether a thread of a loop has nothing to do that could wake anybody
        self.timed: dict[int, int] = {}  # how many time limits are around what a task does
        self._named: set[int] = set()
        self._before: Any = None
        self._told: Any = None
        self._snapshots = 0
        self._started = False
        self._looker: Any = None  # its pthread_t, what it waits to be released to end, and what it runs
        os.register_at_fork(before=self._end_thread, after_in_child=self._forget)
        self._record({"tasks": [], "objects": [], "others": True})

    # Who

    def current(self) -> int:
        """The number of the task that runs, or of the thread where none does."""
        number: int = self._current_task()
        if number:
            return number
        try:
            number = self._local.number
        except AttributeError:
            number = self._local.number = self.probe.new_task()
            self._threads[get_ident()] = number
        return number

    def adopt(self, number: int) -> None:
        """The thread that calls has that number, which was told of already. It may be a green one."""
        self._named.add(number)
        if self._current_task():
            sys.modules["greenlet"].getcurrent().trireme_task = number
            self.probe.set_task(number)
        else:
            self._local.number = number
            self._threads[get_ident()] = number

    def task_starts(self, parent: int, name: str, number: int = 0) -> int:
        """Tells the recording, and gives its number, a new one unless it has one."""
        number = number or self.probe.new_task()
        self.probe.record_for(number, TASK_START, parent, "", name)
        return number

    def thread_ends(self) -> None:
        """The thread that calls."""
        if not self._current_task():
            self._named.discard(self._threads.pop(get_ident(), 0))

    # Waits

    def wait(self, entry: Wait, call: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
        """`call`, which waits. What waits within another wait is how that one waits, unless it is for a lock."""
        number = self.current()
        outer = self.enter(number, entry)
        try:
            return call(*args, **keywords)
        finally:
            self.leave(number, outer)

    def enter(self, number: int, entry: Wait) -> Wait | None:
        """What leave() has to be given."""
        outer = self.now.get(number)
        if outer is None or entry.kind == "lock":
            self.now[number] = entry
        self.begin()
        return outer

    def leave(self, number: int, outer: Wait | None) -> None:
        if outer is None:
            self.now.pop(number, None)
        else:
            self.now[number] = outer

    def limit(self, number: int, count: int) -> None:
        """So many more time limits are around what that task does."""
        now = self.timed.get(number, 0) + count
        if now > 0:
            self.timed[number] = now
        else:
            self.timed.pop(number, None)

    # The thread that looks

    def begin(self) -> None:
        """There may be waits from now on."""
        if self._started:
            return
        self._started = True
        pthread, library = ctypes.c_ulong(), ctypes.CDLL(None)
        stop = _allocate()
        stop.acquire()
        run = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(lambda _: self._look_on(stop))
        everything, before = ctypes.create_string_buffer(b"\xff" * 128, 128), ctypes.create_string_buffer(128)  # sigset_t
        library.pthread_sigmask(signal.SIG_BLOCK, everything, before)  # signals are for the program's threads
        failed = library.pthread_create(ctypes.byref(pthread), None, run, None)
        library.pthread_sigmask(signal.SIG_SETMASK, before, None)
        if failed:
            self.probe.record(WARNING, 0, "watch", "who waits for what is not seen: no thread could be started for it")
        else:
            self._looker = pthread, stop, run

    def _look_on(self, stop: Any) -> None:
        ctypes.CDLL(None).prctl(15, _OWN_THREAD, 0, 0, 0)  # PR_SET_NAME
        while not stop.acquire(True, _EVERY):
            try:
                self.look()
            except Exception:  # what is looked at changes meanwhile; at the next look it does not, if it is stuck
                self._before = None

    def _end_thread(self) -> None:
        """Before a fork: Python warns of one that has threads beside the caller's, and ours would be one."""
        looker, self._looker = self._looker, None
        if looker is not None:
            pthread, stop, _ = looker
            stop.release()
            ctypes.CDLL(None).pthread_join(pthread, None)
            self._started = False

    def _forget(self) -> None:
        """In the child, which has only the thread that forked. Others hold what they held."""
        self._started, self._looker = False, None
        self.now.clear()
        here = self._threads.pop(get_ident(), None)
        self._left.update(self._threads.values())
        self._threads.clear()
        if here is not None:
            self._threads[get_ident()] = here
        self._named.clear()
        self._before = self._told = None
        self._record({"tasks": [], "objects": [], "others": True})

    # What it sees

    def look(self) -> None:
        waits: dict[int, Wait] = {}
        for source in self.more:
            waits.update(source())
        waits.update(self.now)
        due = _monotonic() - _PATIENCE
        waits = {number: wait for number, wait in waits.items()
                 if wait.since <= due and not wait.timed and not self.timed.get(number)}
        if not waits:
            self._before = None
            return
        frames = sys._current_frames()
        snapshot = _Snapshot(self, waits, frames)
        if snapshot.state != self._before:
            self._before = snapshot.state
        elif snapshot.state != self._told and self._snapshots < _MOST_SNAPSHOTS:
            self._told = snapshot.state
            self._snapshots += 1
            self._record(snapshot.value(self._stack_of, self.name))
            if self._snapshots == _MOST_SNAPSHOTS:
                self.probe.record(WARNING, 0, "watch", f"who waits for what was told {_MOST_SNAPSHOTS} times, and no more")

    def _record(self, value: dict[str, Any]) -> None:
        self.probe.record_json_for(0, SYNC, 0, "snapshot", json.dumps(value))

    def others(self, waits: dict[int, Wait], frames: dict[int, Any]) -> bool:
        """Whether anybody beside those who wait may still do something."""
        if len(os.listdir("/proc/self/task")) - _own_threads() > len(frames) - 1:  # ours has a frame, being at this
            return True
        if any(callable(signal.getsignal(number)) for number in signal.valid_signals() - {signal.SIGINT}):
            return True
        blocked = {wait.thread for wait in waits.values() if wait.blocks}
        for ident, frame in frames.items():
            if ident in blocked or ident == get_ident() or _shuts_down(frame):
                continue
            if not any(is_idle(ident) for is_idle in self.idle):
                return True
        main = waits.get(self._threads.get(threading.main_thread().ident or 0, 0))
        return main is not None and main.kind in ("event", "condition")  # until it is interrupted: so programs run for ever

    def is_gone(self, number: int, frames: dict[int, Any]) -> bool:
        """Of a thread: tasks that are gone have given back what they had, or nobody knows."""
        return number in self._left or number in self._dead_threads(frames)

    def _dead_threads(self, frames: dict[int, Any]) -> set[int]:
        return {number for ident, number in self._threads.items() if ident not in frames}

    def name(self, number: int, wait: Wait | None) -> None:
        """Tells the recording once what the task is called."""
        if number in self._named:
            return
        self._named.add(number)
        self.probe.record_for(number, TASK_START, 0, "", self._name_of(number))

    def _name_of(self, number: int) -> str:
        for ident, known in self._threads.items():
            if known == number:
                thread = getattr(threading, "_active", {}).get(ident)
                return thread.name if thread is not None else f"thread {ident}"
        if number in self._left:
            return "a thread that the fork left behind"
        name, _ = self._parked(number)
        return name or f"task {number}"

    def _stack_of(self, number: int, wait: Wait, frames: dict[int, Any]) -> list[str]:
        if number not in self._threads.values():
            _, stack = self._parked(number)
            if stack:
                return stack
        return self._frames(frames.get(wait.thread))


class _Snapshot:
    def __init__(self, waits: Waits, found: dict[int, Wait], frames: dict[int, Any]) -> None:
        self._waits, self._found, self._frames = waits, found, frames
        facts = {number: wait.facts(wait.what) for number, wait in found.items() if wait.facts is not None}
        targets = {number: wait.target() for number, wait in found.items() if wait.target is not None}
        leading = {number for number, of in facts.items() if of.holders} | {number for number, to in targets.items() if to}
        order = sorted(found, key=lambda number: (number not in leading, number))  # those that lead to others say most
        self._told = sorted(order[:_MOST_TASKS])
        self._facts = {number: facts[number] for number in self._told if number in facts}
        self._targets = {number: targets[number] for number in self._told if targets.get(number)}
        self._others = len(order) > _MOST_TASKS or waits.others(found, frames)
        self._gone = {number for number in self._mentioned() if waits.is_gone(number, frames)}
        self.state = (
            [(number, id(found[number])) for number in self._told],
            [(number, [holder.number for holder in facts[number].holders], facts[number].items > 0) for number in self._facts],
            self._targets, self._others, self._gone)

    def _mentioned(self) -> set[int]:
        mentioned = set(self._targets.values())
        for facts in self._facts.values():
            mentioned.update(holder.number for holder in facts.holders)
        return mentioned - set(self._told)

    def value(self, stack_of: Callable[..., list[str]], name: Callable[..., None]) -> dict[str, Any]:
        objects: list[dict[str, Any]] = []
        indices: dict[int, int] = {}
        tasks = []
        for number in self._told:
            wait = self._found[number]
            name(number, wait)
            said: dict[str, Any] = {"kind": wait.kind, "for_ns": int((_monotonic() - wait.since) * 1e9)}
            if number in self._targets:
                said.update(kind="join", target=self._targets[number])
            elif number in self._facts:
                facts = self._facts[number]
                if self._only_perhaps(number, facts):
                    said["kind"] = "semaphore"
                index = indices.setdefault(id(wait.what), len(objects))
                if index == len(objects):
                    objects.append(_as_json(facts))
                said["object"] = index
            stack = stack_of(number, wait, self._frames)[-_MOST_FRAMES:]
            tasks.append({"task": number, "thread": wait.native, "stack": stack, "wait": said})
        for number in self._mentioned():
            name(number, None)
            tasks.append({"task": number, "ended": number in self._gone})
        return {"tasks": tasks, "objects": objects, "others": self._others}

    def _only_perhaps(self, number: int, facts: Facts) -> bool:
        """Whether anybody may give what is waited for, whoever has it."""
        return any(not holder.surely and (holder.number == number or holder.number in self._gone) for holder in facts.holders)


def _as_json(facts: Facts) -> dict[str, Any]:
    holders = [{"task": holder.number, "place": holder.place} for holder in facts.holders]
    return {"kind": facts.kind, "place": facts.place, "size": facts.size, "holders": holders, "items": facts.items}


def _own_threads() -> int:
    count = 0
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/comm", "rb") as file:
                count += file.read().strip() == _OWN_THREAD
        except OSError:
            continue
    return count


def _shuts_down(frame: Any) -> bool:
    """Python's main thread, which waits for the others to end."""
    while frame.f_back is not None:
        frame = frame.f_back
    return bool(frame.f_code.co_name == "_shutdown" and frame.f_globals.get("__name__") == "threading")
