"""Prints a runtime's table of correspondences as JSON: the data that lies next to its code."""

from __future__ import annotations

import dataclasses
import json
import sys

import trireme
from trireme_agent import backends


def main(runtime: str) -> int:
    try:
        backend = backends.load(runtime)
    except trireme.Unsupported as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    rows = [dataclasses.asdict(row) for row in backend.correspondences]
    print(json.dumps({"runtime": runtime, "model": backend.model, "correspondences": rows}, indent=1))
    return 0
