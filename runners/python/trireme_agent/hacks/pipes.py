"""Classes that use a pipe, or an eventfd, with one token in it as a lock: they read it to enter and write it to leave.

A pipe that only wakes a loop is drained by larger reads, and is no lock.
"""

from __future__ import annotations

import ast
from typing import NamedTuple

from trireme_agent.hacks.finding import Finding
from trireme_agent.hacks.names import Module
from trireme_agent.hacks.scopes import Scope, Site

_MODULES = ("os", "posix", "eventlet.green.os")
_TOKEN_OF_EVENTFD = 8  # bytes


class _Lock(NamedTuple):
    readers: dict[str, set[str]]  # descriptor -> methods that take one token from it
    writers: dict[str, set[str]]


def find(module: Module) -> list[Finding]:
    found = []
    for owner in module.classes:
        descriptors = _descriptors(module, owner)
        if descriptors and _is_lock(_tokens(module, owner, descriptors), descriptors):
            found.append(_finding(owner))
    return found


def _finding(owner: Scope) -> Finding:
    node = owner.node
    assert isinstance(node, ast.ClassDef)
    return Finding(
        node.lineno, node.col_offset, node.lineno, node.col_offset + len("class"), "pipe-mutex", f"class {node.name}"
    )


def _descriptors(module: Module, owner: Scope) -> dict[str, str]:
    """The attributes that hold a descriptor: name -> the function that made it."""
    found = {}
    for name, bindings in [*owner.attributes.items(), *owner.names.items()]:
        for binding in bindings:
            origin = binding.value or binding.origin
            if isinstance(origin, ast.Subscript):
                origin = origin.value
            if not isinstance(origin, ast.Call):
                continue
            maker = _function_of_os(module, Site(origin.func, binding.scope, binding.path))
            if maker in ("pipe", "pipe2", "eventfd"):
                found[name] = maker
    return found


def _function_of_os(module: Module, site: Site) -> str:
    for meaning in module.meanings(site):
        owner, _, name = meaning.rpartition(".")
        if owner in _MODULES:
            return name
    return ""


def _is_lock(tokens: _Lock, descriptors: dict[str, str]) -> bool:
    """Whether one method takes a token and another gives it back."""
    for reading, takers in tokens.readers.items():
        for writing, givers in tokens.writers.items():
            same = descriptors[reading] == descriptors[writing]
            if same and any(taker != giver for taker in takers for giver in givers):
                return True
    return False


def _tokens(module: Module, owner: Scope, descriptors: dict[str, str]) -> _Lock:
    tokens = _Lock({}, {})
    for site in module.sites:
        node = site.node
        if not isinstance(node, ast.Call) or not node.args or site.scope.enclosing_class() is not owner:
            continue
        name = _descriptor(module, site._replace(node=node.args[0]))
        if name not in descriptors:
            continue
        function = _function_of_os(module, site._replace(node=node.func))
        method = getattr(site.scope.function().node, "name", "")
        if function == "eventfd_read" or (function == "read" and _reads_token(module, site, descriptors[name])):
            tokens.readers.setdefault(name, set()).add(method)
        if function == "eventfd_write" or (function == "write" and _writes_token(module, site, descriptors[name])):
            tokens.writers.setdefault(name, set()).add(method)
    return tokens


def _descriptor(module: Module, site: Site) -> str:
    """The attribute of self that an expression is: self.rfd, self.pipe[0], or a local name for one of these."""
    node = site.node
    if isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Name) and site.scope.owner(node.id) is site.scope:
        values = [binding.value for binding in module.reaching(node.id, site)]
        node = values[0] if len(values) == 1 and values[0] is not None else node
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and module.is_self(node.value, site.scope):
        return node.attr
    return ""


def _reads_token(module: Module, site: Site, maker: str) -> bool:
    assert isinstance(site.node, ast.Call)
    size = module.constant(site._replace(node=site.node.args[1])) if len(site.node.args) > 1 else None
    return size == (_TOKEN_OF_EVENTFD if maker == "eventfd" else 1)


def _writes_token(module: Module, site: Site, maker: str) -> bool:
    assert isinstance(site.node, ast.Call)
    value = module.constant(site._replace(node=site.node.args[1])) if len(site.node.args) > 1 else None
    return maker == "eventfd" or (isinstance(value, bytes) and len(value) == 1)
