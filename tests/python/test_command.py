"""The hook of command workloads: what it tells of the arm that an interpreter is, and of programs that did not start."""

from __future__ import annotations

import pytest

import agent
from commands import HUBS


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


def test_a_program_that_takes_the_modules_of_eventlet_away_was_patched_all_the_same(command):
    code = (
        "import sys, time, types; time.sleep(0.001)\n"  # a sleep runs the hub, which is asked below
        "for name in [name for name in sys.modules if name.startswith('eventlet')]: del sys.modules[name]\n"
        "sys.modules['eventlet.patcher'] = types.ModuleType('eventlet.patcher')\n"
    )
    environment = command.run("eventlet", "-c", code).environment()
    assert environment["imported"] is True and "socket" in environment["patched"]
    assert (environment["hub"], environment["hub_ran"]) == ("epolls", True)
    environment = command.run("threading", "-c", code).environment()
    assert environment["imported"] is False and environment["patched"] == [] and environment["hub_ran"] is False


def test_threading_is_left_alone(command):
    environment = command.run("threading", "-c", "import time; time.sleep(0.001)").environment()
    assert environment["imported"] is False and environment["patched"] == [] and environment["hub"] is None
    assert environment["arm_hub"] is None and environment["hubs"] == []
    assert environment["hub_ran"] is False and environment["gil"] is not agent.FREE_THREADED


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


MEETING = """
import json, threading, trireme_meetings
inside, leave = threading.Event(), threading.Event()
def first():
    inside.set()
    leave.wait()
thread = threading.Thread(target=first, name="the first")
thread.start()
inside.wait()
told = json.loads("{" + trireme_meetings.describe(0, thread.native_id) + "}")
leave.set()
thread.join()
print(told["name"], told["stack"][-1], "|", told["other_name"], *(line for line in told["other_stack"] if "first" in line))
"""


def test_two_threads_that_meet_are_told_with_their_frames(command):
    told = command.run("threading", "-c", MEETING).result
    assert told.stdout == "MainThread <string>:10 in <module> | the first <string>:6 in first\n", told


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


@pytest.mark.parametrize("runtime", ["eventlet", "threading"])
@pytest.mark.parametrize(
    ("argv", "reason", "missing"),
    [
        (["missing.py"], "Python cannot open 'missing.py'", False),
        (["-m", "nosuchmod"], "Python found no module to run (-m nosuchmod)", True),
        (["-Wignore", "-c", "import nosuchdep"], "ModuleNotFoundError: No module named 'nosuchdep'", True),
        (["-c", "import importlib; importlib.import_module('nosuch')"], "ModuleNotFoundError: No module named 'nosuch'", True),
        (["-c", "from os import nosuch"], "ImportError: cannot import name 'nosuch' from 'os'", False),
        (["-c", "1 +"], "SyntaxError: invalid syntax (<string>, line 1)", False),
        (["outer.py"], "ModuleNotFoundError: No module named 'nosuch'", True),
        (["-m", "outer"], "ModuleNotFoundError: No module named 'nosuch'", True),
    ],
)
def test_a_program_that_did_not_start(command, runtime, argv, reason, missing):
    (command.folder / "outer.py").write_text("import inner\n")
    (command.folder / "inner.py").write_text("import nosuch\n")
    failure = command.run(runtime, *argv).environment()["program"]
    assert command.result.returncode != 0
    assert failure["reason"].startswith(f"the command did not start: {reason}"), failure
    assert failure["missing_module"] is missing


@pytest.mark.parametrize(
    "code",
    [
        "pass",
        "raise SystemExit(2)",
        "raise ValueError",
        "def main(): import nosuch\nmain()",  # it ran, up to there
        "import threading; t = threading.Thread(target=exec, args=('import nosuch',)); t.start(); t.join()",
        "try: import nosuch\nexcept ImportError: raise SystemExit(1)",
    ],
)
def test_a_program_that_did_start(command, code):
    environment = command.run("threading", "-c", code).environment()
    assert environment["program"] is None and "suite" not in environment


told_early = pytest.mark.skipif(
    agent.FREE_THREADED, reason="a module may turn the GIL on at any time, so nothing is told before the end"
)


def so_far(command):
    """What each Python told last before it was ended, by its process; none of one that ended by itself."""
    ended = {event.value["begun"] for event in command.events if event.key == "environment"}
    told = {event.value["begun"]: event.value for event in command.events if event.key == "environment-so-far"}
    return [value for begun, value in told.items() if begun not in ended]


ENDS = {
    "a signal": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "os._exit": "import os; os._exit(0)",
}


@told_early
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("runtime", ["threading", *HUBS])
def test_a_program_that_is_ended_told_what_it_was(command, runtime, end):
    command.run(runtime, "-c", "import time; time.sleep(0.001)\n" + end)  # a sleep runs the hub
    [told] = so_far(command)
    hub = HUBS.get(runtime)
    assert bool(told["patched"]) is (hub is not None) and told["hubs"] == ([hub] if hub else [])
    assert told.get("replaced") is None and "suite" not in told


@told_early
def test_one_that_imports_eventlet_by_itself_tells_before_it_can_patch(command):
    command.run("threading", "-c", "import eventlet; eventlet.monkey_patch()\n" + ENDS["os._exit"])
    [told] = so_far(command)
    assert told["importers"] == ["__main__"]


@told_early
def test_one_that_becomes_another_program_tells_so(command):
    (command.folder / "shell").write_text("#!/bin/sh\nexit 3\n")
    (command.folder / "shell").chmod(0o755)
    command.run("threading", "-c", "import os; os.execv('shell', ['shell'])")
    assert command.result.returncode == 3
    [told] = so_far(command)
    assert told["replaced"] is True


@told_early
def test_one_that_could_not_become_another_program_is_what_it_was(command):
    command.run("threading", "-c", "import os\ntry: os.execvp('nosuch', ['nosuch'])\nexcept OSError: os._exit(4)")
    assert command.result.returncode == 4
    [told] = so_far(command)
    assert told.get("replaced") is None
    command.run("threading", "-c", "import os; print(os.execve in os.supports_fd, os.execve.__name__)")
    assert command.result.stdout == "True execve\n"


@told_early
def test_a_suite_that_is_ended_did_not_end_its_tests(command):
    (command.folder / "test_it.py").write_text("import os\ndef test_a(): pass\ndef test_b(): os._exit(0)\n")
    command.run("threading", "-m", "pytest", "-q", "test_it.py")
    [told] = so_far(command)
    assert told["suite"]["reason"] == "pytest was ended before its tests were"
