"""The command line of the window; knows no Qt, so that an error costs no second."""

import argparse

from core import __version__
from core.arguments import DEVICES, Parser
from core.paths import COMMAND, IN_CHECKOUT

ABOUT = "Glassbox: a playground for the networks of Neural Networks: Zero to Hero."
WITHOUT = f"Without a window: {COMMAND} COMMAND ..., such as {COMMAND} train --help."


def parse(argv: list[str]) -> argparse.Namespace:
    """Read the command line of the window.

    Raises:
        UserError: an option is unknown or impossible.
    """
    program = "main.py" if IN_CHECKOUT else "glassbox"
    parser = Parser(prog=program, description=ABOUT, epilog=WITHOUT)
    parser.add_argument(
        "--page",
        metavar="NAME",
        help="the page to begin with, such as digits; of a tour, the only one",
    )
    parser.add_argument("--data", metavar="DIR", help="folder of full data sets")
    parser.add_argument("--device", default="auto", choices=DEVICES)
    parser.add_argument("--theme", default="system", choices=("system", "light", "dark"))
    parser.add_argument(
        "--fresh", action="store_true", help="neither use nor change what was remembered last time"
    )
    parser.add_argument("--tour", metavar="DIR", help="let the program use itself; pictures to DIR")
    parser.add_argument(
        "--long", action="store_true", help="a tour that trains all models and the whole case study"
    )
    parser.add_argument("--version", action="version", version=f"Glassbox {__version__}")
    return parser.parse_args(argv)
