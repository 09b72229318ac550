"""Sockets that two spawned tasks read, write or accept from.

A variable is known by the scope that owns it, so that a name in a closure, a parameter that it was passed for and an
attribute of self are one socket. What the text shows to be apart is no finding: one task that is over before the next begins,
the branches of an if, a socket of its own in each round of a loop, a lock around every use.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

from trireme_agent.hacks.finding import Finding, at
from trireme_agent.hacks.names import Module
from trireme_agent.hacks.scopes import Function, Path, Scope, Site

# Method -> what two tasks must not do at once; those below are of other things than sockets too.
_METHODS = {
    "accept": "accept", "recv": "read", "recv_into": "read", "recvfrom": "read", "recvfrom_into": "read",
    "recvmsg": "read", "recvmsg_into": "read", "recv_exactly": "read", "recv_until": "read", "sendall": "write",
    "send_all": "write",
}  # fmt: skip
_UNSURE = {
    "read": "read", "readexactly": "read", "readinto": "read", "readline": "read", "readuntil": "read", "send": "write",
    "sendmsg": "write", "write": "write",
}  # fmt: skip
_OF_LOOP = {"sock_accept": "accept", "sock_recv": "read", "sock_recv_into": "read", "sock_recvfrom": "read",
            "sock_sendall": "write"}  # fmt: skip
_KINDS = {"accept": "shared-listener", "read": "shared-reader", "write": "shared-writer"}
_WORDS = {"accept": "accepts from", "read": "reads", "write": "writes to"}

# Function or method -> how many arguments stand before the task's function.
_SPAWNERS = {"spawn": 0, "spawn_n": 0, "submit": 0, "spawn_after": 1, "run_in_executor": 1}
_OF_COROUTINES = frozenset({"create_task", "ensure_future"})
_THREAD = "Thread"
_MAX_ALIASES = 10  # names for one variable
_ALL_SPAWNERS = frozenset({*_SPAWNERS, *_OF_COROUTINES, _THREAD})
_LIBRARIES = ("eventlet", "threading", "concurrent.futures", "asyncio", "futurist", "gevent")

_SOCKET = re.compile(r"sock|conn(?!f)|client|peer|stream|listen|server|channel|reader|writer", re.IGNORECASE)
_MAKES_SOCKET = re.compile(r"socket|connect|connection|listen|accept|makefile|makeGreenFile|from_fd", re.IGNORECASE)
_NO_SOCKET = re.compile(r"^(?:builtins\.open|io\.|queue\.|tempfile\.|gzip\.|zipfile\.|os\.)")
_LOCK = re.compile(r"lock|mutex|sem|cond|guard", re.IGNORECASE)
_ENDS = frozenset({"wait", "join", "result"})


class _Key(NamedTuple):
    """A variable, and the attributes that lead from it to the socket."""

    owner: Scope
    name: str
    attributes: tuple[str, ...]
    is_copy: bool = False  # made by dup(): another descriptor of the same socket

    def __str__(self) -> str:
        return ".".join([self.name, *self.attributes])


class _Use(NamedTuple):
    key: _Key
    what: str  # "read", "write", "accept"
    locks: frozenset[str]
    is_passed: bool  # as an argument, so a later binding of the variable does not change it
    is_sure: bool  # that it is a socket, by the method


class _Given(NamedTuple):
    """What a function is called with."""

    arguments: list[ast.expr]
    keywords: dict[str, ast.expr]
    is_whole: bool  # that this is all of it: nothing by * or **, which may stand for any parameter


class _Spawn(NamedTuple):
    site: Site
    function: Site  # the expression of what runs
    given: _Given

    @property
    def call(self) -> ast.Call:
        assert isinstance(self.site.node, ast.Call)
        return self.site.node


def find(module: Module) -> list[Finding]:
    spawns: dict[Scope, list[_Spawn]] = {}
    for site in module.sites:
        spawn = _spawn(module, site) if isinstance(site.node, ast.Call) else None
        if spawn is not None:
            spawns.setdefault(site.scope.function(), []).append(spawn)
    search = _Search(module)
    return [finding for together in spawns.values() for finding in search.shared(together)]


# -- what is spawned ----------------------------------------------------------------------------------------------------------


def _spawn(module: Module, site: Site) -> _Spawn | None:
    call = site.node
    assert isinstance(call, ast.Call)
    name = _spawner(module, site._replace(node=call.func))
    if name == _THREAD:
        return _thread(site, call)
    if name in _OF_COROUTINES and call.args and isinstance(call.args[0], ast.Call):
        inner = call.args[0]
        return _made(site, inner.func, inner.args, inner.keywords)
    before = _SPAWNERS.get(name)
    if before is None or len(call.args) <= before:
        return None
    return _made(site, call.args[before], call.args[before + 1 :], call.keywords)


def _spawner(module: Module, site: Site) -> str:
    """The name of what a call spawns with; "" when it is something else."""
    meanings = module.meanings(site)
    for meaning in meanings:
        if meaning.startswith(tuple(f"{library}." for library in _LIBRARIES)):
            return meaning.rpartition(".")[2]
    # A method of a pool or executor that the text does not tell the type of, but no function of another library.
    if isinstance(site.node, ast.Attribute) and site.node.attr != _THREAD and all("()" in each for each in meanings):
        return site.node.attr
    return ""


def _made(site: Site, function: ast.expr, arguments: list[ast.expr], keywords: list[ast.keyword]) -> _Spawn:
    if isinstance(function, ast.Call) and function.args and _dotted(function.func).endswith("partial"):
        given = _given([*function.args[1:], *arguments], [*function.keywords, *keywords])
        return _Spawn(site, site._replace(node=function.args[0]), given)
    return _Spawn(site, site._replace(node=function), _given(arguments, keywords))


def _given(arguments: list[ast.expr], keywords: list[ast.keyword]) -> _Given:
    named = {keyword.arg: keyword.value for keyword in keywords if keyword.arg}
    is_whole = all(keyword.arg for keyword in keywords) and not any(isinstance(each, ast.Starred) for each in arguments)
    return _Given(arguments, named, is_whole)


def _thread(site: Site, call: ast.Call) -> _Spawn | None:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    target = given.get("target") or (call.args[1] if len(call.args) > 1 else None)
    if target is None:
        return None
    arguments = given.get("args") or (call.args[3] if len(call.args) > 3 else None)
    named = given.get("kwargs") or (call.args[4] if len(call.args) > 4 else None)
    listed = _listed(arguments) if arguments is not None else []
    listed += [each for each in call.args if isinstance(each, ast.Starred)]
    keywords = _named(named) if named is not None else []
    keywords += [each for each in call.keywords if each.arg is None]
    return _made(site, target, listed, keywords)


def _listed(arguments: ast.expr) -> list[ast.expr]:
    """What a thread calls its target with: `*arguments`, unless the text says what they are."""
    return list(arguments.elts) if isinstance(arguments, (ast.Tuple, ast.List)) else [ast.Starred(arguments, ast.Load())]


def _named(arguments: ast.expr) -> list[ast.keyword]:
    """The same of its keywords: `**arguments`."""
    if isinstance(arguments, ast.Constant) and arguments.value is None:
        return []
    if not isinstance(arguments, ast.Dict):
        return [ast.keyword(None, arguments)]
    keys = [key.value if isinstance(key, ast.Constant) else None for key in arguments.keys]
    named = [key if isinstance(key, str) else None for key in keys]
    return [ast.keyword(key, value) for key, value in zip(named, arguments.values, strict=True)]


# -- what it uses -------------------------------------------------------------------------------------------------------------


class _Search:
    def __init__(self, module: Module) -> None:
        self._module = module
        self._uses: dict[Scope, list[_Use]] = {}
        self._calls: dict[Scope, list[Site]] = {}  # by the function whose code they are
        for site in module.sites:
            if isinstance(site.node, ast.Call):
                self._calls.setdefault(site.scope.function(), []).append(site)
        self._waits = list(self._find_waits())

    def _find_waits(self) -> Iterator[tuple[ast.expr, tuple[int, int]]]:
        """What is waited for, and where: t.wait(), t.join(), t.result(), await t."""
        for site in (each for sites in self._calls.values() for each in sites):
            function = site.node.func if isinstance(site.node, ast.Call) else site.node
            if isinstance(function, ast.Attribute) and function.attr in _ENDS:
                yield function.value, _place(site.node)
        for awaited in self._module.awaited:
            yield awaited, _place(awaited)

    def shared(self, spawns: list[_Spawn]) -> Iterator[Finding]:
        users: dict[tuple[_Key, str], list[tuple[_Spawn, _Use]]] = {}
        for spawn in spawns:
            for use in dict.fromkeys(self._uses_of(spawn.function, spawn.given, spawn.site.scope)):
                users.setdefault((use.key._replace(is_copy=False), use.what), []).append((spawn, use))
        for (key, what), each in users.items():
            if not self._is_socket(key, any(use.is_sure for _, use in each)):
                continue
            finding = self._pair(key, what, each) or self._loop(key, what, each)
            if finding is not None:
                yield finding

    def _pair(self, key: _Key, what: str, users: list[tuple[_Spawn, _Use]]) -> Finding | None:
        for (first, one), (second, other) in combinations(users, 2):
            if first is second or one.locks & other.locks or self._apart(key, first, second, one.is_passed):
                continue
            lines = f"lines {first.call.lineno} and {second.call.lineno}"
            return at(second.call, _kind(what, [one, other]), f"each of the tasks spawned at {lines} {_WORDS[what]} '{key}'")
        return None

    def _loop(self, key: _Key, what: str, users: list[tuple[_Spawn, _Use]]) -> Finding | None:
        for spawn, use in users:
            if not use.locks and self._is_repeated(key, spawn):
                subject = f"each of the tasks spawned in a loop at line {spawn.call.lineno} {_WORDS[what]} '{key}'"
                return at(spawn.call, _kind(what, [use]), subject)
        return None

    def _uses_of(self, function: Site, given: _Given, caller: Scope) -> Iterator[_Use]:
        """What a call of `function` from `caller` does to variables that outlive it."""
        known = False
        for body, receiver in self._functions(function):
            known = True
            inner = self._module.scope_of[body]
            passed = _passed(inner, [*([receiver] if receiver else []), *given.arguments], given.keywords)
            for use in self._uses_in(inner):
                yield from _seen_by_caller(use, inner, passed, caller)
                if given.is_whole and use.key.name not in passed:
                    yield from _of_default(use, inner)
        node = function.node
        if not known and isinstance(node, ast.Attribute) and (what := _what(node)):
            key = _key(node.value, caller)
            if key is not None:
                yield _Use(key, what, frozenset(), not key.attributes, node.attr in _METHODS)

    def _functions(self, site: Site, seen: set[ast.expr] | None = None) -> Iterator[tuple[Function, ast.expr | None]]:
        """The functions that an expression may be, and what their first parameter is bound to.

        `seen`: the wrapped methods that were looked into on the way, for these may name each other in a circle.
        """
        node = site.node
        seen = set() if seen is None else seen
        if isinstance(node, ast.Lambda):
            yield node, None
        elif isinstance(node, ast.Name) and site.scope.owner(node.id) is not None:
            for binding in self._module.reaching(node.id, site):
                if binding.function is not None:
                    yield binding.function, None
                elif isinstance(binding.value, ast.Lambda):
                    yield binding.value, None
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = site.scope.enclosing_class()
            if owner is not None and self._module.is_self(node.value, site.scope):
                yield from self._methods(owner, node.attr, node.value, False, seen)
            elif (named := self._module.class_named(node.value, site.scope)) is not None:
                yield from self._methods(named, node.attr, node.value, True, seen)

    def _methods(
        self, owner: Scope, name: str, receiver: ast.expr, by_class: bool, seen: set[ast.expr]
    ) -> Iterator[tuple[Function, ast.expr | None]]:
        """Those of a class by that name, and what their first parameter is bound to where `receiver` is asked for them."""
        for binding in owner.names.get(name, []):
            if binding.function is not None:
                wrappers = {_dotted(each) for each in getattr(binding.function, "decorator_list", [])}
                is_bound = "classmethod" in wrappers or not (by_class or "staticmethod" in wrappers)
                yield binding.function, receiver if is_bound else None
            elif isinstance(binding.value, ast.Call) and len(binding.value.args) == 1 and binding.value not in seen:
                seen.add(binding.value)
                wrapper = _dotted(binding.value.func)
                if wrapper in ("staticmethod", "classmethod"):
                    inner = Site(binding.value.args[0], binding.scope, binding.path)
                    for function, _ in self._functions(inner, seen):
                        yield function, receiver if wrapper == "classmethod" else None

    def _uses_in(self, scope: Scope) -> list[_Use]:
        if scope not in self._uses:
            self._uses[scope] = []  # what a function that calls itself adds
            self._uses[scope] = list(dict.fromkeys(self._find_uses_in(scope)))
        return self._uses[scope]

    def _find_uses_in(self, scope: Scope) -> Iterator[_Use]:
        for site in self._calls.get(scope, []):
            call = site.node
            assert isinstance(call, ast.Call)
            locks = _locks(site.path)
            if isinstance(call.func, ast.Attribute) and call.func.attr in _OF_LOOP and call.args:
                key = _key(call.args[0], site.scope)
                if key is not None:
                    yield _Use(key, _OF_LOOP[call.func.attr], locks, is_passed=False, is_sure=True)
            elif _spawner(self._module, site._replace(node=call.func)) not in _ALL_SPAWNERS:
                given = _given(call.args, call.keywords)
                for use in self._uses_of(site._replace(node=call.func), given, site.scope):
                    yield use._replace(locks=use.locks | locks, is_passed=False)

    # -- what is apart --------------------------------------------------------------------------------------------------------

    def _is_socket(self, key: _Key, is_sure: bool) -> bool:
        origins = list(self._origins(key))
        if any(_NO_SOCKET.match(origin) for origin in origins):
            return False
        last = [key.name, *key.attributes][-1]
        return is_sure or bool(_SOCKET.search(last)) or any(_MAKES_SOCKET.search(origin) for origin in origins)

    def _origins(self, key: _Key) -> Iterator[str]:
        """What makes the things that the variable is bound to."""
        owner = key.owner.enclosing_class() if len(key.attributes) == 1 else None
        bindings = owner.attributes.get(key.attributes[0], []) if owner else []
        for binding in bindings if key.attributes else key.owner.names.get(key.name, []):
            if binding.origin is not None:
                yield from self._module.meanings(Site(binding.origin, binding.scope, binding.path))
                if isinstance(binding.origin, ast.Call):
                    yield _dotted(binding.origin.func)

    def _apart(self, key: _Key, first: _Spawn, second: _Spawn, is_passed: bool) -> bool:
        return (
            _exclude_each_other(first.site.path, second.site.path)
            or self._is_over(first, _place(second.call))
            or (is_passed and self._is_bound_between(key, first, second))
        )

    def _is_over(self, first: _Spawn, end: tuple[int, int]) -> bool:
        """Whether the first is waited for before the second begins, at `end`."""
        if any(waited is first.call for waited, _ in self._waits):
            return True
        target = self._module.aliased.get(first.call)
        if not isinstance(target, ast.Name):
            return False
        return any(
            isinstance(waited, ast.Name) and waited.id == target.id and _place(first.call) < at_ < end
            for waited, at_ in self._waits
        )

    def _is_bound_between(self, key: _Key, first: _Spawn, second: _Spawn) -> bool:
        bindings = key.owner.names.get(key.name, [])
        return any(_place(first.call) < binding.at < _place(second.call) for binding in bindings)

    def _is_repeated(self, key: _Key, spawn: _Spawn) -> bool:
        scope = spawn.site.scope
        if scope.kind == "comprehension":
            return key.owner is not scope and not self._is_over(spawn, _place(spawn.call))
        loops = [block.node for block in spawn.site.path if block.kind == "loop"]
        if not loops or _ends_loop(spawn.site.path) or self._is_over(spawn, _end(loops[-1])):
            return False
        bindings = key.owner.names.get(key.name, [])
        return not any(block.node in loops for binding in bindings for block in binding.path)


def _kind(what: str, uses: list[_Use]) -> str:
    return "duplicated-reader" if what == "read" and any(use.key.is_copy for use in uses) else _KINDS[what]


def _what(function: ast.Attribute) -> str:
    return _METHODS.get(function.attr) or _UNSURE.get(function.attr, "")


def _key(node: ast.expr, scope: Scope, hops: int = 0) -> _Key | None:
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    owner = scope.owner(node.id)
    if owner is None:
        return None
    return _original(_Key(owner, node.id, tuple(reversed(attributes))), hops)


def _original(key: _Key, hops: int) -> _Key:
    """The variable that this one is another name, or a duplicate, of; where neither is ever bound anew."""
    bindings = key.owner.names.get(key.name, [])
    value = bindings[0].value if len(bindings) == 1 else None
    is_copy = isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "dup"
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and is_copy:
        value = value.func.value
    if hops >= _MAX_ALIASES or not isinstance(value, (ast.Name, ast.Attribute)):
        return key
    found = _key(value, bindings[0].scope, hops + 1)
    if found is None or len(found.owner.names.get(found.name, [])) > 1:
        return key
    return found._replace(attributes=found.attributes + key.attributes, is_copy=is_copy or found.is_copy)


def _dotted(node: ast.expr) -> str:
    """The names of a chain of attributes, whatever it begins with."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        names.append(node.id)
    return ".".join(reversed(names))


