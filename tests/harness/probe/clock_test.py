"""Clocks that a fault moves, as programs see them: clock_test.py PROBE.

Whoever computes a deadline by a moved clock and waits for it must wake up when that clock shows it: each program here would
hang, or come too soon, if only the reading of the clock were faulty.
"""

from __future__ import annotations

import errno
import os
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "python"))
import recording

PROBE = sys.argv.pop(1) if len(sys.argv) > 1 else ""
HOUR = 3600
SECOND = 1_000_000_000
REALTIME, MONOTONIC = 1, 2
# Longer than any wait here, so that only what hangs takes so long.
PATIENCE = 60

# Offsets of probe_abi.h: in the header the size of the plan block and the block, in that the first clock and the names.
PLAN_SIZE, PLAN, CLOCKS, CLOCK, NAMES, PLAN_BYTES = 84, 88, 36, 64, 1888, 2048
CLOCK_FAULT = struct.Struct("<QQqQIIQII")


@dataclass
class ClockFault:
    jump: int = 0  # seconds
    rate: float = 1
    clocks: int = REALTIME
    late: float = 0  # seconds
    begin: float = 0
    until: float = 0

    def pack(self, number: int) -> bytes:
        in_nanoseconds = [int(value * SECOND) for value in (self.begin, self.until, self.jump, self.rate)]
        return CLOCK_FAULT.pack(*in_nanoseconds, self.clocks, number, int(self.late * SECOND), 0, 0)


def put_plan(path: Path, faults: list[ClockFault]) -> None:
    plan = bytearray(PLAN_BYTES)
    struct.pack_into("<I", plan, 0, recording.PLAN_VERSION)
    struct.pack_into("<I", plan, CLOCKS, len(faults))
    for index, fault in enumerate(faults):
        start = CLOCK + index * CLOCK_FAULT.size
        plan[start : start + CLOCK_FAULT.size] = fault.pack(index + 1)
    with path.open("r+b") as file:
        file.seek(PLAN_SIZE)
        file.write(struct.pack("<I", len(plan)) + plan)


class ClockTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.recording = Path(folder.name) / "history.ring"
        recording.create(self.recording)

    def run_program(self, argv: list[str], faults: Iterable[ClockFault] = ()) -> str:
        """Its output; it must end."""
        put_plan(self.recording, list(faults))
        environment = os.environ | {"LD_PRELOAD": PROBE, "TRIREME_HISTORY": str(self.recording)}
        done = subprocess.run(
            argv, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def run_python(self, code: str, *faults: ClockFault) -> str:
        return self.run_program([sys.executable, "-c", code], faults)

    def fault_values(self) -> list[object]:
        return [event.value for event in recording.read(self.recording) if event.kind == "fault"]

    def assert_near(self, shown: float, true: float) -> None:
        """Within an interval that no loaded machine exceeds, and no fault here comes near to."""
        self.assertLess(abs(shown - true), HOUR / 2)

    def test_shows_the_true_time_without_a_fault(self) -> None:
        self.assert_near(float(self.run_python("import time; print(time.time())")), time.time())
        self.assertEqual(self.fault_values(), [])

    def test_jumps_back(self) -> None:
        shown = self.run_python("import time; print(time.time())", ClockFault(jump=-HOUR))
        self.assert_near(float(shown), time.time() - HOUR)
        self.assertEqual(self.fault_values(), [{"do": {"jump": -HOUR, "clocks": ["realtime"]}}])

    def test_leaves_the_other_clock_alone(self) -> None:
        shown = self.run_python("import time; print(time.monotonic())", ClockFault(jump=-HOUR))
        self.assert_near(float(shown), time.monotonic())

    def test_moves_each_function_that_reads_the_clock(self) -> None:
        code = (
            "import ctypes\n"
            "c = ctypes.CDLL(None)\n"
            "pair = (ctypes.c_long * 2)()\n"
            "c.gettimeofday(pair, None); print(pair[0])\n"
            "c.time.restype = ctypes.c_long; print(c.time(None))\n"
            "c.timespec_get(pair, 1); print(pair[0])\n"
            "c.clock_gettime(0, pair); print(pair[0])\n"
            "c.clock_gettime(5, pair); print(pair[0])\n"  # CLOCK_REALTIME_COARSE
            "print(c.gettimeofday(None, None))\n"
        )
        *shown, null = self.run_python(code, ClockFault(jump=5 * HOUR)).split()
        for seconds in shown:
            self.assert_near(float(seconds), time.time() + 5 * HOUR)
        self.assertEqual((len(shown), null), (5, "0"))

    def test_moves_the_clock_of_a_program_that_records_nothing(self) -> None:
        shown = self.run_program(["date", "+%s"], [ClockFault(jump=-HOUR)])
        self.assert_near(float(shown), time.time() - HOUR)

    def test_runs_fast_and_slow(self) -> None:
        code = (
            "import time\n"
            "begin, shown = time.monotonic(), time.time()\n"
            "while time.monotonic() - begin < 0.02: pass\n"
            "print((time.time() - shown) / (time.monotonic() - begin))\n"
        )
        self.assertGreater(float(self.run_python(code, ClockFault(rate=1000))), 100)
        self.assertLess(float(self.run_python(code, ClockFault(rate=0.001))), 0.5)

    def test_comes_back_and_says_so(self) -> None:
        code = PLAN_FILE + "first = time.time(); put(UNTIL, 1); print(time.time() - first)"
        self.assert_near(float(self.run_python(code, ClockFault(jump=-HOUR, until=1000))), HOUR)
        value = {"do": {"jump": -HOUR, "clocks": ["realtime"]}}
        self.assertEqual(self.fault_values(), [value, value | {"over": True}])

    def test_times_of_events_are_true(self) -> None:
        begin = time.monotonic_ns()
        self.run_python("import time; time.time(); time.monotonic()", ClockFault(jump=HOUR, clocks=3))
        events = recording.read(self.recording)
        self.assertTrue(any(event.kind == "fault" for event in events))
        for event in events:
            self.assertLessEqual(begin, event.time)
            self.assertLessEqual(event.time, time.monotonic_ns())

    def test_waits_end_whatever_the_clock_shows(self) -> None:
        moves = [
            ClockFault(jump=HOUR),
            ClockFault(jump=-HOUR),
            ClockFault(jump=HOUR, clocks=3),
            ClockFault(jump=-HOUR, clocks=3),
            ClockFault(jump=-HOUR - int(time.monotonic()), clocks=3),  # below nothing, as after a start just now
            ClockFault(rate=0.5, clocks=3),
            ClockFault(rate=100, clocks=3),
        ]
        for move in moves:
            with self.subTest(fault=move):
                self.assertEqual(self.run_python(WAITS, move).split(), ["True"] * 7)

    def test_a_deadline_comes_when_the_clock_jumps_past_it(self) -> None:
        code = PLAN_FILE + C_LIBRARY + (
            "deadline = after(3600)\n"
            "put(FROM, time.monotonic_ns() - begin + 10_000_000)\n"
            "print(c.pthread_mutex_timedlock(mutex, deadline))\n"
        )
        self.assertEqual(self.run_python(code, ClockFault(jump=2 * HOUR, begin=1000)), str(errno.ETIMEDOUT))

    def test_who_waits_through_a_jump_went_through_it(self) -> None:
        jump = {"do": {"jump": HOUR, "clocks": ["realtime"]}}
        for wait in ("time.sleep(0.4)", "select.select([], [], [], 0.4)"):  # of what is tested: it has to last beyond the jump
            for until, over in (("", []), ("put(UNTIL, at + 1);", [jump | {"over": True}])):
                with self.subTest(wait=wait, until=until):
                    recording.create(self.recording)
                    move = f"at = time.monotonic_ns() - begin + 200_000_000; {until} put(FROM, at); "
                    code = PLAN_FILE + "import select; " + move + wait
                    self.run_python(code, ClockFault(jump=HOUR, begin=1000, until=2000 if until else 0))
                    self.assertEqual(self.fault_values(), [jump, *over])

    def test_waits_last_as_long_as_the_shown_clock_says(self) -> None:
        code = (
            "import time\n"
            "begin = time.clock_gettime(time.CLOCK_MONOTONIC)\n"
            "import threading; threading.Event().wait(0.2)\n"
            "print(time.clock_gettime(time.CLOCK_MONOTONIC) - begin)\n"
        )
        for move in (ClockFault(rate=0.5, clocks=MONOTONIC), ClockFault(rate=50, clocks=MONOTONIC)):
            self.assertGreaterEqual(float(self.run_python(code, move)), 0.2)

    def test_a_length_is_one_by_the_shown_clock(self) -> None:
        # By the true one it would be 600 seconds, more than a test may take.
        code = LENGTHS.replace("LENGTH", "600")
        fast = self.run_python(code, ClockFault(rate=1000, clocks=MONOTONIC)).split()
        self.assertEqual((len(fast), set(fast)), (6, {"True"}))
        # No less than a hundred times as long, by the true clock.
        begin = time.monotonic()
        self.run_python(LENGTHS.replace("LENGTH", "0.002"), ClockFault(rate=0.01, clocks=MONOTONIC))
        self.assertGreaterEqual(time.monotonic() - begin, 6 * 0.2)

    def test_a_length_is_true_where_another_clock_runs_fast(self) -> None:
        begin = time.monotonic()
        self.run_python(LENGTHS.replace("LENGTH", "0.02"), ClockFault(rate=1000))
        self.assertGreaterEqual(time.monotonic() - begin, 6 * 0.02)

    def test_timers_come_late(self) -> None:
        code = (
            "import time, threading\n"
            "begin = time.monotonic(); time.sleep(0.01); print(time.monotonic() - begin)\n"
            "begin = time.monotonic(); threading.Event().wait(0.01); print(time.monotonic() - begin)\n"
        )
        for late in self.run_python(code, ClockFault(late=0.3, clocks=0)).split():
            self.assertGreaterEqual(float(late), 0.31)
        self.assertEqual(self.fault_values(), [{"do": {"late": 0.3}}])


# Changes the first fault of the plan that this very process suffers.
PLAN_FILE = f"""
import os, struct, time
file = os.open(os.environ["TRIREME_HISTORY"], os.O_RDWR)
(begin,) = struct.unpack("<q", os.pread(file, 8, 24))
FROM, UNTIL = {PLAN + CLOCK}, {PLAN + CLOCK + 8}
def put(place, nanoseconds):
    os.pwrite(file, struct.pack("<Q", nanoseconds), place)
"""
C_LIBRARY = """
import ctypes, time
c = ctypes.CDLL(None)
def after(seconds):
    end = time.time() + seconds
    return (ctypes.c_long * 2)(int(end), int(end % 1 * 1e9))
mutex = (ctypes.c_long * 16)()
c.pthread_mutex_lock(mutex)
"""
# A line for each wait that ended, and by its time limit.
WAITS = C_LIBRARY + f"""
import asyncio, os, queue, threading
print(not threading.Event().wait(0.05))
try:
    queue.Queue().get(timeout=0.05)
except queue.Empty:
    print(True)
print(time.sleep(0.05) is None)
print(asyncio.run(asyncio.sleep(0.05)) is None)
print(c.pthread_mutex_timedlock(mutex, after(0.05)) == {errno.ETIMEDOUT})
condition = (ctypes.c_long * 16)()
print(c.pthread_cond_timedwait(condition, mutex, after(0.05)) == {errno.ETIMEDOUT})
timer = c.timerfd_create(0, 0)
end = after(0.05)
c.timerfd_settime(timer, 1, (ctypes.c_long * 4)(0, 0, end[0], end[1]), None)
print(len(os.read(timer, 8)) == 8)
"""

# A line for each wait that lasted as long, by the shown clock.
LENGTHS = """
import ctypes, os, select, time
c = ctypes.CDLL(None)
pair = lambda: (ctypes.c_long * 2)(int(LENGTH), int(LENGTH % 1 * 1e9))
def measure(wait):
    begin = time.monotonic(); wait(); print(time.monotonic() - begin >= LENGTH)
def timer():
    timer = c.timerfd_create(1, 0)
    c.timerfd_settime(timer, 0, (ctypes.c_long * 4)(0, 0, *pair()), None)
    os.read(timer, 8)
milliseconds = int(LENGTH * 1000)
measure(lambda: c.poll(None, 0, milliseconds))
epoll = select.epoll()
measure(lambda: c.epoll_wait(epoll.fileno(), ctypes.create_string_buffer(64), 1, milliseconds))
measure(lambda: select.select([], [], [], LENGTH))
measure(lambda: c.nanosleep(pair(), None))
measure(lambda: c.clock_nanosleep(1, 0, pair(), None))
measure(timer)
"""

if __name__ == "__main__":
    if not PROBE:
        sys.exit("usage: clock_test.py PROBE")
    unittest.main()
