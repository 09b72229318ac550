"""Counts false findings and misses: hazard_trials.py TRIREME [--trials N] [--seed N] [--load N] [--jobs N] [SCENARIO...].

Runs many trials of the shipped hazards on every runtime, while other processes compete for the processors. Where a
scenario says that a cell passes, a trial that failed is a false finding; where it says that the cell fails, a trial that
passed is a miss; where it is a matter of chance, neither; and in all of them a finding of a kind that it does not name is a
false one. Ends with 1 when there is one, or a trial about which nothing is known.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Until whoever started it is gone, however it went.
BUSY = """
import os, socket
a, b = socket.socketpair()
parent = os.getppid()
while os.getppid() == parent:
    a.send(bytes(100)), b.recv(100), sum(range(2000))
"""


@dataclass
class Count:
    """Of one cell's trials."""

    scenario: str
    runtime: str
    expected: str
    trials: int
    false: int
    missed: int
    unknown: int
    replay: str

    @property
    def good(self) -> bool:
        return self.trials > 0 and self.false + self.missed + self.unknown == 0


def count(planned: dict[str, Any], cell: dict[str, Any]) -> Count:
    """`planned`: the same cell in plan.json."""
    expect, trials = planned["expect"], cell["trials"]
    passes, fails = "pass" in expect["verdicts"], "fail" in expect["verdicts"]
    named = {expect["finding"], *(expect["findings"] or [])}
    if "multiple-readers" in named:
        named.add("potential")  # by chance neither of them waited
    # One that makes a trial fail which shall pass is counted with the trial.
    unnamed = sum(
        int(finding["count"])
        for finding in cell["findings"]
        if finding["kind"] not in named and (finding["advisory"] or fails)
    )
    return Count(
        scenario=cell["scenario"],
        runtime="/".join(filter(None, (cell["runtime"], cell["interpreter"]))),
        expected=" or ".join(expect["verdicts"]),
        trials=trials["executed"],
        false=(0 if fails else trials["fail"]) + unnamed,
        missed=0 if passes else trials["pass"],
        unknown=trials["unknown"] + trials["planned"] - trials["executed"],
        replay=cell["replay"],
    )


def counts_of(run: Path) -> list[Count]:
    planned = {cell["id"]: cell for cell in json.loads((run / "plan.json").read_text())["cells"]}
    cells = json.loads((run / "results.json").read_text())["cells"]
    return [count(planned[cell["id"]], cell) for cell in cells if cell["verdict"] != "unsupported"]


def table(counts: list[Count]) -> str:
    rows = [
        (one.scenario, one.runtime, one.trials, one.expected, one.false, one.missed, one.unknown)
        for one in sorted(counts, key=lambda one: (one.expected, one.scenario))
    ]
    trials, false, missed, unknown = (
        sum(getattr(one, name) for one in counts) for name in ("trials", "false", "missed", "unknown")
    )
    rows.append(("all", "", trials, "", false, missed, unknown))
    lines = ["| scenario | runtime | trials | expected | false findings | misses | unknown |", "|---|---|---|---|---|---|---|"]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


@contextlib.contextmanager
def competition(processes: int) -> Iterator[None]:
    busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def run(trireme: str, scenarios: list[str], trials: int, seed: str, jobs: int, out: Path) -> None:
    command = [trireme, "run", *scenarios, "--trials", str(trials), "--seed", seed, "--out", str(out)]
    command += ["--keep", "none", "--progress", "never", *(["--jobs", str(jobs)] if jobs else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1, 4):
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="ci/soak hazards", description="Counts false findings and misses under load.")
    parser.add_argument("trireme", help="the program")
    parser.add_argument("scenarios", nargs="*", default=["hazards"], metavar="SCENARIO")
    parser.add_argument("--trials", type=int, default=1000, help="of each cell")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--load", type=int, default=os.cpu_count() or 1, help="processes that compete")
    parser.add_argument("--jobs", type=int, default=0, help="trials at once; 0: as `trireme run` sees fit")
    arguments = parser.parse_intermixed_args()  # scenarios may stand behind the options, too
    with tempfile.TemporaryDirectory() as folder, competition(arguments.load):
        run(arguments.trireme, arguments.scenarios, arguments.trials, arguments.seed, arguments.jobs, Path(folder) / "run")
        counts = counts_of(Path(folder) / "run")
    print(table(counts))
    wrong = [one for one in counts if not one.good]
    for one in wrong:
        print(f"ci/soak: {one.false} false, {one.missed} missed, {one.unknown} unknown: {one.replay}", file=sys.stderr)
    return 1 if wrong or not counts else 0


if __name__ == "__main__":
    sys.exit(main())
