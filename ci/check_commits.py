#!/usr/bin/env python3
"""Fails when one of the newest commits has a subject that is not `area: Imperative`: check_commits.py [ROOT] [COUNT].

Ends with 77 (skipped) where there is no git checkout.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

SUBJECT = re.compile(r"[a-z][a-z0-9_/.+-]*(?:, [a-z][a-z0-9_/.+-]*)*: [A-Z`]\S*.*[^.]")
LONGEST = 72


def error(subject: str) -> str | None:
    if len(subject) > LONGEST:
        return f"the subject has {len(subject)} characters, more than {LONGEST}"
    if not SUBJECT.fullmatch(subject):
        return "the subject does not read `area: Imperative`, without a full stop"
    return None


def check(log: str) -> list[str]:
    """`log` has a line a commit: hash, space, subject."""
    errors = []
    for line in log.splitlines():
        commit, _, subject = line.partition(" ")
        if message := error(subject):
            errors.append(f"{commit}: error: {message}: {subject}")
    return errors


if __name__ == "__main__":
    root = sys.argv[1] if len(sys.argv) > 1 else str(Path(__file__).parent.parent)
    count = sys.argv[2] if len(sys.argv) > 2 else "30"
    command = ["git", "-C", root, "log", "--no-merges", f"--max-count={count}", "--format=%h %s"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print("skipped: not a git checkout")
        sys.exit(77)
    found = check(done.stdout)
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(1 if found else 0)
