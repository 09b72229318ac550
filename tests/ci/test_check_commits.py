from __future__ import annotations

import unittest

import check_commits


class CheckCommitsTest(unittest.TestCase):
    def test_accepts_the_form(self) -> None:
        for subject in ("check: Reject overlapping entries", "history, check: State the contracts", "x: `run` x"):
            self.assertIsNone(check_commits.error(subject))

    def test_rejects_another_form(self) -> None:
        for subject in ("Reject overlapping entries", "check: reject entries", "check: Reject entries."):
            self.assertEqual(
                check_commits.error(subject), "the subject does not read `area: Imperative`, without a full stop"
            )

    def test_rejects_a_subject_that_is_one_too_long(self) -> None:
        self.assertIsNone(check_commits.error("x: A" + "x" * 68))
        self.assertEqual(check_commits.error("x: A" + "x" * 69), "the subject has 73 characters, more than 72")

    def test_names_the_commit(self) -> None:
        self.assertEqual(len(check_commits.check("abc wrong\ndef ci: Right\n")), 1)
        self.assertTrue(check_commits.check("abc wrong\n")[0].startswith("abc: error: "))
