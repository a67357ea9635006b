"""The command ``glassbox``: the window or, with the name of a command, the command line."""

import sys

from . import HOME


def main() -> int:
    """Start what ``python main.py`` starts in a checkout.

    This process is Glassbox's own: its folder comes first, before others' ``core`` and ``gui``.
    """
    sys.path.insert(0, str(HOME))
    from main import main as start

    return start()


if __name__ == "__main__":
    sys.exit(main())
