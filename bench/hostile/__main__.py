"""Run one of the attacks: each is a module beside this one, and has options of its own."""

import argparse
import importlib
import sys
from pathlib import Path


def main(words: list[str]) -> None:
    """Hand the options to an attack's ``main``, which prints its rows."""
    beside = Path(__file__).parent.glob("[!_]*.py")
    parser = argparse.ArgumentParser(prog="python -m bench.hostile", description=__doc__)
    parser.add_argument("attack", choices=sorted(path.stem for path in beside))
    attack = parser.parse_args(words[:1]).attack
    importlib.import_module(f"bench.hostile.{attack}").main(words[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
