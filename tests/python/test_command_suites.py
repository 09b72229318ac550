"""The hook of command workloads: what it tells of the tests of suites, pytest's and unittest's."""

from __future__ import annotations

import re

import pytest

from commands import HUBS

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


def why_not(failure):
    return failure["reason"] if failure is not None else None


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


def test_testtools_that_could_not_load(command):
    (command.folder / "testtools").mkdir()
    (command.folder / "testtools" / "__init__.py").touch()
    (command.folder / "testtools" / "run.py").write_text("import unittest\nunittest.main(module=None)\n")
    suite = command.run("threading", "-m", "testtools.run", "nosuch").environment()["suite"]
    assert suite["reason"] == "unittest could not load nosuch: ModuleNotFoundError: No module named 'nosuch'"
    (command.folder / "test_it.py").write_text("")
    assert why_not(command.run("threading", "-m", "testtools.run", "test_it").environment()["suite"]) == "unittest ran no test"


PROGRAM = """
import sys, unittest
tests = unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromName(name) for name in sys.argv[1:])
unittest.TextTestRunner().run(tests)
"""


def test_a_program_of_ones_own_that_could_load_none_of_its_tests(command):
    (command.folder / "program.py").write_text(PROGRAM)
    (command.folder / "test_it.py").write_text("import unittest\nclass T(unittest.TestCase):\n    def test(self): pass\n")
    suite = command.run("threading", "program.py", "nosuch").environment()["suite"]
    assert suite["reason"] == "unittest could not load nosuch: ModuleNotFoundError: No module named 'nosuch'"
    assert command.run("threading", "program.py", "nosuch", "test_it").environment()["suite"] is None
    assert "suite" not in command.run("threading", "program.py").environment()  # it may have other work
