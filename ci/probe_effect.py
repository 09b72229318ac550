"""Says whether recording changes how often a race shows: probe_effect.py TRIREME [--trials N] [--only WORD].

The shipped workloads of planted races run with recording on and off (--no-record: then the probe's functions return at
once), in blocks whose order is random. What their trials observed is written to a file by a wrapper, since nothing is
recorded where recording is off. Beside the races as they are shipped stand smaller windows, which not every trial hits.
Prints the shares and their ratio with its 95 % interval; ends with 1 where that lies outside of 0.5 to 2.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCENARIOS = Path(__file__).resolve().parent.parent / "scenarios"
BLOCK = 50  # trials
LOW, HIGH = 0.5, 2.0

PYTHON = """\
import json, os, runpy

shipped = runpy.run_path({workload})["main"]


class Telling:
    def __init__(self, rt):
        self._rt = rt

    def __getattr__(self, name):
        return getattr(self._rt, name)

    def observe(self, key, value):
        tell(json.dumps(value))
        self._rt.observe(key, value)


def tell(text):
    file = os.open({told}, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, text.encode() + b"\\n")
    os.close(file)


async def main(rt, params):
    await shipped(Telling(rt), params)
"""

CPP = """\
#include "trireme/workload.h"

#include <fstream>
#include <string>
#include <type_traits>
#include <vector>

namespace {{
template <typename Value>
const Value& Tell(const Value& value) {{
  std::ofstream file({told}, std::ios::app);
  if constexpr (std::is_same_v<Value, std::vector<int>>) {{
    std::string text;
    for (const int one : value) text += (text.empty() ? "[" : ",") + std::to_string(one);
    file << text + "]\\n";
  }} else {{
    file << std::to_string(value) + "\\n";
  }}
  return value;
}}
}}  // namespace

#define Observe(key, value) Observe(key, Tell(value))
#include {workload}
"""


@dataclass
class Race:
    scenario: str
    runtime: str
    params: dict[str, int]
    shows: Callable[[Any], bool]  # in what a trial observed

    @property
    def name(self) -> str:
        params = ", ".join(f"{name} {value}" for name, value in self.params.items())
        return f"{self.scenario}, {self.runtime}" + (f" ({params})" if params else "")


def races() -> list[Race]:
    """The parameters are all that the scenario has: first as it is shipped, then smaller."""

    def lost_update(runtime: str, updates: int, rounds: int) -> Race:
        params = {"tasks": 4, "updates": updates, "rounds": rounds}
        return Race("planted/lost-update", runtime, params, lambda told: told != 4 * updates)

    def completion_order(runtime: str, rounds: int) -> Race:
        params = {"tasks": 6, "rounds": rounds}
        return Race("planted/completion-order", runtime, params, lambda told: told != list(range(6)))

    found = []
    for runtime, updates, rounds, fewer in (("threading", 20, 300, 2000), ("thread", 20, 100, 10)):
        found += [lost_update(runtime, 100, 1000), lost_update(runtime, updates, rounds)]
        found += [completion_order(runtime, 10000), completion_order(runtime, fewer)]
    return found


def ratio_of(on: int, on_of: int, off: int, off_of: int) -> tuple[float, float, float]:
    """Of two shares, between the ends of its 95 % interval: by the logarithm, with a half added to each number."""
    a, b = on + 0.5, off + 0.5
    ratio = (a / (on_of + 0.5)) / (b / (off_of + 0.5))
    spread = math.exp(1.96 * math.sqrt(max(1 / a - 1 / (on_of + 0.5) + 1 / b - 1 / (off_of + 0.5), 0)))
    return ratio / spread, ratio, ratio * spread


class Comparison:
    """One race's trials, with recording on and off."""

    def __init__(self, trireme: str, race: Race, folder: Path) -> None:
        self.race = race
        self.showed = {"on": 0, "off": 0}
        self.trials = {"on": 0, "off": 0}
        self._trireme = trireme
        self._folder = folder
        self._told = folder / "told"
        native = race.runtime == "thread"
        language, workload, wrapper = ("cpp", "workload.cc", CPP) if native else ("python", "workload.py", PYTHON)
        shipped = json.dumps(str(SCENARIOS / race.scenario / workload))
        folder.mkdir()
        (folder / workload).write_text(wrapper.format(workload=shipped, told=json.dumps(str(self._told))))
        document = {"version": 1, "summary": race.name, "timeout": "20s", "checks": ["progress"]}
        document |= {"workload": {language: workload}, "params": race.params}
        (folder / "scenario.yaml").write_text(json.dumps(document))

    def run(self, arm: str, trials: int) -> None:
        self._told.unlink(missing_ok=True)
        out = self._folder / "run"
        command = [self._trireme, "run", str(self._folder), "--runtimes", self.race.runtime, "--reference", self.race.runtime]
        command += ["--trials", str(trials), "--jobs", "1", "--out", str(out), "--keep", "none", "--progress", "never"]
        command += ["--no-record"] if arm == "off" else []
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 4) or not self._told.exists():
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        shutil.rmtree(out)
        # Without a recording every trial is unknown, and run once more: so there are twice as many.
        told = [self.race.shows(json.loads(line)) for line in self._told.read_text().splitlines()]
        self.showed[arm] += told.count(True)
        self.trials[arm] += len(told)

    @property
    def ratio(self) -> tuple[float, float, float]:
        return ratio_of(self.showed["on"], self.trials["on"], self.showed["off"], self.trials["off"])

    @property
    def good(self) -> bool:
        low, _, high = self.ratio
        return min(self.trials.values()) > 0 and high >= LOW and low <= HIGH

    def row(self) -> str:
        low, ratio, high = self.ratio
        on, off = (f"{self.showed[arm]} of {self.trials[arm]}" for arm in ("on", "off"))
        return f"| {self.race.name} | {on} | {off} | {ratio:.2f}x ({low:.2f}x to {high:.2f}x) |"


def main() -> int:
    parser = argparse.ArgumentParser(prog="ci/soak probe-effect", description="Compares how often planted races show.")
    parser.add_argument("trireme", help="the program")
    parser.add_argument("--trials", type=int, default=1000, help="of each race and arm")
    parser.add_argument("--only", default="", help="only the races whose name contains this")
    arguments = parser.parse_args()
    order = random.Random(3)
    print("| race | shows with recording on | off | ratio of the shares (95 %) |\n|---|---|---|---|")
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for number, race in enumerate(race for race in races() if arguments.only in race.name):
            comparison = Comparison(arguments.trireme, race, Path(folder) / str(number))
            for begin in range(0, arguments.trials, BLOCK):
                for arm in order.sample(("on", "off"), 2):
                    comparison.run(arm, min(BLOCK, arguments.trials - begin))
            print(comparison.row(), flush=True)
            good = good and comparison.good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
