"""Fault plans from the command line: which there are, what they plan, and that a seed brings the same faults back."""

from __future__ import annotations

import json
import shutil
import subprocess
import textwrap
import time
import unittest
from typing import Any

from trireme_case import PYTHON, TriremeCase
from watch_case import WITH_EVENTLET

# Both ends in one process: each request is 64 bytes, each reply as many.
ECHO = """\
    async def main(rt, params):
        listener = await rt.listen()

        async def answer(stream):
            try:
                while data := await stream.recv(64):
                    await stream.send_all(data)
            except OSError:
                pass
            stream.close()

        async def serve():
            answers = [rt.spawn(answer, await listener.accept()) for _ in range(params["clients"])]
            await rt.gather(*answers)

        async def ask(number):
            stream = await rt.connect(listener.address)
            got = 0
            try:
                for _ in range(params["requests"]):
                    await stream.send_all(bytes(64))
                    got += len(await stream.recv_exactly(64))
            except (OSError, EOFError):
                pass
            stream.close()
            rt.observe(f"client-{number}", got)

        clients = [rt.spawn(ask, number) for number in range(params["clients"])]
        await rt.gather(rt.spawn(serve), *clients)
        listener.close()
    """
SCENARIO = """\
    version: 1
    summary: Clients ask for their own bytes
    workload: {python: workload.py}
    params: {clients: 2, requests: 8}
    runtimes: [threading]
    checks: []
    """
PLAN = """\
    version: 1
    summary: Cuts and one reset
    all:
      - {name: cut, at: {call: recv, every: 50}, do: {short: 1}}
      - {name: reset, at: {call: recv, side: server, offset: 256}, do: {reset: true}}
    """
CUT_AT_ONCE = "version: 1\nsummary: s\nat: {call: send, offset: 0}\ndo: {short: 1}\n"


