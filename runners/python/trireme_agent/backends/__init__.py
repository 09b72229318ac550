"""One file a runtime, imported by name."""

from __future__ import annotations

import importlib

import trireme
from trireme_agent.backend import Backend


def load(name: str) -> type[Backend]:
    """The backend of a runtime; nothing of the runtime itself is imported yet."""
    module = f"{__name__}.{name.replace('-', '_')}"
    try:
        backend: type[Backend] = importlib.import_module(module).BACKEND
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise trireme.Unsupported(f"the agent has no runtime {name!r}") from None
    return backend
