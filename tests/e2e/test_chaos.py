"""The harness outlives whatever it runs, and what it runs does not outlive the harness.

Every workload here misbehaves in one way beside one that behaves: the run ends with a verdict that says so, and no process is
left. Then the harness is killed at random moments: no process is left a second later, no recorded operation is lost, and the
run directory can be judged and reported. TRIREME_CHAOS_ROUNDS (1) says how often each way is tried, and a fifth of how often
the harness is killed; the seed of the moments is printed when a test fails.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import tempfile
import time
import unittest
import uuid
from collections import defaultdict
from pathlib import Path

TRIREME = os.environ["TRIREME"]
ROUNDS = int(os.environ.get("TRIREME_CHAOS_ROUNDS", "1"))
MARK = "TRIREME_CHAOS_MARK"

WAYS = """\
import ctypes
import os
import re
import signal
import socket
import subprocess
import time


def hang_in_a_call():
    time.sleep(3600)


def hang_with_the_gil():
    re.match("(a+)+$", "a" * 64 + "b")


def segfault():
    ctypes.string_at(0)


def abort():
    os.abort()


def leave_early():
    os._exit(0)


def ignore_sigterm():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    hang_in_a_call()


def leave_a_daemon():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(3600)
        os._exit(0)


def leave_a_child():
    subprocess.Popen(["sleep", "3600"], start_new_session=True)


def flood():
    block = b"x" * (1 << 20)
    for _ in range(512):
        os.write(1, block)
        os.write(2, block)


def eat_memory():
    kept = []
    while True:
        kept.append(bytearray(64 << 20))


def send_garbage():
    for name in os.listdir("/proc/self/fd"):
        try:
            if socket.socket(fileno=os.dup(int(name))).type == socket.SOCK_SEQPACKET:
                os.write(int(name), b"\\xff{ this is no message")
        except OSError:
            pass


if "@WAY@" == "send_garbage":  # while it is loaded: a trial no longer has the control socket
    send_garbage()


async def main(rt, params):
    with rt.op("before") as op:
        op.ok(True)
    if "@WAY@" in globals():
        globals()["@WAY@"]()
    rt.observe("done", True)
"""

# What each way may be called: the kinds of finding of which one at least is there, or the verdict of the cell.
EXPECTED = {
    "hang_in_a_call": {"hang"},
    "hang_with_the_gil": {"hang"},
    "segfault": {"crash"},
    "abort": {"crash"},
    "leave_early": {"crash"},
    "ignore_sigterm": {"hang"},
    "leave_a_daemon": {"leak"},
    "leave_a_child": {"leak"},
    "flood": {"pass", "unknown"},
    "eat_memory": {"crash", "unhandled-exception"},
    "send_garbage": {"crash", "unknown", "unsupported"},
}

OPERATIONS = """\
import os


