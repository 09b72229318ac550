"""`trireme run -- CMD`: a program of one's own, unchanged, under every runtime that hosts commands."""

from __future__ import annotations

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

    def test_a_pool_of_processes_is_left_alone(self) -> None:
        self.write("pool.py", """\
            import multiprocessing

            if __name__ == "__main__":
                with multiprocessing.get_context("spawn").Pool(3) as pool:
                    assert sum(pool.map(abs, range(50), chunksize=1)) == 1225
            """)
        outcome = self.expect("run", *ARGUMENTS, "--", "python3", "pool.py", out=None)
        self.assertIn("command  \u2713\n", outcome.out)
