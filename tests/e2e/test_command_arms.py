"""What the arms of a command ran on, and which tests differ: `trireme run --runtimes eventlet,threading -- CMD`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

from trireme_case import Outcome, TriremeCase

DIFFERS = """\
    import copy, threading

    def test_a_lock_can_be_copied():
        copy.deepcopy(threading.Lock())

    def test_adds():
        assert 1 + 1 == 2
    """
SAME = """\
    import threading

    def test_a_thread_ends():
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()

    def test_fails():
        assert False
    """
GREEN = """\
    import eventlet

    def test_plain():
        pass

    def test_green():
        eventlet.sleep(0)
    """
OTHER_HUB = """\
    import eventlet.hubs, time

    def test_own():
        time.sleep(0.001)

    def test_other():
        eventlet.hubs.use_hub("selects")
        time.sleep(0.001)
    """


def has_packages(python: str) -> bool:
    probe = subprocess.run([python, "-W", "ignore", "-c", "import eventlet, pytest"], capture_output=True,
                           check=False, stdin=subprocess.DEVNULL)
    return probe.returncode == 0


def find_python() -> str | None:
    """An interpreter with eventlet and pytest: the tests', else one that `trireme setup` made."""
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    made = sorted((data / "trireme/venvs").glob("*/bin/python"), key=lambda path: path.parts[-3])
    return next((python for python in [sys.executable, *map(str, made)] if has_packages(python)), None)


INTERPRETER = find_python()


