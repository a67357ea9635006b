"""What a run does before its first step: its data is made ready, which may take a while."""

import time
from collections.abc import Callable

from ..errors import UserError
from ..interruption import CancelledError, heeding
from ..telemetry.events import Progress
from .control import Control
from .trainer import Run


def prepare_data(
    run: Run, control: Control, report: Callable[[Progress], object], interval: float = 0.2
) -> Run:
    """Make a run's data ready, such as a tokenizer and the tokens of a text, and return the run.

    Args:
        run: what will be trained.
        control: may stop it.
        report: is called with the progress every ``interval`` seconds; not for what is quicker.
        interval: in seconds.

    Raises:
        UserError: the data does not allow what the recipe asks for, or it was stopped.
    """
    reported = time.monotonic()

    def progress(words: str, share: float) -> None:
        nonlocal reported
        if time.monotonic() - reported > interval:
            reported = time.monotonic()
            report(Progress(words, share))

    try:
        with heeding(lambda: control.stopping):
            run.playground.get_ready(run.data, run.recipe, progress)
    except CancelledError:
        raise UserError("Stopped before the training began; nothing was kept.") from None
    return run
