#!/usr/bin/env python3
"""Fails when a tracked text names a place of the machine that it was written on: check_paths.py [ROOT].

Such are home folders and the folder of the checkout itself. Ends with 77 (skipped) where there is no git checkout.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HOMES = r"/(?:home|Users)/[A-Za-z][\w.-]{2,}|/root/[\w.]"
EXAMPLE = "/home/user"  # a made-up one, for documents and tests


def git(root: Path, *arguments: str) -> str | None:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def forbidden(root: Path) -> re.Pattern[str]:
    """Home folders, and the checkout's own (its main work tree's too) if the path is long enough to mean something."""
    common = git(root, "rev-parse", "--path-format=absolute", "--git-common-dir") or ""
    own = {root.resolve().as_posix(), Path(common.strip() or root).parent.as_posix()}
    checkouts = [rf"{re.escape(path)}(?![\w-])" for path in sorted(own) if path.count("/") > 1]
    return re.compile("|".join([HOMES, *checkouts]))


def check_text(path: str, text: str, pattern: re.Pattern[str]) -> list[str]:
    errors = []
    for number, line in enumerate(text.splitlines(), 1):
        match = pattern.search(line)
        if match and not match[0].startswith(EXAMPLE):
            errors.append(f"{path}:{number}: error: a path of one machine: {match[0]}")
    return errors


def check(root: Path) -> list[str] | None:
    files = git(root, "ls-files", "-z")
    if files is None:
        return None
    pattern = forbidden(root)
    errors = []
    for path in filter(None, files.split("\0")):
        file = root / path
        data = file.read_bytes() if file.is_file() and not file.is_symlink() else b""
        if b"\0" not in data and path not in ("ci/check_paths.py", "tests/ci/test_check_paths.py"):
            errors += check_text(path, data.decode("utf-8", "replace"), pattern)
    return errors


if __name__ == "__main__":
    found = check(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent))
    if found is None:
        print("skipped: not a git checkout")
        sys.exit(77)
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(1 if found else 0)
