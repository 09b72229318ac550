"""Who else reads the sockets of transports of asyncio and uvloop: tests/real/programs/transports.py under `trireme watch`
and, of asyncio's, as a workload. Of workloads, who reads beside a callback of add_reader, too.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import unittest
from collections.abc import Iterable
from pathlib import Path

from trireme_case import PYTHON, TriremeCase

REAL = Path(__file__).resolve().parent.parent / "real"
sys.path.insert(0, str(REAL))
from programs import transports  # noqa: E402, found only by the path that is set above

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
        self.assertEqual(outcome.err.splitlines()[-1], f"trireme: {count} findings, program exited 0", outcome.err)
        self.assertEqual(outcome.err.count("trireme: multiple-readers:"), count, outcome.err)

    def test_a_second_reader_beside_a_transport(self) -> None:
        for case in self.read_twice:
            with self.subTest(case):
                self.expect_findings(case, 1)

    def test_one_reader_at_a_time(self) -> None:
        for case in transports.READ_ONCE:
            with self.subTest(case):
                self.expect_findings(case, 0)


class AsyncioTransportTest(WatchedTransports):
    loop = "asyncio"
    read_twice = (*transports.READ_TWICE, *transports.ASYNCIO_READS_TWICE)


@unittest.skipUnless(WITH_UVLOOP, "uvloop is not installed: ci/watch-real-programs planted does that")
class UvloopTransportTest(WatchedTransports):
    loop = "uvloop"
    python = WITH_UVLOOP
    read_twice = (*transports.READ_TWICE, *transports.LOOPS)


class WorkloadTest(TriremeCase):
    """What a workload registers with asyncio's own loop, without asking `rt`."""

    def expect_verdicts(self, folder: str, twice: Iterable[str], once: Iterable[str]) -> None:
        self.write(f"{folder}/scenario.yaml", f"""
            version: 1
            summary: What a loop reads, and who reads beside it
            workload: {{python: workload.py}}
            runtimes: [asyncio]
            matrix: {{case: [{", ".join((*twice, *once))}]}}
            trials: 1
            checks: [multiple-readers]
            """)
        outcome = self.trireme("run", folder, *PYTHON)
        self.assertEqual(outcome.code, 1, outcome.err)
        cells = json.loads((self.run_directory() / "results.json").read_text())["cells"]
        verdicts = {cell["params"]["case"]: cell["verdict"] for cell in cells}
        self.assertEqual(verdicts, dict.fromkeys(twice, "fail") | dict.fromkeys(once, "pass"), outcome.out)

    def test_every_case_of_transports(self) -> None:
        twice = transports.READ_TWICE | transports.ASYNCIO_READS_TWICE
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
        self.expect_verdicts("transports", twice, transports.READ_ONCE)

    def test_who_reads_beside_a_callback(self) -> None:
        self.write("callbacks/workload.py", """
            import asyncio
            import os
            import socket
            import threading


            class Sockets:
                def __init__(self):
                    self.ours, self.theirs = socket.socketpair()
                    self.ours.setblocking(False)
                    self.copy = self.ours.dup()
                    self.got = []

                def look(self):
                    try:
                        self.got.append(self.copy.recv(1))
                    except BlockingIOError:
                        self.got.append(b"")


            def in_a_thread(function):
                thread = threading.Thread(target=function)
                thread.start()
                thread.join()


            def in_a_child(function):
                child = os.fork()
                if child == 0:
                    function()
                    os._exit(0)
                os.waitpid(child, 0)


            async def main(rt, params):
                loop, sockets, end = asyncio.get_running_loop(), Sockets(), rt.event()
                beside = rt.spawn(end.wait)  # without which nothing is concurrent
                await rt.settle()
                loop.add_reader(sockets.ours, sockets.look)
                if params["case"] == "thread":
                    in_a_thread(sockets.look)
                elif params["case"] == "child":
                    in_a_child(sockets.look)
                elif params["case"] == "executor":
                    await loop.run_in_executor(None, sockets.look)
                elif params["case"].startswith("itself"):
                    sockets.look()
                    if params["case"] == "itself-first":
                        in_a_thread(sockets.look)
                elif params["case"].startswith("copy"):
                    if params["case"] == "copy-alone":
                        loop.remove_reader(sockets.ours)
                    loop.add_reader(sockets.copy, sockets.look)
                    loop.remove_reader(sockets.copy)
                elif params["case"] == "called":
                    sockets.theirs.send(b"1")
                    while not sockets.got:
                        await asyncio.sleep(0)
                loop.remove_reader(sockets.ours)
                if params["case"] == "after":
                    in_a_thread(sockets.look)
                end.set()
                await beside.join()
                rt.observe("looked", len(sockets.got))
            """)
        found = ("thread", "child", "executor", "itself-first", "copy")
        self.expect_verdicts("callbacks", found, ("itself", "called", "after", "copy-alone"))

    def test_both_of_whom_the_runtime_refused_or_dropped(self) -> None:
        self.write("refused/workload.py", """
            import asyncio
            import socket


            async def settle():
                for _ in range(10):
                    await asyncio.sleep(0)


            async def read(loop, ours, reader):
                await reader.read(1)


            async def receive(loop, ours, reader):
                await loop.sock_recv(ours, 1)


            async def register(loop, ours, reader):
                loop.add_reader(ours, print)
                await loop.create_future()


            async def main(rt, params):
                end, loop = rt.event(), asyncio.get_running_loop()
                beside = rt.spawn(end.wait)  # without which nothing is concurrent
                ours, theirs = socket.socketpair()
                ours.setblocking(False)
                first = second = {"read": read, "receive": receive, "register": register}[params["case"].split("-")[0]]
                reader = writer = None
                if first is not register:
                    reader, writer = await asyncio.open_connection(sock=ours)
                    first = read
                tasks = []
                for each in (first, second) if not params["case"].endswith("-once") else (first,):
                    tasks.append(asyncio.create_task(each(loop, ours, reader)))
                    await settle()
                for task in tasks:
                    task.cancel()
                ended = await asyncio.gather(*tasks, return_exceptions=True)
                if writer is None:
                    loop.remove_reader(ours)
                else:
                    writer.close()
                end.set()
                await beside.join()
                rt.observe("ended", [type(each).__name__ for each in ended])
            """)
        twice = ("read", "receive", "register")
        self.expect_verdicts("refused", twice, [f"{case}-once" for case in twice if case != "receive"])
        cells = json.loads((self.run_directory() / "results.json").read_text())["cells"]
        for cell in cells:
            for finding in cell["findings"]:
                first, second = finding["participants"]
                case = cell["params"]["case"]
                self.assertIn(f"in {case}", str(second["stack"]), finding)
                if case == "receive":  # a transport was the first, as which no code runs
                    self.assertEqual(first["stack"], [], finding)
                else:
                    self.assertIn(f"in {case}", str(first["stack"]), finding)
                self.assertNotIn("trireme_", str(finding["participants"]), finding)


del WatchedTransports  # only what has a loop is tested
