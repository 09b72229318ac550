#!/usr/bin/env python3
"""Sums ctest's results: count_results.py TESTS.XML... prints "N passed, N failed, N skipped"; 1 if any failed.

What could not be run, though no test said that it skips itself, has failed; so has a file that is missing. Above the
counts stands what failed, with the end of what each printed: whoever sees only the last page of a log needs no other.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

LINES_OF_A_FAILURE = 30


def outcome(case: ElementTree.Element) -> str:
    status = case.get("status")
    if status == "run":
        return "passed"
    skipped = case.find("skipped")
    asked = skipped is not None and (skipped.get("message") or "").startswith("SKIP_")
    return "skipped" if status == "disabled" or (status == "notrun" and asked) else "failed"


def failure(file: Path, case: ElementTree.Element) -> str:
    """The test's name, why it failed, and the last lines of its output."""
    told = [element.get("message") or "" for kind in ("failure", "skipped") for element in case.iter(kind)]
    reason = ", ".join(message for message in told if message) or "failed"
    lines = (case.findtext("system-out") or "").rstrip().splitlines()
    left_out = max(0, len(lines) - LINES_OF_A_FAILURE)
    if left_out:
        lines = [f"({left_out} lines above, in {file})", *lines[left_out:]]
    return "\n".join([f"failed: {case.get('name')}: {reason}", *(f"    {line}" for line in lines)])


def cases(file: Path) -> Iterator[ElementTree.Element]:
    """The file's test cases; the error of a file that is no result as a case that failed."""
    try:
        yield from ElementTree.parse(file).getroot().iter("testcase")
    except (OSError, ElementTree.ParseError) as error:
        broken = ElementTree.Element("testcase", name=str(file), status="fail")
        ElementTree.SubElement(broken, "failure", message=str(error))
        yield broken


def count(files: list[Path]) -> tuple[Counter[str], list[str]]:
    """How many cases there are of each outcome, and what is to be said of each that failed."""
    counts: Counter[str] = Counter()
    failures = []
    for file in files:
        for case in cases(file):
            counts[outcome(case)] += 1
            if outcome(case) == "failed":
                failures.append(failure(file, case))
    return counts, failures


if __name__ == "__main__":
    total, failures = count([Path(name) for name in sys.argv[1:]])
    for text in failures:
        print(text)
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    sys.exit(1 if total["failed"] or not total["passed"] else 0)
