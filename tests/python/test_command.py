"""The hook of command workloads: interpreters started with its folder first on PYTHONPATH."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap

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


PARTS = """
import pytest
@pytest.fixture
def part(request):
    def report(check):
        call = pytest.CallInfo.from_call(check, "call")
        made = request.node.ihook.pytest_runtest_makereport(item=request.node, call=call)
        request.node.ihook.pytest_runtest_logreport(report=made)
    return report
def good(): pass
def bad(): assert False
def test_bad_part(part):
    part(bad)
    part(good)
def test_good_parts(part): part(good)
"""


def test_a_failed_part_of_a_test_that_passes_as_a_whole_fails_it(command):
    (command.folder / "test_parts.py").write_text(PARTS)
    command.run("threading", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert command.tests() == {"test_bad_part": "failed", "test_good_parts": "passed"}, command.result


SUBUNIT = {  # as stestr has it: workers that tell of their tests, and one process that passes it on
    "subunit/__init__.py": "from subunit.v2 import StreamResultToBytes\n",
    "subunit/v2.py": """
        class StreamResultToBytes:
            def status(self, test_id=None, test_status=None, test_tags=None, **rest):
                print(test_id, test_status)
        """,
    "subunit/run.py": """
        import subunit
        stream = subunit.StreamResultToBytes()
        stream.status("t.listed", "exists")
        for name in ("success", "fail", "skip", "xfail", "uxsuccess"):
            stream.status(test_id="t." + name, test_status="inprogress")
            stream.status(test_id="t." + name, test_status=name)
        import os, sys
        if (child := os.fork()) == 0:  # as a test of it may, whose child then raises and goes on with the rest
            stream.status("t.placed", "success")
            stream.status("t.after", "success")
            os._exit(0)
        os.waitpid(child, 0)
        stream.status("t.placed", "fail", file_name="traceback")
        stream.status(file_name="stdout")
        import subprocess
        subprocess.run([sys.executable, "-m", "unittest", "-q", "inner"], check=True)  # as a test of it may
        """,
    "controller.py": """
        import subprocess, sys
        import subunit
        subprocess.run([sys.executable, "-m", "subunit.run"], check=True)
        subunit.StreamResultToBytes().status(test_id="t.fail", test_status="fail")
        """,
    "inner.py": """
        import unittest
        class T(unittest.TestCase):
            def test_inner(self): pass
        """,
}


SUBUNIT_COVERED = """
import importlib.util, sys, types
spec = importlib.util.find_spec("subunit.run")  # imports subunit, while the main program is this one
main = sys.modules["__main__"] = types.ModuleType("__main__")
main.__spec__ = spec
exec(compile(open(spec.origin).read(), spec.origin, "exec"), main.__dict__)
"""


@pytest.mark.parametrize(("program", "told"), [("controller.py", 2), ("coverage.py", 1)])
def test_outcomes_of_a_worker_that_tells_subunit_are_observed_once(command, program, told):
    write_all(command.folder, {**SUBUNIT, "coverage.py": SUBUNIT_COVERED})
    command.run("threading", program)
    assert command.result.stdout.count("t.fail fail") == told, command.result  # they still do what they did
    assert [(event.key, event.value) for event in command.events if event.key.startswith("test:")] == [
        ("test:t.success", "passed"),
        ("test:t.fail", "failed"),
        ("test:t.skip", "skipped"),
        ("test:t.xfail", "xfailed"),
        ("test:t.uxsuccess", "xpassed"),
        ("test:t.placed", "failed"),
    ]


RUNS_IN_A_PIPE = {  # as python-subunit opens what it writes to, and asks whether that is text
    "subunit/__init__.py": "",
    "subunit/run.py": """
        import io, os, sys
        stream = os.fdopen(sys.stdout.fileno(), "wb", 0)
        try:
            stream.read(0)
        except io.UnsupportedOperation:
            stream.write(b"told\\n")
        """,
}


def write_all(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(textwrap.dedent(text))


@pytest.mark.parametrize("runtime", [*HUBS, "threading"])
def test_a_worker_that_tells_subunit_tells_it_to_a_pipe(command, runtime):
    write_all(command.folder, RUNS_IN_A_PIPE)
    assert command.run(runtime, "-m", "subunit.run").result.stdout == "told\n", command.result


WORKERS = {  # what pytest-xdist and its execnet have of threads
    "execnet/__init__.py": "",
    "execnet/gateway_base.py": """
        class ThreadExecModel:
            @property
            def queue(self):
                import queue
                return queue
            @property
            def subprocess(self):
                import subprocess
                return subprocess
            def start(self, func, args=()):
                import _thread
                _thread.start_new_thread(func, args)
            def fdopen(self, fd, mode, bufsize=1, closefd=True):
                import os
                return os.fdopen(fd, mode, bufsize, encoding="utf-8", closefd=closefd)
            def Event(self):
                import threading
                return threading.Event()
        class MainThreadOnlyExecModel(ThreadExecModel):
            pass
        """,
    "xdist/__init__.py": "",
    "xdist/dsession.py": "from queue import Empty, Queue\n",
    "controller.py": """
        import os, sys
        from execnet.gateway_base import MainThreadOnlyExecModel
        from xdist.dsession import Queue
        model = MainThreadOnlyExecModel()
        pipe = model.subprocess.PIPE
        worker = model.subprocess.Popen([sys.executable, "worker.py"], stdin=pipe, stdout=pipe)
        events, most = Queue(), 2**20
        def read():
            events.put(len(worker.stdout.read()))
        model.start(read)
        worker.stdin.write(b"x" * most)
        worker.stdin.close()
        print(events.get() == 2 * most, worker.wait())
        """,
    "worker.py": """
        import os
        from execnet.gateway_base import MainThreadOnlyExecModel
        model = MainThreadOnlyExecModel()
        source, target = model.fdopen(os.dup(0), "r"), model.fdopen(os.dup(1), "w")
        got, told = model.queue.Queue(), [model.Event(), model.Event()]
        def receive():
            got.put(source.buffer.read())
        def tell(event, data):
            target.buffer.write(data)
            target.flush()
            event.set()
        model.start(receive)
        data = got.get()
        for event in told:
            model.start(tell, (event, data))  # more than a pipe holds, both at once
        for event in told:
            event.wait()
        """,
}


@pytest.mark.parametrize("runtime", [*HUBS, "threading"])
def test_workers_of_a_suite_and_their_controller_reach_each_other(command, runtime):
    write_all(command.folder, WORKERS)
    assert command.run(runtime, "controller.py").result.stdout == "True 0\n", command.result


UNITTESTS = """
import io, os, subprocess, sys, unittest
class Good(unittest.TestCase):
    def test_plain(self): pass
    def test_parts(self):
        for part in range(2):
            with self.subTest(part=part): pass
