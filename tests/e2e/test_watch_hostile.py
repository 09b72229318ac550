"""`trireme watch -- CMD`: programs that cannot be watched, lose the probe, limit it or take its memory away."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import unittest

from watch_case import THREADS, VENV, WatchCase


class WatchHostileTest(WatchCase):
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

    def test_a_program_that_takes_the_recording_away_is_not_clean(self) -> None:
        take = "import os; os.truncate(os.environ['TRIREME_HISTORY'], 4096); os._exit(0)"
        outcome = self.trireme("watch", "--", sys.executable, "-c", take)
        self.assertEqual(outcome.code, 3)
        self.assertIn("or what it recorded was taken away\n", outcome.err)
        self.assertEqual(outcome.err.splitlines()[-1], "trireme: 0 findings, program exited 0")

    def test_what_was_not_seen_is_said_once_of_each_program(self) -> None:
        lost = "env -i /bin/true; env -i /bin/true; env -i /bin/echo; (env -i /bin/true)"
        outcome = self.trireme("watch", "--", "/bin/sh", "-c", lost)
        for program in ("/bin/true", "/bin/echo"):
            said = f"unknown: {program} was started without the probe, and was not seen\n"
            self.assertEqual(outcome.err.count(said), 1, outcome.err)

    def test_a_program_that_lost_the_recording_is_not_clean(self) -> None:
        outcome = self.trireme("watch", "--", "env", "-u", "TRIREME_HISTORY", "/bin/true")
        self.assertEqual(outcome.code, 0)
        self.assertIn("unknown: /bin/true was started without the probe, and was not seen\n", outcome.err)

    @unittest.skipUnless(os.getuid() == 0 and shutil.which("setpriv"), "only root may become another user; no setpriv")
    def test_a_program_that_becomes_another_user_is_seen(self) -> None:
        for user in ([], ["--reuid=65534"]):
            outcome = self.trireme("watch", "--", "setpriv", *user, "--clear-groups", "/bin/sh", "-c", "exit 3")
            self.assertEqual(outcome.err, "trireme: 0 findings, program exited 3\n")

    # As a service does that was started by root: past the C library nobody tells the probe in time.
    BECOMES = """\
        import ctypes, os, socket, subprocess, threading
        os.setgroups([])
        {become}
        assert os.geteuid() == 65534
        ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: else its threads' files in /proc are root's
        def read_twice():
            ours, theirs = socket.socketpair()
            reader = threading.Thread(target=ours.recv, args=(1,))
            reader.start()
            while not open(f"/proc/self/task/{{reader.native_id}}/syscall").read().startswith(str(RECV)):
                pass
            {second}
            theirs.send(b"1")
            reader.join()
        RECV = {{"x86_64": 45, "aarch64": 207}}[os.uname().machine]
        read_twice()
        if os.fork() == 0:
            read_twice()
            os._exit(0)
        os.wait()
        subprocess.run(["/bin/true"], check=True)
        """

    @unittest.skipUnless(os.getuid() == 0, "only root may become another user")
    def test_readers_of_another_user_than_at_first_are_found(self) -> None:
        second = """
            try:
                ours.recv(1, socket.MSG_DONTWAIT)
            except BlockingIOError:
                pass"""
        for become in ("os.setuid(65534)", "os.seteuid(65534)", "os.setreuid(65534, 65534)", "os.setresuid(65534, 65534, 0)"):
            outcome = self.watch(self.BECOMES.format(become=become, second=second))
            self.assertEqual((outcome.code, outcome.err.splitlines()[-1]), (1, "trireme: 1 findings, program exited 0"),
                             outcome.err)
            self.assertIn(" (at 2 objects)\n", outcome.err)  # the child's too
            self.assertNotIn("unknown", outcome.err)
            twin = self.watch(self.BECOMES.format(become=become, second="pass"))
            self.assertEqual((twin.code, twin.err), (0, "trireme: 0 findings, program exited 0\n"), become)

    @unittest.skipUnless(os.getuid() == 0, "only root may change its root")
    def test_readers_without_proc_are_found(self) -> None:
        """In a jail. Who is inside its call another process says, and sends each a byte then."""
        for others, count in (("os.getpid()", 1), ("", 0)):
            (self.folder / "jail").mkdir(exist_ok=True)
            outcome = self.watch(f"""\
        import os, socket, threading
        RECV = {{"x86_64": "45 ", "aarch64": "207 "}}[os.uname().machine]
        asked, asks = os.pipe()
        ours, theirs = socket.socketpair()
        service = os.getpid()
        if os.fork() == 0:
            ours.close()
            os.close(asks)
            threads = os.read(asked, 100).decode().split()
            for thread in threads:
                while not open(f"/proc/{{service}}/task/{{thread}}/syscall").read().startswith(RECV):
                    pass
            theirs.send(b"1" * len(threads))
            os._exit(0)
        os.chroot("jail")
        reader = threading.Thread(target=ours.recv, args=(1,))
        reader.start()
        os.write(asks, f"{{reader.native_id}} {{{others or "''"}}}".encode())
        if {bool(others)}:
            ours.recv(1)
        reader.join()
        os.wait()
        """)
            self.expect_readers(outcome, count)

    @unittest.skipUnless(os.getuid() == 0 and shutil.which("setpriv"), "only root may become another user; no setpriv")
    def test_the_recording_stays_with_who_may_not_become_another_user(self) -> None:
        self.write("program.py", """\
            import os
            try:
                os.setuid(65534)
            except PermissionError:
                print(os.stat(os.environ["TRIREME_HISTORY"]).st_uid)
            """)
        outcome = self.trireme("watch", "--", "setpriv", "--bounding-set=-setuid", "python3", "program.py")
        self.assertEqual((outcome.code, outcome.out), (0, "0\n"), outcome.err)

    @unittest.skipUnless(os.getuid() == 0, "only root may become another user")
    def test_a_program_that_becomes_another_user_unseen_is_not_clean(self) -> None:
        call = "ctypes.CDLL(None).syscall({{'x86_64': {0}, 'aarch64': {1}}}[os.uname().machine], 65534, 65534, 65534)"
        become = f"{call.format(119, 149)}; {call.format(117, 147)}"  # setresgid, setresuid
        outcome = self.watch(self.BECOMES.format(become=become, second="pass"))
        self.assertEqual(outcome.code, 0, outcome.err)
        self.assertIn("unknown: /bin/true was started as a user who may not write what is recorded, and was not seen\n",
                      outcome.err)

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
    def test_a_python_that_keeps_out_what_tells_its_tasks_apart(self) -> None:
        for options, told in (("-I", "-I"), ("-Sc", "-S"), ("-c", ""), ("-u", "")):
            with self.subTest(options):
                words = [options] if "c" in options else [options, "-c"]
                outcome = self.trireme("watch", "--", sys.executable, *words, "pass")
                text = f"unknown: of {sys.executable} {told} only threads were told apart, not tasks"
                self.assertEqual(text in outcome.err, told != "", outcome.err)

    def test_interpreters_within_the_interpreter_are_let_alone(self) -> None:
        unknown = "unknown: of interpreters within the interpreter only the threads are told apart, not the tasks\n"
        for python in sorted(VENV.glob("3.*/bin/python3")):
            for name, ending, readers, found in (
                ("main ones meet after one has ended", "destroy(one)", "ours.recv, ours.recv", 1),
                ("main ones meet beside one", "list_all()", "ours.recv, ours.recv", 1),
                ("they meet within", "list_all()", "within, within", 1),
                ("one reads within", "list_all()", "within", 0),
            ):
                with self.subTest(f"{python.parent.parent.name}: {name}"):
                    outcome = self.watch(THREADS + f"""\
    try:
        import _interpreters
    except ImportError:
        import _xxsubinterpreters as _interpreters
    def within(size):
        _interpreters.run_string(_interpreters.create(), f"import os; os.read({{ours.fileno()}}, {{size}})")
    READ = {{"x86_64": 0, "aarch64": 63}}[os.uname().machine]
    RECV = (RECV, f"{{READ}} {{ours.fileno():#x}} ")  # _socket in there makes 3.12 crash by itself
    one = _interpreters.create()
    _interpreters.run_string(one, "lines = [str(line) for line in range(1000)]")
    _interpreters.{ending}
    threads = [start(reader, 1) for reader in ({readers},)]
    for thread in threads:
        theirs.send(b"1")
    for thread in threads:
        thread.join()
    """, python=str(python))
                    self.expect_readers(outcome, found)
                    self.assertEqual(outcome.err.count(unknown), 1, outcome.err)
                    self.assertNotIn("Error", outcome.err)
                    if "main" in name:
                        self.assertIn("\n  Thread-1 (recv), thread ", outcome.err)

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
        if ".ring" in line or "libtrireme-probe" in line:
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
            ring = next(place for place in mapped() if place[2].endswith(".ring"))
            page, map_here = 4096, 0x100032  # private, anonymous, and not where anything else is
            for start in (ring[0] - page, ring[1]):
                libc.mmap(ctypes.c_size_t(start), ctypes.c_size_t(page), 3, map_here, -1, 0)
            size = ring[1] - ring[0] + 2 * page
            assert libc.munmap(ctypes.c_size_t(ring[0] - page), ctypes.c_size_t(size)) == 0
            near = [place for place in mapped() if place[0] < ring[1] + page and place[1] > ring[0] - page]
            print(near == [ring])
            """)
        self.assertEqual((outcome.code, outcome.out), (0, "True\n"), outcome.err)


if __name__ == "__main__":
    unittest.main()
