"""What a connection is called in programs that know nothing of tasks, and who uses one of a pool."""

from __future__ import annotations

import json
import re
import sys
import unittest

from trireme_case import PYTHON, TriremeCase
from watch_case import WITH_EVENTLET

PLAN = """\
    version: 1
    summary: s
    at: {call: recv, side: client}
    do: {short: 1}
    """
# The lines of each child say what started it; a path of `/3/1` is a shell's child.
FAMILY = """\
    import os, socket, subprocess, sys, threading

    def serve(listener):
        while True:
            stream, _ = listener.accept()
            stream.sendall(stream.recv(64))
            stream.close()

    def talk(port, text):
        with socket.create_connection(("127.0.0.1", port)) as stream:
            stream.sendall(text.encode())
            stream.recv(64)

    if len(sys.argv) > 1:
        talk(int(sys.argv[1]), sys.argv[2])
        if len(sys.argv) > 3:
            os.execv(sys.executable, [sys.executable, __file__, sys.argv[1], *sys.argv[3:]])
        sys.exit()
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=[listener], daemon=True).start()
    port = listener.getsockname()[1]
    talk(port, "first")
    program = [sys.executable, __file__, str(port)]
    for name in ("forked", "forked too"):
        child = os.fork()
        if child == 0:
            talk(port, name)
            os._exit(0)
        os.waitpid(child, 0)
    subprocess.run([*program, "by vfork", "after exec"], check=True)
    os.waitpid(os.posix_spawn(sys.executable, [*program, "spawned"], os.environ), 0)
    os.system(" ".join([*program, "shell"]) + "; :")
    talk(port, "last")
    """
POOL = """\
    import queue, socket, sys, threading

    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            stream, _ = listener.accept()
            threading.Thread(target=answer, args=[stream], daemon=True).start()

    def answer(stream):
        while data := stream.recv(64):
            stream.sendall(data)

    def ask(stream):
        stream.sendall(b".")
        stream.recv(64)

    def first():
        stream = socket.create_connection(listener.getsockname())
        ask(stream)
        pool.put(stream)

    def second():
        stream = pool.get() if sys.argv[1] == "pooled" else socket.create_connection(listener.getsockname())
        for _ in range(3):
            ask(stream)

    threading.Thread(target=serve, daemon=True).start()
    pool = queue.Queue()
    for user in (first, second):
        thread = threading.Thread(target=user)
        thread.start()
        thread.join()
    """
POOL_OF_ASYNCIO = """\
    import asyncio, socket, sys

    async def serve(reader, writer):
        while data := await reader.read(64):
            writer.write(data)
        writer.close()

    async def connect(loop, port):
        stream = socket.socket()
        stream.setblocking(False)
        await loop.sock_connect(stream, ("127.0.0.1", port))
        return stream

    async def first(loop, port):
        stream = await connect(loop, port)
        await ask(loop, stream)
        return stream

    async def second(loop, port, stream):
        stream = stream if sys.argv[1] == "pooled" else await connect(loop, port)
        for _ in range(3):
            await ask(loop, stream)

    async def ask(loop, stream):
        await loop.sock_sendall(stream, b".")
        await loop.sock_recv(stream, 64)

    async def by_a_transport(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(b".")
            await reader.read(64)
        writer.close()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        loop = asyncio.get_running_loop()
        stream = await asyncio.create_task(first(loop, port))
        await asyncio.create_task(second(loop, port, stream))
        await asyncio.create_task(by_a_transport(port))

    asyncio.run(main())
    """
REUSED = re.compile(
    r"^trireme: reused connection -#\d+ \(\S+:\d+ to 127\.0\.0\.1:\d+\), opened by (\w+ \d+): (.*)$", re.MULTILINE)


class ProcessesOfACommandTest(TriremeCase):
    def written(self) -> dict[str, str]:
        """By the connection's id what its client wrote."""
        self.write("plan.yaml", PLAN)
        self.write("s/scenario.yaml", """\
            version: 1
            summary: s
            workload: {command: ["python3", "program.py"]}
            runtimes: [threading]
            compare: {wire: exact}
            """)
        outcome = self.trireme("run", "s", "--faults", "plan.yaml", *PYTHON)
        self.assertEqual(outcome.code, 0, outcome.out + outcome.err)
        ids: dict[int, str] = {}
        bytes_of: dict[str, str] = {}
        for line in self.trireme("history", str(self.run_directory())).out.splitlines():
            event = json.loads(line)
            if event["event"] == "connection" and event.get("kind") == "tcp":
                ids[event["number"]] = event["connection"]
            if (event["event"], event.get("side"), event.get("direction")) == ("wire", "client", "write"):
                name = ids.get(event["number"], "")
                bytes_of[name] = bytes_of.get(name, "") + event.get("bytes", "")
        bytes_of.pop("", None)  # of pipes
        return bytes_of

    def test_each_has_connections_of_its_own(self) -> None:
        self.write("s/program.py", FAMILY)
        first = self.written()
        self.assertEqual(len(first), 8, first)
        by_text = {text: name for name, text in first.items()}
        self.assertEqual(len(by_text), 8, first)
        paths = {re.sub(r"#\d+$", "", name) for name in first}
        self.assertEqual(paths, {"-", "-/1", "-/2", "-/3", "-/4", "-/5/1"})
        self.doCleanups()
        self.setUp()
        self.write("s/program.py", FAMILY)
        self.assertEqual(self.written(), first)

    def test_one_process_has_the_plain_ones(self) -> None:
        self.write("s/program.py", FAMILY.partition("    program = ")[0])
        self.assertEqual(set(self.written()), {"-#0"})


