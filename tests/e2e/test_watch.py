"""`trireme watch -- CMD`: any program, unchanged, and what it did to its sockets."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import unittest
from pathlib import Path

from trireme_case import Outcome, TriremeCase

VENV = Path.home() / ".local/share/trireme/venvs"
WITH_EVENTLET = next((str(path) for path in sorted(VENV.glob("3.*/bin/python3"))), None)

# Threads that sleep in recv, seen in the kernel: no time says so.
THREADS = """\
    import os, socket, threading
    RECV = {"x86_64": "45 ", "aarch64": "207 "}[os.uname().machine]
    def start(target, *args):
        thread = threading.Thread(target=target, args=args)
        thread.start()
        while not open(f"/proc/self/task/{thread.native_id}/syscall").read().startswith(RECV):
            pass
        return thread
    ours, theirs = socket.socketpair()
"""


class WatchTest(TriremeCase):
    def watch(self, program: str, *options: str, python: str = sys.executable) -> Outcome:
        self.write("program.py", program)
        return self.trireme("watch", *options, "--", python, "-W", "ignore", "program.py")

    def expect_readers(self, outcome: Outcome, count: int = 1) -> None:
        self.assertEqual(outcome.code, 1 if count else 0, outcome.err)
        found = "1 finding" if count == 1 else f"{count} findings"
        self.assertEqual(outcome.err.splitlines()[-1], f"trireme: {found}, program exited 0", outcome.err)
        self.assertEqual(outcome.err.count("trireme: multiple-readers:"), count, outcome.err)

    def test_threads_that_read_one_socket(self) -> None:
        outcome = self.watch(THREADS + """\
    def read():
        ours.recv(1)
    readers = [start(read), start(read)]
    theirs.send(b"12")
    """)
        self.expect_readers(outcome)
        self.assertEqual(outcome.err.count("program.py:11 in read\n"), 2, outcome.err)

    def test_threads_that_take_turns(self) -> None:
        self.expect_readers(self.watch(THREADS + """\
    for byte in (b"1", b"2"):
        reader = start(ours.recv, 1)
        theirs.send(byte)
        reader.join()
    """), 0)

    def test_a_descriptor_that_was_duplicated(self) -> None:
        outcome = self.watch(THREADS + """\
    readers = [start(ours.recv, 1), start(ours.dup().recv, 1)]
    theirs.send(b"12")
    """)
        self.expect_readers(outcome)
        self.assertIn("cure: a duplicated descriptor is the same socket", outcome.err)

    def test_a_forked_child_that_reads_too(self) -> None:
        outcome = self.watch(THREADS + """\
    reader = start(ours.recv, 1)
    child = os.fork()
    if child == 0:
        try:
            ours.recv(1, socket.MSG_DONTWAIT)
        except BlockingIOError:
            os._exit(0)
    os.waitpid(child, 0)
    theirs.send(b"1")
    """)
        self.expect_readers(outcome)
        self.assertIn("cure: close it in all processes but one", outcome.err)

    def test_a_forked_child_that_has_its_own(self) -> None:
        self.expect_readers(self.watch(THREADS + """\
    reader = start(ours.recv, 1)
    child = os.fork()
    if child == 0:
        one, other = socket.socketpair()
        other.send(b"x")
        one.recv(1)
        os._exit(0)
    os.waitpid(child, 0)
    theirs.send(b"1")
    """), 0)

    def test_a_descriptor_that_was_passed_on(self) -> None:
        self.expect_readers(self.watch(THREADS + """\
    import array
    reader = start(ours.recv, 1)
    one, other = socket.socketpair()
    socket.send_fds(one, [b"x"], [ours.fileno()])
    _, (copy,), _, _ = socket.recv_fds(other, 1, 1)
    try:
        socket.socket(fileno=copy).recv(1, socket.MSG_DONTWAIT)
    except BlockingIOError:
        theirs.send(b"1")
    """))

    ASYNCIO = """\
    import asyncio, socket
    async def settle():
        for _ in range(5):
            await asyncio.sleep(0)
    async def main():
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
"""

    def test_asyncio_tasks_that_read_one_socket(self) -> None:
        outcome = self.watch(self.ASYNCIO + """\
        tasks = []
        for name in ("one", "two"):
            tasks.append(asyncio.create_task(loop.sock_recv(ours, 1), name=name))
            await settle()
        theirs.send(b"1")
        await tasks[1]
        tasks[0].cancel()
    asyncio.run(main())
    """)
        self.expect_readers(outcome)
        self.assertIn("two calls to read the stream, for which one waits already", outcome.err)

    LOOPS = """\
    import asyncio, socket, threading
    begun, ended = threading.Event(), threading.Barrier(2)
    ours, theirs = socket.socketpair()
    def run(sock, wait, said):
        loop = asyncio.new_event_loop()
        wait()
        loop.add_reader(sock, print)
        loop.run_until_complete(asyncio.sleep(0))
        said()
        ended.wait()
        loop.remove_reader(sock)
        loop.close()
    def run_both(other):
        threads = [threading.Thread(target=run, args=(ours, lambda: None, begun.set)),
                   threading.Thread(target=run, args=(other, begun.wait, lambda: None))]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
