"""Findings about tasks of a C++ workload say where in it each of them calls."""

from __future__ import annotations

import json
from typing import Any

from trireme_case import TriremeCase

YAML = """\
    version: 1
    summary: Tasks that meet, wait for ever, and leave something open
    workload: {cpp: workload.cc}
    params: {how: ""}
    timeout: 1s
    checks: [multiple-readers, progress, leak]
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

    Task<> Main(Runtime& rt, const Params& params) {
      static std::vector<Stream> kept;
      const std::string how = params.Get<std::string>("how");
      auto [ours, theirs] = co_await rt.Socketpair();  // HERE pair
      if (how == "leak") {
        kept = {ours, theirs};
        co_return;
      }
      if (how == "hang") {
        Queue<int> queue = rt.Queue<int>();
        TaskHandle<> other = rt.Spawn("other", WaitFor, rt.Event());
        co_await queue.Get();  // HERE queue
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


def place(what: str, function: str) -> list[str]:
    """The stack of a task that calls where the workload says HERE and `what`."""
    lines = [line.strip() for line in WORKLOAD.splitlines()]
    (number,) = [n for n, line in enumerate(lines, 1) if line.endswith(f"// HERE {what}")]
    return [f"workload.cc:{number} in {function}"]


class PlacesTest(TriremeCase):
    def findings(self, how: str) -> dict[str, dict[str, list[Any]]]:
        """By runtime and kind, the stacks of its participants by their names."""
        self.write("places/scenario.yaml", YAML)
        self.write("places/workload.cc", WORKLOAD)
        self.trireme("run", "places", "--runtimes", ",".join(NATIVE), "--param", f"how={how}", "--trials", "1", "--out", "run")
        results = json.loads((self.folder / "run/results.json").read_text())
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

    def test_descriptors_that_stay(self) -> None:
        pair = place("pair", "Main")
        for runtime, found in self.findings("leak").items():
            self.assertEqual(found, {"leak": [("stream", pair), ("stream", pair)]}, runtime)
