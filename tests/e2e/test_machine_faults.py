"""Faults of processes, resources and time, by scenarios: each with a twin that does not suffer it."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import unittest
from typing import Any

from trireme_case import TriremeCase

RUNTIMES = ["threading", "asyncio"]
PYTHON = ["--python", f"here={sys.executable}"]
YAML = """\
    version: 1
    summary: Suffers a fault of the machine
    workload: {python: workload.py}
    runtimes: [%s]
    timeout: 60s
    trials: 1
    """
# What the kernel writes of a file is the true time, whatever this process is shown.
CLOCK = """\
    import os, time

    async def main(rt, params):
        def shift():
            with open("now", "w") as file:
                file.write("x")
            return round((time.time() - os.stat("now").st_mtime) / 3600)

        rt.observe("shift", shift())
        with rt.op("wait") as op:
            await rt.sleep(0.05)
            op.ok()
    """
# Holds what it opens, so that a limit is met above what the runtime needs itself.
FILES = """\
    import errno, os

    async def main(rt, params):
        held = []

        def open_one():
            try:
                held.append(os.open("/dev/null", os.O_RDONLY))
            except OSError as error:
                return errno.errorcode[error.errno]
            return "opened"

        async def until(wanted):
            while open_one() != wanted:
                await rt.sleep(0.001)
            rt.observe("open", wanted)

        if params["short"]:
            await until("EMFILE")
        await until("opened")
        for file in held:
            os.close(file)
    """
# Over before anybody could have looked at it.
AT_ONCE = """\
    import resource

    async def main(rt, params):
        rt.observe("limit", resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    """
AT_ONCE_CC = """\
    #include <sys/resource.h>

    #include "trireme/workload.h"

    trireme::Task<> Main(trireme::Runtime& rt, const trireme::Params&) {
      rlimit limit{};
      getrlimit(RLIMIT_NOFILE, &limit);
      rt.Observe("limit", static_cast<int>(limit.rlim_cur));
      co_return;
    }
    TRIREME_WORKLOAD(Main)
    """
STEPS = """\
    async def main(rt, params):
        for n in range(10):
            with rt.op("step", n) as op:
                op.ok(n)
            rt.observe("done", n)
    """
SENDS = """\
    async def main(rt, params):
        left, right = await rt.socketpair()

        async def read():
            while await right.recv(4096):
                pass

        reader = rt.spawn(read)
        for n in range(1000):
            with rt.op("step", n) as op:
                await left.send_all(b"8 bytes.")
                op.ok()
        left.close()
        await reader.join()
        right.close()
        rt.observe("done", True)
    """
STEPS_CC = """\
    #include "trireme/workload.h"

    trireme::Task<> Main(trireme::Runtime& rt, const trireme::Params&) {
      for (int n = 0; n < 10; ++n) {
        trireme::Operation op = rt.Op("step", n);
        op.Ok(n);
        rt.Observe("done", n);
      }
      co_return;
    }
    TRIREME_WORKLOAD(Main)
    """
DISK = """\
    import errno, tempfile

    async def main(rt, params):
        with tempfile.TemporaryFile(buffering=0) as file:
            written = ""
            while written != params["until"]:
                try:
                    file.write(b"x" * 4096)
                    written = "written"
                except OSError as error:
                    written = errno.errorcode[error.errno]
                await rt.sleep(0.001)
            rt.observe("disk", written)
    """
RECORDS = """\
    async def main(rt, params):
        n = 0
        while n < params["operations"]:
            with rt.op("step", n) as op:
                await rt.sleep(0.001)
                op.ok()
            n += 1
        rt.observe("steps", n)
    """
# Handles TERM, does so many operations more, and dies of a TERM that it sends itself.
HANDLES = """\
    import os, signal

    async def main(rt, params):
        told = []
        signal.signal(signal.SIGTERM, lambda *_: told.append(True))
        with rt.op("wait") as op:
            while not told:
                await rt.sleep(0.001)
            op.ok()
        for n in range(params["operations"]):
            with rt.op("step", n) as op:
                await rt.sleep(0.02)
                op.ok()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
        await rt.sleep(60)
    """
# A server that tells its process; who starts it again finds it where it was.
SERVER = """\
    import os, socket

    port = int(open("port").read()) if os.path.exists("port") else 0
    listener = socket.create_server(("127.0.0.1", port))
    with open("port.new", "w") as file:
        file.write(str(listener.getsockname()[1]))
    os.replace("port.new", "port")
    while True:
        stream, _ = listener.accept()
        stream.sendall(b"%d" % os.getpid())
        stream.close()
    """
CLIENT = """\
    import os, socket, subprocess, sys

    def ask():
        try:
            with open("port") as port, socket.create_connection(("127.0.0.1", int(port.read())), 10) as stream:
                return int(stream.recv(100) or 0)
        except OSError:
            return 0

    async def main(rt, params):
        if os.path.exists("port"):
            os.unlink("port")
        server = subprocess.Popen([sys.executable, params["server"]])

        async def another_than(*processes):
            while (process := ask()) in processes:
                await rt.sleep(0.01)
            return process

        first = await another_than(0)
        rt.observe("asked", first == server.pid)
        server.wait()
        rt.observe("recovered", await another_than(0, first) != first)
    """
# How it was started, and what else its log says.
LOGGED = """\
    import json, os, socket, sys

    print("up", flush=True)
    print("trouble", file=sys.stderr, flush=True)
    listener = socket.socket(socket.AF_UNIX)
    if os.path.exists("address"):
        os.unlink("address")
    listener.bind("address")
    listener.listen()
    while True:
        stream, _ = listener.accept()
        stream.sendall(json.dumps([os.getpid(), sys.orig_argv[0], sys.prefix]).encode())
        stream.close()
    """
ASKS_LOGGED = """\
    import json, os, socket, subprocess, sys

    def ask():
        try:
            with socket.socket(socket.AF_UNIX) as stream:
                stream.connect("address")
                return json.loads(stream.recv(4096))
        except (OSError, ValueError):
            return [0]

    def lines(path):
        with open(path) as file:
            return file.read().split()

    async def main(rt, params):
        with open("out", "w") as out, open("err", "w") as err:
            server = subprocess.Popen([sys.executable, params["server"]], stdout=out, stderr=err)

        async def another_than(*processes):
            while (answer := ask())[0] in processes:
                await rt.sleep(0.01)
            return answer

        first = await another_than(0)
        rt.observe("asked", True)
        server.wait()
        again = await another_than(0, first[0])
        rt.observe("same", first[1:] == again[1:] == [sys.executable, sys.prefix])
        rt.observe("logged", [lines("out"), lines("err")])
    """
# Forked, and so with no program that could be started again.
FORKED = """\
    import os, socket

    async def main(rt, params):
        told, tell = os.pipe()
        server = os.fork()
        if server == 0:
            listener = socket.create_server(("127.0.0.1", 0))
            os.write(tell, b"x")
            while True:
                listener.accept()
        os.read(told, 1)
        os.close(told)
        os.close(tell)
        rt.observe("asked", True)
        _, status = os.waitpid(server, 0)
        rt.observe("ended", status)
    """
# By a way of its own, and with what Python starts beside it.
WORKER = """\
    import multiprocessing, time

    def work(told):
        told.send("up")
        while True:
            time.sleep(60)  # until the plan kills it

    async def main(rt, params):
        context = multiprocessing.get_context(params["method"])
        heard, told = context.Pipe()
        worker = context.Process(target=work, args=(told,), daemon=True)
        worker.start()
        rt.observe("worker", heard.recv())
        worker.join()
        rt.observe("exit", worker.exitcode)
        heard.close()
        told.close()
    """


class MachineFaultsTest(TriremeCase):
    def suffer(self, workload: str, fault: str = "", params: str = "{}") -> list[dict[str, Any]]:
        """The events of the run's history."""
        plan = f"faults: [{{name: suffered, {fault}}}]\n" if fault else ""
        text = textwrap.dedent(YAML) % ", ".join(RUNTIMES) + plan + f"params: {params}\n"
        self.write("scenario/scenario.yaml", text)
        self.write("scenario/workload.py", workload)
        self.outcome = self.trireme("run", "scenario", *PYTHON, "--jobs", "1")
        history = self.trireme("history", str(self.run_directory()))
        self.assertEqual(history.code, 0, history.err + self.outcome.err)
        return [json.loads(line) for line in history.out.splitlines()]

    def observed(self, events: list[dict[str, Any]], key: str) -> list[Any]:
        return [event["value"] for event in events if event["event"] == "observe" and event["key"] == key]

    def faults(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [event for event in events if event["event"] == "fault" and event["name"] == "suffered"]

    def test_a_clock_jumps(self) -> None:
        events = self.suffer(CLOCK, "time: {jump: -2h}")
        self.assertEqual(self.observed(events, "shift"), [-2, -2], self.outcome.out)
        self.assertEqual([fault["do"]["jump"] for fault in self.faults(events)], [-7200, -7200])
        self.assertEqual(self.outcome.code, 0, self.outcome.out)

    def test_a_clock_is_true_without(self) -> None:
        events = self.suffer(CLOCK)
        self.assertEqual(self.observed(events, "shift"), [0, 0])
        self.assertEqual(self.faults(events), [])

    def test_descriptors_are_short_for_a_while(self) -> None:
        events = self.suffer(FILES, "resource: {nofile: 64, for: 300ms}", "{short: true}")
        self.assertEqual(self.observed(events, "open"), ["EMFILE", "opened"] * 2, self.outcome.out)
        self.assertEqual([bool(fault.get("over")) for fault in self.faults(events)], [False, True] * 2)

    def test_descriptors_are_there_without(self) -> None:
        self.assertEqual(self.observed(self.suffer(FILES, params="{short: false}"), "open"), ["opened"] * 2)

    def test_a_limit_holds_from_the_first_statement_on(self) -> None:
        for isolation in ("fork", "process"):
            self.write("scenario/workload.py", AT_ONCE)
            self.write("scenario/workload.cc", AT_ONCE_CC)
            self.write("scenario/scenario.yaml", f"""\
                version: 1
                summary: Looks at its limit
                workload: {{python: workload.py, cpp: workload.cc}}
                trials: 10
                isolation: {isolation}
                faults: [{{name: suffered, resource: {{nofile: 64}}}}]
                """)
            self.trireme("run", "scenario", *PYTHON, "--jobs", "2", "--out", isolation, timeout=300)
            history = self.trireme("history", isolation)
            events = [json.loads(line) for line in history.out.splitlines()]
            limits = self.observed(events, "limit")
            self.assertEqual(limits, [64] * len(limits))
            self.assertGreaterEqual(len(limits), 50)
            self.assertEqual(len(self.faults(events)), 2 * len(limits))

    def test_no_runtime_needs_memory_for_itself_once_it_is_limited(self) -> None:
        """Less than what is mapped already: the workload asks for none."""
        self.write("scenario/workload.py", STEPS)
        self.write("scenario/workload.cc", STEPS_CC)
        self.write("scenario/scenario.yaml", """\
            version: 1
            summary: Takes ten steps
            workload: {python: workload.py, cpp: workload.cc}
            runtimes: [threading, asyncio, thread, fiber, coroutine]
            faults: [{name: suffered, resource: {memory: 1MiB}}]
            """)
        outcome = self.trireme("run", "scenario", *PYTHON, "--jobs", "2", timeout=300)
        self.assertEqual(outcome.code, 0, outcome.out)

    def test_a_process_is_hit_at_its_event_on_every_runtime(self) -> None:
        """Steps take no time: without the wait at the fourth, they are over before anybody could look."""
        self.assertEqual(self.steps_until("event: 'op:step#4'"), [4] * 35)

    def test_a_process_is_hit_before_its_first_statement_on_every_runtime(self) -> None:
        self.assertEqual(self.steps_until("after: 0s"), [0] * 35)

    def test_a_process_is_not_hit_at_an_event_that_never_comes(self) -> None:
        self.assertEqual(self.steps_until("event: 'op:step#11'"), [10] * 35)

    def steps_until(self, moment: str, python: str = STEPS) -> list[int]:
        """Of each trial, that a plan kills at that moment, how many steps it began."""
        self.write("scenario/workload.py", python)
        self.write("scenario/workload.cc", STEPS_CC)
        runtimes = "threading, asyncio" + (", thread, fiber, coroutine" if python == STEPS else "")
        self.write("scenario/scenario.yaml", f"""\
            version: 1
            summary: Takes steps
            workload: {{python: workload.py, cpp: workload.cc}}
            runtimes: [{runtimes}]
            trials: 7
            faults: [{{name: suffered, process: {{signal: KILL, {moment}}}}}]
            """)
        self.trireme("run", "scenario", *PYTHON, "--jobs", "2", timeout=300)
        history = self.trireme("history", str(self.run_directory()))
        steps: dict[tuple[str, int], int] = {}
        for line in history.out.splitlines():
            event = json.loads(line)
            if event["event"] in ("begin", "invoke"):
                key = (event["cell"], event["trial"])
                steps[key] = steps.get(key, 0) + (event["event"] == "invoke")
        return list(steps.values())

    def test_a_process_is_hit_at_its_byte_on_every_runtime(self) -> None:
        """The eleventh step moves byte 83; without the wait there, thousands are over before anybody could look."""
        self.assertEqual(self.steps_until("offset: 83, connection: 'main#0'", SENDS), [11] * 14)

    def test_a_process_is_not_hit_at_a_byte_that_never_comes(self) -> None:
        self.assertEqual(self.steps_until("offset: 8000, connection: 'main#0'", SENDS), [1000] * 14)

    def test_a_disk_is_full(self) -> None:
        events = self.suffer(DISK, "resource: {disk: 64KiB}", "{until: ENOSPC}")
        if "2 unsupported" in self.outcome.out:
            self.skipTest(self.outcome.out)
        self.assertEqual(self.observed(events, "disk"), ["ENOSPC"] * 2, self.outcome.out)

    def test_a_disk_has_room_without(self) -> None:
        self.assertEqual(self.observed(self.suffer(DISK, params="{until: written}"), "disk"), ["written"] * 2)

    def test_the_trial_is_stopped_for_a_while(self) -> None:
        fault = 'process: {signal: STOP, event: "op:step#3", for: 200ms}'
        # More than it does until the harness has seen the third.
        events = self.suffer(RECORDS, fault, "{operations: 3000}")
        self.assertEqual([bool(each.get("over")) for each in self.faults(events)], [False, True] * 2)
        self.assertEqual(self.outcome.code, 0, self.outcome.out)

    def test_the_trial_is_killed_by_the_plan(self) -> None:
        fault = 'process: {signal: KILL, event: "op:step#3"}'
        events = self.suffer(RECORDS, fault, "{operations: 1000000}")
        ends = [event["value"] for event in events if event["event"] == "exit"]
        self.assertTrue(all(end["fault"] == {"id": 1, "name": "suffered"} for end in ends), ends)
        self.assertTrue(ends)

    def test_who_handles_a_signal_may_die_of_it(self) -> None:
        events = self.suffer(HANDLES, 'process: {signal: TERM, event: "op:wait"}', "{operations: 0}")
        self.assertEqual([each["handled"] for each in self.faults(events)], [True] * 2)
        self.assertIn("0 fail", self.outcome.out)

    def test_who_handled_a_signal_and_went_on_dies_of_another(self) -> None:
        self.suffer(HANDLES, 'process: {signal: TERM, event: "op:wait"}', "{operations: 5}")
        self.assertIn("2 fail", self.outcome.out)
        self.assertIn("ended by SIGTERM before main ended; the SIGTERM of the plan was handled, and the program went on",
                      self.outcome.out)

    def test_a_server_that_was_killed_is_started_again(self) -> None:
        server = self.write("server.py", SERVER)
        fault = 'process: {signal: KILL, target: server, event: "observe:asked", restart: 20ms}'
        events = self.suffer(CLIENT, fault, f"{{server: {server}}}")
        self.assertEqual(self.observed(events, "asked"), [True] * 2, self.outcome.out)
        self.assertEqual(self.observed(events, "recovered"), [True] * 2, self.outcome.out)
        self.assertEqual([bool(each.get("over")) for each in self.faults(events)], [False, True] * 2)
        self.assertEqual(self.outcome.code, 0, self.outcome.out)
        self.assertNotIn(str(server), self.command_lines())

    def test_a_server_is_started_again_as_it_was(self) -> None:
        """With its name, by which Python finds its virtual environment, and after what it had written before."""
        server = self.write("server.py", LOGGED)
        fault = 'process: {signal: KILL, target: server, event: "observe:asked", restart: 20ms}'
        events = self.suffer(ASKS_LOGGED, fault, f"{{server: {server}}}")
        self.assertEqual(self.observed(events, "same"), [True] * 2, self.outcome.out)
        self.assertEqual(self.observed(events, "logged"), [[["up"] * 2, ["trouble"] * 2]] * 2)
        self.assertNotIn("note:", self.outcome.out)

    def test_a_fork_is_not_started_again_and_that_is_said(self) -> None:
        fault = 'process: {signal: KILL, target: server, event: "observe:asked", restart: 1ms}'
        events = self.suffer(FORKED, fault)
        self.assertEqual(self.observed(events, "ended"), [9] * 2, self.outcome.out)
        self.assertEqual([bool(each.get("over")) for each in self.faults(events)], [False] * 2)
        results = json.loads((self.run_directory() / "results.json").read_text())
        self.assertEqual([cell["notes"] for cell in results["cells"]],
                         [["fault 'suffered': a fork is not started again: it has no program of its own"]] * 2)

    def test_a_forked_worker_of_multiprocessing_is_killed(self) -> None:
        self.kill_worker("fork")

    def test_a_spawned_worker_is_killed_and_not_what_tracks_its_resources(self) -> None:
        self.kill_worker("spawn")

    def test_a_worker_of_a_fork_server_is_killed_and_not_the_server(self) -> None:
        self.kill_worker("forkserver")

    def kill_worker(self, method: str) -> None:
        fault = 'process: {signal: KILL, target: worker, event: "observe:worker"}'
        events = self.suffer(WORKER, fault, f"{{method: {method}}}")
        self.assertEqual(self.observed(events, "exit"), [-9] * 2, self.outcome.out)
        self.assertEqual(self.outcome.code, 0, self.outcome.out)

    def command_lines(self) -> str:
        """Of all processes: what was started again is ended with its trial."""
        return subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout

    def test_what_cannot_be_started_again_is_refused(self) -> None:
        for target in ("runner", "worker"):
            self.suffer_nothing(f"process: {{signal: KILL, target: {target}, restart: 1ms}}",
                                f"a {target} cannot be started again: it is a fork of the trial")
        self.suffer_nothing("process: {signal: STOP, target: server, restart: 1ms}",
                            "`restart` goes with a signal that ends a process, STOP does not")

    def test_a_plan_that_means_nothing_is_refused(self) -> None:
        self.suffer_nothing("process: {signal: KILL, for: 1s}", "`for` goes with STOP only")
        self.suffer_nothing("resource: {after: 1s}", "it limits nothing")
        self.suffer_nothing("time: {after: 1s}", "it changes no clock")

    def suffer_nothing(self, fault: str, message: str) -> None:
        text = textwrap.dedent(YAML) % "threading" + f"faults: [{{name: suffered, {fault}}}]\n"
        self.write("scenario/scenario.yaml", text)
        self.write("scenario/workload.py", RECORDS)
        outcome = self.trireme("run", "scenario", *PYTHON)
        self.assertEqual(outcome.code, 2, outcome.err)
        self.assertIn(message, outcome.err)


if __name__ == "__main__":
    unittest.main()
