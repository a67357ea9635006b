"""Glassbox: a playground for the networks of Neural Networks: Zero to Hero."""

import argparse
import sys

from core import __version__
from core.arguments import DEVICES, Parser
from core.errors import UserError
from gui import preflight


def parse(argv: list[str]) -> argparse.Namespace:
    """Read the command line of the window.

    Raises:
        UserError: an option is unknown or impossible.
    """
    parser = Parser(prog="main.py", description=__doc__)
    parser.add_argument("--page", metavar="NAME", help="the page to begin with, such as digits")
    parser.add_argument("--data", metavar="DIR", help="folder of full data sets")
    parser.add_argument("--device", default="auto", choices=DEVICES)
    parser.add_argument("--theme", default="system", choices=("system", "light", "dark"))
    parser.add_argument("--tour", metavar="DIR", help="let the program use itself; pictures to DIR")
    parser.add_argument(
        "--long", action="store_true", help="a tour that trains all models and the whole case study"
    )
    parser.add_argument("--version", action="version", version=f"Glassbox {__version__}")
    return parser.parse_args(argv)


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
