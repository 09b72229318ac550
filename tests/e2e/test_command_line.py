"""What the program says before it runs anything."""

from __future__ import annotations

import json
import subprocess
import sys

from trireme_case import BINARY, TIMEOUT, TriremeCase


class CommandLineTest(TriremeCase):
    def test_alone_it_shows_three_examples(self) -> None:
        outcome = self.trireme()
        self.assertEqual((outcome.code, outcome.err), (0, ""))
        self.assertEqual(outcome.out.count("\n  trireme "), 3)

    def test_help_names_every_command(self) -> None:
        outcome = self.trireme("--help")
        self.assertEqual((outcome.code, outcome.err), (0, ""))
        for command in ("run", "new", "scan", "check", "report", "history", "list", "explain", "setup", "doctor"):
            self.assertIn(f"\n  {command} ", outcome.out)

    def test_every_command_has_help(self) -> None:
        for command in ("run", "new", "scan", "check", "report", "history", "list", "explain", "setup", "doctor"):
            outcome = self.trireme(command, "--help")
            self.assertEqual((outcome.code, outcome.err), (0, ""), command)
            self.assertIn(f"usage: trireme {command}", outcome.out)

    def test_version(self) -> None:
        outcome = self.trireme("--version")
        self.assertRegex(outcome.out, r"\Atrireme \d+\.\d+\.\d+\n\Z")

    def test_an_unknown_command(self) -> None:
        self.expect("reprot", code=2, err="""\
            error: unknown command 'reprot'
            hint: did you mean 'report'?
            """)

    def test_commands_of_later_releases(self) -> None:
        for command in ("compare", "triage", "sweep", "store", "ci"):
            self.expect(command, code=2, err=f"""\
                error: 'trireme {command}' is not available yet
                hint: 'trireme --help' lists what is
                """)

    def test_options_of_later_releases(self) -> None:
        for option in ("--arms", "--strategy", "--stress", "--known", "--store"):
            self.expect("run", option, "x", code=2, err=f"""\
                error: option {option} is not available yet
                hint: it comes with a later release; run without it
                """)

    def test_an_unknown_option(self) -> None:
        self.expect("run", "--sede", "1", code=2, err="""\
            error: unknown option '--sede'
            hint: did you mean '--seed'?
            """)

    def test_values_that_cannot_be(self) -> None:
        for arguments, message in (
            (["--seed", "x"], "option --seed: 'x' is not a number such as 17 or 0x5eed"),
            (["--trials", "0"], "option --trials: '0' is not a number from 1 to 1000000000"),
            (["--jobs", "-1"], "option --jobs: '-1' is not a number from 1 to 1000000000"),
            (["--timeout", "soon"], "option --timeout: 'soon' is not a duration such as 500ms, 10s or 5m"),
            (["--budget", "0s"], "option --budget: '0s' is not a duration such as 500ms, 10s or 5m"),
            (["--runtimes", "a,,b"], "option --runtimes: 'a,,b' is not a list such as a,b"),
        ):
            outcome = self.trireme("run", *arguments)
            self.assertEqual((outcome.code, outcome.out, outcome.err), (2, "", f"error: {message}\n"))

    def test_an_option_twice(self) -> None:
        self.expect("run", "--seed", "1", "--seed", "2", code=2, err="""\
            error: option --seed is given twice
            hint: give it once
            """)

    def test_a_report_in_no_format(self) -> None:
        self.expect("run", "--report", "junitt=x", code=2, err="""\
            error: unknown report format 'junitt'
            hint: did you mean 'junit'?
            """)
        self.expect("run", "--report", "html=x", code=2, err="""\
            error: report format 'html' is not available yet
            hint: formats: text, json, junit, markdown, faults, sarif
            """)
        self.expect("run", "--report", "junit", code=2, err="""\
            error: option --report: 'junit' is not FORMAT=PATH
            hint: formats: text, json, junit, markdown, faults, sarif
            """)

    def test_a_scenario_and_a_command(self) -> None:
        self.expect("run", "a", "--", "true", code=2, err="""\
            error: a scenario and a command cannot be run at once
            hint: drop 'a', or what follows '--'
            """)

    def test_standard_output_that_cannot_be_written(self) -> None:
        with open("/dev/full", "w") as full:
            outcome = self.trireme("list", "glossary", stdout=full)
        self.assertEqual((outcome.code, outcome.err),
                         (3, "error: cannot write standard output: No space left on device\n"))

    def shell(self, script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["sh", "-c", script, BINARY], cwd=self.folder, env=self.environment(), text=True,
                              capture_output=True, timeout=TIMEOUT, check=False)

    def test_a_folder_that_was_removed(self) -> None:
        self.assertEqual(self.shell('mkdir gone; cd gone; rmdir ../gone; "$0" run --dry-run x').returncode, 4)

    def write_scenario(self) -> None:
        self.write("s/scenario.yaml", "version: 1\nsummary: S\nworkload: {python: workload.py}\nruntimes: [threading]\n")
        self.write("s/workload.py", "async def main(rt, params):\n    rt.observe('x', 1)\n")

    def test_standard_descriptors_that_are_closed(self) -> None:
        self.write_scenario()
        closed = self.shell(f'"$0" run s --python here={sys.executable} --out run <&- >&- 2>&-')
        self.assertEqual(closed.returncode, 3)
        self.assertEqual(json.loads((self.folder / "run/results.json").read_text())["verdict"], "pass")

    def test_a_caller_that_ignores_the_end_of_children(self) -> None:
        script = "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
        watched = subprocess.run([sys.executable, "-c", script, BINARY, "watch", "--", "sh", "-c", "exit 7"],
                                 cwd=self.folder, env=self.environment(), text=True, capture_output=True,
                                 timeout=TIMEOUT, check=False)
        self.assertEqual((watched.stderr, watched.returncode), ("trireme: 0 findings, program exited 7\n", 7))


