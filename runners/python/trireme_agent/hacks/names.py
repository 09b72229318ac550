"""What the names of a module stand for, as far as its text decides it.

A name may stand for several things (an import and its fallback); all that may reach a use count. In the scope of the use
itself a later binding replaces an earlier one; from another scope every binding may be seen, since the text does not say when
that runs.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import re
import textwrap

from trireme_agent.hacks.calls import NAMESPACE, Call
from trireme_agent.hacks.constants import composed
from trireme_agent.hacks.project import Place, Project
from trireme_agent.hacks.scopes import Binding, Position, Scope, Site, blocks_of, position_of
from trireme_agent.hacks.tree import Tree

_MAX_ALIASES = 30  # names that stand for each other in a circle
_MAX_TEXTS = 100  # of code that exec() is given
_BUILTINS = frozenset(dir(builtins))
# What a star brings, of modules that say so themselves.
_STARS = {
    "eventlet.debug": {
        "format_hub_listeners", "format_hub_timers", "hub_blocking_detection", "hub_exceptions", "hub_listener_stacks",
        "hub_prevent_multiple_readers", "hub_timer_stacks", "spew", "tpool_exceptions", "unspew",
    },
    "eventlet.hubs": {"get_default_hub", "get_hub", "trampoline", "use_hub"},
}  # fmt: skip
# Who waits for what in a hub of Eventlet's, or a method of it: hub.secondaries, hub.secondaries.setdefault().append
_TABLE = re.compile(r"(eventlet\.hubs\..*\.(?:secondaries|listeners))(?:\.(?:get|pop|setdefault)\(\))*(?:\.\w+)?")


def table_of_hub(meaning: str) -> str:
    """"eventlet.hubs.get_hub().listeners", or "" where it is none."""
    found = _TABLE.fullmatch(meaning)
    return found[1] if found else ""


class Module(Tree):
    """A module whose names can be asked for what they stand for."""

    def __init__(self, tree: ast.Module, place: Place, project: Project) -> None:
        super().__init__(tree, place)
        self._project = project
        self._meanings: dict[ast.expr, frozenset[str]] = {}
        self._read_texts()

    def _read_texts(self) -> None:
        """Takes in the code that exec() and eval() are given as texts, at the places of their calls."""
        read: set[tuple[Scope, str]] = set()
        for site in self.sites:  # which grows by what they hold
            text = self._executed(site)
            if text is None or (site.scope, text) in read or len(read) > _MAX_TEXTS:
                continue
            read.add((site.scope, text))
            assert isinstance(site.node, ast.Call)
            with contextlib.suppress(SyntaxError, ValueError):
                self.insert(ast.parse(text), site, own_names=len(site.node.args) > 1)
        self._meanings.clear()  # what names stand for may be another thing now

    def _executed(self, site: Site) -> str | None:
        node = site.node
        if not isinstance(node, ast.Call) or not node.args or getattr(node.func, "id", "") not in ("exec", "eval"):
            return None
        if not self.meanings(site._replace(node=node.func)) & {"builtins.exec", "builtins.eval"}:
            return None
        code: ast.expr = node.args[0]
        while isinstance(code, ast.Call) and code.args:  # textwrap.dedent() and compile() of a text
            if not self.meanings(site._replace(node=code.func)) & {"builtins.compile", "textwrap.dedent"}:
                return None
            code = code.args[0]
        text = self.text(site._replace(node=code))
        return None if text is None else textwrap.dedent(text).strip()

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
            return self._of_subscript(node, site)
        parts: list[ast.expr] = []
        if isinstance(node, ast.IfExp):
            parts = [node.body, node.orelse]
        elif isinstance(node, ast.BoolOp):
            parts = node.values
        elif isinstance(node, (ast.NamedExpr, ast.Await)):
            parts = [node.value]
        return {each for part in parts for each in self.meanings(site._replace(node=part))}

    def _of_subscript(self, node: ast.Subscript, site: Site) -> set[str]:
        owners = self.meanings(site._replace(node=node.value))
        tables = {each for each in owners if table_of_hub(each)}
        name = self.text(site._replace(node=node.slice))
        if tables or not name:
            return tables
        if "builtins.globals()" in owners:
            variable = ast.copy_location(ast.Name(name, ast.Load()), node)
            return self._of_name(variable, Site(variable, self.top, ()))
        spaces = {each[: -len(NAMESPACE)] for each in owners if each.endswith(NAMESPACE)}
        return {name} if "sys.modules" in owners else self._through_project(spaces, [name])

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
        bindings = [*owner.attributes.get(node.attr, []), *owner.names.get(node.attr, [])]
        for binding in bindings:
            if binding.value is not None:
                found |= self.meanings(Site(binding.value, binding.scope, binding.path))
        return found if bindings else self._inherited(owner, node.attr)

    def _inherited(self, owner: Scope, attribute: str) -> set[str]:
        """An attribute that a class has of its bases, which are known by their names."""
        found: set[str] = set()
        waiting, seen = [owner], {owner}
        while waiting:
            scope = waiting.pop()
            assert isinstance(scope.node, ast.ClassDef)
            for base in scope.node.bases:
                place = scope.parent or self.top
                own = self.class_named(base, place) if isinstance(base, ast.Name) else None
                if own is not None and own not in seen:
                    seen.add(own)
                    waiting.append(own)
                found |= {f"{each}.{attribute}" for each in self.meanings(Site(base, place, ()))}
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
        call = self._call(node, site)
        return {each for name in call.named_by_text() or call.others() for each in self.followed(name)} | self._returned(
            node, site
        )

    def _returned(self, node: ast.Call, site: Site) -> set[str]:
        """What the functions of this module that a call may call return."""
        if not isinstance(node.func, ast.Name) or site.scope.owner(node.func.id) is None:
            return set()
        functions = [each.function for each in self.reaching(node.func.id, site._replace(node=node.func)) if each.function]
        return {meaning for each in functions for value in self.returns.get(self.scope_of[each], [])
                for meaning in self.meanings(value)}  # fmt: skip

    def _call(self, node: ast.Call, site: Site) -> Call:
        functions = self.meanings(site._replace(node=node.func))
        return Call(
            node,
            functions,
            lambda argument: self.text(site._replace(node=argument)),
            lambda argument: self.meanings(site._replace(node=argument)),
        )

    def named_by_text(self, site: Site) -> set[str]:
        """What a call names by a text that it is given, as getattr does."""
        if not isinstance(site.node, ast.Call):
            return set()
        return {each for name in self._call(site.node, site).named_by_text() for each in self.followed(name)}

    def attribute_named(self, site: Site, owner: ast.expr, name: ast.expr) -> set[str]:
        """What setattr and its like replace: an attribute of `owner` that a text names."""
        text = self.text(site._replace(node=name))
        return self._through_project(self.meanings(site._replace(node=owner)), [text]) if text else set()

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
        if isinstance(node, ast.Name) and site.scope.owner(node.id) is not None:
            bindings = self.reaching(node.id, site)
            value = bindings[0].value if len(bindings) == 1 else None
            if value is not None:
                return self.constant(Site(value, bindings[0].scope, bindings[0].path), aliases + 1)
        return composed(node, lambda part: self.constant(site._replace(node=part), aliases + 1))

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