async def main(rt, params):
    # Written to a file of its own once the operation is recorded, so that the file is the lower bound of the history.
    acknowledged = os.open(os.path.join(params["folder"], "%016x" % rt.seed), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for n in range(params["count"]):
        with rt.op("step", n) as op:
            op.ok(n)
        os.write(acknowledged, b"%d\\n" % n)
        await rt.checkpoint()
    os.close(acknowledged)
    rt.observe("done", True)
"""


def alive(mark: str) -> list[str]:
    """The command lines of the processes that inherited the mark, but for zombies."""
    needle = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            if needle in (folder / "environ").read_bytes().split(b"\0") and state != "Z":
                found.append(f"{folder.name}: " + (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


class ChaosTest(unittest.TestCase):
    maxDiff = None

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="trireme-chaos-"))
        self.mark = uuid.uuid4().hex
        self.environment = {**os.environ, MARK: self.mark}

    def tearDown(self) -> None:
        outcome = self._outcome.result  # type: ignore[attr-defined]
        if any(test is self for test, _ in outcome.failures + outcome.errors):
            print(f"kept: {self.folder}")
        else:
            subprocess.run(["rm", "-rf", "--one-file-system", str(self.folder)], check=True)

    def scenario(self, name: str, workload: str, **settings: object) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        (folder / "workload.py").write_text(workload)
        document = {
            "version": 1, "summary": name, "workload": {"python": "workload.py"}, "runtimes": ["threading"], **settings
        }  # fmt: skip
        (folder / "scenario.yaml").write_text(json.dumps(document))
        return folder

    def command(self, *arguments: str) -> list[str]:
        return [TRIREME, *arguments]

    def assert_nothing_is_left(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := alive(self.mark)) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(left, [])

    def misbehave(self, way: str) -> None:
        timeout = "20s" if way in ("flood", "eat_memory") else "2s"
        bad = self.scenario(way, WAYS.replace("@WAY@", way), timeout=timeout, memory="1GiB")
        good = self.scenario("good", WAYS.replace("@WAY@", "none"), timeout="20s")
        out = self.folder / f"run-{uuid.uuid4().hex[:8]}"
        done = subprocess.run(
            self.command("run", str(bad), str(good), "--out", str(out)),
            capture_output=True,
            env=self.environment,
            timeout=100,
            check=False,
        )
        self.assert_nothing_is_left(1)
        text = (done.stdout + done.stderr).decode()
        cells = {cell["scenario"]: cell for cell in json.loads((out / "results.json").read_text())["cells"]}
        cell = next(cell for name, cell in cells.items() if name.endswith(way))
        names = {finding["kind"] for finding in cell["findings"]} | {cell["verdict"]}
        self.assertTrue(names & EXPECTED[way], f"{way}: {sorted(names)}\n{text}")
        behaved = next(cell for name, cell in cells.items() if name.endswith("good"))
        self.assertEqual(behaved["verdict"], "pass", f"{way}\n{text}")

    def test_every_way_to_misbehave_ends_in_a_verdict_and_leaves_no_process(self) -> None:
        for _ in range(ROUNDS):
            for way in EXPECTED:
                with self.subTest(way):
                    self.misbehave(way)

    def test_killing_the_harness_leaves_no_process_and_loses_no_operation(self) -> None:
        seed = random.SystemRandom().getrandbits(32)
        moments = random.Random(seed)
        acknowledged = self.folder / "acknowledged"
        acknowledged.mkdir()
        scenario = self.scenario(
            "steps", OPERATIONS, params={"folder": str(acknowledged), "count": 300}, trials=2000, timeout="20s"
        )
        for n in range(5 * ROUNDS):
            with self.subTest(kill=n, seed=seed):
                self.kill_and_look(scenario, acknowledged, n, moments.uniform(0.05, 1.5))

    def kill_and_look(self, scenario: Path, acknowledged: Path, n: int, moment: float) -> None:
        for file in acknowledged.iterdir():
            file.unlink()
        out = self.folder / f"killed-{n}"
        run = self.command("run", str(scenario), "--out", str(out), "--seed", str(n), "--progress", "never")
        with subprocess.Popen(run, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(moment)
            process.send_signal(signal.SIGKILL)
        self.assert_nothing_is_left(1)
        if not (out / "plan.json").exists():
            return  # killed before there was a run
        recorded = self.recorded(out)
        for file in acknowledged.iterdir():
            wanted = {int(line) for line in file.read_text().splitlines()}
            self.assertLessEqual(wanted, recorded[int(file.name, 16)], f"trial with seed 0x{file.name}")
        checked = subprocess.run(self.command("check", str(out)), capture_output=True, text=True, check=False)
        self.assertEqual(checked.returncode, 4, checked.stdout + checked.stderr)
        reported = subprocess.run(
            self.command("report", str(out), "--format", "text"), capture_output=True, text=True, check=False
        )
        self.assertEqual(reported.returncode, 0, reported.stdout + reported.stderr)

    def recorded(self, out: Path) -> dict[int, set[int]]:
        """The values of the operations that ended, by the seed of their trial."""
        done = subprocess.run(self.command("history", str(out)), capture_output=True, text=True, check=False)
        self.assertIn(done.returncode, (0, 4), done.stderr)  # 4: no trial had begun
        seeds: dict[object, int] = {}
        values: defaultdict[int, set[int]] = defaultdict(set)
        for line in done.stdout.splitlines():
            event = json.loads(line)
            if event["event"] == "begin":
                seeds[event["trial"]] = int(str(event["value"]["seed"]), 16)
            elif event["event"] == "ok":
                values[seeds[event["trial"]]].add(event["value"])
        return values


if __name__ == "__main__":
    unittest.main()