class ListTest(TriremeCase):
    def test_everything_that_can_be_listed(self) -> None:
        for what in ("scenarios", "runtimes", "checks", "exceptions", "correspondences", "glossary"):
            text = self.trireme("list", what)
            self.assertEqual((text.code, text.err), (0, ""), what)
            document = json.loads(self.trireme("list", what, "--json").out)
            self.assertEqual(document["what"], what)
            self.assertGreater(len(document["items"]), 3, what)

    def test_schemas_are_json_schemas(self) -> None:
        for what in ("scenario-schema", "results-schema"):
            outcome = self.trireme("list", what)
            self.assertEqual((outcome.code, outcome.err), (0, ""))
            self.assertIn("$schema", json.loads(outcome.out))

    def test_the_hint_names_only_what_can_be_listed(self) -> None:
        names = ("scenarios, runtimes, checks, exceptions, correspondences, glossary, scenario-schema, results-schema, "
                 "faults")
        self.expect("list", "foo", code=2, err=f"""\
            error: 'foo' is nothing that can be listed
            hint: one of {names}
            """)

    def test_something_unknown(self) -> None:
        self.expect("list", "runtime", code=2, err="""\
            error: 'runtime' is nothing that can be listed
            hint: did you mean 'runtimes'?
            """)


class ExplainTest(TriremeCase):
    def test_an_exit_code(self) -> None:
        for words in (["exit", "4"], ["4"]):
            self.expect("explain", *words, out="""\
                4 (exit code)
                  unknown: something could not be decided, or nothing was measured (no scenario matched, every cell
                  unsupported)
                """)

    def test_every_kind_of_thing(self) -> None:
        for thing in ("lost-update", "unknown", "130", "threading", "equivalence", "junit", "zygote", "exit-codes",
                      "finding-kinds", "verdicts", "runtimes", "checks", "formats"):
            outcome = self.trireme("explain", thing)
            self.assertEqual((outcome.code, outcome.err), (0, ""), thing)
            self.assertGreater(len(outcome.out), 20, thing)

    def test_features_of_eventlet_and_of_the_workload_api(self) -> None:
        for thing, said in {"GreenPool": "asyncio.Semaphore", "eventlet.tpool": "asyncio.to_thread", "spawn": "std::jthread",
                            "Queue": "asyncio.Queue", "monkey_patch": "offload", "timeout": "eventlet.Timeout",
                            "connect": "loop.sock_connect"}.items():
            outcome = self.trireme("explain", thing)
            self.assertEqual((outcome.code, outcome.err), (0, ""), thing)
            self.assertIn(said, outcome.out, thing)

    def test_a_fault_plan(self) -> None:
        outcome = self.trireme("explain", "cut-and-reset")
        self.assertEqual((outcome.code, outcome.err), (0, ""))
        for part in ("cut-and-reset (fault plan)\n", "\n  all:\n", "reset: true", "\n  runtimes: eventlet"):
            self.assertIn(part, outcome.out)

    def test_an_unknown_feature(self) -> None:
        self.expect("explain", "GrenPool", code=2, err="""\
            error: nothing is known of 'GrenPool'
            hint: did you mean 'GreenPool'?
            """)

    def test_something_unknown(self) -> None:
        self.expect("explain", "lost-updat", code=2, err="""\
            error: nothing is known of 'lost-updat'
            hint: did you mean 'lost-update'?
            """)
