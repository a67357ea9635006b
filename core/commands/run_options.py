"""What train and diagnose are both told: which network, on what data, on what device, how long."""

import argparse
import signal
import time
from typing import TYPE_CHECKING, Any

from .. import playgrounds
from ..arguments import DEVICES, positive, whole
from ..errors import UserError
from ..paths import data_source
from ..signals import ending_signals
from . import say

if TYPE_CHECKING:
    from ..playground import Playground
    from ..telemetry.events import Progress
    from ..training.checkpoint import Checkpoint
    from ..training.control import Control
    from ..training.recipe import Recipe
    from ..training.trainer import Run


def add_recipe_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which recipe is meant, and its data."""
    parser.add_argument("--model", metavar="M", help="which model of the playground")
    parser.add_argument("--recipe", metavar="NAME", help="start from a recipe with a name")
    parser.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="change settings of the recipe, such as lr=0.001; an unknown KEY lists all",
    )
    parser.add_argument("--seed", type=int, metavar="N", help="short for --set seed=N")
    parser.add_argument("--data", metavar="DIR", help="folder of full data, or a file")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is to be trained, how long, and on what device."""
    add_recipe_options(parser)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=positive, metavar="S", help="train this long")
    length.add_argument("--steps", type=whole, metavar="N", help="train this many steps")
    help = "auto takes a GPU where there is one"
    parser.add_argument("--device", default="auto", choices=DEVICES, help=help)


def settings_of(options: argparse.Namespace) -> list[str]:
    """Return the options that were used to say something about the recipe or the length."""
    names = ("model", "recipe", "seconds", "steps", "set", "seed")
    return [f"--{name}" for name in names if getattr(options, name) not in (None, [])]


def recipe_of(
    options: argparse.Namespace,
    playground: "Playground",
    device: str,
    resume: "Checkpoint | None" = None,
) -> "Recipe":
    """Return the recipe that was asked for; says why, where the device chose it.

    Where none is named, that of the checkpoint to go on from is the one that settings change.
    """
    named = options.recipe
    if named is None and options.model is None:
        if resume and resume.playground is playground:
            return resume.recipe.replace(_pairs(options))
        named, why = playground.recipe_on(device)
        if why:
            say(why)
    return playground.recipe_for(options.model, named).replace(_pairs(options))


def run_of(
    options: argparse.Namespace,
    name: str,
    seconds: float,
    resume: "Checkpoint | None" = None,
    **rest: Any,
) -> "Run":
    """Return the run that was asked for.

    Args:
        options: of the command line.
        name: the playground's.
        seconds: how long, where neither the options nor the recipe say it.
        resume: the checkpoint that it goes on from.
        rest: what else the run is given.
    """
    from ..training.device import choose_device
    from ..training.trainer import Run

    playground = playgrounds.get(name)
    device = choose_device(options.device)
    recipe = recipe_of(options, playground, device.type, resume)
    steps = options.steps or (0 if options.seconds else recipe.steps) or None
    length = None if steps else options.seconds or seconds
    data = playground.load(data_source(options.data))
    return Run(playground, recipe, data, device, length, steps, resume=resume, **rest)


def _pairs(options: argparse.Namespace) -> dict[str, str]:
    pairs = {}
    for text in options.set:
        key, equals, value = text.partition("=")
        if not equals:
            raise UserError(f"--set wants KEY=VALUE, such as lr=0.001; {text} has no '='.")
        pairs[key] = value
    if options.seed is not None:
        pairs["seed"] = str(options.seed)
    return pairs


def control_of(options: argparse.Namespace) -> "Control":
    """Return a control that Ctrl+C asks to stop; a second time, at once.

    So do the other signals that end a process, at once: whoever sends them waits a few seconds. The
    first one is noted in the options as ``stopped_by``.
    """
    from ..training.control import Control

    control = Control()

    def stop(number: int, frame: object) -> None:
        options.stopped_by = options.stopped_by or number
        control.stop(abandon=control.stopping or number != signal.SIGINT)

    for number in (signal.SIGINT, *ending_signals()):
        signal.signal(number, stop)
    return control


def say_progress(event: "Progress") -> None:
    """Say how far something is, on one line."""
    say(f"{event.share:4.0%}  {event.words}")


class ProgressPrinter:
    """Says how far a training is, once a second."""

    def __init__(self) -> None:
        self._told = 0.0

    def tell(self, event: Any) -> None:
        """Say it, if it is time."""
        if time.monotonic() - self._told > 1:
            self._told = time.monotonic()
            loss = event.recent_loss
            say(f"{event.progress:4.0%}  step {event.step:,}  loss {loss:.4f}")
