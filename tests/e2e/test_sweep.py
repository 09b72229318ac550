"""`sweep: every-point`: one fault at each point that the tasks of a workload come to, one a trial."""

from __future__ import annotations

import json
import textwrap

from trireme_case import PYTHON, TriremeCase

YAML = textwrap.dedent("""\
    version: 1
    summary: Two workers share a lock
    workload: {python: workload.py}
    runtimes: [threading, asyncio]
    timeout: 3s
    faults: [{name: cancel, task: {cancel: "worker-*", sweep: every-point}}]
    """)
# Each worker comes to two points that wait: main holds the lock at first, and then a sleep.
PY = """\
    import trireme

    async def main(rt, params):
        lock = rt.lock()

        async def worker():
            ACQUIRE
                with rt.op("work", 1) as op:
                    await rt.sleep(0.001)
                    op.ok(1)
            RELEASE

        await lock.acquire()
        workers = [rt.spawn(worker, name=f"worker-{n}") for n in range(2)]
        await rt.settle()
        lock.release()
        for each in workers:
            try:
                await each.join()
            except trireme.Cancelled:
                pass
        await lock.acquire()  # whichever of them had it first: the other may have ended before
        lock.release()
    """
SAFE = PY.replace("ACQUIRE", "async with lock:").replace("RELEASE", "pass")
# The lock is not given back by who is cancelled while it sleeps.
KEPT = PY.replace("ACQUIRE", "await lock.acquire()\n            if True:").replace("RELEASE", "lock.release()")


class SweepCase(TriremeCase):
    def results(self) -> dict:
        return json.loads((self.run_directory() / "results.json").read_text())

    def cells(self) -> list[dict]:
        return json.loads((self.run_directory() / "plan.json").read_text())["cells"]


class SweepTest(SweepCase):
    def scenario(self, py: str) -> None:
        self.write("shared/scenario.yaml", YAML)
        self.write("shared/workload.py", py)

    def test_each_point_has_a_trial(self) -> None:
        self.scenario(SAFE)
        self.assertEqual(self.trireme("run", "shared", *PYTHON, "--seed", "1").code, 0)
        for cell in self.cells():
            points = [(point["task"], point["point"], point["kind"]) for point in cell["sweep"]]
            self.assertEqual(points, [(f"1.{n}", at, kind) for n in (1, 2) for at, kind in ((1, "lock"), (2, "sleep"))])
            self.assertEqual(cell["trials"], [0, 1, 2, 3, 4])
        for cell in self.results()["cells"]:
            self.assertIn("sweep: 4 of 4 points tried, came to 4, failed at 0", cell["notes"])

    def test_a_dry_run_knows_no_number_of_trials(self) -> None:
        self.scenario(SAFE)
        outcome = self.trireme("run", "shared", *PYTHON, "--seed", "1", "--dry-run")
        self.assertEqual(outcome.code, 0, outcome.err)
        self.assertEqual(outcome.out.count("  a trial a point  "), 2, outcome.out)
        self.assertIn("; 0 trials and those of sweeps; seed 0x1\n", outcome.out)
        self.assertIn("note: 2 cells sweep: a first pass without the fault finds the points, and each is a trial; ",
                      outcome.out)

    def test_a_point_where_a_lock_is_kept_is_named(self) -> None:
        self.scenario(KEPT)
        self.assertEqual(self.trireme("run", "shared", *PYTHON, "--seed", "1").code, 1)
        for cell in self.results()["cells"]:
            points, *failures = [note for note in cell["notes"] if note.startswith("sweep: ")]
            self.assertEqual(points, "sweep: 4 of 4 points tried, came to 4, failed at 2")
            for point in ("1.1 (worker-0) at point 2, sleep (trial 2)", "1.2 (worker-1) at point 2, sleep (trial 4)"):
                self.assertEqual(sum(point in failure for failure in failures), 1, failures)

    def test_one_trial_is_run_again(self) -> None:
        self.scenario(KEPT)
        self.assertEqual(self.trireme("run", "shared", *PYTHON, "--seed", "1", "--trial", "2").code, 1)
        self.assertEqual({tuple(cell["trials"]) for cell in self.cells() if cell["role"] != "reference"}, {(2,)})
        missing = self.trireme("run", "shared", *PYTHON, "--seed", "1", "--trial", "9", "--out", "again")
        self.assertIn("the sweep has no trial 9", missing.err)

    def test_a_point_becomes_a_plan_of_its_own(self) -> None:
        self.scenario(KEPT)
        self.assertEqual(self.trireme("run", "shared", *PYTHON, "--seed", "1", "--out", "a").code, 1)
        for trial, verdict in ((1, "pass"), (2, "fail")):
            self.trireme("run", "shared", *PYTHON, "--faults-from", "a", "--trial", str(trial), "--out", f"b{trial}")
            results = json.loads((self.folder / f"b{trial}/results.json").read_text())
            self.assertEqual([cell["trials"][verdict] for cell in results["cells"]], [1, 1])


