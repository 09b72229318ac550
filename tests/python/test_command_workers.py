"""The hook of command workloads: the processes of a suite that runs in several, and how they reach each other."""

from __future__ import annotations

import textwrap

import pytest

from commands import HUBS

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


LISTS = """
import subunit
stream = subunit.StreamResultToBytes()
stream.status(test_id="t.listed", test_status="exists")
{more}
"""
NOT_IMPORTED = """
stream.status(file_name="import errors", runnable=False, file_bytes=b'''Failed to import test module: t.one
Traceback (most recent call last):
  File "loader.py", line 1, in find
ModuleNotFoundError: No module named 'absent'

Failed to import test module: t.two
Traceback (most recent call last):
ValueError: x
''')
raise SystemExit(2)
"""
RAN_NONE = {"reason": "the test runner ran no test", "missing_module": False, "ran_none": True}


@pytest.mark.parametrize(
    ("more", "suite"),
    [
        ("", RAN_NONE),
        ("stream.status('t.listed', 'success')", None),
        (
            NOT_IMPORTED,
            {
                "reason": "the test runner could not load t.one (and 1 more): "
                "ModuleNotFoundError: No module named 'absent'",
                "missing_module": True,
            },
        ),
    ],
)
def test_a_lister_says_why_no_test_can_run(command, more, suite):
    write_all(command.folder, {**SUBUNIT, "subunit/run.py": LISTS.format(more=more)})
    assert command.run("threading", "-m", "subunit.run").environment()["suite"] == suite, command.result


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


GREEN = """
def turn():
    import warnings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import eventlet
    eventlet.sleep(0)
"""
TELLS_GREEN = """
import subunit, green
stream = subunit.StreamResultToBytes()
for name, act in (("t.native", int), ("t.green", green.turn), ("t.after", int)):
    stream.status(test_id=name, test_status="inprogress")
    act()
    stream.status(test_id=name, test_status="success")
stream.status(test_id="t.endless", test_status="inprogress")
"""
RUNS_GREEN = """
import unittest, green
class T(unittest.TestCase):
    def test_a_native(self): pass
    def test_b_green(self): green.turn()
    def test_c_after(self): pass
"""


def test_a_hub_under_a_test_that_is_told_in_subunit_is_a_mixed_arm(command):
    write_all(command.folder, {**SUBUNIT, "green.py": GREEN, "subunit/run.py": TELLS_GREEN})
    command.run("threading", "-m", "subunit.run")
    assert [event.value for event in command.events if event.key == "mixed-arm"] == ["t.green"], command.result
    begun = [event.value for event in command.events if event.kind == "invoke"]
    assert begun == ["t.native", "t.green", "t.after", "t.endless"]
    assert [event.kind for event in command.events].count("ok") == 3


@pytest.mark.parametrize(("runtime", "mixed"), [("threading", ["inner.T.test_b_green"]), ("eventlet", [])])
def test_a_hub_under_a_test_of_unittest_is_a_mixed_arm(command, runtime, mixed):
    write_all(command.folder, {"green.py": GREEN, "inner.py": RUNS_GREEN})
    command.run(runtime, "-m", "unittest", "-q", "inner")
    assert [event.value for event in command.events if event.key == "mixed-arm"] == mixed, command.result
