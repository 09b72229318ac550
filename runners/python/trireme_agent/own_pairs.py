"""The pairs of sockets by which loops of asyncio wake themselves, on any runtime whose workload runs such a loop."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from trireme_agent import probe

MODULE = "asyncio.selector_events"
_hook: Any = importlib.import_module("trireme_agent.command.trireme_own_pairs").hook
_spec_with: Any = importlib.import_module("trireme_agent.command.trireme_imports").spec_with


def install() -> None:
    """For the loops that are made from now on, whenever asyncio is imported."""
    module = sys.modules.get(MODULE)
    if module is not None:
        _found(module)
    else:
        sys.meta_path.insert(0, _Finder())


class _Finder:
    """In sys.meta_path: asked for every module that is imported for the first time."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != MODULE or path is None:
            return None
        spec: ModuleSpec | None = _spec_with(name, path, target, _found)
        return spec


def _found(module: ModuleType) -> None:
    kind = getattr(module, "BaseSelectorEventLoop", None)
    if kind is not None:
        _hook(kind, probe.own_pairs)
