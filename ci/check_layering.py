#!/usr/bin/env python3
"""Fails when a folder includes one that it may not: check_layering.py [ROOT]. ARCHITECTURE.md has the same table."""

from __future__ import annotations

import re
import sys
from pathlib import Path

# Own folder always; "harness/probe/probe_abi.h" is an ABI and may be included anywhere.
LAYERS = {
    "harness/base": "",
    "harness/history": "base",
    "harness/protocol": "base history",
    "harness/scenario": "base history",
    "harness/fault": "base history",
    "harness/stats": "base history",
    "harness/check": "base history stats",
    "harness/engine": "base history protocol scenario fault",
    "harness/store": "base history",
    "harness/load": "base history",
    "harness/scan": "base history",
    "harness/compare": "base history stats store",
    "harness/triage": "base history protocol scenario fault engine check stats store",
    "harness/sweep": "base history protocol scenario fault engine check stats store",
    "harness/probe": "",
    "harness/cli": "base history protocol scenario fault stats check engine store load scan compare triage sweep "
    "reports",
    "reports": "base history check stats compare",
    "runners/sdk": "base history protocol",
    "runners/native": "base history protocol sdk",
}
ABI = "harness/probe/probe_abi.h"
# A third-party header appears in one folder only; its exceptions stop there.
PACKAGES = {
    "CLI/": "harness/cli",
    "nlohmann/": "harness/base",
    "yaml-cpp/": "harness/scenario",
    "boost/": "runners",
    "benchmark/": "tests",
    "gtest/": "tests",
    "gmock/": "tests",
}
INCLUDE = re.compile(r'\s*#\s*include\s+(["<])([^">]+)[">]')


def layer_of(path: str) -> str | None:
    return next((layer for layer in LAYERS if path.startswith(layer + "/")), None)


def allowed(layer: str) -> set[str]:
    places = {"sdk": "runners/sdk", "reports": "reports"}
    return {layer} | {places.get(name, f"harness/{name}") for name in LAYERS[layer].split()}


def error(path: str, bracket: str, target: str) -> str | None:
    """What is wrong with the include of `target` by the file `path`, or None."""
    layer = layer_of(path)
    if bracket == "<":
        owner = next((folder for prefix, folder in PACKAGES.items() if target.startswith(prefix)), None)
        if owner is not None and not path.startswith(owner + "/"):
            return f"<{target}> belongs to {owner}"
    elif layer is None:
        return f"no such layer: {path.rsplit('/', 1)[0]} has no line in ci/check_layering.py"
    elif target != ABI and (other := layer_of(target)) is not None and other not in allowed(layer):
        return f"{layer} may not include {other}"
    return None


def check(root: Path) -> list[str]:
    errors = []
    for folder in ("harness", "reports", "runners"):
        for file in sorted((root / folder).rglob("*")):
            if file.suffix not in (".h", ".cc"):
                continue
            path = file.relative_to(root).as_posix()
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                include = INCLUDE.match(line)
                message = include and error(path, include[1], include[2])
                if message:
                    errors.append(f"{path}:{number}: error: {message}")
    return errors


if __name__ == "__main__":
    found = check(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent))
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(1 if found else 0)
