"""What the names of a module stand for, as far as its text decides it.

A name may stand for several things (an import and its fallback); all that may reach a use count. In the scope of the use
itself a later binding replaces an earlier one; from another scope every binding may be seen, since the text does not say when
that runs.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from trireme_agent.hacks.project import Place, Project, imported_module

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp

_MAX_ALIASES = 30  # names that stand for each other in a circle
_BUILTINS = frozenset(dir(builtins))
# What a star brings, of modules that say so themselves.
_STARS = {
    "eventlet.debug": {
        "format_hub_listeners", "format_hub_timers", "hub_blocking_detection", "hub_exceptions", "hub_listener_stacks",
        "hub_prevent_multiple_readers", "hub_timer_stacks", "spew", "tpool_exceptions", "unspew",
    },
    "eventlet.hubs": {"get_default_hub", "get_hub", "trampoline", "use_hub"},
}  # fmt: skip
_IMPORTERS = frozenset({
    "importlib.import_module", "eventlet.import_patched", "eventlet.patcher.import_patched", "eventlet.patcher.original",
    "oslo_utils.importutils.import_module", "oslo_utils.importutils.try_import", "pytest.importorskip",
})  # fmt: skip


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


@dataclass(eq=False)
class Scope:
    kind: str  # "module", "class", "function", "comprehension"
    parent: Scope | None
    node: ast.AST
    names: dict[str, list[Binding]] = field(default_factory=dict)
    attributes: dict[str, list[Binding]] = field(default_factory=dict)  # of self, in a class
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


def _blocks(path: Path) -> Path:
    return tuple(block for block in path if block.kind != "with")


def _position(node: ast.AST) -> Position:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def _end(node: ast.AST) -> Position:
    return getattr(node, "end_lineno", 0), getattr(node, "end_col_offset", 0)


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


class Module:
    """A module's scopes, and the sites that a search may look at."""

    def __init__(self, tree: ast.Module, place: Place, project: Project) -> None:
        self.top = Scope("module", None, tree)
        self.sites: list[Site] = []  # names, attributes, calls and subscripts, in the order of the text
        self.classes: list[Scope] = []
        self.scope_of: dict[ast.AST, Scope] = {tree: self.top}
        self.callers: dict[ast.expr, ast.Call] = {}  # what is called -> its call
        self.aliased: dict[ast.expr, ast.expr | ast.alias] = {}  # value -> the name it is bound to
        self.assigned: dict[ast.expr, ast.expr] = {}  # target -> its value
        self.imports: list[tuple[ast.alias, str]] = []  # from imports: what each stands for
        self.awaited: list[ast.expr] = []
        self._meanings: dict[ast.expr, frozenset[str]] = {}
        self._place = place
        self._project = project
        self._stars: list[str] = []
        self._walk(tree)

    # -- building -------------------------------------------------------------------------------------------------------------

    def _walk(self, tree: ast.Module) -> None:
        enters: dict[type[ast.AST], Any] = {}
        waiting: list[tuple[ast.AST, Scope, Path]] = [(tree, self.top, ())]
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
        self._bind(scope, node.name, Binding(_end(node), path, scope, function=node))
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
        for argument in [*places, *given.kwonlyargs, *others]:
            self._bind(inner, argument.arg, Binding(_position(node), (), inner))
        for outer in [*decorators, *given.defaults, *(each for each in given.kw_defaults if each)]:
            yield outer, scope, path
        for part in body:
            yield part, inner, ()

    def _enter_ClassDef(self, node: ast.ClassDef, scope: Scope, path: Path) -> Iterator[tuple[ast.AST, Scope, Path]]:
        self._bind(scope, node.name, Binding(_end(node), path, scope))
        inner = self.scope_of[node] = Scope("class", scope, node)
        self.classes.append(inner)
        for outer in [*node.decorator_list, *node.bases, *node.keywords]:
            yield outer, scope, path
        for part in node.body:
            yield part, inner, ()

    def _enter_comprehension_of(
        self, node: Comprehension, scope: Scope, path: Path
    ) -> Iterator[tuple[ast.AST, Scope, Path]]:
        inner = self.scope_of[node] = Scope("comprehension", scope, node)
        for generator in node.generators:
            self._bind_target(generator.target, None, generator.iter, inner, (), _position(node))
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
            self._bind(scope, name, Binding(_end(node), path, scope, meaning=alias.name if alias.asname else name))
        return []

    def _enter_ImportFrom(self, node: ast.ImportFrom, scope: Scope, path: Path) -> list[tuple[ast.AST, Scope, Path]]:
        module = imported_module(node, self._place)
        for alias in node.names:
            if alias.name == "*":
                self._stars.append(module)
                continue
            meaning = f"{module}.{alias.name}"
            self._bind(scope, alias.asname or alias.name, Binding(_end(node), path, scope, meaning=meaning))
            self.imports.append((alias, meaning))
        return []

    def _enter_Assign(self, node: ast.Assign, scope: Scope, path: Path) -> Iterator[tuple[ast.AST, Scope, Path]]:
        for target in node.targets:
            self._bind_target(target, node.value, node.value, scope, path, _end(node))
        yield node.value, scope, path
        for target in node.targets:
            yield target, scope, path

    def _enter_AnnAssign(self, node: ast.AnnAssign, scope: Scope, path: Path) -> Iterator[tuple[ast.AST, Scope, Path]]:
        if node.value is not None:
            self._bind_target(node.target, node.value, node.value, scope, path, _end(node))
            yield node.value, scope, path
        yield node.target, scope, path

    def _enter_NamedExpr(self, node: ast.NamedExpr, scope: Scope, path: Path) -> Iterator[tuple[ast.AST, Scope, Path]]:
        self._bind_target(node.target, node.value, node.value, scope.function(), path, _end(node))
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
            if owner is not None and target.value.id in scope.function().parameters[:1]:
                owner.attributes.setdefault(target.attr, []).append(Binding(at, (), scope, value=value, origin=origin))
        if isinstance(target, (ast.Name, ast.Attribute)) and value is not None:
            self.aliased[value] = target
            self.assigned[target] = value

    def _enter_If(self, node: ast.If, scope: Scope, path: Path) -> Iterator[tuple[ast.AST, Scope, Path]]:
        yield node.test, scope, path
        yield from self._part("if", node, "body", node.body, scope, path)
        yield from self._part("if", node, "orelse", node.orelse, scope, path)

    def _enter_For(self, node: ast.For, scope: Scope, path: Path) -> Iterator[tuple[ast.AST, Scope, Path]]:
        yield node.iter, scope, path
        inside = (*path, Block("loop", node, "body"))
        self._bind_target(node.target, None, node.iter, scope, inside, _end(node.target))
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
                self._bind(scope, handler.name, Binding(_position(handler), inside, scope))
            yield from self._part("try", node, number, handler.body, scope, path)
        yield from self._part("try", node, "orelse", node.orelse, scope, path)
        for statement in node.finalbody:
            yield statement, scope, path

    _enter_TryStar = _enter_Try

    def _enter_With(self, node: ast.With, scope: Scope, path: Path) -> Iterator[tuple[ast.AST, Scope, Path]]:
        for item in node.items:
            yield item.context_expr, scope, path
            if item.optional_vars is not None:
                self._bind_target(item.optional_vars, None, item.context_expr, scope, path, _end(item.optional_vars))
        yield from self._part("with", node, "body", node.body, scope, path)

    _enter_AsyncWith = _enter_With

    def _enter_Match(self, node: ast.Match, scope: Scope, path: Path) -> Iterator[tuple[ast.AST, Scope, Path]]:
        yield node.subject, scope, path
        for number, case in enumerate(node.cases):
            for pattern in ast.walk(case.pattern):
                name = getattr(pattern, "name", None) or getattr(pattern, "rest", None)
                if isinstance(name, str):
                    self._bind(scope, name, Binding(_position(pattern), path, scope))
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

    def _enter_Call(self, node: ast.Call, scope: Scope, path: Path) -> Iterator[tuple[ast.AST, Scope, Path]]:
        self.callers[node.func] = node
        return self._enter_site(node, scope, path)

    def _enter_site(self, node: ast.expr, scope: Scope, path: Path) -> Iterator[tuple[ast.AST, Scope, Path]]:
        self.sites.append(Site(node, scope, path))
        for child in _children(node):
            yield child, scope, path

    _enter_Name = _enter_Attribute = _enter_Subscript = _enter_site

    # -- asking ---------------------------------------------------------------------------------------------------------------

    def meanings(self, site: Site) -> frozenset[str]:
        """The dotted names that an expression may stand for: "eventlet.debug", "eventlet.GreenPool()", "builtins.getattr"."""
        known = self._meanings.get(site.node)
        if known is None:
            self._meanings[site.node] = frozenset()  # what a name that stands for itself adds
            known = self._meanings[site.node] = frozenset(self._of_chain(site))
        return known

    def _of_chain(self, site: Site) -> set[str]:
        node = site.node
        attributes: list[str] = []
        while isinstance(node, ast.Attribute):  # no recursion: chains may be long
            own = self._of_self(node, site)
            if own:
                return self._through_project(own, attributes)
            attributes.append(node.attr)
            node = node.value
        return self._through_project(self._of_root(site._replace(node=node)), attributes)

    def followed(self, meaning: str) -> frozenset[str]:
        return self._project.meanings(meaning, self._place.root)

    def _through_project(self, roots: set[str] | frozenset[str], attributes: list[str]) -> set[str]:
        names = {".".join([root, *reversed(attributes)]) for root in roots}
        return {meaning for name in names for meaning in self.followed(name)}

    def _of_root(self, site: Site) -> set[str]:
        node = site.node
        if isinstance(node, ast.Name):
            return self._of_name(node, site)
        if isinstance(node, ast.Call):
            return self._of_call(node, site)
        if isinstance(node, ast.Subscript):
            modules = self.meanings(site._replace(node=node.value))
            name = self.text(site._replace(node=node.slice))
            return {name} if name and "sys.modules" in modules else set()
        parts: list[ast.expr] = []
        if isinstance(node, ast.IfExp):
            parts = [node.body, node.orelse]
        elif isinstance(node, ast.BoolOp):
            parts = node.values
        elif isinstance(node, (ast.NamedExpr, ast.Await)):
            parts = [node.value]
        return {each for part in parts for each in self.meanings(site._replace(node=part))}

    def _of_name(self, node: ast.Name, site: Site) -> set[str]:
        if site.scope.owner(node.id) is None:
            builtin = {f"builtins.{node.id}"} if node.id in _BUILTINS else set()
            return builtin | self._of_stars(node.id)
        found: set[str] = set()
        for binding in self.reaching(node.id, site):
            if binding.meaning:
                found |= self.followed(binding.meaning)
            elif binding.value is not None:
                found |= self.meanings(Site(binding.value, binding.scope, binding.path))
        return found

    def _of_stars(self, name: str) -> set[str]:
        found: set[str] = set()
        for star in self._stars:
            brings = _STARS.get(star)
            if (name in brings) if brings else (name not in _BUILTINS and not name.startswith("_")):
                found |= self.followed(f"{star}.{name}")
        return found

    def _of_self(self, node: ast.Attribute, site: Site) -> set[str]:
        """What the class that the site is in assigns to this attribute of self."""
        owner = site.scope.enclosing_class()
        if owner is None or not isinstance(node.value, ast.Name) or not self.is_self(node.value, site.scope):
            return set()
        found: set[str] = set()
        for binding in [*owner.attributes.get(node.attr, []), *owner.names.get(node.attr, [])]:
            if binding.value is not None:
                found |= self.meanings(Site(binding.value, binding.scope, binding.path))
        return found

    def is_self(self, node: ast.Name, scope: Scope) -> bool:
        owner = scope.owner(node.id)
        return (
            owner is not None
            and owner.parent is not None
            and owner.parent.kind == "class"
            and owner.parameters[:1] == [node.id]
        )

    def _of_call(self, node: ast.Call, site: Site) -> set[str]:
        named = self.named_by_text(site)
        functions = self.meanings(site._replace(node=node.func))
        if "builtins.getattr" in functions:
            return named
        if node.args and functions & _IMPORTERS:
            name = self.text(site._replace(node=node.args[0]))
            return {name} if name else set()
        if node.args and "builtins.__import__" in functions:
            name = self.text(site._replace(node=node.args[0])) or ""
            whole = len(node.args) > 3 or any(keyword.arg == "fromlist" for keyword in node.keywords)
            return {name if whole else name.split(".")[0]} if name else set()
        return {f"{function}()" for function in functions}

    def named_by_text(self, site: Site) -> set[str]:
        """What the first two arguments of a call name, an object and a text, as those of getattr do."""
        node = site.node
        if not isinstance(node, ast.Call) or len(node.args) < 2:
            return set()
        name = self.text(site._replace(node=node.args[1]))
        if name is None:
            return set()
        return self._through_project(self.meanings(site._replace(node=node.args[0])), [name])

    def text(self, site: Site, aliases: int = 0) -> str | None:
        """The text that an expression is, where it is a constant or made of some."""
        value = self.constant(site, aliases)
        return value if isinstance(value, str) else None

    def constant(self, site: Site, aliases: int = 0) -> object:
        """The constant that an expression is; None where it is none, or None."""
        node = site.node
        if isinstance(node, ast.Constant):
            return node.value
        if aliases > _MAX_ALIASES:
            return None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left = self.text(site._replace(node=node.left), aliases + 1)
            right = self.text(site._replace(node=node.right), aliases + 1)
            return left + right if left is not None and right is not None else None
        if isinstance(node, ast.Name) and site.scope.owner(node.id) is not None:
            bindings = self.reaching(node.id, site)
            value = bindings[0].value if len(bindings) == 1 else None
            if value is not None:
                return self.constant(Site(value, bindings[0].scope, bindings[0].path), aliases + 1)
        return None

    def reaching(self, name: str, site: Site) -> list[Binding]:
        """The bindings that a use may see. REQUIRES: the name has an owner."""
        owner = site.scope.owner(name)
        bindings = owner.names.get(name, []) if owner else []
        if owner is not site.scope or len(bindings) < 2:
            return bindings
        use = _position(site.node)
        blocks = _blocks(site.path)
        loops = {block.node for block in blocks if block.kind == "loop"}
        found = [each for each in bindings if each.always or (each.at > use and loops & {b.node for b in each.path})]
        for binding in sorted((each for each in bindings if each.at <= use and not each.always), key=_at, reverse=True):
            found.append(binding)
            if _blocks(binding.path) == blocks[: len(_blocks(binding.path))]:
                return found
        return found or bindings


def _at(binding: Binding) -> Position:
    return binding.at
