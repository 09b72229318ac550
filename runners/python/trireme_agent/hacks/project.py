"""The modules of the code base that is scanned, and which of them hand on a name of Eventlet's.

A module is known by the folder that it would be imported from and its dotted name there, which the `__init__.py` beside it and
above it tell.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

_MAX_HOPS = 20  # modules that hand one name on to each other in a circle
_MAX_MEANINGS = 20


class Place(NamedTuple):
    root: str
    name: str  # "" of the root itself
    package: str  # what a single dot means


@cache
def _package_of(folder: str) -> tuple[str, str]:
    """The root above a folder, and the folder's dotted name there."""
    if not os.path.isfile(os.path.join(folder, "__init__.py")):
        return folder, ""
    parent, name = os.path.split(folder)
    if not name:
        return folder, ""
    root, above = _package_of(parent)
    return root, f"{above}.{name}" if above else name


def place_of(path: str) -> Place:
    folder, file = os.path.split(os.path.abspath(path))
    root, package = _package_of(folder)
    stem = file.removesuffix(".py")
    if stem == "__init__":
        return Place(root, package, package)
    return Place(root, f"{package}.{stem}" if package else stem, package)


def imported_module(node: ast.ImportFrom, place: Place) -> str:
    """The dotted name that the statement imports from; one that starts with "?" is below an unknown package."""
    if node.level == 0:
        return node.module or ""
    parts = place.package.split(".") if place.package else []
    keep = len(parts) - (node.level - 1)
    base = parts[:keep] if keep > 0 else ["?"]
    return ".".join([*base, *([node.module] if node.module else [])])


class _Exports:
    def __init__(self) -> None:
        self.names: dict[str, dict[str, None]] = {}  # name -> what it may stand for, in order
        self.stars: list[str] = []
        self.imported: set[str] = set()  # modules, also by functions
        self.hands_on_hub: bool | None = None  # not known yet


class Project:
    def __init__(self) -> None:
        self._meanings: dict[tuple[str, str], frozenset[str]] = {}
        self._modules: dict[tuple[str, str], _Exports] = {}

    def add(self, path: str, tree: ast.Module) -> None:
        place = place_of(path)
        exports = self._modules.setdefault((place.root, place.name), _Exports())
        for node in _statements(tree):
            if isinstance(node, ast.ImportFrom):
                module = imported_module(node, place)
                exports.imported.update([module, *(f"{module}.{alias.name}" for alias in node.names)])
            elif isinstance(node, ast.Import):
                exports.imported.update(alias.name for alias in node.names)
        for statement in _top_level(tree.body):
            _export(statement, place, exports)

    def meanings(self, name: str, root: str, hops: int = 0) -> frozenset[str]:
        """What a dotted name stands for, followed through the project's own modules. REQUIRES: add() is done."""
        if name.startswith("eventlet.") or hops > _MAX_HOPS:
            return frozenset({name})
        known = self._meanings.get((root, name))
        if known is None:
            self._meanings[root, name] = frozenset({name})  # where it leads back to itself
            known = self._meanings[root, name] = self._followed(name, root, hops)
        return known

    def _followed(self, name: str, root: str, hops: int) -> frozenset[str]:
        parts = name.split(".")
        for count in range(len(parts) - 1, 0, -1):
            exports = self._find(".".join(parts[:count]), root)
            if exports is None:
                continue
            found: set[str] = set()
            for target in _targets(exports, parts[count]):
                found |= self.meanings(".".join([target, *parts[count + 1 :]]), root, hops + 1)
            return frozenset(found or {name})
        return frozenset({name})

    def imports_hub(self, path: str) -> bool:
        """Whether the file imports a module of the project that hands on something of Eventlet's."""
        place = place_of(path)
        exports = self._modules.get((place.root, place.name))
        return exports is not None and any(self._hands_on_hub(name, place.root) for name in exports.imported)

    def _hands_on_hub(self, name: str, root: str) -> bool:
        exports = self._find(name, root)
        if exports is None:
            return False
        if exports.hands_on_hub is None:
            names = [f"{name}.{each}" for each in exports.names]
            meanings = {meaning for each in names for meaning in self.meanings(each, root)}
            exports.hands_on_hub = False  # where its stars lead back to itself
            exports.hands_on_hub = any(f"{each}.".startswith("eventlet.") for each in meanings.union(exports.stars)) or any(
                self._hands_on_hub(star, root) for star in exports.stars
            )
        return exports.hands_on_hub

    def _find(self, name: str, root: str) -> _Exports | None:
        return self._modules.get((root, name.removeprefix("?.")))


def _targets(exports: _Exports, name: str) -> list[str]:
    return list(exports.names.get(name, ())) or [f"{star}.{name}" for star in exports.stars if not name.startswith("_")]


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """All of a module, without a look at their expressions, which are most of it."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.stmt):
            yield node
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            below = getattr(node, field, None)
            if isinstance(below, list):
                waiting.extend(below)


def _top_level(statements: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Those that run when the module is imported, also below if, try and with."""
    for statement in statements:
        yield statement
        for field in ("body", "orelse", "finalbody"):
            if isinstance(statement, (ast.If, ast.Try, ast.With)):
                yield from _top_level(getattr(statement, field, []))
        for handler in getattr(statement, "handlers", []):
            yield from _top_level(handler.body)


def _export(statement: ast.stmt, place: Place, exports: _Exports) -> None:
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            name = alias.asname or alias.name.split(".")[0]
            exports.names.setdefault(name, {})[alias.name if alias.asname else name] = None
    elif isinstance(statement, ast.ImportFrom):
        module = imported_module(statement, place)
        for alias in statement.names:
            if alias.name == "*":
                exports.stars.append(module)
            else:
                exports.names.setdefault(alias.asname or alias.name, {})[f"{module}.{alias.name}"] = None
    elif isinstance(statement, ast.Assign):
        for target in statement.targets:
            if isinstance(target, ast.Name):
                meanings = dict.fromkeys(_dotted(statement.value, exports)[:_MAX_MEANINGS])
                exports.names.setdefault(target.id, {}).update(meanings)


def _dotted(node: ast.expr, exports: _Exports) -> list[str]:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return []
    return [".".join([root, *reversed(parts)]) for root in exports.names.get(node.id, ())]
