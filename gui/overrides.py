"""Errors in what is called by Qt: kept from ending the program where Python is 3.11.

There an error that C raises (a list's IndexError, a division by zero, a widget that Qt has deleted)
is an exception only once somebody catches it, and Shiboken takes it for one before: in a Python
method that Qt calls, such as ``paintEvent``, it ends the program instead of being reported. From
Python 3.12 on each is an exception from its beginning.
"""

import functools
import sys
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any
from weakref import WeakSet

from PySide6.QtCore import QObject

_ROOT: Any = QObject.__mro__[-2]
"""What every class of Qt is derived from, those that are no QObject too."""
CALLED = frozenset(
    "boundingRect canInsertFromMimeData columnCount createEditor data editorEvent event"
    " eventFilter filterAcceptsRow flags hasHeightForWidth headerData heightForWidth"
    " highlightBlock insertFromMimeData itemChange lessThan minimumSize minimumSizeHint paint"
    " paintSection rowCount run setData setEditorData setGeometry shape sizeHint sort"
    " updateEditorGeometry validate".split()
)
"""Methods that Qt calls, besides those whose name ends with Event."""
_catching: "WeakSet[Callable[..., Any]]" = WeakSet()


def catch_errors() -> None:
    """Have errors in methods that Qt calls be exceptions, of the classes known now and to come."""
    if sys.version_info >= (3, 12) or "__init_subclass__" in vars(_ROOT):
        return
    for kind in _derived(_ROOT):
        _catch_in(kind)
    _ROOT.__init_subclass__ = classmethod(_begun)


def _begun(kind: type, /, **rest: Any) -> None:
    super(_ROOT, kind).__init_subclass__(**rest)
    _catch_in(kind)


def _derived(kind: type) -> Iterator[type]:
    one: type
    for one in kind.__subclasses__():
        yield one
        yield from _derived(one)


def _catch_in(kind: type) -> None:
    for base in kind.__mro__:  # what it is mixed with is no class of Qt's, and comes no other way
        for name, method in list(vars(base).items()):
            called = name in CALLED or name.endswith("Event")
            if called and isinstance(method, FunctionType) and method not in _catching:
                setattr(base, name, _caught(method))


def _caught(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*arguments: Any, **named: Any) -> Any:
        try:
            return method(*arguments, **named)
        except BaseException:  # to catch it makes it an exception
            raise

    _catching.add(call)
    return call