"""

    def test_two_asyncio_loops_that_wait_for_one_socket(self) -> None:
        outcome = self.watch(self.LOOPS + """\
    run_both(ours)
    """)
        self.expect_readers(outcome)
        self.assertIn("two epoll sets wait to read the stream", outcome.err)

    def test_two_asyncio_loops_that_have_their_own_sockets(self) -> None:
        self.expect_readers(self.watch(self.LOOPS + """\
    run_both(theirs)
    """), 0)

    def test_an_asyncio_task_after_one_that_was_cancelled(self) -> None:
        self.expect_readers(self.watch(self.ASYNCIO + """\
        task = asyncio.create_task(loop.sock_recv(ours, 1))
        await settle()
        task.cancel()
        await settle()
        theirs.send(b"1")
        await asyncio.create_task(loop.sock_recv(ours, 1))
    asyncio.run(main())
    """), 0)

    def test_an_asyncio_task_after_one_that_was_cancelled_and_has_not_run_since(self) -> None:
        self.expect_readers(self.watch(self.ASYNCIO + """\
        task = asyncio.create_task(loop.sock_recv(ours, 1))
        await settle()
        task.cancel()
        loop.call_soon(theirs.send, b"1")
        assert await loop.sock_recv(ours, 1) == b"1"
    asyncio.run(main())
    """), 0)

    # Two tasks that somebody else's function makes.
    OF_A_FACTORY = """\
        tasks = []
        for _ in range(2):
            tasks.append(asyncio.create_task(loop.sock_recv(ours, 1)))
            await settle()
        theirs.send(b"1")
        await tasks[1]
        tasks[0].cancel()
    asyncio.run(main())
"""

    def test_asyncio_tasks_of_a_task_factory(self) -> None:
        self.expect_readers(self.watch(self.ASYNCIO + """\
        loop.set_task_factory(lambda loop, coroutine, **options: asyncio.Task(coroutine, loop=loop, **options))
""" + self.OF_A_FACTORY))

    @unittest.skipUnless((VENV / "3.12/bin/python3").exists(), "no environment of 'trireme setup' with Python 3.12")
    def test_asyncio_tasks_that_begin_when_they_are_made(self) -> None:
        self.expect_readers(self.watch(self.ASYNCIO + """\
        loop.set_task_factory(asyncio.eager_task_factory)
