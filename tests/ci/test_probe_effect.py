from __future__ import annotations

import unittest

import probe_effect


class ProbeEffectTest(unittest.TestCase):
    def test_the_ratio_of_equal_shares_is_one(self) -> None:
        low, ratio, high = probe_effect.ratio_of(50, 100, 100, 200)
        self.assertAlmostEqual(ratio, 1, places=1)
        self.assertLess(low, 1)
        self.assertGreater(high, 1)

    def test_the_interval_leaves_the_goal_where_shares_differ(self) -> None:
        self.assertLess(probe_effect.ratio_of(10, 1000, 100, 1000)[2], probe_effect.LOW)
        self.assertGreater(probe_effect.ratio_of(100, 1000, 10, 1000)[0], probe_effect.HIGH)

    def test_the_interval_says_nothing_of_few_trials(self) -> None:
        low, _, high = probe_effect.ratio_of(0, 3, 1, 3)
        self.assertLess(low, probe_effect.LOW)
        self.assertGreater(high, probe_effect.HIGH)


if __name__ == "__main__":
    unittest.main()
