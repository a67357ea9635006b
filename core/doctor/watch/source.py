"""The syntax trees of a program's files."""

import ast
import linecache
from functools import lru_cache


def syntax_tree(file: str) -> ast.Module | None:
    """Return the syntax tree of a file or a cell; None if there is no source."""
    return _parsed("".join(linecache.getlines(file)))


@lru_cache(maxsize=8)
def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source) if source else None
    except (SyntaxError, ValueError, RecursionError):
        return None