class FaultsTest(TriremeCase):
    def setUp(self) -> None:
        super().setUp()
        self.write("s/scenario.yaml", SCENARIO)
        self.write("s/workload.py", ECHO)
        self.write("mine.yaml", PLAN)

    def cells(self, *arguments: str) -> list[dict[str, Any]]:
        outcome = self.trireme("run", "s", *arguments, *PYTHON)
        self.assertIn(outcome.code, (0, 1, 4), outcome.err)
        plan = json.loads((self.folder / "out/plan.json").read_text())
        cells: list[dict[str, Any]] = plan["cells"]
        return cells

    def faults(self, run: str) -> list[tuple[str, str, int, str, str]]:
        lines = self.trireme("history", run).out.splitlines()
        events = [event for event in map(json.loads, lines) if event["event"] == "fault"]
        return sorted((event["connection"], event["side"], event["offset"], event["call"], event["name"])
                      for event in events)

    def test_who_sends_again_suffers_the_same_each_time(self) -> None:
        # Its clients write while their server resets them: at which byte they see it, no scheduler decides.
        logs = []
        for run in ("first", "second"):
            outcome = self.trireme("run", "patterns/server", "--faults", "cut-and-reset", "--seed", "99", "--runtimes",
                                   "threading,thread", *PYTHON, "--out", run)
            self.assertEqual(outcome.code, 0, outcome.err)
            cells = json.loads((self.folder / run / "results.json").read_text())["cells"]
            self.assertTrue(all(cell["faults_applied"]["reset"] for cell in cells))
            logs.append({cell["runtime"]: cell["fault_log"]["sha256_of_all"] for cell in cells})
        self.assertEqual(set(logs[0]), {"threading", "thread"})
        self.assertEqual(logs[0], logs[1])

    def test_the_list_names_plans_and_fields(self) -> None:
        listing = self.trireme("list", "faults")
        self.assertEqual((listing.code, listing.err), (0, ""))
        names = [line.split()[0] for line in listing.out.splitlines() if line and not line.startswith(" ")]
        self.assertLess(names.index("cut-and-reset"), names.index("at"))
        self.assertLess(names.index("at.offset"), names.index("do.short"))
        self.assertNotIn("cannot be read", listing.out)

    def test_each_plan_is_a_cell(self) -> None:
        cells = self.cells("--faults", "none,mine.yaml", "--out", "out")
        self.assertEqual([cell["faults"] for cell in cells], [[], ["mine"]])
        self.assertIn(" --faults mine.yaml ", cells[1]["replay"])
        self.assertIn("-mine-", cells[1]["id"])

    def test_a_plan_in_the_scenario(self) -> None:
        self.write("s/scenario.yaml", SCENARIO + "faults: [none, {name: late, do: {delay: 1ms}}]\n")
        cells = self.cells("--faults", "late", "--out", "out")
        self.assertEqual([cell["faults"] for cell in cells], [["late"]])
        self.assertEqual(cells[0]["fault_plan"]["all"][0]["do"], {"delay": 1_000_000})

    def test_what_is_no_plan(self) -> None:
        self.expect("run", "s", "--faults", "cut-and-rest", *PYTHON, code=2, err="""\
            error: option --faults: there is no fault plan 'cut-and-rest'
            hint: did you mean 'cut-and-reset'?
            """)
        self.write("mine.yaml", PLAN.replace("reset: true", "rest: true"))
        self.expect("run", "s", "--faults", "mine.yaml", *PYTHON, code=2, err="""\
            mine.yaml:5:69: error: unknown key 'rest' of 'do'
              - {name: reset, at: {call: recv, side: server, offset: 256}, do: {rest: true}}
                                                                                ^~~~
            hint: did you mean 'reset'?
            """)
        self.write("mine.yaml", PLAN.replace("call: recv, side: server", "call: accept, side: client"))
        outcome = self.trireme("run", "s", "--faults", "mine.yaml", *PYTHON)
        self.assertEqual(outcome.code, 2)
        self.assertIn("mine.yaml:5:38: error: reset: 'side: client' can never apply to accept\n", outcome.err)

    def test_a_seed_brings_the_same_faults_back(self) -> None:
        arguments = ["run", "s", "--faults", "short-io,mine.yaml", "--seed", "99", *PYTHON]
        for run in ("a", "b"):
            self.assertIn(self.trireme(*arguments, "--out", run).code, (0, 1, 4))
        self.assertNotEqual(self.faults("a"), [])
        self.assertEqual(self.faults("a"), self.faults("b"))

    def test_the_faults_of_a_trial_again(self) -> None:
        self.trireme("run", "s", "--faults", "mine.yaml", "--seed", "7", "--out", "a", *PYTHON)
        outcome = self.trireme("run", "s", "--faults-from", "a", "--trial", "0", "--out", "b", *PYTHON)
        self.assertIn(outcome.code, (0, 1, 4), outcome.err)
        plan = json.loads((self.folder / "b/plan.json").read_text())
        self.assertEqual(plan["seed"], "0x7")
        places = [fault[:4] for fault in self.faults("a")]
        self.assertNotEqual(places, [])
        self.assertEqual([fault[:4] for fault in self.faults("b")], places)

    def test_of_a_repeated_trial_the_attempt_that_stands(self) -> None:
        # The first one records nothing, and so is undecided: the second one suffers something.
        self.write("s/workload.py", "import os\n\n" + textwrap.dedent(ECHO).replace("(rt, params):\n", """(rt, params):
    if not os.path.exists(params["mark"]):
        open(params["mark"], "w").close()
        return
""", 1))
        mark = self.folder / "mark"
        self.write("s/scenario.yaml", SCENARIO.replace("requests: 8", f"requests: 8, mark: {mark}"))
        self.trireme("run", "s", "--faults", "mine.yaml", "--seed", "7", "--out", "a", *PYTHON)
        attempts = sorted(path.name for path in (self.folder / "a/trials").glob("*/*"))
        self.assertEqual(attempts, ["0", "0.retry"])
        [folder] = (self.folder / "a/trials").glob("*")
        for path in ("a", f"a/trials/{folder.name}", f"a/trials/{folder.name}/0.retry"):
            trial = [] if path.endswith("retry") else ["--trial", "0"]
            outcome = self.trireme("run", "s", "--faults-from", path, *trial, "--dry-run", *PYTHON)
            self.assertEqual(outcome.code, 0, outcome.err)
        outcome = self.trireme("run", "s", "--faults-from", f"a/trials/{folder.name}/0", *PYTHON)
        self.assertEqual(outcome.code, 4, outcome.out)
        self.assertIn("no fault was applied in trial 0", outcome.err)

    def test_faults_from_nowhere(self) -> None:
        self.expect("run", "s", "--faults-from", "a", *PYTHON, code=2, err="""\
            error: option --faults-from: of which trial?
            hint: name it with --trial K
            """)
        self.expect("run", "s", "--faults-from", "a", "--trial", "0", *PYTHON, code=2, err="""\
            error: option --faults-from: 'a' is no run: it has no plan.json
            hint: runs are in trireme-runs, unless --out said otherwise
            """)

    @unittest.skipUnless(WITH_EVENTLET, "no environment of 'trireme setup'")
    def test_what_the_runtime_connects_for_itself_is_no_connection_of_a_task(self) -> None:
        """Eventlet's tpool does, for the first task that offloads."""
        self.write("s/scenario.yaml", SCENARIO.replace("[threading]", "[eventlet, threading]"))
        self.write("s/workload.py", """\
            async def main(rt, params):
                await rt.offload(int)
                listener = await rt.listen()
                for _ in range(3):
                    try:
                        stream = await rt.connect(listener.address)
                        stream.close()
                        rt.observe("connect", "made")
                    except OSError:
                        rt.observe("connect", "refused")
                listener.close()
            """)
        self.write("mine.yaml",
                   "version: 1\nsummary: s\nat: {call: connect, offset: 1}\ndo: {error: ECONNREFUSED}\n")
        python = f"here={WITH_EVENTLET}"
        outcome = self.trireme("run", "s", "--faults", "mine.yaml", "--out", "a", "--python", python)
        self.assertEqual(outcome.code, 0, outcome.out)
        for runtime in ("eventlet", "threading"):
            events = map(json.loads, self.trireme("history", "a", "--cell", f"s-{runtime}-*").out.splitlines())
            connects = [event["value"] for event in events if event["event"] == "observe"]
            self.assertEqual(connects, ["made", "refused", "made"], runtime)

    def test_what_wakes_a_loop_suffers_no_fault(self) -> None:
        """A byte that is lost there is a wake-up lost. The pair that the workload makes is a connection, and suffers it."""
        self.write("mine.yaml", CUT_AT_ONCE.replace("short: 1", "stall: 1ms"))
        for imported in ("first", "late"):
            with self.subTest(imported=imported):
                self.what_wakes_a_loop_suffers_no_fault(imported)

    def what_wakes_a_loop_suffers_no_fault(self, imported: str) -> None:
        self.write("s/scenario.yaml", SCENARIO.replace("[threading]", "[asyncio, threading]"))
        self.write("s/workload.py", f"""\
            {"import asyncio" if imported == "first" else ""}

            async def main(rt, params):
                import asyncio
                if rt.runtime == "asyncio":
                    await rt.offload(int)
                else:
                    asyncio.run(asyncio.to_thread(int))  # a loop of the workload's own
                a, b = await rt.socketpair()
                await a.send_all(b"four")
                rt.observe("bytes", len(await b.recv_exactly(4)))
                a.close()
                b.close()
            """)
        outcome = self.trireme("run", "s", "--faults", "mine.yaml", "--out", imported, *PYTHON)
        self.assertEqual(outcome.code, 0, outcome.out)
        events = map(json.loads, self.trireme("history", imported).out.splitlines())
        faults = [event for event in events if event["event"] == "fault"]
        self.assertEqual({fault["connection"] for fault in faults}, {"1#0"})
        self.assertEqual({fault["runtime"] for fault in faults}, {"asyncio", "threading"})

    def test_what_wakes_the_loop_of_a_watched_program_suffers_no_fault(self) -> None:
        self.write("lost.yaml", CUT_AT_ONCE.replace("short: 1", "error: EAGAIN"))
        program = self.write("p.py", """\
            import asyncio, socket
            a, b = socket.socketpair()
            a.setblocking(False)
            try:
                a.send(b"four")
            except BlockingIOError:
                print("again", flush=True)
            asyncio.run(asyncio.to_thread(print, "woken"))
            """)
        outcome = self.trireme("watch", "--faults", "lost.yaml", "--for", "20s", "--", "python3", str(program))
        self.assertEqual((outcome.code, outcome.out), (0, "again\nwoken\n"), outcome.err)
        self.assertIn("trireme: faults lost: lost 1 time\n", outcome.err)

    @unittest.skipUnless(WITH_EVENTLET, "no environment of 'trireme setup'")
    def test_each_look_up_counts_for_its_task(self) -> None:
        """Eventlet makes it itself, where dnspython is installed; of the others a thread without a task does."""
        runtimes = ("eventlet", "eventlet-asyncio", "threading", "asyncio")
        self.write("s/scenario.yaml", SCENARIO.replace("[threading]", f"[{', '.join(runtimes)}]"))
        self.write("s/workload.py", """\
            async def main(rt, params):
                async def look_up(task):
                    for name in ("localhost", "127.0.0.1", "localhost", "localhost"):
                        with rt.op("resolve", task) as op:
                            try:
                                await rt.resolve(name)
                                op.ok(task)
                            except OSError as error:
                                op.fail(error)

                await rt.gather(*[rt.spawn(look_up, task) for task in range(3)])
            """)
        python = f"here={WITH_EVENTLET}"
        outcome = self.trireme("run", "s", "--faults", self.names_plan(), "--out", "a", "--python", python)
        self.assertEqual(outcome.code, 0, outcome.out)
        for runtime in runtimes:
            events = list(map(json.loads, self.trireme("history", "a", "--cell", f"s-{runtime}-here*").out.splitlines()))
            for task in ("1.1", "1.2", "1.3"):
                happened = [event.get("name", event["event"]) for event in events
                            if event["task"] == task and event["event"] in ("ok", "fail", "fault")]
                self.assertEqual(happened, ["late", "ok", "ok", "late", "lost", "fail", "late", "ok"], f"{task} on {runtime}")

    @unittest.skipUnless(WITH_EVENTLET, "no environment of 'trireme setup'")
    def test_names_that_a_watched_program_looks_up_with_eventlet(self) -> None:
        program = self.write("p.py", """\
            import eventlet
            eventlet.monkey_patch()
            import socket
            def look_up(number):
                for find in (socket.gethostbyname, lambda name: socket.getaddrinfo(name, 80)):
                    try:
                        find("localhost")
                        print(number, "found")
                    except socket.gaierror as error:
                        print(number, error.errno == socket.EAI_AGAIN)
            for number in range(2):
                eventlet.spawn(look_up, number).wait()
            """)
        outcome = self.trireme("watch", "--faults", self.names_plan(), "--", WITH_EVENTLET, str(program))
        self.assertEqual((outcome.code, outcome.out), (0, "0 found\n0 True\n1 found\n1 True\n"), outcome.err)

    def names_plan(self) -> str:
        at = "at: {call: getaddrinfo"
        self.write("names.yaml", f"version: 1\nsummary: s\nall:\n  - {{name: late, {at}}}, do: {{delay: 1ms}}}}\n"
                                 f"  - {{name: lost, {at}, every: 2}}, do: {{error: EAI_AGAIN}}}}\n")
        return "names.yaml"

    def test_an_interrupted_connect_goes_on(self) -> None:
        self.write("eintr.yaml", "version: 1\nsummary: s\nat: {call: connect}\ndo: {interrupt: true}\n")
        program = self.write("p.py", """\
            import socket
            listener = socket.create_server(("127.0.0.1", 0))
            client = socket.create_connection(listener.getsockname())
            client.sendall(b"four")
            print(listener.accept()[0].recv(9))
            """)
        outcome = self.trireme("watch", "--faults", "eintr.yaml", "--", "python3", str(program))
        self.assertEqual((outcome.code, outcome.out), (0, "b'four'\n"), outcome.err)
        self.assertIn("trireme: faults eintr: eintr 1 time\n", outcome.err)

    def test_every_way_to_start_a_process_is_a_fork(self) -> None:
        """CPython starts a program by vfork(2), and by fork(2) where that fails."""
        self.write("fork.yaml", "version: 1\nsummary: s\nat: {call: fork}\ndo: {error: EAGAIN}\n")
        self.write("late.yaml", "version: 1\nsummary: s\nat: {call: fork, offset: 1000}\ndo: {error: EAGAIN}\n")
        program = self.write("p.py", """\
            import ctypes, os, subprocess
            library = ctypes.CDLL(None, use_errno=True)
            library.popen.restype = ctypes.c_void_p
            def fork():
                child = os.fork()
                if child == 0:
                    os._exit(0)
                os.waitpid(child, 0)
            def popen():
                if not library.popen(b"true", b"r"):
                    raise OSError(ctypes.get_errno(), "popen")
            def system():
                if os.system("true") != 0:
                    raise OSError(11, "system")
            def spawn():
                os.waitpid(os.posix_spawn("/bin/true", ["true"], os.environ), 0)
            def run():
                subprocess.run(["true"], check=True)
            for start in (fork, popen, system, spawn, run):
                try:
                    start()
                except OSError as error:
                    print(start.__name__, error.errno)
            """)
        every = "".join(f"{way} 11\n" for way in ("fork", "popen", "system", "spawn", "run"))
        for plan, out in (("fork.yaml", every), ("late.yaml", "")):
            outcome = self.trireme("watch", "--faults", plan, "--", "python3", str(program))
            self.assertEqual((outcome.code, outcome.out), (0, out), outcome.err)
            self.assertEqual("trireme: faults late: not reached: late\n" in outcome.err, plan == "late.yaml", outcome.err)


    def test_says_of_a_datagram_why_it_was_not_late(self) -> None:
        self.write("late.yaml", "version: 1\nsummary: s\nname: late\nat: {call: send, offset: 0}\ndo: {reorder: true}\n")
        said = ("trireme: faults late: not reached: late\n"
                "trireme: fault 'late' left datagram 0 of -#0 in order: it has more bytes than are kept\n")
        for size, is_said in ((70_000, True), (60_000, False)):
            program = self.write("program.py", f"""\
                import socket
                one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
                one.send(bytes({size}))
                one.send(b"x")
                print(len(other.recv(100_000)))
                """)
            outcome = self.trireme("watch", "--faults", "late.yaml", "--", "python3", str(program))
            self.assertEqual(outcome.out, f"{size}\n" if is_said else "1\n")
            self.assertEqual(said in outcome.err, is_said, outcome.err)

    def test_says_of_a_fault_of_datagrams_why_it_was_not_reached(self) -> None:
        self.write("lose.yaml", "version: 1\nsummary: s\nname: lose\nat: {call: send}\ndo: {drop: true}\n")
        why = " (it is for datagrams, and the connections that it names were all streams)"
        for kind, said in (("STREAM", "not reached: lose" + why), ("DGRAM", "lose 1 time")):
            program = self.write("program.py", f"""\
                import socket
                one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_{kind})
                one.send(b"x")
                """)
            outcome = self.trireme("watch", "--faults", "lose.yaml", "--", "python3", str(program))
            self.assertIn(f"trireme: faults lose: {said}\n", outcome.err)


