"""`trireme watch`: its options, its exit status, its reports, and processes that run already."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import unittest
from pathlib import Path

from trireme_case import BINARY
from watch_case import THREADS, WatchCase


class WatchTest(WatchCase):
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
        outcome = self.watch(program, "--suppressions", "known.yaml", "--report", "json=results.json",
                             "--report", "sarif=found.sarif")
        self.assertEqual(outcome.code, 0)
        suppressed = json.loads((self.folder / "found.sarif").read_text())["runs"][0]["results"][0]
        self.assertEqual(suppressed["level"], "note")
        self.assertEqual(suppressed["suppressions"], [{"kind": "external", "justification": "known.yaml:1: it is a test"}])
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

    def test_sarif_places_findings_in_the_program(self) -> None:
        self.watch(THREADS + """\
    def read():
        ours.recv(1)
    readers = [start(read), start(read)]
    theirs.send(b"12")
    """, "--report", "sarif=found.sarif")
        run = json.loads((self.folder / "found.sarif").read_text())["runs"][0]
        result = run["results"][0]
        self.assertEqual((result["ruleId"], result["level"]), ("multiple-readers", "error"))
        self.assertEqual(run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"], "multiple-readers")
        line = (self.folder / "program.py").read_text().splitlines().index("    ours.recv(1)") + 1
        for location in (result["locations"][0], result["relatedLocations"][0]):
            self.assertEqual(location["physicalLocation"], {
                "artifactLocation": {"uri": "program.py", "uriBaseId": "WORKINGDIRECTORY"}, "region": {"startLine": line}})
        self.assertEqual(run["originalUriBaseIds"]["WORKINGDIRECTORY"]["uri"], self.folder.resolve().as_uri() + "/")

    def test_sarif_of_a_program_without_findings_has_no_results(self) -> None:
        self.watch(THREADS + """\
    reader = start(ours.recv, 1)
    theirs.send(b"1")
    """, "--report", "sarif=found.sarif")
        run = json.loads((self.folder / "found.sarif").read_text())["runs"][0]
        self.assertEqual((run["results"], run["invocations"][0]["executionSuccessful"]), ([], True))

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
        self.assertTrue(err.endswith("trireme: 1 findings, program exited 0\n"), err)
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

    def test_what_was_found_before_a_process_ended_stands(self) -> None:
        self.write("program.py", THREADS + """\
    readers = [start(ours.recv, 1), start(ours.recv, 1)]
    print("ready", flush=True)
    input()
    os._exit(0)
    """)
        program = subprocess.Popen([sys.executable, "program.py"], cwd=self.folder, text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert program.stdout is not None
        with program:
            self.assertEqual(program.stdout.readline(), "ready\n")
            sample = subprocess.Popen([BINARY, "watch", "--pid", str(program.pid), "--for", "1h"], text=True,
                                      env=self.environment(), stderr=subprocess.PIPE)
            assert sample.stderr is not None
            with sample:
                self.assertIn("multiple-readers (sample)", sample.stderr.readline())
                program.communicate("\n")
                self.assertIn("trireme: 1 finding in a sample of process", sample.stderr.read())
        self.assertEqual(sample.returncode, 1)

    def test_what_a_sample_does_not_know(self) -> None:
        for option, value in (("--report", "json=found.json"), ("--checks", "multiple-writers"), ("--runtime", "eventlet"),
                              ("--faults", "short-io"), ("--attach-after", "1s"), ("--seed", "1")):
            with self.subTest(option):
                self.expect("watch", "--pid", "1", option, value, code=2, err=f"""\
                    error: option {option}: not for a sample of a process that runs already
                    hint: of that, only who waits to read what is seen; --for and --error-exitcode may be given
                    """)

    def test_a_process_that_is_not_there(self) -> None:
        self.expect("watch", "--pid", "99999999", code=3, err="error: there is no process 99999999\n")

    def test_a_process_that_has_ended_and_was_not_waited_for(self) -> None:
        for threads, code in (("", 3), ("threading.Thread(target=input).start(); "
                                        "ctypes.CDLL(None).pthread_exit(None)", 0)):  # the first of its threads only
            program = subprocess.Popen([sys.executable, "-c", f"import ctypes, threading; {threads}"], stdin=subprocess.PIPE,
                                       stdout=subprocess.DEVNULL)
            with program:
                while ") Z " not in Path(f"/proc/{program.pid}/stat").read_text():
                    pass
                outcome = self.trireme("watch", "--pid", str(program.pid), "--for", "100ms")
                program.kill()
            self.assertEqual(outcome.code, code, outcome.err)
            if code:
                self.assertEqual(outcome.err, f"error: process {program.pid} has ended\n")

    def test_asking_who_waits_when_the_program_has_ended_ends_nothing(self) -> None:
        for _ in range(20):
            process = self.start("watch", "--", "/bin/true")
            assert process.stderr is not None
            with process:
                self.assertEqual(process.stderr.readline(), "trireme: 0 findings, program exited 0\n")
                while process.poll() is None:
                    process.send_signal(signal.SIGUSR1)
            self.assertEqual(process.returncode, 0)

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
                        ["--checks", "multiple-readers,multiple-readers"],
                        ["--runtime", "evenlet"], ["--report", "nothing=x"], ["--pid", "1"],
                        ["--faults", "shrt-io"], ["--seed", "x"], ["--attach-after", "soon"]):
            self.assertEqual(self.trireme("watch", *options, "--", "true").code, 2, options)
        self.assertEqual(self.trireme("watch").code, 2)
        self.assertEqual(self.trireme("watch", "true").code, 2)

    def test_checks_that_are_none(self) -> None:
        known = "hint: watched can be: multiple-readers, multiple-writers, blocked-loop, hub-spin, deadlock, lock-order\n"
        for checks, message in (
            ("multiple-readers,nosuch", "unknown check 'nosuch'\n" + known),
            ("multiple-reader", "unknown check 'multiple-reader'\nhint: did you mean 'multiple-readers'?\n"),
            ("leak", "'leak' judges a workload, not a watched program\n" + known),
        ):
            outcome = self.trireme("watch", "--checks", checks, "--", "true")
            self.assertEqual((outcome.code, outcome.err), (2, "error: option --checks: " + message))
        outcome = self.trireme("watch", "--checks", "blocked-loop:x=1", "--", "true")
        self.assertEqual((outcome.code, outcome.err.partition("'")[0]), (2, "error: option --checks: "))

    def test_a_report_that_cannot_be_written_is_said_before_the_program_starts(self) -> None:
        self.write("file", "")
        for path, why in (("none/report", "No such file or directory"), (".", "Is a directory"),
                          ("file/report", "Not a directory")):
            outcome = self.trireme("watch", "--report", f"json={path}", "--", "echo", "started")
            message = f"error: option --report: cannot create {path}: {why}\n"
            self.assertEqual((outcome.code, outcome.out, outcome.err), (2, "", message))
        outcome = self.trireme("watch", "--report", "json=/dev/null", "--report", "json=report", "--", "echo", "started")
        self.assertEqual((outcome.code, outcome.out), (0, "started\n"), outcome.err)


if __name__ == "__main__":
    unittest.main()
