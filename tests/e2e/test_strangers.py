"""Ports are the machine's: who comes to a trial by chance spoils it, and is told apart from who belongs to it."""

from __future__ import annotations

import json
import unittest
from typing import Any

from trireme_case import PYTHON, TriremeCase

# The probe does not see a system call that the program makes by itself: so comes a process that is none of the trial's.
WORKLOAD = """\
    import ctypes, os, pathlib, socket, struct

    CONNECT = {"x86_64": 42, "aarch64": 203}[os.uname().machine]

    def come_from_outside(address):
        name = struct.pack("=H", socket.AF_INET) + struct.pack("!H", address[1]) + socket.inet_aton(address[0]) + bytes(8)
        stream = socket.socket()
        if ctypes.CDLL(None, use_errno=True).syscall(CONNECT, stream.fileno(), name, len(name)) != 0:
            raise OSError(ctypes.get_errno(), "connect")
        return stream

    def comes(rt, params):
        been = pathlib.Path(params["been"]) / rt.runtime
        known = been.exists()
        been.touch()
        return rt.runtime in params["always"] or (rt.runtime in params["once"] and not known)

    async def main(rt, params):
        listener = await rt.listen()
        stranger = come_from_outside(listener.address) if comes(rt, params) else None
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
    params: {{been: {been}, once: {once}, always: {always}}}
    runtimes: [threading, asyncio]
    faults: [{{name: short, at: {{call: recv, offset: 4}}, do: {{short: 1}}}}]
    """


class StrangersTest(TriremeCase):
    def run_with(self, once: str = "[]", always: str = "[]") -> tuple[int, list[dict[str, Any]]]:
        (self.folder / "been").mkdir()
        self.write("s/workload.py", WORKLOAD)
        self.write("s/scenario.yaml", SCENARIO.format(been=self.folder / "been", once=once, always=always))
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

    def test_a_trial_that_nobody_came_to_runs_once(self) -> None:
        code, trials = self.run_with()
        self.assertEqual(code, 0)
        self.assertEqual(self.verdicts(trials), {("threading", False, "pass"), ("asyncio", False, "pass")})


if __name__ == "__main__":
    unittest.main()
