"""Glassbox: a playground for the networks of Neural Networks: Zero to Hero."""

import sys

from core.errors import UserError
from gui import preflight
from gui.options import parse


def main() -> int:
    """Open the window, or say in a sentence why that is not possible."""
    try:
        options = parse(sys.argv[1:])
        if problem := preflight.problem():
            raise UserError(problem)
        from gui import app

        return app.run(options)
    except UserError as error:
        print(f"glassbox: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
