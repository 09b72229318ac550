"""The hook of command workloads: interpreters started with its folder first on PYTHONPATH."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import agent
import recording

HOOK = agent.AGENT / "command"
HUBS = {"eventlet": "epolls", "eventlet-asyncio": "asyncio"}  # as harness/protocol/runtimes.cc has it


class Command:
    def __init__(self, folder):
        self.folder = folder
        self.result = None

    def run(self, runtime, *argv, **environment):
        history = self.folder / "history.ring"
        recording.create(history)
        paths = os.pathsep.join([str(HOOK), *environment.pop("paths", [])])
        ours = {"LD_PRELOAD": agent.PROBE, "TRIREME_HISTORY": str(history), "PYTHONPATH": paths}
        arm = {"TRIREME_COMMAND_RUNTIME": runtime, "TRIREME_COMMAND_HUB": HUBS.get(runtime, "")}
        self.result = subprocess.run(
            [sys.executable, *argv],
            cwd=self.folder,
            env={**os.environ, **ours, **arm, **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.events = recording.read(history)
        return self

    def environment(self):
        [event] = [event for event in self.events if event.key == "environment"]
        return event.value

    def tests(self):
        return {e.key.rpartition("::")[2]: e.value for e in self.events if e.kind == "observe" and e.key[:5] == "test:"}


@pytest.fixture
def command(tmp_path):
    return Command(tmp_path)


@pytest.mark.parametrize("runtime", HUBS)
def test_eventlet_is_patched_before_the_first_import(command, runtime):
    code = "import socket; print(socket.socket.__module__); import time; time.sleep(0.001)"
    environment = command.run(runtime, "-c", code, EVENTLET_HUB="poll").environment()
    assert command.result.stdout == "eventlet.greenio.base\n", command.result
    assert command.result.stderr == ""
    assert environment["patched"] == ["os", "select", "socket", "thread", "time", "subprocess"]
    assert environment["importers"] == ["trireme"]
    hub = HUBS[runtime]
    assert (environment["arm_hub"], environment["hub"], environment["hubs"]) == (hub, hub, [hub])
    assert environment["hub_ran"] is True


def test_threading_is_left_alone(command):
    environment = command.run("threading", "-c", "import time; time.sleep(0.001)").environment()
    assert environment["imported"] is False and environment["patched"] == [] and environment["hub"] is None
    assert environment["arm_hub"] is None and environment["hubs"] == []
    assert environment["hub_ran"] is False and environment["gil"] is True


def test_an_import_in_the_threading_arm_is_traced(command):
    (command.folder / "outer.py").write_text("import inner\n")
    (command.folder / "inner.py").write_text("import eventlet\n")
    environment = command.run("threading", "-c", "import outer", paths=["."]).environment()
    assert environment["imported"] is True and environment["patched"] == []
    assert environment["importers"] == ["__main__", "outer", "inner"]


def test_another_sitecustomize_still_runs(command):
    other = command.folder / "other"
    other.mkdir()
    (other / "sitecustomize.py").write_text("print('other')\n")
    assert command.run("threading", "-c", "print('main')", paths=[str(other)]).result.stdout == "other\nmain\n"


def test_it_does_nothing_without_a_runtime(command):
    command.run("", "-c", "import sys; print('trireme_command' in sys.modules)")
    assert command.result.stdout == "False\n"


SUITE = """
import pytest, time
def test_good(): time.sleep(0.001)
def test_bad(): assert False
@pytest.mark.skip
def test_skipped(): pass
@pytest.mark.xfail
def test_xfailed(): assert False
@pytest.mark.xfail
def test_xpassed(): pass
@pytest.fixture
def broken(): raise ValueError
def test_error(broken): pass
@pytest.fixture
def leaves_broken():
    yield
    raise ValueError
def test_teardown(leaves_broken): pass
"""


@pytest.mark.parametrize("runtime", [*HUBS, "threading"])
def test_outcomes_of_pytest_are_observed(command, runtime):
    (command.folder / "test_suite.py").write_text(SUITE)
    command.run(runtime, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert command.result.returncode == 1, command.result
    assert command.tests() == {
        "test_good": "passed", "test_bad": "failed", "test_skipped": "skipped", "test_xfailed": "xfailed",
        "test_xpassed": "xpassed", "test_error": "error", "test_teardown": "error",
    }  # fmt: skip
    assert [event for event in command.events if event.key == "mixed-arm"] == []


def test_a_module_that_does_not_import_is_an_error(command):
    (command.folder / "test_broken.py").write_text("import no_such_module\n")
    command.run("threading", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert command.tests() == {"test:test_broken.py": "error"}


def test_a_hub_in_the_threading_arm_is_a_mixed_arm(command):
    (command.folder / "test_mixed.py").write_text(
        "import eventlet\ndef test_plain(): pass\ndef test_green(): eventlet.sleep(0)\n"
    )
    command.run("threading", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore")
    assert [event.value for event in command.events if event.key == "mixed-arm"] == ["test_mixed.py::test_green"]
    assert command.environment()["hub_ran"] is True


@pytest.mark.parametrize("runtime", HUBS)
def test_another_hub_in_an_arm_of_eventlet_is_a_mixed_arm(command, runtime):
    (command.folder / "test_mixed.py").write_text(
        "import time, eventlet.hubs\ndef test_own(): time.sleep(0.001)\n"
        "def test_other():\n    eventlet.hubs.use_hub('selects')\n    time.sleep(0.001)\n"
    )
    command.run(runtime, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore")
    assert [event.value for event in command.events if event.key == "mixed-arm"] == ["test_mixed.py::test_other"]
    assert command.environment()["hubs"] == sorted([HUBS[runtime], "selects"])


@pytest.mark.parametrize("runtime", HUBS)
def test_children_of_the_command_tell_too(command, runtime):
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(0)'])"
    command.run(runtime, "-c", code)
    told = [event.value["hubs"] for event in command.events if event.key == "environment"]
    assert told == [[HUBS[runtime]]] * 2


def test_asyncio_goes_on_working_on_its_hub(command):
    code = (
        "import asyncio, eventlet.asyncio\nasync def add(a, b):\n    await asyncio.sleep(0.001)\n    return a + b\n"
        "print(eventlet.asyncio.spawn_for_awaitable(add(1, 2)).wait())"
    )
    assert command.run("eventlet-asyncio", "-c", code).result.stdout == "3\n", command.result


def test_a_hub_of_another_thread_counts(command):
    code = (
        "import threading, eventlet\n"
        "def work():\n"
        "    eventlet.sleep(0)\n"
        "thread = threading.Thread(target=work); thread.start(); thread.join()\n"
    )
    environment = command.run("threading", "-W", "ignore", "-c", code).environment()
    assert environment["hub_ran"] is True, command.result
    assert environment["hub"] is not None


def test_an_import_of_eventlet_alone_is_no_hub(command):
    environment = command.run("threading", "-W", "ignore", "-c", "import eventlet").environment()
    assert environment["hub_ran"] is False
