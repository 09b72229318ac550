#!/usr/bin/env python3
"""Sums ctest's results: count_results.py TESTS.XML... prints "N passed, N failed, N skipped"; 1 if any failed.

What could not be run, though no test said that it skips itself, has failed; so has a file that is missing.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path


def outcome(case: ElementTree.Element) -> str:
    status = case.get("status")
    if status == "run":
        return "passed"
    skipped = case.find("skipped")
    asked = skipped is not None and (skipped.get("message") or "").startswith("SKIP_")
    return "skipped" if status == "disabled" or (status == "notrun" and asked) else "failed"


def count(files: list[Path]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for file in files:
        try:
            counts.update(outcome(case) for case in ElementTree.parse(file).getroot().iter("testcase"))
        except (OSError, ElementTree.ParseError) as error:
            print(f"{file}: error: {error}", file=sys.stderr)
            counts["failed"] += 1
    return counts


if __name__ == "__main__":
    total = count([Path(name) for name in sys.argv[1:]])
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    sys.exit(1 if total["failed"] or not total["passed"] else 0)
