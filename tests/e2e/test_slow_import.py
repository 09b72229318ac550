"""A workload whose import hangs is a hang in its trials, whose stacks name the import."""

from __future__ import annotations

import json

from trireme_case import PYTHON, TriremeCase


class SlowImportTest(TriremeCase):
    def test_an_import_that_hangs(self) -> None:
        self.write("s/scenario.yaml", """\
            version: 1
            summary: An import that hangs
            workload: {python: workload.py}
            runtimes: [threading, asyncio]
            timeout: 1s
            """)
        self.write("s/helper.py", "import threading\nthreading.Event().wait()\n")
        self.write("s/workload.py", "import os\nimport helper\nasync def main(rt, params):\n    rt.observe('x', 1)\n")
        outcome = self.trireme("run", "s", "--jobs", "2", *PYTHON)
        self.assertEqual(outcome.code, 1, outcome.err)
        results = json.loads((self.run_directory() / "results.json").read_text())
        for cell in results["cells"]:
            [finding] = cell["findings"]
            self.assertEqual(finding["kind"], "hang")
            self.assertTrue(finding["message"].startswith("the workload did not finish loading"), finding["message"])
            lines = [line for one in finding["participants"] for line in one["stack"]]
            self.assertTrue([line for line in lines if line.endswith("s/workload.py:2 in <module>")], lines)
        for stacks in self.run_directory().glob("trials/*/*/stacks.txt"):
            self.assertIn("workload.py\", line 2 in <module>", stacks.read_text())
