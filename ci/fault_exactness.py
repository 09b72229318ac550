"""ci/soak fault-logs [--runs N] [--repeats N] [--injected N]: whether the same seed hurts every runtime alike, each time, and
whether injection alone makes a loop wait for ever.

First 32 clients that ask 200 times each, over every runtime, N times (100) with another seed: each time the fault logs have to
be equal. Then the patterns under cut-and-reset, which send again what a reset took, N times (20) with one seed: each cell's log
has to be the same each time. Then short counts and EAGAIN where a runtime polls by itself, until N (1,000,000) of them have hit
it: no trial may hang, or do anything else that it should not. Ends with 1 where it is not so."""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

STREAMS = ("hazards/streams-under-faults", "--param", "clients=32", "--param", "requests=200")
# Edge-triggered by Boost.Asio, level-triggered by a selector.
POLLING = ("coroutine", "asyncio")
CHOPPY = """\
version: 1
summary: Short counts, and nothing there although there is
all:
  - {name: short, at: {call: [recv, send], probability: 0.4}, do: {short: 7}}
  - {name: again, at: {call: [recv, send], probability: 0.3}, do: {error: EAGAIN}}
"""
TRIALS_AT_ONCE = 10  # between two looks at how many faults there were


def run(trireme: str, options: list[str], seed: int, out: pathlib.Path, what: Sequence[str] = STREAMS) -> list[dict[str, Any]]:
    """Its cells."""
    command = [trireme, "run", *what, *options, "--seed", str(seed), "--out", str(out)]
    done = subprocess.run([*command, "--keep", "none", "--progress", "never"], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1, 4):
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    cells: list[dict[str, Any]] = json.loads((out / "results.json").read_text())["cells"]
    return cells


def name_of(cell: dict[str, Any]) -> str:
    return "/".join(filter(None, (cell["runtime"], cell["interpreter"])))


def logs_are_equal(trireme: str, runs: int, seed: int, out: pathlib.Path) -> bool:
    cells = run(trireme, ["--faults", "rough", "--trials", str(runs)], seed, out)
    print(f"| runtime | faults applied in {runs} runs | passed | logs equal to the reference's |\n|---|---|---|---|")
    good = len(cells) > 1
    for cell in cells:
        compared = cell["fault_log"].get("trials")  # the reference has none
        equal = f"{compared['equal']} of {compared['compared']}" if compared else "it is the reference"
        print(f"| {name_of(cell)} | {sum(cell['faults_applied'].values())} | {cell['trials']['pass']} | {equal} |")
        good &= cell["trials"]["pass"] == runs and (compared is None or compared["equal"] == runs)
    return good


def repeats_are_equal(trireme: str, repeats: int, seed: int, folder: pathlib.Path) -> bool:
    logs: dict[str, set[str]] = {}
    for number in range(repeats):
        for cell in run(trireme, ["--faults", "cut-and-reset"], seed, folder / f"patterns-{number}", ["patterns"]):
            logs.setdefault(f"{cell['scenario']} on {name_of(cell)}", set()).add(cell["fault_log"]["sha256_of_all"])
    different = [f"{name}: {len(each)} different logs" for name, each in logs.items() if len(each) > 1]
    print(f"patterns under cut-and-reset, {repeats} times with one seed: "
          f"the logs of {len(logs) - len(different)} of {len(logs)} cells are the same each time")
    print("".join(f"  {line}\n" for line in different), end="")
    return bool(logs) and not different


def nothing_hangs(trireme: str, runtime: str, injected: int, seed: int, folder: pathlib.Path) -> bool:
    (plan := folder / "choppy.yaml").write_text(CHOPPY)
    options = ["--faults", str(plan), "--runtimes", runtime, "--reference", runtime, "--trials", str(TRIALS_AT_ONCE)]
    faults = trials = passed = 0
    while faults < injected and passed == trials:
        (cell,) = run(trireme, options, seed + trials, folder / f"{runtime}-{trials}")
        faults += sum(cell["faults_applied"].values())
        trials += TRIALS_AT_ONCE
        passed += cell["trials"]["pass"]
        if not cell["faults_applied"]:
            break
    print(f"{runtime}: {faults} short counts and EAGAIN in {trials} trials, {passed} of which passed")
    return faults >= injected and passed == trials


def main() -> int:
    parser = argparse.ArgumentParser(prog="ci/soak fault-logs", description=__doc__)
    parser.add_argument("trireme", help="the program")
    parser.add_argument("--runs", type=int, default=100, help="in which the logs are compared")
    parser.add_argument("--repeats", type=int, default=20, help="of the patterns with one seed")
    parser.add_argument("--injected", type=int, default=1_000_000, help="short counts and EAGAIN, into each runtime that polls")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        good = logs_are_equal(options.trireme, options.runs, options.seed, pathlib.Path(folder) / "logs")
        good &= repeats_are_equal(options.trireme, options.repeats, options.seed, pathlib.Path(folder))
        for runtime in POLLING:
            good &= nothing_hangs(options.trireme, runtime, options.injected, options.seed, pathlib.Path(folder))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
