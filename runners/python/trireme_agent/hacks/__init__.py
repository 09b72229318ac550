"""What in a code base disables or depends on multiple readers, found by its syntax trees: nothing is imported or run.

`main` reads the paths to scan from a file, NUL after each, and names them by their ordinals in all that it prints: the
ordinal of each file as it is begun, a line each, and last a line of JSON, {"findings": [...], "unscanned": [...]}. So when a
source takes the interpreter down, the ordinal printed last says which it was.
"""

from __future__ import annotations

import gc
import json
import os
import warnings
from collections.abc import Callable
from typing import TypeVar

from trireme_agent.hacks import hub, pipes, sharing, source
from trireme_agent.hacks.finding import Finding
from trireme_agent.hacks.names import Module
from trireme_agent.hacks.project import Project, place_of

_T = TypeVar("_T")


def main(list_of_paths: str) -> int:
    gc.disable()  # trees have no cycles, and looking for some takes most of the time
    warnings.simplefilter("ignore")  # of the sources, on escapes and comparisons
    with open(list_of_paths, "rb") as file:
        paths = [os.fsdecode(path) for path in file.read().split(b"\0")[:-1]]
    print(json.dumps(Scan(paths).run()), flush=True)
    return 0


class Scan:
    """Reads every file once for what it exports; those that may hold something are then looked into."""

    def __init__(self, paths: list[str]) -> None:
        self._paths = paths
        self._project = Project()
        self._unscanned: dict[int, source.Unscanned] = {}

    def run(self) -> dict[str, object]:
        suspects = [ordinal for ordinal in range(len(self._paths)) if self._guarded(ordinal, self._is_suspect)]
        importers = [ordinal for ordinal, path in enumerate(self._paths) if self._project.imports_hub(path)]
        findings = []
        for ordinal in sorted({*suspects, *importers}):
            for finding in self._guarded(ordinal, self._findings) or []:
                findings.append({"file": ordinal, **finding._asdict()})
        unscanned = [{"file": ordinal, **why._asdict()} for ordinal, why in sorted(self._unscanned.items())]
        return {"findings": findings, "unscanned": unscanned}

    def _guarded(self, ordinal: int, work: Callable[[str], _T]) -> _T | None:
        """What `work` returns, or None: no source may end the scan of the others."""
        if ordinal in self._unscanned:
            return None
        print(ordinal, flush=True)
        try:
            return work(self._paths[ordinal])
        except source.Unreadable as error:
            self._unscanned[ordinal] = error.why
        except (RecursionError, MemoryError):
            self._unscanned[ordinal] = source.Unscanned(1, 1, "its code is nested too deeply")
        return None

    def _is_suspect(self, path: str) -> bool:
        text = source.read(path)
        tree = source.parse(text, path)
        self._project.add(path, tree)
        return source.may_hold_something(text)

    def _findings(self, path: str) -> list[Finding]:
        text = source.read(path)
        module = Module(source.parse(text, path), place_of(path), self._project)
        found = [*pipes.find(module), *sharing.find(module)]
        if source.may_use_hub(text) or self._project.imports_hub(path):
            found += hub.find(module)
        found = source.in_characters(sorted(set(found)), text)
        del module
        gc.collect()  # scopes and what they are made in know each other
        return found
