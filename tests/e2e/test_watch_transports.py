"""Who else reads the sockets of transports of asyncio and uvloop: tests/real/programs/transports.py under `trireme watch`
and, of asyncio's, as a workload.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import unittest
from pathlib import Path

from trireme_case import PYTHON, TriremeCase

REAL = Path(__file__).resolve().parent.parent / "real"
sys.path.insert(0, str(REAL))
from programs import transports  # noqa: E402, found only by the path that is set above
from programs.transports import ASYNCIO_READS_TWICE, LOOPS, READ_ONCE, READ_TWICE  # noqa: E402, found as that

# `ci/watch-real-programs` installs uvloop, which no runtime needs.
_INSTALLED = REAL.parent.parent / "build/real/venv/bin/python"
WITH_UVLOOP = (sys.executable if importlib.util.find_spec("uvloop") else str(_INSTALLED) if _INSTALLED.exists() else "")


class WatchedTransports(TriremeCase):
    loop = ""  # whose transports
    python = sys.executable
    read_twice: tuple[str, ...] = ()

    def expect_findings(self, case: str, count: int) -> None:
        program = str(REAL / "programs/transports.py")
        outcome = self.trireme("watch", "--", self.python, "-B", program, self.loop, case)
        found = "1 finding" if count == 1 else f"{count} findings"
        self.assertEqual(outcome.err.splitlines()[-1], f"trireme: {found}, program exited 0", outcome.err)
        self.assertEqual(outcome.err.count("trireme: multiple-readers:"), count, outcome.err)

    def test_a_second_reader_beside_a_transport(self) -> None:
        for case in self.read_twice:
            with self.subTest(case):
                self.expect_findings(case, 1)

    def test_one_reader_at_a_time(self) -> None:
        for case in READ_ONCE:
            with self.subTest(case):
                self.expect_findings(case, 0)


class AsyncioTransportTest(WatchedTransports):
    loop = "asyncio"
    read_twice = (*READ_TWICE, *ASYNCIO_READS_TWICE)


@unittest.skipUnless(WITH_UVLOOP, "uvloop is not installed: ci/watch-real-programs planted does that")
class UvloopTransportTest(WatchedTransports):
    loop = "uvloop"
    python = WITH_UVLOOP
    read_twice = (*READ_TWICE, *LOOPS)


class WorkloadTransportTest(TriremeCase):
    """The same programs in a workload, which makes transports without asking `rt` for them."""

    def test_every_case(self) -> None:
        twice = READ_TWICE | ASYNCIO_READS_TWICE
        self.write("transports/cases.py", Path(transports.__file__).read_text())
        self.write("transports/workload.py", """
            import socket

            import cases

            CASES = cases.READ_TWICE | cases.ASYNCIO_READS_TWICE | cases.READ_ONCE


            async def main(rt, params):
                ours, theirs = socket.socketpair()
                await rt.spawn(CASES[params["case"]], ours, theirs).join()
                ours.close()
                theirs.close()
                rt.observe("ended", True)
            """)
        names = ", ".join((*twice, *READ_ONCE))
        self.write("transports/scenario.yaml", f"""
            version: 1
            summary: Transports of asyncio, and who reads beside them
            workload: {{python: workload.py}}
            runtimes: [asyncio]
            matrix: {{case: [{names}]}}
            trials: 1
            checks: [multiple-readers]
            """)
        outcome = self.trireme("run", "transports", *PYTHON)
        self.assertEqual(outcome.code, 1, outcome.err)
        cells = json.loads((self.run_directory() / "results.json").read_text())["cells"]
        verdicts = {cell["params"]["case"]: cell["verdict"] for cell in cells}
        self.assertEqual(verdicts, dict.fromkeys(twice, "fail") | dict.fromkeys(READ_ONCE, "pass"), outcome.out)


del WatchedTransports  # only what has a loop is tested
