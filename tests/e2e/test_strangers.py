"""Ports are the machine's: who comes to a trial by chance spoils it, and is told apart from who belongs to it."""

from __future__ import annotations

import json
import pathlib
import socket
import threading
import unittest
from typing import Any

from trireme_case import PYTHON, TriremeCase

# Who comes is the process of this test, which is none of the trial's, or a child of the trial that runs without the probe. It
# stays connected until it is told to go.
WORKLOAD = """\
    import pathlib, socket, subprocess, sys

    CHILD = (
        "import socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1])));"
        "print(flush=True); sys.stdin.read()"
    )

    class Unwatched:
        def __init__(self, address):
            self.child = subprocess.Popen([sys.executable, "-c", CHILD, str(address[1])], env={}, stdin=subprocess.PIPE,
                                          stdout=subprocess.PIPE)
            self.child.stdout.readline()

        def close(self):
            self.child.stdin.close()
            self.child.wait()
            self.child.stdout.close()

    class Outside:
        def __init__(self, address, door):
            self.door = socket.socket(socket.AF_UNIX)
            self.door.connect(door)
            self.door.sendall(b"%d\\n" % address[1])
            self.door.recv(1)

        def close(self):
            self.door.close()

    def stranger_to(address, params):
        return Unwatched(address) if params["unwatched"] else Outside(address, params["door"])

    def comes(rt, params):
        been = pathlib.Path(params["been"]) / rt.runtime
        known = been.exists()
        been.touch()
        return rt.runtime in params["always"] or (rt.runtime in params["once"] and not known)

    async def main(rt, params):
        listener = await rt.listen()
        stranger = stranger_to(listener.address, params) if comes(rt, params) else None
        own = await rt.connect(listener.address)
        with rt.op("ask") as op:
            await own.send_all(b"x" * 8)
            own.shutdown()
            op.ok(8)
        rt.observe("first was empty", stranger is not None)
        for _ in range(2 if stranger else 1):
            stream = await listener.accept()
            if stranger:
                stranger.close()
            while await stream.recv(8):
                pass
            stream.close()
        own.close()
        listener.close()
    """
SCENARIO = """\
    version: 1
    summary: s
    workload: {{python: workload.py}}
    params: {{been: {been}, door: {door}, once: {once}, always: {always}, unwatched: {unwatched}}}
    runtimes: [threading, asyncio]
    faults: [{{name: short, at: {{call: recv, offset: 4}}, do: {{short: 1}}}}]
    """


class Strangers:
    """Connects to the port that each visitor at its door says, for as long as that one stays."""

    def __init__(self, door: pathlib.Path) -> None:
        self.door = socket.socket(socket.AF_UNIX)
        self.door.bind(str(door))
        self.door.listen()
        self.thread = threading.Thread(target=self.serve)

    def serve(self) -> None:
        while True:
            try:
                visitor, _ = self.door.accept()
            except OSError:
                return
            with visitor, visitor.makefile("rwb") as lines, socket.create_connection(("127.0.0.1", int(lines.readline()))):
                visitor.sendall(b".")
                lines.read()

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.door.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.door.close()


class StrangersTest(TriremeCase):
    def run_with(self, once: str = "[]", always: str = "[]", unwatched: str = "false") -> tuple[int, list[dict[str, Any]]]:
        (self.folder / "been").mkdir()
        self.write("s/workload.py", WORKLOAD)
        self.write("s/scenario.yaml", SCENARIO.format(been=self.folder / "been", door=self.folder / "door", once=once,
                                                      always=always, unwatched=unwatched))
        with Strangers(self.folder / "door"):
            outcome = self.trireme("run", "s", "--out", "out", *PYTHON)
        lines = (self.folder / "out/trials.jsonl").read_text().splitlines()
        return outcome.code, [json.loads(line) for line in lines]

    def verdicts(self, trials: list[dict[str, Any]]) -> set[tuple[str, bool, str]]:
        return {(trial["cell"].split("-")[1], trial["retry"], trial["verdict"]) for trial in trials}

    def test_a_trial_that_a_stranger_came_to_is_run_again(self) -> None:
        code, trials = self.run_with(once="[asyncio]")
        self.assertEqual(code, 0)
        self.assertEqual(self.verdicts(trials), {("threading", False, "pass"), ("asyncio", False, "unknown"),
                                                 ("asyncio", True, "pass")})
        disturbed = next(trial for trial in trials if trial["verdict"] == "unknown")
        document = json.loads((self.folder / "out/trials" / disturbed["cell"] / "0/verdict.json").read_text())
        self.assertRegex(document["reason"], r"^a process outside of the trial connected to 127\.0\.0\.1:\d+ \(1 time\), "
                                             r"so what was seen may not be the workload's doing$")

    def test_who_comes_each_time_belongs_to_the_trial(self) -> None:
        code, trials = self.run_with(always="[asyncio]")
        self.assertEqual(code, 1)  # a difference of the runtimes
        self.assertIn(("asyncio", True, "pass"), self.verdicts(trials))

    def test_a_child_without_the_probe_is_none(self) -> None:
        _, trials = self.run_with(always="[threading, asyncio]", unwatched="true")
        self.assertEqual(self.verdicts(trials), {("threading", False, "pass"), ("asyncio", False, "pass")})
        history = self.trireme("history", "out").out
        self.assertIn('"unwatched#0"', history)
        self.assertNotIn('"outside#', history)

    def test_a_trial_that_nobody_came_to_runs_once(self) -> None:
        code, trials = self.run_with()
        self.assertEqual(code, 0)
        self.assertEqual(self.verdicts(trials), {("threading", False, "pass"), ("asyncio", False, "pass")})


if __name__ == "__main__":
    unittest.main()
