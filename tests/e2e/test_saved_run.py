"""A saved run is checked and reported at any later time, also when its harness was killed or its files are damaged."""

from __future__ import annotations

import json
import shutil
import signal
import textwrap
import time
from pathlib import Path

from trireme_case import PYTHON, TriremeCase, normalised

YAML = textwrap.dedent("""\
    version: 1
    summary: Observes something
    workload: {python: workload.py}
    runtimes: [threading]
    """)
PY = """\
    async def main(rt, params):
        with rt.op("work") as op:
            await rt.sleep(0.01)
            op.ok(7)
        rt.observe("x", 1)
    """
# What a plan does at 0s is done before the workload's first statement.
WAITING = """\
    import pathlib

    async def main(rt, params):
        pathlib.Path(__file__).with_name("reached").touch()
        await rt.event().wait()
    """


class SavedRunTest(TriremeCase):
    def saved(self, *arguments: str) -> Path:
        self.write("s/scenario.yaml", YAML)
        self.write("s/workload.py", PY)
        self.expect("run", "s", *PYTHON, "--seed", "1", *arguments, out=None)
        return self.run_directory()

    def test_the_report_is_what_the_run_printed(self) -> None:
        self.write("s/scenario.yaml", YAML)
        self.write("s/workload.py", PY)
        run = self.expect("run", "s", *PYTHON, "--trials", "2", out=None)
        report = self.expect("report", str(self.run_directory()), out=None)
        self.assertEqual(report.out, run.out)

    def test_check_comes_to_the_same_results(self) -> None:
        run = self.saved("--trials", "3")
        before = json.loads((run / "results.json").read_text())
        self.expect("check", str(run), out=None)
        after = json.loads((run / "results.json").read_text())
        self.assertEqual(after["cells"], before["cells"])
        self.assertEqual((after["verdict"], after["totals"]), (before["verdict"], before["totals"]))

    def test_a_run_is_copied_and_checked_elsewhere(self) -> None:
        run = self.saved()
        shutil.move(run, self.folder / "copy")
        shutil.rmtree(self.folder / "s")
        self.expect("check", "--quiet", "copy", out="copy\ttrue\n")

    def test_a_history_is_checked_alone(self) -> None:
        run = self.saved()
        history = next(run.glob("trials/*/0/history.trh"))
        self.expect("check", "--quiet", str(history), out=f"{normalised(str(history))}\ttrue\n")

    def test_a_history_is_checked_without_its_run(self) -> None:
        run = self.saved()
        history = next(run.glob("trials/*/0/history.trh"))
        shutil.copy(history, self.folder / "lone.trh")
        shutil.copytree(history.parent, self.folder / "7")
        self.write("lines.jsonl", self.expect("history", str(run), out=None).out)
        cell = history.parent.parent.name
        shutil.rmtree(run)
        self.expect("check", "lone.trh", "7", "lines.jsonl", out=f"""\
            lone.trh: pass
            7: pass
            lines.jsonl: {cell}/0: pass
            """)
        self.expect("check", "--quiet", "lone.trh", "--format", "trh", "--check", "overlap:ops=work", code=4,
                    out="lone.trh\tunknown\n")
        self.expect("check", "--quiet", "lone.trh", "lines.jsonl", "--check", "deadline:op=work,within=1us", code=1,
                    out="lone.trh\tfalse\nlines.jsonl\tfalse\n")

    def test_a_damaged_lone_history_is_unknown(self) -> None:
        run = self.saved()
        history = next(run.glob("trials/*/0/history.trh")).read_bytes()
        (self.folder / "cut.trh").write_bytes(history[:len(history) - 40])
        self.write("cut.jsonl", self.expect("history", str(run), out=None).out[:-40])
        self.expect("check", "--quiet", "cut.trh", "cut.jsonl", code=4, out="cut.trh\tunknown\ncut.jsonl\tunknown\n")

    def test_a_history_that_is_not_recognised(self) -> None:
        run = self.saved()
        hint = ("hint: recognised are run directories, histories of Trireme (trh: history.trh, history.ring, or their "
                "folder) and what 'trireme history' prints (jsonl); other formats are not available yet\n")
        self.write("foreign.edn", "{:type :invoke, :f :read}\n")
        self.expect("check", "foreign.edn", code=2, err="error: foreign.edn: not a Trireme history\n" + hint)
        self.expect("check", "s", code=2, err="error: s: it is neither a run nor holds a history\n" + hint)
        self.expect("check", "foreign.edn", "--format", "jsonl", code=2,
                    err="error: foreign.edn: no line of it is an event\n" + hint)
        self.expect("check", "foreign.edn", "--format", "edn", code=2, err="""\
            error: option --format: format 'edn' is not available yet
            hint: formats: trh, jsonl
            """)
        outcome = self.trireme("check", "foreign.edn", "--check", "linearizable:model=cas-register")
        self.assertEqual((outcome.code, outcome.out), (2, ""))
        self.assertIn("option --check: check 'linearizable' is not available yet\n", outcome.err)
        self.expect("check", "foreign.edn", "--check", "leak", "--check", "leak:allow=thread", code=2, err="""\
            error: option --check: check 'leak' is given twice, with different arguments
            hint: give it once, with the arguments that it is to have
            """)
        self.expect("check", str(run), "--check", "leak", code=2, err=f"""\
            error: {normalised(str(run))} is a run: its plan says how it is judged
            hint: --format and --check are for single histories
            """)

    def damaged(self, run: Path, name: str, text: str) -> tuple[int, str]:
        """What `check` says of a run with that file, which is put back."""
        file = run / name
        before = {path: path.read_bytes() for path in run.iterdir() if path.is_file()}
        file.write_text(text)
        outcome = self.trireme("check", str(run))
        for path, content in before.items():
            path.write_bytes(content)
        self.assertNotIn("internal", outcome.err)
        return outcome.code, outcome.out + outcome.err

    def test_files_of_a_wrong_shape_are_named(self) -> None:
        run = self.saved()
        plan = json.loads((run / "plan.json").read_text())
        results = json.loads((run / "results.json").read_text())
        cell = plan["cells"][0]
        for change, code, said in (
                ({"cells": {}}, 2, "plan.json: cells: a mapping where a list belongs"),
                ({"cells": "x"}, 2, "plan.json: cells: \"x\" where a list belongs"),
                ({"schema": "trireme.plan/9"}, 2, "plan.json: unknown schema 'trireme.plan/9'"),
                ({"seed": 7}, 0, "plan.json: seed: 7 where text belongs"),
                ({"cells": [cell, 7]}, 4, "plan.json: cells[1]: 7 where a mapping belongs"),
                ({"cells": [cell | {"trials": "1"}]}, 4, "plan.json: cells[0].trials: \"1\" where a list belongs"),
                ({"cells": [cell | {"trials": [-1]}]}, 4, "plan.json: cells[0].trials[0]: -1 is less than 0"),
                ({"cells": [cell | {"id": 5}]}, 4, "plan.json: cells[0].id: 5 where text belongs"),
                ({"cells": [{key: cell[key] for key in cell if key != "checks"}]}, 4,
                 "plan.json: cells[0].checks: missing")):
            answer = self.damaged(run, "plan.json", json.dumps(plan | change))
            self.assertEqual(answer[0], code, answer[1])
            self.assertIn(said, answer[1])
        self.assertEqual(self.damaged(run, "plan.json", "[1]")[0], 2)
        text = json.dumps(plan)
        code, said = self.damaged(run, "plan.json", text[:-2] + ",")
        self.assertEqual(code, 4)
        self.assertIn("plan.json is damaged at byte", said)
        results["cells"][0]["trials"]["planned"] = "1"
        for name, damage, note in (
                ("results.json", json.dumps(results), "cells[0].trials.planned: \"1\" where a whole number belongs"),
                ("run.json", "[]", "run.json: a list where a mapping belongs"),
                ("trials.jsonl", "{}\n{", "trials.jsonl: line 1: id: missing"),
                (f"trials/{cell['id']}/0/verdict.json", '{"seconds": "1"}',
                 "0/verdict.json: seconds: \"1\" where a number belongs")):
            code, said = self.damaged(run, name, damage)
            self.assertEqual(code, 0, said)
            self.assertIn(note, said)

    def test_results_of_a_wrong_shape_are_reported_with_their_faults(self) -> None:
        run = self.saved()
        results = json.loads((run / "results.json").read_text())
        results["cells"][0]["trials"].update(planned=-3, executed=99999999999999)
        self.write("results.json", json.dumps(results))
        outcome = self.expect("report", "results.json", out=None)
        self.assertIn("results.json: cells[0].trials.planned: -3 is less than 0\n", outcome.out)
        self.assertIn("results.json: cells[0].trials.executed: 99999999999999 is more than 10000000000\n", outcome.out)

    def test_no_run(self) -> None:
        self.expect("report", "nowhere", code=2, err="""\
            error: there is no run 'nowhere'
            hint: runs are in trireme-runs, unless --out said otherwise
            """)
        self.write("file", "hello")
        outcome = self.trireme("check", "--quiet", "file")
        self.assertEqual((outcome.code, outcome.out), (2, ""))

    def test_history_has_every_event_with_its_labels(self) -> None:
        run = self.saved("--trials", "2")
        outcome = self.expect("history", str(run), "--trial", "1", out=None)
        events = [json.loads(line) for line in outcome.out.splitlines()]
        self.assertEqual({event["trial"] for event in events}, {1})
        self.assertEqual({event["scenario"] for event in events}, {"s"})
        self.assertEqual([event["event"] for event in events if event["event"] in ("begin", "invoke", "ok", "observe", "end")],
                         ["begin", "invoke", "ok", "observe", "end"])

    def test_history_of_a_trial_that_is_not_there(self) -> None:
        run = self.saved()
        outcome = self.trireme("history", str(run), "--trial", "99")
        self.assertEqual((outcome.code, outcome.out), (4, ""))

    def test_results_that_are_cut_anywhere_are_read_as_far_as_they_go(self) -> None:
        run = self.saved()
        text = (run / "results.json").read_bytes()
        for cut in range(0, len(text) - 2, max(1, len(text) // 60)):
            (self.folder / "cut.json").write_bytes(text[:cut])
            for form in ("text", "junit", "markdown"):
                outcome = self.trireme("report", str(self.folder / "cut.json"), "--format", form)
                self.assertIn(outcome.code, (0, 2), f"cut at {cut}: {outcome.err}")
                self.assertNotEqual(outcome.code == 0, outcome.out == "")

    def test_results_with_any_byte_changed_are_no_crash(self) -> None:
        run = self.saved()
        text = bytearray((run / "results.json").read_bytes())
        for place in range(0, len(text), max(1, len(text) // 60)):
            for byte in (0, 0x22, 0x7B, 0xFF):
                changed = bytearray(text)
                changed[place] = byte
                (self.folder / "changed.json").write_bytes(changed)
                outcome = self.trireme("report", "changed.json")
                self.assertIn(outcome.code, (0, 2), f"byte {place}: {outcome.err}")

    def test_a_run_without_results_is_judged_from_its_trials(self) -> None:
        run = self.saved("--trials", "2")
        (run / "results.json").unlink()
        (run / "trials.jsonl").unlink()
        outcome = self.expect("report", str(run), out=None)
        self.assertIn("1 pass", outcome.out)
        self.expect("check", str(run), out=None)
        self.assertEqual(len((run / "trials.jsonl").read_text().splitlines()), 2)

    def test_a_damaged_history_is_unknown(self) -> None:
        run = self.saved()
        history = next(run.glob("trials/*/0/history.trh"))
        history.write_bytes(history.read_bytes()[: history.stat().st_size // 2])
        outcome = self.trireme("check", str(run))
        self.assertEqual(outcome.code, 4)
        self.assertIn("1 unknown", outcome.out)
        self.assertEqual(self.trireme("history", str(run)).code, 4)

    def killed_under_faults(self, after: str) -> tuple[Path, list[dict[str, object]]]:
        """A run whose harness is killed once the workload has begun, and the faults in its history."""
        self.write("s/scenario.yaml", f"""\
            version: 1
            summary: Waits for ever
            workload: {{python: workload.py}}
            runtimes: [threading]
            timeout: 100s
            faults:
              - name: both
                all:
                  - {{name: small-stack, resource: {{stack: 4MiB}}}}
                  - {{name: few-files, resource: {{nofile: 60, after: {after}}}}}
            """)
        self.write("s/workload.py", WAITING)
        process = self.start("run", "s", *PYTHON)
        deadline = time.monotonic() + 60
        while not (self.folder / "s/reached").exists():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)  # as an observer of another process: there is nothing to wait for
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        run = self.run_directory()
        events = [json.loads(line) for line in self.trireme("history", str(run)).out.splitlines()]
        return run, [event for event in events if event["event"] == "fault"]

    def test_what_a_killed_harness_did_is_in_the_history(self) -> None:
        run, faults = self.killed_under_faults("0s")
        self.assertEqual([fault["name"] for fault in faults], ["small-stack", "few-files"])
        report = self.trireme("report", str(run), "--format", "faults")
        self.assertIn("faults applied: few-files 1, small-stack 1\n", report.out)
        self.assertIn("unknown: the harness was gone before the trial ended\n", report.out)

    def test_what_a_killed_harness_did_not_come_to_is_not(self) -> None:
        run, faults = self.killed_under_faults("90s")
        self.assertEqual([fault["name"] for fault in faults], ["small-stack"])
        self.assertIn("faults applied: small-stack 1\n", self.trireme("report", str(run), "--format", "faults").out)

    def test_a_killed_harness_leaves_a_run_that_is_read(self) -> None:
        self.write("s/scenario.yaml", YAML)
        self.write("s/workload.py", PY.replace("0.01", "0.1"))
        process = self.start("run", "s", *PYTHON, "--trials", "500", "--jobs", "2")
        deadline = time.monotonic() + 60
        while len(list(self.folder.glob("trireme-runs/*/trials/*/*/verdict.json"))) < 3:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        run = self.run_directory()
        self.assertFalse((run / "results.json").exists())
        outcome = self.trireme("check", str(run))
        self.assertEqual(outcome.code, 4, outcome.err)
        results = json.loads((run / "results.json").read_text())
        counts = results["cells"][0]["trials"]
        self.assertEqual(counts["planned"], 500)
        self.assertGreaterEqual(counts["pass"], 3)
        self.assertIn("500 planned", normalised(outcome.out))
