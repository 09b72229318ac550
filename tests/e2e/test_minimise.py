"""`run --minimise`: the faults of a failing trial, reduced to those that matter."""

from __future__ import annotations

import re
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

    def test_of_faults_by_chance_one_is_left_at_its_place(self) -> None:
        self.scenario("partial-write", """\
            faults:
              - {name: now-and-then, at: {call: send, side: client, probability: 0.2}, do: {short: 13}}
            """)
        outcome = self.trireme("run", "s", "--minimise", "--out", "a", "--seed", "5", *PYTHON)
        self.assertEqual(outcome.code, 1, outcome.out + outcome.err)
        (plan,) = self.minimal_plans()
        text = plan.read_text()
        self.assertRegex(text, r"# ([2-9]|\d\d) faults before, 1 after;")
        self.assertEqual(text.count("  - name: "), 1, text)
        self.assertRegex(text, r"offset: \d+\}")
        self.assertNotIn("probability", text)

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
        self.assertIn("brought again, did not bring the finding again in 44 trials: nothing can be left out\n",
                      outcome.out)
        self.assertEqual(self.minimal_plans(), [])

    def test_needs_histories(self) -> None:
        self.scenario("partial-write")
        self.expect("run", "s", "--minimise", "--keep", "none", *PYTHON, code=2, err="""\
            error: option --minimise needs the histories of trials
            hint: leave out --keep none
            """)


# Each byte of an answer is read alone, and what the workload does when a read of it was interrupted is up to WHEN_CUT.
READER = """\
async def main(rt, params):
    ours, theirs = await rt.socketpair()
    await theirs.send_all(b"0123456789")
    pieces = []
    while sum(map(len, pieces)) < 10:
        pieces.append(await ours.recv(10))
    ours.close()
    theirs.close()
    cut = pieces[0] == b"01"
    WHEN_CUT
"""
READER_SCENARIO = """\
version: 1
summary: A reader of ten bytes
workload: {python: workload.py}
runtimes: [RUNTIMES]
trials: 1
timeout: 20s
checks: [CHECKS]
"""
# The first of them is what matters; the others do no harm.
CUTS = """\
faults:
  - name: many
    all:
      - {name: cut, at: {call: recv, offset: 0}, do: {short: 2}}
      - {name: again, at: {call: recv, offset: 2}, do: {interrupt: true}}
      - {name: late, at: {call: recv, offset: 4}, do: {delay: 1ms}}
      - {name: more, at: {call: recv, offset: 6}, do: {short: 1}}
"""
# Whether this run is the first of as many as EVERY says, all of this folder counted.
EVERY_SO_MANY = """\
with open(__file__ + ".runs", "ab") as runs:
        runs.write(b".")
        runs.flush()
        bad_luck = runs.tell() % EVERY == 1
    """
# What was acknowledged is lost.
LOST = """with rt.op("add", 1) as op:
        op.ok()
    rt.observe("final", [] if BAD else [1])
"""


