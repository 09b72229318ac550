"""Faults that a watched program suffers: the probe's own, and those in which the harness has a part."""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
from unittest import mock

from trireme_case import TriremeCase

# A client and a server of one process: the client sends a line at a time, and prints what came back.
ECHO = """\
    import socket, threading, time
    listener = socket.create_server(("127.0.0.1", 0))
    def serve():
        with listener.accept()[0] as peer:
            while data := peer.recv(100):
                peer.sendall(data)
    threading.Thread(target=serve).start()
    with socket.create_connection(listener.getsockname()) as client:
        begin = time.monotonic()
        client.sendall(b"x" * 40)
        got = 0
        while got < 40 and (data := client.recv(100)):
            got += len(data)
        print(got, time.monotonic() - begin >= LEAST)
    """

# Asked by a line, it connects to a server of its own and says how many of four bytes it has got back.
ANSWERS = """\
    import socket, sys, threading
    listener = socket.create_server(("127.0.0.1", 0))
    def serve():
        while True:
            with listener.accept()[0] as peer:
                try:
                    while data := peer.recv(100):
                        peer.sendall(data)
                except OSError:
                    pass
    threading.Thread(target=serve, daemon=True).start()
    for _ in sys.stdin:
        with socket.create_connection(listener.getsockname()) as client:
            client.sendall(b"four")
            got = 0
            while got < 4 and (data := client.recv(4)):
                got += len(data)
        print(got, flush=True)
    """

# Suffers a fault, kills who did it (another child of its parent, and no other process), and says what it then is.
KILLER = """\
    import os, resource, signal, socket, subprocess
    own = resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE)[0]
    sleeper = subprocess.Popen(["sleep", "600"])
    def stat(pid):
        return open(f"/proc/{pid}/stat").read().rpartition(") ")[2].split()
    def kill_injector():
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                ours = stat(pid)[1] == str(os.getppid())
                if ours and open(f"/proc/{pid}/comm").read() == "trireme-faults\\n":
                    os.kill(int(pid), signal.SIGKILL)
            except OSError:
                pass
    def short():
        return resource.getrlimit(resource.RLIMIT_NOFILE)[0] != own
    while stat(sleeper.pid)[0] != "T" and not short(): pass
    kill_injector()
    while stat(sleeper.pid)[0] == "T" or short(): pass
    print("as before")
    sleeper.kill()
    """
KILLED = {"process: {signal: STOP, target: sleep}": "as before\n", "resource: {nofile: 20, after: 300ms}": "as before\n"}


