#!/usr/bin/env python3
"""Fails when a commit has a subject that is not `area: Imperative`.

check_commits.py FILE checks the message in FILE: ci/hooks/commit-msg calls it (`git config core.hooksPath ci/hooks`).
check_commits.py --newest COUNT checks the newest commits of this checkout.
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
    """`log` has a line a commit: where it is, space, subject."""
    errors = []
    for line in log.splitlines():
        commit, _, subject = line.partition(" ")
        if message := error(subject):
            errors.append(f"{commit}: error: {message}: {subject}")
    return errors


def newest(count: str) -> str:
    command = ["git", "log", "--no-merges", f"--max-count={count}", "--format=%h %s"]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent).stdout


if __name__ == "__main__":
    if sys.argv[1] == "--newest":
        found = check(newest(sys.argv[2]))
    else:
        found = check(f"{sys.argv[1]}:1 " + Path(sys.argv[1]).read_text(encoding="utf-8").partition("\n")[0])
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(1 if found else 0)