class ReusedConnectionTest(TriremeCase):
    def reused(self, program: str, use: str, python: str = sys.executable, call: str = "recv") -> list[tuple[str, str]]:
        self.write("plan.yaml", PLAN.replace("recv", call))
        path = self.write("p.py", program)
        outcome = self.trireme("watch", "--faults", "plan.yaml", "--", python, str(path), use)
        self.assertEqual(outcome.code, 0, outcome.err)
        self.assertRegex(outcome.err, r"trireme: faults plan: plan [46] times\n")
        return REUSED.findall(outcome.err)

    def assert_reused(self, found: list[tuple[str, str]], what: str) -> None:
        self.assertEqual(len(found), 1, found)
        opener, users = found[0]
        by_others = rf"3 faults in {what} \d+"
        self.assertRegex(users, rf"^(1 fault in {opener}, {by_others}|{by_others}, 1 fault in {opener})$")

    def test_of_a_pool_of_threads(self) -> None:
        self.assert_reused(self.reused(POOL, "pooled"), "thread")

    def test_each_thread_its_own(self) -> None:
        self.assertEqual(self.reused(POOL, "own"), [])

    @unittest.skipUnless(WITH_EVENTLET, "no environment of 'trireme setup'")
    def test_of_a_pool_of_green_threads(self) -> None:
        program = "    import eventlet\n    eventlet.monkey_patch()\n" + POOL
        self.assert_reused(self.reused(program, "pooled", WITH_EVENTLET or ""), "task")

    @unittest.skipUnless(WITH_EVENTLET, "no environment of 'trireme setup'")
    def test_each_green_thread_its_own(self) -> None:
        program = "    import eventlet\n    eventlet.monkey_patch()\n" + POOL
        self.assertEqual(self.reused(program, "own", WITH_EVENTLET or ""), [])

    def test_of_a_pool_of_asyncio(self) -> None:
        self.assert_reused(self.reused(POOL_OF_ASYNCIO, "pooled", call="send"), "task")

    def test_a_loop_that_reads_for_its_task_is_no_other(self) -> None:
        for call in ("recv", "send"):
            self.assertEqual(self.reused(POOL_OF_ASYNCIO, "own", call=call), [])

    def test_it_stands_in_the_report(self) -> None:
        self.write("plan.yaml", PLAN)
        path = self.write("p.py", POOL)
        for use, count in (("pooled", 1), ("own", 0)):
            self.trireme("run", "--runtimes", "threading", "--faults", "plan.yaml", "--out", use, *PYTHON, "--",
                         "python3", str(path), use)
            report = self.trireme("report", use, "--format", "faults").out
            self.assertEqual(report.count("on threading/here: reused connection -#0 ("), count, report)
            self.trireme("watch", "--faults", "plan.yaml", "--report", "faults=report.txt", "--", sys.executable, str(path),
                         use)
            report = (self.folder / "report.txt").read_text()
            self.assertEqual(report.count("on program: reused connection -#0 ("), count, report)
            self.assertIn("faults applied: plan 4\n", report)


@unittest.skipUnless(WITH_EVENTLET, "no environment of 'trireme setup'")
class TpoolTest(TriremeCase):
    """The connection by which eventlet.tpool wakes its hub is none of the program's."""

    def program(self, use: str) -> str:
        return str(self.write("p.py", f"""\
            import socket
            import eventlet
            from eventlet import patcher, tpool
            eventlet.monkey_patch()
            {use}
            listener = socket.create_server(("127.0.0.1", 0))
            try:
                with socket.create_connection(listener.getsockname()):
                    listener.accept()
            except ConnectionRefusedError:
                print("refused")
            """))

    def watch(self, use: str) -> str:
        self.write("plan.yaml", "version: 1\nsummary: s\nat: {call: connect, offset: 0}\ndo: {error: ECONNREFUSED}\n")
        outcome = self.trireme("watch", "--faults", "plan.yaml", "--", WITH_EVENTLET or "", self.program(use))
        self.assertEqual(outcome.code, 0, outcome.err)
        self.assertIn("trireme: faults plan: plan 1 time\n", outcome.err)
        return outcome.out

    def test_a_watched_program_is_refused_its_own_first_connection(self) -> None:
        self.assertEqual(self.watch('assert tpool.execute(len, "four") == 4'), "refused\n")

    def test_a_connection_beside_it_is_one(self) -> None:
        """What connects while the pool is set up: the twin."""
        listen = 'other = socket.create_server(("127.0.0.1", 0))'
        connect = "eventlet.spawn_n(lambda: socket.socket().connect_ex(other.getsockname()))"
        self.assertEqual(self.watch(f'{listen}; {connect}; tpool.execute(len, "four")'), "")

    def test_of_a_command(self) -> None:
        self.write("plan.yaml", PLAN)
        for use, ids in (("", {"-#0"}), ('tpool.execute(len, "four")', {"-#0"})):
            path = self.program(use)
            self.trireme("run", "--runtimes", "eventlet", "--faults", "plan.yaml", "--out", f"run{len(use)}",
                         "--python", f"here={WITH_EVENTLET}", "--", "python3", path)
            history = self.trireme("history", f"run{len(use)}").out
            self.assertEqual({event["connection"] for event in map(json.loads, history.splitlines())
                              if event["event"] == "connection" and event.get("kind") == "tcp"}, ids)


if __name__ == "__main__":
    unittest.main()
