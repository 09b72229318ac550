"""What the names of a module stand for, as far as its text decides it.

A name may stand for several things (an import and its fallback); all that may reach a use count. In the scope of the use
itself a later binding replaces an earlier one; from another scope every binding may be seen, since the text does not say when
that runs.
"""

from __future__ import annotations

import ast
import builtins

from trireme_agent.hacks.project import Place, Project
from trireme_agent.hacks.scopes import Binding, Position, Scope, Site, blocks_of, position_of
from trireme_agent.hacks.tree import Tree

_MAX_ALIASES = 30  # names that stand for each other in a circle
_BUILTINS = frozenset(dir(builtins))
_NAMESPACE = ".__dict__"  # what vars() gives, too
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


class Module(Tree):
    """A module whose names can be asked for what they stand for."""

    def __init__(self, tree: ast.Module, place: Place, project: Project) -> None:
        super().__init__(tree, place)
        self._project = project
        self._meanings: dict[ast.expr, frozenset[str]] = {}

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
        return self._project.meanings(meaning, self.place.root)

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
            if not name:
                return set()
            spaces = {each[: -len(_NAMESPACE)] for each in modules if each.endswith(_NAMESPACE)}
            return {name} if "sys.modules" in modules else self._through_project(spaces, [name])
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
            elif binding.default is not None:
                found |= self.meanings(Site(binding.default, binding.scope, ()))
        return found

    def _of_stars(self, name: str) -> set[str]:
        found: set[str] = set()
        for star in self.stars:
            brings = _STARS.get(star)
            if (name in brings) if brings else (name not in _BUILTINS and not name.startswith("_")):
                found |= self.followed(f"{star}.{name}")
        return found

    def _of_self(self, node: ast.Attribute, site: Site) -> set[str]:
        """What the class that the site is in assigns to this attribute of self, or one that is named to its own."""
        if not isinstance(node.value, ast.Name):
            return set()
        is_self = self.is_self(node.value, site.scope)
        owner = site.scope.enclosing_class() if is_self else self.class_named(node.value, site.scope)
        if owner is None:
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
        if len(node.args) == 1 and "builtins.vars" in functions:
            return {each + _NAMESPACE for each in self.meanings(site._replace(node=node.args[0]))}
        if node.args and functions & _IMPORTERS:
            name = self.text(site._replace(node=node.args[0]))
            return {name} if name else set()
        if node.args and "builtins.__import__" in functions:
            name = self.text(site._replace(node=node.args[0])) or ""
            whole = len(node.args) > 3 or any(keyword.arg == "fromlist" for keyword in node.keywords)
            return {name if whole else name.split(".")[0]} if name else set()
        if len(node.args) == 1 and "builtins.staticmethod" in functions:
            return set(self.meanings(site._replace(node=node.args[0])))
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
        use = position_of(site.node)
        blocks = blocks_of(site.path)
        loops = {block.node for block in blocks if block.kind == "loop"}
        found = [each for each in bindings if each.always or (each.at > use and loops & {b.node for b in each.path})]
        for binding in sorted((each for each in bindings if each.at <= use and not each.always), key=_at, reverse=True):
            found.append(binding)
            if blocks_of(binding.path) == blocks[: len(blocks_of(binding.path))]:
                return found
        return found or bindings


def _at(binding: Binding) -> Position:
    return binding.at
