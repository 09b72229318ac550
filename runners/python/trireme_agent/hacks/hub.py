"""Uses of what Eventlet's hub offers: its check for second readers, its debug switches, trampoline and use_hub."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from trireme_agent.hacks.calls import NAMESPACE
from trireme_agent.hacks.finding import Finding, at
from trireme_agent.hacks.names import Module, table_of_hub
from trireme_agent.hacks.scopes import Site

_SWITCH = "eventlet.debug.hub_prevent_multiple_readers"
_FLAG = "eventlet.hubs.hub.g_prevent_multiple_readers"
# Calls that take an object and the name of what to read or replace in it: setattr and what tests use.
_REPLACERS = ("setattr", "patch.object")
# Those of tests that take the whole name as a text, and the keywords by which they take what comes in its place.
_REPLACERS_BY_PATH = {"patch", "setattr", "MonkeyPatch", "MockPatch"}
_NEW = ("new", "new_value")
# What changes who waits in a hub, past its check for a second reader.
_CHANGING = (".append", ".clear", ".extend", ".insert", ".pop", ".remove", ".setdefault", ".update")
_ADD = re.compile(r"eventlet\.hubs\.(hub\.)?get_hub\(\)\.add")
# What calls its first argument with those that follow.
_CALLERS = ("functools.partial", ".spawn", ".spawn_n", ".submit", "operator.methodcaller")
_HUB_VARIABLE = "EVENTLET_HUB"
_SETTERS = ("setdefault", "putenv", "setenv", "__setitem__")


class _Use(NamedTuple):
    symbol: str
    finding: Finding
    is_alias: bool  # only gives it another name, or imports it


def find(module: Module) -> list[Finding]:
    uses = [use for site in module.sites for use in _uses(module, site)]
    for alias, meaning in module.imports:
        for symbol in _symbols(module.followed(meaning)):
            uses.append(_Use(symbol, at(alias, _kind(symbol), symbol), is_alias=True))
    used = {use.symbol for use in uses if not use.is_alias}
    # A name that the module imports and uses is told where it is used; one that it only hands on, where it gets it.
    found = [use.finding for use in uses if not use.is_alias or use.symbol not in used]
    # secondaries.setdefault(...).append(...) is one use: what the text says of it begins at one place.
    return list({(each.line, each.column, each.kind, each.subject): each for each in reversed(found)}.values())


def _symbols(meanings: set[str] | frozenset[str]) -> list[str]:
    return sorted(symbol for symbol in meanings if _kind(symbol))


def _kind(symbol: str) -> str:
    if symbol in (_SWITCH, _FLAG) or (table_of_hub(symbol) and symbol.endswith(_CHANGING)):
        return "multiple-readers-allowed"
    if _ADD.fullmatch(symbol):
        return "trampoline"
    if symbol.startswith("eventlet.debug.hub_") and symbol.count(".") == 2:
        return "hub-debug"
    if symbol.startswith("eventlet."):
        return {"trampoline": "trampoline", "use_hub": "hub-choice"}.get(symbol.rpartition(".")[2], "")
    return ""


def _uses(module: Module, site: Site) -> Iterator[_Use]:
    node = site.node
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        return  # it is bound here, and told where its value is
    if isinstance(node, ast.Call):
        yield from _uses_by_text(module, site)
    elif isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
        is_stored = not isinstance(node.ctx, ast.Load)
        for symbol in _symbols(module.meanings(site)):
            if symbol == _FLAG or not is_stored:
                yield _use(module, site, symbol)
        if is_stored and isinstance(node, ast.Subscript):
            yield from _items_stored(module, site, node)


def _items_stored(module: Module, site: Site, node: ast.Subscript) -> Iterator[_Use]:
    """hub.listeners[READ][number] = it, os.environ["EVENTLET_HUB"] = "asyncio"."""
    for table in sorted(filter(table_of_hub, module.meanings(site._replace(node=node.value)))):
        yield _Use(table, at(node, "multiple-readers-allowed", table_of_hub(table)), is_alias=False)
    if isinstance(node.ctx, ast.Store) and module.text(site._replace(node=node.slice)) == _HUB_VARIABLE:
        yield _Use(_HUB_VARIABLE, at(node, "hub-choice", _HUB_VARIABLE), is_alias=False)


def _uses_by_text(module: Module, site: Site) -> Iterator[_Use]:
    """getattr(eventlet.debug, "hub_exceptions"), and the same with setattr; patch("eventlet.debug.hub_exceptions")."""
    node = site.node
    if not isinstance(node, ast.Call):
        return
    yield from _uses_by_path(module, site, node)
    functions = module.meanings(site._replace(node=node.func))
    for symbol in _symbols(module.named_by_text(site)):
        yield _use(module, site, symbol)
    for space in functions:
        if space.endswith(f"{NAMESPACE}.update"):
            yield from _keywords(module, site, node, space.removesuffix(f"{NAMESPACE}.update"))
    if len(node.args) > 1 and _replaces(node, functions):
        for symbol in _symbols(module.attribute_named(site, *node.args[:2])):
            value = _new_value(node, 2)
            yield _Use(symbol, _finding(module, site, symbol, value, value is not None), is_alias=False)


def _keywords(module: Module, site: Site, node: ast.Call, owner: str) -> Iterator[_Use]:
    """patch.multiple(owner, name=value), and vars(owner).update(name=value)."""
    for keyword in node.keywords:
        for symbol in _symbols(module.followed(f"{owner}.{keyword.arg}")):
            yield _Use(symbol, _finding(module, site, symbol, keyword.value, True), is_alias=False)


def _uses_by_path(module: Module, site: Site, node: ast.Call) -> Iterator[_Use]:
    """patch("eventlet.hubs.hub.g_prevent_multiple_readers", False), and patch.multiple of the module with a keyword."""
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    path = module.text(site._replace(node=node.args[0])) if node.args else None
    if path is None:
        return
    if called in _REPLACERS_BY_PATH:
        for symbol in _symbols(module.followed(path)):
            value = _new_value(node, 1)
            yield _Use(symbol, _finding(module, site, symbol, value, value is not None), is_alias=False)
    elif called == "multiple":
        yield from _keywords(module, site, node, path)
    elif path == _HUB_VARIABLE and called in _SETTERS and len(node.args) > 1:
        yield _Use(path, at(node, "hub-choice", path), is_alias=False)


def _new_value(node: ast.Call, position: int) -> ast.expr | None:
    """What a call that replaces something puts in its place; None where that is not seen."""
    if len(node.args) > position:
        return node.args[position]
    return next((keyword.value for keyword in node.keywords if keyword.arg in _NEW), None)


def _replaces(node: ast.Call, functions: frozenset[str]) -> bool:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if "builtins.setattr" in functions or name in ("setattr", "__setattr__"):
        return True
    return any(each.endswith(_REPLACERS) for each in functions)


def _use(module: Module, site: Site, symbol: str) -> _Use:
    given = _given(module, site)
    if given is not None:
        return _Use(symbol, _finding(module, site, symbol, given[0] if given else None, True), is_alias=False)
    if site.node in module.assigned:  # the flag itself
        return _Use(symbol, _finding(module, site, symbol, module.assigned[site.node], True), is_alias=False)
    return _Use(symbol, _finding(module, site, symbol, None, False), is_alias=site.node in module.aliased)


def _given(module: Module, site: Site) -> list[ast.expr] | None:
    """What the switch that stands at the site is called with; None where no call of it is seen."""
    if isinstance(site.node, ast.Call) and isinstance(site.node.func, ast.Call) and _calls(module, site, site.node.func):
        return _states(site.node.func, 1)  # methodcaller(name, state)(module)
    if site.node in module.callers:
        return _states(module.callers[site.node], 0)
    call = module.handed.get(site.node)
    return _states(call, 1) if call is not None and _calls(module, site, call) else None


def _states(call: ast.Call, before: int) -> list[ast.expr]:
    # What `**` gives may be anything.
    named = [keyword.value for keyword in call.keywords if keyword.arg in ("state", None)]
    return [*call.args[before : before + 1], *named]


def _calls(module: Module, site: Site, call: ast.Call) -> bool:
    """Whether what a call is given is called with what follows it."""
    return any(f".{each}".endswith(_CALLERS) for each in module.meanings(site._replace(node=call.func)))


def _finding(module: Module, site: Site, symbol: str, state: ast.expr | None, is_known: bool) -> Finding:
    """`state`: what the switch is given; without one, where it is known to be none, the check is switched on."""
    kind, subject = _kind(symbol), table_of_hub(symbol) or symbol
    if symbol in (_SWITCH, _FLAG) and is_known:
        value = True if state is None else module.constant(site._replace(node=state))
        given = "" if state is None else ast.unparse(state)[:40]
        subject = f"{symbol} = {given}" if symbol == _FLAG else f"{symbol}({given})"
        if isinstance(value, (bool, int)) and value:
            kind = "multiple-readers-refused"
    return at(site.node, kind, subject)
