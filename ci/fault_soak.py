"""ci/soak faults [--trials N]: N trials (10000) of the patterns under nightly-mix, and what the machine has afterwards that
it had not before: processes, descriptors of the harness, shared memory, mounts, control groups. Ends with 1 where
something was left behind, or a trial failed."""

import argparse
import contextlib
import os
import pathlib
import subprocess
import sys
import time
import uuid

MARK = "TRIREME_SOAK"  # in the environment of whatever the harness starts
SCENARIOS = ["patterns/client", "patterns/dispatch", "patterns/server"]
RUNTIMES = 7
LOOK_INTERVAL = 0.2  # seconds between two looks at the descriptors of the harness


def processes(mark: str) -> set[str]:
    """Those with that mark, as "id name"."""
    found: set[str] = set()
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.add(f"process {process.name} {(process / 'comm').read_text().strip()}")
        except OSError:  # it ended, or is another user's
            continue
    return found


def machine() -> set[str]:
    """What outlives a process."""
    left = {f"/dev/shm/{name}" for name in os.listdir("/dev/shm")}
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        left.add(f"mount {line.split()[4]}")
    left |= {f"cgroup {path}" for path in pathlib.Path("/sys/fs/cgroup").rglob("*trireme*")}
    return left


def descriptors(pid: int) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0


def run(trireme: str, scenarios: list[str], trials: int, seed: int, out: str) -> tuple[int, float, list[int], set[str]]:
    """Exit code, seconds, how many descriptors the harness had at each look, and the processes that it left."""
    mark = uuid.uuid4().hex
    command = [trireme, "run", *scenarios, "--faults", "nightly-mix", "--seed", str(seed), "--trials", str(trials)]
    command += ["--keep", "failed", "--progress", "never", "--out", out]
    begin = time.monotonic()
    harness = subprocess.Popen(command, env=os.environ | {MARK: mark})
    counts = []
    while harness.poll() is None:
        counts.append(descriptors(harness.pid))
        with contextlib.suppress(subprocess.TimeoutExpired):
            harness.wait(LOOK_INTERVAL)
    return harness.returncode, time.monotonic() - begin, counts, processes(mark)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trireme")
    parser.add_argument("scenarios", nargs="*", default=SCENARIOS)
    parser.add_argument("--trials", type=int, default=10_000, help="in all, over scenarios and runtimes")
    parser.add_argument("--seed", type=int, default=99)
    parser.add_argument("--out", default="build/fault-soak")
    options = parser.parse_args()
    before = machine()
    each = -(-options.trials // (RUNTIMES * len(options.scenarios)))
    code, seconds, counts, left = run(options.trireme, options.scenarios, each, options.seed, options.out)
    left |= machine() - before
    trials = each * RUNTIMES * len(options.scenarios)
    print(f"{trials} trials in {seconds:.0f} s, at most {max(counts, default=0)} descriptors of the harness at once")
    for what in sorted(left):
        print(f"left behind: {what}")
    if code != 0:
        print(f"trireme run ended with {code}; its run directory is {options.out}", file=sys.stderr)
    return 1 if left or code != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
