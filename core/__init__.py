"""Everything a network does, without a screen: usable from a terminal or a notebook.

Importing this package costs no torch; the modules that need it import it themselves.
"""

from .version import __version__ as __version__


def __getattr__(name: str) -> object:
    """Bring ``watch`` when it is asked for: ``from glassbox import watch``."""
    if name == "watch":
        from .doctor.watch_loop import watch

        return watch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
