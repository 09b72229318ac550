from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

import count_results

CASES = """<testsuite>
<testcase name="a" status="run"/>
<testcase name="b" status="fail"><failure message=""/><system-out>said
at the end
</system-out></testcase>
<testcase name="c" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/></testcase>
<testcase name="d" status="notrun"><skipped message="Unable to find executable"/></testcase>
<testcase name="e" status="disabled"/>
</testsuite>"""


class CountResultsTest(unittest.TestCase):
    def count(self, text: str) -> tuple[dict[str, int], list[str]]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "tests.xml")
            file.write_text(text)
            counts, failures = count_results.count([file])
            return dict(counts), [failure.replace(str(file), "FILE") for failure in failures]

    def test_tells_a_skip_from_what_could_not_be_run(self) -> None:
        self.assertEqual(self.count(CASES)[0], {"passed": 1, "failed": 2, "skipped": 2})

    def test_tells_what_failed_and_what_it_printed(self) -> None:
        self.assertEqual(
            self.count(CASES)[1],
            ["failed: b: failed\n    said\n    at the end", "failed: d: Unable to find executable"],
        )

    def test_says_how_much_of_a_long_output_it_leaves_out(self) -> None:
        lines = "\n".join(str(n) for n in range(100))
        text = f'<t><testcase name="b" status="fail"><system-out>{lines}</system-out></testcase></t>'
        (failure,) = self.count(text)[1]
        self.assertEqual(failure.splitlines()[1:3], ["    (70 lines above, in FILE)", "    70"])

    def test_counts_a_missing_file_as_a_failure(self) -> None:
        counts, failures = count_results.count([Path("/nowhere.xml")])
        self.assertEqual(dict(counts), {"failed": 1})
        self.assertIn("/nowhere.xml", failures[0])
