"""What is to be done once a module has been imported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


def spec_with(
    name: str, path: Sequence[str], target: ModuleType | None, then: Callable[[ModuleType], None]
) -> ModuleSpec | None:
    """As it would be found without a finder of ours; once the module is there, `then` is called with it."""
    spec = PathFinder.find_spec(name, path, target)
    if spec is None or spec.loader is None:
        return spec
    execute = spec.loader.exec_module

    def execute_and_tell(module: ModuleType) -> None:
        execute(module)
        then(module)

    try:
        spec.loader.exec_module = execute_and_tell  # type: ignore[method-assign]  # a method, replaced for this one loader
    except AttributeError:
        pass  # a loader that takes no attribute: `then` is not called
    return spec