class WatchFaultsTest(TriremeCase):
    def watch(self, plan: str, program: str, *options: str, name: str = "fault") -> tuple[int, str, str]:
        self.write(f"{name}.yaml", f"version: 1\nsummary: s\n{plan}\n")
        path = self.write("p.py", program)
        outcome = self.trireme("watch", "--faults", f"{name}.yaml", *options, "--", "python3", str(path))
        return outcome.code, outcome.out, outcome.err

    def test_the_probe_shortens_a_send(self) -> None:
        code, out, err = self.watch("at: {call: send}\ndo: {short: 1}", """\
            import socket
            a, b = socket.socketpair()
            print(a.send(b"four"))
            """)
        self.assertEqual((code, out), (0, "1\n"), err)
        self.assertIn("trireme: faults fault, seed 0x1\n", err)
        self.assertIn("trireme: faults fault: fault 1 time\n", err)

    def test_a_child_that_asks_libfiu_no_more_is_told_where_somebody_drives_it(self) -> None:
        program = """\
            import os
            if os.fork() == 0:
                os._exit(0)
            os.wait()
            """
        said = "a forked process does not ask libfiu"
        code, _, err = self.watch("at: {call: send}\ndo: {short: 1}", program)
        self.assertEqual((code, err.count(said)), (0, 0), err)
        if shutil.which("fiu-ctrl"):
            with mock.patch.dict(os.environ, FIU_CTRL_FIFO=str(self.folder / "fiu")):
                code, _, err = self.watch("at: {call: send}\ndo: {short: 1}", program)
            self.assertEqual((code, err.count(said)), (0, 1), err)

    def test_a_proxy_stands_in_its_network(self) -> None:
        code, out, err = self.watch("network: {latency: 50ms}", ECHO.replace("LEAST", "0.1"))
        self.assertEqual((code, out), (0, "40 True\n"), err)
        self.assertRegex(err, r"trireme: faults fault: fault \d+ times?\n")
        self.assertNotIn("not watched any more", err)

    def test_a_proxy_ends_a_connection_at_its_byte(self) -> None:
        code, out, err = self.watch("network: {close: fin, cut: 25}", ECHO.replace("LEAST", "0"))
        self.assertEqual((code, out), (0, "25 True\n"), err)

    def test_what_the_proxy_did_is_in_the_reports(self) -> None:
        code, _, err = self.watch("network: {close: fin, cut: 25}", ECHO.replace("LEAST", "0"), "--report", "json=r.json")
        self.assertEqual(code, 0, err)
        (cell,) = json.loads((self.folder / "r.json").read_text())["cells"]
        self.assertEqual(cell["faults_applied"], {"fault": 1})

    def test_the_pipes_of_a_shell_are_no_connects(self) -> None:
        """Nor of what it becomes: the first connect is the first."""
        code, out, err = self.watch("at: {call: connect, offset: 0}\ndo: {error: ECONNREFUSED}", """\
            import os, socket, sys
            if len(sys.argv) == 1:
                os.execvp("bash", ["bash", "-c", f'nothing=$(true); exec "{sys.executable}" "{__file__}" again'])
            with socket.create_server(("127.0.0.1", 0)) as listener:
                for _ in range(2):
                    try:
                        socket.create_connection(listener.getsockname()).close()
                        print("made")
                    except ConnectionRefusedError:
                        print("refused")
            """)
        self.assertEqual((code, out), (0, "refused\nmade\n"), err)

    def test_its_process_is_stopped_at_a_byte_and_goes_on(self) -> None:
        code, out, err = self.watch("process: {signal: STOP, offset: 10, for: 300ms}", """\
            import socket, time
            a, b = socket.socketpair()
            begin = time.monotonic()
            a.sendall(b"x" * 20)
            print(len(b.recv(20, socket.MSG_WAITALL)), time.monotonic() - begin >= 0.25)
            """)
        self.assertEqual((code, out), (0, "20 True\n"), err)
        self.assertIn("trireme: faults fault: fault 1 time\n", err)

    def test_its_worker_is_killed_and_it_is_not(self) -> None:
        code, out, err = self.watch("process: {signal: KILL, target: worker}", """\
            import subprocess, sys
            print(subprocess.run([sys.executable, "-c", "import signal; signal.pause()"]).returncode)
            """)
        self.assertEqual((code, out), (0, "-9\n"), err)
        self.assertIn("trireme: faults fault: fault 1 time\n", err)

    def test_it_runs_short_of_descriptors_and_recovers(self) -> None:
        code, out, err = self.watch("resource: {nofile: 12, for: 300ms}", """\
            import os, time
            def room():
                taken = []
                try:
                    while len(taken) < 30:
                        taken.append(os.open("/dev/null", os.O_RDONLY))
                    return True
                except OSError:
                    return False
                finally:
                    for fd in taken:
                        os.close(fd)
            end = time.monotonic() + 20
            while room() and time.monotonic() < end: pass
            print("short", time.monotonic() < end)
            while not room() and time.monotonic() < end: pass
            print("again", time.monotonic() < end)
            """)
        self.assertEqual((code, out), (0, "short True\nagain True\n"), err)

    def test_a_killed_watch_takes_back_what_it_did(self) -> None:
        """A program that is stopped goes on."""
        # By its name, which it has from exec on: stopped before, it would keep the parent waiting in vfork.
        self.write("fault.yaml", "version: 1\nsummary: s\nprocess: {signal: STOP, target: sleep}\n")
        path = self.write("p.py", """\
            import os, subprocess, sys
            sleeper = subprocess.Popen(["sleep", "600"])
            print(sleeper.pid, flush=True)
            def state():
                return open(f"/proc/{sleeper.pid}/stat").read().rpartition(") ")[2][0]
            while state() != "T": pass
            print("stopped", flush=True)
            while state() == "T": pass
            print("goes on", flush=True)
            sleeper.kill()
            """)
        watch = self.start("watch", "--faults", "fault.yaml", "--", "python3", str(path))
        assert watch.stdout is not None and watch.stderr is not None
        with watch.stdout, watch.stderr:
            watch.stdout.readline()
            self.assertEqual(watch.stdout.readline(), "stopped\n")
            watch.send_signal(signal.SIGKILL)
            watch.wait()
            self.assertEqual(watch.stdout.readline(), "goes on\n")

    def test_a_proxy_short_of_descriptors_says_so(self) -> None:
        """Its program is none: each end of a connection is one there, and in the proxy, which has those of trireme besides."""
        program = """\
            import socket
            listener = socket.create_server(("127.0.0.1", 0), backlog=64)
            kept = []
            for _ in range(MANY):
                kept.append(socket.create_connection(listener.getsockname()))
            """
        told = re.compile(r"^trireme: the proxy .*: Too many open files$", re.MULTILINE)
        self.write("fault.yaml", "version: 1\nsummary: s\nnetwork: {latency: 1ms}\n")
        for many, short in ((4, False), (48, True)):
            with self.subTest(many=many):
                path = self.write("p.py", program.replace("MANY", str(many)))
                outcome = self.trireme("watch", "--faults", "fault.yaml", "--", "python3", str(path),
                                       preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
                self.assertEqual(outcome.code, 0, outcome.err)
                self.assertEqual(told.search(outcome.err) is not None, short, outcome.err)

    def test_what_outlives_a_killed_watch_connects_as_it_would(self) -> None:
        """By the proxy one byte of four comes back; without it, all."""
        self.write("fault.yaml", "version: 1\nsummary: s\nnetwork: {close: fin, cut: 1}\n")
        watch = self.start("watch", "--faults", "fault.yaml", "--", "python3", str(self.write("p.py", ANSWERS)),
                           stdin=subprocess.PIPE)
        assert watch.stdin is not None and watch.stdout is not None and watch.stderr is not None
        with watch.stdin, watch.stdout, watch.stderr:
            print("ask", file=watch.stdin, flush=True)
            self.assertEqual(watch.stdout.readline(), "1\n")
            watch.send_signal(signal.SIGKILL)
            watch.wait()
            print("ask", file=watch.stdin, flush=True)
            self.assertEqual(watch.stdout.readline(), "4\n")

    def test_what_outlives_its_program_connects_as_it_would(self) -> None:
        """A daemon goes on when watch has ended."""
        self.write("fault.yaml", "version: 1\nsummary: s\nnetwork: {close: fin, cut: 1}\n")
        daemon = self.write("p.py", ANSWERS)
        launcher = self.write("launcher.py", """\
            import subprocess, sys
            subprocess.Popen([sys.executable, sys.argv[1]], start_new_session=True, stderr=subprocess.DEVNULL)
            """)
        watch = self.start("watch", "--faults", "fault.yaml", "--", "python3", str(launcher), str(daemon),
                           stdin=subprocess.PIPE)
        assert watch.stdin is not None and watch.stdout is not None and watch.stderr is not None
        with watch.stdin, watch.stdout, watch.stderr:
            self.assertEqual(watch.wait(), 0)
            print("ask", file=watch.stdin, flush=True)
            self.assertEqual(watch.stdout.readline(), "4\n")

    def test_what_a_killed_process_of_faults_did_is_taken_back(self) -> None:
        """Whoever killed it: a stopped worker goes on, limits are lifted, who waits at a byte moves it."""
        undo = "the process that does faults was killed: what it did is taken back, and no more of it comes"
        for plan, told in KILLED.items():
            with self.subTest(plan):
                self.write("fault.yaml", f"version: 1\nsummary: s\n{plan}\n")
                path = self.write("p.py", KILLER)
                outcome = self.trireme("watch", "--faults", "fault.yaml", "--", "python3", str(path), timeout=60)
                self.assertEqual((outcome.code, outcome.out), (0, told), outcome.err)
                self.assertIn(f"trireme: {undo}\n", outcome.err)
                self.assertIn("trireme: faults fault: ", outcome.err)

    def test_what_was_not_reached_is_said(self) -> None:
        code, _, err = self.watch("process: {signal: KILL, after: 600s}", "print()")
        self.assertEqual(code, 0, err)
        self.assertIn("trireme: faults fault: not reached: fault\n", err)

    def test_what_only_a_workload_can_suffer_is_refused(self) -> None:
        for plan, why in {
            'task: {cancel: "*"}': "only tasks of workloads come to points",
            "process: {signal: KILL, event: op:x}": "only workloads record events",
            "process: {signal: KILL, target: server, restart: 1s}": "nobody starts its processes again",
            "resource: {disk: 1MiB}": "its temporary files are in a folder of its own choice",
        }.items():
            with self.subTest(plan):
                code, out, err = self.watch(plan, "print('it ran')")
                self.assertEqual((code, out), (2, ""), err)
                self.assertIn(f"option --faults: no watched program can suffer fault 'fault': {why}\n", err)
                self.assertIn("'trireme run --faults fault.yaml -- CMD' runs the program as a workload", err)