""" + self.OF_A_FACTORY, python=str(VENV / "3.12/bin/python3")))

    def test_an_asyncio_task_after_the_loop_of_another_was_closed(self) -> None:
        self.expect_readers(self.watch("""\
    import asyncio, socket
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    early = asyncio.new_event_loop()
    task = early.create_task(early.sock_recv(ours, 1))
    early.run_until_complete(asyncio.sleep(0))
    early.run_until_complete(asyncio.sleep(0))
    early.close()
    async def read():
        asyncio.get_running_loop().call_soon(theirs.send, b"1")
        return await asyncio.get_running_loop().sock_recv(ours, 1)
    assert asyncio.run(read()) == b"1"
    """), 0)

    def test_an_asyncio_callback_that_goes_for_that_of_another_task(self) -> None:
        for before, count in (("", 1), ("loop.remove_reader(ours)", 0), ("first.cancel(); await settle()", 0)):
            outcome = self.watch(self.ASYNCIO + f"""\
        async def register():
            loop.add_reader(ours, print)
            await loop.create_future()
        first = asyncio.create_task(register())
        await settle()
        {before or "pass"}
        second = asyncio.create_task(register())
        await settle()
    asyncio.run(main())
    """)
            self.expect_readers(outcome, count)
            self.assertEqual("the runtime dropped who waited to read" in outcome.err, count == 1, outcome.err)

    def test_who_comes_while_a_meeting_is_told_does_not_take_its_stacks(self) -> None:
        outcome = self.watch(THREADS + """\
    import ctypes
    builtins = ctypes.PyDLL(None).trireme_probe_python
    builtins.restype = ctypes.py_object
    def look():
        try:
            ours.recv(1, socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass
    def describe(task, thread):
        other = threading.Thread(target=look)
        other.start()
        other.join()
        return '"stack": ["told"]'
    builtins()[12](describe)
    reader = start(ours.recv, 1)
    look()
    theirs.send(b"1")
    """)
        self.expect_readers(outcome)
        self.assertIn("    told\n", outcome.err)

    EVENTLET = """\
    import eventlet
    eventlet.monkey_patch()
    import eventlet.debug, socket
    ours, theirs = socket.socketpair()
    def read():
        try:
            ours.recv(1)
        except RuntimeError:
            pass
"""

    @unittest.skipUnless(WITH_EVENTLET, "no environment of 'trireme setup'")
    def test_green_threads_with_the_check_on_and_off(self) -> None:
        assert WITH_EVENTLET is not None
        for switch in ("", "    eventlet.debug.hub_prevent_multiple_readers(False)\n"):
            self.expect_readers(self.watch(self.EVENTLET + switch + """\
    threads = []
    for _ in range(2):
        threads.append(eventlet.spawn(read))
        eventlet.sleep(0)
    theirs.send(b"12")
    for thread in threads:
        thread.wait()
    """, python=WITH_EVENTLET))

    @unittest.skipUnless(WITH_EVENTLET, "no environment of 'trireme setup'")
    def test_green_threads_that_take_turns(self) -> None:
        assert WITH_EVENTLET is not None
        self.expect_readers(self.watch(self.EVENTLET + """\
    for _ in range(3):
        thread = eventlet.spawn(read)
        eventlet.sleep(0)
        theirs.send(b"1")
        thread.wait()
    """, python=WITH_EVENTLET), 0)

    def test_ends_as_the_program_does(self) -> None:
        for script, code in (("exit 7", 7), ("kill -9 $$", 137), ("kill -15 $$", 143)):
            outcome = self.trireme("watch", "--", "sh", "-c", script)
            self.assertEqual((outcome.code, outcome.err), (code, f"trireme: 0 findings, program exited {code}\n"))

    def test_gives_the_program_the_signals_that_it_was_given(self) -> None:
        ignored = ["grep", "SigIgn", "/proc/self/status"]
        outcome = self.trireme("watch", "--", *ignored)
        self.assertEqual(outcome.out, subprocess.check_output(ignored, text=True), outcome.err)

    def test_the_status_of_findings_can_be_chosen(self) -> None:
        program = THREADS + """\
    readers = [start(ours.recv, 1), start(ours.recv, 1)]
    theirs.send(b"12")
    """
        self.assertEqual(self.watch(program, "--error-exitcode", "9").code, 9)
        self.assertEqual(self.watch(program, "--checks", "multiple-writers").code, 0)

    def test_findings_can_be_left_alone(self) -> None:
        program = THREADS + """\
    def read():
        ours.recv(1)
    readers = [start(read), start(read)]
    theirs.send(b"12")
    """
        self.write("known.yaml", """\
            - {kind: multiple-readers, frames: ["*program.py:* in read"], reason: it is a test}
            - {kind: multiple-readers, frames: ["nowhere"], reason: never used}
            """)
        outcome = self.watch(program, "--suppressions", "known.yaml", "--report", "json=results.json")
        self.assertEqual(outcome.code, 0)
        cell = json.loads((self.folder / "results.json").read_text())["cells"][0]
        self.assertEqual((cell["verdict"], cell["findings"]), ("pass", []))
        self.assertEqual(outcome.err.splitlines(), [
            "trireme: warning: suppression known.yaml:2: never used: nothing matched it",
            "trireme: 1 finding suppressed", "trireme: 0 findings, program exited 0"])
        self.write("known.yaml", "- {kind: nonsense, frames: ['*'], reason: r}\n")
        self.assertEqual(self.watch(program, "--suppressions", "known.yaml").code, 2)

    def test_reports_are_written(self) -> None:
        self.watch(THREADS + """\
    readers = [start(ours.recv, 1), start(ours.recv, 1)]
    theirs.send(b"12")
    """, "--report", "json=results.json", "--report", "junit=junit.xml")
        results = json.loads((self.folder / "results.json").read_text())
        cell = results["cells"][0]
        self.assertEqual((cell["verdict"], cell["findings"][0]["kind"]), ("fail", "multiple-readers"))
        self.assertIn("multiple-readers", (self.folder / "junit.xml").read_text())

    def test_passes_signals_on_and_says_who_waits_for_one(self) -> None:
        self.write("program.py", """\
            import signal, socket, sys
            ours, theirs = socket.socketpair()
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
            print("ready", flush=True)
            ours.recv(1)
            """)
        process = self.start("watch", "--", sys.executable, "program.py")
        assert process.stdout is not None and process.stderr is not None
        self.assertEqual(process.stdout.readline(), "ready\n")
        told = ""
        while "to read descriptor" not in told:
            process.send_signal(signal.SIGUSR1)
            told = process.stderr.readline() + (process.stderr.readline() if "1 wait" in told else "")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 5)
        self.assertTrue(err.endswith("trireme: 0 findings, program exited 5\n"), err)

    def test_ends_a_program_in_time(self) -> None:
        outcome = self.trireme("watch", "--for", "300ms", "--", "sleep", "1000")
        self.assertEqual((outcome.code, outcome.err), (0, "trireme: 0 findings, program exited 0\n"))

    def test_what_came_before_attach_after_is_no_finding(self) -> None:
        self.write("program.py", THREADS + """\
    def meet(read):
        ours, theirs = socket.socketpair()
        readers = [start(read, ours), start(read, ours)]
        theirs.send(b"1")
        theirs.send(b"2")
        for reader in readers: reader.join()
    def early(sock): sock.recv(1)
    def late(sock): sock.recv(1)
    meet(early)
    os.mkdir(os.environ["EARLY_DONE"])
    input()
    meet(late)
    """)
        for delay in ("200ms", "1s", "5s", "25s"):  # until it is long enough for this machine at this moment
            done = self.folder / ("early-" + delay)
            process = self.start("watch", "--attach-after", delay, "--", sys.executable, "program.py",
                                 stdin=subprocess.PIPE, env=self.environment() | {"EARLY_DONE": str(done)})
            assert process.stderr is not None
            first = process.stderr.readline()
            in_time = done.exists()
            _, err = process.communicate("go\n", timeout=60)
            if in_time:
                break
        self.assertEqual(first, "trireme: watched from now on\n")
        self.assertIn("in late", err)
        self.assertNotIn("in early", err)
        self.assertTrue(err.endswith("trireme: 1 finding, program exited 0\n"), err)
        self.assertEqual(process.returncode, 1)

    def test_a_program_that_ends_before_it_is_watched_is_unknown(self) -> None:
        outcome = self.trireme("watch", "--attach-after", "1h", "--", "true")
        self.assertEqual(outcome.err, "trireme: unknown: the program ended before it was watched (--attach-after)\n"
                                      "trireme: 0 findings, program exited 0\n")

    def test_a_process_that_runs_already_is_sampled(self) -> None:
        for second, findings in (("start(ours.recv, 1)", 1), ("start(theirs.recv, 1)", 0)):
            self.write("program.py", THREADS + f"""\
    readers = [start(ours.recv, 1), {second}]
    print("ready", flush=True)
    input()
    ours.send(b"12")
    theirs.send(b"12")
    """)
            program = subprocess.Popen([sys.executable, "program.py"], cwd=self.folder, text=True,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            assert program.stdin is not None and program.stdout is not None
            with program:
                self.assertEqual(program.stdout.readline(), "ready\n")
                outcome = self.trireme("watch", "--pid", str(program.pid), "--for", "100ms")
                program.stdin.write("\n")
            self.assertEqual(outcome.code, findings, outcome.err)
            self.assertEqual(outcome.err.count("multiple-readers (sample): socket:["), findings, outcome.err)
            self.assertIn("which runs without the probe", outcome.err.splitlines()[-1])

    def test_two_epoll_sets_of_a_process_that_runs_are_seen(self) -> None:
        self.write("program.py", """\
            import select, socket
            ours, theirs = socket.socketpair()
            sets = [select.epoll(), select.epoll()]
            for one in sets:
                one.register(ours, select.EPOLLIN)
            print("ready", flush=True)
            input()
            """)
        program = subprocess.Popen([sys.executable, "program.py"], cwd=self.folder, text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert program.stdin is not None and program.stdout is not None
        with program:
            self.assertEqual(program.stdout.readline(), "ready\n")
            outcome = self.trireme("watch", "--pid", str(program.pid), "--for", "100ms")
            program.stdin.write("\n")
        self.assertIn("is waited for by epoll set", outcome.err)

    def test_a_process_that_is_not_there(self) -> None:
        self.expect("watch", "--pid", "99999999", code=3, err="error: there is no process 99999999\n")

    def test_says_what_cannot_be_watched(self) -> None:
        self.write("text", "not a program\n")
        for program, why in (("no-such-program", "there is no such program in PATH"),
                             ("./text", "it may not be executed"), ("./", "it is no file"),
                             ("./nothing", "No such file or directory")):
            outcome = self.trireme("watch", "--", program)
            self.assertEqual((outcome.code, outcome.out), (3, ""), outcome.err)
            self.assertIn(f"cannot watch {program}: {why}", outcome.err)

    @unittest.skipUnless(shutil.which("cc"), "no C compiler")
    def test_a_static_program_cannot_be_watched(self) -> None:
        self.write("static.c", "int main(void) { return 0; }\n")
        subprocess.run(["cc", "-static", "-o", "static", "static.c"], cwd=self.folder, check=True)
        script = self.write("script", "#!./static\n")
        script.chmod(0o755)
        for program in ("./static", "./script"):
            outcome = self.trireme("watch", "--", program)
            self.assertEqual(outcome.code, 3)
            self.assertIn("it is linked statically", outcome.err)

    def test_a_program_of_another_user_cannot_be_watched(self) -> None:
        program = shutil.copy("/bin/true", self.folder / "other")
        try:
            os.chown(program, 65534, 65534)
        except PermissionError:
            self.skipTest("only root may give files away")
        os.chmod(program, 0o4755)
        outcome = self.trireme("watch", "--", "./other")
        self.assertEqual(outcome.code, 3)
        self.assertIn("it runs with the rights of another user", outcome.err)

    def test_a_program_that_lost_the_probe_is_not_clean(self) -> None:
        outcome = self.trireme("watch", "--", "env", "-i", "/bin/true")
        self.assertEqual(outcome.code, 0)  # env itself was seen; what it became was not
        self.assertIn("unknown: /bin/true was started without the probe, and was not seen\n", outcome.err)

    @unittest.skipUnless(os.getuid() == 0 and shutil.which("setpriv"), "only root may become another user; no setpriv")
    def test_a_program_of_another_user_is_not_clean(self) -> None:
        outcome = self.trireme("watch", "--", "setpriv", "--reuid=65534", "--clear-groups", "/bin/sh", "-c", "exit 3")
        self.assertEqual(outcome.code, 3)
        self.assertIn("unknown: /bin/sh was started as a user who may not write what is recorded, and was not seen\n",
                      outcome.err)
        same = self.trireme("watch", "--", "setpriv", "--clear-groups", "/bin/sh", "-c", "exit 3")
        self.assertEqual(same.err, "trireme: 0 findings, program exited 3\n")

    def test_a_program_started_by_a_list_of_words_is_seen_or_not_as_its_environment_says(self) -> None:
        for call, code, unknown in (("execl(b'/bin/sh', b'sh', b'-c', b'exit 3', None)", 3, False),
                                    ("execlp(b'sh', b'sh', b'-c', b'exit 3', None)", 3, False),
                                    ("execle(b'/bin/sh', b'sh', b'-c', b'exit $A', None, own)", 4, True)):
            outcome = self.watch(f"""\
                import ctypes
                own = (ctypes.c_char_p * 2)(b"A=4", None)
                ctypes.CDLL(None).{call}
                """)
            self.assertEqual(outcome.code, code, outcome.err)
            self.assertEqual("/bin/sh was started without the probe, and was not seen" in outcome.err, unknown, outcome.err)

    def test_hostile_programs_are_let_alone(self) -> None:
        outcome = self.watch("""\
            import os, subprocess, sys
            os.closerange(3, 1000)
            subprocess.run(["true"], check=True)          # by vfork
            if os.fork() == 0:
                os.setsid()
                os._exit(0)
            code = "import socket; a, b = socket.socketpair(); b.send(b'x'); print(a.recv(1))"
            os.execv(sys.executable, [sys.executable, "-c", code])
            """)
        self.assertEqual((outcome.code, outcome.out), (0, "b'x'\n"), outcome.err)

    # What the probe calls when two meet, and the program does not; by numbers that are its machine's.
    LIMITS = """\
    import ctypes, struct, sys
    libc = ctypes.PyDLL(None)
    numbers = {"x86_64": {"exit": 60, "seccomp": 317, "getsockopt": 55, "kcmp": 312},
               "aarch64": {"exit": 93, "seccomp": 277, "getsockopt": 209, "kcmp": 272}}[os.uname().machine]
    def program(*forbidden):
        code = struct.pack("HBBI", 0x20, 0, 0, 0)  # the call's number
        for name in forbidden:
            code += struct.pack("HBBI", 0x15, 0, 1, numbers[name])
            code += struct.pack("HBBI", 0x06, 0, 0, 0x80000000)  # kill the process
        code += struct.pack("HBBI", 0x06, 0, 0, 0x7fff0000)
        return ctypes.create_string_buffer(struct.pack("HP", len(code) // 8, ctypes.addressof(keep(code))))
    kept = []
    def keep(code):
        kept.append(ctypes.create_string_buffer(code))
        return kept[-1]
    assert libc.prctl(38, 1, 0, 0, 0) == 0  # no new privileges
    filter = program("getsockopt", "kcmp")
"""
    UNSEEN = "unknown: a process limits its system calls by seccomp: it, and what it starts, was not seen from then on\n"

    def test_a_program_that_limits_its_system_calls_is_let_alone_from_then_on(self) -> None:
        for call in ("libc.prctl(22, 2, filter)", "libc.syscall(numbers['seccomp'], 1, 0, filter)"):
            with self.subTest(call):
                outcome = self.watch(THREADS + self.LIMITS + f"""\
    assert {call} == 0
    code = "import socket; a, b = socket.socketpair(); b.send(b'x'); print(a.recv(1))"
    if os.fork() == 0:
        os.execve(sys.executable, [sys.executable, "-c", code], dict(os.environ))
    assert os.wait()[1] == 0
    readers = [start(ours.recv, 1), start(ours.recv, 1)]
    theirs.send(b"12")
    """)
                self.expect_readers(outcome, 0)
                self.assertEqual(outcome.out, "b'x'\n")
                self.assertIn(self.UNSEEN, outcome.err)

    def test_a_child_that_may_only_read_and_write_is_let_alone(self) -> None:
        outcome = self.watch(THREADS + self.LIMITS + """\
    place = ctypes.create_string_buffer(1)
    if os.fork() == 0:
        libc.prctl(22, 1, 0, 0, 0)
        libc.write(theirs.fileno(), b"x", 1)
        libc.read(ours.fileno(), place, 1)
        libc.syscall(numbers["exit"], 7)
    print(os.waitstatus_to_exitcode(os.wait()[1]))
    readers = [start(ours.recv, 1), start(ours.recv, 1)]
    theirs.send(b"12")
    """)
        self.expect_readers(outcome)
        self.assertEqual(outcome.out, "7\n")
        self.assertIn(self.UNSEEN, outcome.err)

    def test_to_ask_for_filters_limits_nothing(self) -> None:
        outcome = self.watch(THREADS + self.LIMITS + """\
    assert libc.prctl(22, 2, None) == -1
    readers = [start(ours.recv, 1), start(ours.recv, 1)]
    theirs.send(b"12")
    """)
        self.expect_readers(outcome)
        self.assertNotIn("unknown", outcome.err)

    def test_who_outlives_the_program_is_told_of_before_it_has_said_that_it_is_there(self) -> None:
        os.mkfifo(self.folder / "end")
        outcome = self.watch("""\
            import ctypes, os
            fork = {"x86_64": 56, "aarch64": 220}[os.uname().machine]  # clone, past what would say so
            if ctypes.CDLL(None).syscall(fork, 17, 0, 0, 0, 0) == 0:
                os.closerange(0, 3)
                open("end").read()
                os._exit(0)
            """)
        with open(self.folder / "end", "w"):
            self.assertEqual(outcome.err, "trireme: unknown: 1 process of it still there, and not watched any more\n"
                                          "trireme: 0 findings, program exited 0\n")

    def test_a_program_that_takes_our_memory_away_is_still_seen(self) -> None:
        for call in ("munmap(place, size)", "mprotect(place, size, 0)", "madvise(place, size, 9)",
                     "mremap(place, size, size, 3, elsewhere)", "mmap(place, size, 0, 0x32, -1, 0)",
                     "syscall({'x86_64': 11, 'aarch64': 215}[os.uname().machine], place, size)"):
            with self.subTest(call):
                outcome = self.watch(THREADS + f"""\
    import ctypes
    libc = ctypes.CDLL(None)
    elsewhere = ctypes.c_size_t(1 << 44)
    taken = 0
    for line in open("/proc/self/maps").readlines():
        if "history.ring" in line or "libtrireme-probe" in line:
            begin, end = (int(word, 16) for word in line.split()[0].split("-"))
            place, size = ctypes.c_size_t(begin), ctypes.c_size_t(end - begin)
            libc.{call}
            taken += 1
    assert taken > 1, taken
    readers = [start(ours.recv, 1), start(ours.recv, 1)]
    theirs.send(b"12")
    """)
                self.expect_readers(outcome)
                self.assertNotIn("unknown", outcome.err)

    def test_of_a_range_with_our_memory_in_it_the_rest_is_unmapped(self) -> None:
        outcome = self.watch("""\
            import ctypes
            libc = ctypes.CDLL(None)
            def mapped():
                lines = [line.split() for line in open("/proc/self/maps")]
                return [(*(int(word, 16) for word in line[0].split("-")), line[-1]) for line in lines]
            ring = next(place for place in mapped() if "history.ring" in place[2])
            page, map_here = 4096, 0x100032  # private, anonymous, and not where anything else is
            for start in (ring[0] - page, ring[1]):
                libc.mmap(ctypes.c_size_t(start), ctypes.c_size_t(page), 3, map_here, -1, 0)
            size = ring[1] - ring[0] + 2 * page
            assert libc.munmap(ctypes.c_size_t(ring[0] - page), ctypes.c_size_t(size)) == 0
            near = [place for place in mapped() if place[0] < ring[1] + page and place[1] > ring[0] - page]
            print(near == [ring])
            """)
        self.assertEqual((outcome.code, outcome.out), (0, "True\n"), outcome.err)

    def test_no_folder_for_temporary_files(self) -> None:
        environment = self.environment() | {"TMPDIR": "/nowhere"}
        self.write("a.py", "import eventlet\n")
        for arguments in (["watch", "--", "true"], ["scan", "--hacks", "a.py"]):
            with self.subTest(arguments[0]):
                outcome = self.trireme(*arguments, env=environment)
                self.assertEqual((outcome.code, outcome.out), (3, ""))
                self.assertEqual(outcome.err, "error: cannot make a folder in /nowhere: No such file or directory\n"
                                              "hint: TMPDIR names the folder for temporary files\n")

    def test_bad_options(self) -> None:
        for options in (["--error-exitcode", "300"], ["--checks", "leak"], ["--checks", "nothing"],
                        ["--runtime", "evenlet"], ["--report", "nothing=x"], ["--pid", "1"],
                        ["--faults", "shrt-io"], ["--seed", "x"], ["--attach-after", "soon"]):
            self.assertEqual(self.trireme("watch", *options, "--", "true").code, 2, options)
        self.assertEqual(self.trireme("watch").code, 2)
        self.assertEqual(self.trireme("watch", "true").code, 2)


if __name__ == "__main__":
    unittest.main()