class Bad(unittest.TestCase):
    def tearDown(self):
        if self.id().endswith("torn"): raise OSError
    def test_failed(self): self.fail()
    def test_error(self): raise OSError
    def test_torn(self): self.fail()
    def test_parts(self):
        for part in range(3):
            with self.subTest(part=part): self.assertNotEqual(part, 1)
class Other(unittest.TestCase):
    @unittest.skip("")
    def test_skipped(self): pass
    @unittest.expectedFailure
    def test_xfailed(self): self.fail()
    @unittest.expectedFailure
    def test_xpassed(self): pass
@unittest.skip("")
class Skipped(unittest.TestCase):
    def test_skipped(self): pass
class NotSetUp(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise OSError
    def test_never(self): pass
class Runs(unittest.TestCase):
    def test_suite(self):
        tests = unittest.defaultTestLoader.loadTestsFromTestCase(Bad)
        unittest.TextTestRunner(stream=io.StringIO()).run(tests)
    def test_process(self):
        subprocess.run([sys.executable, "-m", "unittest", "test_units.Bad"], capture_output=True)
        subprocess.run([sys.executable, "own_main.py", "Bad"], capture_output=True)
    def test_fork(self):
        child = os.fork()
        if child == 0: raise OSError  # which goes on with what is left of the suite
        os.waitpid(child, 0)
"""
OWN_MAIN = """
import unittest
from test_units import *
unittest.main()
"""
UNITTEST_OUTCOMES = {
    "Good.test_plain": "passed", "Good.test_parts": "passed", "Bad.test_failed": "failed", "Bad.test_error": "error",
    "Bad.test_torn": "error", "Bad.test_parts": "failed", "Other.test_skipped": "skipped", "Other.test_xfailed": "xfailed",
    "Other.test_xpassed": "xpassed", "Skipped.test_skipped": "skipped", "Runs.test_suite": "passed",
    "Runs.test_process": "passed", "Runs.test_fork": "passed",
}  # fmt: skip


def units(command):
    """Each test's outcomes, without the module that it is in."""
    observed = [(event.key, event.value) for event in command.events if event.key.startswith("test:")]
    return sorted((re.sub(r"(test_units|__main__)\.", "", key)[5:], value) for key, value in observed)


@pytest.mark.parametrize("runtime", ["eventlet", "threading"])
@pytest.mark.parametrize("argv", [["-m", "unittest", "test_units"], ["-m", "unittest", "discover", "-s", "."], ["own_main.py"]])
def test_outcomes_of_unittest_are_observed(command, runtime, argv):
    (command.folder / "test_units.py").write_text(UNITTESTS)
    (command.folder / "own_main.py").write_text(OWN_MAIN)
    command.run(runtime, *argv)
    assert command.result.returncode == 1, command.result
    assert units(command) == sorted([*UNITTEST_OUTCOMES.items(), ("setUpClass (NotSetUp)", "error")])


def test_outcomes_told_to_a_result_of_ones_own_are_observed(command):
    (command.folder / "test_units.py").write_text(UNITTESTS)
    (command.folder / "own_result.py").write_text(
        "import unittest, test_units\n"
        "class Result:\n"
        "    shouldStop = False\n"
        "    def startTest(self, test): pass\n"
        "    def stopTest(self, test): pass\n"
        "    def addSuccess(self, test): pass\n"
        "    def addFailure(self, test, error): pass\n"
        "result = Result()\n"
        "unittest.TestSuite([test_units.Good('test_plain'), test_units.Bad('test_failed')]).run(result)\n"
        "assert not [name for name in vars(result) if name.startswith(('add', 'start', 'stop'))]\n"
    )
    command.run("threading", "own_result.py")
    assert command.result.returncode == 0, command.result
    assert units(command) == [("Bad.test_failed", "failed"), ("Good.test_plain", "passed")]


def test_outcomes_in_processes_that_a_suite_forks_are_observed(command):
    (command.folder / "test_units.py").write_text(UNITTESTS)
    (command.folder / "forks.py").write_text(
        "import os, unittest\n"
        "for name in ('Good', 'Other'):\n"
        "    if os.fork() == 0:\n"
        "        unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromName('test_units.' + name))\n"
        "        os._exit(0)\n"
        "os.wait(), os.wait()\n"
    )
    command.run("threading", "forks.py")
    assert units(command) == sorted(
        (name, outcome) for name, outcome in UNITTEST_OUTCOMES.items() if name.startswith(("Good", "Other"))
    ), command.result


def test_the_unittest_that_never_ends_is_known(command):
    (command.folder / "test_units.py").write_text(
        "import os, unittest\nclass T(unittest.TestCase):\n    def test_ends(self): os._exit(3)\n"
    )
    command.run("threading", "-m", "unittest", "test_units")
    begun = [event.value for event in command.events if event.kind == "invoke" and event.key == "test"]
    assert begun == ["test_units.T.test_ends"], command.result


STESTR = {  # the process that starts workers, and how it reads them
    "stestr/__init__.py": "",
    "stestr/test_processor.py": "import subprocess\n",
    "testtools/__init__.py": "",
    "testtools/testsuite.py": "import threading\nfrom queue import Queue\n",
    "subunit/__init__.py": "",
    "subunit/v2.py": """
        import select
        def run(source, queue):
            while byte := source.read(1):
                while byte and select.select([source], [], [], 0.000001)[0]:
                    byte = source.read(1)
            queue.put("read")
        """,
    "controller.py": """
        import sys
        from stestr import test_processor
        from subunit import v2
        from testtools import testsuite
        queue, pipe, workers = testsuite.Queue(), test_processor.subprocess.PIPE, []
        for _ in range(2):
            worker = test_processor.subprocess.Popen([sys.executable, "-S", "-c", "print('x' * 2**17)"], stdout=pipe)
            workers.append((worker, testsuite.threading.Thread(target=v2.run, args=(worker.stdout, queue))))
            workers[-1][1].start()
        print(queue.get(), queue.get())
        for worker, thread in workers:
            thread.join()
            assert worker.wait() == 0
        """,
}


@pytest.mark.parametrize("runtime", [*HUBS, "threading"])
def test_the_controller_of_stestr_reads_its_workers_without_a_hub(command, runtime):
    write_all(command.folder, STESTR)
    environment = command.run(runtime, "controller.py").environment()
    assert command.result.stdout == "read read\n", command.result
    assert environment["hub_ran"] is False


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


RUNS_AGAIN = """
from _pytest.runner import runtestprotocol
def pytest_runtest_protocol(item, nextitem):
    failed, attempts = True, 3
    while failed and attempts > 0:
        attempts -= 1
        item._initrequest()
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        failed = any(report.failed for report in reports)
        for report in reports:
            if report.failed and attempts > 0:
                report.outcome = "rerun"
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
"""
ATTEMPTS = """
import pytest
attempts = []
def test_first(): pass
def test_second():
    attempts.append(1)
    assert len(attempts) > 1
def test_never(): assert False
@pytest.fixture
def broken(): raise OSError
def test_not_set_up(broken): pass
"""


def test_of_a_test_that_is_run_again_the_last_attempt_stands(command):
    (command.folder / "conftest.py").write_text(RUNS_AGAIN)
    (command.folder / "test_attempts.py").write_text(ATTEMPTS)
    command.run("threading", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    observed = [(event.key.rpartition("::")[2], event.value) for event in command.events if event.key.startswith("test:")]
    assert observed == [
        ("test_first", "passed"),
        ("test_second", "passed"),
        ("test_never", "failed"),
        ("test_not_set_up", "error"),
    ], command.result


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


def why_not(failure):
    return failure["reason"] if failure is not None else None


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


SUITES = {
    "broken": ("import nosuch\n", "pytest could not collect test_it.py: ModuleNotFoundError: No module named 'nosuch'"),
    "syntax": ("def\n", "pytest could not collect test_it.py: SyntaxError: "),
    "empty": ("", "pytest ran no test (exit status 5)"),
    "exits": ("import pytest\ndef test(): pytest.exit('enough')\n", "pytest was interrupted (exit status 2)"),
    "fine": ("def test(): pass\n", None),
    "fails": ("def test(): import nosuch\n", None),
}  # fmt: skip


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_that_did_not_start(command, name):
    text, reason = SUITES[name]
    (command.folder / "test_it.py").write_text(text)
    environment = command.run("threading", "-m", "pytest", "-q", "-p", "no:cacheprovider").environment()
    said = why_not(environment["suite"])
    assert said == reason or (reason is not None and said.startswith(reason)), command.result
    assert environment["program"] is None


def test_pytest_that_could_not_use_its_arguments(command):
    (command.folder / "conftest.py").write_text("import nosuch\n")
    environment = command.run("threading", "-m", "pytest", "--nosuchoption").environment()
    assert why_not(environment["suite"]) in (
        "pytest ended before its session began; its standard error says why",
        f"pytest could not collect {command.folder / 'conftest.py'}: ModuleNotFoundError: No module named 'nosuch'",
    )
    environment = command.run("threading", "-m", "pytest").environment()
    assert why_not(environment["suite"]).endswith("conftest.py: ModuleNotFoundError: No module named 'nosuch'")


def test_a_module_that_was_not_collected_beside_others(command):
    (command.folder / "test_a.py").write_text("import nosuch\n")
    (command.folder / "test_b.py").write_text("def test(): pass\n")
    arguments = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert "could not collect test_a.py" in why_not(command.run("threading", *arguments).environment()["suite"])
    all_the_same = command.run("threading", *arguments, "--continue-on-collection-errors")
    assert all_the_same.environment()["suite"] is None


def test_a_suite_inside_of_a_suite_says_nothing(command):
    (command.folder / "test_outer.py").write_text(
        "import subprocess, sys, pytest\n"
        "def test_inner(tmp_path):\n"
        "    (tmp_path / 'test_x.py').write_text('import nosuch')\n"
        "    assert subprocess.run([sys.executable, '-m', 'pytest', str(tmp_path)]).returncode == 2\n"
        "def test_same_process(tmp_path):\n"
        "    assert pytest.main([str(tmp_path)]) == 5\n"
    )
    command.run("threading", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    suites = [e.value["suite"] for e in command.events if e.key == "environment" and "suite" in e.value]
    assert (suites, command.result.returncode) == ([None], 0), command.result


INSIDE = """
import os, subprocess, sys
import pytest
PLAIN = "def test_inner(): pass"
def test_process(tmp_path):
    (tmp_path / "test_in_process.py").write_text(PLAIN)
    subprocess.run([sys.executable, "-m", "pytest", str(tmp_path)], check=True)
def test_broken(tmp_path):
    (tmp_path / "test_in_broken.py").write_text("import nosuch")
    assert subprocess.run([sys.executable, "-m", "pytest", str(tmp_path)]).returncode == 2
def test_main(tmp_path):
    (tmp_path / "test_in_main.py").write_text(PLAIN)
    assert pytest.main([str(tmp_path)]) == 0
def test_fork():
    if (child := os.fork()) == 0:
        raise ValueError
    os.waitpid(child, 0)
def test_after(): pass
"""


def test_what_a_test_of_pytest_runs_is_not_observed(command):
    (command.folder / "test_outer.py").write_text(INSIDE)
    command.run("threading", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert [(event.key, event.value) for event in command.events if event.key.startswith("test:")] == [
        (f"test:test_outer.py::test_{name}", "passed") for name in ("process", "broken", "main", "fork", "after")
    ], command.result
    begun = [event.value for event in command.events if event.kind == "invoke" and event.key == "test"]
    assert len(begun) == 5, begun


def test_pytest_run_twice_by_one_program_is_observed_twice(command):
    for name in ("first", "second"):
        (command.folder / f"test_{name}.py").write_text(f"def test_{name}(): pass")
    (command.folder / "both.py").write_text(
        "import pytest\nfor name in ('first', 'second'): assert pytest.main(['-q', f'test_{name}.py']) == 0"
    )
    command.run("threading", "both.py")
    assert command.tests() == {"test_first": "passed", "test_second": "passed"}, command.result


def test_unittest_that_could_not_load(command):
    suite = command.run("threading", "-m", "unittest", "nosuch").environment()["suite"]
    assert suite["reason"] == "unittest could not load nosuch: ModuleNotFoundError: No module named 'nosuch'"
    assert suite["missing_module"] is True
    assert why_not(command.run("threading", "-m", "unittest").environment()["suite"]) == "unittest ran no test"
    (command.folder / "test_it.py").write_text("import unittest\nclass T(unittest.TestCase):\n    def test(self): pass\n")
    assert command.run("threading", "-m", "unittest", "test_it", "nosuch").environment()["suite"] is None
    assert "suite" not in command.run("threading", "-c", "import unittest.main").environment()
