"""`trireme run` from a scenario to its summary, its files and its exit code."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import textwrap
import time

from trireme_case import BINARY, PYTHON, TriremeCase, normalised

SUM_YAML = textwrap.dedent("""\
    version: 1
    summary: Adds up
    workload: {python: workload.py}
    runtimes: [threading]
    params: {items: 3}
    """)
SUM_PY = """\
    async def main(rt, params):
        async def add(a, b):
            return a + b

        total = 0
        for n in range(params["items"]):
            with rt.op("add", n) as op:
                total = await rt.spawn(add, total, n).join()
                op.ok(total)
        rt.observe("total", total)
    """
# Fails in every trial: the acknowledged increments are not all in the total.
LOST_YAML = textwrap.dedent("""\
    version: 1
    summary: Forgets one of two increments
    workload: {python: workload.py}
    runtimes: [threading]
    checks: [{lost-update: {op: increment, final: total}}]
    """)
LOST_PY = """\
    async def main(rt, params):
        events = [rt.event(), rt.event()]

        async def increment(mine, other):
            mine.set()
            await other.wait()
            with rt.op("increment", 1) as op:
                op.ok(1)

        await rt.gather(rt.spawn(increment, *events), rt.spawn(increment, *reversed(events)))
        rt.observe("total", 1)
    """
# Two tasks wait to read one socket.
READERS_YAML = textwrap.dedent("""\
    version: 1
    summary: Two read one socket
    workload: {python: workload.py}
    runtimes: [threading]
    checks: [multiple-readers]
    """)
READERS_PY = """\
    async def main(rt, params):
        ours, theirs = await rt.socketpair()

        async def read():
            with rt.op("read") as op:
                op.ok(await ours.recv(1))

        readers = []
        for _ in range(2):
            readers.append(rt.spawn(read))
            await rt.settle()
        await theirs.send_all(b"12")
        await rt.gather(*readers)
        ours.close()
        theirs.close()
    """
# Which trials fail is a matter of their seeds alone.
SOMETIMES_YAML = textwrap.dedent("""\
    version: 1
    summary: Fails in about half of its trials
    workload: {python: workload.py}
    runtimes: [threading]
    inputs: per-trial
    trials: 12
    checks: [unhandled-exception]
    expect: {default: {verdict: fail, finding: unhandled-exception, rate: 0.9..1}}
    """)
SOMETIMES_PY = """\
    async def main(rt, params):
        rt.observe("began", True)
        if rt.random.random() < 0.5:
            raise ValueError("it did")
    """

CALLED_YAML = """\
    version: 1
    summary: A client that goes on calling a server that has ended
    workload: {python: workload.py}
    runtimes: [threading]
    trials: 100
    """
CALLED_PY = """\
    import os, trireme

    async def main(rt, params):
        async def handler(request):
            return trireme.Response(body=b"%d" % os.getpid())

        server = await rt.http_server(handler)
        answer = await rt.http_request("GET", server.url)
        assert int(answer.body) == os.getpid()
        server.close()
        for _ in range(100):
            try:
                answer = await rt.http_request("GET", server.url)
            except OSError:
                await rt.sleep(0.005)  # for other trials to begin
            else:
                assert int(answer.body) == os.getpid(), "the server of another trial answered"
        rt.observe("done", True)
    """


class RunTest(TriremeCase):
    def scenario(self, name: str, yaml: str, py: str) -> None:
        self.write(f"{name}/scenario.yaml", yaml)
        self.write(f"{name}/workload.py", py)

    def results(self) -> dict:
        return json.loads((self.run_directory() / "results.json").read_text())

    def test_a_run_that_passes(self) -> None:
        self.scenario("sum", SUM_YAML, SUM_PY)
        self.expect("run", "sum", *PYTHON, "--seed", "0x5eed", "--trials", "2", out="""\
                 threading/here
            sum  ✓

            ✓ pass

            cells    1 planned, 1 executed: 1 pass, 0 fail, 0 unknown, 0 unsupported
            trials   2 planned, 2 executed: 2 pass, 0 fail, 0 unknown
            verdict  pass, exit code 0
            run      trireme-runs/RUN
            seed     0x5eed
            """)
        results = self.results()
        self.assertEqual((results["schema"], results["exit_code"]), ("trireme.results/1", 0))
        self.assertEqual(results["run"]["interpreters"].keys(), {"here"})

    def test_the_files_of_a_run(self) -> None:
        self.scenario("sum", SUM_YAML, SUM_PY)
        self.expect("run", "sum", *PYTHON, "--trials", "2", out=None)
        run = self.run_directory()
        self.assertEqual(sorted(file.name for file in run.iterdir()),
                         ["plan.json", "results.json", "run.json", "trials", "trials.jsonl"])
        lines = [json.loads(line) for line in (run / "trials.jsonl").read_text().splitlines()]
        self.assertEqual(sorted((line["trial"], line["verdict"]) for line in lines), [(0, "pass"), (1, "pass")])
        for trial in (run / "trials").glob("*/*"):
            self.assertTrue((trial / "history.trh").exists())
            self.assertEqual(json.loads((trial / "verdict.json").read_text())["verdict"], "pass")

    def test_a_failure_names_itself_and_its_replay(self) -> None:
        self.scenario("lost", LOST_YAML, LOST_PY)
        outcome = self.expect("run", "lost", *PYTHON, "--seed", "7", code=1, out=None)
        self.assertIn("verdict  fail, exit code 1\n", outcome.out)
        self.assertIn("\n1 cell did not do what was expected:\n\n"
                      "  lost on threading/here: fail, expected pass\n    ", outcome.out)
        replay = re.search(r"replay: trireme (run .*)\n", outcome.out)
        assert replay is not None
        again = self.trireme(*shlex.split(replay.group(1)))
        self.assertEqual(again.code, 1)
        witness = [line for line in outcome.out.splitlines() if "increment" in line]
        self.assertTrue(witness)
        self.assertEqual([line for line in again.out.splitlines() if "increment" in line], witness)

    def test_bytes_are_no_text(self) -> None:
        self.scenario("answer", SUM_YAML.replace("[threading]", "[threading, asyncio]"), """\
            async def main(rt, params):
                rt.observe("answer", b"" if rt.runtime == "asyncio" else "")
                rt.observe("same", b"a")
            """)
        outcome = self.expect("run", "answer", *PYTHON, "--reference", "threading", code=1, out=None)
        self.assertIn("asyncio differs from threading in 1 of 1 scenario: answer", outcome.out)
        self.assertIn("""'answer' was bytes "" in 1 of 1 trials""", outcome.out)

    def test_an_expected_failure_is_no_surprise(self) -> None:
        self.scenario("lost", LOST_YAML + "expect: {default: {verdict: fail, finding: lost-update}}\n", LOST_PY)
        outcome = self.expect("run", "lost", *PYTHON, "--fail-fast", "--trials", "3", out=None)
        self.assertIn("lost  x\n\nx fail, as expected\n", outcome.out)
        self.assertIn("3 planned, 3 executed: 0 pass, 3 fail", outcome.out)
        self.assertNotIn("did not do what was expected", outcome.out)

    def test_an_unexpected_pass_fails_the_run(self) -> None:
        self.scenario("sum", SUM_YAML + "expect: {default: {verdict: fail}}\n", SUM_PY)
        outcome = self.expect("run", "sum", *PYTHON, code=1, out=None)
        self.assertIn("sum  !\n\n! PASS, unexpected\n", outcome.out)
        self.assertIn("  sum on threading/here: pass, expected fail\n", outcome.out)

    def test_what_is_suppressed_fails_nothing_and_is_counted(self) -> None:
        self.scenario("readers", READERS_YAML, READERS_PY)
        self.write("known.yaml", """\
            - {kind: multiple-readers, frames: ["*workload.py:* in read"], reason: by design}
            - {kind: multiple-readers, frames: ["nowhere"], reason: never seen}
            - {kind: leak, frames: ["*"], reason: mended, expires: 2020-01-01}
            """)
        command = ("run", "readers", *PYTHON, "--trials", "2")
        said = ("note     findings suppressed in 2 trials by known.yaml:1: by design\n"
                "note     suppression known.yaml:2: never seen: nothing matched it\n"
                "note     suppression known.yaml:3: mended: expired on 2020-01-01\n")
        outcome = self.expect(*command, "--suppressions", "known.yaml", out=None)
        self.assertIn(said, outcome.out)
        cell = self.results()["cells"][0]
        self.assertEqual((cell["verdict"], cell["findings"]), ("pass", []))
        (suppressed,) = cell["suppressed"]
        self.assertEqual((suppressed["place"], suppressed["trials"]), ("known.yaml:1", 2))
        self.assertEqual([(found["kind"], found["count"]) for found in suppressed["findings"]], [("multiple-readers", 2)])
        self.assertIn(" --suppressions known.yaml", cell["replay"])
        verdict = json.loads(next(self.run_directory().glob("trials/*/0/verdict.json")).read_text())
        self.assertEqual([finding["suppressed_by"] for finding in verdict["suppressed"]], ["known.yaml:1"])

        run = str(self.run_directory())
        self.assertIn(said, self.expect("check", run, out=None).out)
        self.write("other.yaml", "- {kind: leak, frames: ['*'], reason: another}\n")
        again = self.expect("check", run, "--suppressions", "other.yaml", code=1, out=None)
        self.assertIn("note     suppression other.yaml:1: another: nothing matched it\n", again.out)
        history = str(next(self.run_directory().glob("trials/*/0/history.trh")))
        shutil.copy(history, self.folder / "lone.trh")
        self.expect("check", "lone.trh", "--suppressions", "known.yaml", out="lone.trh: pass (1 finding suppressed)\n",
                    err="""\
            warning: suppression known.yaml:2: never seen: nothing matched it
            warning: suppression known.yaml:3: mended: expired on 2020-01-01
            """)

    def test_suppressions_of_the_repository(self) -> None:
        self.scenario("readers", READERS_YAML, READERS_PY)
        self.write("known.yaml", "- {kind: multiple-readers, frames: ['*workload.py:*'], reason: by design}\n")
        self.expect("run", "readers", *PYTHON, code=1, out=None)
        self.write("trireme.yaml", "suppressions: [known.yaml]\n")
        self.expect("run", "readers", *PYTHON, out=None)

    def test_a_suppression_that_cannot_be(self) -> None:
        self.scenario("sum", SUM_YAML, SUM_PY)
        self.write("known.yaml", "- {kind: crash, frames: ['*'], reason: r}\n")
        self.expect("run", "sum", *PYTHON, "--suppressions", "known.yaml", code=2, err="""\
            known.yaml:1:10: error: 'crash' cannot be suppressed
            - {kind: crash, frames: ['*'], reason: r}
                     ^~~~~
            hint: name it under 'expect'
            """)
        self.assertFalse((self.folder / "trireme-runs").exists())

    def test_a_rate_is_not_judged_of_a_selection(self) -> None:
        self.scenario("sometimes", SOMETIMES_YAML, SOMETIMES_PY)
        outcome = self.trireme("run", "sometimes", *PYTHON, "--seed", "7")
        self.assertIn("fail, expected fail with unhandled-exception in 90% to 100% of the trials\n", outcome.out)
        replay = re.search(r"replay: trireme (run .* --trial \d+)\n", outcome.out)
        assert replay is not None
        again = self.expect(*shlex.split(replay.group(1)), out=None)
        self.assertIn("1 planned, 1 executed: 0 pass, 1 fail, 0 unknown\n", again.out)
        self.assertIn("note     sometimes on threading: 1 of 12 trials chosen: the rate of 0.9..1 is not judged, pass and "
                      "fail are both expected\n", again.out)

    def test_fail_fast_starts_no_further_trial(self) -> None:
        self.scenario("lost", LOST_YAML, LOST_PY)
        outcome = self.expect("run", "lost", *PYTHON, "--fail-fast", "--trials", "50", "--jobs", "1", code=1, out=None)
        self.assertIn("trials   50 planned, 1 executed", outcome.out)
        note = "note     no trial was started after the first unexpected failure (--fail-fast)\n"
        self.assertIn(note, outcome.out)
        self.assertIn(note, self.expect("check", str(self.run_directory()), code=1, out=None).out)

    def test_only_some_trials(self) -> None:
        self.scenario("sum", SUM_YAML + "trials: 10\n", SUM_PY)
        self.expect("run", "sum", *PYTHON, "--trial", "3", "--trial", "7", out=None)
        self.assertEqual(sorted(path.name for path in self.run_directory().glob("trials/*/*")), ["3", "7"])

    def test_a_param_is_given(self) -> None:
        self.scenario("sum", SUM_YAML, SUM_PY)
        self.expect("run", "sum", *PYTHON, "--param", "items=5", out=None)
        history = self.trireme("history", str(self.run_directory()))
        observed = [json.loads(line) for line in history.out.splitlines() if '"observe"' in line]
        self.assertEqual([(event["key"], event["value"]) for event in observed], [("total", 10)])

    def test_keep_failed(self) -> None:
        self.scenario("sum", SUM_YAML, SUM_PY)
        self.scenario("lost", LOST_YAML, LOST_PY)
        self.expect("run", "sum", "lost", *PYTHON, "--keep", "failed", code=1, out=None)
        kept = {path.parent.name.split("-")[0] for path in self.run_directory().glob("trials/*/*")}
        self.assertEqual(kept, {"lost"})

    def test_reports_are_written(self) -> None:
        self.scenario("sum", SUM_YAML, SUM_PY)
        self.expect("run", "sum", *PYTHON, "--report", "junit=out/junit.xml", "--report", "markdown=out/summary.md",
                    out=None)
        self.assertIn("<testsuites", (self.folder / "out/junit.xml").read_text())
        self.assertTrue((self.folder / "out/summary.md").read_text().startswith("## Trireme: pass\n"))

    def test_a_report_on_standard_output_is_all_that_is_there(self) -> None:
        self.scenario("sum", SUM_YAML, SUM_PY)
        outcome = self.expect("run", "sum", *PYTHON, "--report", "json=-", out=None, err=None)
        self.assertEqual(json.loads(outcome.out)["verdict"], "pass")
        self.assertIn("verdict  pass, exit code 0\n", outcome.err)
        two = self.expect("run", "sum", *PYTHON, "--report", "json=-", "--report", "junit=-", code=2, err="""\
            error: standard output takes one document
            hint: write the report to a file: --report junit=PATH
            """)
        self.assertEqual(two.out, "")

    def test_a_report_that_cannot_be_written(self) -> None:
        self.scenario("sum", SUM_YAML, SUM_PY)
        outcome = self.trireme("run", "sum", *PYTHON, "--report", "junit=/proc/nowhere/junit.xml")
        self.assertEqual(outcome.code, 3)
        self.assertIn("1 pass", outcome.out)
        self.assertIn("error: cannot create folder /proc/nowhere", outcome.err)
        self.assertTrue((self.run_directory() / "results.json").exists())

    def test_a_dry_run_runs_nothing(self) -> None:
        self.scenario("sum", SUM_YAML, SUM_PY)
        outcome = self.expect("run", "sum", *PYTHON, "--dry-run", "--trials", "4", "--seed", "1", "--jobs", "2", out=None)
        self.assertRegex(outcome.out, r"\Asum-threading-here-[0-9a-f]+  4 trials  timeout 30s\n\n"
                                      r"1 cells? planned, 0 of them unsupported; 4 trials; seed 0x1\n"
                                      r"estimated time: \S+ with 2 jobs; rests on ")
        self.assertFalse((self.folder / "trireme-runs").exists())

    def test_every_cell_unsupported(self) -> None:
        self.scenario("sum", SUM_YAML, """\
            import trireme

            async def main(rt, params):
                raise trireme.Unsupported("no such thing here")
            """)
        outcome = self.expect("run", "sum", *PYTHON, code=4, out=None)
        self.assertIn("sum  ∅\n", outcome.out)
        self.assertIn("unsupported:\n  no such thing here\n    sum on threading/here\n", outcome.out)

    def test_a_trial_that_records_nothing_is_unknown(self) -> None:
        self.scenario("sum", SUM_YAML, "async def main(rt, params):\n    pass\n")
        outcome = self.expect("run", "sum", *PYTHON, code=4, out=None)
        self.assertIn("sum  ?\n", outcome.out)

    def test_ascii_where_the_locale_has_no_more(self) -> None:
        self.scenario("sum", SUM_YAML, SUM_PY)
        outcome = self.trireme("run", "sum", *PYTHON, env=self.environment() | {"LC_ALL": "C"})
        self.assertIn("sum  .\n\n. pass\n", outcome.out)

    def test_a_new_scenario_runs(self) -> None:
        self.expect("new", "mine", out="""\
            wrote mine/scenario.yaml, workload.py and workload.cc; run it:
              trireme run mine
            """)
        outcome = self.expect("run", "mine", *PYTHON, "--runtimes", "threading", "--reference", "threading",
                              "--trials", "2", out=None)
        self.assertIn("1 pass", outcome.out)

    def test_a_new_scenario_whose_name_needs_quotes(self) -> None:
        outcome = self.trireme("new", "my scen")
        self.assertIn("\n  trireme run 'my scen'\n", outcome.out)

    def test_a_workload_that_is_compiled_first(self) -> None:
        self.trireme("new", "mine")
        command = ("run", "mine", "--runtimes", "thread", "--reference", "thread", "--trials", "1")
        environment = self.environment() | {"XDG_CACHE_HOME": str(self.folder / "cache")}
        self.assertEqual(self.trireme(*command, env=environment).err, "compiling mine/workload.cc\n")
        self.assertEqual(self.trireme(*command, env=environment).err, "")

    def test_settings_of_the_repository(self) -> None:
        self.scenario("checks/sum", SUM_YAML + "trials: 7\n", SUM_PY)
        self.write("trireme.yaml", """\
            version: 1
            scenario-paths: [checks]
            profile: ci
            profiles:
              ci: {trials: 2, jobs: 1}
            """)
        outcome = self.expect("run", "sum", *PYTHON, out=None)
        self.assertIn("trials   2 planned, 2 executed", outcome.out)
        self.assertEqual(self.results()["run"]["profile"], "ci")

    def test_an_interrupted_run_keeps_and_reports(self) -> None:
        self.scenario("slow", SUM_YAML, """\
            async def main(rt, params):
                rt.observe("x", 1)
                await rt.sleep(0.2)
            """)
        process = self.start("run", "slow", *PYTHON, "--trials", "1000", "--jobs", "1")
        deadline = time.monotonic() + 60
        while not list(self.folder.glob("trireme-runs/*/trials/*/*/verdict.json")):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        self.assertIn("exit code 130 (interrupted: what was recorded is kept)", out)
        self.assertIn("trials   1000 planned, ", out)
        self.assertEqual(self.results()["exit_code"], 130)

    def interrupt_while_an_interpreter_is_asked(self, **options: object) -> tuple[int, str]:
        """Exit code and standard error. The interpreter says that it was started, and waits to be let go."""
        self.scenario("sum", SUM_YAML, SUM_PY)
        os.mkfifo(self.folder / "started")
        os.mkfifo(self.folder / "go")
        held = self.write("held/python3", f"""\
            #!/bin/sh
            cd {self.folder} && [ -p go ] && echo > started && read -r line < go && rm go
            exec {PYTHON[1].partition("=")[2]} "$@"
            """)
        held.chmod(0o755)
        process = self.start("run", "sum", "--python", f"held={held}", **options)
        (self.folder / "started").read_text()
        process.send_signal(signal.SIGINT)
        if not options:
            process.wait(timeout=60)
        go = os.open(self.folder / "go", os.O_RDWR)  # waits for nobody: the interpreter may have ended too
        os.write(go, b"\n")
        _, err = process.communicate(timeout=60)
        os.close(go)
        return process.returncode, err

    def test_interrupted_before_anything_was_run(self) -> None:
        self.assertEqual(self.interrupt_while_an_interpreter_is_asked(),
                         (130, "error: interrupted before anything was run\n"))
        self.assertFalse((self.folder / "trireme-runs").exists())

    def test_an_interrupt_that_is_ignored_interrupts_nothing(self) -> None:
        ignored = self.interrupt_while_an_interpreter_is_asked(
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        self.assertEqual(ignored, (0, ""))

    def test_progress_goes_to_standard_error_only_when_asked(self) -> None:
        self.scenario("sum", SUM_YAML, SUM_PY)
        outcome = self.trireme("run", "sum", *PYTHON, "--progress", "always", "--trials", "30")
        self.assertIn("trials", outcome.err)
        self.assertNotIn("\x1b", outcome.out)
        self.assertNotIn("left", normalised(outcome.out))

    def test_a_memory_limit_below_that_of_a_trial(self) -> None:
        self.scenario("sum", SUM_YAML, SUM_PY)
        self.trireme("new", "mine")
        limited = ["sh", "-c", 'ulimit -v 1500000 && exec "$@"', "sh", BINARY]
        for arguments in (["sum", *PYTHON], ["mine", "--runtimes", "thread", "--reference", "thread"]):
            with self.subTest(arguments[0]):
                outcome = subprocess.run([*limited, "run", *arguments], cwd=self.folder, env=self.environment(),
                                         capture_output=True, text=True, timeout=100, check=False)
                self.assertEqual(outcome.returncode, 0, outcome.stdout + outcome.stderr)

    def test_threads_whose_stacks_reserve_more_than_the_memory_limit(self) -> None:
        yaml = "version: 1\nsummary: Threads that wait\nworkload: {python: workload.py}\nmemory: 1GiB\n"
        self.scenario("wait", yaml, """
            async def main(rt, params):
                go = rt.event()
                tasks = [rt.spawn(go.wait) for n in range(200)]
                go.set()
                await rt.gather(*tasks)
                rt.observe("tasks", len(tasks))
        """)
        outcome = self.trireme("run", "wait", *PYTHON, "--runtimes", "threading", "--reference", "threading")
        self.assertEqual(outcome.code, 0, outcome.out + outcome.err)

    def test_a_trial_that_uses_more_than_the_memory_limit(self) -> None:
        yaml = "version: 1\nsummary: Greed\nworkload: {python: workload.py}\nmemory: 512MiB\n"
        self.scenario("greed", yaml, """
            async def main(rt, params):
                kept = b"x" * (1 << 30)
                rt.observe("size", len(kept))
                await rt.event().wait()
        """)
        outcome = self.trireme("run", "greed", *PYTHON, "--runtimes", "threading", "--reference", "threading")
        self.assertEqual(outcome.code, 1, outcome.out + outcome.err)
        self.assertIn("used more memory than its limit of 536870912 bytes", outcome.out)

    def test_files_that_may_not_grow(self) -> None:
        self.scenario("sum", SUM_YAML, SUM_PY)
        outcome = subprocess.run(["sh", "-c", 'ulimit -f 0 && exec "$@"', "sh", BINARY, "run", "sum", *PYTHON],
                                 cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL,
                                 capture_output=True, text=True, timeout=100, check=False)
        self.assertEqual((outcome.returncode, outcome.stdout), (3, ""), outcome.stderr)
        self.assertIn(": File too large\n", outcome.stderr)

    def test_no_client_meets_the_server_of_another_trial(self) -> None:
        """Where the kernel has few ports to give, and gives each again soon."""
        self.scenario("called", CALLED_YAML, CALLED_PY)
        script = ("ip link set lo up && sysctl -qw net.ipv4.ip_local_port_range='40000 40400' || exit; "
                  "\"$@\"; echo \"exit $?\"")
        outcome = subprocess.run(["unshare", "-rn", "sh", "-c", script, "sh", BINARY, "run", "called", *PYTHON, "--jobs", "8"],
                                 cwd=self.folder, env=self.environment(), capture_output=True, text=True, timeout=300,
                                 check=False)
        if "exit " not in outcome.stdout:
            self.skipTest(f"no network of one's own here: {outcome.stderr}")
        self.assertIn("exit 0\n", outcome.stdout)
        self.assertIn("100 executed: 100 pass", outcome.stdout)

    def test_a_full_disk_keeps_what_was_recorded(self) -> None:
        self.scenario("sum", SUM_YAML, SUM_PY)
        disk = self.folder / "disk"
        disk.mkdir()
        script = (f"mount -t tmpfs -o size=1m none {disk} && trireme=$1 && shift && "
                  f"{{ \"$trireme\" run \"$@\"; echo \"exit $?\"; \"$trireme\" report {disk}/run; }}")
        outcome = subprocess.run(["unshare", "-rm", "sh", "-c", script, "sh", BINARY, "sum", *PYTHON, "--trials", "500",
                                  "--out", str(disk / "run")], cwd=self.folder, env=self.environment(),
                                 capture_output=True, text=True, timeout=100, check=False)
        if "exit " not in outcome.stdout:
            self.skipTest(f"no file system of one's own here: {outcome.stderr}")
        run, report = outcome.stdout.split("exit 3\n")
        self.assertIn("No space left on device", run)
        self.assertRegex(run, r"trials   500 planned, [1-9]\d* executed: [1-9]")
        self.assertRegex(report, r"trials   500 planned, [1-9]\d* executed")