# A client asks twice, each time over a connection of its own; the first one is reset while the server reads.
TWICE = """\
    async def main(rt, params):
        listener = await rt.listen()
        stored = []

        async def answer(stream):
            try:
                stored.append((await stream.recv_until(b"\\n")).decode())
                await stream.send_all(b"stored\\n")
            except OSError:
                ON_RESET
            finally:
                stream.close()

        async def ask(text):
            stream = await rt.connect(listener.address)
            with rt.op("ask", text) as op:
                try:
                    await stream.send_all(text.encode())
                    reply = await stream.recv_until(b"\\n")
                except OSError:
                    reply = b""
                ON_NO_ANSWER if not reply else op.ok()
            stream.close()

        async def serve():
            answers = [rt.spawn(answer, await listener.accept(), name="answer") for _ in range(2)]
            await rt.gather(*answers)

        server = rt.spawn(serve)
        await ask("first\\n")
        await ask("second\\n")
        await server.join()
        listener.close()
        rt.observe("final", stored)
    """
RESET = '{name: reset, at: {call: recv, side: server, offset: 0, connection: "main#0"}, do: {reset: true}}'
TWICE_SCENARIO = """\
    version: 1
    summary: A client asks again after a reset
    workload: {python: workload.py}
    runtimes: [threading, asyncio]
    timeout: 2s
    faults: [PLAN]
    checks: [progress, unhandled-exception, {invariant: {ops: [ask]}}]
    """


