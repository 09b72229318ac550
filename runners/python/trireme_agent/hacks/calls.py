"""What calls of the standard library, and of what looks up modules, stand for: the dotted names of what they give."""

from __future__ import annotations

import ast
from collections.abc import Callable

NAMESPACE = ".__dict__"  # what vars() gives, too
_IMPORTERS = frozenset({
    "importlib.import_module", "eventlet.import_patched", "eventlet.patcher.import_patched", "eventlet.patcher.original",
    "oslo_utils.importutils.import_module", "oslo_utils.importutils.try_import", "pytest.importorskip", "sys.modules.get",
})  # fmt: skip
# The attribute of their first argument that the second names.
_GETTERS = frozenset({"builtins.getattr", "builtins.object.__getattribute__"})
# Methods of what they look into, whose first argument is the name.
_METHODS = (f"{NAMESPACE}.get", ".__getattribute__")
_ATTRGETTER = "operator.attrgetter("
_METHODCALLER = "operator.methodcaller("
_RESOLVER = "pkgutil.resolve_name"


class Call:
    """`text_of` and `meanings_of` are those of expressions that stand where the call does."""

    def __init__(
        self,
        node: ast.Call,
        functions: frozenset[str],
        text_of: Callable[[ast.expr], str | None],
        meanings_of: Callable[[ast.expr], frozenset[str]],
    ) -> None:
        self._node = node
        self._functions = functions
        self._text_of = text_of
        self._meanings_of = meanings_of

    def named_by_text(self) -> set[str]:
        """What getattr and its like give: their arguments name it, so it is used there."""
        first = self._text(0, "name")
        names = {f"{each[: -len(method)]}.{first}" for each in self._functions for method in _METHODS
                 if first and each.endswith(method)}  # fmt: skip
        if self._functions & _GETTERS and self._text(1):
            names |= {f"{each}.{self._text(1)}" for each in self._argument(0)}
        if _RESOLVER in self._functions and first:
            names.add(first.replace(":", ".").removesuffix("."))
        for kind in (_ATTRGETTER, _METHODCALLER):
            for each in self._functions:
                if each.startswith(kind):
                    names |= {f"{owner}.{each[len(kind) : -1]}" for owner in self._argument(0)}
        return names

    def others(self) -> set[str]:
        """What else a call gives that is not merely what its function returns."""
        functions, first = self._functions, self._text(0, "name")
        if functions & _IMPORTERS:
            return {self._absolute(first)} if first else set()
        if "builtins.__import__" in functions:
            whole = len(self._node.args) > 3 or any(keyword.arg == "fromlist" for keyword in self._node.keywords)
            return {first if whole else first.split(".")[0]} if first else set()
        for kind in (_ATTRGETTER, _METHODCALLER):
            if kind[:-1] in functions:
                return {f"{kind}{first})"} if first else set()
        if len(self._node.args) == 1 and "builtins.vars" in functions:
            return {each + NAMESPACE for each in self._argument(0)}
        if len(self._node.args) == 1 and "builtins.staticmethod" in functions:
            return set(self._argument(0))
        return {f"{function}()" for function in functions}

    def _argument(self, position: int) -> frozenset[str]:
        return self._meanings_of(self._node.args[position]) if len(self._node.args) > position else frozenset()

    def _text(self, position: int, keyword: str = "") -> str | None:
        if len(self._node.args) > position:
            return self._text_of(self._node.args[position])
        return next((self._text_of(each.value) for each in self._node.keywords if keyword and each.arg == keyword), None)

    def _absolute(self, name: str) -> str:
        """import_module(".debug", "eventlet") names the module from its package on."""
        package = self._text(1, "package") if name.startswith(".") else None
        return f"{package}{name}" if package and not name.startswith("..") else name
