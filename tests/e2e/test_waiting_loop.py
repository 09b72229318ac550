"""A loop that asks and sleeps for ever is too slow on every runtime, whoever switches there; a wait for ever is a hang."""

from __future__ import annotations

import json

from trireme_case import PYTHON, TriremeCase

CPP = """\
    #include "trireme/workload.h"
    using namespace trireme;
    Task<> Main(Runtime& rt, const Params&) {
      rt.Observe("began", true);
      Event never = rt.Event();
      %s
    }
    TRIREME_WORKLOAD(Main)
    """


class WaitingLoopTest(TriremeCase):
    def run_everywhere(self, python: str, cpp: str) -> dict[str, str]:
        """What became of the trial, by runtime."""
        self.write("s/scenario.yaml", """\
            version: 1
            summary: Waits for what never comes
            workload: {python: workload.py, cpp: workload.cc}
            runtimes: [threading, asyncio, fiber, thread, coroutine]
            timeout: 1s
            """)
        self.write("s/workload.py", f"""\
            async def main(rt, params):
                rt.observe("began", True)
                never = rt.event()
                {python}
            """)
        self.write("s/workload.cc", CPP % cpp)
        outcome = self.trireme("run", "s", "--jobs", "2", *PYTHON)
        self.assertIn(outcome.code, (1, 4), outcome.err)
        results = json.loads((self.run_directory() / "results.json").read_text())
        kinds = {}
        for cell in results["cells"]:
            found = [finding["kind"] for finding in cell["findings"]]
            kinds[cell["runtime"]] = found[0] if found else cell["reason"].split(": ")[1]
        self.assertEqual(len(kinds), 5)
        return kinds

    def test_a_loop_that_sleeps(self) -> None:
        kinds = self.run_everywhere("while not never.is_set(): await rt.sleep(0.001)",
                                    "while (!never.IsSet()) co_await rt.Sleep(0.001);")
        self.assertEqual(set(kinds.values()), {"too slow"}, kinds)

    def test_a_wait(self) -> None:
        kinds = self.run_everywhere("await never.wait()", "co_await never.Wait();")
        self.assertEqual(set(kinds.values()), {"hang"}, kinds)
