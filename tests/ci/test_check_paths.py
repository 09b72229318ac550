from __future__ import annotations

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import check_paths

HOME = "/home/alice"


class CheckPathsTest(unittest.TestCase):
    def test_rejects_a_home_folder(self) -> None:
        self.assertEqual(
            check_paths.check_text("a.md", f"one\nsee {HOME}/x\n", re.compile(check_paths.HOMES)),
            [f"a.md:2: error: a path of one machine: {HOME}"],
        )

    def test_accepts_a_made_up_home_folder(self) -> None:
        self.assertEqual(check_paths.check_text("a.md", "see /home/user/x", re.compile(check_paths.HOMES)), [])

    def test_rejects_the_folder_of_the_checkout_in_a_tracked_file_only(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder, "checkout")
            subprocess.run(["git", "init", "-q", str(root)], check=True)
            (root / "tracked.txt").write_text(f"{root}/build\n")
            (root / "other.txt").write_text(f"{root}/build\n")
            subprocess.run(["git", "-C", str(root), "add", "tracked.txt"], check=True)
            self.assertEqual(check_paths.check(root), [f"tracked.txt:1: error: a path of one machine: {root}"])

    def test_cannot_tell_outside_a_checkout(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.assertIsNone(check_paths.check(Path(folder)))
