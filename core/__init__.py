"""Everything a network does, without a screen: usable from a terminal or a notebook.

Importing this package costs no torch; the modules that need it import it themselves.
"""

__version__ = "0.1.0"
