from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

import check_tests_registered


class CheckTestsRegisteredTest(unittest.TestCase):
    def check(self, files: dict[str, str]) -> list[str]:
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                file = Path(root, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            return check_tests_registered.check(Path(root))

    def test_accepts_a_test_that_is_named_and_reached(self) -> None:
        self.assertEqual(
            self.check(
                {
                    "tests/CMakeLists.txt": "foreach(folder harness/base)\n",
                    "tests/harness/base/CMakeLists.txt": "trireme_test(NAME base SOURCES a_test.cc)",
                    "tests/harness/base/a_test.cc": "",
                }
            ),
            [],
        )

    def test_rejects_a_test_that_only_a_comment_names(self) -> None:
        self.assertEqual(
            self.check(
                {
                    "tests/CMakeLists.txt": "foreach(folder harness/base)\n",
                    "tests/harness/base/CMakeLists.txt": "# a_test.cc",
                    "tests/harness/base/a_test.cc": "",
                }
            ),
            ["tests/harness/base/a_test.cc:1: error: no CMakeLists.txt names it"],
        )

    def test_rejects_a_folder_that_nothing_adds(self) -> None:
        self.assertEqual(
            self.check(
                {
                    "tests/CMakeLists.txt": "",
                    "tests/fuzz/CMakeLists.txt": "trireme_test(NAME fuzz SOURCES a_test.cc)",
                    "tests/fuzz/a_test.cc": "",
                }
            ),
            ["tests/fuzz/CMakeLists.txt:1: error: tests/CMakeLists.txt does not add tests/fuzz"],
        )
