#!/usr/bin/env python3
"""Fails when a *_test.cc is built by no CMakeLists.txt, or its folder by none: check_tests_registered.py [ROOT]."""

from __future__ import annotations

import re
import sys
from pathlib import Path


def words(cmake: Path) -> set[str]:
    """Every word of a CMakeLists.txt outside comments; none when it is not there."""
    if not cmake.is_file():
        return set()
    return set(re.findall(r"[^\s()\"]+", re.sub(r"#.*", "", cmake.read_text(encoding="utf-8"))))


def reached(folder: Path, tests: Path) -> bool:
    """Whether a folder above `folder`, up to `tests`, adds it."""
    return folder == tests or any(
        folder.relative_to(above).as_posix() in words(above / "CMakeLists.txt")
        for above in folder.parents
        if above.is_relative_to(tests) and reached(above, tests)
    )


def check(root: Path) -> list[str]:
    errors = []
    tests = root / "tests"
    for file in sorted(tests.rglob("*_test.cc")):
        path = file.relative_to(root).as_posix()
        owner = next(
            (
                above
                for above in file.parents
                if above.is_relative_to(tests) and file.relative_to(above).as_posix() in words(above / "CMakeLists.txt")
            ),
            None,
        )
        if owner is None:
            errors.append(f"{path}:1: error: no CMakeLists.txt names it")
        elif not reached(owner, tests):
            folder = owner.relative_to(root).as_posix()
            errors.append(f"{folder}/CMakeLists.txt:1: error: tests/CMakeLists.txt does not add {folder}")
    return errors


if __name__ == "__main__":
    found = check(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent))
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(1 if found else 0)
