#!/usr/bin/env python3
"""Measures the Python runners: python_zygote.py [--interpreter PATH] [--trials N] [--blocks N].

A short trial (10 tasks, 100 operations) from a zygote against a fresh interpreter for each, in interleaved blocks, and
what recording one operation costs. Prints one line a measure: name, value, goal.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "python"))
import agent

GOALS = {"eventlet": 20, "threading": 8, "asyncio": 8}
SHORT_TRIAL = """
async def work(rt, number):
    for n in range(10):
        with rt.op("work", n) as op:
            op.ok(n)

async def main(rt, params):
    await rt.gather(*[rt.spawn(work, rt, n) for n in range(10)])
"""
OPERATIONS = """
import time

async def main(rt, params):
    times = []
    for _ in range(params["rounds"]):
        begin = time.perf_counter()
        for n in range(1000):
            with rt.op("work", 1) as op:
                op.ok(1)
        times.append(time.perf_counter() - begin)
    rt.observe("seconds", min(times) / 1000)
"""


def one_zygote(zygote: agent.Agent) -> float:
    begin = time.perf_counter()
    with zygote.started() as running:
        running.wait_ended()
    return time.perf_counter() - begin


def one_interpreter(python: str, runtime: str, workload: Path) -> float:
    """A runner that starts, loads and runs one trial: what `isolation: process` without a zygote would cost."""
    begin = time.perf_counter()
    with agent.agent(python) as fresh:
        assert fresh.load(runtime, workload)["type"] == "ready"
        with fresh.started() as running:
            running.wait_ended()
        return time.perf_counter() - begin


def ratio(python: str, runtime: str, workload: Path, trials: int, blocks: int) -> tuple[float, float]:
    """Seconds a trial: from a zygote, and with an interpreter of its own; medians."""
    zygotes, fresh = [], []
    with agent.agent(python) as zygote:
        assert zygote.load(runtime, workload)["type"] == "ready"
        one_zygote(zygote)
        order = [True, False] * blocks
        random.Random(1).shuffle(order)
        for from_zygote in order:
            if from_zygote:
                zygotes += [one_zygote(zygote) for _ in range(trials)]
            else:
                fresh += [one_interpreter(python, runtime, workload) for _ in range(max(1, trials // 5))]
    return statistics.median(zygotes), statistics.median(fresh)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interpreter", default=sys.executable)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--blocks", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workload = Path(folder) / "workload.py"
        workload.write_text(SHORT_TRIAL)
        for runtime, goal in GOALS.items():
            fork, fresh = ratio(options.interpreter, runtime, workload, options.trials, options.blocks)
            print(f"zygote against interpreter, {runtime}: {fresh / fork:.1f}x (goal >= {goal}x; "
                  f"{fork * 1e3:.1f} ms, {fresh * 1e3:.0f} ms)")  # fmt: skip
        workload.write_text(OPERATIONS)
        for runtime in GOALS:
            with agent.agent(options.interpreter) as zygote:
                zygote.load(runtime, workload)
                seconds = zygote.trial({"rounds": 20}).observed()["seconds"]
                print(f"recording one operation, {runtime}: {seconds * 1e6:.2f} us (goal <= 1.5 us)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
