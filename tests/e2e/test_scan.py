"""The static search for what disables or depends on multiple readers."""

from __future__ import annotations

import json
import os
from pathlib import Path

from trireme_case import BINARY, PYTHON, TriremeCase

RISK = ("lets two green threads wait for one socket anywhere in the process, and each message goes to either; Eventlet's "
        "asyncio hub refuses this or starves the second reader (scenario hazards/two-readers-unprotected)")
OFF = "eventlet.debug.hub_prevent_multiple_readers(False)"


class ScanTest(TriremeCase):
    def write_hack(self, path: str) -> None:
        self.write(path, f"""\
            import eventlet.debug
            # {OFF}
            {OFF}
            """)

    def test_a_line_for_each_finding(self) -> None:
        self.write_hack("service/a.py")
        self.write("service/twin.py", "from other import hub_prevent_multiple_readers\nhub_prevent_multiple_readers(False)\n")
        self.write("service/build/a.py", OFF)
        self.expect("scan", "--hacks", "service", *PYTHON, code=1,
                    out=f"service/a.py:3:1: multiple-readers-allowed: {OFF} {RISK}\n",
                    err="1 finding in 2 files, 0 not scanned; skipped service/build\n")

    def test_nothing_found(self) -> None:
        self.write("a.py", f"import eventlet\nx = '{OFF}'\n")
        self.expect("scan", "--hacks", ".", *PYTHON, err="0 findings in 1 file, 0 not scanned\n")

    def test_nothing_is_imported(self) -> None:
        self.write("a.py", "import eventlet\nopen('ran', 'w')\n")
        self.write("ast.py", "raise SystemExit(7)\n")
        self.write("sitecustomize.py", "raise SystemExit(7)\n")
        environment = self.environment() | {"PYTHONPATH": str(self.folder), "PYTHONSTARTUP": str(self.folder / "a.py")}
        outcome = self.trireme("scan", "--hacks", ".", *PYTHON, env=environment)
        self.assertEqual((outcome.code, outcome.err), (0, "0 findings in 3 files, 0 not scanned\n"))
        self.assertFalse((self.folder / "ran").exists())

    def test_what_cannot_be_scanned(self) -> None:
        self.write("a.py", "x = 1\nprint 'x'\n")
        (self.folder / "b.py").write_bytes(b"\0")
        (self.folder / "c.py").write_bytes(b"x = " + b"-" * 10_000 + b"1")
        os.mkfifo(self.folder / "d.py")
        (self.folder / "loop").symlink_to(".")
        (self.folder / "e.py").symlink_to("e.py")
        outcome = self.expect("scan", "--hacks", ".", *PYTHON, code=4, err=None)
        lines = outcome.err.splitlines()
        self.assertRegex(lines[0], r"\Aa\.py:2: not scanned: SyntaxError: Missing parentheses in call to 'print'")
        self.assertEqual(lines[1:], [
            "b.py:1: not scanned: it holds a NUL byte, which no Python source does",
            "c.py:1: not scanned: its code is nested too deeply",
            "d.py:1: not scanned: it is no regular file",
            "e.py:1: not scanned: it cannot be read: Too many levels of symbolic links",
            "0 findings in 0 files, 5 not scanned; skipped loop"])

    def test_a_finding_weighs_more_than_what_was_not_scanned(self) -> None:
        self.write_hack("a.py")
        self.write("b.py", "print 'x'\n")
        self.assertEqual(self.trireme("scan", "--hacks", ".", *PYTHON).code, 1)

    def test_json(self) -> None:
        self.write_hack("a.py")
        self.write("b.py", "print 'x'\n")
        outcome = self.expect("scan", "--hacks", "a.py", "b.py", "--json", *PYTHON, code=1, out=None, err=None)
        document = json.loads(outcome.out)
        self.assertEqual(document["findings"], [{
            "file": "a.py", "line": 3, "column": 1, "end_line": 3, "end_column": 44, "kind": "multiple-readers-allowed",
            "symbol": OFF, "message": f"{OFF} {RISK.rpartition(' (')[0]}", "scenario": "hazards/two-readers-unprotected"}])
        self.assertEqual([each["file"] for each in document["unscanned"]], ["b.py"])

    def test_sarif(self) -> None:
        self.write_hack("a.py")
        outcome = self.expect("scan", "--hacks", ".", "--report", "sarif=-", *PYTHON, code=1, out=None, err=None)
        self.expect("scan", "--hacks", ".", "--report", "sarif=out.sarif", *PYTHON, code=1, out=None, err=None)
        self.assertEqual((self.folder / "out.sarif").read_text(), outcome.out)
        document = json.loads(outcome.out)
        self.assertEqual(document["version"], "2.1.0")
        (run,) = document["runs"]
        (result,) = run["results"]
        self.assertEqual(run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"], result["ruleId"])
        self.assertEqual(result["locations"][0]["physicalLocation"]["artifactLocation"], {"uri": "a.py"})

    def test_every_scenario_that_is_named_exists(self) -> None:
        self.write_hack("a.py")
        outcome = self.expect("scan", "--hacks", ".", "--report", "sarif=-", *PYTHON, code=1, out=None, err=None)
        known = {each["name"] for each in json.loads(self.trireme("list", "scenarios", "--json").out)["items"]}
        for rule in json.loads(outcome.out)["runs"][0]["tool"]["driver"]["rules"]:
            self.assertIn(rule["help"]["text"].split()[2], known)

    def test_the_planted_scenarios_and_their_twins(self) -> None:
        scenarios = Path(BINARY).resolve().parents[1] / "share/trireme/scenarios/hazards"
        outcome = self.expect("scan", "--hacks", str(scenarios), "--json", *PYTHON, code=1, out=None, err=None)
        kinds = {(Path(each["file"]).parent.name, each["kind"]) for each in json.loads(outcome.out)["findings"]}
        for name, kind in (("two-readers", "shared-reader"), ("two-writers", "shared-writer"),
                           ("shared-listener", "shared-listener"), ("two-readers-unprotected", "multiple-readers-allowed"),
                           ("pipe-as-mutex", "multiple-readers-allowed")):
            self.assertIn((name, kind), kinds)
        for twin in ("reader-and-writer", "readers-fed-by-queue", "socket-handed-over"):
            self.assertNotIn(twin, {name for name, _ in kinds})

    def test_mistakes_on_the_command_line(self) -> None:
        self.write_hack("a.py")
        self.expect("scan", "a.py", code=2, err="""\
            error: the whole inventory of 'trireme scan' is not available yet
            hint: 'trireme scan --hacks PATH' finds what depends on multiple readers
            """)
        self.expect("scan", "--hacks", code=2, err="""\
            error: scan what?
            hint: 'trireme scan --hacks PATH', a folder of Python sources
            """)
        self.expect("scan", "--hacks", "nope", code=2, err="error: there is no file or folder 'nope'\n")
        self.expect("scan", "--hacks", "a.py", "--report", "junit=x", code=2, err="""\
            error: option --report: 'junit=x' is not sarif=PATH
            hint: a scan is reported as SARIF only
            """)
        self.expect("scan", "--hacks", "a.py", "--json", "--report", "sarif=-", code=2, err="""\
            error: standard output takes one document
            hint: write the report to a file: --report sarif=PATH
            """)

    def test_a_folder_without_python(self) -> None:
        self.write("a.txt", "x")
        self.expect("scan", "--hacks", ".", *PYTHON, code=4, err="""\
            error: there is no Python source in '.'
            hint: *.py is looked for in folders; name a file of another name itself
            """)

    def test_no_interpreter(self) -> None:
        self.write_hack("a.py")
        outcome = self.expect("scan", "--hacks", ".", "--python", "x=/bin/false", code=3, err=None)
        self.assertTrue(outcome.err.startswith("error: --python /bin/false: "))
        environment = {"PATH": "/nowhere", "HOME": str(self.folder)}
        self.assertEqual(self.trireme("scan", "--hacks", ".", env=environment).code, 3)
