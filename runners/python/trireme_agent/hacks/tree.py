"""From a syntax tree to scopes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from trireme_agent.hacks.project import Place, imported_module
from trireme_agent.hacks.scopes import Binding, Block, Function, Path, Position, Scope, Site, end_of, position_of

Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def _children(node: ast.AST) -> list[ast.AST]:
    """Those that may hold a name: most of what a tree has are constants and marks of how a name is used."""
    found: list[ast.AST] = []
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, list):
            found.extend(each for each in value if isinstance(each, ast.AST) and not isinstance(each, ast.Constant))
        elif isinstance(value, ast.AST) and not isinstance(value, (ast.Constant, ast.expr_context)):
            found.append(value)
    return found


class Tree:
    """A module's scopes, and the sites that a search may look at."""

    def __init__(self, tree: ast.Module, place: Place) -> None:
        self.top = Scope("module", None, tree)
        self.sites: list[Site] = []  # names, attributes, calls and subscripts, in the order of the text
        self.classes: list[Scope] = []
        self._class_of: dict[tuple[Scope, str], Scope] = {}  # by the scope that it is in, and its name
        self.scope_of: dict[ast.AST, Scope] = {tree: self.top}
        self.callers: dict[ast.expr, ast.Call] = {}  # what is called -> its call
        self.aliased: dict[ast.expr, ast.expr | ast.alias] = {}  # value -> the name it is bound to
        self.assigned: dict[ast.expr, ast.expr] = {}  # target -> its value
        self.imports: list[tuple[ast.alias, str]] = []  # from imports: what each stands for
        self.awaited: list[ast.expr] = []
        self.returns: dict[Scope, list[Site]] = {}  # by the function that returns them
        self.handed: dict[ast.expr, ast.Call] = {}  # first argument -> its call
        self.place = place
        self.stars: list[str] = []
        self._walk(tree, self.top, ())

    def insert(self, tree: ast.Module, site: Site, own_names: bool) -> None:
        """Code that a call runs: with names of its own, or with those of where it is. What it binds in a function it keeps."""
        for node in ast.walk(tree):
            if hasattr(node, "lineno"):
                ast.copy_location(node, site.node)
        inner = Scope("module", None, tree) if own_names else site.scope
        if inner.kind != "module":
            inner = Scope("function", site.scope, tree)
        self.scope_of[tree] = inner
        self._walk(tree, inner, site.path)

    def _walk(self, tree: ast.Module, top: Scope, at: Path) -> None:
        enters: dict[type[ast.AST], Any] = {}
        waiting: list[tuple[ast.AST, Scope, Path]] = [(tree, top, at)]
        while waiting:  # no recursion: long chains of elif are deep trees
            node, scope, path = waiting.pop()
            kind = type(node)
            if kind not in enters:
                enters[kind] = getattr(self, f"_enter_{kind.__name__}", None)
            enter = enters[kind]
            if enter is not None:
                waiting.extend(reversed(list(enter(node, scope, path))))
            else:
                waiting.extend((each, scope, path) for each in reversed(_children(node)))

    def _bind(self, scope: Scope, name: str, binding: Binding) -> None:
        owner = scope.redirected.get(name, scope)
        if owner is not scope:
            binding = Binding(binding.at, (), binding.scope, binding.meaning, binding.value, binding.origin,
                              binding.function, always=True)  # fmt: skip
        owner.names.setdefault(name, []).append(binding)

    def _enter_FunctionDef(self, node: ast.FunctionDef, scope: Scope, path: Path) -> Iterator[tuple[ast.AST, Scope, Path]]:
        self._bind(scope, node.name, Binding(end_of(node), path, scope, function=node))
        return self._enter_function(node, scope, path, node.body, node.decorator_list)

    _enter_AsyncFunctionDef = _enter_FunctionDef

    def _enter_Lambda(self, node: ast.Lambda, scope: Scope, path: Path) -> Iterator[tuple[ast.AST, Scope, Path]]:
        return self._enter_function(node, scope, path, [node.body], [])

    def _enter_function(
        self, node: Function, scope: Scope, path: Path, body: list[ast.stmt] | list[ast.expr], decorators: list[ast.expr]
    ) -> Iterator[tuple[ast.AST, Scope, Path]]:
        inner = self.scope_of[node] = Scope("function", scope, node)
        given = node.args
        places = [*given.posonlyargs, *given.args]
        inner.parameters = [argument.arg for argument in places]
        others = [each for each in (given.vararg, given.kwarg) if each]
        defaults = dict(zip(reversed(places), reversed(given.defaults), strict=False))
        defaults.update((each, value) for each, value in zip(given.kwonlyargs, given.kw_defaults, strict=True) if value)
        for argument in [*places, *given.kwonlyargs, *others]:
            default = defaults.get(argument)
            evaluated = scope if default is not None else inner
            self._bind(inner, argument.arg, Binding(position_of(node), (), evaluated, default=default))
            if default is not None:
                self.aliased[default] = default
        for outer in [*decorators, *given.defaults, *(each for each in given.kw_defaults if each)]:
            yield outer, scope, path
        for part in body:
            yield part, inner, ()

    def _enter_ClassDef(self, node: ast.ClassDef, scope: Scope, path: Path) -> Iterator[tuple[ast.AST, Scope, Path]]:
        self._bind(scope, node.name, Binding(end_of(node), path, scope))
        inner = self.scope_of[node] = Scope("class", scope, node)
        self.classes.append(inner)
        self._class_of[scope, node.name] = inner
        for outer in [*node.decorator_list, *node.bases, *node.keywords]:
            yield outer, scope, path
        for part in node.body:
            yield part, inner, ()

    def class_named(self, node: ast.Name, scope: Scope) -> Scope | None:
        """The class that a name is, where it is never bound anew."""
        owner = scope.owner(node.id)
        if owner is None or len(owner.names.get(node.id, [])) != 1:
            return None
        return self._class_of.get((owner, node.id))

    def _enter_comprehension_of(
        self, node: Comprehension, scope: Scope, path: Path
    ) -> Iterator[tuple[ast.AST, Scope, Path]]:
        inner = self.scope_of[node] = Scope("comprehension", scope, node)
        for generator in node.generators:
            self._bind_target(generator.target, None, generator.iter, inner, (), position_of(node))
            yield generator.iter, inner, path
            for condition in generator.ifs:
                yield condition, inner, path
        for part in [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]:
            yield part, inner, path

    _enter_ListComp = _enter_SetComp = _enter_DictComp = _enter_GeneratorExp = _enter_comprehension_of

    def _enter_Global(self, node: ast.Global, scope: Scope, path: Path) -> list[tuple[ast.AST, Scope, Path]]:
        scope.redirected.update(dict.fromkeys(node.names, self.top))
        return []

    def _enter_Nonlocal(self, node: ast.Nonlocal, scope: Scope, path: Path) -> list[tuple[ast.AST, Scope, Path]]:
        for name in node.names:
            owner = scope.parent.owner(name) if scope.parent else None
            if owner is not None:
                scope.redirected[name] = owner
        return []

    def _enter_Import(self, node: ast.Import, scope: Scope, path: Path) -> list[tuple[ast.AST, Scope, Path]]:
        for alias in node.names:
            name = alias.asname or alias.name.split(".")[0]
            self._bind(scope, name, Binding(end_of(node), path, scope, meaning=alias.name if alias.asname else name))
        return []

    def _enter_ImportFrom(self, node: ast.ImportFrom, scope: Scope, path: Path) -> list[tuple[ast.AST, Scope, Path]]:
        module = imported_module(node, self.place)
        for alias in node.names:
            if alias.name == "*":
                self.stars.append(module)
                continue
            meaning = f"{module}.{alias.name}"
            self._bind(scope, alias.asname or alias.name, Binding(end_of(node), path, scope, meaning=meaning))
            self.imports.append((alias, meaning))
        return []

    def _enter_Assign(self, node: ast.Assign, scope: Scope, path: Path) -> Iterator[tuple[ast.AST, Scope, Path]]:
        for target in node.targets:
            self._bind_target(target, node.value, node.value, scope, path, end_of(node))
        yield node.value, scope, path
        for target in node.targets:
            yield target, scope, path

    def _enter_AnnAssign(self, node: ast.AnnAssign, scope: Scope, path: Path) -> Iterator[tuple[ast.AST, Scope, Path]]:
        if node.value is not None:
            self._bind_target(node.target, node.value, node.value, scope, path, end_of(node))
            yield node.value, scope, path
        yield node.target, scope, path

    def _enter_NamedExpr(self, node: ast.NamedExpr, scope: Scope, path: Path) -> Iterator[tuple[ast.AST, Scope, Path]]:
        self._bind_target(node.target, node.value, node.value, scope.function(), path, end_of(node))
        yield node.value, scope, path

    def _bind_target(
        self, target: ast.expr, value: ast.expr | None, origin: ast.expr, scope: Scope, path: Path, at: Position
    ) -> None:
        if isinstance(target, ast.Starred):
            self._bind_target(target.value, None, origin, scope, path, at)
        elif isinstance(target, (ast.Tuple, ast.List)):
            values: list[ast.expr | None] = [None] * len(target.elts)
            if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts):
                values = list(value.elts)
            for each, part in zip(target.elts, values, strict=True):
                self._bind_target(each, part, part or origin, scope, path, at)
        elif isinstance(target, ast.Name):
            self._bind(scope, target.id, Binding(at, path, scope, value=value, origin=origin))
        elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            owner = scope.enclosing_class()
            if owner is None or target.value.id not in scope.function().parameters[:1]:
                owner = self.class_named(target.value, scope)
            if owner is not None:
                owner.attributes.setdefault(target.attr, []).append(Binding(at, (), scope, value=value, origin=origin))
        if isinstance(target, (ast.Name, ast.Attribute)) and value is not None:
            self.aliased[value] = target
            if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "staticmethod":
                self.aliased.update(dict.fromkeys(value.args[:1], target))
            self.assigned[target] = value

    def _enter_If(self, node: ast.If, scope: Scope, path: Path) -> Iterator[tuple[ast.AST, Scope, Path]]:
        yield node.test, scope, path
        yield from self._part("if", node, "body", node.body, scope, path)
        yield from self._part("if", node, "orelse", node.orelse, scope, path)

    def _enter_For(self, node: ast.For, scope: Scope, path: Path) -> Iterator[tuple[ast.AST, Scope, Path]]:
        yield node.iter, scope, path
        inside = (*path, Block("loop", node, "body"))
        self._bind_target(node.target, None, node.iter, scope, inside, end_of(node.target))
        yield from self._part("loop", node, "body", node.body, scope, path)
        yield from self._part("if", node, "orelse", node.orelse, scope, path)

    _enter_AsyncFor = _enter_For

    def _enter_While(self, node: ast.While, scope: Scope, path: Path) -> Iterator[tuple[ast.AST, Scope, Path]]:
        yield node.test, scope, path
        yield from self._part("loop", node, "body", node.body, scope, path)
        yield from self._part("if", node, "orelse", node.orelse, scope, path)

    def _enter_Try(self, node: ast.Try, scope: Scope, path: Path) -> Iterator[tuple[ast.AST, Scope, Path]]:
        yield from self._part("try", node, "body", node.body, scope, path)
        for number, handler in enumerate(node.handlers):
            if handler.name:
                inside = (*path, Block("try", node, number))
                self._bind(scope, handler.name, Binding(position_of(handler), inside, scope))
            yield from self._part("try", node, number, handler.body, scope, path)
        yield from self._part("try", node, "orelse", node.orelse, scope, path)
        for statement in node.finalbody:
            yield statement, scope, path

    _enter_TryStar = _enter_Try

    def _enter_With(self, node: ast.With, scope: Scope, path: Path) -> Iterator[tuple[ast.AST, Scope, Path]]:
        for item in node.items:
            yield item.context_expr, scope, path
            if item.optional_vars is not None:
                self._bind_target(item.optional_vars, None, item.context_expr, scope, path, end_of(item.optional_vars))
        yield from self._part("with", node, "body", node.body, scope, path)

    _enter_AsyncWith = _enter_With

    def _enter_Match(self, node: ast.Match, scope: Scope, path: Path) -> Iterator[tuple[ast.AST, Scope, Path]]:
        yield node.subject, scope, path
        for number, case in enumerate(node.cases):
            for pattern in ast.walk(case.pattern):
                name = getattr(pattern, "name", None) or getattr(pattern, "rest", None)
                if isinstance(name, str):
                    self._bind(scope, name, Binding(position_of(pattern), path, scope))
            if case.guard is not None:
                yield case.guard, scope, path
            yield from self._part("if", node, number, case.body, scope, path)

    def _part(
        self, kind: str, node: ast.AST, part: object, body: list[ast.stmt], scope: Scope, path: Path
    ) -> Iterator[tuple[ast.AST, Scope, Path]]:
        inside = (*path, Block(kind, node, part))
        for statement in body:
            yield statement, scope, inside

    def _enter_Await(self, node: ast.Await, scope: Scope, path: Path) -> list[tuple[ast.AST, Scope, Path]]:
        self.awaited.append(node.value)
        return [(node.value, scope, path)]

    def _enter_Return(self, node: ast.Return, scope: Scope, path: Path) -> list[tuple[ast.AST, Scope, Path]]:
        if node.value is None:
            return []
        self.returns.setdefault(scope, []).append(Site(node.value, scope, path))
        return [(node.value, scope, path)]

    def _enter_Call(self, node: ast.Call, scope: Scope, path: Path) -> Iterator[tuple[ast.AST, Scope, Path]]:
        self.callers[node.func] = node
        if node.args:
            self.handed[node.args[0]] = node
        return self._enter_site(node, scope, path)

    def _enter_site(self, node: ast.expr, scope: Scope, path: Path) -> Iterator[tuple[ast.AST, Scope, Path]]:
        self.sites.append(Site(node, scope, path))
        for child in _children(node):
            yield child, scope, path

    _enter_Name = _enter_Attribute = _enter_Subscript = _enter_site
