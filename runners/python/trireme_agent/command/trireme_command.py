"""Makes an interpreter of a command workload what its arm says, and records what it really was.

At its end the process records one WARNING `environment`: whether Eventlet was imported and by whom, whether the standard
library was patched, whether a hub ran, versions and the GIL. Nothing of it is assumed from the arm's name. Where the
process is the outermost Python, or runs the outermost test suite, it says too whether that began to do its work.

A signal or os._exit() may end it without that, as servers are ended: so it records a WARNING `environment-so-far` with what
holds until the next one, as long as it can be known before the end what the process is.
"""

from __future__ import annotations

import atexit
import faulthandler
import fcntl
import functools
import json
import os
import platform
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import Any, NamedTuple

import trireme_builtins
import trireme_imports
import trireme_meetings
import trireme_own_pairs
import trireme_plumbing
import trireme_start
import trireme_subunit
import trireme_unittest
import trireme_watch_names
from trireme_sources import answering

OK, OBSERVE, WARNING = 4, 7, 10  # enum trireme_event
_STACKS_SIGNAL = 34 + 12  # SIGRTMIN+12 as the C library numbers it
_HIGH = 200
_TEST = "test"
_CHAIN = 12  # modules of an import chain that are kept


class RunningTest(NamedTuple):
    name: str
    operation: int  # 0: it could not be recorded
    other_turns: int  # at its begin


