"""Findings about tasks say where in the workload each of them calls."""

from __future__ import annotations

import json
import sys
from typing import Any

from trireme_case import TriremeCase
from watch_case import WITH_EVENTLET

YAML = """\
    version: 1
    summary: Tasks that meet, wait for ever, and leave something open
    workload: {cpp: workload.cc}
    params: {how: ""}
    timeout: 1s
    checks: [multiple-readers, progress, leak, unhandled-exception]
    """
WORKLOAD = """\
    #include <sys/socket.h>
    #include "trireme/workload.h"
    using namespace trireme;

    Task<> Read(Runtime&, Stream stream) {
      co_await stream.Recv(1);  // HERE first
    }

    Task<> Look(Runtime&, Stream stream) {
      char byte = 0;
      ::recv(stream.fileno(), &byte, 1, MSG_DONTWAIT);
      co_return;
    }

    Task<> WaitFor(Event event) {
      co_await event.Wait();  // HERE event
    }

    Task<> ThrowLater(Runtime& rt) {
      co_await rt.Checkpoint();  // HERE later
      throw std::runtime_error("by itself");
    }

    Task<> SubmitTo(Pool pool) {
      co_await pool.Submit([] {});  // HERE submit
    }

    Task<> Main(Runtime& rt, const Params& params) {
      static std::vector<Stream> kept;
      const std::string how = params.Get<std::string>("how");
      auto [ours, theirs] = co_await rt.Socketpair();  // HERE pair
      if (how == "leak") {
        kept = {ours, theirs};
        co_return;
      }
      if (how == "fail" || how == "throw") {
        ours.Close();
        theirs.Close();
        co_await rt.Checkpoint();  // HERE before
        if (how == "throw") throw std::runtime_error("by itself");
        co_await ours.Recv(1);  // HERE closed
      }
      if (how == "hang") {
        Queue<int> queue = rt.Queue<int>();
        TaskHandle<> other = rt.Spawn("other", WaitFor, rt.Event());
        co_await queue.Get();  // HERE queue
      }
      if (how == "pool") {
        Pool pool = rt.Pool(1);
        TaskHandle<> inner = co_await pool.Submit(SubmitTo, pool);
        TaskHandle<> other = rt.Spawn("other", SubmitTo, pool);
        co_await rt.Gather(inner, other);  // HERE gather
      }
      if (how == "unjoined") {
        static std::vector<TaskHandle<>> tasks;
        tasks.push_back(rt.Spawn("thrower", ThrowLater, std::ref(rt)));
        co_await rt.Settle();
        ours.Close();
        theirs.Close();
        co_return;
      }
      TaskHandle<> first = rt.Spawn("first", Read, std::ref(rt), ours);
      co_await rt.Settle();
      TaskHandle<> second = rt.Spawn("second", how == "raw" ? Look : Read, std::ref(rt), ours);
      co_await rt.Settle();
      co_await theirs.SendAll("12");
      co_await first.Join();
      co_await second.Join();
      ours.Close();
      theirs.Close();
    }

    TRIREME_WORKLOAD(Main)
    """
NATIVE = ["fiber", "thread", "coroutine"]
LOCKS_YAML = """\
    version: 1
    summary: Two locks in two orders
    workload: {python: workload.py, cpp: workload.cc}
    checks: [lock-order]
    """
LOCKS_CC = """\
    #include "trireme/workload.h"
    using namespace trireme;

    Task<> Nest(Lock outer, Lock inner, Event before, Event after) {
      co_await before.Wait();
      {
        Guard first = co_await outer.Hold();
        Guard second = co_await inner.Hold();  // HERE inner
      }
      after.Set();
    }

    Task<> Main(Runtime& rt, const Params&) {
      Lock a = rt.Lock();
      Lock b = rt.Lock();
      Event begin = rt.Event();
      Event between = rt.Event();
      TaskHandle<> first = rt.Spawn("first", Nest, a, b, begin, between);
      TaskHandle<> second = rt.Spawn("second", Nest, b, a, between, rt.Event());
      begin.Set();
      co_await first.Join();
      co_await second.Join();
    }

    TRIREME_WORKLOAD(Main)
    """
LOCKS_PY = """\
    async def nest(outer, inner, before, after):
        await before.wait()
        async with outer:
            await inner.acquire()  # HERE inner
            inner.release()
        after.set()

    async def main(rt, params):
        a, b = rt.lock(), rt.lock()
        begin, between = rt.event(), rt.event()
        first = rt.spawn(nest, a, b, begin, between, name="first")
        second = rt.spawn(nest, b, a, between, rt.event(), name="second")
        begin.set()
        await first.join()
        await second.join()
    """


