"""`trireme run -- CMD`: a program of one's own, unchanged, under every runtime that hosts commands."""

from __future__ import annotations

import json
import re
import shlex
import unittest

from trireme_case import PYTHON, TriremeCase

try:
    import pytest  # noqa: F401
except ImportError:
    HAS_PYTEST = False
else:
    HAS_PYTEST = True

ARGUMENTS = [*PYTHON, "--runtimes", "threading", "--reference", "threading", "--seed", "1"]

SHARING = """\
    import os
    import select

    os.mkfifo("mine")  # as a suite keeps a file of its own there: of two at once one finds it taken
    reader = os.open("mine", os.O_RDONLY | os.O_NONBLOCK)
    select.select([reader], [], [], 0.3)  # for long enough that another, started beside it, would come
    os.remove("mine")
    """

MEETING = """\
    import os
    import signal

    signal.alarm(20)  # ends the one that is alone
    try:
        os.mkfifo("both")
        side = os.O_RDONLY
    except FileExistsError:
        side = os.O_WRONLY
    os.close(os.open("both", side))  # when the other has opened it too
    """

SIGNALLED = """\
    import os
    import signal
    import socket

    if (child := os.fork()) == 0:
        signal.alarm(60)
        while True:
            signal.pause()
    signal.signal(signal.SIGCONT, lambda *_: os._exit(7))
    signal.signal(signal.SIGCHLD, lambda *_: os._exit(9))
    listener = socket.create_server(("127.0.0.1", 0))
    stream = socket.create_connection(listener.getsockname())
    stream.sendall(b"x")
    while True:
        signal.pause()
    """


