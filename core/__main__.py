"""The command line: ``python -m core``. See ``--help``; the contract stands in README.md."""

import sys

from core.cli import main

if __name__ == "__main__":
    sys.exit(main())
