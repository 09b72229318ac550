"""Scopes of a module, the names that they bind, and where expressions are in them."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import NamedTuple

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class Block(NamedTuple):
    """A part of a compound statement: what is in it may not run, or run often."""

    kind: str  # "if", "loop", "with"
    node: ast.AST
    part: object


Path = tuple[Block, ...]
Position = tuple[int, int]


@dataclass(frozen=True)
class Binding:
    at: Position
    path: Path
    scope: Scope  # where the value is evaluated
    meaning: str = ""  # of an import
    value: ast.expr | None = None
    origin: ast.expr | None = None  # what the value was taken out of
    function: Function | None = None
    always: bool = False  # made elsewhere, so it may reach any use
    default: ast.expr | None = None  # of a parameter: what it is where none is given; `scope` is where that is evaluated


@dataclass(eq=False)
class Scope:
    kind: str  # "module", "class", "function", "comprehension"
    parent: Scope | None
    node: ast.AST
    names: dict[str, list[Binding]] = field(default_factory=dict)
    attributes: dict[str, list[Binding]] = field(default_factory=dict)  # of self, in a class, or of its name
    redirected: dict[str, Scope] = field(default_factory=dict)  # global and nonlocal
    parameters: list[str] = field(default_factory=list)

    def function(self) -> Scope:
        """The function or module whose code this is part of."""
        scope = self
        while scope.kind == "comprehension" and scope.parent is not None:
            scope = scope.parent
        return scope

    def owner(self, name: str) -> Scope | None:
        """The scope whose variable a name is here; None for builtins and what a star brings."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.redirected:
                return scope.redirected[name]
            if name in scope.names and (scope is self or scope.kind != "class"):
                return scope
            scope = scope.parent
        return None

    def enclosing_class(self) -> Scope | None:
        scope = self.function()
        while scope.kind == "function" and scope.parent is not None:
            scope = scope.parent.function()
        return scope if scope.kind == "class" else None


class Site(NamedTuple):
    """A node, and where it is."""

    node: ast.expr
    scope: Scope
    path: Path


def blocks_of(path: Path) -> Path:
    return tuple(block for block in path if block.kind != "with")


def position_of(node: ast.AST) -> Position:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def end_of(node: ast.AST) -> Position:
    return getattr(node, "end_lineno", 0), getattr(node, "end_col_offset", 0)
