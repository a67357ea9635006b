"""Glassbox: the window or, with the name of a command, the command line."""

import sys
from typing import NoReturn

from core.errors import UserError
from core.problems import problem_of


def main() -> int:
    """Do what the arguments ask for; what is not possible is a sentence."""
    try:
        if sys.argv[1:] and not sys.argv[1].startswith("-"):
            from core.__main__ import run

            return run()
        _open_window()
    except Exception as error:
        if not (problem := problem_of(error)):
            raise
        if sys.stderr is not None:
            print(f"glassbox: {problem}", file=sys.stderr)
    return 2


def _open_window() -> NoReturn:
    from gui import preflight
    from gui.options import parse

    options = parse(sys.argv[1:])
    if problem := preflight.problem():
        raise UserError(problem)
    from gui import app

    app.leave(app.run(options))


if __name__ == "__main__":
    sys.exit(main())