def place(what: str, function: str, workload: str = WORKLOAD, file: str = "workload.cc") -> list[str]:
    """The stack of a task that calls where the workload says HERE and `what`."""
    (number,) = [n for n, line in enumerate(workload.splitlines(), 1) if line.endswith(f" HERE {what}")]
    return [f"{file}:{number} in {function}"]


class PlacesTest(TriremeCase):
    def findings(self, how: str) -> dict[str, dict[str, list[Any]]]:
        """By runtime and kind, the stacks of its participants by their names."""
        self.write("places/scenario.yaml", YAML)
        self.write("places/workload.cc", WORKLOAD)
        return self.run_on(NATIVE, "--param", f"how={how}")

    def run_on(self, runtimes: list[str], *options: str) -> dict[str, dict[str, list[Any]]]:
        python = ["--python", f"here={WITH_EVENTLET or sys.executable}"]
        self.trireme("run", "places", *python, "--runtimes", ",".join(runtimes), *options, "--trials", "1", "--out", "run")
        results = json.loads((self.folder / "run/results.json").read_text())
        self.messages = {
            cell["runtime"]: {finding["kind"]: finding["message"] for finding in cell["findings"]} for cell in results["cells"]
        }
        return {
            cell["runtime"]: {
                finding["kind"]: [(one["task"], one["stack"]) for one in finding["participants"] if one["task"]]
                for finding in cell["findings"]
            }
            for cell in results["cells"]
        }

    def test_two_that_read_by_the_api(self) -> None:
        read = place("first", "Read")
        for runtime, found in self.findings("api").items():
            self.assertEqual(found, {"multiple-readers": [("first", read), ("second", read)]}, runtime)

    def test_one_that_reads_by_itself(self) -> None:
        """Where it called the API last says nothing of it: its C frames do."""
        for runtime, found in self.findings("raw").items():
            (first, second) = found["multiple-readers"]
            self.assertEqual(first, ("first", place("first", "Read")), runtime)
            self.assertEqual(second[0], "second", runtime)
            self.assertIn(".so", str(second[1]), runtime)

    def test_tasks_that_wait_for_ever(self) -> None:
        for runtime, found in self.findings("hang").items():
            self.assertEqual(found["hang"], [("main", place("queue", "Main")), ("other", place("event", "WaitFor"))], runtime)

    def test_a_pool_that_waits_for_itself(self) -> None:
        for runtime, found in self.findings("pool").items():
            submits = place("submit", "SubmitTo")
            main = ("main", place("gather", "Main"))
            self.assertEqual(found["hang"], [main, ("task-1.1", submits), ("other", submits)], runtime)

    def test_a_call_that_fails(self) -> None:
        for runtime, found in self.findings("fail").items():
            ((task, stack),) = found["unhandled-exception"]
            self.assertEqual((task, stack[-1:]), ("main", place("closed", "Main")), runtime)

    def assert_thrown(self, how: str, where: str, after: list[str]) -> None:
        """No call of the API threw it: the last one is no frame of it, and only said to have been before."""
        for runtime, found in self.findings(how).items():
            ((_, stack),) = found["unhandled-exception"]
            self.assertNotEqual(stack, [], runtime)
            self.assertEqual([frame for frame in stack if "workload.cc" in frame], [], runtime)
            message = f"nobody caught std::runtime_error: by itself ({where}, after {after[0].split()[0]})"
            self.assertEqual(self.messages[runtime]["unhandled-exception"], message)

    def test_what_main_throws_by_itself(self) -> None:
        self.assert_thrown("throw", "main", place("before", "Main"))

    def test_what_a_task_that_nobody_joins_throws_by_itself(self) -> None:
        self.assert_thrown("unjoined", "task, thrower", place("later", "ThrowLater"))

    def test_locks_that_are_taken_in_two_orders(self) -> None:
        self.write("places/scenario.yaml", LOCKS_YAML)
        self.write("places/workload.cc", LOCKS_CC)
        self.write("places/workload.py", LOCKS_PY)
        python = ["threading", "asyncio"] + (["eventlet", "eventlet-asyncio"] if WITH_EVENTLET else [])
        found = self.run_on(NATIVE + python)
        for runtime in NATIVE:
            inner = place("inner", "Nest", LOCKS_CC)
            self.assertEqual(found[runtime], {"lock-order": [("first", inner), ("second", inner)]}, runtime)
        for runtime in python:
            inner = place("inner", "nest", LOCKS_PY, "workload.py")
            self.assertEqual(found[runtime], {"lock-order": [("first", inner), ("second", inner)]}, runtime)

    def test_descriptors_that_stay(self) -> None:
        pair = place("pair", "Main")
        for runtime, found in self.findings("leak").items():
            self.assertEqual(found, {"leak": [("stream", pair), ("stream", pair)]}, runtime)
