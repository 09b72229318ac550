from __future__ import annotations

import unittest

import hazard_trials


def cell(
    verdict: str | list[str], named: str, passed: int, failed: int, unknown: int = 0, findings: tuple = ()
) -> hazard_trials.Count:
    return hazard_trials.count(
        {"expect": {"verdicts": [verdict] if isinstance(verdict, str) else verdict, "finding": named, "findings": None}},
        {
            "scenario": "hazards/a",
            "runtime": "asyncio",
            "interpreter": "3.11",
            "trials": {"planned": 10, "executed": 10, "pass": passed, "fail": failed, "unknown": unknown},
            "findings": [{"kind": kind, "advisory": advisory, "count": 2} for kind, advisory in findings],
            "replay": "trireme run",
        },
    )


class HazardTrialsTest(unittest.TestCase):
    def test_counts_failed_trials_of_what_shall_pass_as_false_findings(self) -> None:
        self.assertTrue(cell("pass", "", 10, 0).good)
        wrong = cell("pass", "", 8, 2, findings=(("multiple-readers", False),))
        self.assertEqual((wrong.false, wrong.missed, wrong.good), (2, 0, False))

    def test_counts_advisory_findings_that_are_not_named(self) -> None:
        self.assertTrue(cell("pass", "shared-token", 10, 0, findings=(("shared-token", True),)).good)
        self.assertEqual(cell("pass", "shared-token", 10, 0, findings=(("shared-listener", True),)).false, 2)

    def test_counts_passed_trials_of_what_shall_fail_as_misses(self) -> None:
        self.assertTrue(cell("fail", "multiple-readers", 0, 10, findings=(("multiple-readers", False),)).good)
        self.assertEqual(cell("fail", "multiple-readers", 1, 9, findings=(("multiple-readers", False),)).missed, 1)

    def test_counts_findings_of_another_kind_where_one_is_named(self) -> None:
        self.assertEqual(cell("fail", "multiple-readers", 0, 10, findings=(("deadline", False),)).false, 2)

    def test_counts_neither_where_it_is_a_matter_of_chance(self) -> None:
        either = cell(["pass", "fail"], "multiple-readers", 4, 6, findings=(("multiple-readers", False), ("potential", True)))
        self.assertEqual((either.false, either.missed, either.expected), (0, 0, "pass or fail"))
        self.assertEqual(cell(["pass", "fail"], "multiple-readers", 4, 6, findings=(("deadline", False),)).false, 2)

    def test_takes_an_unknown_trial_for_neither(self) -> None:
        unknown = cell("pass", "", 9, 0, unknown=1)
        self.assertEqual((unknown.false, unknown.missed, unknown.unknown, unknown.good), (0, 0, 1, False))


if __name__ == "__main__":
    unittest.main()