@unittest.skipIf(INTERPRETER is None, "no interpreter has eventlet and pytest: trireme setup")
class CommandArmsTest(TriremeCase):
    def run_command(self, *command: str, runtimes: str = "eventlet,threading", options: tuple[str, ...] = (),
                    **settings: object) -> Outcome:
        return self.trireme("run", "--runtimes", runtimes, "--python", f"here={INTERPRETER}", *options, "--",
                            *command, **settings)

    def pytest(self, *arguments: str, **settings: object) -> Outcome:
        return self.run_command("python3", "-m", "pytest", *arguments, **settings)  # type: ignore[arg-type]

    def cells(self) -> dict:
        results = json.loads((self.run_directory() / "results.json").read_text())
        return {cell["runtime"]: cell for cell in results["cells"]}

    def test_the_test_that_differs_is_named(self) -> None:
        self.write("suite/test_it.py", DIFFERS)
        outcome = self.pytest("suite", options=("--report", "junit=junit.xml", "--report", "markdown=report.md"))
        name = "suite/test_it.py::test_a_lock_can_be_copied"
        self.assertEqual(outcome.code, 1, outcome)
        self.assertIn(f"threading differs from eventlet in 1 of 1 scenario: command (1 test: {name})\n", outcome.out)
        self.assertIn(f"    1 test differs:\n      {name}: failed here, passed on eventlet/here\n", outcome.out)
        for report in ("junit.xml", "report.md"):
            self.assertIn(name, (self.folder / report).read_text().replace("\\", ""))
        findings = self.cells()["threading"]["findings"]
        self.assertIn(name, findings[0]["message"])
        self.assertEqual([finding["evidence"]["key"] for finding in findings], ["test:" + name, "exit-status"])

    def test_lines_of_the_output_that_differ_are_told(self) -> None:
        self.write("tells/scenario.yaml", """\
            version: 1
            summary: a program that tells what it runs on
            workload: {command: [python3, tells.py], lines: ["^locks of (.*)", "^always"]}
            trials: 2
            """)
        self.write("tells/tells.py", """\
            import threading

            print("always")
            print("locks of", type(threading.Lock()).__module__)
            """)
        outcome = self.trireme("run", "tells", "--runtimes", "eventlet,threading", "--python", f"here={INTERPRETER}")
        (finding,) = self.cells()["threading"]["findings"]
        self.assertEqual(finding["evidence"]["key"], "line:^locks of (.*)", outcome)
        self.assertIn('was "_thread" in 2 of 2 trials, never on eventlet/here', outcome.out)

    def test_each_arm_proves_what_it_ran_on(self) -> None:
        self.write("suite/test_it.py", SAME)
        outcome = self.pytest("suite")
        self.assertEqual(outcome.code, 0, outcome)
        self.assertIn("threading does the same as eventlet in 1 scenario\n", outcome.out)
        self.assertIn("\ntests    2 alike, 0 differ (threading/here)\n", outcome.out)
        green, native = (self.cells()[runtime]["environment"] for runtime in ("eventlet", "threading"))
        self.assertEqual((green["patched"], green["hub"], green["import_chain"]), (True, "epolls", ["trireme"]))
        self.assertIn("eventlet", green["versions"])
        self.assertEqual((native["patched"], native["hub"], native["imported"]), (False, None, False))
        self.assertEqual(native["gil"], True)

    def test_the_arms_of_eventlet_have_a_hub_each(self) -> None:
        self.write("suite/test_it.py", SAME)
        outcome = self.pytest("suite", runtimes="eventlet-asyncio,threading",
                              env=self.environment() | {"EVENTLET_HUB": "poll"})
        self.assertEqual(outcome.code, 0, outcome)
        hubs = {runtime: cell["environment"]["hub"] for runtime, cell in self.cells().items()}
        self.assertEqual(hubs, {"eventlet-asyncio": "asyncio", "threading": None, "eventlet": "epolls"})

    def test_another_hub_than_the_arms_is_a_mixed_arm(self) -> None:
        self.write("suite/test_it.py", OTHER_HUB)
        outcome = self.pytest("suite", runtimes="eventlet-asyncio", options=("--reference", "eventlet-asyncio"))
        self.assertEqual(outcome.code, 4, outcome)
        self.assertIn("mixed arm: 1 test ran on selects in the eventlet-asyncio arm, whose hub is asyncio: "
                      "suite/test_it.py::test_other\n", outcome.out)

    def test_a_hub_in_the_threading_arm_is_a_mixed_arm(self) -> None:
        self.write("suite/test_it.py", GREEN)
        outcome = self.pytest("suite", "-W", "ignore")
        self.assertEqual(outcome.code, 4, outcome)
        self.assertIn("mixed arm: 1 test ran on a hub in the threading arm, which should have none: "
                      "suite/test_it.py::test_green; eventlet was imported by ", outcome.out)
        cell = self.cells()["threading"]
        self.assertEqual((cell["verdict"], [found["kind"] for found in cell["findings"]]), ("unknown", ["mixed-arm"]))
        self.assertIn("\ntests    1 alike, 0 differ, 1 undecided (threading/here)\n", outcome.out)

    def test_a_mixed_arm_hides_no_other_test_that_differs(self) -> None:
        self.write("suite/test_it.py", GREEN + """
    def test_differs():
        assert eventlet.patcher.is_monkey_patched("time")
    """)
        outcome = self.pytest("suite", "-W", "ignore")
        self.assertEqual(outcome.code, 1, outcome)
        self.assertIn("\ntests    1 alike, 1 differs, 1 undecided (threading/here)\n", outcome.out)
        self.assertIn("'test:suite/test_it.py::test_differs' was \"failed\" in 1 of 1 trials, never on eventlet",
                      outcome.out)

    def test_a_test_that_never_ends_is_named_with_its_stack(self) -> None:
        self.write("suite/test_it.py", """
            import threading

            def test_ends():
                pass

            def test_hangs():
                threading.Event().wait()
            """)
        outcome = self.pytest("suite", runtimes="threading", options=("--reference", "threading", "--timeout", "8s"))
        self.assertEqual(outcome.code, 1, outcome)
        # It is put off by what the harness itself was away, on a busy machine.
        self.assertRegex(outcome.out, r"no progress from \S+ to the timeout of 8\S*s: 1 unfinished task \(command\); "
                                      r"not ended: suite/test_it.py::test_hangs\n")
        (stacks,) = self.run_directory().glob("trials/*/*/stacks.txt")
        self.assertRegex(stacks.read_text(), r'process \d+:\n(.*\n)+  File ".*/suite/test_it.py", line \d+ in test_hangs\n')

    def test_a_command_without_python_is_unknown(self) -> None:
        outcome = self.run_command("true")
        self.assertEqual(outcome.code, 4, outcome)
        self.assertIn(f"the command started no Python of {INTERPRETER}", outcome.out)

    def test_a_suite_without_tests_is_unknown(self) -> None:
        (self.folder / "suite").mkdir()
        outcome = self.pytest("suite")
        self.assertEqual(outcome.code, 4, outcome)
        self.assertIn("pytest ran no test (exit status 5)", outcome.out)

    def test_what_starts_on_no_arm_is_unknown(self) -> None:
        self.write("suite/test_it.py", "import nosuch\n")
        lacks = f"; {Path(str(INTERPRETER)).parent}/python3 lacks it: activate the virtual environment that has"
        for command, reason in (
            (("-m", "pytest", "suite"), "pytest could not collect suite/test_it.py: ModuleNotFoundError: "
             f"No module named 'nosuch'{lacks}"),
            (("missing.py",), "the command did not start: Python cannot open 'missing.py'\n"),
            (("-c", "import nosuch"), f"the command did not start: ModuleNotFoundError: No module named 'nosuch'{lacks}"),
        ):
            outcome = self.run_command("python3", *command)
            self.assertEqual(outcome.code, 4, outcome)
            self.assertIn(reason, outcome.out)

    def test_what_starts_on_one_arm_only_is_a_difference(self) -> None:
        self.write("main.py", "import socket\nif 'eventlet' not in socket.socket.__module__: import nosuch\n")
        outcome = self.run_command("python3", "main.py")
        self.assertEqual(outcome.code, 1, outcome)
        self.assertIn("'exit-status' was 1 in 1 of 1 trials, never on eventlet/here (0 in all 1)\n", outcome.out)

    def test_a_command_that_cannot_start(self) -> None:
        for name, reason in (("no-such-program", "no program 'no-such-program' in PATH"),
                             ("./absent", "cannot start './absent': No such file or directory")):
            outcome = self.run_command(name)
            self.assertEqual(outcome.code, 4, outcome)
            self.assertIn(f"  {reason}\n    command on eventlet/here, command on threading/here\n", outcome.out)

    def test_exit_statuses_are_compared(self) -> None:
        self.write("main.py", "import socket, sys\nsys.exit('eventlet' in socket.socket.__module__)\n")
        outcome = self.run_command("python3", "main.py")
        self.assertEqual(outcome.code, 1, outcome)
        self.assertIn("'exit-status' was 0 in 1 of 1 trials, never on eventlet/here (1 in all 1)\n", outcome.out)

    def test_a_signal_is_a_crash(self) -> None:
        self.write("main.py", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
        outcome = self.run_command("python3", "main.py", runtimes="threading", options=("--reference", "threading"))
        self.assertEqual(outcome.code, 1, outcome)
        self.assertIn("the command was ended by SIGKILL\n", outcome.out)

    def test_a_child_left_behind_is_a_leak_and_is_ended(self) -> None:
        self.write("main.py", "import subprocess\n"
                   "print(subprocess.Popen(['sleep', '987'], start_new_session=True).pid, file=open('pid', 'w'))\n")
        outcome = self.run_command("python3", "main.py", runtimes="threading", options=("--reference", "threading"))
        self.assertEqual(outcome.code, 1, outcome)
        self.assertIn("1 process outlived the workload: sleep 987\n", outcome.out)
        self.assertFalse(Path("/proc", (self.folder / "pid").read_text().strip()).exists())

    def test_gigabytes_of_output_do_no_harm(self) -> None:
        self.write("main.py", "import sys\nfor _ in range(2048): sys.stdout.write('x' * (1 << 20))\n")
        outcome = self.run_command("python3", "main.py", runtimes="threading", options=("--reference", "threading"))
        self.assertEqual(outcome.code, 0, outcome)
        for file in self.run_directory().glob("trials/*/*/stdout"):
            self.assertLess(file.stat().st_size, 64 << 20)

    def test_the_environment_of_the_command(self) -> None:
        self.write("main.py", "import json, os, sys\n"
                   "print(json.dumps([sys.argv, sys.executable, os.environ['PATH'], os.getcwd()]))\n")
        odd = ["", "a b", "$HOME", "--", "*", "-p"]
        outcome = self.run_command("python3", "main.py", *odd)
        self.assertEqual(outcome.code, 0, outcome)
        assert INTERPRETER is not None
        folder = str(Path(INTERPRETER).parent)
        for file in self.run_directory().glob("trials/*/*/stdout"):
            argv, executable, path, here = json.loads(file.read_text())
            self.assertEqual((argv, here), (["main.py", *odd], str(self.folder)))
            self.assertEqual((str(Path(executable).parent), path.split(":")[0]), (folder, folder))

    def test_pytest_keeps_its_users_settings(self) -> None:
        self.write("pytest.ini", "[pytest]\naddopts = -p no:cacheprovider --strict-config -k kept\n")
        self.write("suite/test_it.py", "def test_kept(): pass\ndef test_kept_slow(): pass\ndef test_other(): pass\n")
        environment = self.environment() | {"PYTEST_ADDOPTS": "--deselect suite/test_it.py::test_kept_slow"}
        outcome = self.pytest("suite", env=environment)
        self.assertEqual(outcome.code, 0, outcome)
        for file in self.run_directory().glob("trials/*/*/stdout"):
            self.assertIn("1 passed, 2 deselected", file.read_text())

    def test_arms_share_no_cache(self) -> None:
        self.write("suite/test_it.py", DIFFERS)
        for _ in range(2):
            outcome = self.pytest("--last-failed", "suite")
            self.assertIn("threading differs from eventlet", outcome.out, outcome)
        self.assertFalse((self.folder / ".pytest_cache").exists())

    def test_a_suite_outside_of_the_current_folder(self) -> None:
        suite = self.write("elsewhere/test_it.py", DIFFERS).parent
        (self.folder / "work").mkdir()
        outcome = self.pytest(str(suite), cwd=self.folder / "work")
        self.assertEqual(outcome.code, 1, outcome)
        self.assertIn("test_it.py::test_a_lock_can_be_copied: failed here", outcome.out)