CALLS_YAML = textwrap.dedent("""\
    version: 1
    summary: A message is sent, and sent again where that failed
    workload: {python: workload.py}
    runtimes: [threading, asyncio]
    timeout: 3s
    compare: {"(exceptions)": ignore}
    faults:
      - name: calls
        all:
          - name: cut
            at: {call: [recv, send], side: client, sweep: every-point}
            do: {reset: true}
          - name: refused
            at: {call: connect, sweep: every-point}
            do: {error: ECONNREFUSED}
    """)
CALLS_PY = """\
    import trireme

    async def main(rt, params):
        listener = await rt.listen()

        async def serve():
            while True:
                connection = await listener.accept()
                try:
                    await connection.send_all(await connection.recv_exactly(4))
                except (OSError, EOFError):
                    pass
                connection.close()

        async def exchange():
            connection = await rt.connect(listener.address)
            try:
                await connection.send_all(b"ping")
                return await connection.recv_exactly(4)
            finally:
                connection.close()

        server = rt.spawn(serve, name="server")
        for attempt in range(3):
            try:
                rt.observe("answer", await exchange())
                break
            except CAUGHT:
                pass
        server.cancel()
        try:
            await server.join()
        except trireme.Cancelled:
            pass
        listener.close()
    """


class SweepOfCallsTest(SweepCase):
    """The same of system calls: each place at which one begins."""

    def scenario_of(self, caught: str) -> None:
        self.write("shared/scenario.yaml", CALLS_YAML)
        self.write("shared/workload.py", CALLS_PY.replace("CAUGHT", caught))

    def points(self) -> list[list[tuple]]:
        keys = ("fault", "call", "connection", "offset")
        return [[tuple(point[key] for key in keys) for point in cell["sweep"]] for cell in self.cells()]

    def test_each_point_has_a_trial(self) -> None:
        self.scenario_of("OSError")
        outcome = self.trireme("run", "shared", *PYTHON, "--seed", "1")
        self.assertEqual(outcome.code, 0, outcome.out)
        expected = [("cut", "recv", "1#0", 0), ("cut", "send", "1#0", 0), ("refused", "connect", "1#0", 0)]
        self.assertEqual(self.points(), [expected, expected])
        for cell in self.results()["cells"]:
            self.assertIn("sweep: 3 of 3 points tried, came to 3, failed at 0", cell["notes"])

    def test_a_point_where_an_error_is_not_expected_is_named(self) -> None:
        self.scenario_of("ConnectionRefusedError")
        self.assertEqual(self.trireme("run", "shared", *PYTHON, "--seed", "1").code, 1)
        for cell in self.results()["cells"]:
            points, failures = [note for note in cell["notes"] if note.startswith("sweep: ")]
            self.assertEqual(points, "sweep: 3 of 3 points tried, came to 3, failed at 2")
            self.assertTrue(failures.startswith("sweep: nobody caught ConnectionResetError"), failures)
            self.assertTrue(failures.endswith(
                ", at recv of 1#0, client, at byte 0 (trial 1); send of 1#0, client, at byte 0 (trial 2)"), failures)

    def test_the_replay_line_plans_all_whose_points_count(self) -> None:
        self.scenario_of("ConnectionRefusedError")
        self.trireme("run", "shared", *PYTHON, "--seed", "1")
        replays = [cell["replay"].split(" --seed")[0].split("--interpreters")[0] for cell in self.cells()]
        self.assertEqual(replays, [f"trireme run shared --runtimes {runtimes} "
                                   for runtimes in ("threading,asyncio", "asyncio,threading")])

    def test_one_trial_is_run_again(self) -> None:
        self.scenario_of("ConnectionRefusedError")
        self.assertEqual(self.trireme("run", "shared", *PYTHON, "--seed", "1", "--trial", "2").code, 1)
        again = self.trireme("run", "shared", *PYTHON, "--seed", "1", "--trial", "3", "--out", "again")
        self.assertEqual(again.code, 0, again.out)