class EffectsTest(TriremeCase):
    """What a runtime made of its faults: the word of the table, with the times beside it."""

    def effects(self, on_reset: str = "pass", on_no_answer: str = 'op.fail("no answer")',
                plan: str = RESET) -> list[dict[str, Any]]:
        self.write("s/scenario.yaml", TWICE_SCENARIO.replace("PLAN", plan))
        self.write("s/workload.py", TWICE.replace("ON_RESET", on_reset).replace("ON_NO_ANSWER", on_no_answer))
        outcome = self.trireme("run", "s", "--seed", "5", "--out", "a", *PYTHON)
        self.assertIn(outcome.code, (0, 1), outcome.out + outcome.err)
        cells = json.loads((self.folder / "a/results.json").read_text())["cells"]
        effects: list[dict[str, Any]] = [cell["under_faults"] for cell in cells]
        self.assertEqual(len(effects), 2)
        return effects

    def expect_effect(self, word: str, effects: list[dict[str, Any]]) -> None:
        self.assertEqual([effect["class"] for effect in effects], [word, word], effects)
        table = self.trireme("report", "a", "--format", "faults").out
        row = table.splitlines()[1]
        self.assertEqual(row.count(word), 2, table)
        for effect in effects:
            self.assertGreaterEqual(effect["cpu_ms"]["n"], 1, effect)

    def test_survived(self) -> None:
        effects = self.effects(plan="{name: cut, at: {call: recv, side: client, offset: 0}, do: {short: 1}}")
        self.expect_effect("survived", effects)
        self.assertEqual([effect["failed_operations"] for effect in effects], [0, 0])

    def test_recovered_in_a_time(self) -> None:
        effects = self.effects()
        self.expect_effect("recovered", effects)
        table = self.trireme("report", "a", "--format", "faults").out
        self.assertEqual(table.count("recovered in "), 2, table)
        self.assertRegex(table, r"\nfaults +scenario +runtime +noticed after +recovered after +processor time\n")
        for runtime in ("threading", "asyncio"):
            self.assertRegex(table, rf"\nreset +s +{runtime}/here +\d\S+ +\d\S+ +\d\S+\n")
        for effect in effects:
            for key in ("notice_ms", "recovery_ms", "cpu_ms"):
                self.assertGreater(effect[key]["max"], 0, effect)
            self.assertEqual(effect["failed_operations"], 1)

    def test_wrong_error(self) -> None:
        effects = self.effects(on_reset='raise ValueError("what is this?")')
        self.expect_effect("wrong error", effects)
        self.assertIn("what is this?", effects[0]["reason"])

    def test_lost_data(self) -> None:
        self.expect_effect("lost data", self.effects(on_no_answer="op.ok()"))

    def test_hung(self) -> None:
        effects = self.effects(on_reset="await rt.event().wait()")
        self.expect_effect("hung", effects)

    def test_crashed(self) -> None:
        self.expect_effect("crashed", self.effects(on_reset='__import__("os").abort()'))


