"""One thing that was found."""

from __future__ import annotations

import ast
from typing import NamedTuple


class Finding(NamedTuple):
    """Lines count from 1; so do columns, of characters. `kind` is one that the harness has a text for."""

    line: int
    column: int
    end_line: int
    end_column: int
    kind: str
    subject: str  # what it is about, as a reader of the source would name it


def at(node: ast.expr | ast.stmt | ast.alias, kind: str, subject: str) -> Finding:
    end_line = node.end_lineno or node.lineno
    end_column = node.end_col_offset or node.col_offset
    return Finding(node.lineno, node.col_offset, end_line, end_column, kind, subject)