class Witness:
    """What is seen of Eventlet in this process."""

    def __init__(self, runtime: str, hub: str) -> None:
        self.runtime = runtime
        self.own_hub = hub  # as Eventlet names it; "" where no hub should run
        self.importers: list[str] = []  # who imported eventlet first, outermost first
        self.start = trireme_start.Start(self.tell_so_far)
        self._process = os.getpid()
        self._turns: Counter[str] = Counter()  # by hub
        self._counted: Any = None
        self._newest: Any = None  # the hub, of whatever thread, that took the newest turn
        self._eventlet: dict[str, ModuleType] = {}  # its modules, by name
        builtins = trireme_builtins.load()  # of a probe that attaches by itself
        self._record = builtins[1] if builtins is not None else lambda *_: None
        self._record_json = builtins[2] if builtins is not None else lambda *_: None
        self._invoke = builtins[5] if builtins is not None else lambda *_: 0
        self._call_fails = builtins[19] if builtins is not None else lambda _: (0, 0)
        self._own_pairs = builtins[24] if builtins is not None else lambda _: None
        self._begun = builtins[10]() if builtins is not None else 0  # with the process's number, what no other Python has
        if builtins is not None and not os.environ.get("TRIREME_WATCH"):
            builtins[12](answering(trireme_meetings.describe, ""))

    def record(self, kind: int, key: str, value: Any) -> None:
        self._record(kind, 0, key, value)

    def begin(self, name: str, value: str) -> int:
        """An operation, which end() ends."""
        return int(self._invoke(name, value))

    def end(self, operation: int, name: str, value: str | None) -> None:
        self._record(OK, operation, name, value)

    # sys.meta_path: asked for every module that is imported for the first time.

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name == "eventlet" and not self.importers:
            self.importers = _importers(sys._getframe(1))
            if not self.own_hub:  # else it is patched next
                self.tell_so_far()
        if name == "eventlet.hubs.hub" and path is not None:
            return trireme_imports.spec_with(name, path, target, self._begin_to_count)
        if name == "eventlet.support.greendns" and path is not None:
            return trireme_imports.spec_with(name, path, target, self._hook_names)
        if name == "asyncio.selector_events" and path is not None:
            return trireme_imports.spec_with(name, path, target, self._hook_loops)
        if name == "eventlet.tpool" and path is not None:
            return trireme_imports.spec_with(name, path, target, self._hook_tpool)
        if name == "subunit.v2" and path is not None:
            return trireme_imports.spec_with(name, path, target, self._watch_subunit)
        if name == "unittest.main":
            self.start.look_for_unittest()
            trireme_unittest.Runs(self).install()
        finish = trireme_plumbing.finisher(name) if self.own_hub else None
        if finish is not None and path is not None:
            return trireme_imports.spec_with(name, path, target, finish)
        return None

    def _begin_to_count(self, module: ModuleType) -> None:
        """From the hub's first turn on, in every thread."""
        if self._counted is None and hasattr(module, "BaseHub"):
            self._count(module.BaseHub)

    def _hook_names(self, module: ModuleType) -> None:
        trireme_watch_names.hook(module, self._call_fails)

    def _hook_tpool(self, module: ModuleType) -> None:
        trireme_own_pairs.hook_tpool(module, self._own_pairs)

    def _hook_loops(self, module: ModuleType) -> None:
        trireme_own_pairs.hook(module.BaseSelectorEventLoop, self._own_pairs)

    def _watch_subunit(self, module: ModuleType) -> None:
        """What a worker of stestr tells of its tests; the process that starts the workers only passes it on."""
        writer = getattr(module, "StreamResultToBytes", None)
        if writer is not None:
            writer.status = trireme_subunit.observed(self, writer.status)

    def begin_test(self, name: str) -> RunningTest:
        """An operation, so that the one that never ends is known."""
        return RunningTest(name, self.begin(_TEST, name), self.other_turns())

    def end_test(self, test: RunningTest, outcome: str | None) -> None:
        """Says too whether it ran on a hub that is not the arm's; its outcome is nothing to compare then."""
        if test.operation != 0:
            self.end(test.operation, _TEST, outcome)
        if self.other_turns() != test.other_turns:
            self.record(WARNING, "mixed-arm", test.name)

    def other_turns(self) -> int:
        """How often a green thread has switched to a hub that is not the arm's, as far as it could be counted."""
        self.count_turns()
        return sum(turns for hub, turns in self._turns.items() if hub != self.own_hub)

    def module(self, name: str) -> Any:
        """Eventlet's, as it was when it was first asked for: a test may put another in its place, or take it away."""
        if name not in self._eventlet and name in sys.modules:
            self._eventlet[name] = sys.modules[name]
        return self._eventlet.get(name)

    def count_turns(self) -> None:
        """From now on, where the loader of the hub could not be made to."""
        hubs = self.module("eventlet.hubs.hub")
        if hubs is not None and self._counted is None:
            ran = self.hubs_that_ran()
            self._count(hubs.BaseHub)
            self._turns.update(ran)

    def _count(self, base: Any) -> None:
        switch = base.switch

        def counted(hub: Any) -> Any:
            self._turns[_name(hub)] += 1
            self._newest = hub
            if self._turns[_name(hub)] == 1:
                self.tell_so_far()
            return switch(hub)

        base.switch = self._counted = counted

    def hub(self) -> Any:
        """The hub of this thread, if there is one."""
        hubs = self.module("eventlet.hubs")
        return getattr(getattr(hubs, "_threadlocal", None), "hub", None)

    def hubs_that_ran(self) -> list[str]:
        hub = self.hub()
        here = {_name(hub)} if hub is not None and (hub.greenlet or hub.greenlet.dead) else set()
        return sorted(here | self._turns.keys())

    def describe(self) -> dict[str, Any]:
        hub = self.hub() or self._newest
        is_patched = getattr(self.module("eventlet.patcher"), "is_monkey_patched", lambda _: False)
        patched = [name for name in ("os", "select", "socket", "thread", "time", "subprocess") if is_patched(name)]
        versions = {name: _version(name) for name in ("eventlet", "greenlet", "pytest") if name in sys.modules}
        return {
            "runtime": self.runtime,
            "process": self._process,
            "begun": self._begun,
            "argv": sys.argv,
            "executable": sys.executable,
            "imported": self.module("eventlet") is not None,
            "importers": self.importers,
            "patched": patched,
            "arm_hub": self.own_hub or None,
            "hub": _name(hub) if hub is not None else None,
            "hubs": self.hubs_that_ran(),
            "hub_ran": bool(self.hubs_that_ran()),
            "gil": getattr(sys, "_is_gil_enabled", lambda: True)(),
            "versions": {"python": platform.python_version(), **versions},
        }

    def at_exit(self) -> None:
        self._tell("environment", self.start.describe())

    def tell_so_far(self) -> None:
        if getattr(sys, "_is_gil_enabled", lambda: True)():  # a module may turn it on at any time
            self._tell("environment-so-far", self.start.describe_so_far())

    def before_exec(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """What the process becomes then may be no Python, which tells nothing."""

        @functools.wraps(function)
        def replace(*arguments: Any, **named: Any) -> Any:
            self._tell("environment-so-far", {"replaced": True})
            try:
                return function(*arguments, **named)
            finally:  # it is still there
                self.tell_so_far()

        return replace

    def _tell(self, name: str, started: dict[str, Any]) -> None:
        if os.getpid() == self._process:  # not in a forked child
            self._record_json(WARNING, 0, name, json.dumps({**self.describe(), **started}))


witness: Witness | None = None


def install(runtime: str, hub: str) -> None:
    """REQUIRES: called before anything else is imported. `hub`: Eventlet's, to run patched on; "" for no Eventlet."""
    global witness
    witness = Witness(runtime, hub)
    sys.meta_path.insert(0, witness)
    atexit.register(witness.at_exit)
    _tell_stacks(os.environ.get("TRIREME_COMMAND_STACKS", ""))
    plugins = os.environ.get("PYTEST_PLUGINS", "")
    if "trireme_pytest" not in plugins.split(","):
        os.environ["PYTEST_PLUGINS"] = ",".join(filter(None, [plugins, "trireme_pytest"]))
    for name in ("execv", "execve"):
        setattr(os, name, witness.before_exec(getattr(os, name)))
    os.supports_fd.add(os.execve)
    if hub:
        _patch(witness)
    witness.tell_so_far()


def _tell_stacks(path: str) -> None:
    """From now on the signal that asks for stacks has those of all threads written to `path`, with or without the GIL."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return  # nobody will ask, or this program is another user's by now
    high = fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, _HIGH)  # the program's own descriptors keep their numbers
    os.close(file)
    faulthandler.register(_STACKS_SIGNAL, file=high, all_threads=True)


def _patch(seen: Witness) -> None:
    os.environ["EVENTLET_HUB"] = seen.own_hub  # monkey_patch() makes the hub; so do other threads and processes
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import eventlet
    except ModuleNotFoundError:
        return  # another interpreter than the arm's: what describe() says of it shows that
    seen.importers = ["trireme"]
    eventlet.monkey_patch()
    for name in ("eventlet", "eventlet.patcher", "eventlet.hubs"):
        seen.module(name)
    trireme_plumbing.free_subunit()
    seen.count_turns()


def _name(hub: Any) -> str:
    """As EVENTLET_HUB has it."""
    return str(type(hub).__module__.rpartition(".")[2])


def _importers(frame: FrameType | None) -> list[str]:
    """The modules whose import statements led here, outermost first."""
    chain: list[str] = []
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if not name.startswith(("importlib", "trireme_command")) and (not chain or chain[-1] != name):
            chain.append(name)
        frame = frame.f_back
    return chain[:_CHAIN][::-1]


def _version(name: str) -> str:
    return str(getattr(sys.modules[name], "__version__", ""))
