"""The command line: ``python -m core``. See ``--help``; the contract stands in docs."""

import os
import sys

from .cli import main


def run() -> int:
    """Run the command that this process was started with; return the exit status."""
    status = main()
    if "TORCHELASTIC_RUN_ID" in os.environ:  # one of several, started by torchrun
        # DistributedDataParallel never lets go of torch's threads, and they abort the process
        # if Python ends under them (pytorch#179291): all is written, so leave without that end.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


if __name__ == "__main__":
    sys.exit(run())
