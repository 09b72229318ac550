from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

import count_results

CASES = """<testsuite>
<testcase name="a" status="run"/>
<testcase name="b" status="fail"><failure message=""/></testcase>
<testcase name="c" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/></testcase>
<testcase name="d" status="notrun"><skipped message="Unable to find executable"/></testcase>
<testcase name="e" status="disabled"/>
</testsuite>"""


class CountResultsTest(unittest.TestCase):
    def test_tells_a_skip_from_what_could_not_be_run(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "tests.xml")
            file.write_text(CASES)
            self.assertEqual(dict(count_results.count([file, file])), {"passed": 2, "failed": 4, "skipped": 4})

    def test_counts_a_missing_file_as_a_failure(self) -> None:
        self.assertEqual(dict(count_results.count([Path("/nowhere.xml")])), {"failed": 1})
