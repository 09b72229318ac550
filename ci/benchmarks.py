"""Measures what the README's table of speed and size says: benchmarks.py BUILD PYTHON [--quick] [--only WORD].

Whole processes are measured here, by running the program; the rest are the Google Benchmark programs of tests/bench.
What is compared is run side by side, in blocks whose order is shuffled, and the median of the blocks stands. Nothing is
judged: the goal is printed beside what was measured.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import watched_programs

PYTHON_RUNTIMES = ("eventlet", "threading", "asyncio")
CPP_RUNTIMES = ("fiber", "thread", "coroutine")
SWEPT_RUNTIMES = (*CPP_RUNTIMES, *PYTHON_RUNTIMES)

SHORT_TRIAL = """\
async def main(rt, params):
    async def work():
        for n in range(10):
            with rt.op("step", n) as op:
                op.ok(n)

    for task in [rt.spawn(work) for _ in range(10)]:
        await task.join()
    rt.observe("done", True)
"""

OPERATIONS = """\
import time


async def main(rt, params):
    count = params["count"]
    for n in range(1000):
        with rt.op("step", n) as op:
            op.ok(n)
    begin = time.perf_counter_ns()
    for n in range(count):
        with rt.op("step", n) as op:
            op.ok(n)
    rt.metric("operation", (time.perf_counter_ns() - begin) / count, "ns")
    rt.observe("done", True)
"""

EMPTY = """\
#include "trireme/workload.h"
using namespace trireme;
Task<> Main(Runtime& rt, const Params&) {
  rt.Observe("done", true);
  co_return;
}
TRIREME_WORKLOAD(Main)
"""

# Over 64 connections, a message under way on each; tests/bench/proxy_bench.cc has the same with ends written by hand.
ECHO = """\
#include "trireme/workload.h"
using namespace trireme;

constexpr int kConnections = 64;
constexpr int kMessage = 64;

Task<> Answer(Stream stream) {
  for (std::string data; !(data = co_await stream.Recv(4096)).empty();)
    co_await stream.SendAll(data);
}

Task<> Ask(Stream stream, int rounds) {
  const std::string message(kMessage, 'x');
  for (int i = 0; i < rounds; ++i) {
    co_await stream.SendAll(message);
    co_await stream.RecvExactly(message.size());
  }
  stream.Close();
}

