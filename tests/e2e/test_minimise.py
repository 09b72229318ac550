"""`run --minimise`: the faults of a failing trial, reduced to those that matter."""

from __future__ import annotations

import textwrap
from pathlib import Path

from trireme_case import PYTHON, TriremeCase

# Many faults that do no harm, and one that makes the planted workloads fail.
FAULTS = """\
faults:
  - name: many
    all:
      - {name: cut, at: {call: recv, every: 400}, do: {short: 3}}
      - {name: late, at: {call: send, side: server, offset: 0}, do: {delay: 1ms}}
      - {name: again, at: {call: recv, side: server, offset: 0}, do: {interrupt: true}}
      - {name: part-sent, at: {call: send, side: client, offset: 1700, connection: "writer-1#0"}, do: {short: 13}}
"""
SCENARIO = """\
version: 1
summary: Writers call send()
workload: {python: workload.py}
runtimes: [asyncio]
params: {writers: 2, messages: 5, bytes: 1000}
timeout: 10s
checks: [progress, {lost-update: {op: write, final: received}}]
"""
PLANTED = Path(__file__).resolve().parents[2] / "scenarios" / "planted"


class MinimiseTest(TriremeCase):
    def scenario(self, planted: str, more: str = FAULTS) -> None:
        self.write("s/scenario.yaml", SCENARIO + textwrap.dedent(more))
        self.write("s/workload.py", (PLANTED / planted / "workload.py").read_text())

    def minimal_plans(self) -> list[Path]:
        return sorted((self.folder / "a").glob("trials/*/*/minimal.yaml"))

    def test_only_the_fault_that_matters_is_left(self) -> None:
        self.scenario("partial-write")
        outcome = self.trireme("run", "s", "--minimise", "--out", "a", "--seed", "5", *PYTHON)
        self.assertEqual(outcome.code, 1, outcome.out + outcome.err)
        plans = self.minimal_plans()
        self.assertEqual(len(plans), 1, outcome.out)
        for plan in plans:
            text = plan.read_text()
            self.assertIn(text, outcome.out)
            self.assertEqual(text.count("  - name: "), 1, text)
            self.assertRegex(text, r'at: \{call: \[send\], side: client, connection: "1\.2#0", offset: \d+\}')
            self.assertIn("do: {short: 1}", text)
            self.assertRegex(text, r"# \d+ faults before, 1 after; \d+ tests, \d+ trials\n")
            self.assertIn("# all of them failed in 5 of 5 decided trials, so that fewer had to fail in each of 3\n", text)
        self.assertFalse((self.folder / "a" / "minimise").exists())

    def test_what_is_printed_fails_again(self) -> None:
        self.scenario("partial-write")
        self.trireme("run", "s", "--minimise", "--out", "a", "--seed", "5", *PYTHON)
        (plan,) = self.minimal_plans()
        again = self.trireme("run", "s", "--faults", str(plan), "--out", "b", "--seed", "5", *PYTHON)
        self.assertEqual(again.code, 1, again.err)
        self.assertIn("the acknowledged 'write' operations (10) make 10000", again.out)
        inline = "faults:\n  -\n" + textwrap.indent(plan.read_text(), "    ")
        self.scenario("partial-write", inline)
        again = self.trireme("run", "s", "--out", "c", "--seed", "5", *PYTHON)
        self.assertEqual(again.code, 1, again.err)
        self.assertIn("the acknowledged 'write' operations (10) make 10000", again.out)

    def test_the_line_to_bring_it_again_is_a_command(self) -> None:
        self.scenario("partial-write")
        self.trireme("run", "s", "--minimise", "--out", "a", "--seed", "5", *PYTHON)
        (plan,) = self.minimal_plans()
        (line,) = [line for line in plan.read_text().splitlines() if line.startswith("# trireme run ")]
        self.assertIn(f"--faults a/{plan.relative_to(self.folder / 'a')} --trial 0", line)
        again = self.trireme(*line.split()[2:], "--out", "b")
        self.assertEqual(again.code, 1, again.err)

    def test_nothing_is_reduced_where_nothing_failed(self) -> None:
        self.scenario("partial-write-safe")
        outcome = self.trireme("run", "s", "--minimise", "--out", "a", "--seed", "5", *PYTHON)
        self.assertEqual(outcome.code, 0, outcome.out + outcome.err)
        self.assertIn("minimise: no trial failed under faults: there is nothing to reduce\n", outcome.out)
        self.assertEqual(self.minimal_plans(), [])

    def test_a_failure_without_any_fault_is_said(self) -> None:
        self.scenario("partial-write")
        workload = self.folder / "s/workload.py"
        workload.write_text(workload.read_text().replace("sum(await rt.gather(*readers))",
                                                         "sum(await rt.gather(*readers)) - 1"))
        outcome = self.trireme("run", "s", "--minimise", "--out", "a", "--seed", "5", *PYTHON)
        self.assertIn("lost-update: it fails without any fault as well: ", outcome.out)
        self.assertEqual(self.minimal_plans(), [])

    def test_a_failure_that_does_not_come_again_is_said(self) -> None:
        self.scenario("partial-write-safe")
        workload = self.folder / "s/workload.py"
        # Fails the first time that it runs in this folder.
        workload.write_text(workload.read_text().replace("sum(await rt.gather(*readers))",
                                                         "first() + sum(await rt.gather(*readers))")
                            + textwrap.dedent("""\

                            def first():
                                import pathlib
                                marker = pathlib.Path(__file__).with_name("seen")
                                if marker.exists():
                                    return 0
                                marker.touch()
                                return 1
                            """))
        outcome = self.trireme("run", "s", "--minimise", "--out", "a", "--seed", "5", *PYTHON)
        self.assertIn("brought again, did not bring the finding again in 5 trials: nothing can be left out\n",
                      outcome.out)
        self.assertEqual(self.minimal_plans(), [])

    def test_needs_histories(self) -> None:
        self.scenario("partial-write")
        self.expect("run", "s", "--minimise", "--keep", "none", *PYTHON, code=2, err="""\
            error: option --minimise needs the histories of trials
            hint: leave out --keep none
            """)