class MinimiseKindsTest(TriremeCase):
    """Whatever the finding is of: chance, the comparison with the reference, a sweep; and where there is too little time."""

    def reader(self, when_cut: str, runtimes: str = "threading", faults: str = CUTS,
               checks: str = "progress, {invariant: {ops: [add]}}") -> None:
        self.write("s/scenario.yaml", READER_SCENARIO.replace("RUNTIMES", runtimes).replace("CHECKS", checks) + faults)
        self.write("s/workload.py", READER.replace("WHEN_CUT", when_cut))

    def minimise(self, *arguments: str) -> tuple[str, str]:
        """What was said, and the plan that is left."""
        outcome = self.trireme("run", "s", "--minimise", "--out", "a", "--seed", "5", *arguments, *PYTHON)
        self.assertEqual(outcome.code, 1, outcome.out + outcome.err)
        plans = sorted((self.folder / "a").glob("trials/*/*/minimal.yaml"))
        self.assertEqual(len(plans), 1, outcome.out)
        return outcome.out, plans[0].read_text()

    def test_a_failure_by_chance(self) -> None:
        self.reader(EVERY_SO_MANY.replace("EVERY", "2") + LOST.replace("BAD", "cut and bad_luck"))
        _, plan = self.minimise("--jobs", "1")
        self.assertIn("# all of them failed in 10 of 20 decided trials, by chance, so that fewer had to fail once in 7\n", plan)
        self.assertEqual(plan.count("  - name: "), 1, plan)
        self.assertRegex(plan, r'name: "cut\.1"\n +at: .*offset: 0\}\n +do: \{short: 2\}')

    def test_a_failure_that_five_trials_do_not_show(self) -> None:
        self.reader(EVERY_SO_MANY.replace("EVERY", "6") + LOST.replace("BAD", "cut and bad_luck"))
        _, plan = self.minimise("--jobs", "1")
        self.assertIn("# all of them failed in 3 of 20 decided trials, by chance, so that fewer had to fail once in 29\n", plan)
        self.assertEqual(plan.count("  - name: "), 1, plan)
        self.assertRegex(plan, r'name: "cut\.1"\n +at: .*offset: 0\}\n +do: \{short: 2\}')
        # A test of which one failed runs no more of them.
        ((tests, trials),) = re.findall(r"; (\d+) tests, (\d+) trials", plan)
        self.assertLess(int(trials), 20 + 29 * (int(tests) - 1), plan)

    def test_a_difference_from_the_reference(self) -> None:
        self.reader('rt.observe("cut", cut and rt.model == "async")', "threading, asyncio", checks="equivalence")
        _, plan = self.minimise()
        self.assertIn("on asyncio/here, trial 0: difference", plan)
        self.assertEqual(plan.count("  - name: "), 1, plan)
        self.assertIn('name: "cut.1"\n', plan)
        (line,) = [line for line in plan.splitlines() if line.startswith("# trireme run ")]
        again = self.trireme(*line.split()[2:], "--out", "b")
        self.assertEqual(again.code, 1, again.out + again.err)

    def test_a_trial_of_a_sweep(self) -> None:
        self.write("s/scenario.yaml", READER_SCENARIO.replace("RUNTIMES", "asyncio").replace("CHECKS", "progress, leak"))
        self.write("s/workload.py", """\
            import trireme


            async def main(rt, params):
                lock = rt.lock()

                async def work():
                    await lock.acquire()
                    await rt.sleep(0.001)
                    lock.release()

                for _ in range(2):
                    try:
                        await rt.spawn(work, name="worker").join()
                    except trireme.Cancelled:
                        pass
                rt.observe("done", True)
            """)
        _, plan = self.minimise("--faults", "cancel-everywhere", "--timeout", "1s")
        self.assertEqual(plan.count("  - name: "), 1, plan)
        self.assertRegex(plan, r'task: \{cancel: "1\.1", point: 2')
        (line,) = [line for line in plan.splitlines() if line.startswith("# trireme run ")]
        again = self.trireme(*line.split()[2:], "--out", "b")
        self.assertEqual(again.code, 1, again.out + again.err)

    def test_more_tasks_than_a_plan_can_name(self) -> None:
        self.write("s/scenario.yaml", READER_SCENARIO.replace("RUNTIMES", "threading")
                   .replace("CHECKS", "progress, {invariant: {ops: [add]}}")
                   + 'faults: [{name: stop, task: {cancel: "worker-*", point: 1}}]\n')
        self.write("s/workload.py", """\
            import trireme


            async def main(rt, params):
                async def work():
                    await rt.sleep(0.001)

                for number in range(9):
                    try:
                        await rt.spawn(work, name=f"worker-{number}").join()
                    except trireme.Cancelled:
                        pass
                with rt.op("add", 1) as op:
                    op.ok()
                rt.observe("final", [])
            """)
        outcome = self.trireme("run", "s", "--minimise", "--out", "a", "--seed", "5", *PYTHON)
        why = "suffered is more than a plan can name: stop.9: a plan has at most 8 faults of tasks, this is one more\n"
        (said,) = [line for line in outcome.out.splitlines(keepends=True) if line.startswith("minimise: ")]
        self.assertTrue(said.endswith(why), said)
        outcome = self.trireme("run", "s", "--faults-from", "a", "--trial", "0", "--out", "b", *PYTHON)
        self.assertEqual((outcome.code, outcome.out), (2, ""))
        self.assertIn("error: option --faults-from: what trial 0 of a " + why, outcome.err)
        self.assertIn("hint: the trial's own plan and seed bring all of it again: trireme run ", outcome.err)

    def test_too_little_time(self) -> None:
        cuts = "".join(f"      - {{name: cut-{offset}, at: {{call: recv, offset: {offset}}}, do: {{short: 1}}}}\n"
                       for offset in range(1, 10))
        self.reader("await rt.sleep(1)\n    " + LOST.replace("BAD", "len(pieces) > 8"),
                    faults="faults:\n  - name: many\n    all:\n" + cuts)
        _, plan = self.minimise("--budget", "12s")
        self.assertIn("; stopped by the limit of time or trials\n", plan)
        (file,) = (self.folder / "a").glob("trials/*/*/minimal.yaml")
        again = self.trireme("run", "s", "--faults", str(file), "--out", "b", "--seed", "5", *PYTHON)
        self.assertEqual(again.code, 1, again.out + again.err)