# Sends itself bytes until it is told that the connection was reset, which nobody does but fiu-ctrl.
PATIENT = """\
    async def main(rt, params):
        ours, theirs = await rt.socketpair()
        errors = []
        while not errors:
            await theirs.send_all(b"x")
            try:
                await ours.recv(1)
            except OSError as error:
                errors.append(error.errno)
            await rt.sleep(0.001)
        rt.observe("errors", errors)
    """
KILLED = """\
    import glob, os

    async def main(rt, params):
        rt.observe("pipes", len(glob.glob(f"{os.environ['FIU_CTRL_FIFO']}-{os.getpid()}.*")))
        os.kill(os.getpid(), 9)
    """


@unittest.skipUnless(shutil.which("fiu-ctrl"), "fiu-ctrl is not installed: apt-get install fiu-utils")
class RemoteControlTest(TriremeCase):
    """libfiu is the gate: its own remote control drives the points of a workload that runs."""

    def enable(self, command: str) -> None:
        """Sends it to the trial, once that has its pipes."""
        until = time.monotonic() + 30
        while not (pipes := list(self.folder.glob("fiu-*.in"))):
            self.assertLess(time.monotonic(), until, "no pipe of libfiu appeared")
            time.sleep(0.02)  # as an observer of another process: there is nothing to wait for
        pid = pipes[0].name.split("-")[1].removesuffix(".in")
        subprocess.run(["fiu-ctrl", "-f", self.folder / "fiu", "-c", command, pid], check=True, timeout=30)

    def test_a_point_is_driven_in_a_running_workload(self) -> None:
        self.write("s/workload.py", PATIENT)
        self.write("s/scenario.yaml", SCENARIO)
        environment = self.environment() | {"FIU_CTRL_FIFO": str(self.folder / "fiu")}
        run = self.start("run", "s", *PYTHON, "--trials", "1", env=environment)
        try:
            self.enable("enable name=trireme/net/recv,failinfo=104,onetime")
            out, err = run.communicate(timeout=60)
        finally:
            run.kill()
        self.assertEqual(run.returncode, 0, out + err)
        lines = [json.loads(line) for line in self.trireme("history", str(self.run_directory())).out.splitlines()]
        self.assertEqual([line["value"] for line in lines if line["event"] == "observe"], [[104]])
        faults = [(line["name"], line["call"], line["do"]) for line in lines if line["event"] == "fault"]
        self.assertEqual(faults, [("fiu-ctrl", "recv", {"error": "ECONNRESET"})])
        self.assertEqual(list(self.folder.glob("fiu-*")), [])
        again = self.trireme("run", "s", *PYTHON, "--faults-from", str(self.run_directory()), "--trial", "0")
        self.assertEqual((again.code, again.err.count("warning")), (0, 0), again.out + again.err)

    def test_what_no_plan_can_say_does_not_come_back_and_is_said(self) -> None:
        self.write("s/workload.py", PATIENT)
        self.write("s/scenario.yaml", SCENARIO)
        environment = self.environment() | {"FIU_CTRL_FIFO": str(self.folder / "fiu")}
        run = self.start("run", "s", *PYTHON, "--trials", "1", env=environment)
        try:
            self.enable("enable name=trireme/net/recv,failinfo=24,onetime")  # EMFILE, which no recv fails with
            out, err = run.communicate(timeout=60)
        finally:
            run.kill()
        self.assertEqual(run.returncode, 0, out + err)
        again = self.trireme("run", "s", *PYTHON, "--faults-from", str(self.run_directory()), "--trial", "0")
        self.assertEqual(again.code, 2, again.out + again.err)
        self.assertIn("EMFILE can never come of recv", again.err)

    def test_a_process_that_a_signal_ends_leaves_no_pipes(self) -> None:
        self.write("s/workload.py", KILLED)
        self.write("s/scenario.yaml", SCENARIO)
        environment = self.environment() | {"FIU_CTRL_FIFO": str(self.folder / "fiu")}
        outcome = self.trireme("run", "s", *PYTHON, "--trials", "1", env=environment)
        self.assertEqual(outcome.code, 1, outcome.err)
        lines = [json.loads(line) for line in self.trireme("history", str(self.run_directory())).out.splitlines()]
        self.assertEqual([line["value"] for line in lines if line["event"] == "observe"], [2])
        self.assertEqual(list(self.folder.glob("fiu-*")), [])


if __name__ == "__main__":
    unittest.main()