def _seen_by_caller(use: _Use, inner: Scope, passed: dict[str, ast.expr], caller: Scope) -> Iterator[_Use]:
    """The use in the caller's terms; none of what belongs to the callee alone."""
    if use.key.owner.function() is not inner:
        yield use
    elif use.key.owner is inner and use.key.name in passed:
        key = _key(passed[use.key.name], caller)
        if key is not None:
            is_copy = key.is_copy or use.key.is_copy
            whole = key._replace(attributes=key.attributes + use.key.attributes, is_copy=is_copy)
            yield use._replace(key=whole, is_passed=not whole.attributes)


def _of_default(use: _Use, inner: Scope) -> Iterator[_Use]:
    """The same of a parameter that nothing is passed for, where its default is a variable that is bound once."""
    binding = inner.names.get(use.key.name, [None])[0] if use.key.owner is inner else None
    key = _key(binding.default, binding.scope) if binding is not None and binding.default is not None else None
    if key is not None and len(key.owner.names.get(key.name, [])) == 1:
        whole = key._replace(attributes=key.attributes + use.key.attributes, is_copy=key.is_copy or use.key.is_copy)
        yield use._replace(key=whole, is_passed=not whole.attributes)


def _ends_loop(path: Path) -> bool:
    """Whether the block that spawns leaves the loop, so that there is no second round."""
    body = getattr(path[-1].node, str(path[-1].part), [])
    return bool(body) and isinstance(body[-1], (ast.Break, ast.Return, ast.Raise))


def _end(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "end_lineno", 0) + 1, 0


def _passed(inner: Scope, arguments: list[ast.expr], keywords: dict[str, ast.expr]) -> dict[str, ast.expr]:
    found = dict(keywords)
    for name, argument in zip(inner.parameters, arguments, strict=False):
        if isinstance(argument, ast.Starred):
            break
        found[name] = argument
    return found


def _place(node: ast.expr) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _exclude_each_other(one: Path, other: Path) -> bool:
    parts: dict[ast.AST, object] = {block.node: block.part for block in one if isinstance(block.node, (ast.If, ast.Match))}
    return any(parts.get(block.node, block.part) != block.part for block in other)


def _locks(path: Path) -> frozenset[str]:
    """The locks that are held: what a with statement around the code names."""
    found: set[str] = set()
    for block in path:
        items = block.node.items if isinstance(block.node, (ast.With, ast.AsyncWith)) else []
        names = [_dotted(item.context_expr) for item in items]
        found.update(name for name in names if _LOCK.search(name.rpartition(".")[2]))
    return frozenset(found)