Task<> Main(Runtime& rt, const Params& params) {
  const int rounds = params.Get<int>("rounds");
  Listener listener = co_await rt.Listen();
  std::vector<Stream> streams;
  std::vector<TaskHandle<>> tasks;
  for (int i = 0; i < kConnections; ++i) {
    streams.push_back(co_await rt.Connect(listener.address()));
    tasks.push_back(rt.Spawn("connection", Answer, co_await listener.Accept()));
  }
  const double begin = rt.Now();
  for (Stream& stream : streams) tasks.push_back(rt.Spawn("client", Ask, std::move(stream), rounds));
  streams.clear();
  for (auto& task : tasks) co_await task.Join();
  rt.Metric("rate", kConnections * rounds / (rt.Now() - begin), "1/s");
  rt.Observe("rounds", rounds);
  listener.Close();
}
TRIREME_WORKLOAD(Main)
"""


@dataclass
class Row:
    measure: str
    goal: str
    measured: str


class Bench:
    def __init__(self, build: Path, python: str, quick: bool, folder: Path) -> None:
        self.trireme = str(build / "bin/trireme")
        self.python = python
        self.programs = sorted((build / "tests/bench").glob("*_bench"))
        self.blocks = 1 if quick else 5
        self.scale = 10 if quick else 1
        self.folder = folder
        self.random = random.Random(3)

    def scenario(self, name: str, workload: str, text: str, **settings: object) -> Path:
        folder = self.folder / name
        folder.mkdir()
        (folder / workload).write_text(text)
        language = "python" if workload.endswith(".py") else "cpp"
        document = {"version": 1, "summary": name, "workload": {language: workload}, "checks": ["progress"], **settings}
        (folder / "scenario.yaml").write_text(json.dumps(document))
        return folder

    def run(self, scenario: Path | str, *options: str, ends: Collection[int] = (0, 4), jobs: int = 1) -> tuple[float, Path]:
        """Seconds that a run took, and its directory. `ends`: the exit codes that it may have; `jobs`: 0: as it sees fit."""
        out = self.folder / f"run-{self.random.getrandbits(48):x}"
        command = [
            self.trireme,
            "run",
            str(scenario),
            "--out",
            str(out),
            "--progress",
            "never",
            *(["--jobs", str(jobs)] if jobs else []),
            *options,
        ]
        begin = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, check=False)
        seconds = time.perf_counter() - begin
        if done.returncode not in ends:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return seconds, out

    def per_trial(self, scenario: Path, few: int, many: int, *options: str) -> float:
        """Seconds that one more trial costs: the difference of two runs, so that starting up is not counted."""
        short, _ = self.run(scenario, "--trials", str(few), "--keep", "none", *options)
        long, _ = self.run(scenario, "--trials", str(many), "--keep", "none", *options)
        return (long - short) / (many - few)

    def side_by_side(self, arms: dict[str, Callable[[], float]]) -> dict[str, float]:
        """The median of each arm over the blocks; each block runs every arm once, in random order."""
        samples: dict[str, list[float]] = {name: [] for name in arms}
        for _ in range(self.blocks):
            for name in self.random.sample(list(arms), len(arms)):
                samples[name].append(arms[name]())
        return {name: statistics.median(values) for name, values in samples.items()}

    def short_trials(self) -> list[Row]:
        fork = self.scenario("short", "workload.py", SHORT_TRIAL)
        fresh = self.scenario("short-fresh", "workload.py", SHORT_TRIAL, isolation="process")
        rows = []
        for runtime in PYTHON_RUNTIMES:
            only = ("--runtimes", runtime, "--reference", runtime)
            medians = self.side_by_side(
                {
                    "fork": functools.partial(self.per_trial, fork, 20, 20 + 200 // self.scale, *only),
                    "fresh": functools.partial(self.per_trial, fresh, 2, 2 + 20 // self.scale, *only),
                }
            )
            ratio = medians["fresh"] / medians["fork"]
            rows.append(
                Row(
                    f"short trials, {runtime}: zygote against a fresh interpreter per trial",
                    ">= 20x" if runtime == "eventlet" else ">= 8x",
                    f"{ratio:.1f}x ({1 / medians['fork']:.0f} against {1 / medians['fresh']:.1f} per second)",
                )
            )
        return rows

    def python_operation(self) -> list[Row]:
        scenario = self.scenario("operations", "workload.py", OPERATIONS, params={"count": 20000})

        def measure() -> float:
            _, out = self.run(scenario, "--runtimes", "threading", "--reference", "threading")
            cell = json.loads((out / "results.json").read_text())["cells"][0]
            return float(cell["metrics"]["operation"]["p50"])

        median = self.side_by_side({"python": measure})["python"]
        return [Row("recording one operation (invoke + ok) from Python", "<= 1.5 us", f"{median / 1000:.2f} us")]

    def empty_trials(self) -> list[Row]:
        scenario = self.scenario("empty", "workload.cc", EMPTY)
        only = ("--runtimes", "thread", "--reference", "thread")
        self.run(scenario, "--trials", "1", *only)  # compiles it
        measure = functools.partial(self.per_trial, scenario, 100, 100 + 3000 // self.scale, *only)
        cost = self.side_by_side({"trial": measure})["trial"]
        trials = 10000 // self.scale
        early, peak = self.resident(scenario, trials, *only)
        return [
            Row("engine cost per trial of an empty C++ workload", "<= 1 ms", f"{cost * 1000:.2f} ms"),
            Row(
                f"resident memory of the harness over {trials:,} trials",
                "flat, <= 60 MiB",
                f"{early / 1024:.1f} MiB after a tenth, {peak / 1024:.1f} MiB at most",
            ),
        ]

    def resident(self, scenario: Path, trials: int, *options: str) -> tuple[int, int]:
        """Resident KiB of the harness when a tenth of the run's time is over, and at most."""
        out = self.folder / "resident"
        command = [self.trireme, "run", str(scenario), "--out", str(out), "--trials", str(trials), "--keep", "none"]
        samples = []
        with subprocess.Popen(
            [*command, "--progress", "never", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            while process.poll() is None:
                status = Path(f"/proc/{process.pid}/status").read_text()
                if match := re.search(r"VmRSS:\s+(\d+)", status):
                    samples.append(int(match[1]))
                time.sleep(0.1)
        return samples[len(samples) // 10], max(samples)

    def sweeps(self) -> list[Row]:
        """One fault at each point, as many trials at once as `run` sees fit."""
        cores = os.cpu_count() or 1
        options = ("--faults", "sweep", "--keep", "none")
        rows = []
        for runtime in SWEPT_RUNTIMES:
            rates = []
            for _ in range(min(self.blocks, 3)):
                chosen = ("--runtimes", runtime, "--reference", runtime)
                seconds, out = self.run("patterns/dispatch", *chosen, *options, ends=(0, 1), jobs=0)
                (cell,) = json.loads((out / "results.json").read_text())["cells"]
                rates.append(cell["trials"]["executed"] / seconds / cores)
            measure = f"faults by sweep on patterns/dispatch, points tried per second per core, {runtime}"
            rows.append(Row(measure, ">= 50", f"{statistics.median(rates):.0f}"))
        return rows

    def hops(self) -> list[Row]:
        """What a program sees of the proxy of a fault that never comes."""
        scenario = self.scenario("echo", "workload.cc", ECHO, params={"rounds": 5000 // self.scale})
        far = self.folder / "far.yaml"
        far.write_text("version: 1\nsummary: A terabyte away\nnetwork: {cut: 1TiB}\n")
        rows = []
        for runtime in CPP_RUNTIMES:

            def rate(*options: str, only: tuple[str, ...] = ("--runtimes", runtime, "--reference", runtime)) -> float:
                _, out = self.run(scenario, *only, *options)
                (cell,) = json.loads((out / "results.json").read_text())["cells"]
                return float(cell["metrics"]["rate"]["p50"])

            rates = self.side_by_side({"direct": rate, "proxy": functools.partial(rate, "--faults", str(far))})
            ratio = f"{rates['proxy'] / rates['direct']:.2f}x ({rates['proxy']:,.0f} against {rates['direct']:,.0f} per second)"
            rows.append(Row(f"echo of a C++ workload through the proxy, 64 connections, {runtime}", ">= 0.5x", ratio))
        return rows

    def thousand_scenarios(self) -> list[Row]:
        many = self.folder / "thousand"
        for n in range(1000):
            folder = many / f"s{n:03}"
            folder.mkdir(parents=True)
            (folder / "workload.py").write_text("async def main(rt, params):\n    rt.observe('n', 1)\n")
            (folder / "scenario.yaml").write_text(
                f"version: 1\nsummary: Number {n}\nworkload: {{python: workload.py}}\n"
                "params: {readers: 2}\nmatrix: {size: [1, 2]}\nexpect:\n  default: {verdict: pass}\n"
            )

        def measure() -> float:
            begin = time.perf_counter()
            command = [self.trireme, "run", str(many), "--dry-run"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.folder)
            return time.perf_counter() - begin

        seconds = self.side_by_side({"plan": measure})["plan"]
        return [Row("parse and plan 1,000 scenarios", "<= 1 s", f"{seconds:.2f} s")]

    def recording(self) -> list[Row]:
        """The server pattern with recording on and off; the trials' own seconds, without the harness around them."""
        rows = []
        for runtime in PYTHON_RUNTIMES:
            only = ("--runtimes", runtime, "--reference", runtime, "--trials", str(max(2, 20 // self.scale)))

            def seconds(*options: str, only: tuple[str, ...] = only) -> float:
                _, out = self.run("patterns/server", *only, *options)
                lines = (out / "trials.jsonl").read_text().splitlines()
                return statistics.median(float(json.loads(line)["seconds"]) for line in lines)

            medians = self.side_by_side({"on": seconds, "off": functools.partial(seconds, "--no-record")})
            slowdown = f"{(medians['on'] / medians['off'] - 1) * 100:+.1f} %"
            rows.append(Row(f"patterns/server, {runtime}: recording on against off", "<= 10 %", slowdown))
        return rows

    def transfers(self) -> list[Row]:
        """Calls and waits on sockets, in Python; tests/bench/transfer_bench.cc has those of C++."""
        watch = [self.trireme, "watch", "--"]
        goals = {"threads": "<= +5 %", "eventlet": "<= +8 %", "asyncio": "<= +8 %"}
        rows = []
        for kind, goal in goals.items():
            ratio = watched_programs.compare_transfers(watch, self.python, kind, 400 // self.scale, self.random)
            measure = f"send and recv of 100 bytes on loopback with the probe against without, {kind}"
            rows.append(Row(measure, goal, ratio.as_slowdown()))
        return rows

    def switches(self) -> list[Row]:
        """Of tasks, told from Python; tests/bench/transfer_bench.cc has that of C++."""
        watch = [self.trireme, "watch", "--"]
        rows = []
        for kind, runtime in {"set_task": "by itself", "greenlet_trace": "eventlet", "step": "asyncio"}.items():
            seconds = watched_programs.switch_seconds(watch, self.python, kind, 100 // self.scale)
            measure = f"one task switch told to the probe from Python, {runtime}"
            rows.append(Row(measure, "<= 0.5 us", f"{seconds * 1e6:.2f} us"))
        return rows

    def servers(self) -> list[Row]:
        watch = [self.trireme, "watch", "--"]
        rows = []
        for server, name in {"gunicorn": "gunicorn -k eventlet", "aiohttp": "aiohttp"}.items():
            ratio = watched_programs.compare_requests(watch, self.python, server, 200 // self.scale, self.random)
            rows.append(Row(f"requests per second of {name} under watch against without", ">= 0.90x", ratio.as_rate()))
        return rows

    def programs_of_tests(self) -> list[Row]:
        """The Google Benchmark programs: each benchmark's median, and its ratio to the one that its label names."""
        rows = []
        for program in self.programs:
            command = [str(program), "--benchmark_format=json", "--benchmark_enable_random_interleaving=true"]
            command += [f"--benchmark_repetitions={self.blocks}", "--benchmark_report_aggregates_only=true"]
            done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=self.folder)
            medians = {
                entry["run_name"]: entry
                for entry in json.loads(done.stdout)["benchmarks"]
                if entry.get("aggregate_name", "median") == "median"
            }
            rows += [row for name, entry in medians.items() if (row := self.row(name, entry, medians))]
        return rows

    @staticmethod
    def row(name: str, entry: dict[str, object], medians: dict[str, dict[str, object]]) -> Row | None:
        """The label of a benchmark is "MEASURE | GOAL", of its time or a counter `microseconds`, or "MEASURE | GOAL | NAME"
        for its rate against NAME's.
        """
        parts = [part.strip() for part in str(entry.get("label", "")).split("|")]
        if len(parts) < 2:
            return None
        if "ratio" in entry:  # it compared by itself
            low, median, high = (float(str(entry[name])) for name in ("ratio_low", "ratio", "ratio_high"))
            return Row(parts[0], parts[1], watched_programs.Ratio(low, median, high).as_slowdown())
        if "microseconds" in entry:  # what it measured is not its own time
            return Row(parts[0], parts[1], f"{float(str(entry['microseconds'])):.0f} us")
        if len(parts) == 2:
            return Row(parts[0], parts[1], f"{float(str(entry['real_time'])):.0f} {entry['time_unit']}")
        mine, other = (float(str(one["items_per_second"])) for one in (entry, medians[parts[2]]))
        return Row(parts[0], parts[1], f"{mine / other:.2f}x ({mine:,.0f} against {other:,.0f} per second)")

    def measures(self) -> dict[str, Callable[[], list[Row]]]:
        return {
            "short-trials": self.short_trials,
            "python-operation": self.python_operation,
            "programs": self.programs_of_tests,
            "transfers": self.transfers,
            "switches": self.switches,
            "servers": self.servers,
            "recording": self.recording,
            "empty-trials": self.empty_trials,
            "scenarios": self.thousand_scenarios,
            "sweeps": self.sweeps,
            "hops": self.hops,
        }


def machine() -> str:
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{os.cpu_count()} cores, {cpu[1] if cpu else platform.machine()}, Linux {platform.release()}"


def table(rows: list[Row]) -> str:
    lines = ["| measure | goal | measured |", "|---|---|---|"]
    return "\n".join(lines + [f"| {row.measure} | {row.goal} | {row.measured} |" for row in rows])


def main() -> int:
    parser = argparse.ArgumentParser(prog="ci/bench", description="Prints the table of speed and size.")
    parser.add_argument("build", type=Path, help="a release build")
    parser.add_argument("python", help="an interpreter that has what ci/bench.txt names")
    parser.add_argument("--quick", action="store_true", help="one block, a tenth of the trials: to see that it works")
    parser.add_argument("--only", help="only the measures whose name contains this")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(arguments.build.resolve(), arguments.python, arguments.quick, Path(folder))
        rows: list[Row] = []
        measures = bench.measures()
        wanted = [name for name in measures if not arguments.only or arguments.only in name]
        if not wanted:
            parser.error(f"--only {arguments.only}: no measure has that in its name; there are {', '.join(measures)}")
        for name in wanted:
            print(f"measuring {name}", file=sys.stderr)
            try:
                rows += measures[name]()
            except (RuntimeError, OSError, KeyError, ValueError, subprocess.SubprocessError) as error:
                print(f"ci/bench: error: {name}: {error}", file=sys.stderr)
                rows.append(Row(name, "", "not measured: see standard error"))
    print(f"{machine()}\n\n{table(rows)}")
    return 1 if any(row.measured.startswith("not measured") for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
