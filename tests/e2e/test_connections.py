"""What a connection is called in programs that know nothing of tasks."""

from __future__ import annotations

import json
import re
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
