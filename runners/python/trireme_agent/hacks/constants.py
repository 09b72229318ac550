"""Constants that are written as several: texts joined, formatted, or put together by operators."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence

# Gives the constant that a part is, or None.
_ValueOf = Callable[[ast.expr], object]
_MAX_LENGTH = 1 << 16  # of a text that is made of others
# Templates that only put texts in: a width may ask for as much as there is memory.
_PERCENT = re.compile(r"(?:[^%]|%s|%%)*", re.DOTALL)
_BRACES = re.compile(r"(?:[^{}]|\{\d?\})*", re.DOTALL)


def composed(node: ast.expr, value_of: _ValueOf) -> object:
    """The constant that an expression is by its parts; None where one of them is not known."""
    value: object = None
    if isinstance(node, ast.BinOp):
        value = _operated(node, value_of)
    elif isinstance(node, ast.JoinedStr):
        value = _joined("", [_formatted(part, value_of) for part in node.values])
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        operand = value_of(node.operand)
        return None if operand is None else not operand
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.keywords:
        value = _called(value_of(node.func.value), node.func.attr, node.args, value_of)
    return value if isinstance(value, str) and len(value) <= _MAX_LENGTH else None


def _operated(node: ast.BinOp, value_of: _ValueOf) -> str | None:
    left = value_of(node.left)
    if not isinstance(left, str):
        return None
    if isinstance(node.op, ast.Add):
        return _joined("", [left, value_of(node.right)])
    if isinstance(node.op, ast.Mod) and _PERCENT.fullmatch(left):
        parts = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
        return _filled(left.__mod__, parts, value_of)
    return None


def _called(text: object, method: str, args: list[ast.expr], value_of: _ValueOf) -> str | None:
    if not isinstance(text, str):
        return None
    if method == "format" and _BRACES.fullmatch(text):
        return _filled(lambda values: text.format(*values), args, value_of)
    if method == "join" and len(args) == 1 and isinstance(args[0], (ast.List, ast.Tuple)):
        return _joined(text, [value_of(part) for part in args[0].elts])
    return None


def _joined(separator: str, parts: Sequence[object]) -> str | None:
    texts = [part for part in parts if isinstance(part, str)]
    return separator.join(texts) if len(texts) == len(parts) else None


def _filled(fill: Callable[[tuple[str, ...]], str], parts: list[ast.expr], value_of: _ValueOf) -> str | None:
    values = [value for value in map(value_of, parts) if isinstance(value, str)]
    if len(values) < len(parts):
        return None
    try:
        return fill(tuple(values))
    except (ValueError, TypeError, IndexError):  # as it would when it runs
        return None


def _formatted(part: ast.expr, value_of: _ValueOf) -> object:
    if not isinstance(part, ast.FormattedValue):
        return value_of(part)
    return value_of(part.value) if part.conversion == -1 and part.format_spec is None else None