class CommandTest(TriremeCase):
    def test_a_command_that_is_not_there(self) -> None:
        outcome = self.trireme("run", *ARGUMENTS, "--", "no-such-program-at-all")
        self.assertNotEqual(outcome.code, 0)
        self.assertIn("no-such-program-at-all", outcome.out + outcome.err)

    def test_a_command_without_python_is_unknown(self) -> None:
        outcome = self.expect("run", *ARGUMENTS, "--", "true", code=4, out=None)
        self.assertIn("command  ?\n", outcome.out)

    def test_a_replay_line_keeps_the_command(self) -> None:
        self.write("tool.py", "raise SystemExit(3)\n")
        outcome = self.trireme("run", *ARGUMENTS, "--", "python3", "tool.py", "--flag", "a b")
        replay = re.search(r"replay: (trireme run .*)\n", outcome.out)
        if replay is None:  # it did what was expected
            return
        words = shlex.split(replay.group(1))
        self.assertEqual(words[words.index("--"):], ["--", "python3", "tool.py", "--flag", "a b"])

    def test_trials_share_a_folder_one_after_the_other(self) -> None:
        self.write("tool.py", SHARING)
        plan = [*PYTHON, "--runtimes", "threading", "--reference", "threading", "--trials", "6", "--seed", "1"]
        self.expect("run", *plan, "--", "python3", "tool.py", code=0, out=None)
        history = self.trireme("history", str(self.run_directory()))
        self.assertEqual(history.out.count('"key":"exit-status","value":0}'), 6, history)

    def test_who_says_how_many_run_at_once_has_them_meet(self) -> None:
        self.write("tool.py", MEETING)
        self.expect("run", *ARGUMENTS, "--trials", "2", "--jobs", "2", "--", "python3", "tool.py", code=0, out=None)
        history = self.trireme("history", str(self.run_directory()))
        self.assertEqual(history.out.count('"key":"exit-status","value":0}'), 2, history)

    @unittest.skipUnless(HAS_PYTEST, "the interpreter of the tests has no pytest")
    def test_a_suite_is_observed_test_by_test(self) -> None:
        self.write("suite/test_x.py", """\
            def test_good():
                assert True

            def test_bad():
                assert False
            """)
        self.expect("run", *ARGUMENTS, "--", "python3", "-m", "pytest", "-q", "suite", out=None)
        history = self.trireme("history", str(self.run_directory()))
        self.assertIn('"event":"observe","key":"exit-status","value":1', history.out)
        self.assertIn('"key":"test:suite/test_x.py::test_good","value":"passed"', history.out)
        self.assertIn('"key":"test:suite/test_x.py::test_bad","value":"failed"', history.out)

    runs = 0

    def lines_of(self, script: str, *lines: str) -> list[tuple[str, str]]:
        """Those that are observed of a shell's script that runs Python once."""
        self.write("lines/scenario.yaml", f"""\
            version: 1
            summary: a program that tells by what it writes
            workload: {{command: [sh, -c, {json.dumps(script)}], lines: {json.dumps(lines)}}}
            """)
        self.runs += 1
        outcome = self.trireme("run", "lines", *ARGUMENTS, "--out", f"run-{self.runs}")
        history = self.trireme("history", f"run-{self.runs}")
        events = [event for event in map(json.loads, history.out.splitlines()) if event["event"] == "observe"]
        self.assertEqual(events.pop()["key"], "exit-status", outcome)
        return [(event["key"], event["value"]) for event in events]

    def test_lines_of_the_output_are_observed(self) -> None:
        script = """python3 -c 'print(1); print("got 2"); print("got 3", end="")'; echo got 4 >&2; exit 3"""
        seen = self.lines_of(script, "^got (.)", "^[0-9]$", "5")
        self.assertEqual(sorted(seen), [("line:^[0-9]$", "1"), *(("line:^got (.)", n) for n in "234")])
        (directory,) = (self.folder / "run-1" / "trials").glob("*/0")
        self.assertEqual((directory / "stdout").read_text(), "1\ngot 2\ngot 3")
        self.assertEqual((directory / "stderr").read_text(), "got 4\n")

    def test_lines_end_with_the_program_not_with_what_it_leaves_behind(self) -> None:
        script = "python3 -c pass; sleep 600 & echo got 1"
        self.assertEqual(self.lines_of(script, "got"), [("line:got", "got")])

    def test_what_is_left_behind_may_write_for_ever(self) -> None:
        script = "python3 -c pass; yes & echo got 1"
        self.assertEqual(self.lines_of(script, "got"), [("line:got", "got")])

    def test_there_is_no_line_after_the_last(self) -> None:
        self.assertEqual(self.lines_of("python3 -c 'print(1)'", "(.*)"), [("line:(.*)", "1")])
        self.assertEqual(self.lines_of("python3 -c 'print()'; echo 2 >&2", "^$"), [("line:^$", "")])

    def test_lines_that_differ_where_they_are_too_long_to_be_kept_differ(self) -> None:
        def value(end: str) -> str:
            [(_, value)] = self.lines_of(f"python3 -c 'print(\"got \" + \"x\" * (1 << 20) + \"{end}\")'", "^got (x)")
            return value

        self.assertRegex(value("a"), r"^x \[trireme: of a line of 1048581 bytes, whose rest is 0x[0-9a-f]+\]$")
        self.assertNotEqual(value("a"), value("b"))
        self.assertEqual(value("a"), value("a"))

    def test_a_server_that_a_script_ends_by_a_signal_is_known(self) -> None:
        self.write("serve.py", "import os, time\nos.write(1, b'ready\\n')\nwhile True: time.sleep(60)  # until the signal\n")
        script = "mkfifo said; python3 serve.py >said & read line <said; kill $!; wait $!; rm said; echo $?"
        outcome = self.expect("run", *ARGUMENTS, "--", "sh", "-c", script, code=0, out=None)
        self.assertIn("command  \u2713\n", outcome.out)

    @unittest.skipUnless(HAS_PYTEST, "the interpreter of the tests has no pytest")
    def test_a_suite_that_is_cut_off_is_unknown(self) -> None:
        self.write("suite/test_x.py", "import os\ndef test_a(): pass\ndef test_b(): os._exit(0)\n")
        outcome = self.expect("run", *ARGUMENTS, "--", "python3", "-m", "pytest", "-q", "suite", code=4, out=None)
        self.assertIn("pytest was ended before its tests were (exit status 0); not ended: suite/test_x.py::test_b",
                      outcome.out)

    def test_a_pool_of_processes_is_left_alone(self) -> None:
        self.write("pool.py", """\
            import multiprocessing

            if __name__ == "__main__":
                with multiprocessing.get_context("spawn").Pool(3) as pool:
                    assert sum(pool.map(abs, range(50), chunksize=1)) == 1225
            """)
        outcome = self.expect("run", *ARGUMENTS, "--", "python3", "pool.py", out=None)
        self.assertIn("command  \u2713\n", outcome.out)

    def test_a_signal_of_a_plan_hits_the_program(self) -> None:
        self.assertEqual(self.end_by("{signal: TERM, offset: 0}"), [-15])
        self.assertEqual(self.end_by("{signal: STOP, for: 10ms, offset: 0}"), [7])

    def test_a_worker_is_a_child_of_the_program(self) -> None:
        self.assertEqual(self.end_by("{signal: KILL, target: worker, offset: 0}"), [9])

    def test_a_glob_leaves_alone_who_waits_for_the_program(self) -> None:
        self.assertEqual(self.end_by("{signal: KILL, target: '*', offset: 0}"), [-9])

    def end_by(self, fault: str) -> list[int]:
        """The exit status of a program that waits for a signal once it has sent a byte: 7 by SIGCONT, 9 by its child's end."""
        self.write("tool.py", SIGNALLED)
        self.write("plan.yaml", f"version: 1\nsummary: s\nprocess: {fault}\n")
        self.trireme("run", *ARGUMENTS, "--timeout", "20s", "--faults", "plan.yaml", "--out", fault, "--", "python3", "tool.py")
        history = self.trireme("history", fault)
        events = [json.loads(line) for line in history.out.splitlines()]
        self.assertTrue(any(event["event"] == "fault" for event in events), history.out)
        # A trial that is unknown is run once more.
        return sorted({event["value"] for event in events if event.get("key") == "exit-status"})
