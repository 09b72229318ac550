"""The shipped hazards: each runtime does with them what their scenarios say."""

from __future__ import annotations

import unittest

from trireme_case import PYTHON, TriremeCase


class HazardsTest(TriremeCase):
    def test_every_hazard_is_found_where_it_is_one(self) -> None:
        runtimes = "thread,fiber,coroutine,threading,asyncio"
        outcome = self.trireme("run", "hazards", *PYTHON, "--runtimes", runtimes, "--reference", "threading", "--seed", "1",
                               timeout=280)
        self.assertEqual(outcome.code, 0, outcome.out + outcome.err)
        for line in ("hazards/two-readers ", "hazards/two-writers ", "hazards/socket-handed-over "):
            self.assertIn(line, outcome.out)


if __name__ == "__main__":
    unittest.main()
